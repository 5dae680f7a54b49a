"""One event of a contest (创作赛逐条计算): a voter or an entry before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from wxengage.campaigns.contests.judging import (
    COUNTED,
    REFUSED,
    entry_fault,
    period_fault,
    verdicts,
)
from wxengage.campaigns.contests.publishing import publish
from wxengage.campaigns.contests.sentences import REASONS
from wxengage.campaigns.contests.subjects import (
    NOBODY,
    RESULTS,
    Ballot,
    Results,
    Submission,
    TakenBack,
    Voided,
    Voter,
    entry_key,
)
from wxengage.campaigns.facts import Fact, fact_key
from wxengage.campaigns.states import Tick
from wxengage.errors import InvalidInputError
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from wxengage.campaigns.contests.campaign import Contest
    from wxengage.campaigns.contests.judging import Verdict
    from wxengage.campaigns.states import State
    from wxengage.log.events import Event

__all__ = ["READ", "fold"]

_Mark = TypeVar("_Mark", bound=TakenBack | Voided)


def fold(
    state: State, event: Event | Tick, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    """Fold an event into what it touches.

    Parameters
    ----------
    state
        With what the event touches.
    event
        An event or a tick.
    contest
        The definition.

    Returns
    -------
    state
        The same object where nothing has changed.
    facts
        Of entries first, then of votes by time.

    Raises
    ------
    InvalidInputError
        If a vote or an entry names no item, or a user has the name of a subject
        that is no user's.
    """
    if isinstance(event, Tick):
        return _ticked(state, event, contest)
    key = str(event.user)
    if key.startswith("#"):
        raise InvalidInputError("event.user", key, "a user", "# is for other subjects")
    if event.kind == "follow":
        return _followed(state, event, contest)
    if event.campaign != contest.id or event.kind not in _FOLDS:
        return state, ()
    if event.item is None and event.kind != "void":
        raise InvalidInputError("event.item", None, f"the entry of a {event.kind}")
    return _FOLDS[event.kind](state, event, contest)


def _ticked(
    state: State, tick: Tick, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    if contest.publishes is None or tick.subject != RESULTS:
        return state, ()
    if micros("tick.at", tick.at) < micros("publishes", contest.publishes):
        return state, ()
    return publish(state, contest, at=tick.at)


def _followed(
    state: State, event: Event, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    if contest.account is not None and event.account != contest.account:
        return state, ()
    voter: Voter = state.subjects.get(str(event.user), NOBODY)
    at = _utc(event)
    since = voter.known_since
    if since is not None and micros("since", since) <= micros("at", at):
        return state, ()
    return _judged(state, event, attrs.evolve(voter, known_since=at), contest)


def _submitted(
    state: State, event: Event, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    entry, author, at = str(event.item), str(event.user), _utc(event)
    if fault := period_fault(at, contest):
        return _turned_away(state, event, fault, contest)
    known: Submission | None = state.subjects.get(entry_key(entry))
    if known is not None and _order(known) <= (micros("at", at), author):
        if known.author == author:
            return state, ()
        return _turned_away(state, event, "taken", contest)
    results: Results = state.subjects.get(RESULTS, Results())
    found = Submission(entry, author, at, clock=at)
    if known is not None:
        found = attrs.evolve(known, author=author, submitted_at=at)
    entries = tuple(sorted({*results.entries, entry}))
    changed = {
        entry_key(entry): found,
        RESULTS: attrs.evolve(results, entries=entries),
    }
    fact = _entry_fact(contest, ("entered", "submitted"), author, entry, at)
    return state.changed(changed), (fact,)


def _turned_away(
    state: State, event: Event, fault: str, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    key, entry, at = str(event.user), str(event.item), _utc(event)
    author: Voter = state.subjects.get(key, NOBODY)
    mark = Ballot(at, entry, "", fault)
    if mark in author.turned_away:
        return state, ()
    marks = (*author.turned_away, mark)
    ordered = tuple(sorted(marks, key=lambda one: (one.place, one.fault)))
    fact = _entry_fact(contest, (REFUSED, fault), key, entry, at)
    return state.changed({key: attrs.evolve(author, turned_away=ordered)}), (fact,)


def _order(entry: Submission) -> tuple[int, str]:
    return micros("submitted_at", entry.submitted_at), entry.author


def _withdrawn(
    state: State, event: Event, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    return _left(state, event, contest, "withdrawn_by_author")


def _left(
    state: State, event: Event, contest: Contest, reason: str
) -> tuple[State, tuple[Fact, ...]]:
    """Take an entry out, where it is the user's own."""
    entry, author, at = str(event.item), str(event.user), _utc(event)
    known: Submission | None = state.subjects.get(entry_key(entry))
    instant = micros("at", at)
    if known is None or known.author != author or instant < _order(known)[0]:
        return state, ()
    if known.left_at is not None and micros("left_at", known.left_at) <= instant:
        return state, ()
    clock = known.clock if known.clock is not None else at
    clock = max(clock, at, key=lambda one: micros("clock", one))
    after = attrs.evolve(known, left_at=at, clock=clock)
    fact = _entry_fact(contest, ("left", reason), author, entry, at)
    return state.changed({entry_key(entry): after}), (fact,)


def _voted(
    state: State, event: Event, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    voter: Voter = state.subjects.get(str(event.user), NOBODY)
    entry, at = str(event.item), _utc(event)
    vote = "" if event.id is None else str(event.id)
    submission = state.subjects.get(entry_key(entry))
    fault = entry_fault(at, str(event.user), submission, contest)
    ballot = Ballot(at, entry, vote, fault)
    if any(known.place == ballot.place for known in voter.ballots):
        return state, ()
    ballots = sorted((*voter.ballots, ballot), key=lambda one: one.place)
    return _judged(state, event, attrs.evolve(voter, ballots=tuple(ballots)), contest)


def _retracted(
    state: State, event: Event, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    voter: Voter = state.subjects.get(str(event.user), NOBODY)
    mark = TakenBack(_utc(event), str(event.item))
    if period_fault(mark.at, contest) or mark in voter.taken_back:
        return state, ()
    marks = _with(voter.taken_back, mark)
    return _judged(state, event, attrs.evolve(voter, taken_back=marks), contest)


def _voided(
    state: State, event: Event, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    facts: tuple[Fact, ...] = ()
    if event.item is not None and event.group is None:
        state, facts = _left(state, event, contest, "disqualified")
    voter: Voter = state.subjects.get(str(event.user), NOBODY)
    entry = None if event.item is None else str(event.item)
    vote = None if event.group is None else str(event.group)
    mark = Voided(_utc(event), None if vote is not None else entry, vote)
    if mark in voter.voided:
        return state, facts
    marks = _with(voter.voided, mark)
    state, more = _judged(state, event, attrs.evolve(voter, voided=marks), contest)
    return state, (*facts, *more)


_FOLDS = {
    "submit": _submitted,
    "withdraw": _withdrawn,
    "vote": _voted,
    "retract": _retracted,
    "void": _voided,
}
#: The kinds of events that a contest reads where they name it.
READ: Final = frozenset(_FOLDS)


def _with(marks: tuple[_Mark, ...], mark: _Mark) -> tuple[_Mark, ...]:
    return tuple(
        sorted((*marks, mark), key=lambda one: (micros("at", one.at), str(one)))
    )


def _utc(event: Event) -> dt.datetime:
    return from_micros(micros("event.at", event.at))


def _judged(
    state: State, event: Event, voter: Voter, contest: Contest
) -> tuple[State, tuple[Fact, ...]]:
    """Put a voter in the place of what they were, and move what their votes count."""
    key, at = str(event.user), _utc(event)
    known: Voter = state.subjects.get(key, NOBODY)
    clock = max(known.clock or at, at, key=lambda one: micros("clock", one))
    voter = attrs.evolve(voter, clock=clock)
    before, after = verdicts(known, contest), verdicts(voter, contest)
    changed: dict[str, Voter | Submission] = {key: voter}
    for entry, moved in _moved(before, after).items():
        place = entry_key(entry)
        submission: Submission = state.subjects[place]
        changed[place] = attrs.evolve(submission, votes=submission.votes + moved)
    news = ((b, v) for b, v in after.items() if before.get(b) != v)
    facts = [_vote_fact(contest, key, ballot, verdict) for ballot, verdict in news]
    facts.sort(key=lambda fact: (micros("at", fact.at), fact.key))
    return state.changed(changed), tuple(facts)


def _moved(
    before: Mapping[Ballot, Verdict], after: Mapping[Ballot, Verdict]
) -> dict[str, int]:
    """Return by how much the votes of entries have moved."""
    found: dict[str, int] = {}
    for sign, judged in ((-1, before), (1, after)):
        for ballot, verdict in judged.items():
            if verdict.status == COUNTED:
                found[ballot.entry] = found.get(ballot.entry, 0) + sign
    return {entry: moved for entry, moved in sorted(found.items()) if moved}


def _vote_fact(contest: Contest, user: str, ballot: Ballot, verdict: Verdict) -> Fact:
    words = REASONS[verdict.reason]
    given, entry, vote = ballot.place
    occasion = (entry, str(given), vote, str(verdict.since), verdict.reason)
    return Fact(
        verdict.status,
        contest.id,
        user,
        from_micros(verdict.since),
        fact_key(contest.id, verdict.status, user, *occasion),
        other=entry,
        reason=verdict.reason,
        zh=words.zh,
        en=words.en,
    )


def _entry_fact(
    contest: Contest, what: tuple[str, str], author: str, entry: str, at: dt.datetime
) -> Fact:
    kind, reason = what
    words = REASONS[reason]
    return Fact(
        kind,
        contest.id,
        author,
        at,
        fact_key(contest.id, kind, author, entry, str(micros("at", at)), reason),
        other=entry,
        reason=reason,
        zh=words.zh,
        en=words.en,
    )
