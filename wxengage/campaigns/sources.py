"""Events of any source as columns (读取活动事件), for a campaign to be replayed.

The log keeps what every question needs. A campaign needs more: who invited whom,
into which campaign, at which account. So it reads the source itself, by the same
rules.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.log.columns import codes_of
from wxengage.log.events import Event
from wxengage.log.intake import read_table
from wxengage.log.part import KIND_CODES
from wxengage.log.table import Log

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.frames import Ids, Origin

__all__ = ["EventColumns", "read_events"]

_NEEDED: Final = ("user", "kind", "at")
_WORDS: Final = ("account", "campaign", "item", "channel", "group")
#: Words that a definition names, which is always text.
_TEXTS: Final = frozenset({"account", "campaign", "channel"})
_ABSENT: Final = -2


@attrs.frozen(eq=False)
class EventColumns:
    """Events as columns of equal length, in the order of the source.

    Attributes
    ----------
    ids
        All people, ascending by id: users, and inviters with them.
    user
        Codes: positions in ``ids``. Shape ``(n,)``.
    at
        Microseconds since 1970. Shape ``(n,)``.
    kind
        Codes of kinds. Shape ``(n,)``, ``uint8``.
    inviter
        Codes as in ``user``; -1 for nobody. Shape ``(n,)``.
    words
        Column -> codes, -1 for none, of those of account, campaign, item,
        channel, group and, where it is wanted, id that the source has.
        Shape ``(n,)`` each.
    values
        Column -> value of each code.
    origin
        What kind of table the source is.
    """

    ids: Ids
    user: NDArray[np.int64]
    at: NDArray[np.int64]
    kind: NDArray[np.uint8]
    inviter: NDArray[np.int64]
    words: Mapping[str, NDArray[np.int64]]
    values: Mapping[str, NDArray[Any]]
    origin: Origin

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: NDArray[Any]) -> EventColumns:
        """Return some of the events, of the same people."""
        return attrs.evolve(
            self,
            user=self.user[rows],
            at=self.at[rows],
            kind=self.kind[rows],
            inviter=self.inviter[rows],
            words={name: codes[rows] for name, codes in self.words.items()},
        )

    def of_kinds(self, *names: str) -> NDArray[np.bool_]:
        """Return which events are of some kinds. Shape ``(n,)``."""
        codes = np.zeros(256, dtype=np.bool_)
        codes[[KIND_CODES[name] for name in names]] = True
        return codes[self.kind]

    def says(self, column: str, word: str) -> NDArray[np.bool_]:
        """Return which events have a word in a column. Shape ``(n,)``.

        Parameters
        ----------
        column
            One of account, campaign, item, channel and group.
        word
            The word.

        Returns
        -------
        numpy.ndarray
            True everywhere where the source has no such column: whoever leaves
            it out says that all events are of the one campaign, or account.
        """
        if column not in self.words:
            return np.ones(len(self), dtype=np.bool_)
        found = np.flatnonzero(self.values[column] == word)
        there: NDArray[np.bool_] = self.words[column] == (
            found[0] if found.size else _ABSENT
        )
        return there


def read_events(
    source: Any,
    *,
    invites: bool = True,
    numbered: bool = False,
    tz: str | None = None,
    unit: str | None = None,
) -> EventColumns:
    """Read the events of a campaign.

    Parameters
    ----------
    source
        A pandas, Polars or PyArrow frame, a dict of arrays, a list of dicts or
        of ``Event``, Parquet files, or anything with ``to_log_source()``; with
        the columns user, kind and at, and where there are any inviter, campaign,
        account, item, channel and group. A ``Log`` holds no inviters, campaigns
        and accounts, and serves where ``invites`` is False.
    invites
        Whether a source without a column ``inviter`` is refused.
    numbered
        Whether the ids of the events themselves are wanted, as the word ``id``.
    tz, unit
        Of times without a zone, and of times that are numbers, as for
        ``read_log``.

    Returns
    -------
    EventColumns
        Of all events, whichever campaign they belong to.

    Raises
    ------
    InvalidInputError
        If a column is missing, or a cell cannot be read; names the row.

    Notes
    -----
    ``O(n)``, and a sort of the distinct ids.
    """
    if hasattr(source, "to_log_source"):
        source = source.to_log_source()
    if isinstance(source, Log):
        return _of_log(source, invites=invites)
    words = (*_WORDS, "id") if numbered else _WORDS
    source = _as_table(source, words)
    needed = (*_NEEDED, "inviter") if invites else _NEEDED
    table = read_table(source, needed, ("inviter", *words))
    if "inviter" in table:
        (user, inviter), ids = table.people("user", "inviter")
    else:
        user, ids = table.users("user")
        inviter = np.full(len(user), -1)
    at, origin = table.times("at", tz=tz, unit=unit)
    found = {name: codes_of(table.columns[name]) for name in words if name in table}
    for name in _TEXTS & found.keys():
        _require_text(name, _plain(found[name].values))
    return EventColumns(
        ids=ids,
        user=user,
        at=at,
        kind=table.kinds("kind"),
        inviter=inviter,
        words={name: codes.codes for name, codes in found.items()},
        values={name: _plain(codes.values) for name, codes in found.items()},
        origin=origin,
    )


def _require_text(name: str, values: NDArray[Any]) -> None:
    """Refuse whole numbers where a definition has text: no event would match."""
    for value in values.tolist():
        if isinstance(value, int):
            hint = "make the column text, as the id of the campaign is"
            raise InvalidInputError(name, value, "text", hint)


def _plain(values: Any) -> NDArray[Any]:
    if not isinstance(values, np.ndarray):
        values = values.to_numpy(zero_copy_only=False)
    plain: NDArray[Any] = values.astype(object)
    return plain


def _as_table(source: Any, words: Sequence[str]) -> Any:
    """Return a source as something that ``read_table`` reads."""
    if isinstance(source, str | os.PathLike):
        return _of_files([source], words)
    if not isinstance(source, Sequence) or isinstance(source, bytes) or not source:
        return source
    if all(isinstance(one, Event) for one in source):
        fields = (*_NEEDED, "inviter", *words)
        return [{name: getattr(one, name) for name in fields} for one in source]
    if all(isinstance(one, str | os.PathLike) for one in source):
        return _of_files(source, words)
    return source


def _of_files(paths: Sequence[Any], words: Sequence[str]) -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("pyarrow", "files") from None
    from wxengage.log.files import PARQUET, find  # noqa: PLC0415  the extra `files`

    files = find(paths)
    for path in files:
        if not path.name.lower().endswith(PARQUET):
            hint = "read it with your dataframe library and hand in the frame"
            raise InvalidInputError("source", path.name, "Parquet files", hint)
    wanted = {*_NEEDED, "inviter", *words}
    tables = []
    for path in files:
        try:
            names = pq.read_schema(path).names
            columns = [name for name in names if name in wanted]
            tables.append(pq.read_table(path, columns=columns))
        except pa.ArrowInvalid as error:
            name = f"file {path.name}"
            raise InvalidInputError(name, str(error), "a Parquet file") from None
    return pa.concat_tables(tables, promote_options="default")


def _of_log(log: Log, *, invites: bool) -> EventColumns:
    if invites:
        rule = "a source with a column 'inviter'"
        hint = "a Log keeps no inviters: hand in the table it was read from"
        raise InvalidInputError("source", log, rule, hint)
    log = log.collect()
    parts = tuple(log.parts)
    order = log.ids.order
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))

    def joined(columns: list[NDArray[Any]], dtype: type) -> NDArray[Any]:
        return np.concatenate([np.zeros(0, dtype=dtype), *columns])

    users = joined([p.members[p.user] for p in parts], np.int64)
    names = [name for name in _WORDS if name in log.words]
    return EventColumns(
        ids=log.ids.take(order),
        user=place[users],
        at=joined([part.at for part in parts], np.int64),
        kind=joined([part.kind for part in parts], np.uint8),
        inviter=np.full(len(users), -1),
        words={n: joined([p.more[n] for p in parts], np.int64) for n in names},
        values={name: log.words[name].astype(object) for name in names},
        origin=log.origin,
    )
