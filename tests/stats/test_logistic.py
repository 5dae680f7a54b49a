"""How a chance rises with a number: the fit, and what is wrong with the data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.stats.logistic import fit_logistic

ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40
).filter(lambda rows: len({did for _, did in rows}) == 2)


@given(ROWS, st.sampled_from([0.01, 1.0, 100.0]))
def test_the_fit_is_the_maximum_that_a_general_optimiser_finds(
    rows: list[tuple[int, bool]], ridge: float
) -> None:
    """The same penalised likelihood, written row by row."""
    x, did = np.array(rows, dtype=float).T
    scale = x.std() or 1.0

    def loss(at: np.ndarray[Any, Any]) -> float:
        logits = at[0] + at[1] * (x - x.mean()) / scale
        return float(
            (np.logaddexp(0, logits) - did * logits).sum() + ridge / 2 * at[1] ** 2
        )

    peer = minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-9})
    fit = fit_logistic(x, did, ridge=ridge)

    assert fit.slope.value is not None
    ours = [fit.intercept + fit.slope.value * x.mean(), fit.slope.value * scale]
    assert loss(np.array(ours)) <= peer.fun + 1e-12
    assert peer.x == pytest.approx(np.array(ours), abs=1e-3)


def test_without_much_of_a_ridge_it_is_maximum_likelihood() -> None:
    """Four cells with two values of x: the logits of the observed shares."""
    x = [0] * 40 + [2] * 50
    did = [1] * 10 + [0] * 30 + [1] * 30 + [0] * 20

    fit = fit_logistic(x, did, ridge=1e-9)

    assert [0.25, 0.6] == pytest.approx(fit.chances([0, 2]).tolist())
    assert math.log(1.5 / (1 / 3)) / 2 == pytest.approx(fit.slope.value)
    # Woolf's standard error of a log odds ratio, for one unit instead of two.
    error = math.sqrt(1 / 10 + 1 / 30 + 1 / 30 + 1 / 20) / 2
    assert fit.slope.high is not None
    assert fit.slope.value is not None
    assert 1.959964 * error == pytest.approx(fit.slope.high - fit.slope.value)
    assert (40, 90, "") == (fit.happened, fit.slope.n, fit.diagnosis)


def test_a_rise_is_found_again() -> None:
    """Twenty thousand rows from a known curve; the interval holds the truth."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 8, 20_000)
    did = rng.random(20_000) < expit(-4 + 0.3 * x)

    fit = fit_logistic(x, did)

    assert fit.slope.low is not None
    assert fit.slope.high is not None
    assert fit.slope.low < 0.3 < fit.slope.high
    assert expit([-4.0, -1.9]) == pytest.approx(fit.chances([0, 7]), rel=0.2)


@pytest.mark.parametrize(
    ("x", "did", "diagnosis"),
    [
        ([0, 1, 2, 3], [0, 0, 1, 1], "separated"),
        ([0, 1, 2, 3], [1, 1, 0, 0], "separated"),
        ([0, 1, 1, 3], [0, 0, 1, 1], "separated"),
        ([0, 1, 2, 3], [0, 1, 0, 1], ""),
        ([5, 5, 5], [0, 1, 0], "one value"),
        ([0.0, 5e-324], [0, 1], "separated"),
    ],
)
def test_data_that_cannot_tell_the_slope_say_so(
    x: list[float], did: list[int], diagnosis: str
) -> None:
    """And what is told is finite all the same."""
    fit = fit_logistic(x, did)

    assert diagnosis == fit.diagnosis
    assert fit.slope.value is not None
    assert math.isfinite(fit.slope.value)
    assert np.isfinite(fit.chances(x)).all()
    if diagnosis == "one value":
        assert fit.slope.value == 0
        assert [1 / 3] * 3 == pytest.approx(fit.chances(x).tolist())


@pytest.mark.parametrize(
    ("did", "hint"),
    [
        ([], "there are no rows"),
        ([0] * 60, "with 60 alike, the chance that it happens is below 0.049"),
        ([1] * 60, "with 60 alike, the chance that it does not happen is below 0.049"),
    ],
)
def test_one_class_has_no_best_chance(did: list[int], hint: str) -> None:
    """It is refused, with what the data do tell."""
    with pytest.raises(InvalidInputError, match=hint):
        fit_logistic(np.zeros(len(did)), did)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"x": [0, math.nan]}, r"x\[1\] must be finite"),
        ({"x": [0, 1, 2]}, "happened must be as many as x, 3"),
        ({"happened": [0, 0.5]}, r"happened\[1\] must be True or False"),
        ({"ridge": 0}, "ridge must be a finite number above 0"),
        ({"ridge": math.inf}, "ridge must be a finite number above 0"),
        ({"ridge": True}, "ridge must be a finite number above 0"),
        ({"level": 1}, "level must be between 0 and 1"),
    ],
)
def test_bad_input_is_named(fields: dict[str, Any], message: str) -> None:
    """Nothing is coerced."""
    usual: dict[str, Any] = {"x": [0, 1], "happened": [0, 1]}
    with pytest.raises(InvalidInputError, match=message):
        fit_logistic(**(usual | fields))


def test_a_fit_survives_as_text() -> None:
    """With its interval and its diagnosis."""
    fit = fit_logistic([0, 1, 2, 3], [0, 0, 1, 1])

    assert fit == load(dump(fit))
