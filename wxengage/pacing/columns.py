"""Users and instants as columns (批量列): what bulk functions take, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["codes_of", "instants", "paired"]


def instants(name: str, got: ArrayLike) -> NDArray[np.int64]:
    """Return instants as microseconds since 1970, checked.

    Parameters
    ----------
    name
        The parameter's name, for the message.
    got
        ``datetime64`` in UTC, or whole microseconds since 1970. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``.

    Raises
    ------
    InvalidInputError
        If they are anything else, or one of them is NaT.
    """
    at = np.asarray(got)
    if at.ndim == 1 and at.size == 0:
        return np.empty(0, dtype=np.int64)
    if at.dtype.kind == "M" and np.isnat(at).any():
        raise InvalidInputError(
            f"{name}[{int(np.isnat(at).argmax())}]", "NaT", "a time"
        )
    if at.ndim != 1 or at.dtype.kind not in "iM":
        rule = "one-dimensional: datetime64 in UTC, or whole microseconds since 1970"
        raise InvalidInputError(name, at.dtype, rule)
    if at.dtype.kind == "M":
        at = at.astype("datetime64[us]")
    return at.astype(np.int64, copy=False)


def paired(
    names: tuple[str, str], users: ArrayLike, at: ArrayLike
) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """Return users and their instants, one of each a row, checked.

    Parameters
    ----------
    names
        What the two parameters are called, for the message.
    users
        Ids, all text or all whole numbers. Shape ``(n,)``.
    at
        Instants, as ``instants`` takes them. Shape ``(n,)``.

    Returns
    -------
    users, at
        Shape ``(n,)`` each.

    Raises
    ------
    InvalidInputError
        If the instants are none, or the lengths differ.
    """
    who, when = np.asarray(users), instants(names[1], at)
    if who.ndim != 1 or len(who) != len(when):
        raise InvalidInputError(names[0], who.shape, f"one a row of {names[1]}")
    return who, when


def codes_of(
    users: NDArray[np.generic], past_users: NDArray[np.generic]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return whole numbers that are the same for the same user.

    Parameters
    ----------
    users, past_users
        Ids of one type. Shapes ``(n,)`` and ``(m,)``.

    Returns
    -------
    users, past_users
        Codes from 0, in the order of the ids. Shapes ``(n,)`` and ``(m,)``.

    Raises
    ------
    InvalidInputError
        If a column mixes texts and numbers or holds anything else, or one column
        is of numbers and the other is of texts: then no past would ever be
        found, and everybody would be free to send to.
    """
    texts = _are_texts("users", users)
    if _are_texts("past_users", past_users) is not texts:
        rule = "ids of the type of users"
        raise InvalidInputError("past_users", past_users.dtype, rule)
    both = np.concatenate([users, past_users])
    if both.dtype.kind == "f":
        # Signed and unsigned numbers would meet as floats, and lose digits.
        both = np.concatenate([users.astype(object), past_users.astype(object)])
    codes = np.unique(both, return_inverse=True)[1]
    return codes[: users.size], codes[users.size :]


def _are_texts(name: str, ids: NDArray[np.generic]) -> bool:
    """Return whether ids are texts; otherwise they are whole numbers."""
    types = {ids.dtype.type}
    if ids.dtype.kind == "O":
        # A frame's column; types are few, however long it is.
        types = {type(one) for one in ids.tolist()}
    texts = [issubclass(one, str) for one in types]
    if all(texts):
        return True
    if any(texts) or not all(map(_is_whole, types)):
        hint = "texts or whole numbers, one kind of them"
        raise InvalidInputError(name, ids.dtype, "ids", hint)
    return False


def _is_whole(one: type) -> bool:
    # A bool is an int, and a span of time is one of numpy's whole numbers.
    return issubclass(one, int | np.integer) and not issubclass(
        one, bool | np.timedelta64
    )
