"""Who may speak to an application, and what is refused."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import pickle
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from wxengage.adapters.bodies import xml_of
from wxengage.adapters.inbound import Inbound
from wxengage.adapters.secret import Secret
from wxengage.adapters.signatures import FRESH_FOR, signature
from wxengage.errors import CallbackRejected, InvalidInputError
from wxengage.testing.pushes import Push, Pushes
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

pytest.importorskip("cryptography", reason="cryptography is not installed")

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
SECOND = dt.timedelta(seconds=1)
KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
TOKEN = "let-me-in"  # noqa: S105  a test's
SHOP = Account("shop", "service", "wx1234567890abcdef")
MINI = Account("mini", "mini_program", "wxmini0123456789a")
CORP = Account("corp", "wecom", "ww1234567890abcdef")
OPEN = Inbound(SHOP, token=TOKEN, allow_plaintext=True)
SAFE = Inbound(SHOP, token=TOKEN, aes_key=KEY)
PLAIN = Pushes(SHOP, token=TOKEN)
SEALED = Pushes(SHOP, token=TOKEN, aes_key=KEY)


def reason(
    inbound: Inbound,
    push: Push,
    now: dt.datetime = NOON,
    *,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> str:
    """Return why a request is refused."""
    with pytest.raises(CallbackRejected) as caught:
        inbound.read(
            push.method,
            push.query if query is None else query,
            push.body if body is None else body,
            now,
        )
    return caught.value.reason


@pytest.mark.parametrize("account", [SHOP, MINI])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_verification_is_echoed(account: Account, key: str | None) -> None:
    """WeChat registers an address that returns its own words."""
    push = Pushes(account, token=TOKEN, aes_key=key).verification(NOON)
    inbound = Inbound(account, token=TOKEN, aes_key=key)

    callback = inbound.read("GET", push.query, b"", NOON)

    assert "7412589630" == callback.echo == callback.reply()
    assert ("verification", True, "", (), ()) == (
        callback.kind,
        callback.known,
        callback.key,
        callback.events,
        callback.reports,
    )


def test_the_encrypted_verification_of_wecom_is_opened() -> None:
    """WeCom's echo has to be decrypted, and its signature covers it."""
    push = Pushes(CORP, token=TOKEN, aes_key=KEY).verification(NOON)
    inbound = Inbound(CORP, token=TOKEN, aes_key=KEY)
    forged = dict(push.query) | {"echostr": push.query["echostr"][:-8] + "AAAAAAA="}

    undecodable = dict(push.query) | {"echostr": "\udcff"}

    assert "7412589630" == inbound.read("GET", push.query, b"", NOON).reply()
    assert "bad_signature" == reason(inbound, push, query=forged)
    assert "bad_signature" == reason(inbound, push, query=undecodable)
    no_echo = {k: v for k, v in push.query.items() if k != "echostr"}
    assert "bad_signature" == reason(inbound, push, query=no_echo)


@pytest.mark.parametrize("echo", ["", "\n", "\udcff", "a\x00"])
def test_an_echo_that_is_no_text_is_refused(echo: str) -> None:
    """Only what can be printed is sent back."""
    push = PLAIN.verification(NOON)

    assert "malformed_query" == reason(
        OPEN, push, query=dict(push.query) | {"echostr": echo}
    )


@pytest.mark.parametrize(("inbound", "pushes"), [(OPEN, PLAIN), (SAFE, SEALED)])
@pytest.mark.parametrize("away", [-FRESH_FOR, -SECOND, 0 * SECOND, FRESH_FOR])
def test_what_wechat_signed_is_read_for_five_minutes(
    inbound: Inbound, pushes: Pushes, away: dt.timedelta
) -> None:
    """Clocks differ a little; the edges belong to the window."""
    push = pushes.push("message", "oAlice", NOON, item="你好")

    callback = inbound.read("POST", push.query, push.body, NOON + away)

    assert ("message", "oAlice") == (callback.events[0].kind, callback.events[0].user)
    assert "你好" == callback.fields["Content"]


@pytest.mark.parametrize(("inbound", "pushes"), [(OPEN, PLAIN), (SAFE, SEALED)])
@pytest.mark.parametrize("away", [-FRESH_FOR - SECOND, FRESH_FOR + SECOND])
def test_an_old_signature_is_refused(
    inbound: Inbound, pushes: Pushes, away: dt.timedelta
) -> None:
    """An address that somebody wrote down is of no use later."""
    push = pushes.push("message", "oAlice", NOON, item="hi")

    assert "stale" == reason(inbound, push, NOON + away)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": "0" * 40},
        {"signature": ""},
        {"signature": "A" * 40},
        {"signature": "é" * 40},
        {"nonce": "other1"},
        {"timestamp": "1772424001"},
    ],
)
def test_a_forged_plain_callback_is_refused(change: dict[str, str]) -> None:
    """Whoever does not know the token cannot sign."""
    push = PLAIN.push("message", "oAlice", NOON, item="hi")

    assert "bad_signature" == reason(OPEN, push, query=dict(push.query) | change)


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": ""},
        {"timestamp": "17724240001"},
        {"timestamp": "1772424OOO"},
        {"timestamp": "１７７２４２４０００"},  # noqa: RUF001  digits of another width
        {"timestamp": "1_77242400"},
        {"timestamp": "-772424000"},
        {"nonce": ""},
        {"nonce": "a" * 33},
        {"nonce": "a b"},
        {"nonce": "x\x00"},
        {"nonce": "a\n"},
    ],
)
def test_a_malformed_address_is_refused_before_it_is_hashed(
    change: dict[str, str],
) -> None:
    """Nothing separates what is signed, so only the right shapes are looked at."""
    push = PLAIN.push("message", "oAlice", NOON, item="hi")

    assert "malformed_query" == reason(OPEN, push, query=dict(push.query) | change)


def test_a_parameter_that_is_missing_is_refused() -> None:
    """Each of the three has to be there."""
    push = PLAIN.push("message", "oAlice", NOON, item="hi")
    found = {
        name: reason(
            OPEN, push, query={k: v for k, v in push.query.items() if k != name}
        )
        for name in push.query
    }

    assert {
        "timestamp": "malformed_query",
        "nonce": "malformed_query",
        "signature": "bad_signature",
    } == found


def test_a_changed_body_is_refused_where_it_is_encrypted() -> None:
    """The signature of an encrypted callback covers the body."""
    push = SEALED.push("message", "oAlice", NOON, item="hi")
    other = SEALED.push("message", "oMallory", NOON, item="hi")

    assert "bad_signature" == reason(SAFE, push, body=other.body)


def test_a_plain_body_needs_permission() -> None:
    """Its signature does not cover the body: any body fits any address."""
    push = PLAIN.push("message", "oAlice", NOON, item="hi")

    assert "plaintext" == reason(SAFE, push)
    assert "plaintext" == reason(Inbound(SHOP, token=TOKEN), push)
    both = Inbound(SHOP, token=TOKEN, aes_key=KEY, allow_plaintext=True)
    assert both.read("POST", push.query, push.body, NOON).events


def test_an_encrypted_body_needs_the_key() -> None:
    """Without one, the plain reading says so rather than reading nonsense."""
    push = SEALED.push("message", "oAlice", NOON, item="hi")

    assert "undecipherable" == reason(OPEN, push)


def test_the_compatible_mode_is_read_by_its_encrypted_half() -> None:
    """It says everything twice; with the key, the plain half is not believed."""
    sealed = SEALED.push("message", "oAlice", NOON, item="hi")
    plain = SEALED.push("message", "oMallory", NOON, item="hi")
    lie = PLAIN.push("message", "oMallory", NOON, item="hi").body
    both = sealed.body.replace(b"</xml>", lie.removeprefix(b"<xml>"))
    both = both.replace(b"<ToUserName><![CDATA[gh_wxengage]]></ToUserName>", b"", 1)

    assert "oAlice" == SAFE.read("POST", sealed.query, both, NOON).events[0].user
    assert "oMallory" == OPEN.read("POST", plain.query, both, NOON).events[0].user


def sealed_by(key: str, appid: str) -> Push:
    """Return a push to another receiver or under another key."""
    other = Account("shop", "service", appid)
    return Pushes(other, token=TOKEN, aes_key=key).push("follow", "oA", NOON)


@pytest.mark.parametrize(
    "push", [sealed_by(KEY, "wxother"), sealed_by("0" * 43, SHOP.appid)]
)
def test_what_is_for_somebody_else_is_refused(push: Push) -> None:
    """A right signature does not help under a wrong key or appid."""
    assert "undecipherable" == reason(SAFE, push)


@pytest.mark.parametrize(
    "hidden", ["", "!!!!", "AAAA", "A" * 44, base64.b64encode(bytes(64)).decode(), "é"]
)
def test_a_cipher_text_that_is_none_is_refused(hidden: str) -> None:
    """Every fault has one reason, which tells an attacker nothing."""
    stamp = str(int(NOON.timestamp()))
    signed = signature(Secret(TOKEN), stamp, "n1", hidden)
    query = {"timestamp": stamp, "nonce": "n1", "msg_signature": signed}
    push = Push("POST", query, xml_of({"Encrypt": hidden}).encode())

    assert "undecipherable" == reason(SAFE, push)


def test_a_callback_of_the_future_is_refused() -> None:
    """Signed now, but telling of tomorrow."""
    tomorrow = PLAIN.push("message", "oAlice", NOON + dt.timedelta(days=1))
    push = PLAIN.raw(tomorrow.body.decode(), NOON)

    assert "from_the_future" == reason(OPEN, push)


@pytest.mark.parametrize("method", ["PUT", "get", "", "HEAD"])
def test_other_methods_are_refused(method: str) -> None:
    """WeChat asks in two ways only."""
    push = PLAIN.push("message", "oAlice", NOON)

    assert "method" == reason(OPEN, Push(method, push.query, push.body))


def test_what_the_application_hands_over_wrongly_is_its_own_fault() -> None:
    """A type that no framework sends is no forged callback."""
    push = PLAIN.push("message", "oAlice", NOON)
    lists = {name: [value] for name, value in push.query.items()}

    with pytest.raises(InvalidInputError, match="query must be texts by name"):
        OPEN.read("POST", lists, push.body, NOON)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="body must be bytes"):
        OPEN.read("POST", push.query, "<xml/>", NOON)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="now must be an aware datetime"):
        OPEN.read("POST", push.query, push.body, NOON.replace(tzinfo=None))


def test_a_configuration_that_cannot_work_is_refused() -> None:
    """Before the first callback comes, and without showing a secret."""
    for key in ("short", KEY + "=", KEY[:-1] + "!", ""):
        with pytest.raises(InvalidInputError, match="aes_key must be") as caught:
            Inbound(SHOP, token=TOKEN, aes_key=key)
        assert not key or key not in str(caught.value)
    with pytest.raises(InvalidInputError, match="aes_key must be given for WeCom"):
        Inbound(CORP, token=TOKEN)
    with pytest.raises(InvalidInputError, match="token must be"):
        Inbound(SHOP, token="a b")  # noqa: S106
    with pytest.raises(InvalidInputError, match="token must be a text"):
        Inbound(SHOP, token=None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="account must be an Account"):
        Inbound("shop", token=TOKEN)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="allow_plaintext must be"):
        Inbound(SHOP, token=TOKEN, allow_plaintext=1)  # type: ignore[arg-type]


def test_a_secret_never_shows() -> None:
    """It has a text only for the one who asks for it."""
    secret = Secret("hunter2")

    shown = [
        repr(secret),
        str(secret),
        f"{secret:>20}",
        repr({"a": secret}),
        repr(OPEN),
    ]

    assert "hunter2" == secret.reveal()
    assert not any("hunter2" in text or TOKEN in text for text in shown)
    assert secret is copy.copy(secret)
    assert secret is copy.deepcopy(secret)
    assert Secret("hunter2") == secret != Secret("hunter3")
    assert secret != "hunter2"  # noqa: S105
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="unhashable"):
        hash(secret)
