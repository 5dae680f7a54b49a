"""Who might get what (候选触达): users, options and what each is worth.

An option is a message in a window on a channel. Users whose worths are the same
for every option are interchangeable, so the table is kept as its distinct rows
and, for each user, the number of the row: a plan by segment has three rows
whether there are a hundred users or a million.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.plan.intake import LARGEST_VALUE, counts_of, distinct, ids_of, table_of
from wxengage.plan.options import Option
from wxengage.sends import Send

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from wxengage.plan.refusals import Refused
    from wxengage.words import Words

__all__ = ["Candidates"]

#: Row of a user who is held out.
HELD_OUT: Final = -1
# A table of 400 MB; sends that are all different do not fit a table anyway.
_MOST_CELLS: Final = 50_000_000


def _checked_options(options: Iterable[Option]) -> tuple[Option, ...]:
    found = tuple(options)
    seen: dict[tuple[str, ...], int] = {}
    for row, option in enumerate(found):
        if not isinstance(option, Option):
            raise InvalidInputError(f"options[{row}]", option, "an Option")
        first = seen.setdefault(option.key, row)
        if first != row:
            hint = f"the same message, channel and window as options[{first}]"
            raise InvalidInputError(
                f"options[{row}]", option.message, "given once", hint
            )
    return found


@attrs.frozen(eq=False)
class Candidates:
    """Users, options, and what each option is worth for each user.

    Made by ``from_matrix``, ``from_rows``, ``from_pairs`` or ``from_sends``.

    Attributes
    ----------
    users
        Ids, integers or ``str``. Shape ``(n,)``.
    options
        What each might get. Length ``k``.
    rows
        The rows of values, NaN where an option is not allowed; 32 or 64 bits.
        Shape ``(m, k)``.
    row_of
        Each user's row, -1 for who is held out. Shape ``(n,)``.
    ads_left
        How many ads each user may still get; None for no such bound.
    sends_left
        How many messages each user may still get; None for no such bound.
    words
        What people call the users of each row; empty where nobody said.
    refusals
        What the gate has against each option for the users of each row, None where
        nothing. Shape ``(m, k)``; None where the gate was not asked.
    given
        The sends that the options were made of, by user and option.
    """

    users: NDArray[Any]
    options: tuple[Option, ...]
    rows: NDArray[np.floating]
    row_of: NDArray[np.int64]
    ads_left: NDArray[np.int64] | None = attrs.field(default=None, kw_only=True)
    sends_left: NDArray[np.int64] | None = attrs.field(default=None, kw_only=True)
    words: tuple[Words, ...] = attrs.field(default=(), kw_only=True)
    refusals: NDArray[np.object_] | None = attrs.field(
        default=None, kw_only=True, repr=False
    )
    given: Mapping[tuple[int, int], Send] = attrs.field(
        factory=lambda: MappingProxyType({}), kw_only=True, repr=False
    )

    def __len__(self) -> int:
        return len(self.users)

    @classmethod
    def from_matrix(
        cls,
        values: ArrayLike,
        options: Iterable[Option],
        users: ArrayLike | Sequence[str],
        *,
        ads_left: ArrayLike | None = None,
        sends_left: ArrayLike | None = None,
    ) -> Self:
        """Return candidates from a table of users by options.

        Parameters
        ----------
        values
            What each option is worth for each user, NaN where it is not
            allowed. Shape ``(n_users, n_options)``.
        options
            The columns. No two are the same message, channel and window.
        users
            The rows: ids, each once.
        ads_left
            How many ads each user may still get, as ``AdShare.left`` says.
            Shape ``(n_users,)``.
        sends_left
            How many messages each user may still get, whatever the caps
            allow. Shape ``(n_users,)``.

        Returns
        -------
        Candidates
            Equal rows are kept once; in a table of more than a million cells only
            where that leaves half of them at most.

        Raises
        ------
        InvalidInputError
            If a value is infinite or beyond 1e12, a shape does not fit, or a
            user or an option is there twice.

        Notes
        -----
        A large table of floats that lies row by row in memory is kept as it is,
        not copied: do not write to it while the candidates are in use.
        """
        ids, columns = ids_of(users), _checked_options(options)
        table = table_of("values", values, (len(ids), len(columns)))
        rows, row_of = distinct(table)
        return cls(
            ids,
            columns,
            rows,
            row_of,
            ads_left=counts_of("ads_left", ads_left, len(ids)),
            sends_left=counts_of("sends_left", sends_left, len(ids)),
        )

    @classmethod
    def from_rows(
        cls,
        rows: ArrayLike,
        row_of: ArrayLike,
        options: Iterable[Option],
        users: ArrayLike | Sequence[str],
        *,
        words: Sequence[Words] = (),
        refusals: NDArray[np.object_] | None = None,
        ads_left: ArrayLike | None = None,
        sends_left: ArrayLike | None = None,
    ) -> Self:
        """Return candidates from groups of users that are worth the same.

        Parameters
        ----------
        rows
            What each option is worth for each group, NaN where it is not
            allowed. Shape ``(n_groups, n_options)``.
        row_of
            Each user's group. Shape ``(n_users,)``.
        options, users, ads_left, sends_left
            As in ``from_matrix``.
        words
            What people call each group; empty for nothing.
        refusals
            What the gate has against each option: a ``Refused``, or None. Shape
            ``(n_groups, n_options)``; None where it was not asked.

        Returns
        -------
        Candidates
            No table of users by options is ever made.

        Raises
        ------
        InvalidInputError
            As in ``from_matrix``; also if a group does not exist.
        """
        ids, columns = ids_of(users), _checked_options(options)
        shape = np.shape(rows)
        groups = shape[0] if shape else 0
        table = table_of("rows", rows, (groups, len(columns)))
        of = counts_of("row_of", row_of, len(ids))
        if of is None or (of >= groups).any():
            raise InvalidInputError("row_of", row_of, f"below {groups}, the groups")
        if words and len(words) != groups:
            raise InvalidInputError("words", len(words), f"{groups}, one a group")
        if refusals is not None and refusals.shape != table.shape:
            raise InvalidInputError("refusals", refusals.shape, f"{table.shape}")
        return cls(
            ids,
            columns,
            table,
            of,
            ads_left=counts_of("ads_left", ads_left, len(ids)),
            sends_left=counts_of("sends_left", sends_left, len(ids)),
            words=tuple(words),
            refusals=refusals,
        )

    @classmethod
    def from_pairs(
        cls, frame: object, *, tz: str | None = None, unit: str | None = None
    ) -> Self:
        """Return candidates from a table with a row for each user and option.

        Parameters
        ----------
        frame
            A pandas, Polars or PyArrow frame, a dict of arrays, or a list of dicts,
            with the columns user, message, channel, value and start (or slot, the
            instant at which it begins). The columns end, account, topic, category,
            content, is_ad, transactional and cost are as in ``Option`` and may be
            left out.
        tz
            Zone of times that name none; without it those are refused.
        unit
            ``"s"``, ``"ms"`` or ``"us"`` for times that are whole numbers.

        Returns
        -------
        Candidates
            Users and options in a sorted order; what has no row is not allowed.

        Raises
        ------
        InvalidInputError
            If a column is missing, a value is NaN, infinite or beyond 1e12, a time
            names no zone, a cost is negative, or a user has the same message,
            channel and window twice; by column and row. Also if the pairs are so
            different that the table would not fit.

        Examples
        --------
        >>> pairs = {
        ...     "user": ["ada", "bob"],
        ...     "message": ["gift", "gift"],
        ...     "channel": ["wecom", "wecom"],
        ...     "start": ["2026-03-02T12:00+08:00", "2026-03-02T20:00+08:00"],
        ...     "value": [3.0, 5.0],
        ... }
        >>> who = Candidates.from_pairs(pairs)
        >>> len(who), len(who.options)
        (2, 2)
        """
        from wxengage.plan.pairs import read_pairs  # noqa: PLC0415  loads narwhals

        pairs = read_pairs(frame, tz=tz, unit=unit)
        shape = len(pairs.users), len(pairs.options)
        _require_fit("frame", *shape)
        table = np.full(shape, np.nan)
        table[pairs.user, pairs.option] = pairs.value
        rows, row_of = distinct(table)
        return cls(pairs.users, pairs.options, rows, row_of)

    @classmethod
    def from_sends(cls, sends: Iterable[Send]) -> Self:
        """Return candidates from sends that others have proposed.

        Parameters
        ----------
        sends
            At most one for the same user, message, channel and window. Each
            says when it may go: ``at`` or ``not_before``, and ``expires`` where
            it does not keep for ever.

        Returns
        -------
        Candidates
            Users and options in a sorted order; the plan gives the same sends
            back, with ``at`` set.

        Raises
        ------
        InvalidInputError
            If a send says no time, an id or a candidate is there twice, or the
            sends are so different that the table would not fit.
        """
        found = tuple(sends)
        columns: dict[tuple[Any, ...], Option] = {}
        ids: set[str] = set()
        keys = []
        for row, send in enumerate(found):
            option = _option_of(row, send)
            if abs(send.value) > LARGEST_VALUE:
                rule = f"within {LARGEST_VALUE:g}"
                raise InvalidInputError(f"sends[{row}].value", send.value, rule)
            if send.id in ids:
                raise InvalidInputError(f"sends[{row}].id", send.id, "there once")
            ids.add(send.id)
            keys.append((*option.key, *_terms(option)))
            columns.setdefault(keys[-1], option)
        return cls._tabulate(found, keys, columns)

    @classmethod
    def _tabulate(
        cls,
        sends: tuple[Send, ...],
        keys: list[tuple[Any, ...]],
        columns: dict[tuple[Any, ...], Option],
    ) -> Self:
        users = sorted({send.user for send in sends})
        _require_fit("sends", len(users), len(columns))
        column = {key: k for k, key in enumerate(sorted(columns))}
        place = {user: row for row, user in enumerate(users)}
        table = np.full((len(users), len(columns)), np.nan)
        given: dict[tuple[int, int], Send] = {}
        for row, (send, key) in enumerate(zip(sends, keys, strict=True)):
            cell = place[send.user], column[key]
            if cell in given:
                hint = f"{given[cell].id!r} is the same message, channel and window"
                raise InvalidInputError(f"sends[{row}]", send.id, "proposed once", hint)
            given[cell] = send
            table[cell] = send.value
        rows, row_of = distinct(table)
        options = tuple(columns[key] for key in column)
        return cls(ids_of(users), options, rows, row_of, given=MappingProxyType(given))

    def refused(self, row: int) -> Refused | None:
        """Return what the gate has against the first option of a row's users.

        Parameters
        ----------
        row
            One of ``rows``.

        Returns
        -------
        Refused or None
            Of the first option that the gate does not let go.
        """
        if self.refusals is None or row < 0:
            return None
        found = (one for one in self.refusals[row].tolist() if one is not None)
        return next(found, None)

    def without(self, holdout: Collection[object]) -> Self:
        """Return the same candidates with some users held out (对照组).

        Parameters
        ----------
        holdout
            Ids of users who get nothing, so that what sending does can be
            measured. Ids that are no candidates are ignored.

        Returns
        -------
        Candidates
            With the same audience: a held-out user is refused by the plan, with
            that reason, and does not vanish.

        Raises
        ------
        InvalidInputError
            If ``holdout`` is one text instead of a collection of ids.
        """
        if isinstance(holdout, str):
            raise InvalidInputError("holdout", holdout, "a collection of ids")
        out = set(holdout)
        if self.users.dtype == object:
            held = np.fromiter(
                (user in out for user in self.users), np.bool_, len(self)
            )
        else:
            # Numbers of a set are looked up among the ids, not the other way round.
            known = np.iinfo(self.users.dtype)
            whole = [
                int(one)
                for one in out
                if isinstance(one, int | np.integer) and known.min <= one <= known.max
            ]
            held = np.isin(self.users, np.array(whole, dtype=self.users.dtype))
        row_of = np.where(held, HELD_OUT, self.row_of).astype(np.int64)
        return attrs.evolve(self, row_of=row_of)


def _require_fit(name: str, users: int, options: int) -> None:
    if users * options > _MOST_CELLS:
        got = f"{users} users x {options} different options"
        hint = "give candidates the same windows, or plan a day or a message at a time"
        raise InvalidInputError(name, got, f"{_MOST_CELLS} cells at most", hint)


def _option_of(row: int, send: Send) -> Option:
    if not isinstance(send, Send):
        raise InvalidInputError(f"sends[{row}]", send, "a Send")
    start = send.at if send.at is not None else send.not_before
    if start is None:
        hint = "a plan needs to know from when on it may go"
        raise InvalidInputError(f"sends[{row}].not_before", None, "an aware time", hint)
    return Option(
        send.message,
        send.channel,
        start,
        send.expires,
        account=send.account,
        topic=send.topic,
        category=send.category,
        content=send.content,
        is_ad=send.is_ad,
        transactional=send.transactional,
        cost=send.cost,
    )


def _terms(option: Option) -> tuple[Any, ...]:
    """Return what two sends of one message may yet differ in."""
    terms = (option.topic, option.category, option.content, option.is_ad)
    return (*terms, option.transactional, option.cost)
