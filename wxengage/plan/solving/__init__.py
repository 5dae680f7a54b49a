"""How a plan is found (求解): whole numbers where small, prices where large."""

from wxengage.plan.solving.crowds import LARGEST
from wxengage.plan.solving.priced import solve_priced
from wxengage.plan.solving.program import solve

__all__ = ["LARGEST", "solve", "solve_priced"]
