"""Scene-triggered reach (场景化触达): when what is sent to whom, as a value.

Entry: a user enters a trigger at each occasion of its scene, subject to
``again``. Exit: with the scene's own end, with an event of ``unless``, or with
the last step. Between the two each step asks for one message, at a fixed
distance from the entry.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.pacing.windows import minute_of_day
from wxengage.plan.scenes.scene import (
    Birthday,
    Followed,
    Happened,
    Scene,
    Silent,
    require_kinds,
    require_scene,
    require_span,
    require_time,
    span_of,
)
from wxengage.sends import Category, Send

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FOREVER", "Step", "Trigger", "require_triggers"]

#: Stands for "no end" among microseconds.
FOREVER: Final = 2**63 - 1
_NOW: Final = dt.timedelta(0)
_SUNDAY: Final = 7
_AGAIN: Final = ("never", "each_occasion")


@attrs.frozen
class Step:
    """One message of a trigger (触达步骤).

    Attributes
    ----------
    message, channel, account, topic, category, content, is_ad, transactional, \
value, cost
        As in ``Send``.
    after
        Elapsed time from the entry to the message, not negative.
    at
        Local time ``"HH:MM"`` in the user's zone: the first one from
        ``entry + after`` on. None: at that instant itself.
    weekday
        ISO day of the week, 1 (Monday) to 7, on which ``at`` must fall; None
        for any.
    grace
        How late the message may still go, above zero: it expires at the instant
        ``due + grace``, or with the scene if that is earlier. None: for as long
        as the scene lasts, which for ``Happened``, ``Followed`` and ``Silent``
        takes in everybody who ever came to it.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> Step("tips", "mass_send", after=dt.timedelta(days=1), at="12:00").minute
    720
    """

    message: str
    channel: str
    after: dt.timedelta = attrs.field(default=_NOW, kw_only=True)
    at: str | None = attrs.field(default=None, kw_only=True)
    weekday: int | None = attrs.field(default=None, kw_only=True)
    grace: dt.timedelta | None = attrs.field(default=dt.timedelta(days=1), kw_only=True)
    account: str | None = attrs.field(default=None, kw_only=True)
    topic: str = attrs.field(default="", kw_only=True)
    category: Category = attrs.field(default="marketing", kw_only=True)
    content: str = attrs.field(default="", kw_only=True)
    is_ad: bool = attrs.field(default=False, kw_only=True)
    transactional: bool = attrs.field(default=False, kw_only=True)
    value: float = attrs.field(default=0.0, kw_only=True)
    cost: int = attrs.field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_span("after", self.after, least=_NOW)
        if self.at is not None:
            require_time("at", self.at)
        if self.weekday is not None:
            require_whole("weekday", self.weekday, least=1, most=_SUNDAY)
            if self.at is None:
                hint = "a day of the week needs a time, such as at='09:00'"
                raise InvalidInputError("at", None, "given with weekday", hint)
        if self.grace is not None:
            require_span("grace", self.grace, least=dt.timedelta(microseconds=1))
        self.as_send("any", "any", None, None)  # the rules of a send are a step's too

    @property
    def minute(self) -> int | None:
        """``at`` in minutes since midnight."""
        return None if self.at is None else minute_of_day("at", self.at)

    @property
    def grace_micros(self) -> int:
        """``grace`` in microseconds, ``FOREVER`` for none."""
        return FOREVER if self.grace is None else span_of(self.grace)

    def as_send(
        self,
        name: str,
        user: str,
        not_before: dt.datetime | None,
        expires: dt.datetime | None,
    ) -> Send:
        """Return the message as a send.

        Parameters
        ----------
        name
            The send's id.
        user
            Whom it is for.
        not_before, expires
            Its bounds, aware; None is no bound.

        Returns
        -------
        Send
            What the gate is asked about.
        """
        return Send(
            name,
            user,
            self.channel,
            self.message,
            account=self.account,
            topic=self.topic,
            category=self.category,
            content=self.content,
            not_before=not_before,
            expires=expires,
            is_ad=self.is_ad,
            transactional=self.transactional,
            value=self.value,
            cost=self.cost,
        )


@attrs.frozen
class Trigger:
    """A scene and what it sends (触发器).

    Attributes
    ----------
    id
        Its name. Together with the user, the occasion and the step's message it
        makes the send's id: a trigger that is renamed sends again.
    scene
        What it waits for.
    steps
        What it sends, at least one; no message twice.
    unless
        Kinds of events that stop it for good: a step is due no longer once such
        an event has happened, whether before or after the step's own instant.
        Counted from the fact behind the occasion on (the follow, the event, the
        last interaction, the start of the streak's day, the giving of a
        holding; for a birthday the entry), that instant included: where WeChat's
        seconds do not tell, nobody is written to.
    again
        Re-entry. ``"each_occasion"``: every one counts. ``"never"``: only the
        first. A timedelta: none for so long after the entry before, exactly
        that long after is allowed. An entry counts whether or not its messages
        went out. The past is what the log and the state tell of it.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> days = dt.timedelta
    >>> Trigger(
    ...     "cart",
    ...     Happened(("register",)),
    ...     (Step("first_order", "subscribe_message", after=days(3)),),
    ...     unless=("purchase",),
    ... ).again
    'each_occasion'
    """

    id: str
    scene: Scene
    steps: tuple[Step, ...]
    unless: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    again: Literal["never", "each_occasion"] | dt.timedelta = attrs.field(
        default="each_occasion", kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        require_id("id", self.id)
        require_scene("scene", self.scene)
        if not isinstance(self.steps, tuple) or not self.steps:
            raise InvalidInputError("steps", self.steps, "a tuple of at least one Step")
        messages: set[str] = set()
        for row, step in enumerate(self.steps):
            if not isinstance(step, Step):
                raise InvalidInputError(f"steps[{row}]", step, "a Step")
            if step.message in messages:
                hint = "the message tells one step's sends from another's"
                name = f"steps[{row}].message"
                raise InvalidInputError(name, step.message, "named once", hint)
            messages.add(step.message)
        self._check_exit()
        self._check_again()

    def _check_exit(self) -> None:
        require_kinds("unless", self.unless, some=False)
        for row, kind in enumerate(self.unless):
            if kind in self.entered_by:
                hint = "for the last of several events take Silent(after, kinds)"
                rule = "no kind by which the scene is entered"
                raise InvalidInputError(f"unless[{row}]", kind, rule, hint)

    def _check_again(self) -> None:
        if isinstance(self.again, dt.timedelta):
            require_span("again", self.again, least=dt.timedelta(microseconds=1))
        elif not isinstance(self.again, str) or self.again not in _AGAIN:
            hint = nearest(self.again, _AGAIN) + ", or a timedelta"
            raise InvalidInputError("again", self.again, "a rule of re-entry", hint)
        if isinstance(self.scene, Birthday) and self.again != "each_occasion":
            hint = "a birthday comes once a year by itself"
            raise InvalidInputError("again", self.again, "'each_occasion'", hint)

    @property
    def again_micros(self) -> int:
        """Microseconds from one entry to the next allowed; ``FOREVER`` for never."""
        if isinstance(self.again, dt.timedelta):
            return span_of(self.again)
        return FOREVER if self.again == "never" else 0

    @property
    def entered_by(self) -> tuple[str, ...]:
        """Kinds of events that make the scene's occasions."""
        if isinstance(self.scene, Followed):
            return ("follow",)
        return self.scene.kinds if isinstance(self.scene, Happened | Silent) else ()


def require_triggers(got: Iterable[Trigger] | Trigger) -> tuple[Trigger, ...]:
    """Return triggers as a tuple, or say which one cannot stand.

    Parameters
    ----------
    got
        Triggers, or one.

    Returns
    -------
    tuple of Trigger
        In that order.

    Raises
    ------
    InvalidInputError
        If one is no trigger, or two share an id.
    """
    if isinstance(got, Trigger):
        return (got,)
    try:
        triggers = tuple(got)
    except TypeError:
        raise InvalidInputError("triggers", got, "triggers, or one") from None
    known: set[str] = set()
    for row, trigger in enumerate(triggers):
        if not isinstance(trigger, Trigger):
            raise InvalidInputError(f"triggers[{row}]", trigger, "a Trigger")
        if trigger.id in known:
            hint = "two triggers of one name would take each other's sends"
            name = f"triggers[{row}].id"
            raise InvalidInputError(name, trigger.id, "named once", hint)
        known.add(trigger.id)
    return triggers
