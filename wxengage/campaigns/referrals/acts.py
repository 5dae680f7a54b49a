"""Which events a referral campaign reads, and as what (裂变活动的事件口径)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["QUALIFYING", "TOUCHING"]

#: The qualifying act -> what undoes it; nothing undoes a registration.
QUALIFYING: Final[Mapping[str, str | None]] = MappingProxyType(
    {"follow": "unfollow", "register": None, "purchase": "refund"}
)
#: Kinds of events that, when they name an inviter, are a touch by that inviter.
TOUCHING: Final = (
    "scan",
    "open",
    "click",
    "follow",
    "join",
    "register",
    "subscribe",
    "purchase",
)
