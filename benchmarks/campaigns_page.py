"""What the chapter on campaigns compares, aims at and says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from comparisons import Target, Verdict, judge
from page import chapter, sections
from replays import OWN, PANDAS, POLARS
from spreads import BY_ONE, QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from comparisons import Comparison
    from results import Results

__all__ = ["ENGINES", "WORKS", "campaigns_chapter", "verdicts"]

#: What each comparison is about.
WORKS: Final[Mapping[str, str]] = {
    "E1": "A referral campaign replayed",
    "E2": "A check-in challenge replayed",
    "E3": "A campaign played through",
    "E4": "What a campaign may pay",
    "E5": "The best of many ladders",
}
#: Each comparison's engines, ours first.
ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    "E1": (OWN, POLARS, PANDAS),
    "E2": (OWN, POLARS, PANDAS),
    "E3": (OWN, QUEUE),
    "E4": (OWN,),
    "E5": (OWN, BY_ONE),
}
_TARGETS: Final = (
    Target("E1", POLARS, 3, 3),
    Target("E2", POLARS, 1, 1),
    Target("E3", QUEUE, 10, 10),
)
#: More than this much per event at ten times the events is not linear any more.
_LINEAR: Final = 1.5
#: Participants a second and core, and bytes for each.
_EACH_SECOND: Final = 5_000_000
_BYTES: Final = 30
#: Seconds for what a hundred thousand simulated campaigns would only estimate.
_SECONDS: Final = 5.0
_PACKAGES: Final = ("numpy", "scipy", "pyarrow", "polars", "pandas")
_INTRO: Final = """\
Measured by

```sh
OPENBLAS_NUM_THREADS=1 python benchmarks/campaigns.py --write docs/benchmarks.md
```

Events are made up, and the same on every run; people are whole numbers. *Invites*: a
fifth as many inviters as events, the earlier the better known, two weeks, follows that
name an inviter, a tenth of them after a scan; some followed before, some were asked by
a second inviter, a fifth leave and half of these come back. An invite counts after
three days and is final a week later; what is asked, a day after the end, is how many
invites of each inviter there are, count, wait, are revoked and are refused, and what is
owed. *Check-ins*: a tenth as many users as check-ins, at random within thirty days;
what is asked is days by Shanghai's calendar, the longest streak and what is owed.

Polars and pandas are told what wxengage is not: that no invites close a circle, that
the campaign is over, and that nobody comes and leaves at one instant. They get kinds as
codes, and compare neighbours in a sorted table, which is faster than windows by user.
wxengage checks every cell, looks for circles, and says more than is compared: since
when each inviter has had so many, the streak as it is, and the last day.
"""
_TEXTS: Final = {
    "E1": """\
Timed is `replay(campaign, table, as_of=...)` on a PyArrow table and its table of users;
of Polars a lazy plan, of pandas the same steps, on frames in memory.""",
    "E2": """\
Timed are the same steps: `replay` and its table of users, a lazy plan, and pandas.""",
    "E3": """\
Timed is `simulate`, from 1,000 seeds with 1.5 invites each on the average, until so
many take part; with a ladder. The queue draws from the same tables, one participant at
a time. Courses are random: both reach the same number, and means agree to a tenth.""",
    "E4": """\
Timed is `payout_distribution`: exact, where simulating would estimate. Nobody else is
there to compare with.""",
    "E5": """\
Timed is `design_ladder`. *Ladder by ladder* asks `ladder_option` of each and takes the
best at an acceptable risk: the same one, which is checked.""",
}


def _of(found: Sequence[Comparison], work: str) -> list[Comparison]:
    """Return the comparisons of one work, the smallest first."""
    return sorted((one for one in found if one.work == work), key=lambda one: one.size)


def _growth(found: Sequence[Comparison], work: str) -> Iterator[Verdict]:
    """Yield the time per event at each size over that at the size before."""
    for before, after in pairwise(_of(found, work)):
        ratios = {
            label: after.own.median(label.lower())
            / before.own.median(label.lower())
            * before.size
            / after.size
            for label in ("wall", "CPU")
        }
        yield Verdict(
            f"{work}, {after.amount}: time per event over that of {before.size:,}",
            dict.fromkeys(ratios, f"at most {_LINEAR}x"),
            {label: f"{ratio:.2f}x" for label, ratio in ratios.items()},
            {label: ratio <= _LINEAR for label, ratio in ratios.items()},
        )


def _simulated(found: Sequence[Comparison]) -> Iterator[Verdict]:
    """Yield how many participants a second and core, and how many bytes each."""
    courses = _of(found, "E3")
    if courses:
        large = courses[-1]
        rate = large.size / large.own.median("cpu")
        yield Verdict(
            f"E3, {large.amount}: a second and core",
            {"participants": f"at least {_EACH_SECOND / 1e6:g} million"},
            {"participants": f"{rate / 1e6:.1f} million"},
            {"participants": rate >= _EACH_SECOND},
        )
    for before, after in pairwise(courses[-2:]):
        # What the process takes besides is in both.
        more = after.own.anonymous - before.own.anonymous
        each = more / (after.size - before.size)
        yield Verdict(
            f"E3, {after.amount}: own memory over that of {before.size:,}, each",
            {"memory": f"at most {_BYTES} bytes"},
            {"memory": f"{each:.0f} bytes"},
            {"memory": each <= _BYTES},
        )


def _paid(found: Sequence[Comparison]) -> Iterator[Verdict]:
    for one in _of(found, "E4"):
        took = one.own.median("wall")
        yield Verdict(
            f"E4, {one.amount}: the exact distribution",
            {"wall": f"at most {_SECONDS:g} s"},
            {"wall": f"{took:.3f} s"},
            {"wall": took <= _SECONDS},
        )


def verdicts(results: Results) -> list[Verdict]:
    """Return every target and where we stand."""
    found = results.comparisons
    said = judge(_TARGETS, found)
    for work in ("E1", "E2"):
        said += _growth(found, work)
    return [*said, *_simulated(found), *_paid(found)]


def campaigns_chapter(results: Results) -> str:
    """Return the chapter, without its heading."""
    body = sections(WORKS, _TEXTS, results.comparisons)
    return chapter(_INTRO, _PACKAGES, verdicts(results), body)
