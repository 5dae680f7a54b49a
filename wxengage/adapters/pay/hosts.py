"""Where WeChat Pay is reached (微信支付接口地址)."""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from wxengage.adapters.endpoints import Endpoint

__all__ = ["PAY", "PayEndpoint"]

#: Red packets and transfers.
PAY: Final = "https://api.mch.weixin.qq.com"
_HOSTS: Final = frozenset(
    {"api.mch.weixin.qq.com", "api2.mch.weixin.qq.com", "api2.wechatpay.cn"}
)


@attrs.frozen
class PayEndpoint(Endpoint):
    """Where WeChat Pay is reached, and how long that may take (微信支付接口地址).

    Attributes
    ----------
    url
        ``https`` and a host of WeChat Pay; or this machine, for a test.
    connect, read, total, proxy
        As of ``Endpoint``. WeChat Pay takes longer than messages do.

    Raises
    ------
    InvalidInputError
        If the address is another one, or a time is not above zero and finite.
    """

    hosts: ClassVar[frozenset[str]] = _HOSTS

    url: str = PAY
    read: float = attrs.field(default=10.0, kw_only=True)
    total: float = attrs.field(default=20.0, kw_only=True)
