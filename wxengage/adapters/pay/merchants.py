"""Who pays (商户): the merchant, its certificate and its private key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.errors import InvalidInputError, MissingExtraError, require_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

__all__ = ["Merchant", "Papers"]

_MERCHANT: Final = re.compile(r"[0-9]{10}")


def _merchant(_: object, field: attrs.Attribute[str], got: object) -> None:
    if not isinstance(got, str) or _MERCHANT.fullmatch(got) is None:
        hint = "mch_id as on the merchant platform, for example '1900000109'"
        raise InvalidInputError(field.name, got, "ten digits as text", hint)


def _an_id(_: object, field: attrs.Attribute[str], got: object) -> None:
    require_id(field.name, got)


def _a_path(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, str | Path) or not str(got):
        raise InvalidInputError(field.name, got, "the path of a file")


@attrs.frozen
class Merchant:
    """A merchant of WeChat Pay and the account whose openids it pays (商户).

    Attributes
    ----------
    mch_id
        The merchant's number, ten digits. Every payout's number begins with it.
    appid
        The app to which the recipients' openids belong.
    cert_file, key_file
        The merchant's certificate and its private key, as the merchant platform
        hands them out: ``apiclient_cert.pem`` and ``apiclient_key.pem``.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule. The files are read by the senders.
    """

    mch_id: str = attrs.field(validator=_merchant)
    appid: str = attrs.field(validator=_an_id)
    cert_file: str | Path = attrs.field(validator=_a_path, kw_only=True)
    key_file: str | Path = attrs.field(validator=_a_path, kw_only=True)


@attrs.frozen(repr=False, eq=False)
class Papers:
    """What a merchant signs with (商户证书).

    Attributes
    ----------
    serial
        The certificate's serial number, as WeChat writes it.
    """

    serial: str
    _key: RSAPrivateKey

    @classmethod
    def of(cls, merchant: Merchant) -> Papers:
        """Read a merchant's certificate and key.

        Parameters
        ----------
        merchant
            Whose.

        Returns
        -------
        Papers
            Both, which belong together.

        Raises
        ------
        InvalidInputError
            If a file cannot be read or is no such thing, or the key is that of
            another certificate. Nothing of the key is shown.
        """
        certificate = _certificate(merchant.cert_file)
        key = _key(merchant.key_file)
        if certificate.public_key() != key.public_key():
            rule = "the private key of cert_file"
            raise InvalidInputError("key_file", str(merchant.key_file), rule)
        return cls(f"{certificate.serial_number:X}", key)

    def __repr__(self) -> str:
        return f"Papers({self.serial!r})"

    def reveal(self) -> str:
        """Return the private key in PKCS 8, for the one call that needs it."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


def _certificate(path: str | Path) -> Certificate:
    try:
        from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("cryptography", "pay") from None
    try:
        return load_pem_x509_certificate(Path(path).read_bytes())
    except OSError:
        rule = "a file that can be read"
    except ValueError:
        rule = "a certificate in PEM"
    raise InvalidInputError("cert_file", str(path), rule)


def _key(path: str | Path) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    try:
        # The bytes have no name here, so that no traceback shows them.
        key = serialization.load_pem_private_key(Path(path).read_bytes(), None)
    except OSError:
        rule = "a file that can be read"
    except (ValueError, TypeError, UnsupportedAlgorithm):
        rule = "an RSA key in PEM without a password"
    else:
        if isinstance(key, rsa.RSAPrivateKey):
            return key
        rule = "an RSA key in PEM without a password"
    raise InvalidInputError("key_file", str(path), rule)
