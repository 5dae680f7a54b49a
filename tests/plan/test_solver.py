"""What the planner promises: the best plan within every limit, and why."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.pacing.budgets import AdShare, Budget
from wxengage.pacing.caps import Cap, next_allowed
from wxengage.pacing.quiet import QuietHours
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.result import OUTCOMES, Plan
from wxengage.plan.solver import plan_sends
from wxengage.plan.solving import crowds, program
from wxengage.sends import Send, Sent
from wxengage.times.days import DayClock
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.plan.bounds import Limit

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOCK = DayClock()
NAN = math.nan


def at(hour: float, day: int = 2) -> dt.datetime:
    """Return an hour of a day in March 2026, in Shanghai."""
    return dt.datetime(2026, 3, day, tzinfo=SHANGHAI) + dt.timedelta(hours=hour)


def option(message: str, hour: float, channel: str = "wecom", **more: Any) -> Option:
    """Return a message that may go within two hours from ``hour`` on."""
    return Option(message, channel, at(hour), at(hour + 2), **more)


A, B, C = option("a", 8), option("b", 12), option("c", 20, "mini")


def by_user(plan: Plan) -> dict[str, list[str]]:
    """Return the messages of each user who gets any."""
    found: dict[str, list[str]] = {}
    for send in plan.sends:
        found.setdefault(send.user, []).append(send.message)
    return found


# --- what it does -----------------------------------------------------------------


def test_without_limits_everybody_gets_all_that_is_worth_something() -> None:
    """Only the value of an option and its slot decide."""
    who = Candidates.from_matrix([[1, 2, -1], [0, 3, 1]], [A, B, C], ["ada", "bob"])

    plan = plan_sends(who)

    assert {"ada": ["a", "b"], "bob": ["b", "c"]} == by_user(plan)
    assert 7.0 == plan.value == plan.bound
    assert 0.0 == plan.gap
    assert plan.met


def test_a_cap_keeps_the_best_messages() -> None:
    """With one message a day the most valuable one is sent."""
    who = Candidates.from_matrix([[1, 5, 3], [4, 2, 1]], [A, B, C], ["ada", "bob"])

    plan = plan_sends(who, Cap(1))

    assert {"ada": ["b"], "bob": ["a"]} == by_user(plan)


def test_two_messages_never_go_at_the_same_instant() -> None:
    """A slot holds one message a user, also without any cap."""
    same = [option("a", 8), option("b", 8, "mini"), option("c", 9)]

    plan = plan_sends(Candidates.from_matrix([[1, 2, 3]], same, ["ada"]))

    assert {"ada": ["b", "c"]} == by_user(plan)


def test_quiet_hours_move_a_message_to_their_end_or_refuse_it() -> None:
    """A window that is partly quiet is used from the end of the quiet on."""
    early, night = option("a", 7), option("b", 23)
    who = Candidates.from_matrix(
        [[1.0, 9.0], [NAN, 9.0]], [early, night], ["ada", "bob"]
    )

    plan = plan_sends(who, QuietHours("22:30", "08:00"))

    assert [("ada", "a", at(8))] == [(s.user, s.message, s.at) for s in plan.sends]
    assert "quiet_hours" == plan.why("bob").reason


def test_quiet_hours_that_leave_no_hour_refuse_everything() -> None:
    """Two rules that cover the day together end in an answer, not in a loop."""
    open_end = Option("a", "wecom", at(9), None)
    who = Candidates.from_matrix([[1.0]], [open_end], ["ada"])

    plan = plan_sends(who, [QuietHours("08:00", "20:00"), QuietHours("20:00", "08:00")])

    assert "quiet_hours" == plan.why("ada").reason


def test_a_budget_of_money_is_spent_on_the_best_value() -> None:
    """Costs are added in fen over all users."""
    dear, cheap = option("a", 8, cost=60), option("b", 12, cost=50)
    values = [[10, 6], [9, 6]]
    who = Candidates.from_matrix(values, [dear, cheap], ["ada", "bob"])

    plan = plan_sends(who, [Cap(1), Budget(100, unit="fen")])

    assert {"ada": ["b"], "bob": ["b"]} == by_user(plan)
    assert 100 == plan.usage["all (fen)"].used


def test_a_budget_for_each_channel_is_one_for_each() -> None:
    """The scope "channel" holds every channel to the limit by itself."""
    who = Candidates.from_matrix([[1, 2, 3], [1, 2, 3]], [A, B, C], ["ada", "bob"])

    plan = plan_sends(who, Budget(1, scope="channel"))

    assert {"channel:mini (sends)": 1, "channel:wecom (sends)": 1} == {
        name: usage.used for name, usage in plan.usage.items()
    }


def test_of_two_budgets_for_the_same_the_tighter_one_holds() -> None:
    """A general limit and a special one with the same name are one row."""
    who = Candidates.from_matrix([[1], [1], [1]], [A], ["ada", "bob", "cyd"])

    plan = plan_sends(
        who, [Budget(2, scope="channel"), Budget(1, scope="channel:wecom")]
    )

    assert 1 == plan.usage["channel:wecom (sends)"].limit == len(plan)


def test_an_empty_budget_sends_nothing_and_says_so() -> None:
    """0 means that nothing is left, and the price tells what one would bring."""
    who = Candidates.from_matrix([[4.0]], [A], ["ada"])

    plan = plan_sends(who, Budget(0))

    assert (0, 0, 4.0) == (
        len(plan),
        plan.usage["all (sends)"].used,
        plan.prices["all (sends)"],
    )
    assert ("capacity", "deferred") == (plan.why("ada").reason, plan.why("ada").action)


def test_the_price_is_what_the_next_unit_brings() -> None:
    """Not what the last one brought: 5 was served, 3 is next in the queue."""
    who = Candidates.from_matrix([[5], [3], [2]], [A], ["ada", "bob", "cyd"])

    assert 3.0 == pytest.approx(plan_sends(who, Budget(1)).prices["all (sends)"])
    assert 0.0 == plan_sends(who, Budget(3)).prices["all (sends)"]


def test_the_share_of_ads_without_a_past_allows_none() -> None:
    """Nobody's first message may be the one ad in ten."""
    ad = option("ad", 8, is_ad=True)
    who = Candidates.from_matrix([[9.0, 1.0], [9.0, NAN]], [ad, B], ["ada", "bob"])

    plan = plan_sends(who, AdShare(1, 10))

    assert {"ada": ["b"]} == by_user(plan)
    assert "ad_share" == plan.why("bob").reason


def test_ads_left_is_kept_by_each_user() -> None:
    """One ad at most for who may still get one, none for who may not."""
    ads = [option("x", 8, is_ad=True), option("y", 12, is_ad=True)]
    who = Candidates.from_matrix([[2, 3], [2, 3]], ads, ["ada", "bob"], ads_left=[1, 0])

    plan = plan_sends(who, AdShare(1, 10))

    assert {"ada": ["y"]} == by_user(plan)


def test_sends_left_is_kept_by_each_user() -> None:
    """What went out earlier today has used up part of the cap."""
    who = Candidates.from_matrix(
        [[1, 2], [1, 2], [1, 2]], [A, B], ["ada", "bob", "cyd"], sends_left=[0, 1, 2]
    )

    plan = plan_sends(who, Cap(2))

    assert {"bob": ["b"], "cyd": ["a", "b"]} == by_user(plan)
    assert "cap" == plan.why("ada").reason


def test_transactional_sends_pass_every_limit_but_a_budget() -> None:
    """They answer something that the user is waiting for."""
    receipt = option("receipt", 23, transactional=True, category="service")
    who = Candidates.from_matrix([[1, 1]], [option("a", 23), receipt], ["ada"])

    plan = plan_sends(who, [Cap(1), QuietHours("22:30", "08:00")])

    assert {"ada": ["receipt"]} == by_user(plan)
    assert 0 == len(plan_sends(who, [Budget(0), QuietHours("22:30", "08:00")]))


def test_what_counts_takes_room_in_a_plan_even_if_it_need_not_obey() -> None:
    """A plan never breaks a cap by sending service messages first."""
    cap = Cap(1, obeys=("marketing",))
    note = option("note", 8, category="service")
    who = Candidates.from_matrix([[2, 3]], [note, B], ["ada"])

    assert {"ada": ["b"]} == by_user(plan_sends(who, cap))


def test_a_rolling_cap_holds_across_midnight() -> None:
    """Two messages within 24 hours are two, on whatever days."""
    options = [
        option(
            "a",
            20,
        ),
        Option("b", "wecom", at(8, 3), at(9, 3)),
    ]
    who = Candidates.from_matrix([[1, 2]], options, ["ada"])

    assert {"ada": ["b"]} == by_user(
        plan_sends(who, Cap(1, per=dt.timedelta(hours=24)))
    )
    assert {"ada": ["a", "b"]} == by_user(plan_sends(who, Cap(1)))


def test_equal_users_are_planned_as_one_and_served_by_id() -> None:
    """Twenty thousand equal users cost no more than a handful."""
    users = [f"u{i:05d}" for i in range(20_000)]
    who = Candidates.from_rows(
        [[2.0, 1.0, 1.5]], np.zeros(20_000, int), [A, B, C], users
    )

    plan = plan_sends(who, [Cap(2), Budget(14_000, scope="message:a"), Budget(30_000)])

    assert 14_000 * 2 + 16_000 * 1.5 == pytest.approx(plan.value)
    assert 2 == max(Counter(plan.chosen_user.tolist()).values())
    assert {"chosen": 20_000} == dict(plan.reasons)
    assert users[:14_000] == [send.user for send in plan.sends[:14_000]]


def test_sets_that_cross_are_planned_user_by_user() -> None:
    """A cap for each message beside slots cannot be dealt; it is still exact."""
    options = [
        option(m, h, c) for m, h, c in [("a", 8, "x"), ("b", 8, "y"), ("a", 12, "y")]
    ]
    each = Cap(1, scope="message")
    who = Candidates.from_matrix([[3, 2, 2]] * 2, options, ["ada", "bob"])

    plan = plan_sends(who, each)

    assert {"ada": ["b", "a"], "bob": ["b", "a"]} == by_user(plan)
    assert 8.0 == plan.value


def test_branch_and_bound_finds_what_rounding_misses() -> None:
    """A knapsack: the best ratio first is not the best."""
    options = [option("a", 8, cost=6), option("b", 12, cost=5), option("c", 20, cost=5)]
    who = Candidates.from_matrix([[7, 5, 5]], options, ["ada"])

    plan = plan_sends(who, Budget(10, unit="fen"))

    assert {"ada": ["b", "c"]} == by_user(plan)
    assert 10.0 == plan.value == pytest.approx(plan.bound)


def test_a_plan_says_when_the_gap_is_not_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped early, it reports the gap that it has, not the one asked for."""
    monkeypatch.setattr(program, "_NODES", 0)
    rng = np.random.default_rng(7)
    options = [
        option(f"m{i}", 2 * i, cost=int(rng.integers(50, 99))) for i in range(12)
    ]
    who = Candidates.from_matrix(rng.uniform(1, 2, (9, 12)), options, range(9))

    plan = plan_sends(who, Budget(1777, unit="fen"), gap=0)

    assert plan.value <= plan.bound
    assert plan.gap == pytest.approx((plan.bound - plan.value) / plan.bound)
    assert plan.met is (plan.gap <= 0)


# --- laws ---------------------------------------------------------------------------


@attrs.frozen
class Case:
    """A problem small enough to try everything."""

    values: list[list[float]]
    options: list[Option]
    limits: list[Limit]
    ads_left: list[int]

    @property
    def users(self) -> list[str]:
        """Ids that are not in the order of the rows."""
        return [f"u{7 - row}" for row in range(len(self.values))]

    def candidates(self) -> Candidates:
        """Return them as the planner takes them."""
        return Candidates.from_matrix(
            self.values, self.options, self.users, ads_left=self.ads_left
        )


def choices(case: Case, row: int) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield every set of options that one user may get, tried one by one."""
    usable = [k for k, value in enumerate(case.values[row]) if value > 0]
    for size in range(len(usable) + 1):
        for chosen in itertools.combinations(usable, size):
            if keeps_the_caps(case, chosen) and (
                sum(case.options[k].is_ad for k in chosen) <= case.ads_left[row]
            ):
                yield math.fsum(case.values[row][k] for k in chosen), chosen


def keeps_the_caps(case: Case, chosen: tuple[int, ...]) -> bool:
    """Send them one after the other and ask each cap every time."""
    past: list[Sent] = []
    for k in sorted(chosen, key=lambda k: case.options[k].start):
        here = case.options[k].as_send("", "u", case.options[k].start, 0.0)
        assert here.at is not None
        if any(past_one.at == here.at for past_one in past):
            return False
        for cap in case.limits:
            if (
                isinstance(cap, Cap)
                and next_allowed(cap, here, past, here.at) != here.at
            ):
                return False
        past.append(Sent.of(here, here.at))
    return True


def best_of_all(case: Case) -> float:
    """Return the value of the best plan, found by trying every plan."""
    tables = [list(choices(case, row)) for row in range(len(case.values))]
    best = 0.0
    for plan in itertools.product(*tables):
        chosen = [case.options[k] for _, ks in plan for k in ks]
        if all(
            sum(
                one.cost if budget.unit == "fen" else 1
                for one in chosen
                if budget.scope in {None, f"channel:{one.channel}"}
            )
            <= budget.limit
            for budget in case.limits
            if isinstance(budget, Budget)
        ):
            best = max(best, math.fsum(value for value, _ in plan))
    return best


OPTIONS = st.lists(
    st.builds(
        lambda message, hour, channel, cost, is_ad: Option(
            message, channel, at(hour), at(hour + 1), cost=cost, is_ad=is_ad
        ),
        st.sampled_from(["a", "b"]),
        st.sampled_from([8, 12, 20, 32]),
        st.sampled_from(["wecom", "mini"]),
        st.integers(0, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.key,
)
CAPS = st.builds(
    Cap,
    st.integers(1, 2),
    per=st.sampled_from(["day", "week", dt.timedelta(hours=5), dt.timedelta(hours=13)]),
    scope=st.sampled_from([None, "channel", "message", "channel:mini"]),
)
BUDGETS = st.one_of(
    st.builds(
        Budget, st.integers(0, 4), scope=st.sampled_from([None, "channel:wecom"])
    ),
    st.builds(Budget, st.integers(0, 6), unit=st.just("fen")),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a tiny problem, often with equal users."""
    options = draw(OPTIONS)
    value = st.sampled_from([NAN, -1.0, 0.0, 1.0, 2.0, 2.5, 7.0])
    row = st.lists(value, min_size=len(options), max_size=len(options))
    rows = draw(st.lists(row, min_size=1, max_size=2))
    values = draw(st.lists(st.sampled_from(rows), min_size=1, max_size=3))
    limits: list[Limit] = [*draw(st.lists(CAPS, max_size=2))]
    limits += draw(st.lists(BUDGETS, max_size=2))
    left = draw(st.lists(st.integers(0, 2), min_size=len(values), max_size=len(values)))
    return Case(values, options, limits, left)


@settings(max_examples=150)
@given(cases())
def test_no_plan_is_better(case: Case) -> None:
    """The value is that of trying everything, and the bound is not below it."""
    plan = plan_sends(case.candidates(), case.limits, gap=0)

    assert best_of_all(case) == pytest.approx(plan.value)
    assert plan.value <= plan.bound * (1 + 1e-9)


@settings(max_examples=150)
@given(cases())
def test_no_limit_is_ever_broken(case: Case) -> None:
    """Every user's sends pass one by one, and the budgets add up."""
    plan = plan_sends(case.candidates(), case.limits)
    column = {one.key: k for k, one in enumerate(case.options)}

    for row, user in enumerate(case.users):
        chosen = plan.chosen_option[plan.chosen_user == row].tolist()
        assert len(set(chosen)) == len(chosen)
        assert keeps_the_caps(case, tuple(chosen))
        assert sum(case.options[k].is_ad for k in chosen) <= case.ads_left[row]
        assert all(case.values[row][k] > 0 for k in chosen), user
    assert all(usage.used <= usage.limit for usage in plan.usage.values())
    assert len(column) == len(case.options)


@settings(max_examples=100)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_users_changes_nothing(case: Case, rng: Any) -> None:
    """The same audience in another order gets the very same sends."""
    order = list(range(len(case.values)))
    rng.shuffle(order)
    shuffled = Candidates.from_matrix(
        [case.values[row] for row in order],
        case.options,
        [case.users[row] for row in order],
        ads_left=[case.ads_left[row] for row in order],
    )

    assert (
        plan_sends(case.candidates(), case.limits).sends
        == plan_sends(shuffled, case.limits).sends
    )


@settings(max_examples=100)
@given(cases(), st.sets(st.sampled_from(["u7", "u6", "u5", "nobody"])))
def test_nobody_vanishes(case: Case, holdout: set[str]) -> None:
    """In = chosen + deferred + dropped + refused, and everybody hears why."""
    plan = plan_sends(case.candidates().without(holdout), case.limits)

    assert len(case.users) == sum(plan.counts.values()) == sum(plan.reasons.values())
    assert case.users == plan.outcomes.user.tolist()
    for user in case.users:
        why = plan.why(user)
        assert OUTCOMES[why.reason] == why.action
        assert why.zh
        assert why.en
        assert (why.action == "chosen") is any(s.user == user for s in plan.sends)
        assert (why.reason == "holdout") is (user in holdout)


@settings(max_examples=50)
@given(cases())
def test_merging_equal_users_loses_nothing(case: Case) -> None:
    """Users told apart by a hair have the same best plan as equal ones."""
    apart = [
        [value * (1 + 1e-12 * row) for value in values]
        for row, values in enumerate(case.values)
    ]
    told_apart = attrs.evolve(case, values=apart)

    assert plan_sends(case.candidates(), case.limits, gap=0).value == pytest.approx(
        plan_sends(told_apart.candidates(), case.limits, gap=0).value
    )


# --- the user's questions -------------------------------------------------------------


def test_why_names_message_channel_time_and_worth() -> None:
    """The sentences can be read by somebody who has never seen the code."""
    gift = option("gift", 20, words=Words("召回礼包", "recall gift"))
    who = Candidates.from_rows(
        [[0.04]], [0], [gift], ["ada"], words=[Words("沉默用户", "dormant user")]
    )

    why = plan_sends(who).why("ada")

    said = "沉默用户：2026-03-02 20:00 经 wecom 发出「召回礼包」，预期价值 0.04"  # noqa: RUF001
    assert said == why.zh
    assert (
        "dormant user: gets 'recall gift' on wecom at 2026-03-02 20:00, worth 0.04"
        == why.en
    )


def test_why_names_the_budget_that_is_used_up() -> None:
    """Who waits is told for what, and what one more unit would be worth."""
    who = Candidates.from_matrix([[2.0], [1.0]], [A], ["ada", "bob"])

    why = plan_sends(who, Budget(1, scope="channel:wecom")).why("bob")

    said = "the budget 'channel:wecom (sends)' is used up (1/1), and one more unit"
    assert f"{said} is worth 1" in why.en
    assert "受限于额度「channel:wecom (sends)」，已用 1/1" in why.zh  # noqa: RUF001


def test_why_of_a_stranger_is_an_error() -> None:
    """Only candidates have an outcome."""
    plan = plan_sends(Candidates.from_matrix([[1.0]], [A], ["ada"]))

    with pytest.raises(InvalidInputError, match="user must be in the audience"):
        plan.why("bob")


def test_planning_again_gives_the_same_ids() -> None:
    """A send's id comes from user, message, channel and window alone."""
    first = plan_sends(Candidates.from_matrix([[1.0]], [A], ["ada"]))
    again = plan_sends(Candidates.from_matrix([[2.0]], [A], ["ada"]))

    assert [send.id for send in first.sends] == [send.id for send in again.sends]


def test_proposed_sends_come_back_with_a_time() -> None:
    """The plan returns what was proposed, changed in nothing but ``at``."""
    sends = [
        Send("s1", "ada", "wecom", "a", not_before=at(7), expires=at(9), value=1.0),
        Send("s2", "ada", "mini", "b", at=at(12), value=2.0, topic="news"),
    ]

    plan = plan_sends(Candidates.from_sends(sends), QuietHours("22:00", "08:00"))

    assert (attrs.evolve(sends[0], at=at(8)), sends[1]) == plan.sends


def test_a_plan_prints_as_a_table() -> None:
    """As text and, with everything escaped, as HTML."""
    hostile = option("<script>", 8, words=Words("<b>", "<b>"))
    plan = plan_sends(Candidates.from_matrix([[1.5]], [hostile], ["ada"]))

    assert "2026-03-02 08:00  wecom    <script>      1    1.5" in str(plan)
    assert "1 chosen, 0 deferred, 0 dropped, 0 refused" in str(plan)
    assert "<b>" not in plan._repr_html_()
    assert "&lt;b&gt;" in plan._repr_html_()


def test_outcomes_are_a_table_of_the_callers_kind() -> None:
    """Arrays by default, records or a frame on demand."""
    plan = plan_sends(Candidates.from_matrix([[1.0], [NAN]], [A], ["ada", "bob"]))

    assert [
        {"user": "ada", "action": "chosen", "reason": "chosen"},
        {"user": "bob", "action": "refused", "reason": "not_allowed"},
    ] == plan.outcomes.to_frame("records")
    assert 2 == len(plan.outcomes)


# --- bad input ------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [(), Cap(1), [Budget(3)]])
def test_nobody_to_plan_for_is_an_empty_plan(limits: Any) -> None:
    """Empty in, empty out."""
    for who in (
        Candidates.from_matrix([], [A], []),
        Candidates.from_matrix([], [], []),
        Candidates.from_sends([]),
    ):
        plan = plan_sends(who, limits)

        assert (0, 0.0, 0.0, 0.0) == (len(plan), plan.value, plan.bound, plan.gap)
        assert 0 == sum(plan.counts.values())
        assert plan.met


def test_users_without_options_are_refused() -> None:
    """Where there is nothing to send, everybody is told so."""
    plan = plan_sends(Candidates.from_matrix([[], []], [], ["ada", "bob"]))

    assert {"not_allowed": 2} == dict(plan.reasons)


@pytest.mark.parametrize("gap", [-0.1, 1, NAN, math.inf, True, "0.1", None])
def test_a_gap_is_a_share(gap: Any) -> None:
    """From 0 to below 1."""
    with pytest.raises(InvalidInputError, match="gap must be"):
        plan_sends(Candidates.from_sends([]), gap=gap)


def test_what_is_no_limit_is_named() -> None:
    """By its position."""
    nothing: Any = None
    with pytest.raises(InvalidInputError, match=r"limits\[1\] must be a Cap, Budget"):
        plan_sends(Candidates.from_sends([]), [Cap(1), nothing])


def test_candidates_are_made_not_guessed() -> None:
    """A bare table is refused with the way to make candidates."""
    table: Any = [[1.0]]
    with pytest.raises(
        InvalidInputError, match="from_matrix, from_rows, from_pairs or"
    ):
        plan_sends(table)


def test_too_large_a_problem_is_planned_by_prices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One variable more than can be solved exactly, and the plan is as good."""
    who = Candidates.from_matrix([[1, 2, 3], [3, 2, 1]], [A, B, C], ["ada", "bob"])
    limits: list[Limit] = [Cap(2), Budget(3)]
    exact = plan_sends(who, limits)

    monkeypatch.setattr(crowds, "LARGEST", 5)

    plan = plan_sends(who, limits)
    assert 8.0 == exact.value == plan.value == pytest.approx(plan.bound)


def test_users_told_apart_again_count_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal users who cannot be merged do not slip through the limit of size."""
    options = [
        option(m, h, c) for m, h, c in [("a", 8, "x"), ("b", 8, "y"), ("a", 12, "y")]
    ]
    who = Candidates.from_matrix([[3, 2, 2]] * 2, options, ["ada", "bob"])

    assert "nodes" == plan_sends(who, Cap(1, scope="message")).short
    monkeypatch.setattr(crowds, "LARGEST", 5)
    assert "crossing" == plan_sends(who, Cap(1, scope="message")).short
