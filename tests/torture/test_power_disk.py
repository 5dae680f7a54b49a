"""The disk whose power fails (断电磁盘): what it may keep, and what SQLite makes of it.

The numbers of SQLite's own settings are known from its documentation; a disk that did
not find the unsafe ones would find nothing in a store either.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.stores.errors import StoreError
from wxengage.testing.power import FileSystem, PowerDisk
from wxengage.testing.power_files import (
    SECTOR,
    Cut,
    Fate,
    Names,
    StoredFile,
    Write,
    fates,
)
from wxengage.testing.power_sqlite import reach_sqlite

if TYPE_CHECKING:
    from pathlib import Path

MOST = 4 * SECTOR
CHANGES = st.one_of(
    st.builds(
        Write,
        st.integers(0, MOST),
        st.integers(1, 255)
        .map(lambda byte: bytes([byte]))
        .flatmap(lambda one: st.integers(1, MOST).map(lambda count: one * count)),
    ),
    st.builds(Cut, st.integers(0, MOST)),
)


@pytest.fixture(autouse=True, scope="module")
def sqlite_in_reach() -> None:
    """Skip where the SQLite of this Python cannot be reached."""
    try:
        reach_sqlite()
    except StoreError as error:
        pytest.skip(str(error))


def after(content: bytes, changes: list[Write | Cut]) -> bytes:
    """Return what changes make of a file, byte by byte and apart from the disk."""
    found = dict(enumerate(content))
    size = len(content)
    for one in changes:
        if isinstance(one, Cut):
            size = one.size
            found = {at: byte for at, byte in found.items() if at < size}
        else:
            found.update(enumerate(one.data, one.offset))
            size = max(size, one.offset + len(one.data))
    return bytes(found.get(at, 0) for at in range(size))


@given(st.lists(CHANGES, max_size=8), st.integers(0, 2**32))
def test_what_was_synced_is_there_whole(changes: list[Write | Cut], seed: int) -> None:
    """After a sync nothing is left to chance."""
    file = StoredFile()
    for one in changes:
        file.change(one)
    file.sync()

    assert () == file.survive(np.random.default_rng(seed))
    assert after(b"", changes) == file.content()


@given(
    st.lists(CHANGES, max_size=4), st.lists(CHANGES, max_size=6), st.integers(0, 2**32)
)
def test_what_was_not_synced_is_made_of_what_was_written(
    synced: list[Write | Cut], pending: list[Write | Cut], seed: int
) -> None:
    """Every byte that is left is one that somebody wrote there, or the end was."""
    file = StoredFile()
    for one in synced:
        file.change(one)
    file.sync()
    for one in pending:
        file.change(one)

    drawn = file.survive(np.random.default_rng(seed))

    assert len(pending) == len(drawn)
    if set(drawn) <= {Fate.KEPT, Fate.DROPPED}:
        kept = [
            one for one, fate in zip(pending, drawn, strict=True) if fate is Fate.KEPT
        ]
        assert after(after(b"", synced), kept) == file.content()
    before = after(b"", synced)
    for at, byte in enumerate(file.content()):
        written = {
            one.data[at - one.offset]
            for one in pending
            if isinstance(one, Write) and 0 <= at - one.offset < len(one.data)
        }
        assert byte in written | {0} | set(before[at : at + 1])


@given(st.integers(0, 2 * SECTOR), st.integers(1, 3 * SECTOR), st.integers(0, 2**32))
def test_a_sector_is_written_whole_or_not_at_all(
    offset: int, count: int, seed: int
) -> None:
    """A write is torn only where a sector of the disk begins."""
    file = StoredFile(bytes(MOST * 2))
    file.change(Write(offset, b"\xff" * count))

    file.survive(np.random.default_rng(seed))

    content = file.content()
    for start in range(0, len(content), SECTOR):
        mine = range(max(start, offset), min(start + SECTOR, offset + count))
        assert len({content[at] for at in mine}) <= 1
        rest = set(range(start, start + SECTOR)) - set(mine)
        assert {0} >= {content[at] for at in rest}


def test_every_fate_is_drawn() -> None:
    """All kept, none kept, one torn in the middle, and each for itself: all happen."""
    rng = np.random.default_rng(1)
    drawn = {fates(rng, 3) for _ in range(2000)}

    assert 27 == len(drawn)
    assert () == fates(rng, 0)


def test_a_journalled_file_system_loses_names_in_order() -> None:
    """The name that came last is lost first; without a journal, any may be."""
    seen: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    for ordered, found in seen.items():
        for seed in range(60):
            names = Names()
            for name in ("a", "b"):
                names.link(name, StoredFile())
            names.unlink("a")
            names.survive(np.random.default_rng(seed), ordered=ordered)
            files = names.files()
            found.add(tuple(name for name in files if files[name] is not None))

    assert {(), ("a",), ("a", "b"), ("b",)} == seen[True] | seen[False]
    assert {(), ("a",), ("a", "b"), ("b",)} == seen[False]
    assert {(), ("a",), ("a", "b"), ("b",)} == seen[True]


def committed(
    folder: Path, seed: int, pragmas: tuple[str, str], names: FileSystem, *, sync: bool
) -> str:
    """Return what a loss of power did to a plain table: "none", "lost", "damaged"."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    path, done = folder / "a.db", 0
    with PowerDisk(folder, rng, names=names) as disk:
        disk.cut_after(int(rng.integers(1, 120)))
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.execute(f"PRAGMA journal_mode = {pragmas[0]}")
            db.execute(f"PRAGMA synchronous = {pragmas[1]}")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if sync:
                sync_folder(folder)
            db.execute("CREATE TABLE a (b INTEGER PRIMARY KEY, c TEXT)")
            while True:
                text = "x" * int(rng.integers(1, 3000))
                db.execute("INSERT INTO a VALUES (?, ?)", (done + 1, text))
                if disk.off:  # a checkpoint after the commit was cut off
                    break
                done += 1
        except (sqlite3.Error, OSError):
            assert disk.off
        db.close()
        disk.restart()
        return left(path, done)


def sync_folder(folder: Path) -> None:
    """Sync a folder, as a store does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def left(path: Path, done: int) -> str:
    """Return what is left of so many rows that were committed."""
    db = sqlite3.connect(path)
    try:
        if [("ok",)] != db.execute("PRAGMA integrity_check").fetchall():
            return "damaged"
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        rows = db.execute("SELECT max(b) FROM a").fetchone()[0] if tables else 0
    except sqlite3.DatabaseError:
        return "damaged"
    finally:
        db.close()
    return "lost" if (rows or 0) < done else "none"


def harms(
    folder: Path,
    pragmas: tuple[str, str],
    names: FileSystem = "journalled",
    *,
    sync: bool = True,
    times: int = 40,
) -> Counter[str]:
    """Return what so many losses of power did."""
    own = folder / "-".join([*pragmas, names])
    own.mkdir()
    return Counter(
        committed(own / str(seed), seed, pragmas, names, sync=sync)
        for seed in range(times)
    )


def test_the_settings_of_sqlite_keep_what_they_promise(tmp_path: Path) -> None:
    """FULL loses nothing in WAL and PERSIST, nor does EXTRA where DELETE is used."""
    for pragmas in (("WAL", "FULL"), ("PERSIST", "FULL"), ("DELETE", "EXTRA")):
        assert {"none": 10} == harms(tmp_path, pragmas, "journalled", times=10)
        assert {"none": 10} == harms(tmp_path, pragmas, "posix", times=10)


def test_the_settings_that_promise_less_are_seen_to_lose(tmp_path: Path) -> None:
    """NORMAL loses commits in WAL, OFF damages; DELETE may bring a journal back."""
    normal = harms(tmp_path, ("WAL", "NORMAL"), times=15)
    off = harms(tmp_path, ("DELETE", "OFF"), times=15)
    delete = harms(tmp_path, ("DELETE", "FULL"))

    assert 0 < normal["lost"]
    assert 0 == normal["damaged"]
    assert 0 < off["damaged"]
    assert 0 < delete["lost"]


def test_a_new_log_is_lost_with_its_name_unless_the_folder_is_synced(
    tmp_path: Path,
) -> None:
    """A SQLite that does not sync folders relies on whoever opens the store."""
    without = harms(tmp_path, ("WAL", "FULL"), "strict", sync=False, times=15)
    assert 0 < without["lost"]

    own = tmp_path / "synced"
    own.mkdir()
    assert {"none": 15} == harms(own, ("WAL", "FULL"), "strict", times=15)


def test_every_step_of_a_commit_may_be_the_last(tmp_path: Path) -> None:
    """Whatever step the power fails at, a committed value is the old or the new one."""
    seen: Counter[int] = Counter()
    step = 0
    while True:
        folder = tmp_path / str(step)
        folder.mkdir()
        path = folder / "a.db"
        with PowerDisk(folder, np.random.default_rng(step)) as disk:
            db = sqlite3.connect(path, isolation_level=None)
            db.execute("PRAGMA journal_mode = PERSIST")
            db.execute("CREATE TABLE a (b)")
            db.execute("INSERT INTO a VALUES (1)")
            disk.cut_after(step)
            try:
                db.execute("UPDATE a SET b = 2")
                kept = {2} if not disk.off else {1, 2}
            except sqlite3.OperationalError:
                kept = {1, 2}
            finished = not disk.off
            disk.cut()
            db.close()
            disk.restart()
            db = sqlite3.connect(path)
            (value,) = db.execute("SELECT b FROM a").fetchone()
            db.close()
        assert value in kept
        seen[value] += 1
        if finished:
            break
        step += 1

    assert 5 < step
    assert {1, 2} == seen.keys()


def test_a_machine_that_is_off_does_nothing_more(tmp_path: Path) -> None:
    """Nothing is written, opened or synced until the power is back."""
    path = tmp_path / "a.db"
    with PowerDisk(tmp_path, np.random.default_rng(1)) as disk:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = PERSIST")
        db.execute("CREATE TABLE a (b)")
        steps = disk.steps
        assert 0 < steps
        disk.cut()
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            db.execute("INSERT INTO a VALUES (1)")
        with pytest.raises(OSError, match="Input/output"):
            sync_folder(tmp_path)
        assert (True, steps) == (disk.off, disk.steps)
        with pytest.raises(StoreError, match="1 of its files are open; close every"):
            disk.restart()
        db.close()

        assert 0 == disk.restart().lost
        assert f"PowerDisk({str(tmp_path)!r}, on, steps={steps})" == repr(disk)
        db = sqlite3.connect(path)
        assert [] == db.execute("SELECT * FROM a").fetchall()
        db.close()


def test_other_folders_never_lose_power(tmp_path: Path) -> None:
    """Files elsewhere, temporary ones and those in memory are as ever."""
    folder = tmp_path / "frail"
    folder.mkdir()
    with PowerDisk(folder, np.random.default_rng(1)) as disk:
        disk.cut()
        for where in (tmp_path / "a.db", ":memory:", ""):
            db = sqlite3.connect(where)
            db.execute("CREATE TABLE a (b)")
            db.execute("INSERT INTO a VALUES (1)")
            db.commit()
            assert [(1,)] == db.execute("SELECT b FROM a").fetchall()
            db.close()
        sync_folder(tmp_path)
        assert 0 == disk.steps

    db = sqlite3.connect(folder / "a.db")
    db.execute("CREATE TABLE a (b)")
    db.close()
    assert (folder / "a.db").exists()


def test_two_disks_are_apart(tmp_path: Path) -> None:
    """One that is off does not stop the other."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    rng = np.random.default_rng(1)
    with PowerDisk(folders[0], rng) as one, PowerDisk(folders[1], rng) as other:
        one.cut()
        db = sqlite3.connect(folders[1] / "a.db")
        db.execute("CREATE TABLE a (b)")
        db.close()

        assert 0 == one.steps
        assert 0 < other.steps


def test_a_store_that_was_there_before_is_on_the_disk(tmp_path: Path) -> None:
    """What was written before anybody looked was synced long ago."""
    path = tmp_path / "a.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE a (b)")
    db.close()
    with PowerDisk(tmp_path, np.random.default_rng(1), names="strict") as disk:
        db = sqlite3.connect(path)
        db.execute("SELECT * FROM a")
        disk.cut()
        db.close()
        disk.restart()
        db = sqlite3.connect(path)
        assert [] == db.execute("SELECT * FROM a").fetchall()
        db.close()


def test_a_disk_refuses_what_it_cannot_be(tmp_path: Path) -> None:
    """A missing folder, no chance, an unknown file system, steps below zero."""
    rng = np.random.default_rng(1)
    with pytest.raises(InvalidInputError, match="folder must be a folder that is"):
        PowerDisk(tmp_path / "nowhere", rng)
    with pytest.raises(InvalidInputError, match="rng must be a numpy"):
        PowerDisk(tmp_path, 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="did you mean 'journalled'"):
        PowerDisk(tmp_path, rng, names="journaled")  # type: ignore[arg-type]
    disk = PowerDisk(tmp_path, rng)
    with pytest.raises(InvalidInputError, match="steps"):
        disk.cut_after(-1)
    assert f"PowerDisk('{tmp_path}', on, steps=0)" == repr(disk)
