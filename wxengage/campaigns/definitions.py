"""Every fault of a campaign's definition at once (活动定义校验)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from wxengage.errors import InvalidInputError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["require_all", "require_word"]


def require_all(name: str, got: object, checks: Iterable[Callable[[], Any]]) -> None:
    """Run checks to the end and raise for all that fail.

    Parameters
    ----------
    name
        Of the type of campaign.
    got
        Its id.
    checks
        Each raises ``InvalidInputError`` where its rule is broken.

    Raises
    ------
    InvalidInputError
        The one fault, or one error whose hint lists them all.
    """
    faults: list[InvalidInputError] = []
    for check in checks:
        try:
            check()
        except InvalidInputError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        rule = f"without its {len(faults)} faults"
        raise InvalidInputError(name, got, rule, "; ".join(map(str, faults)))


def require_word(name: str, got: object, words: Any) -> None:
    """Raise unless a value is one of the words of a ``Literal``.

    Parameters
    ----------
    name
        The field.
    got
        What came in.
    words
        The ``Literal``.

    Raises
    ------
    InvalidInputError
        If it is another.
    """
    known = get_args(words)
    if not isinstance(got, str) or got not in known:
        rule = "one of " + ", ".join(known)
        raise InvalidInputError(name, got, rule, nearest(got, known))
