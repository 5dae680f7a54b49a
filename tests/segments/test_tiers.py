"""Levels of one user: scenarios as tables, laws, bad input."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.segments.tier_histories import POLICIES, START, histories
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.segments.points.facts import Earned, Fact, Reinstated, Reversed, Spent
from wxengage.segments.points.validity import Months, Validity
from wxengage.segments.tiers import TierState, tier_state
from wxengage.segments.tiers.policy import (
    FixedYear,
    SinceTierStart,
    TierPolicy,
    Trailing,
)
from wxengage.times.days import DayClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = dt.timedelta(days=1)
MICRO = dt.timedelta(microseconds=1)
ids = itertools.count()


def wall(text: str) -> dt.datetime:
    """Return an instant on a wall in Shanghai; a date alone is its midnight."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def earned(*pairs: tuple[str, int]) -> list[Fact]:
    """Return earnings."""
    return [Earned(f"e{next(ids)}", wall(at), points) for at, points in pairs]


def levels(facts: list[Fact], policy: TierPolicy, *at: str) -> list[int]:
    """Return the level at each of some instants."""
    return [tier_state(facts, policy, wall(one)).level for one in at]


YEARLY = TierPolicy(
    (100, 300, 900), qualify=Trailing(days=365), valid_for=Validity(years=1)
)
MONTHLY = TierPolicy(
    (100, 300, 900),
    qualify=Trailing(months=12),
    review="month",
    min_gap=Months(6),
)


def test_a_level_is_reached_at_its_threshold_at_the_very_instant() -> None:
    """Inclusive, and by several levels at once."""
    facts = earned(("2026-03-01T12:00", 99), ("2026-03-02T12:00", 1))
    assert [0, 0, 1] == levels(
        facts, YEARLY, "2026-03-01T12:00", "2026-03-02T11:59", "2026-03-02T12:00"
    )
    state = tier_state(facts, YEARLY, wall("2026-03-05"))
    assert wall("2026-03-02T12:00") == state.since
    assert wall("2027-03-03") == state.expires
    assert 200 == state.needed_to_rise

    assert [3] == levels(earned(("2026-03-01", 900)), YEARLY, "2026-03-01")
    assert tier_state(earned(("2026-03-01", 900)), YEARLY, wall("2026-03-01")) == (
        TierState(3, wall("2026-03-01"), wall("2027-03-02"), 900, None)
    )


@pytest.mark.parametrize(
    ("late", "kept"),
    [("2027-03-01T23:59:59.999999", 1), ("2027-03-02T00:00", 0)],
)
def test_keeping_a_level_on_the_boundary_day(late: str, kept: int) -> None:
    """The last moment of the last day counts for the review, the next is too late.

    The level was reached on 1 March 2026 and holds through 1 March 2027. At the
    review only what was earned from 2 March 2026 on counts.
    """
    first = ("2026-03-01T09:00", 100)
    facts = earned(first, ("2026-09-01", 60), (late, 40))
    reviewed = tier_state(facts, YEARLY, wall("2027-03-02"))

    if kept:
        assert (1, wall("2026-03-01T09:00")) == (reviewed.level, reviewed.since)
        assert wall("2028-03-02") == reviewed.expires
    else:  # it fell at the review, and rose anew by what was earned right after
        assert (1, wall("2027-03-02")) == (reviewed.level, reviewed.since)
        assert wall("2028-03-03") == reviewed.expires
    before = tier_state(earned(first, ("2026-09-01", 60)), YEARLY, wall("2027-03-01"))
    assert 40 == before.needed_to_keep


@pytest.mark.parametrize(
    ("policy", "reached", "expires", "renewed"),
    [
        (Validity(years=1), "2024-02-29", "2025-03-01", "2026-03-01"),
        (Validity(months=1), "2024-01-31", "2024-03-01", "2024-03-30"),
        (Validity(months=1), "2026-01-31", "2026-03-01", "2026-03-29"),
        (Validity(months=12, until="month"), "2026-01-15", "2027-02-01", "2028-02-01"),
        (Validity(years=1, until="year"), "2026-05-05", "2028-01-01", "2029-01-01"),
        (Validity(days=365), "2026-05-05", "2027-05-06", "2028-05-05"),
    ],
)
def test_month_ends_and_leap_days_of_levels(
    policy: Validity, reached: str, expires: str, renewed: str
) -> None:
    """A renewal counts from the last day of the old period: no end creeps on."""
    forever = TierPolicy((1,), valid_for=policy, qualify=Trailing(days=10_000))
    facts = earned((reached, 5))

    assert wall(expires) == tier_state(facts, forever, wall(reached)).expires
    assert wall(renewed) == tier_state(facts, forever, wall(expires)).expires


def test_a_refund_that_drops_a_level() -> None:
    """At once under refund_recheck, at the next review without it."""
    buy = Earned("buy", wall("2026-03-01T12:00"), 320)
    facts: list[Fact] = [buy]
    facts.append(Reversed("back", wall("2026-03-10T12:00"), "buy", 50))
    strict = attrs.evolve(YEARLY, refund_recheck=True)

    at = ("2026-03-10T11:59", "2026-03-10T12:00", "2027-03-03")
    assert [2, 2, 1] == levels(facts, YEARLY, *at)
    assert [2, 1, 1] == levels(facts, strict, *at[:2], "2027-03-02")
    state = tier_state(facts, strict, wall("2026-03-11"))
    assert (wall("2026-03-10T12:00"), wall("2027-03-11")) == (
        state.since,
        state.expires,
    )
    assert 30 == state.needed_to_rise
    match = attrs.evolve(strict, downgrade="match")
    all_of_it: list[Fact] = [buy]
    all_of_it.append(Reversed("back", wall("2026-03-10T12:00"), "buy"))
    assert [0] == levels(all_of_it, match, "2026-03-10T12:00")
    assert [1] == levels(all_of_it, strict, "2026-03-10T12:00")


@pytest.mark.parametrize(
    "qualify", [Trailing(days=30), FixedYear(), SinceTierStart()], ids=str
)
def test_a_refund_is_felt_wherever_the_level_stands_on_it(qualify: Any) -> None:
    """Though the window has moved on and a new period has begun."""
    policy = attrs.evolve(YEARLY, qualify=qualify, refund_recheck=True)
    facts: list[Fact] = [Earned("buy", wall("2025-12-20"), 320)]
    facts.append(Reversed("back", wall("2026-02-10"), "buy"))

    assert [2, 1] == levels(facts, policy, "2026-02-09", "2026-02-10")


def test_a_refund_that_takes_nothing_below_lowers_nothing() -> None:
    """A level that lapsed points no longer carry waits for its review."""
    policy = TierPolicy((100,), qualify=Trailing(days=30), refund_recheck=True)
    facts = earned(("2026-01-01", 100))
    facts += [Earned("small", wall("2026-06-01"), 10)]
    facts += [Reversed("back", wall("2026-06-02"), "small")]

    assert [1] == levels(facts, policy, "2026-06-03")


def test_a_refund_does_not_wait_for_the_gap_and_begins_one() -> None:
    """A fall by refund, then the review five months later holds."""
    policy = attrs.evolve(MONTHLY, refund_recheck=True)
    facts: list[Fact] = [Earned("old", wall("2025-05-10"), 300)]
    facts += [Earned("buy", wall("2026-02-10"), 600)]
    facts += [Reversed("back", wall("2026-03-10T12:00"), "buy")]

    assert [3, 2] == levels(facts, policy, "2026-03-10", "2026-03-10T12:00")
    # In June the 300 of last May have gone; the gap holds until 10 September.
    at = ("2026-06-01", "2026-09-01", "2026-10-01")
    assert [2, 2, 1] == levels(facts, policy, *at)


def test_two_downgrades_inside_the_minimum_gap() -> None:
    """One level down at the first review that fails, the next one six months on."""
    facts = earned(("2025-01-15", 900))
    at = ("2025-12-31", "2026-01-01", "2026-02-01")

    assert [3, 3, 2] == levels(facts, MONTHLY, *at)
    later = ("2026-07-31", "2026-08-01", "2027-01-31", "2027-02-01")
    assert [2, 1, 1, 0] == levels(facts, MONTHLY, *later)
    state = tier_state(facts, MONTHLY, wall("2026-03-10"))
    assert (wall("2026-04-01"), 0) == (state.expires, state.needed_to_keep)
    state = tier_state(facts, MONTHLY, wall("2026-07-10"))
    assert (wall("2026-08-01"), 300) == (state.expires, state.needed_to_keep)
    elapsed = attrs.evolve(MONTHLY, min_gap=182 * DAY)
    assert [2, 1] == levels(facts, elapsed, "2026-08-01", "2026-09-01")
    at_once = attrs.evolve(MONTHLY, min_gap=None)
    assert [2, 1, 0] == levels(facts, at_once, "2026-02-01", "2026-03-01", "2026-04-01")
    match = attrs.evolve(MONTHLY, min_gap=None, downgrade="match")
    assert [0] == levels([*facts, *earned(("2025-06-01", 99))], match, "2026-02-01")


def test_a_review_of_the_month_looks_at_twelve_whole_months() -> None:
    """On 1 March 2025 these are March 2024 to February, with or without 29th."""
    policy = TierPolicy((100,), qualify=Trailing(months=12), review="month")

    for first, level in (("2024-03-01", 1), ("2024-02-29T23:59", 0)):
        assert [level] == levels(earned((first, 100)), policy, "2025-03-01")


def test_grace_gives_time_to_make_up_for_what_lacks() -> None:
    """What counted at the review counts still, and the period begins anew then."""
    policy = attrs.evolve(YEARLY, grace=30 * DAY)
    facts = earned(("2026-03-01T09:00", 100), ("2026-03-05", 70))
    late = ("2027-03-31T23:59", 30)

    state = tier_state(facts, policy, wall("2027-03-02"))
    assert (1, wall("2027-04-01"), 30) == (
        state.level,
        state.expires,
        state.needed_to_keep,
    )
    assert [1, 0] == levels(facts, policy, "2027-03-31", "2027-04-01")
    kept = tier_state([*facts, *earned(late)], policy, wall("2027-04-01"))
    assert (1, wall("2028-04-01")) == (kept.level, kept.expires)
    too_late = earned(("2027-04-01", 30))
    assert [0] == levels([*facts, *too_late], policy, "2027-04-01")


def test_the_year_of_everybody_begins_anew() -> None:
    """Points of the year that ends carry the level through the next one."""
    policy = TierPolicy(
        (100, 300),
        qualify=FixedYear(month=4),
        review="year",
        downgrade="match",
    )
    facts = earned(("2026-03-31T23:59", 300))
    state = tier_state(facts, policy, wall("2026-03-31T23:59"))
    assert (2, wall("2026-04-01"), 0) == (
        state.level,
        state.expires,
        state.needed_to_keep,
    )
    state = tier_state(facts, policy, wall("2026-04-01"))
    assert (2, wall("2027-04-01"), 300) == (
        state.level,
        state.expires,
        state.needed_to_keep,
    )
    more = [*facts, *earned(("2026-04-01", 120))]
    assert [2, 1] == levels(more, policy, "2027-03-31", "2027-04-01")


def test_points_since_the_level_began_do_not_count_twice() -> None:
    """Those that brought the level are used up."""
    policy = TierPolicy(
        (100, 300), qualify=SinceTierStart(), valid_for=Validity(years=1)
    )
    facts = earned(("2026-03-01", 100), ("2026-06-01", 299))
    state = tier_state(facts, policy, wall("2026-06-01"))

    assert (1, 0, 1) == (state.level, state.needed_to_keep, state.needed_to_rise)
    assert [2] == levels([*facts, *earned(("2026-06-02", 1))], policy, "2026-06-02")
    renewed = tier_state(facts, policy, wall("2027-03-02"))
    assert (1, 100, 300) == (
        renewed.level,
        renewed.needed_to_keep,
        renewed.needed_to_rise,
    )


def test_periodic_upgrades_wait_for_the_review() -> None:
    """What is needed is told for that review."""
    policy = TierPolicy(
        (100, 300), qualify=Trailing(days=40), upgrade="periodic", review="month"
    )
    facts = earned(("2026-03-10", 90))
    state = tier_state(facts, policy, wall("2026-03-15"))
    assert TierState(0, wall("2026-03-10"), wall("2026-04-01"), 0, 10) == state
    facts += earned(("2026-03-31T23:00", 10))
    at = ("2026-03-31T23:59", "2026-04-01", "2026-05-01")
    assert [0, 1, 0] == levels(facts, policy, *at)


def test_levels_that_never_fall_are_renewed_for_ever() -> None:
    """And nothing is needed to keep them."""
    policy = attrs.evolve(YEARLY, downgrade="never")
    state = tier_state(earned(("2026-03-01", 100)), policy, wall("2040-01-01"))

    assert TierState(1, wall("2026-03-01"), wall("2040-03-02"), 0, 300) == state
    for_life = attrs.evolve(YEARLY, valid_for=None)
    state = tier_state(earned(("2026-03-01", 100)), for_life, wall("2040-01-01"))
    assert TierState(1, wall("2026-03-01"), None, 0, 300) == state


def test_nobody_is_at_level_0_without_a_beginning() -> None:
    """No facts, none yet, or none that are points earned."""
    nobody = TierState(0, None, None, 0, 100)

    assert nobody == tier_state([], YEARLY, wall("2026-03-01"))
    facts = earned(("2026-03-01", 100))
    assert nobody == tier_state(facts, YEARLY, wall("2026-03-01") - MICRO)


def test_spendings_say_nothing_about_levels() -> None:
    """One list of facts serves balances and levels."""
    facts = earned(("2026-03-01", 100))
    others: list[Fact] = [
        Spent("s", wall("2026-03-02"), 100),
        Reversed("r", wall("2026-03-03"), "s"),
        Reinstated("x", wall("2026-03-04")),
    ]
    now = wall("2026-03-05")

    expected = tier_state(facts, YEARLY, now)
    assert expected == tier_state([*facts, *others], YEARLY, now)


def test_fifty_quiet_years_of_monthly_reviews_are_cheap() -> None:
    """Where nothing can change the fold goes straight to the end."""
    now = wall("2076-03-01")
    for policy in (
        attrs.evolve(MONTHLY, downgrade="never"),
        attrs.evolve(MONTHLY, upgrade="periodic"),
        attrs.evolve(YEARLY, downgrade="never", valid_for=Validity(days=1)),
    ):
        facts = earned(("2026-03-01", 100))
        began = time.process_time()
        state = tier_state(facts, policy, now)
        assert time.process_time() - began < 0.25
        assert state == tier_state([*facts, *facts], policy, now)
        if policy.downgrade == "never" or policy.upgrade == "periodic":
            assert state.expires is not None
            assert now < state.expires <= wall("2076-04-01")


# Laws.

INSTANTS = st.integers(0, 24 * 1000).map(lambda n: START + dt.timedelta(hours=n))
IMMEDIATE = POLICIES.filter(lambda p: p.upgrade == "immediate")


def possible(facts: list[Fact], policy: TierPolicy, now: dt.datetime) -> TierState:
    """Return the state, or give up a history that cannot be."""
    try:
        return tier_state(facts, policy, now)
    except InvalidInputError:
        assume(False)
        raise


@given(histories(), IMMEDIATE, INSTANTS)
def test_what_is_needed_to_rise_raises_and_one_less_does_not(
    facts: list[Fact], policy: TierPolicy, now: dt.datetime
) -> None:
    """Earned at the instant that was asked about, after what happened by then."""
    now += MICRO
    state = possible(facts, policy, now)
    needed = state.needed_to_rise
    assert (needed is None) == (state.level == len(policy.thresholds))
    if needed is None:
        return
    assert needed > 0
    more = tier_state([*facts, Earned("new", now, needed)], policy, now)
    assert (state.level + 1, now) == (more.level, more.since)
    if needed > 1:
        less = tier_state([*facts, Earned("new", now, needed - 1)], policy, now)
        assert state.level == less.level


@settings(max_examples=300)
@given(histories(), POLICIES, INSTANTS)
def test_what_is_needed_to_keep_keeps_and_one_less_does_not(
    facts: list[Fact], policy: TierPolicy, now: dt.datetime
) -> None:
    """Earned at the last moment before the review."""
    policy = attrs.evolve(policy, grace=0 * DAY, refund_recheck=False)
    state = possible(facts, policy, now)
    if state.level == 0 or state.expires is None:
        assert 0 == state.needed_to_keep
        return
    known = [fact for fact in facts if fact.at <= now]
    last = state.expires - MICRO

    def after(points: int) -> int:
        new = [Earned("new", last, points)] if points else []
        return tier_state([*known, *new], policy, last + MICRO).level

    needed = state.needed_to_keep
    assert after(needed) >= state.level
    rise = tier_state(known, policy, last).needed_to_rise
    raises = policy.upgrade == "immediate" and rise is not None and needed - 1 >= rise
    if needed and not raises:
        assert after(needed - 1) < state.level


@given(histories(), POLICIES, INSTANTS, st.randoms())
def test_neither_order_nor_repeats_nor_the_future_matter(
    facts: list[Fact], policy: TierPolicy, now: dt.datetime, chance: Any
) -> None:
    """The state is a function of the set of facts by then."""
    state = possible(facts, policy, now)
    mixed = [*facts, *facts[:3], Earned("later", now + MICRO, 1000)]
    chance.shuffle(mixed)

    assert state == tier_state(mixed, policy, now)
    assert state == load(dump(state))
    assert policy == load(dump(policy))


@settings(max_examples=40)
@given(histories(), POLICIES)
def test_falls_keep_their_step_and_their_distance(
    facts: list[Fact], policy: TierPolicy
) -> None:
    """Looked at day by day: one level at a time, and never within the gap."""
    policy = attrs.evolve(policy, refund_recheck=False, clock=DayClock("Asia/Shanghai"))
    facts = [fact for fact in facts if not isinstance(fact, Reversed)]
    days = [START + n * DAY for n in range(0, 1000, 2)]
    found = [tier_state(facts, policy, day) for day in days]
    falls = [
        (one.level - two.level, two.since)
        for one, two in itertools.pairwise(found)
        if two.level < one.level
    ]
    assert policy.downgrade != "never" or not falls
    gap = policy.min_gap
    for (_, first), (_, second) in itertools.pairwise(falls):
        assert first is not None
        assert second is not None
        if isinstance(gap, dt.timedelta):
            assert second - first >= gap
        elif gap is not None:
            assert (second - first).days >= 28 * gap.n


# Bad input.


@pytest.mark.parametrize(
    ("said", "thresholds", "fields"),
    [
        (r"thresholds\[1\] must be above the threshold before it", (100, 100), {}),
        (r"thresholds\[2\] must be above .* got 200", (100, 300, 200), {}),
        (r"thresholds\[0\] must be at least 1", (0, 1), {}),
        (r"thresholds\[0\] must be a whole number", (1.5,), {}),
        (r"thresholds\[0\] must be a whole number", (True,), {}),
        ("thresholds must be a tuple", (), {}),
        ("thresholds must be a tuple", [1, 2], {}),
        ("qualify must be", (1,), {"qualify": 365}),
        ("did you mean 'periodic'", (1,), {"upgrade": "periodical"}),
        ("downgrade must be one of", (1,), {"downgrade": 1}),
        ("did you mean 'month'", (1,), {"review": "monthly"}),
        ("valid_for must be a Validity", (1,), {"valid_for": 365 * DAY}),
        ("valid_for must be a day or longer", (1,), {"valid_for": Validity(days=0)}),
        ("valid_for must be", (1,), {"valid_for": None, "upgrade": "periodic"}),
        ("min_gap must be", (1,), {"min_gap": 6}),
        ("min_gap must be", (1,), {"min_gap": 0 * DAY}),
        ("grace must be", (1,), {"grace": -DAY}),
        ("grace must be", (1,), {"grace": 30}),
        ("refund_recheck must be", (1,), {"refund_recheck": 1}),
        ("names must be 2 names", (1,), {"names": ("gold",)}),
        ("names must be a tuple", (1,), {"names": "ab"}),
        ("clock must be", (1,), {"clock": "Asia/Shanghai"}),
    ],
)
def test_policies_that_cannot_be_are_refused(
    said: str, thresholds: Any, fields: Any
) -> None:
    """By the field, with what it must be."""
    with pytest.raises(InvalidInputError, match=said):
        TierPolicy(thresholds, **fields)


@pytest.mark.parametrize(
    ("said", "make"),
    [
        ("one of days and months", Trailing),
        ("one of days and months", lambda: Trailing(days=1, months=1)),
        ("days must be at least 1", lambda: Trailing(days=0)),
        ("months must be a whole", lambda: Trailing(months=1.5)),  # type: ignore[arg-type]  # the mistake under test
        ("day must be a day of every year", lambda: FixedYear(month=2, day=29)),
        ("month must be at most 12", lambda: FixedYear(month=13)),
        ("n must be at least 1", lambda: Months(0)),
        ("level must be at most 3", lambda: YEARLY.name_of(4)),
        ("policy must be", lambda: tier_state([], None, wall("2026-01-01"))),  # type: ignore[arg-type]  # the mistake under test
        ("as_of must be", lambda: tier_state([], YEARLY, dt.datetime(2026, 1, 1))),  # noqa: DTZ001  the mistake under test
        (
            r"reversed 'r'.points must be at most the 100 of it",
            lambda: tier_state(
                [
                    Earned("e", wall("2026-01-01"), 100),
                    Reversed("r", wall("2026-01-02"), "e", 101),
                ],
                YEARLY,
                wall("2026-03-01"),
            ),
        ),
    ],
)
def test_values_that_cannot_be_are_refused(said: str, make: Any) -> None:
    """Windows, years, instants, refunds of more than there was."""
    with pytest.raises(InvalidInputError, match=said):
        make()


def test_levels_have_names() -> None:
    """Or their numbers."""
    named = TierPolicy((10,), names=("basic", "gold"))

    assert ["basic", "gold"] == [named.name_of(0), named.name_of(1)]
    assert "2" == YEARLY.name_of(2)
