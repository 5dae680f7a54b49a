"""What is due for everybody (批量触达): the triggers asked of a whole log."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.log.answer import PerUser
from wxengage.log.runs import NEVER
from wxengage.log.summary import instants
from wxengage.log.table import Log
from wxengage.plan.scenes.bulk import open_occasions
from wxengage.plan.scenes.columns import UNKNOWN, Crowd, Reading
from wxengage.plan.scenes.due import instant, send_id
from wxengage.plan.scenes.scene import span_of
from wxengage.plan.scenes.trigger import FOREVER, require_triggers
from wxengage.plan.scenes.walls import due_at
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator

    from numpy.typing import NDArray

    from wxengage.log.frames import Ids, Origin
    from wxengage.plan.scenes.bulk import Occasions
    from wxengage.plan.scenes.trigger import Step, Trigger
    from wxengage.sends import Send

__all__ = ["DueSends", "due_many"]


@attrs.frozen(eq=False, slots=False)
class DueSends(PerUser):
    """What is due, one row a send: by user, then as ``due_triggers`` orders it.

    Attributes
    ----------
    user
        Whom it is for. Shape ``(n,)``, as every column.
    id
        The send's id.
    trigger, message, channel
        What asked for it, what it is and how it goes.
    not_before, expires
        ``datetime64[us]`` in UTC; ``NaT`` where it never ends.
    """

    user: NDArray[Any]
    id: NDArray[np.object_]
    trigger: NDArray[np.object_]
    message: NDArray[np.object_]
    channel: NDArray[np.object_]
    not_before: NDArray[np.datetime64]
    expires: NDArray[np.datetime64]
    _ids: Ids = attrs.field(repr=False)
    _origin: Origin = attrs.field(repr=False)
    _steps: tuple[Step, ...] = attrs.field(repr=False)
    _step: NDArray[np.int64] = attrs.field(repr=False)
    _clock: DayClock = attrs.field(repr=False)

    @functools.cached_property
    def sends(self) -> tuple[Send, ...]:
        """The rows as sends, in their order: what the gate is asked about."""
        tz = self._clock.zone
        opens = self.not_before.astype(np.int64).tolist()
        expires = np.where(
            np.isnat(self.expires), FOREVER, self.expires.astype(np.int64)
        )
        return tuple(
            self._steps[step].as_send(
                name, str(user), from_micros(start, tz), instant(end, tz)
            )
            for step, name, user, start, end in zip(
                self._step.tolist(),
                self.id.tolist(),
                self.user.tolist(),
                opens,
                expires.tolist(),
                strict=True,
            )
        )


def due_many(
    triggers: Iterable[Trigger] | Trigger,
    log: Log,
    now: dt.datetime,
    *,
    people: object = None,
    holdings: object = None,
    done: Collection[str] = (),
    tz: str | None = None,
    unit: str | None = None,
    clock: DayClock = DayClock(),
) -> DueSends:
    """Return what the triggers would send to everybody now.

    Parameters
    ----------
    triggers
        Triggers of different ids, or one.
    log
        What users did. What is later than now is not read.
    now
        The instant asked about, aware.
    people
        A table with the columns ``user`` and, where known, ``birthday``
        (``"MM-DD"``) and ``zone``; a user once, an empty cell is unknown.
    holdings
        A table with the columns ``user``, ``kind``, ``id``, ``at`` and, where
        known, ``until``, ``left`` and ``closed``, as in ``Holding``.
    done
        Ids of sends that need not be proposed again.
    tz, unit
        How to read the times of ``holdings``; as for ``read_log``.
    clock
        Whose days streaks count, and whose zone is taken for an unknown one.

    Returns
    -------
    DueSends
        For each user what ``due_triggers`` returns, ascending by user.

    Raises
    ------
    InvalidInputError
        If a trigger is none, two share an id, a cell breaks its rule, a user or
        a holding is there twice, or ``now`` is naive.

    Notes
    -----
    For each trigger one sort of the events of its kinds, ``O(n log n)``, or one
    pass over them; then linear in what is due. Ids are hashed one by one.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.log.reading import read_log
    >>> from wxengage.plan.scenes.scene import Silent
    >>> from wxengage.plan.scenes.trigger import Step, Trigger
    >>> log = read_log({"user": ["ada"], "kind": ["like"], "at": [0]}, unit="s")
    >>> recall = Trigger("recall", Silent(), (Step("gift", "wecom_customer_task"),))
    >>> day_30 = dt.datetime(1970, 1, 31, tzinfo=dt.timezone.utc)
    >>> due_many(recall, log, day_30).user.tolist()
    ['ada']
    """
    known, at = require_triggers(triggers), micros("now", now)
    _require_log(log)
    gone = _require_ids(done)
    log = log.collect()
    crowd = Crowd.of(log, people, holdings, Reading(tz, unit))
    steps = tuple(step for trigger in known for step in trigger.steps)
    owners = [trigger for trigger in known for _ in trigger.steps]
    rows = _Rows.joined(_asked(known, crowd, at, clock)).ordered(crowd.ids)
    users = crowd.ids.take(rows.user).numpy()
    ids = np.array(
        [
            send_id(owners[step].id, str(user), name, steps[step].message)
            for step, user, name in zip(
                rows.step.tolist(), users.tolist(), rows.name.tolist(), strict=True
            )
        ],
        dtype=object,
    )
    fresh = np.flatnonzero([one not in gone for one in ids])
    rows, ids = rows.take(fresh), ids[fresh]
    return DueSends(
        user=users[fresh],
        id=ids,
        trigger=_spread([one.id for one in owners], rows.step),
        message=_spread([step.message for step in steps], rows.step),
        channel=_spread([step.channel for step in steps], rows.step),
        not_before=instants(rows.due),
        expires=instants(np.where(rows.expires == FOREVER, NEVER, rows.expires)),
        ids=crowd.ids.take(rows.user),
        origin=log.origin,
        steps=steps,
        step=rows.step,
        clock=clock,
    )


def _require_log(got: object) -> None:
    if not isinstance(got, Log):
        hint = "read_log(...) makes one of a table; for one user take due_triggers"
        raise InvalidInputError("log", type(got), "a Log", hint)


def _require_ids(got: Collection[str]) -> frozenset[str]:
    if isinstance(got, str):
        raise InvalidInputError("done", got, "a collection of ids", "as in {'...'}")
    return frozenset(got)


def _spread(texts: list[str], rows: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.array([*texts, ""], dtype=object)[rows]


@attrs.frozen(eq=False)
class _Rows:
    """What is due; every column has shape ``(n,)``.

    Attributes
    ----------
    user
        Codes of the crowd.
    step
        Places among the steps of all triggers.
    name
        The occasion's, as text.
    due, expires
        Microseconds since 1970; ``FOREVER`` for no end.
    """

    user: NDArray[np.int64]
    step: NDArray[np.int64]
    name: NDArray[np.object_]
    due: NDArray[np.int64]
    expires: NDArray[np.int64]

    @classmethod
    def joined(cls, pieces: Iterable[Self]) -> Self:
        """Return several tables as one."""
        none = np.zeros(0, dtype=np.int64)
        parts = [cls(none, none, none.astype(object), none, none), *pieces]
        names = [field.name for field in attrs.fields(cls)]
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))

    def take(self, places: NDArray[np.int64]) -> Self:
        """Return some rows, in that order."""
        columns = (getattr(self, f.name)[places] for f in attrs.fields(type(self)))
        return type(self)(*columns)

    def ordered(self, ids: Ids) -> Self:
        """Return the rows by user, instant, step and name."""
        codes, place = np.unique(self.user, return_inverse=True)
        rank = np.empty(len(codes), dtype=np.int64)
        rank[ids.take(codes).order] = np.arange(len(codes))
        ties = np.unique(self.name, return_inverse=True)[1]
        return self.take(np.lexsort((ties, self.step, self.due, rank[place])))


def _asked(
    triggers: tuple[Trigger, ...], crowd: Crowd, now: int, clock: DayClock
) -> Iterator[_Rows]:
    """Yield what each step of each trigger has due."""
    number = 0
    for trigger in triggers:
        occasions = open_occasions(trigger, crowd, now, clock)
        for step in trigger.steps:
            yield _due_rows(number, step, occasions, crowd=crowd, now=now, clock=clock)
            number += 1


def _due_rows(
    number: int,
    step: Step,
    occasions: Occasions,
    *,
    crowd: Crowd,
    now: int,
    clock: DayClock,
) -> _Rows:
    some = occasions.take(occasions.entered + span_of(step.after) <= now)
    earliest = some.entered + span_of(step.after)
    due, zones = earliest.copy(), crowd.zone[some.user]
    for code in np.unique(zones).tolist():
        rows = zones == code
        tz = clock.tz if code == UNKNOWN else crowd.zones[code]
        due[rows] = due_at(step, earliest[rows], tz)
    expires = some.ends
    if step.grace is not None:
        expires = np.minimum(due + span_of(step.grace), expires)
    rows = np.flatnonzero((due <= now) & (now < expires))
    names = some.name[rows].tolist()
    return _Rows(
        user=some.user[rows],
        step=np.full(len(rows), number),
        name=np.array([*map(str, names), None], dtype=object)[:-1],
        due=due[rows],
        expires=expires[rows],
    )
