"""Letters (待发件): what is handed to a sender, and what comes back.

A letter is a send, or a payout, with an idempotency key. The key of a send is made
here, from the send alone, and never by an adapter: planning the same day again, or
restoring a backup, gives the same key, and a key that was sent once is not sent
again. The key of a payout is its bill number.

Of a message three things can come back. ``Sent``: it went, and the value is the user's
history from then on. ``NotSent``: it surely did not go, and ``action`` says what
to do. ``Unknown``: nobody can say, so ask with the same key; do not send anew. What
comes back of a payout stands in ``payouts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import attrs

from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.payouts import Payout
from wxengage.errors import InvalidInputError, require_id, require_several
from wxengage.plan.result import Plan
from wxengage.sends import Send, Sent, fingerprint

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

__all__ = [
    "Letter",
    "NotSent",
    "Outcome",
    "Sender",
    "Unknown",
    "letter_key",
    "letters",
]


def letter_key(send: Send) -> str:
    """Return the idempotency key of a send (幂等键).

    Parameters
    ----------
    send
        What is to go. Its account, id, user, channel and message are read;
        time, value and cost are not, so that a send that is planned anew for
        another hour is still the same letter.

    Returns
    -------
    str
        28 characters of ``0-9a-z``: ``fingerprint`` of these five.
    """
    return fingerprint(
        send.account or "", send.id, send.user, send.channel, send.message
    )


@attrs.frozen
class Letter:
    """A message or a payout on its way (待发件).

    Attributes
    ----------
    body
        What is to go: a Send or a Payout.
    key
        Its idempotency key: two letters of one key are one letter. That of a
        payout is its number.

    Raises
    ------
    InvalidInputError
        If the body is neither, or the key is no id, or not the payout's number.
    """

    body: Send | Payout
    key: str

    def __attrs_post_init__(self) -> None:
        require_id("key", self.key)
        if isinstance(self.body, Payout):
            if self.key != self.body.number:
                rule = f"the payout's number {self.body.number}"
                raise InvalidInputError("key", self.key, rule)
        elif not isinstance(self.body, Send):
            raise InvalidInputError("body", self.body, "a Send or a Payout")

    @property
    def send(self) -> Send:
        """The message; a letter with a payout has none, and refuses."""
        if isinstance(self.body, Payout):
            raise InvalidInputError("letter", self.key, "a letter with a message")
        return self.body

    @property
    def payout(self) -> Payout:
        """The payout; a letter with a message has none, and refuses."""
        if isinstance(self.body, Send):
            raise InvalidInputError("letter", self.key, "a letter with a payout")
        return self.body

    @property
    def channel(self) -> str:
        """How it goes; for a payout ``"payout:"`` and the kind of its reward."""
        if isinstance(self.body, Send):
            return self.body.channel
        return f"payout:{type(self.body.reward).__name__.lower()}"

    @property
    def recipient(self) -> str:
        """To whom it goes."""
        body = self.body
        return body.user if isinstance(body, Send) else body.recipient


#: What a sender answers.
Outcome: TypeAlias = Sent | NotSent | Unknown


class Sender(Protocol):
    """Whoever can deliver letters; adapters are."""

    def send(self, letter: Letter, now: dt.datetime) -> Outcome:
        """Deliver a letter, once for each key, and say what became of it."""

    def query(self, letter: Letter, now: dt.datetime) -> Outcome:
        """Say what became of a letter without sending it.

        ``NotSent`` only where that is sure; it is ``Unknown`` to whoever cannot look
        it up.
        """


def letters(sends: Plan | Iterable[Send]) -> tuple[Letter, ...]:
    """Return the letters of a plan, or of any sends.

    Parameters
    ----------
    sends
        A plan, or sends.

    Returns
    -------
    tuple of Letter
        In the same order. The same sends have the same keys, for ever.

    Raises
    ------
    InvalidInputError
        If something is no send, or two sends have one key: the same id, user,
        channel, message and account.

    Examples
    --------
    >>> send = Send("s1", "ada", "wecom", "gift")
    >>> [letter.key for letter in letters([send])]
    ['z6wuose1tfgdtmp735de7ey8wyer']
    """
    found = []
    rows: dict[str, int] = {}
    given = sends.sends if isinstance(sends, Plan) else sends
    for row, send in enumerate(require_several("sends", given, "a plan, or sends")):
        if not isinstance(send, Send):
            raise InvalidInputError(f"sends[{row}]", send, "a Send")
        letter = Letter(send, letter_key(send))
        first = rows.setdefault(letter.key, row)
        if first != row:
            hint = f"sends[{first}] is the same letter; give each send its own id"
            raise InvalidInputError(f"sends[{row}]", send.id, "there once", hint)
        found.append(letter)
    return tuple(found)
