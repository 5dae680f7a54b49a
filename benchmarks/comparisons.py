"""Engines that were timed against each other, and targets for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from timing import Timing, median_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Comparison", "Target", "Verdict", "judge", "largest"]


@attrs.frozen
class Comparison:
    """Engines that were timed against each other.

    Attributes
    ----------
    group
        Which; it begins with the number of the work, as in ``"A4 Polars"``.
    size, unit, about
        The data: how many, of what, and what else is to be said of them.
    timings
        By engine, ours first.
    when
        ISO date and time.
    load
        The machine's load average before and after.
    """

    group: str
    size: int
    unit: str
    about: str
    timings: Mapping[str, Timing]
    when: str
    load: tuple[float, float]

    @property
    def work(self) -> str:
        """The number of the work."""
        return self.group.partition(" ")[0]

    @property
    def amount(self) -> str:
        """The size in words."""
        return f"{self.size:,} {self.unit}s"

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
        side = "as long as" if self.wall < 0 else "as fast as"
        way = self.own.partition(", ")[2]
        text = f"{comparison.work}, {comparison.amount}{way and ', '}{way}"
        text += f": {side} {self.engine}"
        return Verdict(text, needed, reached, met)


def largest(found: Iterable[Comparison]) -> dict[str, Comparison]:
    """Return the comparison of the largest size of each group."""
    return {one.group: one for one in sorted(found, key=lambda one: one.size)}


def judge(targets: Sequence[Target], found: Iterable[Comparison]) -> list[Verdict]:
    """Return where we stand at the largest size, in the order of the targets."""
    by_group = largest(found)
    return [
        target.judge(by_group[target.group])
        for target in targets
        if target.group in by_group and target.engine in by_group[target.group].timings
    ]
