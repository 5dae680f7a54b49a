"""Results that are published and stay (公布结果), and amendments that say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import attrs

from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.sentences import prize_words
from wxengage.campaigns.contests.subjects import (
    RESULTS,
    Amendment,
    Award,
    Results,
    Submission,
    entry_key,
)
from wxengage.campaigns.facts import GRANTED, WITHDRAWN, Fact, fact_key
from wxengage.campaigns.states import State, require_campaign
from wxengage.errors import InvalidInputError
from wxengage.sends import fingerprint
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from wxengage.money import Reward

__all__ = ["amend", "awards_of", "prize_facts", "publish"]


def publish(
    state: State,
    contest: Contest,
    *,
    at: dt.datetime,
    order: Sequence[str] | None = None,
) -> tuple[State, tuple[Fact, ...]]:
    """Publish the results of a contest, once.

    Parameters
    ----------
    state
        With the results and all entries.
    contest
        The contest.
    at
        When, aware; not before the contest closes.
    order
        Entries, the best first, as a ranking or a jury found them: those left out
        are not among the results. None: by votes that count, then the earlier entry.

    Returns
    -------
    state
        With the results, which later events do not change.
    facts
        The prizes. None where the results were published already.

    Raises
    ------
    InvalidInputError
        If an entry is unknown, has left the contest or stands twice in the order,
        or it is too early.
    """
    results = _results(state, contest)
    if results.published is not None:
        return state, ()
    instant = micros("at", at)
    if instant < micros("closes", contest.closes):
        raise InvalidInputError("at", at, f"not before closes, {contest.closes}")
    awards = awards_of(_ranked(state, results, contest, order), contest)
    clock = from_micros(instant)
    after = attrs.evolve(results, published=awards, clock=clock)
    facts = prize_facts((), awards, contest, clock, generation=0)
    return state.changed({RESULTS: after}), facts


def amend(
    state: State,
    contest: Contest,
    *,
    at: dt.datetime,
    because: str,
    order: Sequence[str] | None = None,
) -> tuple[State, tuple[Fact, ...]]:
    """Amend published results, and keep what was published.

    Parameters
    ----------
    state
        With the results and all entries.
    contest
        The contest.
    at
        When, aware; not before the last publication.
    because
        Why, for people.
    order
        As for ``publish``. None: by votes as they count now.

    Returns
    -------
    state
        With one more amendment; the same object where nothing would change.
    facts
        The prizes that are withdrawn, and those that are granted.

    Raises
    ------
    InvalidInputError
        If nothing is published, no reason is given, it is too early, or ``order``
        is none.
    """
    results = _results(state, contest)
    if results.published is None or results.clock is None:
        hint = "publish(state, contest, at=...) comes first"
        raise InvalidInputError("state", "no results", "one with results", hint)
    if not isinstance(because, str) or not because.strip():
        raise InvalidInputError("because", because, "a reason that people can read")
    last = results.amendments[-1].at if results.amendments else results.clock
    instant = micros("at", at)
    if instant < micros("clock", last):
        raise InvalidInputError("at", at, f"not before the last results, {last}")
    awards = awards_of(_ranked(state, results, contest, order), contest)
    if awards == results.awards:
        return state, ()
    clock = from_micros(instant)
    generation = len(results.amendments) + 1
    facts = prize_facts(results.awards, awards, contest, clock, generation)
    amendments = (*results.amendments, Amendment(clock, because, awards))
    after = attrs.evolve(results, amendments=amendments)
    return state.changed({RESULTS: after}), facts


def _results(state: State, contest: Contest) -> Results:
    require_campaign("contest", contest, Contest)
    if not isinstance(state, State) or state.campaign != contest.id:
        got = state.campaign if isinstance(state, State) else state
        raise InvalidInputError("state", got, f"a state of campaign {contest.id!r}")
    found = state.subjects.get(RESULTS)
    return found if isinstance(found, Results) else Results()


def _ranked(
    state: State, results: Results, contest: Contest, order: Sequence[str] | None
) -> list[Submission]:
    """Return the entries of the results, the best first."""
    entries: dict[str, Submission] = {}
    for entry in results.entries:
        found = state.subjects.get(entry_key(entry))
        if not isinstance(found, Submission):
            hint = "load what contest.touches says"
            raise InvalidInputError("state", entry, "one with all entries", hint)
        if found.left_at is None:
            entries[entry] = found
    if order is None:
        some = (one for one in entries.values() if one.votes >= contest.least_votes)
        return sorted(some, key=_by_votes)
    seen: set[str] = set()
    for row, entry in enumerate(order):
        if entry not in entries or entry in seen:
            rule = "an entry that is in the contest, once"
            raise InvalidInputError(f"order[{row}]", entry, rule)
        seen.add(entry)
    return [entries[entry] for entry in order]


def _by_votes(entry: Submission) -> tuple[int, int, str]:
    return -entry.votes, micros("submitted_at", entry.submitted_at), entry.entry


def awards_of(ranked: Iterable[Submission], contest: Contest) -> tuple[Award, ...]:
    """Return the results.

    Parameters
    ----------
    ranked
        Entries, the best first.
    contest
        The contest, with its prizes.

    Returns
    -------
    tuple of Award
        Of all of them; the first have prizes.
    """
    found, prizes, winners = [], iter(contest.prizes), set()
    for rank, entry in enumerate(ranked, start=1):
        again = contest.one_prize_each and entry.author in winners
        reward = None if again else next(prizes, None)
        if reward is not None:
            winners.add(entry.author)
        found.append(Award(rank, entry.entry, entry.author, entry.votes, reward))
    return tuple(found)


def prize_facts(
    before: Sequence[Award],
    after: Sequence[Award],
    contest: Contest,
    at: dt.datetime,
    generation: int,
) -> tuple[Fact, ...]:
    """Return the prizes that move between two results.

    Parameters
    ----------
    before, after
        What held, and what holds now.
    contest
        The contest.
    at
        From when on.
    generation
        How many amendments there are.

    Returns
    -------
    tuple of Fact
        First those withdrawn, then those granted, by rank.
    """
    old, new = _prizes(before), _prizes(after)
    gone = [(WITHDRAWN, prize) for prize in old if prize not in new]
    won = [(GRANTED, prize) for prize in new if prize not in old]
    return tuple(
        _fact(kind, prize, contest, at, generation) for kind, prize in gone + won
    )


class _Prize(NamedTuple):
    """Who is owed what for which place."""

    rank: int
    entry: str
    author: str
    reward: Reward


def _prizes(awards: Iterable[Award]) -> dict[_Prize, None]:
    """Return the prizes among the lines of results, in their order."""
    return {
        _Prize(one.rank, one.entry, one.author, one.reward): None
        for one in awards
        if one.reward is not None
    }


def _fact(
    kind: str, prize: _Prize, contest: Contest, at: dt.datetime, generation: int
) -> Fact:
    granted = kind == GRANTED
    words = prize_words(prize.rank, prize.reward, granted=granted)
    occasion = (prize.entry, str(prize.rank), str(generation))
    return Fact(
        kind,
        contest.id,
        prize.author,
        at,
        fact_key(contest.id, kind, prize.author, *occasion),
        reward=prize.reward,
        reward_key=f"prize:{prize.rank}:{fingerprint(prize.entry)[:12]}",
        other=prize.entry,
        reason="prize" if granted else "amended",
        zh=words.zh,
        en=words.en,
    )
