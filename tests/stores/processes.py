"""A server's program in a folder of its own, which ends when the tests do."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PATIENCE", "Process", "account_for", "new_folder", "prepare"]

# How long a server may take to answer on a busy machine, in seconds.
PATIENCE: Final = 60.0
# Runs "$@" and waits for the name of a signal to give it; where whoever asked for
# it dies instead, it ends the server by "$STOP" and removes "$FOLDER". A server that
# is this shell's child is never mistaken for another process with its number.
GUARD: Final = """
"$@" >&2 & server=$!
echo $server
if read -r signal
then kill -s "$signal" $server; wait $server; exit 0
else
  kill -s "$STOP" $server
  (sleep 10; kill -s KILL $server) & late=$!
  wait $server; kill $late; rm -rf "$FOLDER"
fi 2>/dev/null
"""


class Process:
    """A server's program in a folder of its own, held by a guard.

    Parameters
    ----------
    folder
        Removed when the server is closed, or by the guard.
    command
        What starts the server in the foreground.
    account
        Whose process it is; None: our own.
    stop, abort
        The signals that end it in good order, and at once.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        account: str | None,
        *,
        stop: str,
        abort: str,
    ) -> None:
        self.folder = folder
        self.command = command
        self.account = account
        self.stop = stop
        self.abort = abort
        self.pid = 0
        self.guard: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Start the program, in a session that no Ctrl-C of ours reaches."""
        with (self.folder / "log").open("ab") as log:
            self.guard = subprocess.Popen(
                ["/bin/sh", "-c", GUARD, "guard", *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                start_new_session=True,
                **as_account(self.account, STOP=self.stop, FOLDER=str(self.folder)),
            )
        assert self.guard.stdout is not None
        self.pid = int(self.guard.stdout.readline())

    def end(self, signal: str) -> None:
        """Give the program a signal that ends it, and wait until it has."""
        if self.guard is not None:
            self.guard.communicate(f"{signal}\n", timeout=PATIENCE)
            self.guard = None

    def close(self) -> None:
        """End the program in good order and remove its folder."""
        self.end(self.stop)
        shutil.rmtree(self.folder)

    def said(self, lines: int = 20) -> str:
        """Return the last lines of what the program wrote."""
        text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def as_account(account: str | None, **told: str) -> dict[str, Any]:
    """Return how to run a program as somebody, who knows nothing but what is told."""
    env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"} | told
    if account is None:
        return {"env": env}
    group = pwd.getpwnam(account).pw_gid
    return {"env": env, "user": account, "group": group, "extra_groups": []}


def account_for(name: str) -> str | None:
    """Return who is to run a server that root may not: None for ourselves."""
    if os.geteuid() != 0:
        return None
    if name not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip(f"root may not run the server, and there is no user {name}")
    return name


def new_folder(name: str, account: str | None) -> Path:
    """Return a fresh folder that only one account may enter.

    Its path is short: a socket's has room for 107 bytes.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"wxengage-{name}-"))
    if account is not None:
        shutil.chown(folder, account)
    return folder


def prepare(command: Sequence[str], account: str | None, folder: Path) -> None:
    """Run a program that makes a server's files; where it fails, say what it said."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        **as_account(account),
    )
    if done.returncode != 0:
        shutil.rmtree(folder)
        pytest.fail(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
