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

from wxengage.errors import InvalidInputError, require_id
from wxengage.plan.options import Option
from wxengage.sends import Send

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from wxengage.words import Words

__all__ = ["Candidates"]

#: Row of a user who is held out.
HELD_OUT: Final = -1
# Sums of a million such values are still exact to a hundredth.
_LARGEST_VALUE: Final = 1e12
# A table of 400 MB; sends that are all different do not fit a table anyway.
_MOST_CELLS: Final = 50_000_000


def _ids(users: ArrayLike | Sequence[str]) -> NDArray[Any]:
    """Return checked ids: integers, or ``object`` holding ``str``."""
    found = np.asarray(users)
    if found.ndim != 1:
        raise InvalidInputError("users", users, "a list of ids, one a user")
    if found.dtype.kind in "iu":
        ids = found
        listed = ids.tolist()
    else:
        # numpy makes text of a mixed list, which would hide what is no text.
        listed = users if isinstance(users, list | tuple) else found.tolist()
        for row, one in enumerate(listed):
            require_id(f"users[{row}]", one)
        ids = np.empty(len(listed), dtype=object)
        ids[:] = listed
    if len(set(listed)) < len(listed):
        first = {one: row for row, one in reversed(list(enumerate(listed)))}
        row = next(row for row, one in enumerate(listed) if first[one] != row)
        raise InvalidInputError(f"users[{row}]", listed[row], "named once")
    return ids


def _numbers(name: str, got: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return checked values; NaN stays."""
    values = np.asarray(got)
    if values.size == 0 and 0 in shape:
        return np.empty(shape, dtype=np.float64)
    if values.dtype.kind not in "fiu":
        raise InvalidInputError(name, values.dtype, "numbers, NaN where not allowed")
    if values.shape != shape:
        hint = "a row for each user, a column for each option"
        raise InvalidInputError(name, values.shape, f"of shape {shape}", hint)
    values = values.astype(np.float64)
    bad = np.abs(values) > _LARGEST_VALUE
    if bad.any():
        row, column = np.argwhere(bad)[0].tolist()
        rule = f"finite and within {_LARGEST_VALUE:g}; NaN where not allowed"
        raise InvalidInputError(
            f"{name}[{row}, {column}]", float(values[row, column]), rule
        )
    return values


def _counts(name: str, got: ArrayLike | None, n: int) -> NDArray[np.int64] | None:
    if got is None:
        return None
    counts = np.asarray(got)
    if counts.size == 0 and n == 0:
        return np.empty(0, dtype=np.int64)
    if counts.shape != (n,) or counts.dtype.kind not in "iu":
        shape = (counts.shape, counts.dtype)
        raise InvalidInputError(name, shape, f"{n} whole numbers, one a user")
    if (counts < 0).any():
        row = int((counts < 0).argmax())
        raise InvalidInputError(f"{name}[{row}]", int(counts[row]), "not negative")
    return counts.astype(np.int64)


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


def _distinct(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct rows in an order of their own, and each user's row."""
    n, options = values.shape
    if n == 0 or options == 0:
        return values[: min(n, 1)], np.zeros(n, dtype=np.int64)
    # One spelling for NaN and one for zero, then rows compare as bytes.
    plain = np.ascontiguousarray(np.where(np.isnan(values), np.nan, values + 0.0))
    rows = plain.view(np.dtype((np.void, plain.itemsize * options))).ravel()
    _, first, row_of = np.unique(rows, return_index=True, return_inverse=True)
    return plain[first], row_of.astype(np.int64)


@attrs.frozen(eq=False)
class Candidates:
    """Users, options, and what each option is worth for each user.

    Made by ``from_matrix``, ``from_rows`` or ``from_sends``.

    Attributes
    ----------
    users
        Ids, integers or ``str``. Shape ``(n,)``.
    options
        What each might get. Length ``k``.
    rows
        The distinct rows of values, NaN where an option is not allowed.
        Shape ``(m, k)``.
    row_of
        Each user's row, -1 for who is held out. Shape ``(n,)``.
    ads_left
        How many ads each user may still get; None for no such bound.
    sends_left
        How many messages each user may still get; None for no such bound.
    words
        What people call the users of each row; empty where nobody said.
    given
        The sends that the options were made of, by user and option.
    """

    users: NDArray[Any]
    options: tuple[Option, ...]
    rows: NDArray[np.float64]
    row_of: NDArray[np.int64]
    ads_left: NDArray[np.int64] | None = attrs.field(default=None, kw_only=True)
    sends_left: NDArray[np.int64] | None = attrs.field(default=None, kw_only=True)
    words: tuple[Words, ...] = attrs.field(default=(), kw_only=True)
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
            Equal rows are kept once.

        Raises
        ------
        InvalidInputError
            If a value is infinite or beyond 1e12, a shape does not fit, or a
            user or an option is there twice.
        """
        ids, columns = _ids(users), _checked_options(options)
        table = _numbers("values", values, (len(ids), len(columns)))
        rows, row_of = _distinct(table)
        return cls(
            ids,
            columns,
            rows,
            row_of,
            ads_left=_counts("ads_left", ads_left, len(ids)),
            sends_left=_counts("sends_left", sends_left, len(ids)),
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

        Returns
        -------
        Candidates
            No table of users by options is ever made.

        Raises
        ------
        InvalidInputError
            As in ``from_matrix``; also if a group does not exist.
        """
        ids, columns = _ids(users), _checked_options(options)
        shape = np.shape(rows)
        groups = shape[0] if shape else 0
        table = _numbers("rows", rows, (groups, len(columns)))
        of = _counts("row_of", row_of, len(ids))
        if of is None or (of >= groups).any():
            raise InvalidInputError("row_of", row_of, f"below {groups}, the groups")
        if words and len(words) != groups:
            raise InvalidInputError("words", len(words), f"{groups}, one a group")
        return cls(
            ids,
            columns,
            table,
            of,
            ads_left=_counts("ads_left", ads_left, len(ids)),
            sends_left=_counts("sends_left", sends_left, len(ids)),
            words=tuple(words),
        )

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
            if abs(send.value) > _LARGEST_VALUE:
                rule = f"within {_LARGEST_VALUE:g}"
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
        if len(users) * len(columns) > _MOST_CELLS:
            got = f"{len(users)} users x {len(columns)} different options"
            hint = "give sends the same windows, or plan a day or a message at a time"
            raise InvalidInputError("sends", got, f"{_MOST_CELLS} cells at most", hint)
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
        rows, row_of = _distinct(table)
        options = tuple(columns[key] for key in column)
        return cls(_ids(users), options, rows, row_of, given=MappingProxyType(given))

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
        held = np.array([user in out for user in self.users.tolist()], dtype=np.bool_)
        row_of = np.where(held, HELD_OUT, self.row_of).astype(np.int64)
        return attrs.evolve(self, row_of=row_of)


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
