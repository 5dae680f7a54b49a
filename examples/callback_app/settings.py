"""What the application must be told (应用配置), and where it reads that from.

The library never asks the environment. An application does, once, at its edge: here.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.adapters.secret import Secret
from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Settings", "settings_from"]

_PREFIX: Final = "SHOP_"
#: What ``SHOP_FOLLOWERS`` says of an account that nobody has followed yet.
NOBODY: Final = "nobody"
#: Type of a field, as it is annotated -> how it is read.
_KINDS: Final[Mapping[str, Callable[[str], object]]] = {
    "str": str,
    "str | None": str,
    "Secret": Secret,
    "Path": Path,
    "Path | None": Path,
    "float": float,
    "dt.timedelta": lambda text: dt.timedelta(seconds=float(text)),
    "dt.datetime": dt.datetime.fromisoformat,
}


@attrs.frozen(kw_only=True)
class Settings:
    """Everything that differs between two shops, or between a shop and its rehearsal.

    Attributes
    ----------
    appid, secret, token, aes_key
        Of the service account, as its console shows them.
    link_key
        Signs the links to people's own pages; at least 32 characters of your own.
    mch_id, apiv3_key, cert_file, key_file, platform_key_id, platform_key_file
        Of the merchant, as the console of WeChat Pay shows them.
    opens, closes
        Of the campaign. They are part of its rules: do not change them later.
    hold
        How long an invited friend must stay.
    approved_by
        Who answers for a campaign that pays for inviting; see the README.
    followers
        A CSV file of who follows already, with the columns user, kind and at; None
        where nobody does.
    template
        The subscribe message by which rewards are told.
    public_url
        Where the world reaches this application.
    store
        Where everything is kept.
    api_url, pay_url
        Another WeChat than the real one, for a rehearsal; None for the real one.
    patience
        How long a call to WeChat may take in all, in seconds.
    pause
        How long the background waits when there is nothing to do, in seconds.
    """

    appid: str
    secret: Secret
    token: Secret
    aes_key: Secret
    link_key: Secret
    mch_id: str
    apiv3_key: Secret
    cert_file: Path
    key_file: Path
    platform_key_id: str
    platform_key_file: Path
    opens: dt.datetime
    closes: dt.datetime
    approved_by: str
    followers: Path | None
    template: str
    public_url: str
    hold: dt.timedelta = dt.timedelta(hours=72)
    store: str = "sqlite:///shop.db"
    api_url: str | None = None
    pay_url: str | None = None
    patience: float = 10.0
    pause: float = 1.0

    def __attrs_post_init__(self) -> None:
        if len(self.link_key.reveal()) < 32:
            raise InvalidInputError("link_key", "***", "at least 32 characters")
        for name in ("patience", "pause"):
            got = getattr(self, name)
            if not 0 < got < 60:
                raise InvalidInputError(name, got, "seconds above 0 and below 60")
        if not self.public_url.startswith(("https://", "http://127.0.0.1:")):
            rule = "an address of https"
            raise InvalidInputError("public_url", self.public_url, rule)


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Parameters
    ----------
    environment
        Names and texts. ``SHOP_APPID`` is the field ``appid``, and so on.

    Returns
    -------
    Settings
        What they say.

    Raises
    ------
    InvalidInputError
        If one is missing, which names all that are, or one breaks its rule.
    """
    fields = attrs.fields_dict(Settings)
    told = {name: environment.get(_PREFIX + name.upper(), "") for name in fields}
    needed = [name for name, field in fields.items() if field.default is attrs.NOTHING]
    missing = [_PREFIX + name.upper() for name in needed if not told[name]]
    if missing:
        rule = "set in the environment"
        raise InvalidInputError(", ".join(missing), "", rule, "see the README")
    return Settings(**{name: _read(name, text) for name, text in told.items() if text})


def _read(name: str, text: str) -> Any:  # noqa: ANN401  each field has its own type
    """Return a field of its type."""
    if name == "followers" and text == NOBODY:
        return None
    kind = str(attrs.fields_dict(Settings)[name].type)
    try:
        return _KINDS[kind](text)
    except (ValueError, OverflowError):
        # The text itself may be a secret in the wrong place: it is not shown.
        rule = f"what {kind} can be read from"
        raise InvalidInputError(_PREFIX + name.upper(), "***", rule) from None
