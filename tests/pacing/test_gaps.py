"""What minimum gaps promise."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.pacing.caps import Cap, next_allowed
from wxengage.pacing.gaps import MinGap
from wxengage.sends import Send, Sent
from wxengage.times.zones import from_micros, micros

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
HOUR = dt.timedelta(hours=1)
SEND = Send("s1", "ada", "wecom", "gift", topic="recall")
SIX = MinGap(6 * HOUR)


def sent(*hours: int, **fields: Any) -> list[Sent]:
    """Return what ada got so many hours after noon."""
    return [Sent("ada", NOON + hour * HOUR, "wecom", **fields) for hour in hours]


@pytest.mark.parametrize(
    ("past", "hour", "then"),
    [
        ([], 0, 0),
        ([0], 0, 6),
        ([0], 5, 6),
        ([0], 6, 6),
        ([0], -5, 6),
        ([0], -6, -6),
        ([0, 11], 1, 17),
        ([0, 12], 1, 6),
        ([11, 0], 1, 17),
    ],
)
def test_the_next_message_waits_for_the_whole_gap(
    past: list[int], hour: int, then: int
) -> None:
    """Both ends exact; what is planned for later is kept clear of, too."""
    assert NOON + then * HOUR == SIX.next_allowed(SEND, sent(*past), NOON + hour * HOUR)


def test_a_message_that_may_go_keeps_its_instant() -> None:
    """The very same object; a later one is told in the zone of the question."""
    utc = NOON.astimezone(dt.UTC)

    assert utc is SIX.next_allowed(SEND, [], utc)
    assert dt.UTC is SIX.next_allowed(SEND, sent(0), utc).tzinfo


def test_a_gap_holds_within_its_scope() -> None:
    """Between two of one topic; other topics and users are not in the way."""
    gap = MinGap(6 * HOUR, scope="topic")
    others = [*sent(0, topic="news"), attrs.evolve(sent(0)[0], user="bob")]

    assert NOON is gap.next_allowed(SEND, others, NOON)
    assert NOON + 6 * HOUR == gap.next_allowed(SEND, sent(0, topic="recall"), NOON)


def test_a_receipt_need_not_wait_and_what_does_not_count_is_not_seen() -> None:
    """As with every cap."""
    receipt = attrs.evolve(SEND, transactional=True)

    assert NOON is SIX.next_allowed(receipt, sent(0), NOON)
    assert NOON is SIX.next_allowed(SEND, sent(0, counts=False), NOON)


TIMES = st.lists(st.integers(-40, 40), max_size=12)


@given(TIMES, st.integers(-50, 50), st.integers(1, 12))
def test_a_gap_is_a_cap_of_one(past: list[int], hour: int, length: int) -> None:
    """The arithmetic of the rolling cap, in other words."""
    rows, at = sent(*past), NOON + hour * HOUR
    gap = MinGap(length * HOUR)

    assert next_allowed(Cap(1, per=length * HOUR), SEND, rows, at) == gap.next_allowed(
        SEND, rows, at
    )


def first_free(past: list[int], hour: int, length: int) -> int:
    """Look hour by hour, which is all there is to it."""
    while any(abs(hour - other) < length for other in past):
        hour += 1
    return hour


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-40, 40)), max_size=20),
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-50, 50)), max_size=8),
    st.integers(1, 12),
)
def test_many_at_once_are_as_looking_hour_by_hour(
    past: list[tuple[str, int]], asked: list[tuple[str, int]], length: int
) -> None:
    """Bulk, one at a time and the naive search give one answer."""
    gap = MinGap(length * HOUR)
    rows = [Sent(user, NOON + hour * HOUR, "wecom") for user, hour in past]
    naive = [
        NOON
        + first_free([t for other, t in past if other == user], hour, length) * HOUR
        for user, hour in asked
    ]

    one = [
        gap.next_allowed(attrs.evolve(SEND, user=user), rows, NOON + hour * HOUR)
        for user, hour in asked
    ]
    many = gap.next_allowed_many(
        [user for user, _ in asked],
        [micros("at", NOON + hour * HOUR) for _, hour in asked],
        [row.user for row in rows],
        [micros("at", row.at) for row in rows],
    )

    assert naive == one
    assert naive == [from_micros(at) for at in many.tolist()]


def test_ids_may_come_as_objects() -> None:
    """As columns of a frame often do; texts meet texts, and numbers numbers."""
    for ids in (["a", "b"], [1, 2]):
        found = SIX.next_allowed_many(np.array(ids, dtype=object), [0, 0], ids[:1], [0])

        assert [6 * 3_600_000_000, 0] == found.tolist()


def test_long_numbers_keep_their_digits() -> None:
    """Two users whose numbers are the same float are two users."""
    users = np.array([2**63 - 1, 2**63 - 2], dtype=np.uint64)

    found = SIX.next_allowed_many(users, [0, 0], np.array([2**63 - 1]), [0])

    assert [6 * 3_600_000_000, 0] == found.tolist()


def test_instants_may_be_numpys_own() -> None:
    """`datetime64` in UTC, of any unit."""
    at = np.array(["2026-03-02T12:00"], dtype="datetime64[m]")

    found = SIX.next_allowed_many([7], at, [7], at)

    assert ["2026-03-02T18:00"] == found.astype("datetime64[us]").astype(
        "datetime64[m]"
    ).astype(str).tolist()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"after": dt.timedelta(0)}, "after must be a timedelta above zero"),
        ({"after": 6}, "after must be a timedelta above zero"),
        ({"after": dt.timedelta(days=10**6)}, "after must be at most 36525 days"),
        ({"scope": "user"}, "scope must be None, 'field' or"),
    ],
)
def test_a_bad_gap_is_named(fields: dict[str, Any], message: str) -> None:
    """A gap of nothing is no gap."""
    with pytest.raises(InvalidInputError, match=message):
        MinGap(**({"after": HOUR} | fields))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((["a"], [0, 1], ["a"], [0]), "users must be one a row of at"),
        ((["a"], [0.5], ["a"], [0]), "at must be one-dimensional"),
        (([1], [0], ["1"], [0]), "past_users must be ids of the type of users"),
        ((["1"], [0], [1], [0]), "past_users must be ids of the type of users"),
        (([0.5], [0], [1], [0]), "users must be ids"),
        ((["a"], [0], [None], [0]), "past_users must be ids"),
        (([True], [0], [1], [0]), "users must be ids"),
        (([1], [0], np.array([1, "1"], dtype=object), [0, 0]), "past_users must be"),
        ((["a"], [0], ["a"], [np.datetime64("NaT")]), r"past_at\[0\] must be a time"),
    ],
)
def test_bad_columns_are_named(columns: Any, message: str) -> None:
    """Ids of another type would find no past and let everything go."""
    with pytest.raises(InvalidInputError, match=message):
        SIX.next_allowed_many(*columns)


def test_a_naive_time_is_refused() -> None:
    """Elapsed time from a time of nowhere is not known."""
    with pytest.raises(InvalidInputError, match="at must be an aware"):
        SIX.next_allowed(SEND, [], NOON.replace(tzinfo=None))


def test_a_gap_has_a_name_and_survives_as_text() -> None:
    """A policy is kept as JSON."""
    gap = MinGap(6 * HOUR, scope="topic")

    assert ["6:00:00 apart", "6:00:00 apart in topic"] == [SIX.name, gap.name]
    assert gap == load(dump(gap))
