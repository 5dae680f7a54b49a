"""All events of a contest at once (创作赛批量重算), and the tables they make."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.campaigns.contests.counting import (
    REASON_NAMES,
    STATUS_NAMES,
    Entries,
    Votes,
    entries_of,
    votes_of,
)
from wxengage.campaigns.contests.folding import fold
from wxengage.campaigns.contests.publishing import awards_of, prize_facts
from wxengage.campaigns.contests.subjects import Award, Submission
from wxengage.campaigns.sources import read_events
from wxengage.campaigns.standings import Standings
from wxengage.campaigns.tables import fact_columns, reward_row
from wxengage.log.events import Event
from wxengage.log.part import KIND_NAMES
from wxengage.log.runs import NEVER
from wxengage.log.summary import instants
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from wxengage.campaigns.contests.campaign import Contest
    from wxengage.campaigns.facts import Fact
    from wxengage.campaigns.sources import EventColumns
    from wxengage.campaigns.standings import Columns
    from wxengage.campaigns.states import State

__all__ = ["contest_standings"]

_NOT_YET: Final = np.iinfo(np.int64).max
_STATUS_WORDS: Final = np.array(STATUS_NAMES, dtype=object)
_REASON_WORDS: Final = np.array(REASON_NAMES, dtype=object)
# The kinds of events by which somebody is seen to have looked at an entry.
_LOOKS: Final = ("read", "open", "watch", "click")


def contest_standings(
    contest: Contest, source: Any, as_of: dt.datetime, tz: str | None, unit: str | None
) -> Standings:
    """Return where everybody in a contest stands.

    Parameters
    ----------
    contest, source, as_of, tz, unit
        As for ``replay``. The column ``id`` tells votes that are otherwise the same.

    Returns
    -------
    Standings
        With the tables entries, votes, users, results, entitlements, rewards (the
        facts that move rewards) and facts. Before the results are published,
        ``results`` is what they would be, and nobody is entitled to anything. Of
        amendments, which are somebody's decision and no event, it knows nothing.

    Notes
    -----
    ``facts`` are folded one at a time when they are asked for; the other tables are
    counted all at once.
    """
    events = read_events(source, invites=False, numbered=True, tz=tz, unit=unit)
    now = micros("as_of", as_of)
    if len(events) and events.at.max() > now:
        events = events.take(np.flatnonzero(events.at <= now))
    entries, item = entries_of(events, contest)
    votes = votes_of(events, item, entries, contest)
    found = _Counted(contest, now, events, item, entries, votes)
    tables = {
        "entries": found.entry_table,
        "votes": found.vote_table,
        "users": found.user_table,
        "results": lambda: _award_table(found.results),
        "entitlements": lambda: _entitlements(found.awards),
        "rewards": lambda: fact_columns(found.rewards()),
        "facts": lambda: fact_columns(found.facts()),
    }
    return Standings(contest, as_of, tables, events.origin)


@attrs.frozen(eq=False, slots=False)
class _Counted:
    """Everything that the tables of a contest are made of."""

    contest: Contest
    as_of: int
    events: EventColumns
    item: NDArray[np.int64]
    entries: Entries
    votes: Votes

    @functools.cached_property
    def _counts(self) -> NDArray[np.bool_]:
        counts: NDArray[np.bool_] = self.votes.reason == 0
        return counts

    @functools.cached_property
    def _tally(self) -> NDArray[np.int64]:
        voted = self.votes.entry[self._counts]
        return np.bincount(voted, minlength=len(self.entries.names))

    @functools.cached_property
    def _people(self) -> NDArray[Any]:
        return self.events.ids.numpy()

    @functools.cached_property
    def results(self) -> tuple[Award, ...]:
        """What the votes say: the results if they are published, or would be now."""
        published = self._published
        if published is not None and self.events.at.max() > published:
            return _told_until(self, published)
        there = (self.entries.author >= 0) & (self.entries.left == _NOT_YET)
        rows = np.flatnonzero(there & (self._tally >= self.contest.least_votes))
        order = np.lexsort((rows, self.entries.submitted[rows], -self._tally[rows]))
        return awards_of(map(self._submission, rows[order].tolist()), self.contest)

    def _submission(self, row: int) -> Submission:
        return Submission(
            self.entries.names[row],
            str(self._people[self.entries.author[row]]),
            from_micros(int(self.entries.submitted[row])),
            votes=int(self._tally[row]),
        )

    @functools.cached_property
    def _published(self) -> int | None:
        """When the results were published; None: not yet, or there is no entry."""
        publishes = self.contest.publishes
        if publishes is None or not (self.entries.author >= 0).any():
            return None
        at = micros("publishes", publishes)
        return at if at <= self.as_of else None

    @property
    def awards(self) -> tuple[Award, ...]:
        """The published results."""
        return () if self._published is None else self.results

    def rewards(self) -> tuple[Fact, ...]:
        """Return the prizes."""
        if self._published is None:
            return ()
        at = from_micros(self._published)
        return prize_facts((), self.results, self.contest, at, generation=0)

    def entry_table(self) -> Columns:
        """Return one row an entry, the most votes first."""
        rows = np.flatnonzero(self.entries.author >= 0)
        order = np.lexsort((rows, self.entries.submitted[rows], -self._tally[rows]))
        rows = rows[order]
        left = self.entries.left[rows]
        votes, size = self.votes, len(self.entries.names)
        pair = _distinct(votes.voter[self._counts] * size + votes.entry[self._counts])
        voters = np.bincount(pair % max(size, 1), minlength=size)
        return {
            "entry": self.entries.names[rows],
            "author": self.events.ids.take(self.entries.author[rows]),
            "votes": self._tally[rows],
            "voters": voters[rows],
            "viewers": self._viewers(pair)[rows],
            "submitted_at": instants(self.entries.submitted[rows]),
            "left_at": instants(np.where(left == _NOT_YET, NEVER, left)),
        }

    def _viewers(self, voted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many saw each entry: who looked, or whose vote counts."""
        looks = self.events.of_kinds(*_LOOKS) & (self.item >= 0)
        looks &= self.events.says("campaign", self.contest.id)
        size = len(self.entries.names)
        if not looks.any():
            return np.bincount(voted % max(size, 1), minlength=size)
        seen = self.events.user[looks] * size + self.item[looks]
        pairs = _distinct(np.concatenate((voted, seen)))
        return np.bincount(pairs % max(size, 1), minlength=size)

    def vote_table(self) -> Columns:
        """Return one row a vote, by voter and time."""
        votes = self.votes
        return {
            "voter": self.events.ids.take(votes.voter),
            "entry": self.entries.names[votes.entry],
            "at": instants(votes.at),
            "status": _STATUS_WORDS[votes.reason],
            "reason": _REASON_WORDS[votes.reason],
            "since": instants(votes.since),
            "row": votes.row,
        }

    def user_table(self) -> Columns:
        """Return one row for everybody who handed in an entry, or voted."""
        size = len(self.events.ids)
        authors = self.entries.author[self.entries.author >= 0]
        received = np.zeros(size, dtype=np.int64)
        np.add.at(received, authors, self._tally[self.entries.author >= 0])
        entries = np.bincount(authors, minlength=size)
        given = np.bincount(self.votes.voter, minlength=size)
        who = np.flatnonzero((entries > 0) | (given > 0))
        columns: dict[str, Any] = {
            "user": self.events.ids.take(who),
            "entries": entries[who],
            "received": received[who],
            "votes": given[who],
        }
        for status in dict.fromkeys(STATUS_NAMES):
            mine = _STATUS_WORDS[self.votes.reason] == status
            tally = np.bincount(self.votes.voter[mine], minlength=size)
            columns[status] = tally[who]
        return columns

    def facts(self) -> tuple[Fact, ...]:
        """Return what folding the events in the order of time emits."""
        return tuple(_folded(self.events, self.contest, self.as_of)[1])


def _distinct(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return distinct codes, ascending: a sort, where hashing would take longer."""
    ordered = np.sort(codes)
    keep = np.ones(len(ordered), dtype=np.bool_)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep]


def _told_until(found: _Counted, until: int) -> tuple[Award, ...]:
    """Return the results as they were when they were published."""
    contest = found.contest
    events = found.events.take(np.flatnonzero(found.events.at <= until))
    entries, item = entries_of(events, contest)
    votes = votes_of(events, item, entries, contest)
    return _Counted(contest, until, events, item, entries, votes).results


def _award_table(awards: Iterable[Award]) -> Columns:
    rows = tuple(awards)
    prizes = [("", "", 0) if a.reward is None else reward_row(a.reward) for a in rows]

    def words(values: Iterable[str]) -> NDArray[Any]:
        return np.fromiter(values, dtype=object, count=len(rows))

    return {
        "rank": np.array([award.rank for award in rows], dtype=np.int64),
        "entry": words(award.entry for award in rows),
        "author": words(award.author for award in rows),
        "votes": np.array([award.votes for award in rows], dtype=np.int64),
        "kind": words(kind for kind, _, _ in prizes),
        "name": words(name for _, name, _ in prizes),
        "amount": np.array([much for _, _, much in prizes], dtype=np.int64),
    }


def _entitlements(awards: Iterable[Award]) -> Columns:
    columns = _award_table(award for award in awards if award.reward is not None)
    taken = ("author", "entry", "rank", "kind", "name", "amount")
    return {"user" if n == "author" else n: columns[n] for n in taken}


def _folded(
    events: EventColumns, contest: Contest, as_of: int
) -> tuple[State, list[Fact]]:
    """Fold events by time, and what is due before each."""
    state = contest.start()
    facts: list[Fact] = []
    now = from_micros(as_of)
    for event in _in_time(events, contest):
        before = from_micros(micros("at", event.at) - 1)
        for tick in contest.due(state, before):
            state, found = fold(state, tick, contest)
            facts += found
        state, found = fold(state, event, contest)
        facts += found
    for tick in contest.due(state, now):
        state, found = fold(state, tick, contest)
        facts += found
    return state, facts


def _in_time(events: EventColumns, contest: Contest) -> Iterable[Event]:
    """Yield events by time; of one instant, follows and entries first."""
    kinds = ("follow", "submit", "withdraw", "void", "vote", "retract")
    rank = np.full(256, len(kinds))
    for place, name in enumerate(kinds):
        rank[KIND_NAMES.index(name)] = place
    rows = np.flatnonzero(rank[events.kind] < len(kinds))
    order = np.lexsort((events.user[rows], rank[events.kind[rows]], events.at[rows]))
    people = events.ids.numpy()
    words = {n: (c, events.values[n]) for n, c in events.words.items()}
    # A column that is missing restricts nothing.
    always: dict[str, Any] = {"campaign": contest.id, "account": contest.account}
    for row in rows[order].tolist():
        told = {n: v[c[row]] if c[row] >= 0 else None for n, (c, v) in words.items()}
        yield Event(
            KIND_NAMES[events.kind[row]],
            user=str(people[events.user[row]]),
            at=from_micros(int(events.at[row])),
            **{**always, **told},
        )
