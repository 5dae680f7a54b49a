"""Per-user statistics of a log at one instant (汇总)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.log.answer import PerUser
from wxengage.log.frames import ARRAYS
from wxengage.log.runs import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.log.frames import Ids, Origin
    from wxengage.log.state import UserState
    from wxengage.times.days import DayClock

__all__ = ["COLUMNS", "Summary", "instants"]


@attrs.frozen(eq=False)
class Summary(PerUser):
    """One row a user, ascending by id; every column has shape ``(users,)``.

    Instants are ``datetime64[us]`` in UTC, ``NaT`` for none; days are local
    days of the clock the summary was made with.

    Attributes
    ----------
    user
        Ids.
    events, interactions
        Rows of the log, and those of an active kind.
    interactions_in_window, active_days_in_window
        Interactions, and days with one, within the window that ends at
        ``as_of``.
    sessions
        Runs of the user's own events without a silence above the session gap.
    value
        Sum of the value column; refunds count against it.
    first_at, last_at, last_interaction_at
        Instants.
    follow_age_days
        Local days since the current follow; NaN for who does not follow, or
        whose follow the log does not show.
    menu_clicks
        Clicks on the account's menu.
    repeat_days, repeat_age_days, age_days
        ``x``, ``t_x`` and ``T`` of the lifetime models: days with an
        interaction after the first such day, and the days from the first to the
        last and to as_of's day; all 0 for who never interacted.
    """

    user: NDArray[Any]
    events: NDArray[np.int64]
    interactions: NDArray[np.int64]
    interactions_in_window: NDArray[np.int64]
    active_days_in_window: NDArray[np.int64]
    sessions: NDArray[np.int64]
    value: NDArray[np.float64]
    first_at: NDArray[np.datetime64]
    last_at: NDArray[np.datetime64]
    last_interaction_at: NDArray[np.datetime64]
    follow_age_days: NDArray[np.float64]
    menu_clicks: NDArray[np.int64]
    repeat_days: NDArray[np.int64]
    repeat_age_days: NDArray[np.int64]
    age_days: NDArray[np.int64]
    _ids: Ids = attrs.field(repr=False)
    _origin: Origin = attrs.field(default=ARRAYS, repr=False)


COLUMNS = tuple(
    field.name for field in attrs.fields(Summary) if not field.name.startswith("_")
)


def instants(at: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Return microseconds since 1970 as ``datetime64[us]``, ``NEVER`` as NaT."""
    return at.view("datetime64[us]")


def summary_of(
    state: UserState,
    window: tuple[NDArray[np.int64], NDArray[np.int64]],
    ids: Ids,
    order: NDArray[np.int64],
    *,
    as_of: int,
    clock: DayClock,
    origin: Origin,
) -> Summary:
    """Turn per-user states into a summary.

    Parameters
    ----------
    state
        One row a user code.
    window
        Interactions in the window, and days with one, a row a user code.
    ids
        The ids of the summary's users.
    order
        Their codes, in the same order.
    as_of
        The instant of the summary, microseconds since 1970.
    clock
        Whose days count.
    origin
        Where the log came from.

    Returns
    -------
    Summary
        Of these users, in this order.
    """
    state = state.take(order)
    today = int(clock.days(np.array([as_of], dtype=np.int64))[0])
    known = state.follow_since != NEVER
    followed = clock.days(np.where(known, state.follow_since, as_of))
    active = state.first_day != NEVER
    first = np.where(active, state.first_day, today)
    return Summary(
        user=ids.numpy(),
        events=state.events,
        interactions=state.interactions,
        interactions_in_window=window[0][order],
        active_days_in_window=window[1][order],
        sessions=state.sessions,
        value=state.value,
        first_at=instants(state.first_at),
        last_at=instants(state.last_at),
        last_interaction_at=instants(state.last_interaction_at),
        follow_age_days=np.where(known, today - followed, np.nan),
        menu_clicks=state.menu_clicks,
        repeat_days=np.maximum(state.active_days - 1, 0),
        repeat_age_days=np.where(active, state.last_day, today) - first,
        age_days=today - first,
        ids=ids,
        origin=origin,
    )
