"""The keys with which WeChat Pay signs (微信支付平台公钥)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from wxengage.errors import InvalidInputError, MissingExtraError, require_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

__all__ = ["PlatformKeys"]


def _pems(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, Mapping) or not got:
        rule = "keys or certificates in PEM by their ids"
        hint = "such as {'PUB_KEY_ID_...': '-----BEGIN PUBLIC KEY-----...'}"
        raise InvalidInputError(field.name, type(got).__name__, rule, hint)
    for name, pem in got.items():
        require_id(f"{field.name}'s id", name)
        if not isinstance(pem, str):
            raise InvalidInputError(f"{field.name}[{name!r}]", pem, "PEM as text")


@attrs.frozen
class PlatformKeys:
    """The keys with which WeChat Pay signs (微信支付平台公钥).

    A signature names its key. Give the new one beside the old one while WeChat
    changes over; none is ever fetched from the network.

    Attributes
    ----------
    pems
        Id -> public key in PEM (微信支付公钥, ``PUB_KEY_ID_...``), or serial number
        -> certificate in PEM (平台证书). With the first one names are encrypted.

    Raises
    ------
    InvalidInputError
        If there is none, or one is no such thing.
    MissingExtraError
        If ``cryptography`` is not installed.
    """

    pems: Mapping[str, str] = attrs.field(validator=_pems, repr=False)
    _keys: dict[str, RSAPublicKey] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        keys = {name: _key(name, pem) for name, pem in self.pems.items()}
        object.__setattr__(self, "_keys", keys)

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids, the first one first."""
        return tuple(self._keys)

    def pem(self, key_id: str) -> str:
        """Return one of the keys in PEM, as a public key without a certificate."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        raw = self._keys[key_id].public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        return raw.decode()

    def verifies(self, key_id: str, message: bytes, signature: str) -> bool:
        """Return whether a key of this id signed a message.

        Parameters
        ----------
        key_id
            The id that the signature names.
        message
            What was signed.
        signature
            Base64.

        Returns
        -------
        bool
            False also for an id that is not known, and for what is no signature.
        """
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            raw = base64.b64decode(signature.encode("ascii"), validate=True)
            key.verify(raw, message, padding.PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True


def _key(name: str, pem: str) -> RSAPublicKey:
    try:
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        key, serial = _loaded(pem.encode(errors="replace"))
    except ImportError:
        raise MissingExtraError("cryptography", "pay") from None
    if not isinstance(key, rsa.RSAPublicKey):
        rule = "an RSA public key, or a certificate, in PEM"
        # So little of it: somebody may have taken the private key.
        raise InvalidInputError(f"pems[{name!r}]", pem[:16], rule)
    if serial is not None and name.lstrip("0") != serial:
        raise InvalidInputError("pems' id", name, f"the certificate's serial {serial}")
    return key


def _loaded(raw: bytes) -> tuple[object, str | None]:
    """Return a key, and the serial number of the certificate that it came in."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    try:
        if b"BEGIN CERTIFICATE" in raw:
            certificate = load_pem_x509_certificate(raw)
            return certificate.public_key(), f"{certificate.serial_number:X}"
        return serialization.load_pem_public_key(raw), None
    except ValueError:
        return None, None
