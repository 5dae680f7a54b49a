"""What proposals of channels promise."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from wxengage.channels.catalog import CATALOG
from wxengage.channels.folding import advance
from wxengage.channels.proposals import GOALS, Proposal, recommend
from wxengage.channels.quotas import Quota
from wxengage.claims.book import CLAIMS
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.rules.book import rulebook
from wxengage.stats.estimates import Estimate

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
BOOK = rulebook(dt.date(2026, 3, 2))
SEGMENTS = ("potential", "active", "dormant")


def by_code(*args: str, **fields: Any) -> dict[str, Proposal]:
    """Return proposals by channel, in their order."""
    return {p.channel: p for p in recommend(*args, **fields)}


@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("category", ["marketing", "service"])
def test_every_channel_is_there_once_with_its_reason(
    segment: str, goal: str, category: Any
) -> None:
    """Proposed ones first; what is left out says why."""
    found = recommend(segment, goal, category=category)

    assert sorted(CATALOG) == sorted(p.channel for p in found)
    assert any(p.proposed for p in found)
    flags = [p.proposed for p in found]
    assert sorted(flags, reverse=True) == flags
    assert all(p.reason for p in found if not p.proposed)
    assert all(CATALOG[p.channel].zh in p.zh for p in found)
    assert all(CATALOG[p.channel].en in p.en for p in found)


@pytest.mark.parametrize(
    ("goal", "channel", "lift", "claim"),
    [
        ("conversion", "mini_program_page", 0.4, "tools.mini_program"),
        ("watch_time", "live", 3.0, "tools.live_stream"),
        ("repurchase", "wecom_customer_task", 0.25, "tools.wecom"),
        ("repurchase", "wecom_group_task", 0.25, "tools.wecom"),
    ],
)
def test_a_lift_of_the_article_is_named_and_not_verified(
    goal: str, channel: str, lift: float, claim: str
) -> None:
    """It is a claim without an interval, from no users, and says so."""
    found = by_code("active", goal)[channel]

    assert "claim" == found.source
    assert found.effect is not None
    assert (lift, 0, f"claim {claim}") == (
        found.effect.value,
        found.effect.n,
        found.effect.method,
    )
    assert found.effect.low is None
    assert float(CLAIMS[claim].value) == lift  # type: ignore[arg-type]  # a Fraction
    assert "未经验证" in found.zh
    assert "not verified" in found.en


def test_own_effects_take_the_place_of_claims_and_come_first() -> None:
    """However large the claim is."""
    measured = {
        "customer_message": Estimate(0.05, 0.02, 0.08, 4_000),
        "live": Estimate(0.3, 0.01, 0.6, 90),
    }
    found = by_code("active", "conversion", effects=measured)

    assert ["customer_message", "live", "mini_program_page"] == list(found)[:3]
    own = {"mini_program_page": Estimate(0.02, 0.01, 0.03, 9_000)}
    page = by_code("active", "conversion", effects=own)["mini_program_page"]
    assert ("measured", own["mini_program_page"]) == (page.source, page.effect)
    assert "+2.0%" in page.zh
    assert "n=9000" in page.en


def test_what_was_measured_to_do_no_good_is_left_out() -> None:
    """Where the whole interval is at most 0; a wide one is a maybe."""
    measured = {
        "mini_program_page": Estimate(-0.2, -0.3, -0.1, 500),
        "live": Estimate(-0.1, -0.3, 0.1, 50),
        "group_robot": Estimate(0.0, None, None, 50),
        "wecom_group_task": Estimate.undefined("nobody was asked"),
    }
    found = by_code("active", "conversion", effects=measured)

    assert "no_effect" == found["mini_program_page"].reason
    assert "no_effect" == found["group_robot"].reason
    assert found["live"].proposed
    assert ("none", "other_goal") == (
        found["wecom_group_task"].source,
        found["wecom_group_task"].reason,
    )


def test_a_measured_effect_brings_in_a_channel_for_another_goal() -> None:
    """What is measured overrules our judgement, but no rule."""
    measured = dict.fromkeys(CATALOG, Estimate(0.1, 0.05, 0.2, 100))
    found = by_code("dormant", "win_back", effects=measured)

    assert {"template_message": "not_carried", "mass_send": "forced_push"} == {
        code: p.reason for code, p in found.items() if not p.proposed
    }


def test_what_may_go_now_comes_before_what_may_not() -> None:
    """With the template whose grant is left."""
    quota = Quota.under(BOOK, "ada")
    for item in ("t1", "t2"):
        quota = advance(quota, Event("subscribe", user="ada", at=NOON, item=item), BOOK)
    quota = advance(quota, Event("decline", user="ada", at=NOON, item="t1"), BOOK)
    found = by_code("dormant", "win_back", quota=quota, now=NOON)

    assert ["subscribe_message", "wecom_customer_task"] == list(found)[:2]
    assert (True, "t2") == (
        found["subscribe_message"].may_go,
        found["subscribe_message"].message,
    )
    assert (False, "no_window") == (
        found["customer_message"].may_go,
        found["customer_message"].reason,
    )
    assert "没有打开的互动窗口" in found["customer_message"].zh
    assert found["mass_send"].may_go is None


def test_where_people_come_nothing_is_asked() -> None:
    """A page is proposed, and nothing is sent there."""
    page = by_code("active", "conversion", quota=Quota("ada"), now=NOON)[
        "mini_program_page"
    ]

    assert (True, None, "not_pushed") == (page.proposed, page.may_go, page.reason)


@pytest.mark.parametrize(
    ("said", "args", "fields"),
    [
        ("did you mean 'dormant'", ("dormnt", "win_back"), {}),
        ("did you mean 'win_back'", ("dormant", "winback"), {}),
        ("goal must be a known goal", ("dormant", None), {}),
        ("category must be", ("dormant", "win_back"), {"category": "ads"}),
        ("now must be", ("dormant", "win_back"), {"quota": Quota("ada")}),
        ("did you mean 'live'", ("active", "deepen"), {"effects": {"lve": 1}}),
        (r"effects\['live'\]", ("active", "deepen"), {"effects": {"live": 0.2}}),
    ],
)
def test_a_bad_question_is_refused_by_name(
    said: str, args: tuple[Any, ...], fields: dict[str, Any]
) -> None:
    """With what was most likely meant."""
    with pytest.raises(InvalidInputError, match=said):
        recommend(*args, **fields)
