"""Red packets (现金红包), v2: for merchants who still have them, over wechatpy."""

from __future__ import annotations

import ipaddress
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from wxengage.adapters.calls import Lost, Unsent
from wxengage.adapters.pay.contents import Packet
from wxengage.adapters.pay.hosts import PayEndpoint
from wxengage.adapters.pay.limits import packet_fault
from wxengage.adapters.pay.merchants import Merchant, Papers
from wxengage.adapters.pay.packets import answer_to_packet, answer_to_question
from wxengage.adapters.pay.paying import PaySender, fen_of, unasked, unsaid
from wxengage.adapters.pay.signing import is_signed
from wxengage.adapters.secret import Secret, secret_of
from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.rules.book import Rulebook, rulebook

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.adapters.bodies import Fields
    from wxengage.delivery.payouts import Fulfilment, Payout

__all__ = ["RedPacketSender"]


class _Wire(Protocol):
    def send(self, **fields: str | int | None) -> Fields | Unsent | Lost: ...

    def query(self, number: str) -> Fields | Unsent | Lost: ...


class RedPacketSender(PaySender[Packet]):
    """Pays with red packets (现金红包), of v2 and over wechatpy.

    WeChat no longer gives this interface to new merchants (WX-RP-005); they have
    ``TransferSender``.

    Parameters
    ----------
    merchant
        Who pays. Certificate and key are both needed.
    compose
        What a payout says: a ``Packet``.
    api_key
        The merchant's API key (APIv2 密钥), 32 characters.
    client_ip
        The address of this machine. It is never looked up.
    allow_unsigned
        Whether good news without a signature is believed. The samples in WeChat's
        documentation have none; where your answers have none either, TLS alone says
        that they are WeChat's. A wrong signature is never believed.
    endpoint
        Where WeChat Pay is, and how long a call may take.
    rules
        The rules of a day, from which the limits of amounts are taken.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, or certificate and key cannot be read or do
        not belong together.
    MissingExtraError
        If wechatpy is not installed.
    """

    wanted = Packet

    def __init__(
        self,
        merchant: Merchant,
        compose: Callable[[Payout], Packet],
        *,
        api_key: str | Secret,
        client_ip: str,
        allow_unsigned: bool = False,
        endpoint: PayEndpoint | None = None,
        rules: Callable[[dt.date], Rulebook] = rulebook,
    ) -> None:
        _require_merchant(merchant)
        super().__init__(merchant, compose, rules)
        self._key = _api_key(api_key)
        self._ip = _address(client_ip)
        _require_bool("allow_unsigned", allow_unsigned)
        self._allow_unsigned = allow_unsigned
        Papers.of(merchant)
        endpoint = PayEndpoint() if endpoint is None else endpoint
        self._wire: _Wire = _wire(merchant, self._key, endpoint)

    def _fault(self, fen: int, content: Packet, book: Rulebook) -> str | None:
        return packet_fault(fen, content, book)

    def _pay(self, payout: Payout, content: Packet, now: dt.datetime) -> Fulfilment:
        fen = fen_of(payout)
        came = self._wire.send(
            user_id=payout.recipient,
            total_amount=fen,
            send_name=content.send_name,
            act_name=content.act_name,
            wishing=content.wishing,
            remark=content.remark,
            client_ip=self._ip,
            out_trade_no=payout.number,
            scene_id=content.scene,
        )
        if isinstance(came, Unsent | Lost):
            return unsaid(came, payout)
        signed = self._signed(came)
        return answer_to_packet(came, payout, fen, self.merchant, now, signed=signed)

    def _ask(self, payout: Payout, now: dt.datetime) -> Fulfilment:
        came = self._wire.query(payout.number)
        if isinstance(came, Unsent | Lost):
            return unasked(came)
        fen, signed = fen_of(payout), self._signed(came)
        return answer_to_question(came, payout, fen, self.merchant, now, signed=signed)

    def _signed(self, fields: Fields) -> bool | None:
        signed = is_signed(fields, self._key)
        return True if signed is None and self._allow_unsigned else signed


def _require_merchant(merchant: object) -> None:
    if not isinstance(merchant, Merchant):
        raise InvalidInputError("merchant", merchant, "a Merchant")


def _require_bool(name: str, got: object) -> None:
    if not isinstance(got, bool):
        raise InvalidInputError(name, got, "True or False")


def _api_key(got: str | Secret) -> Secret:
    key = secret_of("api_key", got)
    if len(key.reveal()) != 32:  # noqa: PLR2004  as WeChat has it
        raise InvalidInputError("api_key", "***", "32 characters")
    return key


def _address(got: object) -> str:
    try:
        return str(ipaddress.ip_address(got)) if isinstance(got, str) else _refuse(got)
    except ValueError:
        return _refuse(got)


def _refuse(got: object) -> str:
    hint = "the address of this machine, such as '203.0.113.7'"
    raise InvalidInputError("client_ip", got, "an IP address", hint)


def _wire(merchant: Merchant, key: Secret, endpoint: PayEndpoint) -> _Wire:
    try:
        module = import_module("wxengage.adapters.pay.packet_wire")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("wxengage"):
            raise
        raise MissingExtraError("wechatpy", "wechat") from None
    wire: _Wire = module.PacketWire(merchant, key, endpoint)
    return wire
