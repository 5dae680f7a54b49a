"""What the gate knows of one user (用户触达历史)."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import functools
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.channels.quotas import Quota
from wxengage.errors import InvalidInputError, require_id
from wxengage.pacing.scopes import bucket_of
from wxengage.sends import CATEGORIES, Sent
from wxengage.times.zones import EPOCH, MICROS_PER_DAY, MICROS_PER_SECOND, micros
from wxengage.users import User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.pacing.caps import Cap

__all__ = ["History"]

_NO_TIMES: Final[list[int]] = []


@attrs.frozen
class History:
    """Who a user is and what they got, as the gate asks it (用户触达历史).

    A value that an application builds from its own tables. What it works out of
    the past sends it keeps, so ask one history several times rather than build
    it anew for each message.

    Attributes
    ----------
    user
        Who it is: zone, consents, follow spans, age band.
    segment
        The user's segment; None where it is not known.
    sends
        What went out to the user, and what is already planned to, in any order.
    quota
        The user's windows, counts and grants on the platform; None where the
        platform is not to be asked.
    since
        Since when the user has been in the segment, aware: attempts to win
        somebody back are counted from there. None counts them all.
    account
        The account's own quota, shared by all users; None where it is not to be
        asked.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule, or a row is another user's.

    Examples
    --------
    >>> History(User("ada"), "active").segment
    'active'
    """

    user: User
    segment: str | None
    sends: tuple[Sent, ...] = ()
    quota: Quota | None = None
    since: dt.datetime | None = attrs.field(default=None, kw_only=True)
    account: Quota | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.user, User):
            raise InvalidInputError("user", self.user, "a User")
        if self.segment is not None:
            require_id("segment", self.segment)
        if self.since is not None:
            micros("since", self.since)
        self._check_sends()
        self._check_quotas()

    def _check_sends(self) -> None:
        if not isinstance(self.sends, tuple):
            raise InvalidInputError("sends", self.sends, "a tuple of Sent")
        name = self.user.id
        for row, sent in enumerate(self.sends):
            if not isinstance(sent, Sent):
                raise InvalidInputError(f"sends[{row}]", sent, "a Sent")
            if sent.user != name:
                rule = f"of the user {name!r}"
                raise InvalidInputError(f"sends[{row}].user", sent.user, rule)

    def _check_quotas(self) -> None:
        for name, quota, user in (
            ("quota", self.quota, self.user.id),
            ("account", self.account, None),
        ):
            if quota is None:
                continue
            if not isinstance(quota, Quota):
                raise InvalidInputError(name, quota, "a Quota")
            if quota.user != user:
                rule = "None: an account's own" if user is None else f"{user!r}"
                raise InvalidInputError(f"{name}.user", quota.user, rule)

    @functools.cached_property
    def _rows(self) -> list[tuple[int, Sent]]:
        """The past sends with their instants, in order of time."""
        rows = []
        for sent in self.sends:
            # A Sent has a checked time; what is left is arithmetic.
            past = sent.at - EPOCH
            seconds = past.seconds * MICROS_PER_SECOND + past.microseconds
            rows.append((past.days * MICROS_PER_DAY + seconds, sent))
        rows.sort(key=_instant)
        return rows

    @functools.cached_property
    def _times(self) -> dict[tuple[object, ...], Mapping[str, list[int]]]:
        """The instants by scope and categories counted, filled as they are asked."""
        return {}

    def unfollowed(self, account: str | None, at: dt.datetime) -> bool:
        """Return whether the user is known not to follow an account.

        Parameters
        ----------
        account
            Id of the account; None where events name none.
        at
            The instant, aware.

        Returns
        -------
        bool
            False where the user follows, and where nobody has ever seen the user
            follow or unfollow it.
        """
        if self.user.follows(account, at):
            return False
        now = micros("at", at)
        return any(
            mark is not None and micros("span", mark) <= now
            for span in self.user.spans
            if span.account == account
            for mark in (span.start, span.end)
        )

    def times(self, cap: Cap, bucket: str) -> list[int]:
        """Return when the user got what a cap counts.

        Parameters
        ----------
        cap
            The cap.
        bucket
            What the send is counted under, as ``cap.bucket`` tells.

        Returns
        -------
        list of int
            Microseconds since 1970, ascending. Not to be changed.
        """
        key = (cap.scope, cap.counts)
        known = self._times.get(key)
        if known is None:
            known = self._times[key] = _by_bucket(self._rows, cap)
        return known.get(bucket, _NO_TIMES)


def _instant(row: tuple[int, Sent]) -> int:
    return row[0]


def _by_bucket(rows: list[tuple[int, Sent]], cap: Cap) -> dict[str, list[int]]:
    counts = cap.counts
    if cap.scope is None and len(counts) == len(CATEGORIES):
        return {"": [at for at, sent in rows if sent.counts]}
    found: dict[str, list[int]] = {}
    for at, sent in rows:
        if sent.counts and sent.category in counts:
            bucket = bucket_of(cap.scope, sent)
            if bucket is not None:
                found.setdefault(bucket, []).append(at)
    return found
