"""A log in the making: batches of columns in, codes and faults out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import INVISIBLE, LONGEST_ID, InvalidLogError
from wxengage.log.columns import Codes, codes_of, filled, is_arrow, numbers_of
from wxengage.log.events import bad_id
from wxengage.log.faults import Rejected, bad_rows, mark
from wxengage.log.frames import Ids, Origin
from wxengage.log.instants import instants_of
from wxengage.log.part import KIND_CODES, Part
from wxengage.log.spec import UNKNOWN, Spec
from wxengage.log.spill import SPILL_ROWS, Spill
from wxengage.log.table import Log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

__all__ = ["Builder"]

_AMOUNTS: Final = ("value", "duration")
_WORDS: Final = ("item", "channel", "group")


class Index:
    """Distinct values over all batches, numbered as they come."""

    def __init__(self) -> None:
        self.values: Any = np.zeros(0, dtype=object)
        self._codes: dict[Any, int] | None = None

    def add(self, found: Codes) -> NDArray[np.int64]:
        """Return the log's code of each of a batch's values, -1 last for none."""
        if not len(self.values):
            self.values = found.values
            return np.append(np.arange(len(found.values)), -1)
        if not len(found.values):
            # Of nulls only, a column has any type.
            return np.full(1, -1)
        if is_arrow(self.values) and is_arrow(found.values):
            return np.append(self._add_arrow(found.values), -1)
        if is_arrow(self.values) != is_arrow(found.values) or (
            self.values.dtype != found.values.dtype
        ):
            raise InvalidLogError(
                "ids", "text in some files, numbers in others", "of one type"
            )
        return np.append(self._add_objects(found.values), -1)

    def _add_arrow(self, values: Any) -> NDArray[np.int64]:
        import pyarrow as pa  # noqa: PLC0415  the values came from it
        import pyarrow.compute as pc  # noqa: PLC0415

        values = values.cast(self.values.type)
        at = pc.index_in(values, value_set=self.values)
        new = np.asarray(at.is_null())
        codes = np.asarray(filled(at, 0)).astype(np.int64)
        codes[new] = len(self.values) + np.arange(int(new.sum()))
        self.values = pa.concat_arrays([self.values, values.filter(at.is_null())])
        return codes

    def _add_objects(self, values: Any) -> NDArray[np.int64]:
        if self._codes is None:
            self._codes = {value: i for i, value in enumerate(self.values.tolist())}
        known, before = self._codes, len(self._codes)
        codes = [known.setdefault(value, len(known)) for value in values.tolist()]
        if len(known) > before:
            self.values = np.fromiter(known, dtype=values.dtype, count=len(known))
        return np.array(codes, dtype=np.int64)


class Gathered:
    """Columns that grow batch by batch, in memory that is asked for once."""

    def __init__(self, expected: int) -> None:
        self.rows, self._room = 0, expected
        self._columns: dict[str, NDArray[Any]] = {}

    def append(self, batch: dict[str, NDArray[Any]]) -> None:
        """Add a batch's rows."""
        end = self.rows + len(batch["at"])
        if not self._columns and end >= self._room:
            self.rows = self._room = end
            self._columns = batch
            return
        if end > self._room or not self._columns:
            self._room = max(end, self._room if not self._columns else 2 * self._room)
            grown = {
                n: np.empty(self._room, column.dtype) for n, column in batch.items()
            }
            for name, column in self._columns.items():
                grown[name][: self.rows] = column[: self.rows]
            self._columns = grown
        for name, column in batch.items():
            self._columns[name][self.rows : end] = column
        self.rows = end

    def take(self) -> dict[str, NDArray[Any]]:
        """Return the columns, and hold nothing any more."""
        columns = {name: column[: self.rows] for name, column in self._columns.items()}
        self._columns, self.rows, self._room = {}, 0, 0
        return columns


class Builder:
    """Takes batches of a source's columns and makes a log of them."""

    def __init__(self, spec: Spec, *, spill: bool = False, expected: int = 0) -> None:
        self._spec = spec
        self._users, self._ids = Index(), Index()
        self._words = {role: Index() for role in _WORDS if role in spec.names}
        self._rejected: list[Any] = []
        self._given = 0
        self._spill = Spill() if spill and "id" not in spec.names else None
        # What is known to be too much goes to disk from the first batch on.
        self._large = expected > SPILL_ROWS
        self._gathered = Gathered(0 if self._large else expected)
        self._times = ("us", "UTC")
        self._bad_users = np.zeros(0, dtype=np.bool_)

    def add(self, columns: Mapping[str, Any], rows: int) -> None:
        """Read a batch.

        Parameters
        ----------
        columns
            By the source's names.
        rows
            Their length.
        """
        spec, names = self._spec, self._spec.names
        faults = np.zeros(rows, dtype=np.uint8)
        found: dict[str, NDArray[Any]] = {"user": self._read_users(columns, faults)}
        found["kind"] = self._read_kinds(columns, rows, faults)
        times = instants_of(
            names["at"], columns[names["at"]], tz=spec.tz, unit=spec.unit
        )
        self._times = (times.unit, times.tz)
        _first(faults, times.faults)
        if spec.latest is not None:
            mark(faults, times.at > spec.latest, "future_time")
        found["at"] = times.at
        amounts: dict[str, NDArray[np.uint8]] = {}
        for role in _AMOUNTS:
            if role in names:
                found[role], amounts[role] = numbers_of(
                    names[role], columns[names[role]]
                )
                _first(faults, amounts[role])
        for role, index in self._words.items():
            words = codes_of(columns[names[role]])
            found[role] = index.add(words)[words.codes].astype(np.int32)
        if "id" in names:
            ids = codes_of(columns[names["id"]])
            found["id"] = self._ids.add(ids)[ids.codes]
            mark(faults, found["id"] < 0, "missing_id")
            found["row"] = self._given + np.arange(rows)
        if faults.any():
            self._reject(columns, faults, amounts)
            good = np.flatnonzero(faults == 0)
            found = {name: column[good] for name, column in found.items()}
        self._given += rows
        self._hold(found)

    def _hold(self, found: dict[str, NDArray[Any]]) -> None:
        if self._spill is not None and (self._large or self._spill.rows):
            self._spill.add(found)
            return
        self._gathered.append(found)
        if self._spill is not None and self._gathered.rows > SPILL_ROWS:
            self._spill.add(self._gathered.take())

    def _read_users(
        self, columns: Mapping[str, Any], faults: NDArray[np.uint8]
    ) -> NDArray[np.uint32]:
        found = codes_of(columns[self._spec.names["user"]])
        codes = self._users.add(found)
        size = len(self._users.values)
        if size > len(self._bad_users):
            new = self._users.values[len(self._bad_users) :]
            self._bad_users = np.concatenate((self._bad_users, _bad_ids(new)))
        if found.codes.size and int(found.codes.min()) < 0:
            mark(faults, found.codes < 0, "missing_user")
        identity = np.array_equal(codes[:-1], np.arange(size))
        user = found.codes if identity else codes[found.codes]
        if self._bad_users.any():
            mark(faults, self._bad_users[user], "bad_user")
        return user.astype(np.uint32)

    def _read_kinds(
        self, columns: Mapping[str, Any], rows: int, faults: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        if self._spec.constant is not None:
            return np.full(rows, KIND_CODES[self._spec.constant], dtype=np.uint8)
        found = codes_of(columns[self._spec.names["kind"]])
        values = (
            found.values.tolist()
            if isinstance(found.values, np.ndarray)
            else found.values.to_pylist()
        )
        table = np.array([*map(self._spec.kind_code, values), UNKNOWN], dtype=np.uint8)
        kind = table[found.codes]
        if (table[:-1] == UNKNOWN).any() or (found.codes < 0).any():
            mark(faults, found.codes < 0, "missing_kind")
            mark(faults, kind == UNKNOWN, "unknown_kind")
        return kind

    def _reject(
        self,
        columns: Mapping[str, Any],
        faults: NDArray[np.uint8],
        amounts: Mapping[str, NDArray[np.uint8]],
    ) -> None:
        names = self._spec.names

        def look(row: int, fault: str) -> tuple[str, str, object]:
            role = fault.rpartition("_")[2]
            if role == "number":
                role = next(name for name, bad in amounts.items() if bad[row])
            role = role if role in names else "at"
            return role, names[role], _cell(columns[names[role]], row)

        self._rejected += bad_rows(faults, self._given, look)

    def finish(self, origin: Origin) -> Log:
        """Return the log.

        Parameters
        ----------
        origin
            What kind of table the source was.

        Returns
        -------
        Log
            With the rows left out.
        """
        unit, tz = self._times
        origin = attrs.evolve(origin, unit=unit, tz=tz)
        columns = self._joined()
        if "id" in self._spec.names:
            columns = self._unique(columns)
        rejected = Rejected(
            tuple(sorted(self._rejected, key=lambda bad: bad.row)), self._given
        )
        if self._spec.on_bad == "raise":
            rejected.raise_if_bad()
        ids = Ids(_of_one_type(self._spec.names["user"], self._users, self._bad_users))
        words = {role: _word_list(index.values) for role, index in self._words.items()}
        parts: Iterable[Part]
        if self._spill is not None and self._spill.rows:
            parts = self._spill.parts(len(ids))
        else:
            user, at, kind = columns.pop("user"), columns.pop("at"), columns.pop("kind")
            members = np.arange(len(ids))
            parts = tuple(Part(user, at, kind, members, columns).split())
        return Log(ids=ids, parts=parts, words=words, origin=origin, rejected=rejected)

    def _joined(self) -> dict[str, NDArray[Any]]:
        if self._gathered.rows:
            return self._gathered.take()
        empty: dict[str, Any] = {"user": np.uint32, "kind": np.uint8, "at": np.int64}
        empty |= {role: np.float64 for role in _AMOUNTS if role in self._spec.names}
        empty |= dict.fromkeys(self._words, np.int32)
        if "id" in self._spec.names:
            empty |= {"id": np.int64, "row": np.int64}
        return {name: np.zeros(0, dtype=dtype) for name, dtype in empty.items()}

    def _unique(self, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Use every event id once, and none that stands for two events."""
        ids, rows = columns.pop("id"), columns.pop("row")
        order = np.argsort(ids, kind="stable")
        same_id = ids[order][1:] == ids[order][:-1]
        if not same_id.any():
            return columns
        differs = np.zeros(len(same_id), dtype=np.bool_)
        for column in columns.values():
            ordered = column[order]
            differs |= ordered[1:] != ordered[:-1]
        repeated = np.zeros(len(ids), dtype=np.bool_)
        repeated[order[1:]] = same_id
        torn = np.isin(ids, ids[order[1:]][same_id & differs])
        faults = np.zeros(len(ids), dtype=np.uint8)
        mark(faults, torn, "conflicting_id")
        mark(faults, repeated, "duplicate")
        field, values = self._spec.names["id"], self._ids.values
        bad = bad_rows(
            faults, 0, lambda row, _: ("id", field, _cell(values, int(ids[row])))
        )
        self._rejected += [attrs.evolve(one, row=int(rows[one.row])) for one in bad]
        good = np.flatnonzero(faults == 0)
        return {name: column[good] for name, column in columns.items()}


def _first(faults: NDArray[np.uint8], more: NDArray[np.uint8]) -> None:
    """Add faults to rows that have none yet."""
    if more.any():
        np.copyto(faults, more, where=faults == 0)


def _bad_ids(values: Any) -> NDArray[np.bool_]:
    """Return which distinct ids break the rules for ids."""
    if is_arrow(values):
        import pyarrow.compute as pc  # noqa: PLC0415  the values came from it

        blank = np.asarray(pc.utf8_length(pc.utf8_trim_whitespace(values))) == 0
        long = np.asarray(pc.utf8_length(values)) > LONGEST_ID
        # Arrow holds no lone surrogates, and its patterns may not name them.
        signs = INVISIBLE.replace("\ud800-\udfff", "")
        pattern = "".join(c if c == "-" else f"\\x{{{ord(c):x}}}" for c in signs)
        hidden = np.asarray(pc.match_substring_regex(values, f"[{pattern}]"))
        broken: NDArray[np.bool_] = blank | long | hidden
        return broken
    if values.dtype.kind == "i":
        below: NDArray[np.bool_] = values < 0
        return below
    return np.array(
        [bad_id(value) is not None for value in values.tolist()], dtype=np.bool_
    )


def _of_one_type(name: str, users: Index, bad: NDArray[np.bool_]) -> Any:
    """Return the ids, all text or all whole numbers, as they must be to be sorted."""
    values = users.values
    if is_arrow(values) or values.dtype != object:
        return values
    good = [value for value, out in zip(values.tolist(), bad, strict=True) if not out]
    whole = [isinstance(value, int) for value in good]
    if any(whole) and not all(whole):
        hint = "the number 7 and the text '7' may be one user, or two: say str(...)"
        raise InvalidLogError(f"column {name!r}", "both", "text or whole numbers", hint)
    # No row has the code of a bad id: what stands there need only be sortable.
    kept = np.where(bad, -1 if any(whole) else "", values)
    return kept.astype(np.int64) if any(whole) else kept


def _cell(column: Any, row: int) -> object:
    """Return one cell as a plain value."""
    one = column.iloc[row] if hasattr(column, "iloc") else column[row]
    if isinstance(one, np.generic):
        return one.item()
    return one.as_py() if hasattr(one, "as_py") else one


def _word_list(values: Any) -> NDArray[Any]:
    return (
        values
        if isinstance(values, np.ndarray)
        else values.to_numpy(zero_copy_only=False)
    )
