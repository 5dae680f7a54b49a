"""Points (积分): earned as lots, spent, expired, refunded, reinstated."""

from wxengage.segments.points.crowd import Balances, balances, user_balances
from wxengage.segments.points.decay import DecayingPoints
from wxengage.segments.points.facts import Earned, Fact, Reinstated, Reversed, Spent
from wxengage.segments.points.lots import Balance, PointsLot, balance
from wxengage.segments.points.policy import PointsPolicy
from wxengage.segments.points.validity import Validity

__all__ = [
    "Balance",
    "Balances",
    "DecayingPoints",
    "Earned",
    "Fact",
    "PointsLot",
    "PointsPolicy",
    "Reinstated",
    "Reversed",
    "Spent",
    "Validity",
    "balance",
    "balances",
    "user_balances",
]
