"""The guard against abuse (薅羊毛风控): evidence about inviters, and never a ban."""

from __future__ import annotations

from wxengage.campaigns.guard.attackers import ATTACKS, Attack, Crowd, simulated_log
from wxengage.campaigns.guard.policy import RiskPolicy
from wxengage.campaigns.guard.profits import Profits, attack_profits
from wxengage.campaigns.guard.result import Risk, Risks, Signal
from wxengage.campaigns.guard.scoring import risk
from wxengage.campaigns.guard.votes import vote_risk

__all__ = [
    "ATTACKS",
    "Attack",
    "Crowd",
    "Profits",
    "Risk",
    "RiskPolicy",
    "Risks",
    "Signal",
    "attack_profits",
    "risk",
    "simulated_log",
    "vote_risk",
]
