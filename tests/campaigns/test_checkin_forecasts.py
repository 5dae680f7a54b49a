"""Forecasts of challenges: the numbers of others, laws, and what is refused."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.forecasts import (
    allocate_reminders,
    completion_chance,
    forecast_completion,
    schedule_cost,
)
from wxengage.campaigns.checkins.terms import Milestone
from wxengage.errors import InvalidInputError
from wxengage.money import Cash, Points
from wxengage.segments.points.decay import DecayingPoints
from wxengage.stats.btyd.geometric import Sbg

CHANCES = st.lists(st.floats(0.05, 0.95), min_size=1, max_size=6)
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def test_a_week_of_survivors_gives_the_published_law(oracles: dict[str, Any]) -> None:
    """Parameters, shares that reach each day, and chances of who has come so far."""
    case = oracles["checkin"]["streak_sbg"]
    wanted = case["outputs"]
    found = forecast_completion(case["inputs"]["survivors"])

    assert [wanted["alpha"], wanted["beta"]] == pytest.approx(
        [found.model.alpha, found.model.beta], rel=case["rtol"]
    )
    assert wanted["loglik"] == pytest.approx(found.model.loglik, rel=case["rtol"])
    assert wanted["S"] == pytest.approx(found.reached.tolist(), rel=case["rtol"])
    assert wanted["P_finish_given_d"] == pytest.approx(
        found.given.tolist(), rel=case["rtol"]
    )
    survivors = np.array(case["inputs"]["survivors"], dtype=float)
    hazard = 1 - survivors[1:] / survivors[:-1]
    assert wanted["hazard_empirical"] == pytest.approx(hazard.tolist())


def test_three_days_forecast_the_seventh_where_a_constant_rate_does_not(
    oracles: dict[str, Any],
) -> None:
    """Weak users leave first: geometric extrapolation promises too few."""
    case = oracles["checkin"]["streak_forecast_from_3_days"]
    wanted, survivors = case["outputs"], case["inputs"]["survivors"]
    found = forecast_completion(survivors).finishers

    assert wanted["sbg_day7"] == pytest.approx(found.value, rel=case["rtol"])
    assert found.low is not None
    assert found.high is not None
    assert found.low < wanted["actual"] < found.high
    naive = survivors[0] * (survivors[-1] / survivors[0]) ** (7 / 3)
    assert naive == pytest.approx(wanted["naive_geometric_day7"], rel=case["rtol"])
    assert naive < found.low


def test_what_was_seen_to_the_end_is_known() -> None:
    """No interval is left where the last day is over."""
    found = forecast_completion([100, 80, 70], days=2).finishers

    assert (70.0, 70.0, 70.0) == (found.value, found.low, found.high)


def test_nineteen_of_twenty_intervals_hold_what_came() -> None:
    """Of cohorts that differ as the model says; 300 of them."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        lives = rng.geometric(rng.beta(0.457, 0.804, 300))
        survivors = [int((lives > day).sum()) for day in range(8)]
        found = forecast_completion(survivors[:4]).finishers
        assert found.low is not None
        assert found.high is not None
        held += found.low <= survivors[7] <= found.high
    assert 0.92 < held / 300


def test_make_up_cards_multiply_completions(oracles: dict[str, Any]) -> None:
    """Strict, with one card, and with two."""
    case = oracles["checkin"]["makeup_completion"]
    found = [completion_chance(case["inputs"]["p"], misses=m) for m in range(3)]

    assert list(case["outputs"].values()) == pytest.approx(found, rel=case["rtol"])
    assert 1 == completion_chance([0.2, 0.3], misses=2)
    assert 1 == completion_chance([0.2, 0.3], misses=9)


def test_reminders_go_where_they_help_most(oracles: dict[str, Any]) -> None:
    """Days and chances for none to seven reminders."""
    case = oracles["checkin"]["reminder_allocation_strict"]
    given_ = case["inputs"]
    for (chance, days), reminders in zip(case["outputs"], given_["m"], strict=True):
        found = allocate_reminders(
            given_["p"], lift=given_["logit_lift"], reminders=reminders
        )
        assert days == list(found.days)
        assert chance == pytest.approx(found.chance, rel=case["rtol"])


@given(CHANCES, st.data(), st.integers(0, 6))
def test_no_other_choice_of_days_is_better(
    chances: list[float], data: st.DataObject, reminders: int
) -> None:
    """By trying every choice, with lifts that differ and may do harm."""
    size = len(chances)
    lift = data.draw(st.lists(st.floats(-1, 2), min_size=size, max_size=size))
    p = np.array(chances)
    raised = expit(logit(p) + lift)
    best = max(
        float(np.where(np.isin(range(size), some), raised, p).prod())
        for many in range(min(reminders, size) + 1)
        for some in itertools.combinations(range(size), many)
    )
    found = allocate_reminders(chances, lift=lift, reminders=reminders)

    assert best == pytest.approx(found.chance, rel=1e-9)
    assert len(found.days) <= reminders


def test_what_is_certain_needs_no_reminder() -> None:
    """Nor does what is impossible."""
    assert (2,) == allocate_reminders([1.0, 0.5, 0.0], lift=1, reminders=3).days


def test_a_schedule_costs_what_its_days_are_reached(oracles: dict[str, Any]) -> None:
    """For each who begins, and for each who completes."""
    case = oracles["checkin"]["milestone_cost"]
    given_, wanted = case["inputs"], case["outputs"]
    amounts = {int(day): amount for day, amount in given_["schedule"].items()}
    model = Sbg(given_["alpha"], given_["beta"])
    for reached in (model, model.survival(np.arange(8))):
        found = schedule_cost(amounts, reached)
        assert wanted["per_starter"] == pytest.approx(
            found.per_starter, rel=case["rtol"]
        )
        assert wanted["per_completer"] == pytest.approx(
            found.per_completer, rel=case["rtol"]
        )
        assert found.per_starter == pytest.approx(sum(found.by_day.values()))


def test_a_challenge_tells_what_its_days_pay() -> None:
    """In fen and in points, for the cost."""
    challenge = CheckIn(
        "spring",
        reward=Cash(500),
        milestones=(Milestone(3, Cash(100)), Milestone(5, Points(9))),
        opens=START,
        closes=START + 30 * DAY,
    )
    assert {3: 100, 7: 500} == challenge.amounts("cash")
    assert {5: 9} == challenge.amounts("points")
    cost = schedule_cost(challenge.amounts("cash"), Sbg(0.45747794, 0.8038683))
    assert 198.40331 == pytest.approx(cost.per_starter, rel=1e-6)


def test_memory_fades_by_half_lives(oracles: dict[str, Any]) -> None:
    """Half-life regression's law is that of points which fade."""
    case = oracles["checkin"]["half_life_regression"]
    given_ = case["inputs"]
    points = DecayingPoints(1.0, START, given_["half_life_days"] * DAY)

    assert case["outputs"] == pytest.approx(
        [points.at(START + days * DAY) for days in given_["delta_days"]],
        rel=case["rtol"],
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda: forecast_completion([100, 110]),
        lambda: forecast_completion([100]),
        lambda: forecast_completion([0, 0]),
        lambda: forecast_completion([100, 80.5]),
        lambda: forecast_completion([100, float("nan")]),
        lambda: forecast_completion([100, 90, 80], days=1),
        lambda: forecast_completion([100, 90], days=0),
        lambda: forecast_completion([100, 90], level=1.0),
        lambda: completion_chance([0.5, 1.5]),
        lambda: completion_chance(0.5),
        lambda: completion_chance([0.5], misses=-1),
        lambda: allocate_reminders([0.5, -0.1], lift=1, reminders=1),
        lambda: allocate_reminders([0.5, 0.1], lift=[1, 2, 3], reminders=1),
        lambda: allocate_reminders([0.5], lift=float("inf"), reminders=1),
        lambda: allocate_reminders([0.5], lift=1, reminders=True),
        lambda: schedule_cost({}, [1, 0.5]),
        lambda: schedule_cost({0: 1}, [1, 0.5]),
        lambda: schedule_cost({1: -1}, [1, 0.5]),
        lambda: schedule_cost({3: 1}, [1, 0.5]),
        lambda: schedule_cost({1: 1}, [1, 1.5]),
        lambda: schedule_cost({1: 1}, [0.9, 0.5]),
        lambda: schedule_cost({7: 1}, Sbg(1, 1), days=3),
    ],
)
def test_numbers_that_cannot_be_are_refused(ask: Any) -> None:
    """Whatever they are asked for."""
    with pytest.raises(InvalidInputError):
        ask()
