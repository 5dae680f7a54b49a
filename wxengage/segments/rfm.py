"""Recency, frequency, monetary value (RFM 评分): three scores a user.

How long ago, how often, how much: each is scored by rank among the users of one
log, so that a score says "among the best fifth", never "good". The model keeps
where the scores change; next month's log, scored with last month's model, is
measured by the same rule, and nothing that came later leaks into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.log.frames import Ids, give
from wxengage.segments.lazy import rfm_distributions, rfm_lazily, rfm_scored
from wxengage.segments.rfm_model import MOST_BINS, RfmModel, compared
from wxengage.segments.scored import Scored
from wxengage.stats.ranks import rank_groups
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from wxengage.log.table import Log

__all__ = ["rfm_scores"]

BINS: Final = 5


def _cuts(
    values: NDArray[np.float64], users: NDArray[np.int64], bins: int
) -> list[tuple[float, int]]:
    """Return the lowest value of each score above 1."""
    score = 1 + rank_groups(users, bins)
    first = np.flatnonzero(np.diff(score, prepend=1))
    return list(zip(values[first].tolist(), score[first].tolist(), strict=True))


def _fitted(
    tables: Iterable[tuple[NDArray[np.float64], NDArray[np.int64]]], bins: int
) -> RfmModel:
    """Return the model of three distributions: ascending values, and their users."""
    n, found = 0, []
    for values, users in tables:
        n = int(users.sum())
        found.append(_cuts(values, users, bins))
    recency, often, value = found
    return RfmModel(
        bins,
        n,
        tuple((int(-days), score) for days, score in recency),
        tuple((int(times), score) for times, score in often),
        tuple((money + 0.0, score) for money, score in value),
    )


def rfm_scores(
    log: Log,
    as_of: dt.datetime,
    *,
    bins: int = BINS,
    model: RfmModel | None = None,
    clock: DayClock = DayClock(),
) -> Scored:
    """Score each user by recency, frequency and monetary value.

    Parameters
    ----------
    log
        What users did. Any interaction counts; for the scores of the trade give
        ``log.only(["purchase"])``.
    as_of
        The instant to judge at, aware; later events are left out.
    bins
        The highest score, from 2 to 100: 5 makes fifths, 4 quarters. A model
        that is given has its own.
    model
        Cuts to score with instead of this log's own, of an earlier answer.
    clock
        Whose days count.

    Returns
    -------
    Scored
        ``frame, model = rfm_scores(...)``. The frame, as the log came, has one
        row for each user with an event by ``as_of``: ``user``, ``recency_days``
        (local days since that of the last interaction), ``frequency`` (local
        days with an interaction), ``monetary`` (sum of the value column, less
        refunds), ``recency_score``, ``frequency_score``, ``value_score``, and
        ``rfm``, the three as text such as ``"5-3-1"``. Who never interacted has
        no recency, frequency 0 and no scores (null), and takes no part in the
        ranks. An engine's log gives an engine's lazy frame.

    Raises
    ------
    InvalidInputError
        If ``bins`` or ``model`` is none, or ``as_of`` is naive.

    Notes
    -----
    A score is ``1 + floor(bins * (rank - 1/2) / n)`` of the mean rank, in whole
    numbers: equal values have equal scores, however many there are, and without
    ties each score has its n-th part of the users. Sums are compared to the
    millionth: ``0.1 + 0.2`` and ``0.3`` are equal. Scoring a log with its own
    model gives the same scores again.

    In an engine one query counts the users who are alike in all three, which
    brings at most 32 bytes a user here, and the scores come back as conditions
    on the engine's own frame; with ``model`` nothing runs.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.log import read_log
    >>> log = read_log(
    ...     {
    ...         "user": ["ann", "ann", "bo", "cy"],
    ...         "kind": ["purchase"] * 4,
    ...         "at": ["2026-03-01", "2026-03-09", "2026-01-05", "2026-02-11"],
    ...         "value": [80.0, 40.0, 300.0, 15.0],
    ...     },
    ...     value="value",
    ...     tz="Asia/Shanghai",
    ... )
    >>> as_of = dt.datetime(2026, 3, 10, tzinfo=dt.timezone.utc)
    >>> scored = rfm_scores(log, as_of, bins=3)
    >>> print(scored)  # doctest: +NORMALIZE_WHITESPACE
    user  recency_days  frequency  monetary  recency_score ...  rfm
    ann              1          2       120              3 ...  3-3-2
    bo              64          1       300              1 ...  1-2-3
    cy              27          1        15              2 ...  2-2-1
    >>> scored.model.recency_cuts
    ((27, 2), (1, 3))
    """
    require_whole("bins", bins, least=2, most=MOST_BINS)
    if model is not None and not isinstance(model, RfmModel):
        raise InvalidInputError("model", model, "an RfmModel", "of an earlier answer")
    if log.engine is not None:
        lazy = rfm_lazily(log, as_of, clock)
        own = model or _fitted(rfm_distributions(log, lazy), bins)
        return Scored(rfm_scored(lazy, own), own)
    summary = log.summarise(as_of, clock=clock)
    seen = summary.interactions > 0
    days = np.where(seen, summary.age_days - summary.repeat_age_days, np.nan)
    times = np.where(seen, summary.repeat_days + 1, 0)
    if model is None:
        sorted_by = (-days[seen], times[seen], compared(summary.value[seen]))
        tables = (np.unique(column, return_counts=True) for column in sorted_by)
        model = _fitted(tables, bins)
    scores = model.score(days, times, summary.value)
    columns: dict[str, Any] = {
        "user": Ids(summary.user),
        "recency_days": days,
        "frequency": times,
        "monetary": summary.value,
        "recency_score": scores[0],
        "frequency_score": scores[1],
        "value_score": scores[2],
        "rfm": _text(scores),
    }
    return Scored(give(columns, log.origin), model)


def _text(
    scores: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[Any]:
    """Return scores as text, None where there are none. Shape ``(n,)``."""
    # Each text is made once, not once a user; all 0 stands for none.
    base = MOST_BINS + 1
    recency, often, value = (np.nan_to_num(one).astype(np.int64) for one in scores)
    codes, place = np.unique(
        (recency * base + often) * base + value, return_inverse=True
    )
    texts = [
        f"{code // base**2}-{code // base % base}-{code % base}" if code else None
        for code in codes.tolist()
    ]
    found: NDArray[Any] = np.array([*texts, None], dtype=object)[place]
    return found
