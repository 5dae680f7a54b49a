"""Segmentation against pandas, Polars and DuckDB, and inside engines.

``python benchmarks/segments.py --write docs/benchmarks.md`` measures everything
and writes the page; ``--help`` says how to measure less.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from comparisons import GROUPS, WORKS, Comparison
from eventlog import CACHE, EventLog, make_log
from imports import Imports, measure_imports
from page import page, table, verdicts
from timing import compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

_SIZES: Final = (100_000, 1_000_000, 10_000_000)
_ROUNDS: Final = 5
#: A small log takes so short a time that more rounds cost nothing.
_MORE_ROUNDS: Final = 4
_SMALL: Final = 1_000_000
_FILES: Final = 5
#: What the run over five times the largest size may need, a byte an event.
_BYTES_PER_EVENT: Final = 150


@attrs.define
class _Results:
    """What was measured, kept in a file after every comparison."""

    path: Path
    comparisons: list[Comparison] = attrs.Factory(list)
    imports: Imports | None = None

    @classmethod
    def at(cls, path: Path) -> _Results:
        """Return what the file holds; nothing where there is none."""
        if not path.is_file():
            return cls(path)
        plain = json.loads(path.read_text(encoding="utf-8"))
        imports = plain["imports"] and Imports.of(plain["imports"])
        return cls(path, [Comparison.of(one) for one in plain["comparisons"]], imports)

    def add(self, new: Comparison) -> None:
        """Put a comparison in the place of an older one like it."""
        self.comparisons = [
            one
            for one in self.comparisons
            if (one.group, one.events) != (new.group, new.events)
        ]
        self.comparisons.append(new)
        self.save()

    def save(self) -> None:
        """Write the file."""
        plain = {
            "comparisons": [one.plain() for one in self.comparisons],
            "imports": self.imports and self.imports.plain(),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(plain, indent=1), encoding="utf-8")


def _size(text: str) -> int:
    size = int(float(text))
    if size < 100:
        raise argparse.ArgumentTypeError(f"{text}: at least 100 events")
    return size


def _works(text: str) -> list[str]:
    works = text.upper().split(",")
    if unknown := [work for work in works if work not in WORKS]:
        raise argparse.ArgumentTypeError(f"{unknown}: choose of {', '.join(WORKS)}")
    return works


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=_size, default=_SIZES, help="events")
    parser.add_argument(
        "--only", type=_works, default=list(WORKS), help="such as A1,A3; all by default"
    )
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="of each engine")
    parser.add_argument("--spark", action="store_true", help="Spark in A4 too")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="write a Markdown page"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=CACHE / "results.json",
        help="where measurements wait for the page; %(default)s by default",
    )
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


def _measure(
    group: str, logs: dict[str, EventLog], options: argparse.Namespace
) -> Comparison:
    log = next(iter(logs.values()))
    rounds = options.rounds
    if log.events <= _SMALL and rounds == _ROUNDS:
        rounds += _MORE_ROUNDS
    print(f"{group}, {log.events:,} events: {', '.join(logs)}", flush=True)
    before = os.getloadavg()[0]
    found = compare(
        group.split(maxsplit=1)[0],
        logs,
        rounds,
        same_answer=group != "A5",
        tell=lambda line: print(line, flush=True),
    )
    now = dt.datetime.now(dt.UTC).isoformat(" ", "minutes")
    load = (before, os.getloadavg()[0])
    return Comparison(group, log.events, log.users, found, now, load)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when asked to, write the page.

    Parameters
    ----------
    arguments
        Of the command line; the process's own when None.
    """
    options = _parsed(arguments)
    results = _Results.at(options.results)
    for group, logs in _plans(options):
        comparison = _measure(group, logs, options)
        results.add(comparison)
        print("\n".join(table(comparison)), flush=True)
    if "H" in options.only:
        results.imports = measure_imports()
        results.save()
    for one in verdicts(results.comparisons, results.imports):
        reached = ", ".join(f"{k} {v}" for k, v in one.reached.items())
        print(f"{one.text}: {reached}: {one.word}")
    if options.write:
        text = page(results.comparisons, results.imports)
        options.write.write_text(text, encoding="utf-8")
        print(f"wrote {options.write}")


if __name__ == "__main__":
    main()
