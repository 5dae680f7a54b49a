"""What a page may be made from besides the library's own results (报告素材)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.segments.policy import SEGMENTS
from wxengage.times.days import DayClock
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Figure", "Moves", "Table"]


def _text(_: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str):
        raise InvalidInputError(field.name, value, "text")


@attrs.frozen
class Table:
    """A table of anything: every cell is shown as text.

    Attributes
    ----------
    title
        Its heading.
    columns
        Names of the columns.
    rows
        As long as ``columns`` each. Numbers are set flush right, None is a
        dash.
    note
        A sentence below the heading.

    Examples
    --------
    >>> Table("Stores", ("store", "visits"), (("Pudong", 120), ("Minhang", 45))).note
    ''
    """

    title: str = attrs.field(validator=_text)
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str = attrs.field(default="", validator=_text)

    def __attrs_post_init__(self) -> None:
        for place, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                rule = f"as long as the columns, {len(self.columns)}"
                raise InvalidInputError(f"rows[{place}]", row, rule)


@attrs.frozen(eq=False)
class Figure:
    """A picture of your own: any Altair chart, drawn into the page.

    Attributes
    ----------
    title
        Its heading; also what a screen reader says.
    chart
        An Altair chart. Its data must be in it: nothing is fetched.
    note
        A sentence below the heading.
    """

    title: str = attrs.field(validator=_text)
    chart: Any = attrs.field()
    note: str = attrs.field(default="", validator=_text)

    @chart.validator
    def _drawable(self, _: object, value: object) -> None:
        if not callable(getattr(value, "to_dict", None)):
            raise InvalidInputError("chart", value, "an Altair chart")


@attrs.frozen(eq=False)
class Moves:
    """Every change of segment in a period, to be drawn week by week (流转明细).

    Made by ``Moves.of(transitions(log, start, end))``.

    Attributes
    ----------
    origin, target
        Segments; the origin of a user's first event is "". Shape ``(n,)``.
    at
        When, ``datetime64[us]`` in UTC. Shape ``(n,)``.
    clock
        Whose weeks count.
    """

    origin: NDArray[Any]
    target: NDArray[Any]
    at: NDArray[np.datetime64]
    clock: DayClock

    @classmethod
    def of(cls, frame: Any, *, clock: DayClock = DayClock()) -> Self:  # noqa: ANN401  any library's frame
        """Return the moves in the answer of ``transitions``.

        Parameters
        ----------
        frame
            A pandas, Polars or PyArrow frame, a dict of arrays or a list of
            dicts with ``origin``, ``target`` and ``at``.
        clock
            Whose weeks count.

        Returns
        -------
        Moves
            In the order given.

        Raises
        ------
        InvalidInputError
            If a column is missing, or names no segment.
        """
        origin = _segments("origin", _listed(_column(frame, "origin")))
        target = _segments("target", _listed(_column(frame, "target")))
        if "" in target:
            raise InvalidInputError("target", None, "a segment in every row")
        return cls(origin, target, _instants(_column(frame, "at")), clock)


def _column(frame: Any, name: str) -> Any:  # noqa: ANN401  any library's frame
    """Return a column of any kind of table."""
    try:
        if isinstance(frame, list | tuple):
            return [row[name] for row in frame]
        return frame[name]
    except (KeyError, TypeError, IndexError):
        rule = "a table with the columns origin, target and at"
        hint = "transitions() gives one; collect a lazy one first"
        raise InvalidInputError("frame", name, rule, hint) from None


def _listed(column: Any) -> list[Any]:  # noqa: ANN401  any library's frame
    """Return a column as a list of plain values."""
    for give in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, give):
            return list(getattr(column, give)())
    return list(column)


def _segments(name: str, column: list[Any]) -> NDArray[Any]:
    """Return names of segments, "" for none."""
    found = ["" if one is None or one != one else one for one in column]  # noqa: PLR0124  NaN
    for place, one in enumerate(found):
        if one and one not in SEGMENTS:
            raise InvalidInputError(f"{name}[{place}]", one, "a segment, or None")
    return np.array(found, dtype=object)


def _instants(column: Any) -> NDArray[np.datetime64]:  # noqa: ANN401  any library's frame
    """Return instants in UTC from ``datetime64`` in UTC or aware datetimes."""
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        return column.astype("datetime64[us]")
    listed = _listed(column)
    found = [micros(f"at[{place}]", one) for place, one in enumerate(listed)]
    return np.array(found, dtype=np.int64).view("datetime64[us]")
