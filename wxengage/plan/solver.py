"""The planner (触达计划): who gets what, when, and how good that is at least."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.plan.bounds import Limits, Usage
from wxengage.plan.candidates import HELD_OUT, Candidates
from wxengage.plan.result import CHOSEN, REASONS, Plan
from wxengage.plan.solving.crowds import Room, deal, gather, usable_by
from wxengage.plan.solving.layout import lay_out
from wxengage.plan.solving.priced import solve_priced
from wxengage.plan.solving.program import Program, solve
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Limit, Total
    from wxengage.plan.result import Short
    from wxengage.plan.solving.crowds import Crowd
    from wxengage.plan.solving.layout import Layout

__all__ = ["plan_sends"]

_MADE_BY: Final = "Candidates.from_matrix, from_rows, from_pairs or from_sends"
# Users whose reasons are looked up at a time.
_PART: Final = 50_000


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
        How far below the bound is good enough, as a share of it, at least 0.
        A small problem with crowds of up to 1,000 is always solved to the end.
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
        If a limit is no limit, or the gap no gap.

    Notes
    -----
    Transactional options keep to budgets only. A cap counts what is planned
    here, not the past: give ``sends_left`` where users have had something today
    already. With an ``AdShare`` give ``ads_left``; without it the past is not
    known, and nobody gets an ad unless a first message may be one. Ties go to
    the smaller user id, so the order of the users changes nothing.

    Up to 50,000 variables (crowds of equal users, times options) the method is
    HiGHS dual simplex, then branch and bound. Beyond, each budget gets a price,
    users are planned one by one at these prices, and what is too much or left
    over is mended: time and memory grow with users times options. The bound is the
    linear relaxation's where the sets of one user lie within each other, as slots,
    a cap a day and ``ads_left`` of 0 or 1 do; where they cross, or ``ads_left`` is 2
    and more, it may be higher. ``Plan.unmet`` says why a gap is not reached.

    The same problem has the same plan, whatever the number of threads.

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
    found = Limits.of(limits)
    instants = found.instants(candidates.options, clock)
    groups = found.groups(candidates.options, instants, clock)
    totals = found.totals(candidates.options)
    by_id = np.argsort(candidates.users, kind="stable")
    crowds = gather(candidates, found, groups, instants, by_id)
    if crowds is None:
        layout = lay_out(
            candidates, found, groups, totals, instants=instants, by_id=by_id
        )
        answer = _by_prices(
            candidates, found, layout, totals, instants=instants, gap=gap
        )
    else:
        answer = _exactly(*crowds, totals, gap)
    users, chosen = _in_order(answer, instants, by_id)
    usage = _usage(totals, chosen, answer.prices)
    return Plan(
        candidates=candidates,
        clock=clock,
        instants=instants,
        chosen_user=users,
        chosen_option=chosen,
        outcome=answer.outcome,
        value=answer.value,
        bound=answer.bound,
        gap=(answer.bound - answer.value) / answer.bound if answer.bound else 0.0,
        asked=gap,
        short=answer.short,
        usage=usage,
        full=_full(totals, usage, len(candidates.options)),
        limits=found,
    )


def _require_gap(gap: object) -> None:
    if isinstance(gap, bool) or not isinstance(gap, int | float):
        raise InvalidInputError("gap", gap, "a number from 0 to below 1")
    if not 0 <= gap < 1 or math.isnan(gap):
        raise InvalidInputError("gap", gap, "from 0 to below 1", "for example 1e-4")


@attrs.frozen(eq=False)
class _Answer:
    """What either way of solving comes to: one entry a send, in no order."""

    users: NDArray[np.int64]
    options: NDArray[np.int64]
    outcome: NDArray[np.int8]
    value: float
    bound: float
    prices: Mapping[str, float]
    short: Short


def _exactly(
    crowds: tuple[Crowd, ...],
    reasons: NDArray[np.int8],
    totals: tuple[Total, ...],
    gap: float,
) -> _Answer:
    """Solve a small problem as whole numbers."""
    none = np.empty(0, dtype=np.int64)
    if not crowds:
        return _Answer(none, none, reasons, 0.0, 0.0, {}, "")
    solution = solve(Program.of(crowds, totals), gap)
    ends = np.cumsum([len(crowd.options) for crowd in crowds])
    counts = np.split(solution.counts, ends[:-1])
    dealt = [deal(crowd, own) for crowd, own in zip(crowds, counts, strict=True)]
    users = np.concatenate([who for who, _ in dealt])
    options = np.concatenate([what for _, what in dealt])
    reasons[users] = CHOSEN
    value, bound = solution.value, solution.bound
    return _Answer(users, options, reasons, value, bound, solution.prices, "nodes")


def _by_prices(
    candidates: Candidates,
    limits: Limits,
    layout: Layout,
    totals: tuple[Total, ...],
    *,
    instants: NDArray[np.int64],
    gap: float,
) -> _Answer:
    """Solve a large problem by prices."""
    found = solve_priced(layout, totals, gap)
    outcome = np.full(len(candidates), REASONS.index("capacity"), dtype=np.int8)
    outcome[candidates.row_of == HELD_OUT] = REASONS.index("holdout")
    nothing = candidates.row_of != HELD_OUT
    nothing[found.wants] = False
    ads, sends = limits.left(candidates)
    # Why somebody can get nothing is asked for few at a time: it takes a table.
    for users in np.array_split(np.flatnonzero(nothing), nothing.sum() // _PART + 1):
        room = Room(candidates.row_of[users], ads[users], sends[users])
        _, outcome[users] = usable_by(candidates, room, instants)
    outcome[found.users] = CHOSEN
    return _Answer(
        found.users,
        found.options,
        outcome,
        found.value,
        found.bound,
        found.prices,
        found.short,
    )


def _in_order(
    answer: _Answer, instants: NDArray[np.int64], by_id: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return users and options, one entry a send, by time and then by user id."""
    rank = np.empty_like(by_id)
    rank[by_id] = np.arange(len(by_id))
    _, turn = np.unique(instants, return_inverse=True)
    users, options = max(len(by_id), 1), max(len(instants), 1)
    # Sorting plain numbers is many times as fast as sorting by three keys.
    keys = (turn[answer.options] * users + rank[answer.users]) * options
    rest, chosen = np.divmod(np.sort(keys + answer.options), options)
    return by_id[rest % users], chosen


def _usage(
    totals: tuple[Total, ...], chosen: NDArray[np.int64], prices: Mapping[str, float]
) -> Mapping[str, Usage]:
    counts = np.bincount(chosen, minlength=1)
    return MappingProxyType(
        {
            total.name: Usage(
                int(total.weights[: len(counts)] @ counts[: len(total.weights)]),
                total.limit,
                total.unit,
                prices.get(total.name, 0.0),
            )
            for total in totals
        }
    )


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
