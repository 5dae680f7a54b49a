"""Letters (待发件): what is handed to a sender, and what comes back.

A letter is a send with an idempotency key. The key is made here, from the send
alone, and never by an adapter: planning the same day again, or restoring a
backup, gives the same key, and a key that was sent once is not sent again.

Three things can come back. ``Sent``: it went, and the value is the user's
history from then on. ``NotSent``: it surely did not go, and ``action`` says what
to do. ``Unknown``: nobody can say, so ask with the same key; do not send anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import attrs

from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.errors import InvalidInputError, require_id
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
    """A send on its way (待发件).

    Attributes
    ----------
    send
        What is to go.
    key
        Its idempotency key: two letters of one key are one letter.

    Raises
    ------
    InvalidInputError
        If ``send`` is no Send, or the key is no id.
    """

    send: Send
    key: str

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.send, Send):
            raise InvalidInputError("send", self.send, "a Send")
        require_id("key", self.key)


#: What a sender answers.
Outcome: TypeAlias = Sent | NotSent | Unknown


class Sender(Protocol):
    """Whoever can deliver letters; adapters are."""

    def send(self, letter: Letter, now: dt.datetime) -> Outcome:
        """Deliver a letter, once for each key, and say what became of it."""

    def query(self, letter: Letter, now: dt.datetime) -> Outcome:
        """Say what became of a letter without sending it."""


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
    for row, send in enumerate(sends.sends if isinstance(sends, Plan) else sends):
        if not isinstance(send, Send):
            raise InvalidInputError(f"sends[{row}]", send, "a Send")
        letter = Letter(send, letter_key(send))
        first = rows.setdefault(letter.key, row)
        if first != row:
            hint = f"sends[{first}] is the same letter; give each send its own id"
            raise InvalidInputError(f"sends[{row}]", send.id, "there once", hint)
        found.append(letter)
    return tuple(found)
