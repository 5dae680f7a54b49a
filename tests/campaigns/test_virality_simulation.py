"""What the simulator of referral campaigns promises."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.virality import (
    Fakes,
    GenerationTime,
    Simulation,
    extinction,
    payout_distribution,
    progeny,
    simulate,
)
from wxengage.errors import InvalidInputError
from wxengage.money import Points
from wxengage.stats.counts import NegativeBinomial

DAY = dt.timedelta(days=1)
QUICK = GenerationTime(2 * DAY, 1 * DAY)
AT_ONCE = GenerationTime(DAY / 2, 0 * DAY)
TOTAL = Ladder({3: 800, 6: 1500}, pays="total")
NB = NegativeBinomial(0.6, 0.4)
GROWING = NegativeBinomial(1.5, 0.4)


def rng(seed: int) -> np.random.Generator:
    """Return a source of chance that is the same every time."""
    return np.random.default_rng(seed)


@settings(max_examples=30)
@given(
    st.sampled_from([NB, GROWING, NegativeBinomial(1.2, None)]),
    st.integers(0, 2**32),
    st.none() | st.integers(40, 3_000),
    st.floats(0, 1),
    st.none() | st.builds(Fakes, st.floats(0, 1), st.integers(1, 9)),
    st.none() | st.integers(0, 100_000),
)
def test_every_course_adds_up(  # noqa: PLR0917  hypothesis gives them by position
    law: NegativeBinomial,
    seed: int,
    audience: int | None,
    unfollow: float,
    fakes: Fakes | None,
    budget: int | None,
) -> None:
    """Levels, days, counts, money: each column follows from the others."""
    found = simulate(
        law,
        20,
        QUICK,
        rng(seed),
        ladder=TOTAL,
        audience=audience,
        unfollow=unfollow,
        fakes=fakes,
        budget=budget,
        participants=2_000,
        days=60,
    )

    invited = found.inviter >= 0
    above = found.inviter[invited]
    assert (found.day[above] < found.day[invited]).all()
    assert (found.level[above] + 1 == found.level[invited]).all()
    assert (found.level[~invited] == 0).all()
    assert (found.day[~invited] == 0).all()
    assert (np.diff(found.day) >= 0).all()
    assert np.bincount(found.day, minlength=61).tolist() == found.joined.tolist()
    assert found.counted.sum() == found.invites.sum()
    assert TOTAL.entitlement(found.invites).sum() == found.total_paid
    real = np.bincount(above, minlength=len(found))
    assert (found.counted - found.fake).sum() <= real.sum()
    if not unfollow:
        assert (found.counted - found.fake).sum() == real.sum()
    if fakes is None:
        assert 0 == found.fake.sum()
        assert (found.invites <= real).all()
    assert len(found) <= min(2_000, audience or 2_000)
    if budget is not None:
        assert found.total_paid <= budget
    if found.ended == "participants":
        assert 2_000 == len(found)


def test_the_same_chance_gives_the_same_course() -> None:
    """And another one another."""
    one, same, other = (
        simulate(GROWING, 50, QUICK, rng(s), audience=5_000, ladder=TOTAL)
        for s in (1, 1, 2)
    )

    assert one.inviter.tolist() == same.inviter.tolist()
    assert one.paid.tolist() == same.paid.tolist()
    assert one.inviter.tolist() != other.inviter.tolist()


def test_sizes_are_those_of_the_branching_process() -> None:
    """Mean and deviation of 400,000 cascades, and one level's share of users."""
    seeds = 400_000
    found = simulate(NB, seeds, AT_ONCE, rng(7))
    size = progeny(NB, seeds=seeds)

    assert "extinct" == found.ended
    assert abs(len(found) - size.mean) < 5 * math.sqrt(size.variance)
    first = int((found.level == 1).sum())
    assert abs(first - seeds * 0.6) < 5 * math.sqrt(seeds * NB.variance)
    many = np.bincount(np.minimum(found.invites, 7), minlength=8) / len(found)
    expected = np.append(NB.pmf(list(range(7))), NB.tail(7))
    assert pytest.approx(expected, abs=5 * 0.5 / math.sqrt(len(found))) == many


def test_cascades_die_as_often_as_the_formula_says() -> None:
    """400 campaigns of two seeds."""
    died = sum(
        simulate(GROWING, 2, AT_ONCE, rng(s), participants=500).ended == "extinct"
        for s in range(400)
    )

    odds = stats.binom(400, extinction(GROWING, seeds=2))
    assert 1e-4 < odds.cdf(died) < 1 - 1e-4


def test_payouts_are_those_of_the_exact_distribution() -> None:
    """300 campaigns; how many exceed its quantiles."""
    exact = payout_distribution(TOTAL, NB, 30)
    paid = np.array(
        [simulate(NB, 30, AT_ONCE, rng(s), ladder=TOTAL).total_paid for s in range(300)]
    )

    for q in (0.5, 0.9):
        risk = exact.exceedance(exact.quantile(q))
        assert 1e-4 < stats.binom.cdf((paid > exact.quantile(q)).sum(), 300, risk)
        assert 1e-4 < stats.binom.sf((paid > exact.quantile(q)).sum() - 1, 300, risk)


def test_a_finite_audience_is_reached_to_the_classical_share() -> None:
    """The final size of an epidemic: 58.28 % at K 1.5, whatever the delays."""
    share = optimize.brentq(lambda z: 1 - math.exp(-1.5 * z) - z, 0.1, 0.9)

    found = simulate(NegativeBinomial(1.5, None), 500, QUICK, rng(4), audience=400_000)

    assert "extinct" == found.ended
    assert pytest.approx(share, abs=0.01) == len(found) / 400_000


def naive(seed: int, audience: int) -> int:
    """Play one campaign with a set of people and a loop, one invite at a time."""
    chance = rng(seed)
    joined, today = set(range(3)), list(range(3))
    while today:
        tomorrow = []
        for _ in today:
            for _ in range(int(chance.negative_binomial(0.4, 0.4 / 1.9))):
                person = int(chance.integers(audience))
                if person not in joined:
                    joined.add(person)
                    tomorrow.append(person)
        today = tomorrow
    return len(joined)


def test_a_loop_over_people_gives_the_same_distribution() -> None:
    """An audience of 60, where nearly every invite meets somebody who has joined."""
    loop = [naive(seed, 60) for seed in range(400)]
    ours = [
        len(simulate(GROWING, 3, AT_ONCE, rng(10_000 + s), audience=60))
        for s in range(400)
    ]

    assert stats.ks_2samp(loop, ours).pvalue > 1e-4
    assert stats.ttest_ind(loop, ours).pvalue > 1e-4


def test_delays_are_rounded_up_to_days() -> None:
    """The first generation arrives as the gamma law says."""
    found = simulate(NegativeBinomial(0.5, None), 200_000, QUICK, rng(6))

    days = found.day[found.level == 1]
    share = np.bincount(days, minlength=9)[:9] / len(days)
    expected = np.diff(stats.gamma.cdf(np.arange(9), 4, scale=0.5), prepend=0.0)
    assert pytest.approx(expected, abs=5 * 0.5 / math.sqrt(len(days))) == share


def test_leavers_count_for_nobody_and_bring_nobody() -> None:
    """With half leaving, a K of 1.2 is one of 0.6."""
    law = NegativeBinomial(1.2, None)
    seeds = 100_000

    found = simulate(law, seeds, AT_ONCE, rng(8), unfollow=0.5, ladder=TOTAL)

    # Those who stay: a cascade with K 0.6; each invites as many again who leave.
    stay = seeds / (1 - 0.6)
    assert pytest.approx(stay + 0.6 * stay, rel=0.02) == len(found)
    assert pytest.approx(0.6 * stay, rel=0.02) == found.counted.sum()


def test_fakes_are_paid_for_unless_they_are_caught() -> None:
    """A tenth of the participants bring six accounts each."""
    law = NegativeBinomial(0.0, None)
    fakes = Fakes(0.1, 6)

    found = simulate(law, 50_000, AT_ONCE, rng(9), ladder=TOTAL, fakes=fakes)
    watched = simulate(
        law, 50_000, AT_ONCE, rng(9), ladder=TOTAL, fakes=Fakes(0.1, 6, caught=1.0)
    )

    cheats = int((found.invites == 6).sum())
    assert abs(cheats - 5_000) < 5 * math.sqrt(50_000 * 0.09)
    assert cheats * 1500 == found.total_paid
    assert cheats * 6 == found.fake.sum()
    assert (0, 0) == (watched.total_paid, watched.fake.sum())


def test_a_budget_is_spent_to_the_last_rung_and_not_beyond() -> None:
    """It closes on the invite that it cannot pay."""
    found = simulate(GROWING, 500, QUICK, rng(3), ladder=TOTAL, budget=100_000)

    assert "budget" == found.ended
    assert 100_000 - 800 < found.total_paid <= 100_000
    at_once = simulate(
        NB, 100, QUICK, rng(3), ladder=TOTAL, budget=799, fakes=Fakes(1.0, 3)
    )
    assert ("budget", 0, 0) == (at_once.ended, len(at_once), at_once.total_paid)
    assert "participants" in str(at_once)


def test_days_and_participants_end_a_campaign() -> None:
    """Whichever is first."""
    short = simulate(GROWING, 100, QUICK, rng(1), days=1)
    small = simulate(GROWING, 100, QUICK, rng(1), participants=300)
    full = simulate(NegativeBinomial(30.0, None), 100, QUICK, rng(1), audience=200)

    assert ("days", 2) == (short.ended, len(short.joined))
    assert ("participants", 300) == (small.ended, len(small))
    assert ("extinct", 200) == (full.ended, len(full))


def test_a_simulation_prints_and_becomes_a_frame() -> None:
    """One row a day."""
    found = simulate(NB, 100, QUICK, rng(1), ladder=TOTAL, days=30)

    assert f"<Simulation of {len(found)} participants, ended by" in repr(found)
    assert "last one joined on day" in str(found)
    assert found.joined.tolist() == found.to_frame()["joined"].tolist()
    pytest.importorskip("pandas")
    assert 31 == len(found.to_frame("pandas"))


def play(**changes: Any) -> Simulation:
    """Return a course with one argument changed."""
    named: dict[str, Any] = {
        "law": NB,
        "seeds": 5,
        "generation": QUICK,
        "rng": rng(1),
    }
    return simulate(**(named | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"law": 0.6}, "law must be a NegativeBinomial"),
        ({"law": NegativeBinomial(1e6, 0.1)}, "nobody brings a million"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"seeds": 10**8}, "participants must be at least 100000000"),
        ({"generation": DAY}, "generation must be a GenerationTime"),
        ({"rng": 7}, "rng must be a Generator"),
        ({"audience": 4}, "audience must be at least 5"),
        ({"unfollow": 1.1}, "unfollow must be a share"),
        ({"unfollow": math.nan}, "unfollow must be a share"),
        ({"unfollow": True}, "unfollow must be a share"),
        ({"budget": 100}, "budget must be with a ladder"),
        ({"budget": -1, "ladder": TOTAL}, "budget must be at least 0"),
        ({"ladder": {3: 800}}, "ladder must be a Ladder"),
        ({"ladder": Ladder({1: Points(1)}, pays="each")}, "ladder that pays cash"),
        ({"participants": 2**31}, "participants must be at most"),
        ({"days": 0}, "days must be at least 1"),
        ({"days": 40_000}, "days must be at most"),
    ],
)
def test_what_cannot_be_played_is_refused(changes: Any, said: str) -> None:
    """With the argument and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        play(**changes)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Fakes(-0.1, 3), "share must be a share"),
        (lambda: Fakes(0.1, 0), "each must be at least 1"),
        (lambda: Fakes(0.1, 3, caught=2), "caught must be a share"),
    ],
)
def test_what_is_no_fraud_is_refused(call: Any, said: str) -> None:
    """As for any value."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
