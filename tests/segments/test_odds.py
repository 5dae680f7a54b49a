"""Odds of activity: the model, every engine, the single user, real purchases."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, LAZY, instant, rows_of, table
from tests.frames.random_logs import draw_case
from tests.frames.test_type_in_type_out import explosive
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log import read_log
from wxengage.segments import activity_odds
from wxengage.stats.btyd import MbgNbd, fit_mbgnbd

if TYPE_CHECKING:
    from wxengage.log import Log
    from wxengage.segments.scored import Scored

MONTH = dt.timedelta(days=30)
AS_OF = instant("2026-06-01T04:00")
MODEL = MbgNbd(0.5, 7.0, 0.9, 1.6)


def simulated(users: int = 300, seed: int = 1) -> list[dict[str, Any]]:
    """Return the rows of a log: users who come at a pace, until they leave."""
    rng = np.random.default_rng(seed)
    rows = []
    start = AS_OF - dt.timedelta(days=200)
    for user in range(users):
        day, pace, leaves = 60 * rng.random(), rng.gamma(0.8, 0.1), rng.beta(0.9, 2.5)
        while day < 200:
            kind, at = "like" if user % 10 else "read", start + dt.timedelta(days=day)
            rows.append({"user": f"u{user:03d}", "kind": kind, "at": at})
            if rng.random() < leaves:
                break
            day += rng.exponential(1 / pace)
    return rows


def answers(scored: Scored) -> dict[Any, tuple[float | None, float | None]]:
    """Return each user's probability and gap, None for none."""
    return {
        row["user"]: (row["p_active"], row["adaptive_gap_days"])
        for row in rows_of(scored.frame)
    }


def assert_alike(expected: Scored, found: Scored) -> None:
    """Assert that two answers say the same of the same users."""
    wanted, got = answers(expected), answers(found)
    assert set(wanted) == set(got)
    for user, pair in wanted.items():
        if pair[0] is None:
            assert (None, None) == got[user]
        else:
            assert pair == pytest.approx(got[user], rel=1e-9, abs=1e-12)


def test_the_answer_is_the_model_on_the_summary() -> None:
    """One user at a time, from the columns anybody can look at."""
    log = read_log(table(simulated(), "arrays"))
    summary = log.summarise(AS_OF)

    scored = activity_odds(log, AS_OF, horizon=MONTH)
    frame, model = scored

    assert ["user", "p_active", "adaptive_gap_days"] == list(frame)
    assert summary.user.tolist() == frame["user"].tolist()
    assert 0 < (summary.interactions == 0).sum() < len(summary)
    seen = summary.interactions > 0
    history = (summary.repeat_days, summary.repeat_age_days, summary.age_days)
    assert fit_mbgnbd(*(column[seen] for column in history)) == model
    assert model.converged
    for i in range(len(summary)):
        x, t_x, age = (int(column[i]) for column in history)
        if seen[i]:
            assert model.p_active(30, x, t_x, age) == pytest.approx(
                frame["p_active"][i]
            )
            gap = frame["adaptive_gap_days"][i]
            assert 0.5 == pytest.approx(model.p_alive(x, t_x, t_x + gap)) or gap == 0
        else:
            assert np.isnan(frame["p_active"][i])


@pytest.mark.parametrize("engine", [*EAGER, *LAZY])
def test_every_engine_gives_the_same_odds(engine: str) -> None:
    """The engine groups, the driver fits, the odds come back as they came."""
    rows = simulated(60)
    expected = activity_odds(read_log(table(rows, "arrays")), AS_OF, horizon=MONTH)

    scored = activity_odds(read_log(table(rows, engine)), AS_OF, horizon=MONTH)

    assert dict(expected.model.params) == pytest.approx(dict(scored.model.params))
    assert_alike(expected, scored)


@given(st.integers(0, 2**32))
@settings(max_examples=30, phases=[Phase.generate])
def test_an_engine_agrees_on_any_log(seed: int) -> None:
    """Expressions and kernels, on logs that nobody chose."""
    case = draw_case(random.Random(seed), 6)  # noqa: S311  no secret
    eager, lazy = (read_log(table(case.rows, e)) for e in ("arrays", "polars_lazy"))

    for model in (None, MODEL):
        expected, found = (
            activity_odds(log, case.as_of, horizon=MONTH, model=model, clock=case.clock)
            for log in (eager, lazy)
        )

        assert_alike(expected, found)


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb"])
def test_with_a_model_nothing_runs(engine: str) -> None:
    """A lazy source stays lazy: scoring by another log's model asks no query."""
    log = read_log(explosive(engine))

    scored = activity_odds(log, AS_OF, horizon=MONTH, model=MODEL)

    assert scored.model is MODEL
    with pytest.raises(Exception, match="this ran"):
        rows_of(scored.frame)
    with pytest.raises(Exception, match="this ran"):
        activity_odds(log, AS_OF, horizon=MONTH)


def test_a_model_scores_another_log() -> None:
    """Fitted on one log, kept as text, used on the next one."""
    first, second = (read_log(table(simulated(seed=s), "arrays")) for s in (1, 2))
    model = load(dump(activity_odds(first, AS_OF, horizon=MONTH).model))

    scored = activity_odds(second, AS_OF, horizon=MONTH, model=model)

    assert model is scored.model
    summary = second.summarise(AS_OF)
    history = (summary.repeat_days, summary.repeat_age_days, summary.age_days)
    seen = summary.interactions > 0
    expected = model.p_active(30, *(column[seen] for column in history))
    np.testing.assert_allclose(expected, scored.frame["p_active"][seen])


def test_a_longer_look_ahead_is_never_less_probable() -> None:
    """Half a day, a month, a year."""
    log = read_log(table(simulated(100), "arrays"))
    found = [
        activity_odds(log, AS_OF, horizon=dt.timedelta(days=days), model=MODEL).frame
        for days in (0.5, 30, 365)
    ]

    short, month, year = (one["p_active"] for one in found)
    seen = ~np.isnan(short)
    assert (short[seen] < month[seen]).all()
    assert (month[seen] < year[seen]).all()


@pytest.mark.parametrize("engine", ["arrays", "polars_lazy"])
def test_who_never_interacted_has_no_odds(engine: str) -> None:
    """The model begins with a first interaction; nobody is no model."""
    rows = [{"user": "bo", "kind": "read", "at": AS_OF - MONTH}]

    scored = activity_odds(read_log(table(rows, engine)), AS_OF, horizon=MONTH)

    assert scored.model is None
    assert {"bo": (None, None)} == answers(scored)


def test_too_little_is_said_by_the_model() -> None:
    """Two users tell nothing, and the diagnosis says so."""
    rows = [{"user": u, "kind": "like", "at": AS_OF - MONTH} for u in ("ann", "bo")]

    scored = activity_odds(read_log(rows), AS_OF, horizon=MONTH)

    assert not scored.model.converged
    assert "none of 2 customers came back" in scored.model.diagnosis
    assert all(0 < row["p_active"] < 1 for row in scored.frame)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": {"r": 1}}, "model must be an MbgNbd, got {'r': 1}; fitted on days"),
        ({"horizon": dt.timedelta(0)}, "horizon must be a timedelta above zero"),
        ({"horizon": 30}, "horizon must be a timedelta above zero, got 30"),
    ],
)
def test_bad_questions_are_refused(change: dict[str, Any], said: str) -> None:
    """What it must be, and how to mend it."""
    log: Log = read_log(simulated(5))

    with pytest.raises(InvalidInputError, match=said):
        activity_odds(log, AS_OF, **({"horizon": MONTH} | change))
    with pytest.raises(InvalidInputError, match="as_of must be an aware datetime"):
        activity_odds(log, AS_OF.replace(tzinfo=None), horizon=MONTH)
