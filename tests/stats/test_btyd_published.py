"""Lifetime models against the papers and the oracles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

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
from wxengage.stats.scoring import auc

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stats.conftest import Columns

PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426)
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]


def columns(data: Columns) -> tuple[Any, Any, Any]:
    """Return x, t_x and T of the CDNOW summary."""
    return data["frequency"], data["recency"], data["T"]


def test_bgnbd_is_that_of_the_paper(cdnow: Columns) -> None:
    """Fader, Hardie and Lee 2005: .243, 4.414, .793, 2.426, LL -9582.4."""
    model = fit_bgnbd(*columns(cdnow))

    assert_allclose(
        [0.2425929, 4.413531, 0.792886, 2.425753],
        list(model.params.values()),
        rtol=1e-5,
    )
    assert -9582.42556 == pytest.approx(model.loglik, abs=1e-4)
    assert model.converged
    assert "maximum found" == model.diagnosis


def test_mbgnbd_is_the_oracle(cdnow: Columns, oracles: dict[str, Any]) -> None:
    """MBG/NBD fits CDNOW a little better: LL -9582.133."""
    expected = dict(oracles["ltv"]["mbgnbd_fit_cdnow"]["outputs"])
    loglik = expected.pop("loglik")
    model = fit_mbgnbd(*columns(cdnow))

    assert loglik == pytest.approx(model.loglik, abs=1e-4)
    assert expected == pytest.approx(dict(model.params), rel=1e-5)


def test_pareto_nbd_is_that_of_the_paper(cdnow: Columns) -> None:
    """R's BTYD: .5533971, 10.5801985, .6060625, 11.6562237; LL -9594.976."""
    model = fit_pareto_nbd(*columns(cdnow))

    assert -9594.97393 == pytest.approx(model.loglik, abs=1e-4)
    assert_allclose(
        [0.5533971, 10.5801985, 0.6060625, 11.6562237],
        list(model.params.values()),
        rtol=2e-3,
    )


def test_bgbb_is_that_of_the_paper(donations: Columns, oracles: dict[str, Any]) -> None:
    """Fader, Hardie and Shang 2010: 1.204, .750, .657, 2.783, LL -33225.6."""
    expected = dict(oracles["ltv"]["bgbb_fit_donations"]["outputs"])
    loglik = expected.pop("loglik")
    history = (donations["frequency"], donations["recency"], donations["periods"])
    model = fit_bgbb(*history, weights=donations["weights"])
    total = model.expected_purchases(5, *history) @ donations["weights"]

    assert loglik == pytest.approx(model.loglik, abs=1e-4)
    assert expected == pytest.approx(dict(model.params), rel=1e-5)
    cohort = oracles["ltv"]["bgbb_total_expected_5_cohort"]["outputs"]
    assert cohort == pytest.approx(total, rel=1e-6)
    assert 12884.2 == pytest.approx(total, abs=0.05)


def test_bgbb_says_who_is_alive_as_table_6_does(oracles: dict[str, Any]) -> None:
    """.11, .59, .93 in the paper."""
    oracle = oracles["ltv"]["bgbb_palive_next"]
    told = oracle["inputs"]
    model = BgBb(*(told[name] for name in ("alpha", "beta", "gamma", "delta")))

    assert_allclose(
        oracle["outputs"], model.p_alive(told["x"], told["tx"], told["n"]), rtol=1e-6
    )


def test_gamma_gamma_is_that_of_the_note(
    spendings: Columns, oracles: dict[str, Any]
) -> None:
    """Note 025: 6.25, 3.74, 15.44, from 946 customers."""
    expected = dict(oracles["ltv"]["gamma_gamma_fit_cdnow"]["outputs"])
    loglik = expected.pop("loglik")
    model = fit_gamma_gamma(spendings["x"], spendings["zbar"])

    assert 946 == len(spendings["x"])
    assert loglik == pytest.approx(model.loglik, abs=1e-4)
    assert expected == pytest.approx(dict(model.params), rel=1e-4)
    assert [6.25, 3.74, 15.44] == pytest.approx(list(model.params.values()), abs=0.01)


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "loglik"),
    [(HIGH_END, 0.668088, 3.806094, -1611.158), (REGULAR, 0.704077, 1.182043, None)],
    ids=["high end", "regular"],
)
def test_sbg_is_that_of_the_paper(
    survivors: list[int], alpha: float, beta: float, loglik: float | None
) -> None:
    """Fader and Hardie 2007, both segments."""
    model = fit_sbg(survivors)

    assert alpha == pytest.approx(model.alpha, rel=1e-5)
    assert beta == pytest.approx(model.beta, rel=1e-5)
    if loglik is not None:
        assert loglik == pytest.approx(model.loglik, abs=1e-3)


def test_sbg_projects_lifetimes_as_the_paper_does(oracles: dict[str, Any]) -> None:
    """DEL 5.92; DERL counts the renewal that is due, which others number from 0."""
    oracle = oracles["ltv"]["sbg_del_derl"]
    told, expected = oracle["inputs"], oracle["outputs"]
    model = Sbg(told["alpha"], told["beta"])
    derl = [model.residual_lifetime(told["d"], n) for n in told["n"]]

    assert expected["DEL"] == pytest.approx(model.expected_lifetime(told["d"]))
    assert_allclose(expected["DERL"], derl, rtol=1e-6)


@pytest.mark.parametrize("name", ["bgnbd_palive", "bgnbd_expected_39w"])
def test_bgnbd_predicts_as_the_spreadsheet_does(
    name: str, oracles: dict[str, Any]
) -> None:
    """P(alive), and 1.226 purchases in 39 weeks for customer 1."""
    oracle = oracles["ltv"][name]
    told = oracle["inputs"]
    history = (told["x"], told["tx"], told["T"])
    if name == "bgnbd_palive":
        found = PUBLISHED.p_alive(*history)
    else:
        found = PUBLISHED.expected_purchases(told["t"], *history)

    assert_allclose(oracle["outputs"], found, rtol=1e-6)


def test_mbgnbd_predicts_as_the_oracle_does(oracles: dict[str, Any]) -> None:
    """Four customers, 39 weeks."""
    oracle = oracles["ltv"]["mbgnbd_expected_39w"]
    told = oracle["inputs"]
    history = (told["x"], told["tx"], told["T"])

    found = MbgNbd(*told["params"]).expected_purchases(told["t"], *history)

    assert_allclose(oracle["outputs"], found, rtol=1e-6)


def test_a_of_one_is_a_number_like_any_other(oracles: dict[str, Any]) -> None:
    """The closed form divides by a - 1."""
    oracle = oracles["ltv"]["bgnbd_expected_a_equals_1"]
    told = oracle["inputs"]
    model = BgNbd(told["r"], told["alpha"], told["a"], told["b"])

    found = model.expected_purchases(told["t"], told["x"], told["tx"], told["T"])

    assert oracle["outputs"] == pytest.approx(found, rel=1e-6)


@pytest.mark.parametrize("name", ["pnbd_palive", "pnbd_palive_overflow"])
def test_pareto_nbd_predicts_as_the_oracle_does(
    name: str, oracles: dict[str, Any]
) -> None:
    """Also where the hypergeometric form overflows."""
    oracle = oracles["ltv"][name]
    told = oracle["inputs"]
    model = ParetoNbd(*(told[one] for one in ("r", "alpha", "s", "beta")))

    found = model.p_alive(told["x"], told["tx"], told["T"])

    assert_allclose(oracle["outputs"], found, rtol=1e-6)


def test_the_next_purchase_is_as_probable_as_simulated(oracles: dict[str, Any]) -> None:
    """The closed form, which three million simulated users confirmed."""
    oracle = oracles["segmentation"]["p_active_next"]
    told = oracle["inputs"]
    model = MbgNbd(0.52483797, 6.1829918, 0.89135614, 1.61399914)

    found = model.p_active(told["t"], told["x"], told["tx"], told["T"])

    assert_allclose(oracle["outputs"], found, rtol=1e-6)


def test_everybody_has_a_dormancy_gap_of_their_own(oracles: dict[str, Any]) -> None:
    """From 3.7 weeks to 15.8: one threshold is wrong in both directions."""
    oracle = oracles["segmentation"]["adaptive_dormancy_gap"]
    told = oracle["inputs"]
    model = MbgNbd(0.52483797, 6.1829918, 0.89135614, 1.61399914)
    x, t_x = np.array(told["x"], float), np.array(told["tx"], float)

    gap = model.dormancy_gap(x, t_x, p_alive=told["p_alive"])

    assert_allclose(oracle["outputs"], gap, rtol=1e-6)
    assert_allclose(0.5, model.p_alive(x, t_x, t_x + gap), rtol=1e-9)


def test_the_weak_spot_of_bgnbd_is_shown(cdnow: Columns) -> None:
    """Who bought once is alive for ever in its eyes, and not in those of MBG/NBD."""
    assert 1.0 == PUBLISHED.p_alive(0, 0, 38.86)
    assert np.inf == PUBLISHED.dormancy_gap(0, 0)
    assert fit_mbgnbd(*columns(cdnow)).p_alive(0, 0, 38.86) < 0.4


def test_gamma_gamma_shrinks_towards_the_mean_of_all() -> None:
    """E[M] = p (v + x z) / (p x + q - 1); of whom nothing is known, p v / (q - 1)."""
    model = GammaGamma(6.25, 3.74, 15.44)
    everybody = 6.25 * 15.44 / 2.74

    found = model.expected_value([0, 1, 10, 1000], [0, 100, 100, 100])

    assert everybody == pytest.approx(model.mean_value)
    assert everybody == pytest.approx(found[0])
    assert 6.25 * (15.44 + 100) / (6.25 + 2.74) == pytest.approx(found[1])
    assert (np.diff(found) > 0).all()
    assert 100 == pytest.approx(found[3], rel=1e-2)


def test_gamma_gamma_says_when_big_spenders_come_more_often(
    spendings: Columns,
) -> None:
    """CDNOW's .11 passes; values that rise with counts break the assumption."""
    x, value = spendings["x"], spendings["zbar"]

    assert "maximum found" == fit_gamma_gamma(x, value).diagnosis
    said = fit_gamma_gamma(x, value + 10 * x).diagnosis
    assert "counts and values go together (correlation 0." in said
    weighted = fit_gamma_gamma(x, value + 10 * x, weights=np.full(len(x), 2))
    assert said == weighted.diagnosis


def test_who_came_back_to_cdnow_is_ordered_as_measured(
    cdnow: Columns, data_folder: Path, oracles: dict[str, Any]
) -> None:
    """P(alive) of BG/NBD is worse than a coin; recency and E[Y] of MBG/NBD are best."""
    expected = oracles["segmentation"]["cdnow_holdout_auc"]["outputs"]
    lines = (data_folder / "cdnow" / "CDNOW_sample.txt").read_text().splitlines()
    later = {int(row[1]) for line in lines if (row := line.split())[2] > "19970930"}
    came = [customer in later for customer in cdnow["ID"]]
    x, t_x, age = columns(cdnow)
    coin, model = fit_bgnbd(x, t_x, age), fit_mbgnbd(x, t_x, age)
    # How probable so long a silence is for who is still there.
    silence = -(model.r + x) * np.log((model.alpha + age) / (model.alpha + t_x))

    found = {
        "P(alive) BG": coin.p_alive(x, t_x, age),
        "P(alive) MBG": model.p_alive(x, t_x, age),
        "silence p-value": silence,
        "E[Y39] MBG": model.expected_purchases(39, x, t_x, age),
        "recency days": t_x - age,
        "frequency": x,
    }

    for name, scores in found.items():
        assert expected[name] == pytest.approx(auc(scores, came).value, rel=1e-4), name
