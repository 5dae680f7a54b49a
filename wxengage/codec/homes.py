"""Where the types live that a text may name (类型表).

A room is imported when a value of its is read, not before. No other module is
ever imported on behalf of a text.
"""

from __future__ import annotations

import collections.abc
import datetime as dt
import decimal
import fractions
import importlib
import types
from typing import TYPE_CHECKING, Final

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HOMES", "named"]

#: Type -> module.
HOMES: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "Accepted": "wxengage.delivery.payouts",
        "Account": "wxengage.users",
        "AdShare": "wxengage.pacing.budgets",
        "Amendment": "wxengage.campaigns.contests.subjects",
        "Ask": "wxengage.campaigns.policy.launch",
        "Attack": "wxengage.campaigns.guard.attackers",
        "AwaitingUser": "wxengage.delivery.payouts",
        "Award": "wxengage.campaigns.contests.subjects",
        "Backoff": "wxengage.delivery.outbox.backoff",
        "Balance": "wxengage.segments.points.lots",
        "Ballot": "wxengage.campaigns.contests.subjects",
        "BgBb": "wxengage.stats.btyd.beta_bernoulli",
        "BgNbd": "wxengage.stats.btyd.beta_geometric",
        "Birthday": "wxengage.plan.scenes.scene",
        "Breaker": "wxengage.delivery.outbox.breakers",
        "Budget": "wxengage.pacing.budgets",
        "Cancelled": "wxengage.delivery.payouts",
        "Cap": "wxengage.pacing.caps",
        "Cash": "wxengage.money",
        "Challenger": "wxengage.campaigns.checkins.people",
        "CheckIn": "wxengage.campaigns.checkins.campaign",
        "CheckedDay": "wxengage.campaigns.checkins.people",
        "Choice": "wxengage.users",
        "ContentMix": "wxengage.pacing.mix",
        "Contest": "wxengage.campaigns.contests.campaign",
        "Coupon": "wxengage.money",
        "Crowd": "wxengage.campaigns.guard.attackers",
        "DayClock": "wxengage.times.days",
        "DecayingPoints": "wxengage.segments.points.decay",
        "Decision": "wxengage.plan.gating.decisions",
        "DirichletMultinomial": "wxengage.stats.shrinkage",
        "Draw": "wxengage.campaigns.policy.launch",
        "Earned": "wxengage.segments.points.facts",
        "Entry": "wxengage.ledger.entries",
        "Estimate": "wxengage.stats.estimates",
        "Event": "wxengage.log.events",
        "Expiring": "wxengage.plan.scenes.scene",
        "Fact": "wxengage.campaigns.facts",
        "Facts": "wxengage.plan.scenes.facts",
        "Failure": "wxengage.channels.marks",
        "Fakes": "wxengage.campaigns.virality.course",
        "Finding": "wxengage.campaigns.policy.findings",
        "Fit": "wxengage.stats.btyd.fitting",
        "FixedYear": "wxengage.segments.tiers.policy",
        "FollowSpan": "wxengage.users",
        "Followed": "wxengage.plan.scenes.scene",
        "Freeze": "wxengage.sends",
        "GammaGamma": "wxengage.stats.btyd.gamma_gamma",
        "Gate": "wxengage.plan.gating.gate",
        "GenerationTime": "wxengage.campaigns.virality.spread",
        "Gift": "wxengage.campaigns.gifts.campaign",
        "GiftHolder": "wxengage.campaigns.gifts.holders",
        "GiftStock": "wxengage.campaigns.gifts.holders",
        "Happened": "wxengage.plan.scenes.scene",
        "History": "wxengage.plan.gating.history",
        "Holding": "wxengage.plan.scenes.facts",
        "HourModel": "wxengage.pacing.hour_model",
        "Invite": "wxengage.campaigns.referrals.invites",
        "InviteCost": "wxengage.campaigns.response",
        "KofN": "wxengage.campaigns.checkins.terms",
        "Ladder": "wxengage.campaigns.ladder",
        "Launch": "wxengage.campaigns.policy.launch",
        "LedgerAccount": "wxengage.ledger.accounts",
        "Letter": "wxengage.delivery.ports",
        "LifecyclePolicy": "wxengage.segments.policy",
        "Lifted": "wxengage.channels.marks",
        "Limit": "wxengage.channels.terms",
        "Logistic": "wxengage.stats.logistic",
        "MakeUp": "wxengage.campaigns.checkins.people",
        "Mark": "wxengage.channels.marks",
        "MbgNbd": "wxengage.stats.btyd.beta_geometric",
        "Milestone": "wxengage.campaigns.checkins.terms",
        "MinGap": "wxengage.pacing.gaps",
        "Months": "wxengage.segments.points.validity",
        "NegativeBinomial": "wxengage.stats.counts",
        "NotSent": "wxengage.delivery.outcomes",
        "Notice": "wxengage.campaigns.policy.launch",
        "OutboxPolicy": "wxengage.delivery.outbox.policy",
        "OutboxRow": "wxengage.delivery.outbox.rows",
        "Override": "wxengage.campaigns.policy.findings",
        "Paid": "wxengage.delivery.payouts",
        "ParetoNbd": "wxengage.stats.btyd.pareto",
        "Participant": "wxengage.campaigns.referrals.people",
        "Passage": "wxengage.campaigns.referrals.people",
        "Payout": "wxengage.delivery.payouts",
        "PayoutRecord": "wxengage.ledger.records",
        "Perk": "wxengage.money",
        "Place": "wxengage.delivery.outbox.breakers",
        "Points": "wxengage.money",
        "PointsLot": "wxengage.segments.points.lots",
        "PointsPolicy": "wxengage.segments.points.policy",
        "Posting": "wxengage.ledger.entries",
        "Prize": "wxengage.campaigns.contests.lottery",
        "QuietHours": "wxengage.pacing.quiet",
        "Quota": "wxengage.channels.quotas",
        "Referral": "wxengage.campaigns.referrals.campaign",
        "Refunded": "wxengage.delivery.payouts",
        "Refused": "wxengage.delivery.payouts",
        "Reinstated": "wxengage.segments.points.facts",
        "Requirement": "wxengage.campaigns.referrals.campaign",
        "Results": "wxengage.campaigns.contests.subjects",
        "Reversed": "wxengage.segments.points.facts",
        "Review": "wxengage.campaigns.policy.reviews",
        "RfmModel": "wxengage.segments.rfm_model",
        "RiskPolicy": "wxengage.campaigns.guard.policy",
        "Rule": "wxengage.rules.rule",
        "Rulebook": "wxengage.rules.book",
        "Rung": "wxengage.campaigns.rungs",
        "RunningLow": "wxengage.plan.scenes.scene",
        "Sbg": "wxengage.stats.btyd.geometric",
        "Send": "wxengage.sends",
        "Sent": "wxengage.sends",
        "Silent": "wxengage.plan.scenes.scene",
        "SinceTierStart": "wxengage.segments.tiers.policy",
        "SpendLimit": "wxengage.ledger.funding",
        "Spent": "wxengage.segments.points.facts",
        "Step": "wxengage.plan.scenes.trigger",
        "StreakBreaking": "wxengage.plan.scenes.scene",
        "Submission": "wxengage.campaigns.contests.subjects",
        "Sunset": "wxengage.pacing.sunset",
        "Suppression": "wxengage.delivery.outbox.box",
        "TakenBack": "wxengage.campaigns.contests.subjects",
        "Terms": "wxengage.desk.terms",
        "Throttle": "wxengage.pacing.throttle",
        "TierPolicy": "wxengage.segments.tiers.policy",
        "TierState": "wxengage.segments.tiers.course",
        "Touch": "wxengage.campaigns.referrals.people",
        "Trailing": "wxengage.segments.tiers.policy",
        "Trigger": "wxengage.plan.scenes.trigger",
        "Unknown": "wxengage.delivery.outcomes",
        "User": "wxengage.users",
        "Validity": "wxengage.segments.points.validity",
        "Voided": "wxengage.campaigns.contests.subjects",
        "VolumeUtility": "wxengage.pacing.fatigue",
        "VoteRule": "wxengage.campaigns.contests.rule",
        "Voter": "wxengage.campaigns.contests.subjects",
        "Win": "wxengage.campaigns.contests.lottery",
        "Window": "wxengage.pacing.windows",
        "Words": "wxengage.words",
    }
)
# Names of types that are no classes, which other rooms' annotations use.
_ALIASES: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "AccountKind": "wxengage.users",
        "Category": "wxengage.sends",
        "Fen": "wxengage.money",
        "Measure": "wxengage.pacing.hour_model",
        "Reward": "wxengage.money",
        "Scene": "wxengage.plan.scenes.scene",
        "Param": "wxengage.rules.rule",
    }
)
# What a file imports for the type checker alone is not in its namespace.
_WORDS: Final[Mapping[str, object]] = types.MappingProxyType(
    {
        "Decimal": decimal.Decimal,
        "Fraction": fractions.Fraction,
        "Mapping": collections.abc.Mapping,
        "Sequence": collections.abc.Sequence,
        "dt": dt,
    }
)


def named(name: str) -> object:
    """Return what a name means in the annotations of the library.

    Parameters
    ----------
    name
        A key of ``HOMES``, an alias, or a word of the standard library.

    Returns
    -------
    object
        A type, an alias of types or a module.

    Raises
    ------
    InvalidInputError
        If the name is none of these.
    """
    if name in _WORDS:
        return _WORDS[name]
    home = HOMES.get(name) or _ALIASES.get(name)
    if home is None:
        hint = "import it outside of `if TYPE_CHECKING`"
        raise InvalidInputError("annotation", name, "a name known to the codec", hint)
    found: object = getattr(importlib.import_module(home), name)
    return found
