"""What WeChat is answered, held against wechatpy."""

from __future__ import annotations

import base64
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.adapters.bodies import fields_of, text
from wxengage.adapters.cipher import Cipher
from wxengage.adapters.inbound import Callback, Inbound
from wxengage.adapters.secret import Secret
from wxengage.adapters.signatures import signature
from wxengage.errors import InvalidInputError
from wxengage.testing.pushes import Pushes
from wxengage.users import Account, AccountKind

crypto = pytest.importorskip("wechatpy.crypto", reason="wechatpy is not installed")
utils = pytest.importorskip("wechatpy.utils", reason="wechatpy is not installed")

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
TOKEN = "let-me-in"  # noqa: S105  a test's
SHOP = Account("shop", "service", "wx1234567890abcdef")
WORDS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]),
    min_size=1,
)


def asked(*, key: str | None = None, kind: AccountKind = "service") -> Callback:
    """Return a callback with words that wait for an answer."""
    account = Account("shop", kind, SHOP.appid)
    push = Pushes(account, token=TOKEN, aes_key=key).push("message", "oAlice", NOON)
    inbound = Inbound(account, token=TOKEN, aes_key=key, allow_plaintext=True)
    return inbound.read("POST", push.query, push.body, NOON)


PLAIN, SEALED = asked(), asked(key=KEY)


@given(WORDS)
def test_no_words_break_out_of_a_reply(words: str) -> None:
    """A nickname that ends the data section stays a nickname."""
    fields = fields_of(PLAIN.reply("a" + words + "]]><MsgType>news</MsgType>").encode())

    assert {
        "ToUserName": "oAlice",
        "FromUserName": "gh_wxengage",
        "CreateTime": str(int(NOON.timestamp())),
        "MsgType": "text",
        "Content": "a" + words + "]]><MsgType>news</MsgType>",
    } == dict(fields)


def test_an_encrypted_question_gets_an_encrypted_answer() -> None:
    """wechatpy, which plays WeChat here, can open it."""
    answer = SEALED.reply("欢迎 ]]> 你")
    outer = fields_of(answer.encode())
    peer = crypto.WeChatCrypto(TOKEN, KEY, SHOP.appid)

    opened = peer.decrypt_message(
        answer, outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"]
    )

    assert "欢迎 ]]> 你" == fields_of(opened.encode())["Content"]
    assert "欢迎" not in answer
    assert SEALED.reply("a") != SEALED.reply("a")


def test_what_wechatpy_encrypts_is_opened() -> None:
    """Both sides of the encryption agree with an independent implementation."""
    stamp = str(int(NOON.timestamp()))
    inner = Pushes(SHOP, token=TOKEN).push("scan", "oAlice", NOON, item="春").body
    peer = crypto.WeChatCrypto(TOKEN, KEY, SHOP.appid)
    sealed = peer.encrypt_message(inner.decode(), "n1", stamp)
    outer = fields_of(sealed.encode())
    query = {"timestamp": stamp, "nonce": "n1"}
    query["msg_signature"] = text(outer, "MsgSignature")

    callback = Inbound(SHOP, token=TOKEN, aes_key=KEY).read(
        "POST", query, sealed.encode(), NOON
    )

    assert "春" == callback.events[0].item


@given(st.binary(max_size=200))
def test_a_cipher_opens_what_it_sealed(message: bytes) -> None:
    """Any bytes, of any length."""
    cipher = Cipher(Secret(KEY), SHOP.appid)

    assert message == cipher.open(cipher.seal(message, bytes(16)))


def test_signatures_are_those_of_wechatpy() -> None:
    """The same digest for the same parts."""
    utils.check_signature(
        TOKEN, signature(Secret(TOKEN), "1772424000", "n"), "1772424000", "n"
    )
    with pytest.raises(Exception, match="Invalid signature"):
        utils.check_signature(TOKEN, "0" * 40, "1772424000", "n")


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [
        ("service", None, "success"),
        ("mini_program", None, "success"),
        ("wecom", KEY, ""),
    ],
)
def test_without_words_the_callback_is_only_received(
    kind: AccountKind, key: str | None, expected: str
) -> None:
    """WeChat and WeCom have different words for it."""
    assert expected == asked(kind=kind, key=key).reply()


def test_what_cannot_be_said_is_refused() -> None:
    """Before WeChat refuses it without a word."""
    with pytest.raises(InvalidInputError, match=r"take out U\+0000"):
        PLAIN.reply("a\x00b")
    with pytest.raises(InvalidInputError, match="take out U\\+D800"):
        PLAIN.reply("\ud800")
    with pytest.raises(InvalidInputError, match="content must be a text"):
        PLAIN.reply(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="send a customer message instead"):
        asked(kind="mini_program").reply("hi")
    with pytest.raises(InvalidInputError, match="16 bytes"):
        Cipher(Secret(KEY), "wx1").seal(b"", b"")
