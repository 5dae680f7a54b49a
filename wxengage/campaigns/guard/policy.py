"""What counts as suspicious (风控规则), and that nothing is ever a ban."""

from __future__ import annotations

import datetime as dt
from typing import Final

import attrs

from wxengage.campaigns.definitions import require_all
from wxengage.errors import InvalidInputError, require_whole
from wxengage.times.days import DayClock
from wxengage.times.zones import span_micros

__all__ = ["RiskPolicy"]

_LONGEST: Final = dt.timedelta(days=3_660)


@attrs.frozen
class RiskPolicy:
    """What is looked at, and how sure one wants to be (风控规则).

    Attributes
    ----------
    window
        Invites within so long are a burst, where chance does not explain it.
    horizon
        How long after the invite an invitee is watched: whether they did anything,
        whether they left. Invites that are younger tell nothing of that.
    false_share
        Which share of the findings of each test may be false, above 0 and below 1.
    least_invites
        Inviters with fewer invites are not judged: the numbers cannot say anything.
    review_at
        So many findings are for a person to look at; fewer put payouts on hold.
    clock
        Whose time of day is meant: invites are rarer at night, and not suspicious
        in the evening.

    Raises
    ------
    InvalidInputError
        If fields break their rules: all faults at once.
    """

    window: dt.timedelta = attrs.field(default=dt.timedelta(minutes=10), kw_only=True)
    horizon: dt.timedelta = attrs.field(default=dt.timedelta(days=3), kw_only=True)
    false_share: float = attrs.field(default=0.05, kw_only=True)
    least_invites: int = attrs.field(default=3, kw_only=True)
    review_at: int = attrs.field(default=2, kw_only=True)
    clock: DayClock = attrs.field(factory=DayClock, kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks = [
            lambda: _a_span("window", self.window),
            lambda: _a_span("horizon", self.horizon),
            self._check_false_share,
            lambda: require_whole("least_invites", self.least_invites, least=1),
            lambda: require_whole("review_at", self.review_at, least=1),
            lambda: self._check_clock(self.clock),
        ]
        require_all("RiskPolicy", "policy", checks)

    def _check_false_share(self) -> None:
        got = self.false_share
        number = isinstance(got, (int, float)) and not isinstance(got, bool)
        if not (number and 0 < got < 1):
            rule = "a share between 0 and 1"
            raise InvalidInputError("false_share", got, rule, "0.05 is usual")

    @staticmethod
    def _check_clock(got: object) -> None:
        if not isinstance(got, DayClock):
            hint = "for example DayClock('Asia/Shanghai')"
            raise InvalidInputError("clock", got, "a DayClock", hint)


def _a_span(name: str, got: dt.timedelta) -> None:
    if span_micros(name, got) > span_micros(name, _LONGEST):
        raise InvalidInputError(name, got, "at most ten years")
