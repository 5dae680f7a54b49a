"""How a campaign is put before people (上线方案): what its definition does not say.

A definition says what is owed for what. Whether WeChat lets it stand also turns on
where people meet it, what they are asked to do, and what they are told.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import attrs

from wxengage.campaigns.definitions import require_all, require_word
from wxengage.campaigns.referrals.campaign import Placement
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.money import Fen, Reward
from wxengage.sends import Category

__all__ = ["Act", "Ask", "Draw", "Gain", "Launch", "Notice"]

#: What people may be asked to do: share something (分享); bring somebody (邀请); have
#: friends help them (助力, 砍价, 拉票); collect from friends (集赞, 集卡); follow the
#: account (关注); grant a subscription (订阅).
Act = Literal["share", "invite", "help", "collect", "follow", "subscribe"]
#: What it may be worth besides a reward: that one may take part, or that it counts
#: at all; votes; chances in a draw.
Gain = Literal["entry", "votes", "draws"]
Payout = Literal["transfer", "red_packet", "none"]

_OLDEST: Final = 150


@attrs.frozen
class Ask:
    """People get something for doing something (诱因).

    Attributes
    ----------
    act
        What they must do: ``"share"``, ``"invite"``, ``"help"``, ``"collect"``,
        ``"follow"`` or ``"subscribe"``.
    gives
        A reward; or ``"entry"``, ``"votes"`` or ``"draws"``.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> Ask("share", "entry")  # a check-in that counts only when it is shared
    Ask(act='share', gives='entry')
    """

    act: Act
    gives: Reward | Gain

    def __attrs_post_init__(self) -> None:
        require_word("act", self.act, Act)
        if not isinstance(self.gives, get_args(Reward)):
            require_word("gives", self.gives, Gain)


@attrs.frozen
class Notice:
    """A message that announces a campaign or reminds of it (活动通知).

    Attributes
    ----------
    channel
        How it goes, as in ``wxengage.channels.CATALOG``.
    category
        ``"marketing"`` or ``"service"``.
    text
        What it says; empty where that is not known.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    channel: str
    category: Category = "marketing"
    text: str = ""

    def __attrs_post_init__(self) -> None:
        require_id("channel", self.channel)
        require_word("category", self.category, Category)
        _a_text("text", self.text)


@attrs.frozen
class Draw:
    """A prize draw (抽奖).

    Attributes
    ----------
    top
        What the highest prize is worth, in fen; goods at their market price.
    odds
        What is published about the odds, or how many prizes there are.
    names_winners
        Whether the winners of large prizes are published.
    keep_years
        How many years the records are kept.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    top: Fen = attrs.field(kw_only=True)
    odds: str = attrs.field(default="", kw_only=True)
    names_winners: bool = attrs.field(default=False, kw_only=True)
    keep_years: int = attrs.field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_whole("top", self.top, least=1)
        _a_text("odds", self.odds)
        got: Any = self.names_winners
        if not isinstance(got, bool):
            raise InvalidInputError("names_winners", got, "True or False")
        require_whole("keep_years", self.keep_years)


@attrs.frozen
class Launch:
    """How a campaign is launched.

    Attributes
    ----------
    placement
        Where people meet it: ``"wechat_link"``, ``"mini_program"``, ``"wecom"``,
        ``"own_app"`` or ``"offline"``. None: where the definition says; where it
        says nothing either, a link in WeChat, on which the rules are strictest.
    asks
        What people get for what, beyond what the definition says itself.
    notices
        The messages that announce it and remind of it.
    rules
        The text of the rules that participants can read. Empty: there is none.
    payout
        How cash is paid: ``"transfer"`` (商家转账), ``"red_packet"`` (现金红包), or
        ``"none"`` where WeChat Pay pays nothing.
    draw
        The prize draw; None: chance decides nothing.
    min_age
        The youngest that may take part, in years; None: nobody has said.

    Raises
    ------
    InvalidInputError
        If fields break their rules: all faults at once.

    Examples
    --------
    >>> Launch(placement="own_app", rules="3 invites: 8 yuan", min_age=18).payout
    'transfer'
    """

    placement: Placement | None = attrs.field(default=None, kw_only=True)
    asks: tuple[Ask, ...] = attrs.field(default=(), kw_only=True)
    notices: tuple[Notice, ...] = attrs.field(default=(), kw_only=True)
    rules: str = attrs.field(default="", kw_only=True)
    payout: Payout = attrs.field(default="transfer", kw_only=True)
    draw: Draw | None = attrs.field(default=None, kw_only=True)
    min_age: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks = [
            self._check_placement,
            lambda: _several("asks", self.asks, Ask),
            lambda: _several("notices", self.notices, Notice),
            lambda: _a_text("rules", self.rules),
            lambda: require_word("payout", self.payout, Payout),
            self._check_draw,
            lambda: (
                self.min_age is None
                or require_whole("min_age", self.min_age, most=_OLDEST)
            ),
        ]
        require_all("Launch", self.placement, checks)

    def _check_placement(self) -> None:
        if self.placement is not None:
            require_word("placement", self.placement, Placement)

    def _check_draw(self) -> None:
        got: Any = self.draw
        if got is not None and not isinstance(got, Draw):
            raise InvalidInputError("draw", got, "a Draw, or None")


def _several(name: str, got: Any, kind: type) -> None:
    if not isinstance(got, tuple):
        hint = "a comma makes a tuple of one" if isinstance(got, kind) else ""
        raise InvalidInputError(name, got, f"a tuple of {kind.__name__}", hint)
    for row, one in enumerate(got):
        if not isinstance(one, kind):
            raise InvalidInputError(f"{name}[{row}]", one, f"a {kind.__name__}")


def _a_text(name: str, got: Any) -> None:
    if not isinstance(got, str):
        raise InvalidInputError(name, got, "a text")
