"""T8 and T9: a full disk loses nothing, and a damaged one is not believed."""

from __future__ import annotations

import os
import random
import resource
import signal
from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

import pytest

from tests.stores.samples import balance, event, letter, payout
from wxengage.stores.errors import CorruptRowError, StoreError
from wxengage.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Key, Row

JOURNALS: tuple[Literal["many", "one"], ...] = ("many", "one")
TEXT = "x" * 400
SECTOR = 512
PAGE = 4096
MONEY = ("payout", "posting", "balance")


def posting(entry: int, place: int, amount: int) -> Row:
    """Return a row of the table posting."""
    name = f"entry-{entry:04}"
    ref = f"number-{entry:04}"
    return (name, place, "granted", ref, entry, "spring", "budget", "", "fen",
            amount, TEXT[:40], entry)  # fmt: skip


# T8.


def check_kept(store: SqliteStore, kept: list[str]) -> None:
    """Look whether exactly what was acknowledged is there."""
    rows = store.run(lambda tx: tx.walk("freeze", limit=10**6), write=False)
    assert kept == [row[0] for row in rows]
    assert (balance("", len(kept)),) == store.run(lambda tx: tx.walk("balance"))
    assert () == store.verify()


@pytest.mark.parametrize("how", JOURNALS)
def test_a_file_that_may_not_grow_loses_nothing(
    tmp_path: Path, how: Literal["many", "one"]
) -> None:
    """The error says that there is no room; with room the work goes on."""
    store = SqliteStore(tmp_path / "engage.db", processes=how)
    pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
    store.connection.execute(f"PRAGMA max_page_count = {pages + 30}")
    kept: list[str] = []

    def fill() -> None:
        while True:
            kept.extend(_add_batch(store, len(kept)))

    with pytest.raises(StoreError, match="full; make room and do it again"):
        fill()
    assert len(kept) > 50
    check_kept(store, kept)

    store.connection.execute(f"PRAGMA max_page_count = {pages + 100}")
    for _ in range(10):
        kept += _add_batch(store, len(kept))
    check_kept(store, kept)
    store.close()
    again = SqliteStore(tmp_path / "engage.db")
    check_kept(again, kept)
    again.close()


def _add_batch(store: SqliteStore, there: int) -> list[str]:
    names = [f"{there + n:06}" for n in range(5)]

    def work(tx: Transaction) -> None:
        tx.insert("freeze", [(name, TEXT) for name in names])
        tx.put("balance", [balance("", there + 5)])

    store.run(work)
    return names


def _full_by_limit(path: Path, how: Literal["many", "one"]) -> None:
    """Fill the disk that the system grants, then get more; in a process of its own."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = SqliteStore(path, processes=how)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept: list[str] = []
    for kib in (500, 700, 900):
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, most))
        try:
            while True:
                kept += _add_batch(store, len(kept))
        except StoreError as error:
            assert "do it again" in str(error)  # noqa: PT017  several, in turn
        assert len(kept) > 50
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    kept += _add_batch(store, len(kept))
    check_kept(store, kept)
    store.close()
    again = SqliteStore(path)
    check_kept(again, kept)
    again.close()


@pytest.mark.parametrize("how", JOURNALS)
def test_a_full_disk_loses_nothing(tmp_path: Path, how: Literal["many", "one"]) -> None:
    """Whichever file could not grow, the store's or its journal."""
    child = os.fork()
    if child == 0:
        ended = 1
        try:
            _full_by_limit(tmp_path / "engage.db", how)
            ended = 0
        finally:
            os._exit(ended)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# T9.


class Truth(NamedTuple):
    """A store's file, and what was written into it."""

    content: bytes
    rows: dict[str, dict[Row, Row]]


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Give a store in which much of the file is money."""
    path = tmp_path_factory.mktemp("truth") / "engage.db"
    rows: dict[str, list[Row]] = {
        "payout": [payout(f"number-{n:04}", n, at=n) for n in range(150)],
        "posting": [
            posting(n, side, 800 - 1600 * side) for n in range(150) for side in (0, 1)
        ],
        "balance": [balance(f"user-{n:04}", n * 7) for n in range(150)],
        "event": [event(f"event-{n:04}", f"user-{n:04}", n) for n in range(100)],
        "letter": [letter(f"letter-{n:04}", n, ready=n) for n in range(100)],
    }
    store = SqliteStore(path, processes="one")

    def work(tx: Transaction) -> None:
        for name, of_table in rows.items():
            tx.insert(name, random.Random(3).sample(of_table, len(of_table)))  # noqa: S311

    store.run(work)
    assert () == store.verify()
    store.close()
    widths = {"payout": 1, "posting": 2, "balance": 4}
    known: dict[str, dict[Row, Row]] = {
        name: {row[: widths[name]]: row for row in rows[name]} for name in MONEY
    }
    return Truth(path.read_bytes(), known)


def flip_a_bit(content: bytearray, rng: random.Random) -> None:
    """Flip one bit."""
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def overwrite_eight(content: bytearray, rng: random.Random) -> None:
    """Put eight bytes of chance somewhere."""
    place = rng.randrange(len(content) - 8)
    content[place : place + 8] = rng.randbytes(8)


def zero_a_sector(content: bytearray, rng: random.Random) -> None:
    """Lose a sector."""
    place = rng.randrange(len(content) // SECTOR) * SECTOR
    content[place : place + SECTOR] = bytes(SECTOR)


def swap_two_pages(content: bytearray, rng: random.Random) -> None:
    """Write two pages in each other's place."""
    one, other = (n * PAGE for n in rng.sample(range(1, len(content) // PAGE), 2))
    first, second = content[one : one + PAGE], content[other : other + PAGE]
    content[one : one + PAGE], content[other : other + PAGE] = second, first


def cut_the_tail(content: bytearray, rng: random.Random) -> None:
    """Lose the end of the file."""
    del content[rng.randrange(1, len(content)) :]


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_a_bit,
    overwrite_eight,
    zero_a_sector,
    swap_two_pages,
    cut_the_tail,
)


def outcome(path: Path, truth: Truth) -> str:
    """Say what a damaged store makes of it: who noticed, if anybody did."""
    noticed = "nobody"
    try:
        store = SqliteStore(path, create=False, processes="one")
    except StoreError:
        return "opening"
    try:
        for name, known in truth.rows.items():
            for ask in _questions(name, known):
                try:
                    rows = store.run(ask, write=False)
                except CorruptRowError:
                    noticed = "seal"
                except StoreError:
                    noticed = "reading" if noticed == "nobody" else noticed
                else:
                    width = len(next(iter(known)))
                    same = (known.get(row[:width]) == row for row in rows)
                    assert all(same), "money is different"
                    if len(rows) != len(known) and noticed == "nobody":
                        noticed = "missing"
        said = store.verify()
    finally:
        store.close()
    if noticed == "missing":
        # A row that cannot be found is no wrong amount, but somebody must tell.
        assert said, "a row is missing, and verify says nothing"
        return "verify"
    return "verify" if noticed == "nobody" and said else noticed


def _questions(
    name: str, known: dict[Row, Row]
) -> list[Callable[[Transaction], list[Row]]]:
    """Return the ways to read a table: in order, by key, by an index."""
    asked: list[Callable[[Transaction], list[Row]]] = [
        lambda tx: list(tx.walk(name, limit=10**6)),
        lambda tx: list(tx.get(name, [*known]).values()),  # type: ignore[list-item]
    ]
    if name != "balance":
        index = {"payout": "by_campaign", "posting": "by_seq"}[name]
        asked.append(lambda tx: list(tx.find(name, index)))
    return asked


def check_damages(
    truth: Truth, path: Path, times: int, seed: int
) -> dict[str, Counter[str]]:
    """Damage the file in each way so many times, and count who noticed."""
    found = {}
    for damage in DAMAGES:
        rng = random.Random(seed)  # noqa: S311  it must be the same again
        found[damage.__name__] = Counter[str]()
        for _ in range(times):
            content = bytearray(truth.content)
            damage(content, rng)
            for other in path.parent.iterdir():
                other.unlink()
            path.write_bytes(content)
            who = "unchanged" if content == truth.content else outcome(path, truth)
            found[damage.__name__][who] += 1
    return found


def test_money_on_a_damaged_disk_is_never_silently_different(
    truth: Truth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """T9: a row is as it was written, or there is an error, or verify tells."""
    found = check_damages(truth, tmp_path / "engage.db", 30, 1)

    _show(found, capsys)
    assert found["flip_a_bit"]["seal"] > 0


@pytest.mark.torture
def test_money_on_a_damaged_disk_is_never_silently_different_at_length(
    truth: Truth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same, a thousand times for each way."""
    _show(check_damages(truth, tmp_path / "engage.db", 1000, 2), capsys)


def _show(found: dict[str, Counter[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for name, counts in found.items():
            print(f"\nT9: {name}: {dict(counts)}", end="")  # noqa: T201
        print()  # noqa: T201


def test_a_row_that_somebody_changed_is_refused_by_name(tmp_path: Path) -> None:
    """By whichever way it is read, and verify names it too; others are believed."""
    store = SqliteStore(tmp_path / "engage.db")
    store.run(lambda tx: tx.insert("balance", [balance("a", 5), balance("b", 7)]))
    store.connection.execute("UPDATE wxengage_balance SET amount = 6 WHERE owner = 'a'")
    key: Key = ("spring", "budget", "a", "fen")

    for ask in (
        lambda tx: tx.get("balance", [key]),
        lambda tx: tx.walk("balance"),
    ):
        with pytest.raises(CorruptRowError, match=r"balance .*'a'") as caught:
            store.run(ask, write=False)
        assert ("balance", key) == (caught.value.table, caught.value.key)
    other = ("spring", "budget", "b", "fen")
    assert {other: balance("b", 7)} == store.run(lambda tx: tx.get("balance", [other]))
    said = store.verify()
    assert 1 == len(said)
    assert "balance ('spring', 'budget', 'a', 'fen')" in said[0]
    store.close()


def test_a_row_in_another_tables_place_is_refused(tmp_path: Path) -> None:
    """A seal stands for its table as well as for the values."""
    store = SqliteStore(tmp_path / "engage.db")
    store.run(lambda tx: tx.insert("balance", [balance("a", 5), balance("b", 5)]))
    store.connection.execute(
        "UPDATE wxengage_balance SET seal = "
        "(SELECT seal FROM wxengage_balance WHERE owner = 'b') WHERE owner = 'a'"
    )

    with pytest.raises(CorruptRowError):
        store.run(lambda tx: tx.walk("balance"), write=False)
    store.close()
