"""What the test of the sunk cost promises."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from wxengage.campaigns.gradient import fit_goal_gradient
from wxengage.campaigns.ladder import Ladder
from wxengage.errors import InvalidInputError

TOTAL = Ladder({3: 800, 6: 1500}, pays="total")
FREQ = [612, 141, 74, 88, 31, 17, 29, 4, 2, 1, 0, 0, 1]


def covariates(n: int) -> list[float]:
    """Return what the odds after n invites depend on, as the paper writes it."""
    missing = 3 - n if n < 3 else 6 - n
    return [1.0, np.log(1 + n), 1 / missing if n < 6 else 0.0, float(n >= 6)]


def loss(beta: Any) -> float:
    """Return minus the log-likelihood, user by user and step by step."""
    total = 0.0
    for n, users in enumerate(FREQ):
        for step in range(n):
            total += users * np.log1p(np.exp(-np.dot(covariates(step), beta)))
        total += users * np.log1p(np.exp(np.dot(covariates(n), beta)))
    return total


def test_the_fit_is_the_maximum_that_a_plain_search_finds() -> None:
    """Of a likelihood written out user by user."""
    plain = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9})

    found = fit_goal_gradient(range(13), TOTAL, weights=FREQ)

    assert pytest.approx(plain.x, rel=1e-4) == found.values
    assert pytest.approx(-plain.fun, abs=1e-7) == found.loglik
    assert ("base", "experience", "pull", "past_last") == found.names


def test_errors_are_those_of_the_curvature() -> None:
    """By differences of the likelihood, no formula of ours."""
    found = fit_goal_gradient(range(13), TOTAL, weights=FREQ)
    best, h = np.array(found.values), 1e-3
    eye = np.eye(4) * h
    hessian = [
        [
            (
                loss(best + a + b)
                - loss(best + a - b)
                - loss(best - a + b)
                + loss(best - a - b)
            )
            / (4 * h * h)
            for b in eye
        ]
        for a in eye
    ]

    errors = np.sqrt(np.diag(np.linalg.inv(hessian)))

    assert pytest.approx(errors, rel=1e-3) == found.errors


def test_a_step_too_long_is_taken_back() -> None:
    """Users nearly all of whom went to the end: the curvature at 0 misleads."""
    uneven = [15, 49, 1, 3, 481, 387, 289, 34, 9746]

    found = fit_goal_gradient(range(9), TOTAL, weights=uneven)

    assert found.converged
    there = np.cumsum(uneven[::-1])[::-1]
    went = there - np.array(uneven)
    odds = np.exp(np.array([covariates(n) for n in range(9)]) @ found.values)
    # At a maximum as many went on as expected, whatever they are weighed by.
    gap = went - there * odds / (1 + odds)
    slope = np.array([covariates(n) for n in range(9)]).T @ gap
    assert pytest.approx(np.zeros(4), abs=1e-5) == slope


def test_users_with_a_pull_show_it_and_users_without_do_not() -> None:
    """Drawn step by step, with a pull of 1.5 and of 0."""
    rng = np.random.default_rng(12)
    for pull, beta in ((1.5, [-1.2, 0.3, 1.5, -0.5]), (0.0, [-0.2, 0.3, 0.0, -0.5])):
        counts = np.zeros(20_000, dtype=np.int64)
        going = np.arange(len(counts))
        for n in range(60):
            odds = np.exp(np.dot(covariates(n), beta))
            going = going[rng.random(len(going)) < odds / (1 + odds)]
            counts[going] += 1
        found = fit_goal_gradient(counts, TOTAL).estimate("pull")
        assert found.low is not None
        assert found.high is not None
        assert found.low < pull < found.high
        assert (found.low > 0) == (pull > 0)


def test_rows_and_weights_are_the_same_users() -> None:
    """A histogram loses nothing."""
    users = np.repeat(range(13), FREQ)

    one = fit_goal_gradient(users, TOTAL)

    assert one == fit_goal_gradient(range(13), TOTAL, weights=FREQ)
    assert 1_000 == one.n


def test_it_says_that_one_ladder_tells_nothing_of_another() -> None:
    """In the table and in every estimate."""
    found = fit_goal_gradient(range(13), TOTAL, weights=FREQ)

    warning = "cannot be told from one ladder"
    assert warning in str(found)
    assert warning in found.estimate().assumptions[1]
    z = stats.norm.ppf(0.975)
    place = found.names.index("pull")
    assert found.estimate().low == pytest.approx(
        found.values[place] - z * found.errors[place]
    )


def test_what_the_counts_tell_nothing_of_is_undefined() -> None:
    """Nobody past the last rung, or a ladder that has no last rung, or no fit."""
    few = fit_goal_gradient([0] * 9 + [1] * 6 + [2] * 3 + [3] * 2 + [4], TOTAL)
    assert "past_last" not in few.names
    assert few.estimate("past_last").value is None
    endless = Ladder({3: 800}, pays="total", repeats=(3, 700))
    assert "past_last" not in fit_goal_gradient(range(13), endless, weights=FREQ).names
    none = fit_goal_gradient([0, 0, 0], TOTAL)
    assert not none.converged
    assert "no maximum" in str(none.estimate())
    assert "<GoalGradient n=3: no maximum" in repr(none)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fit_goal_gradient([1.5], TOTAL), "invites[0] must be a whole"),
        (lambda: fit_goal_gradient([-1], TOTAL), "invites[0] must be a whole"),
        (lambda: fit_goal_gradient([10**6], TOTAL), "invites must be at most 100,000"),
        (lambda: fit_goal_gradient([], TOTAL), "invites must be of at least one user"),
        (lambda: fit_goal_gradient([1], {3: 800}), "ladder must be a Ladder"),  # type: ignore[arg-type]
        (
            lambda: fit_goal_gradient([1], TOTAL, weights=[1, 2]),
            "weights must be as many",
        ),
        (
            lambda: fit_goal_gradient([1], TOTAL).estimate("push"),
            "name must be one of base",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(call: Any, said: str) -> None:
    """With the argument and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
