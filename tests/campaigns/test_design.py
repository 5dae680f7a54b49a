"""What the search for a ladder promises."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wxengage.campaigns.design import RungGrid, design_ladder
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.response import InviteCost, ladder_option
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.money import Points

COST = InviteCost(400, 0.9)
TOTAL = Ladder({3: 800, 6: 1500}, pays="total")
EACH = Ladder({3: 800, 6: 1500}, pays="each")
SMALL = (
    RungGrid((1, 2, 3), (100, 300, 600, 900)),
    RungGrid((2, 4, 7), (400, 800, 1500)),
)


def test_the_search_finds_the_published_ladder(oracles: dict[str, Any]) -> None:
    """1,000 inviters, 2,000 yuan, a risk of 1 %."""
    expected = oracles["referral"]["ladder_search_lognormal_cost"]
    out, rel = expected["outputs"], expected["rtol"]
    median, sigma = expected["inputs"]["cost_lognormal"]
    cost = InviteCost(round(math.exp(median) * 100), sigma)
    inviters, budget = expected["inputs"]["inviters"], expected["inputs"]["budget"]

    found = design_ladder(cost, inviters, budget * 100, risk=expected["inputs"]["eps"])
    seed = ladder_option(TOTAL, cost, inviters=inviters, budget=budget * 100)

    assert found.best is not None
    rungs = zip(found.best.ladder.rungs, found.best.ladder.totals("cash"), strict=True)
    assert out["best"] == [[rung.invites, total / 100] for rung, total in rungs]
    assert pytest.approx(out["expected_new"], rel=rel) == found.best.invites
    assert pytest.approx(out["tail_prob"], rel=rel) == found.best.risk
    assert pytest.approx(out["expected_payout"], rel=rel) == found.best.payout / 100
    assert pytest.approx(out["seed_cumulative_expected_new"], rel=rel) == seed.invites
    assert pytest.approx(out["seed_cumulative_expected_payout"], rel=rel) == (
        seed.payout / 100
    )


@given(
    st.integers(1, 40),
    st.integers(0, 60_000),
    st.sampled_from(
        [
            TOTAL,
            EACH,
            Ladder({2: 500}, pays="each"),
            Ladder({1: 500, 3: 1100, 7: 1900}, pays="total"),
        ]
    ),
)
def test_a_risk_is_that_of_all_outcomes_counted(
    inviters: int, budget: int, ladder: Ladder
) -> None:
    """Inviter by inviter, by convolution in yuan."""
    stops = [r for r in ladder.diagnose().rungs if r.worth_up_to is not None]
    law = stats.lognorm(0.9, scale=400)
    edge = [law.cdf(float(r.worth_up_to or 0)) for r in stops]
    one = np.zeros(max(r.total for r in stops) // 100 + 1)
    for stop, high, low in zip(stops, edge, [*edge[1:], 0.0], strict=True):
        one[stop.total // 100] = high - low
    one[0] = 1 - one.sum()
    pmf = np.ones(1)
    for _ in range(inviters):
        pmf = np.convolve(pmf, one)

    found = ladder_option(ladder, COST, inviters=inviters, budget=budget)

    yuan = np.arange(len(pmf))
    assert pytest.approx(pmf[yuan * 100 > budget].sum(), abs=1e-11) == found.risk
    assert pytest.approx(pmf @ yuan, rel=1e-9) == found.payout / 100
    spread = math.sqrt(pmf @ (yuan - pmf @ yuan) ** 2)
    assert pytest.approx(spread, rel=1e-6) == found.sd / 100


@settings(max_examples=15)
@given(st.integers(1, 60), st.integers(500, 60_000), st.floats(0.001, 0.9))
def test_no_better_ladder_is_missed(inviters: int, budget: int, risk: float) -> None:
    """Against every ladder of a small grid, tried one by one."""
    rungs = [list(itertools.product(grid.invites, grid.totals)) for grid in SMALL]
    options = []
    for pairs in [*((one,) for one in rungs[0] + rungs[1]), *itertools.product(*rungs)]:
        try:
            ladder = Ladder(pairs, pays="total")
        except InvalidInputError:
            continue
        options.append(ladder_option(ladder, COST, inviters=inviters, budget=budget))
    fine = [option.invites for option in options if option.risk <= risk]

    found = design_ladder(COST, inviters, budget, risk=risk, grids=SMALL)

    if found.best is None:
        assert [] == fine
    else:
        assert pytest.approx(max(fine)) == found.best.invites
        assert found.best.risk <= risk
    for shown in found.frontier:
        assert not [
            other
            for other in options
            if other.payout < shown.payout * (1 - 1e-9)
            and other.invites > shown.invites * (1 + 1e-9)
        ]


def test_a_simulation_of_rational_inviters_agrees() -> None:
    """Costs are drawn, and everybody takes the best of all counts."""
    rng = np.random.default_rng(2)
    cost = 400 * np.exp(0.9 * rng.standard_normal(20_000))
    counts = np.arange(13)
    best = (TOTAL.entitlement(counts) - cost[:, None] * counts).argmax(axis=1)

    found = ladder_option(TOTAL, COST, inviters=20_000, budget=10**9)

    assert abs(best.sum() - found.invites) < 5 * best.std() * math.sqrt(20_000)
    paid = TOTAL.entitlement(best)
    assert abs(paid.sum() - found.payout) < 5 * paid.std() * math.sqrt(20_000)
    assert 0.0 == found.risk


def test_read_as_a_sum_half_of_the_inviters_jump_to_six() -> None:
    """And nobody stops at three: the published shares of both readings."""
    total = COST.share_below([800 / 3, 700 / 3])
    each = COST.share_below([2300 / 6])

    assert pytest.approx([0.275, 0.052], abs=5e-4) == [total[1], total[0] - total[1]]
    assert pytest.approx([0.481], abs=5e-4) == each


def test_a_design_prints_its_frontier() -> None:
    """One line a ladder, the best one last."""
    found = design_ladder(COST, 1_000, 200_000)

    lines = str(found).splitlines()
    assert lines[0].startswith("ladder")
    assert lines[-1].startswith("best: 5 -> 8.00元, 12 -> 15.00元")
    payouts = [option.payout for option in found.frontier]
    assert sorted(payouts) == payouts
    assert max(payouts) <= 200_000
    assert "<Design out of 18,334 ladders>" == repr(found)
    assert "<pre>ladder" in found._repr_html_()


@given(st.builds(InviteCost, st.integers(1, 10**9), st.floats(0.01, 9)))
def test_costs_come_back_from_their_text(cost: InviteCost) -> None:
    """A cost once measured can be kept."""
    assert cost == load(dump(cost))


def test_a_budget_too_small_has_no_best_ladder() -> None:
    """And no frontier: said, not invented."""
    found = design_ladder(COST, 1_000_000, 1)

    assert found.best is None
    assert () == found.frontier
    assert "best" not in str(found)


def test_one_grid_is_a_ladder_of_one_rung() -> None:
    """The second rung may be left out."""
    found = design_ladder(COST, 100, 50_000, grids=SMALL[:1])

    assert 12 == found.searched
    assert found.best is not None
    assert 1 == len(found.best.ladder.rungs)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: InviteCost(0, 0.9), "median must be at least 1"),
        (lambda: InviteCost(4.0, 0.9), "median must be a whole number"),  # type: ignore[arg-type]
        (lambda: InviteCost(400, 0.0), "sigma must be a finite number above 0"),
        (lambda: InviteCost(400, math.nan), "sigma must be a finite number"),
        (lambda: RungGrid((), (100,)), "invites must be a tuple"),
        (lambda: RungGrid((1,), (1.5,)), "totals[0] must be a whole"),  # type: ignore[arg-type]
        (lambda: design_ladder(0.9, 1, 1), "cost must be an InviteCost"),  # type: ignore[arg-type]
        (lambda: design_ladder(COST, 0, 1), "inviters must be at least 1"),
        (lambda: design_ladder(COST, 1, 0), "budget must be at least 1"),
        (lambda: design_ladder(COST, 1, 1, risk=0.0), "risk must be between"),
        (lambda: design_ladder(COST, 1, 1, risk=math.nan), "risk must be between"),
        (lambda: design_ladder(COST, 1, 1, grids=()), "grids must be one or two"),
        (lambda: design_ladder(COST, 1, 1, grids=SMALL * 2), "grids must be one"),
        (
            lambda: design_ladder(
                COST, 1, 1, grids=[RungGrid(tuple(range(1, 2400)), (100,))] * 2
            ),
            "grids must be at most 5,000,000 ladders",
        ),
        (
            lambda: ladder_option(
                Ladder({3: 800}, pays="each", repeats=(3, 800)),
                COST,
                inviters=1,
                budget=1,
            ),
            "ladder must be with a last rung",
        ),
        (
            lambda: ladder_option(
                Ladder({3: Points(8)}, pays="each"), COST, inviters=1, budget=1
            ),
            "a ladder that pays cash",
        ),
        (
            lambda: ladder_option(
                Ladder({1: 501, 3: 1100, 7: 1900}, pays="total"),
                COST,
                inviters=10**5,
                budget=1,
            ),
            "paid in at most 16,777,216 different sums",
        ),
    ],
)
def test_what_cannot_be_designed_is_refused(call: Any, said: str) -> None:
    """With the argument and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()
