"""The board against counts made by hand, laws, and logs that cannot tell."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.log.kinds import KINDS
from wxengage.log.reading import read_log
from wxengage.metrics.board import Scoreboard, scoreboard
from wxengage.metrics.registry import METRICS, TIERS
from wxengage.stats.intervals import wilson
from wxengage.stats.totals import total

SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = dt.datetime(2026, 3, 31, 12, tzinfo=SHANGHAI)
WEEK = dt.timedelta(days=7)


def board_of(*rows: tuple[str, str, float], **options: Any) -> Scoreboard:
    """Return the board of rows of user, kind and days before ``AS_OF``."""
    values = options.pop("values", [0.0] * len(rows))
    log = read_log(
        {
            "user": [user for user, _, _ in rows],
            "kind": [kind for _, kind, _ in rows],
            "at": np.array(
                [int(AS_OF.timestamp() - 86_400 * days) for *_, days in rows],
                dtype=np.int64,
            ),
            "value": np.array(values, dtype=float),
        },
        unit="s",
        value="value",
    )
    return scoreboard(log, AS_OF, **options)


OLD = (("old", "read", 13.0), ("old", "share", 13.0))


def test_counts_are_those_of_the_log() -> None:
    """Reads are events, the share rate is users who did both over readers."""
    board = board_of(
        *OLD,
        ("a", "read", 1),
        ("a", "read", 2),
        ("a", "share", 1),
        ("b", "read", 3),
        ("c", "share", 3),
        period=WEEK,
    )

    assert total([2, 1], least=1) == board.of("reads").now
    assert wilson(1, 2) == board.of("share_rate").now
    assert 1.0 == board.of("reads").before.value
    assert 2.0 == board.of("reads").change.value
    assert 2.0 == board.of("reads").relative
    assert wilson(2, 4) == board.of("active_share").now


def test_what_the_log_never_held_is_unknown_and_never_zero() -> None:
    """Reads only: no likes is not zero likes; the reason is in both languages."""
    reading = board_of(("a", "read", 1), period=WEEK).of("likes")

    assert reading.now.value is None
    assert reading.direction is None
    assert reading.unknown is not None
    assert "the log has never held like" == reading.unknown.en
    assert "日志里从未出现点赞" == reading.unknown.zh


def test_a_kind_seen_before_and_not_now_is_zero() -> None:
    """The log records shares, so that none in this period is a real zero."""
    reading = board_of(*OLD, ("a", "read", 1), period=WEEK).of("shares")

    assert (0.0, 0.0) == (reading.now.value, reading.now.low)
    assert -1.0 == reading.change.value


def test_a_period_without_any_row_is_unknown() -> None:
    """A log that ended before the period says nothing of it."""
    board = board_of(*OLD, period=WEEK)

    assert not any(reading.now.defined for reading in board.readings)
    assert "the log has no row in this period" == board.readings[0].now.assumptions[0]
    assert "the log ends on 2026-03-18: it has no row after that" == board.notes[0].en


def test_no_reader_leaves_the_share_rate_undefined() -> None:
    """A denominator of 0 gives no rate, and the board says which it was."""
    board = board_of(*OLD, ("a", "share", 1), period=WEEK)

    assert not board.of("share_rate").now.defined
    assert "unknown (its denominator is 0 in this period): share_rate" in str(board)


def test_a_log_that_begins_late_is_not_compared() -> None:
    """Half a period before would look like growth."""
    reading = board_of(("a", "read", 9), ("a", "read", 1), period=WEEK).of("reads")

    assert 1.0 == reading.now.value
    assert not reading.change.defined
    assert reading.no_change is not None
    assert "begins within the period before" in reading.no_change.en


def test_windows_are_local_days_that_end_with_as_of() -> None:
    """Seven days are today and the six before it, from local midnight on."""
    half = 0.5  # AS_OF is noon
    board = board_of(
        *OLD,
        ("a", "read", 6 + half),  # the first midnight inside
        ("b", "read", 6 + half + 1e-4),  # some seconds earlier
        ("c", "read", 0),  # as_of itself
        ("d", "read", -0.1),  # later than as_of
        period=WEEK,
    )

    assert 2.0 == board.of("reads").now.value
    assert "2026-03-25 to 2026-03-31" == str(board.period)
    assert "2026-03-18 to 2026-03-24" == str(board.before)


def test_new_followers_less_unfollows_is_the_growth() -> None:
    """Who follows twice and leaves once is one follower more."""
    board = board_of(
        *OLD,
        ("a", "follow", 5),
        ("a", "unfollow", 4),
        ("a", "follow", 3),
        ("b", "unfollow", 2),
        ("c", "follow", 1),
        period=WEEK,
    )

    assert 3.0 == board.of("new_followers").now.value
    assert 2.0 == board.of("unfollows").now.value
    assert 1.0 == board.of("net_growth").now.value


def test_value_counts_refunds_against_it() -> None:
    """What came back was not earned."""
    rows = (*OLD, ("a", "purchase", 2), ("b", "purchase", 2), ("b", "refund", 1))
    board = board_of(*rows, values=[0, 0, 30, 50, 50], period=WEEK)

    assert 30.0 == board.of("value").now.value
    assert 1 == board.of("value").now.n


def word(board: Scoreboard, metric: str) -> str:
    """Return the verdict on a metric, which must be there."""
    verdict = board.of(metric).verdict
    assert verdict is not None
    return verdict.word


def test_targets_are_judged_by_how_sure_one_is() -> None:
    """One of two readers does not show a share rate above 30 %."""
    rows = [(f"u{k}", "read", 1.0) for k in range(100)]
    rows += [(f"u{k}", "share", 1.0) for k in range(60)]
    targets = {"share_rate": 0.3, "reads": 500.0, "comments": 1e6}
    board = board_of(*OLD, *rows, period=WEEK, targets=targets)

    assert "met" == word(board, "share_rate")
    assert "not met" == word(board, "reads")
    assert board.of("likes").verdict is None
    # No comment was ever recorded, which is not the same as none.
    assert "undecided" == word(board, "comments")


def test_segments_are_those_at_the_beginning() -> None:
    """Who was active when the period began counts as active, whatever follows."""
    board = board_of(
        ("was active", "like", 20),
        ("was active", "like", 1),
        ("was dormant", "like", 70),
        ("was dormant", "read", 1),
        ("watched", "read", 70),
        ("came", "like", 2),
        by="segment",
        period=WEEK,
    )

    assert ("potential", "active", "dormant", "new") == board.groups
    assert 1.0 == board.of("interactions", group="active").now.value
    assert 0.0 == board.of("interactions", group="dormant").now.value
    assert 1.0 == board.of("interactions", group="new").now.value
    assert wilson(1, 1) == board.of("active_share", group="active").now


def test_groups_sum_to_everyone() -> None:
    """Nobody is lost between the segments, nobody is counted twice."""
    rows = [("old", "like", 70.0)]
    rows += [(f"u{k}", "like", float(k % 40)) for k in range(200)]

    parts = board_of(*rows, by="segment")
    whole = board_of(*rows)

    sums = sum(
        parts.of("interactions", group=group).now.value or 0 for group in parts.groups
    )
    assert whole.of("interactions").now.value == sums


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.sampled_from(sorted(KINDS)),
            st.floats(0, 29.4),
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=40, deadline=None)
def test_totals_equal_a_plain_count(rows: list[tuple[str, str, float]]) -> None:
    """Every total is what a loop over the rows finds."""
    board = board_of(*rows)
    kinds = Counter(kind for _, kind, _ in rows)
    active = [user for user, kind, _ in rows if KINDS[kind].active]

    for metric, kind in (
        ("reads", "read"),
        ("likes", "like"),
        ("purchases", "purchase"),
    ):
        value = board.of(metric).now.value
        assert (kinds[kind] or None) == (None if value is None else int(value))
    assert (len(active) or None) == board.of("interactions").now.value
    assert (len(set(active)) or None) == board.of("active_users").now.value


@pytest.mark.parametrize("form", ["pandas", "polars", "pyarrow"])
def test_the_answer_comes_in_the_kind_of_table_asked_for(form: str) -> None:
    """One row a reading; unknown numbers are missing."""
    pytest.importorskip(form)
    board = board_of(*OLD, ("a", "read", 1), period=WEEK)

    arrays, frame = board.to_frame(), board.to_frame(form)

    assert len(METRICS) == len(frame) == len(arrays["metric"])
    assert list(arrays) == list(
        frame.column_names if form == "pyarrow" else frame.columns
    )
    assert np.isnan(arrays["value"][list(arrays["metric"]).index("likes")])


def test_every_metric_is_told_in_both_languages() -> None:
    """Definition, null policy, question and tier: no metric without them."""
    for key, metric in METRICS.items():
        assert key == metric.id
        assert metric.tier in TIERS
        for words in (metric.name, metric.formula, metric.null, metric.question):
            assert words.zh
            assert words.en
        assert (metric.unit == "share") == (metric.denominator is not None)


def test_the_board_prints_as_an_aligned_table() -> None:
    """Numbers stand under each other beside Chinese names; nothing is cut."""
    text = str(board_of(*OLD, ("a", "read", 1), ("a", "like", 1), period=WEEK))

    assert "Scoreboard 2026-03-25 to 2026-03-31 (Asia/Shanghai)" in text
    assert "reads 阅读量" in text
    assert "unknown (the log has never held comment): comments" in text


def test_html_names_reasons_and_escapes() -> None:
    """Notebooks show the same; unknown is a dash."""
    page = board_of(("a", "read", 1), period=WEEK)._repr_html_()

    assert "<table" in page
    assert "the log has never held like" in page


def test_an_empty_log_gives_a_board_of_unknowns() -> None:
    """Nothing was recorded: nothing is known, and nothing breaks."""
    board = board_of()

    assert len(METRICS) == len(board.readings)
    assert not any(reading.now.defined for reading in board.readings)
    assert "unknown" in str(board)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "city"}, "by must be one of segment, got 'city'"),
        ({"targets": {"share_rat": 0.1}}, "did you mean 'share_rate'"),
        ({"targets": {"share_rate": 30}}, "target must be between 0 and 1"),
        ({"period": dt.timedelta(0)}, "period"),
        ({"level": 95}, "level must be between 0 and 1"),
    ],
)
def test_bad_arguments_are_named(options: dict[str, Any], said: str) -> None:
    """The message names the argument and the mend."""
    with pytest.raises(InvalidInputError, match=said):
        board_of(("a", "read", 1), ("a", "share", 1), **options)


def test_naive_instants_are_refused() -> None:
    """Whose noon it is must be said."""
    log = read_log({"user": ["a"], "kind": ["read"], "at": [0]}, unit="s")

    with pytest.raises(InvalidInputError, match="as_of must be an aware datetime"):
        scoreboard(log, AS_OF.replace(tzinfo=None))


def test_a_reading_that_is_not_there_is_named() -> None:
    """The nearest metric, or the groups there are."""
    board = board_of(("a", "read", 1))

    with pytest.raises(InvalidInputError, match="did you mean 'reads'"):
        board.of("read")
    with pytest.raises(InvalidInputError, match="the groups are ''"):
        board.of("reads", group="active")


def test_every_metric_can_have_a_target() -> None:
    """Each kind of measure is held against a number above and below it."""
    rows = [(f"u{k}", "read", 1.0) for k in range(50)]
    rows += [(f"u{k}", kind, 1.0) for k in range(40) for kind in ("share", "follow")]
    rows += [("u0", "unfollow", 1.0), ("u0", "purchase", 1.0)]
    values = [0.0] * 2 + [10.0] * len(rows)
    totals = ("reads", "active_users", "net_growth", "value")

    low = board_of(
        *OLD, *rows, values=values, period=WEEK, targets=dict.fromkeys(totals, 1.0)
    )
    high = board_of(
        *OLD, *rows, values=values, period=WEEK, targets=dict.fromkeys(totals, 1e6)
    )

    assert ["met"] * 4 == [word(low, metric) for metric in totals]
    assert ["not met"] * 4 == [word(high, metric) for metric in totals]


def test_a_log_in_an_engine_gives_the_same_board() -> None:
    """A lazy log is collected; the numbers are those of the log in memory."""
    rows = {"user": ["a", "b"], "kind": ["read", "like"], "at": [100, 200]}
    as_of = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)

    pl = pytest.importorskip("polars")
    lazy = scoreboard(read_log(pl.LazyFrame(rows), unit="s"), as_of)

    eager = scoreboard(read_log(rows, unit="s"), as_of)
    assert eager.readings == lazy.readings
