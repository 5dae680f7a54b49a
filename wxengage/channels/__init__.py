"""Which ways there are to reach somebody, and what is left of them (渠道与配额)."""

from __future__ import annotations

from wxengage.channels.answers import ANSWERS, Answer
from wxengage.channels.bulk import quotas_of
from wxengage.channels.catalog import CATALOG, Channel
from wxengage.channels.folding import advance
from wxengage.channels.marks import Failure, Lifted
from wxengage.channels.proposals import Proposal, recommend
from wxengage.channels.quota_table import Quotas
from wxengage.channels.quotas import Allowance, Quota
from wxengage.channels.routes import Route, route

__all__ = [
    "ANSWERS",
    "CATALOG",
    "Allowance",
    "Answer",
    "Channel",
    "Failure",
    "Lifted",
    "Proposal",
    "Quota",
    "Quotas",
    "Route",
    "advance",
    "quotas_of",
    "recommend",
    "route",
]
