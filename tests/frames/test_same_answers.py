"""Every kind of table gives the answers of the slow, obvious reference."""

from __future__ import annotations

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, in_order, need
from tests.frames.random_logs import (
    POLICIES,
    QUESTIONS,
    SCENES,
    answer,
    assert_answered,
    draw_case,
)
from wxengage.log import read_log

SMALL = st.randoms(use_true_random=False)
LARGE = st.randoms(use_true_random=True)
# Users are independent: many of them in one query are as many random logs.
MANY = 40
# A query takes a while: a log that fails is shown as it is.
ONCE = (Phase.explicit, Phase.generate)


@settings(max_examples=150)
@given(SMALL)
def test_arrays_are_answered_as_the_definitions_say(rng: random.Random) -> None:
    """The packed sort is right on every edge: ties, exact gaps, ends of days."""
    assert_answered(draw_case(rng, users=3), "records")


@settings(max_examples=150)
@given(LARGE)
def test_larger_logs_are_answered_as_the_definitions_say(rng: random.Random) -> None:
    """So it is when many users lie side by side."""
    assert_answered(draw_case(rng, users=MANY), "arrays")


@pytest.mark.parametrize("engine", EAGER)
@settings(max_examples=30)
@given(rng=LARGE)
def test_every_form_in_memory_gives_the_same_answers(
    engine: str, rng: random.Random
) -> None:
    """Records, arrays, pandas, Polars and PyArrow agree with the reference."""
    need(engine)
    assert_answered(draw_case(rng, users=MANY), engine)


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb", "ibis"])
@pytest.mark.parametrize("scene", range(len(SCENES)))
@settings(max_examples=1, phases=ONCE)
@given(rng=LARGE)
def test_engines_count_days_and_sessions_alike(
    engine: str, scene: int, rng: random.Random
) -> None:
    """Summary and streaks, near every change of the clock that we know of."""
    need(engine)
    case = draw_case(rng, MANY, scene=scene)
    assert_answered(case, engine, ("summary", "streaks"))


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb", "ibis"])
@pytest.mark.parametrize("policy", range(len(POLICIES)))
@settings(max_examples=2, phases=ONCE)
@given(rng=LARGE)
def test_engines_classify_alike(engine: str, policy: int, rng: random.Random) -> None:
    """Segments, their changes and counts of kinds, under every policy."""
    need(engine)
    case = draw_case(rng, MANY, scene=0, policy=POLICIES[policy])
    assert_answered(case, engine, ("classify", "transitions", "kind_counts"))


@pytest.mark.parametrize(
    ("scene", "policy", "questions"),
    [
        (3, 0, ("summary", "streaks")),
        (0, 0, ("classify", "transitions")),
        (5, 1, ("classify", "transitions", "kind_counts")),
    ],
)
def test_spark_gives_the_same_answers(
    scene: int, policy: int, questions: tuple[str, ...]
) -> None:
    """Few logs, since Spark takes seconds to think about each."""
    need("pyspark")
    rng = random.Random(100 * scene + policy)  # noqa: S311  a fixed log, no secret
    case = draw_case(rng, 2 * MANY, scene=scene, policy=POLICIES[policy])
    assert_answered(case, "pyspark", questions)


@settings(max_examples=60)
@given(rng=SMALL, question=st.sampled_from(QUESTIONS))
def test_the_order_of_rows_changes_nothing(rng: random.Random, question: str) -> None:
    """A log is a set of rows; every answer is ascending by user, then time."""
    case = draw_case(rng, users=6)
    shuffled = list(case.rows)
    rng.shuffle(shuffled)

    first = answer(read_log(list(case.rows), value="value"), case, question)

    assert first == answer(read_log(shuffled, value="value"), case, question)
    if isinstance(first, list):
        assert in_order(first) == first
