"""What is kept at the desk (存放与冻结): states of applications, and freezes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from wxengage.codec.envelope import dump, load
from wxengage.desk.base import Base
from wxengage.desk.decisions import decide
from wxengage.desk.paging import paged
from wxengage.errors import (
    InvalidInputError,
    StaleStateError,
    require_id,
    require_several,
    require_whole,
)
from wxengage.sends import Freeze, fingerprint
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from wxengage.desk.unit import Unit
    from wxengage.sends import Send
    from wxengage.stores.schema import Row

__all__ = ["Keeping", "Kept", "freezes_in"]

# A freeze holds for everybody: it stands in for all of them.
_FREEZES = "freezes"


@attrs.frozen
class Kept:
    """What was kept under a name (存放的状态).

    Attributes
    ----------
    state
        The value.
    version
        How often it was kept, from 1: what ``keep(..., expect=)`` wants to know.
    at
        When it was kept, in UTC.
    """

    state: Any
    version: int
    at: dt.datetime


class Keeping(Base):
    """The counter where applications leave things, and where pushes are stopped."""

    def keep(
        self,
        name: str,
        state: object,
        *,
        expect: int | None = None,
        within: Any = None,
        now: dt.datetime | None = None,
    ) -> int:
        """Keep a state, unless somebody else has kept another one meanwhile.

        Parameters
        ----------
        name
            Under which name; another one than any other state has.
        state
            Anything that ``dump`` writes: a bandit, a case, a value of your own
            that was registered.
        expect
            The version that was read. None: nothing was kept under the name.
        within
            The application's own connection, whose transaction is used.
        now
            When, aware; None for the store's clock.

        Returns
        -------
        int
            The version that is kept now. Keeping what is there already, word for
            word, changes nothing: whoever tries again after a lost answer is told
            the version that he has made.

        Raises
        ------
        StaleStateError
            If another version is there. Read it, and decide anew.
        InvalidInputError
            If the name is no id, or ``dump`` cannot write the state.

        Examples
        --------
        >>> from wxengage.desk.settings import Settings
        >>> from wxengage.money import Cash
        >>> from wxengage.stores.opening import open_store
        >>> desk = Keeping(open_store("memory://"), Settings())
        >>> version = desk.keep("welcome", Cash(100))
        >>> desk.keep("welcome", Cash(200), expect=version)
        2
        """
        require_id("name", name)
        if expect is not None:
            require_whole("expect", expect, least=1)
        text, at = dump(state), micros("now", self._instant(now))
        return self._do(lambda unit: _kept(unit, name, text, expect, at), within=within)

    def kept(self, name: str) -> Kept | None:
        """Return what was kept under a name.

        Parameters
        ----------
        name
            The name.

        Returns
        -------
        Kept or None
            None where there is nothing.
        """
        require_id("name", name)
        row = self._do(lambda unit: unit.get("kept", name), write=False)
        if row is None:
            return None
        return Kept(load(str(row[3])), int(row[1] or 0), from_micros(int(row[2] or 0)))

    def freeze(
        self,
        freeze: Freeze,
        *,
        by: str,
        reason: str | None = None,
        now: dt.datetime | None = None,
    ) -> str:
        """Stop marketing (冻结推送); the next check knows of it.

        Parameters
        ----------
        freeze
            What stops, for whom and how long.
        by
            Who decides it.
        reason
            Why; None: as the freeze says itself.
        now
            When, aware; None for the store's clock.

        Returns
        -------
        str
            The freeze's id, by which it is lifted. The same freeze is one freeze,
            however often it is asked for.

        Raises
        ------
        InvalidInputError
            If it is no freeze, or it is not told who decides it.
        """
        if not isinstance(freeze, Freeze):
            raise InvalidInputError("freeze", freeze, "a Freeze")
        at, why = self._instant(now), freeze.because if reason is None else reason
        return self._do(lambda unit: _frozen(unit, freeze, by, why, at))

    def unfreeze(
        self,
        id: str,  # noqa: A002  the field's name
        *,
        by: str,
        reason: str,
        now: dt.datetime | None = None,
    ) -> Freeze:
        """Lift a freeze before its time (解除冻结).

        Parameters
        ----------
        id
            What ``freeze`` returned.
        by, reason
            Who decides it, and why.
        now
            When, aware; None for the store's clock.

        Returns
        -------
        Freeze
            What was lifted.

        Raises
        ------
        InvalidInputError
            If there is no such freeze, or it is not told who decides it and why.
        """
        require_id("id", id)
        at = self._instant(now)
        return self._do(lambda unit: _lifted(unit, id, by, reason, at))

    def freezes(self, now: dt.datetime | None = None) -> Mapping[str, Freeze]:
        """Return the freezes that are not over.

        Parameters
        ----------
        now
            The instant, aware; None for the store's clock.

        Returns
        -------
        mapping from str to Freeze
            By id. Also those that have not begun.
        """
        at = self._instant(now)
        found = self._do(lambda unit: _freezes(unit, at), write=False)
        return MappingProxyType(found)

    def page(
        self,
        alert: str,
        on_call: Sequence[Send],
        now: dt.datetime | None = None,
    ) -> tuple[str, ...]:
        """Call people to an alert (值班告警), at once, whatever quiet hours say.

        Parameters
        ----------
        alert
            The alert's own name. The same alert calls the same people once.
        on_call
            One message for each of them, marked as transactional. Those without an
            end expire after an hour: an alert is no news the day after.
        now
            When, aware; None for the store's clock.

        Returns
        -------
        tuple of str
            The keys of the letters, in the order of the messages.

        Raises
        ------
        InvalidInputError
            If nobody is called, or a message is not marked as transactional.
        """
        require_id("alert", alert)
        several = require_several("on_call", on_call, "a message for each of them")
        at = self._instant(now)
        return self._do(lambda unit: paged(unit, self._settings, alert, several, at))


def freezes_in(unit: Unit, now: dt.datetime) -> tuple[Freeze, ...]:
    """Return the freezes that are not over, for a gate.

    Parameters
    ----------
    unit
        The transaction's rows.
    now
        The instant, aware.

    Returns
    -------
    tuple of Freeze
        By id.
    """
    return tuple(_freezes(unit, now).values())


def _kept(unit: Unit, name: str, text: str, expect: int | None, at: int) -> int:
    unit.lock([f"kept:{name}"])
    unit.forget("kept")
    row = unit.get("kept", name)
    found = None if row is None else int(row[1] or 0)
    version = 1 if expect is None else expect + 1
    if row is not None and found == version and row[3] == text:
        return version
    if found != expect:
        raise StaleStateError(name, expect, found)
    unit.put("kept", (name, version, at, text))
    return version


def _frozen(unit: Unit, freeze: Freeze, by: str, why: str, at: dt.datetime) -> str:
    text = dump(freeze)
    name = fingerprint("freeze", text)
    unit.lock([_FREEZES])
    unit.forget("freeze")
    if unit.get("freeze", name) is None:
        unit.put("freeze", (name, text))
        decide(unit, name, "freeze", by, why, at, freeze)
    return name


def _lifted(unit: Unit, name: str, by: str, reason: str, at: dt.datetime) -> Freeze:
    unit.lock([_FREEZES])
    unit.forget("freeze")
    row = unit.get("freeze", name)
    if row is None:
        rule, hint = "the id of a freeze that was not lifted", "see desk.freezes()"
        raise InvalidInputError("id", name, rule, hint)
    freeze: Freeze = load(str(row[1]))
    decide(unit, name, "unfreeze", by, reason, at, freeze)
    unit.tx.remove("freeze", [(name,)])
    return freeze


def _freezes(unit: Unit, now: dt.datetime) -> dict[str, Freeze]:
    at, found = micros("now", now), {}
    rows: tuple[Row, ...] = unit.tx.walk("freeze")
    while rows:
        for row in rows:
            freeze: Freeze = load(str(row[1]))
            if freeze.end is None or micros("end", freeze.end) > at:
                found[str(row[0])] = freeze
        rows = unit.tx.walk("freeze", after=(str(rows[-1][0]),))
    return found
