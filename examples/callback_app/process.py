"""The application as a process of its own (应用进程): started, stopped, killed.

Only what runs apart can be killed in earnest.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["Application", "free_port"]

_STARTS_WITHIN: Final = 60.0
_STOPS_WITHIN: Final = 15.0
_TICK: Final = 0.05
_APP: Final = f"{__package__}.app:create_app"


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Application:
    """The application, served by uvicorn.

    Parameters
    ----------
    environment
        What it is told, besides what this process was.
    port
        Where it listens, on this machine only.
    log
        Where it writes what it says.
    """

    def __init__(self, environment: Mapping[str, str], port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._environment = os.environ | dict(environment)
        self._port = port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; 0 while it does not run."""
        return 0 if self._process is None else self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises
        ------
        RuntimeError
            If it ends instead, or takes too long.
        """
        command = [sys.executable, "-m", "uvicorn", "--factory", _APP]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--no-access-log"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own words
                command, env=self._environment, stdout=log, stderr=log
            )
        ends = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                httpx.get(f"{self.url}/health", timeout=2, trust_env=False)
            except httpx.TransportError:
                time.sleep(_TICK)
            else:
                return
        self.kill()
        said = self._log.read_text("utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"the application does not start:\n{said}")

    def stop(self) -> int:
        """Ask it to end, wait for that, and return its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            code = self._process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None
        return code

    def kill(self) -> None:
        """End it in the middle of whatever it does (kill -9)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
