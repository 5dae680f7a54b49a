"""What WeChat answers when it refuses (错误码), and what follows from it.

Each code says what it means, what the sender does about it, how far it reaches,
when another attempt makes sense, and what it does to a quota.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANSWERS", "Answer", "Effect", "Retry", "Scope", "answer_to"]

#: How far an answer reaches.
Scope = Literal[
    "call", "recipient", "template", "recipient x template", "api", "account", "content"
]
#: When another attempt makes sense. ``"done"``: the message is there already;
#: ``"back_off"``: soon, with growing pauses; ``"refresh_token"``: once, with a new
#: token; ``"next_minute"``, ``"next_day"``, ``"next_period"``: when that begins;
#: ``"on_trigger"``: when the user has done something; ``"fixed"``: when somebody
#: has mended message, template or configuration; ``"never"``.
Retry = Literal[
    "done",
    "back_off",
    "refresh_token",
    "next_minute",
    "next_day",
    "next_period",
    "on_trigger",
    "fixed",
    "never",
]
#: What it does to a quota, "" for nothing. ``"void"`` takes the grants given until
#: then, ``"close"`` the windows opened until then, ``"use_up"`` what is left in
#: them; ``"unfollow"``, ``"suppress"`` and ``"invalid"`` mark the recipient;
#: ``"stop"`` holds within the scope until lifted, ``"minute"``, ``"day"`` and
#: ``"period"`` until the next one begins; ``"sent"`` counts as a message.
Effect = Literal[
    "",
    "void",
    "close",
    "use_up",
    "unfollow",
    "suppress",
    "invalid",
    "stop",
    "minute",
    "day",
    "period",
    "sent",
]


@attrs.frozen
class Answer:
    """One error code, and what follows from it (错误码).

    Attributes
    ----------
    code
        The number.
    zh, en
        What it means.
    action_zh, action_en
        What the sender does about it.
    scope
        How far it reaches: a ``Scope``.
    retry
        When another attempt makes sense: a ``Retry``.
    effect
        What it does to a quota: an ``Effect``.
    known
        False for a code that the table does not have.
    """

    code: int
    zh: str
    en: str
    action_zh: str
    action_en: str
    scope: Scope
    retry: Retry
    effect: Effect = ""
    known: bool = True


_TOKEN: Final = (
    "加锁刷新一次，仍失败则放弃",
    "refresh once under a lock, then fail",
    "account",
    "refresh_token",
)
_NETWORK: Final = (
    "配置报警：检查白名单",
    "configuration alarm: look at the allow-list",
    "account",
    "fixed",
)
_LIMITED: Final = (
    "停用模板并报警",
    "stop the template, alarm",
    "template",
    "fixed",
    "stop",
)
_GONE: Final = ("停用该接口", "stop using the API", "api", "never", "stop")
_BANNED: Final = (
    "停止一切发送并报警",
    "stop everything, alarm",
    "account",
    "fixed",
    "stop",
)
_REFUSED: Final = ("不再发送", "send nothing more", "recipient", "never", "suppress")
_PAYLOAD: Final = ("修正内容后再发", "mend the payload", "template", "fixed")

_ANSWERS: Final = (
    Answer(-1, "系统繁忙", "busy", "退避重试", "retry with pauses", "call", "back_off"),
    Answer(40001, "access_token 无效", "token is not valid", *_TOKEN),
    Answer(
        40003,
        "openid 无效",
        "no such openid",
        "标记接收人无效",
        "mark the recipient invalid",
        "recipient",
        "never",
        "invalid",
    ),
    Answer(40014, "access_token 不合法", "token is not well formed", *_TOKEN),
    Answer(
        40037,
        "模板 ID 不正确",
        "no such template",
        "停用模板",
        "disable the template",
        "template",
        "fixed",
        "stop",
    ),
    Answer(40164, "调用 IP 不在白名单", "address not on the allow-list", *_NETWORK),
    Answer(40249, "模板含营销内容", "template limited: marketing", *_LIMITED),
    Answer(40250, "模板不规范", "template limited: non-standard", *_LIMITED),
    Answer(
        40251,
        "模板因历史违规受限",
        "template limited: past violations",
        *_LIMITED,
    ),
    Answer(40252, "模板审核中", "template limited: in review", *_LIMITED),
    Answer(41030, "页面路径不正确", "no such page", *_PAYLOAD),
    Answer(42001, "access_token 过期", "token has expired", *_TOKEN),
    Answer(
        43004,
        "需要接收者关注",
        "the recipient must follow",
        "标记为未关注",
        "mark as not following",
        "recipient",
        "on_trigger",
        "unfollow",
    ),
    Answer(43019, "接收者在黑名单中", "recipient is blocked by the account", *_REFUSED),
    Answer(
        43101,
        "用户未授权或授权已用完",
        "no grant left, or refused",
        "授权余额清零",
        "take the balance as 0",
        "recipient x template",
        "on_trigger",
        "void",
    ),
    Answer(43116, "模板因滥用受限", "template limited: abuse", *_LIMITED),
    Answer(
        43117,
        "向该用户发送过于频繁",
        "too frequent to this recipient",
        "对该用户退避到次日",
        "leave this recipient alone until the next day",
        "recipient x template",
        "next_day",
        "day",
    ),
    Answer(
        45009,
        "接口调用超过当日上限",
        "the day's calls are used up",
        "停到次日",
        "stop until the next day",
        "api",
        "next_day",
        "day",
    ),
    Answer(
        45011,
        "接口调用超过每分钟上限",
        "the minute's calls are used up",
        "等到下一分钟",
        "wait for the next minute",
        "api",
        "next_minute",
        "minute",
    ),
    Answer(
        45015,
        "超过回复时限",
        "the reply window is closed",
        "放弃或改走其它渠道",
        "drop it, or take another channel",
        "recipient",
        "on_trigger",
        "close",
    ),
    Answer(
        45028,
        "没有群发配额",
        "no mass send left",
        "停止群发",
        "stop mass sends",
        "account",
        "next_period",
        "period",
    ),
    Answer(
        45047,
        "客服消息下发条数超过上限",
        "the window's messages are used up",
        "等待用户下一次触发",
        "wait for the user's next act",
        "recipient",
        "on_trigger",
        "use_up",
    ),
    Answer(
        45065,
        "clientmsgid 重复，消息已群发",
        "this clientmsgid was sent already",
        "按成功处理",
        "take it as a success",
        "call",
        "done",
        "sent",
    ),
    Answer(45109, "接口已关闭", "the API is closed", *_GONE),
    Answer(
        47003,
        "模板参数值不合规",
        "a field's value is not allowed",
        "修正字段后再发，不重试",
        "mend the payload, do not retry as it is",
        "template",
        "fixed",
    ),
    Answer(47009, "接口已下线", "the API is offline", *_GONE),
    Answer(
        48001,
        "没有该接口的权限",
        "no permission for this API",
        "检查账号权限配置",
        "look at the account's permissions",
        "api",
        "fixed",
        "stop",
    ),
    Answer(48002, "用户拒收消息", "the recipient refuses messages", *_REFUSED),
    Answer(48004, "接口被封禁", "the API is banned", *_BANNED),
    Answer(50002, "账号受限", "the account is restricted", *_BANNED),
    Answer(61004, "调用 IP 未登记", "address not registered", *_NETWORK),
    Answer(
        87014,
        "内容含违规信息",
        "risky content",
        "转人工审核",
        "send it to review",
        "content",
        "fixed",
    ),
)
#: Code -> what follows from it.
ANSWERS: Final[Mapping[int, Answer]] = MappingProxyType(
    {answer.code: answer for answer in _ANSWERS}
)


def answer_to(code: int) -> Answer:
    """Return what follows from an error code.

    Parameters
    ----------
    code
        The number that the platform gave.

    Returns
    -------
    Answer
        Of a code that ``ANSWERS`` does not have: keep the message, do not retry
        it, let somebody look. A quota stays as it is.

    Raises
    ------
    InvalidInputError
        If it is no whole number, or 0, which is no refusal.

    Examples
    --------
    >>> answer_to(43101).effect, answer_to(99999).retry
    ('void', 'never')
    """
    if not isinstance(code, int) or isinstance(code, bool) or code == 0:
        hint = "0 is a success: fold it in as a Sent"
        raise InvalidInputError("code", code, "an error code other than 0", hint)
    return ANSWERS.get(code) or Answer(
        code,
        "未知错误码",
        "unknown code",
        "保留消息，不自动重试，人工查看",
        "keep the message, do not retry, let somebody look",
        "call",
        "never",
        known=False,
    )
