"""Changes of segment, and how likely they are."""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import instant, need, rows_of, table
from tests.frames.random_logs import draw_case, draw_rows
from wxengage.errors import InvalidInputError
from wxengage.log import read_log
from wxengage.segments import (
    SEGMENTS,
    LifecyclePolicy,
    transition_matrix,
    transitions,
)
from wxengage.segments.timeline import by_gaps, by_steps

if TYPE_CHECKING:
    import random

ORACLES = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)
ORACLE = ORACLES["segmentation"]["transition_matrix"]
DAY = dt.timedelta(days=1)
START = instant("2026-03-01T00:00")
END = START + 60 * DAY
# Two interactions within a week make active: then every move is possible.
TWO = LifecyclePolicy(active_at_least=2, active_within=dt.timedelta(days=7))
BEFORE = {
    "potential": [START - DAY],
    "active": [START - DAY, START - DAY],
    "dormant": [START - 40 * DAY],
}
AFTER = {
    "potential": [END - DAY],
    "active": [END - DAY, END - DAY],
    "dormant": [START + DAY],
}


def log_of_moves(counts: list[list[int]], engine: str = "arrays") -> Any:
    """Return a log in which so many users make each move."""
    rows = []
    for i, origin in enumerate(SEGMENTS):
        for j, target in enumerate(SEGMENTS):
            for n in range(counts[i][j]):
                rows += [
                    {"user": f"{origin}-{target}-{n}", "kind": "like", "at": at}
                    for at in BEFORE[origin] + AFTER[target]
                ]
    return read_log(table(rows, engine))


@pytest.fixture(scope="module")
def matrix() -> Any:
    """Estimate the published example from a log."""
    log = log_of_moves(ORACLE["inputs"]["counts"])
    return transition_matrix(log, START, END, TWO)


def test_the_matrix_counts_users_by_where_they_were_and_are(matrix: Any) -> None:
    """Rows are origins, columns targets, in the order of SEGMENTS."""
    assert ORACLE["inputs"]["counts"] == [list(row) for row in matrix.counts]
    assert SEGMENTS == matrix.states
    assert (START, END) == (matrix.start, matrix.end)
    assert (0, 0, 0) == matrix.newcomers


@pytest.mark.parametrize(
    ("figure", "name"), [("value", "posterior_mean"), ("low", "lo"), ("high", "hi")]
)
def test_the_matrix_has_the_posterior_of_the_oracle(
    matrix: Any, figure: str, name: str
) -> None:
    """Jeffreys' prior, beta marginals, equal tails of 95 %."""
    found = [[getattr(one, figure) for one in row] for row in matrix.estimates]

    np.testing.assert_allclose(ORACLE["outputs"][name], found, rtol=ORACLE["rtol"])


def test_the_matrix_is_asked_by_name_and_given_as_a_table(matrix: Any) -> None:
    """One row a move, and the same figures."""
    rows = rows_of(matrix.to_frame("records"))

    assert 9 == len(rows)
    for row in rows:
        estimate = matrix[row["origin"], row["target"]]
        assert (row["value"], row["low"], row["high"]) == (
            estimate.value,
            estimate.low,
            estimate.high,
        )
    assert ORACLE["inputs"]["counts"] == [
        [row["users"] for row in rows if row["origin"] == origin] for origin in SEGMENTS
    ]


def test_the_matrix_shows_itself(matrix: Any) -> None:
    """As aligned text and as a table for notebooks."""
    assert all(state in str(matrix) for state in SEGMENTS)
    assert "<table" in matrix._repr_html_()


def test_each_row_of_the_matrix_adds_up(matrix: Any) -> None:
    """Everybody goes somewhere: the means of a row sum to one."""
    for row in matrix.estimates:
        assert 1.0 == pytest.approx(sum(one.value for one in row))
        assert all(0 <= one.low <= one.value <= one.high <= 1 for one in row)


def test_the_matrix_says_where_it_leads(matrix: Any) -> None:
    """Long-run shares, and months until dormant, as the oracle has them."""
    steps = ORACLES["segmentation"]["expected_steps_to_dormant"]["outputs"]

    shares, to_dormant = matrix.stationary(), matrix.steps_to("dormant")

    assert SEGMENTS == tuple(shares)
    expected = ORACLE["outputs"]["stationary_mle"]
    assert expected == pytest.approx(list(shares.values()), rel=1e-6)
    assert [*steps, 0] == pytest.approx(list(to_dormant.values()), rel=1e-6)
    with pytest.raises(InvalidInputError, match="did you mean 'dormant'"):
        matrix.steps_to("dormand")


def test_a_segment_without_users_leads_nowhere() -> None:
    """Of whom nobody is known, nothing is said."""
    found = transition_matrix(read_log([]), START, END)

    with pytest.raises(InvalidInputError, match="a time with potential users"):
        found.stationary()


def test_newcomers_are_counted_apart() -> None:
    """Who had no event by the start has no origin, and is lost nowhere."""
    rows = [
        {"user": "old", "kind": "like", "at": START - DAY},
        {"user": "new", "kind": "read", "at": START + DAY},
        {"user": "newer", "kind": "like", "at": END},
    ]

    found = transition_matrix(read_log(rows), START, END)

    assert (1, 1, 0) == found.newcomers
    assert 1 == sum(map(sum, found.counts))


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb"])
def test_an_engine_gives_the_same_matrix(engine: str) -> None:
    """A log that stays in its engine is collected for it."""
    need(engine)
    counts = [[3, 2, 1], [0, 4, 2], [1, 1, 5]]

    found = transition_matrix(log_of_moves(counts, engine), START, END, TWO)

    assert counts == [list(row) for row in found.counts]


def test_an_empty_log_has_an_empty_matrix() -> None:
    """No user, no move: counts of zero, and intervals that say nothing."""
    found = transition_matrix(read_log([]), START, END)

    assert ((0, 0, 0),) * 3 == found.counts
    assert 0 == found["active", "dormant"].n


@settings(max_examples=80)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from([DAY, 7 * DAY, 30 * DAY]),
    st.sampled_from([dt.timedelta(0), DAY]),
)
def test_gaps_alone_tell_what_the_running_sums_tell(
    rng: random.Random, silence: dt.timedelta, longer: dt.timedelta
) -> None:
    """Where one interaction suffices, the short way and the long way agree."""
    policy = LifecyclePolicy(dormant_after=silence, active_within=silence + longer)
    assert policy.one_suffices

    for part in read_log(draw_rows(rng, START, users=5)).parts:
        for short, long in zip(
            by_gaps(part, policy), by_steps(part, policy), strict=True
        ):
            np.testing.assert_array_equal(short, long)


@settings(max_examples=80)
@given(st.randoms(use_true_random=False))
def test_changes_of_a_user_follow_from_one_another(rng: random.Random) -> None:
    """Each starts where the one before ended, later than it."""
    case = draw_case(rng, users=5)
    policy = LifecyclePolicy(**case.policy)
    first = min(row["at"] for row in case.rows)

    rows = transitions(
        read_log(list(case.rows)), first - DAY, first + 10000 * DAY, policy
    )

    assert {row["user"] for row in case.rows} == {row["user"] for row in rows}
    for one, two in pairwise(rows):
        if one["user"] == two["user"]:
            assert one["at"] < two["at"]
            assert one["target"] == two["origin"]
        else:
            assert one["user"] < two["user"]
            assert two["origin"] is None


def test_a_change_happens_when_it_happens_not_when_somebody_looks() -> None:
    """One user through all the segments, to the microsecond."""
    at = START + dt.timedelta(microseconds=7)
    rows = [
        {"user": "ann", "kind": "read", "at": at},
        {"user": "ann", "kind": "like", "at": at + DAY},
        {"user": "ann", "kind": "like", "at": at + 50 * DAY},
    ]

    found = transitions(read_log(rows), START, START + 100 * DAY)

    assert [
        (None, "potential", at),
        ("potential", "active", at + DAY),
        ("active", "dormant", at + 31 * DAY),
        ("dormant", "active", at + 50 * DAY),
        ("active", "dormant", at + 80 * DAY),
    ] == [(row["origin"], row["target"], row["at"]) for row in found]


def test_a_period_holds_its_end_and_not_its_start() -> None:
    """Adjacent periods share no change and miss none."""
    rows = [{"user": "ann", "kind": "like", "at": START}]
    log = read_log(rows)

    assert [] == transitions(log, START, START + DAY)
    assert 1 == len(transitions(log, START - DAY, START))


@pytest.mark.parametrize("ask", [transitions, transition_matrix])
@pytest.mark.parametrize(
    ("start", "end", "name"),
    [
        (START, START, "end"),
        (END, START, "end"),
        (START.replace(tzinfo=None), END, "start"),
        (START, END.replace(tzinfo=None), "end"),
        (None, END, "start"),
        (START, "2026-05-01", "end"),
    ],
)
def test_a_period_that_is_none_is_refused(
    ask: Any, start: Any, end: Any, name: str
) -> None:
    """Backwards, empty, without a zone, or no time at all."""
    with pytest.raises(InvalidInputError) as caught:
        ask(read_log([]), start, end)

    assert name == caught.value.name


def test_an_unknown_segment_in_a_matrix_is_refused(matrix: Any) -> None:
    """With the names there are."""
    with pytest.raises(InvalidInputError, match="active"):
        matrix["actve", "dormant"]
