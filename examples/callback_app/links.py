"""Links to people's own pages (个人链接), signed so that nobody can guess another's.

An openid is no password. Where you know who looks, by WeChat's web authorisation
(网页授权), use that instead.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from wxengage.adapters.secret import Secret

__all__ = ["Links"]


class Links:
    """Makes links, and knows its own.

    Parameters
    ----------
    base
        Where the application is.
    key
        Signs them.
    """

    def __init__(self, base: str, key: Secret) -> None:
        self._base = base
        self._key = key

    def to(self, page: str, user: str) -> str:
        """Return a user's link to a page."""
        return f"{self._base}/{page}/{quote(user, safe='')}?key={self._sign(user)}"

    def opens(self, user: str, key: str) -> bool:
        """Return whether a key is a user's."""
        return hmac.compare_digest(self._sign(user).encode(), key.encode())

    def _sign(self, user: str) -> str:
        key = self._key.reveal().encode()
        return hmac.new(key, f"page:{user}".encode(), hashlib.sha256).hexdigest()[:32]
