"""Yesterday's state plus today's events (增量统计): the nightly job.

A tally holds one row a user and nothing of the events it has seen. Adding a day
costs what the day costs, and the summary afterwards is the one a recompute over
all events would give.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.folders import read_folder, write_folder
from wxengage.log.frames import ARRAYS, Ids, saved_origin
from wxengage.log.reading import read_log
from wxengage.log.runs import NEVER
from wxengage.log.state import ACTIVE, OWN, UserState, days_of, state_of
from wxengage.log.summary import summary_of
from wxengage.log.table import SESSION_GAP, WINDOW, Log
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, from_micros, micros, span_micros

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from wxengage.log.part import Part
    from wxengage.log.summary import Summary

__all__ = ["Tally"]


class Tally:
    """Mergeable statistics of each user, a day's events at a time.

    Parameters
    ----------
    clock
        Whose days count.
    window
        Whole days that the columns ``*_in_window`` look back.
    session_gap
        A longer silence ends a session.

    Examples
    --------
    >>> tally = Tally()
    >>> for at in (0, 86_400):
    ...     tally.add({"user": ["ann"], "kind": ["like"], "at": [at]}, unit="s")
    >>> tally.summary(dt.datetime(1970, 1, 3, tzinfo=dt.timezone.utc)).interactions
    array([2])
    """

    def __init__(
        self,
        *,
        clock: DayClock = DayClock(),
        window: dt.timedelta = WINDOW,
        session_gap: dt.timedelta = SESSION_GAP,
    ) -> None:
        if span_micros("window", window) % MICROS_PER_DAY:
            hint = "a tally keeps a count a day, not the events"
            raise InvalidInputError("window", window, "whole days", hint)
        self._clock, self._window = clock, window
        self._gap = span_micros("session_gap", session_gap)
        self._days = window // dt.timedelta(days=1)
        self._codes: dict[Any, int] = {}
        self._state = UserState.empty(0)
        # Interactions by day and user: row ``day % days`` holds that day, for the
        # days up to the last one seen.
        self._ring = np.zeros((self._days, 0), dtype=np.uint32)
        # Ids ascending with their codes, and those that came since they were sorted.
        self._sorted: NDArray[Any] = np.zeros(0, dtype=object)
        self._order = np.zeros(0, dtype=np.int64)
        self._unsorted: list[Any] = []
        self._last_day: int | None = None
        self._last_at = NEVER
        self._origin = ARRAYS

    def __len__(self) -> int:
        return len(self._codes)

    def __repr__(self) -> str:
        until = "nothing" if self._last_at == NEVER else from_micros(self._last_at)
        return f"<Tally of {len(self):,} users up to {until}>"

    def add(self, batch: Any, **columns: Any) -> None:
        """Add the events that came since.

        Parameters
        ----------
        batch
            A ``Log``, or any source of ``read_log``.
        **columns
            Passed on to ``read_log``.

        Raises
        ------
        InvalidInputError
            If a user has an event earlier than one that was added before: late
            events cannot be added, recompute from the events. The tally is
            unchanged.
        InvalidLogError
            If the batch cannot be read.

        Notes
        -----
        ``O(k log k)`` for ``k`` new events, plus one look-up a user in them.
        """
        log = batch if isinstance(batch, Log) else read_log(batch, **columns)
        if log.engine is not None:
            log = log.collect()
        later = Tally(
            clock=self._clock,
            window=self._window,
            session_gap=dt.timedelta(microseconds=self._gap),
        )
        later._fold(log)
        self._merge(later)

    def merge(self, other: Tally) -> Tally:
        """Return the tally of this one's events and then ``other``'s.

        Parameters
        ----------
        other
            Made with the same clock, window and gap, of other users or of later
            events.

        Returns
        -------
        Tally
            A new one; these two stay as they are.

        Raises
        ------
        InvalidInputError
            If the settings differ, or an event of ``other`` is earlier than one
            of this tally's of the same user.
        """
        if not isinstance(other, Tally):
            raise InvalidInputError("other", type(other), "a tally", "add() takes logs")
        mine = (self._clock, self._window, self._gap)
        if mine != (other._clock, other._window, other._gap):
            rule = f"made with {mine}"
            raise InvalidInputError(
                "other", (other._clock, other._window, other._gap), rule
            )
        both = Tally(
            clock=self._clock,
            window=self._window,
            session_gap=dt.timedelta(microseconds=self._gap),
        )
        both._merge(self)
        both._merge(other)
        return both

    def _fold(self, log: Log) -> None:
        """Take over a log's events; this tally is empty."""
        ids = log.ids.numpy()
        self._codes = {one: code for code, one in enumerate(ids.tolist())}
        self._state = UserState.empty(len(ids))
        self._ring = np.zeros((self._days, len(ids)), dtype=np.uint32)
        self._origin = log.origin
        last = log.last_at
        if last is None:
            return
        self._last_at = micros("", last)
        self._last_day = self._clock.day(last)
        for part in log.parts:
            self._state.put(
                part.members, state_of(part, self._last_at, self._gap, self._clock)
            )
            self._ring[:, part.members] = self._daily(part, self._last_day)

    def _daily(self, part: Part, today: int) -> NDArray[np.uint32]:
        """Return interactions of the last days, a row for each day."""
        found = np.zeros((self._days, part.users), dtype=np.uint32)
        for users, _, active in part.blocks(OWN, ACTIVE):
            day, _ = days_of(active, self._clock)
            kept = np.flatnonzero(day > today - self._days)
            size = users.stop - users.start
            cell = day[kept] % self._days * size + active.users(kept)
            counts = np.bincount(cell, minlength=self._days * size)
            found[:, users] = counts.reshape(self._days, size)
        return found

    def _merge(self, later: Tally) -> None:
        """Take over a later tally."""
        if later._last_day is None:
            return
        known = len(self._codes)
        ids = list(later._codes)
        if (
            len({type(one) for one in (*ids[:1], *itertools.islice(self._codes, 1))})
            > 1
        ):
            rule = f"of ids such as {ids[0]!r:.6}, text or whole numbers throughout"
            raise InvalidInputError("batch", "ids of another type", rule)
        seen = [self._codes.get(one, -1) for one in ids]
        codes = np.array(seen, dtype=np.int64)
        new = codes < 0
        codes[new] = known + np.arange(int(new.sum()))
        old = ~new
        before = self._state.take(codes[old])
        after = later._state.take(np.flatnonzero(old))
        self._refuse_late(
            before.last_own, after.first_own, [ids[i] for i in np.flatnonzero(old)]
        )
        together = before.then(after, self._gap)
        self._grow(known + int(new.sum()))
        for i in np.flatnonzero(new).tolist():
            self._codes[ids[i]] = int(codes[i])
            self._unsorted.append(ids[i])
        self._state.put(codes[new], later._state.take(np.flatnonzero(new)))
        self._state.put(codes[old], together)
        self._turn(later._last_day)
        last_day = max(later._last_day, self._last_day or later._last_day)
        for day in range(last_day - self._days + 1, later._last_day + 1):
            counts = later._ring[day % self._days, : len(ids)]
            if counts.any():
                self._ring[day % self._days, codes] += counts
        self._last_at = max(self._last_at, later._last_at)
        if known == 0:
            self._origin = later._origin

    def _refuse_late(
        self, last: NDArray[np.int64], first: NDArray[np.int64], ids: list[Any]
    ) -> None:
        late = np.flatnonzero((last != NEVER) & (first != NEVER) & (first < last))
        if late.size:
            row = int(late[0])
            who = f"{str(ids[row])[:4]!r}..."
            got = f"{late.size} users with a late event, the first {who}"
            until = from_micros(int(last[row]))
            rule = f"in order of time: not before {until} for that user"
            raise InvalidInputError(
                "batch", got, rule, "recompute from the events themselves"
            )

    def _grow(self, users: int) -> None:
        """Make room for new users, a quarter more than needed to grow seldom."""
        room = self._ring.shape[1]
        if users <= room:
            return
        more = users - room + users // 4
        empty = UserState.empty(more)
        columns = {
            field.name: np.concatenate(
                (getattr(self._state, field.name), getattr(empty, field.name))
            )
            for field in attrs.fields(UserState)
        }
        self._state = UserState(**columns)
        self._ring = np.pad(self._ring, ((0, 0), (0, more)))

    def _turn(self, today: int) -> None:
        """Clear the days that leave the window when the last day moves on."""
        if self._last_day is None or today > self._last_day:
            last = today - self._days if self._last_day is None else self._last_day
            for day in range(max(last + 1, today - self._days + 1), today + 1):
                self._ring[day % self._days] = 0
            self._last_day = today

    def summary(self, as_of: dt.datetime) -> Summary:
        """Return what ``Log.summarise`` would say of all events added so far.

        Parameters
        ----------
        as_of
            Aware, not before the last event that was added.

        Returns
        -------
        Summary
            Ascending by id.

        Raises
        ------
        InvalidInputError
            If ``as_of`` is before the last event: the tally no longer knows.
        """
        upto = micros("as_of", as_of)
        if upto < self._last_at:
            rule = f"at or after the last event, {from_micros(self._last_at)}"
            raise InvalidInputError(
                "as_of", as_of, rule, "ask Log.summarise for the past"
            )
        today = self._clock.day(as_of)
        last = today if self._last_day is None else self._last_day
        counts, days = (np.zeros(self._ring.shape[1], dtype=np.int64) for _ in range(2))
        for day in range(today - self._days + 1, last + 1):
            counts += self._ring[day % self._days]
            days += self._ring[day % self._days] > 0
        return summary_of(
            self._state,
            (counts, days),
            *self._ascending(),
            as_of=upto,
            clock=self._clock,
            origin=self._origin,
        )

    def _ascending(self) -> tuple[Ids, NDArray[np.int64]]:
        """Return the ids in ascending order, and their codes."""
        if self._unsorted:
            ids = _column(sorted(self._unsorted))
            codes = np.array([self._codes[one] for one in ids.tolist()], dtype=np.int64)
            if len(self._sorted):
                places = np.searchsorted(self._sorted, ids)
                ids = np.insert(self._sorted, places, ids)
                codes = np.insert(self._order, places, codes)
            self._sorted, self._order, self._unsorted = ids, codes, []
        return Ids(self._sorted), self._order

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Keep the tally as a folder that ``Tally.open`` reads.

        Parameters
        ----------
        path
            A folder; an older tally in it is replaced once the new one is whole.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        n = len(self._codes)
        arrays = {
            f"state.{f.name}": getattr(self._state, f.name)[:n]
            for f in attrs.fields(UserState)
        }
        arrays |= {
            "ids": _column(list(self._codes)),
            "order": self._ascending()[1],
            "ring": self._ring[:, :n],
        }
        about = {
            "what": "tally",
            "tz": self._clock.tz,
            "day_start": self._clock.day_start.isoformat(),
            "window_days": self._days,
            "session_gap_us": self._gap,
            "last_day": self._last_day,
            "last_at_us": self._last_at,
            "origin": [self._origin.form, self._origin.unit, self._origin.tz],
        }
        return write_folder(path, about, arrays)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a tally that was saved.

        Parameters
        ----------
        path
            The folder ``save`` wrote.

        Returns
        -------
        Tally
            As it was.

        Raises
        ------
        InvalidInputError
            If it is no saved tally, or a newer version wrote it.
        """
        about, arrays = read_folder(path, "tally")
        try:
            return cls._of(about, arrays)
        except (KeyError, TypeError, ValueError) as error:
            rule = "a whole saved tally"
            raise InvalidInputError("path", str(path), rule, str(error)) from None

    @classmethod
    def _of(cls, about: Mapping[str, Any], arrays: Mapping[str, Any]) -> Self:
        clock = DayClock(about["tz"], dt.time.fromisoformat(about["day_start"]))
        tally = cls(
            clock=clock,
            window=dt.timedelta(days=about["window_days"]),
            session_gap=dt.timedelta(microseconds=about["session_gap_us"]),
        )
        ids, order = np.asarray(arrays["ids"]), np.array(arrays["order"])
        n = len(ids)
        tally._codes = {one: code for code, one in enumerate(ids.tolist())}
        tally._sorted, tally._order = ids[order], order
        tally._grow(n)
        for field in attrs.fields(UserState):
            getattr(tally._state, field.name)[:n] = arrays[f"state.{field.name}"]
        tally._ring[:, :n] = arrays["ring"]
        tally._last_day, tally._last_at = about["last_day"], about["last_at_us"]
        tally._origin = saved_origin(*about["origin"])
        return tally


def _column(ids: list[Any]) -> NDArray[Any]:
    """Return ids, all text or all whole numbers, as an array."""
    whole = bool(ids) and isinstance(ids[0], int)
    return np.fromiter(ids, dtype=np.int64 if whole else object, count=len(ids))
