"""The outbox in a store (库中发件箱): just the rows that a step needs, and back.

What may happen to a letter is decided by the pure functions of the outbox, on a
value that holds the letters in question and no others. ``ready`` of a row is from
when on it is worth looking at: never later than it may go, and where something else
is in its way, not before that is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from wxengage.codec.envelope import dump, load
from wxengage.delivery.outbox.box import Outbox, Suppression, suppression_of
from wxengage.delivery.outbox.leasing import Lease, lease
from wxengage.delivery.outbox.states import WAITING, Signal, State
from wxengage.desk.rows import letter_of, letter_row, line_of
from wxengage.sends import fingerprint
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from wxengage.delivery.outbox.breakers import Breaker, Place
    from wxengage.delivery.outbox.policy import OutboxPolicy
    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.delivery.ports import Letter
    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.stores.schema import Row

__all__ = [
    "Leased",
    "box_of",
    "breakers",
    "expired",
    "hold",
    "lease_in",
    "letter",
    "place_id",
    "reopen",
    "save",
    "suppressions",
]

# Columns of ``letter``.
_CHANNEL: Final = 2
_READY: Final = 6
# Letters that are looked at together, and how many at most in one transaction.
_PAGE: Final = 200
_MOST: Final = 5_000
# A stop that only a person lifts is looked at again after so long; see ``reopen``.
_STOPPED: Final = 3_600 * 10**6
# Somebody tries whether a place is well again; the others wait for the answer.
_TRIED: Final = 10 * 10**6
#: Under which name ``meta`` keeps the latest instant of a dispatch.
_CLOCK: Final = "dispatched_at"


class Leased(NamedTuple):
    """A letter that a worker has (已领取的待发件).

    Attributes
    ----------
    lease
        Key and fence.
    letter
        What is to go.
    """

    lease: Lease
    letter: Letter


# Reading.


def letter(unit: Unit, key: str) -> OutboxRow | None:
    """Return a letter's row, None where there is none."""
    row = unit.get("letter", key)
    return None if row is None else letter_of(row)


def hold(unit: Unit, *keys: str) -> None:
    """Keep others from letters until the transaction ends, and read them anew."""
    unit.lock(f"letter:{key}" for key in keys)
    unit.forget("letter")
    unit.load("letter", [(key,) for key in keys])


def place_id(place: Place) -> str:
    """Return under which name a place's breaker is kept."""
    told = (place.scope, place.account, place.channel, place.message)
    return fingerprint("place", *told)


def breakers(unit: Unit) -> dict[Place, Breaker]:
    """Return every breaker; there is none where all is well."""
    found: dict[Place, Breaker] = {}
    rows: tuple[Row, ...] = ()
    while True:
        rows = unit.tx.walk("breaker", after=(str(rows[-1][0]),) if rows else None)
        for row in rows:
            one: Breaker = load(str(row[1]))
            found[one.place] = one
        if not rows:
            return found


def suppressions(unit: Unit, rows: Iterable[OutboxRow]) -> frozenset[Suppression]:
    """Return which recipients of letters get nothing more."""
    asked = {suppression_of(row.letter) for row in rows}
    unit.load("suppression", [attrs.astuple(one) for one in asked])
    return frozenset(
        one
        for one in asked
        if unit.get("suppression", one.account, one.channel, one.recipient) is not None
    )


def box_of(
    unit: Unit,
    settings: Settings,
    rows: Iterable[OutboxRow],
    troubles: Mapping[Place, Breaker],
) -> Outbox:
    """Return an outbox of some letters, with all that concerns them."""
    letters = tuple(rows)
    box = Outbox(settings.outbox, suppressed=suppressions(unit, letters))
    return box.with_rows(letters).with_breakers(troubles)


def expired(unit: Unit, policy: OutboxPolicy, at: int) -> tuple[str, ...]:
    """Return the keys of letters whose lease has run out."""
    # One that ends later than any that is made now: the clock has been turned back.
    longest = at + 2 * span_micros("lease_for", policy.lease_for)
    over = unit.find("letter", "by_lease", below=at + 1, limit=_PAGE)
    never = unit.find("letter", "by_lease", least=longest + 1, limit=_PAGE)
    return tuple(str(row[0]) for row in (*over, *never))


# Writing.


def save(
    unit: Unit, settings: Settings, before: Outbox, after: Outbox, at: int
) -> None:
    """Write down what has changed of an outbox.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    before
        As it was read.
    after
        As it is now.
    at
        In microseconds.
    """
    for key, row in after.rows.items():
        if before.rows.get(key) != row:
            _write(unit, settings, row, at)
    gone = [place for place in before.breakers if place not in after.breakers]
    if gone:
        unit.tx.remove("breaker", [(place_id(place),) for place in gone])
    for place, breaker in after.breakers.items():
        if before.breakers.get(place) != breaker:
            unit.put("breaker", (place_id(place), dump(breaker)))
    for one in after.suppressed - before.suppressed:
        unit.put("suppression", (one.account, one.channel, one.recipient, at))


def _write(unit: Unit, settings: Settings, row: OutboxRow, at: int) -> None:
    policy = settings.outbox
    unit.put("letter", _row(row, policy, at))
    if row.is_final and row.letter.channel in policy.ordered:
        _wake(unit, policy, row, at)


def _wake(unit: Unit, policy: OutboxPolicy, gone: OutboxRow, at: int) -> None:
    """Let the letter behind one that is through go; the outbox must be held."""
    head = _head(unit, gone)
    if head is not None:
        for row in _free(unit, [head.key]):
            unit.put("letter", _row(row, policy, at))


def _row(
    row: OutboxRow, policy: OutboxPolicy, at: int, ready: int | None = None
) -> Row:
    made = list(letter_row(row, policy, at))
    if made[_READY] is not None:
        if ready is not None:
            made[_READY] = ready
        if row.state is State.DUE and row.expires is not None:
            made[_READY] = min(int(made[_READY]), row.expires)
    return tuple(made)


def _head(unit: Unit, row: OutboxRow) -> OutboxRow | None:
    """Return the first letter of a line that is still to go."""
    rows = unit.find("letter", "by_line", (line_of(row),), limit=1)
    return letter_of(rows[0]) if rows else None


# Leasing.


def lease_in(
    unit: Unit,
    settings: Settings,
    now: dt.datetime,
    *,
    limit: int,
    channels: Collection[str],
) -> tuple[Leased, ...]:
    """Give letters to a worker (领取), in a transaction.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    now
        When, aware.
    limit
        At most so many.
    channels
        Those for which the worker has a sender.

    Returns
    -------
    tuple of Leased
        Of the letters that are ready the longest ready, as far as nothing is in
        their way.

    Notes
    -----
    Reads letters that are ready, 200 at a time, until there are enough. What turns
    out to be in the way of others is looked at again when that is over. Final
    letters are not read at all.
    """
    at, policy = micros("now", now), settings.outbox
    unit.lock(["outbox"])
    _mind_the_clock(unit, policy, at)
    troubles = breakers(unit)
    box = Outbox(policy).with_breakers(troubles)
    if troubles:
        box = box.with_rows(_held(unit, policy, at))
    taken: list[Leased] = []
    parked, woken = 0, True
    while woken and parked < _MOST:
        woken = False
        for keys in _pages(unit, at, channels):
            free = _free(unit, keys)
            timely = _timely(unit, settings, free, at)
            # What waited behind one that was too late is ready now.
            woken = woken or (bool(policy.ordered) and len(timely) < len(free))
            rows = _heads(unit, policy, timely, at)
            before, left = box.with_rows(rows), limit - len(taken)
            box, leases = lease(before, now, limit=left, channels=channels)
            save(unit, settings, before, box, at)
            taken += [Leased(one, box.rows[one.key].letter) for one in leases]
            if len(taken) == limit:
                return tuple(taken)
            parked += _park(unit, box, rows, at, trying=bool(taken))
            if parked >= _MOST:
                break
    return tuple(taken)


def _held(unit: Unit, policy: OutboxPolicy, at: int) -> list[OutboxRow]:
    """Return the letters that somebody has."""
    rows = (letter_of(row) for row in unit.find("letter", "by_lease", least=at + 1))
    return [row for row in rows if row.held(at, policy)]


def _pages(unit: Unit, at: int, channels: Collection[str]) -> Iterator[list[str]]:
    """Yield the keys of letters that are ready, the earliest first."""
    least: int | None = None
    size, seen = _PAGE, set[str]()
    while True:
        rows = unit.find("letter", "by_ready", least=least, below=at + 1, limit=size)
        new = [row for row in rows if row[0] not in seen]
        seen.update(str(row[0]) for row in new)
        mine = [str(row[0]) for row in new if row[_CHANNEL] in channels]
        for start in range(0, len(mine), _PAGE):
            yield mine[start : start + _PAGE]
        if len(rows) < size:
            return
        last = int(rows[-1][_READY] or 0)
        # Of one instant there may be more than a page.
        size = 2 * size if last == least else size
        least = last


def _free(unit: Unit, keys: Sequence[str]) -> list[OutboxRow]:
    """Return the letters of a page that nobody has, and keep others from them."""
    hold(unit, *keys)
    rows = (letter(unit, key) for key in keys)
    return [
        row
        for row in rows
        if row is not None and row.state in WAITING and row.lease_until is None
    ]


def _timely(
    unit: Unit, settings: Settings, rows: list[OutboxRow], at: int
) -> list[OutboxRow]:
    """Drop the letters that have expired, so that none waits behind one of them."""
    found = []
    for row in rows:
        if row.state is State.DUE and row.late(at):
            late = row.moved(Signal.DROP, at, code="expired")
            _write(unit, settings, late, at)
        else:
            found.append(row)
    return found


def _heads(
    unit: Unit, policy: OutboxPolicy, rows: list[OutboxRow], at: int
) -> list[OutboxRow]:
    """Return the rows that wait behind no other; the others are put off."""
    if not policy.ordered:
        return rows
    found = []
    behind = at + span_micros("lease_for", policy.lease_for)
    for row in rows:
        if row.letter.channel not in policy.ordered:
            found.append(row)
            continue
        head = _head(unit, row)
        if head is None or head.key == row.key:
            found.append(row)
        else:
            # When the first one is through, the next one is ready at once.
            unit.put("letter", _row(row, policy, at, behind))
    return found


def _park(
    unit: Unit, box: Outbox, rows: list[OutboxRow], at: int, *, trying: bool
) -> int:
    """Put off the letters that something is in the way of; return how many."""
    parked = 0
    for one in rows:
        row = box.rows[one.key]
        if row.state not in WAITING or row.lease_until is not None:
            continue
        opens = box.opens_at(row.letter, at)
        if opens is None:
            opens = at + _STOPPED
        ready = max(row.ready_at(at, box.policy), opens, at + 1)
        if ready == at + 1:
            # Somebody tries whether a place is well again. If that is this worker,
            # the answer comes before it asks for more letters.
            if trying:
                continue
            ready = at + _TRIED
        unit.put("letter", _row(row, box.policy, at, ready))
        parked += 1
    return parked


def reopen(unit: Unit, policy: OutboxPolicy, at: int) -> int:
    """Look at every letter again that was put off, for what was in the way is gone.

    Parameters
    ----------
    unit
        The transaction's rows.
    policy
        How the outbox behaves.
    at
        In microseconds.

    Returns
    -------
    int
        How many are ready earlier than was thought.
    """
    changed, least, seen = 0, at + 1, set[str]()
    while True:
        rows = unit.find("letter", "by_ready", least=least, limit=_PAGE + len(seen))
        new = [row for row in rows if row[0] not in seen]
        if not new:
            return changed
        keys = [str(row[0]) for row in new]
        for row in _free(unit, keys):
            made = _row(row, policy, at)
            if made != unit.get("letter", row.key):
                unit.put("letter", made)
                changed += 1
        last = int(new[-1][_READY] or 0)
        kept = {str(row[0]) for row in new if row[_READY] == last}
        seen = seen | kept if last == least else kept
        least = last


def _mind_the_clock(unit: Unit, policy: OutboxPolicy, at: int) -> None:
    """Look at every letter again where the clock has been turned back."""
    row = unit.get("meta", _CLOCK)
    latest = at if row is None else int(str(row[1]))
    # What was put off by a clock that was ahead ends later than any pause of now.
    told = span_micros("most", policy.backoff.most) // 2
    turned_back = at < latest - told
    if turned_back:
        reopen(unit, policy, at)
    if row is None or turned_back or at >= latest + told:
        unit.put("meta", (_CLOCK, str(at)))
