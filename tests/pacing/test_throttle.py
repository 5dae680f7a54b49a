"""What a throttle promises."""

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
from wxengage.pacing.throttle import Throttle, advance

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
MICRO = dt.timedelta(microseconds=1)
# Three in seven microseconds: no message becomes free at a whole one.
ODD = Throttle(3, 7 * MICRO, 4)


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    """Five, then one a second."""
    throttle, first = advance(Throttle(60, 60 * SECOND, 5), NOON, 9)
    same, none = advance(throttle, NOON, 4)
    later, two = advance(throttle, NOON + 2 * SECOND, 4)

    assert (5, 0, 2) == (first, none, two)
    assert throttle is same
    assert NOON + 3 * SECOND == later.next_allowed(NOON)


def test_what_may_go_keeps_its_instant() -> None:
    """The very same object; a later one in the zone of the question."""
    east = NOON.astimezone(dt.timezone(8 * dt.timedelta(hours=1)))
    throttle, _ = advance(ODD, NOON, 4)

    assert east is ODD.next_allowed(east, 4)
    assert east.tzinfo is throttle.next_allowed(east).tzinfo


CALLS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), max_size=25)
THROTTLES = st.builds(
    lambda rate, per, burst: Throttle(rate, per * MICRO, burst),
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(1, 6),
)


@given(THROTTLES, CALLS)
def test_it_grants_what_a_bucket_of_fractions_grants(
    throttle: Throttle, calls: list[tuple[int, int]]
) -> None:
    """Filled drop by drop, with no rounding anywhere; and it says when more may go."""
    per = throttle.per // MICRO
    tokens, now = Fraction(throttle.burst), 0
    for wait, wanted in calls:
        now += wait
        filled = tokens + Fraction(wait * throttle.rate, per)
        tokens = min(filled, Fraction(throttle.burst))
        at = NOON + now * MICRO

        assert int(tokens) == throttle.left(at)
        for some in range(1, throttle.burst + 1):
            soon = now
            while tokens + Fraction((soon - now) * throttle.rate, per) < some:
                soon += 1
            assert NOON + soon * MICRO == throttle.next_allowed(at, some)
        throttle, granted = advance(throttle, at, wanted)
        assert min(wanted, int(tokens)) == granted
        tokens -= granted


@given(THROTTLES, CALLS)
def test_no_stretch_of_time_gets_more_than_its_due(
    throttle: Throttle, calls: list[tuple[int, int]]
) -> None:
    """Burst plus rate times length, wherever the stretch begins."""
    per, rate, burst = throttle.per // MICRO, throttle.rate, throttle.burst
    now, granted = 0, []
    for wait, wanted in calls:
        now += wait
        throttle, some = advance(throttle, NOON + now * MICRO, wanted)
        granted.append((now, some))

    for first, (start, _) in enumerate(granted):
        total = 0
        for end, some in granted[first:]:
            total += some
            assert total <= burst + Fraction((end - start) * rate, per)


def test_a_clock_that_goes_back_gives_nothing_back() -> None:
    """What was granted stays granted."""
    throttle, _ = advance(ODD, NOON, 3)
    earlier, granted = advance(throttle, NOON - SECOND, 3)

    assert 1 == granted
    assert NOON == earlier.at
    assert NOON + 3 * MICRO == earlier.next_allowed(NOON - SECOND)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rate": 0}, "rate must be at least 1"),
        ({"rate": 0.5}, "rate must be a whole number"),
        ({"per": dt.timedelta(0)}, "per must be a timedelta above zero"),
        ({"burst": 0}, "burst must be at least 1"),
        ({"burst": 2**62}, "burst must be at most"),
        ({"used": 1}, "at must be a time"),
        ({"used": 29, "at": NOON}, "used must be at most 28"),
        ({"at": NOON.replace(tzinfo=None)}, "at must be an aware"),
    ],
)
def test_a_bad_throttle_is_named(fields: dict[str, Any], message: str) -> None:
    """Nothing at all, or fractions of a message, are no rate."""
    with pytest.raises(InvalidInputError, match=message):
        attrs.evolve(ODD, **fields)


def test_more_than_ever_go_at_once_are_refused() -> None:
    """They would wait for ever."""
    with pytest.raises(InvalidInputError, match="messages must be at most 4"):
        ODD.next_allowed(NOON, 5)
    with pytest.raises(InvalidInputError, match="messages must be at least 0"):
        advance(ODD, NOON, -1)
    with pytest.raises(InvalidInputError, match="at must be an aware"):
        advance(ODD, NOON.replace(tzinfo=None))


def test_a_throttle_survives_as_text() -> None:
    """In the middle of its work, too."""
    throttle, _ = advance(ODD, NOON, 3)

    assert [ODD, throttle] == [load(dump(ODD)), load(dump(throttle))]
