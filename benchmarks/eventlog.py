"""A made-up event log of any size, the same on every run (合成日志).

Users are picked by Zipf's law with weights ``1 / (rank + 50)``. Each comes in
sessions of a few events, half a minute apart on average, over 180 days. Ids look
like openids: 28 characters, of which the first six are the account's. Events lie
in order of time, as a log grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
import numpy as np
from cache import kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["AS_OF", "KINDS", "START", "EventLog", "make_log"]

# Kinds and their shares. Every name is one of `wxengage.log.KINDS`.
_SHARES: Final = {
    "read": 0.34,
    "open": 0.12,
    "deliver": 0.10,
    "like": 0.10,
    "click": 0.10,
    "share": 0.05,
    "comment": 0.05,
    "message": 0.05,
    "menu_click": 0.04,
    "purchase": 0.02,
    "check_in": 0.02,
    "follow": 0.01,
}
KINDS: Final = tuple(_SHARES)
_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR
#: 2026-01-01T00:00 in Shanghai, microseconds since 1970.
START: Final = 1_767_196_800_000_000
_SPAN: Final = 180 * _DAY
#: The instant everything is judged at: the end of the last day.
AS_OF: Final = START + _SPAN
_EVENTS_A_SESSION: Final = 4
_MEAN_PAUSE: Final = 30_000_000
_ID_CHARACTERS: Final = 28
_ACCOUNT: Final = b"oX3sT5"
_ALPHABET: Final = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8
)
_SEED: Final = 20_260_101
# Part of the cache's name: raise it when the same arguments give another log.
_EDITION: Final = 4
_NEW: Final = 0.01


@attrs.frozen
class EventLog:
    """Where a made-up log lies.

    Attributes
    ----------
    folder
        Its folder in the cache.
    events, users
        How many; some users may have no event.
    """

    folder: Path
    events: int
    users: int
    jobs: ClassVar[str] = "engines"
    unit: ClassVar[str] = "event"

    @property
    def size(self) -> int:
        """How many events."""
        return self.events

    @property
    def about(self) -> str:
        """How many users."""
        return f"{self.users:,} users"

    @property
    def files(self) -> list[Path]:
        """All events as Parquet files, in order of time."""
        return sorted(self.folder.glob("events-*.parquet"))

    @property
    def history(self) -> Path:
        """All but the last events, one Parquet file."""
        return self.folder / "history.parquet"

    @property
    def new(self) -> Path:
        """The last hundredth of the events, one Parquet file."""
        return self.folder / "new.parquet"

    def codes(self) -> dict[str, NDArray[Any]]:
        """Return ``user``, ``kind``, ``at`` and ``value`` as plain arrays."""
        names = ("user", "kind", "at", "value")
        return {name: np.load(self.folder / f"{name}.npy") for name in names}

    @property
    def bytes_per_event(self) -> float:
        """Size of the Parquet files."""
        return sum(file.stat().st_size for file in self.files) / self.events


def make_log(events: int, users: int | None = None, files: int = 1) -> EventLog:
    """Return the log of that size, made on the first call.

    Parameters
    ----------
    events
        How many.
    users
        How many; a twentieth of the events when None.
    files
        How many Parquet files of equal length in time and in events. Only a
        log in one file has ``codes``, ``history`` and ``new``.

    Returns
    -------
    EventLog
        In the cache.
    """
    users = max(events // 20, 1) if users is None else users
    folder = kept(
        f"log-{_EDITION}-{events}-{users}-{files}",
        lambda folder: _write(folder, events, users, files),
    )
    return EventLog(folder, events, users)


def _write(folder: Path, events: int, users: int, files: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = _ids(users)
    for number, columns in enumerate(_pieces(events, users, files)):
        kinds = pa.array(KINDS).take(pa.array(columns["kind"]))
        table = pa.table(
            {
                "user_id": ids.take(pa.array(columns["user"])),
                "kind": kinds,
                "at": pa.array(columns["at"], pa.timestamp("us", "UTC")),
                "value": columns["value"],
            }
        )
        pq.write_table(table, folder / f"events-{number:02}.parquet")
        if files == 1:
            cut = events - max(int(events * _NEW), 1)
            pq.write_table(table.slice(0, cut), folder / "history.parquet")
            pq.write_table(table.slice(cut), folder / "new.parquet")
            for name, column in columns.items():
                np.save(folder / f"{name}.npy", column)
        del table, kinds


def _ids(users: int) -> Any:
    import pyarrow as pa

    rng = np.random.default_rng([_SEED, users])
    letters = _ALPHABET[rng.integers(0, 64, (users, _ID_CHARACTERS), dtype=np.uint8)]
    letters[:, : len(_ACCOUNT)] = np.frombuffer(_ACCOUNT, dtype=np.uint8)
    ends = np.arange(0, (users + 1) * _ID_CHARACTERS, _ID_CHARACTERS, dtype=np.int32)
    buffers = pa.py_buffer(ends.tobytes()), pa.py_buffer(letters.tobytes())
    return pa.StringArray.from_buffers(users, *buffers)


def _pieces(events: int, users: int, pieces: int) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield stretches of equal length of the 180 days, with as many events each."""
    rng = np.random.default_rng([_SEED, events, users])
    reach = np.cumsum(1.0 / (np.arange(users) + 50.0))
    shuffled = rng.permutation(users).astype(np.uint32)
    limits = np.cumsum(list(_SHARES.values()))
    limits[-1] = 1.0
    for number in range(pieces):
        n = events * (number + 1) // pieces - events * number // pieces
        begin = START + _SPAN * number // pieces
        end = START + _SPAN * (number + 1) // pieces - 1
        session, at = _times(rng, n, begin, end)
        rank = np.searchsorted(reach, rng.random(int(session[-1]) + 1) * reach[-1])
        user = shuffled[rank][session]
        kind = np.searchsorted(limits, rng.random(n), side="right").astype(np.uint8)
        fen = np.rint(rng.lognormal(8.5, 1.0, n))
        value = np.where(kind == KINDS.index("purchase"), fen / 100, 0.0)
        order = np.argsort(at, kind="stable")
        yield {
            "user": user[order],
            "kind": kind[order],
            "at": at[order],
            "value": value[order],
        }


def _times(
    rng: np.random.Generator, n: int, begin: int, end: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which session each of ``n`` events belongs to, and when it was."""
    first = rng.random(n) < 1 / _EVENTS_A_SESSION
    first[0] = True
    session = np.cumsum(first) - 1
    starts = rng.integers(begin, end, int(session[-1]) + 1)
    elapsed = np.cumsum(rng.exponential(_MEAN_PAUSE, n)).astype(np.int64)
    elapsed -= elapsed[first][session]
    return session, np.minimum(starts[session] + elapsed, end)
