"""What ``import wxengage`` costs over starting Python, and what it loads.

Run it alone, ``python benchmarks/imports.py``, or as part of ``segments.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import attrs

__all__ = ["FORBIDDEN", "Imports", "measure_imports"]

#: None of these may be loaded by the import.
FORBIDDEN: Final = (
    "attr",
    "attrs",
    "cattrs",
    "duckdb",
    "ibis",
    "narwhals",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pyspark",
    "scipy",
)
#: Milliseconds over a bare interpreter that the import may take.
ALLOWED_MS: Final = 20.0
_ROOT: Final = Path(__file__).parent.parent
_RUNS: Final = 9


@attrs.frozen
class Imports:
    """What the import took, milliseconds, the least of several runs.

    Attributes
    ----------
    bare_wall, bare_cpu
        Of ``python -c pass``.
    wall, cpu
        Of ``python -c 'import wxengage'``.
    loaded
        Names in ``FORBIDDEN`` that it loaded.
    """

    bare_wall: float
    bare_cpu: float
    wall: float
    cpu: float
    loaded: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON."""
        return attrs.asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Imports:
        """Return what ``plain`` was made from."""
        return cls(**{**plain, "loaded": tuple(plain["loaded"])})

    @property
    def met(self) -> bool:
        """Whether it is as light as we want it."""
        quick = self.wall - self.bare_wall <= ALLOWED_MS
        return quick and not self.loaded


def _run(program: str) -> tuple[float, float]:
    """Return wall and CPU milliseconds of a fresh interpreter."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program], cwd=_ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"python -c {program!r} failed")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def measure_imports(runs: int = _RUNS) -> Imports:
    """Time both in turn.

    Parameters
    ----------
    runs
        How often each; the least counts, since nothing makes Python start
        faster than it can.

    Returns
    -------
    Imports
        In milliseconds.
    """
    bare, ours = [_run("pass")], [_run("import wxengage")]
    for _ in range(runs):
        bare.append(_run("pass"))
        ours.append(_run("import wxengage"))
    look = (
        f"import sys, wxengage; print(*sorted(set(sys.modules) & {set(FORBIDDEN)!r}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", look],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return Imports(
        bare_wall=min(wall for wall, _ in bare),
        bare_cpu=min(cpu for _, cpu in bare),
        wall=min(wall for wall, _ in ours),
        cpu=min(cpu for _, cpu in ours),
        loaded=tuple(found.stdout.split()),
    )


if __name__ == "__main__":
    result = measure_imports()
    print(f"bare {result.bare_wall:.1f} ms, import wxengage {result.wall:.1f} ms: ")
    print(f"{result.wall - result.bare_wall:.1f} ms more (at most {ALLOWED_MS:g})")
    print("loads " + (", ".join(result.loaded) or "nothing of " + ", ".join(FORBIDDEN)))
