"""What the chapter on the desk compares, aims at and says."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from comparisons import Verdict, largest
from desk_events import BATCH, CALLERS, PROCESSES
from desk_tellers import BARE, CORE, GROUP, OWN
from page import chapter, sections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from comparisons import Comparison
    from desk_calls import Calls
    from desk_events import Way
    from results import Results

__all__ = ["ENGINES", "GROWN", "PLACES", "WORKS", "desk_chapter", "verdicts"]

#: What each comparison is about.
WORKS: Final[Mapping[str, str]] = {
    "F1": "A plain event, one by one",
    "F2": "Plain events, a thousand at a time",
    "F3": "Nine plain events and an invite, a thousand at a time",
    "F4": "An invite that earns a reward, one by one",
    "F5": f"{CALLERS} callers at once",
    "F6": f"{PROCESSES} processes at once",
    "F7": "On a database server",
    "F8": "Ten, a hundred, a thousand times the events",
    "F9": "An audit",
    "F10": "A dispatch",
}
#: How events are told to a server, and to a table that grows.
PLACES: Final[Mapping[str, Way]] = {
    "one by one": "singly",
    "a thousand at a time": "together",
    f"{CALLERS} callers": "callers",
}
#: Each comparison's engines, ours first.
ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("F1", "F2"), (OWN, BARE, CORE)),
    **dict.fromkeys(("F3", "F4", "F9", "F10"), (OWN,)),
    "F5": (GROUP, OWN, BARE),
    "F6": (OWN, BARE, CORE),
}
#: Who is told where the table has grown.
GROWN: Final = (OWN, BARE)
#: Work, another engine, and how many times as fast as it we want to be.
_RATIOS: Final = (("F1", BARE, 0.5), ("F1", CORE, 1.0), ("F2", CORE, 2.0))
#: Work, and events a second.
_RATES: Final = (("F2", 50_000), ("F3", 10_000))
#: What 99 of 100 of many callers wait at most, and an audit takes, in seconds.
_LATEST: Final = 0.010
_AUDIT: Final = 30.0
_AUDITED: Final = 1_000_000
#: More than this much per event for ten times the events is not flat any more.
_FLAT: Final = 1.5
_PACKAGES: Final = ("SQLAlchemy", "psycopg", "PyMySQL")
_INTRO: Final = f"""\
Measured by

```sh
python benchmarks/desk.py --write docs/benchmarks.md
```

Everything is on a disk when a call returns: in a SQLite file with `synchronous = FULL`,
or in a server with `fsync` on. The three write the same rows into the same table, with
its three indexes, as the library's DDL makes it, and the rows are compared after the
runs. The bare INSERT gets tuples that are ready, on a connection of `sqlite3`, psycopg
or PyMySQL that commits by itself; SQLAlchemy Core gets mappings that are ready, on one
connection that it keeps. The desk gets `Event` objects: it checks them, refuses an id
that was told with another content, looks up invite codes, asks every campaign that runs
(there is one) and answers with a receipt.

SQLite is {sqlite3.sqlite_version}, in a file for one process: a write-ahead log, with
one connection. CPU is that of the process that tells; what a server does is not in it.
How long a run takes depends on the disk more than on anything else, and a disk that
others use answers a sync now sooner, now later: look at ratios.
"""
_TEXTS: Final = {
    "F1": "Timed is `desk.record`, once for each event.",
    "F2": f"""\
Timed is `desk.record_many`, {BATCH:,} events in a transaction, and `executemany`.""",
    "F3": """\
Timed is `desk.record_many`. Every tenth event is a follow by somebody new who was
invited; every third friend of an inviter earns 8 yuan. An invite is folded into the
campaign and into what is known of the user, a reward is granted, its money is set
aside in the books, and a letter that asks for it goes into the outbox, all in the
transaction of the events.""",
    "F4": """\
Timed is `desk.record`. Every event is an invite that earns a reward at once: told
apart from those that are known, folded, granted, set aside, posted and enqueued, in one
transaction.""",
    "F5": f"""\
Timed are {CALLERS} threads that call `desk.record` one event after the other, with and
without `group_commit=True`; those of the bare INSERT take turns at a connection.""",
    "F6": f"""\
Timed are {PROCESSES} processes that tell one file one event after the other, opened
with `processes="many"`. A SQLite that can damage a write-ahead log that several
processes write (3.7.0 to 3.51.2) keeps a rollback journal (`PERSIST`), and so do the
peers here; with a later one all keep a log. SQLite does not queue who waits for the
file: whoever comes at the right moment is next, so the slowest calls are slow.""",
    "F7": f"""\
The same as F1, F2 and F5, in a database of each engine's own. Of {CALLERS} callers of
the bare INSERT each has a connection.""",
    "F8": """\
Timed as in F1 and F2, in a file that has so many events already, each a new copy.""",
    "F9": """\
Timed is `desk.audit()` on a store that was told all the events, mixed as in F3.""",
    "F10": """\
Timed is `desk.dispatch` of letters that are due, by a sender that takes no time: each
letter is leased, begun and recorded, and a commit stands between each two of these. A
payout also moves its money in the books.""",
}


def _faster(found: Comparison, engine: str, needed: float) -> Verdict:
    """Judge how many times as fast as another engine we are."""
    ratio = found.ratio(engine, "wall")
    return Verdict(
        f"{found.work}, {found.amount}: as fast as {engine}",
        {"wall": f"at least {needed:g}x"},
        {"wall": f"{ratio:.2f}x"},
        {"wall": ratio >= needed},
    )


def _rate(found: Comparison, needed: int) -> Verdict:
    """Judge how many events a second are kept."""
    rate = found.size / found.own.median("wall")
    return Verdict(
        f"{found.work}, {found.amount}: events a second",
        {"wall": f"at least {needed:,}"},
        {"wall": f"{rate:,.0f}"},
        {"wall": rate >= needed},
    )


def _at_most(text: str, took: float, most: float) -> Verdict:
    unit, times = ("ms", 1_000) if most < 1 else ("s", 1)
    return Verdict(
        text,
        {"wall": f"at most {most * times:g} {unit}"},
        {"wall": f"{took * times:.2f} {unit}"},
        {"wall": took <= most},
    )


def _flat(found: Comparison) -> Iterator[Verdict]:
    """Judge the growth: CPU of an event over that with a tenth of the table."""
    own = [name for name in found.timings if name.startswith(OWN)]
    for before, after in pairwise(own):
        ratio = found.ratio(after, "cpu", before)
        sizes = [name.partition(" @ ")[2] for name in (after, before)]
        yield Verdict(
            f"{found.group}: an event after {sizes[0]} over one after {sizes[1]}",
            {"CPU": f"at most {_FLAT:g}x"},
            {"CPU": f"{ratio:.2f}x"},
            {"CPU": ratio <= _FLAT},
        )


def verdicts(results: Results, calls: Calls) -> list[Verdict]:
    """Return every target and where we stand, at the largest size measured.

    Parameters
    ----------
    results
        What was measured.
    calls
        How long single calls took.

    Returns
    -------
    list of Verdict
        In the order of the works.
    """
    found = largest(results.comparisons)
    said = [_faster(found[g], e, n) for g, e, n in _RATIOS if g in found]
    said += [_rate(found[group], needed) for group, needed in _RATES if group in found]
    if "F5" in found:
        text = f"F5, {found['F5'].amount}: 99 of 100 calls with group commit"
        said.append(_at_most(text, calls.of(found["F5"])[GROUP]["p99"], _LATEST))
    for group in sorted(group for group in found if group.startswith("F8 ")):
        said += _flat(found[group])
    if "F9" in found and found["F9"].size == _AUDITED:
        took = found["F9"].own.median("wall")
        said.append(_at_most(f"F9, {found['F9'].amount}: an audit", took, _AUDIT))
    return said


def _rates(found: Comparison, calls: Calls) -> list[str]:
    """Return what a second brings and how long a call takes, as lines of Markdown."""
    told = calls.of(found)
    lines = [f"| engine | {found.unit}s a second | p50 ms | p99 ms |"]
    lines.append("|---|---:|---:|---:|")
    for engine, timing in found.timings.items():
        rate = found.size / timing.median("wall")
        said = told.get(engine)
        quantiles = (
            [f"{said[name] * 1_000:.2f}" for name in ("p50", "p99")]
            if said
            else ["-", "-"]
        )
        cells = [engine, f"{rate:,.0f}", *quantiles]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _body(found: Sequence[Comparison], calls: Calls) -> Iterator[str]:
    """Yield the sections, each with what a second brings after its tables."""
    for work, title in WORKS.items():
        theirs = [one for one in found if one.work == work]
        yield from sections({work: title}, _TEXTS, theirs)
        for one in sorted(theirs, key=lambda one: (one.group, one.size)):
            where = one.group.partition(" ")[2]
            yield from ("", f"{where + ', ' if where else ''}{one.amount}:", "")
            yield from _rates(one, calls)


def desk_chapter(results: Results, calls: Calls) -> str:
    """Return the chapter, without its heading.

    Parameters
    ----------
    results
        What was measured.
    calls
        How long single calls took.

    Returns
    -------
    str
        Markdown.
    """
    body = _body(results.comparisons, calls)
    return chapter(_INTRO, _PACKAGES, verdicts(results, calls), body)
