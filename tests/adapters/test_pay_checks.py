"""What is wrong with a payout or a set-up is found before anything is sent."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.adapters.tills import (
    PACKET,
    RED_PACKETS,
    REPORTS,
    TILLS,
    TRANSFER,
    TRANSFERS,
    Till,
    payout,
)
from wxengage.adapters.pay import (
    Merchant,
    Packet,
    PayEndpoint,
    PlatformKeys,
    Transfer,
    TransferSender,
)
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Accepted, AwaitingUser, Refused
from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.money import Points
from wxengage.rules.book import rulebook
from wxengage.testing.fixtures import fake_wechat

if TYPE_CHECKING:
    from wxengage.testing.server import FakeWeChat

pytest.importorskip("wechatpy", reason="wechatpy is not installed")
pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")

__all__ = ["fake_wechat"]

both = pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
NAMED = attrs.evolve(TRANSFER, real_name="张三")


def _blank(_: object) -> Packet:
    return attrs.evolve(PACKET, wishing="")


def _wrong(_: object) -> str:
    return "恭喜发财"


@both
def test_what_may_not_go_is_not_asked(fake_wechat: FakeWeChat, till: Till) -> None:
    """Each with its reason; a question about another merchant's is not asked."""
    now = fake_wechat.now
    sender = till.sender(fake_wechat)
    cases = {
        "wrong_merchant": sender.pay(payout(number="1900000108abc"), now),
        "not_cash": sender.pay(payout(reward=Points(8)), now),
    }
    for compose in (_blank, _wrong):
        refused = till.sender(fake_wechat, compose=compose).pay(payout(), now)
        assert isinstance(refused, Refused)
        assert ("not_composed", False, "mend") == attrs.astuple(refused)[1:]
    told = sender.query(payout(number="1900000108abc"), now)

    assert list(cases) == [one.code for one in cases.values()]
    assert {(False, "mend")} == {(one.final, one.action) for one in cases.values()}
    assert Unknown("wrong_merchant") == told
    assert () == fake_wechat.calls


@pytest.mark.parametrize(
    ("fen", "packet", "code"),
    [
        (99, PACKET, "scene_needed"),
        (100, PACKET, None),
        (20_000, PACKET, None),
        (20_001, PACKET, "scene_needed"),
        (20_001, attrs.evolve(PACKET, scene="PRODUCT_1"), None),
        (30, attrs.evolve(PACKET, scene="PRODUCT_8"), None),
    ],
)
def test_a_packet_keeps_to_the_limits(
    fake_wechat: FakeWeChat, fen: int, packet: Packet, code: str | None
) -> None:
    """At both edges; WeChat takes what we let through."""
    sender = RED_PACKETS.sender(fake_wechat, compose=lambda _: packet)

    outcome = sender.pay(payout(fen=fen), fake_wechat.now)

    assert code == getattr(outcome, "code", None)
    assert (Refused if code else Accepted) is type(outcome)
    assert bool(code) == (not fake_wechat.calls)


@pytest.mark.parametrize(
    ("fen", "transfer", "code"),
    [
        (9, TRANSFER, "amount_below"),
        (10, TRANSFER, None),
        (29, NAMED, "name_not_allowed"),
        (30, NAMED, None),
        (20_000, TRANSFER, None),
        (20_001, TRANSFER, "amount_above"),
    ],
)
def test_a_transfer_keeps_to_the_limits(
    fake_wechat: FakeWeChat, fen: int, transfer: Transfer, code: str | None
) -> None:
    """At both edges."""
    sender = TRANSFERS.sender(fake_wechat, compose=lambda _: transfer)

    outcome = sender.pay(payout(fen=fen), fake_wechat.now)

    assert code == getattr(outcome, "code", None)
    assert (Refused if code else AwaitingUser) is type(outcome)


def test_the_limits_are_the_rules_of_the_day(fake_wechat: FakeWeChat) -> None:
    """A merchant with other limits says so in its rulebook."""
    days: list[dt.date] = []

    def mine(day: dt.date) -> Any:
        days.append(day)
        book = rulebook(day)
        rule = attrs.evolve(
            book["WX-TRF-002"],
            params={**book["WX-TRF-002"].params, "max_fen": 500_000},
            source="by the merchant platform, for this merchant",
        )
        return book.overlay([rule])

    late = dt.datetime(2026, 3, 2, 16, tzinfo=dt.UTC)
    unnamed = TRANSFERS.sender(fake_wechat, rules=mine)
    named = TRANSFERS.sender(fake_wechat, rules=mine, compose=lambda _: NAMED)
    two_thousand = payout(fen=200_000)

    refused = unnamed.pay(two_thousand, late)
    taken = named.pay(two_thousand, late)

    assert "name_needed" == refused.code
    assert isinstance(taken, AwaitingUser)
    assert [dt.date(2026, 3, 3)] * 2 == days
    (payment,) = fake_wechat.pay.payments
    assert "张三" == payment.said["user_name"]
    (call,) = fake_wechat.calls
    assert "张三" not in str(call.body)


def test_every_field_arrives(fake_wechat: FakeWeChat) -> None:
    """As it was said, and nothing that was not said."""
    wishing = "恭喜]]><total_amount>20000</total_amount> & 发财"
    packet = attrs.evolve(PACKET, wishing=wishing)
    transfer = attrs.evolve(
        TRANSFER, perception="现金奖励", notify_url="https://shop.example/pay"
    )
    RED_PACKETS.sender(fake_wechat, compose=lambda _: packet).pay(
        payout(), fake_wechat.now
    )
    TRANSFERS.sender(fake_wechat, compose=lambda _: transfer).pay(
        payout("bob"), fake_wechat.now
    )
    TRANSFERS.sender(fake_wechat).pay(payout("cy"), fake_wechat.now)

    sent, moved, plain = fake_wechat.pay.payments
    assert {
        "mch_billno": payout().number,
        "mch_id": "1900000109",
        "wxappid": "wx1234567890abcdef",
        "re_openid": "o_ada",
        "total_amount": "800",
        "total_num": "1",
        "send_name": "小店",
        "act_name": "春季活动",
        "wishing": wishing,
        "remark": "邀请奖励",
    } == sent.said
    assert "203.0.113.7" == fake_wechat.calls[0].body["client_ip"]
    said = {
        "appid": "wx1234567890abcdef",
        "out_bill_no": payout("bob").number,
        "openid": "o_bob",
        "transfer_amount": 800,
        "transfer_remark": "邀请奖励",
        "transfer_scene_id": "1000",
        "transfer_scene_report_infos": [
            {"info_type": kind, "info_content": told} for kind, told in REPORTS
        ],
    }
    more = {
        "user_recv_perception": "现金奖励",
        "notify_url": "https://shop.example/pay",
    }
    assert {**said, **more} == moved.said
    assert said | {"openid": "o_cy", "out_bill_no": payout("cy").number} == plain.said


def test_no_name_is_looked_up_and_no_address_guessed(
    fake_wechat: FakeWeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone, wechatpy asks the DNS, and requests the environment for proxies."""
    asked: list[Any] = []
    monkeypatch.setattr("socket.gethostbyname", asked.append)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    outcomes = [
        till.sender(fake_wechat).pay(payout(), fake_wechat.now) for till in TILLS
    ]

    assert [] == asked
    assert [Accepted, AwaitingUser] == [type(one) for one in outcomes]


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("send_name", ""),
        ("send_name", "x" * 33),
        ("act_name", "x" * 33),
        ("wishing", "x" * 129),
        ("remark", "x" * 257),
        ("remark", "a\nb"),
        ("remark", "a\x00b"),
        ("remark", "\ud800"),
        ("remark", 7),
        ("scene", "PRODUCT_9"),
        ("scene", ""),
    ],
)
def test_a_packet_says_what_it_may(field: str, bad: Any) -> None:
    """Already when it is made."""
    with pytest.raises(InvalidInputError, match=field):
        attrs.evolve(PACKET, **{field: bad})


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("scene", ""),
        ("remark", "x" * 33),
        ("reports", ()),
        ("reports", REPORTS[:1]),
        ("reports", [*REPORTS]),
        ("reports", (*REPORTS, ("only one",))),
        ("reports", (*REPORTS, ("活动名称", ""))),
        ("perception", ""),
        ("real_name", ""),
        ("notify_url", "http://shop.example/pay"),
        ("notify_url", "https://shop.example/pay?x=1"),
        ("notify_url", 7),
    ],
)
def test_a_transfer_says_what_it_must(field: str, bad: Any) -> None:
    """Scene 1000 needs both of its reports."""
    with pytest.raises(InvalidInputError, match=field):
        attrs.evolve(TRANSFER, **{field: bad})


def test_another_scene_asks_for_what_it_asks() -> None:
    """We know only what scene 1000 wants."""
    assert () == Transfer("1005", "佣金").reports


@pytest.mark.parametrize(
    "mch_id",
    ["", "190000010", "19000001099", "190000010９", 1900000109, None],  # noqa: RUF001
)
def test_a_merchant_has_ten_digits(mch_id: Any) -> None:
    """As text."""
    with pytest.raises(InvalidInputError, match="ten digits"):
        Merchant(mch_id, "wx1", cert_file="a", key_file="b")


@both
def test_certificate_and_key_are_both_needed(
    fake_wechat: FakeWeChat, till: Till, tmp_path: Path
) -> None:
    """They are read at once, and must belong together."""
    merchant = fake_wechat.pay.merchant
    other = tmp_path / "other.pem"
    other.write_text(_another_key())
    noise = tmp_path / "noise.pem"
    noise.write_bytes(b"\x00-----BEGIN NOTHING-----")
    cases: list[tuple[str, Any, str]] = [
        ("cert_file", tmp_path / "none.pem", "a file that can be read"),
        ("key_file", tmp_path / "none.pem", "a file that can be read"),
        ("cert_file", noise, "a certificate in PEM"),
        ("key_file", noise, "an RSA key in PEM"),
        ("cert_file", merchant.key_file, "a certificate in PEM"),
        ("key_file", merchant.cert_file, "an RSA key in PEM"),
        ("key_file", other, "the private key of cert_file"),
    ]
    for field, path, rule in cases:
        wrong = attrs.evolve(merchant, **{field: path})
        with pytest.raises(InvalidInputError, match=rule) as caught:
            _build(till, fake_wechat, wrong)
        assert field == caught.value.name
        assert "PRIVATE" not in str(caught.value)
    for field in ("cert_file", "key_file"):
        bads: tuple[Any, ...] = (None, "", 7)
        for bad in bads:
            with pytest.raises(InvalidInputError, match=field):
                attrs.evolve(merchant, **{field: bad})


def _build(till: Till, fake: FakeWeChat, merchant: Merchant) -> Any:
    if till is TRANSFERS:
        keys = fake.pay.platform_keys
        return TransferSender(merchant, lambda _: TRANSFER, platform_keys=keys)
    sender = type(till.sender(fake))
    options = {"api_key": "k" * 32, "client_ip": "203.0.113.7"}
    return sender(merchant, lambda _: PACKET, **options)


def _another_key() -> str:
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    form = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = rsa.generate_private_key(65537, 2048)
    plain = form.NoEncryption()
    old = form.PrivateFormat.TraditionalOpenSSL
    told: str = key.private_bytes(form.Encoding.PEM, old, plain).decode()
    return told


def test_the_keys_of_the_platform_are_checked(fake_wechat: FakeWeChat) -> None:
    """Also a certificate under another number than its own."""
    cert = Path(fake_wechat.pay.merchant.cert_file).read_text()
    key = Path(fake_wechat.pay.merchant.key_file).read_text()
    for bad in ({}, None, {"a": 7}, {"": "x"}, {"a": "x"}, {"a": key}, {"1F": cert}):
        with pytest.raises(InvalidInputError, match="pems") as caught:
            PlatformKeys(bad)  # type: ignore[arg-type]
        assert key.splitlines()[1] not in str(caught.value) + repr(caught.value)
    with pytest.raises(InvalidInputError, match="platform_keys"):
        TRANSFERS.sender(fake_wechat, platform_keys={"a": "b"})


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("api_key", "short"),
        ("api_key", "k" * 33),
        ("api_key", 7),
        ("client_ip", "shop.example"),
        ("client_ip", ""),
        ("client_ip", None),
        ("allow_unsigned", 1),
    ],
)
def test_the_set_up_of_red_packets_is_checked(
    fake_wechat: FakeWeChat, field: str, bad: Any
) -> None:
    """When the sender is made, not when it pays."""
    with pytest.raises(InvalidInputError, match=field):
        RED_PACKETS.sender(fake_wechat, **{field: bad})


@both
def test_a_sender_is_given_what_it_needs(fake_wechat: FakeWeChat, till: Till) -> None:
    """A payout, an aware instant, a merchant."""
    sender = till.sender(fake_wechat)
    naive = dt.datetime(2026, 3, 2)  # noqa: DTZ001
    for ask in (sender.pay, sender.query):
        with pytest.raises(InvalidInputError, match="payout"):
            ask("1900000109abc", fake_wechat.now)
        with pytest.raises(InvalidInputError, match="now"):
            ask(payout(), naive)
    with pytest.raises(InvalidInputError, match="merchant"):
        _build(till, fake_wechat, "1900000109")  # type: ignore[arg-type]
    assert () == fake_wechat.calls


@pytest.mark.parametrize(
    "url",
    [
        "https://api.weixin.qq.com",
        "http://api.mch.weixin.qq.com",
        "https://api.mch.weixin.qq.com.evil.example",
        "https://api.mch.weixin.qq.com/v3",
    ],
)
def test_money_is_asked_of_nobody_else(url: str) -> None:
    """Not even of WeChat's other hosts."""
    with pytest.raises(InvalidInputError, match="url must be https and a host"):
        PayEndpoint(url)
    assert "https://api.mch.weixin.qq.com" == PayEndpoint().url


@pytest.mark.parametrize(
    ("till", "module", "line"),
    [
        (RED_PACKETS, "wechatpy.pay", r"pip install 'wxengage\[wechat\]'"),
        (TRANSFERS, "wechatpayv3", r"pip install 'wxengage\[pay\]'"),
        (TRANSFERS, "cryptography.x509", r"pip install 'wxengage\[pay\]'"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
def test_without_the_extra_the_error_says_what_to_install(
    fake_wechat: FakeWeChat,
    monkeypatch: pytest.MonkeyPatch,
    till: Till,
    module: str,
    line: str,
) -> None:
    """When a sender is made."""
    till.sender(fake_wechat)
    monkeypatch.setitem(sys.modules, module, None)
    for wire in ("packet_wire", "bill_wire"):
        monkeypatch.delitem(sys.modules, f"wxengage.adapters.pay.{wire}", raising=False)

    with pytest.raises(MissingExtraError, match=line):
        till.sender(fake_wechat)


def test_a_wrong_set_up_stops_and_pays_nobody(fake_wechat: FakeWeChat) -> None:
    """Another key, another app, another key of the platform: WeChat says so."""
    now = fake_wechat.now
    elsewhere = attrs.evolve(fake_wechat.pay.merchant, appid="wx0000000000000000")
    (pem,) = fake_wechat.pay.platform_keys.pems.values()
    endpoint = PayEndpoint(fake_wechat.url)
    other_key, other_app = (
        RED_PACKETS.sender(fake_wechat, api_key="k" * 32),
        TransferSender(
            elsewhere,
            lambda _: TRANSFER,
            platform_keys=fake_wechat.pay.platform_keys,
            endpoint=endpoint,
        ),
    )
    renamed = TRANSFERS.sender(
        fake_wechat, platform_keys=PlatformKeys({"PUB_KEY_ID_OTHER": pem})
    )

    refused = [one.pay(payout(), now) for one in (other_app, renamed)]
    unsigned = other_key.pay(payout(), now)

    # WeChat's refusal names a key that is not trusted, so that it is no answer.
    assert ["APPID_MCHID_NOT_MATCH", None] == [
        getattr(one, "code", None) for one in refused
    ]
    assert "stop" == getattr(refused[0], "action", None)
    assert Refused(payout().number, "SIGN_ERROR", final=False, action="stop") == (
        unsigned
    )
    assert () == fake_wechat.pay.payments


def test_cancelling_asks_about_its_own(fake_wechat: FakeWeChat) -> None:
    """Another merchant's is not asked about; an unheard request decides nothing."""
    sender = TRANSFERS.sender(fake_wechat)
    other = sender.cancel(payout(number="1900000108abc"), fake_wechat.now)
    calls = len(fake_wechat.calls)
    fake_wechat.__exit__(None, None, None)

    assert Unknown("wrong_merchant") == other
    assert 0 == calls
    assert isinstance(sender.cancel(payout(), fake_wechat.now), Unknown)


def test_keys_of_any_form_are_read(fake_wechat: FakeWeChat, tmp_path: Path) -> None:
    """The older form of a key is one too; one of another kind is not."""
    form = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    merchant = fake_wechat.pay.merchant
    raw = Path(merchant.key_file).read_bytes()
    plain, pem = form.NoEncryption(), form.Encoding.PEM
    traditional = form.PrivateFormat.TraditionalOpenSSL
    old, curve = tmp_path / "old.pem", tmp_path / "curve.pem"
    key = form.load_pem_private_key(raw, None)
    old.write_bytes(key.private_bytes(pem, traditional, plain))
    other = ec.generate_private_key(ec.SECP256R1())
    curve.write_bytes(other.private_bytes(pem, traditional, plain))
    sender = TransferSender(
        attrs.evolve(merchant, key_file=old),
        lambda _: TRANSFER,
        platform_keys=fake_wechat.pay.platform_keys,
        endpoint=PayEndpoint(fake_wechat.url),
    )

    assert b"BEGIN RSA PRIVATE KEY" in old.read_bytes()
    assert isinstance(sender.pay(payout(), fake_wechat.now), AwaitingUser)
    with pytest.raises(InvalidInputError, match="an RSA key in PEM"):
        _build(TRANSFERS, fake_wechat, attrs.evolve(merchant, key_file=curve))
