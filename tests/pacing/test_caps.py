"""What caps promise."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.claims.figures import INTERACTIONS_A_DAY
from wxengage.errors import InvalidInputError
from wxengage.pacing.caps import DAILY_CEILING, Cap, may_send_many, next_allowed
from wxengage.sends import Send, Sent
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SHANGHAI = ZoneInfo("Asia/Shanghai")
SEND = Send("s1", "ada", "wecom", "gift", topic="recall")
HOUR = dt.timedelta(hours=1)


def at(month: int, day: int, hour: int = 12) -> dt.datetime:
    """Return an hour of 2026 in Shanghai."""
    return dt.datetime(2026, month, day, hour, tzinfo=SHANGHAI)


def sent(*times: dt.datetime, **fields: Any) -> list[Sent]:
    """Return what ada got at these times."""
    return [Sent("ada", time, "wecom", **fields) for time in times]


# --- one at a time --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cap", "past", "now", "then"),
    [
        (Cap(1), [], at(3, 2), at(3, 2)),
        (Cap(1), [at(3, 1, 23)], at(3, 2, 0), at(3, 2, 0)),
        (Cap(1), [at(3, 2, 0)], at(3, 2, 23), at(3, 3, 0)),
        (Cap(2), [at(2, 28, 1), at(2, 28, 2)], at(2, 28, 23), at(3, 1, 0)),
        (Cap(1), [at(3, 2), at(3, 3), at(3, 4)], at(3, 2), at(3, 5, 0)),
        (Cap(1, per="week"), [at(3, 1)], at(3, 2, 0), at(3, 2, 0)),
        (Cap(1, per="week"), [at(3, 2, 0)], at(3, 8), at(3, 9, 0)),
        (
            Cap(1, per="week"),
            [at(12, 28)],
            at(12, 31),
            dt.datetime(2027, 1, 4, tzinfo=SHANGHAI),
        ),
        (Cap(1, per="month"), [at(2, 1)], at(2, 28), at(3, 1, 0)),
        (
            Cap(1, per="month"),
            [at(12, 31)],
            at(12, 31),
            dt.datetime(2027, 1, 1, tzinfo=SHANGHAI),
        ),
        (Cap(1, per=24 * HOUR), [at(3, 2, 20)], at(3, 3, 8), at(3, 3, 20)),
        (Cap(2, per=3 * HOUR), [at(3, 2, 9), at(3, 2, 11)], at(3, 2, 11), at(3, 2, 12)),
        (Cap(1, per=3 * HOUR), [at(3, 2, 14)], at(3, 2, 12), at(3, 2, 17)),
    ],
)
def test_the_next_send_may_go_at_the_first_instant_that_the_cap_leaves(
    cap: Cap, past: list[dt.datetime], now: dt.datetime, then: dt.datetime
) -> None:
    """Exact: not a whole period later, across months, years and ISO week 53."""
    assert then == next_allowed(cap, SEND, sent(*past), now)


def test_a_send_that_may_go_keeps_its_instant() -> None:
    """The very same object, in its own zone."""
    now = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)

    assert now is next_allowed(Cap(1), SEND, [], now)


@pytest.mark.parametrize(
    ("tz", "hours"), [("Europe/Berlin", (23, 25)), ("UTC", (24, 24))]
)
def test_a_day_is_as_long_as_its_calendar_says(tz: str, hours: tuple[int, int]) -> None:
    """23 hours in spring and 25 in autumn where clocks are changed."""
    clock = DayClock(tz)
    for date, length in zip(("2026-03-29", "2026-10-25"), hours, strict=True):
        day = clock.of_date(dt.date.fromisoformat(date))
        start = clock.start(day)

        next_day = next_allowed(Cap(1), SEND, sent(start), start, clock=clock)

        assert dt.timedelta(hours=length) == next_day - start


def test_a_day_that_the_calendar_leaves_out_has_no_room() -> None:
    """Samoa went from 29 to 31 December 2011: the 30th is nobody's day."""
    apia = ZoneInfo("Pacific/Apia")
    before, after = (dt.datetime(2011, 12, day, 9, tzinfo=apia) for day in (29, 31))

    then = next_allowed(
        Cap(1), SEND, sent(before, after), before, clock=DayClock("Pacific/Apia")
    )

    assert dt.datetime(2012, 1, 1, tzinfo=apia) == then


def test_a_cap_counts_what_is_in_its_scope() -> None:
    """One channel, each channel, a topic, a category."""
    now = at(3, 2)
    past = sent(now, topic="news", category="service")

    free = [None, "channel:mini", "topic:recall", "topic", "category", "message"]
    assert [False, True, True, True, True, True] == [
        now == next_allowed(Cap(1, scope=scope), SEND, past, now) for scope in free
    ]
    assert now != next_allowed(Cap(1, scope="channel"), SEND, past, now)
    assert now != next_allowed(Cap(1, scope="account"), SEND, past, now)


def test_obeying_and_counting_are_independent() -> None:
    """A service message may pass a cap and still use it up."""
    cap, now = Cap(1, obeys=("marketing",)), at(3, 2)
    service = attrs.evolve(SEND, category="service")

    assert now == next_allowed(cap, service, sent(now), now)
    assert now != next_allowed(cap, SEND, sent(now, category="service"), now)
    only = Cap(1, counts=("marketing",))
    assert now == next_allowed(only, SEND, sent(now, category="service"), now)


def test_a_transactional_send_passes_and_a_row_may_not_count() -> None:
    """Both are said on the message, not guessed."""
    now = at(3, 2)

    assert now == next_allowed(
        Cap(1), attrs.evolve(SEND, transactional=True), sent(now), now
    )
    assert now == next_allowed(Cap(1), SEND, sent(now, counts=False), now)


def test_other_peoples_messages_are_not_counted() -> None:
    """A cap is for each user."""
    now = at(3, 2)

    assert now == next_allowed(Cap(1), SEND, [Sent("bob", now, "wecom")], now)


def test_the_articles_ceiling_is_a_cap() -> None:
    """3 to 5 a day: five is the most."""
    assert Cap(INTERACTIONS_A_DAY[1]) == DAILY_CEILING


# --- laws ---------------------------------------------------------------------------

MOMENTS = st.integers(0, 60).map(
    lambda step: 1_774_700_000_000_000 + step * 3_600_000_000
)
PERIODS = st.sampled_from(["day", "week", "month", 5 * HOUR, 24 * HOUR])
CLOCKS = st.sampled_from([DayClock(), DayClock("Europe/Berlin", dt.time(4))])


@given(st.integers(1, 3), PERIODS, st.lists(MOMENTS, max_size=8), MOMENTS, CLOCKS)
def test_nothing_earlier_is_allowed_and_what_is_allowed_is(
    limit: int,
    per: Any,
    past: list[int],
    now: int,
    clock: DayClock,
) -> None:
    """Asked again at its own answer a cap says yes, and before it no."""
    cap, rows = Cap(limit, per=per), sent(*(from_micros(one) for one in past))

    then = next_allowed(cap, SEND, rows, from_micros(now), clock=clock)

    assert then == next_allowed(cap, SEND, rows, then, clock=clock)
    if micros("then", then) > now:
        before = then - dt.timedelta(microseconds=1)
        assert then == next_allowed(cap, SEND, rows, before, clock=clock)


@given(
    st.integers(1, 3),
    PERIODS,
    st.lists(st.tuples(st.sampled_from(["ada", "bob"]), MOMENTS), max_size=12),
    st.lists(st.tuples(st.sampled_from(["ada", "bob", "cyd"]), MOMENTS), max_size=8),
    CLOCKS,
)
def test_many_at_once_are_as_one_at_a_time(
    limit: int,
    per: Any,
    past: list[tuple[str, int]],
    asked: list[tuple[str, int]],
    clock: DayClock,
) -> None:
    """One answer, however it is computed."""
    cap = Cap(limit, per=per)
    rows = [Sent(user, from_micros(time), "wecom") for user, time in past]
    one_by_one = [
        from_micros(time)
        == next_allowed(
            cap, Send("s", user, "wecom", "m"), rows, from_micros(time), clock=clock
        )
        for user, time in asked
    ]

    at_once = may_send_many(
        cap,
        [user for user, _ in asked],
        np.array([time for _, time in asked], dtype="datetime64[us]"),
        [user for user, _ in past],
        [time for _, time in past],
        clock=clock,
    )

    assert one_by_one == at_once.tolist()


# --- bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"limit": 0}, "leave the cap out for no limit"),
        ({"limit": -1}, "limit must be a whole number from 1"),
        ({"limit": 1.0}, "limit must be a whole number"),
        ({"limit": True}, "limit must be a whole number"),
        ({"limit": "3"}, "limit must be a whole number"),
        ({"per": "days"}, "did you mean 'day'"),
        ({"per": 1}, "per must be a period"),
        ({"per": dt.timedelta(0)}, "per must be a timedelta above zero"),
        ({"scope": "chanel:wecom"}, "did you mean 'channel'"),
        ({"scope": "channel:"}, "scope must be not blank"),
        ({"scope": "category:ads"}, "scope must be a category"),
        ({"scope": 3}, "for example 'channel:wecom'"),
        ({"obeys": ()}, "obeys must be a tuple"),
        ({"obeys": "marketing"}, "obeys must be a tuple"),
        ({"counts": ("marketting",)}, "did you mean 'marketing'"),
    ],
)
def test_a_bad_cap_is_named(fields: dict[str, Any], message: str) -> None:
    """With what it must be, or what was meant."""
    with pytest.raises(InvalidInputError, match=message):
        Cap(**({"limit": 1} | fields))


def test_a_naive_time_is_refused() -> None:
    """No day can be told from it."""
    with pytest.raises(InvalidInputError, match="at must be an aware"):
        next_allowed(Cap(1), SEND, [], dt.datetime(2026, 3, 2))  # noqa: DTZ001  naive


NAT = np.array(["2026-03-02", "NaT"], dtype="datetime64[us]")


@pytest.mark.parametrize(
    ("users", "times", "past_users", "past_at", "message"),
    [
        (["ada"], [1, 2], [], [], "users must be one a row of at"),
        ([["ada"]], [1], [], [], "users must be one a row of at"),
        (["ada"], [1.5], [], [], "at must be one-dimensional"),
        (["ada", "bob"], NAT, [], [], r"at\[1\] must be a time"),
        (["ada"], [1], ["ada"], ["yesterday"], "past_at must be one-dimensional"),
        ([1], [1], ["ada"], [1], "past_users must be ids of the type of users"),
    ],
)
def test_bad_tables_are_named(
    users: ArrayLike,
    times: ArrayLike,
    past_users: ArrayLike,
    past_at: ArrayLike,
    message: str,
) -> None:
    """By the parameter, and the row where there is one."""
    with pytest.raises(InvalidInputError, match=message):
        may_send_many(Cap(1), users, times, past_users, past_at)


def test_empty_tables_are_fine() -> None:
    """Nobody asked, or nothing was ever sent."""
    assert [] == may_send_many(Cap(1), [], [], ["ada"], [1]).tolist()
    assert [True] == may_send_many(Cap(1), ["ada"], [1], [], []).tolist()


def test_a_rolling_cap_that_nobody_can_reach_is_open() -> None:
    """Fewer past sends than the limit."""
    cap = Cap(3, per=HOUR)

    assert [True] == may_send_many(cap, ["ada"], [5], ["ada", "ada"], [5, 6]).tolist()
    assert "3 per 1:00:00" == cap.name
