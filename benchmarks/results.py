"""What was measured, and the command that measures and writes a chapter."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from answers import differences
from cache import CACHE
from comparisons import Comparison
from imports import Imports
from page import put_chapter, table
from timing import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from comparisons import Verdict
    from jobs import Data
    from timing import Digests

__all__ = ["Results", "command", "measure", "report"]

_ROUNDS: Final = 5
#: Small data take so short a time that more rounds cost nothing.
_MORE_ROUNDS: Final = 4


@attrs.define
class Results:
    """What was measured, kept in a file after every comparison.

    Attributes
    ----------
    path
        The file.
    comparisons
        All that were made, each the latest of its kind.
    imports
        What the import takes, if it was measured.
    """

    path: Path
    comparisons: list[Comparison] = attrs.Factory(list)
    imports: Imports | None = None

    @classmethod
    def at(cls, path: Path) -> Results:
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
            if (one.group, one.size) != (new.group, new.size)
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
        raise argparse.ArgumentTypeError(f"{text}: at least 100")
    return size


def command(
    description: str | None,
    results: str,
    works: Mapping[str, str],
    sizes: Sequence[int],
) -> argparse.ArgumentParser:
    """Return the command line that the benchmarks have in common.

    Parameters
    ----------
    description
        What the program does.
    results
        The file in the cache where its measurements wait for the page.
    works
        Numbers of the works that ``--only`` knows, and what each is about.
    sizes
        What it measures by default.

    Returns
    -------
    argparse.ArgumentParser
        More arguments may be added.
    """

    def chosen(text: str) -> list[str]:
        numbers = text.upper().split(",")
        if unknown := [number for number in numbers if number not in works]:
            raise argparse.ArgumentTypeError(f"{unknown}: choose of {', '.join(works)}")
        return numbers

    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--sizes", nargs="+", type=_size, default=sizes, help="of the data")
    add("--only", type=chosen, default=list(works), help="works, with commas between")
    add("--rounds", "--pairs", type=int, help="of each engine; the more, the surer")
    add("--write", type=Path, metavar="PAGE", help="write the chapter into a page")
    where = "where measurements wait for the page; %(default)s by default"
    add("--results", type=Path, default=CACHE / results, help=where)
    return parser


def measure(
    group: str,
    engines: Mapping[str, Data],
    rounds: int | None,
    *,
    small: int,
    differ: Callable[[Digests], list[str]] | None = differences,
) -> Comparison:
    """Compare engines and print the table.

    Parameters
    ----------
    group
        The number of the work, and what else names the comparison.
    engines
        The data each works on, by name, ours first.
    rounds
        How many; 5 when None, and 9 for small data.
    small
        Data of at most this size are.
    differ
        As in ``timing.compare``.

    Returns
    -------
    Comparison
        What was found.
    """
    data = next(iter(engines.values()))
    if rounds is None:
        rounds = _ROUNDS + (_MORE_ROUNDS if data.size <= small else 0)
    print(f"{group}, {data.size:,} {data.unit}s: {', '.join(engines)}", flush=True)
    before = os.getloadavg()[0]
    timings = compare(
        group.split(maxsplit=1)[0],
        engines,
        rounds,
        differ=differ,
        tell=lambda line: print(line, flush=True),
    )
    found = Comparison(
        group=group,
        size=data.size,
        unit=data.unit,
        about=data.about,
        timings=timings,
        when=dt.datetime.now(dt.UTC).isoformat(" ", "minutes"),
        load=(before, os.getloadavg()[0]),
    )
    print("\n".join(table(found)), flush=True)
    return found


def report(
    said: Iterable[Verdict], page: Path | None, title: str, chapter: Callable[[], str]
) -> None:
    """Print where we stand and, when asked to, write the chapter.

    Parameters
    ----------
    said
        Targets and where we stand.
    page
        The page to write, if any.
    title
        The chapter's heading.
    chapter
        Makes its text.
    """
    for one in said:
        reached = ", ".join(f"{k} {v}" for k, v in one.reached.items())
        print(f"{one.text}: {reached}: {one.word}")
    if page:
        put_chapter(page, title, chapter())
        print(f"wrote {page}")
