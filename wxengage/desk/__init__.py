"""The desk (运营台): the durable part that an application embeds.

The files have more: ``terms`` for how campaigns pay, ``sending`` and ``condition`` for
what dispatch and health tell, ``progressing`` and ``leaderboards`` for what users see.
"""

from __future__ import annotations

from wxengage.desk.asynchronous import AsyncDesk, open_desk_async
from wxengage.desk.codes import InviteCode
from wxengage.desk.desk import Desk
from wxengage.desk.notices import Notice
from wxengage.desk.opening import open_desk
from wxengage.desk.receipts import Receipt, Receipts
from wxengage.desk.terms import Terms

__all__ = [
    "AsyncDesk",
    "Desk",
    "InviteCode",
    "Notice",
    "Receipt",
    "Receipts",
    "Terms",
    "open_desk",
    "open_desk_async",
]
