"""What the planner and HiGHS do with offers, ready to be timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jobs import Job
from offers import CHANNELS, MESSAGES, OPTIONS, limits_of

from wxengage.pacing.budgets import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from offers import Offers
    from timing import Digests

__all__ = ["BY_PRICES", "INTERIOR", "OWN", "SIMPLEX", "WHOLE", "make_job", "unequal"]

OWN: Final = "wxengage"
BY_PRICES: Final = "wxengage, by prices"
SIMPLEX: Final = "HiGHS simplex"
INTERIOR: Final = "HiGHS interior point"
WHOLE: Final = "HiGHS branch and bound"
#: How far bounds of the linear relaxation may be apart.
_WITHIN: Final = 1e-6
#: The gap that is asked for, and checked.
GAP: Final = 1e-4


def make_job(work: str, engine: str, data: Offers, scratch: Path) -> Job:
    """Return one engine's work.

    Parameters
    ----------
    work
        Which comparison.
    engine
        Who does it.
    data
        The offers.
    scratch
        Not needed.

    Returns
    -------
    Job
        From values in memory to a plan, or to the bound of the relaxation.
    """
    del scratch
    if engine in {OWN, BY_PRICES}:
        return _own(data, by_prices=engine == BY_PRICES or work == "D1")
    return _highs(data, engine)


def _own(data: Offers, *, by_prices: bool) -> Job:
    from wxengage.plan.candidates import Candidates
    from wxengage.plan.solver import plan_sends
    from wxengage.plan.solving import crowds

    if by_prices:
        crowds.LARGEST = -1  # type: ignore[misc]
    options, limits = data.options, limits_of(data.size)
    values, left = data.values, data.ads_left
    users = np.arange(data.size)

    def run(_: Any) -> Any:
        who = Candidates.from_matrix(values, options, users, ads_left=left)
        return plan_sends(who, limits, gap=GAP)

    def answer(plan: Any) -> Mapping[str, Any]:
        _audit(data, plan)
        return {"bound": plan.bound, "value": plan.value, "gap": plan.gap}

    return Job(lambda: None, run, answer, dict)


def _audit(data: Offers, plan: Any) -> None:
    """Count everything again, and fail where a limit is broken."""
    options = data.options
    took = np.zeros((data.size, OPTIONS), dtype=np.int8)
    np.add.at(took, (plan.chosen_user, plan.chosen_option), 1)
    assert took.max(initial=0) <= 1
    assert took.sum(axis=1).max() <= 4
    for hour in {one.start for one in options}:
        here = [k for k in range(OPTIONS) if options[k].start == hour]
        assert took[:, here].sum(axis=1).max() <= 1
    ads = [k for k in range(OPTIONS) if options[k].is_ad]
    assert (took[:, ads].sum(axis=1) <= data.ads_left).all()
    for takes, limit in _budgets(data):
        assert took.sum(axis=0, dtype=np.int64) @ takes <= limit
    assert sum(plan.counts.values()) == data.size


def _budgets(data: Offers) -> list[tuple[Any, int]]:
    """Return what each option takes of each budget, and the limit."""
    options = data.options
    takes = [
        np.array([one.message == f"m{m}" for one in options]) for m in range(MESSAGES)
    ]
    takes += [np.array([one.channel == name for one in options]) for name in CHANNELS]
    takes.append(np.array([one.cost for one in options]))
    limits = [one.limit for one in limits_of(data.size) if isinstance(one, Budget)]
    return list(zip((one.astype(np.int64) for one in takes), limits, strict=True))


def _highs(data: Offers, engine: str) -> Job:
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, linprog, milp

    options, values = data.options, data.values.astype(np.float64)
    users, column = np.nonzero(values > 0)
    worth = values[users, column]
    places = np.arange(len(users))
    starts = sorted({one.start for one in options})
    slot = np.array([starts.index(one.start) for one in options])[column]
    ads = np.array([one.is_ad for one in options])[column]
    n = data.size
    ones = np.ones(len(users))
    rows: list[Any] = [
        sparse.coo_array((ones, (users * 6 + slot, places)), shape=(6 * n, len(users))),
        sparse.coo_array((ones, (users, places)), shape=(n, len(users))),
        sparse.coo_array((ads * 1.0, (users, places)), shape=(n, len(users))),
    ]
    budgets = _budgets(data)
    rows.append(sparse.csr_array(np.array([takes[column] for takes, _ in budgets])))
    matrix: Any = sparse.vstack(rows).tocsc()
    matrix.indices = matrix.indices.astype(np.int32)
    matrix.indptr = matrix.indptr.astype(np.int32)
    limits = [limit for _, limit in budgets]
    room = np.concatenate([np.ones(6 * n), np.full(n, 4.0), data.ads_left, limits])
    relax: Any = linprog
    branch: Any = milp

    def run(_: Any) -> Any:
        if engine == WHOLE:
            return branch(
                -worth,
                integrality=np.ones_like(worth),
                bounds=Bounds(0, 1),
                constraints=LinearConstraint(matrix, ub=room),
                options={"mip_rel_gap": 0.0},
            )
        method = "highs-ds" if engine == SIMPLEX else "highs-ipm"
        return relax(-worth, A_ub=matrix, b_ub=room, bounds=(0, 1), method=method)

    def answer(found: Any) -> Mapping[str, Any]:
        assert found.status == 0
        return {"bound": -float(found.fun)}

    return Job(lambda: None, run, answer, dict)


def unequal(digests: Digests) -> list[str]:
    """Return in what answers differ that ought to be the same.

    Parameters
    ----------
    digests
        Each engine's bound, and of ours the value and the gap.

    Returns
    -------
    list of str
        Bounds of the relaxation that are apart by more than 1e-6; a best plan that
        is worth less than ours or more than our bound.
    """
    found = []
    for engine, digest in digests.items():
        told = ", ".join(f"{name} {value:.10g}" for name, value in digest.items())
        print(f"  {engine}: {told}", flush=True)
    own = {name: one for name, one in digests.items() if "gap" in one}
    for name, ours in own.items():
        for engine, theirs in digests.items():
            best = theirs["bound"]
            if engine in {SIMPLEX, INTERIOR}:
                if abs(best - ours["bound"]) > _WITHIN * best:
                    found.append(f"{engine}: bound {best}, of {name} {ours['bound']}")
            elif engine == WHOLE and not (
                ours["value"] <= best * (1 + 1e-9)
                and best <= ours["bound"] * (1 + 1e-9)
            ):
                found.append(f"{engine}: {best} is not within what {name} says")
    return found


def too_wide(digests: Digests) -> list[str]:
    """Return whose gap is wider than was asked for.

    Parameters
    ----------
    digests
        Each size's bound, value and gap.

    Returns
    -------
    list of str
        With the gap.
    """
    unequal(digests)
    return [
        f"{engine}: gap {one['gap']}"
        for engine, one in digests.items()
        if one["gap"] > GAP
    ]
