"""Where WeChat is reached, and how long that may take (接口地址与超时)."""

from __future__ import annotations

import math
from typing import ClassVar, Final
from urllib.parse import SplitResult, urlsplit

import attrs

from wxengage.errors import InvalidInputError

__all__ = ["HOSTS", "OFFICIAL", "WECOM", "Endpoint"]

#: The only hosts that are ever told a token.
HOSTS: Final = frozenset(
    {
        "api.weixin.qq.com",
        "api2.weixin.qq.com",
        "sh.api.weixin.qq.com",
        "sz.api.weixin.qq.com",
        "hk.api.weixin.qq.com",
        "qyapi.weixin.qq.com",
    }
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
#: Official accounts and mini programs, and WeCom.
OFFICIAL: Final = "https://api.weixin.qq.com"
WECOM: Final = "https://qyapi.weixin.qq.com"


@attrs.frozen
class Endpoint:
    """Where WeChat is reached, and how long that may take (接口地址与超时).

    Attributes
    ----------
    url
        ``https`` and one of ``HOSTS``; or this machine, for a test. Scheme, host
        and port, without a path.
    connect, read
        How long a connection may take, and one piece of an answer, in seconds.
    total
        How long a call may take in all, in seconds, however slowly the answer
        drips. What is not there by then is an unknown outcome. Only the look-up of
        the host's name is outside of it.
    proxy
        The address of a proxy; None for none. The environment is not asked.

    Raises
    ------
    InvalidInputError
        If the address is another one, or a time is not above zero and finite.

    Examples
    --------
    >>> Endpoint("https://api.weixin.qq.com.example.org")
    Traceback (most recent call last):
        ...
    wxengage.errors.InvalidInputError: url must be https and a host of WeChat, ...
    """

    hosts: ClassVar[frozenset[str]] = HOSTS

    url: str = OFFICIAL
    connect: float = attrs.field(default=3.0, kw_only=True)
    read: float = attrs.field(default=5.0, kw_only=True)
    total: float = attrs.field(default=10.0, kw_only=True)
    proxy: str | None = attrs.field(default=None, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        if not _is_ours(self.url, self.hosts):
            usual = attrs.fields(type(self)).url.default
            hint = f"such as {usual}; a test may use http://127.0.0.1:PORT"
            raise InvalidInputError("url", self.url, "https and a host of WeChat", hint)
        for name in ("connect", "read", "total"):
            got = getattr(self, name)
            a_number = isinstance(got, int | float) and not isinstance(got, bool)
            if not (a_number and math.isfinite(got) and got > 0):
                raise InvalidInputError(name, got, "seconds above zero")
        if self.proxy is not None and not _is_web(self.proxy):
            rule = "None, or an address of http or https"
            raise InvalidInputError("proxy", "***", rule)


def _split(url: object) -> SplitResult | None:
    if not isinstance(url, str) or not url.isascii() or not url.isprintable():
        return None
    try:
        found = urlsplit(url)
        # Reading the port is what refuses a bad one.
        no_port = found.port == 0
    except ValueError:
        return None
    return None if no_port else found


def _is_web(url: object) -> bool:
    found = _split(url)
    return (
        found is not None and found.scheme in {"http", "https"} and bool(found.hostname)
    )


def _is_ours(url: object, hosts: frozenset[str]) -> bool:
    found = _split(url)
    if found is None or "@" in found.netloc:
        return False
    if found.path or found.query or found.fragment or str(url).endswith(("?", "#")):
        return False
    if found.hostname in _LOOPBACK:
        return found.scheme in {"http", "https"}
    return (
        found.scheme == "https"
        and found.hostname in hosts
        and found.port in {None, 443}
    )
