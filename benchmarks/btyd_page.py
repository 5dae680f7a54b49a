"""What the chapter on lifetime models compares, aims at and says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from comparisons import Comparison, Target, Verdict, judge, largest
from fitters import OWN, PEER, PEER_GROUPED
from page import chapter, sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from results import Results

__all__ = ["ENGINES", "GROWTH", "WORKS", "btyd_chapter", "verdicts"]

#: The work that is measured at growing sizes, ours alone.
GROWTH: Final = "B6"
#: What each comparison is about.
WORKS: Final[Mapping[str, str]] = {
    "B1": "Fitting BG/NBD",
    "B2": "Fitting MBG/NBD",
    "B3": "Fitting Gamma-Gamma",
    "B4": "Expected purchases",
    "B5": "The probability to be alive",
    GROWTH: "Ten times the customers",
}
#: Each comparison's engines, ours first.
ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("B1", "B2", "B3"), (OWN, PEER, PEER_GROUPED)),
    **dict.fromkeys(("B4", "B5"), (OWN, PEER)),
}
#: What we set out to reach, at every size.
_TARGETS: Final = (
    *(Target(work, PEER, 50, 50) for work in ("B1", "B2", "B3")),
    *(Target(work, PEER_GROUPED, 20, 20) for work in ("B1", "B2", "B3")),
    Target("B4", PEER, 50, 50),
)
#: CPU seconds that fitting and scoring ten million customers may take.
_SECONDS: Final = 4.0
_MANY: Final = 10_000_000
#: More than this much per customer at ten times the customers is not linear any more.
_LINEAR: Final = 1.25
_PACKAGES: Final = ("numpy", "scipy", "pandas", "lifetimes", "autograd")
_INTRO: Final = """\
Measured by

```sh
OPENBLAS_NUM_THREADS=1 python benchmarks/btyd.py --write docs/benchmarks.md
```

The customers are made up, and the same on every run: they are 90 to 730 days old and
buy as BG/NBD and Gamma-Gamma believe, with the parameters published for CDNOW. Ages
are whole days, columns are floats, as the summary of lifetimes gives them. The answers
are equal: parameters to a thousandth (the search of lifetimes stops before the last
digits), log-likelihoods to 1e-10 and predictions, customer by customer, to 1e-6 of the
value, where it is above 1.
"""
_FIT: Final = """\
Timed is the fit, from a row a customer to parameters and standard errors. *grouped*
is lifetimes on the distinct rows with weights; their grouping is not timed, while
ours is."""
_TEXTS: Final = {
    "B1": _FIT,
    "B2": _FIT,
    "B3": f"""\
{_FIT} Fitted to the customers who came back. lifetimes is asked for a gradient of 1e-6
only: with its default of 1e-7 it ends in an error on some of these data.""",
    "B4": """\
Timed is `expected_purchases` of BG/NBD over 90 days, of all customers, with
parameters given.""",
    "B5": """\
Timed is `p_alive` of BG/NBD, of all customers, with parameters given. Both are one
formula; ours also checks every row.""",
    GROWTH: """\
Timed is a night's work: fitting BG/NBD and Gamma-Gamma, then for every customer the
probability to be alive, that to buy within 30 days, the purchases expected within
90 days, and the value expected of one.""",
}


def _growth_verdicts(found: Comparison) -> list[Verdict]:
    """Judge the growth: seconds of ten million, and time per customer."""
    sizes = [_size_of(name) for name in found.timings]
    said = []
    for (before, size), (small, large) in zip(
        pairwise(sizes), pairwise(found.timings), strict=True
    ):
        per_customer = {
            label: found.ratio(large, label.lower(), small) * before / size
            for label in ("wall", "CPU")
        }
        said.append(
            Verdict(
                f"{GROWTH}, {size:,} customers: time per customer over that of "
                f"{before:,}",
                dict.fromkeys(per_customer, f"at most {_LINEAR}x"),
                {label: f"{times:.2f}x" for label, times in per_customer.items()},
                {label: times <= _LINEAR for label, times in per_customer.items()},
            )
        )
    if sizes[-1] == _MANY:
        took = [*found.timings.values()][-1].median("cpu")
        said.append(
            Verdict(
                f"{GROWTH}, {_MANY:,} customers: fitted and scored",
                {"CPU": f"at most {_SECONDS:g} s"},
                {"CPU": f"{took:.2f} s"},
                {"CPU": took <= _SECONDS},
            )
        )
    return said


def _size_of(engine: str) -> int:
    return int(engine.partition(" @ ")[2].split()[0].replace(",", ""))


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


def btyd_chapter(results: Results) -> str:
    """Return the chapter, without its heading."""
    body = sections(WORKS, _TEXTS, results.comparisons)
    return chapter(_INTRO, _PACKAGES, verdicts(results), body)
