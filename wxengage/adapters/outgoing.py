"""What is said (消息内容), and the request that says it.

A letter names its message; these values are what the application makes of that
name. They know nothing of the network: a request is a path and a body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from wxengage.errors import InvalidInputError, require_id, require_whole

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "REQUESTS",
    "Content",
    "CustomerTask",
    "Request",
    "StaffText",
    "SubscribeMessage",
    "TemplateMessage",
    "Text",
]

# A lone surrogate has no UTF-8, and NUL and its like no meaning.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _a_text(_: object, field: attrs.Attribute[str], got: object) -> None:
    _require_text(field.name, got)


def _a_text_or_none(_: object, field: attrs.Attribute[str | None], got: object) -> None:
    if got is not None:
        _require_text(field.name, got)


def _an_id(_: object, field: attrs.Attribute[str], got: object) -> None:
    require_id(field.name, got)


def _values(_: object, field: attrs.Attribute[Mapping[str, str]], got: object) -> None:
    if not isinstance(got, Mapping) or not got:
        raise InvalidInputError(field.name, got, "texts by the names of the fields")
    for name, value in got.items():
        require_id(f"{field.name}'s name", name)
        _require_text(f"{field.name}[{name!r}]", value)


def _mini_program(
    _: object, field: attrs.Attribute[tuple[str, str] | None], got: object
) -> None:
    if got is None:
        return
    if not isinstance(got, tuple) or len(got) != 2:  # noqa: PLR2004  a pair
        rule = "None, or appid and page"
        raise InvalidInputError(field.name, got, rule)
    for one in got:
        _require_text(field.name, one)


def _require_text(name: str, got: object) -> None:
    if not isinstance(got, str) or not got.strip():
        raise InvalidInputError(name, got, "a text that is not blank")
    if found := _NO_TEXT.search(got):
        rule = "free of control characters"
        raise InvalidInputError(name, got, rule, f"take out U+{ord(found[0]):04X}")


@attrs.frozen
class Text:
    """Plain words (文本): customer messages and the group robot.

    Attributes
    ----------
    content
        What is said.

    Raises
    ------
    InvalidInputError
        If it is blank or has control characters.
    """

    content: str = attrs.field(validator=_a_text)


@attrs.frozen
class TemplateMessage:
    """A template message (模板消息) of a service account.

    Attributes
    ----------
    template_id
        Which template.
    data
        Its values by the names of the fields.
    url
        Where a tap leads; None for nowhere.
    mini_program
        Appid and page, where it leads to a mini program.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    template_id: str = attrs.field(validator=_an_id)
    data: Mapping[str, str] = attrs.field(validator=_values)
    url: str | None = attrs.field(default=None, kw_only=True, validator=_a_text_or_none)
    mini_program: tuple[str, str] | None = attrs.field(
        default=None, kw_only=True, validator=_mini_program
    )


@attrs.frozen
class SubscribeMessage:
    """A subscribe message (订阅消息) of an account or a mini program.

    Attributes
    ----------
    template_id
        Which template.
    data
        Its values by the names of the fields.
    page
        Where a tap leads; None for nowhere.
    mini_program
        Appid and page, where a message of an account leads to a mini program.
    state
        Which version of a mini program opens: ``"formal"``, ``"trial"`` or
        ``"developer"``.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    template_id: str = attrs.field(validator=_an_id)
    data: Mapping[str, str] = attrs.field(validator=_values)
    page: str | None = attrs.field(
        default=None, kw_only=True, validator=_a_text_or_none
    )
    mini_program: tuple[str, str] | None = attrs.field(
        default=None, kw_only=True, validator=_mini_program
    )
    state: Literal["formal", "trial", "developer"] = attrs.field(
        default="formal",
        kw_only=True,
        validator=attrs.validators.in_(("formal", "trial", "developer")),
    )


@attrs.frozen
class CustomerTask:
    """A message that a member of the staff sends on (企业微信群发任务).

    Attributes
    ----------
    content
        What is said.
    sender
        The member who is asked to confirm; needed for a group, and None for
        whoever serves the customer.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    content: str = attrs.field(validator=_a_text)
    sender: str | None = attrs.field(
        default=None, kw_only=True, validator=_a_text_or_none
    )


@attrs.frozen
class StaffText:
    """A message of an application to a member of the staff (企业微信应用消息).

    Attributes
    ----------
    content
        What is said.
    agent
        The application's number.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    content: str = attrs.field(validator=_a_text)
    agent: int = attrs.field()

    @agent.validator
    def _whole(self, _: object, got: object) -> None:
        require_whole("agent", got)


#: What a letter can say.
Content: TypeAlias = (
    Text | TemplateMessage | SubscribeMessage | CustomerTask | StaffText
)


@attrs.frozen
class Request:
    """A path and what is posted to it."""

    path: str
    body: Mapping[str, Any] = attrs.field(repr=False)


def _customer(content: Text, to: str, _: str) -> Request:
    said = {"content": content.content}
    body = {"touser": to, "msgtype": "text", "text": said}
    return Request("/cgi-bin/message/custom/send", body)


def _data(content: TemplateMessage | SubscribeMessage, to: str) -> dict[str, Any]:
    values = {name: {"value": value} for name, value in content.data.items()}
    body: dict[str, Any] = {
        "touser": to,
        "template_id": content.template_id,
        "data": values,
    }
    if content.mini_program is not None:
        appid, page = content.mini_program
        body["miniprogram"] = {"appid": appid, "pagepath": page}
    return body


def _template(content: TemplateMessage, to: str, key: str) -> Request:
    # Within ten minutes the same key is not sent twice.
    body = _data(content, to) | {"client_msg_id": key}
    if content.url is not None:
        body["url"] = content.url
    return Request("/cgi-bin/message/template/send", body)


def _subscribe(content: SubscribeMessage, to: str, _: str) -> Request:
    body = _data(content, to)
    if content.page is not None:
        body["page"] = content.page
    return Request("/cgi-bin/message/subscribe/bizsend", body)


def _mini_subscribe(content: SubscribeMessage, to: str, _: str) -> Request:
    body = _data(content, to) | {"miniprogram_state": content.state, "lang": "zh_CN"}
    if content.page is not None:
        body["page"] = content.page
    return Request("/cgi-bin/message/subscribe/send", body)


def _task(chat: str, name: str) -> Callable[[CustomerTask, str, str], Request]:
    def build(content: CustomerTask, to: str, _: str) -> Request:
        said = {"content": content.content}
        body: dict[str, Any] = {"chat_type": chat, name: [to], "text": said}
        if content.sender is not None:
            body["sender"] = content.sender
        return Request("/cgi-bin/externalcontact/add_msg_template", body)

    return build


def _staff(content: StaffText, to: str, _: str) -> Request:
    said = {"content": content.content}
    body = {"touser": to, "msgtype": "text", "agentid": content.agent, "text": said}
    return Request("/cgi-bin/message/send", body)


def _robot(content: Text, _: str, __: str) -> Request:
    body = {"msgtype": "text", "text": {"content": content.content}}
    return Request("/cgi-bin/webhook/send", body)


#: Channel -> what it can say, and how recipient and key become a request.
REQUESTS: Final[Mapping[str, tuple[type[Any], Callable[[Any, str, str], Request]]]] = (
    MappingProxyType(
        {
            "customer_message": (Text, _customer),
            "template_message": (TemplateMessage, _template),
            "subscribe_message": (SubscribeMessage, _subscribe),
            "mini_program_customer_message": (Text, _customer),
            "mini_program_subscribe": (SubscribeMessage, _mini_subscribe),
            "wecom_customer_task": (CustomerTask, _task("single", "external_userid")),
            "wecom_group_task": (CustomerTask, _task("group", "chat_id_list")),
            "wecom_app": (StaffText, _staff),
            "group_robot": (Text, _robot),
        }
    )
)
