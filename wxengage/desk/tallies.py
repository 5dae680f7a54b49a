"""What putting in and sending came to (投递结果), in numbers."""

from __future__ import annotations

import functools
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DispatchReport", "Enqueued"]


@attrs.frozen
class Enqueued:
    """What became of messages that were to be put in the outbox (入箱结果).

    Attributes
    ----------
    new
        How many were put in.
    known
        How many were in already, whatever has become of them.
    keys
        The letters' keys, in the order of the messages; of ``remind`` those that
        were put in.
    dropped
        How many the gate would not let go, so that they were not put in; only
        ``remind`` asks it so early.
    """

    new: int
    known: int
    keys: tuple[str, ...]
    dropped: int = 0


@attrs.frozen
class DispatchReport:
    """What a dispatch has done (投递报告).

    Attributes
    ----------
    channels
        Channel -> what became of how many letters. What a sender answered, in the
        words of the outbox: ``sent``, ``not_sent``, ``unknown``, ``paid``,
        ``refused``, ``accepted``, ``awaiting_user``, ``refunded``, ``cancelled``.
        What was not asked: ``held`` until later, ``digest``, ``dropped``, ``dead``,
        ``maybe_sent``, or ``lost`` to another worker.
    """

    channels: Mapping[str, Mapping[str, int]]

    @functools.cached_property
    def outcomes(self) -> Mapping[str, int]:
        """What became of how many letters, on all channels together."""
        found: Counter[str] = Counter()
        for counts in self.channels.values():
            found.update(counts)
        return MappingProxyType(dict(sorted(found.items())))

    @property
    def letters(self) -> int:
        """How many letters were worked on: with as many as ``limit``, go on."""
        return sum(self.outcomes.values())

    def __getitem__(self, outcome: str) -> int:
        return self.outcomes.get(outcome, 0)
