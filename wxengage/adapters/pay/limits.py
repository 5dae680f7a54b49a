"""What an amount must keep to (限额): found before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wxengage.adapters.pay.contents import Packet, Transfer
    from wxengage.rules.book import Rulebook

__all__ = ["packet_fault", "transfer_fault"]


def packet_fault(fen: int, packet: Packet, book: Rulebook) -> str | None:
    """Return what is wrong with the amount of a red packet (WX-RP-001).

    Parameters
    ----------
    fen
        The amount.
    packet
        What it says.
    book
        The rules of the day.

    Returns
    -------
    str or None
        ``"scene_needed"``, where the amount is outside the usual range and names
        no scene; None where all is well.
    """
    if "WX-RP-001" not in book or packet.scene is not None:
        return None
    rule = book["WX-RP-001"]
    usual = rule.param("min_fen", int) <= fen <= rule.param("max_fen", int)
    return None if usual else "scene_needed"


def transfer_fault(fen: int, transfer: Transfer, book: Rulebook) -> str | None:
    """Return what is wrong with the amount of a transfer (WX-TRF-002, WX-TRF-003).

    Parameters
    ----------
    fen
        The amount.
    transfer
        What it says.
    book
        The rules of the day.

    Returns
    -------
    str or None
        ``"amount_below"``, ``"amount_above"``, ``"name_needed"``,
        ``"name_not_allowed"``; None where all is well.
    """
    if "WX-TRF-002" in book:
        limits = book["WX-TRF-002"]
        if fen < limits.param("min_fen", int):
            return "amount_below"
        if fen > limits.param("max_fen", int):
            return "amount_above"
    if "WX-TRF-003" in book:
        names = book["WX-TRF-003"]
        named = transfer.real_name is not None
        if fen >= names.param("required_fen", int) and not named:
            return "name_needed"
        if fen < names.param("forbidden_below_fen", int) and named:
            return "name_not_allowed"
    return None
