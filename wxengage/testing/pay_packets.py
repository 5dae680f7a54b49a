"""Red packets of the fake WeChat Pay (模拟红包): the XML of v2."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from wxengage.adapters.bodies import fields_of, xml_of
from wxengage.errors import CallbackRejected
from wxengage.testing.pay_bills import Payment
from wxengage.testing.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.testing.faults import Fault
    from wxengage.testing.pay_bills import Bill, Bills

__all__ = ["SEND", "packet_reply"]

SEND: Final = "/mmpaymkttransfers/sendredpack"
_BEIJING: Final = dt.timezone(dt.timedelta(hours=8))
_XML: Final = {"Content-Type": "text/plain; charset=utf-8"}
_OK: Final = {"return_code": "SUCCESS", "result_code": "SUCCESS"}
# What another request under the same number must not change.
_FREE: Final = frozenset({"nonce_str", "sign", "client_ip"})
_LEAST, _MOST = 100, 20_000
_NEEDED: Final = (
    "mch_billno",
    "re_openid",
    "send_name",
    "act_name",
    "wishing",
    "remark",
    "client_ip",
)

Told = dict[str, str]


def packet_reply(
    bills: Bills,
    path: str,
    raw: bytes,
    now: dt.datetime,
    *,
    names: tuple[str, str, str],
    fault: Fault | None,
) -> Reply:
    """Return what is answered to a call of v2.

    Parameters
    ----------
    bills
        What was paid until then.
    path, raw
        The call.
    now
        When.
    names
        The merchant's number, appid and API key.
    fault
        What is to go wrong with it.

    Returns
    -------
    Reply
        XML.
    """
    mch_id, appid, key = names
    try:
        fields = fields_of(raw)
    except CallbackRejected:
        fields = {}
    said = {name: one for name, one in fields.items() if isinstance(one, str)}
    told: Told
    if said.get("sign") != _signature(said, key):
        told = _refusal("SIGN_ERROR", said) | {"return_code": "FAIL"}
        return Reply(xml_of(told).encode(), headers=_XML)
    app = said.get("wxappid" if path == SEND else "appid")
    listed = ""
    if fault is not None and fault.kind == "refusal" and not fault.after:
        told = _refusal(fault.text, said)
    elif (said.get("mch_id"), app) != (mch_id, appid):
        told = _refusal("PARAM_ERROR", said)
    elif path == SEND:
        told = _sent(bills, said, now)
    else:
        told, listed = _found(bills, said, now)
    if fault is not None and fault.kind == "refusal" and fault.after:
        told = _refusal(fault.text, said)
    return _signed(told, listed, key, fault)


def _signed(told: Told, listed: str, key: str, fault: Fault | None) -> Reply:
    kind = None if fault is None else fault.kind
    if kind == "other" and told.get("mch_billno"):
        told["mch_billno"] = told["mch_billno"][:-1] + "#"
    told["nonce_str"] = secrets.token_hex(16)
    if kind != "unsigned":
        told["sign"] = _signature(told, key)
    if kind == "forged":
        told["sign"] = _signature(told, key[::-1] + "x")
    body = xml_of(told).removesuffix("</xml>") + listed + "</xml>"
    return Reply(body.encode(), headers=_XML)


def _sent(bills: Bills, said: Mapping[str, str], now: dt.datetime) -> Told:
    if not all(said.get(name) for name in _NEEDED):
        return _refusal("PARAM_ERROR", said)
    number, amount = said["mch_billno"], said.get("total_amount", "")
    fen = int(amount) if amount.isdecimal() else 0
    kept = {name: one for name, one in said.items() if name not in _FREE}
    bill = bills.get(number, "red_packet")
    if bill is None:
        if not (_LEAST <= fen <= _MOST or said.get("scene_id")):
            return _refusal("MONEY_LIMIT", said)
        if not bills.affords(fen, now):
            return _refusal("NOTENOUGH", said)
        receipt = f"100000000020{len(bills.payments):016}"
        openid = said["re_openid"]
        payment = Payment(number, "red_packet", openid, fen, now, receipt, kept)
        bill = bills.add(payment)
    elif bill.payment.said != kept:
        return _refusal("FATAL_ERROR", said)
    elif bill.state(now) == "FAILED":
        return _refusal("SEND_FAILED", said)
    return {
        **_OK,
        **_echo(said),
        "send_listid": bill.payment.receipt,
    }


def _found(bills: Bills, said: Mapping[str, str], now: dt.datetime) -> tuple[Told, str]:
    """Return the fields of an answer, and the list of who received it."""
    bill = bills.get(said.get("mch_billno", ""), "red_packet")
    if bill is None:
        return _refusal("NOT_FOUND", said), ""
    payment = bill.payment
    told = {
        **_OK,
        "mch_billno": payment.number,
        "mch_id": said["mch_id"],
        "detail_id": payment.receipt,
        "status": bill.state(now),
        "send_type": "API",
        "hb_type": "NORMAL",
        "total_num": "1",
        "total_amount": str(payment.fen),
        "send_time": _stamp(payment.at),
    }
    if told["status"] == "REFUND":
        told |= {"refund_time": _stamp(now), "refund_amount": str(payment.fen)}
    if told["status"] == "FAILED":
        told["reason"] = "ACCOUNT_ABNORMAL"
    return told, _listed(bill)


def _listed(bill: Bill) -> str:
    if bill.received_at is None:
        return ""
    one = {
        "openid": bill.payment.openid,
        "amount": str(bill.payment.fen),
        "rcv_time": _stamp(bill.received_at),
    }
    inner = xml_of(one).removeprefix("<xml>").removesuffix("</xml>")
    return f"<hblist><hbinfo>{inner}</hbinfo></hblist>"


def _refusal(code: str, said: Mapping[str, str]) -> Told:
    told = {"return_code": "SUCCESS", "result_code": "FAIL", "err_code": code}
    return {**told, "err_code_des": f"fake refusal {code}", **_echo(said)}


def _echo(said: Mapping[str, str]) -> Told:
    names = ("mch_billno", "mch_id", "wxappid", "re_openid", "total_amount")
    return {name: said[name] for name in names if name in said}


def _signature(fields: Mapping[str, object], api_key: str) -> str:
    """Return the signature of v2, made apart from the library's own."""
    said = sorted((name, one) for name, one in fields.items() if isinstance(one, str))
    told = "".join(f"{name}={one}&" for name, one in said if one and name != "sign")
    digest = hashlib.new("md5", f"{told}key={api_key}".encode(), usedforsecurity=False)
    return digest.hexdigest().upper()


def _stamp(at: dt.datetime) -> str:
    return at.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S")
