"""Scores of users with the model that gave them (评分与模型)."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import attrs

from wxengage.log.frames import columns_of
from wxengage.tables import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Scored"]


@attrs.frozen(eq=False, repr=False)
class Scored:
    """Scores and their model; unpacks as ``frame, model = ...``.

    Prints as the first rows of the frame, unless an engine would have to run.

    Attributes
    ----------
    frame
        One row a user, as the log came.
    model
        What scores another log by the same measure, and can be kept with
        ``dump``.
    """

    frame: Any
    model: Any

    def __iter__(self) -> Iterator[Any]:
        return iter((self.frame, self.model))

    def __repr__(self) -> str:
        frame, model = type(self.frame).__name__, type(self.model).__name__
        return f"<Scored: {frame} by {model}>"

    def __str__(self) -> str:
        columns = columns_of(self.frame)
        return repr(self) if columns is None else text_table(columns)

    def _repr_html_(self) -> str:
        columns = columns_of(self.frame)
        return html.escape(repr(self)) if columns is None else html_table(columns)
