"""How often somebody may vote (投票规则)."""

from __future__ import annotations

import datetime as dt
from typing import Final

import attrs

from wxengage.campaigns.definitions import require_all
from wxengage.errors import InvalidInputError, require_whole
from wxengage.times.days import DayClock

__all__ = ["VoteRule"]

_LONGEST: Final = dt.timedelta(days=3_660)


@attrs.frozen
class VoteRule:
    """How often somebody may vote, and whose votes count (投票规则).

    Where a quota is exceeded the earliest votes count. A vote that is taken back
    uses no quota; one that is declared void keeps using its own, so that no later
    vote of the same person moves up.

    Attributes
    ----------
    per_day
        Votes that count of one person on one local day; None: no bound.
    per_entry_per_day
        Of these, votes for one entry; None: no bound.
    total
        Votes that count of one person in the whole contest; None: no bound.
    min_account_age
        How long before the vote somebody must have followed for the first time. Of
        whom that is not known nothing counts, unless it is zero.
    self_vote
        Whether authors may vote for their own entries.
    change_within
        How long a vote can be taken back; None: until the contest closes.
    clock
        Whose calendar day counts.

    Raises
    ------
    InvalidInputError
        If fields break their rules: all faults at once.

    Examples
    --------
    >>> VoteRule(per_day=3).per_entry_per_day
    1
    """

    per_day: int | None = attrs.field(default=1, kw_only=True)
    per_entry_per_day: int | None = attrs.field(default=1, kw_only=True)
    total: int | None = attrs.field(default=None, kw_only=True)
    min_account_age: dt.timedelta = attrs.field(default=dt.timedelta(0), kw_only=True)
    self_vote: bool = attrs.field(default=False, kw_only=True)
    change_within: dt.timedelta | None = attrs.field(default=None, kw_only=True)
    clock: DayClock = attrs.field(factory=DayClock, kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks = [
            lambda: _a_quota("per_day", self.per_day),
            lambda: _a_quota("per_entry_per_day", self.per_entry_per_day),
            lambda: _a_quota("total", self.total),
            lambda: _a_span("min_account_age", self.min_account_age),
            lambda: self._check_self_vote(self.self_vote),
            self._check_change_within,
            lambda: self._check_clock(self.clock),
        ]
        require_all("VoteRule", "votes", checks)

    def _check_change_within(self) -> None:
        if self.change_within is not None:
            _a_span("change_within", self.change_within)

    @staticmethod
    def _check_self_vote(got: object) -> None:
        if not isinstance(got, bool):
            raise InvalidInputError("self_vote", got, "True or False")

    @staticmethod
    def _check_clock(got: object) -> None:
        if not isinstance(got, DayClock):
            hint = "for example DayClock('Asia/Shanghai')"
            raise InvalidInputError("clock", got, "a DayClock", hint)


def _a_quota(name: str, got: int | None) -> None:
    if got is not None:
        require_whole(name, got, least=1, hint="None is no bound")


def _a_span(name: str, got: object) -> None:
    if not isinstance(got, dt.timedelta) or not dt.timedelta(0) <= got <= _LONGEST:
        rule = "a timedelta from 0 to ten years"
        raise InvalidInputError(name, got, rule, "for example timedelta(days=7)")
