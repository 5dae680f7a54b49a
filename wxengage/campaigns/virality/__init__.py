"""How far a campaign spreads, and what that costs (裂变)."""

from __future__ import annotations

from wxengage.campaigns.virality.costs import InviterCost, inviter_cost
from wxengage.campaigns.virality.course import Fakes
from wxengage.campaigns.virality.payouts import Payouts, payout_distribution
from wxengage.campaigns.virality.simulation import Simulation, simulate
from wxengage.campaigns.virality.spread import (
    GenerationTime,
    Growth,
    extinction,
    growth,
    k_factor,
    progeny,
)
from wxengage.campaigns.virality.trees import Forest, forest

__all__ = [
    "Fakes",
    "Forest",
    "GenerationTime",
    "Growth",
    "InviterCost",
    "Payouts",
    "Simulation",
    "extinction",
    "forest",
    "growth",
    "inviter_cost",
    "k_factor",
    "payout_distribution",
    "progeny",
    "simulate",
]
