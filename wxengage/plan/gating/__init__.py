"""The gate (触达闸门): whether a message goes now, when else, and why not."""

from wxengage.plan.gating.decisions import Decision, Decisions
from wxengage.plan.gating.gate import EXEMPTIONS, Gate
from wxengage.plan.gating.history import History
from wxengage.plan.gating.says import REASONS

__all__ = ["EXEMPTIONS", "REASONS", "Decision", "Decisions", "Gate", "History"]
