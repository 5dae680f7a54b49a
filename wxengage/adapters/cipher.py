"""The encryption of callbacks (消息加解密): AES-256-CBC as WeChat uses it.

A message is padded to a multiple of 32 bytes and begins with 16 random bytes and
its length; the receiver's id ends it. The key is 43 characters of base64. What
was tampered with is never told why: every fault has the one reason ``undecipherable``.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Final

from wxengage.errors import CallbackRejected, InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import ciphers
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    from wxengage.adapters.secret import Secret

__all__ = ["Cipher"]

_BLOCK: Final = 32
_HINT: Final = "are EncodingAESKey and the account's appid right?"
_RANDOM: Final = 16
_LENGTH: Final = 4
_AES_KEY: Final = re.compile(r"[0-9A-Za-z+/]{43}", re.ASCII)


class Cipher:
    """Opens and seals the messages of one receiver (消息加解密).

    Parameters
    ----------
    aes_key
        The ``EncodingAESKey`` of the callback's configuration.
    receiver
        The appid, or WeCom's corp id.

    Raises
    ------
    InvalidInputError
        If the key has not 43 characters of base64.
    MissingExtraError
        If ``cryptography`` is not installed.
    """

    __slots__ = ("_key", "receiver")

    def __init__(self, aes_key: Secret, receiver: str) -> None:
        if not _AES_KEY.fullmatch(aes_key.reveal()):
            rule = "the 43 letters and digits of EncodingAESKey"
            raise InvalidInputError("aes_key", "***", rule)
        self._key = aes_key
        self.receiver = receiver
        self._aes()

    def __repr__(self) -> str:
        return f"Cipher(receiver={self.receiver!r})"

    def open(self, sealed: str) -> bytes:
        """Return what a sealed text says.

        Parameters
        ----------
        sealed
            Base64.

        Returns
        -------
        bytes
            The message.

        Raises
        ------
        CallbackRejected
            With the reason ``undecipherable``.
        """
        plain = self._decrypted(sealed)
        padding = plain[-1]
        if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
            raise CallbackRejected("undecipherable", _HINT)
        content = plain[_RANDOM:-padding]
        size = int.from_bytes(content[:_LENGTH], "big")
        message, receiver = (
            content[_LENGTH : _LENGTH + size],
            content[_LENGTH + size :],
        )
        if len(message) != size or not hmac.compare_digest(
            receiver, self.receiver.encode()
        ):
            raise CallbackRejected("undecipherable", _HINT)
        return message

    def seal(self, message: bytes, random: bytes) -> str:
        """Return a message as a sealed text.

        Parameters
        ----------
        message
            What it says.
        random
            16 bytes that nobody can guess.

        Returns
        -------
        str
            Base64.

        Raises
        ------
        InvalidInputError
            If there are not 16 random bytes.
        """
        if len(random) != _RANDOM:
            raise InvalidInputError("random", len(random), f"{_RANDOM} bytes")
        size = len(message).to_bytes(_LENGTH, "big")
        plain = random + size + message + self.receiver.encode()
        padding = _BLOCK - len(plain) % _BLOCK
        sealer = self._aes().encryptor()
        sealed = sealer.update(plain + bytes([padding]) * padding) + sealer.finalize()
        return base64.b64encode(sealed).decode()

    def _aes(self) -> ciphers.Cipher[CBC]:
        try:
            from cryptography.hazmat.primitives import ciphers  # noqa: PLC0415
            from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415
                algorithms,
                modes,
            )
        except ImportError:
            raise MissingExtraError("cryptography", "wechat") from None
        key = base64.b64decode(self._key.reveal() + "=")
        return ciphers.Cipher(algorithms.AES256(key), modes.CBC(key[:_RANDOM]))

    def _decrypted(self, sealed: str) -> bytes:
        try:
            raw = base64.b64decode(sealed.encode("ascii"), validate=True)
        except ValueError:
            raise CallbackRejected("undecipherable", _HINT) from None
        if not raw or len(raw) % _BLOCK:
            raise CallbackRejected("undecipherable", _HINT)
        opener = self._aes().decryptor()
        return opener.update(raw) + opener.finalize()
