"""What users did, as columns: the log everything else is computed from (日志)."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.faults import Rejected
from wxengage.log.folders import write_folder
from wxengage.log.frames import give
from wxengage.log.kinds import KINDS, nearest_kind
from wxengage.log.part import KIND_NAMES, Part, kind_mask
from wxengage.log.runs import NEVER
from wxengage.log.state import UserState, fold
from wxengage.log.streaks import streaks_of
from wxengage.log.summary import Summary, instants, summary_of
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros, span_micros

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from wxengage.log.frames import Ids, Origin

__all__ = ["KindCounts", "Log"]

WINDOW: Final = dt.timedelta(days=30)
SESSION_GAP: Final = dt.timedelta(minutes=30)


@attrs.frozen(eq=False)
class KindCounts:
    """How often each user did each kind in a period.

    Attributes
    ----------
    kinds
        The kinds that occur.
    users
        Ids of the users with an event. Shape ``(n,)``.
    counts
        Shape ``(n, kinds)``.
    """

    kinds: tuple[str, ...]
    users: NDArray[Any]
    counts: NDArray[np.int64]


@attrs.frozen(eq=False)
class _Mapped:
    """Parts as a function makes them of others, each when its turn comes."""

    parts: Iterable[Part]
    make: Callable[[Part], Part]

    def __iter__(self) -> Iterator[Part]:
        return map(self.make, self.parts)


@attrs.frozen(eq=False, slots=False)
class Log:
    """What users did: one row an event. Made by ``read_log`` or ``open_log``."""

    _ids: Ids
    _parts: Iterable[Part]
    _rejected: Rejected = attrs.field(factory=Rejected)
    _words: Mapping[str, NDArray[Any]] = attrs.field(factory=dict)
    _origin: Origin = attrs.field(kw_only=True)

    def __len__(self) -> int:
        return self._extent[0]

    @functools.cached_property
    def _extent(self) -> tuple[int, int, int]:
        """Events, and the first and last instant of them."""
        found = [
            (len(p), int(p.at.min()), int(p.at.max())) for p in self._parts if len(p)
        ]
        if not found:
            return 0, NEVER, NEVER
        sizes, firsts, lasts = zip(*found, strict=True)
        return sum(sizes), min(firsts), max(lasts)

    def __repr__(self) -> str:
        return f"<Log of {len(self):,} events, {self.first_at} to {self.last_at}>"

    @property
    def rejected(self) -> Rejected:
        """The rows of the source that are not in the log, each with the reason."""
        return self._rejected

    @property
    def engine(self) -> object:
        """The engine's own lazy frame, for a log that stays in one; else None."""
        return None

    @property
    def origin(self) -> Origin:
        """What kind of table the log came from."""
        return self._origin

    @property
    def ids(self) -> Ids:
        """The ids of the user codes."""
        return self._ids

    @property
    def parts(self) -> Iterable[Part]:
        """The events, in one or several parts that share no user."""
        return self._parts

    @property
    def words(self) -> Mapping[str, NDArray[Any]]:
        """The values of the codes in columns of words, by column."""
        return self._words

    def collect(self) -> Log:
        """Return the log in memory, which this one is."""
        return self

    @property
    def first_at(self) -> dt.datetime | None:
        """Instant of the first event; None for an empty log."""
        size, first, _ = self._extent
        return from_micros(first) if size else None

    @property
    def last_at(self) -> dt.datetime | None:
        """Instant of the last event; None for an empty log."""
        size, _, last = self._extent
        return from_micros(last) if size else None

    def between(self, start: dt.datetime, end: dt.datetime) -> Log:
        """Return the events at ``start <= at < end``.

        Parameters
        ----------
        start, end
            Aware.

        Returns
        -------
        Log
            Of the same users.
        """
        low, high = period(start, end)
        return self._where(lambda part: (part.at >= low) & (part.at < high))

    def only(self, kinds: Iterable[str]) -> Log:
        """Return the events of some kinds.

        Parameters
        ----------
        kinds
            Names in ``KINDS``.

        Returns
        -------
        Log
            The others are left out.

        Raises
        ------
        InvalidInputError
            If a kind is unknown.
        """
        names = check_kinds(kinds)
        wanted = kind_mask(names)
        return self._where(lambda part: wanted[part.kind])

    def for_users(self, ids: Iterable[str | int]) -> Log:
        """Return the events of some users.

        Parameters
        ----------
        ids
            User ids; one without an event is no fault.

        Returns
        -------
        Log
            The others are left out.
        """
        wanted = {ids} if isinstance(ids, str | int) else set(ids)
        keep = np.array(
            [one in wanted for one in self._ids.numpy().tolist()], dtype=np.bool_
        )
        return self._where(lambda part: keep[part.members[part.user]])

    def _where(self, rows: Callable[[Part], NDArray[np.bool_]]) -> Log:
        make = _Mapped(self._parts, lambda part: part.take(np.flatnonzero(rows(part))))
        parts = tuple(make) if isinstance(self._parts, tuple) else make
        return attrs.evolve(self, parts=parts)

    def to_frame(self, like: object = None) -> Any:
        """Return the events as the kind of table the log came from.

        Parameters
        ----------
        like
            Another kind of table: a frame, or its name.

        Returns
        -------
        object
            Columns ``user``, ``kind``, ``at`` and those that were named, in
            order of time, then user.
        """
        parts = tuple(self._parts)
        joined: dict[str, NDArray[Any]] = {
            "user": np.concatenate([part.members[part.user] for part in parts]),
            "kind": np.concatenate([part.kind for part in parts]),
            "at": np.concatenate([part.at for part in parts]),
        }
        for name in parts[0].more:
            joined[name] = np.concatenate([part.more[name] for part in parts])
        rank = np.empty(len(self._ids), dtype=np.int64)
        rank[self._ids.order] = np.arange(len(self._ids))
        user = joined.pop("user").astype(np.int64)
        order = np.lexsort((joined["kind"], rank[user], joined["at"]))
        names = np.array(KIND_NAMES, dtype=object)
        columns: dict[str, Any] = {
            "user": self._ids.take(user[order]),
            "kind": names[joined.pop("kind")[order].astype(np.int64)],
            "at": instants(joined.pop("at")[order].astype(np.int64)),
        }
        for name, column in joined.items():
            ordered = column[order]
            if name in self._words:
                words = np.array([*self._words[name].tolist(), None], dtype=object)
                ordered = words[ordered]
            columns[name] = ordered
        return give(columns, self._origin, like)

    def summarise(
        self,
        as_of: dt.datetime,
        *,
        window: dt.timedelta = WINDOW,
        session_gap: dt.timedelta = SESSION_GAP,
        clock: DayClock = DayClock(),
    ) -> Summary:
        """Return one row of statistics a user.

        Parameters
        ----------
        as_of
            The instant to judge at, aware; later events are left out.
        window
            How far the columns ``*_in_window`` look back. Whole days are local
            days ending with as_of's.
        session_gap
            A longer silence ends a session.
        clock
            Whose days count.

        Returns
        -------
        Summary
            Users with an event by then, ascending by id.

        Notes
        -----
        ``O(n log n)`` for ``n`` events, in integers throughout.
        """
        upto = micros("as_of", as_of)
        start = clock.window_start(as_of, window)
        gap = span_micros("session_gap", session_gap)
        whole = UserState.empty(len(self._ids))
        counts, days = (np.zeros(len(self._ids), dtype=np.int64) for _ in range(2))
        for part in self._parts:
            state, *window_of = fold(part, start, upto, gap, clock)
            whole.put(part.members, state)
            counts[part.members], days[part.members] = window_of
        order = self._ids.order
        order = order[whole.events[order] > 0]
        return summary_of(
            whole,
            (counts, days),
            self._ids.take(order),
            order,
            as_of=upto,
            clock=clock,
            origin=self._origin,
        )

    def streaks(
        self,
        as_of: dt.datetime,
        *,
        clock: DayClock = DayClock(),
    ) -> Any:
        """Return each user's days in a row with an interaction.

        Parameters
        ----------
        as_of
            The instant to judge at, aware; later events are left out.
        clock
            Whose days count.

        Returns
        -------
        frame
            ``user``, ``current``, ``longest``, ``last_day``. A streak is
            current while its last day is today or yesterday: today is not over.
            ``last_day`` counts days since 1970-01-01. Users without an
            interaction are not listed.
        """
        upto = micros("as_of", as_of)
        n = len(self._ids)
        current, longest, last = (
            np.zeros(n, np.int64),
            np.zeros(n, np.int64),
            np.full(n, NEVER),
        )
        for part in self._parts:
            found = streaks_of(part, upto, clock)
            current[part.members], longest[part.members], last[part.members] = found
        order = self._ids.order
        order = order[last[order] != NEVER]
        columns = {
            "user": self._ids.take(order),
            "current": current[order],
            "longest": longest[order],
            "last_day": last[order],
        }
        return give(columns, self._origin)

    def kind_counts(self, start: dt.datetime | None, end: dt.datetime) -> KindCounts:
        """Return how often each user did each kind at ``start < at <= end``.

        Parameters
        ----------
        start
            Aware, not included; None: from the first event.
        end
            Aware, included.

        Returns
        -------
        KindCounts
            Users with an event in that time, ascending by id.
        """
        low, high = (NEVER, micros("end", end)) if start is None else period(start, end)
        some = np.zeros(len(KIND_NAMES), dtype=np.bool_)
        for part in self._parts:
            some |= part.present
        column = np.cumsum(some) - 1
        width = int(some.sum())
        counts = np.zeros((len(self._ids), width), dtype=np.int64)
        for part in self._parts:
            inside = np.flatnonzero((part.at > low) & (part.at <= high))
            cell = part.user[inside] * np.int64(width) + column[part.kind[inside]]
            found = np.bincount(cell, minlength=part.users * width)
            counts[part.members] = found.reshape(part.users, width)
        order = self._ids.order
        order = order[counts[order].any(axis=1)]
        present = np.flatnonzero(counts.any(axis=0))
        names = [KIND_NAMES[code] for code in np.flatnonzero(some)]
        kinds = tuple(names[place] for place in present)
        users = self._ids.take(order).numpy()
        return KindCounts(kinds, users, counts[order][:, present])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Keep the log as a folder that ``open_log`` maps into memory.

        Parameters
        ----------
        path
            A folder; made if need be. An older log in it is replaced.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        parts = tuple(self._parts)
        arrays: dict[str, Any] = {"ids": self._ids.numpy()}
        columns = {"user", "at", "kind"} | {
            name for part in parts for name in part.more
        }
        for name in sorted(columns):
            pieces = [_saved(part, name) for part in parts]
            arrays[f"event.{name}"] = np.concatenate(pieces)
        for name, words in self._words.items():
            arrays[f"words.{name}"] = words
        about = {"what": "log", "kinds": list(KIND_NAMES), "events": len(self)}
        about |= {"unit": self._origin.unit, "tz": self._origin.tz}
        return write_folder(path, about | {"form": self._origin.form}, arrays)


def _saved(part: Part, name: str) -> NDArray[Any]:
    """Return a part's column as it is saved: users as codes of the whole log."""
    if name == "user":
        return part.members[part.user].astype(np.uint32)
    column: NDArray[Any] = part.more[name] if name in part.more else getattr(part, name)
    return column


def period(start: dt.datetime, end: dt.datetime) -> tuple[int, int]:
    """Return both as microseconds since 1970, or say that they are no period."""
    low, high = micros("start", start), micros("end", end)
    if high < low:
        raise InvalidInputError("end", end, f"not before start {start}")
    return low, high


def check_kinds(kinds: Iterable[str]) -> list[str]:
    """Return kinds as a list, or say which is unknown."""
    if isinstance(kinds, str):
        kinds = [kinds]
    names = list(kinds)
    for name in names:
        if name not in KINDS:
            near = nearest_kind(str(name))
            hint = f"did you mean {near!r}?" if near else "see wxengage.log.KINDS"
            raise InvalidInputError("kinds", name, "known kinds", hint)
    return names
