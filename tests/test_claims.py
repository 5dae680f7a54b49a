"""The article's figures, and what they feed."""

from __future__ import annotations

import datetime as dt
import importlib
import re
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from wxengage.claims import CLAIMS, Claim
from wxengage.claims.chapters_1_to_4 import FIRST_HALF
from wxengage.claims.chapters_5_to_8 import SECOND_HALF
from wxengage.claims.figures import CHAPTERS, CHURN_ANCHORS, REFERRAL_LADDER
from wxengage.metrics.registry import METRICS
from wxengage.money import yuan

# Every figure of the article in its order, chapter by chapter; a range, a time
# of day and "1v1" are one each. Thirty days are claimed twice: by the row of the
# table and by the default that it feeds.
FIGURES = {
    0: [],
    1: ["30", "30", "1v1"],
    2: ["08:00-09:00", "12:00-14:00", "20:00-22:00", "3-5"],
    3: ["40%", "3", "1v1", "25%"],
    4: ["30%"],
    5: ["3", "8", "6", "15", "7", "230%"],
    6: ["30", "30", "15%", "2", "60%"],
    7: ["24", "60%", "20", "3", "85%", "10%"],
    8: [],
}
ROWS = {1: 3, 2: 3, 3: 3, 4: 3, 6: 3, 7: 3}


def found(name: str) -> Any:
    """Return what a dotted public name means."""
    room, _, rest = name.removeprefix("wxengage.").partition(".")
    thing: Any = importlib.import_module(f"wxengage.{room}")
    for part in rest.split("."):
        assert not part.startswith("_")
        thing = getattr(thing, part)
    return thing


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_a_claim_feeds_a_public_name(claim: Claim) -> None:
    """No figure of the article is written down and then forgotten."""
    room, name, *rest = claim.feeds.split(".")[1:]
    home = room if name != "figures" else "claims.figures"
    public = importlib.import_module(f"wxengage.{home}").__all__

    assert found(claim.feeds) is not None
    assert (rest[0] if name == "figures" else name) in public


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: claim.id)
def test_a_claim_is_tested_by_a_metric_that_exists(claim: Claim) -> None:
    """A metric is named only where there is one."""
    assert not claim.metric or claim.metric in METRICS


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_of_a_chapter_is_claimed(chapter: int) -> None:
    """The figures in the sentences are the article's, all and in order."""
    said = " ".join(c.sentence_zh for c in CLAIMS.values() if c.chapter == chapter)
    figures = re.findall(r"\d\d:\d\d-\d\d:\d\d|1v1|\d+-\d+|\d+%?", said)

    assert FIGURES[chapter] == figures


@pytest.mark.parametrize(("chapter", "rows"), ROWS.items())
def test_every_row_of_the_tables_is_claimed(chapter: int, rows: int) -> None:
    """Each of the six tables has three rows."""
    claims = [c for c in CLAIMS.values() if c.chapter == chapter]

    assert rows == sum(" | " in claim.sentence_zh for claim in claims)


def test_no_two_claims_share_an_id() -> None:
    """A key that came twice would hide a claim."""
    assert len(FIRST_HALF) + len(SECOND_HALF) == len(CLAIMS)
    assert {1} == set(Counter(c.id for c in (*FIRST_HALF, *SECOND_HALF)).values())


def test_no_claim_is_taken_for_a_fact() -> None:
    """The article names no source for any of them."""
    assert not any(claim.verified for claim in CLAIMS.values())


def test_a_claim_says_everything() -> None:
    """Both languages, a value and a unit."""
    for claim in CLAIMS.values():
        assert claim.sentence_zh
        assert claim.sentence_en
        assert claim.unit
        assert claim.value is not None
        assert claim.chapter in {0, *CHAPTERS}


def test_the_policy_takes_the_articles_thirty_days() -> None:
    """The default is the figure, not a copy of it."""
    policy = found("wxengage.segments.LifecyclePolicy")()

    assert dt.timedelta(days=30) == policy.dormant_after
    assert CLAIMS["segments.dormant_after"].value == policy.dormant_after


def test_the_golden_windows_are_the_articles_rows() -> None:
    """On every platform the three windows are those of the table."""
    rows = [c.value for c in CLAIMS.values() if c.unit == "local time of day"]

    for windows in found("wxengage.pacing.GOLDEN_WINDOWS").values():
        assert rows == [(w.code, w.start, w.end) for w in windows]


def test_the_playbook_and_the_tiers_are_the_articles_rows() -> None:
    """Segments and tiers have the names that the claims give."""
    assert set(CLAIMS["segments.three"].value) == set(  # type: ignore[call-overload]  # a tuple
        found("wxengage.segments.PLAYBOOK")
    )
    assert CLAIMS["metrics.tiers"].value == tuple(found("wxengage.metrics.TIERS"))
    assert set(CLAIMS["metrics.base"].value) <= set(METRICS)  # type: ignore[call-overload]  # a tuple


def test_the_figures_are_exact() -> None:
    """Money is fen and shares are fractions."""
    assert {3: yuan("8.00"), 6: yuan("15.00")} == REFERRAL_LADDER
    assert {
        dt.timedelta(minutes=30): Fraction(15, 100),
        dt.timedelta(hours=2): Fraction(60, 100),
    } == CHURN_ANCHORS
