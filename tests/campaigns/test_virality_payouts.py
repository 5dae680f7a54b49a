"""What the distribution of a campaign's payout promises."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.virality import inviter_cost, payout_distribution
from wxengage.errors import InvalidInputError
from wxengage.money import Perk, Points
from wxengage.stats.counts import NegativeBinomial

if TYPE_CHECKING:
    from numpy.typing import NDArray

NB = NegativeBinomial(0.6, 0.4)
TOTAL = Ladder({3: 800, 6: 1500}, pays="total")
EACH = Ladder({3: 800, 6: 1500}, pays="each")
ENDLESS = Ladder({2: 300, 5: 700}, pays="total", repeats=(3, 200))


def convolved(ladder: Ladder, law: NegativeBinomial, size: int) -> NDArray[np.float64]:
    """Return the payout of one seed, cascade by cascade, in yuan: no transform."""
    reach = 60
    shares = [law.pmf(n) for n in range(reach)]
    found = np.zeros(size)
    found[0] = 1.0
    for _ in range(120):
        power, following = np.zeros(size), np.zeros(size)
        power[0] = 1.0
        for n, share in enumerate(shares):
            paid = ladder.entitlement(n) // 100
            if paid < size:
                following[paid:] += share * power[: size - paid]
            power = np.convolve(power, found)[:size]
        found = following
    return found


@pytest.mark.parametrize(
    ("ladder", "name"),
    [(TOTAL, "budget_at_risk_cumulative"), (EACH, "budget_at_risk_additive")],
)
def test_the_budget_at_risk_is_that_of_the_oracle(
    ladder: Ladder, name: str, oracles: dict[str, Any]
) -> None:
    """With virality, and 2.6 times too low without."""
    expected = oracles["referral"][name]
    out, rel = expected["outputs"], expected["rtol"]

    found = payout_distribution(ladder, NB, 1_000)
    alone = payout_distribution(ladder, NB, 1_000, participants=1_000)

    assert pytest.approx([out["mean"], out["sd"]], rel=rel) == [
        found.mean / 100,
        found.sd / 100,
    ]
    assert [out["q95"] * 100, out["q99"] * 100, out["q999"] * 100] == [
        found.quantile(q) for q in (0.95, 0.99, 0.999)
    ]
    assert pytest.approx(out["no_virality_mean"], rel=rel) == alone.mean / 100
    assert out["no_virality_q99"] * 100 == alone.quantile(0.99)
    assert (0.0, 0.0) == (found.slack, alone.slack)


def test_one_inviters_cost_is_that_of_the_oracle(oracles: dict[str, Any]) -> None:
    """Fen in the library, yuan in the paper."""
    expected = oracles["referral"]["ladder_nb_additive"]
    out, law = expected["outputs"], NegativeBinomial(1.2, 0.4)

    found = inviter_cost(EACH, law)

    assert found.per_invite is not None
    assert pytest.approx(list(out.values()), rel=expected["rtol"]) == [
        found.invites,
        law.tail(3),
        law.tail(6),
        found.mean / 100,
        found.variance / 10_000,
        found.per_invite / 100,
        found.unpaid,
    ]


@given(
    st.builds(NegativeBinomial, st.floats(0.0, 3.0), st.none() | st.floats(0.1, 9)),
    st.sampled_from([TOTAL, EACH, ENDLESS]),
)
def test_one_inviters_cost_is_a_plain_sum(
    law: NegativeBinomial, ladder: Ladder
) -> None:
    """Over all counts, one by one."""
    n = np.arange(2_000)
    share, paid = law.pmf(n), ladder.entitlement(n)

    found = inviter_cost(ladder, law)

    mean = float(share @ paid)
    assert pytest.approx(mean, rel=1e-9, abs=1e-12) == found.mean
    spread = float(share @ (paid - mean) ** 2)
    assert pytest.approx(spread, rel=1e-7, abs=1e-9) == found.variance


@pytest.mark.parametrize("ladder", [TOTAL, EACH, ENDLESS])
@pytest.mark.parametrize("k", [0.4, 3.0, None])
def test_the_transform_agrees_with_convolution(ladder: Ladder, k: float | None) -> None:
    """One seed, one cascade after the other, point by point."""
    law = NegativeBinomial(0.5, k)
    size = 120

    found = payout_distribution(ladder, law, 1)

    assert 100 == found.unit
    head = np.pad(found.pmf, (0, size))[:size]
    assert pytest.approx(convolved(ladder, law, size), abs=1e-12) == head


@settings(max_examples=25)
@given(
    st.builds(NegativeBinomial, st.floats(0.0, 0.95), st.none() | st.floats(0.2, 9)),
    st.sampled_from([TOTAL, EACH, ENDLESS]),
    st.integers(1, 300),
)
def test_the_distribution_has_the_moments_of_the_formula(
    law: NegativeBinomial, ladder: Ladder, seeds: int
) -> None:
    """Nothing is folded back, nothing is lost."""
    found = payout_distribution(ladder, law, seeds)
    fen = np.arange(len(found.pmf)) * float(found.unit)

    assert pytest.approx(1.0, abs=1e-10) == found.pmf.sum()
    assert pytest.approx(found.mean, rel=1e-7, abs=1e-6) == found.pmf @ fen
    spread = math.sqrt(found.pmf @ (fen - found.mean) ** 2)
    assert pytest.approx(found.sd, rel=1e-5, abs=1e-3) == spread


@pytest.mark.parametrize(
    "law",
    [
        NegativeBinomial(0.6, 0.01),
        NegativeBinomial(0.6, 1e9),
        NegativeBinomial(0.9, None),
        NegativeBinomial(0.97, 0.4),
        NegativeBinomial(1e-9, 0.4),
    ],
)
def test_extreme_laws_lose_no_digits(law: NegativeBinomial) -> None:
    """The most uneven, the nearly even, the nearly critical, the nearly nothing."""
    found = payout_distribution(TOTAL, law, 20)
    fen = np.arange(len(found.pmf)) * float(found.unit)

    assert pytest.approx(1.0, abs=1e-12) == found.pmf.sum()
    assert pytest.approx(found.mean, rel=1e-9, abs=1e-9) == found.pmf @ fen


def test_a_simulation_of_cascades_agrees() -> None:
    """4,000 campaigns of 50 seeds, drawn person by person."""
    rng = np.random.default_rng(11)
    paid = np.zeros(4_000)
    for campaign in range(len(paid)):
        wave = 50
        while wave:
            invites = rng.negative_binomial(0.4, 0.4, size=wave)
            paid[campaign] += TOTAL.entitlement(invites).sum()
            wave = int(invites.sum())

    found = payout_distribution(TOTAL, NB, 50)

    for q in (0.5, 0.9, 0.99):
        share = float((paid > found.quantile(q)).mean())
        error = math.sqrt(q * (1 - q) / len(paid))
        risk = found.exceedance(found.quantile(q))
        assert pytest.approx(risk, abs=5 * error) == share


def test_a_quantile_is_the_least_budget_that_suffices() -> None:
    """One unit less would be exceeded too often."""
    found = payout_distribution(TOTAL, NB, 200)

    for q in (0.01, 0.5, 0.99, 0.9999):
        budget = found.quantile(q)
        assert found.exceedance(budget) <= 1 - q < found.exceedance(budget - 1)


def test_exceeding_is_asked_one_by_one_or_at_once() -> None:
    """A budget beyond everything is never exceeded, one of 0 by any payout."""
    found = payout_distribution(TOTAL, NB, 2)
    budgets = [0, 799, 800, 10**15]

    assert [found.exceedance(b) for b in budgets] == found.exceedance(budgets).tolist()
    assert pytest.approx(1 - found.pmf[0]) == found.exceedance(0)
    assert found.exceedance(0) == found.exceedance(99)
    assert 0.0 == found.exceedance(10**15)


def test_without_invites_nothing_is_paid() -> None:
    """The smallest campaign of all."""
    found = payout_distribution(TOTAL, NegativeBinomial(0.0, 0.4), 100)

    assert [1.0] == found.pmf.tolist()
    assert (0, 0.0) == (found.quantile(0.99), found.sd)


def test_a_growing_campaign_needs_a_cap_and_then_pays_all_of_it() -> None:
    """With 1,000 seeds nearly no campaign ends before the cap."""
    law = NegativeBinomial(1.5, 0.4)

    found = payout_distribution(TOTAL, law, 1_000, participants=20_000)

    assert found.slack < 1e-90
    assert pytest.approx(20_000 * inviter_cost(TOTAL, law).mean) == found.mean


def test_a_cap_is_never_answered_too_low() -> None:
    """Against 5,000 cascades stopped at the cap, above and below the critical mean."""
    rng = np.random.default_rng(3)
    for mean in (0.7, 1.3):
        law = NegativeBinomial(mean, 0.4)
        paid = np.zeros(5_000)
        for campaign in range(len(paid)):
            queue, done = 5, 0
            while queue and done < 40:
                batch = min(queue, 40 - done)
                invites = rng.negative_binomial(0.4, 0.4 / (0.4 + mean), size=batch)
                paid[campaign] += TOTAL.entitlement(invites).sum()
                done, queue = done + batch, queue - batch + int(invites.sum())

        found = payout_distribution(TOTAL, law, 5, participants=40)

        budgets = np.arange(0, 20_000, 700)
        share = np.array([(paid > budget).mean() for budget in budgets])
        risk = found.exceedance(budgets)
        error = 5 * np.sqrt(0.25 / len(paid))
        assert (share <= risk + error).all()
        assert (risk - found.slack <= share + error).all()
        assert 0 < found.slack < 1


def test_it_prints_what_a_budget_must_be() -> None:
    """Quantiles in yuan."""
    found = payout_distribution(TOTAL, NB, 1_000)

    assert "99.0% suffice  2,135.00" in str(found)
    assert "<Payouts of 1,000 seeds, mean 1604.42元>" == repr(found)
    assert "<pre>payout" in found._repr_html_()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: payout_distribution(TOTAL, NB, 0), "seeds must be at least 1"),
        (lambda: payout_distribution(TOTAL, NB, 1.0), "seeds must be a whole"),  # type: ignore[arg-type]
        (lambda: payout_distribution(TOTAL, 0.6, 1), "law must be a Negative"),  # type: ignore[arg-type]
        (lambda: payout_distribution({3: 800}, NB, 1), "ladder must be a Ladder"),  # type: ignore[arg-type]
        (
            lambda: payout_distribution(TOTAL, NegativeBinomial(1.0, None), 1),
            "participants must be given",
        ),
        (
            lambda: payout_distribution(TOTAL, NB, 9, participants=8),
            "participants must be at least 9",
        ),
        (
            lambda: payout_distribution(Ladder({1: Points(5)}, pays="each"), NB, 1),
            "ladder must be a ladder that pays cash",
        ),
        (
            lambda: inviter_cost(Ladder({1: Perk("x")}, pays="each"), NB),
            "ladder must be a ladder that pays cash",
        ),
        (
            lambda: payout_distribution(
                Ladder({3: 801, 6: 1500}, pays="each"), NB, 10**6
            ),
            "a payout of at most 16,777,216 times the common divisor",
        ),
        (
            lambda: inviter_cost(ENDLESS, NegativeBinomial(1e6, 0.4)),
            "ladder must be of at most 100,000 steps",
        ),
        (lambda: payout_distribution(TOTAL, NB, 1).quantile(1.0), "q must be above"),
        (lambda: payout_distribution(TOTAL, NB, 1).quantile(math.nan), "q must be"),
        (lambda: payout_distribution(TOTAL, NB, 1).exceedance(-1), "fen from 0"),
        (lambda: payout_distribution(TOTAL, NB, 1).exceedance(8.5), "fen from 0"),  # type: ignore[call-overload]
    ],
)
def test_what_has_no_distribution_is_refused(call: Any, said: str) -> None:
    """With the argument, the rule and the mend."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
