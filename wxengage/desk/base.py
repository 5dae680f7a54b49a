"""What every counter of the desk stands on (运营台基座): a store and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from wxengage.desk.unit import Unit
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.desk.settings import Settings
    from wxengage.stores.ports import Store

__all__ = ["Base"]

T = TypeVar("T")


class Base:
    """A store, the settings, and how work is done with them.

    Parameters
    ----------
    store
        Where everything is kept.
    settings
        What the desk was told.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def _do(
        self,
        work: Callable[[Unit], T],
        *,
        within: Any = None,
        write: bool = True,
    ) -> T:
        """Do some work in one transaction.

        Parameters
        ----------
        work
            A function of the rows. It may be called again where another
            transaction was in the way.
        within
            The application's own connection, whose transaction is used; None: a
            transaction of our own, committed when this returns.
        write
            Whether it changes anything.

        Returns
        -------
        T
            What the work returned.
        """

        def done(tx: Any) -> T:
            unit = Unit(tx)
            try:
                result = work(unit)
                unit.flush()
            finally:
                unit.end()
            return result

        if within is not None:
            return done(self._store.within(within))
        return self._store.run(done, write=write)

    def _instant(self, now: dt.datetime | None) -> dt.datetime:
        """Return an instant that was given, or the store's."""
        if now is None:
            return self._store.now()
        micros("now", now)
        return now
