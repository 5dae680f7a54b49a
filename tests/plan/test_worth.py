"""What a send is worth: the right target, the naive sum, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wxengage.errors import InvalidInputError
from wxengage.plan.worth import expected_value, hour_factors

CHANCES = st.floats(-1, 1)
ODDS = arrays.arrays(
    np.float64, (3, 24), elements=st.floats(0, 1, allow_subnormal=False)
)


def test_ranking_by_the_chance_of_a_visit_is_worse_than_chance(
    oracles: dict[str, Any],
) -> None:
    """With 30 % sent it wins 29 % of what the difference wins, less than by lot.

    Who often comes anyway is changed less by a message: the effect is a random share
    of what is left of the chance, scaled to the oracle's mean effect.
    """
    oracle = oracles["simulations"]["raw_vs_incremental_targeting"]
    rng = np.random.default_rng(8)
    users = 200_000
    sent = int(users * oracle["inputs"]["budget_share"])
    base = rng.beta(2, 2.25, users)
    effect = (1 - base) * rng.random(users)
    mean = oracle["outputs"]["random"] / oracle["inputs"]["budget_share"]
    effect *= mean / effect.mean()

    def won(target: np.ndarray[Any, Any]) -> float:
        worth = expected_value(target[:, None], value=1.0)[:, 0]
        return float(effect[np.argsort(-worth)[:sent]].sum() / users)

    raw, incremental = won(base + effect), won(effect)

    assert oracle["outputs"]["raw"] == pytest.approx(raw, rel=oracle["rtol"])
    assert oracle["outputs"]["incremental"] == pytest.approx(
        incremental, rel=oracle["rtol"]
    )
    assert 0.29 == pytest.approx(raw / incremental, abs=0.01)
    assert raw < 0.6 * oracle["outputs"]["random"]


@given(
    arrays.arrays(np.float64, (3, 4), elements=CHANCES),
    st.fixed_dictionaries(
        {
            "odds": ODDS,
            "hours": st.lists(st.integers(0, 23), min_size=4, max_size=4),
            "base": arrays.arrays(np.float64, (3, 1), elements=st.floats(0, 1)),
            "value": st.lists(st.floats(0, 900), min_size=4, max_size=4),
            "cost": st.floats(0, 50),
            "unsubscribe": st.floats(0, 1),
            "loss": st.floats(0, 5000),
        }
    ),
)
def test_the_table_is_the_sum_of_each_cell(
    effect: np.ndarray[Any, Any], given: dict[str, Any]
) -> None:
    """User by user, option by option, in plain numbers."""
    found = expected_value(effect, **given)

    assert (3, 4) == found.shape
    for user, row in enumerate(found.tolist()):
        odds, usual = given["odds"][user].tolist(), float(given["base"][user, 0])
        mean = math.fsum(odds) / 24
        for option, worth in enumerate(row):
            factor = odds[given["hours"][option]] / mean if mean else 1.0
            gain = min(max(float(effect[user, option]) * factor, -usual), 1 - usual)
            plain = gain * given["value"][option] - given["cost"]
            plain -= given["unsubscribe"] * given["loss"]
            assert plain == pytest.approx(worth, rel=1e-9, abs=1e-9)


def test_only_the_proportions_of_odds_count() -> None:
    """Open rates and shares of openings say the same if they are proportional."""
    rates = np.linspace(0.01, 0.24, 24)[None]

    factors = hour_factors(rates, range(24))

    assert 1 == pytest.approx(factors.mean())
    np.testing.assert_allclose(factors, hour_factors(rates * 3, range(24)))
    np.testing.assert_allclose([[1, 1]], hour_factors(np.zeros((1, 24)), [0, 23]))


def test_an_effect_stays_within_what_is_left_of_the_chance() -> None:
    """Whoever comes in nine of ten cases can be won in one of ten at most."""
    evening = [[1.0] * 20 + [9.0, 9.0] + [1.0] * 2]

    found = expected_value([0.08], odds=evening, hours=[20], base=[[0.9]])

    assert [[0.1]] == found.round(12).tolist()
    assert [[-0.05]] == expected_value([-0.08], base=[[0.05]]).tolist()


def test_shapes_are_users_by_options() -> None:
    """A column is of users, a row of options, a number of all; a copy always."""
    effect = np.full((2, 3), 0.5)

    assert (2, 3) == expected_value([[0.1], [0.2]], value=[1, 2, 3]).shape
    assert (1, 1) == expected_value(0.1).shape
    assert (5, 2) == expected_value(
        [0.1, 0.2], odds=np.ones((5, 24)), hours=[8, 9]
    ).shape
    assert (0, 2) == expected_value(
        [0.1, 0.2], odds=np.ones((0, 24)), hours=[8, 9]
    ).shape
    expected_value(effect)[0, 0] = 7
    assert 0.5 == effect[0, 0]


def test_a_message_that_drives_people_away_is_worth_less_than_nothing() -> None:
    """2 % more visits of 800 fen, one in a hundred lost who is worth 3,000."""
    found = expected_value(0.02, value=800, unsubscribe=0.01, loss=3000)

    assert -14 == pytest.approx(found[0, 0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effect": [1.5]}, r"effect\[0\] must be from -1 to 1, got 1.5"),
        ({"effect": [math.nan]}, r"effect\[0\] must be finite"),
        ({"effect": [True]}, "effect must be numbers"),
        ({"effect": [[[0.1]]]}, "effect.shape must be a table of users by options"),
        ({"odds": np.ones((2, 24))}, "hours must be given where the other one is"),
        ({"hours": [8]}, "odds must be given where the other one is"),
        ({"odds": np.ones((2, 23)), "hours": [8]}, "odds.shape must be 24 in each"),
        ({"odds": np.ones(24), "hours": [8]}, "odds.shape must be 24 in each row"),
        ({"odds": -np.ones((1, 24)), "hours": [8]}, r"odds\[0\] must be from 0"),
        ({"odds": np.ones((1, 24)), "hours": [24]}, r"hours\[0\] must be a whole"),
        ({"odds": np.ones((1, 24)), "hours": [8.5]}, r"hours\[0\] must be a whole"),
        ({"odds": np.ones((1, 24)), "hours": 8}, "hours.shape must be one-dim"),
        ({"base": [-0.1]}, r"base\[0\] must be from 0 to 1"),
        ({"value": -1.0}, "value must be from 0, got -1.0"),
        ({"cost": [math.inf]}, r"cost\[0\] must be finite"),
        ({"unsubscribe": 1.1}, "unsubscribe must be from 0 to 1"),
        ({"loss": -1}, "loss must be from 0"),
        (
            {"effect": [0.1, 0.2], "value": [1, 2, 3]},
            r"value.shape must be of 2 options, or 1, got \(1, 3\)",
        ),
        (
            {"effect": [[0.1], [0.2]], "odds": np.ones((3, 24)), "hours": [8]},
            "odds.shape must be of 2 users, or 1",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(change: dict[str, Any], said: str) -> None:
    """The message names the parameter and the cell."""
    given = {"effect": [0.1]} | change

    with pytest.raises(InvalidInputError, match=said):
        expected_value(**given)
