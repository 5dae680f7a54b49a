"""The outbox in memory (发件箱), a value: rows by key, breakers, and suppressions.

Every operation takes an outbox and returns another one, so that what is in a store
and what is in a worker's hands are never the same object half changed. A lease
looks at every row, which is right for thousands; a store keeps the rows, and an
index.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.delivery.outbox.breakers import Breaker, Place, places_of
from wxengage.delivery.outbox.policy import OutboxPolicy
from wxengage.delivery.outbox.rows import OutboxRow
from wxengage.delivery.outbox.shelf import Rows
from wxengage.delivery.ports import Letter
from wxengage.errors import InvalidInputError, require_id
from wxengage.sends import Send
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from wxengage.delivery.payouts import Payout

__all__ = ["Outbox", "Suppression", "enqueue", "lift", "suppression_of"]

_NO_BREAKERS: Final[Mapping[Place, Breaker]] = MappingProxyType({})


@attrs.frozen
class Suppression:
    """Somebody who gets nothing more on a channel (停发名单).

    Attributes
    ----------
    account
        From which account; "" where there is one.
    channel, recipient
        How, and to whom.
    """

    account: str
    channel: str
    recipient: str

    def __attrs_post_init__(self) -> None:
        for name in ("channel", "recipient"):
            require_id(name, getattr(self, name))


def suppression_of(letter: Letter) -> Suppression:
    """Return what would keep a letter from its recipient."""
    body = letter.body
    account = (body.account or "") if isinstance(body, Send) else ""
    return Suppression(account, letter.channel, letter.recipient)


@attrs.frozen(repr=False)
class Outbox:
    """Letters on their way, as a value (发件箱).

    Attributes
    ----------
    policy
        How it behaves.
    rows
        The letters by key.
    breakers
        The places in trouble.
    suppressed
        Who gets nothing more.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.delivery.ports import letters
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    >>> send = Send("s1", "ada", "customer_message", "hello")
    >>> outbox = enqueue(Outbox(), letters([send]), noon)
    >>> enqueue(outbox, letters([send]), noon) == outbox
    True
    """

    policy: OutboxPolicy = attrs.field(default=OutboxPolicy())
    rows: Rows = attrs.field(default=Rows())
    breakers: Mapping[Place, Breaker] = attrs.field(default=_NO_BREAKERS)
    suppressed: frozenset[Suppression] = attrs.field(default=frozenset())

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.policy, OutboxPolicy):
            raise InvalidInputError("policy", self.policy, "an OutboxPolicy")

    def row(self, key: str) -> OutboxRow:
        """Return a letter's row.

        Parameters
        ----------
        key
            The letter's key.

        Returns
        -------
        OutboxRow
            As it stands.

        Raises
        ------
        InvalidInputError
            If no letter of that key was ever put in.
        """
        if key not in self.rows:
            raise InvalidInputError("key", key, "the key of a letter in the outbox")
        return self.rows[key]

    def with_rows(self, rows: Iterable[OutboxRow]) -> Outbox:
        """Return the outbox with some rows changed or added."""
        changed = tuple(rows)
        return attrs.evolve(self, rows=self.rows.changed(changed)) if changed else self

    def with_breakers(self, breakers: Mapping[Place, Breaker]) -> Outbox:
        """Return the outbox with these breakers and no others."""
        if breakers == self.breakers:
            return self
        return attrs.evolve(self, breakers=MappingProxyType(dict(breakers)))

    def opens_at(self, letter: Letter, at: int) -> int | None:
        """Return from when on no breaker holds a letter; None: when it is lifted."""
        opens = at
        for place in places_of(letter):
            if place in self.breakers:
                ready = self.breakers[place].ready_at(at)
                if ready is None:
                    return None
                opens = max(opens, ready)
        return opens

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Outbox({len(self)} letters)"


def _what_goes(body: Send | Payout) -> Send | Payout:
    """Return what makes two letters of one key the same letter."""
    if not isinstance(body, Send):
        return body
    # A send planned anew for another hour, or worth more, is the same letter.
    return attrs.evolve(body, at=None, not_before=None, expires=None, value=0, cost=0)


def enqueue(outbox: Outbox, letters: Iterable[Letter], now: dt.datetime) -> Outbox:
    """Put letters in (入箱).

    Parameters
    ----------
    outbox
        The outbox.
    letters
        What is to go.
    now
        When, aware.

    Returns
    -------
    Outbox
        With the letters that are new. A letter of a known key is in already,
        whatever has become of it, and its times stay as they were.

    Raises
    ------
    InvalidInputError
        If something is no letter, or another letter has its key.
    """
    at = micros("now", now)
    seq = 1 + max((row.seq for row in outbox.rows.values()), default=-1)
    added: dict[str, OutboxRow] = {}
    for place, letter in enumerate(letters):
        if not isinstance(letter, Letter):
            raise InvalidInputError(f"letters[{place}]", letter, "a Letter")
        known = outbox.rows.get(letter.key) or added.get(letter.key)
        if known is None:
            added[letter.key] = OutboxRow(
                letter, seq, queued_at=at, since=at, not_before=_earliest(letter, at)
            )
            seq += 1
        elif _what_goes(known.letter.body) != _what_goes(letter.body):
            hint = f"it is {known.letter.body!r} already"
            rule = "a letter's own"
            raise InvalidInputError(f"letters[{place}].key", letter.key, rule, hint)
    return outbox.with_rows(added.values())


def _earliest(letter: Letter, at: int) -> int:
    body = letter.body
    if isinstance(body, Send):
        if body.at is not None:
            return micros("at", body.at)
        if body.not_before is not None:
            return micros("not_before", body.not_before)
    return at


def lift(outbox: Outbox, what: Place | Suppression) -> Outbox:
    """Take a stop back: somebody has seen to it (解除).

    Parameters
    ----------
    outbox
        The outbox.
    what
        The place of a breaker, or a suppression.

    Returns
    -------
    Outbox
        Without it.

    Raises
    ------
    InvalidInputError
        If it is neither.
    """
    if isinstance(what, Place):
        left = {place: one for place, one in outbox.breakers.items() if place != what}
        return outbox.with_breakers(left)
    if not isinstance(what, Suppression):
        raise InvalidInputError("what", what, "a Place or a Suppression")
    return attrs.evolve(outbox, suppressed=outbox.suppressed - {what})
