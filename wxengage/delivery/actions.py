"""What to do about a message that did not go (失败处理), and which code means what."""

from __future__ import annotations

from typing import Final, Literal, get_args

from wxengage.channels.answers import answer_to
from wxengage.errors import InvalidInputError

__all__ = ["ACTIONS", "Action", "action_of"]

#: What to do about a letter that did not go: send it again after a while; wait for
#: a window or a quota; give it up; send this user nothing more; let somebody mend
#: the message; stop what the answer reaches, a template, a channel or an account.
Action = Literal["retry", "wait", "drop", "suppress", "mend", "stop"]
ACTIONS: Final[tuple[str, ...]] = get_args(Action)

_BY_RETRY: Final[dict[str, Action]] = {
    "back_off": "retry",
    # The sender has refreshed its token already: now it is the account's trouble.
    "refresh_token": "stop",
    "next_minute": "wait",
    "next_day": "wait",
    "next_period": "wait",
    # Nothing happens before the user does something, and then it is another day.
    "on_trigger": "drop",
}


def action_of(code: int) -> Action:
    """Return what to do about a letter that WeChat refused.

    Parameters
    ----------
    code
        The error code.

    Returns
    -------
    str
        As ``wxengage.channels.ANSWERS`` has it. An unknown code is ``"mend"``:
        the message is kept, is not repeated, and somebody looks.

    Raises
    ------
    InvalidInputError
        If the code is no refusal: 0, or 45065, which says that the message has
        gone already.

    Examples
    --------
    >>> [action_of(code) for code in (-1, 45009, 45015, 48002, 47003, 48004, 99999)]
    ['retry', 'wait', 'drop', 'suppress', 'mend', 'stop', 'mend']
    """
    answer = answer_to(code)
    if answer.retry == "done":
        raise InvalidInputError("code", code, "a refusal", "it has gone: return Sent")
    if answer.retry in _BY_RETRY:
        return _BY_RETRY[answer.retry]
    if not answer.known:
        return "mend"
    if answer.scope == "recipient":
        return "suppress"
    stops = answer.effect == "stop" or answer.scope in {"api", "account"}
    return "stop" if stops else "mend"
