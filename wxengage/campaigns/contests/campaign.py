"""The definition of a contest (UGC创作赛): who may enter and vote, what is won."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import TYPE_CHECKING, get_args

import attrs

from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.contests.subjects import RESULTS, Results, Voter, entry_key
from wxengage.campaigns.definitions import require_all
from wxengage.campaigns.states import State, Tick, require_period
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.money import Reward
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.log.events import Event

__all__ = ["Contest"]


@attrs.frozen
class Contest:
    """People hand in entries, others vote, the best win (UGC创作赛).

    An event belongs to the contest by its ``campaign``; ``item`` is the entry.
    ``submit`` hands an entry in, ``vote`` votes for it, ``retract`` takes the user's
    votes for it back, ``withdraw`` by its author takes the entry out. ``void`` says
    that what ``user`` did is void: all votes until then; with an ``item`` the votes
    for that entry, and the entry itself where it is the user's own; with a ``group``
    the one vote that has this id.

    Votes, retractions and voids give the same whatever order they come in, late or
    twice. What happens to an entry must be known before the votes that come after
    it, and what is due before the events that do.

    Attributes
    ----------
    id
        The name by which events tell it.
    prizes
        The first is for the winner, the second for the second, and so on.
    votes
        How often somebody may vote.
    opens, closes
        Entries and votes count at ``opens <= at < closes``.
    publishes
        When the results are published, by votes; not before ``closes``. None: by
        hand, see ``publish``.
    least_votes
        How many votes an entry needs to be among the results, from 1.
    one_prize_each
        Whether the prizes of somebody with several entries end with the first; what
        they would have won goes to the next.
    account
        The account whose follows make the age of an account; None: any.

    Raises
    ------
    InvalidInputError
        If fields break their rules: all faults at once.

    Examples
    --------
    >>> from wxengage.money import Cash, split, yuan
    >>> march = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
    >>> photos = Contest(
    ...     "photos",
    ...     prizes=tuple(Cash(fen) for fen in split(yuan("1000"), [5, 3, 2])),
    ...     votes=VoteRule(per_day=3),
    ...     opens=march,
    ...     closes=march + dt.timedelta(days=14),
    ... )
    >>> [str(prize) for prize in photos.prizes]
    ['500.00元', '300.00元', '200.00元']
    """

    id: str
    prizes: tuple[Reward, ...] = attrs.field(kw_only=True)
    votes: VoteRule = attrs.field(factory=VoteRule, kw_only=True)
    opens: dt.datetime = attrs.field(kw_only=True)
    closes: dt.datetime = attrs.field(kw_only=True)
    publishes: dt.datetime | None = attrs.field(default=None, kw_only=True)
    least_votes: int = attrs.field(default=1, kw_only=True)
    one_prize_each: bool = attrs.field(default=False, kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        checks = [
            lambda: require_id("id", self.id),
            lambda: _prizes(self.prizes),
            lambda: _a_rule(self.votes),
            lambda: require_period(self.opens, self.closes),
            self._check_publishes,
            lambda: require_whole("least_votes", self.least_votes, least=1),
            lambda: _a_flag("one_prize_each", self.one_prize_each),
            lambda: self.account is None or require_id("account", self.account),
        ]
        require_all("Contest", self.id, checks)

    def _check_publishes(self) -> None:
        if self.publishes is None:
            return
        at = micros("publishes", self.publishes)
        if at < micros("closes", self.closes):
            rule = f"not before closes, {self.closes}"
            raise InvalidInputError("publishes", self.publishes, rule)

    def start(self) -> State:
        """Return the state in which nothing has happened."""
        return State(self.id)

    def touches(
        self, event: Event | Tick, state: State | None = None
    ) -> frozenset[str]:
        """Return the keys that an event can concern.

        Parameters
        ----------
        event
            An event, or a tick.
        state
            What is loaded so far; None: nothing.

        Returns
        -------
        frozenset of str
            The user, the entry, and the results where an entry is handed in; with
            a state also the entries that the user voted for. Of a tick: the results
            and, with a state, all entries.
        """
        if isinstance(event, Tick):
            results = state.subjects.get(event.subject) if state else None
            entries = results.entries if isinstance(results, Results) else ()
            return frozenset({event.subject, *map(entry_key, entries)})
        key = str(event.user)
        found = {key}
        if event.item is not None:
            found.add(entry_key(str(event.item)))
        if event.kind == "submit":
            found.add(RESULTS)
        voter = state.subjects.get(key) if state else None
        if isinstance(voter, Voter):
            found |= {entry_key(ballot.entry) for ballot in voter.ballots}
        return frozenset(found)

    def due(self, state: State, now: dt.datetime) -> tuple[Tick, ...]:
        """Return whether the results are to be published.

        Parameters
        ----------
        state
            With the results.
        now
            The instant, aware; included.

        Returns
        -------
        tuple of Tick
            One, or none: there is no entry, it is not time, or it is done.
        """
        at = micros("now", now)
        results = state.subjects.get(RESULTS)
        if self.publishes is None or not isinstance(results, Results):
            return ()
        if results.published is not None or at < micros("publishes", self.publishes):
            return ()
        return (Tick(self.publishes, RESULTS),)


def _prizes(got: object) -> None:
    hint = "for example (Cash(yuan('500')), Cash(yuan('300')))"
    if not isinstance(got, tuple) or not got:
        raise InvalidInputError("prizes", got, "a tuple of rewards", hint)
    for row, prize in enumerate(got):
        if not isinstance(prize, get_args(Reward)):
            raise InvalidInputError(f"prizes[{row}]", prize, "a reward", hint)


def _a_rule(got: object) -> None:
    if not isinstance(got, VoteRule):
        hint = "for example VoteRule(per_day=3)"
        raise InvalidInputError("votes", got, "a VoteRule", hint)


def _a_flag(name: str, got: object) -> None:
    if not isinstance(got, bool):
        raise InvalidInputError(name, got, "True or False")
