"""When points can be spent, and when they expire (积分规则)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.segments.points.validity import FOREVER, DayTable, Validity
from wxengage.times.days import DayClock
from wxengage.times.zones import MICROS_PER_DAY, span_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PointsPolicy", "lot_ends", "require_window"]

_CENTURY: Final = dt.timedelta(days=36_525)


def _wait(_: object, field: attrs.Attribute[Any], got: Any) -> None:
    if not isinstance(got, dt.timedelta) or not dt.timedelta(0) <= got <= _CENTURY:
        raise InvalidInputError(field.name, got, "a timedelta from 0 to a century")


def _window(_: object, field: attrs.Attribute[Any], got: Any) -> None:
    if got is not None and span_micros(field.name, got) and got > _CENTURY:
        raise InvalidInputError(field.name, got, "at most a century")


def _of_type(kind: type, rule: str) -> Any:
    def check(_: object, field: attrs.Attribute[Any], got: Any) -> None:
        if not isinstance(got, kind) and not (got is None and field.default is None):
            raise InvalidInputError(field.name, got, rule)

    return check


@attrs.frozen(kw_only=True)
class PointsPolicy:
    """When points can be spent, and when they expire.

    Attributes
    ----------
    pending
        A lot can be spent this long after it was earned, such as the days in
        which an order may be returned. Elapsed time.
    validity
        From the local day on which it was earned; None: points never expire.
    reinstatement
        What expired within this time before it is given back can be spent again,
        for the same time from then on. None: what has expired is gone.
    clock
        Whose days, months and years count.

    Examples
    --------
    >>> policy = PointsPolicy(validity=Validity(years=1, until="month"))
    >>> policy.pending
    datetime.timedelta(0)
    """

    pending: dt.timedelta = attrs.field(default=dt.timedelta(0), validator=_wait)
    validity: Validity | None = attrs.field(
        default=None,
        validator=_of_type(Validity, "a Validity, or None"),
    )
    reinstatement: dt.timedelta | None = attrs.field(default=None, validator=_window)
    clock: DayClock = attrs.field(
        default=DayClock(), validator=_of_type(DayClock, "a DayClock")
    )

    @property
    def pending_micros(self) -> int:
        """``pending`` in microseconds."""
        return self.pending // dt.timedelta(microseconds=1)

    @property
    def window_micros(self) -> int | None:
        """``reinstatement`` in microseconds."""
        if self.reinstatement is None:
            return None
        return span_micros("reinstatement", self.reinstatement)


def lot_ends(at: NDArray[np.int64], policy: PointsPolicy) -> NDArray[np.int64]:
    """Return when lots expire.

    Parameters
    ----------
    at
        When they were earned, microseconds since 1970. Shape ``(n,)``.
    policy
        The rules.

    Returns
    -------
    numpy.ndarray
        ``FOREVER`` where they never do. Shape ``(n,)``.
    """
    if policy.validity is None or not at.size:
        return np.full(at.shape, FOREVER)
    low, high = int(at.min()), int(at.max())
    high += policy.validity.at_most_days * MICROS_PER_DAY
    return policy.validity.ends(at, DayTable(policy.clock, low, high))


def require_window(policy: PointsPolicy, name: str) -> None:
    """Raise unless what has expired can be given back."""
    if policy.reinstatement is None:
        rule = "under a policy with reinstatement=timedelta(...)"
        raise InvalidInputError(name, "a reinstatement", rule)
