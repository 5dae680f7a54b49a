"""What is sent to whom, when, and why (触达计划): the room that joins the others."""

from __future__ import annotations

from wxengage.plan.bounds import Usage
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.result import OUTCOMES, Outcomes, Plan, Why
from wxengage.plan.solver import plan_sends
from wxengage.plan.tomorrow import PRIORS, WEIGHTS, Prior, next_day

__all__ = [
    "OUTCOMES",
    "PRIORS",
    "WEIGHTS",
    "Candidates",
    "Option",
    "Outcomes",
    "Plan",
    "Prior",
    "Usage",
    "Why",
    "next_day",
    "plan_sends",
]
