"""What can be wrong with a row, in the order in which it is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from wxengage.errors import BadRow, InvalidLogError, shorten
from wxengage.log.events import bad_id
from wxengage.log.kinds import nearest_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["CODE", "FAULTS", "Rejected", "bad_rows", "mark", "told"]

#: Fault -> the mend. A row is counted under the first fault that it has.
FAULTS: Final = {
    "missing_user": "every event needs a user",
    "bad_user": "ids are text of 1 to 128 visible characters, or whole numbers from 0",
    "missing_kind": "say what the user did; read_log(kind=KINDS['purchase']) for all",
    "unknown_kind": "map your words with kinds={'your word': 'kind'}",
    "missing_time": "every event needs a time",
    "unreadable_time": "use ISO 8601, such as 2026-03-02T09:00:00+08:00",
    "naive_time": "say how to read times without a zone: tz='Asia/Shanghai'",
    "no_such_time": "the clock was turned forward over this local time",
    "time_out_of_range": "times lie between 1970 and 2200; is unit= right?",
    "future_time": "later than now; is unit= or tz= right?",
    "bad_number": "numbers are finite; leave the cell empty where there is none",
    "negative_number": "not below 0; a refund is an event of kind 'refund'",
    "missing_id": "every event needs its id when id= is given",
    "conflicting_id": "two different events share this id; neither is used",
    "duplicate": "the same event again; it is used once",
}
CODE: Final = {name: code for code, name in enumerate(FAULTS, 1)}
_NAMES: Final = ("", *FAULTS)
_SHOWN_OF_ID: Final = 4
#: Rows shown in an error.
SHOWN: Final = 10


def mark(faults: NDArray[np.uint8], rows: NDArray[np.bool_], fault: str) -> None:
    """Give rows a fault, unless they have one already."""
    faults[rows & (faults == 0)] = CODE[fault]


@attrs.frozen
class Rejected:
    """The rows of a source that are not in the log, and why (未采用的行).

    Attributes
    ----------
    rows
        Every such row, in the order of the source.
    given
        Rows in the source: those used and these together.
    """

    rows: tuple[BadRow, ...] = ()
    given: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by fault, in the order of ``FAULTS``."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.fault] = found.get(row.fault, 0) + 1
        return {fault: found[fault] for fault in FAULTS if fault in found}

    def raise_if_bad(self) -> None:
        """Raise if a row is worse than a mere repeat.

        Raises
        ------
        InvalidLogError
            With all counts and the first rows.
        """  # noqa: DOC501  made by a constructor of its own
        bad = [row for row in self.rows if row.fault != "duplicate"]
        if bad:
            counts = {k: v for k, v in self.counts.items() if k != "duplicate"}
            raise InvalidLogError.of(self.given, counts, bad[:SHOWN])


def told(role: str, fault: str, got: object) -> tuple[object, str]:
    """Return how a bad cell is shown, and what to do about it.

    Parameters
    ----------
    role
        Of the cell's column.
    fault
        Its code.
    got
        What stands there.

    Returns
    -------
    got
        The start of an id: openids are personal information.
    mend
        More than the general one where more is known.
    """
    mend = FAULTS[fault]
    if fault == "unknown_kind" and (near := nearest_kind(str(got))):
        mend = f"did you mean {near!r}? kinds={{{got!r}: {near!r}}}"
    if role in {"user", "id"} and isinstance(got, str) and len(got) > _SHOWN_OF_ID:
        if fault == "bad_user":
            mend = f"ids are {bad_id(got)}"
        got = got[:_SHOWN_OF_ID] + "..."
    return got, mend


def bad_rows(
    faults: NDArray[np.uint8],
    start: int,
    look: Callable[[int, str], tuple[str, str, object]],
) -> list[BadRow]:
    """Describe the rows with a fault.

    Parameters
    ----------
    faults
        A fault code a row, 0 for none. Shape ``(n,)``.
    start
        The first row's position in the source.
    look
        From a row and its fault: the role, the column and the value.

    Returns
    -------
    list of BadRow
        In the order of the source.
    """
    found = []
    for row in np.flatnonzero(faults).tolist():
        fault = _NAMES[faults[row]]
        role, field, cell = look(row, fault)
        got, mend = told(role, fault, cell)
        found.append(BadRow(start + row, fault, field, shorten(got), mend))
    return found
