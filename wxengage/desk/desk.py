"""The desk (运营台): every counter under one roof, over one store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from wxengage.desk.backfilling import Backfilling
from wxengage.desk.codes import Codes
from wxengage.desk.keeping import Keeping
from wxengage.desk.launching import Launching
from wxengage.desk.privacy import Privacy
from wxengage.desk.recording import Recording
from wxengage.desk.sending import Sending
from wxengage.desk.settling import Settling
from wxengage.desk.showing import Showing
from wxengage.desk.steering import Steering

if TYPE_CHECKING:
    from types import TracebackType

    from wxengage.stores.ports import Store

__all__ = ["Desk"]


class Desk(
    Launching,
    Backfilling,
    Steering,
    Recording,
    Settling,
    Sending,
    Showing,
    Codes,
    Keeping,
    Privacy,
):
    """What an application embeds: records, decides, pays, sends, and keeps the books.

    Made by ``open_desk``. It may be used from several threads and, on a store that
    is not in memory, by several processes at once.
    """

    @property
    def store(self) -> Store:
        """Where everything is kept: its DDL, its backup, its own checks, its end."""
        return self._store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.close()

    def __repr__(self) -> str:
        return f"Desk({self._store.name})"
