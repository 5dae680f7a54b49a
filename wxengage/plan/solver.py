"""The planner (触达计划): who gets what, when, and how good that is at least."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.plan.bounds import Limits, Usage
from wxengage.plan.candidates import Candidates
from wxengage.plan.crowds import deal, gather
from wxengage.plan.program import Program, solve
from wxengage.plan.result import REASONS, Plan
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Limit, Total
    from wxengage.plan.crowds import Crowd
    from wxengage.plan.program import Solution

__all__ = ["plan_sends"]

_MADE_BY: Final = "Candidates.from_matrix, from_rows or from_sends makes them"


def plan_sends(
    candidates: Candidates,
    limits: Limit | Iterable[Limit] = (),
    *,
    gap: float = 1e-4,
    clock: DayClock = DayClock(),
) -> Plan:
    """Return the plan of the highest value that the limits allow.

    Parameters
    ----------
    candidates
        Who might get what, and what it is worth.
    limits
        Any of ``Cap`` (a user in a day, week, month or stretch), ``Budget``
        (all users together), ``AdShare`` and ``QuietHours``, in any order.
        Nobody ever gets two messages at the same instant.
    gap
        How far below the best is good enough, as a share of it, at least 0.
        Crowds of up to 1,000 are always solved to the end.
    clock
        Whose days and nights count.

    Returns
    -------
    Plan
        With its value, the bound that no plan passes, the gap between them,
        the price of each budget and an outcome for every user. Options worth
        nothing or less are not sent. An option goes at the first instant of its
        window that is not quiet.

    Raises
    ------
    InvalidInputError
        If the problem is too large to be solved exactly after equal users have
        been merged (50,000 variables), a limit is no limit, or the gap no gap.

    Notes
    -----
    Transactional options keep to budgets only. A cap counts what is planned
    here, not the past: give ``sends_left`` where users have had something today
    already. With an ``AdShare`` give ``ads_left``; without it the past is not
    known, and nobody gets an ad unless a first message may be one. Ties go to
    the smaller user id, so the order of the users changes nothing.

    Method: HiGHS dual simplex, then branch and bound, over crowds of equal
    users. Time grows with the number of crowds; the number of users costs a
    sort of their ids.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.pacing.budgets import Budget
    >>> from wxengage.plan.options import Option
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=DayClock().zone)
    >>> gift = Option("gift", "wecom", noon, noon + dt.timedelta(hours=2))
    >>> who = Candidates.from_matrix([[3.0], [5.0]], [gift], ["ada", "bob"])
    >>> plan = plan_sends(who, Budget(1, scope="channel:wecom"))
    >>> [send.user for send in plan.sends], plan.value, dict(plan.prices)
    (['bob'], 5.0, {'channel:wecom (sends)': 3.0})
    >>> plan.why("ada").reason
    'capacity'
    """
    if not isinstance(candidates, Candidates):
        raise InvalidInputError("candidates", candidates, "Candidates", _MADE_BY)
    _require_gap(gap)
    options = candidates.options
    sorted_limits = Limits.of(limits)
    instants = sorted_limits.instants(options, clock)
    groups = sorted_limits.groups(options, instants, clock)
    totals = sorted_limits.totals(options)
    by_id = np.argsort(candidates.users, kind="stable")
    crowds, reasons = gather(candidates, sorted_limits, groups, instants, by_id)
    solution = None if not crowds else solve(Program.of(crowds, totals), gap)
    users, chosen = _assign(crowds, solution, instants, by_id)
    reasons[users] = "chosen"
    usage = _usage(totals, chosen, solution)
    value = 0.0 if solution is None else solution.value
    bound = 0.0 if solution is None else solution.bound
    return Plan(
        candidates=candidates,
        clock=clock,
        instants=instants,
        chosen_user=users,
        chosen_option=chosen,
        outcome=_outcomes(reasons),
        value=value,
        bound=bound,
        gap=(bound - value) / bound if bound else 0.0,
        asked=gap,
        usage=usage,
        full=_full(totals, usage, len(options)),
    )


def _require_gap(gap: object) -> None:
    if isinstance(gap, bool) or not isinstance(gap, int | float):
        raise InvalidInputError("gap", gap, "a number from 0 to below 1")
    if not 0 <= gap < 1 or math.isnan(gap):
        raise InvalidInputError("gap", gap, "from 0 to below 1", "for example 1e-4")


def _assign(
    crowds: tuple[Crowd, ...],
    solution: Solution | None,
    instants: NDArray[np.int64],
    by_id: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return users and options, one entry a send, by time and then by user id."""
    if solution is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    ends = np.cumsum([len(crowd.options) for crowd in crowds])
    counts = np.split(solution.counts, ends[:-1])
    dealt = [deal(crowd, own) for crowd, own in zip(crowds, counts, strict=True)]
    users = np.concatenate([who for who, _ in dealt])
    options = np.concatenate([what for _, what in dealt])
    rank = np.empty_like(by_id)
    rank[by_id] = np.arange(len(by_id))
    order = np.lexsort([options, rank[users], instants[options]])
    return users[order], options[order]


def _usage(
    totals: tuple[Total, ...], chosen: NDArray[np.int64], solution: Solution | None
) -> Mapping[str, Usage]:
    prices = {} if solution is None else solution.prices
    return MappingProxyType(
        {
            total.name: Usage(
                int(total.weights[chosen].sum()),
                total.limit,
                total.unit,
                prices.get(total.name, 0.0),
            )
            for total in totals
        }
    )


def _outcomes(reasons: NDArray[np.str_]) -> NDArray[np.int8]:
    outcome = np.zeros(len(reasons), dtype=np.int8)
    for number, reason in enumerate(REASONS):
        outcome[reasons == reason] = number
    return outcome


def _full(
    totals: tuple[Total, ...], usage: Mapping[str, Usage], options: int
) -> tuple[str | None, ...]:
    """Return for each option a budget without room for one more, or None."""
    found: list[str | None] = [None] * options
    for total in totals:
        left = usage[total.name].left
        for option in np.flatnonzero(total.weights > left).tolist():
            found[option] = found[option] or total.name
    return tuple(found)
