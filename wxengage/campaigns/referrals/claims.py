"""Whose invite everybody is, for all at once (批量归因), but for circles."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from wxengage.campaigns.referrals.acts import TOUCHING
from wxengage.campaigns.referrals.courses import REASON_CODES
from wxengage.campaigns.referrals.presence import ENDLESS, Packer
from wxengage.log.part import KIND_CODES, KIND_NAMES
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from wxengage.campaigns.referrals.campaign import Referral, Requirement
    from wxengage.campaigns.referrals.presence import Presence
    from wxengage.campaigns.sources import EventColumns

__all__ = ["ADMITTED", "Claims", "claims_of"]

#: The code for no reason to refuse.
ADMITTED: Final = -1
_FAULTS: Final = ("", "not_eligible", "self", "unknown")
_MICROSECOND: Final = dt.timedelta(microseconds=1)


class Claims(NamedTuple):
    """What inviters can say about invitees; shape ``(n,)`` each.

    Attributes
    ----------
    invitee, inviter
        Codes of people.
    touched
        The touch that decides, microseconds.
    refused
        Codes of reasons; ``ADMITTED`` for none.
    rank
        From 0 in the order of the attribution among those that win; -1 for those
        that do not.
    """

    invitee: NDArray[np.int64]
    inviter: NDArray[np.int64]
    touched: NDArray[np.int64]
    refused: NDArray[np.int8]
    rank: NDArray[np.int64]


class _Touches(NamedTuple):
    """Touches, those of one invitee together, by time, then inviter."""

    invitee: NDArray[np.int64]
    inviter: NDArray[np.int64]
    at: NDArray[np.int64]
    kind: NDArray[np.uint8]
    fault: NDArray[np.int8]

    def take(self, rows: NDArray[np.generic]) -> _Touches:
        """Return some rows; the same columns where all are chosen."""
        if rows.dtype == np.bool_ and rows.all():
            return self
        return _Touches(*(column[rows] for column in self))


def claims_of(events: EventColumns, presence: Presence, referral: Referral) -> Claims:
    """Return the claims on everybody.

    Parameters
    ----------
    events
        By user, whose ids ascend: where two inviters are named at one instant the
        smaller id goes first.
    presence
        When people came and left.
    referral
        The campaign.

    Returns
    -------
    Claims
        What ``Book.claims`` says of each invitee, in no particular order.

    Notes
    -----
    Sorts the touches of those who have several; most people have one, which wins.
    """
    people = len(events.ids)
    touches = _touches(events, referral)
    admitted = touches.take(touches.fault == 0)
    heads = _heads(admitted.invitee)
    invitee, start = admitted.invitee[heads], admitted.at[heads]
    new, act = _acts(invitee, start, presence, referral)
    lengths = np.diff(np.append(heads, len(admitted.at)))
    if len(heads) < len(admitted.at):
        new, act = np.repeat(new, lengths), np.repeat(act, lengths)
    old = admitted.take(~new)
    parts = [_refused(_firsts(old, people), "not_new")]
    attribute = _ATTRIBUTION[referral.attribution]
    parts += attribute(admitted.take(new), act[new], referral, people)
    if admitted is not touches:
        faulty = _firsts(touches.take(touches.fault > 0), people)
        known = np.isin(_pairs(faulty, people), _pairs(admitted, people))
        parts += _faulty(faulty.take(~known))
    parts = [part for part in parts if len(part.touched)] or parts[:1]
    return (
        parts[0]
        if len(parts) == 1
        else Claims(*map(np.concatenate, zip(*parts, strict=True)))
    )


def _touches(events: EventColumns, referral: Referral) -> _Touches:
    opens, closes = micros("opens", referral.opens), micros("closes", referral.closes)
    wanted = events.of_kinds(*TOUCHING) & (events.inviter >= 0)
    wanted &= (events.at >= opens) & (events.at < closes)
    if "campaign" in events.words:
        wanted &= events.says("campaign", referral.id)
    rows = np.flatnonzero(wanted)
    invitee, inviter, at = events.user[rows], events.inviter[rows], events.at[rows]
    fault = np.zeros(len(rows), dtype=np.int8)
    for requirement in reversed(referral.requires):
        bad = _requirement(events, rows, requirement)
        fault = np.where(bad > 0, bad, fault)
    fault[invitee == inviter] = _FAULTS.index("self")
    touches = _Touches(invitee, inviter, at, events.kind[rows], fault)
    # Only what somebody shares with other touches has an order.
    several = _shared(invitee)
    if several.size:
        some = touches.take(several)
        some = some.take(_order(some, len(events.ids)))
        columns: tuple[NDArray[Any], ...] = touches
        for column, values in zip(columns, some, strict=True):
            column[several] = values
    return touches


def _shared(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places in sorted codes whose code is there more than once."""
    again = codes[1:] == codes[:-1]
    if not again.any():
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.append(again, False) | np.append(False, again))


def _order(touches: _Touches, people: int) -> NDArray[np.int64]:
    """Return touches by invitee, then time, then inviter, kind and fault."""
    keys = Packer(touches.at, people).pack(touches.invitee, touches.at)
    order = np.argsort(keys)
    keys = keys[order]
    places = _shared(keys)
    if places.size:
        some = order[places]
        ranks = np.argsort(np.argsort(KIND_NAMES))
        kind = ranks[touches.kind[some]]
        rest = touches.fault[some], kind, touches.inviter[some]
        order[places] = some[np.lexsort((*rest, keys[places]))]
    return order


def _requirement(
    events: EventColumns, rows: NDArray[np.int64], requirement: Requirement
) -> NDArray[np.int8]:
    """Return what is wrong with touches, as codes into ``_FAULTS``."""
    unknown = _FAULTS.index(requirement.fault(None))
    if requirement.field not in events.words:
        return np.full(len(rows), unknown, dtype=np.int8)
    values = events.values[requirement.field].tolist()
    codes = [_FAULTS.index(requirement.fault(value)) for value in values]
    return np.array([*codes, unknown], dtype=np.int8)[
        events.words[requirement.field][rows]
    ]


def _heads(sorted_codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where runs begin."""
    return np.flatnonzero(
        np.append(True, sorted_codes[1:] != sorted_codes[:-1])[: len(sorted_codes)]
    )


def _pairs(touches: _Touches, people: int) -> NDArray[np.int64]:
    return touches.invitee * people + touches.inviter


def _firsts(touches: _Touches, people: int) -> _Touches:
    """Return the first touch of each pair of people, in the same order."""
    several = _shared(touches.invitee)
    if not several.size:
        return touches
    pairs = _pairs(touches.take(several), people)
    # Stable, and so in the order of time; nearly sorted already.
    order = np.argsort(pairs, kind="stable")
    pairs = pairs[order]
    keep = np.ones(len(touches.invitee), dtype=np.bool_)
    keep[several[order[1:][pairs[1:] == pairs[:-1]]]] = False
    return touches.take(keep)


def _acts(
    invitee: NDArray[np.int64],
    start: NDArray[np.int64],
    presence: Presence,
    referral: Referral,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return who is new, and when they did the qualifying act."""
    place = presence.place(invitee, start)
    known = presence.person[place - 1] == invitee
    present = presence.present(place, invitee)
    if referral.newness == "any":
        new = np.ones(len(invitee), dtype=np.bool_)
    elif not isinstance(referral.newness, dt.timedelta):
        new = ~known
    else:
        # Of several departures in a row the first one ended the stay.
        first = presence.first(invitee)
        left = np.maximum(presence.last_came[place - 1] + 1, first)
        gone = presence.at[np.where(known, left, -1)]
        new = ~known | (~present & (gone <= start - referral.newness // _MICROSECOND))
    came = presence.next_came[place]
    closes = micros("closes", referral.closes)
    act = np.where(presence.here(came, invitee), presence.at[came], ENDLESS)
    act[act >= closes] = ENDLESS
    return new, np.where(present, start, act)


def _ranked(touches: _Touches, most: int) -> Claims:
    """Return claims of which the first few of each invitee win."""
    heads = _heads(touches.invitee)
    lengths = np.diff(np.append(heads, len(touches.at)))
    rank = np.arange(len(touches.at)) - np.repeat(heads, lengths)
    wins = rank < most
    refused = np.where(wins, ADMITTED, REASON_CODES["other_inviter"]).astype(np.int8)
    return Claims(
        touches.invitee,
        touches.inviter,
        touches.at,
        refused,
        np.where(wins, rank, -1),
    )


def _refused(touches: _Touches, reason: str) -> Claims:
    size = len(touches.at)
    code = REASON_CODES[reason] if reason else ADMITTED
    return Claims(
        touches.invitee,
        touches.inviter,
        touches.at,
        np.full(size, code, dtype=np.int8),
        np.full(size, -1),
    )


def _faulty(touches: _Touches) -> Iterable[Claims]:
    return [
        _refused(touches.take(touches.fault == code), fault)
        for code, fault in enumerate(_FAULTS)
        if fault
    ]


def _by_first_touch(
    touches: _Touches, _: NDArray[np.int64], referral: Referral, people: int
) -> list[Claims]:
    return [_ranked(_firsts(touches, people), referral.max_helps)]


def _by_last_touch(
    touches: _Touches, act: NDArray[np.int64], referral: Referral, people: int
) -> list[Claims]:
    timely = touches.take(touches.at <= act)
    # Backwards the first touch of a pair is the last one.
    last = _firsts(timely.take(np.arange(len(timely.at))[::-1]), people)
    last = last.take(np.lexsort((last.inviter, -last.at, last.invitee)))
    late = _firsts(touches, people)
    late = late.take(~np.isin(_pairs(late, people), _pairs(last, people)))
    return [_ranked(last, referral.max_helps), _refused(late, "after_the_act")]


def _by_registration(
    touches: _Touches, act: NDArray[np.int64], referral: Referral, people: int
) -> list[Claims]:
    waiting = act == ENDLESS
    named = (touches.at == act) & (touches.kind == KIND_CODES[referral.qualifies_on])
    # At one instant touches are in the order of inviters.
    chosen = _firsts(touches.take(named), people)
    others = _firsts(touches.take(~waiting), people)
    others = others.take(~np.isin(_pairs(others, people), _pairs(chosen, people)))
    return [
        _ranked(chosen, referral.max_helps),
        _refused(_firsts(touches.take(waiting), people), ""),
        _refused(others, "not_named"),
    ]


_ATTRIBUTION: Final = {
    "first_touch": _by_first_touch,
    "last_touch": _by_last_touch,
    "registration": _by_registration,
}
