"""Pictures, articles and mass sends (图片, 图文, 群发): what an account says to many.

Media are named by the id that WeChat gave them when they were uploaded. A mass send
carries the letter's key: within 24 hours WeChat takes the same key once, and answers
a repeat with the number of the first.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from wxengage.adapters.outgoing import REQUESTS, Content, Request, Text
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.sends import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MASS_SEND", "ROUTES", "Image", "MassMessage", "News", "Said"]

#: The channel that has no recipient.
MASS_SEND: Final = "mass_send"
# Source: the rule WX-MASS-003.
_LONGEST_KEY: Final = 64


def _media_id(_: object, field: attrs.Attribute[str], got: object) -> None:
    require_id(field.name, got)


@attrs.frozen
class Image:
    """A picture (图片): customer messages and mass sends.

    Attributes
    ----------
    media_id
        Its id at WeChat.

    Raises
    ------
    InvalidInputError
        If it is no id.
    """

    media_id: str = attrs.field(validator=_media_id)


@attrs.frozen
class News:
    """Articles (图文): customer messages and mass sends of an official account.

    Attributes
    ----------
    media_id
        Their id at WeChat.

    Raises
    ------
    InvalidInputError
        If it is no id.
    """

    media_id: str = attrs.field(validator=_media_id)


@attrs.frozen
class MassMessage:
    """A mass send (群发) of an official account.

    Attributes
    ----------
    content
        What is said.
    tag
        The number of the tag whose followers get it; None for all followers.
    reprint
        Whether articles that WeChat takes for a reprint go all the same.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    content: Text | Image | News
    tag: int | None = attrs.field(default=None, kw_only=True)
    reprint: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _require_kind("content", self.content, (Text, Image, News))
        _require_kind("reprint", self.reprint, (bool,))
        if self.tag is not None:
            require_whole("tag", self.tag, hint="or None for all followers")


def _require_kind(name: str, got: object, kinds: tuple[type, ...]) -> None:
    if not isinstance(got, kinds):
        rule = " or ".join(kind.__name__ for kind in kinds)
        raise InvalidInputError(name, got, f"one of {rule}")


#: What a letter can say.
Said: TypeAlias = Content | Image | News | MassMessage


def _body(content: Text | Image | News) -> dict[str, Any]:
    if isinstance(content, Text):
        return {"msgtype": "text", "text": {"content": content.content}}
    kind = "image" if isinstance(content, Image) else "mpnews"
    return {"msgtype": kind, kind: {"media_id": content.media_id}}


def _customer(content: Text | Image | News, to: str, _: str) -> Request:
    body = {"touser": to, **_body(content)}
    return Request("/cgi-bin/message/custom/send", body)


def _mass(content: MassMessage, _: str, key: str) -> Request:
    body = _body(content.content)
    if isinstance(content.content, Image):
        # Here a picture is one of several.
        del body["image"]
        body["images"] = {"media_ids": [content.content.media_id]}
    if isinstance(content.content, News):
        body["send_ignore_reprint"] = int(content.reprint)
    everybody = content.tag is None
    body["filter"] = {"is_to_all": everybody}
    if not everybody:
        body["filter"]["tag_id"] = content.tag
    body["clientmsgid"] = _short(key)
    return Request("/cgi-bin/message/mass/sendall", body)


def _short(key: str) -> str:
    """Return a key that WeChat remembers whole."""
    if len(key.encode()) <= _LONGEST_KEY:
        return key
    return fingerprint("clientmsgid", key)


_Kinds: TypeAlias = tuple[type[Any], ...]
_Build: TypeAlias = "Callable[[Any, str, str], Request]"

#: Channel -> what it can say, and how recipient and key become a request.
ROUTES: Final[Mapping[str, tuple[_Kinds, _Build]]] = MappingProxyType(
    {
        **{name: ((kind,), build) for name, (kind, build) in REQUESTS.items()},
        "customer_message": ((Text, Image, News), _customer),
        "mini_program_customer_message": ((Text, Image), _customer),
        MASS_SEND: ((MassMessage,), _mass),
    }
)
