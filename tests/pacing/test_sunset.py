"""What a sunset promises."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.pacing.sunset import NEVER, Sunset
from wxengage.sends import Send, Sent
from wxengage.times.zones import from_micros, micros

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MICRO = dt.timedelta(microseconds=1)
SEND = Send("s1", "ada", "wecom", "recall_gift", topic="recall")
WEEKLY = Sunset(4, first_gap=7 * DAY)


def sent(*days: float, **fields: Any) -> list[Sent]:
    """Return what ada got so many days after noon."""
    return [Sent("ada", NOON + day * DAY, "wecom", **fields) for day in days]


@pytest.mark.parametrize(
    ("past", "day", "then"),
    [
        ([], 0, 0),
        ([0], 1, 7),
        ([0], 7, 7),
        ([0], 8, 8),
        ([0, 7], 8, 21),
        ([7, 0], 8, 21),
        ([0, 7, 21], 22, 49),
        ([0, 7, 21, 49], 50, None),
        ([0, 7, 21, 49, 50], 5_000, None),
        ([9], 1, 16),
    ],
)
def test_each_attempt_waits_longer_and_the_last_is_the_last(
    past: list[float], day: int, then: int | None
) -> None:
    """7, 14 and 28 days, then never; what is planned counts as made."""
    expected = None if then is None else NOON + then * DAY

    assert expected == WEEKLY.next_allowed(
        SEND, sent(*past), NOON + day * DAY, segment="dormant"
    )


def test_only_what_came_since_counts() -> None:
    """Letters to an active user were no attempts to win anybody back."""
    past, at = sent(-3, -2, -1, 0), NOON + DAY

    def ask(since: dt.datetime | None) -> dt.datetime | None:
        return WEEKLY.next_allowed(SEND, past, at, segment="dormant", since=since)

    assert [None, NOON + 7 * DAY, at] == [ask(None), ask(NOON), ask(NOON + MICRO)]


def test_other_segments_scopes_and_receipts_are_not_meant() -> None:
    """Nor a user whose segment nobody knows."""
    past = sent(0, 1, 2, 3)
    service = attrs.evolve(SEND, category="service")
    receipt = attrs.evolve(SEND, transactional=True)

    for segment in ("active", None):
        assert NOON is WEEKLY.next_allowed(SEND, past, NOON, segment=segment)
    for send in (service, receipt):
        assert NOON is WEEKLY.next_allowed(send, past, NOON, segment="dormant")


def test_rows_of_others_are_not_attempts() -> None:
    """Another user's, out of scope, or marked as not counting."""
    recall = attrs.evolve(WEEKLY, scope="topic:recall")
    past = [
        *sent(0, category="service", topic="recall", counts=False),
        *sent(0, topic="news"),
        *[attrs.evolve(row, user="bob") for row in sent(0, topic="recall")],
    ]

    assert NOON is recall.next_allowed(SEND, past, NOON, segment="dormant")


def test_a_wait_is_exact_and_never_too_short() -> None:
    """Fractions of a microsecond are rounded up."""
    sunset = Sunset(4, first_gap=3 * MICRO, growth=Fraction(3, 2))

    assert (3 * MICRO, 5 * MICRO, 7 * MICRO) == sunset.waits
    assert (DAY,) * 3 == Sunset(4, first_gap=DAY, growth=1).waits
    assert () == Sunset(1, first_gap=DAY).waits


@given(
    st.integers(1, 6),
    st.integers(1, 10**12),
    st.fractions(1, 4),
    st.lists(st.integers(-(10**12), 10**12), max_size=8),
    st.integers(-(10**12), 10**13),
)
def test_many_at_once_are_as_the_definition(
    attempts: int, first: int, growth: Fraction, past: list[int], at: int
) -> None:
    """Bulk, one at a time and the sentence of the docstring give one answer."""
    sunset = Sunset(attempts, first_gap=first * MICRO, growth=growth)
    base = micros("noon", NOON)
    k = len(past)
    naive: int | None = at
    if k >= attempts:
        naive = None
    elif k:
        naive = max(at, max(past) - int(-first * growth ** (k - 1) // 1))

    one = sunset.next_allowed(
        SEND,
        [Sent("ada", NOON + each * MICRO, "wecom") for each in past],
        NOON + at * MICRO,
        segment="dormant",
    )
    (many,) = sunset.next_allowed_many(
        [base + at], [k], [base + max(past, default=0)]
    ).tolist()

    assert (None if naive is None else NOON + naive * MICRO) == one
    assert one == (None if many == NEVER else from_micros(many))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"attempts": 0}, "attempts must be at least 1"),
        ({"attempts": True}, "attempts must be a whole number"),
        ({"first_gap": dt.timedelta(0)}, "first_gap must be a timedelta above zero"),
        ({"growth": 1.5}, "growth must be a whole number or a Fraction"),
        ({"growth": True}, "growth must be a whole number or a Fraction"),
        ({"growth": Fraction(1, 2)}, "growth must be .* from 1 up"),
        ({"attempts": 40}, r"no wait is longer .* before attempt 15 is"),
        ({"growth": 10**400}, r"no wait is longer .* before attempt 3 is"),
        ({"segments": ()}, "segments must be a tuple of at least one"),
        ({"segments": "dormant"}, "segments must be a tuple of at least one"),
        ({"segments": ("dormant", "")}, r"segments\[1\] must be not blank"),
        ({"scope": "user"}, "scope must be None, 'field' or"),
    ],
)
def test_a_bad_sunset_is_named(fields: dict[str, Any], message: str) -> None:
    """Also a wait that nobody lives to see."""
    usual: dict[str, Any] = {"attempts": 4, "first_gap": 7 * DAY}
    with pytest.raises(InvalidInputError, match=message):
        Sunset(**(usual | fields))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [1, 1], [0]), "made must be as many as at, 1"),
        (([0], [1], []), "last must be as many as at, 1"),
        (([0], [-1], [0]), r"made\[0\] must be a whole number"),
        (([0.5], [1], [0]), "at must be one-dimensional"),
    ],
)
def test_bad_columns_are_named(columns: Any, message: str) -> None:
    """One row an attempt."""
    with pytest.raises(InvalidInputError, match=message):
        WEEKLY.next_allowed_many(*columns)


@pytest.mark.parametrize("name", ["at", "since"])
def test_a_naive_time_is_refused(name: str) -> None:
    """Whichever of the two it is."""
    times: Any = {"at": NOON, "since": NOON} | {name: NOON.replace(tzinfo=None)}
    with pytest.raises(InvalidInputError, match=f"{name} must be an aware"):
        WEEKLY.next_allowed(SEND, [], segment="dormant", **times)


@pytest.mark.parametrize("growth", [2, Fraction(3, 2)])
def test_a_sunset_survives_as_text(growth: int | Fraction) -> None:
    """The growth is still exact, and still of its type."""
    sunset = attrs.evolve(WEEKLY, growth=growth)

    assert sunset == load(dump(sunset))
    assert type(growth) is type(load(dump(sunset)).growth)
