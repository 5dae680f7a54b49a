"""How far somebody has come (我的进度): what counts, what is owed, what is missing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.people import NOBODY as NO_CHALLENGER
from wxengage.campaigns.checkins.risks import progress_of
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.subjects import entry_key
from wxengage.campaigns.facts import REWARD_KINDS
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.gifts.holders import NOBODY as NO_HOLDER
from wxengage.campaigns.gifts.holders import standing
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.referrals.judging import Book
from wxengage.campaigns.referrals.people import NOBODY
from wxengage.campaigns.referrals.sentences import REASONS, reward_words
from wxengage.codec.envelope import load
from wxengage.desk.granting import UNCLAIMED
from wxengage.desk.rows import fact_of, payout_of
from wxengage.desk.running import running
from wxengage.desk.waiting import NOT_CLAIMED
from wxengage.ledger.states import State
from wxengage.times.zones import micros
from wxengage.words import Words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from wxengage.campaigns.facts import Fact
    from wxengage.desk.running import Running
    from wxengage.desk.unit import Unit
    from wxengage.ledger.records import PayoutRecord
    from wxengage.money import Reward

__all__ = ["CampaignProgress", "Line", "Owed", "Progress", "progress_in"]

Lang = Literal["zh", "en"]
#: What users read of a payout's state.
_STATES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "held": Words("审核中", "being looked at"),
        UNCLAIMED: Words("待领取", "to be claimed"),
        NOT_CLAIMED: Words("超时未领取", "not claimed in time"),
        "unfunded": Words("等待补充预算", "waiting for budget"),
        "reserved": Words("等待发放", "to be paid"),
        "submitting": Words("发放中", "being paid"),
        "accepted": Words("微信支付处理中", "with WeChat Pay"),
        "awaiting_user": Words("待确认收款", "waiting to be accepted"),
        "unknown": Words("发放结果确认中", "being found out"),
        "parked": Words("人工核实中", "with our staff"),
        "paid": Words("已发放", "paid"),
        "failed": Words("发放失败", "failed"),
        "expired_refunded": Words("超时退回", "not taken in time, so returned"),
        "cancelled": Words("已取消", "called off"),
        "set_off": Words("已抵扣欠款", "set off against a debt"),
    }
)
# Where users read more than the state.
_NAMED: Final = {
    (State.HELD.value, UNCLAIMED),
    (State.CANCELLED.value, NOT_CLAIMED),
}


@attrs.frozen
class Owed:
    """One reward, and where it is (奖励).

    Attributes
    ----------
    reward_key
        Which reward of the user it is.
    reward
        What is paid; of what was granted, the rest where a debt took some.
    state
        Of its payout; ``"set_off"`` where a debt took all of it.
    number
        Of its payout, by which it is claimed; None where there is none.
    because
        Why it stands there, for programs; may be "".
    zh, en
        Why it was granted, for people.
    """

    reward_key: str
    reward: Reward
    state: str
    number: str | None
    because: str
    zh: str
    en: str

    def explain(self, lang: Lang = "zh") -> str:
        """Return what it is and where, for people."""
        named = (self.state, self.because) in _NAMED
        state = _STATES[self.because if named else self.state]
        colon = "：" if lang == "zh" else ": "  # noqa: RUF001  as Chinese is written
        return reward_words(self.reward)[lang] + colon + state[lang]


@attrs.frozen
class Line:
    """One invite or entry, and why it stands as it does (明细).

    Attributes
    ----------
    other
        The invitee, or the entry.
    status
        For programs.
    since
        Since when.
    reason
        Why, for programs.
    zh, en
        Why, for people.
    """

    other: str
    status: str
    since: dt.datetime
    reason: str
    zh: str
    en: str

    def explain(self, lang: Lang = "zh") -> str:
        """Return who it is about, and why, for people."""
        colon = "：" if lang == "zh" else ": "  # noqa: RUF001  as Chinese is written
        return self.other + colon + Words(self.zh, self.en)[lang]


@attrs.frozen
class CampaignProgress:
    """How far somebody has come in one campaign (活动进度).

    Attributes
    ----------
    campaign
        Its id.
    state
        Open, paused or closed.
    count
        Valid invites, the streak in days, votes of all entries, or 1 for a gift that
        is the user's.
    needs
        How many more of these lead to the next reward; None where none is left.
    next
        That reward.
    standing, missing
        The same in words; ``missing`` is None where none is left.
    rewards
        What was granted.
    lines
        Invites or entries.
    """

    campaign: str
    state: str
    count: int
    needs: int | None
    next: Reward | None
    standing: Words
    missing: Words | None
    rewards: tuple[Owed, ...] = ()
    lines: tuple[Line, ...] = ()

    def explain(self, lang: Lang = "zh") -> str:
        """Return all of it, for people.

        Parameters
        ----------
        lang
            ``"zh"`` or ``"en"``.

        Returns
        -------
        str
            Several lines.
        """
        missing = [] if self.missing is None else [self.missing[lang]]
        rows: tuple[Owed | Line, ...] = (*self.rewards, *self.lines)
        told = [self.standing[lang], *missing, *(row.explain(lang) for row in rows)]
        return "\n  ".join([self.campaign, *told])


@attrs.frozen
class Progress:
    """How far somebody has come (我的进度); prints in Chinese.

    Attributes
    ----------
    user
        Who.
    campaigns
        By id; those in which the user has done anything.
    """

    user: str
    campaigns: tuple[CampaignProgress, ...]

    def __getitem__(self, campaign: str) -> CampaignProgress:
        for one in self.campaigns:
            if one.campaign == campaign:
                return one
        raise KeyError(campaign)

    def explain(self, lang: Lang = "zh") -> str:
        """Return all of it, for people.

        Parameters
        ----------
        lang
            ``"zh"`` or ``"en"``.

        Returns
        -------
        str
            Several lines; empty where there is nothing.
        """
        return "\n".join(one.explain(lang) for one in self.campaigns)

    def __str__(self) -> str:
        return self.explain()


def progress_in(
    unit: Unit, user: str, campaign: str | None, now: dt.datetime
) -> Progress:
    """Return how far somebody has come.

    Parameters
    ----------
    unit
        The transaction's rows.
    user
        Who.
    campaign
        Id of the one campaign that is asked for; None: all.
    now
        The instant.

    Returns
    -------
    Progress
        Of the one campaign in any case; of all, where there is anything to tell.
    """
    asked = running(unit)
    if campaign is not None:
        asked = tuple(one for one in asked if one.campaign.id == campaign)
    facts: dict[str, list[Fact]] = {}
    for row in unit.find("fact", "by_user", (user,)):
        facts.setdefault(str(row[1]), []).append(fact_of(row).fact)
    payouts: dict[str, list[PayoutRecord]] = {}
    for row in unit.find("payout", "by_user", (user,)):
        payouts.setdefault(str(row[1]), []).append(payout_of(row))
    found = []
    for one in asked:
        name = one.campaign.id
        known = unit.get("subject", name, user) is not None
        if campaign is not None or known or name in facts or name in payouts:
            teller = _Teller(unit, one, user, facts.get(name, []), now)
            found.append(teller.told(payouts.get(name, [])))
    return Progress(user, tuple(found))


class _Teller:
    """One campaign, told to one user."""

    def __init__(
        self, unit: Unit, one: Running, user: str, facts: list[Fact], now: dt.datetime
    ) -> None:
        self._unit, self._one, self._user = unit, one, user
        self._facts, self._now = facts, now

    def told(self, payouts: Iterable[PayoutRecord]) -> CampaignProgress:
        """Return the progress."""
        campaign = self._one.campaign
        count, needs, ahead, standing, lines = _TELLERS[type(campaign)](self, campaign)
        missing = None
        if needs is not None and ahead is not None:
            missing = _MISSING[type(campaign)](needs, reward_words(ahead))
        return CampaignProgress(
            campaign.id,
            self._one.state,
            count,
            needs,
            ahead,
            standing,
            missing,
            self._rewards(payouts),
            tuple(lines),
        )

    def _rewards(self, payouts: Iterable[PayoutRecord]) -> tuple[Owed, ...]:
        """Return what was granted, in the order in which it was."""
        moved = [fact for fact in self._facts if fact.kind in REWARD_KINDS]
        latest = {fact.reward_key: fact for fact in moved if fact.reward_key}
        records = {
            record.reward_key: record
            for record in sorted(payouts, key=lambda one: one.payout.generation)
        }
        found = []
        for key, fact in latest.items():
            record = records.get(str(key))
            if record is None and fact.kind != REWARD_KINDS[0]:
                continue
            found.append(_owed(str(key), fact, record))
        return tuple(found)

    def _subject(self, key: str, nobody: Any = None) -> Any:
        row = self._unit.get("subject", self._one.campaign.id, key)
        return nobody if row is None else load(str(row[2]))

    def referral(self, campaign: Referral) -> _Told:
        """Tell the rung, and each invite."""
        others = {fact.other for fact in self._facts if fact.other is not None}
        people: dict[str, Any] = {}
        new = {self._user, *others}
        while new:
            self._unit.load("subject", [(campaign.id, key) for key in new])
            people |= {key: self._subject(key, NOBODY) for key in new}
            asked = {touch.inviter for key in new for touch in people[key].touches}
            new = asked - people.keys()
        book = Book(campaign, people)
        invites = [
            invite
            for key in others
            if (invite := book.invites(key).get(self._user)) is not None
        ]
        invites.sort(key=lambda one: (micros("at", one.touched_at), one.invitee))
        lines = [
            Line(
                one.invitee,
                one.status.value,
                one.since,
                one.reason,
                REASONS[one.reason].zh,
                REASONS[one.reason].en,
            )
            for one in invites
        ]
        count = people[self._user].counts
        step = campaign.ladder.next_rung(count)
        standing = Words(f"有效邀请 {count} 位", f"{count} valid invites")
        if step is None:
            return count, None, None, standing, lines
        return count, step.invites - count, step.adds, standing, lines

    def check_in(self, campaign: CheckIn) -> _Told:
        """Tell the streak."""
        found = progress_of(
            self._subject(self._user, NO_CHALLENGER), campaign, self._now
        )
        zh = f"连续打卡 {found.streak} 天，共 {found.days} 天"  # noqa: RUF001  Chinese
        en = f"a streak of {found.streak} days, {found.days} days in all"
        ahead = None if found.next is None else campaign.pays[found.next]
        return found.streak, found.needs, ahead, Words(zh, en), []

    def contest(self, campaign: Contest) -> _Told:
        """Tell the entries, and their votes."""
        facts = {
            fact.other: fact
            for fact in self._facts
            if fact.kind in {"entered", "left"} and fact.other is not None
        }
        lines, total = [], 0
        for entry, fact in facts.items():
            submission = self._subject(entry_key(entry))
            votes = 0 if submission is None else submission.votes
            total += votes
            zh, en = f"{votes} 票，{fact.zh}", f"{votes} votes. {fact.en}"  # noqa: RUF001
            lines.append(Line(entry, fact.kind, fact.at, fact.reason, zh, en))
        zh = f"参赛作品 {len(lines)} 件，共 {total} 票"  # noqa: RUF001  Chinese
        en = f"{len(lines)} entries with {total} votes"
        del campaign
        return total, None, None, Words(zh, en), lines

    def gift(self, campaign: Gift) -> _Told:
        """Tell whether there is one, and whether it was taken."""
        holder = self._subject(self._user, NO_HOLDER)
        word = "redeemed" if holder.has else standing(holder, campaign).word
        if word == "offered":
            return 0, 1, campaign.reward, _GIFT[word], []
        return int(holder.has), None, None, _GIFT[word], []


_Told = tuple[int, "int | None", "Reward | None", Words, "list[Line]"]
_GIFT: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "": Words("暂无礼包", "no gift so far"),
        "offered": Words("礼包待领取", "a gift to be taken"),
        "redeemed": Words("礼包已领取", "the gift was taken"),
        "expired": Words("礼包已过期", "the gift was not taken in time"),
    }
)


def _owed(key: str, fact: Fact, record: PayoutRecord | None) -> Owed:
    reward: Any = fact.reward
    if record is None:
        return Owed(key, reward, "set_off", None, "", fact.zh, fact.en)
    return Owed(
        key,
        record.payout.reward,
        record.state.value,
        record.payout.number,
        record.because,
        fact.zh,
        fact.en,
    )


_TELLERS: Final[Mapping[type, Callable[[_Teller, Any], _Told]]] = MappingProxyType(
    {
        Referral: _Teller.referral,
        CheckIn: _Teller.check_in,
        Contest: _Teller.contest,
        Gift: _Teller.gift,
    }
)
_MISSING: Final[Mapping[type, Callable[[int, Words], Words]]] = MappingProxyType(
    {
        Referral: lambda needs, reward: Words(
            f"再邀请 {needs} 位好友可得{reward.zh}",
            f"{needs} more for {reward.en}",
        ),
        CheckIn: lambda needs, reward: Words(
            f"再打卡 {needs} 天可得{reward.zh}",
            f"{needs} more days for {reward.en}",
        ),
        Gift: lambda _, reward: Words(
            f"领取可得{reward.zh}", f"take it to get {reward.en}"
        ),
    }
)
