"""The fake WeChat Pay is as strict as the real one, and pays a number once."""

from __future__ import annotations

import datetime as dt
import hashlib
import http.client
import json
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.adapters.tills import CREATE, TILLS, TRANSFERS, Till, payout
from wxengage.adapters.bodies import fields_of, xml_of
from wxengage.delivery.payouts import Accepted, AwaitingUser, Refused
from wxengage.errors import InvalidInputError
from wxengage.testing.faults import Fault
from wxengage.testing.fixtures import fake_wechat
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Mapping

pytest.importorskip("cryptography", reason="cryptography is not installed")

__all__ = ["fake_wechat"]

SEND = "/mmpaymkttransfers/sendredpack"
FIELDS = {
    "nonce_str": "n",
    "mch_billno": "1900000109a",
    "mch_id": "1900000109",
    "wxappid": "wx1234567890abcdef",
    "send_name": "shop",
    "re_openid": "o_ada",
    "total_amount": "800",
    "total_num": "1",
    "wishing": "hi",
    "client_ip": "203.0.113.7",
    "act_name": "spring",
    "remark": "r",
}


def call(
    fake: FakeWeChat,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Return what the fake answers to a plain client."""
    host = urllib.parse.urlsplit(fake.url).netloc
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request(method, path, body, dict(headers or {}))
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    return response.status, raw


def md5(fields: Mapping[str, str], key: str) -> str:
    """Return the signature of some fields."""
    told = "&".join(f"{name}={one}" for name, one in sorted(fields.items()) if one)
    return hashlib.md5(f"{told}&key={key}".encode()).hexdigest().upper()  # noqa: S324


def packet(fake: FakeWeChat, **changes: str) -> Mapping[str, Any]:
    """Return what is answered to a red packet."""
    fields = {name: one for name, one in (FIELDS | changes).items() if one}
    signed = fields.pop("sign", None) or md5(fields, fake.pay.api_key)
    raw = xml_of({**fields, "sign": signed}).encode()
    return fields_of(call(fake, "POST", SEND, raw)[1])


def test_a_plain_client_can_pay(fake_wechat: FakeWeChat) -> None:
    """And finds the answer signed."""
    answer = packet(fake_wechat)
    told = {name: str(one) for name, one in answer.items() if name != "sign"}

    assert ("SUCCESS", "SUCCESS") == (answer["return_code"], answer["result_code"])
    assert md5(told, fake_wechat.pay.api_key) == answer["sign"]
    (payment,) = fake_wechat.pay.payments
    assert ("red_packet", "o_ada", 800) == (payment.api, payment.openid, payment.fen)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sign": "0" * 32}, "SIGN_ERROR"),
        ({"mch_id": "1900000108"}, "PARAM_ERROR"),
        ({"wxappid": "wx0"}, "PARAM_ERROR"),
        ({"client_ip": ""}, "PARAM_ERROR"),
        ({"send_name": ""}, "PARAM_ERROR"),
        ({"total_amount": "99"}, "MONEY_LIMIT"),
        ({"total_amount": "20001"}, "MONEY_LIMIT"),
        ({"total_amount": "x"}, "MONEY_LIMIT"),
    ],
    ids=str,
)
def test_it_refuses_what_wechat_refuses(
    fake_wechat: FakeWeChat, changes: dict[str, str], code: str
) -> None:
    """And pays nobody."""
    assert code == packet(fake_wechat, **changes)["err_code"]
    assert () == fake_wechat.pay.payments


def test_a_number_is_remembered_with_what_was_asked(fake_wechat: FakeWeChat) -> None:
    """The same again is the same; anything else is refused."""
    first = packet(fake_wechat)
    again = packet(fake_wechat, nonce_str="m", client_ip="203.0.113.8")
    more = packet(fake_wechat, total_amount="900")
    other = packet(fake_wechat, re_openid="o_bob")

    assert first["send_listid"] == again["send_listid"]
    assert ["FATAL_ERROR"] * 2 == [more["err_code"], other["err_code"]]
    assert 1 == len(fake_wechat.pay.payments)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CREATE),
        ("GET", f"{CREATE}/out-bill-no/1900000109a"),
        ("POST", f"{CREATE}/out-bill-no/1900000109a/cancel"),
    ],
)
def test_v3_wants_the_merchants_signature(
    fake_wechat: FakeWeChat, method: str, path: str
) -> None:
    """Of every call, and it signs the refusal."""
    for authorization in ("", 'WECHATPAY2-SHA256-RSA2048 mchid="1900000109"'):
        headers = {"Authorization": authorization}
        status, raw = call(fake_wechat, method, path, b"{}", headers)

        assert (401, "SIGN_ERROR") == (status, json.loads(raw)["code"])
    assert () == fake_wechat.pay.payments


def test_faults_belong_to_their_paths(fake_wechat: FakeWeChat) -> None:
    """A message cannot be refused with a word, nor a payment with a number."""
    for path, fault in (
        ("/cgi-bin/message/custom/send", Fault.refusal("SYSTEMERROR")),
        ("/cgi-bin/message/custom/send", Fault.forged()),
        (SEND, Fault.code(45015)),
        (CREATE, Fault.code(-1)),
    ):
        with pytest.raises(InvalidInputError, match="one that this path can have"):
            fake_wechat.fail(path, fault)
    for bad in ("", "a\nb"):
        with pytest.raises(InvalidInputError, match="code"):
            Fault.refusal(bad)
    with pytest.raises(InvalidInputError, match="status"):
        Fault.refusal("X", status=200)


@pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
def test_its_state_can_be_moved(fake_wechat: FakeWeChat, till: Till) -> None:
    """By its clock, by the user, and by the test."""
    pytest.importorskip("wechatpy", reason="wechatpy is not installed")
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    pay, number = fake_wechat.pay, payout().number
    till.sender(fake_wechat).pay(payout(), fake_wechat.now)

    waits = pay.state(number)
    pay.put(number, "FROZEN")
    frozen = pay.state(number)
    with pytest.raises(InvalidInputError, match="waits for the user"):
        pay.receive(number)
    pay.put(number, till.waits)
    pay.receive(number)

    assert (till.waits, "FROZEN") == (waits, frozen)
    assert till.done == pay.state(number)
    fake_wechat.advance(dt.timedelta(days=2))
    assert till.done == pay.state(number)
    with pytest.raises(InvalidInputError, match="waits for the user"):
        pay.receive(number)
    for ask in (pay.receive, pay.state, pay.push):
        with pytest.raises(InvalidInputError, match="that of a payment"):
            ask("nobody")
    with pytest.raises(InvalidInputError, match="a state"):
        pay.put(number, "")


@pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
def test_what_comes_back_can_be_paid_out_again(
    fake_wechat: FakeWeChat, till: Till
) -> None:
    """The purse counts what is out, and no more."""
    pytest.importorskip("wechatpy", reason="wechatpy is not installed")
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    sender = till.sender(fake_wechat)
    fake_wechat.pay.funds = 800
    sender.pay(payout("ada"), fake_wechat.now)
    short = sender.pay(payout("bob"), fake_wechat.now)
    fake_wechat.advance(dt.timedelta(days=2))

    again = sender.pay(payout("bob"), fake_wechat.now)

    assert isinstance(short, Refused)
    assert isinstance(again, Accepted | AwaitingUser)
    assert 800 == fake_wechat.pay.funds
    with pytest.raises(InvalidInputError, match="funds"):
        fake_wechat.pay.funds = -1


def test_the_merchants_files_go_with_it() -> None:
    """They are there while it runs, and are worth nothing afterwards."""
    with FakeWeChat() as fake:
        merchant = fake.pay.merchant
        files = [Path(merchant.cert_file), Path(merchant.key_file)]
        there = [path.is_file() for path in files]
        assert merchant == fake.pay.merchant

    assert [True, True] == there
    assert [False, False] == [path.exists() for path in files]


def test_the_two_interfaces_do_not_know_of_each_other(fake_wechat: FakeWeChat) -> None:
    """As at WeChat: one number is paid by both. Whoever changes must wait."""
    pytest.importorskip("wechatpy", reason="wechatpy is not installed")
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    for till in TILLS:
        till.sender(fake_wechat).pay(payout(), fake_wechat.now)

    assert 2 == len(fake_wechat.pay.payments)
    assert "FakePay(payments=2)" == repr(fake_wechat.pay)


def test_a_call_shows_what_was_sent(fake_wechat: FakeWeChat) -> None:
    """Of XML as of JSON."""
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    packet(fake_wechat)
    TRANSFERS.sender(fake_wechat).pay(payout(), fake_wechat.now)
    call(fake_wechat, "POST", SEND, b"<xml")

    bodies = [call.body for call in fake_wechat.calls]
    assert ("1900000109a", payout().number, {}) == (
        bodies[0]["mch_billno"],
        bodies[1]["out_bill_no"],
        bodies[2],
    )
