"""The keys of the fake WeChat Pay (模拟密钥): made when first needed, worth nothing."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import secrets
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

__all__ = ["Ring"]

_PKCS: Final = padding.PKCS1v15()
_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303  as v3 has it
_FROM: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_UNTIL: Final = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


class Ring:
    """A merchant's key and certificate, and the platform's key (密钥串).

    Attributes
    ----------
    cert, key
        The merchant's, in PEM.
    serial
        The certificate's serial number, as WeChat writes it.
    platform
        The platform's public key, in PEM.
    """

    def __init__(self, name: str) -> None:
        self._merchant = rsa.generate_private_key(65537, 2048)
        self._platform = rsa.generate_private_key(65537, 2048)
        certificate = _certificate(name, self._merchant)
        self.serial = f"{certificate.serial_number:X}"
        self.cert = certificate.public_bytes(serialization.Encoding.PEM)
        self.key = self._merchant.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = self._platform.public_key()
        self.platform = public.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        ).decode()

    @classmethod
    @functools.cache
    def of(cls, name: str) -> Ring:
        """Return the keys of a merchant: the same ones in all of a process."""
        return cls(name)

    def sign(self, message: bytes) -> str:
        """Return the platform's signature of a message."""
        raw = self._platform.sign(message, _PKCS, hashes.SHA256())
        return base64.b64encode(raw).decode()

    def is_the_merchants(self, message: bytes, signature: str) -> bool:
        """Return whether the merchant signed a message."""
        try:
            raw = base64.b64decode(signature, validate=True)
            self._merchant.public_key().verify(raw, message, _PKCS, hashes.SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True

    def name_of(self, sealed: str) -> str | None:
        """Return a name that was encrypted for the platform; None for no such."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._platform.decrypt(raw, _OAEP).decode()
        except ValueError:
            return None

    @staticmethod
    def seal(told: bytes, apiv3_key: str) -> dict[str, str]:
        """Return a text as a notice's resource."""
        nonce, with_it = secrets.token_hex(6), "mch_payment"
        sealer = AESGCM(apiv3_key.encode())
        raw = sealer.encrypt(nonce.encode(), told, with_it.encode())
        return {
            "original_type": "mch_payment",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(raw).decode(),
            "nonce": nonce,
            "associated_data": with_it,
        }


def _certificate(name: str, key: rsa.RSAPrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .sign(key, hashes.SHA256())
    )
