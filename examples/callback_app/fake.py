"""A WeChat for rehearsals (模拟微信): the library's fake, with a clock that runs.

The fake of the library stands still until a test moves it. Here a process of its
own talks to it in real time, so its clock has to follow the wall. It also makes QR
codes, and hands over what an application has to be told about it.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from wxengage.adapters.bodies import fields_of, text
from wxengage.adapters.cipher import Cipher
from wxengage.adapters.secret import Secret
from wxengage.testing.pushes import Push, Pushes
from wxengage.testing.replies import Reply, json_reply
from wxengage.testing.server import FakeWeChat
from wxengage.users import Account

from .campaign import ACCOUNT
from .settings import NOBODY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from wxengage.testing.faults import Fault

__all__ = ["TEMPLATE", "Rehearsal"]

_SECRET: Final = "the-app-secret"  # noqa: S105  the fake's
_TOKEN: Final = "let-me-in"  # noqa: S105
_QR_CODES: Final = "/cgi-bin/qrcode/create"
#: What the library's fake says of an address that it does not know.
_NO_ADDRESS: Final = 40066
TEMPLATE: Final = "reward-granted"
_TICK: Final = 0.02


class Rehearsal(FakeWeChat):
    """A WeChat and a WeChat Pay on this machine, in real time.

    Attributes
    ----------
    account
        The service account.
    scenes
        Every scene of which a QR code was made.
    """

    def __init__(self) -> None:
        now = dt.datetime.now(dt.UTC)
        appid = self.appid = "wx1234567890abcdef"
        super().__init__(now=now, secrets={appid: _SECRET})
        self.account = Account(ACCOUNT, "service", appid)
        self.scenes: list[str] = []
        self._aes_key = secrets.token_hex(22)[:43]
        self._cipher = Cipher(Secret(self._aes_key), appid)
        self._pushes = Pushes(self.account, token=_TOKEN, aes_key=self._aes_key)
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        super().__enter__()
        self._clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._clock.join()
        super().__exit__(kind, error, trace)

    def push(self, kind: str, user: str, *, item: str = "") -> Push:
        """Let a user do something, and return the callback that tells of it."""
        self.act(kind, user, item=item)
        return self._pushes.push(kind, user, self.now, item=item)

    def question(self) -> Push:
        """Return the request by which the console checks the address."""
        return self._pushes.verification(self.now)

    def said(self, answer: bytes) -> str:
        """Return what an application answered a user, "" for nothing."""
        if answer == b"success":
            return ""
        plain = self._cipher.open(text(fields_of(answer), "Encrypt"))
        return text(fields_of(plain), "Content")

    def environment(
        self, folder: Path, *, public_url: str, hold: float
    ) -> dict[str, str]:
        """Return what an application must be told to work with this WeChat.

        Parameters
        ----------
        folder
            Where its files are put.
        public_url
            Where it will be.
        hold
            How long friends must stay, in seconds.

        Returns
        -------
        dict
            Names of the environment, and texts.
        """
        (key_id, pem), *_ = self.pay.platform_keys.pems.items()
        platform = folder / "platform.pem"
        platform.write_text(pem, encoding="ascii")
        merchant, opens = self.pay.merchant, self.now - dt.timedelta(hours=1)
        return {
            "SHOP_APPID": self.appid,
            "SHOP_SECRET": _SECRET,
            "SHOP_TOKEN": _TOKEN,
            "SHOP_AES_KEY": self._aes_key,
            "SHOP_LINK_KEY": secrets.token_hex(32),
            "SHOP_MCH_ID": merchant.mch_id,
            "SHOP_APIV3_KEY": self.pay.apiv3_key,
            "SHOP_CERT_FILE": str(merchant.cert_file),
            "SHOP_KEY_FILE": str(merchant.key_file),
            "SHOP_PLATFORM_KEY_ID": key_id,
            "SHOP_PLATFORM_KEY_FILE": str(platform),
            "SHOP_OPENS": opens.isoformat(),
            "SHOP_CLOSES": (opens + dt.timedelta(days=14)).isoformat(),
            "SHOP_HOLD": str(hold),
            "SHOP_APPROVED_BY": "Lin",
            "SHOP_FOLLOWERS": NOBODY,
            "SHOP_TEMPLATE": TEMPLATE,
            "SHOP_PUBLIC_URL": public_url,
            "SHOP_STORE": f"sqlite:///{folder / 'shop.db'}",
            "SHOP_API_URL": self.url,
            "SHOP_PAY_URL": self.url,
            "SHOP_PATIENCE": "2",
            "SHOP_PAUSE": "0.2",
        }

    def _answer(
        self, method: str, address: str, headers: Mapping[str, str], raw: bytes
    ) -> tuple[Fault | None, Reply]:
        # The library's fake makes no QR codes. It looks at tokens and faults first.
        fault, reply = super()._answer(method, address, headers, raw)
        told = json.loads(reply.body) if reply.body[:1] == b"{" else {}
        if urlsplit(address).path == _QR_CODES and told.get("errcode") == _NO_ADDRESS:
            return fault, json_reply(self._qr_code(json.loads(raw)))
        return fault, reply

    def _qr_code(self, body: Mapping[str, Any]) -> dict[str, Any]:
        scene = str(body["action_info"]["scene"]["scene_str"])
        self.scenes.append(scene)
        lasts = body["expire_seconds"]
        ticket = f"ticket-{len(self.scenes)}"
        url = f"http://weixin.qq.com/q/{scene}"
        return {"ticket": ticket, "expire_seconds": lasts, "url": url}

    def _run(self) -> None:
        begun, shown = time.monotonic(), 0.0
        while not self._over.wait(_TICK):
            passed = time.monotonic() - begun
            self.advance(dt.timedelta(seconds=passed - shown))
            shown = passed
