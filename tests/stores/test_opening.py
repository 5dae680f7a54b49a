"""A store is opened by its address; what is no address says what would be one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wxengage.errors import InvalidInputError
from wxengage.stores.errors import StoreDamagedError, StoreError
from wxengage.stores.opening import ddl_for, open_store
from wxengage.stores.schema import TABLES
from wxengage.stores.sql import PREFIX
from wxengage.times.zones import SHANGHAI, from_micros, zone

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from wxengage.stores.ports import Store

FREEZE = [("f1", "{}")]


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give an empty working folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    os.chdir("/")


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///engage.db", "engage.db"),
        ("sqlite:///./engage.db", "engage.db"),
        ("sqlite:///my%20store.db", "my store.db"),
        ("sqlite:///活动.db", "活动.db"),
    ],
)
def test_a_file_is_named_by_its_address(there: Path, url: str, file: str) -> None:
    """From the working folder, or from the root; opened again it is the same."""
    for address in (url, f"sqlite:///{there}/{file.replace(' ', '%20')}"):
        store = open_store(address)
        store.run(lambda tx: tx.insert("freeze", FREEZE))
        assert tuple(FREEZE) == store.run(lambda tx: tx.walk("freeze"), write=False)
        assert (there / file).is_file()
        store.close()


def test_a_store_that_is_made_by_one_process_is_opened_by_many(there: Path) -> None:
    """What is in the log of the one is there for the others, and the other way."""
    assert there == Path.cwd()
    for how in ("one", "many", "one"):
        store = open_store("sqlite:///engage.db", processes=how)
        store.run(lambda tx, how=how: tx.insert("freeze", [(how, "{}")]))  # type: ignore[misc]
        store.close()
    store = open_store("sqlite:///engage.db")
    assert 2 == store.run(lambda tx: tx.count("freeze"), write=False)
    store.close()


@pytest.mark.parametrize(
    "address",
    [
        "", "engage.db", "/srv/engage.db", "sqlite:engage.db", "sqlite://engage.db",
        "sqlite:///engage.db?mode=ro", "sqlite:///engage.db#x", "sqlite:///:memory:", "memory://x",
        "postgres", "oracle://scott:tiger@host/x", "://", "sqlit:///x", None, 5,
        b"sqlite:///x", Path("engage.db"),
    ],
)  # fmt: skip
def test_what_is_no_address_says_what_would_be(there: Path, address: Any) -> None:
    """Nothing is made for it, and no password of it is shown."""
    with pytest.raises(InvalidInputError) as caught:
        open_store(address)

    assert "tiger" not in str(caught.value)
    assert [] == list(there.iterdir())


def test_what_is_no_file_of_sqlite_is_not_touched(there: Path) -> None:
    """Somebody's text, a folder, a folder that is not there."""
    note = there / "note.txt"
    note.write_text("somebody's letter, longer than a header of SQLite " * 40)
    before = note.read_bytes()

    with pytest.raises(StoreDamagedError, match="no store"):
        open_store("sqlite:///note.txt")
    with pytest.raises(StoreError):
        open_store(f"sqlite:///{there}")
    with pytest.raises(StoreError, match="make its folder"):
        open_store("sqlite:///absent/engage.db")

    assert before == note.read_bytes()


def test_a_database_of_an_application_gets_tables_beside_its_own(there: Path) -> None:
    """They have names of their own, and its rows stay as they are."""
    application = sqlite3.connect(there / "shop.db")
    application.execute("CREATE TABLE event (id TEXT)")
    application.execute("INSERT INTO event VALUES ('mine')")
    application.commit()

    store = open_store("sqlite:///shop.db")

    assert 0 == store.run(lambda tx: tx.count("event"))
    assert [("mine",)] == application.execute("SELECT id FROM event").fetchall()
    application.close()
    store.close()


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
def test_a_clock_can_be_given(url: str) -> None:
    """It must tell an instant."""
    noon = from_micros(10**15, zone(SHANGHAI))
    answers: list[dt.datetime] = [noon, noon.replace(tzinfo=None)]
    store: Store = open_store(url, now=lambda: answers.pop(0))

    assert noon == store.now()
    with pytest.raises(InvalidInputError, match="aware"):
        store.now()
    store.close()


def test_processes_are_many_or_one() -> None:
    """A number is neither."""
    with pytest.raises(InvalidInputError, match="'many' or 'one'"):
        open_store("sqlite://", processes=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_ddl_is_printed_without_a_database(engine: str) -> None:
    """For each engine: every statement ends, and the version is written."""
    text = ddl_for(engine)

    assert text.endswith("'1');\n")
    made = (text.count(f"{PREFIX}{name}") > 0 for name in TABLES)
    assert all(made)
    assert "CHECK" in text


@pytest.mark.parametrize("engine", ["memory", "oracle", "", "sqlit"])
def test_ddl_of_an_unknown_engine_is_refused(engine: str) -> None:
    """Memory has no tables either."""
    with pytest.raises(InvalidInputError, match="engine"):
        ddl_for(engine)
