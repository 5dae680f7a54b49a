"""What everybody got (历史触达表), sorted once and asked many times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.claims.figures import CONTENT_KINDS
from wxengage.errors import INT64_MAX
from wxengage.log.frames import Ids
from wxengage.log.intake import read_table
from wxengage.plan.gating.columns import Words, flags, places, words
from wxengage.sends import CATEGORIES
from wxengage.times.zones import MICROS_PER_SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LONG_AGO", "Past", "Stretch", "View", "first_from"]

#: Before every instant.
LONG_AGO: Final = -(2**63)
FIELDS: Final = ("channel", "account", "category", "topic", "message")


def first_from(
    times: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the first of some rows that is not before an instant.

    Parameters
    ----------
    times
        Ascending within every stretch. Shape ``(m,)``.
    starts, ends
        The stretch of each question. Shape ``(n,)``.
    at
        The instants. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        A position from ``starts`` to ``ends``. Shape ``(n,)``.

    Notes
    -----
    Where the last row is before the instant, as for most who are asked about now,
    one look; else a binary search of all questions together.
    """
    found = ends.copy()
    if not times.size:
        return found
    open_ = np.flatnonzero((ends > starts) & (times[np.maximum(ends - 1, 0)] >= at))
    low, high = starts[open_], ends[open_]
    wanted = at[open_]
    while open_.size:
        middle = (low + high) >> 1
        before = times[middle] < wanted
        low, high = np.where(before, middle + 1, low), np.where(before, high, middle)
        done = low >= high
        if done.any():
            found[open_[done]] = low[done]
            going = ~done
            open_, low, high = open_[going], low[going], high[going]
            wanted = wanted[going]
    return found


@attrs.frozen(eq=False)
class View:
    """Past rows that one limit counts, by what they are counted under.

    Attributes
    ----------
    times
        Microseconds since 1970, ascending within a group. Shape ``(m,)``.
    rows
        Their places in the table. Shape ``(m,)``.
    keys
        ``user * width + word`` of each group, ascending; None where groups are
        users.
    bounds
        Where the groups begin, and the end. Shape ``(groups + 1,)``.
    names
        The words that groups are told apart by, none where groups are users.
    """

    times: NDArray[np.int64]
    rows: NDArray[np.int64] | slice
    keys: NDArray[np.int64] | None
    bounds: NDArray[np.int64]
    names: tuple[str, ...]

    def of(
        self, users: NDArray[np.int64], under: Words | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the stretch of rows that each message competes with.

        Parameters
        ----------
        users
            The users' places in the table, -1 for none. Shape ``(n,)``.
        under
            The word of each message in the field that tells groups apart.

        Returns
        -------
        starts, ends
            Both 0 where there is none. Shape ``(n,)``.
        """
        group, there = users, users >= 0
        if self.keys is not None and under is not None:
            word = under.into(self.names)
            key = users * len(self.names) + word
            group = np.searchsorted(self.keys, key)
            safe = np.minimum(group, max(len(self.keys) - 1, 0))
            there = there & (word >= 0) & bool(len(self.keys))
            there &= (self.keys[safe] if len(self.keys) else -1) == key
        if there.all():
            return self.bounds[group], self.bounds[group + 1]
        safe = np.where(there, group, 0)
        if len(self.bounds) == 1:
            nothing = np.zeros(len(users), dtype=np.int64)
            return nothing, nothing
        return (
            np.where(there, self.bounds[safe], 0),
            np.where(there, self.bounds[safe + 1], 0),
        )


@attrs.frozen(eq=False)
class Stretch:
    """The past rows that each message competes with.

    Attributes
    ----------
    times
        Microseconds since 1970, ascending within every stretch. Shape ``(m,)``.
    starts, ends
        The stretch of each message. Shape ``(n,)``.
    latest
        The last of its times, ``LONG_AGO`` where there is none. Shape ``(n,)``.
    """

    times: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    latest: NDArray[np.int64]

    @classmethod
    def of(cls, view: View, users: NDArray[np.int64], under: Words | None) -> Self:
        """Return the stretches of messages, as ``View.of`` finds them."""
        starts, ends = view.of(users, under)
        latest = np.full(starts.size, LONG_AGO)
        if view.times.size:
            latest = np.where(ends > starts, view.times[ends - 1], LONG_AGO)
        return cls(view.times, starts, ends, latest)

    def where(self, bound: NDArray[np.bool_]) -> Self:
        """Return the stretches with nothing in those of unbound messages."""
        ends = np.where(bound, self.ends, self.starts)
        latest = np.where(bound, self.latest, LONG_AGO)
        return attrs.evolve(self, ends=ends, latest=latest)


@attrs.frozen(eq=False)
class Past:
    """What went out to everybody, by user, then by time (历史触达表).

    ``Past.of(frame)`` sorts; a job or a server does so once and hands the result to
    ``Gate.check_many`` again and again.

    Attributes
    ----------
    ids
        The users, ascending.
    user
        Their codes. Shape ``(m,)``.
    at
        Microseconds since 1970. Shape ``(m,)``.
    fields
        Channel, account, category, topic, message and content as words.
    counts, is_ad
        As in ``Sent``. Shape ``(m,)``.
    """

    ids: Ids
    user: NDArray[np.int64]
    at: NDArray[np.int64]
    fields: dict[str, Words]
    counts: NDArray[np.bool_]
    is_ad: NDArray[np.bool_]
    _views: dict[tuple[str | None, tuple[str, ...]], View] = attrs.field(
        factory=dict, repr=False, init=False
    )

    @classmethod
    def of(cls, source: Any, *, tz: str | None = None, unit: str | None = None) -> Self:  # noqa: ANN401
        """Return a table of past sends, sorted.

        Parameters
        ----------
        source
            A pandas, Polars or PyArrow frame, a dict of arrays or a list of dicts
            with the columns ``user`` and ``at``, and where they are known
            ``channel``, ``account``, ``category``, ``topic``, ``message``,
            ``content``, ``is_ad`` and ``counts``, as in ``Sent``.
        tz, unit
            Of times without a zone, and of times that are numbers, as for
            ``read_log``.

        Returns
        -------
        Past
            Ready to be asked.

        Raises
        ------
        InvalidInputError
            If a column is missing or a cell cannot be read.

        Notes
        -----
        ``O(m log m)``.
        """
        optional = (*FIELDS, "content", "is_ad", "counts")
        table = read_table(source, ("user", "at"), optional)
        user, ids = table.users("user")
        at, _ = table.times("at", tz=tz, unit=unit)
        order = _by_user_and_time(user, at)
        fields = {name: words(table, name) for name in FIELDS if name != "category"}
        fields["category"] = words(
            table, "category", known=CATEGORIES, default="marketing"
        )
        fields["content"] = words(table, "content", known=CONTENT_KINDS)
        return cls(
            ids,
            user[order],
            at[order],
            {name: column.take(order) for name, column in fields.items()},
            flags(table, "counts", default=True)[order],
            flags(table, "is_ad", default=False)[order],
        )

    def __len__(self) -> int:
        return len(self.at)

    def until(self, at: int) -> Past:
        """Return what went out up to an instant, microseconds since 1970."""
        rows = np.flatnonzero(self.at <= at)
        return Past(
            self.ids,
            self.user[rows],
            self.at[rows],
            {name: column.take(rows) for name, column in self.fields.items()},
            self.counts[rows],
            self.is_ad[rows],
        )

    def plus(self, more: Past) -> Past:
        """Return both together, sorted.

        Parameters
        ----------
        more
            What went out besides.

        Returns
        -------
        Past
            This one stays as it is.

        Raises
        ------
        InvalidInputError
            If one has numbers for users and the other text.

        Notes
        -----
        ``O(m log m)`` in the rows of both.
        """
        if not len(more) or not len(self):
            return self if len(self) else more
        strangers = places(more.ids, self.ids) < 0
        both = np.concatenate([self.ids.numpy(), more.ids.numpy()[strangers]])
        ids = Ids(np.sort(both))
        user = np.concatenate([places(x.ids, ids)[x.user] for x in (self, more)])
        at = np.concatenate([self.at, more.at])
        order = _by_user_and_time(user, at)
        fields = {
            name: own.plus(more.fields[name]).take(order)
            for name, own in self.fields.items()
        }
        return Past(
            ids,
            user[order],
            at[order],
            fields,
            np.concatenate([self.counts, more.counts])[order],
            np.concatenate([self.is_ad, more.is_ad])[order],
        )

    def view(self, scope: str | None, counts: tuple[str, ...] = CATEGORIES) -> View:
        """Return the rows that a limit counts; worked out once.

        Parameters
        ----------
        scope, counts
            As in ``Cap``.

        Returns
        -------
        View
            By user, or by user and what the scope tells apart.
        """
        key = (scope, counts)
        if key not in self._views:
            self._views[key] = self._viewed(scope, counts)
        return self._views[key]

    def _viewed(self, scope: str | None, counts: tuple[str, ...]) -> View:
        field, colon, value = (scope or "").partition(":")
        keep = self.counts
        if set(counts) != set(CATEGORIES):
            keep = keep & self.fields["category"].flags(counts)
        if colon:
            keep = keep & self.fields[field].flags((value,))
        if not field or colon:
            whole = bool(keep.all())
            rows = slice(None) if whole else np.flatnonzero(keep)
            held = np.bincount(self.user[rows], minlength=len(self.ids))
            return View(self.at[rows], rows, None, _bounds(held), ())
        column = self.fields[field]
        rows = np.flatnonzero(keep)
        group = self.user[rows] * len(column.names) + column.codes[rows]
        order = np.argsort(group, kind="stable")
        rows = rows[order]
        keys, held = np.unique(group[order], return_counts=True)
        return View(self.at[rows], rows, keys, _bounds(held), column.names)


def _by_user_and_time(
    user: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Return rows in order of user, then time, then place."""
    if not at.size:
        return np.zeros(0, dtype=np.intp)
    first = int(at.min())
    unit = 1 if (at % MICROS_PER_SECOND).any() else MICROS_PER_SECOND
    width = (int(at.max()) - first) // unit + 1
    if (int(user.max()) + 1) * width >= INT64_MAX:
        return np.lexsort((at, user))
    # One number for both sorts several times as fast.
    return np.argsort(user * width + (at - first) // unit, kind="stable")


def _bounds(held: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(held, dtype=np.int64)])
