"""One engine's work, and the data it works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs
from answers import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Data", "Job"]


class Data(Protocol):
    """What engines work on; it is pickled to reach their processes."""

    @property
    def jobs(self) -> str:
        """The module whose ``make_job`` makes an engine ready for it."""
        ...

    @property
    def unit(self) -> str:
        """What it consists of: ``"event"``."""
        ...

    @property
    def size(self) -> int:
        """How many of them."""
        ...

    @property
    def about(self) -> str:
        """What else the page says of it."""
        ...


@attrs.frozen
class Job:
    """One engine's work.

    Attributes
    ----------
    fresh
        Returns what a run starts from; not timed.
    run
        The work.
    answer
        Returns a result's columns, for the comparison of answers; not timed.
    digest
        Returns what is compared of these, as JSON can hold it.
    """

    fresh: Callable[[], Any]
    run: Callable[[Any], Any]
    answer: Callable[[Any], Mapping[str, Any]]
    digest: Callable[[Mapping[str, Any]], Mapping[str, Any]] = digest
