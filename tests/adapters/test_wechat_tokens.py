"""Tokens are fetched once, renewed in time, and never asked for in a storm."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from wxengage.adapters.endpoints import Endpoint
from wxengage.adapters.outgoing import (
    Content,
    TemplateMessage,
    Text,
)
from wxengage.adapters.wechat import (
    OfficialAccountSender,
)
from wxengage.delivery.outcomes import NotSent
from wxengage.delivery.ports import Letter
from wxengage.sends import Send, Sent
from wxengage.testing.faults import Fault
from wxengage.testing.fixtures import fake_wechat
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.testing.server import FakeWeChat

pytest.importorskip("wechatpy", reason="wechatpy is not installed")

__all__ = ["fake_wechat"]

SHOP = Account("shop", "service", "wx1234567890abcdef")
SECRET = "app-secret"  # noqa: S105  a test's
CUSTOM = "/cgi-bin/message/custom/send"
TOKEN = "/cgi-bin/stable_token"  # noqa: S105  a path
TEMPLATE = TemplateMessage("t1", {"thing1": "你好"}, url="https://e.example")


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


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_stale_token_costs_one_fetch(fake_wechat: FakeWeChat, code: int) -> None:
    """The letter goes all the same."""
    sender = official(fake_wechat)
    fake_wechat.act("message", "oAlice")
    fake_wechat.fail(CUSTOM, Fault.code(code))

    assert isinstance(sender.send(letter(), fake_wechat.now), Sent)
    assert 2 == fake_wechat.tokens_fetched


def test_a_token_that_is_refused_for_ever_costs_one_fetch_more(
    fake_wechat: FakeWeChat,
) -> None:
    """Two tries, two fetches, and a clean end."""
    sender = official(fake_wechat)
    fake_wechat.fail(CUSTOM, Fault.code(42001), times=None)

    assert NotSent("42001", "stop") == sender.send(letter(), fake_wechat.now)
    assert (2, 4) == (fake_wechat.tokens_fetched, len(fake_wechat.calls))


def test_tokens_that_ran_out_are_renewed(fake_wechat: FakeWeChat) -> None:
    """By the clock before they do, and by WeChat's word when that came too late."""
    ticks = [0.0]
    sender = official(fake_wechat, clock=lambda: ticks[0])
    fake_wechat.act("message", "oAlice")
    fetched = []
    for second in (0, 6_899, 6_900, 7_000):
        ticks[0] = float(second)
        assert isinstance(sender.send(letter(), fake_wechat.now), Sent)
        fetched.append(fake_wechat.tokens_fetched)
    fake_wechat.forget_tokens()

    assert [1, 1, 2, 2] == fetched
    assert isinstance(sender.send(letter(), fake_wechat.now), Sent)
    assert 3 == fake_wechat.tokens_fetched


def together(count: int, work: Callable[[], object]) -> list[object]:
    """Return what threads get that all begin at once."""
    barrier = threading.Barrier(count)
    found: list[object] = []

    def one() -> None:
        barrier.wait()
        found.append(work())

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_threads_on_a_cold_cache_fetch_once(fake_wechat: FakeWeChat) -> None:
    """Eight letters, one token."""
    sender = official(fake_wechat, TEMPLATE)
    fake_wechat.act("follow", "oAlice")
    fake_wechat.fail(TOKEN, Fault.slow(0.2))

    found = together(
        8, lambda: sender.send(letter("template_message"), fake_wechat.now)
    )

    assert [Sent] * 8 == [type(one) for one in found]
    assert 1 == fake_wechat.tokens_fetched


def test_threads_with_a_stale_token_fetch_once(fake_wechat: FakeWeChat) -> None:
    """Whoever was refused takes the token that another has fetched."""
    sender = official(fake_wechat, TEMPLATE)
    fake_wechat.act("follow", "oAlice")
    sender.send(letter("template_message"), fake_wechat.now)
    fake_wechat.forget_tokens()

    found = together(
        8, lambda: sender.send(letter("template_message"), fake_wechat.now)
    )

    assert [Sent] * 8 == [type(one) for one in found]
    assert 2 == fake_wechat.tokens_fetched


def test_threads_share_a_fetch_that_fails(fake_wechat: FakeWeChat) -> None:
    """A WeChat that is down is not asked eight times."""
    sender = official(fake_wechat)
    fake_wechat.fail(TOKEN, Fault.slow(0.3), times=None)
    hurried = official(fake_wechat, total=0.2, read=0.2)

    found = together(8, lambda: hurried.send(letter(), fake_wechat.now))

    assert {NotSent("no_token", "retry")} == set(found)
    assert fake_wechat.tokens_fetched < 8
    assert isinstance(sender, OfficialAccountSender)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.code(-1), NotSent("-1", "retry")),
        (Fault.code(40125), NotSent("40125", "stop")),
        (Fault.code(40164), NotSent("40164", "stop")),
        (Fault.code(45011), NotSent("45011", "retry")),
        (Fault.status(502), NotSent("no_token", "retry")),
        (Fault.cut(), NotSent("no_token", "retry")),
        (Fault.body("<html>"), NotSent("no_token", "retry")),
        (Fault.body("{}"), NotSent("no_token", "retry")),
        (Fault.body('{"access_token": 7}'), NotSent("no_token", "retry")),
        (Fault.body('{"access_token": "a b"}'), NotSent("no_token", "retry")),
    ],
    ids=str,
)
def test_without_a_token_nothing_is_sent(
    fake_wechat: FakeWeChat, fault: Fault, expected: NotSent
) -> None:
    """Also where the answer was lost: the letter itself never left."""
    sender = official(fake_wechat)
    fake_wechat.fail(TOKEN, fault, times=None)

    assert expected == sender.send(letter(), fake_wechat.now)
    assert CUSTOM not in {call.path for call in fake_wechat.calls}


def test_a_token_without_a_lifetime_is_kept_a_minute(fake_wechat: FakeWeChat) -> None:
    """Rather than fetched for every letter."""
    ticks = [0.0]
    sender = official(fake_wechat, clock=lambda: ticks[0])
    fake_wechat.fail(TOKEN, Fault.body('{"access_token": "odd"}'), times=None)
    for second in (0, 59, 60):
        ticks[0] = float(second)
        fake_wechat.fail(CUSTOM, Fault.code(45015))
        sender.send(letter(), fake_wechat.now)

    assert 2 == [call.path for call in fake_wechat.calls].count(TOKEN)
