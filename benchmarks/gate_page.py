"""What the chapter on the gate compares, aims at and says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from comparisons import Comparison, Target, Verdict, judge, largest
from gates import OWN, OWN_SORTING, PEER, PEER_COUNTING
from page import chapter, sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from results import Results

__all__ = ["ENGINES", "GROWTH", "WORKS", "gate_chapter", "verdicts"]

#: The work that is measured at growing sizes, ours alone.
GROWTH: Final = "G4"
#: What each comparison is about.
WORKS: Final[Mapping[str, str]] = {
    "G1": "One decision, from fifty past messages",
    "G2": "One decision, with what was learned from them",
    "G3": "A table of decisions",
    GROWTH: "Ten times the users",
}
#: Each comparison's engines, ours first.
ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    "G1": (OWN, PEER),
    "G2": (OWN, PEER),
    "G3": (OWN, OWN_SORTING, PEER, PEER_COUNTING),
}
#: What we set out to reach, at every size.
_TARGETS: Final = (
    Target("G1", PEER, 10, 10),
    Target("G3", PEER_COUNTING, 1_000, 1_000),
)
#: More than this much per decision for ten times the users is not linear any more.
_LINEAR: Final = 1.25
_PACKAGES: Final = ("numpy", "pyarrow", "proactive-gate")
_INTRO: Final = """\
Measured by

```sh
OPENBLAS_NUM_THREADS=1 python benchmarks/gate.py --write docs/benchmarks.md
```

One policy on both sides: consent, one grant, quiet hours from 22:30 to 08:00, four
hours between two messages, and at most two a day, seven a week and 32 a month on the
calendar of Shanghai. Each user got fifty messages in 45 days; what is asked is whether
one more may go at noon. Both let the same users through, which is checked.

The two differ in what they keep. proactive-gate keeps counters by user and period in a
store, here in memory, which somebody has to count up at every message; the gap is a
date until which the user is snoozed, the grant a consent, both worked out before it is
asked. wxengage keeps the past messages themselves and works everything out of them,
also what the counters cannot tell: the first instant at which everything allows the
message.
"""
_TEXTS: Final = {
    "G1": """\
Timed is the way from fifty past messages to a decision: a new `History` of them and
`Gate.check`, and 150 counts in a new store and `Gate.evaluate`.""",
    "G2": """\
Timed are `Gate.check` on a history that was asked a minute before, and `Gate.evaluate`
with all counters in place.""",
    "G3": """\
Timed is `Gate.check_many`, the messages as a PyArrow table, on tables that were sorted
before; *sorting*: with reading and sorting the past and the users as well. The peer
decides one by one, with its counters in place; *counting*: with counting as well.""",
    GROWTH: """\
Timed is `Gate.check_many` on tables that were sorted before.""",
}


def _growth_verdicts(found: Comparison) -> list[Verdict]:
    """Judge the growth: time per decision."""
    sizes = [
        int(name.partition(" @ ")[2].split()[0].replace(",", ""))
        for name in found.timings
    ]
    said = []
    for (before, size), (small, large) in zip(
        pairwise(sizes), pairwise(found.timings), strict=True
    ):
        ratios = {
            label: found.ratio(large, label.lower(), small) * before / size
            for label in ("wall", "CPU")
        }
        said.append(
            Verdict(
                f"{GROWTH}, {size:,} users: time per decision over that of {before:,}",
                dict.fromkeys(ratios, f"at most {_LINEAR}x"),
                {label: f"{ratio:.2f}x" for label, ratio in ratios.items()},
                {label: ratio <= _LINEAR for label, ratio in ratios.items()},
            )
        )
    return said


def verdicts(results: Results) -> list[Verdict]:
    """Return every target and where we stand, at every size measured."""
    found = results.comparisons
    said: list[Verdict] = []
    for size in sorted({one.size for one in found}):
        said += judge(_TARGETS, [one for one in found if one.size == size])
    by_group = largest(found)
    if GROWTH in by_group:
        said += _growth_verdicts(by_group[GROWTH])
    return said


def gate_chapter(results: Results) -> str:
    """Return the chapter, without its heading."""
    body = sections(WORKS, _TEXTS, results.comparisons)
    return chapter(_INTRO, _PACKAGES, verdicts(results), body)
