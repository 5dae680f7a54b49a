"""All votes of a contest at once (创作赛批量计票): the same verdicts, by sorting."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs
import numpy as np

from wxengage.campaigns.contests.judging import COUNTED, REFUSED, RETRACTED, VOID
from wxengage.campaigns.contests.marks import NEVER, NO_VOTE, named_votes, next_mark
from wxengage.errors import InvalidInputError
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.campaigns.contests.campaign import Contest
    from wxengage.campaigns.sources import EventColumns

__all__ = ["REASON_NAMES", "STATUS_NAMES", "Entries", "Votes", "entries_of", "votes_of"]

#: By code, the order in which they are asked.
REASON_NAMES: Final = (
    "valid",
    "not_open",
    "closed",
    "no_entry",
    "entry_left",
    "own_entry",
    "age_unknown",
    "too_young",
    "taken_back",
    "entry_quota",
    "day_quota",
    "total_quota",
    "found_void",
)
_REASONS: Final = {name: code for code, name in enumerate(REASON_NAMES)}
#: The status of each reason.
STATUS_NAMES: Final = tuple(
    {"valid": COUNTED, "taken_back": RETRACTED, "found_void": VOID}.get(name, REFUSED)
    for name in REASON_NAMES
)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


class Entries(NamedTuple):
    """What there is to vote for, ascending by id; shape ``(entries,)`` each.

    Attributes
    ----------
    names
        Ids as text.
    author
        Code of the user; -1 for a name under which nobody handed anything in.
    submitted, left
        Microseconds; the latest there is for never.
    """

    names: NDArray[np.object_]
    author: NDArray[np.int64]
    submitted: NDArray[np.int64]
    left: NDArray[np.int64]


@attrs.frozen(eq=False)
class Votes:
    """Votes by voter, time, entry and id; shape ``(votes,)`` each.

    Attributes
    ----------
    voter, entry
        Codes.
    at, since
        Microseconds: when it was given, and since when it stands as it does.
    vote
        Codes of ids; -1 for none.
    reason
        Places in ``REASON_NAMES``.
    row
        The first row of the source that tells it.
    """

    voter: NDArray[np.int64]
    entry: NDArray[np.int64]
    at: NDArray[np.int64]
    vote: NDArray[np.int64]
    reason: NDArray[np.int8]
    since: NDArray[np.int64]
    row: NDArray[np.int64]


def _item_codes(
    events: EventColumns, rows: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Return items as codes into texts that ascend; -1 for none."""
    if "item" not in events.words:
        if rows.any():
            raise InvalidInputError("columns", "no item", "with a column 'item'")
        return np.full(len(events), -1), np.zeros(0, dtype=object)
    codes = events.words["item"]
    texts = [str(value) for value in events.values["item"].tolist()]
    names = sorted(set(texts))
    place = {name: code for code, name in enumerate(names)}
    new = np.array([*(place[text] for text in texts), -1], dtype=np.int64)
    return new[codes], np.array(names, dtype=object)


def entries_of(
    events: EventColumns, contest: Contest
) -> tuple[Entries, NDArray[np.int64]]:
    """Return the entries of a contest, and the entry of each event.

    Parameters
    ----------
    events
        Of all kinds.
    contest
        The contest.

    Returns
    -------
    entries
        Ascending.
    item
        Code of each event's entry, -1 for none. Shape ``(events,)``.

    Raises
    ------
    InvalidInputError
        If a vote, an entry or a retraction names no item.
    """
    mine = events.says("campaign", contest.id)
    named = mine & events.of_kinds("submit", "vote", "retract", "withdraw")
    item, names = _item_codes(events, named)
    if (named & (item < 0)).any():
        row = int((named & (item < 0)).argmax())
        raise InvalidInputError(f"item[{row}]", None, "the id of an entry")
    size = len(names)
    submits = mine & events.of_kinds("submit")
    submits &= events.at >= micros("opens", contest.opens)
    submits &= events.at < micros("closes", contest.closes)
    rows = np.flatnonzero(submits)
    rows = rows[np.lexsort((events.user[rows], events.at[rows], item[rows]))]
    first = rows[np.append(True, item[rows][1:] != item[rows][:-1])[: len(rows)]]
    author = np.full(size, -1)
    submitted = np.full(size, NEVER)
    author[item[first]], submitted[item[first]] = events.user[first], events.at[first]
    outs = mine & (item >= 0)
    if "group" in events.words:
        void = events.of_kinds("void") & (events.words["group"] < 0)
    else:
        void = events.of_kinds("void")
    rows = np.flatnonzero(outs & (events.of_kinds("withdraw") | void))
    own = events.user[rows] == author[item[rows]]
    rows = rows[own & (events.at[rows] >= submitted[item[rows]])]
    left = np.full(size, NEVER)
    np.minimum.at(left, item[rows], events.at[rows])
    return Entries(names, author, submitted, left), item


def votes_of(
    events: EventColumns, item: NDArray[np.int64], entries: Entries, contest: Contest
) -> Votes:
    """Return how every vote of a contest stands.

    Parameters
    ----------
    events
        Of all kinds.
    item
        Code of each event's entry.
    entries
        As ``entries_of`` returns them.
    contest
        The contest.

    Returns
    -------
    Votes
        Each once, however often its event came.

    Notes
    -----
    One sort by voter and time, one by entry within the day; the quotas of a day and
    of an entry within it are places in runs. ``O(n log n)``.
    """
    events = _told_as_text(events)
    mine = events.says("campaign", contest.id)
    rows = _sorted_votes(events, item, np.flatnonzero(mine & events.of_kinds("vote")))
    votes = Votes(
        voter=events.user[rows],
        entry=item[rows],
        at=events.at[rows],
        vote=_ids(events, rows),
        reason=np.zeros(len(rows), dtype=np.int8),
        since=events.at[rows].copy(),
        row=rows,
    )
    _find_faults(votes, events, entries, contest)
    _take_back(votes, events, item, mine, contest)
    _use_quotas(votes, contest)
    _find_void(votes, events, item, mine)
    return votes


def _told_as_text(events: EventColumns) -> EventColumns:
    """Return events whose ids differ as texts: 7 and "7" name one vote."""
    values = events.values.get("id", np.zeros(0, dtype=object)).tolist()
    if len(set(map(type, values))) <= 1:
        return events
    place: dict[str, int] = {}
    new = [place.setdefault(str(value), len(place)) for value in values]
    codes = np.array([*new, -1], dtype=np.int64)[events.words["id"]]
    return attrs.evolve(
        events,
        words={**events.words, "id": codes},
        values={**events.values, "id": np.array(list(place), dtype=object)},
    )


def _ids(events: EventColumns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if "id" not in events.words:
        return np.full(len(rows), -1)
    return events.words["id"][rows]


def _sorted_votes(
    events: EventColumns, item: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return rows by voter, time, entry and id, each vote once."""
    user, at = events.user[rows], events.at[rows]
    if not len(rows):
        return rows
    bits = int(at.max() - at.min()).bit_length()
    # One key of voter and time sorts in a fraction of the time that two take.
    if int(user.max()).bit_length() + bits < 64:  # noqa: PLR2004  bits of a key
        keys = (user.astype(np.uint64) << np.uint64(bits)) | (at - at.min()).astype(
            np.uint64
        )
        order = np.argsort(keys, kind="stable")
        same = keys[order][1:] == keys[order][:-1]
    else:
        order = np.lexsort((at, user))
        near = user[order][1:] == user[order][:-1]
        same = near & (at[order][1:] == at[order][:-1])
    rows = rows[order]
    tied = np.append(same, False) | np.append(False, same)
    if not tied.any():
        return rows
    places = np.flatnonzero(tied)
    some = rows[places]
    ids = _ids(events, some).tolist()
    known = events.values.get("id")
    texts = ["" if known is None or code < 0 else str(known[code]) for code in ids]
    names = np.array(texts, dtype=object)
    _, rank = np.unique(names, return_inverse=True)
    again = (rank.reshape(-1), item[some], events.at[some], events.user[some])
    rows[places] = some[np.lexsort(again)]
    vote = _ids(events, rows)
    keep = np.ones(len(rows), dtype=np.bool_)
    columns = (events.user[rows], events.at[rows], item[rows], vote)
    keep[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return rows[keep]


def _find_faults(
    votes: Votes, events: EventColumns, entries: Entries, contest: Contest
) -> None:
    """Set the reasons for which an entry cannot have a vote, or a voter give one."""
    at, entry = votes.at, votes.entry
    author = entries.author[entry]
    own = np.zeros(len(at), dtype=np.bool_)
    if not contest.votes.self_vote:
        own = author == votes.voter
    unknown, young = _ages(votes, events, contest)
    faults = {
        "not_open": at < micros("opens", contest.opens),
        "closed": at >= micros("closes", contest.closes),
        "no_entry": entries.submitted[entry] > at,
        "entry_left": entries.left[entry] <= at,
        "own_entry": own,
        "age_unknown": unknown,
        "too_young": young,
    }
    for name, bad in faults.items():
        votes.reason[bad & (votes.reason == 0)] = _REASONS[name]


def _ages(
    votes: Votes, events: EventColumns, contest: Contest
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    least = contest.votes.min_account_age // _MICROSECOND
    no = np.zeros(len(votes.at), dtype=np.bool_)
    if not least:
        return no, no
    follows = events.of_kinds("follow")
    if contest.account is not None:
        follows &= events.says("account", contest.account)
    since = np.full(len(events.ids), NEVER)
    np.minimum.at(since, events.user[follows], events.at[follows])
    known = since[votes.voter]
    # No subtraction from an instant that never was.
    young = (known < NEVER) & (known > votes.at - least)
    return known == NEVER, young


def _among(
    votes: Votes, voters: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the chosen votes of some voters."""
    size = int(max(votes.voter.max(initial=0), voters.max(initial=0))) + 1
    there = np.zeros(size, dtype=np.bool_)
    there[voters] = True
    return np.flatnonzero(chosen & there[votes.voter])


def _take_back(
    votes: Votes,
    events: EventColumns,
    item: NDArray[np.int64],
    mine: NDArray[np.bool_],
    contest: Contest,
) -> None:
    backs = mine & events.of_kinds("retract")
    backs &= events.at >= micros("opens", contest.opens)
    backs &= events.at < micros("closes", contest.closes)
    rows = np.flatnonzero(backs)
    some = _among(votes, events.user[rows], votes.reason == 0)
    back = next_mark(
        ((events.user[rows], item[rows]), events.at[rows]),
        ((votes.voter[some], votes.entry[some]), votes.at[some]),
    )
    within = contest.votes.change_within
    taken = back < NEVER
    if within is not None:
        taken &= back <= votes.at[some] + within // _MICROSECOND
    hit = some[taken]
    votes.reason[hit], votes.since[hit] = _REASONS["taken_back"], back[taken]


def _place_in_run(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the place of each row in its run, from 0."""
    rows = np.arange(len(starts))
    return rows - np.maximum.accumulate(np.where(starts, rows, 0))


def _changes(*columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where a run of rows that are equal in all columns begins."""
    found = np.ones(len(columns[0]), dtype=np.bool_)
    found[1:] = False
    for column in columns:
        found[1:] |= column[1:] != column[:-1]
    return found


def _use_quotas(votes: Votes, contest: Contest) -> None:
    """Refuse what exceeds a quota, and say which: the widest that is used up.

    A quota is contained in the next wider one, so that of those that the narrowest
    lets pass the next one takes the first, and so on.
    """
    rule = contest.votes
    day = rule.clock.days(votes.at)
    asked = np.flatnonzero(votes.reason == 0)
    left = asked
    if rule.per_entry_per_day is not None and len(left):
        left = _first_for_entry(votes, day, left, rule.per_entry_per_day)
    if rule.per_day is not None:
        starts = _changes(votes.voter[left], day[left])
        left = left[_place_in_run(starts) < rule.per_day]
    if rule.total is not None:
        left = left[_place_in_run(_changes(votes.voter[left])) < rule.total]
    used = np.zeros(len(votes.at), dtype=np.int64)
    used[left] = 1
    over = asked[used[asked] == 0]
    votes.reason[over] = _REASONS["entry_quota"]
    before = np.cumsum(used) - used
    for name, most, keys in (
        ("day_quota", rule.per_day, (votes.voter, day)),
        ("total_quota", rule.total, (votes.voter,)),
    ):
        if most is not None:
            rows = np.arange(len(used))
            start = np.maximum.accumulate(np.where(_changes(*keys), rows, 0))
            spent = before[over] - before[start[over]] >= most
            votes.reason[over[spent]] = _REASONS[name]


def _first_for_entry(
    votes: Votes, day: NDArray[np.int64], rows: NDArray[np.int64], most: int
) -> NDArray[np.int64]:
    """Return rows without those that come too late for their entry and day."""
    run = np.cumsum(_changes(votes.voter[rows], day[rows])) - 1
    # Whoever gave no more than that on one day gave no entry more than that.
    many = np.flatnonzero(np.bincount(run)[run] > most)
    size = int(votes.entry.max(initial=0)) + 1
    keys = run[many] * size + votes.entry[rows[many]]
    order = np.argsort(keys, kind="stable")
    late = many[order[_place_in_run(_changes(keys[order])) >= most]]
    keep = np.ones(len(rows), dtype=np.bool_)
    keep[late] = False
    return rows[keep]


def _find_void(
    votes: Votes,
    events: EventColumns,
    item: NDArray[np.int64],
    mine: NDArray[np.bool_],
) -> None:
    rows = np.flatnonzero(mine & events.of_kinds("void"))
    some = _among(votes, events.user[rows], votes.reason == 0)
    user, at = events.user[rows], events.at[rows]
    voter, given = votes.voter[some], votes.at[some]
    named = named_votes(events, rows)
    whole = (named == NO_VOTE) & (item[rows] < 0)
    entry = (named == NO_VOTE) & (item[rows] >= 0)
    vote = named >= 0
    since = np.minimum.reduce(
        [
            next_mark(((user[whole],), at[whole]), ((voter,), given)),
            next_mark(
                ((user[entry], item[rows][entry]), at[entry]),
                ((voter, votes.entry[some]), given),
            ),
            next_mark(
                ((user[vote], named[vote]), at[vote]),
                ((voter, votes.vote[some]), given),
            ),
        ]
    )
    hit = some[since < NEVER]
    votes.reason[hit] = _REASONS["found_void"]
    votes.since[hit] = since[since < NEVER]
