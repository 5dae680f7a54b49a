"""When it was: times as they are written, and what is none."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from tests.frames.engines import instant, need
from wxengage.errors import InvalidLogError
from wxengage.log import read_log

NINE = instant("2026-03-02T09:00")
GOOD = {"user": "ann", "kind": "like", "at": NINE}


@pytest.mark.parametrize(
    "at",
    ["2026-02-30T09:00:00Z", "yesterday", "", "2026-03-02T25:00Z", "02.03.2026", "٢"],
)
def test_text_that_is_no_time_is_bad(at: str) -> None:
    """Only ISO 8601 is read: a guess at day and month may be wrong."""
    need("pyarrow")
    rows = [GOOD | {"at": at}, GOOD | {"at": "2026-03-02T09:00:00Z"}]
    import pyarrow as pa  # noqa: PLC0415  an extra

    for source in (rows, pa.table({k: [r[k] for r in rows] for k in rows[0]})):
        log = read_log(source, on_bad="set_aside")
        assert {"unreadable_time": 1} == log.rejected.counts
        assert NINE == log.first_at == log.last_at


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:00Z",
        "2026-03-02 09:00:00+00:00",
        "2026-03-02T17:00:00.000000+08:00",
        "2026-03-02T17:00:00+0800",
        "2026-03-02T04:00:00.0-05:00",
    ],
)
def test_iso_text_is_read(text: str) -> None:
    """With its offset: every one of these is nine o'clock in UTC."""
    assert NINE == read_log([GOOD | {"at": text}]).first_at


def test_naive_and_aware_times_may_stand_in_one_column() -> None:
    """Each naive one is a bad row, unless the caller says how to read it."""
    rows = [GOOD, GOOD | {"at": NINE.replace(tzinfo=None)}]

    with pytest.raises(InvalidLogError, match="tz='Asia/Shanghai'") as caught:
        read_log(rows)
    assert {"naive_time": 1} == caught.value.counts
    log = read_log(rows, tz="Asia/Shanghai")
    assert NINE - 8 * dt.timedelta(hours=1) == log.first_at
    assert NINE == log.last_at


def test_a_time_that_is_no_time_is_bad() -> None:
    """A boolean, a tuple, a number among datetimes."""
    for odd in (True, (2026, 3, 2), 1772442000, object()):
        log = read_log([GOOD, GOOD | {"at": odd}], on_bad="set_aside")
        assert {"unreadable_time": 1} == log.rejected.counts


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e300])
def test_an_epoch_that_is_no_number_is_bad(number: float) -> None:
    """Missing or out of range, never wrapped around."""
    rows = [GOOD | {"at": 1772442000.0}, GOOD | {"at": number}]

    log = read_log(rows, unit="s", on_bad="set_aside")

    assert (1, 1) == (len(log), len(log.rejected))
    assert NINE == log.last_at


def test_a_clock_may_be_a_little_ahead() -> None:
    """Five minutes after now are no future; six are."""
    rows = [GOOD | {"at": NINE + dt.timedelta(minutes=n)} for n in (5, 6)]

    log = read_log(rows, now=NINE, on_bad="set_aside")

    assert (1, {"future_time": 1}) == (len(log), log.rejected.counts)
    assert 2 == len(read_log(rows))
