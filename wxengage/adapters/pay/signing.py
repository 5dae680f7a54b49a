"""The signatures of v2 (v2 签名): MD5 over the fields and the merchant's key."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from wxengage.adapters.bodies import xml_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.adapters.bodies import Fields
    from wxengage.adapters.secret import Secret

__all__ = ["is_signed", "signature", "signed_xml"]


def signature(fields: Fields | Mapping[str, str | int], api_key: Secret) -> str:
    """Return the signature of some fields.

    Parameters
    ----------
    fields
        The fields. What is empty, or has fields of its own, is not signed.
    api_key
        The merchant's API key.

    Returns
    -------
    str
        32 characters of ``0-9A-F``.

    Examples
    --------
    >>> from wxengage.adapters.secret import Secret
    >>> signature({"appid": "wxd930ea5d5a258f4f", "mch_id": 10000100, "body": "test",
    ...     "device_info": 1000, "nonce_str": "ibuaiVcKdpRxkhJA"},
    ...     Secret("192006250b4c09247ec02edce69f6a2d"))
    '9A0A8659F005D6984697E2CA0A9CF3B7'
    """
    told = "&".join(
        f"{name}={value}"
        for name, value in sorted(fields.items())
        if isinstance(value, str | int) and value != "" and name != "sign"
    )
    raw = f"{told}&key={api_key.reveal()}".encode()
    return hashlib.md5(raw, usedforsecurity=False).hexdigest().upper()


def signed_xml(fields: Mapping[str, str | int], api_key: Secret) -> str:
    """Return fields as the XML that WeChat Pay reads, with their signature.

    Parameters
    ----------
    fields
        The fields.
    api_key
        The merchant's API key.

    Returns
    -------
    str
        No text can end its field and begin another.

    Raises
    ------
    InvalidInputError
        If a text has a character that XML cannot tell.
    """
    return xml_of({**fields, "sign": signature(fields, api_key)})


def is_signed(fields: Fields, api_key: Secret) -> bool | None:
    """Return whether an answer is signed with the merchant's key.

    Parameters
    ----------
    fields
        The answer's fields.
    api_key
        The merchant's API key.

    Returns
    -------
    bool or None
        None where there is no signature.
    """
    given = fields.get("sign", "")
    if given == "":
        return None
    if not isinstance(given, str):
        return False
    known = signature(fields, api_key)
    return hmac.compare_digest(known.encode(), given.encode(errors="replace"))
