"""A desk against a bare INSERT and SQLAlchemy Core: what it keeps, and how fast.

``python benchmarks/desk.py --write docs/benchmarks.md`` measures everything and writes
the chapter; ``--help`` says how to measure less. The size is that of a run in which
events are told together; everything else is measured at a part or a multiple of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from desk_calls import Calls, Listener
from desk_events import CALLERS, PROCESSES, Stream
from desk_jobs import forget_stores
from desk_page import ENGINES, GROWN, PLACES, WORKS, desk_chapter, verdicts
from desk_servers import NAMES, databases, served
from results import Results, command, measure, report

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from desk_events import Way

__all__ = ["main"]

_SIZES: Final = (10_000,)
#: Events up to here take so short a time that more rounds cost nothing.
_SMALL: Final = 1_000


def _part(size: int, way: Way, share: int = 5) -> int:
    """Return how many events are told in a way, of which fewer go in a second."""
    if way == "callers":
        return CALLERS * max(1, size // 200)
    if way == "processes":
        return PROCESSES * max(1, size // 200)
    return size if way == "together" else max(1, size // share)


def _local(size: int) -> Iterator[tuple[str, Mapping[str, Stream]]]:
    """Yield each comparison on SQLite: its group, and the stream of each engine."""
    alike = {
        "F1": Stream(_part(size, "singly"), "singly"),
        "F2": Stream(size, "together"),
        "F3": Stream(size, "together", "mixed"),
        "F4": Stream(_part(size, "singly", 10), "singly", "invites"),
        "F5": Stream(_part(size, "callers"), "callers", at_once=CALLERS),
        "F6": Stream(_part(size, "processes"), "processes", at_once=PROCESSES),
        "F9": Stream(100 * size, "audit", "mixed"),
        "F10 messages": Stream(_part(size, "dispatch", 10), "dispatch"),
        "F10 payouts": Stream(_part(size, "dispatch", 10), "dispatch", "invites"),
    }
    for group, stream in alike.items():
        yield group, dict.fromkeys(ENGINES[group.partition(" ")[0]], stream)
    for place in ("one by one", "a thousand at a time"):
        way = PLACES[place]
        grown = (10 * size, 100 * size, 1_000 * size)
        yield (
            f"F8 {place}",
            {
                f"{engine} @ {before:,} events": Stream(
                    _part(size, way), way, before=before
                )
                for before in grown
                for engine in GROWN
            },
        )


def _remote(
    size: int, servers: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Stream]]]:
    """Yield each comparison on a server; each engine has a database of its own."""
    for name, server in servers.items():
        for place, way in PLACES.items():
            engines = ENGINES["F5" if way == "callers" else "F1"]
            with databases(server, len(engines)) as addresses:
                told = Stream(_part(size, way, 10), way, at_once=CALLERS)
                streams = [attrs.evolve(told, address=one) for one in addresses]
                yield (
                    f"F7 {name}, {place}",
                    dict(zip(engines, streams, strict=True)),
                )


def _measured(
    plans: Iterator[tuple[str, Mapping[str, Stream]]],
    options: argparse.Namespace,
    results: Results,
    calls: Calls,
) -> None:
    for group, engines in plans:
        if group.partition(" ")[0] not in options.only:
            continue
        listener = Listener()
        found = measure(
            group, engines, options.rounds, small=_SMALL, differ=listener.differ
        )
        results.add(found)
        calls.add(found, listener.told)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when asked to, write the chapter.

    Parameters
    ----------
    arguments
        Of the command line; the process's own when None.
    """
    parser = command(__doc__, "desk.json", WORKS, _SIZES)
    for name, option in NAMES.items():
        where = f"of a {name} server in which databases may be made; one is started"
        parser.add_argument(f"--{option}", metavar="ADDRESS", help=where)
    options = parser.parse_args(arguments)
    results = Results.at(options.results)
    calls = Calls.at(options.results.with_suffix(".calls.json"))
    try:
        for size in sorted(options.sizes):
            _measured(_local(size), options, results, calls)
    finally:
        forget_stores()
    if "F7" in options.only:
        addresses = {name: getattr(options, option) for name, option in NAMES.items()}
        with served(addresses) as servers:
            for size in sorted(options.sizes):
                _measured(_remote(size, servers), options, results, calls)
    said = verdicts(results, calls)
    report(said, options.write, "The desk", lambda: desk_chapter(results, calls))


if __name__ == "__main__":
    main()
