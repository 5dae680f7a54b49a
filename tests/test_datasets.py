"""The synthetic log and the reader of CDNOW."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wxengage.claims.figures import GOLDEN_WINDOW
from wxengage.datasets import cdnow, demo_log
from wxengage.errors import InvalidInputError, InvalidLogError
from wxengage.log.kinds import KINDS
from wxengage.log.reading import read_log

CDNOW = Path(__file__).parents[1] / "examples" / "data" / "CDNOW_sample.txt"
HOUR = np.timedelta64(1, "h")
DAY = np.timedelta64(1, "D")


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    """Return the log that the demo shows."""
    return demo_log()


def local(log: dict[str, Any]) -> Any:
    """Return the wall-clock times of a log in Shanghai."""
    return log["at"] + 8 * HOUR


def test_the_same_seed_gives_the_same_log() -> None:
    """A picture in the manual can be made again."""
    one, two = demo_log(7, users=50, days=20), demo_log(7, users=50, days=20)
    other = demo_log(8, users=50, days=20)

    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not np.array_equal(one["at"], other["at"])


def test_the_demo_can_be_read_as_a_log(demo: dict[str, Any]) -> None:
    """Every row is good, so every row is used."""
    log = read_log(demo, tz="UTC", value="value", channel="channel")

    assert len(demo["at"]) == len(log)


def test_the_demo_has_the_shape_of_an_account(demo: dict[str, Any]) -> None:
    """All the kinds of chapter 1, one follow a user, sorted in time."""
    kinds, counts = np.unique(demo["kind"], return_counts=True)
    count = dict(zip(kinds.tolist(), counts.tolist(), strict=True))

    assert set(count) <= set(KINDS)
    assert {
        "comment",
        "deliver",
        "follow",
        "like",
        "menu_click",
        "message",
        "purchase",
        "read",
        "share",
        "unfollow",
    } == set(count)
    assert 2000 == count["follow"] == len(np.unique(demo["user"]))
    assert count["like"] > count["share"] > count["purchase"] > 100
    assert (np.diff(demo["at"]) >= np.timedelta64(0)).all()


def test_nothing_happens_before_following_or_after_leaving(
    demo: dict[str, Any],
) -> None:
    """An event outside a follow span would be a contradiction."""
    _, user = np.unique(demo["user"], return_inverse=True)
    for kind, sign in (("follow", 1), ("unfollow", -1)):
        bound = np.full(user.max() + 1, sign * -(2**62))
        rows = demo["kind"] == kind
        bound[user[rows]] = demo["at"][rows].astype(np.int64)

        assert (sign * (demo["at"].astype(np.int64) - bound[user]) >= 0).all()


def test_the_demo_lies_within_its_days(demo: dict[str, Any]) -> None:
    """The first local day is the start, and the days are as many as asked."""
    start = np.datetime64("2026-01-05")

    assert (local(demo) >= start).all()
    assert (local(demo) < start + 90 * DAY).all()
    assert (local(demo) >= start + 89 * DAY).any()


def test_golden_windows_are_the_busiest_hours(demo: dict[str, Any]) -> None:
    """Visits an hour in a window are more than in any other stretch of the day."""
    visits = (demo["kind"] == "read") & (demo["channel"] == "account")
    hour = local(demo)[visits].astype("datetime64[h]").astype(np.int64) % 24
    golden = {
        h for _, low, high in GOLDEN_WINDOW for h in range(int(low[:2]), int(high[:2]))
    }
    counts = {h: int((hour == h).sum()) for h in range(24)}

    assert min(counts[h] for h in golden) > max(
        counts[h] for h in counts if h not in golden
    )


def test_weekends_are_busier_than_mondays(demo: dict[str, Any]) -> None:
    """Visits follow the day of the week."""
    visits = (demo["kind"] == "read") & (demo["channel"] == "account")
    days = local(demo)[visits].astype("datetime64[D]").astype(np.int64)
    week = np.bincount((days + 3) % 7, minlength=7)

    assert week[5] > 1.1 * week[0]


def test_few_do_most_and_many_fall_silent(demo: dict[str, Any]) -> None:
    """Heavy tails: a tenth does more than a third, a part does nothing."""
    active = np.isin(demo["kind"], [k for k in KINDS if KINDS[k].active])
    _, counts = np.unique(demo["user"][active], return_counts=True)
    top = np.sort(counts)[-200:].sum() / counts.sum()
    last = local(demo)[active].max() - 30 * DAY
    recent = len(np.unique(demo["user"][active & (local(demo) > last)]))

    assert 0.33 < top < 0.8
    assert 0.2 < 1 - len(counts) / 2000 < 0.6
    assert 100 < len(counts) - recent


def test_money_is_two_decimals_of_purchases_only(demo: dict[str, Any]) -> None:
    """Other kinds have no value."""
    bought = demo["kind"] == "purchase"

    assert (demo["value"][bought] > 0).all()
    assert not demo["value"][~bought].any()
    assert np.array_equal(demo["value"], np.round(demo["value"], 2))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("seed", {"seed": -1}),
        ("seed", {"seed": 1.0}),
        ("seed", {"seed": None}),
        ("users", {"users": 0}),
        ("users", {"users": True}),
        ("users", {"users": 10**8}),
        ("days", {"days": 0}),
        ("days", {"days": "90"}),
        ("days", {"days": 10**6}),
        ("start", {"start": "2026-01-05"}),
        ("start", {"start": dt.datetime(2026, 1, 5, tzinfo=dt.UTC)}),
    ],
)
def test_arguments_out_of_bounds_are_refused(
    name: str, arguments: dict[str, Any]
) -> None:
    """No log of no users, and none that fills the memory by a slip."""
    with pytest.raises(InvalidInputError, match=f"^{name} must be"):
        demo_log(**arguments)


def test_the_smallest_demo_is_a_log() -> None:
    """One user and one day still follow."""
    log = demo_log(users=1, days=1)

    assert "follow" in log["kind"].tolist()
    assert {"oDemo0"} == set(log["user"].tolist())


def test_cdnow_is_the_published_sample() -> None:
    """2,357 customers and 6,919 orders from January 1997 to June 1998."""
    log = cdnow(CDNOW)

    assert 6919 == len(log["user"]) == len(log["at"]) == len(log["value"])
    assert [f"{n:04d}" for n in range(1, 2358)] == np.unique(log["user"]).tolist()
    assert np.datetime64("1997-01-01") == log["at"].min()
    assert np.datetime64("1998-06-30") == log["at"].max()
    assert {"purchase"} == set(log["kind"].tolist())
    assert (29.33, 29.73, 14.96) == tuple(log["value"][:3])


def test_cdnow_customers_first_bought_in_twelve_weeks() -> None:
    """The sample is the cohort of January to March 1997."""
    log = cdnow(CDNOW)
    first = np.full(2357, np.datetime64("2000-01-01"), dtype="datetime64[us]")
    np.minimum.at(first, log["user"].astype(int) - 1, log["at"])

    assert np.datetime64("1997-03-25") == first.max()


def test_two_orders_of_one_day_stay_two() -> None:
    """They are real rows; the models count days, and there are fewer of those."""
    log = cdnow(CDNOW)
    pairs = set(zip(log["user"].tolist(), log["at"].tolist(), strict=True))

    assert 6696 == len(pairs)
    assert 6919 == len(read_log(log, tz="Asia/Shanghai", value="value"))


@pytest.mark.parametrize(
    "line",
    [
        "00004 0001 19970101  2",
        "00004 0001 19970230  2   29.33",
        "00004 0001 19970101  2   29.33 x",
        "00004 0001 19970101  2   nan",
        "00004 0001 19970101  2   -29.33",
        "",
        "master_id sample_id date cds dollars",
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    """No line is passed over."""
    path = tmp_path / "cdnow.txt"
    path.write_text(f" 00004 0001 19970101  2   29.33\r\n{line}\r\n", "ascii")

    with pytest.raises(InvalidLogError, match=r"1 bad rows of 2.*\n.*row 1: ") as told:
        cdnow(path)
    assert {"bad_line": 1} == told.value.counts


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A path is named with the reason."""
    with pytest.raises(InvalidInputError, match="No such file"):
        cdnow(tmp_path / "cdnow.txt")
    with pytest.raises(InvalidInputError, match="path must be"):
        cdnow(7)  # type: ignore[arg-type]  # the mistake under test


def test_an_empty_file_is_an_empty_log(tmp_path: Path) -> None:
    """No rows, and the columns are there."""
    path = tmp_path / "cdnow.txt"
    path.write_text("", "ascii")

    assert {"user": 0, "kind": 0, "at": 0, "value": 0} == {
        name: len(column) for name, column in cdnow(path).items()
    }
