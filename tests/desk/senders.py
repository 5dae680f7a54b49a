"""Senders that answer as they are told, and know what they were asked (按脚本应答)."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from wxengage.delivery.payouts import Paid, Payout
from wxengage.money import Cash
from wxengage.sends import Send, Sent

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from wxengage.delivery.ports import Letter
    from wxengage.stores.ports import Store, Transaction


def went(letter: Letter, now: dt.datetime) -> Sent:
    """Return that a message went."""
    return Sent.of(letter.send, now, key=letter.key, receipt=f"r-{letter.key[:8]}")


def arrived(payout: Payout, now: dt.datetime) -> Paid:
    """Return that a payout arrived."""
    fen = payout.reward.fen if isinstance(payout.reward, Cash) else 0
    return Paid(payout.number, now, "p-1", fen)


class Scripted:
    """A sender, and one who pays, by a script (脚本发送方).

    Parameters
    ----------
    script
        What to answer, one after another: an outcome, an exception to raise, or a
        function of what was asked and the instant. When it is over, all goes well.
    """

    def __init__(self, script: Iterable[Any] = ()) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, str]] = []
        self.delivered: Counter[str] = Counter()
        self._lock = threading.Lock()

    def send(self, letter: Letter, now: dt.datetime) -> Any:
        """Answer to a message that is to go."""
        return self._answer("send", letter.key, letter, now)

    def pay(self, payout: Payout, now: dt.datetime) -> Any:
        """Answer to a payout that is to go."""
        return self._answer("pay", payout.number, payout, now)

    def query(self, what: Any, now: dt.datetime) -> Any:
        """Answer to the question what became of a letter."""
        key = what.number if isinstance(what, Payout) else what.key
        return self._answer("query", key, what, now)

    def _answer(self, how: str, key: str, what: Any, now: dt.datetime) -> Any:
        with self._lock:
            self.asked.append((how, key))
            answer = self.script.pop(0) if self.script else None
            if isinstance(answer, Exception):
                raise answer
            if callable(answer):
                answer = answer(what, now)
            if answer is None:
                answer = (
                    arrived(what, now) if isinstance(what, Payout) else went(what, now)
                )
            if how != "query" and isinstance(answer, Sent | Paid):
                self.delivered[key] += 1
            return answer


class Cut(Exception):  # noqa: N818  nothing of the program's
    """The process ends here."""


class CutStore:
    """A store whose process dies at its n-th transaction (中断的存储).

    Parameters
    ----------
    store
        What it is a store of.
    at
        At which transaction, from 0; those that only read count too.
    after
        Whether the transaction is committed and its result is lost, or it is not.
    """

    def __init__(self, store: Store, at: int, *, after: bool) -> None:
        self._store, self._at, self._after = store, at, after
        self.ran = 0

    def run(self, work: Callable[[Transaction], Any], *, write: bool = True) -> Any:
        """Do some work, or die."""
        here = self.ran == self._at
        self.ran += 1
        if here and not self._after:
            raise Cut
        result = self._store.run(work, write=write)
        if here:
            raise Cut
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def sends(count: int, channel: str = "sms", **more: Any) -> list[Send]:
    """Return messages to as many users."""
    return [Send(f"s{row}", f"u{row}", channel, "hi", **more) for row in range(count)]
