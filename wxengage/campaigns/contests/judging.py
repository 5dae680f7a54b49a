"""How each vote of a voter stands (投票判定): a pure function of what they did."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.campaigns.contests.campaign import Contest
    from wxengage.campaigns.contests.subjects import Ballot, Submission, Voter

__all__ = [
    "COUNTED",
    "REFUSED",
    "RETRACTED",
    "VOID",
    "Verdict",
    "entry_fault",
    "period_fault",
    "verdicts",
]

COUNTED: Final = "counted"
REFUSED: Final = "refused"
RETRACTED: Final = "retracted"
VOID: Final = "void"
_MICROSECOND: Final = dt.timedelta(microseconds=1)


class Verdict(NamedTuple):
    """How a vote stands.

    Attributes
    ----------
    status
        counted, refused, retracted or void.
    reason
        Why, for programs.
    since
        From when on, microseconds since 1970.
    """

    status: str
    reason: str
    since: int


def period_fault(at: dt.datetime, contest: Contest) -> str:
    """Return why nothing can be handed in or voted for then; empty where it can."""
    instant = micros("at", at)
    if instant < micros("opens", contest.opens):
        return "not_open"
    return "closed" if instant >= micros("closes", contest.closes) else ""


def entry_fault(
    at: dt.datetime, voter: str, entry: Submission | None, contest: Contest
) -> str:
    """Return why an entry cannot have a vote.

    Parameters
    ----------
    at
        When the vote was given.
    voter
        By whom.
    entry
        What is known of the entry; None: nothing.
    contest
        The contest.

    Returns
    -------
    str
        For programs; empty where it can have it.
    """
    if fault := period_fault(at, contest):
        return fault
    instant = micros("at", at)
    if entry is None or micros("submitted_at", entry.submitted_at) > instant:
        return "no_entry"
    if entry.left_at is not None and micros("left_at", entry.left_at) <= instant:
        return "entry_left"
    if entry.author == voter and not contest.votes.self_vote:
        return "own_entry"
    return ""


def verdicts(voter: Voter, contest: Contest) -> Mapping[Ballot, Verdict]:
    """Return how each ballot of a voter stands.

    Parameters
    ----------
    voter
        Who, and what they did.
    contest
        The contest.

    Returns
    -------
    mapping
        Ballot -> verdict, in the order of the ballots.

    Notes
    -----
    Ballots are asked in the order of time: can the entry have it, is the account old
    enough, was it taken back, is a quota used up by earlier ones (the widest one is
    named), is it void.
    """
    rule = contest.votes
    used: Counter[object] = Counter()
    found = {}
    times = np.array([micros("at", one.at) for one in voter.ballots], dtype=np.int64)
    days = rule.clock.days(times).tolist()
    for ballot, at, day in zip(voter.ballots, times.tolist(), days, strict=True):
        quotas = (
            ("total_quota", None, rule.total),
            ("day_quota", day, rule.per_day),
            ("entry_quota", (day, ballot.entry), rule.per_entry_per_day),
        )
        fault = ballot.fault or _age_fault(ballot, voter, contest)
        back = _taken_back(ballot, voter, contest)
        spent = (
            reason
            for reason, key, most in quotas
            if most is not None and used[key] >= most
        )
        if fault:
            found[ballot] = Verdict(REFUSED, fault, at)
        elif back is not None:
            found[ballot] = Verdict(RETRACTED, "taken_back", back)
        elif reason := next(spent, ""):
            found[ballot] = Verdict(REFUSED, reason, at)
        else:
            used.update(key for _, key, _ in quotas)
            void = _void(ballot, voter)
            if void is None:
                found[ballot] = Verdict(COUNTED, "valid", at)
            else:
                found[ballot] = Verdict(VOID, "found_void", void)
    return found


def _age_fault(ballot: Ballot, voter: Voter, contest: Contest) -> str:
    least = contest.votes.min_account_age // _MICROSECOND
    if not least:
        return ""
    if voter.known_since is None:
        return "age_unknown"
    age = micros("at", ballot.at) - micros("known_since", voter.known_since)
    return "too_young" if age < least else ""


def _taken_back(ballot: Ballot, voter: Voter, contest: Contest) -> int | None:
    """Return when a ballot was taken back, microseconds; None: it was not."""
    at = micros("at", ballot.at)
    within = contest.votes.change_within
    until = None if within is None else at + within // _MICROSECOND
    times = (micros("at", b.at) for b in voter.taken_back if b.entry == ballot.entry)
    valid = (t for t in times if t >= at and (until is None or t <= until))
    return min(valid, default=None)


def _void(ballot: Ballot, voter: Voter) -> int | None:
    """Return since when a ballot is void, microseconds; None: it is not."""
    times = (micros("at", void.at) for void in voter.voided if void.hits(ballot))
    return min(times, default=None)
