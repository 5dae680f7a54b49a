"""What can become of a letter (待发件状态), as a table: nothing else moves one."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.errors import IllegalTransitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FINAL", "TRANSITIONS", "WAITING", "Signal", "State", "step"]


class State(enum.Enum):
    """Where a letter stands.

    ``DUE``: it is to go. ``SENDING``: a request has begun, and may have left.
    ``UNKNOWN``: it may have gone, and the provider can be asked, or takes the same
    key twice as one. ``ASKING``: a question about it has begun. ``ACCEPTED``: the
    provider has a payout and works on it. ``SENT``: it went. ``MAYBE_SENT``: it may
    have gone, and nobody can say. ``DIGEST``: left to a digest. ``DROPPED``: it did
    not go and will not. ``DEAD``: a dead letter (死信), which waits for a person.
    """

    DUE = "due"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ASKING = "asking"
    ACCEPTED = "accepted"
    SENT = "sent"
    MAYBE_SENT = "maybe_sent"
    DIGEST = "digest"
    DROPPED = "dropped"
    DEAD = "dead"


class Signal(enum.Enum):
    """What moves a letter.

    ``BEGIN``: a request begins. ``ASK``: a question begins. ``HOLD``: not now, later.
    ``AGAIN``: it surely did not go, and is to go. ``DOUBT``: it may have gone, and
    that can be found out. ``LOSE``: it may have gone, and that cannot. ``ACCEPT``:
    the provider has it. ``GO``: it went. ``BUNDLE``: it is left to a digest.
    ``DROP``: it is given up. ``DIE``: a person has to look. ``REVIVE``: one has.
    """

    BEGIN = "begin"
    ASK = "ask"
    HOLD = "hold"
    AGAIN = "again"
    DOUBT = "doubt"
    LOSE = "lose"
    ACCEPT = "accept"
    GO = "go"
    BUNDLE = "bundle"
    DROP = "drop"
    DIE = "die"
    REVIVE = "revive"


#: A worker may lease these.
WAITING: Final = (State.DUE, State.UNKNOWN, State.ACCEPTED)
#: Nothing happens to these by itself any more.
FINAL: Final = frozenset(
    {State.SENT, State.MAYBE_SENT, State.DIGEST, State.DROPPED, State.DEAD}
)
#: What a definite answer makes of a letter that had none.
_ANSWERED: Final = {
    Signal.GO: State.SENT,
    Signal.ACCEPT: State.ACCEPTED,
    Signal.AGAIN: State.DUE,
    Signal.DROP: State.DROPPED,
    Signal.DIE: State.DEAD,
}
_DOUBTED: Final = {Signal.DOUBT: State.UNKNOWN, Signal.LOSE: State.MAYBE_SENT}
_GONE: Final = {Signal.GO: State.SENT}
#: State -> what it takes, and what it then is.
TRANSITIONS: Final[Mapping[State, Mapping[Signal, State]]] = MappingProxyType(
    {
        state: MappingProxyType(takes)
        for state, takes in {
            State.DUE: {
                Signal.BEGIN: State.SENDING,
                Signal.HOLD: State.DUE,
                Signal.BUNDLE: State.DIGEST,
                Signal.DROP: State.DROPPED,
                Signal.DIE: State.DEAD,
                **_GONE,
            },
            State.SENDING: _ANSWERED | _DOUBTED,
            State.UNKNOWN: {
                Signal.BEGIN: State.SENDING,
                Signal.ASK: State.ASKING,
                Signal.HOLD: State.UNKNOWN,
                Signal.LOSE: State.MAYBE_SENT,
                **_ANSWERED,
            },
            State.ASKING: _ANSWERED | _DOUBTED,
            State.ACCEPTED: {
                Signal.ASK: State.ASKING,
                Signal.HOLD: State.ACCEPTED,
                **_ANSWERED,
            },
            State.SENT: {},
            State.MAYBE_SENT: {
                Signal.AGAIN: State.DUE,
                Signal.DROP: State.DROPPED,
                Signal.DIE: State.DEAD,
                **_GONE,
            },
            State.DIGEST: _GONE,
            State.DROPPED: _GONE,
            State.DEAD: {
                Signal.REVIVE: State.DUE,
                Signal.DOUBT: State.UNKNOWN,
                **_ANSWERED,
            },
        }.items()
    }
)


def step(state: State, signal: Signal) -> State:
    """Return where a letter stands after a signal.

    Parameters
    ----------
    state
        Where it stands.
    signal
        What moves it.

    Returns
    -------
    State
        By ``TRANSITIONS``.

    Raises
    ------
    IllegalTransitionError
        If the state does not take the signal.
    """
    takes = TRANSITIONS[state]
    if signal not in takes:
        names = tuple(one.name for one in takes)
        raise IllegalTransitionError("letter", state.name, signal.name, names)
    return takes[signal]
