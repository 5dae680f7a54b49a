"""Answers of WeChat Pay that lie, bomb or ramble decide nothing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.tills import MERCHANT, TILLS, Till, payout
from wxengage.adapters.bodies import fields_of
from wxengage.adapters.pay import packets
from wxengage.adapters.pay.bills import (
    Reply,
    answer_to_bill,
    answer_to_cancel,
    answer_to_question,
)
from wxengage.adapters.pay.merchants import Merchant
from wxengage.adapters.pay.signing import is_signed, signature, signed_xml
from wxengage.adapters.secret import Secret
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Accepted, AwaitingUser, Paid, Refused
from wxengage.testing.faults import Fault
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
APPID = "wx1234567890abcdef"
SHOP = Merchant(MERCHANT, APPID, cert_file="cert.pem", key_file="key.pem")
KEY = Secret("k" * 32)
ADA = payout()
SENT = {
    "return_code": "SUCCESS",
    "result_code": "SUCCESS",
    "mch_billno": ADA.number,
    "mch_id": MERCHANT,
    "wxappid": APPID,
    "re_openid": "o_ada",
    "total_amount": "800",
}
RECEIVED = {
    "return_code": "SUCCESS",
    "result_code": "SUCCESS",
    "mch_billno": ADA.number,
    "mch_id": MERCHANT,
    "detail_id": "d1",
    "status": "RECEIVED",
    "total_amount": "800",
    "hblist": {
        "hbinfo": {
            "openid": "o_ada",
            "amount": "800",
            "rcv_time": "2026-03-02 19:59:00",
        }
    },
}
BILL = {
    "mch_id": MERCHANT,
    "appid": APPID,
    "out_bill_no": ADA.number,
    "transfer_bill_no": "t1",
    "state": "SUCCESS",
    "transfer_amount": 800,
    "openid": "o_ada",
    "create_time": "2026-03-02T19:00:00+08:00",
    "update_time": "2026-03-02T19:59:00+08:00",
}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeWeChat]:
    """Give one fake WeChat for all of it."""
    pytest.importorskip("wechatpy", reason="wechatpy is not installed")
    pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")
    with FakeWeChat() as fake:
        yield fake


@pytest.fixture(scope="module")
def senders(fake: FakeWeChat) -> dict[str, Any]:
    """Give a sender of each kind."""
    return {till.name: till.sender(fake, total=3.0) for till in TILLS}


def sent(fields: Mapping[str, Any], *, signed: bool | None = True) -> Any:
    """Return what an answer to a red packet says."""
    return packets.answer_to_packet(fields, ADA, 800, SHOP, NOON, signed=signed)


def asked(fields: Mapping[str, Any], *, signed: bool | None = True) -> Any:
    """Return what an answer to a question about a red packet says."""
    return packets.answer_to_question(fields, ADA, 800, SHOP, NOON, signed=signed)


def told(fields: Mapping[str, Any], status: int = 200) -> Any:
    """Return what an answer to a question about a transfer says."""
    return answer_to_question(Reply(status, fields), ADA, 800, SHOP, NOON)


def test_the_honest_answers_are_believed() -> None:
    """What the other tests of this file spoil."""
    at = NOON - dt.timedelta(minutes=1)

    assert Accepted(ADA.number, NOON) == sent(SENT)
    assert Paid(ADA.number, at, "d1", 800) == asked(RECEIVED)
    assert Paid(ADA.number, at, "t1", 800) == told(BILL)


@pytest.mark.parametrize("name", sorted(SENT))
def test_a_packet_of_somebody_else_is_not_ours(name: str) -> None:
    """Each field alone, wrong or missing, takes the answer away."""
    for value in (f"{SENT[name]}1", "", ()):
        assert isinstance(sent(SENT | {name: value}), Unknown)
    assert isinstance(sent({key: SENT[key] for key in SENT if key != name}), Unknown)


def _spoilt(value: Any) -> list[Any]:
    if isinstance(value, int):
        return [value + 1, str(value), float(value), True, None, [value]]
    return [f"{value}1", value.upper() + "x", "", None, 7, [value], {}]


@pytest.mark.parametrize(
    "name", ["mch_id", "appid", "out_bill_no", "transfer_amount", "openid", "state"]
)
def test_a_transfer_of_somebody_else_is_not_ours(name: str) -> None:
    """Also where it is only of another type: 800.0 fen are not told by WeChat."""
    for value in _spoilt(BILL[name]):
        assert isinstance(told(BILL | {name: value}), Unknown)
    assert isinstance(told({key: BILL[key] for key in BILL if key != name}), Unknown)


@pytest.mark.parametrize("name", ["mch_billno", "mch_id", "status", "total_amount"])
def test_a_question_about_somebody_else_is_not_ours(name: str) -> None:
    """Of red packets."""
    for value in (f"{RECEIVED[name]}1", "", ("a", "b"), {"a": "b"}):
        assert isinstance(asked(RECEIVED | {name: value}), Unknown)


@pytest.mark.parametrize(
    "hblist",
    [
        {},
        "",
        {"hbinfo": ""},
        {"hbinfo": {"openid": "o_bob", "amount": "800"}},
        {"hbinfo": {"openid": "o_ada", "amount": "799"}},
        {"hbinfo": {"openid": "O_ADA", "amount": "800"}},
        {"hbinfo": {"openid": "o_ada", "amount": "８００"}},  # noqa: RUF001  full width
        {"hbinfo": {"openid": "o_ada", "amount": "8_00"}},
        {"hbinfo": ({"openid": "o_ada", "amount": "800"},) * 2},
    ],
    ids=str,
)
def test_received_by_whom_must_be_told(hblist: Any) -> None:
    """And it must be one, the right one, and all of it."""
    assert isinstance(asked(RECEIVED | {"hblist": hblist}), Unknown)


def test_only_good_news_needs_a_signature() -> None:
    """A refusal costs nothing, since the number stays. A wrong one is no answer."""
    refusal = SENT | {"result_code": "FAIL", "err_code": "NOTENOUGH"}

    assert isinstance(sent(SENT, signed=None), Unknown)
    assert isinstance(asked(RECEIVED, signed=None), Unknown)
    assert isinstance(sent(refusal, signed=None), Refused)
    assert isinstance(sent(refusal, signed=False), Unknown)
    assert isinstance(sent(SENT, signed=False), Unknown)


@pytest.mark.parametrize(
    "fields",
    [
        {"result_code": "FAIL"},
        {"result_code": "FAIL", "err_code": ""},
        {"result_code": "FAIL", "err_code": ("NOTENOUGH", "NOTENOUGH")},
        {"result_code": "FAIL", "err_code": "notenough"},
        {"result_code": "FAIL", "err_code": "NOTENOUGH", "mch_billno": "other"},
        {"result_code": "MAYBE", "err_code": "NOTENOUGH"},
        {"return_code": "FAIL", "return_msg": "签名错误"},
        {"err_code": "NOTENOUGH", "result_code": ("FAIL", "SUCCESS")},
    ],
    ids=str,
)
def test_a_refusal_that_is_not_plain_is_none(fields: dict[str, Any]) -> None:
    """It decides nothing."""
    assert isinstance(sent(SENT | fields), Unknown)


def test_a_request_tells_no_end() -> None:
    """SUCCESS, FAIL and CANCELLED of an answer to a request are to be asked about."""
    for word in (
        "SUCCESS",
        "FAIL",
        "CANCELLED",
        "CANCELING",
        "ACCEPTED",
        "TRANSFERING",
    ):
        fields = {"out_bill_no": ADA.number, "state": word}
        assert Accepted(ADA.number, NOON) == answer_to_bill(
            Reply(200, fields), ADA, NOON
        )
    words: list[Any] = ["", "success", None, 1, ["SUCCESS"], {}]
    numbers: list[Any] = [None, "", ADA.number + "1", [ADA.number]]
    spoilt = [(ADA.number, word) for word in words]
    spoilt += [(number, "CANCELLED") for number in numbers]
    for number, state in spoilt:
        reply = Reply(200, {"out_bill_no": number, "state": state})
        for answer in (answer_to_bill, answer_to_cancel):
            assert isinstance(answer(reply, ADA, NOON), Unknown)


@pytest.mark.parametrize(
    "stamp",
    [
        "9999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+14:00",
        "2026-03-02T19:59:00",
        "2026-02-30 19:59:00",
        "soon",
        "",
        None,
        1,
    ],
)
def test_an_instant_that_cannot_be_is_now(stamp: Any) -> None:
    """It is no reason to lose the news."""
    fields = BILL | {"update_time": stamp, "create_time": stamp}
    waits = told(fields | {"state": "WAIT_USER_CONFIRM"})

    assert Paid(ADA.number, NOON, "t1", 800) == told(fields)
    assert AwaitingUser(ADA.number, NOON, NOON + dt.timedelta(days=1)) == waits
    received = {"openid": "o_ada", "amount": "800", "rcv_time": stamp}
    packet = RECEIVED | {"hblist": {"hbinfo": received}}
    assert Paid(ADA.number, NOON, "d1", 800) == asked(packet)


def test_a_reason_of_any_shape_is_still_a_failure() -> None:
    """The state says that it failed, whatever words come with it."""
    for reason in ("", None, "x" * 500, "a\x00b", ["x"], 7):
        fields = BILL | {"state": "FAIL", "fail_reason": reason}
        assert Refused(ADA.number, "FAIL", final=True, action="mend") == told(fields)


@pytest.mark.parametrize("status", [100, 201, 204, 301, 302, 500, 502, 503, 599])
def test_a_status_that_is_no_answer_is_unknown(status: int) -> None:
    """Whatever its body says."""
    for fields in (BILL, {"code": "NOT_ENOUGH"}, {"code": "PARAM_ERROR"}):
        assert isinstance(told(fields, status), Unknown)
        assert isinstance(answer_to_bill(Reply(status, fields), ADA, NOON), Unknown)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    '<!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>'
    "<xml><return_code>&lol2;</return_code></xml>"
)
HOSTILE = {
    "entity bomb": BOMB,
    "external entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    "<xml><return_code>&e;</return_code></xml>",
    "too many tags": "<xml>" + "<a/>" * 10_000 + "</xml>",
    "depth": "<xml>" + "<a>" * 300 + "</a>" * 300 + "</xml>",
    "5 MB of XML": "<xml><a>" + "x" * 5_000_000 + "</a></xml>",
    "5 MB of JSON": '{"a": "' + "x" * 5_000_000 + '"}',
    "5 MB of nothing": " " * 5_000_000,
    "depth of JSON": "[" * 100_000,
    "twice": '{"out_bill_no": "a", "out_bill_no": "b"}',
    "no number": '{"transfer_amount": NaN}',
    "twice in XML": "<xml><return_code>SUCCESS</return_code>"
    "<return_code>FAIL</return_code><result_code>SUCCESS</result_code></xml>",
    "text": "SUCCESS",
}


@pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_unknown_and_cheap(
    fake: FakeWeChat, senders: dict[str, Any], till: Till, name: str
) -> None:
    """Of a payment that was made, and of a question."""
    sender, of = senders[till.name], payout(name.replace(" ", "_"))
    fake.fail(till.pay, Fault.body(HOSTILE[name]))
    fake.fail(till.query, Fault.body(HOSTILE[name]))

    assert isinstance(sender.pay(of, fake.now), Unknown)
    assert isinstance(sender.query(of, fake.now), Unknown)
    assert isinstance(sender.query(of, fake.now), AwaitingUser)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), max_size=20
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c_1", "Z"]), WORDS))
@settings(max_examples=50)
def test_what_is_signed_is_what_is_read(fields: dict[str, str]) -> None:
    """No text can end its field, so the reader finds the signer's fields."""
    told = fields_of(signed_xml(fields, KEY).encode())

    assert fields == {name: told[name] for name in told if name != "sign"}
    assert is_signed(told, KEY) is True
    assert is_signed(told, Secret("x" * 32)) is False


def test_a_changed_field_breaks_the_signature() -> None:
    """Every one of them."""
    for name, value in SENT.items():
        signed = SENT | {"sign": signature(SENT, KEY)}
        assert is_signed(signed, KEY) is True
        assert is_signed(signed | {name: value + "1"}, KEY) is False
    assert is_signed(SENT, KEY) is None
    assert is_signed(SENT | {"sign": ("a", "b")}, KEY) is False
    assert is_signed(SENT | {"sign": "é"}, KEY) is False


def test_our_signature_is_wechatpys() -> None:
    """The two agree on a request as it goes out."""
    utils = pytest.importorskip("wechatpy.pay.utils", reason="no wechatpy")
    fields: dict[str, str | int] = {**SENT, "total_num": 1, "wishing": "恭喜 & 发财"}

    assert utils.calculate_signature(fields, KEY.reveal()) == signature(fields, KEY)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*BILL, "code"]), inner, max_size=6)
        ),
        max_leaves=12,
    )
)
@settings(max_examples=200)
def test_no_answer_at_all_raises(noise: Any) -> None:
    """Whatever a bill's fields are, there is an outcome."""
    spoilt = noise if isinstance(noise, dict) else {"state": noise}
    outcomes = [
        answer(Reply(status, BILL | spoilt), ADA, NOON)
        for status in (200, 400, 429, 500)
        for answer in (answer_to_bill, answer_to_cancel)
    ]
    outcomes += [told(BILL | spoilt, status) for status in (200, 400, 500)]
    paid = [one for one in outcomes if isinstance(one, Paid)]

    assert all(attrs.has(type(one)) for one in outcomes)
    kept = {name: (BILL | spoilt)[name] for name in ("out_bill_no", "openid")}
    assert not paid or {"out_bill_no": ADA.number, "openid": "o_ada"} == kept
