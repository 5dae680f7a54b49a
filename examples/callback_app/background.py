"""Work behind the answers (后台发送): letters go out in threads of their own.

WeChat must be answered within five seconds, and may itself take ten to answer. So
nothing is ever sent while a callback waits: what follows from it is in the outbox
when the callback is answered, and goes from here.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.delivery.payouts import Fulfil
    from wxengage.delivery.ports import Sender
    from wxengage.desk.desk import Desk

__all__ = ["LIMIT", "Background"]

_LOG: Final = logging.getLogger("callback_app")
#: So many letters a round: few, for each may take as long as a call to WeChat, and
#: a worker that was killed holds all of them until their leases end.
LIMIT: Final = 4
#: How long to wait after a round that failed, in pauses.
_WAITS: Final = 5


class Background:
    """Sends what is due until it is told to stop.

    Parameters
    ----------
    desk
        Whose letters.
    senders
        Channel -> who delivers it.
    pause
        How long to wait when there is nothing to do, in seconds.
    workers
        How many calls to WeChat may be waited for at once.

    Attributes
    ----------
    rounds, failures
        How often it has looked, and how often that went wrong.
    """

    def __init__(
        self,
        desk: Desk,
        senders: Mapping[str, Sender | Fulfil],
        *,
        pause: float,
        workers: int = 2,
    ) -> None:
        self.rounds = 0
        self.failures = 0
        self._desk = desk
        self._senders = senders
        self._pause = pause
        self._workers = workers
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look at once: something has happened."""
        self._awake.set()

    def stop(self) -> None:
        """Finish what is being sent, and begin nothing more."""
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Send until ``stop``."""
        with ThreadPoolExecutor(self._workers, "dispatch") as threads:
            works = (self._work(threads) for _ in range(self._workers))
            await asyncio.gather(*works)

    async def _work(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            pause = self._pause
            # Before the round, so that what happens during it is seen by the next.
            self._awake.clear()
            try:
                if await loop.run_in_executor(threads, self._round) == LIMIT:
                    pause = 0.0
            except Exception:  # noqa: BLE001  whatever it is, and see below
                # Whatever it is, letters that wait must not wait for ever.
                self.failures += 1
                pause *= _WAITS
                _LOG.exception("sending failed; the next try is in %.1f s", pause)
            self.rounds += 1
            await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        if self._stopping:
            return
        try:
            await asyncio.wait_for(self._awake.wait(), pause)
        except TimeoutError:
            return

    def _round(self) -> int:
        return self._desk.dispatch(self._senders, limit=LIMIT).letters
