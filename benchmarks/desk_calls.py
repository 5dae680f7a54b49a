"""How long single calls took, which the timing of whole runs does not tell."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

import attrs
from desk_jobs import unequal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from comparisons import Comparison
    from timing import Digests

__all__ = ["Calls", "Listener"]


@attrs.frozen
class Calls:
    """The durations of calls, by comparison and engine, kept in a file.

    Attributes
    ----------
    path
        The file.
    found
        Comparison -> engine -> ``"p50"`` and ``"p99"`` in seconds.
    """

    path: Path
    found: dict[str, dict[str, dict[str, float]]]

    @classmethod
    def at(cls, path: Path) -> Calls:
        """Return what the file holds; nothing where there is none."""
        known = path.is_file()
        return cls(path, json.loads(path.read_text("utf-8")) if known else {})

    def of(self, one: Comparison) -> Mapping[str, Mapping[str, float]]:
        """Return the quantiles of a comparison's engines."""
        return self.found.get(_name(one), {})

    def add(self, one: Comparison, told: Digests) -> None:
        """Keep what a comparison's engines said of their calls, and write the file.

        Parameters
        ----------
        one
            The comparison.
        told
            By engine; the quantiles of each run, of which the first was not timed.
        """
        self.found[_name(one)] = {
            engine: {name: statistics.median(said[name][1:]) for name in ("p50", "p99")}
            for engine, said in told.items()
            if "p50" in said
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.found, indent=1), encoding="utf-8")


def _name(one: Comparison) -> str:
    return f"{one.group}: {one.size}"


@attrs.define
class Listener:
    """Keeps what engines say of their answers, besides comparing these.

    Attributes
    ----------
    told
        The latest.
    """

    told: dict[str, Any] = attrs.Factory(dict)

    def differ(self, found: Digests) -> list[str]:
        """Return in what the answers differ."""
        self.told = dict(found)
        return unequal(found)
