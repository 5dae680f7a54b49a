"""A text that must not be shown (密钥): tokens, app secrets, keys."""

from __future__ import annotations

import hmac
from typing import NoReturn

from wxengage.errors import InvalidInputError

__all__ = ["Secret", "secret_of"]


class Secret:
    """A text that never shows, in no log, no error and no pickle (密钥).

    Parameters
    ----------
    text
        What must not be seen.

    Raises
    ------
    InvalidInputError
        If it is no text, is blank, or holds anything but visible ASCII; the error
        does not show it.

    Examples
    --------
    >>> secret = Secret("hunter2")
    >>> secret, f"{secret}", secret.reveal()
    (Secret(***), 'Secret(***)', 'hunter2')
    """

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]  # a hash would tell equals apart

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise InvalidInputError("secret", type(text).__name__, "a text")
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            rule = "ASCII without spaces and control characters"
            raise InvalidInputError(
                "secret", "***", rule, "was a line end read with it?"
            )
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self._text.encode(), other._text.encode()
        return hmac.compare_digest(mine, theirs)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a Secret is not pickled: read it anew where it is needed")


def secret_of(name: str, got: str | Secret) -> Secret:
    """Return what was given as a secret.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        The text, or a secret.

    Returns
    -------
    Secret
        The same one where it is one.

    Raises
    ------
    InvalidInputError
        If it can be none; the error does not show it.
    """
    if isinstance(got, Secret):
        return got
    try:
        return Secret(got)
    except InvalidInputError as error:
        # The argument itself must not stay in a traceback's frame.
        fault = InvalidInputError(name, error.got, error.rule, error.hint)
    del got
    raise fault
