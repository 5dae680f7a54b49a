"""Who everybody is, as the gate asks it (用户表)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.intake import Table, read_table
from wxengage.plan.gating.columns import Words, places, times_or, words
from wxengage.plan.gating.past import LONG_AGO
from wxengage.times.zones import zone
from wxengage.users import AGE_BANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from wxengage.log.frames import Ids
    from wxengage.plan.gating.past import Past

__all__ = ["NO", "YES", "People"]

#: What a user said: nothing is 0.
YES, NO = 1, 2
_SAID: Final = ("yes", "no")
_KINDS: Final = ("consents", "follows")
_COLUMNS: Final = ("zone", "segment", "since", "age_band", *_KINDS)


@attrs.frozen(eq=False)
class People:
    """One row a user, ascending by id (用户表).

    ``People.of(frame)`` reads; a server does so once and hands the result to
    ``Gate.check_many`` again and again.

    Attributes
    ----------
    ids
        The users.
    zone, segment, age_band
        Words, "" where not known.
    since
        Since when they have been in the segment; ``LONG_AGO`` where not known.
    said
        ``"consents"`` and ``"follows"``, about everything, and
        ``"consents:<topic>"`` and ``"follows:<account>"``: 0 for nothing, ``YES``
        or ``NO``.
    """

    ids: Ids
    zone: Words
    segment: Words
    age_band: Words
    since: NDArray[np.int64]
    said: dict[str, NDArray[np.int8]]
    _known: dict[str, tuple[Past, NDArray[np.int64]]] = attrs.field(
        factory=dict, repr=False, init=False
    )

    @classmethod
    def of(cls, source: Any) -> Self:  # noqa: ANN401  any frame
        """Return a table of users, checked.

        Parameters
        ----------
        source
            A pandas, Polars or PyArrow frame, a dict of arrays or a list of dicts
            with the column ``user`` and, where they are known, ``zone``,
            ``segment``, ``since``, ``age_band``, ``consents`` and ``follows``
            (``"yes"``, ``"no"`` or empty), ``consents:<topic>`` and
            ``follows:<account>``, which count before those where they are not
            empty.

        Returns
        -------
        People
            Ascending by id.

        Raises
        ------
        InvalidInputError
            If a column is missing, a cell cannot be read, a zone is unknown or a
            user is there twice.
        """
        names = _present(source)
        single = [n for n in names if n.partition(":")[0] in _KINDS and ":" in n]
        table = read_table(source, ("user",), (*_COLUMNS, *single))
        codes, ids = table.users("user")
        _refuse_twice(table, codes, len(ids))
        order = np.argsort(codes)
        zones = words(table, "zone")
        unknown = [bool(name) and _no_zone(name) for name in zones.names]
        table.refuse("zone", np.array(unknown)[zones.codes], "an IANA time zone")
        said = {n: _answers(table, n)[order] for n in (*_KINDS, *single) if n in table}
        return cls(
            ids,
            zones.take(order),
            words(table, "segment").take(order),
            words(table, "age_band", known=AGE_BANDS).take(order),
            times_or(table, "since", LONG_AGO)[order],
            said,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def places_in(self, past: Past) -> NDArray[np.int64]:
        """Return each user's place in a table of the past, -1 for none.

        Parameters
        ----------
        past
            The table; the answer for the last one that was asked is kept.

        Returns
        -------
        numpy.ndarray
            Shape ``(users,)``.
        """
        kept = self._known.get("past")
        if kept is None or kept[0] is not past:
            kept = self._known["past"] = (past, places(self.ids, past.ids))
        return kept[1]

    def answers(
        self, kind: str, rows: NDArray[np.int64], about: Words
    ) -> NDArray[np.int8]:
        """Return what users said about something.

        Parameters
        ----------
        kind
            ``"consents"`` or ``"follows"``.
        rows
            Whose answer. Shape ``(n,)``.
        about
            The topic or the account. Shape ``(n,)``.

        Returns
        -------
        numpy.ndarray
            0 for nothing, ``YES`` or ``NO``. Shape ``(n,)``.
        """
        general = self.said.get(kind)
        found = np.zeros(len(rows), dtype=np.int8) if general is None else general[rows]
        for code, name in enumerate(about.names):
            single = self.said.get(f"{kind}:{name}")
            if name and single is not None:
                mine = np.flatnonzero(about.codes == code)
                answer = single[rows[mine]]
                found[mine] = np.where(answer > 0, answer, found[mine])
        return found


def _present(source: Any) -> Sequence[str]:  # noqa: ANN401
    """Return the names of a table's columns."""
    if isinstance(source, dict):
        return list(source)
    if isinstance(source, list | tuple):
        return list({n: None for one in source if isinstance(one, dict) for n in one})
    found: Any = getattr(source, "column_names", None)
    found = getattr(source, "columns", ()) if found is None else found
    return [str(name) for name in found]


def _refuse_twice(table: Table, codes: NDArray[np.int64], size: int) -> None:
    if len(codes) > size:
        twice = np.ones(len(codes), dtype=np.bool_)
        twice[np.unique(codes, return_index=True)[1]] = False
        table.refuse("user", twice, "named once")


def _no_zone(name: str) -> bool:
    try:
        zone(name)
    except InvalidInputError:
        return True
    return False


def _answers(table: Table, name: str) -> NDArray[np.int8]:
    column = words(table, name, known=_SAID)
    meant = np.array([{"yes": YES, "no": NO}.get(n, 0) for n in column.names], np.int8)
    return meant[column.codes]
