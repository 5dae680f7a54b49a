"""Answers with a row a user: how they print, and how they are given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from wxengage.log.frames import give
from wxengage.tables import html_table, text_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.frames import Ids, Origin

__all__ = ["PerUser"]


class PerUser:
    """A base for attrs classes whose public fields are columns, one row a user."""

    __slots__ = ()

    if TYPE_CHECKING:
        _ids: Ids
        _origin: Origin

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name, in order."""
        answer: Any = type(self)  # every subclass is one of attrs
        names = [field.name for field in attrs.fields(answer)]
        names = [name for name in names if not name.startswith("_")]
        return {name: getattr(self, name) for name in names}

    def __len__(self) -> int:
        return len(self._ids)

    def to_frame(self, like: object = None) -> Any:
        """Return the answer as the kind of table the log came from.

        Parameters
        ----------
        like
            Another kind of table: a frame, or its name.

        Returns
        -------
        object
            A frame of that kind.
        """
        return give(self.columns | {"user": self._ids}, self._origin, like)

    def __str__(self) -> str:
        return text_table(self.columns)

    def _repr_html_(self) -> str:
        return html_table(self.columns)
