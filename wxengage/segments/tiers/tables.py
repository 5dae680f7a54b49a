"""The levels of many users as a table (批量会员等级表)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.answer import PerUser
from wxengage.log.frames import ARRAYS, Ids, Origin
from wxengage.log.runs import NEVER
from wxengage.log.summary import instants
from wxengage.segments.points.columns import read_facts
from wxengage.segments.points.validity import FOREVER, instant
from wxengage.segments.tiers.crowd import Crowd
from wxengage.segments.tiers.policy import TierPolicy
from wxengage.segments.tiers.sums import TierPoints

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

__all__ = ["TierStates", "tier_states", "user_tiers"]


@attrs.frozen(eq=False)
class TierStates(PerUser):
    """One row a user, ascending by id; every column has shape ``(users,)``.

    Attributes
    ----------
    user
        Ids: every user in the table.
    level, needed_to_keep
        As in ``TierState``.
    since, expires
        As in ``TierState``; ``NaT`` for none.
    needed_to_rise
        As in ``TierState``; NaN at the top.
    """

    user: NDArray[Any]
    level: NDArray[np.int64]
    since: NDArray[np.datetime64]
    expires: NDArray[np.datetime64]
    needed_to_keep: NDArray[np.int64]
    needed_to_rise: NDArray[np.float64]
    _ids: Ids = attrs.field(repr=False)
    _origin: Origin = attrs.field(default=ARRAYS, repr=False)


def tier_states(
    points: Any,
    policy: TierPolicy,
    as_of: dt.datetime,
    *,
    tz: str | None = None,
    unit: str | None = None,
) -> Any:
    """Work out the levels of many users.

    Parameters
    ----------
    points
        A pandas, Polars or PyArrow frame, a dict of arrays or a list of dicts,
        with the columns ``user``, ``at`` and ``points``, and where they are
        needed ``kind``, ``id`` and ``of``, as for ``balances``: one table serves
        both.
    policy, as_of
        As for ``tier_state``.
    tz, unit
        Of times without a zone, and of times that are numbers, as for
        ``read_log``.

    Returns
    -------
    frame
        As the points came: one row a user, the columns of ``TierStates``.

    Raises
    ------
    InvalidInputError
        As ``tier_state`` does, and if a column is missing or a cell cannot be
        read.

    Notes
    -----
    ``O(n log n)`` for ``n`` facts, and a step of all users together for each
    review and each change of a level; users who are done take part no longer.

    Examples
    --------
    >>> import datetime as dt
    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
    >>> points = [
    ...     {"user": "ann", "at": noon, "points": 120},
    ...     {"user": "bo", "at": noon, "points": 80},
    ... ]
    >>> found = tier_states(points, TierPolicy((100, 500)), noon)
    >>> [(row["level"], row["needed_to_rise"]) for row in found]
    [(1, 380), (0, 20)]
    """
    return user_tiers(points, policy, as_of, tz=tz, unit=unit).to_frame()


def user_tiers(
    points: Any,
    policy: TierPolicy,
    as_of: dt.datetime,
    *,
    tz: str | None = None,
    unit: str | None = None,
) -> TierStates:
    """Return what ``tier_states`` says, as arrays.

    Parameters
    ----------
    points, policy, as_of, tz, unit
        As for ``tier_states``.

    Returns
    -------
    TierStates
        Users ascending by id.

    Raises
    ------
    InvalidInputError
        As ``tier_states`` does.
    """
    now = instant("as_of", as_of)
    if not isinstance(policy, TierPolicy):
        raise InvalidInputError("policy", policy, "a TierPolicy")
    read = read_facts(points, now, tz=tz, unit=unit)
    crowd = Crowd(TierPoints(read), policy, now)
    crowd.run()
    keep, rise = crowd.needed()
    return TierStates(
        user=read.ids.numpy(),
        level=crowd.level,
        since=instants(crowd.since),
        expires=instants(np.where(crowd.expires == FOREVER, NEVER, crowd.expires)),
        needed_to_keep=keep,
        needed_to_rise=rise,
        ids=read.ids,
        origin=read.origin,
    )
