"""Where everybody in a campaign stands (活动结果), as frames of the caller's kind."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the annotations are read at run time
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from wxengage.errors import InvalidInputError, nearest
from wxengage.log.frames import Ids, Origin, columns_of, give
from wxengage.tables import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["Columns", "Standings"]

#: Columns of equal length by name: numpy arrays, and ids of people.
Columns: TypeAlias = "Mapping[str, NDArray[Any] | Ids]"


@attrs.frozen(eq=False, repr=False)
class Standings:
    """Where everybody stands at an instant; prints the table of its users.

    Attributes
    ----------
    campaign
        The campaign's definition.
    as_of
        The instant up to which everything is settled, this included.
    tables
        Name -> what makes the table's columns. A table is made when it is asked
        for, so that one which nobody looks at costs nothing.
    origin
        What kind of table the events came as.
    """

    campaign: Any
    as_of: dt.datetime
    tables: Mapping[str, Callable[[], Columns]]
    origin: Origin

    def columns(self, name: str) -> dict[str, NDArray[Any]]:
        """Return one of the tables as numpy arrays.

        Parameters
        ----------
        name
            Of the table, a key of ``tables``.

        Returns
        -------
        dict
            Column -> array. Instants are ``datetime64[us]`` in UTC.

        Raises
        ------
        InvalidInputError
            If this campaign has no such table.
        """
        return {
            column: values.numpy() if isinstance(values, Ids) else values
            for column, values in self._made(name).items()
        }

    def to_frame(self, name: str = "users", *, like: object = None) -> Any:
        """Return one of the tables as the kind of table the events came as.

        Parameters
        ----------
        name
            Of the table, a key of ``tables``.
        like
            Another kind of table: a frame, or its name.

        Returns
        -------
        object
            A frame of that kind.

        Raises
        ------
        InvalidInputError
            If this campaign has no such table.
        """
        return give(self._made(name), self.origin, like)

    def _made(self, name: str) -> Columns:
        if name not in self.tables:
            rule = "a table of this campaign"
            raise InvalidInputError("name", name, rule, nearest(name, self.tables))
        return self.tables[name]()

    @property
    def invites(self) -> Any:
        """One row an invite, where the campaign has invites."""
        return self.to_frame("invites")

    @property
    def users(self) -> Any:
        """One row a participant."""
        return self.to_frame("users")

    @property
    def entitlements(self) -> Any:
        """One row for each reward that a participant is entitled to."""
        return self.to_frame("entitlements")

    @property
    def facts(self) -> Any:
        """One row a fact: what folding the events in the order of time emits."""
        return self.to_frame("facts")

    def __repr__(self) -> str:
        return f"<Standings of {self.campaign.id!r} at {self.as_of}>"

    def __str__(self) -> str:
        return text_table(columns_of(self.to_frame("users", like="arrays")) or {})

    def _repr_html_(self) -> str:
        return html_table(columns_of(self.to_frame("users", like="arrays")) or {})
