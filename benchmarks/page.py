"""The page of results, written from what was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Final

from comparisons import TARGETS, WORKS, Comparison, Verdict
from imports import ALLOWED_MS, FORBIDDEN, Imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


__all__ = ["page", "table", "verdicts"]

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
_HEADINGS: Final = (
    "wall s",
    "CPU s",
    "wall ratio",
    "CPU ratio",
    "peak MB",
    "own memory MB",
)
_MB: Final = 1_000_000
#: More than this much per event at five times the events is not linear any more.
_LINEAR: Final = 1.25
_INTRO: Final = """\
# Benchmarks

This page is written by a program. To measure again, in a checkout with
`pip install -e '.[bench,spark]'`:

```sh
OPENBLAS_NUM_THREADS=1 python benchmarks/segments.py --spark --write docs/benchmarks.md
```

`--only A1,A3` and `--sizes 1e5 1e6` measure less; what was not measured again
stays on the page as it was.

## How to read it

Every engine runs in a process of its own with two threads. One run is not
timed; then, in every round, each engine runs once, in turn. Seconds are medians
over the rounds. **Ratios are medians of the ratios within a round**: they say
how many times as long the engine took as wxengage, and a machine that others
use too disturbs them little. CPU is the time of all threads. *Peak* is the most
memory that was resident in the process at any time, its imports and its data
included; *own memory* is the same without mapped files, seen every 20 ms.

All engines of a table give **the same answer, checked column by column** before
and after the rounds: events, interactions, interactions and days in the window,
sessions, value, first, last and last interaction, menu clicks, repeat days, the
ages the lifetime models need, and the segment. On top of it, wxengage says since
when each user has been in the segment, why, how long they have been silent and
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
    "H": """\
Timed is `python -c 'import wxengage'` against `python -c pass`, in turn.""",
}


def _words() -> list[str]:
    """Return what the machine and the libraries are."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next(
        (
            line.split(":")[1].strip()
            for line in text.splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return [
        f"- Machine: {os.cpu_count()} x {model}, {memory:.0f} GiB, {platform.system()}",
        f"- Python {platform.python_version()}, " + ", ".join(found),
    ]


def table(comparison: Comparison) -> list[str]:
    """Return one comparison as lines of Markdown."""
    lines = [
        "| engine | " + " | ".join(_HEADINGS) + " |",
        "|---|" + "---:|" * len(_HEADINGS),
    ]
    for engine, timing in comparison.timings.items():
        seconds = [_seconds(timing.median(measure)) for measure in ("wall", "cpu")]
        ratios = [f"{comparison.ratio(engine, m):.2f}" for m in ("wall", "cpu")]
        memory = [f"{size / _MB:,.0f}" for size in (timing.peak, timing.anonymous)]
        lines.append("| " + " | ".join([engine, *seconds, *ratios, *memory]) + " |")
    return lines


def _seconds(value: float) -> str:
    return (
        f"{value:.4f}"
        if value < 0.1
        else f"{value:.3f}"
        if value < 10
        else f"{value:.1f}"
    )


def _growth(comparisons: Sequence[Comparison]) -> list[str]:
    """Return CPU nanoseconds an event at every size."""
    sizes = [f"{one.events:,} events" for one in comparisons]
    lines = [
        "CPU nanoseconds per event:",
        "",
        "| engine | " + " | ".join(sizes) + " |",
        "|---|" + "---:|" * len(sizes),
    ]
    for engine in comparisons[0].timings:
        cells = [
            f"{one.timings[engine].median('cpu') / one.events * 1e9:,.0f}"
            if engine in one.timings
            else "-"
            for one in comparisons
        ]
        lines.append(f"| {engine} | " + " | ".join(cells) + " |")
    return lines


def _growth_verdicts(comparison: Comparison) -> list[Verdict]:
    """Judge A5: the base, five times all, five times the events of as many users."""
    base, all_five, events_five = comparison.timings
    wall, cpu = (comparison.ratio(all_five, m) / 5 for m in ("wall", "cpu"))
    sizes = [comparison.timings[name].anonymous for name in (events_five, base)]
    memory = sizes[0] / max(sizes[1], 1)
    limit = f"at most {_LINEAR}x"
    events = f"A5, {comparison.events * 5:,} events"
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


def verdicts(found: Iterable[Comparison], imports: Imports | None) -> list[Verdict]:
    """Return every target and where we stand, at the largest size measured.

    Parameters
    ----------
    found
        The comparisons.
    imports
        What the import takes, if it was measured.

    Returns
    -------
    list of Verdict
        In the order of the targets.
    """
    largest: dict[str, Comparison] = {}
    for one in found:
        if one.group not in largest or one.events > largest[one.group].events:
            largest[one.group] = one
    said = [
        target.judge(largest[target.group])
        for target in TARGETS
        if target.group in largest and target.engine in largest[target.group].timings
    ]
    if "A5" in largest:
        said += _growth_verdicts(largest["A5"])
    if imports is not None:
        said.append(_import_verdict(imports))
    return said


def _verdict_lines(said: Sequence[Verdict]) -> list[str]:
    lines = ["| target | needed | reached | verdict |", "|---|---|---|---|"]
    for one in said:
        needed = ", ".join(f"{k} {v}" for k, v in one.needed.items())
        reached = ", ".join(f"{k} {v}" for k, v in one.reached.items())
        lines.append(f"| {one.text} | {needed} | {reached} | {one.word} |")
    return lines


def page(found: Sequence[Comparison], imports: Imports | None) -> str:
    """Return the whole page.

    Parameters
    ----------
    found
        The comparisons.
    imports
        What the import takes, if it was measured.

    Returns
    -------
    str
        Markdown.
    """
    lines = [_INTRO, "## Machine and versions", "", *_words(), "", "## Targets", ""]
    lines += _verdict_lines(verdicts(found, imports))
    for work, title in WORKS.items():
        groups = sorted({one.group for one in found if one.group.split()[0] == work})
        if not groups and not (work == "H" and imports is not None):
            continue
        lines += ["", f"## {work}. {title}", "", _TEXTS[work]]
        for group in groups:
            lines += _group(_by_size(found, group))
        if work == "H" and imports is not None:
            lines += _import_lines(imports)
    return "\n".join(lines) + "\n"


def _by_size(found: Iterable[Comparison], group: str) -> list[Comparison]:
    """Return a group's comparisons, the smallest log first."""
    return sorted(
        (one for one in found if one.group == group), key=lambda one: one.events
    )


def _group(comparisons: Sequence[Comparison]) -> list[str]:
    lines: list[str] = []
    for one in comparisons:
        rounds = len(one.own.wall)
        where = one.group.partition(" ")[2]
        lines += [
            "",
            f"### {where + ': ' if where else ''}{one.events:,} events",
            "",
            (
                f"{one.users:,} users, {rounds} rounds, {one.when}; load average "
                f"{one.load[0]:.1f} before, {one.load[1]:.1f} after."
            ),
            "",
            *table(one),
        ]
    if len(comparisons) > 1:
        lines += ["", *_growth(comparisons)]
    return lines


def _import_lines(found: Imports) -> list[str]:
    return [
        "",
        "| | wall ms | CPU ms |",
        "|---|---:|---:|",
        f"| bare interpreter | {found.bare_wall:.1f} | {found.bare_cpu:.1f} |",
        f"| with the import | {found.wall:.1f} | {found.cpu:.1f} |",
        "",
        f"Of {', '.join(FORBIDDEN)} it loads {', '.join(found.loaded) or 'none'}.",
    ]
