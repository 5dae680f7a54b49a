"""The book (账本): entries in the order in which they were posted, and balances.

It only grows. An entry that is there already is not posted again; one that would
take from an account more than it holds is not posted at all.
"""

from __future__ import annotations

import abc
from collections import defaultdict
from typing import TYPE_CHECKING

from wxengage.errors import INT64_MAX, InvalidInputError, OverdrawnError
from wxengage.ledger.accounts import BELOW_ZERO, LedgerAccount, require_unit
from wxengage.ledger.entries import (
    REVERSAL,
    Entry,
    Row,
    opposite,
    require_reversible,
    reversal_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Book", "Journal"]


class Journal(abc.ABC):
    """Where entries are posted (日记账), wherever it is kept.

    What may be posted is decided here; a subclass says what is there already, and
    writes down what is new.
    """

    def __contains__(self, entry_id: object) -> bool:
        return isinstance(entry_id, str) and self._found(entry_id) is not None

    def post(self, entry: Entry) -> bool:
        """Post an entry.

        Parameters
        ----------
        entry
            What happened.

        Returns
        -------
        bool
            True where it is new, False where it is there already.
        """
        return self.post_all((entry,)) == 1

    def post_all(self, entries: Iterable[Entry]) -> int:
        """Post several entries, or none of them.

        Parameters
        ----------
        entries
            In order.

        Returns
        -------
        int
            How many of them are new.

        Raises
        ------
        InvalidInputError
            If an id is there with other content, a reversal does not undo an entry
            of the book exactly and once, or a balance would need more than 64 bits.
        OverdrawnError
            If an account would go below zero that may not. The book is then as it
            was before.
        """
        new: dict[str, Entry] = {}
        balances: dict[tuple[LedgerAccount, str], int] = {}
        for row, entry in enumerate(entries):
            if self._is_known(f"entries[{row}]", entry, new):
                continue
            self._require_sound_reversal(entry, new)
            for posting in entry.postings:
                place = (posting.account, posting.unit)
                held = balances[place] if place in balances else self._held(place)
                balances[place] = _after(*place, held, posting.amount)
            new[entry.id] = entry
        self._keep(new, balances)
        return len(new)

    def _is_known(self, name: str, entry: object, new: dict[str, Entry]) -> bool:
        if not isinstance(entry, Entry):
            raise InvalidInputError(name, entry, "an Entry")
        known = new.get(entry.id) or self._found(entry.id)
        if known is not None and known != entry:
            hint = f"{entry.id!r} was posted at {known.at} because of {known.because!r}"
            raise InvalidInputError(
                name, entry.id, "an entry of the same content", hint
            )
        return known is not None

    def _require_sound_reversal(self, entry: Entry, new: dict[str, Entry]) -> None:
        if entry.because != REVERSAL:
            return
        undone = new.get(entry.ref) or self._found(entry.ref)
        if undone is None:
            rule = "the id of an entry of the book"
            raise InvalidInputError("reversal.ref", entry.ref, rule, "see reverse")
        require_reversible("reversal.ref", undone)
        exact = entry.id == reversal_id(undone.id)
        if not exact or set(entry.postings) != set(opposite(undone.postings)):
            rule = f"exactly the opposite of entry {undone.id!r}, under its own id"
            raise InvalidInputError("reversal", entry.id, rule, "see reverse")

    def entry(self, entry_id: str) -> Entry:
        """Return an entry.

        Parameters
        ----------
        entry_id
            Its id.

        Returns
        -------
        Entry
            The entry.

        Raises
        ------
        InvalidInputError
            If there is none.
        """
        found = self._found(entry_id)
        if found is None:
            raise InvalidInputError("entry_id", entry_id, "the id of an entry")
        return found

    def balance(self, account: LedgerAccount, unit: str) -> int:
        """Return what an account holds.

        Parameters
        ----------
        account
            The account.
        unit
            Of what.

        Returns
        -------
        int
            0 where nothing was ever posted to it.

        Raises
        ------
        InvalidInputError
            If it is no account, or no unit: a misspelt one would seem to be empty.
        """
        if not isinstance(account, LedgerAccount):
            raise InvalidInputError("account", account, "a LedgerAccount")
        require_unit(unit)
        return self._held((account, unit))

    @abc.abstractmethod
    def _found(self, entry_id: str) -> Entry | None:
        """Return an entry that was posted, None where there is none of that id."""

    @abc.abstractmethod
    def _held(self, place: tuple[LedgerAccount, str]) -> int:
        """Return what an account holds of a unit."""

    @abc.abstractmethod
    def _keep(
        self, new: dict[str, Entry], balances: dict[tuple[LedgerAccount, str], int]
    ) -> None:
        """Write new entries down, and the balances that they lead to."""


class Book(Journal):
    """Append-only double entry in memory (账本).

    Parameters
    ----------
    entries
        What is in it from the start, in order.

    Notes
    -----
    Posting costs time in proportion to the postings of the entry, however long the
    book is. The book changes in place, the one thing in this room that does; it is
    not to be shared between threads.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.ledger.accounts import Role
    >>> from wxengage.ledger.entries import fund
    >>> book = Book()
    >>> gift = fund("spring", 80_000, dt.datetime(2026, 3, 1, tzinfo=dt.UTC), id="f1")
    >>> book.post(gift), book.post(gift)
    (True, False)
    >>> book.balance(LedgerAccount("spring", Role.BUDGET), "fen")
    80000
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._balances: defaultdict[tuple[LedgerAccount, str], int] = defaultdict(int)
        self._by_ref: defaultdict[str, list[Entry]] = defaultdict(list)
        self.post_all(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __repr__(self) -> str:
        return f"Book({len(self)} entries)"

    def about(self, ref: str) -> tuple[Entry, ...]:
        """Return the entries about something, in order: a payout's number, say."""
        return tuple(self._by_ref.get(ref, ()))

    def balances(self) -> dict[tuple[LedgerAccount, str], int]:
        """Return what every account holds, without those that hold nothing."""
        return {place: held for place, held in self._balances.items() if held}

    def rows(self) -> tuple[Row, ...]:
        """Return every posting of every entry, in order, for an audit."""
        return tuple(row for entry in self for row in Row.of(entry))

    def _found(self, entry_id: str) -> Entry | None:
        """Return an entry that was posted, None where there is none of that id."""
        return self._entries.get(entry_id)

    def _held(self, place: tuple[LedgerAccount, str]) -> int:
        """Return what an account holds of a unit."""
        return self._balances.get(place, 0)

    def _keep(
        self, new: dict[str, Entry], balances: dict[tuple[LedgerAccount, str], int]
    ) -> None:
        """Write new entries down, and the balances that they lead to."""
        self._entries.update(new)
        self._balances.update(balances)
        for entry in new.values():
            self._by_ref[entry.ref].append(entry)


def _after(account: LedgerAccount, unit: str, held: int, amount: int) -> int:
    """Return the balance after a posting."""
    after = held + amount
    if after < 0 and account.role not in BELOW_ZERO:
        raise OverdrawnError(str(account), unit, held, -amount)
    if abs(after) > INT64_MAX:
        rule = "a whole number of 64 bits"
        raise InvalidInputError(f"the balance of {account}", after, rule)
    return after
