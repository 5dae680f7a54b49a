"""The planner against HiGHS, and its growth to a million users.

``python benchmarks/plan.py --write docs/benchmarks.md`` measures everything and
writes the chapter; ``--help`` says how to measure less. HiGHS is measured at the
sizes; growth at ten and a hundred times the largest, and at that one too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offers import Offers, make_offers
from plan_page import ENGINES, GROWTH, RELAXED, WORKS, plan_chapter, verdicts
from planners import OWN, too_wide, unequal
from results import Results, command, measure, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main"]

_SIZES: Final = (1_000, 10_000)
#: Users who are planned in whole numbers by branch and bound.
_FEW: Final = 200
#: HiGHS takes a minute or more for so many: one round of it will do.
_SLOW: Final = 10_000


def _plans(
    works: Sequence[str], sizes: Sequence[int]
) -> Iterator[tuple[str, dict[str, Offers], int | None]]:
    """Yield each comparison: its work, the offers of each engine, and rounds."""
    if RELAXED in works:
        for size in sizes:
            engines = dict.fromkeys(ENGINES[RELAXED], make_offers(size))
            yield RELAXED, engines, 1 if size >= _SLOW else 3
    if "D2" in works:
        few = make_offers(min(_FEW, sizes[0]))
        yield "D2", dict.fromkeys(ENGINES["D2"], few), 3
    if GROWTH in works:
        grown = [make_offers(times * sizes[-1]) for times in (1, 10, 100)]
        yield GROWTH, {f"{OWN} @ {one.size:,} users": one for one in grown}, None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and, when asked to, write the chapter.

    Parameters
    ----------
    arguments
        Of the command line; the process's own when None.
    """
    options = command(__doc__, "plan.json", WORKS, _SIZES).parse_args(arguments)
    results = Results.at(options.results)
    for work, offers, rounds in _plans(options.only, sorted(options.sizes)):
        differ = too_wide if work == GROWTH else unequal
        rounds_ = options.rounds or rounds
        found = measure(work, offers, rounds_, small=_SLOW, differ=differ)
        results.add(found)
    said = verdicts(results)
    report(said, options.write, "Planning", lambda: plan_chapter(results))


if __name__ == "__main__":
    main()
