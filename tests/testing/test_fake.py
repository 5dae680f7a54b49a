"""The fake WeChat is as strict as the real one, and no stricter."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.channels.folding import advance
from wxengage.channels.marks import Failure
from wxengage.channels.quotas import Quota
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.rules.book import rulebook
from wxengage.sends import Send, Sent
from wxengage.testing.faults import Fault
from wxengage.testing.fixtures import fake_wechat
from wxengage.testing.server import FakeWeChat
from wxengage.testing.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["fake_wechat"]

CUSTOM = "/cgi-bin/message/custom/send"
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
NOON = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)


def post(
    fake: FakeWeChat, path: str, body: Mapping[str, Any] | bytes
) -> dict[str, Any]:
    """Return what the fake answers to a plain client."""
    connection = http.client.HTTPConnection(urlsplit(fake.url).netloc, timeout=5)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, raw)
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def fetched(fake: FakeWeChat, appid: str = "wx1", secret: str = "s") -> dict[str, Any]:  # noqa: S107
    """Return an answer to a call for a token."""
    body = {"grant_type": "client_credential", "appid": appid, "secret": secret}
    return post(fake, "/cgi-bin/stable_token", body)


def say(fake: FakeWeChat, token: str, to: str = "oAlice") -> int:
    """Return the code for a customer message."""
    path = f"{CUSTOM}?access_token={token}"
    body = {"touser": to, "msgtype": "text", "text": {"content": "hi"}}
    code: int = post(fake, path, body)["errcode"]
    return code


def test_a_stable_token_stays_until_it_nearly_runs_out(fake_wechat: FakeWeChat) -> None:
    """Then there is a new one, and the old one is good for five minutes more."""
    first = fetched(fake_wechat)
    fake_wechat.advance(115 * MINUTE - dt.timedelta(seconds=1))
    again = fetched(fake_wechat)
    fake_wechat.advance(dt.timedelta(seconds=1))
    new = fetched(fake_wechat)
    fake_wechat.act("message", "oAlice")

    assert (7200, 301) == (first["expires_in"], again["expires_in"])
    assert first["access_token"] == again["access_token"] != new["access_token"]
    assert 0 == say(fake_wechat, first["access_token"])
    fake_wechat.advance(5 * MINUTE)
    assert 42001 == say(fake_wechat, first["access_token"])
    assert 0 == say(fake_wechat, new["access_token"])


def test_only_the_accounts_that_exist_get_a_token() -> None:
    """With their own secrets."""
    with FakeWeChat(secrets={"wx1": "right"}) as fake:
        assert [40013, 40125, 0] == [
            fetched(fake, appid, secret)["errcode"]
            for appid, secret in (("wx2", "right"), ("wx1", "wrong"), ("wx1", "right"))
        ]


def test_windows_open_close_and_are_used_up(fake_wechat: FakeWeChat) -> None:
    """Five messages in 48 hours after a message, three in a minute after a click."""
    token = fetched(fake_wechat)["access_token"]
    stranger = say(fake_wechat, token)
    fake_wechat.act("message", "oAlice")
    used = [say(fake_wechat, token) for _ in range(6)]
    fake_wechat.act("menu_click", "oAlice")
    clicked = [say(fake_wechat, token) for _ in range(4)]
    fake_wechat.advance(48 * HOUR)
    closed = say(fake_wechat, fetched(fake_wechat)["access_token"])

    assert 40003 == stranger
    assert [0, 0, 0, 0, 0, 45047] == used
    assert [0, 0, 0, 45047] == clicked
    assert 45015 == closed


def test_who_leaves_gets_nothing(fake_wechat: FakeWeChat) -> None:
    """Neither customer messages nor templates."""
    token = fetched(fake_wechat)["access_token"]
    fake_wechat.act("follow", "oAlice")
    path = f"/cgi-bin/message/template/send?access_token={token}"
    body = {"touser": "oAlice", "template_id": "t1", "data": {}}
    before = say(fake_wechat, token), post(fake_wechat, path, body)["errcode"]
    fake_wechat.act("unfollow", "oAlice")

    assert (0, 0) == before
    assert (45015, 43004) == (
        say(fake_wechat, token),
        post(fake_wechat, path, body)["errcode"],
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["message", "menu_click", "follow", "scan", "unfollow", "send"]
        ),
        st.sampled_from([1, 30, 61, 3_600, 172_801]),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STEPS)
def test_the_quota_of_the_library_foresees_the_fake(
    steps: list[tuple[str, int]],
) -> None:
    """Two models of the windows, written apart, say the same."""
    world = World(NOON, None)
    book = rulebook(NOON.date())
    token = world.token("wx1", "")["access_token"]
    world.act("message", "oAlice", "")
    quota = advance(Quota("oAlice"), Event("message", user="oAlice", at=NOON), book)
    for kind, seconds in steps:
        world.now += dt.timedelta(seconds=seconds)
        if kind != "send":
            world.act(kind, "oAlice", "")
            quota = advance(quota, Event(kind, user="oAlice", at=world.now), book)
            continue
        world._good[token] = world.now + HOUR
        send = Send("s1", "oAlice", "customer_message", "m1")
        foreseen = quota.refusal(send, world.now)
        answer = world.call(CUSTOM, {"access_token": token}, {"touser": "oAlice"})
        code = answer["errcode"]
        if foreseen == "unfollowed":
            # The fake lets an act of a stranger open a window, as a scan may.
            assert code in {0, 45015}
            return
        assert {None: 0, "no_window": 45015, "used_up": 45047}[foreseen] == code
        at = world.now
        told = (
            Sent.of(send, at) if not code else Failure("oAlice", at, send.channel, code)
        )
        quota = advance(quota, told, book)


def test_faults_come_in_turn_and_can_be_mended(fake_wechat: FakeWeChat) -> None:
    """Each as often as was asked for."""
    token = fetched(fake_wechat)["access_token"]
    fake_wechat.act("message", "oAlice")
    fake_wechat.fail(CUSTOM, Fault.code(-1), Fault.code(45011), times=2)
    turns = [say(fake_wechat, token) for _ in range(5)]
    fake_wechat.fail(CUSTOM, Fault.code(-1), times=None)
    stuck = [say(fake_wechat, token) for _ in range(3)]
    fake_wechat.mend()

    assert [-1, -1, 45011, 45011, 0] == turns
    assert [-1, -1, -1] == stuck
    assert 0 == say(fake_wechat, token)


def test_nonsense_is_answered_like_wechat_does(fake_wechat: FakeWeChat) -> None:
    """No client can bring it down."""
    token = fetched(fake_wechat)["access_token"]

    assert 40066 == post(fake_wechat, f"/cgi-bin/x?access_token={token}", {})["errcode"]
    assert 42001 == post(fake_wechat, CUSTOM, b"\xff{")["errcode"]
    assert 93000 == post(fake_wechat, "/cgi-bin/webhook/send", b"[]")["errcode"]


def test_it_listens_on_this_machine_and_ends(fake_wechat: FakeWeChat) -> None:
    """Nothing is left behind."""
    with FakeWeChat() as fake:
        port = urlsplit(fake.url).port
        assert fake.url.startswith("http://127.0.0.1:")
        assert fake.url != fake_wechat.url
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), timeout=1)
    with pytest.raises(InvalidInputError, match="used in a with statement"):
        _ = FakeWeChat().url


def test_what_cannot_happen_is_refused(fake_wechat: FakeWeChat) -> None:
    """A test that asks for it is told so."""
    with pytest.raises(InvalidInputError, match="did you mean 'follow'"):
        fake_wechat.act("folow", "oAlice")
    with pytest.raises(InvalidInputError, match=r"faults\[0\] must be a Fault"):
        fake_wechat.fail(CUSTOM, 45015)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="times must be at least 1"):
        fake_wechat.fail(CUSTOM, Fault.cut(), times=0)
    with pytest.raises(InvalidInputError, match="status must be at least 300"):
        Fault.status(200)
    for bad in (0, -1.0, float("nan"), float("inf"), True):
        with pytest.raises(InvalidInputError, match="seconds must be"):
            Fault.slow(bad)
    with pytest.raises(InvalidInputError, match="now must be an aware"):
        FakeWeChat(now=dt.datetime(2026, 3, 2))  # noqa: DTZ001  that is the point
