"""The gate (触达闸门): whether a message goes now, when else, and why not."""

from wxengage.plan.gating.allowances import Allowances
from wxengage.plan.gating.decisions import Decision, Decisions
from wxengage.plan.gating.gate import EXEMPTIONS, Gate
from wxengage.plan.gating.history import History
from wxengage.plan.gating.past import Past
from wxengage.plan.gating.people import People
from wxengage.plan.gating.says import REASONS
from wxengage.plan.gating.tables import Tables, tables_of

__all__ = [
    "EXEMPTIONS",
    "REASONS",
    "Allowances",
    "Decision",
    "Decisions",
    "Gate",
    "History",
    "Past",
    "People",
    "Tables",
    "tables_of",
]
