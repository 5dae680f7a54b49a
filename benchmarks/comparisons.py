"""What is compared with what, and what we set out to reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from timing import Timing, median_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GROUPS", "TARGETS", "WORKS", "Comparison", "Target", "Verdict"]

_PEERS: Final = ("pandas", "Polars", "Polars tuned", "DuckDB", "DuckDB tuned")
_WAYS: Final = ("wxengage", "native", "native unchecked")
_ADDING: Final = "wxengage, adding only"
#: Each comparison's engines, ours first.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "A1": ("wxengage", "wxengage, asked again", *_PEERS),
    "A2": ("wxengage", *_PEERS),
    "A3": ("wxengage", _ADDING, "wxengage recompute", *_PEERS),
} | {
    f"A4 {where}": tuple(f"{where}, {way}" for way in _WAYS)
    for where in ("Polars", "DuckDB", "Ibis", "Spark")
}
#: What each comparison is about.
WORKS: Final[Mapping[str, str]] = {
    "A1": "From integer codes in memory",
    "A2": "From a Parquet file",
    "A3": "The nightly job",
    "A4": "Inside an engine",
    "A5": "Five times the events, from files",
    "H": "Importing",
}


@attrs.frozen
class Comparison:
    """Engines that were timed against each other.

    Attributes
    ----------
    group
        Which; a key of ``GROUPS``, or ``"A5"``.
    events, users
        Size of the log.
    timings
        By engine, ours first.
    when
        ISO date and time.
    load
        The machine's load average before and after.
    """

    group: str
    events: int
    users: int
    timings: Mapping[str, Timing]
    when: str
    load: tuple[float, float]

    @property
    def own(self) -> Timing:
        """Our timing."""
        return next(iter(self.timings.values()))

    def ratio(self, engine: str, measure: str, own: str = "") -> float:
        """Return how many times as long an engine took as ``own``, or as we did."""
        ours = self.timings[own] if own else self.own
        return median_ratio(self.timings[engine], ours, measure)

    def plain(self) -> dict[str, Any]:
        """Return the comparison as JSON."""
        return attrs.asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Comparison:
        """Return the comparison that ``plain`` was made from."""
        timings = {
            engine: Timing(tuple(one["wall"]), tuple(one["cpu"]), *_bytes(one))
            for engine, one in plain["timings"].items()
        }
        load = (plain["load"][0], plain["load"][1])
        return cls(**{**plain, "timings": timings, "load": load})


def _bytes(one: Mapping[str, int]) -> tuple[int, int]:
    return one["peak"], one["anonymous"]


@attrs.frozen
class Verdict:
    """A target and how far we are.

    Attributes
    ----------
    text
        The target in words.
    needed, reached
        By measure.
    met
        By measure.
    """

    text: str
    needed: Mapping[str, str]
    reached: Mapping[str, str]
    met: Mapping[str, bool]

    @property
    def word(self) -> str:
        """Whether it is met."""
        if all(self.met.values()):
            return "met"
        some = [measure for measure, met in self.met.items() if met]
        return f"met in {some[0]} only" if some else "not met"


@attrs.frozen
class Target:
    """How many times as fast as another engine we want to be.

    Attributes
    ----------
    group, engine
        Against what.
    wall, cpu
        Factors. Below zero: our own time is at most this many times the other's.
    own
        Which of our timings, where it is not the first.
    """

    group: str
    engine: str
    wall: float
    cpu: float
    own: str = ""

    def judge(self, comparison: Comparison) -> Verdict:
        """Return where we stand."""
        needed, reached, met = {}, {}, {}
        for measure, factor in (("wall", self.wall), ("CPU", self.cpu)):
            times = comparison.ratio(self.engine, measure.lower(), self.own)
            if factor < 0:
                needed[measure] = f"at most {-factor:g}x"
                reached[measure] = f"{1 / times:.2f}x"
                met[measure] = 1 / times <= -factor
            else:
                needed[measure] = f"at least {factor:g}x"
                reached[measure] = f"{times:.1f}x" if times < 100 else f"{times:.0f}x"
                met[measure] = times >= factor
        name = self.group.partition(" ")[0]
        side = "as long as" if self.wall < 0 else "as fast as"
        way = self.own.partition(", ")[2]
        text = f"{name}, {comparison.events:,} events{way and ', '}{way}"
        text += f": {side} {self.engine}"
        return Verdict(text, needed, reached, met)


#: What we set out to reach, at the largest size.
TARGETS: Final = (
    Target("A1", "pandas", 8, 8),
    *(Target("A1", peer, 2.5, 5) for peer in _PEERS[1:]),
    Target("A2", "pandas", 2, 2),
    *(Target("A2", peer, 1.5, 1.5) for peer in _PEERS[1:4]),
    Target("A2", "DuckDB tuned", 1, 1),
    *(Target("A3", peer, 100, 100) for peer in _PEERS),
    *(Target("A3", peer, 100, 100, _ADDING) for peer in _PEERS),
    Target("A4 Polars", "Polars, native", -1.1, -1.1),
    Target("A4 DuckDB", "DuckDB, native", -1.1, -1.1),
    Target("A4 Ibis", "Ibis, native", -1.35, -1.35),
    Target("A4 Spark", "Spark, native", -1.25, -1.25),
)
