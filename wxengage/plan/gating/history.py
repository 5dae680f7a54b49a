"""What the gate knows of one user (用户触达历史)."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import functools
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.channels.quotas import Quota
from wxengage.errors import InvalidInputError, require_id
from wxengage.pacing.scopes import bucket_of
from wxengage.sends import CATEGORIES, Sent
from wxengage.times.zones import EPOCH, MICROS_PER_SECOND, micros
from wxengage.users import ALL_TOPICS, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.sends import Category

__all__ = ["History"]

SECONDS_PER_DAY: Final = 86_400
_NO_TIMES: Final[list[int]] = []


class _Kept:
    """What a history has been asked before, filled as it is asked.

    Attributes
    ----------
    times
        Instants of past sends by scope and categories counted, then by bucket.
    answers
        What the user said by topic: instants and answers.
    opened
        Between which instants a quota is known to let messages of a kind go.
    """

    __slots__ = ("answers", "opened", "times")

    def __init__(self) -> None:
        self.times: dict[tuple[object, ...], Mapping[str, list[int]]] = {}
        self.answers: dict[str, tuple[list[int], list[str]]] = {}
        self.opened: dict[tuple[object, ...], tuple[int, int]] = {}


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
        if set(map(type, self.sends)) <= {Sent} and {
            sent.user for sent in self.sends
        } <= {name}:
            return
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
    def _rows(self) -> tuple[list[int], list[Sent]]:
        """The instants of the past sends, ascending, and the sends."""
        # A Sent has a checked time; what is left is arithmetic.
        spans = [sent.at - EPOCH for sent in self.sends]
        times = [
            (span.days * SECONDS_PER_DAY + span.seconds) * MICROS_PER_SECOND
            + span.microseconds
            for span in spans
        ]
        rows = list(self.sends)
        if times != sorted(times):
            order = sorted(range(len(times)), key=times.__getitem__)
            return [times[row] for row in order], [rows[row] for row in order]
        return times, rows

    @functools.cached_property
    def _kept(self) -> _Kept:
        return _Kept()

    @property
    def opened(self) -> dict[tuple[object, ...], tuple[int, int]]:
        """Between which instants a quota is known to let messages of a kind go."""
        return self._kept.opened

    def said(self, topic: str, at: int) -> str:
        """Return what the user's last word on a topic was.

        Parameters
        ----------
        topic
            What it is about. A choice about everything counts for each.
        at
            Microseconds since 1970; what was said later is not heard.

        Returns
        -------
        str
            ``"yes"``, ``"no"``, also where both were said at once, or ``""``.
        """
        answers_by_topic = self._kept.answers
        known = answers_by_topic.get(topic)
        if known is None:
            known = answers_by_topic[topic] = _by_topic(self.user, topic)
        times, answers = known
        place = bisect_right(times, at)
        return answers[place - 1] if place else ""

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

    def times(
        self, scope: str | None, counts: tuple[Category, ...], bucket: str
    ) -> list[int]:
        """Return when the user got what a limit counts.

        Parameters
        ----------
        scope, counts
            As in ``Cap``.
        bucket
            What the send is counted under, as ``Cap.bucket`` tells.

        Returns
        -------
        list of int
            Microseconds since 1970, ascending. Not to be changed.
        """
        by_scope = self._kept.times
        known = by_scope.get((scope, counts))
        if known is None:
            known = by_scope[scope, counts] = _by_bucket(*self._rows, scope, counts)
        return known.get(bucket, _NO_TIMES)


def _by_topic(user: User, topic: str) -> tuple[list[int], list[str]]:
    both = (("yes", user.consents), ("no", user.opt_outs))
    # A no comes after a yes of the same instant: in doubt nobody is written to.
    said = sorted(
        (micros("at", choice.at), answer == "no", answer)
        for answer, choices in both
        for choice in choices
        if choice.topic in {topic, ALL_TOPICS}
    )
    return [at for at, _, _ in said], [answer for _, _, answer in said]


def _by_bucket(
    times: list[int],
    rows: list[Sent],
    scope: str | None,
    counts: tuple[Category, ...],
) -> dict[str, list[int]]:
    if scope is None and len(counts) == len(CATEGORIES):
        return {"": [at for at, sent in zip(times, rows, strict=True) if sent.counts]}
    found: dict[str, list[int]] = {}
    for at, sent in zip(times, rows, strict=True):
        if sent.counts and sent.category in counts:
            bucket = bucket_of(scope, sent)
            if bucket is not None:
                found.setdefault(bucket, []).append(at)
    return found
