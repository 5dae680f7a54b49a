"""The content mix of many users (批量内容配比), in whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.claims.figures import CONTENT_KINDS
from wxengage.pacing.gaps import require_gap
from wxengage.plan.gating.past import first_from
from wxengage.plan.gating.rounds import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.pacing.mix import ContentMix
    from wxengage.plan.gating.bulk import Labels
    from wxengage.plan.gating.past import Past

__all__ = ["Mixed"]

_FITS, _MIX, _AD_SHARE = 0, 1, 2
_REASONS = np.array(["", "mix", "ad_share"], dtype=object)


@attrs.frozen(eq=False)
class Mixed:
    """A content mix, and what each message's user got before.

    Attributes
    ----------
    mix
        The proportions.
    times
        Of the rows that count. Shape ``(m,)``.
    sums
        Short, deep, interactive and ads before each row. Shape ``(m + 1, 4)``.
    starts, ends
        The user's rows. Shape ``(n,)``.
    kind
        The message's place in ``CONTENT_KINDS``, -1 for none. Shape ``(n,)``.
    is_ad
        Whether the share of ads is asked. Shape ``(n,)``.
    """

    mix: ContentMix
    times: NDArray[np.int64]
    sums: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    kind: NDArray[np.int64]
    is_ad: NDArray[np.bool_]

    @staticmethod
    def sums_of(past: Past, rows: NDArray[np.int64] | slice) -> NDArray[np.int64]:
        """Return the sums before each of some rows of the past."""
        content = past.fields["content"].into(CONTENT_KINDS)[rows]
        columns = [content == place for place in range(len(CONTENT_KINDS))]
        each = np.stack([*columns, past.is_ad[rows]], axis=1)
        sums = np.zeros((len(each) + 1, each.shape[1]), dtype=np.int64)
        np.cumsum(each, axis=0, out=sums[1:])
        return sums

    def next(self, rows: Any, at: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ANN401
        """As in ``Column``."""
        then = at.copy()
        asked = (self.kind[rows] >= 0) | self.is_ad[rows]
        here = np.flatnonzero(asked)
        mine = here if isinstance(rows, slice) else rows[here]
        while here.size:
            why, change = self._at(mine, then[here])
            blocked = why != _FITS
            here, mine = here[blocked], mine[blocked]
            then[here] = change[blocked]
            going = then[here] != NEVER
            here, mine = here[going], mine[going]
        return then

    def _at(
        self, rows: NDArray[np.int64], at: NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Return what is against each message, and when that may change."""
        starts, ends = self.starts[rows], self.ends[rows]
        high = first_from(self.times, starts, ends, at + 1)
        low = starts
        change = np.where(high < ends, self._time(high), NEVER)
        if self.mix.window is not None:
            span = require_gap("window", self.mix.window)
            low = first_from(self.times, starts, ends, at - span + 1)
            leaves = np.where(low < high, self._time(low) + span, NEVER)
            change = np.minimum(change, leaves)
        had = self.sums[high] - self.sums[low]
        why = self._why(rows, had, high - low)
        never = (why == _MIX) & self._no_part(rows)
        return why, np.where(never, NEVER, change)

    def _time(self, row: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self.times.size:
            return np.full(row.size, NEVER)
        return self.times[np.minimum(row, self.times.size - 1)]

    def _no_part(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        parts = np.array([*self.mix.parts, 1])
        none: NDArray[np.bool_] = parts[self.kind[rows]] == 0
        return none

    def _why(
        self, rows: NDArray[np.int64], had: NDArray[np.int64], messages: NDArray[Any]
    ) -> NDArray[np.int8]:
        mix, kind = self.mix, self.kind[rows]
        whole = sum(mix.parts)
        part = np.array([*mix.parts, 0])[kind]
        count = np.take_along_axis(had, np.maximum(kind, 0)[:, None], axis=1)[:, 0]
        room = part * (had[:, :3].sum(axis=1) + 1) + whole * mix.slack
        why = np.where((kind >= 0) & (whole * (count + 1) > room), _MIX, _FITS)
        if mix.ads is not None and mix.ads.ads < mix.ads.messages:
            share = mix.ads
            left = share.ads * messages - share.messages * had[:, 3]
            full = self.is_ad[rows] & (left < share.messages - share.ads)
            why = np.where(full, _AD_SHARE, why)
        why = np.where(self._no_part(rows), _MIX, why)
        return why.astype(np.int8)

    def labels(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Labels:
        """As in ``Column``."""
        return _REASONS[self._at(rows, at)[0]], f"mix: {self.mix.name}"
