"""What a letter says is checked when it is made, and becomes what WeChat reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from wxengage.adapters.endpoints import Endpoint
from wxengage.adapters.outgoing import (
    Content,
    CustomerTask,
    StaffText,
    SubscribeMessage,
    TemplateMessage,
    Text,
)
from wxengage.adapters.wechat import (
    OfficialAccountSender,
)
from wxengage.delivery.ports import Letter
from wxengage.errors import InvalidInputError
from wxengage.sends import Send
from wxengage.testing.fixtures import fake_wechat
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.testing.server import FakeWeChat

pytest.importorskip("wechatpy", reason="wechatpy is not installed")

__all__ = ["fake_wechat"]

SHOP = Account("shop", "service", "wx1234567890abcdef")
SECRET = "app-secret"  # noqa: S105  a test's


def letter(channel: str = "customer_message", **more: Any) -> Letter:
    """Return a letter to Alice."""
    return Letter(Send("s1", "oAlice", channel, "t1", **more), "k1")


def says(content: Content) -> Callable[[Letter], Content]:
    """Return what composes the same for every letter."""
    return lambda _: content


def official(
    fake: FakeWeChat,
    content: Content = Text("hi"),  # noqa: B008  frozen
    *,
    total: float = 5.0,
    read: float = 2.0,
    **more: Any,
) -> OfficialAccountSender:
    """Return a sender of the shop."""
    endpoint = Endpoint(fake.url, read=read, total=total)
    return OfficialAccountSender(
        SHOP, says(content), secret=SECRET, endpoint=endpoint, **more
    )


def test_contents_are_checked_when_they_are_made() -> None:
    """Not by WeChat, hours later."""
    bad: tuple[Callable[[], object], ...] = (
        lambda: Text(" "),
        lambda: Text("a\x00"),
        lambda: Text("\ud800"),
        lambda: Text(None),  # type: ignore[arg-type]
        lambda: TemplateMessage("t1", {}),
        lambda: TemplateMessage("", {"a": "b"}),
        lambda: TemplateMessage("t1", {"a": 7}),  # type: ignore[dict-item]
        lambda: TemplateMessage("t1", {"a": "b"}, mini_program="wx1"),  # type: ignore[arg-type]
        lambda: TemplateMessage("t1", {"a": "b"}, url=""),
        lambda: CustomerTask("", sender="zhang"),
        lambda: StaffText("a", agent=True),
        lambda: StaffText("a", agent=-1),
    )
    for build in bad:
        with pytest.raises(InvalidInputError):
            build()
    with pytest.raises(ValueError, match="state"):
        SubscribeMessage("t1", {"a": "b"}, state="beta")  # type: ignore[arg-type]


def test_a_template_may_lead_to_a_mini_program(fake_wechat: FakeWeChat) -> None:
    """With appid and page."""
    content = TemplateMessage("t1", {"a": "b"}, mini_program=("wxmini", "pages/a?b=1"))
    fake_wechat.act("follow", "oAlice")

    official(fake_wechat, content).send(letter("template_message"), fake_wechat.now)

    (message,) = fake_wechat.messages
    assert {"appid": "wxmini", "pagepath": "pages/a?b=1"} == message.body["miniprogram"]
    assert "url" not in message.body
