"""Looking through a store (体检): what somebody on the machine wants to know."""

from __future__ import annotations

from wxengage.desk.opening import open_desk

__all__ = ["examine"]


def examine(address: str) -> tuple[str, list[str]]:
    """Say how a desk is doing, and what is wrong in its store.

    Parameters
    ----------
    address
        As ``open_desk`` takes it. Nothing is made where nothing is.

    Returns
    -------
    told
        The engine and the desk's health, to be printed.
    troubles
        What is wrong with files, rows or books, a line each; empty if nothing is.
    """
    with open_desk(address, create=False) as desk:
        told = f"{desk.store.name}\n{desk.health()}"
        return told, [*desk.store.verify(), *map(str, desk.audit())]
