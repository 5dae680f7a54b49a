"""The gate against proactive-gate, one by one and as a table, and its growth.

``python benchmarks/gate.py --write docs/benchmarks.md`` measures everything and writes
the chapter; ``--help`` says how to measure less. Growth is measured over the sizes and
ten times the largest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from audience import Audience, make_audience
from gate_page import ENGINES, GROWTH, WORKS, gate_chapter, verdicts
from gates import OWN, unequal
from results import Results, command, measure, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

_SIZES: Final = (10_000, 100_000)
#: Users up to here take so short a time that more rounds cost nothing.
_SMALL: Final = 1_000
#: What is decided one by one takes as long for each of many as for each of few.
_ENOUGH: Final = 10_000


def _plans(
    works: Sequence[str], sizes: Sequence[int]
) -> Iterator[tuple[str, dict[str, Audience]]]:
    """Yield each comparison to make: its work, and the users of each engine."""
    for size in sizes:
        for work, engines in ENGINES.items():
            if work in works and (work == "G3" or size <= _ENOUGH):
                yield work, dict.fromkeys(engines, make_audience(size))
    if GROWTH in works:
        grown = [make_audience(size) for size in (*sizes, 10 * sizes[-1])]
        yield GROWTH, {f"{OWN} @ {one.size:,} users": one for one in grown}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when asked to, write the chapter.

    Parameters
    ----------
    arguments
        Of the command line; the process's own when None.
    """
    options = command(__doc__, "gate.json", WORKS, _SIZES).parse_args(arguments)
    results = Results.at(options.results)
    for work, users in _plans(options.only, sorted(options.sizes)):
        differ = None if work == GROWTH else unequal
        found = measure(work, users, options.rounds, small=_SMALL, differ=differ)
        results.add(found)
    said = verdicts(results)
    report(said, options.write, "The gate", lambda: gate_chapter(results))


if __name__ == "__main__":
    main()
