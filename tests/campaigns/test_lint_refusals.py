"""What lint_campaign and its values refuse, and what they say."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.policy.findings import Finding, Override
from wxengage.campaigns.policy.launch import Ask, Draw, Launch, Notice
from wxengage.campaigns.policy.linting import lint_campaign
from wxengage.campaigns.policy.reviews import apply_overrides
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.claims.figures import REFERRAL_LADDER
from wxengage.errors import InvalidInputError
from wxengage.words import Words

TODAY = dt.date(2026, 11, 24)
DAY = dt.timedelta(days=1)
OPENS = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
LADDER = Ladder(REFERRAL_LADDER, pays="total")
INVITES = Referral("invites", ladder=LADDER, opens=OPENS, closes=OPENS + 10 * DAY)
ONE_ASK = Ask("share", "votes")
IN_WECOM = Launch(placement="wecom")


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("campaign must be one of Referral", {"campaign": LADDER}),
        ("as_of must be a date", {"as_of": OPENS}),
        ("rulebook must be a Rulebook", {"rulebook": {}}),
        ("launch must be a Launch", {"launch": "wechat_link"}),
        ("copy must be a tuple", {"copy": "最佳"}),
        (r"copy\[1\] must be a text", {"copy": ("a", 1)}),
        ("stale_after must be a timedelta", {"stale_after": 180}),
        ("stale_after must be a timedelta", {"stale_after": -DAY}),
        (
            "launch.placement must be 'wechat_link'",
            {"launch": IN_WECOM},
        ),
    ],
)
def test_what_cannot_be_checked_is_refused(
    said: str, arguments: dict[str, Any]
) -> None:
    """The argument, the rule, and where it is known the mend."""
    plain: dict[str, Any] = {"campaign": INVITES, "as_of": TODAY}
    with pytest.raises(InvalidInputError, match=said):
        lint_campaign(**plain | arguments)


@pytest.mark.parametrize(
    ("said", "kind", "arguments"),
    [
        ("act must be one of", Ask, ("like", "entry")),
        ("gives must be one of", Ask, ("share", "fame")),
        ("channel must be", Notice, ("",)),
        ("category must be one of", Notice, ("mass_send", "ad")),
        ("text must be a text", Notice, ("mass_send", "service", None)),
        ("by must be", Override, ("WX-IND-001", " ", "why")),
        ("reason must be a sentence", Override, ("WX-IND-001", "Lin", " ")),
        ("findings must be several", apply_overrides, ("x", ())),
        (r"overrides\[0\] must be an? Override", apply_overrides, ((), ("x",))),
    ],
)
def test_a_value_that_says_nothing_is_refused(
    said: str, kind: Any, arguments: tuple[Any, ...]
) -> None:
    """Whoever answers for something has a name and a reason."""
    with pytest.raises(InvalidInputError, match=said):
        kind(*arguments)


@pytest.mark.parametrize(
    ("said", "kind", "fields"),
    [
        ("field must be", Override, {"field": "", "rule_id": "a", "by": "b"}),
        ("top must be at least 1", Draw, {"top": 0}),
        ("names_winners must be", Draw, {"top": 1, "names_winners": 1}),
        ("keep_years must be at least 0", Draw, {"top": 1, "keep_years": -1}),
        ("odds must be a text", Draw, {"top": 1, "odds": 0.1}),
        ("placement must be one of", Launch, {"placement": "moments"}),
        (
            "asks must be a tuple of Ask, .*comma",
            Launch,
            {"asks": Ask("share", "draws")},
        ),
        (r"notices\[0\] must be a Notice", Launch, {"notices": ("mass_send",)}),
        ("rules must be a text", Launch, {"rules": None}),
        ("payout must be one of", Launch, {"payout": "cash"}),
        ("draw must be a Draw", Launch, {"draw": 1}),
        ("min_age must be at most 150", Launch, {"min_age": 151}),
        ("without its 2 faults", Launch, {"min_age": -1, "draw": 1}),
    ],
)
def test_a_field_that_breaks_its_rule_is_named(
    said: str, kind: Any, fields: dict[str, Any]
) -> None:
    """All faults of a launch at once."""
    reason = {"reason": "why"} if kind is Override else {}
    with pytest.raises(InvalidInputError, match=said):
        kind(**fields | reason)


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("severity must be one of", {"severity": "fatal"}),
        ("rule_id must be", {"rule_id": ""}),
        ("found must be Words", {"found": "x"}),
        ("in_force_from must be a date", {"in_force_from": OPENS}),
        ("checked_on must be a date", {"checked_on": None}),
        ("evidence must be a tuple", {"evidence": "x"}),
        ("overrides must be a tuple", {"overrides": ("x",)}),
    ],
)
def test_a_finding_is_checked_like_any_value(
    said: str, changes: dict[str, Any]
) -> None:
    """It may come from a file."""
    words = Words("甲", "a")
    plain: dict[str, Any] = {
        "rule_id": "X-1",
        "severity": "note",
        "reason": "x",
        "field": "x",
        "found": words,
        "mend": words,
        "statement": words,
        "source": "x",
        "in_force_from": None,
        "checked_on": TODAY,
    }

    assert "an unknown day" in Finding(**plain).explain("en")
    with pytest.raises(InvalidInputError, match=said):
        Finding(**plain | changes)
    with pytest.raises(InvalidInputError, match="lang must be one of"):
        Finding(**plain).explain("fr")  # type: ignore[arg-type]
