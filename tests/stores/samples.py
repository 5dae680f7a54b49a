"""Rows, and names that some comparison somewhere takes for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxengage.stores.schema import TABLES

if TYPE_CHECKING:
    from wxengage.stores.schema import Row, Value

MOST = 2**63 - 1
# Names that some comparison somewhere takes for each other.
TWINS = (
    "abc", "ABC", "abc ", " abc", "\u00e4bc", "a\u0308bc", "\uff41bc", "\xdf", "ss",
    "SS", "\u0130", "i", "\u0131", "\xe6", "ae", "", " ", "\u540d",
    "\u540d\u3099", "\U0001f600", "\U0001f601",
    "%", "_", "'; DROP TABLE wxengage_meta; --", "\\", '"', "`", "\t", "\u200b",
    "\uffff", "\U00010000",
)  # fmt: skip


def event(name: str = "e1", user: str = "ada", at: int = 5, **others: Any) -> Row:
    """Return a row of the table event."""
    values: dict[str, Value] = dict.fromkeys(TABLES["event"].names)
    values |= {"id": name, "user": user, "kind": "read", "at": at}
    values |= {"received_at": at, "backfilled": 0} | others
    return tuple(values.values())


def balance(owner: str, amount: int, least: int = 0) -> Row:
    """Return a row of the table balance, which has a floor."""
    return ("spring", "budget", owner, "fen", amount, least)


def payout(number: str, generation: int = 0, state: str = "held", at: int = 5) -> Row:
    """Return a row of the table payout, which has a unique index."""
    return (number, "spring", "ada", "rung-3", generation, state, at, "{}")


def letter(name: str, seq: int, *, ready: int | None = None, line: str = "") -> Row:
    """Return a row of the table letter, some of whose indexes leave rows out."""
    return (name, "due", "sms", "ada", line, seq, ready, None, None, None, "{}")


class Undone(Exception):  # noqa: N818  it is no fault
    """What a piece of work raises to be undone."""
