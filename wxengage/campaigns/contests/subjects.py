"""What a contest keeps (参赛作品与投票人): entries, voters, and the results.

What a voter did is a set: votes, what was taken back, what was found to be void.
How each vote stands is a pure function of it, so the order in which it came to be
known does not matter, and the same event twice changes nothing. What grows is what
somebody did. An entry only counts its votes; each vote is told by its voter.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from typing import Final

import attrs

from wxengage.money import Reward  # noqa: TC001  the codec reads the annotations
from wxengage.times.zones import micros

__all__ = [
    "NOBODY",
    "RESULTS",
    "Amendment",
    "Award",
    "Ballot",
    "Results",
    "Submission",
    "TakenBack",
    "Voided",
    "Voter",
    "entry_key",
]

#: Key of the subject that holds the results; no user's.
RESULTS: Final = "#results"
_ENTRY: Final = "#entry:"


def entry_key(entry: str) -> str:
    """Return the key of an entry's subject."""
    return _ENTRY + entry


@attrs.frozen
class Ballot:
    """One vote (一票).

    Attributes
    ----------
    at
        When, in UTC.
    entry
        For which entry.
    vote
        Id of the event; empty where it has none.
    fault
        Why the entry cannot have it; empty where it can. Judged when the vote comes
        to be known, by what is known of the entry then.
    """

    at: dt.datetime
    entry: str
    vote: str = ""
    fault: str = ""

    @property
    def place(self) -> tuple[int, str, str]:
        """What orders ballots, and tells one from another."""
        return micros("at", self.at), self.entry, self.vote


@attrs.frozen
class TakenBack:
    """A voter takes back the votes for an entry (撤回投票)."""

    at: dt.datetime
    entry: str


@attrs.frozen
class Voided:
    """Votes are found to be void (判定无效).

    Attributes
    ----------
    at
        When: votes until then are void, this instant included.
    entry
        Votes for this entry; None: all.
    vote
        The vote with this id alone; None: all.
    """

    at: dt.datetime
    entry: str | None = None
    vote: str | None = None

    def hits(self, ballot: Ballot) -> bool:
        """Return whether a ballot is void by this."""
        if micros("at", ballot.at) > micros("at", self.at):
            return False
        if self.vote is not None:
            return self.vote == ballot.vote
        return self.entry is None or self.entry == ballot.entry


@attrs.frozen
class Voter:
    """One voter, and all they did in the contest.

    Attributes
    ----------
    clock
        The latest event.
    known_since
        The first follow, in UTC; None: not known.
    ballots
        By time, entry and id.
    taken_back, voided
        By time.
    turned_away
        Entries that this person handed in and that were refused, by time: ``fault``
        says why.
    """

    clock: dt.datetime | None = None
    known_since: dt.datetime | None = None
    ballots: tuple[Ballot, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    voided: tuple[Voided, ...] = ()
    turned_away: tuple[Ballot, ...] = ()


NOBODY: Final = Voter()


@attrs.frozen
class Submission:
    """One entry (参赛作品).

    Attributes
    ----------
    entry
        Its id.
    author
        Who submitted it first.
    submitted_at
        When, in UTC.
    left_at
        When it was withdrawn or disqualified; None: it is in the contest.
    votes
        How many votes for it count.
    clock
        The latest event about the entry itself.
    """

    entry: str
    author: str
    submitted_at: dt.datetime
    left_at: dt.datetime | None = None
    votes: int = 0
    clock: dt.datetime | None = None


@attrs.frozen
class Award:
    """One line of the results (名次).

    Attributes
    ----------
    rank
        From 1.
    entry, author
        Whose.
    votes
        How many counted then.
    reward
        The prize; None for none.
    """

    rank: int
    entry: str
    author: str
    votes: int
    reward: Reward | None = None


@attrs.frozen
class Amendment:
    """Published results that were amended (结果更正): nothing is overwritten.

    Attributes
    ----------
    at
        When.
    because
        Why, for people.
    awards
        The results from then on.
    """

    at: dt.datetime
    because: str
    awards: tuple[Award, ...]


@attrs.frozen
class Results:
    """Which entries there are, and what was published (比赛结果).

    Attributes
    ----------
    clock
        When the results were published.
    entries
        Ids of all entries that ever were in the contest, ascending.
    published
        The results as published, which never change; None: not yet.
    amendments
        What was published later, by time.
    """

    clock: dt.datetime | None = None
    entries: tuple[str, ...] = ()
    published: tuple[Award, ...] | None = None
    amendments: tuple[Amendment, ...] = ()

    @property
    def awards(self) -> tuple[Award, ...]:
        """The results that hold now; empty before they are published."""
        if self.amendments:
            return self.amendments[-1].awards
        return self.published or ()
