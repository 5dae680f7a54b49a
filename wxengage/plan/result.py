"""A finished plan (触达计划): who gets what, what it is worth, and why.

The audience is conserved: every candidate has exactly one outcome, and
``why(user)`` says it in Chinese and in English.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import functools
import html
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.plan import why as says
from wxengage.plan.bounds import own_groups
from wxengage.plan.lost import Lost, Offer, losses
from wxengage.tables import aligned
from wxengage.times.zones import from_micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Group, Limits, Total, Usage
    from wxengage.plan.candidates import Candidates
    from wxengage.sends import Send
    from wxengage.times.days import DayClock
    from wxengage.words import Words

__all__ = ["OUTCOMES", "Line", "Outcomes", "Plan", "Why"]

Action = Literal["chosen", "deferred", "dropped", "refused"]
ACTIONS: Final[tuple[Action, ...]] = ("chosen", "deferred", "dropped", "refused")
#: Reason -> what was done. The position is the number that ``outcome`` keeps.
OUTCOMES: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "chosen": "chosen",
        "capacity": "deferred",
        "no_value": "dropped",
        "not_allowed": "refused",
        "quiet_hours": "refused",
        "ad_share": "refused",
        "cap": "refused",
        "holdout": "refused",
    }
)
REASONS: Final = tuple(OUTCOMES)
CHOSEN: Final = REASONS.index("chosen")
#: What may keep value and bound apart: whole numbers, sets of a user that cross
#: and were relaxed for the bound, or branch and bound that was stopped.
Short = Literal["whole", "crossing", "nodes", ""]


@attrs.frozen
class Why:
    """Why a user gets what they get, or nothing.

    Attributes
    ----------
    user
        Whom it is about.
    action
        ``"chosen"``, ``"deferred"``, ``"dropped"`` or ``"refused"``.
    reason
        The machine's word for it, a key of ``OUTCOMES``.
    zh, en
        The sentence.
    lost
        Every option that the user does not get, and what it lost to.
    """

    user: str | int
    action: Action
    reason: str
    zh: str
    en: str
    lost: tuple[Lost, ...] = attrs.field(default=(), repr=False)


@attrs.frozen(eq=False)
class Outcomes:
    """What became of every user of the audience, as columns.

    Attributes
    ----------
    user
        Ids, in the order in which they came. Shape ``(n,)``.
    action, reason
        As in ``Why``. Shape ``(n,)``.
    """

    user: NDArray[Any]
    action: NDArray[np.str_]
    reason: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.user)

    def to_frame(self, like: object = None) -> Any:  # noqa: ANN401  the caller's kind
        """Return the columns as a table of the caller's kind.

        Parameters
        ----------
        like
            A frame to imitate, or a name such as ``"pandas"``; None for arrays.

        Returns
        -------
        object
            A frame with the columns user, action and reason.
        """
        from wxengage.log.frames import ARRAYS, give  # noqa: PLC0415  loads narwhals

        columns = {
            "user": self.user,
            "action": self.action.astype(object),
            "reason": self.reason.astype(object),
        }
        return give(columns, ARRAYS, like)


@attrs.frozen
class Line:
    """One line of a plan's preview: an option, how many get it, their worth."""

    message: str
    channel: str
    at: dt.datetime
    sends: int
    value: float
    words: Words


@attrs.frozen(eq=False, repr=False)
class Plan:
    """Who gets what and when.

    Attributes
    ----------
    candidates
        What was chosen from.
    clock
        Whose days counted.
    instants
        When each option goes, microseconds since 1970. Shape ``(k,)``.
    chosen_user, chosen_option
        One entry a send: positions in the candidates' users and options, in
        order of time, then of user id. Shape ``(sends,)``.
    outcome
        What became of each user: a position in ``OUTCOMES``. Shape ``(n,)``.
    value
        What the plan is worth.
    bound
        What no plan can be worth more than, within these limits.
    gap
        ``(bound - value) / bound``: how much might be missing.
    asked
        The gap that was asked for.
    usage
        Each budget: how much is used, and what one more would be worth.
    full
        For each option a budget that has no room for one more of it, or None.
        Length ``k``.
    limits
        What it keeps to.
    short
        What may keep value and bound apart: ``"whole"`` numbers, sets that are
        ``"crossing"``, or the ``"nodes"`` that branch and bound was given.
    """

    candidates: Candidates
    clock: DayClock
    instants: NDArray[np.int64]
    chosen_user: NDArray[np.int64]
    chosen_option: NDArray[np.int64]
    outcome: NDArray[np.int8]
    value: float
    bound: float
    gap: float
    asked: float
    usage: Mapping[str, Usage]
    full: tuple[str | None, ...]
    limits: Limits
    short: Short

    def __len__(self) -> int:
        return len(self.chosen_user)

    @property
    def met(self) -> bool:
        """Whether the gap that was asked for is reached."""
        return self.gap <= self.asked

    @property
    def unmet(self) -> Words | None:
        """Why the gap that was asked for is not reached; None where it is."""
        return None if self.met else says.short_of(self.gap, self.asked, self.short)

    @property
    def prices(self) -> Mapping[str, float]:
        """What one more unit of each budget would be worth, about."""
        return {name: usage.price for name, usage in self.usage.items()}

    @functools.cached_property
    def sends(self) -> tuple[Send, ...]:
        """The sends, in order of time, then of user id."""
        pairs = zip(self.chosen_user.tolist(), self.chosen_option.tolist(), strict=True)
        return tuple(self._send(user, option) for user, option in pairs)

    @functools.cached_property
    def _times(self) -> Mapping[int, dt.datetime]:
        """When each chosen option goes, on the clock's wall."""
        return {
            option: from_micros(int(self.instants[option]), self.clock.zone)
            for option in np.unique(self.chosen_option).tolist()
        }

    def _send(self, user: int, option: int) -> Send:
        at = self._times[option]
        given = self.candidates.given.get((user, option))
        if given is not None:
            return attrs.evolve(given, at=at)
        name = str(self.candidates.users[user])
        value = float(self.candidates.rows[self.candidates.row_of[user], option])
        return self.candidates.options[option].as_send("", name, at, value)

    @property
    def outcomes(self) -> Outcomes:
        """What became of every user, in the order in which they came."""
        actions = np.array([OUTCOMES[reason] for reason in REASONS])
        reasons = np.array(REASONS)
        return Outcomes(
            self.candidates.users, actions[self.outcome], reasons[self.outcome]
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """How many users were chosen, deferred, dropped and refused."""
        by_reason = np.bincount(self.outcome, minlength=len(REASONS)).tolist()
        found: dict[str, int] = dict.fromkeys(ACTIONS, 0)
        for reason, users in zip(REASONS, by_reason, strict=True):
            found[OUTCOMES[reason]] += users
        return MappingProxyType(found)

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many users have each reason; reasons of nobody are left out."""
        by_reason = np.bincount(self.outcome, minlength=len(REASONS)).tolist()
        pairs = zip(REASONS, by_reason, strict=True)
        return MappingProxyType({reason: n for reason, n in pairs if n})

    @property
    def refusals(self) -> Mapping[str, int]:
        """What the gate said to users for whom it let nothing go: reason -> users."""
        refused = self.outcome == REASONS.index("not_allowed")
        rows, users = np.unique(self.candidates.row_of[refused], return_counts=True)
        found: dict[str, int] = {}
        for row, n in zip(rows.tolist(), users.tolist(), strict=True):
            said = self.candidates.refused(row)
            if said is not None:
                found[said.reason] = found.get(said.reason, 0) + n
        return MappingProxyType(dict(sorted(found.items(), key=lambda one: -one[1])))

    @functools.cached_property
    def _places(self) -> Mapping[object, int]:
        return {user: row for row, user in enumerate(self.candidates.users.tolist())}

    def why(self, user: str | int) -> Why:
        """Return why a user gets what they get, or nothing.

        Parameters
        ----------
        user
            An id from the audience.

        Returns
        -------
        Why
            The outcome, its reason, and a sentence in Chinese and in English.

        Raises
        ------
        InvalidInputError
            If nobody of that id was a candidate.
        """
        row = self._places.get(user)
        if row is None:
            hint = "only candidates have an outcome"
            raise InvalidInputError("user", user, "in the audience of this plan", hint)
        reason = REASONS[self.outcome[row]]
        words = self._sentence(row, reason)
        mine = self.chosen_option[self._chosen_rows(row)].tolist()
        lost = losses(self._offer(row), mine)
        return Why(user, OUTCOMES[reason], reason, words.zh, words.en, lost)

    def _offer(self, row: int) -> Offer:
        who, options = self.candidates, self.candidates.options
        of = int(who.row_of[row])
        ads, sends = self.limits.left(who)
        limit_sends, limit_ads = own_groups(options, int(ads[row]), int(sends[row]))
        return Offer(
            options=options,
            worth=who.rows[of],
            instants=self.instants,
            groups=self._groups,
            ads_left=limit_ads,
            sends_left=limit_sends,
            totals=self._totals,
            usage=self.usage,
            refusals=None if who.refusals is None else who.refusals[of],
            is_held_out=of < 0,
        )

    @functools.cached_property
    def _groups(self) -> tuple[Group, ...]:
        return self.limits.groups(self.candidates.options, self.instants, self.clock)

    @functools.cached_property
    def _totals(self) -> tuple[Total, ...]:
        return self.limits.totals(self.candidates.options)

    def _sentence(self, row: int, reason: str) -> Words:
        of = int(self.candidates.row_of[row])
        who = self.candidates.words[of] if self.candidates.words and of >= 0 else None
        if reason == "chosen":
            mine = self.chosen_option[self._chosen_rows(row)].tolist()
            sends = [self._send(row, option) for option in mine]
            said = [self.candidates.options[option].said for option in mine]
            return says.chosen(who, sends, said)
        if reason == "capacity":
            option, name = self._missed(of)
            said_best = self.candidates.options[option].said
            return says.crowded_out(who, said_best, name, self.usage[name])
        refused = self.candidates.refused(of) if reason == "not_allowed" else None
        return says.left_out(who, reason, None if refused is None else refused.words)

    @functools.cached_property
    def _by_user(self) -> NDArray[np.int64]:
        return np.argsort(self.chosen_user, kind="stable")

    def _chosen_rows(self, row: int) -> NDArray[np.int64]:
        sorted_users = self.chosen_user[self._by_user]
        low, high = np.searchsorted(sorted_users, [row, row + 1])
        return self._by_user[low:high]

    def _missed(self, of: int) -> tuple[int, str]:
        """Return the best option that was full for the users of a row, and why."""
        worth = self.candidates.rows[of]
        missed = [
            (-worth[option], option, name)
            for option, name in enumerate(self.full)
            if name is not None and worth[option] > 0
        ]
        _, option, name = min(missed)
        return option, name

    def preview(self) -> tuple[Line, ...]:
        """Return how many get which message on which channel, and when.

        Returns
        -------
        tuple of Line
            One for each option that somebody gets, in order of time.
        """
        k = len(self.candidates.options)
        sends = np.bincount(self.chosen_option, minlength=k)
        values = self._values()
        worth = np.bincount(self.chosen_option, weights=values, minlength=k)
        order = sorted(np.flatnonzero(sends).tolist(), key=lambda o: self.instants[o])
        return tuple(
            self._line(option, int(sends[option]), float(worth[option]))
            for option in order
        )

    def _line(self, option: int, sends: int, value: float) -> Line:
        what = self.candidates.options[option]
        at = self._times[option]
        return Line(what.message, what.channel, at, sends, value, what.said)

    def _values(self) -> NDArray[np.float64]:
        rows = self.candidates.row_of[self.chosen_user]
        return self.candidates.rows[rows, self.chosen_option].astype(np.float64)

    def __repr__(self) -> str:
        return (
            f"Plan({len(self)} sends to {self.counts['chosen']} of "
            f"{len(self.candidates)} users, value {self.value:.6g}, "
            f"gap {self.gap:.2g})"
        )

    def __str__(self) -> str:
        lines = self.preview()
        head = ("at", "channel", "message", "sends", "value")
        rows = [
            (
                f"{line.at:%Y-%m-%d %H:%M}",
                line.channel,
                line.message,
                str(line.sends),
                f"{line.value:.4g}",
            )
            for line in lines
        ]
        left = ", ".join(f"{n} {action}" for action, n in self.counts.items())
        said = ", ".join(f"{n} {reason}" for reason, n in self.refusals.items())
        left += f"; by the gate: {said}" if said else ""
        return "\n".join([repr(self), aligned([head, *rows]), left])

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{name}</th>"
            for name in ("at", "channel", "message", "sends", "value")
        )
        rows = "".join(
            f"<tr><td>{line.at:%Y-%m-%d %H:%M}</td><td>{html.escape(line.channel)}</td>"
            f"<td>{html.escape(line.words.zh)}</td><td>{line.sends}</td>"
            f"<td>{line.value:.4g}</td></tr>"
            for line in self.preview()
        )
        return (
            f"<table><caption>{html.escape(repr(self))}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
