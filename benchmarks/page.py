"""The page of results, a chapter a program, written from what was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from comparisons import Comparison, Verdict

__all__ = ["chapter", "put_chapter", "sections", "table"]

_HEADINGS: Final = (
    "wall s",
    "CPU s",
    "wall ratio",
    "CPU ratio",
    "peak MB",
    "own memory MB",
)
_MB: Final = 1_000_000
_HEAD: Final = """\
# Benchmarks

This page is written by programs, a chapter by each. To measure again, install a
checkout with `pip install -e '.[bench,spark]'` and run the program that the chapter
names. `--sizes 1e5 1e6` measures less, and so does `--only`; what was not measured
again stays on the page as it was.

Every engine runs in a process of its own with two threads. One run is not
timed; then, in every round, each engine runs once, in turn. Seconds are medians
over the rounds. **Ratios are medians of the ratios within a round**: they say
how many times as long the engine took as wxengage, and a machine that others
use too disturbs them little. CPU is the time of all threads. *Peak* is the most
memory that was resident in the process at any time, its imports and its data
included; *own memory* is the same without mapped files, seen every 20 ms.
All engines of a table give **the same answer, checked** before and after the rounds.
"""


def _machine(packages: Iterable[str]) -> list[str]:
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
    for name in packages:
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
    """Return CPU nanoseconds an event, or what the data are, at every size."""
    sizes = [one.amount for one in comparisons]
    lines = [
        f"CPU nanoseconds per {comparisons[0].unit}:",
        "",
        "| engine | " + " | ".join(sizes) + " |",
        "|---|" + "---:|" * len(sizes),
    ]
    for engine in comparisons[0].timings:
        cells = [
            f"{one.timings[engine].median('cpu') / one.size * 1e9:,.0f}"
            if engine in one.timings
            else "-"
            for one in comparisons
        ]
        lines.append(f"| {engine} | " + " | ".join(cells) + " |")
    return lines


def _verdict_lines(said: Sequence[Verdict]) -> list[str]:
    lines = ["| target | needed | reached | verdict |", "|---|---|---|---|"]
    for one in said:
        needed = ", ".join(f"{k} {v}" for k, v in one.needed.items())
        reached = ", ".join(f"{k} {v}" for k, v in one.reached.items())
        lines.append(f"| {one.text} | {needed} | {reached} | {one.word} |")
    return lines


def sections(
    works: Mapping[str, str], texts: Mapping[str, str], found: Sequence[Comparison]
) -> list[str]:
    """Return a section for each work that was measured, as lines of Markdown.

    Parameters
    ----------
    works
        What each work is about, by its number.
    texts
        What is timed in it.
    found
        The comparisons.

    Returns
    -------
    list of str
        In the order of ``works``.
    """
    lines = []
    for work, title in works.items():
        groups = sorted({one.group for one in found if one.work == work})
        if groups:
            lines += ["", f"### {work}. {title}", "", texts[work]]
        for group in groups:
            lines += _group(_by_size(found, group))
    return lines


def _by_size(found: Iterable[Comparison], group: str) -> list[Comparison]:
    """Return a group's comparisons, the smallest data first."""
    return sorted(
        (one for one in found if one.group == group), key=lambda one: one.size
    )


def _group(comparisons: Sequence[Comparison]) -> list[str]:
    lines: list[str] = []
    for one in comparisons:
        rounds = len(one.own.wall)
        where = one.group.partition(" ")[2]
        lines += [
            "",
            f"#### {where + ': ' if where else ''}{one.amount}",
            "",
            (
                f"{one.about}, {rounds} rounds, {one.when}; load average "
                f"{one.load[0]:.1f} before, {one.load[1]:.1f} after."
            ),
            "",
            *table(one),
        ]
    if len(comparisons) > 1:
        lines += ["", *_growth(comparisons)]
    return lines


def chapter(
    intro: str, packages: Iterable[str], said: Sequence[Verdict], body: Iterable[str]
) -> str:
    """Return a chapter.

    Parameters
    ----------
    intro
        How it was measured.
    packages
        Whose versions are said.
    said
        Targets and where we stand.
    body
        Its sections, as lines.

    Returns
    -------
    str
        Markdown, without the chapter's heading.
    """
    lines = [intro, "### Machine and versions", "", *_machine(packages)]
    lines += ["", "### Targets", "", *_verdict_lines(said), *body]
    return "\n".join(lines) + "\n"


def put_chapter(path: Path, title: str, text: str) -> None:
    """Write a chapter into the page, in the place of the older one or at the end.

    Parameters
    ----------
    path
        The page; made where there is none.
    title
        The chapter's heading.
    text
        The chapter.
    """
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    _, *pieces = re.split(r"^## (.+)\n\n", old, flags=re.MULTILINE)
    chapters = dict(zip(pieces[::2], pieces[1::2], strict=True))
    chapters[title] = text
    parts = [f"## {name}\n\n{said.rstrip()}\n" for name, said in chapters.items()]
    path.write_text("\n".join([_HEAD, *parts]), encoding="utf-8")
