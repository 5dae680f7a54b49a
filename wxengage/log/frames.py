"""Answers in the caller's own kind of table (数据表).

Columns are computed as numpy arrays and given back as what came in: pandas,
Polars or PyArrow frames, a dict of arrays, a list of dicts. No dataframe library
is imported here: whoever hands in its frame has imported it already.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import narwhals.stable.v2 as nw
import numpy as np

from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.times.zones import zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "ARRAYS",
    "ARROW",
    "WHOLE_OR_NONE",
    "Ids",
    "Origin",
    "columns_of",
    "give",
    "origin_of",
    "saved_origin",
]

Form = Literal["arrays", "records", "pandas", "polars", "pyarrow", "lazy"]
_FORMS: Final[tuple[Form, ...]] = ("arrays", "records", "pandas", "polars", "pyarrow")
#: Float columns whose numbers are whole: NaN, their only other value, is none.
WHOLE_OR_NONE: Final = frozenset(
    {
        "follow_age_days",
        "frequency_score",
        "needed_to_rise",
        "recency_days",
        "recency_score",
        "silent_days",
        "value_score",
    }
)


@attrs.frozen
class Origin:
    """What kind of table a log came from, and how its times looked.

    Attributes
    ----------
    form
        The kind of table. ``"lazy"``: an engine's; answers stay there.
    unit
        Resolution of its time column: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
    tz
        Zone of its time column; UTC for integers.
    """

    form: Form
    unit: str = "us"
    tz: str = "UTC"


ARRAYS: Final = Origin("arrays")
ARROW: Final = Origin("pyarrow")


def origin_of(like: object) -> Origin:
    """Return the kind of table that ``like`` is, or names.

    Parameters
    ----------
    like
        A table, or one of ``"arrays"``, ``"records"``, ``"pandas"``,
        ``"polars"``, ``"pyarrow"``.

    Returns
    -------
    Origin
        With times in UTC.

    Raises
    ------
    InvalidInputError
        If it is neither.
    """
    for form in _FORMS:
        if isinstance(like, str) and like == form:
            return Origin(form)
    if isinstance(like, dict):
        return ARRAYS
    if isinstance(like, list | tuple):
        return Origin("records")
    unknown: Any = like
    try:
        frame = nw.from_native(unknown, eager_only=True)
    except TypeError:
        raise InvalidInputError(
            "like",
            like,
            "an eager frame, a dict, a list, or one of " + ", ".join(_FORMS),
        ) from None
    return Origin(_form(frame))


def _form(frame: nw.DataFrame[Any]) -> Form:
    if frame.implementation.is_pandas_like():
        return "pandas"
    return "polars" if frame.implementation.is_polars() else "pyarrow"


@attrs.frozen(eq=False, slots=False)
class Ids:
    """User ids in order of their codes, as numpy or Arrow strings.

    Attributes
    ----------
    values
        ``int64`` or ``object`` array, or a ``pyarrow.Array`` of strings: taken
        over as it came, since a million Python strings take a while to make.
    """

    values: Any

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_numpy(self) -> bool:
        """Whether the ids are in a numpy array."""
        return isinstance(self.values, np.ndarray)

    def numpy(self) -> NDArray[Any]:
        """Return the ids as a numpy array of integers or strings."""
        if self.is_numpy:
            return np.asarray(self.values)
        return np.asarray(self.values.to_numpy(zero_copy_only=False))

    @functools.cached_property
    def order(self) -> NDArray[np.int64]:
        """The codes in ascending order of their ids.

        Strings are in the order of their code points, which is also the order
        of their UTF-8 bytes.
        """
        if self.is_numpy:
            if self.values.dtype != object and (np.diff(self.values) > 0).all():
                return np.arange(len(self.values))
            return np.argsort(self.values, kind="stable")
        import pyarrow.compute as pc  # noqa: PLC0415  ids came as Arrow

        places = np.asarray(pc.array_sort_indices(self.values))
        return places.astype(np.int64)

    def take(self, codes: NDArray[np.int64]) -> Ids:
        """Return the ids of some codes, in that order."""
        if self.is_numpy:
            return Ids(self.values[codes])
        import pyarrow as pa  # noqa: PLC0415  ids came as Arrow

        return Ids(self.values.take(pa.array(codes)))


def give(
    columns: Mapping[str, NDArray[Any] | Ids], origin: Origin, like: object = None
) -> Any:
    """Return columns as the kind of table the caller works with.

    Parameters
    ----------
    columns
        Arrays of equal length. ``datetime64[us]`` is UTC; ``NaT`` and NaN are
        none. Float columns named in ``WHOLE_OR_NONE`` become whole numbers
        wherever those can be none.
    origin
        Where the data came from.
    like
        Another kind of table to give instead; see ``origin_of``.

    Returns
    -------
    object
        A frame of that kind. What is none is null in Polars and PyArrow, None
        in records, and stays NaN and ``NaT`` in pandas and numpy.
    """
    if like is not None:
        origin = attrs.evolve(origin, form=origin_of(like).form)
    if origin.form == "arrays":
        return {
            name: column.numpy() if isinstance(column, Ids) else column
            for name, column in columns.items()
        }
    if origin.form == "records":
        return _records(columns, origin)
    backend = _backend(origin.form)
    series = [
        _series(name, column, origin, backend) for name, column in columns.items()
    ]
    # Not `nw.from_dict`: on pandas it drops the zone of instants.
    return nw.concat([one.to_frame() for one in series], how="horizontal").to_native()


def columns_of(frame: object) -> dict[str, NDArray[Any]] | None:
    """Return the columns of a table, to be shown.

    Parameters
    ----------
    frame
        What ``give`` gives, or an engine's lazy frame.

    Returns
    -------
    dict or None
        None where the columns are in an engine: showing them would run it.
    """
    if isinstance(frame, dict):
        return frame
    if isinstance(frame, list):
        names = frame[0] if frame else ()
        return {n: np.array([row[n] for row in frame], dtype=object) for n in names}
    unknown: Any = frame
    table = nw.from_native(unknown)
    if isinstance(table, nw.LazyFrame):
        return None
    return {name: table[name].to_numpy() for name in table.columns}


def _backend(form: str) -> Any:
    import importlib  # noqa: PLC0415  only for frames

    try:
        importlib.import_module(form)
    except ImportError:
        raise MissingExtraError(form, "files") from None
    return nw.Implementation.from_string(form)


def _records(
    columns: Mapping[str, NDArray[Any] | Ids], origin: Origin
) -> list[dict[str, Any]]:
    lists = {name: _list(name, column, origin) for name, column in columns.items()}
    return [
        dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)
    ]


def _list(name: str, column: NDArray[Any] | Ids, origin: Origin) -> list[Any]:
    if isinstance(column, Ids):
        return list(column.numpy().tolist())
    if column.dtype.kind == "M":
        tz = zone(_iana(origin.tz))
        return [
            None if at is None else at.replace(tzinfo=dt.UTC).astimezone(tz)
            for at in column.astype("datetime64[us]").tolist()
        ]
    if column.dtype.kind == "f":
        number = int if name in WHOLE_OR_NONE else float
        return [None if math.isnan(v) else number(v) for v in column.tolist()]
    return list(column.tolist())


def _iana(tz: str) -> str:
    """Return the zone, or UTC where it is a bare offset such as ``+08:00``."""
    return "UTC" if re.fullmatch(r"(UTC)?[+-]\d\d:\d\d", tz) else zone(tz).key


def saved_origin(form: Form, unit: str, tz: str) -> Origin:
    """Return the origin that a saved folder tells.

    Parameters
    ----------
    form, unit, tz
        As saved.

    Returns
    -------
    Origin
        Of that.

    Raises
    ------
    InvalidInputError
        If a value is none that is ever saved.
    """
    if form not in _FORMS or unit not in {"s", "ms", "us", "ns"}:
        rule = "a folder that tells a kind of table and a resolution"
        raise InvalidInputError("path", f"{form!r} and {unit!r}", rule)
    _iana(tz)
    return Origin(form, unit, tz)


def _series(
    name: str, column: NDArray[Any] | Ids, origin: Origin, backend: Any
) -> nw.Series[Any]:
    if isinstance(column, Ids):
        keep = backend.is_pyarrow() and not column.is_numpy
        values = column.values if keep else column.numpy()
        return _plain(name, values, backend)
    if column.dtype.kind == "M":
        # Every zone's instants are made in UTC first: the other way round the
        # hour that comes twice in autumn would be ambiguous.
        series = nw.new_series(name, column, nw.Datetime("us"), backend=backend)
        series = series.dt.replace_time_zone("UTC")
        tz = _iana(origin.tz) if backend.is_polars() else origin.tz
        if tz != "UTC":
            series = series.dt.convert_time_zone(tz)
        unit: Any = origin.unit
        # A rule of a second and a half does not end on a whole second.
        if unit != "ns" and (column > column.astype(f"M8[{unit}]")).any():
            return series
        return series.cast(nw.Datetime(unit, tz))
    series = _plain(name, column, backend)
    if column.dtype.kind == "f" and not backend.is_pandas_like():
        series = series.fill_nan(None)
        return series.cast(nw.Int64()) if name in WHOLE_OR_NONE else series
    return series


def _plain(name: str, values: Any, backend: Any) -> nw.Series[Any]:
    if isinstance(values, np.ndarray) and values.dtype == object:
        return nw.new_series(name, values.tolist(), nw.String(), backend=backend)
    return nw.new_series(name, values, backend=backend)
