"""Fatigue (疲劳度): what one more message is worth, and what it may cost.

Each message brings a visit with some chance, and ends the relation with some
other. From some number on the next one does more harm than good; that number
differs from user to user, and is seldom the one that a ceiling allows.
"""

from __future__ import annotations

import datetime as dt
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.claims.figures import INTERACTIONS_A_DAY
from wxengage.errors import InvalidInputError, require_whole
from wxengage.pacing.columns import codes_of, paired
from wxengage.pacing.gaps import require_gap
from wxengage.stats.checks import numbers, refuse, whole_column
from wxengage.stats.logistic import Logistic, fit_logistic
from wxengage.stats.volumes import Allotment, allot, geometric, utilities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

__all__ = [
    "VolumeUtility",
    "best_volumes",
    "fit_hazard",
    "sends_before",
    "volume_utilities",
]

_WEEK: Final = dt.timedelta(days=7)
# More messages to one user in a period are no plan.
_MOST: Final = 1_000
_TABLE: Final = 2  # dimensions
# What each number must lie between.
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "visit_value": (-math.inf, math.inf),
        "visit_chance": (0, 1),
        "fade": (0, 1),
        "leave_chance": (0, 1),
        "rise": (0, math.inf),
        "leave_loss": (0, math.inf),
        "cost": (0, math.inf),
    }
)


def _within(name: str, given: ArrayLike) -> Floats:
    """Return numbers of any shape, finite and within their bounds."""
    column, (low, high) = numbers(name, given), _BOUNDS[name]
    rule = f"from {low} to {high}" if math.isfinite(high) else f"at least {low}"
    refuse(name, column, (column < low) | (column > high), rule)
    return column


@attrs.frozen
class VolumeUtility:
    """What so many messages in a period are worth with one user (频次效用).

    Attributes
    ----------
    visit_value
        What a visit is worth, in the caller's unit. A second visit in the period
        adds nothing.
    visit_chance
        The chance that the first message brings the visit. Take the difference
        that the message makes, not the chance of a visit: who comes anyway needs
        no message.
    fade
        By what each message's chance is less than the one before, 0 to 1.
    leave_chance
        The chance that the first message loses the user.
    rise
        By what that chance is more with each message, from 0. A chance stays
        below 1.
    leave_loss
        What it costs to lose the user, in the unit of ``visit_value``.
    cost
        What a message costs, in that unit.

    Raises
    ------
    InvalidInputError
        If a number is not finite, or outside its bounds.

    Examples
    --------
    >>> user = VolumeUtility(1, 0.3, fade=0.7, leave_chance=0.01, rise=2, leave_loss=5)
    >>> user.table(3).round(3).tolist()
    [0.0, 0.25, 0.297, 0.181]
    >>> user.best()
    2
    """

    visit_value: float
    visit_chance: float
    fade: float = attrs.field(default=1.0, kw_only=True)
    leave_chance: float = attrs.field(default=0.0, kw_only=True)
    rise: float = attrs.field(default=1.0, kw_only=True)
    leave_loss: float = attrs.field(default=0.0, kw_only=True)
    cost: float = attrs.field(default=0.0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        for name in _BOUNDS:
            got = getattr(self, name)
            if not isinstance(got, int | float) or isinstance(got, bool):
                raise InvalidInputError(name, got, "a number")
            _within(name, got)

    def table(self, most: int = INTERACTIONS_A_DAY[1]) -> Floats:
        """Return what 0, 1, ..., ``most`` messages are worth.

        Parameters
        ----------
        most
            The ceiling, from 1 to 1,000; by default the article's.

        Returns
        -------
        numpy.ndarray
            In the unit of ``visit_value``; no message is worth 0. Shape
            ``(most + 1,)``.

        Raises
        ------
        InvalidInputError
            If ``most`` is not such a number.
        """
        given = attrs.asdict(self)
        value, chance = given.pop("visit_value"), given.pop("visit_chance")
        one: Floats = volume_utilities(value, chance, most=most, **given)[0]
        return one

    def best(self, most: int = INTERACTIONS_A_DAY[1]) -> int:
        """Return how many messages are worth most.

        Parameters
        ----------
        most
            The ceiling, from 1 to 1,000; by default the article's.

        Returns
        -------
        int
            From 0 to ``most``; the smaller of two alike.
        """
        return int(self.table(most).argmax())


def volume_utilities(
    visit_value: ArrayLike,
    visit_chance: ArrayLike,
    *,
    fade: ArrayLike = 1.0,
    leave_chance: ArrayLike = 0.0,
    rise: ArrayLike = 1.0,
    leave_loss: ArrayLike = 0.0,
    cost: ArrayLike = 0.0,
    most: int = INTERACTIONS_A_DAY[1],
) -> Floats:
    """Return what 0, 1, ..., ``most`` messages are worth with each of many users.

    Parameters
    ----------
    visit_value, visit_chance, fade, leave_chance, rise, leave_loss, cost
        As in ``VolumeUtility``, a number for all or one a user. Shape ``()`` or
        ``(n,)``. ``leave_chance`` may also be known message by message, as
        ``fit_hazard`` tells it: shape ``(n, most)``, with ``rise`` left at 1.
    most
        The ceiling, from 1 to 1,000; by default the article's.

    Returns
    -------
    numpy.ndarray
        Column ``k`` is for ``k`` messages. Shape ``(n, most + 1)``.

    Raises
    ------
    InvalidInputError
        If a number is not finite or outside its bounds, or shapes differ.

    Notes
    -----
    With ``S_j`` the chance that the user is still there after ``j`` messages, and
    ``V_j`` that no visit has come yet,
    ``U(k) = sum_{j<=k} value S_{j-1} V_{j-1} chance_j - loss (1 - S_k) - cost k``.
    ``O(n most)``.

    Examples
    --------
    >>> found = volume_utilities(1, [0.3, 0.02], leave_chance=0.01, leave_loss=5)
    >>> found.argmax(axis=1).tolist()
    [5, 0]
    """
    require_whole("most", most, least=1, most=_MOST)
    leave = _within("leave_chance", leave_chance)
    each_message = leave.ndim == _TABLE
    columns = _columns(
        visit_value=visit_value,
        visit_chance=visit_chance,
        fade=fade,
        leave_chance=leave[:, 0] if each_message else leave,
        rise=rise,
        leave_loss=leave_loss,
        cost=cost,
    )
    visits = geometric(columns["visit_chance"], columns["fade"], most)
    ends = geometric(columns["leave_chance"], columns["rise"], most)
    if each_message:
        if leave.shape != ends.shape:
            rule = f"one a user, or of shape {ends.shape}"
            raise InvalidInputError("leave_chance.shape", leave.shape, rule)
        refuse("rise", columns["rise"], columns["rise"] != 1, "1 beside such a table")
        ends = leave
    value, loss, each = (
        columns[name] for name in ("visit_value", "leave_loss", "cost")
    )
    return utilities(value, visits, ends, loss, each)


def _columns(**given: ArrayLike) -> dict[str, Floats]:
    """Return one number a user of each, within its bounds. Shape ``(n,)`` each."""
    columns = {name: _within(name, each) for name, each in given.items()}
    n = next((len(column) for column in columns.values() if column.ndim), 1)
    for name, column in columns.items():
        if column.shape not in {(), (n,)}:
            rule = f"one number for all, or one for each of {n} users"
            raise InvalidInputError(f"{name}.shape", column.shape, rule)
    return {name: np.broadcast_to(column, (n,)) for name, column in columns.items()}


def best_volumes(table: ArrayLike, *, budget: int | None = None) -> Allotment:
    """Return how many messages each user gets, of so many in all.

    Parameters
    ----------
    table
        What 0, 1, ... messages are worth with each user, as
        ``volume_utilities`` tells it. Finite. Shape ``(n, most + 1)``.
    budget
        Messages in all. Whole; None where there is no bound.

    Returns
    -------
    Allotment
        ``volumes``, their ``value``, a ``bound`` that no allotment passes, the
        ``gap`` between them, and the ``price`` of a message.

    Raises
    ------
    InvalidInputError
        If it is no table of finite numbers, or the budget is not whole.

    Notes
    -----
    At the price of a message each user gets the ``k`` of the highest
    ``U(k) - price k``. Where each user's next message is worth less than the one
    before the gap is 0; see ``wxengage.stats.volumes.allot``.

    Examples
    --------
    >>> table = volume_utilities(1, [0.5, 0.3, 0.2], cost=0.01)
    >>> found = best_volumes(table, budget=4)
    >>> found.volumes.tolist(), round(found.value, 3), found.gap
    ([2, 2, 0], 1.22, 0.0)
    """
    return allot(table, budget)


def sends_before(
    users: ArrayLike, at: ArrayLike, *, window: dt.timedelta = _WEEK
) -> NDArray[np.int64]:
    """Return how many messages each user had got when each message went.

    Parameters
    ----------
    users, at
        Whom each message went to, and when: ``datetime64`` in UTC, or
        microseconds since 1970. Shape ``(n,)`` each, in any order.
    window
        How far back. Elapsed time; a message counts for exactly so long.

    Returns
    -------
    numpy.ndarray
        Messages to the same user in ``at - window < t < at``. Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If shapes or types do not fit.

    Notes
    -----
    Two sorts: ``O(n log n)``.

    Examples
    --------
    >>> day = 86_400_000_000
    >>> sends_before(["ada", "ada", "bob", "ada"], [0, day, day, 7 * day]).tolist()
    [0, 1, 0, 1]
    """
    who, now = paired(("users", "at"), users, at)
    if not now.size:
        return now
    codes, _ = codes_of(who, who[:1])
    both = np.concatenate([now, now - require_gap("window", window)])
    ranks = np.unique(both, return_inverse=True)[1]
    # Ranks instead of times keep user and time within one 64-bit key.
    first = codes * (int(ranks.max()) + 1)
    keys, opens = first + ranks[: now.size], first + ranks[now.size :]
    ordered = np.sort(keys)
    found: NDArray[np.int64] = np.searchsorted(ordered, keys)
    found -= np.searchsorted(ordered, opens, "right")
    return found


def fit_hazard(sends: ArrayLike, left: ArrayLike, *, ridge: float = 1.0) -> Logistic:
    """Fit how the chance to lose a user rises with the messages they got lately.

    Parameters
    ----------
    sends
        For each message that went out, how many the user had got in the seven
        days before it, as ``sends_before`` tells. Whole. Shape ``(n,)``.
    left
        Whether the user left upon that message. Shape ``(n,)``.
    ridge
        How strongly the rise is held near none. Above 0.

    Returns
    -------
    Logistic
        ``chances(sends)`` is the hazard; ``diagnosis`` says where the data
        cannot tell how it rises.

    Raises
    ------
    InvalidInputError
        If nobody left, or everybody did: the message says below what the chance
        then is. If a count is not whole, or the columns differ in length.

    Examples
    --------
    >>> sends, left = [0, 0, 0, 0, 3, 3, 3, 3], [0, 0, 0, 1, 0, 1, 1, 0]
    >>> hazard = fit_hazard(sends, left)
    >>> ahead = [[0, 1, 2, 3, 4]]  # what the next five messages will find
    >>> hazard.chances(ahead).round(2).tolist()
    [[0.29, 0.34, 0.4, 0.46, 0.51]]
    """
    return fit_logistic(whole_column("sends", sends), left, ridge=ridge)
