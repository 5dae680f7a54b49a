"""Gifts (礼包): newcomer gift, recall pack, compensation, limited offer."""

from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.gifts.holders import GiftHolder, GiftStock

__all__ = ["Gift", "GiftHolder", "GiftStock"]
