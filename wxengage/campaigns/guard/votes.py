"""Which entries' votes look bought (刷票风控): evidence, and a recount without them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.counting import entries_of, votes_of
from wxengage.campaigns.definitions import require_word
from wxengage.campaigns.guard.features import even_time
from wxengage.campaigns.guard.laws import Crowds, Test, findings, pool_tails
from wxengage.campaigns.guard.policy import RiskPolicy
from wxengage.campaigns.guard.result import Risks
from wxengage.campaigns.referrals.campaign import Field
from wxengage.campaigns.sources import read_events
from wxengage.campaigns.states import require_campaign
from wxengage.log.frames import Ids
from wxengage.stats.scan import most_in_window
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wxengage.campaigns.contests.counting import Votes
    from wxengage.campaigns.sources import EventColumns

__all__ = ["vote_risk"]

_MICROSECOND: Final = dt.timedelta(microseconds=1)
_NEVER: Final = np.iinfo(np.int64).max


def vote_risk(
    events: Any,
    contest: Contest,
    *,
    as_of: dt.datetime,
    policy: RiskPolicy | None = None,
    device: str | None = None,
    tz: str | None = None,
    unit: str | None = None,
) -> Risks:
    """Say which entries' votes look bought, with the evidence.

    Parameters
    ----------
    events
        Any source that ``replay`` reads; with the follows of voters, which say how
        new an account is.
    contest
        Whose votes are looked at: those that count by its rules.
    as_of
        The instant of asking, aware. Later events are left out.
    policy
        What is suspicious; an account is new that followed within its horizon before
        the vote. None: ``RiskPolicy()``.
    device
        The column that names a device or a subnet: account, channel or group. None:
        none does.
    tz, unit
        Of times, as for ``read_log``.

    Returns
    -------
    Risks
        One row an entry that has votes. ``votes`` count by the rules; ``without`` is
        the count without votes of new accounts and without all but the first of a
        device, so that both rankings can be looked at before anything is published.
        Nothing is taken out: that is a ``void``, and a person's decision.

    Raises
    ------
    InvalidInputError
        If the source cannot be read, or a parameter breaks its rule.

    Notes
    -----
    Three tests, like those of ``risk``: *burst_votes*, *new_voters* (of voters of whom
    a follow is known) and *shared_votes*, each against everybody's votes.
    """
    require_campaign("contest", contest, Contest)
    if device is not None:
        require_word("device", device, Field)
    rules = policy if policy is not None else RiskPolicy()
    columns = read_events(events, invites=False, numbered=True, tz=tz, unit=unit)
    now = micros("as_of", as_of)
    columns = columns.take(np.flatnonzero(columns.at <= now))
    entries, item = entries_of(columns, contest)
    votes = votes_of(columns, item, entries, contest)
    counted = np.flatnonzero(votes.reason == 0)
    known, place = np.unique(votes.entry[counted], return_inverse=True)
    place, size = place.reshape(-1), len(known)
    total = np.bincount(place, minlength=size)

    def tally(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(place[rows], minlength=size)

    span = micros("opens", contest.opens), min(micros("closes", contest.closes), now)
    even, length = even_time(votes.at[counted], place, span, rules.clock)
    window = rules.window // _MICROSECOND
    most = most_in_window(place, even, window, size=size)
    crowds = Crowds(total, most, min(window / max(length, 1), 0.999))
    dated, new = _new_voters(columns, votes, counted, rules)
    placed, shared = _shared(columns, votes, counted, place, device)
    asked = total >= rules.least_invites
    tests = {"burst_votes": crowds.test(asked, rules)}
    for name, rows, of in (
        ("new_voters", new, tally(dated)),
        ("shared_votes", shared, tally(placed)),
    ):
        tests[name] = Test(tally(rows), of, pool_tails(tally(rows), of, asked, rules))
    found, order = findings(tests, asked, rules)
    table = {"verdict": found.pop("verdict"), "signals": found.pop("signals")}
    table |= {"votes": total, "without": total - tally(new | shared), **found}
    return Risks(
        "entry",
        Ids(entries.names[known[order]]),
        {name: column[order] for name, column in table.items()},
        columns.origin,
    )


def _new_voters(
    events: EventColumns, votes: Votes, rows: NDArray[np.int64], policy: RiskPolicy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return of which votes the first follow is known, and which are by the new."""
    follows = events.of_kinds("follow")
    since = np.full(len(events.ids), _NEVER)
    np.minimum.at(since, events.user[follows], events.at[follows])
    first = since[votes.voter[rows]]
    known = first <= votes.at[rows]
    new = first > votes.at[rows] - policy.horizon // _MICROSECOND
    return known, known & new


def _shared(
    events: EventColumns,
    votes: Votes,
    rows: NDArray[np.int64],
    place: NDArray[np.int64],
    device: str | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return of which votes the device is known, and whether others used it before.

    Another voter for the same entry: somebody may vote every day from one phone.

    Returns
    -------
    known, shared
        Shape as ``rows``.
    """
    none = np.zeros(len(rows), dtype=np.bool_)
    if device is None or device not in events.words:
        return none, none
    codes = events.words[device][votes.row[rows]]
    some = np.flatnonzero(codes >= 0)
    size = int(codes.max(initial=0)) + 1
    star = place[some] * size + codes[some]
    order = np.lexsort((votes.at[rows[some]], star))
    run, voter = star[order], votes.voter[rows[some]][order]
    starts = np.ones(len(run), dtype=np.bool_)
    starts[1:] = run[1:] != run[:-1]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(run)), 0))
    shared = none.copy()
    shared[some[order]] = voter != voter[first]
    return codes >= 0, shared
