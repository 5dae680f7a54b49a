"""Circuit breakers (熔断): what is in trouble is left alone, and then tried once.

A breaker stands for a template, a channel of an account, or an account. It opens
when WeChat says so, by ``channels.ANSWERS``, or after some failures in a row. Open,
no letter that it concerns is leased, and none loses an attempt. When its pause is
over it is half open: one letter is leased, and by its answer the breaker closes, or
opens again for longer. A stop that only a person can lift has no end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import attrs

from wxengage.channels.answers import ANSWERS
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.sends import Send
from wxengage.times.periods import next_start

if TYPE_CHECKING:
    from wxengage.channels.answers import Answer
    from wxengage.delivery.outbox.policy import OutboxPolicy
    from wxengage.delivery.ports import Letter
    from wxengage.times.periods import Period

__all__ = ["Breaker", "Place", "Trouble", "answer_of", "places_of", "trouble_of"]

#: How far a breaker reaches.
Range = Literal["account", "channel", "template"]
#: Effect of an answer -> the period that it lasts. Which period a quota of mass
#: sends has depends on the account: it is tried once a day.
_PERIODS: Final[dict[str, Period]] = {"minute": "minute", "day": "day", "period": "day"}
#: Scope of an answer -> scope of a place.
_WIDE: Final[dict[str, Range]] = {
    "account": "account",
    "api": "channel",
    "template": "template",
}


@attrs.frozen
class Place:
    """What a breaker stands for (熔断范围).

    Attributes
    ----------
    scope
        ``"account"``, ``"channel"`` or ``"template"``.
    account
        Id of the account; "" where there is one, and for payouts.
    channel, message
        Which; "" where the scope is wider.

    Raises
    ------
    InvalidInputError
        If the scope is none of these.
    """

    scope: Range
    account: str = ""
    channel: str = ""
    message: str = ""

    def __attrs_post_init__(self) -> None:
        if self.scope not in {"account", "channel", "template"}:
            rule = "'account', 'channel' or 'template'"
            raise InvalidInputError("scope", self.scope, rule)


def places_of(letter: Letter) -> tuple[Place, ...]:
    """Return the places whose breakers concern a letter, the widest first."""
    body = letter.body
    if not isinstance(body, Send):
        return (Place("channel", "", letter.channel),)
    account = body.account or ""
    return (
        Place("account", account),
        Place("channel", account, body.channel),
        Place("template", account, body.channel, body.message),
    )


class Trouble(NamedTuple):
    """What an answer says of a place.

    Attributes
    ----------
    place
        Where.
    code
        The answer.
    kind
        ``"failure"``: one of several; ``"pause"``: leave it alone for a while;
        ``"until"``: until an instant; ``"stop"``: until somebody lifts it.
    until
        That instant, in microseconds since 1970.
    """

    place: Place
    code: str
    kind: Literal["failure", "pause", "until", "stop"]
    until: int | None = None


def answer_of(code: str) -> Answer | None:
    """Return what follows from a code, None where it is none of WeChat's."""
    digits = code.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len("2147483647")):
        return None
    return ANSWERS.get(int(code))


def trouble_of(
    letter: Letter, code: str, action: str, at: int, policy: OutboxPolicy
) -> Trouble | None:
    """Return what an answer says of more than its letter.

    Parameters
    ----------
    letter
        What was sent.
    code, action
        As in ``NotSent``; the action ``"unknown"`` where there was no answer.
    at
        When, in microseconds since 1970.
    policy
        Whose days count.

    Returns
    -------
    Trouble or None
        None where only the letter, its content or its recipient is meant.
    """
    places: dict[Range, Place] = {place.scope: place for place in places_of(letter)}
    channel = places["channel"]
    answer = answer_of(code)
    if answer is not None and answer.scope in _WIDE:
        if answer.effect in _PERIODS:
            # The month's mass sends are the account's, but of no other channel.
            ends = next_start(_PERIODS[answer.effect], at, policy.clock)
            return Trouble(channel, code, "until", ends)
        place = places.get(_WIDE[answer.scope], channel)
        if answer.effect == "stop":
            return Trouble(place, code, "stop")
        return Trouble(place, code, "pause") if action == "stop" else None
    if action == "stop":
        return Trouble(channel, code, "pause")
    failed = action in {"retry", "unknown"}
    return Trouble(channel, code, "failure") if failed else None


@attrs.frozen
class Breaker:
    """What is known of one place in trouble (熔断器); a place without one is well.

    Attributes
    ----------
    place
        Where.
    failures
        How many of the latest answers in a row were failures.
    opened
        How often in a row it has opened.
    is_open
        Whether letters are, or were until ``until``, left alone.
    until
        When it is half open, in microseconds since 1970; None: when it is lifted.
    pause
        How long the pause is, in microseconds; None where it ends with a quota.
    code
        The latest answer.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    place: Place
    failures: int = 0
    opened: int = 0
    is_open: bool = False
    until: int | None = None
    pause: int | None = None
    code: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.place, Place):
            raise InvalidInputError("place", self.place, "a Place")
        require_whole("failures", self.failures)
        require_whole("opened", self.opened)
        if self.code != "":
            require_id("code", self.code)

    def stands(self, at: int) -> Literal["closed", "open", "half_open"]:
        """Return how it stands at an instant."""
        if not self.is_open:
            return "closed"
        if self.until is None:
            return "open"
        # A pause that begins well in the future: the clock has been turned back.
        turned_back = self.pause is not None and self.until > at + 2 * self.pause
        return "half_open" if at >= self.until or turned_back else "open"

    def after(self, trouble: Trouble, at: int, policy: OutboxPolicy) -> Breaker:
        """Return the breaker after one more trouble."""
        failures = self.failures + 1
        told = attrs.evolve(self, failures=failures, code=trouble.code)
        if self.is_open and self.until is None:
            return told
        if trouble.kind in {"until", "stop"}:
            return attrs.evolve(
                told,
                opened=self.opened + 1,
                is_open=True,
                until=trouble.until,
                pause=None,
            )
        stands = self.stands(at)
        if stands == "open":
            # A letter that was on its way when it opened.
            return told
        tripped = stands == "half_open" or failures >= policy.trips_after
        if trouble.kind == "failure" and not tripped:
            return told
        pause = policy.cooling.longest(self.opened + 1)
        return attrs.evolve(
            told, opened=self.opened + 1, is_open=True, until=at + pause, pause=pause
        )

    def ready_at(self, at: int) -> int | None:
        """Return from when on it lets a letter through; None: when it is lifted."""
        return at if self.stands(at) != "open" else self.until
