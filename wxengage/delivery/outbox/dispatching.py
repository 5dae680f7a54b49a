"""The dispatch loop (投递循环): lease, begin, ask, record, and a commit after each.

The order is the promise. What was begun is on disk before the request leaves, and
what came back is on disk before the next one begins; so wherever the loop is cut
off, the outbox on disk knows of every request that may have left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxengage.delivery.outbox.leasing import begin, holds, lease
from wxengage.delivery.outbox.recording import record, unasked
from wxengage.delivery.outcomes import Unknown
from wxengage.errors import InvalidInputError
from wxengage.sends import Send

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    import numpy as np

    from wxengage.delivery.outbox.box import Outbox
    from wxengage.delivery.outbox.leasing import Check, Request
    from wxengage.delivery.payouts import Fulfil
    from wxengage.delivery.ports import Sender

__all__ = ["dispatch"]


def _forget(outbox: Outbox) -> None:
    """Keep nothing: for a rehearsal."""


def dispatch(
    outbox: Outbox,
    senders: Mapping[str, Sender | Fulfil],
    clock: Callable[[], dt.datetime],
    *,
    rng: np.random.Generator,
    check: Check | None = None,
    commit: Callable[[Outbox], None] = _forget,
    limit: int = 100,
) -> Outbox:
    """Send what is due, once (投递).

    Parameters
    ----------
    outbox
        The outbox.
    senders
        Channel -> who delivers there. Letters of other channels stay.
    clock
        Gives the instant, aware, whenever it is asked.
    rng
        Chance, for the pauses after failures.
    check
        The gate's word about a message at an instant.
    commit
        Puts the outbox where a crash does not reach it. Called after each step and
        before the next; what it raises ends the loop.
    limit
        At most so many letters.

    Returns
    -------
    Outbox
        As last committed.

    Notes
    -----
    A sender that raises, or answers with anything but an outcome, has said nothing:
    the letter may have gone.
    """
    outbox, leases = lease(outbox, clock(), limit=limit, channels=senders.keys())
    commit(outbox)
    for key, fence in leases:
        outbox, request = begin(outbox, key, fence, clock(), check=check)
        commit(outbox)
        if request is None:
            continue
        now = clock()
        if holds(outbox, key, fence, now):
            answer = _ask(senders[request.letter.channel], request, now)
        else:
            answer = unasked(request.letter)
        try:
            outbox = record(outbox, key, fence, answer, clock(), rng=rng)
        except InvalidInputError:
            nothing = Unknown(f"the sender answered with a {type(answer).__name__}")
            outbox = record(outbox, key, fence, nothing, clock(), rng=rng)
        commit(outbox)
    return outbox


def _ask(sender: Any, request: Request, now: dt.datetime) -> Any:  # noqa: ANN401  whatever it answers
    letter, how = request.letter, request.how
    try:
        if isinstance(letter.body, Send):
            ask = sender.send if how == "send" else sender.query
            return ask(letter, now)
        ask = sender.pay if how == "send" else sender.query
        return ask(letter.body, now)
    except Exception as error:  # noqa: BLE001  whatever it is, the letter may have gone
        return Unknown(type(error).__name__)
