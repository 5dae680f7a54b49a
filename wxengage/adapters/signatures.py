"""Who signed a callback, and when (签名校验).

WeChat signs the sorted concatenation of its parts with SHA-1. Nothing separates
the parts, so their shapes are checked first: a time stamp has ten digits, a nonce
letters and digits. A signature is good for five minutes around its time stamp.
What came once may still come again within them, so what was recorded once must
not be recorded twice: that is what a callback's ``key`` is for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from wxengage.errors import CallbackRejected
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.adapters.secret import Secret

__all__ = ["FRESH_FOR", "checked", "signature"]

#: How far a time stamp may be from now, in both directions.
FRESH_FOR: Final = dt.timedelta(minutes=5)
_STAMP: Final = re.compile(r"[0-9]{10}", re.ASCII)
_NONCE: Final = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)
_SHA1: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
_MICROS: Final = 1_000_000


def signature(token: Secret, *parts: str) -> str:
    """Return WeChat's signature of some parts.

    Parameters
    ----------
    token
        The token of the callback's configuration.
    *parts
        Time stamp, nonce and, for an encrypted body, the cipher text.

    Returns
    -------
    str
        40 characters of ``0-9a-f``.

    Examples
    --------
    >>> from wxengage.adapters.secret import Secret
    >>> signature(Secret("token"), "1714112445", "486452656")
    'e66de5948c5e9b492c1d768d141b44de289a036c'
    """
    text = "".join(sorted((token.reveal(), *parts)))
    # A part that is no text has a digest too, which is that of nothing signed.
    raw = text.encode(errors="surrogatepass")
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def checked(
    token: Secret,
    query: Mapping[str, str],
    now: dt.datetime,
    *,
    by: str = "signature",
    cipher_text: str | None = None,
) -> None:
    """Refuse what WeChat did not sign, or signed long ago.

    Parameters
    ----------
    token
        The token of the callback's configuration.
    query
        The parameters of the address.
    now
        When it came, aware.
    by
        The parameter with the signature.
    cipher_text
        What else is signed, where the body is encrypted.

    Raises
    ------
    CallbackRejected
        With the reason ``malformed_query``, ``stale`` or ``bad_signature``.
    """
    stamp, nonce = (query.get(name, "") for name in ("timestamp", "nonce"))
    if not (_STAMP.fullmatch(stamp) and _NONCE.fullmatch(nonce)):
        raise CallbackRejected("malformed_query", "timestamp and nonce are needed")
    away = abs(micros("now", now) - int(stamp) * _MICROS)
    if away > FRESH_FOR // dt.timedelta(microseconds=1):
        hint = "is the clock of this machine right?"
        raise CallbackRejected("stale", hint)
    given = query.get(by, "")
    parts = (stamp, nonce) if cipher_text is None else (stamp, nonce, cipher_text)
    known = signature(token, *parts)
    # Any other shape is compared too, with a text that is never right.
    given = given if _SHA1.fullmatch(given) else "0" * 40
    if not hmac.compare_digest(known, given):
        hint = "is the token the one of the callback's configuration?"
        raise CallbackRejected("bad_signature", hint)
