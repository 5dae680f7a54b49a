"""The benchmark of the desk: engines that keep the same rows, and a chapter of it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stores.servers import Server


def script(name: str) -> Any:
    """Return one of the scripts as a module."""
    return importlib.import_module(name)


def stream(size: int, way: str, kind: str = "plain", **more: Any) -> Any:
    """Return events, and how they are told."""
    return script("desk_events").Stream(size, way, kind, **more)


def answer_of(engine: str, told: Any, folder: Path, runs: int = 2) -> Any:
    """Return what an engine says after some runs, of which the last counts."""
    folder.mkdir(exist_ok=True)
    job = script("desk_jobs").make_job("F", engine, told, folder)
    for _ in range(runs):
        result = job.run(job.fresh())
    return job.digest(job.answer(result))


def rows_of(
    engines: tuple[str, ...], told: Any, folder: Path, runs: int = 2
) -> list[Any]:
    """Return how many rows each engine has kept, and their checksum."""
    pytest.importorskip("sqlalchemy")
    return [
        answer_of(engine, told, folder / str(place), runs)["rows"]
        for place, engine in enumerate(engines)
    ]


def test_events_are_the_same_every_time_and_none_is_another() -> None:
    """A result of last year can be compared with one of today."""
    told = stream(300, "together", "mixed")
    events = told.events()

    assert events == stream(300, "together", "mixed").events()
    assert 300 == len({event.id for event in events})
    assert 30 == sum(event.inviter is not None for event in events)
    assert [300] == [len(batch) for batch in told.batches(events)]
    assert told.first_id() == events[0].id
    assert told.events(300)[0].id == attrs.evolve(told, before=300).events()[0].id


@pytest.mark.parametrize(("way", "size"), [("singly", 40), ("together", 1_100)])
def test_all_engines_keep_the_same_rows(way: str, size: int, tmp_path: Path) -> None:
    """What is timed is the same work: every column of every row is equal."""
    engines = script("desk_page").ENGINES["F1"]
    own, *others = rows_of(engines, stream(size, way), tmp_path)

    assert size == own[0]
    assert [own, own] == others


def test_many_callers_keep_the_same_rows(tmp_path: Path) -> None:
    """With group commit and without, and through one connection."""
    engines = script("desk_page").ENGINES["F5"]
    own, *others = rows_of(engines, stream(48, "callers", at_once=16), tmp_path)

    assert 48 == own[0]
    assert [own, own] == others


def test_many_processes_keep_the_same_rows(tmp_path: Path) -> None:
    """Each tells its own part of the events, and all are there in the end."""
    engines = script("desk_page").ENGINES["F6"][:2]
    told = stream(8, "processes", at_once=2)
    own, other = rows_of(engines, told, tmp_path, runs=1)

    assert 8 == own[0]
    assert own == other


@pytest.mark.parametrize(
    ("kind", "invites", "payouts"), [("mixed", 20, 6), ("invites", 200, 200)]
)
def test_invites_earn_what_the_page_says(
    kind: str, invites: int, payouts: int, tmp_path: Path
) -> None:
    """Every third of a tenth, or each; nothing waits for money, and all is sound."""
    told = stream(200, "together", kind)
    teller = script("desk_tellers").open_teller("wxengage", told, tmp_path / "one.db")
    for batch in told.batches(told.events()):
        teller.tell(batch)
    counts = teller.desk.store.run(
        lambda tx: (
            tx.count("profile"),
            tx.count("payout", "by_state", ("reserved",)),
            tx.count("letter"),
        )
    )
    found = teller.desk.audit()
    teller.close()

    assert (invites, payouts, payouts) == (counts[0] // 2, *counts[1:])
    assert () == found


@pytest.mark.parametrize("way", ["singly", "together"])
def test_a_table_that_has_grown_is_told_other_events_each_time(
    way: str, cache: Path, tmp_path: Path
) -> None:
    """No run finds its events there already."""
    assert cache.is_dir()
    engines = script("desk_page").GROWN
    own, other = rows_of(engines, stream(50, way, before=2_000), tmp_path)

    assert 50 == own[0]
    assert own == other


def test_an_audit_looks_at_all_that_was_told(cache: Path, tmp_path: Path) -> None:
    """And it finds nothing."""
    assert cache.is_dir()
    found = answer_of("wxengage", stream(600, "audit", "mixed"), tmp_path)

    assert (0, 600, 20) == (found["rows"][0], found["event"], found["payout"])


@pytest.mark.parametrize(("kind", "outcome"), [("plain", "sent"), ("invites", "paid")])
def test_a_dispatch_sends_every_letter(kind: str, outcome: str, tmp_path: Path) -> None:
    """Messages and payouts."""
    found = answer_of("wxengage", stream(12, "dispatch", kind), tmp_path)

    assert {outcome: 12} == found["outcomes"]


@pytest.fixture(scope="module", params=["postgres", "mysql"])
def addresses(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Give the addresses of three empty databases of a server."""
    servers = importlib.import_module("tests.stores.servers")
    server: Server = getattr(servers, f"{request.param}_server")()
    with script("desk_servers").databases(server, 3) as found:
        yield found


@pytest.fixture(scope="session", autouse=True)
def _servers_end() -> Iterator[None]:
    """Stop the servers after the last test: other files of tests use them too."""
    yield
    importlib.import_module("tests.stores.servers").close_servers()


@pytest.mark.parametrize("way", ["singly", "together", "callers"])
def test_all_engines_keep_the_same_rows_on_a_server(
    way: str, addresses: list[str], tmp_path: Path
) -> None:
    """Each in a database of its own, which is emptied before a run."""
    pytest.importorskip("sqlalchemy")
    engines = script("desk_page").ENGINES["F5" if way == "callers" else "F1"]
    found = [
        answer_of(
            engine, stream(12, way, at_once=4, address=address), tmp_path / str(place)
        )
        for place, (engine, address) in enumerate(zip(engines, addresses, strict=True))
    ]

    assert 12 == found[0]["rows"][0]
    assert [found[0]["rows"]] * 2 == [one["rows"] for one in found[1:]]


def test_other_rows_are_told_by_engine() -> None:
    """Only those who were told the same events are compared."""
    said = {
        "ours @ 10 events": {"rows": [1, "a"]},
        "bare @ 10 events": {"rows": [1, "b"]},
        "ours @ 20 events": {"rows": [1, "c"]},
    }

    assert ["bare @ 10 events kept other rows than ours @ 10 events"] == script(
        "desk_jobs"
    ).unequal(said)


def compared(group: str, size: int, **took: float) -> Any:
    """Return a comparison of a single round; names have spaces for underscores."""
    timing, comparison = script("timing").Timing, script("comparisons").Comparison
    timings = {
        name.replace("_", " "): timing((one,), (one,), 0, 0)
        for name, one in took.items()
    }
    return comparison(group, size, "event", "", timings, "2026", (0.0, 0.0))


def test_targets_are_judged_as_they_are_written(tmp_path: Path) -> None:
    """Ratios, events a second, what a caller waits, and that cost does not grow."""
    grown = {"wxengage @ 10 events": 1.0, "wxengage @ 100 events": 1.6}
    found = [
        compared("F1", 10, wxengage=1.0, bare_INSERT=0.4, SQLAlchemy_Core=1.1),
        compared("F3", 20_000, wxengage=1.9),
        compared("F5", 64, wxengage=1.0),
        compared("F8 one by one", 10, **grown),
    ]
    results = script("results").Results(tmp_path / "r.json", found)
    calls = script("desk_calls").Calls.at(tmp_path / "calls.json")
    said = {"p50": [9.0, 0.001, 0.002, 0.003], "p99": [9.0, 0.008, 0.011, 0.009]}
    calls.add(found[2], {"wxengage, group commit": said})
    again = script("desk_calls").Calls.at(tmp_path / "calls.json")
    verdicts = script("desk_page").verdicts(results, again)

    assert [
        ("0.40x", "not met"),
        ("1.10x", "met"),
        ("10,526", "met"),
        ("9.00 ms", "met"),
        ("1.60x", "not met"),
    ] == [(*one.reached.values(), one.word) for one in verdicts]


def test_the_command_measures_and_writes_its_chapter(
    programs: Path, tmp_path: Path
) -> None:
    """The chapters of other programs stay on the page."""
    page = tmp_path / "page.md"
    page.write_text("# Old\n\n## The gate\n\nas it was\n", encoding="utf-8")
    command = [sys.executable, str(programs / "desk.py"), "--sizes", "100"]
    command += ["--pairs", "1", "--only", "f3,f10", "--write", str(page)]
    subprocess.run([*command, "--results", str(tmp_path / "results.json")], check=True)
    text = page.read_text(encoding="utf-8")

    assert "## The gate\n\nas it was\n\n## The desk\n" in text
    assert "| F3, 100 events: events a second | wall at least 10,000 |" in text
    assert "### F10. A dispatch\n" in text
    assert "\npayouts, 10 letters:\n\n| engine | letters a second |" in text
    assert "F9" not in text
