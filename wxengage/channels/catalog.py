"""The ways to reach somebody in WeChat (触达渠道), and what each one is for.

A channel says what it may carry, who must press the button, whether the
platform pushes it at all, and by what kind of quota and which rules it is
limited. The numbers are not here: they are rule data, see ``wxengage.rules``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.sends import Category  # noqa: TC001  the codec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.rules.book import Rulebook
    from wxengage.users import AccountKind

__all__ = ["CATALOG", "Audience", "Channel", "Confirmer", "QuotaKind"]

#: Who must confirm before a message goes: nobody, or the WeCom member (企业成员)
#: in whose name it goes.
Confirmer = Literal["nobody", "member"]
#: Whom one message reaches: a user, a group chat, or whoever looks.
Audience = Literal["user", "group", "public"]
#: How a channel is limited for each user: not at all as far as is known, by a
#: window that the user's own act opens (互动窗口), by grants that the user gives
#: one by one (订阅授权), or by a number a calendar period (周期配额).
QuotaKind = Literal["none", "window", "grant", "period"]


_EITHER: Final[tuple[Category, ...]] = ("marketing", "service")


@attrs.frozen
class Channel:
    """One way to reach somebody (渠道).

    Attributes
    ----------
    code
        Its key in ``CATALOG``, and the ``channel`` of sends that go this way.
    zh, en
        What people call it.
    carries
        The categories it may carry.
    on
        The kinds of account that have it.
    confirmed_by
        ``"member"`` where a person must confirm each send.
    needs_follow
        Whether the user must follow the account.
    is_push
        False where nothing is sent and people come by themselves.
    quota
        How it is limited for each user: a ``QuotaKind``.
    rules
        Ids of the rules that say so, in ``wxengage.rules.rulebook``.
    to
        Whom one message reaches: an ``Audience``. The ``user`` of a message to a
        group is the group's id.
    """

    code: str
    zh: str
    en: str
    carries: tuple[Category, ...] = _EITHER
    on: tuple[AccountKind, ...] = ()
    confirmed_by: Confirmer = "nobody"
    needs_follow: bool = False
    is_push: bool = True
    quota: QuotaKind = "none"
    rules: tuple[str, ...] = ()
    to: Audience = "user"

    def carried(self, rulebook: Rulebook | None) -> tuple[Category, ...]:
        """Return what the channel may carry under the rules of a day.

        Parameters
        ----------
        rulebook
            The rules; None for the catalogue's own word.

        Returns
        -------
        tuple of str
            What a rule of the channel that is in force gives as its ``purpose``,
            else both categories where the rules do not say.

        Examples
        --------
        >>> import datetime as dt
        >>> from wxengage.rules.book import rulebook
        >>> CATALOG["template_message"].carried(rulebook(dt.date(2026, 3, 1)))
        ('service',)
        """
        if rulebook is None:
            return self.carries
        found = [
            rulebook[name].params["purpose"]
            for name in self.rules
            if name in rulebook and "purpose" in rulebook[name].params
        ]
        said = [one for one in found if isinstance(one, tuple)]
        return tuple(c for c in _EITHER if all(c in purpose for purpose in said))


_OFFICIAL: Final[tuple[AccountKind, ...]] = ("service", "subscription")
_MINI: Final[tuple[AccountKind, ...]] = ("mini_program",)
_WECOM: Final[tuple[AccountKind, ...]] = ("wecom",)
_WINDOWS: Final = tuple(f"WX-CS-00{number}" for number in range(1, 6))

_CHANNELS: Final = (
    Channel(
        "customer_message",
        "客服消息",
        "customer message",
        on=_OFFICIAL,
        needs_follow=True,
        quota="window",
        rules=_WINDOWS,
    ),
    Channel(
        "template_message",
        "模板消息",
        "template message",
        carries=("service",),
        on=("service",),
        needs_follow=True,
        rules=("WX-TPL-001", "WX-TPL-002", "WX-TPL-003", "WX-TPL-004"),
    ),
    Channel(
        "subscribe_message",
        "订阅通知",
        "subscribe message",
        on=_OFFICIAL,
        quota="grant",
        rules=("WX-SUB-001", "WX-SUB-002", "WX-SUB-003"),
    ),
    Channel(
        "mass_send",
        "群发",
        "mass send",
        on=_OFFICIAL,
        needs_follow=True,
        quota="period",
        rules=("WX-MASS-001", "WX-MASS-002", "WX-MASS-003", "WX-MASS-004"),
    ),
    Channel(
        "mini_program_subscribe",
        "小程序订阅消息",
        "mini program subscribe message",
        on=_MINI,
        quota="grant",
        rules=("WX-SUB-001", "WX-SUB-002", "WX-SUB-003"),
    ),
    Channel(
        "mini_program_customer_message",
        "小程序客服消息",
        "mini program customer message",
        on=_MINI,
        quota="window",
        rules=("WX-CS-006",),
    ),
    Channel(
        "wecom_customer_task",
        "企业微信客户群发",
        "WeCom customer task",
        on=_WECOM,
        confirmed_by="member",
        quota="period",
        rules=("WW-EXT-001", "WW-EXT-002", "WW-API-001"),
    ),
    Channel(
        "wecom_group_task",
        "企业微信客户群群发",
        "WeCom group task",
        on=_WECOM,
        confirmed_by="member",
        quota="period",
        rules=("WW-EXT-001", "WW-EXT-002", "WW-API-001"),
        to="group",
    ),
    Channel(
        "wecom_moments",
        "企业微信客户朋友圈",
        "WeCom moments",
        on=_WECOM,
        confirmed_by="member",
        rules=("WW-API-001",),
        to="public",
    ),
    Channel(
        "group_robot",
        "企业微信群机器人",
        "WeCom group robot",
        on=_WECOM,
        quota="period",
        rules=("WW-API-001",),
        to="group",
    ),
    Channel(
        "passive_reply",
        "被动回复",
        "passive reply",
        on=_OFFICIAL,
        quota="window",
        rules=("WX-RECV-001",),
    ),
    Channel("live", "视频号直播", "live stream", is_push=False, to="public"),
    Channel(
        "mini_program_page",
        "小程序页面",
        "mini program page",
        on=_MINI,
        is_push=False,
        to="public",
    ),
)
#: Every channel that the library knows, by its code. A channel that is not here
#: is the caller's own: no rule of a channel applies to it.
#:
#: One-time subscriptions are meant: long-term ones, which only public services
#: get (WX-SUB-002), have no balance, and carry service messages alone.
CATALOG: Final[Mapping[str, Channel]] = MappingProxyType(
    {channel.code: channel for channel in _CHANNELS}
)
