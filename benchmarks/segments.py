"""Segmentation against pandas, Polars and DuckDB, and inside engines.

``python benchmarks/segments.py --write docs/benchmarks.md`` measures everything
and writes the page; ``--help`` says how to measure less.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from answers import differences
from eventlog import EventLog, make_log
from imports import measure_imports
from results import Results, command, measure, report
from segments_page import GROUPS, WORKS, segments_chapter, verdicts

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

_SIZES: Final = (100_000, 1_000_000, 10_000_000)
#: A log up to here takes so short a time that more rounds cost nothing.
_SMALL: Final = 1_000_000
_FILES: Final = 5
#: What the run over five times the largest size may need, a byte an event.
_BYTES_PER_EVENT: Final = 150


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command(__doc__, "segments.json", WORKS, _SIZES)
    parser.add_argument("--spark", action="store_true", help="Spark in A4 too")
    return parser.parse_args(arguments)


def _plans(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, EventLog]]]:
    """Yield each comparison to make: its group, and the log of each engine."""
    for size in sorted(options.sizes):
        for group, engines in GROUPS.items():
            if group.split()[0] not in options.only:
                continue
            if group == "A4 Spark" and not options.spark:
                continue
            log = make_log(size)
            yield group, dict.fromkeys(engines, log)
    if "A5" in options.only:
        size = max(options.sizes)
        if not _fits(5 * size):
            print(f"A5: too little memory for {5 * size:,} events, left out")
            return
        few, many = size // 20, size // 4
        shapes = ((size, few), (5 * size, many), (5 * size, few))
        yield (
            "A5",
            {
                f"wxengage @ {n:,} events, {users:,} users": make_log(n, users, _FILES)
                for n, users in shapes
            },
        )


def _fits(events: int) -> bool:
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024 > events * _BYTES_PER_EVENT
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when asked to, write the page.

    Parameters
    ----------
    arguments
        Of the command line; the process's own when None.
    """
    options = _parsed(arguments)
    results = Results.at(options.results)
    for group, logs in _plans(options):
        differ = None if group == "A5" else differences
        found = measure(group, logs, options.rounds, small=_SMALL, differ=differ)
        results.add(found)
    if "H" in options.only:
        results.imports = measure_imports()
        results.save()
    said = verdicts(results)
    report(said, options.write, "Segmentation", lambda: segments_chapter(results))


if __name__ == "__main__":
    main()
