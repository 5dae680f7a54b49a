"""Transfers of the fake WeChat Pay (模拟转账): the JSON of v3."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.testing.pay_bills import Payment
from wxengage.testing.replies import Reply

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.testing.faults import Fault
    from wxengage.testing.pay_bills import Bill, Bills
    from wxengage.testing.pay_keys import Ring

__all__ = ["CREATE", "Asked", "Shop", "bill_fields", "signed_headers", "transfer_reply"]

CREATE: Final = "/v3/fund-app/mch-transfer/transfer-bills"
_ONE: Final = re.compile(re.escape(CREATE) + r"/out-bill-no/([0-9A-Za-z]+)(/cancel)?")
_SIGNED: Final = re.compile(
    r'WECHATPAY2-SHA256-RSA2048 mchid="([0-9]+)",nonce_str="([0-9A-Za-z]+)",'
    r'signature="([0-9A-Za-z+/=]+)",timestamp="([0-9]{10})",serial_no="([0-9A-F]+)"'
)
_NEEDED: Final = ("out_bill_no", "openid", "transfer_remark", "transfer_scene_id")
_LEAST: Final = 10

Said = dict[str, Any]
Told = tuple[int, Said]


@attrs.frozen
class Shop:
    """Who is paid for, and whose keys sign."""

    mch_id: str
    appid: str
    key_id: str
    ring: Ring = attrs.field(repr=False)


@attrs.frozen
class Asked:
    """A call: its headers by names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    raw: bytes = attrs.field(repr=False)


def transfer_reply(
    bills: Bills, asked: Asked, now: dt.datetime, *, shop: Shop, fault: Fault | None
) -> Reply:
    """Return what is answered to a call of v3.

    Parameters
    ----------
    bills
        What was paid until then.
    asked
        The call.
    now
        When.
    shop
        Who is paid for.
    fault
        What is to go wrong with it.

    Returns
    -------
    Reply
        JSON.
    """
    refusal = fault is not None and fault.kind == "refusal"
    told: Told
    if not _is_signed(asked, shop):
        told = 401, _refusal("SIGN_ERROR")
    elif asked.headers.get("wechatpay-serial") != shop.key_id:
        told = 400, _refusal("PARAM_ERROR")
    elif fault is not None and refusal and not fault.after:
        told = fault.number, _refusal(fault.text)
    else:
        told = _told(bills, asked, now, shop)
    if fault is not None and refusal and fault.after:
        told = fault.number, _refusal(fault.text)
    return _signed(told, now, shop, fault)


def _told(bills: Bills, asked: Asked, now: dt.datetime, shop: Shop) -> Told:
    method = asked.method
    if asked.path == CREATE and method == "POST":
        return _created(bills, _object(asked.raw), now, shop)
    one = _ONE.fullmatch(asked.path)
    bill = None if one is None else bills.get(one[1], "transfer")
    if one is None or bill is None:
        return 404, _refusal("NOT_FOUND")
    if one[2] and method == "POST":
        return _cancelled(bill, now)
    if not one[2] and method == "GET":
        ours = {"mch_id": shop.mch_id, "appid": shop.appid}
        return 200, bill_fields(bill, now) | ours
    return 405, _refusal("METHOD_NOT_ALLOWED")


def _created(bills: Bills, said: Said, now: dt.datetime, shop: Shop) -> Told:
    number, fen = said.get("out_bill_no", ""), said.get("transfer_amount")
    whole = all(isinstance(said.get(name), str) and said[name] for name in _NEEDED)
    if not whole or type(fen) is not int or fen < _LEAST or None in said.values():
        return 400, _refusal("PARAM_ERROR")
    if said.get("appid") != shop.appid:
        return 400, _refusal("APPID_MCHID_NOT_MATCH")
    if "user_name" in said:
        # Encrypted anew each time: what is kept is what it says.
        said["user_name"] = shop.ring.name_of(str(said["user_name"]))
        if said["user_name"] is None:
            return 400, _refusal("PARAM_ERROR")
    bill = bills.get(number, "transfer")
    if bill is None:
        if not bills.affords(fen, now):
            return 403, _refusal("NOT_ENOUGH")
        receipt = f"1330000{len(bills.payments):025}"
        openid = said["openid"]
        payment = Payment(number, "transfer", openid, fen, now, receipt, said)
        bill = bills.add(payment)
    elif bill.payment.said != said:
        return 400, _refusal("ALREADY_EXISTS")
    told = {
        "out_bill_no": number,
        "transfer_bill_no": bill.payment.receipt,
        "create_time": _stamp(bill.payment.at),
        "state": bill.state(now),
    }
    if told["state"] == "WAIT_USER_CONFIRM":
        told["package_info"] = f"package-of-{bill.payment.receipt}"
    return 200, told


def _cancelled(bill: Bill, now: dt.datetime) -> Told:
    if bill.state(now) not in {"ACCEPTED", "WAIT_USER_CONFIRM", "CANCELLED"}:
        return 400, _refusal("INVALID_REQUEST")
    word = "CANCELLED" if bill.state(now) == "CANCELLED" else "CANCELING"
    bill.word = "CANCELLED"
    return 200, {
        "out_bill_no": bill.payment.number,
        "transfer_bill_no": bill.payment.receipt,
        "state": word,
        "update_time": _stamp(now),
    }


def bill_fields(bill: Bill, now: dt.datetime) -> Said:
    """Return what a question, or a notice, tells of a transfer."""
    state, payment = bill.state(now), bill.payment
    told = {
        "out_bill_no": payment.number,
        "transfer_bill_no": payment.receipt,
        "state": state,
        "transfer_amount": payment.fen,
        "openid": payment.openid,
        "create_time": _stamp(payment.at),
        "update_time": _stamp(bill.received_at or now),
    }
    if state == "FAIL":
        told["fail_reason"] = "OVERDUE_CLOSE"
    return told


def signed_headers(body: bytes, now: dt.datetime, shop: Shop) -> dict[str, str]:
    """Return the headers with the platform's signature of a body."""
    stamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
    message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": shop.key_id,
        "Wechatpay-Signature": shop.ring.sign(message),
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }


def _signed(told: Told, now: dt.datetime, shop: Shop, fault: Fault | None) -> Reply:
    status, fields = told
    kind = None if fault is None else fault.kind
    if kind == "other" and "out_bill_no" in fields:
        fields["out_bill_no"] = fields["out_bill_no"][:-1] + "#"
    body = json.dumps(fields).encode()
    headers = signed_headers(body, now, shop)
    if kind == "forged":
        headers["Wechatpay-Signature"] = shop.ring.sign(b"something else")
    if kind == "unsigned":
        headers = {
            name: one for name, one in headers.items() if "Wechatpay" not in name
        }
    return Reply(body, status, headers)


def _is_signed(asked: Asked, shop: Shop) -> bool:
    found = _SIGNED.fullmatch(asked.headers.get("authorization", ""))
    if found is None or (found[1], found[5]) != (shop.mch_id, shop.ring.serial):
        return False
    lines = asked.method, asked.path, found[4], found[2], ""
    message = "\n".join(lines).encode() + asked.raw + b"\n"
    return shop.ring.is_the_merchants(message, found[3])


def _object(raw: bytes) -> Said:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(code: str) -> Said:
    return {"code": code, "message": f"fake refusal {code}"}


def _stamp(at: dt.datetime) -> str:
    return at.isoformat(timespec="seconds")
