"""What a user reads about a gift (礼包文案), in Chinese and English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REASONS"]

#: Reason -> what the user reads.
REASONS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "offered": Words(
            "你有一份礼包待领取，请在有效期内领取",
            "A gift is waiting for you; redeem it in time",
        ),
        "redeemed": Words("礼包领取成功", "The gift is yours"),
        "expired": Words("礼包已过领取期限", "The gift was not redeemed in time"),
        "sold_out": Words("礼包已领完", "All gifts are gone"),
        "no_offer": Words(
            "你不在本次礼包的发放范围内，已发放的礼包已收回",
            "The gift was not meant for you and is withdrawn",
        ),
    }
)
