"""What is sent to whom tomorrow (次日触达): from segments to a plan.

The article says which moves suit a segment and when people look; what a message
is worth it does not say. ``PRIORS`` and ``WEIGHTS`` fill that in with guesses
that keep to the article's order: they are priors, not measurements, named so
that they can be replaced by what a holdout has shown.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.claims.figures import CONTENT_KINDS
from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.pacing.caps import DAILY_CEILING, Cap
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.windows import GOLDEN_WINDOWS, Slot, Window, windows_on
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.solver import plan_sends
from wxengage.segments.playbook import PLAYBOOK, Move, Strategy
from wxengage.times.days import DayClock
from wxengage.words import Words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from wxengage.plan.bounds import Limit
    from wxengage.plan.result import Plan

__all__ = ["AT_MOST", "LIMITS", "PRIORS", "WEIGHTS", "Prior", "next_day"]


@attrs.frozen
class Prior:
    """What a move is believed to do, until somebody has measured it.

    Attributes
    ----------
    effect
        By how much the message raises the chance that the user interacts that
        day: with the message less without. Not the chance that it is opened.
    content
        ``"short"``, ``"deep"`` or ``"interactive"``, the article's content
        matrix; it decides the weight of a window.
    channel
        How it goes.
    cost
        What one message costs, in fen, for budgets in fen.
    """

    effect: float
    content: str
    channel: str
    cost: int = 0

    def __attrs_post_init__(self) -> None:
        known = isinstance(self.effect, int | float) and not isinstance(
            self.effect, bool
        )
        if not known or not -1 <= self.effect <= 1:
            hint = "a difference of two chances"
            raise InvalidInputError("effect", self.effect, "from -1 to 1", hint)
        if self.content not in CONTENT_KINDS:
            hint = nearest(self.content, CONTENT_KINDS)
            raise InvalidInputError("content", self.content, "a kind of content", hint)
        require_id("channel", self.channel)
        require_whole("cost", self.cost)


#: Move -> what it is believed to do. Potential users gave no grant and opened no
#: reply window, so a mass send reaches them; the dormant are spoken to one to
#: one, gently, as the article asks.
PRIORS: Final[Mapping[str, Prior]] = MappingProxyType(
    {
        "newcomer_gift": Prior(0.06, "short", "mass_send"),
        "simpler_path": Prior(0.04, "short", "mass_send"),
        "open_ugc": Prior(0.08, "interactive", "customer_message"),
        "level_system": Prior(0.05, "short", "subscribe_message"),
        "recall_gift": Prior(0.04, "deep", "wecom_message"),
        "scene_reminder": Prior(0.02, "short", "subscribe_message"),
    }
)
#: Content -> window -> what to multiply the effect by; 1 where nothing is said.
#: The article: deep and interactive content does better in the evening, short
#: content fits the commute and the lunch break.
WEIGHTS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "short": MappingProxyType({"commute": 1.05, "lunch": 1.1, "evening": 1.0}),
        "deep": MappingProxyType({"commute": 0.7, "lunch": 0.9, "evening": 1.2}),
        "interactive": MappingProxyType({"commute": 0.8, "lunch": 0.9, "evening": 1.2}),
    }
)
#: One marketing message a user and day, well under the article's ceiling of 3
#: to 5 interactions, and none at night.
LIMITS: Final[tuple[Limit, ...]] = (
    Cap(1, scope="category:marketing"),
    DAILY_CEILING,
    QuietHours("22:30", "08:00"),
)
#: Segment -> messages a day whatever the caps say: a forced push drives the
#: dormant away.
AT_MOST: Final[Mapping[str, int]] = MappingProxyType({"dormant": 1})
_NAMES: Final = MappingProxyType(
    {"potential": "潜在用户", "active": "活跃用户", "dormant": "沉默用户"}
)


def next_day(
    users: ArrayLike | Sequence[str],
    segments: ArrayLike | Sequence[str],
    as_of: dt.datetime,
    *,
    limits: Iterable[Limit] = LIMITS,
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
    limits
        What holds for each user: caps and quiet hours.
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
        number of users who interact because of it, as the priors have it.

    Raises
    ------
    InvalidInputError
        If a segment is not in the playbook, a move has no prior, an id is there
        twice, or ``as_of`` is naive.

    Notes
    -----
    Time grows with a sort of the ids: users of a segment are planned as one.

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
    offers = [
        (name, _prior(move, priors), slot, _option(name, move, priors, slot))
        for name in names
        for move in playbook[name].moves
        for slot in slots
    ]
    rows = np.full((len(names), len(offers)), np.nan)
    for column, (name, prior, slot, _) in enumerate(offers):
        weight = weights.get(prior.content, {}).get(slot.window.code, 1.0)
        rows[names.index(name), column] = prior.effect * weight
    row_of = _rows_of(segments, names)
    free = len(offers)
    most = np.array([at_most.get(name, free) for name in names], dtype=np.int64)
    candidates = Candidates.from_rows(
        rows,
        row_of,
        [option for *_, option in offers],
        users,
        words=[_words(playbook[name]) for name in names],
        sends_left=most[row_of],
    ).without(holdout)
    return plan_sends(candidates, (*limits, *budgets), clock=clock)


def _prior(move: Move, priors: Mapping[str, Prior]) -> Prior:
    prior = priors.get(move.code)
    if prior is None:
        hint = "give priors={**PRIORS, " + f"{move.code!r}: Prior(...)" + "}"
        raise InvalidInputError("priors", tuple(priors), f"with {move.code!r}", hint)
    return prior


def _option(name: str, move: Move, priors: Mapping[str, Prior], slot: Slot) -> Option:
    prior = _prior(move, priors)
    return Option(
        move.code,
        prior.channel,
        slot.start,
        slot.end,
        topic=name,
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
