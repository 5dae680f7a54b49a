"""Laws that every lifetime model obeys, on histories that nobody chose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import betaln, gammaln, hyp2f1

from wxengage.codec import dump, load
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
from wxengage.stats.btyd.beta_bernoulli import _Likelihood as BgBbLikelihood
from wxengage.stats.btyd.beta_geometric_likelihood import BetaGeometricLikelihood
from wxengage.stats.btyd.gamma_gamma import _Likelihood as GammaGammaLikelihood
from wxengage.stats.btyd.geometric import _Likelihood as SbgLikelihood
from wxengage.stats.btyd.histories import Histories
from wxengage.stats.btyd.pareto import _Likelihood as ParetoLikelihood
from wxengage.stats.btyd.quadrature import _jacobi, _trapezoid

if TYPE_CHECKING:
    from collections.abc import Callable

Vector = NDArray[np.float64]
History = tuple[Vector, Vector, Vector]
Continuous = type[BgNbd] | type[MbgNbd] | type[ParetoNbd]
CONTINUOUS: list[Continuous] = [BgNbd, MbgNbd, ParetoNbd]
FITS: list[Callable[..., Any]] = [fit_bgnbd, fit_mbgnbd, fit_pareto_nbd]

positive = st.floats(0.05, 20)
parameters = st.tuples(positive, positive, positive, positive)


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, float, float]:
    """Draw a customer: x, t_x, T."""
    x = draw(st.integers(0, 60))
    age = draw(st.floats(0.1, 400))
    return x, age * draw(st.floats(0.01, 1)) if x else 0.0, age


def simulated(customers: int, seed: int = 3) -> History:
    """Return customers of an MBG/NBD world, in days."""
    rng = np.random.default_rng(seed)
    age = rng.integers(100, 400, customers).astype(float)
    pace = rng.gamma(0.8, 1 / 25, customers)
    leaves = rng.beta(0.9, 2.5, customers)
    x, t_x, at = (np.zeros(customers) for _ in range(3))
    there = np.flatnonzero(rng.random(customers) > leaves)
    while there.size:
        at[there] += np.maximum(rng.exponential(1 / pace[there]), 1e-3)
        there = there[at[there] <= age[there]]
        x[there], t_x[there] = x[there] + 1, at[there]
        there = there[rng.random(there.size) > leaves[there]]
    return x, t_x, age


@pytest.mark.parametrize("model", CONTINUOUS)
@given(parameters, histories(), st.floats(0, 200))
def test_probabilities_lie_between_0_and_1(
    model: Continuous,
    params: tuple[float, float, float, float],
    history: tuple[int, float, float],
    horizon: float,
) -> None:
    """And a purchase is no more probable than being there."""
    fitted = model(*params)
    alive = float(fitted.p_alive(*history))
    active = float(fitted.p_active(horizon, *history))
    expected = float(fitted.expected_purchases(horizon, *history))

    assert 0 <= active <= alive * (1 + 1e-12) <= 1 + 1e-12
    # Markov's inequality: the mean of a count is at least P(count > 0).
    assert active * (1 - 1e-9) <= expected + 1e-300


@pytest.mark.parametrize("model", CONTINUOUS)
@given(parameters, histories(), st.floats(0.1, 60), st.floats(0.1, 60))
def test_more_time_brings_more_but_never_faster(
    model: Continuous,
    params: tuple[float, float, float, float],
    history: tuple[int, float, float],
    first: float,
    second: float,
) -> None:
    """Expectations rise with the horizon, and customers only ever leave."""
    fitted = model(*params)

    def within(horizon: float) -> float:
        return float(fitted.expected_purchases(horizon, *history))

    whole = within(first + second)

    assert max(within(first), within(second)) <= whole * (1 + 1e-9)
    assert whole <= (within(first) + within(second)) * (1 + 1e-9)
    assert 0 == within(0)


@pytest.mark.parametrize("model", [BgNbd, MbgNbd])
@given(parameters, histories(), st.floats(0.1, 30), st.floats(0.1, 30))
@settings(max_examples=25)
def test_expectations_add_up_over_time(
    model: type[BgNbd | MbgNbd],
    params: tuple[float, float, float, float],
    history: tuple[int, float, float],
    first: float,
    second: float,
) -> None:
    """What is expected in a time is the sum of the expected rates in it."""
    fitted = model(*params)
    x, _, age = history
    r, alpha, a, b = params
    m = x + (model is MbgNbd)

    def rate(later: float) -> float:
        # The mean of (1 + theta h / (alpha + T))^-(r+x+1) (r+x) / (alpha + T), the
        # pace of who is still there, by Pfaff's form of the hypergeometric function.
        now = alpha + age + later
        mean = hyp2f1(r + x + 1, b + m, a + b + m, later / now)
        return float((r + x) / now * mean * ((alpha + age) / now) ** (r + x))

    direct = quad(rate, first, first + second, epsabs=0, epsrel=1e-10)[0]
    later = fitted.expected_purchases(first + second, *history)
    found = later - fitted.expected_purchases(first, *history)

    assert direct * fitted.p_alive(*history) == pytest.approx(
        found, rel=1e-6, abs=1e-12
    )


@pytest.mark.parametrize("model", CONTINUOUS)
@given(
    parameters, histories(), st.floats(0.5, 60), st.sampled_from([7.0, 1 / 7, 365.25])
)
def test_days_or_weeks_make_no_difference(
    model: Continuous,
    params: tuple[float, float, float, float],
    history: tuple[int, float, float],
    horizon: float,
    unit: float,
) -> None:
    """Predictions do not know in which unit time was counted."""
    one, two, three, four = params
    scaled = model(one, two * unit, three, four * unit if model is ParetoNbd else four)
    plain = model(*params)
    x, t_x, age = history
    longer = (x, t_x * unit, age * unit)

    assert plain.p_alive(*history) == pytest.approx(scaled.p_alive(*longer), rel=1e-9)
    assert plain.p_active(horizon, *history) == pytest.approx(
        scaled.p_active(horizon * unit, *longer), rel=1e-9, abs=1e-300
    )
    assert plain.expected_purchases(horizon, *history) == pytest.approx(
        scaled.expected_purchases(horizon * unit, *longer), rel=1e-9, abs=1e-300
    )


@pytest.mark.parametrize("fit", FITS)
def test_a_fit_does_not_know_the_unit_of_time(fit: Callable[..., Any]) -> None:
    """Fitted in days or weeks: the same predictions, and alpha in that unit."""
    x, t_x, age = simulated(300)

    days, weeks = fit(x, t_x, age), fit(x, t_x / 7, age / 7)

    assert days.converged
    assert weeks.alpha * 7 == pytest.approx(days.alpha, rel=1e-6)
    assert_allclose(days.p_alive(x, t_x, age), weeks.p_alive(x, t_x / 7, age / 7))
    jacobian = x.sum() * math.log(7)
    assert days.loglik + jacobian == pytest.approx(weeks.loglik, rel=1e-9)


@pytest.mark.parametrize("fit", FITS)
def test_weights_are_repetitions(fit: Callable[..., Any]) -> None:
    """A weight of three is the row three times; the order of rows is nothing."""
    x, t_x, age = simulated(200)
    times = np.arange(200) % 4
    order = np.random.default_rng(0).permutation(int(times.sum()))

    weighted = fit(x, t_x, age, weights=times)
    repeated = fit(*(np.repeat(column, times)[order] for column in (x, t_x, age)))

    assert dict(weighted.params) == pytest.approx(dict(repeated.params), rel=1e-7)
    assert weighted.loglik == pytest.approx(repeated.loglik, rel=1e-12)
    assert dict(weighted.standard_errors) == pytest.approx(
        dict(repeated.standard_errors), rel=1e-6
    )


def test_weights_are_repetitions_in_the_other_models() -> None:
    """BG/BB and Gamma-Gamma, row by row."""
    rng = np.random.default_rng(5)
    times = rng.integers(0, 4, 60)
    x = rng.integers(1, 6, 60)
    value = rng.gamma(3, 10, 60)
    last = np.minimum(x + rng.integers(0, 3, 60), 8)
    eight = np.full(60, 8)

    panel = fit_bgbb(x, last, eight, weights=times)
    panels = fit_bgbb(*(np.repeat(column, times) for column in (x, last, eight)))
    spent = fit_gamma_gamma(x, value, weights=times)
    spents = fit_gamma_gamma(np.repeat(x, times), np.repeat(value, times))

    assert dict(panel.params) == pytest.approx(dict(panels.params), rel=1e-6)
    assert dict(spent.params) == pytest.approx(dict(spents.params), rel=1e-6)


@pytest.mark.parametrize("fit", FITS)
def test_a_fit_finds_the_world_it_was_simulated_in(fit: Callable[..., Any]) -> None:
    """Of 4,000 customers of an MBG/NBD world, the right model fits best."""
    history = simulated(4_000)

    model, right = fit(*history), fit_mbgnbd(*history)

    assert model.converged
    assert right.loglik >= model.loglik
    for name, truth in {"r": 0.8, "alpha": 25, "a": 0.9, "b": 2.5}.items():
        found = right.estimates(level=0.999)[name]
        assert found.low is not None
        assert found.high is not None
        assert found.low <= truth <= found.high


@pytest.mark.parametrize(
    "likelihood",
    [
        BetaGeometricLikelihood(Histories.of(*simulated(150), None).scaled(), 0),
        BetaGeometricLikelihood(Histories.of(*simulated(150), None).scaled(), 1),
        ParetoLikelihood(Histories.of(*simulated(150), None).scaled(), 0.0),
        BgBbLikelihood(Histories.of([0, 1, 3, 6], [0, 2, 4, 6], [6, 6, 5, 6], None)),
        SbgLikelihood(np.array([5.0, 3.0, 0.0, 2.0]), 7.0),
        GammaGammaLikelihood(
            np.array([1.0, 4.0, 2.0]), np.array([0.2, 6.0, 1.0]), np.ones(3), 0.0, 1.0
        ),
    ],
    ids=lambda one: type(one).__module__.rpartition(".")[2],
)
def test_derivatives_are_those_of_the_likelihood(likelihood: Any) -> None:
    """Gradient and Hessian against central differences."""
    size = len(likelihood.floors)
    at, step = np.linspace(0.5, -0.3, size), 1e-5
    ahead = [(likelihood(at + d), likelihood(at - d)) for d in step * np.eye(size)]

    _, slope, curve = likelihood(at)

    expected = [(up[0] - down[0]) / (2 * step) for up, down in ahead]
    assert_allclose(expected, slope, atol=1e-7 * np.abs(slope).max())
    expected = [(up[1] - down[1]) / (2 * step) for up, down in ahead]
    assert_allclose(expected, curve, atol=1e-7 * np.abs(curve).max())


@given(parameters, histories())
def test_pareto_nbd_is_the_integral_of_its_story(
    params: tuple[float, float, float, float], history: tuple[int, float, float]
) -> None:
    """P(alive) from the likelihood integrated by another library."""
    r, alpha, s, beta = params
    x, t_x, age = history

    def left_at(y: float) -> float:
        fallen = (r + x) * math.log((alpha + y) / (alpha + t_x))
        return float(
            s * math.exp(-fallen) / (beta + y) * ((beta + t_x) / (beta + y)) ** s
        )

    gone = quad(left_at, t_x, age, limit=500, epsabs=0)[0]
    there = math.exp(-(r + x) * math.log((alpha + age) / (alpha + t_x)))
    there *= ((beta + t_x) / (beta + age)) ** s

    found = ParetoNbd(*params).p_alive(*history)

    assert there / (there + gone) == pytest.approx(found, rel=1e-6, abs=1e-300)


@pytest.mark.parametrize("x", [0, 1, 7, 200])
@pytest.mark.parametrize("a", [0.02, 0.7, 1.3, 40.0])
@pytest.mark.parametrize("horizon", [0.01, 30.0, 1e3])
def test_expectations_equal_the_closed_form_where_it_holds(
    x: int, a: float, horizon: float
) -> None:
    """Both rules of quadrature, short and long horizons, against hyp2f1."""
    r, alpha, b, age = 0.4, 8.0, 1.7, 50.0
    z = horizon / (alpha + age + horizon)
    # Fader, Hardie and Lee 2005, equation (10), in its stable range.
    closed = hyp2f1(r + x, b + x, a + b + x - 1, z) * (1 - z) ** (r + x)
    closed = (a + b + x - 1) / (a - 1) * (1 - closed)
    model = BgNbd(r, alpha, a, b)
    t_x = age if x else 0

    found = model.expected_purchases(horizon, x, t_x, age) / model.p_alive(x, t_x, age)

    assert closed == pytest.approx(found, rel=1e-6)


@given(st.floats(0.05, 30), st.floats(0.05, 300), st.floats(0.01, 20))
def test_both_rules_of_quadrature_agree(a: float, b: float, steep: float) -> None:
    """Gauss-Jacobi and the trapezoid rule give the same means."""

    def mean(rule: Callable[..., tuple[Vector, Vector]], *more: Any) -> float:
        theta, weight = rule(a, np.array([b]), *more)
        assert 1 == pytest.approx(weight.sum())
        part = -np.expm1(-b * np.log1p(theta * steep)) / np.maximum(theta, 1e-300)
        return float((weight * part).sum())

    assert mean(_jacobi, 200) == pytest.approx(mean(_trapezoid, steep), rel=1e-8)


def test_many_ages_are_interpolated_without_loss() -> None:
    """Rows one at a time, on a grid of ages, and interpolated: one answer."""
    rng = np.random.default_rng(1)
    model = MbgNbd(0.6, 0.4, 0.8, 2.0)
    ages = rng.lognormal(3, 2, 400)
    x = rng.integers(0, 5, 400).astype(float)
    t_x = np.where(x > 0, ages * 0.7, 0)

    single = [model.expected_purchases(40.0, *row) for row in zip(x, t_x, ages)]  # noqa: B905

    assert_allclose(single, model.expected_purchases(40.0, x, t_x, ages), rtol=1e-9)
    whole = np.ceil(ages)
    many = [np.tile(column, 9) for column in (x, np.minimum(t_x, whole), whole)]
    on_grid = model.expected_purchases(40.0, *many)[:400]
    single = [
        model.expected_purchases(40.0, *row)
        for row in zip(x, np.minimum(t_x, whole), whole)  # noqa: B905
    ]
    assert_allclose(single, on_grid, rtol=1e-9)


def test_every_row_may_have_its_own_horizon() -> None:
    """A column of horizons is the same as one call each."""
    model = MbgNbd(0.6, 10.0, 0.8, 2.0)
    horizon = np.array([[0.0], [5.0], [30.0]])
    x, t_x, age = np.array([0, 3]), np.array([0.0, 20.0]), 40.0

    found = model.expected_purchases(horizon, x, t_x, age)

    assert (3, 2) == found.shape
    for row, one in zip(found, [0.0, 5.0, 30.0], strict=True):
        assert_allclose(model.expected_purchases(one, x, t_x, age), row)


@given(parameters, st.integers(0, 9), st.integers(0, 9), st.integers(1, 6))
def test_bgbb_adds_up_over_opportunities(
    params: tuple[float, float, float, float], x: int, more: int, ahead: int
) -> None:
    """Probabilities from the likelihood itself; expectations one by one."""
    model = BgBb(*params)
    t_x = x + (more if x else 0)
    n = t_x + more

    def likelihood(upto: int) -> float:
        alpha, beta, gamma, delta = params
        terms = [
            betaln(alpha + x, beta + k - x) + betaln(gamma + 1, delta + k)
            for k in range(t_x, upto)
        ]
        terms += [betaln(alpha + x, beta + upto - x) + betaln(gamma, delta + upto)]
        return math.exp(np.logaddexp.reduce(terms))

    none = likelihood(n + ahead) / likelihood(n)
    single = [model.expected_purchases(k, x, t_x, n) for k in range(ahead + 1)]

    assert 1 - none == pytest.approx(model.p_active(ahead, x, t_x, n), abs=1e-9)
    assert (np.diff(single) > 0).all()
    assert np.diff(single)[0] == pytest.approx(model.p_active(1, x, t_x, n))
    assert 0 <= model.p_alive(x, t_x, n) <= 1


@given(positive, positive, st.floats(1e-4, 2))
def test_sbg_lifetimes_are_sums_of_survivors(a: float, b: float, d: float) -> None:
    """DEL by direct summation with an integral for the tail; S = product of r."""
    model = Sbg(a, b)
    t = np.arange(200_000)
    discounted = model.survival(t) * np.exp(-t * math.log1p(d))

    assert_allclose(np.cumprod(model.retention(t[1:50])), model.survival(t[1:50]))
    assert discounted.sum() == pytest.approx(model.expected_lifetime(d), rel=1e-5)
    due = model.residual_lifetime(d, 1)
    assert (model.expected_lifetime(d) - 1) * (1 + d) == pytest.approx(due, rel=1e-6)


def test_without_discount_a_lifetime_may_have_no_end() -> None:
    """With alpha of at most 1, some customers hardly ever leave."""
    assert math.inf == Sbg(0.9, 3).expected_lifetime(0)
    assert (3 + 2 - 1) / (3 - 1) == pytest.approx(Sbg(3, 2).expected_lifetime(0))


@given(st.floats(0.3, 20), st.floats(1.1, 20), st.floats(0.1, 50))
@settings(max_examples=20)
def test_gamma_gamma_is_the_mean_of_its_posterior(p: float, q: float, v: float) -> None:
    """E[p / nu | x, z] with nu gamma(p x + q, v + x z), integrated."""
    x, mean = 3, 7.5
    shape, rate = p * x + q, v + x * mean

    def density(t: float) -> float:
        return math.exp((shape - 1) * math.log(t) - t - float(gammaln(shape)))

    top = shape + 40 * math.sqrt(shape) + 40
    found = quad(lambda t: p * rate / t * density(t), 0, top, points=[shape], limit=200)

    expected = GammaGamma(p, q, v).expected_value(x, mean)
    assert found[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        fit_mbgnbd(*simulated(50)),
        BgNbd(1.0, 2.0, 3.0, 4.0),
        fit_pareto_nbd(*simulated(30)),
        fit_bgbb([0, 1, 2], [0, 2, 3], [4, 4, 4]),
        fit_sbg([100, 60, 50]),
        fit_gamma_gamma([1, 2, 3], [4.0, 5.0, 9.0]),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_model_can_be_kept_as_text(model: Any) -> None:
    """What was fitted tonight scores tomorrow."""
    assert model == load(dump(model))
    assert str(model).startswith(type(model).__name__ + ": ")
