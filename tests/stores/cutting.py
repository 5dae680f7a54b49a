"""A wire between a client and a server that can be cut at a word (可剪断的连接)."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Wire", "wire"]

_BYTES = 1 << 16


class Wire:
    """What stands between; what goes through is not changed.

    Parameters
    ----------
    path
        The socket that it listens on.
    target
        The server's socket.
    """

    def __init__(self, path: Path, target: str) -> None:
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._word: re.Pattern[bytes] | None = None
        self._arrives = False
        self._pairs: list[threading.Thread] = []
        self.cuts = 0
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def cut_at(self, word: bytes, *, arrives: bool) -> None:
        """Hang up on the client that says this next.

        Parameters
        ----------
        word
            What it says, as a regular expression.
        arrives
            Whether the server hears it, and has answered, before.
        """
        self._word, self._arrives = re.compile(word), arrives

    def close(self) -> None:
        """Take no more clients, and let go of those there are."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for pair in self._pairs:
            pair.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            pair = threading.Thread(target=self._carry, args=(client,))
            self._pairs.append(pair)
            pair.start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._target)
            ends = {client: server, server: client}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    try:
                        said = end.recv(_BYTES)
                    except ConnectionError:
                        return
                    if not said:
                        return
                    word = self._word
                    if end is client and word and word.search(said):
                        self._word = None
                        self.cuts += 1
                        if self._arrives:
                            server.sendall(said)
                            server.recv(_BYTES)
                        return
                    with contextlib.suppress(ConnectionError):
                        ends[end].sendall(said)


@contextlib.contextmanager
def wire(path: Path, target: str) -> Iterator[Wire]:
    """Give a wire to a server's socket that lasts as long as the block."""
    made = Wire(path, target)
    try:
        yield made
    finally:
        made.close()
