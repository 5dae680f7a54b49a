"""Levels of many users: each as by itself, in the caller's kind of table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, rows_of
from tests.segments.fact_tables import columns_of, fact_table
from tests.segments.tier_histories import POLICIES, START, histories
from wxengage.errors import InvalidInputError
from wxengage.segments.points.facts import Earned, Reversed, Spent
from wxengage.segments.points.validity import Validity
from wxengage.segments.tiers import TierState, tier_state
from wxengage.segments.tiers.policy import SinceTierStart, TierPolicy, Trailing
from wxengage.segments.tiers.tables import TierStates, tier_states, user_tiers
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.segments.points.facts import Fact

DAY = dt.timedelta(days=1)
NOON = dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)
POLICY = TierPolicy((100, 500), valid_for=Validity(years=1))


def plain(state: TierState) -> tuple[Any, ...]:
    """Return a state with instants as microseconds."""
    return tuple(
        micros(field.name, value) if isinstance(value, dt.datetime) else value
        for field in attrs.fields(TierState)
        for value in [getattr(state, field.name)]
    )


def plain_row(found: TierStates, row: int) -> tuple[Any, ...]:
    """Return a row in the same form."""
    rise = found.needed_to_rise[row]
    instants = [
        None if np.isnat(at) else int(at.astype(np.int64))
        for at in (found.since[row], found.expires[row])
    ]
    return (
        int(found.level[row]),
        *instants,
        int(found.needed_to_keep[row]),
        None if np.isnan(rise) else int(rise),
    )


def check_same(
    users: dict[Any, list[Fact]], policy: TierPolicy, as_of: dt.datetime
) -> None:
    """Assert that many users at once are as each by itself."""
    columns = columns_of(users)
    try:
        singles = {user: tier_state(users[user], policy, as_of) for user in users}
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            user_tiers(columns, policy, as_of)
        return
    found = user_tiers(columns, policy, as_of)

    assert sorted(user for user in users if users[user]) == found.user.tolist()
    for row, user in enumerate(found.user.tolist()):
        assert plain(singles[user]) == plain_row(found, row), user


@settings(max_examples=500)
@given(st.lists(histories(), max_size=5), POLICIES, st.integers(0, 24 * 1000))
def test_many_users_are_as_each_by_itself(
    lists: list[list[Fact]], policy: TierPolicy, hours: int
) -> None:
    """Random rules and histories: leap days, month ends, refunds, changes of clock."""
    as_of = START + dt.timedelta(hours=hours)
    check_same(dict(enumerate(lists)), policy, as_of)


@settings(max_examples=200)
@given(histories(), POLICIES, st.data())
def test_they_agree_at_the_very_instants_of_facts_and_reviews(
    facts: list[Fact], policy: TierPolicy, data: st.DataObject
) -> None:
    """And a microsecond before."""
    as_of = START + 1000 * DAY
    try:
        first = tier_state(facts[:1], policy, as_of)
    except InvalidInputError:
        return
    instants = [fact.at for fact in facts]
    for _ in range(3):
        if first.expires is not None:
            instants.append(first.expires)
            later = first.expires
            first = tier_state(facts[:1], policy, later)
    if not instants:
        return
    at = data.draw(st.sampled_from(instants))
    check_same({"ann": facts}, policy, at)
    check_same({"ann": facts}, policy, at - dt.timedelta(microseconds=1))


ROWS = [
    {"user": "bo", "at": NOON, "points": 520, "kind": "earned", "id": "1", "of": None},
    {"user": "ann", "at": NOON, "points": 80, "kind": "earned", "id": "2", "of": None},
    {
        "user": "bo",
        "at": NOON + DAY,
        "points": 10,
        "kind": "spent",
        "id": "3",
        "of": None,
    },
]


@pytest.mark.parametrize("engine", EAGER)
def test_the_answer_is_the_kind_of_table_that_came_in(engine: str) -> None:
    """At the top there is nothing to rise to: none, in every kind of table."""
    found = rows_of(tier_states(fact_table(ROWS, engine), POLICY, NOON + DAY))

    assert [("ann", 0, 0, 20), ("bo", 2, 500, None)] == [
        (row["user"], row["level"], row["needed_to_keep"], row["needed_to_rise"])
        for row in found
    ]
    assert [None, dt.datetime(2027, 3, 1, 16, tzinfo=dt.UTC)] == [
        row["expires"] and row["expires"].replace(tzinfo=dt.UTC) for row in found
    ]


def test_a_user_who_only_appears_later_has_no_level_yet() -> None:
    """Every user of the table has a row."""
    rows = [*ROWS, {**ROWS[1], "user": "cat", "id": "9", "at": NOON + 2 * DAY}]
    found = user_tiers(rows, POLICY, NOON + DAY)

    assert ["ann", "bo", "cat"] == found.user.tolist()
    assert np.isnat(found.since[2])
    assert (0, 100) == (found.level[2], found.needed_to_rise[2])
    assert "level" in str(found)
    assert 0 == len(user_tiers({"user": [], "at": [], "points": []}, POLICY, NOON))


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (r"row 1.points must be at most the 5 of it", (6,)),
        (r"row 2.points must be at most the 2 of it", (3, 3)),
        (r"row 2.points must be at most the 0 of it", (None, None)),
        (r"row 2.points must be at most the 0 of it", (5, None)),
    ],
)
def test_more_refunds_than_points_are_named_by_row(
    said: str, facts: tuple[int | None, ...]
) -> None:
    """Also where one of them takes back all that is left."""
    refunds = [
        Reversed(10 + n, NOON + n * DAY, 1, points) for n, points in enumerate(facts)
    ]
    columns = columns_of({"ann": [Earned(1, NOON, 5), *refunds]})

    with pytest.raises(InvalidInputError, match=said):
        user_tiers(columns, POLICY, NOON + 9 * DAY)


def test_refunds_of_spendings_are_left_aside() -> None:
    """As they are for one user."""
    facts: list[Fact] = [
        Earned(1, NOON, 100),
        Spent(2, NOON, 100),
        Reversed(3, NOON + DAY, 2),
    ]
    check_same({"ann": facts}, POLICY, NOON + DAY)


def test_bad_arguments_are_refused() -> None:
    """Before anything is read."""
    with pytest.raises(InvalidInputError, match="policy must be"):
        tier_states(ROWS, (100, 500), NOON)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(InvalidInputError, match="as_of must be"):
        tier_states(ROWS, POLICY, "2026-03-01")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    "policy",
    [
        attrs.evolve(POLICY, review="month", qualify=Trailing(months=12)),
        attrs.evolve(POLICY, qualify=SinceTierStart(), refund_recheck=True),
        attrs.evolve(POLICY, upgrade="periodic", review="month"),
        attrs.evolve(POLICY, downgrade="never", valid_for=Validity(days=1)),
    ],
    ids=["month", "since", "periodic", "daily"],
)
def test_larger_histories_agree_too(policy: TierPolicy) -> None:
    """Hundreds of facts a user, thirty years, one user far livelier than others."""
    rng = np.random.default_rng(7)
    users: dict[Any, list[Fact]] = {}
    for user, count in enumerate([600, 3, 40, 1]):
        days = np.sort(rng.integers(0, 4_000, count)).tolist()
        facts: list[Fact] = [
            Earned(n, NOON + d * DAY, int(rng.integers(1, 60)))
            for n, d in enumerate(days)
        ]
        facts += [
            Reversed(10_000 + n, fact.at + int(rng.integers(0, 90)) * DAY, fact.id)
            for n, fact in enumerate(facts[::9])
        ]
        users[user] = facts

    for years in (2, 7, 30):
        check_same(users, policy, NOON + years * 365 * DAY)
