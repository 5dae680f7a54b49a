"""A web application that embeds the desk (回调应用): what WeChat calls, what users see.

Serve it in the way that suits you; it is one ASGI application, which
``uvicorn --factory examples.callback_app.app:create_app`` makes.

A callback is verified, kept in one transaction with all that follows from it, and
only then answered. Nothing here waits for WeChat but the poster, and that waits
where no callback has to.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from wxengage.adapters.bodies import MOST_BYTES, text
from wxengage.adapters.inbound import Callback, Inbound
from wxengage.errors import CallbackRejected, InvalidInputError, require_id
from wxengage.stores.errors import StoreError

from .background import Background
from .campaign import account_of
from .links import Links
from .pages import HEADERS, page_of, progress_of
from .posters import NoPosterError
from .settings import Settings, settings_from
from .shop import Shop, open_shop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

__all__ = ["create_app"]

_LOG: Final = logging.getLogger("callback_app")
#: WeChat hangs up after five seconds and tells again; what was kept stays kept.
_ANSWER_WITHIN: Final = 4.5
#: Threads for what callbacks need, and others for what waits for WeChat.
_DESK_THREADS: Final = 4
_POSTER_THREADS: Final = 4
#: What a user writes to get a poster.
_ASKS: Final = ("邀请", "海报")

T = TypeVar("T")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Pages:
    """The addresses of the application, over one shop.

    Parameters
    ----------
    settings
        What it was told.
    """

    def __init__(self, settings: Settings) -> None:
        account = account_of(settings)
        self._settings = settings
        self._links = Links(settings.public_url, settings.link_key)
        self._inbounds = {
            account.id: Inbound(account, token=settings.token, aes_key=settings.aes_key)
        }
        self._desk_threads = ThreadPoolExecutor(_DESK_THREADS, "desk")
        self._poster_threads = ThreadPoolExecutor(_POSTER_THREADS, "poster")
        self._shop: Shop
        self._background: Background

    def routes(self) -> list[Route]:
        """Return who answers where."""
        return [
            Route("/wechat/{account}", self.callback, methods=["GET", "POST"]),
            Route("/pay/notify", self.paid, methods=["POST"]),
            Route("/me/{user}", self.me),
            Route("/poster/{user}", self.poster),
            Route("/health", self.health),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Open the shop, send in the background, and end both in order."""
        self._shop = await self._at_desk(open_shop, self._settings)
        shop, pause = self._shop, self._settings.pause
        self._background = Background(shop.desk, shop.senders, pause=pause)
        sending = asyncio.create_task(self._background.run())
        try:
            yield
        finally:
            self._background.stop()
            await sending
            self._poster_threads.shutdown()
            self._desk_threads.shutdown()
            shop.desk.store.close()

    async def callback(self, request: Request) -> Response:
        """Answer WeChat, when what it tells is on disk."""
        inbound = self._inbounds.get(request.path_params["account"])
        if inbound is None:
            return Response(status_code=404)
        query, body = dict(request.query_params), await _body(request)
        try:
            told = inbound.read(request.method, query, body, _now())
            words = self._words(told)
        except CallbackRejected as error:
            _LOG.warning("a callback is refused: %s", error.reason)
            return Response(status_code=403)
        if told.events or told.reports:
            try:
                async with asyncio.timeout(_ANSWER_WITHIN):
                    await self._at_desk(self._keep, told)
            except (StoreError, TimeoutError):
                # Not acknowledged: WeChat tells again, and once is once.
                _LOG.exception("a callback was not kept")
                return Response(status_code=503)
            self._background.wake()
        answer = told.reply(words)
        kind = "text/xml" if answer.startswith("<") else "text/plain"
        return Response(answer, media_type=kind)

    async def paid(self, request: Request) -> Response:
        """Note that WeChat Pay has news of a payout: it will be asked about."""
        headers, body = dict(request.headers), await _body(request)
        try:
            hint = self._shop.pay_inbound.read(headers, body, _now())
        except CallbackRejected as error:
            _LOG.warning("a notice is refused: %s", error.reason)
            return Response(status_code=403)
        await self._at_desk(self._shop.desk.hint, hint.number)
        self._background.wake()
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        """Show somebody the own progress, as a page or as JSON."""
        user = self._whose(request)
        if user is None:
            return Response(status_code=404)
        found = await self._at_desk(progress_of, self._shop, user)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page_of(found), headers=HEADERS)
        return JSONResponse(found, headers=HEADERS)

    async def poster(self, request: Request) -> Response:
        """Make somebody's poster, or show the one that was made."""
        user = self._whose(request)
        if user is None:
            return Response(status_code=404)
        make = partial(self._shop.posters.of, user, _now())
        loop = asyncio.get_running_loop()
        try:
            made = await loop.run_in_executor(self._poster_threads, make)
        except NoPosterError as error:
            _LOG.warning("WeChat makes no poster: %s", error)
            return Response(status_code=503, headers={"Retry-After": "10"})
        told = {"scene": made.scene, "image": made.image}
        return JSONResponse(told, headers=HEADERS)

    async def health(self, _: Request) -> Response:
        """Say whether all is well, for whoever watches over the application."""
        found = await self._at_desk(self._shop.desk.health)
        behind = self._background
        told = {
            "fine": found.fine,
            "rounds": behind.rounds,
            "failures": behind.failures,
        }
        return JSONResponse(told, status_code=200 if found.fine else 503)

    def _keep(self, told: Callback) -> None:
        desk = self._shop.desk
        desk.record_many(told.events)
        for report in told.reports:
            desk.reported(report)

    def _words(self, told: Callback) -> str:
        """Return what is said at once: the same to each of the three tries."""
        user = text(told.fields, "FromUserName", "")
        if told.kind == "text" and any(
            word in text(told.fields, "Content", "") for word in _ASKS
        ):
            poster, me = self._links.to("poster", user), self._links.to("me", user)
            return f"您的邀请海报：{poster}\n邀请进度：{me}"  # noqa: RUF001
        if told.kind == "subscribe":
            return "欢迎关注！发送“邀请”，领取您的专属海报。"  # noqa: RUF001
        return ""

    def _whose(self, request: Request) -> str | None:
        """Return whose page is asked for, None for a link that was not ours."""
        user = request.path_params["user"]
        key = request.query_params.get("key", "")
        return user if _is_id(user) and self._links.opens(user, key) else None

    async def _at_desk(self, work: Callable[..., T], *args: Any) -> T:  # noqa: ANN401
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._desk_threads, partial(work, *args))


async def _body(request: Request) -> bytes:
    """Return a body, and of one that is too long only so much as shows that."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            break
    return body


def _is_id(user: str) -> bool:
    try:
        require_id("user", user)
    except InvalidInputError:
        return False
    return True


def create_app(settings: Settings | None = None) -> Starlette:
    """Make the application.

    Parameters
    ----------
    settings
        What it is told; None: what the environment says.

    Returns
    -------
    Starlette
        Opened and closed by its server.
    """
    pages = Pages(settings_from() if settings is None else settings)
    return Starlette(routes=pages.routes(), lifespan=pages.lifespan)
