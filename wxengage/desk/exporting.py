"""What a store holds as tables (数据导出): columns for dataframes, and safe CSV.

A spreadsheet runs what looks like a formula, and rounds what looks like a long
number. Both are led by an apostrophe in a CSV file, and only there.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.referrals.judging import Book
from wxengage.campaigns.referrals.sentences import REASONS
from wxengage.campaigns.tables import reward_row
from wxengage.desk.leaderboards import subjects_of
from wxengage.desk.rows import fact_of, letter_of, payout_of
from wxengage.desk.running import running
from wxengage.errors import InvalidInputError, nearest
from wxengage.log.frames import ARRAYS, give
from wxengage.log.summary import instants
from wxengage.sends import Send
from wxengage.stores.schema import TABLES
from wxengage.tables import html_table, text_table
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from wxengage.desk.unit import Unit
    from wxengage.stores.schema import Row

__all__ = ["EXPORTS", "Exported", "event_columns", "exported", "pages_of"]

_PAGE: Final = 2_000
# What a spreadsheet runs, half-width and full-width, and what it takes for a number.
_RUNS: Final = re.compile("[=+\\-@\t\r\n＝＋－＠]")  # noqa: RUF001  as people type them
_LONG_NUMBER: Final = re.compile(r"[0-9]{12,}", re.ASCII)
_NEVER: Final = np.iinfo(np.int64).min


@attrs.frozen(eq=False, repr=False)
class Exported:
    """A table of what a store holds; prints its first rows (导出表).

    Attributes
    ----------
    name
        Which table.
    columns
        Column -> array. Instants are ``datetime64[us]`` in UTC; ids are text,
        however many digits they have.
    """

    name: str
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def to_frame(self, like: object = None) -> Any:
        """Return the table as a frame.

        Parameters
        ----------
        like
            A frame, or the name of a kind of frame; None: a dict of arrays.

        Returns
        -------
        object
            A frame of that kind.
        """
        return give(self.columns, ARRAYS, like)

    def write_csv(self, path: str | Path) -> int:
        """Write the table as a CSV file in UTF-8 that spreadsheets open unharmed.

        Parameters
        ----------
        path
            Of the file; one that is there is replaced.

        Returns
        -------
        int
            How many rows were written.

        Notes
        -----
        A text that a spreadsheet would run as a formula, and one that it would round
        as a number, is led by an apostrophe. Take it off where you read the file
        with a program.
        """
        lists = [_cells(column) for column in self.columns.values()]
        with open(path, "w", encoding="utf-8-sig", newline="") as file:  # noqa: PTH123  takes both
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(zip(*lists, strict=True))
        return len(self)

    def __repr__(self) -> str:
        return f"<Exported {self.name!r}: {len(self):,} rows>"

    def __str__(self) -> str:
        return text_table(self.columns)

    def _repr_html_(self) -> str:
        return html_table(self.columns)


def _cells(column: NDArray[Any]) -> list[str]:
    if column.dtype.kind == "M":
        return [
            "" if np.isnat(at) else f"{at.astype('datetime64[us]')}Z" for at in column
        ]
    return [_safe(value) for value in column.tolist()]


def _safe(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124  NaN
        return ""
    if not isinstance(value, str):
        return str(value)
    risky = _RUNS.match(value) or _LONG_NUMBER.fullmatch(value)
    return f"'{value}" if risky else value


def pages_of(unit: Unit, table: str) -> Iterator[tuple[Row, ...]]:
    """Yield the rows of a table by key, a page at a time."""
    places = TABLES[table].places(TABLES[table].key)
    after: Any = None
    while rows := unit.tx.walk(table, after=after, limit=_PAGE):
        yield rows
        after = tuple(rows[-1][place] for place in places)


def _rows_of(unit: Unit, table: str) -> Iterator[Row]:
    for page in pages_of(unit, table):
        yield from page


def exported(unit: Unit, name: str) -> Exported:
    """Return a table of what a store holds.

    Parameters
    ----------
    unit
        The transaction's rows.
    name
        Of ``EXPORTS``.

    Returns
    -------
    Exported
        Every row there is.

    Raises
    ------
    InvalidInputError
        If there is no such table.
    """
    if not isinstance(name, str) or name not in EXPORTS:
        rule = "the name of a table"
        raise InvalidInputError("name", name, rule, nearest(name, EXPORTS))
    return Exported(name, EXPORTS[name](unit))


_Columns = dict[str, "NDArray[Any]"]


def _words(values: Iterable[object]) -> NDArray[Any]:
    told = list(values)
    found = np.empty(len(told), dtype=object)
    found[:] = told
    return found


def _wholes(values: Iterable[Any]) -> NDArray[np.int64]:
    return np.array([int(value or 0) for value in values], dtype=np.int64)


def _times(values: Iterable[Any]) -> NDArray[Any]:
    told = [_NEVER if value is None else value for value in values]
    return instants(np.array(told, dtype=np.int64))


def event_columns(rows: Iterable[Row]) -> _Columns:
    """Return events as columns; an item that was a number is the same digits.

    Parameters
    ----------
    rows
        Of the table ``event``.

    Returns
    -------
    dict
        Column -> array. What is not known is None, and NaN for a value.
    """
    told = list(rows)
    columns = list(zip(*told, strict=True)) or [()] * len(TABLES["event"].columns)
    by_name = dict(zip(TABLES["event"].names, columns, strict=True))
    items = zip(by_name["item"], by_name["item_number"], strict=True)
    names = ("account", "campaign", "inviter")
    return {
        "id": _words(by_name["id"]),
        "user": _words(by_name["user"]),
        "kind": _words(by_name["kind"]),
        "at": _times(by_name["at"]),
        **{name: _words(by_name[name]) for name in names},
        "item": _words(
            text if number is None else str(number) for text, number in items
        ),
        "channel": _words(by_name["channel"]),
        "group": _words(by_name["group_id"]),
        "value": np.array(
            [np.nan if value is None else value for value in by_name["value"]],
            dtype=np.float64,
        ),
        "received_at": _times(by_name["received_at"]),
        "backfilled": np.array([bool(one) for one in by_name["backfilled"]], np.bool_),
    }


def _events(unit: Unit) -> _Columns:
    return event_columns(_rows_of(unit, "event"))


def _invites(unit: Unit) -> _Columns:
    """Return one row an invite, as it stands."""
    found = []
    for one in running(unit):
        campaign = one.campaign
        if not isinstance(campaign, Referral):
            continue
        people = dict(subjects_of(unit, campaign.id))
        book = Book(campaign, people)
        found += [
            (campaign.id, invite)
            for key in people
            for _, invite in sorted(book.invites(key).items())
        ]
    words = [REASONS[invite.reason] for _, invite in found]
    return {
        "campaign": _words(campaign for campaign, _ in found),
        "inviter": _words(invite.inviter for _, invite in found),
        "invitee": _words(invite.invitee for _, invite in found),
        "touched_at": _times(micros("at", one.touched_at) for _, one in found),
        "status": _words(invite.status.value for _, invite in found),
        "since": _times(micros("since", invite.since) for _, invite in found),
        "counts": np.array([invite.counts for _, invite in found], dtype=np.bool_),
        "reason": _words(invite.reason for _, invite in found),
        "zh": _words(one.zh for one in words),
        "en": _words(one.en for one in words),
    }


def _payouts(unit: Unit) -> _Columns:
    records = [payout_of(row) for row in _rows_of(unit, "payout")]
    rewards = [reward_row(record.payout.reward) for record in records]
    return {
        "number": _words(record.payout.number for record in records),
        "campaign": _words(record.payout.campaign for record in records),
        "user": _words(record.payout.user for record in records),
        "recipient": _words(record.payout.recipient for record in records),
        "reward_key": _words(record.reward_key for record in records),
        "generation": _wholes(record.payout.generation for record in records),
        "kind": _words(kind for kind, _, _ in rewards),
        "name": _words(name for _, name, _ in rewards),
        "amount": _wholes(amount for _, _, amount in rewards),
        "state": _words(record.state.value for record in records),
        "at": _times(micros("at", record.at) for record in records),
        "because": _words(record.because for record in records),
        "attempts": _wholes(record.attempts for record in records),
        "receipt": _words(record.receipt for record in records),
    }


def _plain(
    table: str, times: tuple[str, ...] = (), wholes: tuple[str, ...] = ()
) -> Callable[[Unit], _Columns]:
    """Return what exports a table whose columns are told as they are."""

    def made(unit: Unit) -> _Columns:
        names = TABLES[table].names
        told = list(zip(*_rows_of(unit, table), strict=True)) or [()] * len(names)
        made = {name: _words(one) for name, one in zip(names, told, strict=True)}
        made |= {name: _times(made[name]) for name in times}
        return made | {name: _wholes(made[name]) for name in wholes}

    return made


def _facts(unit: Unit) -> _Columns:
    kept = [fact_of(row) for row in _rows_of(unit, "fact")]
    facts = [one.fact for one in kept]
    rewards = [
        ("", "", 0) if fact.reward is None else reward_row(fact.reward)
        for fact in facts
    ]
    return {
        "key": _words(fact.key for fact in facts),
        "campaign": _words(fact.campaign for fact in facts),
        "version": _wholes(one.version for one in kept),
        "kind": _words(fact.kind for fact in facts),
        "user": _words(fact.user for fact in facts),
        "other": _words(fact.other for fact in facts),
        "at": _times(micros("at", fact.at) for fact in facts),
        "event": _words(one.event for one in kept),
        "reward_key": _words(fact.reward_key for fact in facts),
        "reward": _words(kind for kind, _, _ in rewards),
        "name": _words(name for _, name, _ in rewards),
        "amount": _wholes(amount for _, _, amount in rewards),
        "reason": _words(fact.reason for fact in facts),
        "zh": _words(fact.zh for fact in facts),
        "en": _words(fact.en for fact in facts),
    }


def _letters(unit: Unit) -> _Columns:
    rows = [letter_of(row) for row in _rows_of(unit, "letter")]
    bodies = [row.letter.body for row in rows]
    sends = [body if isinstance(body, Send) else None for body in bodies]
    return {
        "key": _words(row.key for row in rows),
        "state": _words(row.state.value for row in rows),
        "channel": _words(row.letter.channel for row in rows),
        "user": _words(body.user for body in bodies),
        "account": _words(send and send.account for send in sends),
        "message": _words(send and send.message for send in sends),
        "topic": _words(send and send.topic for send in sends),
        "queued_at": _times(row.queued_at for row in rows),
        "since": _times(row.since for row in rows),
        "attempts": _wholes(row.attempts for row in rows),
        "outcome": _words(row.outcome for row in rows),
        "code": _words(row.code for row in rows),
        "sent_at": _times(row.sent_at for row in rows),
        "receipt": _words(row.receipt for row in rows),
    }


#: Name of a table -> what makes its columns.
EXPORTS: Final[Mapping[str, Callable[[Unit], _Columns]]] = {
    "events": _events,
    "invites": _invites,
    "payouts": _payouts,
    "postings": _plain("posting", ("at",), ("place", "amount", "seq")),
    "facts": _facts,
    "letters": _letters,
    "decisions": _plain("decision", ("at",)),
}
