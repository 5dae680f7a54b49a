"""What a log is: a set of events, looked at from several sides."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, QUICK, in_order, instant, need, rows_of, table
from tests.frames.random_logs import answer, draw_case, expected, plain_counts
from wxengage.errors import InvalidInputError
from wxengage.log import KINDS, Event, Kind, read_log
from wxengage.times import DayClock

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NINE = instant("2026-03-02T09:00")
DAY = dt.timedelta(days=1)
MICRO = dt.timedelta(microseconds=1)
LOGS = st.randoms(use_true_random=False)


def event(user: str, kind: str, at: dt.datetime, **more: Any) -> dict[str, Any]:
    """Return one row."""
    return {"user": user, "kind": kind, "at": at, **more}


def summary_rows(log: Any, as_of: dt.datetime, **asked: Any) -> list[dict[str, Any]]:
    """Return a log's summary as rows."""
    return rows_of(log.summarise(as_of, **asked).to_frame("records"))


@settings(max_examples=60)
@given(LOGS)
def test_users_are_summarised_independently(rng: random.Random) -> None:
    """The summary of two groups of users is the summary of both together."""
    case = draw_case(rng, users=6)
    log = read_log(list(case.rows), value="value")
    users = sorted({row["user"] for row in case.rows})
    half = set(rng.sample(users, len(users) // 2))

    one = summary_rows(log.for_users(half), case.as_of)
    two = summary_rows(log.for_users(set(users) - half), case.as_of)

    assert summary_rows(log, case.as_of) == in_order(one + two)


@settings(max_examples=60)
@given(LOGS)
def test_what_comes_after_the_instant_changes_nothing(rng: random.Random) -> None:
    """A summary of the past is the one that was given then."""
    case = draw_case(rng, users=4)
    log = read_log(list(case.rows), value="value")
    past = [row for row in case.rows if row["at"] <= case.as_of]

    assert summary_rows(read_log(past, value="value"), case.as_of) == summary_rows(
        log, case.as_of
    )


@settings(max_examples=40)
@given(LOGS)
def test_periods_and_kinds_split_a_log_without_loss(rng: random.Random) -> None:
    """Before and after, these kinds and the others: together they are the log."""
    case = draw_case(rng, users=4)
    log = read_log(list(case.rows), value="value")
    far = 10000 * DAY
    some = rng.sample(sorted(KINDS), 9)

    before = log.between(case.as_of - far, case.as_of)
    after = log.between(case.as_of, case.as_of + far)
    these, others = log.only(some), log.only(set(KINDS) - set(some))

    for one, two in ((before, after), (these, others)):
        both = rows_of(one.to_frame()) + rows_of(two.to_frame())
        assert sorted(map(str, rows_of(log.to_frame()))) == sorted(map(str, both))
    assert all(row["at"] < case.as_of for row in rows_of(before.to_frame()))
    assert all(row["kind"] in some for row in rows_of(these.to_frame()))


@settings(max_examples=40)
@given(LOGS)
def test_a_log_given_as_a_frame_reads_as_the_same_log(rng: random.Random) -> None:
    """Nothing is lost on the way out."""
    case = draw_case(rng, users=4)
    log = read_log(list(case.rows), value="value")

    again = read_log(log.to_frame(), value="value")

    assert len(case.rows) == len(log) == len(again)
    assert rows_of(log.to_frame()) == rows_of(again.to_frame())


@settings(max_examples=30)
@given(LOGS, st.integers(2, 40))
def test_a_log_too_wide_for_one_integer_is_split(rng: random.Random, bits: int) -> None:
    """Many users over a long time: parts of fewer users give the same answers."""
    case = draw_case(rng, users=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wxengage.log.part.KEY_BITS", 50 + bits // 4)
        split = read_log(list(case.rows), value="value")
        for question in ("summary", "streaks", "classify", "transitions"):
            assert expected(case, question) == answer(split, case, question)


def test_many_users_over_two_centuries_are_split() -> None:
    """So that user and time still fit into 64 bits together."""
    users = np.arange(1 << 12)
    at = np.where(users % 2, "1970-01-01T00:00", "2199-12-31T23:59:59.999999")
    source = {
        "user": users,
        "kind": np.full(len(users), "like"),
        "at": at.astype("M8[us]"),
    }

    log = read_log(source)

    assert len(users) == len(log)
    found = log.summarise(instant("2026-01-01T00:00"))
    assert users[users % 2 == 1].tolist() == found.user.tolist()
    assert {1} == set(found.interactions.tolist())


def test_a_log_of_more_users_than_fit_is_cut_into_parts() -> None:
    """Each part has users of its own."""
    users = np.arange(40_000)
    at = np.where(users % 2, "1970-01-01T00:00", "2199-12-31T23:59:59.999999")
    kind = np.full(len(users), "like")

    log = read_log({"user": users, "kind": kind, "at": at.astype("M8[us]")})

    members = [set(part.members.tolist()) for part in log.parts]
    assert set(users.tolist()) == set().union(*members)
    assert len(users) == sum(map(len, members))
    found = log.summarise(instant("2199-12-31T23:59"))
    assert len(users) // 2 == int(found.events.sum())


def test_a_silence_of_exactly_the_gap_does_not_end_a_session() -> None:
    """A microsecond more does."""
    gap = dt.timedelta(minutes=30)
    rows = [event("ann", "read", NINE), event("ann", "read", NINE + gap)]
    later = [*rows, event("ann", "read", NINE + 2 * gap + MICRO)]

    assert 1 == read_log(rows).summarise(NINE + DAY).sessions[0]
    assert 2 == read_log(later).summarise(NINE + DAY).sessions[0]


def test_a_delivery_opens_no_session() -> None:
    """It is ours, not the user's: yet it is an event."""
    log = read_log([event("ann", "deliver", NINE), event("bo", "read", NINE)])

    found = log.summarise(NINE)

    assert [1, 1] == found.events.tolist()
    assert [0, 1] == found.sessions.tolist()


def test_a_window_of_whole_days_is_of_local_days() -> None:
    """One day is the calendar day of the instant, however long it lasted."""
    clock = DayClock("Asia/Shanghai")
    midnight = instant("2026-03-02T16:00")
    rows = [event("ann", "like", midnight - MICRO), event("ann", "like", midnight)]

    found = read_log(rows).summarise(midnight, window=DAY, clock=clock)

    assert [1] == found.interactions_in_window.tolist()
    assert [1] == found.active_days_in_window.tolist()
    assert [2] == found.interactions.tolist()


def test_any_other_window_is_elapsed_time() -> None:
    """36 hours are 36 hours: its beginning is not included, its end is."""
    window = dt.timedelta(hours=36)
    rows = [
        event("ann", "like", NINE - window),
        event("ann", "like", NINE - window + MICRO),
        event("ann", "like", NINE),
    ]

    found = read_log(rows).summarise(NINE, window=window)

    assert [2] == found.interactions_in_window.tolist()


def test_a_refund_takes_back() -> None:
    """Its value is positive in the log and counts against the sum."""
    rows = [
        event("ann", "purchase", NINE, value=29.9),
        event("ann", "refund", NINE + DAY, value=9.9),
    ]

    found = read_log(rows, value="value").summarise(NINE + DAY)

    assert [20.0] == pytest.approx(found.value.tolist())
    assert [1] == found.interactions.tolist()


def test_following_again_starts_the_follow_age_anew() -> None:
    """Who left and came back follows since coming back; who left, not at all."""
    rows = [
        event("ann", "follow", NINE),
        event("ann", "unfollow", NINE + DAY),
        event("ann", "follow", NINE + 3 * DAY),
        event("ann", "follow", NINE + 4 * DAY),
        event("bo", "follow", NINE),
        event("bo", "unfollow", NINE),
        event("cy", "like", NINE),
    ]

    found = read_log(rows).summarise(NINE + 5 * DAY)

    assert 2 == found.follow_age_days[0]
    assert np.isnan(found.follow_age_days[1:]).all()


def test_a_streak_is_alive_until_the_day_after_its_last() -> None:
    """Today is not over: yesterday's streak still stands, the day before's not."""
    rows = [event("ann", "check_in", NINE + n * DAY) for n in range(3)]
    log = read_log(rows)

    told = [log.streaks(NINE + n * DAY)[0]["current"] for n in (1, 2, 3, 4)]

    assert [2, 3, 3, 0] == told
    (row,) = log.streaks(NINE + 9 * DAY)
    assert (3, 0) == (row["longest"], row["current"])


def test_kind_counts_hold_their_end_and_not_their_start() -> None:
    """Adjacent periods share no event and miss none."""
    log = read_log([event("ann", "like", NINE), event("bo", "read", NINE + DAY)])

    assert {"bo": {"read": 1}} == plain_counts(log.kind_counts(NINE, NINE + DAY))
    assert {"ann": {"like": 1}} == plain_counts(log.kind_counts(None, NINE))
    assert ("like", "read") == log.kind_counts(None, NINE + DAY).kinds


def test_a_log_tells_its_size_and_its_span() -> None:
    """And an empty one that it is empty."""
    log = read_log([event("ann", "like", NINE + DAY), event("bo", "read", NINE)])

    assert (2, NINE, NINE + DAY) == (len(log), log.first_at, log.last_at)
    assert "2 events" in repr(log)
    empty = read_log([])
    assert (0, None, None) == (len(empty), empty.first_at, empty.last_at)
    assert "0 events" in repr(empty)


def test_events_are_read_as_values() -> None:
    """A list of events needs no names: they have them."""
    events = [
        Event("purchase", user="ann", at=NINE, value=8.0, item="tea", id="e1"),
        Event("purchase", user="ann", at=NINE, value=8.0, item="tea", id="e1"),
        Event("like", user="bo", at=NINE + DAY),
    ]

    log = read_log([*events[:2], Event("like", user="bo", at=NINE + DAY, id="e2")])

    assert 2 == len(log)
    assert {"duplicate": 1} == log.rejected.counts
    assert ["tea", None] == [row["item"] for row in log.to_frame()]
    assert [8.0, 0.0] == [row["value"] for row in log.to_frame()]


@pytest.mark.parametrize("engine", QUICK)
def test_all_rows_may_be_of_one_kind(engine: str) -> None:
    """A table of purchases needs no column that says so."""
    need(engine)
    rows = [{"user": "ann", "at": NINE}, {"user": "bo", "at": NINE}]

    log = read_log(table(rows, engine), kind=KINDS["purchase"])

    counts = plain_counts(log.kind_counts(None, NINE))
    assert {"ann": {"purchase": 1}, "bo": {"purchase": 1}} == counts


@pytest.mark.parametrize("engine", QUICK)
def test_the_words_of_the_source_are_mapped_to_kinds(engine: str) -> None:
    """Our own words still hold beside them."""
    need(engine)
    rows = [event(f"u{i}", kind, NINE) for i, kind in enumerate(("赞", "买", "like"))]

    log = read_log(table(rows, engine), kinds={"赞": "like", "买": "purchase"})

    assert {"u0": {"like": 1}, "u1": {"purchase": 1}, "u2": {"like": 1}} == (
        plain_counts(log.kind_counts(None, NINE))
    )


@pytest.mark.parametrize("engine", QUICK)
def test_columns_may_have_any_name(engine: str) -> None:
    """Quotes, spaces and Chinese in a name are the source's own affair."""
    need(engine)
    names = {"user": "用户 id", "kind": 'what "kind"', "at": "at; --"}
    source = renamed(table([event("ann", "like", NINE)], engine), names, engine)

    log = read_log(source, user=names["user"], kind=names["kind"], at=names["at"])

    assert {"ann": {"like": 1}} == plain_counts(log.kind_counts(None, NINE))


def renamed(source: Any, names: dict[str, str], engine: str) -> Any:
    """Return a table with other names of its columns."""
    quoted = {old: new.replace('"', '""') for old, new in names.items()}
    ways: dict[str, Callable[[], Any]] = {
        "records": lambda: [{names[k]: v for k, v in row.items()} for row in source],
        "arrays": lambda: {names[name]: column for name, column in source.items()},
        "pandas": lambda: source.rename(columns=names),
        "pyarrow": lambda: source.rename_columns(list(names.values())),
        "ibis": lambda: source.rename({new: old for old, new in names.items()}),
        "duckdb": lambda: source.project(
            ", ".join(f'"{old}" AS "{new}"' for old, new in quoted.items())
        ),
        "polars": lambda: source.rename(names),
        "polars_lazy": lambda: source.rename(names),
    }
    return ways[engine]()


@pytest.mark.parametrize("engine", EAGER)
def test_item_channel_and_group_are_kept(engine: str) -> None:
    """Words come back as words, and none as none."""
    need(engine)
    more = {"item": "tea", "channel": "moments", "group": "g1"}
    rows = [
        event("ann", "click", NINE, **more),
        event("bo", "click", NINE + DAY, item=None, channel=None, group=None),
    ]

    log = read_log(table(rows, engine), item="item", channel="channel", group="group")

    assert rows == rows_of(log.to_frame("records"))


def test_whatever_says_how_it_is_a_source_is_one() -> None:
    """An adapter's table needs a method, not a base class."""

    class Export:
        def to_log_source(self) -> object:
            return [event("ann", "like", NINE)]

    assert 1 == len(read_log(Export()))


def test_the_same_instant_in_several_zones_is_one_instant() -> None:
    """Rows of one log may carry different zones."""
    zones = ("UTC", "Asia/Shanghai", "America/New_York")
    shanghai = NINE.astimezone(DayClock("Asia/Shanghai").zone)
    rows = [event(z, "like", NINE.astimezone(DayClock(z).zone)) for z in zones]

    log = read_log(rows)

    assert 8 == shanghai.hour - NINE.hour
    assert {NINE} == {log.first_at, log.last_at}


@pytest.mark.parametrize("engine", ["pandas", "polars", "pyarrow", "duckdb", "ibis"])
def test_times_without_a_zone_are_read_as_the_caller_says(engine: str) -> None:
    """Nine o'clock in Shanghai is one in UTC."""
    need(engine)
    wall = NINE.replace(tzinfo=None)
    source = table([event("ann", "like", wall)], engine, tz=None)

    log = read_log(source, tz="Asia/Shanghai")

    assert instant("2026-03-02T01:00") == log.first_at


@pytest.mark.parametrize("engine", ["polars", "polars_lazy", "duckdb", "ibis"])
def test_local_time_that_never_was_is_bad_and_the_hour_that_came_twice_is_the_first(
    engine: str,
) -> None:
    """New York, 8 March 2026 at half past two, and 1 November at half past one."""
    need(engine)
    walls = [dt.datetime(2026, 3, 8, 2, 30), dt.datetime(2026, 11, 1, 1, 30)]  # noqa: DTZ001  naive is the point
    rows = [event("ann", "like", wall) for wall in walls]

    log = read_log(
        table(rows, engine, tz=None), tz="America/New_York", on_bad="set_aside"
    )

    assert 1 == len(log)
    assert instant("2026-11-01T05:30") == log.first_at == log.last_at


def test_a_kind_of_ones_own_is_refused() -> None:
    """The vocabulary is closed: a word of one's own is mapped to it."""
    with pytest.raises(InvalidInputError, match="kind"):
        read_log([], kind=Kind("dance", active=True, zh="跳舞"))


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    """Where kinds are asked for by name."""
    log = read_log([event("ann", "like", NINE)])

    with pytest.raises(InvalidInputError, match="did you mean 'purchase'"):
        log.only(["purchaes"])
    assert 1 == len(log.only("like"))
