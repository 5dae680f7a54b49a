"""Notices of WeChat Pay are verified, opened, and no more than a hint."""

from __future__ import annotations

import datetime as dt
import json
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.adapters.tills import MERCHANT, TRANSFERS, payout
from wxengage.adapters.bodies import MOST_BYTES
from wxengage.adapters.pay import BillHint, PayInbound, PlatformKeys
from wxengage.delivery.payouts import AwaitingUser, Paid
from wxengage.errors import CallbackRejected, InvalidInputError
from wxengage.testing.pay import PayPush
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("cryptography", reason="cryptography is not installed")

NUMBER = payout().number
MINUTE, SECOND = dt.timedelta(minutes=1), dt.timedelta(seconds=1)
TOLD = {"mchid": MERCHANT, "out_bill_no": NUMBER, "state": "SUCCESS"}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeWeChat]:
    """Give one fake WeChat for all of it."""
    with FakeWeChat() as fake:
        yield fake


def inbound(fake: FakeWeChat, **more: Any) -> PayInbound:
    """Return a door for notices."""
    options = {
        "apiv3_key": fake.pay.apiv3_key,
        "platform_keys": fake.pay.platform_keys,
        **more,
    }
    return PayInbound(options.pop("mch_id", MERCHANT), **options)


def notice(fake: FakeWeChat, told: dict[str, Any] | bytes = TOLD) -> PayPush:
    """Return a notice that says so."""
    raw = told if isinstance(told, bytes) else json.dumps(told).encode()
    return fake.pay.raw(raw, fake.now)


def reason(
    fake: FakeWeChat, push: PayPush, *, now: dt.datetime | None = None, **more: Any
) -> str:
    """Return why a notice is rejected."""
    with pytest.raises(CallbackRejected) as caught:
        inbound(fake, **more).read(push.headers, push.body, now or fake.now)
    told = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    assert fake.pay.apiv3_key not in "".join(told.format())
    return caught.value.reason


def test_a_notice_is_asked_about_before_it_is_booked(fake: FakeWeChat) -> None:
    """The books hear the answer to the question; the hint has no amount."""
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    sender = TRANSFERS.sender(fake)
    of = payout("notified")
    sender.pay(of, fake.now)
    fake.pay.receive(of.number)
    push = fake.pay.push(of.number)

    hint = inbound(fake).read(push.headers, push.body, fake.now)
    outcome = sender.query(of, fake.now)

    assert of.number == hint.number
    assert ("MCHTRANSFER.BILL.FINISHED", fake.now) == (hint.event_type, hint.at)
    assert isinstance(outcome, Paid)
    names = {field.name for field in attrs.fields(BillHint)}
    assert {"number", "event_type", "at", "key"} == names


def test_a_forger_with_the_key_alone_moves_nothing(fake: FakeWeChat) -> None:
    """Even a notice that reads well says no more than "ask"."""
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    sender, of = TRANSFERS.sender(fake), payout("patient")
    sender.pay(of, fake.now)
    push = notice(fake, TOLD | {"out_bill_no": of.number})

    hint = inbound(fake).read(push.headers, push.body, fake.now)

    assert of.number == hint.number
    assert isinstance(sender.query(of, fake.now), AwaitingUser)


def test_the_same_notice_has_the_same_key(fake: FakeWeChat) -> None:
    """WeChat repeats what it hears nothing about."""
    first, second = notice(fake), notice(fake)
    other = notice(fake, TOLD | {"out_bill_no": NUMBER + "b"})
    keys = [
        inbound(fake).read(push.headers, push.body, fake.now).key
        for push in (first, second, other)
    ]

    assert keys[0] == keys[1] != keys[2]


def test_what_a_user_paid_is_a_hint_too(fake: FakeWeChat) -> None:
    """Notices of payments name another field."""
    told = {"mchid": MERCHANT, "out_trade_no": "order_20260302-1"}
    push = notice(fake, told)

    hint = inbound(fake).read(push.headers, push.body, fake.now)

    assert "order_20260302-1" == hint.number


def test_small_letters_and_a_missing_algorithm_are_fine(fake: FakeWeChat) -> None:
    """Frameworks write headers as they like."""
    push = notice(fake)
    small = {
        name.lower(): value
        for name, value in push.headers.items()
        if not name.endswith("Type")
    }

    assert NUMBER == inbound(fake).read(small, push.body, fake.now).number


@pytest.mark.parametrize("away", [-5 * MINUTE, 5 * MINUTE])
def test_a_notice_is_good_for_five_minutes(
    fake: FakeWeChat, away: dt.timedelta
) -> None:
    """In both directions, and no second more."""
    push = notice(fake)
    late = away + (SECOND if away > dt.timedelta(0) else -SECOND)

    assert inbound(fake).read(push.headers, push.body, fake.now + away)
    assert "stale" == reason(fake, push, now=fake.now + late)


@pytest.mark.parametrize(
    ("header", "value", "why"),
    [
        ("Wechatpay-Timestamp", "", "malformed_headers"),
        ("Wechatpay-Timestamp", "1772424000.0", "malformed_headers"),
        ("Wechatpay-Timestamp", "１７７２４２４０００", "malformed_headers"),  # noqa: RUF001
        ("Wechatpay-Nonce", "", "malformed_headers"),
        ("Wechatpay-Nonce", "a\nb", "malformed_headers"),
        ("Wechatpay-Nonce", "abc", "bad_signature"),
        ("Wechatpay-Serial", "", "malformed_headers"),
        ("Wechatpay-Serial", "PUB_KEY_ID_OTHER", "bad_signature"),
        ("Wechatpay-Serial", "7132D72A03E93CDDF8C03BBD1F37EEDF", "bad_signature"),
        ("Wechatpay-Signature", "", "bad_signature"),
        ("Wechatpay-Signature", "WECHATPAY/SIGNTEST/abc", "bad_signature"),
        ("Wechatpay-Signature", "é", "bad_signature"),
        ("Wechatpay-Signature", "AAAA", "bad_signature"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3", "malformed_headers"),
    ],
)
def test_what_wechat_did_not_sign_is_rejected(
    fake: FakeWeChat, header: str, value: str, why: str
) -> None:
    """Each header counts."""
    push = notice(fake)
    headers = {**push.headers, header: value}

    assert why == reason(fake, PayPush(headers, push.body))


def test_a_changed_body_is_rejected(fake: FakeWeChat) -> None:
    """By one byte, and by one blank at its end."""
    push = notice(fake)
    for body in (push.body + b" ", push.body.replace(b"FINISHED", b"FINISHEX")):
        assert "bad_signature" == reason(fake, PayPush(push.headers, body))


def test_only_the_merchants_key_opens_it(fake: FakeWeChat) -> None:
    """And only what is its own is read."""
    push = notice(fake)
    key = fake.pay.apiv3_key[::-1]

    assert "undecipherable" == reason(fake, push, apiv3_key=key)
    assert "wrong_merchant" == reason(fake, push, mch_id="1900000108")


def _sealed(fake: FakeWeChat, **changes: Any) -> PayPush:
    body = json.loads(notice(fake).body)
    body["resource"] |= changes
    return fake.pay.signed(json.dumps(body).encode(), fake.now)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"algorithm": "none"}, "malformed"),
        ({"nonce": ""}, "undecipherable"),
        ({"nonce": "short"}, "undecipherable"),
        ({"nonce": "0" * 12}, "undecipherable"),
        ({"associated_data": "other"}, "undecipherable"),
        ({"ciphertext": "é"}, "undecipherable"),
        ({"ciphertext": ""}, "undecipherable"),
        ({"ciphertext": "AAAA"}, "undecipherable"),
        ({"ciphertext": {"a": "b"}}, "malformed"),
    ],
)
def test_what_was_tampered_with_is_not_opened(
    fake: FakeWeChat, changes: dict[str, Any], why: str
) -> None:
    """Also where WeChat's own signature is on it."""
    assert why == reason(fake, _sealed(fake, **changes))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"<xml><resource>1</resource></xml>",
        b'{"id": "a", "event_type": "b"}',
        b'{"id": "a", "event_type": "b", "resource": "c"}',
        b'{"id": "a", "event_type": "b", "resource": []}',
        b'{"id": "a", "id": "b"}',
        b'{"a": NaN}',
        b"\xff\xfe",
        b'{"a":' * 5_000,
    ],
    ids=repr,
)
def test_what_is_no_notice_is_rejected(fake: FakeWeChat, body: bytes) -> None:
    """Though it is signed."""
    assert "malformed" == reason(fake, fake.pay.signed(body, fake.now))


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"[]",
        b"<xml><out_bill_no>a</out_bill_no></xml>",
        b"\xff",
        {"mchid": MERCHANT},
        TOLD | {"out_bill_no": ""},
        TOLD | {"out_bill_no": "a b"},
        TOLD | {"out_bill_no": "a" * 33},
        TOLD | {"out_bill_no": "１２"},  # noqa: RUF001  full width
        TOLD | {"out_bill_no": ["a"]},
        TOLD | {"out_trade_no": "b"},
        TOLD | {"mchid": [MERCHANT]},
    ],
    ids=repr,
)
def test_what_names_no_bill_is_rejected(fake: FakeWeChat, told: Any) -> None:
    """Or two of them."""
    assert "malformed" == reason(fake, notice(fake, told))


def test_the_size_has_an_end(fake: FakeWeChat) -> None:
    """Before anything is verified, let alone read."""
    push = fake.pay.signed(b'{"a": "' + b"x" * MOST_BYTES + b'"}', fake.now)
    many = b"{" + b",".join(b'"a%d":1' % n for n in range(500)) + b"}"

    assert "too_large" == reason(fake, push)
    assert "too_large" == reason(fake, PayPush({}, b"x" * 5_000_000))
    assert "too_many_tags" == reason(fake, fake.pay.signed(many, fake.now))


def test_two_keys_are_trusted_while_wechat_changes_over(fake: FakeWeChat) -> None:
    """A certificate under its serial number, and the key that follows it."""
    keys = fake.pay.platform_keys
    cert = Path(fake.pay.merchant.cert_file).read_text()
    x509 = pytest.importorskip("cryptography.x509")
    serial = f"{x509.load_pem_x509_certificate(cert.encode()).serial_number:X}"
    both = PlatformKeys({serial: cert, **keys.pems})
    push = notice(fake)

    hint = inbound(fake, platform_keys=both).read(push.headers, push.body, fake.now)

    assert NUMBER == hint.number
    assert (serial, *keys.ids) == both.ids
    assert "bad_signature" == reason(
        fake, push, platform_keys=PlatformKeys({serial: cert})
    )


def test_a_door_is_given_what_it_needs(fake: FakeWeChat) -> None:
    """The application's own mistakes are not the caller's."""
    push, door = notice(fake), inbound(fake)
    for bad in ("short", "k" * 33, 7):
        with pytest.raises(InvalidInputError, match="apiv3_key"):
            inbound(fake, apiv3_key=bad)
    with pytest.raises(InvalidInputError, match="platform_keys"):
        inbound(fake, platform_keys={"a": "b"})
    with pytest.raises(InvalidInputError, match="mch_id"):
        inbound(fake, mch_id="")
    with pytest.raises(InvalidInputError, match="headers"):
        door.read([("a", "b")], push.body, fake.now)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="headers"):
        door.read({"a": 1}, push.body, fake.now)  # type: ignore[dict-item]
    with pytest.raises(InvalidInputError, match="body"):
        door.read(push.headers, push.body.decode(), fake.now)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="now"):
        door.read(push.headers, push.body, dt.datetime(2026, 3, 2))  # noqa: DTZ001
    assert "PayInbound('1900000109')" == repr(door)
