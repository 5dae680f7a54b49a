"""What plans by prices promise: a bound that holds, and a plan that keeps to it."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from wxengage.log import parallel
from wxengage.pacing.budgets import Budget
from wxengage.pacing.caps import Cap
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.result import OUTCOMES, Plan
from wxengage.plan.solver import plan_sends
from wxengage.plan.solving import crowds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Limit

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAN = math.nan


@pytest.fixture(autouse=True)
def _by_prices() -> Iterator[None]:
    """Plan the smallest problem as if it were too large to be solved exactly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowds, "LARGEST", -1)
        yield


def option(message: str, hour: int, channel: str = "wecom", **more: Any) -> Option:
    """Return a message that may go within an hour of a day in March 2026."""
    start = dt.datetime(2026, 3, 2, tzinfo=SHANGHAI) + dt.timedelta(hours=hour)
    return Option(message, channel, start, start + dt.timedelta(hours=1), **more)


@attrs.frozen
class Case:
    """A problem that is small enough for a linear program of its own."""

    values: NDArray[np.float64]
    options: list[Option]
    limits: list[Limit]
    ads_left: list[int] | None
    sends_left: list[int] | None

    def candidates(self, order: list[int] | None = None) -> Candidates:
        """Return them as the planner takes them, in some order of the users."""
        rows = list(range(len(self.values))) if order is None else order
        left = [
            None if one is None else [one[row] for row in rows]
            for one in (self.ads_left, self.sends_left)
        ]
        return Candidates.from_matrix(
            self.values[rows].reshape(len(rows), len(self.options)),
            self.options,
            [f"u{99 - row}" for row in rows],
            ads_left=left[0],
            sends_left=left[1],
        )

    def sets(self, row: int) -> Iterator[tuple[int, list[int]]]:
        """Yield what one user may have: so many of these options."""
        columns = range(len(self.options))
        for hour in {one.start for one in self.options}:
            yield 1, [k for k in columns if self.options[k].start == hour]
        for cap in self.limits:
            if isinstance(cap, Cap):
                for scope in {self._scope(cap, k) for k in columns}:
                    inside = [k for k in columns if self._scope(cap, k) == scope]
                    yield cap.limit, inside
        if self.ads_left is not None:
            yield self.ads_left[row], [k for k in columns if self.options[k].is_ad]
        if self.sends_left is not None:
            yield self.sends_left[row], list(columns)

    def _scope(self, cap: Cap, k: int) -> tuple[str, str]:
        at = self.options[k].start
        period = f"{at:%j}" if cap.per == "day" else f"{at:%G %V}"
        return period, "" if cap.scope is None else self.options[k].channel

    def budgets(self) -> Iterator[tuple[int, list[int]]]:
        """Yield each budget and what each option takes of it."""
        for budget in self.limits:
            if not isinstance(budget, Budget):
                continue
            where = budget.scope or ""
            takes = [
                (one.cost if budget.unit == "fen" else 1)
                * (where in {"", f"channel:{one.channel}", f"message:{one.message}"})
                for one in self.options
            ]
            yield budget.limit, takes

    def relaxed(self) -> float:
        """Return the value of the linear relaxation, by HiGHS."""
        n, k = self.values.shape
        most_rows = len(self.limits) + n * (len(self.limits) + 3) * k + 2 * n
        matrix = sparse.lil_array((most_rows, n * k))
        room: list[int] = []
        for row in range(n):
            for most, columns in self.sets(row):
                matrix[len(room), [row * k + one for one in columns]] = 1
                room.append(most)
        for limit, takes in self.budgets():
            matrix[len(room), :] = np.tile(np.array(takes, dtype=float), n)
            room.append(limit)
        # What does not fit its budget at all is not sent by halves either.
        able = np.ones(k, dtype=bool)
        for limit, takes in self.budgets():
            able &= np.array(takes) <= limit
        worth = np.where(self.values > 0, self.values, 0.0) * able
        size = max(float(worth.max(initial=0.0)), 1e-300)
        solver: Any = linprog
        found = solver(
            -worth.ravel() / size,
            A_ub=matrix.tocsr()[: len(room)],
            b_ub=room,
            bounds=(0, 1),
            method="highs-ds",
        )
        return float(-found.fun) * size


def audit(case: Case, plan: Plan) -> None:
    """Count everything again, one user and one budget at a time."""
    ids = plan.candidates.users.tolist()
    got: list[list[int]] = [[] for _ in case.values]
    for user, chosen in zip(plan.chosen_user, plan.chosen_option, strict=True):
        got[99 - int(ids[user][1:])].append(int(chosen))
    for row, mine in enumerate(got):
        assert len(set(mine)) == len(mine)
        assert all(case.values[row, k] > 0 for k in mine)
        for most, columns in case.sets(row):
            assert sum(k in columns for k in mine) <= most
    for limit, takes in case.budgets():
        assert sum(takes[k] for mine in got for k in mine) <= limit
    total = math.fsum(case.values[row, k] for row, mine in enumerate(got) for k in mine)
    assert total == pytest.approx(plan.value, rel=1e-12)
    assert plan.value <= plan.bound
    if plan.bound:
        assert plan.gap == (plan.bound - plan.value) / plan.bound


NUMBERS = [NAN, -1.0, 0.0, 0.5, 1.0, 1.0, 2.0, 2.5, 7.0, 0.3]


@st.composite
def cases(draw: st.DrawFn, *, laminar: bool = True, ads: int = 1) -> Case:
    """Draw a problem of up to eight users and nine options."""
    options = draw(
        st.lists(
            st.builds(
                lambda message, hour, channel, cost, is_ad: option(
                    message, hour, channel, cost=cost, is_ad=is_ad
                ),
                st.sampled_from("abc"),
                st.sampled_from([8, 12, 20, 32, 36]),
                st.sampled_from(["wecom", "mini"]),
                st.integers(0, 9),
                st.booleans(),
            ),
            min_size=1,
            max_size=9,
            unique_by=lambda one: one.key,
        )
    )
    n = draw(st.integers(1, 8))
    number = st.one_of(
        st.sampled_from(NUMBERS), st.floats(0.0625, 10, exclude_min=True)
    )
    flat = st.lists(number, min_size=n * len(options), max_size=n * len(options))
    values = np.array(draw(flat)).reshape(n, len(options))
    caps = [Cap(1), Cap(2), Cap(3, per="week"), Cap(2, per="week")]
    if not laminar:
        caps += [Cap(1, scope="channel"), Cap(2, per="week", scope="channel")]
    limits: list[Limit] = draw(st.lists(st.sampled_from(caps), max_size=2))
    scopes = [None, "channel:wecom", "message:a", "message:b", "channel:mini"]
    limits += [
        Budget(draw(st.integers(0, 6)), scope=scope)
        for scope in draw(st.lists(st.sampled_from(scopes), unique=True))
    ]
    if draw(st.booleans()):
        limits.append(Budget(draw(st.integers(0, 40)), unit="fen"))
    counts = [
        draw(st.none() | st.lists(st.integers(0, most), min_size=n, max_size=n))
        for most in (ads, 3)
    ]
    return Case(values, options, limits, *counts)


@settings(max_examples=150)
@given(cases())
def test_the_bound_is_that_of_the_linear_relaxation(case: Case) -> None:
    """Sets within sets are solved exactly, so nothing is lost but whole numbers."""
    plan = plan_sends(case.candidates(), case.limits, gap=0)

    audit(case, plan)
    best = case.relaxed()
    assert best - 1e-9 * max(best, 1) <= plan.bound
    assert plan.bound == pytest.approx(best, rel=1e-6, abs=1e-9)


@settings(max_examples=120)
@given(cases(laminar=False, ads=3))
def test_where_sets_cross_the_bound_still_holds(case: Case) -> None:
    """It may be higher than it need be; no plan passes it, and ours is allowed."""
    plan = plan_sends(case.candidates(), case.limits, gap=0)

    audit(case, plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowds, "LARGEST", 50_000)
        exact = plan_sends(case.candidates(), case.limits, gap=0)
    assert exact.value <= plan.bound * (1 + 1e-9)
    assert plan.value <= exact.value * (1 + 1e-9)


@settings(max_examples=80)
@given(cases(laminar=False, ads=2), st.randoms(use_true_random=False))
def test_nobody_vanishes_and_the_order_of_the_users_changes_nothing(
    case: Case, rng: Any
) -> None:
    """Chosen, deferred, dropped and refused add up, whoever comes first."""
    order = list(range(len(case.values)))
    rng.shuffle(order)
    holdout = {"u99", "u97"}

    plan = plan_sends(case.candidates().without(holdout), case.limits)
    again = plan_sends(case.candidates(order).without(holdout), case.limits)

    assert plan.sends == again.sends
    assert (plan.value, plan.bound) == (again.value, again.bound)
    assert len(case.values) == sum(plan.counts.values()) == sum(plan.reasons.values())
    for user in plan.candidates.users.tolist():
        why = plan.why(user)
        assert OUTCOMES[why.reason] == why.action
        assert (why.action == "chosen") is any(s.user == user for s in plan.sends)
        assert (why.reason == "holdout") is (user in holdout)


# --- edges ----------------------------------------------------------------------------

A, B, C = option("a", 8), option("b", 12), option("c", 20, "mini")


def test_the_greatest_and_the_smallest_values_stand_side_by_side() -> None:
    """Eighteen powers of ten apart, both are planned, and the bound holds."""
    who = Candidates.from_matrix([[1e9, 1e-9], [1e-9, 1e9]], [A, B], ["ada", "bob"])

    plan = plan_sends(who, Budget(3), gap=0)

    assert 3 == len(plan)
    assert 2e9 + 1e-9 == pytest.approx(plan.value, rel=1e-15)
    assert plan.value <= plan.bound <= plan.value * (1 + 1e-12)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_unit_of_the_values_does_not_matter(unit: float) -> None:
    """The same plan in fen and in millions."""
    values = np.array([[3, 2, 1], [1, 2, 3], [2, 2, 2]]) * unit
    who = Candidates.from_matrix(values, [A, B, C], ["ada", "bob", "cyd"])

    plan = plan_sends(who, [Cap(1), Budget(1, scope="channel:wecom")], gap=0)

    assert 8 * unit == pytest.approx(plan.value) == pytest.approx(plan.bound)
    assert {"ada": "a", "bob": "c", "cyd": "c"} == {
        one.user: one.message for one in plan.sends
    }


@pytest.mark.parametrize(
    ("values", "options", "limits", "reasons"),
    [
        ([[-1.0, -2.0]], [A, B], [Budget(1)], {"no_value": 1}),
        ([[NAN, NAN]], [A, B], [Budget(1)], {"not_allowed": 1}),
        ([[NAN, 0.0]], [A, B], [], {"no_value": 1}),
        ([[], []], [], [Budget(1)], {"not_allowed": 2}),
        ([[4.0, 5.0]], [A, B], [Budget(0)], {"capacity": 1}),
        ([[4.0, 5.0]], [A, B], [], {"chosen": 1}),
    ],
)
def test_what_leaves_nothing_to_choose_has_an_answer(
    values: Any, options: list[Option], limits: list[Limit], reasons: dict[str, int]
) -> None:
    """One user, no options, nothing of value, an empty budget."""
    users = [f"u{row}" for row in range(len(values))]

    plan = plan_sends(Candidates.from_matrix(values, options, users), limits)

    assert reasons == dict(plan.reasons)
    assert plan.value == pytest.approx(plan.bound)
    assert plan.met


def test_an_empty_budget_has_the_price_of_the_first_unit() -> None:
    """What one message would bring, less what it takes of the other budgets."""
    who = Candidates.from_matrix([[4.0], [9.0]], [A], ["ada", "bob"])

    plan = plan_sends(who, [Budget(0), Budget(10, unit="fen")])

    assert {"all (sends)": 9.0, "all (fen)": 0.0} == dict(plan.prices)


def test_equal_users_share_what_there_is_and_the_smaller_ids_come_first() -> None:
    """A price cannot tell them apart; ids do."""
    users = [f"u{row:03d}" for row in range(100)]
    who = Candidates.from_matrix(np.full((100, 2), 2.0), [A, B], users)

    plan = plan_sends(who, [Cap(1), Budget(40)], gap=0)

    assert users[:40] == sorted(one.user for one in plan.sends)
    assert 80.0 == plan.value == pytest.approx(plan.bound)


def test_large_costs_are_counted_to_the_fen() -> None:
    """Money is whole: a budget of a billion yuan is kept to the last fen."""
    dear = [option("a", 8, cost=10**11 - 1), option("b", 12, cost=10**11 + 1)]
    who = Candidates.from_matrix([[2.0, 2.1]] * 9, dear, range(9))

    plan = plan_sends(who, Budget(10**12 - 7, unit="fen"), gap=0)

    assert 9 == len(plan)
    assert plan.usage["all (fen)"].used <= 10**12 - 7


def test_a_gap_that_whole_numbers_leave_is_told_in_words() -> None:
    """Two of three halves do not make a whole."""
    dear = [option("a", 8, cost=2)]
    who = Candidates.from_matrix([[3.0], [3.0]], dear, ["ada", "bob"])

    plan = plan_sends(who, Budget(3, unit="fen"), gap=0)

    assert 3.0 == plan.value
    assert 4.5 == pytest.approx(plan.bound)
    assert not plan.met
    assert plan.unmet is not None
    assert "the gap is 0.33 and not 0" in plan.unmet.en
    assert "差距 0.33" in plan.unmet.zh


def test_limits_that_cross_are_told_in_words() -> None:
    """The bound had to let go of something, and says so."""
    mixed = [option("a", 8), option("b", 8, "mini"), option("c", 12)]
    mixed.append(option("d", 12, "mini"))
    who = Candidates.from_matrix([[3.0, 1.0, 3.0, 1.0]], mixed, ["ada"])

    plan = plan_sends(who, Cap(1, scope="channel"), gap=0)

    assert 4.0 == plan.value
    assert plan.value <= plan.bound
    assert "crossing" == plan.short


# --- many users -----------------------------------------------------------------------


def many(users: int) -> tuple[NDArray[np.float32], list[Option], list[Limit]]:
    """Return values of many users for twelve options, four of them ads."""
    rng = np.random.default_rng(3)
    options = [
        option(
            f"m{k % 6}",
            8 + 4 * (k // 2 % 3),
            "wecom" if k < 6 else "mini",
            cost=k,
            is_ad=k % 3 == 0,
        )
        for k in range(12)
    ]
    limits: list[Limit] = [Cap(2), Budget(2 * users, unit="fen")]
    limits += [Budget(users // 7, scope=f"message:m{m}") for m in range(6)]
    values = rng.gamma(2, 1, (users, len(options))).astype(np.float32) - 1
    return values, options, limits


def test_many_users_are_planned_to_a_ten_thousandth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First on a sample, then on all; the number of threads changes nothing."""
    values, options, limits = many(40_000)
    left = np.arange(40_000) % 2
    who = Candidates.from_matrix(values, options, range(40_000), ads_left=left)

    plan = plan_sends(who, limits)
    monkeypatch.setattr(parallel, "_THREADS", 1)
    alone = plan_sends(who, limits)

    assert plan.met
    assert plan.gap <= 1e-4
    np.testing.assert_array_equal(plan.chosen_user, alone.chosen_user)
    np.testing.assert_array_equal(plan.chosen_option, alone.chosen_option)
    assert (plan.value, plan.bound) == (alone.value, alone.bound)
    assert all(usage.used <= usage.limit for usage in plan.usage.values())
    table = np.zeros((40_000, len(options)), dtype=np.int64)
    table[plan.chosen_user, plan.chosen_option] += 1
    assert len(plan) == table.sum()
    assert table.sum(axis=1).max() <= 2
    ads = np.array([one.is_ad for one in options])
    assert (table[:, ads].sum(axis=1) <= left).all()
    for hour in {one.start for one in options}:
        here = np.array([one.start == hour for one in options])
        assert table[:, here].sum(axis=1).max() <= 1
    assert plan.value == pytest.approx(float(values[table > 0].sum(dtype=np.float64)))
    assert 40_000 == sum(plan.counts.values())


def test_the_bound_of_a_thousand_users_is_that_of_highs() -> None:
    """Too many for cutting planes of their own, and still the same to 1e-6."""
    values, options, limits = many(1_000)
    case = Case(values.astype(float), options, limits, None, None)

    plan = plan_sends(
        Candidates.from_matrix(values, options, range(1_000)), limits, gap=0
    )

    assert plan.bound == pytest.approx(case.relaxed(), rel=1e-6)
    assert plan.gap <= 1e-3


def test_single_and_double_precision_give_the_same_plan() -> None:
    """Values that are the same numbers are planned the same."""
    values, options, limits = many(500)
    narrow = Candidates.from_matrix(values, options, range(500))
    wide = Candidates.from_matrix(values.astype(np.float64), options, range(500))

    assert plan_sends(narrow, limits).sends == plan_sends(wide, limits).sends
