"""Names in logs (日志中的标识): enough to recognize one, and too little to use it."""

from __future__ import annotations

from typing import Final

__all__ = ["shown"]

_SHOWN: Final = 4


def shown(name: str) -> str:
    """Return so much of an id that it is recognized, and no more.

    Parameters
    ----------
    name
        A key, a number, a user.

    Returns
    -------
    str
        Its first four characters and a hash sign.

    Examples
    --------
    >>> shown("z6wuose1tfgdtmp735de7ey8wyer")
    'z6wu#'
    """
    return f"{name[:_SHOWN]}#"
