"""Random histories and policies for the tests of levels."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from wxengage.segments.points.facts import Earned, Fact, Reversed
from wxengage.segments.points.validity import Months, Validity
from wxengage.segments.tiers.policy import (
    FixedYear,
    SinceTierStart,
    TierPolicy,
    Trailing,
)
from wxengage.times.days import DayClock

__all__ = ["POLICIES", "START", "ZONES", "histories"]

DAY = dt.timedelta(days=1)
# Before a leap day, a month end, a new year and changes of the clock.
START = dt.datetime(2023, 12, 28, 16, tzinfo=dt.UTC)
ZONES = ("Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Pacific/Apia")


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Return earnings and refunds of one user; some may not be possible."""
    facts: list[Fact] = []
    hours = st.one_of(
        st.integers(0, 24 * 900), st.integers(0, 900).map(lambda n: 24 * n)
    )
    for number in range(draw(st.integers(0, 12))):
        at = START + dt.timedelta(hours=draw(hours))
        earnings = [fact for fact in facts if isinstance(fact, Earned)]
        if earnings and draw(st.integers(0, 3)) == 0:
            of = draw(st.sampled_from(earnings))
            points = draw(st.none() | st.integers(1, 3))
            facts.append(Reversed(number, max(at, of.at), of.id, points))
        else:
            facts.append(Earned(number, at, draw(st.integers(1, 8))))
    return facts


POLICIES = st.builds(
    TierPolicy,
    st.sampled_from([(3,), (2, 5), (3, 7, 12), (1, 2, 3, 4)]),
    qualify=st.one_of(
        st.builds(Trailing, days=st.integers(1, 400)),
        st.builds(Trailing, months=st.integers(1, 14)),
        st.builds(FixedYear, month=st.integers(1, 12), day=st.integers(1, 28)),
        st.just(SinceTierStart()),
    ),
    upgrade=st.sampled_from(["immediate", "periodic"]),
    valid_for=st.one_of(
        st.builds(Validity, days=st.integers(1, 400)),
        st.builds(
            Validity, months=st.integers(1, 14), until=st.sampled_from(["day", "month"])
        ),
        st.builds(
            Validity, years=st.just(1), until=st.sampled_from(["day", "month", "year"])
        ),
    ),
    review=st.sampled_from(["expiry", "month", "year"]),
    downgrade=st.sampled_from(["one_down", "match", "never"]),
    min_gap=st.one_of(
        st.none(),
        st.builds(Months, st.integers(1, 14)),
        st.integers(1, 300).map(lambda n: n * DAY),
    ),
    grace=st.sampled_from([0 * DAY, 30 * DAY, 100 * DAY, dt.timedelta(hours=5)]),
    refund_recheck=st.booleans(),
    clock=st.builds(
        DayClock, st.sampled_from(ZONES), st.sampled_from([dt.time(0), dt.time(4)])
    ),
)
