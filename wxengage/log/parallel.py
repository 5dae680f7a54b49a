"""Work on blocks by several threads (分块并行), with answers in order."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["each"]

Part = TypeVar("Part")
Result = TypeVar("Result")
_THREADS: Final = min(os.cpu_count() or 1, 8)
# Fewer parts are done before threads have begun.
_WORTH_IT: Final = 4


def each(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """Return what ``work`` returns for each part, in order, by several threads.

    Parameters
    ----------
    work
        Writes nowhere but where no other part is written.
    parts
        What to do.

    Returns
    -------
    list
        As if done one after the other.
    """
    if len(parts) < _WORTH_IT or _THREADS == 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, parts))
