"""What lifetime models do with data that have no answer, or are none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from wxengage.errors import InvalidInputError
from wxengage.stats.btyd import (
    BgBb,
    BgNbd,
    GammaGamma,
    MbgNbd,
    ParetoNbd,
    Sbg,
    fit_bgbb,
    fit_bgnbd,
    fit_gamma_gamma,
    fit_mbgnbd,
    fit_pareto_nbd,
    fit_sbg,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FITS: list[Callable[..., Any]] = [fit_bgnbd, fit_mbgnbd, fit_pareto_nbd]
MODEL = MbgNbd(0.5, 6.0, 0.9, 1.6)

BAD_ROWS: list[tuple[Any, Any, Any, str]] = [
    ([0, 2], [0, 0], [9, 9], r"t_x\[1\] must be above 0 where x is above 0, got 0"),
    ([0, 2], [0, 9.5], [9, 9], r"t_x\[1\] must be from 0 to the row's T, got 9\.5"),
    ([0, 2], [0, -1], [9, 9], r"t_x\[1\] must be from 0 to the row's T, got -1"),
    ([0, 0], [0, 3], [9, 9], r"t_x\[1\] must be 0 where x is 0, got 3"),
    ([0, 1.5], [0, 3], [9, 9], r"x\[1\] must be a whole number from 0, got 1\.5"),
    ([0, -1], [0, 3], [9, 9], r"x\[1\] must be a whole number from 0, got -1"),
    ([0, 1], [0, 3], [9, -9], r"T\[1\] must be at least 0, got -9"),
    ([0, 1], [0, 3], [9, math.nan], r"T\[1\] must be finite, got nan"),
    ([0, 1], [0, math.inf], [9, 9], r"t_x\[1\] must be finite, got inf"),
    ([False, True], [0, 3], [9, 9], "x must be numbers, one per unit, got 'bool'"),
    (["a", "b"], [0, 3], [9, 9], "x must be numbers, one per unit"),
    ([0, "1"], [0, 3], [9, 9], "x must be numbers, one per unit"),
    (np.array([0, "1"], object), [0, 3], [9, 9], r"x\[1\] must be a number, got '1'"),
    ([0, None], [0, 3], [9, 9], r"x\[1\] must be"),
    ([0, 1, 2], [0, 3], [9, 9], "x, t_x, T must be of one length, one row a customer"),
]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("x", "t_x", "age", "said"), BAD_ROWS)
def test_a_fit_names_the_row(
    fit: Callable[..., Any], x: Any, t_x: Any, age: Any, said: str
) -> None:
    """What is wrong, where, and what it must be."""
    with pytest.raises(InvalidInputError, match=said):
        fit(x, t_x, age)


@pytest.mark.parametrize(("x", "t_x", "age", "said"), BAD_ROWS)
def test_a_prediction_names_the_row(x: Any, t_x: Any, age: Any, said: str) -> None:
    """The same rules hold when a model is used."""
    for model in (MODEL, ParetoNbd(0.5, 6.0, 0.9, 1.6)):
        with pytest.raises(InvalidInputError, match=said):
            model.p_alive(x, t_x, age)
        with pytest.raises(InvalidInputError, match=said):
            model.expected_purchases(30, x, t_x, age)


def test_a_single_bad_number_is_named_without_a_row() -> None:
    """A scalar has no index."""
    with pytest.raises(InvalidInputError, match=r"^t_x must be from 0 to the row's T"):
        MODEL.p_alive(1, 5, 4)
    with pytest.raises(InvalidInputError, match="horizon must be at least 0, got -1"):
        MODEL.p_active(-1, 1, 4, 5)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, -1], r"weights\[1\] must be at least 0, got -1"),
        ([1], r"weights.shape must be \(2,\)"),
        ([0, 0], "x must be at least one row of weight"),
        ([1, math.nan], r"weights\[1\] must be finite"),
    ],
)
def test_a_bad_weight_is_named(
    fit: Callable[..., Any], weights: list[float], said: str
) -> None:
    """Weights are counts of customers."""
    with pytest.raises(InvalidInputError, match=said):
        fit([0, 1], [0, 4], [9, 9], weights=weights)


@pytest.mark.parametrize("fit", FITS)
def test_nobody_is_no_data(fit: Callable[..., Any]) -> None:
    """An empty log has no customers to learn from; a number is no column."""
    with pytest.raises(InvalidInputError, match="at least one row of weight"):
        fit([], [], [])
    with pytest.raises(InvalidInputError, match="three columns of one length"):
        fit(1, 2, 3)


def sane(model: Any) -> None:
    """Assert that a model without an answer still gives numbers, and says so."""
    assert not model.converged
    assert "instead, the values under a weak prior" in model.diagnosis
    assert all(0 < value < math.inf for value in model.params.values())
    assert all(0 <= error < math.inf for error in model.standard_errors.values())
    assert math.isfinite(model.loglik)
    if not isinstance(model, Sbg | GammaGamma | BgBb):
        found = [model.p_alive(3, 2, 9), model.expected_purchases(9, 3, 2, 9)]
        assert np.isfinite(found).all()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("history", "said"),
    [
        (([0, 0, 0], [0, 0, 0], [9, 5, 7]), "none of 3 customers came back"),
        (([0], [0], [0]), "none of 1 customers came back"),
        (([4], [6], [9]), "too few customers came back: 1 of 1"),
        (([2] * 9, [5] * 9, [9] * 9), "too few customers came back: 9 of 9"),
    ],
    ids=["nobody came back", "a newcomer", "one customer", "nine alike"],
)
def test_too_little_to_learn_from_is_said(
    fit: Callable[..., Any], history: Any, said: str
) -> None:
    """No silent NaN: a weak prior stands in, and the diagnosis says why."""
    model = fit(*history)

    sane(model)
    assert said in model.diagnosis


@pytest.mark.parametrize("fit", FITS)
def test_customers_who_never_leave_say_nothing_about_leaving(
    fit: Callable[..., Any],
) -> None:
    """Everybody bought just now: dropping out is at the boundary."""
    rng = np.random.default_rng(0)
    x = rng.poisson(rng.gamma(2, 3, 400)) + 1.0
    age = np.full(400, 100.0)

    model = fit(x, age, age)

    sane(model)
    assert "no information on" in model.diagnosis
    assert "how customers drop out" in model.diagnosis
    assert model.p_alive(5, 100, 100) > 0.9


def test_a_small_sample_that_has_an_answer_says_how_unsure_it_is() -> None:
    """A maximum far from any certainty is told as such."""
    rng = np.random.default_rng(12)
    found = []
    for _ in range(12):
        x = rng.poisson(rng.gamma(0.8, 3, 25)).astype(float)
        t_x = np.where(x > 0, rng.uniform(1, 60, 25), 0)
        found.append(fit_mbgnbd(x, t_x, np.full(25, 60.0)))

    unsure = [one for one in found if "the data say little about" in one.diagnosis]
    assert unsure
    assert all(one.converged for one in unsure)


@pytest.mark.parametrize("fit", FITS)
def test_a_ridge_that_rounding_bends_is_no_maximum(fit: Callable[..., Any]) -> None:
    """Three customers: far out, the Hessian of Pareto/NBD is rounding alone."""
    histories = [
        (
            [0, 1, 0],
            [0, 2.8543260838817233, 0],
            [19.841426208122584, 49.50267620158267, 46.93479709013576],
        ),
        (
            [1, 0, 1],
            [8.828012987502055, 0, 1.96315027574654],
            [9.610812888224359, 8.0523699537949, 29.829154214120038],
        ),
    ]

    for history in histories:
        model = fit(*history)

        sane(model)
        assert "too few customers came back" in model.diagnosis


def test_a_higher_likelihood_at_the_edge_is_told() -> None:
    """A small sample may have a maximum inside and a higher one at the boundary."""
    x = np.zeros(20)
    t_x = np.zeros(20)
    back = [2, 3, 5, 13, 16, 17, 18, 19]
    x[back] = [4, 2, 2, 6, 7, 3, 7, 2]
    t_x[back] = [10.9, 6.17, 121.34, 24.58, 40.12, 42.16, 50.46, 79.23]
    age = [80, 81, 12, 7, 19, 193, 9, 5, 161, 112]
    age += [185, 170, 148, 91, 130, 109, 42, 127, 133, 95]

    model = fit_mbgnbd(x, t_x, age)

    assert model.converged
    assert "the likelihood is higher by 1.4" in model.diagnosis
    assert "the maximum inside is kept" in model.diagnosis


def test_the_fallback_does_not_know_the_unit_of_time() -> None:
    """The weak prior is in units of the mean age."""
    days = fit_mbgnbd([1, 0, 3], [30, 0, 40], [60, 50, 70])
    weeks = fit_mbgnbd([1, 0, 3], [30 / 7, 0, 40 / 7], [60 / 7, 50 / 7, 10])

    assert not days.converged
    assert days.p_alive(1, 30, 60) == pytest.approx(weeks.p_alive(1, 30 / 7, 60 / 7))


@pytest.mark.parametrize(
    ("x", "t_x", "n", "said"),
    [
        ([2], [1], [4], r"x\[0\] must be at most t_x, got 2"),
        ([1], [1.5], [4], r"t_x\[0\] must be a whole number, got 1\.5"),
        ([1], [1], [4.5], r"n\[0\] must be a whole number, got 4\.5"),
        ([1], [5], [4], r"t_x\[0\] must be from 0 to the row's n, got 5"),
    ],
)
def test_opportunities_are_counted(x: Any, t_x: Any, n: Any, said: str) -> None:
    """BG/BB knows whole opportunities only."""
    with pytest.raises(InvalidInputError, match=said):
        fit_bgbb(x, t_x, n)
    with pytest.raises(InvalidInputError, match=said):
        BgBb(1, 1, 1, 1).p_alive(x, t_x, n)


def test_no_opportunity_is_no_information() -> None:
    """Nobody could take anything: the prior, and a horizon must be whole."""
    model = fit_bgbb([0, 0], [0, 0], [0, 0])

    sane(model)
    assert "none of 2 customers took an opportunity" in model.diagnosis
    with pytest.raises(InvalidInputError, match="horizon must be a whole number"):
        model.p_active(1.5, 0, 0, 3)


@pytest.mark.parametrize(
    ("x", "value", "said"),
    [
        ([1, 2], [5, 0], r"mean_value\[1\] must be above 0, got 0"),
        ([1, 2], [5, -3], r"mean_value\[1\] must be above 0, got -3"),
        ([1, 0], [5, 3], r"x\[1\] must be a whole number from 1, got 0"),
        ([1, 2], [5, math.nan], r"mean_value\[1\] must be finite"),
        ([1, 2], [5], "mean_value must be as many as x, 2, got 1"),
        ([], [], "at least one row of weight"),
    ],
)
def test_spendings_are_above_zero(x: Any, value: Any, said: str) -> None:
    """Free and refunded purchases have no place in Gamma-Gamma."""
    with pytest.raises(InvalidInputError, match=said):
        fit_gamma_gamma(x, value)


def test_equal_spendings_say_nothing_about_differences() -> None:
    """One customer, or all alike: the weak prior."""
    sane(fit_gamma_gamma([3], [10.0]))
    sane(fit_gamma_gamma([5] * 50, [10.0] * 50))


@pytest.mark.parametrize(
    ("survivors", "said"),
    [
        ([10], "survivors must be at least two numbers"),
        ([10, 11], r"survivors\[1\] must be at most the one before, got 11"),
        ([10, -1], r"survivors\[1\] must be at least 0"),
        ([0, 0], r"survivors\[0\] must be above 0"),
        ([[10, 5]], "survivors.shape must be one-dimensional"),
    ],
)
def test_survivors_only_ever_leave(survivors: Any, said: str) -> None:
    """A cohort does not grow."""
    with pytest.raises(InvalidInputError, match=said):
        fit_sbg(survivors)


def test_one_renewal_does_not_tell_how_customers_differ() -> None:
    """Two numbers determine one parameter; so does a cohort nobody left."""
    sane(fit_sbg([1000, 600]))
    sane(fit_sbg([1000, 1000, 1000]))
    with pytest.raises(InvalidInputError, match="t must be a whole number from 1"):
        Sbg(1, 1).retention(0)
    with pytest.raises(InvalidInputError, match="discount must be at least 0"):
        Sbg(1, 1).expected_lifetime(-0.1)


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf, True, "1"])
def test_parameters_are_positive_numbers(bad: Any) -> None:
    """A model cannot be made of anything else; q of Gamma-Gamma is above 1."""
    with pytest.raises(InvalidInputError, match="r must be a finite number above 0"):
        BgNbd(bad, 1, 1, 1)
    with pytest.raises(InvalidInputError, match="q must be above 1"):
        GammaGamma(1, 1, 1)
    with pytest.raises(InvalidInputError, match="p_alive must be between 0 and 1"):
        MODEL.dormancy_gap(1, 2, p_alive=1)


def test_given_parameters_claim_no_more_than_they_know() -> None:
    """No likelihood, no errors, an estimate without an interval."""
    assert MODEL.loglik is None
    assert {} == dict(MODEL.standard_errors)
    assert "parameters as given" == MODEL.diagnosis
    assert MODEL.converged
    assert MODEL.estimates()["r"].low is None


@pytest.mark.parametrize("extreme", [1e-12, 1e12])
@pytest.mark.parametrize("model", [BgNbd, MbgNbd, ParetoNbd])
def test_extreme_parameters_give_numbers(model: Any, extreme: float) -> None:
    """Nothing overflows into a NaN."""
    for place in range(4):
        params = [1.0, 5.0, 1.0, 2.0]
        params[place] = extreme
        fitted = model(*params)
        history = ([0, 3, 900], [0, 4.0, 300.0], [300.0, 300.0, 300.0])

        found = np.stack(
            (
                fitted.p_alive(*history),
                fitted.p_active(30.0, *history),
                fitted.expected_purchases(30.0, *history),
            )
        )

        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert (found[:2] <= 1).all()
