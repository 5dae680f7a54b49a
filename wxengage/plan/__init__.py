"""What is sent to whom, when, and why (触达计划): the room that joins the others."""

from __future__ import annotations

from wxengage.plan.candidates import Candidates
from wxengage.plan.gating.decisions import Decision, Decisions
from wxengage.plan.gating.gate import Gate
from wxengage.plan.gating.history import History
from wxengage.plan.options import Option
from wxengage.plan.priors import PRIORS, Prior
from wxengage.plan.result import Plan
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.many import due_many
from wxengage.plan.scenes.trigger import Trigger
from wxengage.plan.solver import plan_sends
from wxengage.plan.tomorrow import next_day
from wxengage.plan.worth import expected_value

__all__ = [
    "PRIORS",
    "Candidates",
    "Decision",
    "Decisions",
    "Gate",
    "History",
    "Option",
    "Plan",
    "Prior",
    "Trigger",
    "due_many",
    "due_triggers",
    "expected_value",
    "next_day",
    "plan_sends",
]
