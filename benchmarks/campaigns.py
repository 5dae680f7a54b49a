"""Campaigns replayed against Polars and pandas, and campaigns foreseen.

``python benchmarks/campaigns.py --write docs/benchmarks.md`` measures everything and
writes the chapter; ``--help`` says how to measure less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from answers import differences
from campaigns_page import ENGINES, WORKS, campaigns_chapter, verdicts
from invites import make_check_ins, make_invites
from results import Results, command, measure, report
from spreads import OWN, Course, Payout, apart, searched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobs import Data

__all__ = ["main"]

_SIZES: Final = (100_000, 1_000_000, 10_000_000)
#: Data up to here take so short a time that more rounds cost nothing.
_SMALL: Final = 100_000
_SEEDS: Final = (1_000, 100_000)


def _plans(
    works: Sequence[str], sizes: Sequence[int]
) -> Iterator[tuple[str, dict[str, Data]]]:
    """Yield each comparison to make: its work, and the data of each engine."""
    for work, make in (("E1", make_invites), ("E2", make_check_ins)):
        if work in works:
            for size in sizes:
                yield work, dict.fromkeys(ENGINES[work], make(size))
    if "E3" in works:
        for size in sizes:
            yield "E3", dict.fromkeys(ENGINES["E3"], Course(size))
    if "E4" in works:
        for seeds in _SEEDS:
            yield "E4", {OWN: Payout(seeds)}
    if "E5" in works:
        yield "E5", dict.fromkeys(ENGINES["E5"], searched())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when asked to, write the chapter.

    Parameters
    ----------
    arguments
        Of the command line; the process's own when None.
    """
    options = command(__doc__, "campaigns.json", WORKS, _SIZES).parse_args(arguments)
    results = Results.at(options.results)
    for work, data in _plans(options.only, sorted(options.sizes)):
        differ = differences if work in {"E1", "E2"} else apart
        found = measure(work, data, options.rounds, small=_SMALL, differ=differ)
        results.add(found)
    said = verdicts(results)
    report(said, options.write, "Campaigns", lambda: campaigns_chapter(results))


if __name__ == "__main__":
    main()
