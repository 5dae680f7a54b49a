"""What an application tests itself with (测试工具): a WeChat of its own."""

from __future__ import annotations

from wxengage.testing.faults import Fault
from wxengage.testing.pay import FakePay, Payment, PayPush
from wxengage.testing.power import PowerDisk, PowerLoss
from wxengage.testing.pushes import Push, Pushes
from wxengage.testing.server import Call, FakeWeChat
from wxengage.testing.world import Accepted

__all__ = [
    "Accepted",
    "Call",
    "FakePay",
    "FakeWeChat",
    "Fault",
    "PayPush",
    "Payment",
    "PowerDisk",
    "PowerLoss",
    "Push",
    "Pushes",
]
