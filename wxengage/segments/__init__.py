"""Chapter 1, who is who: segments and how users move between them (用户分层)."""

from wxengage.segments.lifecycle import Segments, classify_users, segment_users
from wxengage.segments.moves import TransitionMatrix, transition_matrix, transitions
from wxengage.segments.playbook import PLAYBOOK, Move, Strategy
from wxengage.segments.policy import (
    INTERACTION_WEIGHTS,
    REASONS,
    SEGMENTS,
    LifecyclePolicy,
)
from wxengage.segments.rfm import rfm_scores

__all__ = [
    "INTERACTION_WEIGHTS",
    "PLAYBOOK",
    "REASONS",
    "SEGMENTS",
    "LifecyclePolicy",
    "Move",
    "Segments",
    "Strategy",
    "TransitionMatrix",
    "classify_users",
    "rfm_scores",
    "segment_users",
    "transition_matrix",
    "transitions",
]
