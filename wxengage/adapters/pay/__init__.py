"""Payments (打款): red packets, transfers, and notices, each a narrow door."""

from __future__ import annotations

from wxengage.adapters.pay.contents import Packet, Transfer
from wxengage.adapters.pay.hosts import PayEndpoint
from wxengage.adapters.pay.keys import PlatformKeys
from wxengage.adapters.pay.merchants import Merchant
from wxengage.adapters.pay.notices import BillHint, PayInbound
from wxengage.adapters.pay.redpackets import RedPacketSender
from wxengage.adapters.pay.transfers import TransferSender

__all__ = [
    "BillHint",
    "Merchant",
    "Packet",
    "PayEndpoint",
    "PayInbound",
    "PlatformKeys",
    "RedPacketSender",
    "Transfer",
    "TransferSender",
]
