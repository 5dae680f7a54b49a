"""Who moved from segment to segment, when, and how likely that is (流转)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, nearest
from wxengage.log.frames import ARRAYS, give
from wxengage.log.summary import instants
from wxengage.segments.lazy import transitions_lazily
from wxengage.segments.lifecycle import segment_users
from wxengage.segments.policy import SEGMENTS, LifecyclePolicy
from wxengage.segments.timeline import changes
from wxengage.stats.chains import stationary, steps_to
from wxengage.stats.intervals import beta_rows
from wxengage.tables import aligned, html_table
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.log.table import Log
    from wxengage.stats.estimates import Estimate

__all__ = ["TransitionMatrix", "transition_matrix", "transitions"]


def _period(start: dt.datetime, end: dt.datetime) -> tuple[int, int]:
    low, high = micros("start", start), micros("end", end)
    if high <= low:
        raise InvalidInputError("end", end, f"after start {start}")
    return low, high


def transitions(
    log: Log,
    start: dt.datetime,
    end: dt.datetime,
    policy: LifecyclePolicy = LifecyclePolicy(),
) -> Any:
    """Return every change of segment at ``start < at <= end``.

    Parameters
    ----------
    log
        What users did. Events after ``end`` change nothing.
    start, end
        Aware. Applied to the segments at ``start``, the changes give those at
        ``end``.
    policy
        The rules.

    Returns
    -------
    frame
        As the log came: ``user``, ``origin``, ``target``, ``at``, ascending by
        user and time. ``at`` is when it happened, not when somebody looked:
        dormancy begins ``dormant_after`` after the last interaction. A user's
        first event is a row with no origin.

    Notes
    -----
    ``O(n log n)`` for ``n`` events.
    """
    low, high = _period(start, end)
    if log.engine is not None:
        return transitions_lazily(log, low, high, policy)
    rows: list[tuple[NDArray[np.int64], ...]] = []
    for part in log.parts:
        found = changes(part, policy)
        kept = (found.at > low) & (found.at <= high)
        rows.append(
            (
                part.members[found.user[kept]],
                found.origin[kept],
                found.target[kept],
                found.at[kept],
            )
        )
    joined = [np.concatenate(column) for column in zip(*rows, strict=True)]
    user, origin, target, at = joined or [np.zeros(0, dtype=np.int64)] * 4
    rank = np.empty(len(log.ids), dtype=np.int64)
    rank[log.ids.order] = np.arange(len(log.ids))
    order = np.lexsort((at, rank[user]))
    names = np.array([*SEGMENTS, None], dtype=object)
    columns = {
        "user": log.ids.take(user[order]),
        "origin": names[origin[order]],
        "target": names[target[order]],
        "at": instants(at[order]),
    }
    return give(columns, log.origin)


@attrs.frozen
class TransitionMatrix:
    """Where the users of each segment were some time later.

    Attributes
    ----------
    start, end
        The two instants.
    states
        Names of the segments, in order of rows and columns.
    counts
        Users in ``states[i]`` at start and ``states[j]`` at end.
    estimates
        Probability of each move, with a 95 % interval; same order.
    newcomers
        Users at the end who had no event by the start, by segment.
    """

    start: dt.datetime
    end: dt.datetime
    states: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    estimates: tuple[tuple[Estimate, ...], ...]
    newcomers: tuple[int, ...]

    def __getitem__(self, move: tuple[str, str]) -> Estimate:
        for name in move:
            if name not in self.states:
                hint = nearest(name, self.states)
                raise InvalidInputError("move", name, "two segments", hint)
        origin, target = (self.states.index(name) for name in move)
        return self.estimates[origin][target]

    def _shares(self) -> NDArray[np.float64]:
        """Return the observed share of each move. Shape ``(states, states)``."""
        table = np.array(self.counts, dtype=np.float64)
        for state, row in zip(self.states, table, strict=True):
            if not row.any():
                raise InvalidInputError(
                    "start", self.start, f"a time with {state} users"
                )
        shares: NDArray[np.float64] = table / table.sum(axis=1, keepdims=True)
        return shares

    def stationary(self) -> dict[str, float]:
        """Return the shares of segments that one more such period does not change.

        Returns
        -------
        dict
            Segment -> share of users.

        Raises
        ------
        InvalidInputError
            If nobody was in one of the segments at the start, or there is no such
            mix.

        Notes
        -----
        What the observed shares of moves say, and no forecast; newcomers are left
        out. See ``stats.chains``.
        """
        shares = stationary(self._shares())
        return dict(zip(self.states, shares.tolist(), strict=True))

    def steps_to(self, state: str) -> dict[str, float]:
        """Return how many such periods it takes on average to come to a segment.

        Parameters
        ----------
        state
            A segment, such as ``"dormant"``.

        Returns
        -------
        dict
            Segment -> periods; infinite where it may never be reached.

        Raises
        ------
        InvalidInputError
            If there is no such segment, or nobody was in one of them at the start.
        """
        if state not in self.states:
            hint = nearest(state, self.states)
            raise InvalidInputError("state", state, "a segment", hint)
        steps = steps_to(self._shares(), self.states.index(state))
        return dict(zip(self.states, steps.tolist(), strict=True))

    def to_frame(self, like: object = None) -> Any:
        """Return one row a move: origin, target, users, value, low, high."""
        moves = [
            (i, j) for i in range(len(self.states)) for j in range(len(self.states))
        ]
        estimates = [self.estimates[i][j] for i, j in moves]
        columns = {
            "origin": np.array([self.states[i] for i, _ in moves], dtype=object),
            "target": np.array([self.states[j] for _, j in moves], dtype=object),
            "users": np.array([self.counts[i][j] for i, j in moves]),
        }
        for name in ("value", "low", "high"):
            columns[name] = np.array(
                [getattr(one, name) for one in estimates], dtype=float
            )
        return give(columns, ARRAYS, like)

    def _cells(self) -> list[list[str]]:
        head = [f"{self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}", *self.states, "users"]
        rows = [
            [state, *map(_percent, row), f"{sum(counts):,}"]
            for state, row, counts in zip(
                self.states, self.estimates, self.counts, strict=True
            )
        ]
        return [head, *rows]

    def __str__(self) -> str:
        return aligned(self._cells())

    def _repr_html_(self) -> str:
        head, *rows = self._cells()
        columns = zip(*rows, strict=True)
        return html_table(
            {
                name: np.array(column, dtype=object)
                for name, column in zip(head, columns, strict=True)
            }
        )


def _percent(one: Estimate) -> str:
    if one.value is None or one.low is None or one.high is None:
        return "-"
    return f"{one.value:.1%} [{one.low:.1%}, {one.high:.1%}]"


def transition_matrix(
    log: Log,
    start: dt.datetime,
    end: dt.datetime,
    policy: LifecyclePolicy = LifecyclePolicy(),
) -> TransitionMatrix:
    """Estimate how likely each move from segment to segment is.

    Parameters
    ----------
    log
        What users did.
    start, end
        The two instants, aware. A user is counted if seen by both; who came
        later is counted among the newcomers.
    policy
        The rules.

    Returns
    -------
    TransitionMatrix
        Posterior means under a Dirichlet(1/2) prior a row, with the equal-tailed
        95 % intervals of their beta marginals.

    Notes
    -----
    Two classifications: ``O(n log n)``. The matrix describes one step of
    ``end - start``; how long users stay is not geometric, so its powers are no
    forecast.
    """
    _period(start, end)
    if log.engine is not None:
        log = log.collect()
    before, after = (segment_users(log, at, policy) for at in (start, end))
    codes = {name: code for code, name in enumerate(SEGMENTS)}
    target = np.array([codes[name] for name in after.segment], dtype=np.int64)
    place = {one: row for row, one in enumerate(before.user.tolist())}
    row = np.array([place.get(one, -1) for one in after.user.tolist()], dtype=np.int64)
    both = row >= 0
    origin = np.array([codes[name] for name in before.segment], dtype=np.int64)[
        row[both]
    ]
    size = len(SEGMENTS)
    counts = np.bincount(origin * size + target[both], minlength=size * size)
    table = counts.reshape(size, size)
    return TransitionMatrix(
        start=start,
        end=end,
        states=SEGMENTS,
        counts=tuple(tuple(map(int, one)) for one in table),
        estimates=beta_rows(table),
        newcomers=tuple(map(int, np.bincount(target[~both], minlength=size))),
    )
