"""What a campaign has found (活动事实): who is owed what from when on, and why.

A fact is a difference. An event that comes late, twice or out of order changes
what is known, and the facts say by how much; added up they never owe anything
twice. Each has a key that is the same whenever the same events are folded in the
same order, so that whoever pays can tell a repeat from something new.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import Final, Literal, TypeAlias

import attrs

from wxengage.errors import InvalidInputError, require_id
from wxengage.money import Cash, Coupon, Perk, Points, Reward
from wxengage.sends import fingerprint
from wxengage.times.zones import require_aware
from wxengage.words import Words

__all__ = ["GRANTED", "REWARD_KINDS", "WITHDRAWN", "Fact", "fact_key"]

Lang: TypeAlias = Literal["zh", "en"]
#: A reward that somebody is owed from now on, and one that is owed no more.
GRANTED: Final = "granted"
WITHDRAWN: Final = "withdrawn"
#: The only kinds that move rewards: what these sum to is what is owed.
REWARD_KINDS: Final = (GRANTED, WITHDRAWN)


def fact_key(campaign: str, kind: str, user: str, *occasion: str) -> str:
    """Return the key of a fact.

    Parameters
    ----------
    campaign, kind, user
        As in ``Fact``.
    occasion
        What tells it from other facts of that kind about that user: the invitee
        and the instant, or the rung and how often it was granted.

    Returns
    -------
    str
        28 characters of ``0-9a-z``, the same for the same arguments, for ever.
    """
    return fingerprint("fact", campaign, kind, user, *occasion)


@attrs.frozen
class Fact:
    """One difference that an event, or time, has made to a campaign.

    Attributes
    ----------
    kind
        What it is; each type of campaign has a closed set of its own.
        ``"granted"`` and ``"withdrawn"``, in every type, are those that move a
        reward.
    campaign
        Id of the campaign.
    user
        Whom it is about, and whom ``zh`` and ``en`` speak to.
    at
        From when on it holds, by the times of the events, not of their arrival.
    key
        Unlike that of any other fact; see ``fact_key``.
    reward
        What is granted or withdrawn; None for the other kinds.
    reward_key
        Which reward of that user it is, such as ``"rung:3"``: the same each time
        that it is granted or withdrawn. None for the other kinds.
    other
        Who or what else it is about: the invitee, the entry. None for nobody.
    reason
        Why, for programs.
    zh, en
        Why, for people.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule, or a reward is where none moves.
    """

    kind: str
    campaign: str
    user: str
    at: dt.datetime
    key: str
    reward: Reward | None = attrs.field(default=None, kw_only=True)
    reward_key: str | None = attrs.field(default=None, kw_only=True)
    other: str | None = attrs.field(default=None, kw_only=True)
    reason: str = attrs.field(kw_only=True)
    zh: str = attrs.field(kw_only=True)
    en: str = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name in ("kind", "campaign", "user", "key", "reason"):
            require_id(name, getattr(self, name))
        if self.other is not None:
            require_id("other", self.other)
        require_aware("at", self.at)
        for name in ("zh", "en"):
            if not isinstance(getattr(self, name), str):
                raise InvalidInputError(name, getattr(self, name), "a text")
        if (self.kind in REWARD_KINDS) != isinstance(
            self.reward, Cash | Points | Coupon | Perk
        ):
            rule = "a reward in facts that are granted or withdrawn, and only there"
            raise InvalidInputError("reward", self.reward, rule)
        if (self.reward is None) != (self.reward_key is None):
            rule = "told where a reward is, and only there"
            raise InvalidInputError("reward_key", self.reward_key, rule)
        if self.reward_key is not None:
            require_id("reward_key", self.reward_key)

    def explain(self, lang: Lang = "zh") -> str:
        """Return why, for people.

        Parameters
        ----------
        lang
            ``"zh"`` or ``"en"``.

        Returns
        -------
        str
            One sentence.
        """
        return Words(self.zh, self.en)[lang]
