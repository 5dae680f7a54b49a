"""Will they come back? Odds of activity, and a dormancy gap for each (活跃概率).

The 30-day rule asks the same silence of everybody. But who came by every day and has
been away for two weeks is gone, as a rule, while who comes twice a year is not
missing at all. A model of the log itself (MBG/NBD) knows the pace of each user: it
gives the probability of an interaction in the next days, and the silence after which
this one user is more likely gone than not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.frames import Ids, give
from wxengage.segments.lazy import (
    HISTORY,
    odds_distribution,
    odds_lazily,
    odds_scored,
)
from wxengage.segments.scored import Scored
from wxengage.stats.btyd.beta_geometric import MbgNbd, fit_mbgnbd
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, span_micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.log.table import Log

__all__ = ["activity_odds"]


def activity_odds(
    log: Log,
    as_of: dt.datetime,
    *,
    horizon: dt.timedelta,
    model: MbgNbd | None = None,
    clock: DayClock = DayClock(),
) -> Scored:
    """Say how probable it is that each user interacts within ``horizon``.

    Parameters
    ----------
    log
        What users did. What counts is local days with an interaction; for the odds
        of a purchase give ``log.only(["purchase"])``.
    as_of
        The instant to judge at, aware; later events are left out.
    horizon
        How far to look ahead; elapsed time above zero.
    model
        A model of days to score with, of an earlier answer or of another log;
        without one it is fitted on this log.
    clock
        Whose days count.

    Returns
    -------
    Scored
        ``frame, model = activity_odds(...)``. The frame, as the log came, has one
        row for each user with an event by ``as_of``: ``user``; ``p_active``, the
        probability of an interaction within ``horizon``; ``adaptive_gap_days``, the
        silence after which the user is more likely gone than not. Both are null for
        who never interacted: the model begins with a first interaction. An engine's
        log gives an engine's lazy frame. The model is an ``MbgNbd`` in days, or None
        where nobody ever interacted; ask its ``converged`` and ``diagnosis``.

    Raises
    ------
    InvalidInputError
        If ``model`` is none, ``horizon`` is not above zero or ``as_of`` is naive.

    Notes
    -----
    MBG/NBD on ``repeat_days``, ``repeat_age_days`` and ``age_days`` of
    ``Log.summarise``. The fit sees how many users share each history and nothing
    else. In an engine one query counts them, the fit is done here, and the odds come
    back as expressions on the engine's own frame; with ``model`` nothing runs.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.log import read_log
    >>> from wxengage.stats.btyd import MbgNbd
    >>> log = read_log(
    ...     {
    ...         "user": ["ann"] * 4 + ["bo"] * 2,
    ...         "kind": ["like"] * 6,
    ...         "at": [*(86_400 * day for day in (0, 2, 3, 5)), 0, 86_400 * 40],
    ...     },
    ...     unit="s",
    ... )
    >>> as_of = dt.datetime(1970, 3, 1, tzinfo=dt.timezone.utc)
    >>> days = MbgNbd(0.5, 7.0, 0.9, 1.6)
    >>> odds = activity_odds(log, as_of, horizon=dt.timedelta(days=30), model=days)
    >>> print(odds)
    user  p_active  adaptive_gap_days
    ann   0.009446              7.126
    bo      0.2728              48.33
    """
    ahead = span_micros("horizon", horizon) / MICROS_PER_DAY
    if model is not None and not isinstance(model, MbgNbd):
        raise InvalidInputError("model", model, "an MbgNbd", "fitted on days")
    if log.engine is not None:
        lazy = odds_lazily(log, as_of, clock)
        own = model or _fitted(*odds_distribution(log, lazy))
        return Scored(odds_scored(lazy, own, ahead), own)
    summary = log.summarise(as_of, clock=clock)
    seen = summary.interactions > 0
    history = tuple(getattr(summary, name)[seen] for name in HISTORY)
    own = model or _fitted(history)
    p_active, gap = (np.full(len(summary), np.nan) for _ in range(2))
    if own is not None:
        p_active[seen] = own.p_active(ahead, *history)
        gap[seen] = own.dormancy_gap(*history[:2])
    columns: dict[str, Any] = {
        "user": Ids(summary.user),
        "p_active": p_active,
        "adaptive_gap_days": gap,
    }
    return Scored(give(columns, log.origin), own)


def _fitted(
    history: tuple[NDArray[np.int64], ...], users: NDArray[np.int64] | None = None
) -> MbgNbd | None:
    """Return the model of some histories, None of none."""
    x, t_x, age = history
    return fit_mbgnbd(x, t_x, age, weights=users) if len(x) else None
