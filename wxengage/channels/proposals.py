"""Which channels suit a segment and a goal (渠道建议), and how sure that is.

The order rests on effects. Measured ones come first; the article's lifts are
claims without a source and only fill the gap until there are measured ones.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import attrs

from wxengage.channels.catalog import CATALOG
from wxengage.channels.routes import SKIPPED
from wxengage.claims.book import CLAIMS
from wxengage.claims.figures import TOOL_LIFTS
from wxengage.errors import InvalidInputError, nearest
from wxengage.sends import CATEGORIES, Category, Send
from wxengage.stats.estimates import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.channels.catalog import Channel
    from wxengage.channels.quotas import Quota

__all__ = ["GOALS", "SUITS", "Proposal", "recommend"]

#: What a message may be for: goal -> Chinese and English name of what it raises.
GOALS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "first_interaction": ("首次互动率", "first interactions"),
        "conversion": ("转化率", "conversion"),
        "watch_time": ("观看时长", "watch time"),
        "repurchase": ("复购率", "repurchase"),
        "win_back": ("召回率", "win-backs"),
        "deepen": ("互动深度", "depth of interaction"),
    }
)
#: Channel -> the goals it is proposed for without a measured effect. A judgement of
#: ours along the article's chapters 1 and 3, to be overruled by what is measured.
SUITS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "customer_message": ("first_interaction", "conversion", "win_back", "deepen"),
        "template_message": ("win_back",),
        "subscribe_message": (
            "first_interaction",
            "conversion",
            "repurchase",
            "win_back",
        ),
        "mass_send": ("first_interaction", "conversion", "deepen"),
        "mini_program_subscribe": ("conversion", "repurchase", "win_back"),
        "mini_program_customer_message": ("conversion", "deepen"),
        "wecom_customer_task": ("conversion", "repurchase", "win_back", "deepen"),
        "wecom_group_task": ("repurchase", "deepen"),
        "wecom_moments": ("repurchase", "deepen"),
        "group_robot": ("deepen",),
        "passive_reply": ("first_interaction", "deepen"),
        "live": ("conversion", "watch_time", "deepen"),
        "mini_program_page": ("first_interaction", "conversion"),
    }
)
_SEGMENTS: Final = ("potential", "active", "dormant")
#: Channel and goal -> the claim of the article that is about them.
_CLAIMED: Final = {
    ("mini_program_page", "conversion"): "tools.mini_program",
    ("live", "watch_time"): "tools.live_stream",
    ("wecom_customer_task", "repurchase"): "tools.wecom",
    ("wecom_group_task", "repurchase"): "tools.wecom",
}
_UNVERIFIED: Final = "not verified: the article names no source"
_LEFT_OUT: Final = {
    "not_carried": SKIPPED["not_carried"],
    "forced_push": (
        "对沉默用户群发属于强行推送，容易流失",
        "a mass send to dormant users is a forced push, which loses them",
    ),
    "no_effect": ("实测没有正向效果", "no good effect was measured"),
    "other_goal": ("不适合这个目标", "it does not suit the goal"),
}
Source = Literal["measured", "claim", "none"]


class _Asked(NamedTuple):
    """What a quota says to a channel."""

    may_go: bool | None
    reason: str
    message: str = ""


@attrs.frozen
class Proposal:
    """A channel for a segment and a goal, or why it is left out (渠道建议).

    Attributes
    ----------
    channel
        Its code.
    proposed
        False where it is left out.
    effect
        The rise of what the goal is about, as a share of what it was; None where
        nothing is known or claimed.
    source
        ``"measured"``, ``"claim"`` (unverified) or ``"none"``.
    may_go
        Whether a message may go there now; None where that was not asked: no
        quota was given, one message reaches more than this user, or nothing is
        pushed and people come by themselves.
    reason
        Why it is left out, or why none may go now; "" for neither.
    message
        The template that has a grant, on a channel with grants; else "".
    zh, en
        All of that as a sentence.
    """

    channel: str
    proposed: bool
    effect: Estimate | None
    source: Source
    may_go: bool | None
    reason: str
    message: str
    zh: str
    en: str


def recommend(
    segment: str,
    goal: str,
    *,
    quota: Quota | None = None,
    now: dt.datetime | None = None,
    effects: Mapping[str, Estimate] | None = None,
    category: Category = "marketing",
) -> tuple[Proposal, ...]:
    """Return the channels for a segment and a goal, the best first.

    Parameters
    ----------
    segment
        ``"potential"``, ``"active"`` or ``"dormant"``.
    goal
        A key of ``GOALS``.
    quota
        What is known of one user; None: it is not asked what may go.
    now
        The instant, aware; needed with a quota.
    effects
        Channel -> what it was measured to do for this segment and goal, as a share
        of what was there without it: 0.1 is a rise by a tenth. It takes the place
        of the article's claim.
    category
        What the message is.

    Returns
    -------
    tuple of Proposal
        Every channel of ``CATALOG`` once. Proposed ones first; among these what may
        go, or needs no message, before what may not; then measured effects, the
        highest lower end first, then claims, the highest first, then the rest in
        the order of the catalogue.

    Raises
    ------
    InvalidInputError
        If a name is unknown, an effect is no estimate, or a quota comes without an
        instant.

    Notes
    -----
    A lower end ranks, not the value: few users make high values and wide intervals.

    Source: the article, chapters 1 and 3. None of its lifts has a source.

    Examples
    --------
    >>> first = recommend("active", "repurchase")[0]
    >>> first.channel, first.source, first.effect.value
    ('wecom_customer_task', 'claim', 0.25)
    """
    _require(segment, goal, category)
    measured = _measured(effects)
    if quota is not None and now is None:
        raise InvalidInputError("now", now, "an aware datetime with a quota")
    found = []
    for channel in CATALOG.values():
        effect, source = _effect(channel.code, goal, measured)
        fit = category in channel.carries, goal in SUITS[channel.code]
        reason = _left_out(channel.code, segment, fit, effect, source)
        asked = _Asked(None, reason)
        if not reason:
            asked = _ask(channel, quota, now, category)
        words = _words(channel, goal, effect, source, asked.reason)
        found.append(Proposal(channel.code, not reason, effect, source, *asked, *words))
    return tuple(sorted(found, key=_rank))


def _require(segment: object, goal: object, category: object) -> None:
    for name, got, known in (
        ("segment", segment, _SEGMENTS),
        ("goal", goal, GOALS),
        ("category", category, CATEGORIES),
    ):
        if not isinstance(got, str) or got not in known:
            raise InvalidInputError(name, got, f"a known {name}", nearest(got, known))


def _measured(effects: Mapping[str, Estimate] | None) -> Mapping[str, Estimate]:
    for code, effect in (effects or {}).items():
        if code not in CATALOG:
            hint = nearest(code, CATALOG)
            raise InvalidInputError("effects", code, "of channels in CATALOG", hint)
        if not isinstance(effect, Estimate):
            raise InvalidInputError(f"effects[{code!r}]", effect, "an Estimate")
    return effects or {}


def _effect(
    code: str, goal: str, measured: Mapping[str, Estimate]
) -> tuple[Estimate | None, Source]:
    if code in measured and measured[code].defined:
        return measured[code], "measured"
    claim = CLAIMS.get(_CLAIMED.get((code, goal), ""))
    if claim is None:
        return None, "none"
    value = float(TOOL_LIFTS[claim.id.removeprefix("tools.")])
    method, assumptions = f"claim {claim.id}", (_UNVERIFIED,)
    effect = Estimate(value, None, None, 0, method=method, assumptions=assumptions)
    return effect, "claim"


def _left_out(
    code: str,
    segment: str,
    fit: tuple[bool, bool],
    effect: Estimate | None,
    source: Source,
) -> str:
    """Return why a channel is left out; "" where it is proposed."""
    carried, suits = fit
    if not carried:
        return "not_carried"
    if segment == "dormant" and code == "mass_send":
        return "forced_push"
    if source == "measured" and effect is not None:
        return "no_effect" if _harms(effect) else ""
    return "" if suits else "other_goal"


def _least(effect: Estimate) -> float:
    """Return the lower end of an effect, or its value where there is no interval."""
    low = effect.value if effect.low is None else effect.low
    return 0.0 if low is None else low


def _harms(effect: Estimate) -> bool:
    """Return whether an effect is not above 0, as far as its interval tells."""
    high = effect.value if effect.high is None else effect.high
    return high is not None and high <= 0


def _ask(
    channel: Channel, quota: Quota | None, now: dt.datetime | None, category: Category
) -> _Asked:
    """Return what a quota says to a channel now."""
    if not channel.is_push:
        return _Asked(None, "not_pushed")
    if quota is None or now is None or channel.to != "user":
        return _Asked(None, "")
    messages = ["-"]
    if channel.quota == "grant":
        known = {m.message for m in quota.marks if m.channel == channel.code}
        messages = sorted(known - {""}) or messages
    refused = ""
    for message in messages:
        user = quota.user or "-"
        send = Send("-", user, channel.code, message, category=category)
        refused = quota.refusal(send, now) or ""
        if not refused:
            return _Asked(True, "", "" if message == "-" else message)
    return _Asked(False, refused)


def _words(
    channel: Channel,
    goal: str,
    effect: Estimate | None,
    source: Source,
    reason: str,
) -> tuple[str, str]:
    """Return a proposal as a Chinese and an English sentence."""
    zh, en = GOALS[goal]
    if effect is None or effect.value is None:
        said = ("没有已知的效果数据", "no effect is known")
    elif source == "claim":
        share = f"{effect.value:+.0%}"
        said = (
            f"文章称{zh} {share}，未经验证",
            f"the article claims {share} {en}, not verified",
        )
    else:
        share = f"{effect.value:+.1%}"
        said = (
            f"实测{zh} {share} (n={effect.n})",
            f"measured {share} {en}, n={effect.n}",
        )
    why = {**SKIPPED, **_LEFT_OUT}.get(reason, ("", ""))
    return (
        f"{channel.zh}：{'；'.join(filter(None, (said[0], why[0])))}",
        f"{channel.en}: {'; '.join(filter(None, (said[1], why[1])))}",
    )


def _rank(proposal: Proposal) -> tuple[bool, bool, int, float]:
    """Return what proposals are sorted by; ties keep the order of the catalogue."""
    effect = proposal.effect
    height = 0.0 if effect is None else _least(effect)
    by_source = ("measured", "claim", "none").index(proposal.source)
    return (not proposal.proposed, proposal.may_go is False, by_source, -height)
