"""Notices (通知): what users are told of the facts that a campaign finds.

A notice names a kind of fact, a way to send, and the texts of a template's fields.
The letter holds only which fact it is about; its words are made when it goes, so no
text lies in the store, and a fact that is found twice is told once.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.adapters.outgoing import (
    REQUESTS,
    CustomerTask,
    StaffText,
    SubscribeMessage,
    TemplateMessage,
    Text,
)
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.folding import MADE_UP, UNMADE
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.judging import COUNTED, REFUSED, RETRACTED, VOID
from wxengage.campaigns.definitions import require_all
from wxengage.campaigns.facts import REWARD_KINDS
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.referrals.invites import Status
from wxengage.channels.catalog import CATALOG
from wxengage.delivery.ports import Letter, letters
from wxengage.desk.wording import (
    longest_instant,
    longest_value,
    one_line,
    pieces_of,
    promoting_word,
    reward_text,
    said_of,
)
from wxengage.errors import InvalidInputError, nearest, require_id
from wxengage.money import Cash, Coupon, Perk, Points, Reward
from wxengage.sends import Category, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.adapters.outgoing import Content
    from wxengage.campaigns.facts import Fact
    from wxengage.rules.book import Rulebook
    from wxengage.times.days import DayClock

__all__ = [
    "FACT_KINDS",
    "Notice",
    "check_notices",
    "fact_key_of",
    "notice_of",
    "notices_of",
]

_LOG: Final = logging.getLogger("wxengage.desk")
#: Type of campaign -> the kinds of facts that it finds.
FACT_KINDS: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        kind: frozenset({*REWARD_KINDS, *found})
        for kind, found in {
            Referral: [status.value for status in Status],
            CheckIn: [MADE_UP, UNMADE],
            Contest: [COUNTED, REFUSED, RETRACTED, VOID, "entered", "left"],
            Gift: ["offered", "expired", "refused"],
        }.items()
    }
)
_ALL_KINDS: Final = tuple(sorted(frozenset[str]().union(*FACT_KINDS.values())))
_PREFIX: Final = "notice:"
#: The field of a channel that has words and no template.
_CONTENT: Final = "content"


def _fact_kind(_: object, field: attrs.Attribute[str], got: object) -> None:
    if not isinstance(got, str) or got not in _ALL_KINDS:
        hint = nearest(got, _ALL_KINDS)
        raise InvalidInputError(field.name, got, "a kind of fact", hint)


def _an_id(_: object, field: attrs.Attribute[str], got: object) -> None:
    require_id(field.name, got)


def _an_id_or_none(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if got is not None:
        require_id(field.name, got)


def _texts(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, Mapping) or not got:
        hint = "for example {'thing1': '{why}'}"
        raise InvalidInputError(field.name, got, "texts by the fields' names", hint)
    for name, text in got.items():
        require_id(f"{field.name}'s name", name)
        pieces_of(f"{field.name}[{name!r}]", text)


def _content_of(channel: str) -> type[Any]:
    """Return what is said on a channel; on one that is no sender's of ours, words."""
    return REQUESTS[channel][0] if channel in REQUESTS else Text


@attrs.frozen
class Notice:
    """What the users are told whom facts of a kind are about (通知).

    Attributes
    ----------
    fact
        The kind of fact, such as ``"granted"``.
    channel
        How it goes, such as ``"template_message"``.
    template_id
        Which template; on a channel that has none, a name of your choice.
    fields
        The template's fields and their texts, in which ``{user}``, ``{reward}``,
        ``{other}``, ``{reason}``, ``{at}`` and ``{why}`` stand for what the fact
        says. A channel without templates has one field, ``content``.
    topic, category, account, transactional
        As in ``Send``.
    campaign
        Only facts of this campaign; None for those of every one.
    link
        Where a tap leads: a template's URL, or a page; None for nowhere.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> Notice("granted", "template_message", "t1", {"thing1": "{why}"}).category
    'service'
    """

    fact: str = attrs.field(validator=_fact_kind)
    channel: str = attrs.field(validator=_an_id)
    template_id: str = attrs.field(validator=_an_id)
    fields: Mapping[str, str] = attrs.field(validator=_texts)
    topic: str = attrs.field(default="", kw_only=True)
    category: Category = attrs.field(default="service", kw_only=True)
    account: str | None = attrs.field(
        default=None, kw_only=True, validator=_an_id_or_none
    )
    transactional: bool = attrs.field(default=False, kw_only=True)
    campaign: str | None = attrs.field(
        default=None, kw_only=True, validator=_an_id_or_none
    )
    link: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        self._send("any", "any")  # the rules of a send are a notice's too
        if self.link is not None and (
            not isinstance(self.link, str) or not self.link.strip()
        ):
            raise InvalidInputError("link", self.link, "a text, or None")
        if not self.is_templated and set(self.fields) != {_CONTENT}:
            hint = f"{self.channel} has no template, so write {{'content': '...'}}"
            rule = "one field, 'content'"
            raise InvalidInputError("fields", tuple(self.fields), rule, hint)

    @property
    def is_templated(self) -> bool:
        """Whether the channel fills in a template."""
        return _content_of(self.channel) in {TemplateMessage, SubscribeMessage}

    def tells(self, fact: Fact) -> bool:
        """Return whether this is about a fact."""
        return fact.kind == self.fact and self.campaign in {None, fact.campaign}

    def sends(self, fact: Fact) -> Send:
        """Return the message of a fact.

        Parameters
        ----------
        fact
            What was found.

        Returns
        -------
        Send
            The same for the same fact, for ever.
        """
        return self._send(f"{_PREFIX}{fact.key}", fact.user)

    def _send(self, name: str, user: str) -> Send:
        return Send(
            name,
            user,
            self.channel,
            self.template_id,
            account=self.account,
            topic=self.topic,
            category=self.category,
            transactional=self.transactional,
        )

    def content(self, fact: Fact, clock: DayClock, book: Rulebook) -> Content:
        """Return what is said of a fact.

        Parameters
        ----------
        fact
            What was found.
        clock
            On whose wall ``{at}`` is told.
        book
            The rules by which values are cut; what is too long ends in an ellipsis.

        Returns
        -------
        Content
            As the senders take it.
        """
        said = said_of(fact, clock)
        values = {
            name: self._value(name, text.format_map(said), book)
            for name, text in self.fields.items()
        }
        kind = _content_of(self.channel)
        if kind is TemplateMessage:
            return TemplateMessage(self.template_id, values, url=self.link)
        if kind is SubscribeMessage:
            return SubscribeMessage(self.template_id, values, page=self.link)
        if kind is CustomerTask:
            return CustomerTask(values[_CONTENT])
        return Text(values[_CONTENT])

    def _value(self, name: str, text: str, book: Rulebook) -> str:
        if not self.is_templated:
            return text if text.strip() else one_line(text, None)
        whole = one_line(text, None)
        shown = one_line(text, self.longest(name, book))
        if shown != whole:
            told = "notice of %s: %s is cut from %d to %d characters"
            _LOG.warning(told, self.fact, name, len(whole), len(shown))
        return shown

    def longest(self, name: str, book: Rulebook) -> int | None:
        """Return how many characters a field takes, None where that is not bounded."""
        return longest_value(self.channel, name, book) if self.is_templated else None


def notices_of(notices: Iterable[Notice], fact: Fact) -> tuple[Letter, ...]:
    """Return the letters that tell of a fact.

    Parameters
    ----------
    notices
        The desk's.
    fact
        What was found.

    Returns
    -------
    tuple of Letter
        In the order of the notices, and the same for the same fact, for ever. Two
        notices that would be one letter are one.
    """
    sends = [notice.sends(fact) for notice in notices if notice.tells(fact)]
    return letters(tuple(dict.fromkeys(sends)))


def fact_key_of(send: Send) -> str | None:
    """Return the key of the fact that a message tells of; None for any other."""
    return send.id.removeprefix(_PREFIX) if send.id.startswith(_PREFIX) else None


def notice_of(notices: Iterable[Notice], fact: Fact, send: Send) -> Notice | None:
    """Return the notice that a message of a fact was made by, None where it is gone."""
    same = (n for n in notices if n.tells(fact) and n.sends(fact) == send)
    return next(same, None)


# Before a campaign is published.


def check_notices(
    notices: Iterable[Notice],
    campaign: Any,
    rulebook: Rulebook,
) -> None:
    """Raise unless the notices can be sent for what a campaign finds.

    Parameters
    ----------
    notices
        The desk's.
    campaign
        What is to be published.
    rulebook
        The rules of the day.

    Raises
    ------
    InvalidInputError
        Naming every fault: a channel that takes no such message, values that are
        longer than the platform shows, marketing in a template, a letter that two
        notices would send. Placeholders that may be of any length are cut when the
        message goes.
    """
    known = tuple(notices)
    found = FACT_KINDS[type(campaign)]
    own = [
        (row, notice)
        for row, notice in enumerate(known)
        if isinstance(notice, Notice)
        and notice.campaign in {None, campaign.id}
        and (notice.fact in found or notice.campaign is not None)
    ]
    rewards = tuple(_rewards(campaign))
    checks: list[Callable[[], Any]] = [
        functools.partial(_require_notice, row, notice)
        for row, notice in enumerate(known)
    ]
    for row, notice in own:
        checks += [
            functools.partial(_check_kind, row, notice, found),
            functools.partial(_check_channel, row, notice, rulebook),
            functools.partial(_check_twice, row, notice, known[:row]),
            functools.partial(_check_values, row, notice, rulebook, rewards),
            functools.partial(_check_words, row, notice, rewards),
        ]
    require_all("notices", campaign.id, checks)


def _rewards(value: Any) -> Iterable[Reward]:
    """Yield every reward that stands in a definition."""
    if isinstance(value, Cash | Points | Coupon | Perk):
        yield value
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _rewards(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _rewards(one)


def _require_notice(row: int, notice: object) -> None:
    if not isinstance(notice, Notice):
        raise InvalidInputError(f"notices[{row}]", notice, "a Notice")


def _check_kind(row: int, notice: Notice, found: frozenset[str]) -> None:
    if notice.fact not in found:
        rule = "a kind of fact that the campaign finds"
        hint = nearest(notice.fact, sorted(found))
        raise InvalidInputError(f"notices[{row}].fact", notice.fact, rule, hint)


def _check_channel(row: int, notice: Notice, book: Rulebook) -> None:
    name, channel = f"notices[{row}].channel", CATALOG.get(notice.channel)
    if _content_of(notice.channel) is StaffText or (
        channel is not None and (channel.to != "user" or not channel.is_push)
    ):
        rule = "a channel that reaches one user"
        raise InvalidInputError(name, notice.channel, rule)
    if channel is None and "did you mean" in nearest(notice.channel, CATALOG):
        rule, hint = "a channel of the catalogue", nearest(notice.channel, CATALOG)
        raise InvalidInputError(name, notice.channel, rule, hint)
    carried = channel is None or notice.category in channel.carried(book)
    if not carried:
        rule = f"what {notice.channel} may carry"
        name = f"notices[{row}].category"
        raise InvalidInputError(name, notice.category, rule)


def _check_twice(row: int, notice: Notice, earlier: tuple[Any, ...]) -> None:
    place = (notice.fact, notice.account, notice.channel, notice.template_id)
    for first, one in enumerate(earlier):
        if not isinstance(one, Notice):
            continue
        meet = one.campaign is None or one.campaign == notice.campaign
        if meet and place == (one.fact, one.account, one.channel, one.template_id):
            hint = f"notices[{first}] sends the same letter"
            rule = "another message than the others"
            raise InvalidInputError(f"notices[{row}]", notice.template_id, rule, hint)


def _check_values(
    row: int, notice: Notice, book: Rulebook, rewards: tuple[Reward, ...]
) -> None:
    for name, text in notice.fields.items():
        where = f"notices[{row}].fields[{name!r}]"
        pieces = pieces_of(where, text)
        if notice.fact not in REWARD_KINDS and any(p == "reward" for _, p in pieces):
            rule = "without {reward}, for no reward moves"
            raise InvalidInputError(where, text, rule, f"{notice.fact!r} moves none")
        longest = notice.longest(name, book)
        needs = sum(len(said) + _least(p, rewards) for said, p in pieces)
        if longest is not None and needs > longest:
            rule = f"at most {longest} characters when it is filled in"
            hint = f"it may take {needs}; shorten the words around the placeholders"
            raise InvalidInputError(where, text, rule, hint)
        if "\n" in text and notice.is_templated:
            raise InvalidInputError(where, text, "without line breaks")


def _least(placeholder: str | None, rewards: tuple[Reward, ...]) -> int:
    """Return how many characters a placeholder is sure to need at its longest."""
    if placeholder == "at":
        return longest_instant()
    if placeholder == "reward":
        return max((len(reward_text(one)) for one in rewards), default=0)
    return 0


def _check_words(row: int, notice: Notice, rewards: tuple[Reward, ...]) -> None:
    if notice.channel != "template_message":
        return
    for name, text in notice.fields.items():
        said = text
        if "{reward}" in text:
            said += "".join(reward_text(one) for one in rewards)
        word = promoting_word(said)
        if word is not None:
            rule = "free of marketing, which a template may not carry"
            hint = f"take out {word!r}, or use a customer message"
            where = f"notices[{row}].fields[{name!r}]"
            raise InvalidInputError(where, text, rule, hint)
