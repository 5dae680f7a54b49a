"""Lifetime models against lifetimes, and their growth to ten million customers.

``python benchmarks/btyd.py --write docs/benchmarks.md`` measures everything and
writes the chapter; ``--help`` says how to measure less. Growth is measured over the
sizes and ten times the largest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from btyd_page import ENGINES, GROWTH, WORKS, btyd_chapter, verdicts
from customers import Customers, make_customers
from fitters import OWN, unequal
from results import Results, command, measure, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

_SIZES: Final = (100_000, 1_000_000)
#: Customers up to here take so short a time that more rounds cost nothing.
_SMALL: Final = 100_000


def _plans(
    works: Sequence[str], sizes: Sequence[int]
) -> Iterator[tuple[str, dict[str, Customers]]]:
    """Yield each comparison to make: its work, and the customers of each engine."""
    for size in sizes:
        for work, engines in ENGINES.items():
            if work in works:
                yield work, dict.fromkeys(engines, make_customers(size))
    if GROWTH in works:
        grown = [make_customers(size) for size in (*sizes, 10 * sizes[-1])]
        yield GROWTH, {f"{OWN} @ {one.size:,} customers": one for one in grown}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when asked to, write the chapter.

    Parameters
    ----------
    arguments
        Of the command line; the process's own when None.
    """
    options = command(__doc__, "btyd.json", WORKS, _SIZES).parse_args(arguments)
    results = Results.at(options.results)
    for work, customers in _plans(options.only, sorted(options.sizes)):
        differ = None if work == GROWTH else unequal
        found = measure(work, customers, options.rounds, small=_SMALL, differ=differ)
        results.add(found)
    said = verdicts(results)
    report(said, options.write, "Lifetime models", lambda: btyd_chapter(results))


if __name__ == "__main__":
    main()
