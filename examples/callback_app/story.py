"""The story (演示流程): a campaign from the first scan to the money, line by line.

Ada invites. Three friends come and one of them leaves again, so a fourth has to
come. The application is killed in between, and nothing is lost.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from .campaign import ACCOUNT
from .fake import TEMPLATE, Rehearsal
from .process import Application, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.testing.pay_bills import Payment
    from wxengage.testing.pushes import Push

__all__ = ["Walk", "walk"]

#: How long friends must stay in the rehearsal, in seconds; in a shop, three days.
HOLD: Final = 1.5
_WITHIN: Final = 30.0
_TICK: Final = 0.1


class Walk:
    """What WeChat, the users and the users' phones do.

    Parameters
    ----------
    wechat
        The WeChat that they use.
    url
        Where the application is.
    """

    def __init__(self, wechat: Rehearsal, url: str) -> None:
        self.wechat = wechat
        self.url = url
        self.client = self.connect()

    def connect(self) -> httpx.Client:
        """Return a new connection to the application."""
        return httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    def close(self) -> None:
        """Hang up."""
        self.client.close()

    def deliver(self, push: Push) -> httpx.Response:
        """Deliver a callback, as WeChat does."""
        return self.client.request(
            push.method, f"/wechat/{ACCOUNT}", params=push.query, content=push.body
        )

    def do(self, kind: str, user: str, *, item: str = "", tries: int = 1) -> str:
        """Let a user do something, and return what the application answers."""
        push = self.wechat.push(kind, user, item=item)
        answers = [self.deliver(push).raise_for_status() for _ in range(tries)]
        return self.wechat.said(answers[-1].content)

    def notify(self, number: str) -> httpx.Response:
        """Let WeChat Pay tell the application how a payout stands."""
        notice = self.wechat.pay.push(number)
        headers = dict(notice.headers)
        return self.client.post("/pay/notify", headers=headers, content=notice.body)

    def progress(self, link: str) -> dict[str, Any]:
        """Return what a user's page says."""
        found: dict[str, Any] = self.client.get(link).raise_for_status().json()
        return found

    def until(self, seen: Callable[[], object], *, within: float = _WITHIN) -> None:
        """Wait until something is seen.

        Raises
        ------
        TimeoutError
            If it is not.
        """
        ends = time.monotonic() + within
        while not seen():
            if time.monotonic() > ends:
                raise TimeoutError("what was waited for does not happen")
            time.sleep(_TICK)


def links_in(answer: str) -> tuple[str, str]:
    """Return the addresses of the poster and of the page in an answer."""
    poster, me = (line.split("：", 1)[1] for line in answer.splitlines())  # noqa: RUF001
    return poster, me


def walk(say: Callable[[str], object], stay: Callable[[str], object]) -> None:
    """Walk through the story.

    Parameters
    ----------
    say
        Told each line.
    stay
        Called in the end, with the address of Ada's page, before all is closed.
    """
    with tempfile.TemporaryDirectory(prefix="callback-app-") as name:
        folder, port = Path(name), free_port()
        url = f"http://127.0.0.1:{port}"
        with Rehearsal() as wechat:
            told = wechat.environment(folder, public_url=url, hold=HOLD)
            with (
                Application(told, port, folder / "app.log") as application,
                contextlib.closing(Walk(wechat, url)) as people,
            ):
                say(f"the application is at {url}, its WeChat at {wechat.url}")
                stay(_walk(people, application, say))


def _walk(walk: Walk, application: Application, say: Callable[[str], object]) -> str:
    echo = walk.deliver(walk.wechat.question()).text
    say(f"WeChat checks the address and hears its own word: {echo}")
    me, scene = _ada_asks(walk, say)
    _friends_come(walk, me, scene, say)
    eve = walk.wechat.push("follow", "eve", item=scene)
    walk.deliver(eve).raise_for_status()
    application.kill()
    say("eve comes; the moment she is acknowledged the application is killed")
    application.start()
    say("it is started again; WeChat, which heard an answer, will not repeat eve")
    walk.until(lambda: walk.wechat.pay.payments)
    (payment,) = walk.wechat.pay.payments
    say(f"three have stayed: {payment.fen} fen go to {payment.openid}")
    _ada_confirms(walk, me, payment, say)
    _strangers(walk, eve, say)
    for message in walk.wechat.messages:
        say(f"{message.to} was told by {message.path.rsplit('/', 2)[1]}")
    return me


def _ada_asks(walk: Walk, say: Callable[[str], object]) -> tuple[str, str]:
    walk.do("follow", "ada")
    walk.do("subscribe", "ada", item=TEMPLATE)
    answer = walk.do("message", "ada", item="邀请", tries=3)
    poster, me = links_in(answer)
    say("ada asks for a poster, and is answered at once: three tries, one event")
    scene: str = walk.client.get(poster).raise_for_status().json()["scene"]
    say(f"her QR code carries the scene {scene}, which says nothing about her")
    return me, scene


def _friends_come(
    walk: Walk, me: str, scene: str, say: Callable[[str], object]
) -> None:
    for friend in ("ben", "cat", "dan"):
        walk.do("follow", friend, item=scene, tries=3)
    walk.do("unfollow", "dan")
    say("ben, cat and dan scan it and follow; dan leaves again within the hold")
    walk.until(lambda: walk.progress(me)["invites"] == 2)
    say(f"the hold is over, and two count: {walk.progress(me)['invites']} of 3")


def _ada_confirms(
    walk: Walk, me: str, payment: Payment, say: Callable[[str], object]
) -> None:
    walk.until(lambda: _reward(walk, me)["state"] == "awaiting_user")
    say(f"it waits for ada, whose page can open: {_reward(walk, me)['package']}")
    walk.wechat.pay.receive(payment.number)
    status = walk.notify(payment.number).status_code
    say(f"ada takes it; WeChat Pay gives notice and is answered {status}")
    walk.until(lambda: _reward(walk, me)["state"] == "paid")
    say("the bill was asked about, and now the books say: paid")


def _reward(walk: Walk, me: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = walk.progress(me)["rewards"]
    return found[0] if found else {"state": ""}


def _strangers(walk: Walk, old: Push, say: Callable[[str], object]) -> None:
    forged = {**old.query, "msg_signature": "0" * 40}
    path = f"/wechat/{ACCOUNT}"
    answer = walk.client.post(path, params=forged, content=old.body)
    say(f"a forged callback is answered {answer.status_code}, and nothing else")
