"""The messages to be decided about, as columns (待判定的消息)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np

from wxengage.claims.figures import CONTENT_KINDS
from wxengage.errors import InvalidInputError
from wxengage.log.frames import ARRAYS, Ids, Origin
from wxengage.log.intake import read_table
from wxengage.plan.gating.columns import Words, flags, micros_or, times_or, words
from wxengage.plan.gating.past import FIELDS, LONG_AGO
from wxengage.plan.gating.rounds import FOREVER
from wxengage.sends import CATEGORIES, Send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Messages"]


@attrs.frozen(eq=False)
class Messages:
    """Messages in the order in which they came; columns of shape ``(n,)``.

    Attributes
    ----------
    id
        Ids; the row's number where the table has none.
    user, ids
        Codes of the users, and the users ascending.
    fields
        Channel, account, category, topic, message and content as words.
    not_before, at
        ``LONG_AGO`` where there is none.
    expires
        ``FOREVER`` where there is none.
    is_ad, transactional
        As in ``Send``.
    origin
        What kind of table they are from.
    """

    id: NDArray[Any]
    user: NDArray[np.int64]
    ids: Ids
    fields: dict[str, Words]
    not_before: NDArray[np.int64]
    at: NDArray[np.int64]
    expires: NDArray[np.int64]
    is_ad: NDArray[np.bool_]
    transactional: NDArray[np.bool_]
    origin: Origin

    def __len__(self) -> int:
        return len(self.user)

    @classmethod
    def of(cls, source: Any) -> Self:  # noqa: ANN401  any frame
        """Return messages as columns.

        Parameters
        ----------
        source
            ``Send`` values, or a table with the columns ``user`` and ``channel``
            and, where they are needed, the other fields of ``Send``.

        Returns
        -------
        Messages
            Checked as ``Send`` is.

        Raises
        ------
        InvalidInputError
            If a column is missing or a cell breaks the rule of its field.
        """
        if isinstance(source, list | tuple) and not all(
            isinstance(one, dict) for one in source
        ):
            return cls._of_sends(source)
        optional = ("id", *FIELDS[1:], "content", "at", "not_before", "expires")
        table = read_table(
            source, ("user", "channel"), (*optional, "is_ad", "transactional")
        )
        user, ids = table.users("user")
        fields = {name: words(table, name) for name in FIELDS if name != "category"}
        table.refuse("channel", fields["channel"].codes == 0, "a channel")
        fields["category"] = words(
            table, "category", known=CATEGORIES, default="marketing"
        )
        fields["content"] = words(table, "content", known=CONTENT_KINDS)
        before, at = (times_or(table, name, LONG_AGO) for name in ("not_before", "at"))
        expires = times_or(table, "expires", FOREVER)
        table.refuse("expires", expires <= before, "after not_before")
        dated = at != LONG_AGO
        table.refuse("at", dated & (at < before), "not before not_before")
        table.refuse("at", dated & (at >= expires), "before expires")
        name = np.arange(table.rows)
        if "id" in table:
            found = table.ids("id")
            name = Ids(found.values).take(found.codes).numpy()
        return cls(
            name,
            user,
            ids,
            fields,
            before,
            at,
            expires,
            flags(table, "is_ad", default=False),
            flags(table, "transactional", default=False),
            attrs.evolve(table.origin, unit="us", tz="UTC"),
        )

    @classmethod
    def _of_sends(cls, sends: Sequence[Any]) -> Self:
        for row, send in enumerate(sends):
            if not isinstance(send, Send):
                hint = "or a table with the columns of Send"
                raise InvalidInputError(f"sends[{row}]", send, "a Send", hint)
        place = {
            name: code for code, name in enumerate(sorted({s.user for s in sends}))
        }
        names = np.array([*place, None], dtype=object)[:-1]

        def column(name: str) -> Words:
            found = dict.fromkeys([""])
            given = [getattr(send, name) or "" for send in sends]
            found.update(dict.fromkeys(given))
            code = {one: number for number, one in enumerate(found)}
            return Words(np.array([code[x] for x in given], np.int32), tuple(found))

        def times(name: str, missing: int) -> NDArray[np.int64]:
            given = [micros_or(name, getattr(send, name), missing) for send in sends]
            return np.array(given, dtype=np.int64)

        return cls(
            np.array([*(send.id for send in sends), None], dtype=object)[:-1],
            np.array([place[send.user] for send in sends], dtype=np.int64),
            Ids(names),
            {name: column(name) for name in (*FIELDS, "content")},
            times("not_before", LONG_AGO),
            times("at", LONG_AGO),
            times("expires", FOREVER),
            np.array([send.is_ad for send in sends], dtype=np.bool_),
            np.array([send.transactional for send in sends], dtype=np.bool_),
            ARRAYS,
        )
