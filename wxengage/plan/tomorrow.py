"""What is sent to whom tomorrow (次日触达): from segments to a plan.

Every move that the article has for a segment is offered in every window; the gate
says to whom it may go, the priors what it is worth, and the planner chooses.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.channels.bulk import quotas_of
from wxengage.errors import InvalidInputError, nearest
from wxengage.pacing.caps import DAILY_CEILING, Cap
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.windows import GOLDEN_WINDOWS, Slot, Window, windows_on
from wxengage.plan.asking import Asker, ask, overrun
from wxengage.plan.candidates import Candidates
from wxengage.plan.gating.gate import Gate
from wxengage.plan.gating.past import Past
from wxengage.plan.intake import ids_of
from wxengage.plan.options import Option
from wxengage.plan.priors import AT_MOST, PRIORS, WEIGHTS, Prior
from wxengage.plan.solver import plan_sends
from wxengage.segments.playbook import PLAYBOOK, Move, Strategy
from wxengage.times.days import DayClock
from wxengage.times.zones import micros
from wxengage.words import Words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from wxengage.channels.quota_table import Quotas
    from wxengage.log.table import Log
    from wxengage.plan.bounds import Limit
    from wxengage.plan.refusals import Refused
    from wxengage.plan.result import Plan
    from wxengage.sends import Freeze

__all__ = ["GATE", "OPENERS", "next_day"]


#: One marketing message a user and day, well under the article's ceiling of 3
#: to 5 interactions, and none at night.
GATE: Final = Gate(
    caps=(Cap(1, scope="category:marketing"), DAILY_CEILING),
    quiet=(QuietHours("22:30", "08:00"),),
)
#: What a log that knows of reply windows and grants has: without any of these it
#: says nothing about them, and the platform is not asked.
OPENERS: Final = ("message", "menu_click", "scan", "subscribe")
_NAMES: Final = MappingProxyType(
    {"potential": "潜在用户", "active": "活跃用户", "dormant": "沉默用户"}
)


def next_day(
    users: ArrayLike | Sequence[str],
    segments: ArrayLike | Sequence[str],
    as_of: dt.datetime,
    *,
    gate: Gate = GATE,
    log: Log | None = None,
    past: Any = None,  # noqa: ANN401  any frame
    people: Any = None,  # noqa: ANN401  any frame
    quotas: Any = None,  # noqa: ANN401  any frame
    freezes: Sequence[Freeze] = (),
    budgets: Iterable[Limit] = (),
    holdout: Collection[object] = (),
    windows: tuple[Window, ...] = GOLDEN_WINDOWS["wechat"],
    playbook: Mapping[str, Strategy] = PLAYBOOK,
    priors: Mapping[str, Prior] = PRIORS,
    weights: Mapping[str, Mapping[str, float]] = WEIGHTS,
    at_most: Mapping[str, int] = AT_MOST,
    clock: DayClock = DayClock(),
) -> Plan:
    """Return what is sent to whom on the local day after ``as_of``.

    Parameters
    ----------
    users
        Ids, each once. Shape ``(n,)``.
    segments
        Each user's segment, a key of ``playbook``. Shape ``(n,)``.
    as_of
        Aware. The plan is for the day after the local day it falls on.
    gate
        What holds for each user. Its clock is ``clock``.
    log
        Where past and quotas come from that are not given: its deliveries are what
        went out, and the platform is asked if the log has anything that opens a
        window or grants a message.
    past, people, quotas
        What went out, who the users are and what the platform allows, as
        ``Gate.check_many`` takes them; ``people`` needs a row for each user, and
        its segments are those given here. None: nothing went out; nothing is known
        but the segments; the platform is not asked.
    freezes
        What a crisis has stopped.
    budgets
        What holds for all together, for example
        ``(Budget(200, scope="message:recall_gift"),)``.
    holdout
        Users who get nothing, to measure the effect on the others.
    windows
        When something may go.
    playbook
        The moves of each segment.
    priors
        What each move is believed to do, by its code.
    weights
        What to multiply the effect by, by content and by the window's code.
    at_most
        Messages for a user of a segment, whatever the caps say.
    clock
        Whose days, windows and nights count.

    Returns
    -------
    Plan
        Every move of the user's segment in every window was a candidate; the
        value of a send is ``effect * weight``, so the plan's value is the
        number of users who interact because of it, as the priors have it. Each
        send passes the gate at its instant, on what went out and on what is
        planned before it.

    Raises
    ------
    InvalidInputError
        If a segment is not in the playbook, a move has no prior, an id is there
        twice or has no row in ``people``, a table cannot be read, or ``as_of`` is
        naive.

    Notes
    -----
    A window counts for a user if the gate lets the message go at its start. Where
    quotas are asked, a user gets at most one message on a channel: how far the
    first one uses the quota up is known only once it has gone.

    Time grows with a sort of the ids, and where there are tables with users times
    moves times windows: users with the same answers are planned as one.

    Source: the article, chapters 1 and 2, for the moves, the windows and the
    order of the weights. The numbers are priors of this library.

    Examples
    --------
    >>> import datetime as dt
    >>> now = dt.datetime(2026, 3, 1, 9, tzinfo=DayClock().zone)
    >>> plan = next_day(["ada", "bob"], ["active", "dormant"], now)
    >>> [(s.user, s.message, f"{s.at:%d %H:%M}") for s in plan.sends]
    [('ada', 'open_ugc', '02 20:00'), ('bob', 'recall_gift', '02 20:00')]
    """
    slots = windows_on(clock.day(as_of) + 1, windows=windows, clock=clock)
    names = tuple(playbook)
    offers = _offers(playbook, priors, slots)
    segment = _rows_of(segments, names)
    gate = attrs.evolve(gate, clock=clock)
    if log is not None:
        past = _deliveries(log, as_of) if past is None else past
        quotas = _quotas(log, as_of, clock) if quotas is None else quotas
    ids = ids_of(users)
    if len(ids) != len(segment):
        raise InvalidInputError("segments", len(segment), f"{len(ids)}, one a user")
    if any(one is not None for one in (past, people, quotas)):
        known = {"user": ids} if people is None else people
        asker = Asker.of(gate, (past, known, quotas), freezes)
        who = _places(asker, ids)
        asker = asker.with_segments(who, segment, names)
    else:
        # Users of a segment are all the same, so one of each is asked about.
        asker = Asker.of(gate, (None, {"user": list(names)}, None), freezes)
        stand_in = asker.places(np.array([*names, None], dtype=object)[:-1])
        asker = asker.with_segments(stand_in, np.arange(len(names)), names)
        who = stand_in[segment]
    codes, refusals = _ask(asker, offers, names)
    shelf = _Shelf.of(segment, codes[who], offers, names, weights)
    most = np.array([at_most.get(name, len(offers)) for name in names], dtype=np.int64)
    candidates = Candidates.from_rows(
        shelf.rows,
        shelf.row_of,
        [offer.option for offer in offers],
        ids,
        words=[_words(playbook[names[one]]) for one in shelf.segment.tolist()],
        refusals=shelf.refusals(refusals),
        sends_left=most[segment],
    ).without(holdout)
    limits: list[Limit] = [*gate.caps, *gate.quiet, *budgets]
    if quotas is not None:
        limits.append(Cap(1, scope="channel"))
    return _within(asker, candidates, limits, who)


def _places(asker: Asker, ids: NDArray[Any]) -> NDArray[np.int64]:
    """Return each user's place among the people; a stranger is named."""
    who = asker.places(ids)
    if who.size and who.min() < 0:
        row = int((who < 0).argmax())
        raise InvalidInputError(f"users[{row}]", ids[row], "a row in people")
    return who


def _deliveries(log: Log, as_of: dt.datetime) -> Past | None:
    """Return what went out according to a log, None where it says nothing."""
    sent = log.only(["deliver"]).collect()
    if not len(sent):
        return None
    found = Past.of(sent.to_frame(like="arrays"))
    return found.until(micros("as_of", as_of))


def _quotas(log: Log, as_of: dt.datetime, clock: DayClock) -> Quotas | None:
    """Return what the platform allows according to a log, None where it is silent."""
    if not len(log.only(OPENERS)):
        return None
    return quotas_of(log, as_of, clock=clock)


def _within(
    asker: Asker,
    candidates: Candidates,
    limits: Sequence[Limit],
    who: NDArray[np.int64],
) -> Plan:
    """Plan until each send passes the gate on those before it."""
    clock = asker.gate.clock
    plan = plan_sends(candidates, limits, clock=clock)
    # Whom the gate stops gets fewer each time, so that this comes to an end.
    while over := overrun(asker, plan, who):
        left = np.array(candidates.sends_left)
        left[list(over)] = list(over.values())
        candidates = attrs.evolve(candidates, sends_left=left)
        plan = plan_sends(candidates, limits, clock=clock)
    return plan


@attrs.frozen(eq=False)
class _Offer:
    """A move of a segment in a window, on one of its channels."""

    segment: str
    prior: Prior
    slot: Slot
    option: Option
    #: Of the same move and window; 0 is the best channel.
    rank: int


def _offers(
    playbook: Mapping[str, Strategy],
    priors: Mapping[str, Prior],
    slots: Sequence[Slot],
) -> list[_Offer]:
    return [
        _Offer(name, prior, slot, _option(name, move, prior, slot, channel), rank)
        for name in playbook
        for move in playbook[name].moves
        for prior in [_prior(move, priors)]
        for slot in slots
        for rank, channel in enumerate(prior.channels)
    ]


def _ask(
    asker: Asker, offers: Sequence[_Offer], names: tuple[str, ...]
) -> tuple[NDArray[np.int16], tuple[Refused | None, ...]]:
    """Return what the gate says to whom; the last word is "not needed", None."""
    code = asker.people.segment.into(names)
    suits = [np.flatnonzero(code == names.index(one.segment)) for one in offers]
    codes, said = ask(asker, [offer.option for offer in offers], suits)
    for column, offer in enumerate(offers):
        if offer.rank:
            better = codes[:, column - offer.rank : column]
            needless = (better == 0).any(axis=1)
            codes[needless, column] = len(said) + 1
    return codes, (*said, None)


@attrs.frozen(eq=False)
class _Shelf:
    """Users with the same segment and the same answers of the gate, as one row.

    ``rows`` are the values, NaN where an option may not go; ``segment`` and
    ``codes`` are those of each row, ``row_of`` is each user's row.
    """

    rows: NDArray[np.float64]
    row_of: NDArray[np.int64]
    segment: NDArray[np.int64]
    codes: NDArray[np.int16]

    @classmethod
    def of(
        cls,
        segment: NDArray[np.int64],
        codes: NDArray[np.int16],
        offers: Sequence[_Offer],
        names: tuple[str, ...],
        weights: Mapping[str, Mapping[str, float]],
    ) -> _Shelf:
        first, row_of = _alike(segment, codes)
        worth = np.full((len(names), len(offers)), np.nan)
        for column, offer in enumerate(offers):
            by_window = weights.get(offer.prior.content, {})
            weight = by_window.get(offer.slot.window.code, 1.0)
            worth[names.index(offer.segment), column] = offer.prior.effect * weight
        rows = np.where(codes[first] == 0, worth[segment[first]], np.nan)
        return cls(rows, row_of, segment[first], codes[first])

    def refusals(self, said: tuple[Refused | None, ...]) -> NDArray[np.object_]:
        """Return what the gate has against each option of each row, None for none."""
        words = np.array([None, *said, None], dtype=object)
        found: NDArray[np.object_] = words[self.codes]
        return found


def _alike(
    segment: NDArray[np.int64], codes: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one user of each kind, and the kind of each user."""
    kind = segment
    for column in codes.T:
        width = int(column.max(initial=0)) + 1
        if width > 1:
            _, kind = np.unique(kind * width + column, return_inverse=True)
    _, first, row_of = np.unique(kind, return_index=True, return_inverse=True)
    return first, row_of


def _prior(move: Move, priors: Mapping[str, Prior]) -> Prior:
    prior = priors.get(move.code)
    if prior is None:
        hint = "give priors={**PRIORS, " + f"{move.code!r}: Prior(...)" + "}"
        raise InvalidInputError("priors", tuple(priors), f"with {move.code!r}", hint)
    return prior


def _option(name: str, move: Move, prior: Prior, slot: Slot, channel: str) -> Option:
    return Option(
        move.code,
        channel,
        slot.start,
        slot.end,
        topic=name,
        category=prior.category,
        content=prior.content,
        cost=prior.cost,
        words=Words(move.zh, move.en),
    )


def _words(strategy: Strategy) -> Words:
    name = _NAMES.get(strategy.segment, strategy.segment)
    return Words(
        f"{name}({strategy.traits_zh})", f"{strategy.segment} ({strategy.traits_en})"
    )


def _rows_of(
    segments: ArrayLike | Sequence[str], names: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return the position of each segment among the playbook's."""
    given: NDArray[Any] = np.asarray(segments)
    rows = np.full(given.shape, -1, dtype=np.int64)
    for number, name in enumerate(names):
        rows[given == name] = number
    if (rows < 0).any():
        row = int((rows < 0).argmax())
        got = given.ravel()[row]
        hint = nearest(got, names)
        raise InvalidInputError(f"segments[{row}]", got, "in the playbook", hint)
    return rows
