"""What the chapter on segmentation compares, aims at and says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from comparisons import Comparison, Target, Verdict, judge, largest
from imports import ALLOWED_MS, FORBIDDEN, Imports
from page import chapter, sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from results import Results

__all__ = ["GROUPS", "WORKS", "segments_chapter", "verdicts"]

_PEERS: Final = ("pandas", "Polars", "Polars tuned", "DuckDB", "DuckDB tuned")
_WAYS: Final = ("wxengage", "native", "native unchecked")
_ADDING: Final = "wxengage, adding only"
#: Each comparison's engines, ours first.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "A1": ("wxengage", "wxengage, asked again", *_PEERS),
    "A2": ("wxengage", *_PEERS),
    "A3": ("wxengage", _ADDING, "wxengage recompute", *_PEERS),
} | {
    f"A4 {where}": tuple(f"{where}, {way}" for way in _WAYS)
    for where in ("Polars", "DuckDB", "Ibis", "Spark")
}
#: What each comparison is about.
WORKS: Final[Mapping[str, str]] = {
    "A1": "From integer codes in memory",
    "A2": "From a Parquet file",
    "A3": "The nightly job",
    "A4": "Inside an engine",
    "A5": "Five times the events, from files",
    "H": "Importing",
}


#: What we set out to reach, at the largest size.
TARGETS: Final = (
    Target("A1", "pandas", 8, 8),
    *(Target("A1", peer, 2.5, 5) for peer in _PEERS[1:]),
    Target("A2", "pandas", 2, 2),
    *(Target("A2", peer, 1.5, 1.5) for peer in _PEERS[1:4]),
    Target("A2", "DuckDB tuned", 1, 1),
    *(Target("A3", peer, 100, 100) for peer in _PEERS),
    *(Target("A3", peer, 100, 100, _ADDING) for peer in _PEERS),
    Target("A4 Polars", "Polars, native", -1.1, -1.1),
    Target("A4 DuckDB", "DuckDB, native", -1.1, -1.1),
    Target("A4 Ibis", "Ibis, native", -1.35, -1.35),
    Target("A4 Spark", "Spark, native", -1.25, -1.25),
)
#: More than this much per event at five times the events is not linear any more.
_LINEAR: Final = 1.25
_PACKAGES: Final = (
    "numpy",
    "pyarrow",
    "narwhals",
    "pandas",
    "polars",
    "duckdb",
    "ibis-framework",
    "pyspark",
)
_INTRO: Final = """\
Measured by

```sh
OPENBLAS_NUM_THREADS=1 python benchmarks/segments.py --spark --write docs/benchmarks.md
```

Answers are compared column by column: events, interactions, interactions and days
in the window, sessions, value, first, last and last interaction, menu clicks, repeat
days, the ages the lifetime models need, and the segment. On top of it, wxengage says
since when each user has been in the segment, why, how long they have been silent and
since when they follow, and checks every row.

*DuckDB* is the query one would write, with a window function and distinct
counts; *DuckDB tuned* the fastest we found (days as bits; a narrow window where
users are integers, a list of times a user where they are text). *Polars* is a
lazy plan with `over`; *Polars tuned* the fastest we found (the streaming engine,
and ids cast to categories). *pandas* sorts once, compares
neighbours and groups by built-in aggregations; from a file it numbers the ids
first.

The log is made up, and the same on every run: 28-character ids, twelve kinds,
180 days, a twentieth as many users as events, picked by Zipf's law with weights
1 / (rank + 50), in sessions of four events on average. Parquet as pyarrow writes
it by default.
"""
_TEXTS: Final = {
    "A1": """\
Users and kinds are integers already, times are microseconds. Timed is
`log.summarise(as_of)` and `classify_users(log, as_of)` on a log that has not been
asked anything yet; *asked again* is the second time, when the sorted times of the
first are still there.""",
    "A2": """\
Users are 28-character ids, kinds are words. Timed is `read_log(path)`, `summarise`
and `classify_users`, and for the others reading the same file and giving the same
answer.""",
    "A3": """\
A `Tally` holds 99 % of the events and is open. Timed is adding the last 1 % from a
Parquet file and asking for the summary; the others compute the same answer from all
events, and so do we (*recompute*). *Adding only* leaves out the summary, which costs
what the users cost.""",
    "A4": """\
Timed is `read_log(frame).summarise(as_of).native` and collecting it, from a Parquet
file, against the same plan written by hand for that engine. *native* leaves out the
rows that `read_log` leaves out, *native unchecked* takes every row as it is.""",
    "A5": """\
Timed is the same as in A2, from five files one after the other in time: a log, one
with five times the events and users, and one with five times the events of as many
users. Above some million rows events wait on disk, and memory grows with users.""",
}


def _growth_verdicts(comparison: Comparison) -> list[Verdict]:
    """Judge A5: the base, five times all, five times the events of as many users."""
    base, all_five, events_five = comparison.timings
    wall, cpu = (comparison.ratio(all_five, m) / 5 for m in ("wall", "cpu"))
    sizes = [comparison.timings[name].anonymous for name in (events_five, base)]
    memory = sizes[0] / max(sizes[1], 1)
    limit = f"at most {_LINEAR}x"
    events = f"A5, {comparison.size * 5:,} events"
    return [
        Verdict(
            f"{events}: time per event over that of a fifth",
            {"wall": limit, "CPU": limit},
            {"wall": f"{wall:.2f}x", "CPU": f"{cpu:.2f}x"},
            {"wall": wall <= _LINEAR, "CPU": cpu <= _LINEAR},
        ),
        Verdict(
            f"{events} of the same users: memory over that of a fifth",
            {"own memory": limit},
            {"own memory": f"{memory:.2f}x"},
            {"own memory": memory <= _LINEAR},
        ),
    ]


def _import_verdict(found: Imports) -> Verdict:
    more = found.wall - found.bare_wall
    loaded = ", ".join(found.loaded) or "nothing"
    return Verdict(
        "H: importing, over a bare interpreter",
        {"wall": f"at most {ALLOWED_MS:g} ms", "loaded": "none of the libraries"},
        {"wall": f"{more:.1f} ms", "loaded": loaded},
        {"wall": more <= ALLOWED_MS, "loaded": not found.loaded},
    )


def verdicts(results: Results) -> list[Verdict]:
    """Return every target and where we stand, at the largest size measured."""
    said = judge(TARGETS, results.comparisons)
    by_group = largest(results.comparisons)
    if "A5" in by_group:
        said += _growth_verdicts(by_group["A5"])
    if results.imports is not None:
        said.append(_import_verdict(results.imports))
    return said


def segments_chapter(results: Results) -> str:
    """Return the chapter, without its heading."""
    body = sections(WORKS, _TEXTS, results.comparisons)
    if results.imports is not None:
        body += _import_lines(results.imports)
    return chapter(_INTRO, _PACKAGES, verdicts(results), body)


def _import_lines(found: Imports) -> list[str]:
    return [
        "",
        f"### H. {WORKS['H']}",
        "",
        "Timed is `python -c 'import wxengage'` against `python -c pass`, in turn.",
        "",
        "| | wall ms | CPU ms |",
        "|---|---:|---:|",
        f"| bare interpreter | {found.bare_wall:.1f} | {found.bare_cpu:.1f} |",
        f"| with the import | {found.wall:.1f} | {found.cpu:.1f} |",
        "",
        f"Of {', '.join(FORBIDDEN)} it loads {', '.join(found.loaded) or 'none'}.",
    ]
