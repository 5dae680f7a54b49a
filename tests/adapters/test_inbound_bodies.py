"""Hostile bodies are refused, and odd words are read."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.adapters.bodies import MOST_BYTES, MOST_TAGS, fields_of, xml_of
from wxengage.adapters.inbound import Inbound
from wxengage.errors import CallbackRejected, InvalidInputError
from wxengage.testing.pushes import Push, Pushes
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

pytest.importorskip("cryptography", reason="cryptography is not installed")

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
TOKEN = "let-me-in"  # noqa: S105  a test's
SHOP = Account("shop", "service", "wx1234567890abcdef")
MINI = Account("mini", "mini_program", "wxmini0123456789a")
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


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    "<xml><MsgType>&b;</MsgType></xml>"
)


OUTSIDE = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><MsgType>text</MsgType></xml>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BOMB.encode(), "document_type"),
        (OUTSIDE.encode(), "document_type"),
        (b"<!DOCTYPE x []><xml><a>1</a></xml>", "document_type"),
        (("<xml>" + "<a/>" * MOST_TAGS + "</xml>").encode(), "too_many_tags"),
        (("<a>" * 50 + "</a>" * 50).encode(), "too_many_tags"),
        (b"<xml>" + b"x" * MOST_BYTES + b"</xml>", "too_large"),
        (b"", "malformed"),
        (b"<xml>", "malformed"),
        (b"<xml></xml>", "malformed"),
        (b"<xml><a>\x00</a></xml>", "malformed"),
        (b"<xml><a>\xff\xfe</a></xml>", "malformed"),
        (b"<xml><a>&undefined;</a></xml>", "malformed"),
        ("<xml><a>1</a></xml>".encode("utf-16"), "malformed"),
        (b'{"MsgType": "text"}', "malformed"),
        (b"<xml><a>1</a></xml><xml/>", "malformed"),
        (b"<xml><ToUserName>gh</ToUserName></xml>", "malformed"),
    ],
)
@pytest.mark.parametrize("sealed", [False, True])
def test_a_hostile_body_is_refused(
    body: bytes,
    why: str,
    sealed: bool,
) -> None:
    """Encrypted or not, nothing is expanded, and nothing else than one error comes."""
    pushes, inbound = (SEALED, SAFE) if sealed else (PLAIN, OPEN)
    push = pushes.raw(body, NOON)

    assert why == reason(inbound, push)


def test_a_hostile_body_costs_little() -> None:
    """The parser stops at the tag that is one too many."""
    body = b"<xml>" + b"<a/>" * 16_000 + b"</xml>"
    push = PLAIN.push("message", "oAlice", NOON)
    started = time.perf_counter()

    assert "too_many_tags" == reason(OPEN, push, body=body)
    assert time.perf_counter() - started < 1


def test_what_people_write_may_look_like_an_attack() -> None:
    """A document type within a message is only words."""
    words = "<!DOCTYPE html><!ENTITY x 'y'>" + "<b>" * 500 + "]]>&amp;'; DROP TABLE x"
    push = SEALED.push("message", "oAlice", NOON, item=words)

    assert words == SAFE.read("POST", push.query, push.body, NOON).fields["Content"]


@pytest.mark.parametrize(
    "change",
    [
        {"CreateTime": "1_772_424_000"},
        {"CreateTime": "１７７２４２４０００"},  # noqa: RUF001
        {"CreateTime": "-1"},
        {"CreateTime": "99999999999"},
        {"CreateTime": ""},
        {"FromUserName": ""},
        {"FromUserName": "o" * 129},
        {"FromUserName": "o\u200bA"},
        {"MsgType": "event"},
    ],
)
def test_a_field_that_wechat_would_not_send_is_refused(change: dict[str, str]) -> None:
    """Times and ids are read strictly, and the value is not shown."""
    fields: dict[str, str | int] = {
        "ToUserName": "gh",
        "FromUserName": "oAlice",
        "CreateTime": "1772424000",
        "MsgType": "text",
        "MsgId": "1",
    }
    push = PLAIN.raw(xml_of(fields | change), NOON)

    with pytest.raises(CallbackRejected) as caught:
        OPEN.read("POST", push.query, push.body, NOON)
    assert "malformed" == caught.value.reason
    assert not change.get("FromUserName") or change["FromUserName"] not in str(
        caught.value
    )


def test_a_field_that_is_there_twice_is_refused() -> None:
    """Of two senders none is believed."""
    body = PLAIN.push("message", "oAlice", NOON).body
    twice = body.replace(b"</xml>", b"<FromUserName>oMallory</FromUserName></xml>")
    push = PLAIN.raw(twice.decode(), NOON)

    assert "malformed" == reason(OPEN, push)


def test_json_is_read_from_mini_programs_alone() -> None:
    """As strictly as XML."""
    inbound = Inbound(MINI, token=TOKEN, allow_plaintext=True)
    pushes = Pushes(MINI, token=TOKEN)
    fields = {
        "ToUserName": "gh",
        "FromUserName": "oAlice",
        "CreateTime": 1772424000,
        "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
        "List": [
            {"TemplateId": "t1", "SubscribeStatusString": "accept"},
            {"TemplateId": "t2", "SubscribeStatusString": "reject"},
        ],
    }
    push = pushes.raw(json.dumps(fields), NOON)

    (event,) = inbound.read("POST", push.query, push.body, NOON).events

    assert ("subscribe", "oAlice", "t1") == (event.kind, event.user, event.item)
    for body, why in (
        (b'{"a": 1, "a": 2}', "malformed"),
        (b'{"a": NaN}', "malformed"),
        (b"{" + b'"a":{' * 2000, "malformed"),
        (b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "malformed"),
        (json.dumps({str(n): n for n in range(500)}).encode(), "too_many_tags"),
        (json.dumps({"a": [0] * 500}).encode(), "too_many_tags"),
        (b'{"MsgType": "text"', "malformed"),
        (b'{"a": [[1], [2]]}', "malformed"),
        (b'{"FromUserName": "o\\ud800"}', "malformed"),
        (b'{"FromUserName": "o\\u0000"}', "malformed"),
    ):
        assert why == reason(inbound, push, body=body), body[:20]


@given(st.binary(max_size=300))
def test_no_bytes_bring_another_error(body: bytes) -> None:
    """Whatever comes, it is read or refused."""
    push = PLAIN.push("message", "oAlice", NOON)
    try:
        OPEN.read("POST", push.query, body, NOON)
    except CallbackRejected as error:
        assert error.reason  # noqa: PT017  both ends are right


NAMES = ["MsgType", "Event", "CreateTime", "FromUserName", "List", "Encrypt", "x"]


WORDS = [
    "event",
    "subscribe",
    "subscribe_msg_popup_event",
    "1772424000",
    "\ud800",
    "\0",
]


LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS)


JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_json_brings_another_error(fields: dict[str, object]) -> None:
    """Of any shape and with any characters."""
    inbound = Inbound(MINI, token=TOKEN, allow_plaintext=True)
    push = Pushes(MINI, token=TOKEN).raw(json.dumps(fields), NOON)
    try:
        inbound.read("POST", push.query, push.body, NOON)
    except CallbackRejected as error:
        assert error.reason  # noqa: PT017  both ends are right


@given(
    st.dictionaries(
        st.sampled_from(["MsgType", "Event", "CreateTime", "FromUserName", "EventKey"]),
        st.sampled_from(
            ["event", "subscribe", "SCAN", "1772424000", "oA", "a\tb", " "]
        ),
    )
)
def test_no_fields_bring_another_error(fields: dict[str, str]) -> None:
    """Well-formed nonsense is read or refused."""
    push = PLAIN.raw(xml_of({"ToUserName": "gh", **fields}), NOON)
    try:
        callback = OPEN.read("POST", push.query, push.body, NOON)
    except CallbackRejected as error:
        assert "malformed" == error.reason  # noqa: PT017
    else:
        assert {fields["FromUserName"]} >= {event.user for event in callback.events}


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_what_is_written_is_what_is_read(words: str) -> None:
    """Any words come through XML and encryption as they are."""
    try:
        body = xml_of({"Content": words, "CreateTime": 1})
    except InvalidInputError:
        return
    assert words == fields_of(body.encode())["Content"]
