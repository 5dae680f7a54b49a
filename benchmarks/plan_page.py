"""What the chapter on planning compares, aims at and says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from comparisons import Comparison, Target, Verdict, judge, largest
from page import chapter, sections
from planners import BY_PRICES, INTERIOR, OWN, SIMPLEX, WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from results import Results

__all__ = ["ENGINES", "GROWTH", "RELAXED", "WORKS", "plan_chapter", "verdicts"]

#: The work against the linear relaxation, and the one at growing sizes.
RELAXED: Final = "D1"
GROWTH: Final = "D3"
#: What each comparison is about.
WORKS: Final[Mapping[str, str]] = {
    RELAXED: "A plan, and the bound of its linear relaxation",
    "D2": "Two hundred users, to the last digit",
    GROWTH: "From a hundred thousand users to a million",
}
#: Each comparison's engines, ours first.
ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    RELAXED: (OWN, SIMPLEX, INTERIOR),
    "D2": (OWN, BY_PRICES, WHOLE),
}
_TARGETS: Final = (
    Target(RELAXED, SIMPLEX, 50, 50),
    Target(RELAXED, INTERIOR, 50, 50),
)
#: What a million users may take: seconds, and bytes at any time.
_MANY: Final = 1_000_000
_SECONDS: Final = 5.0
_MEMORY: Final = 1_500_000_000
#: More than this much per user at ten times the users is not linear any more.
_LINEAR: Final = 1.5
_PACKAGES: Final = ("numpy", "scipy")
_INTRO: Final = """\
Measured by

```sh
OPENBLAS_NUM_THREADS=1 python benchmarks/plan.py --write docs/benchmarks.md
```

The offers are made up, and the same on every run: 40 options (20 messages, 6 slots, 4
channels) for every user, one message a slot, four a day, one ad for two users in five
and none for the others; 20 budgets of messages, 4 of channels and one of money. Every
plan of ours is counted again, limit by limit, by the program.
"""
_TEXTS: Final = {
    RELAXED: """\
Ours is `Candidates.from_matrix` and `plan_sends`: a plan in whole numbers, its bound
and its gap. HiGHS, through scipy, solves the linear relaxation and nothing else; making
its matrix is not timed. The bounds are equal to 1e-6. A thousand users would be solved
exactly; here they too are planned by prices.""",
    "D2": """\
The best plan there is, by branch and bound. Without being told otherwise `plan_sends`
solves so few users exactly. By prices it is at most what the best plan is worth, and
its bound at least, which is checked.""",
    GROWTH: """\
Timed is `Candidates.from_matrix` and `plan_sends`. Every plan has a certified gap of at
most 1e-4, which is checked before and after the rounds.""",
}


def _growth_verdicts(found: Comparison) -> list[Verdict]:
    """Judge the growth: time per user, and what a million take."""
    sizes = [_size_of(name) for name in found.timings]
    said = []
    for (before, size), (small, large) in zip(
        pairwise(sizes), pairwise(found.timings), strict=True
    ):
        per_user = {
            label: found.ratio(large, label.lower(), small) * before / size
            for label in ("wall", "CPU")
        }
        said.append(
            Verdict(
                f"{GROWTH}, {size:,} users: time per user over that of {before:,}",
                dict.fromkeys(per_user, f"at most {_LINEAR}x"),
                {label: f"{times:.2f}x" for label, times in per_user.items()},
                {label: times <= _LINEAR for label, times in per_user.items()},
            )
        )
    if sizes[-1] == _MANY:
        timing = [*found.timings.values()][-1]
        took = timing.median("wall")
        said.append(
            Verdict(
                f"{GROWTH}, {_MANY:,} users: planned to a gap of 1e-4",
                {"wall": f"at most {_SECONDS:g} s", "peak": "at most 1.5 GB"},
                {"wall": f"{took:.2f} s", "peak": f"{timing.peak / 1e9:.2f} GB"},
                {"wall": took <= _SECONDS, "peak": timing.peak <= _MEMORY},
            )
        )
    return said


def _size_of(engine: str) -> int:
    return int(engine.partition(" @ ")[2].split()[0].replace(",", ""))


def verdicts(results: Results) -> list[Verdict]:
    """Return every target and where we stand, at every size measured."""
    found = results.comparisons
    said: list[Verdict] = []
    said += judge(_TARGETS, found)
    by_group = largest(found)
    if GROWTH in by_group:
        said += _growth_verdicts(by_group[GROWTH])
    return said


def plan_chapter(results: Results) -> str:
    """Return the chapter, without its heading."""
    body = sections(WORKS, _TEXTS, results.comparisons)
    return chapter(_INTRO, _PACKAGES, verdicts(results), body)
