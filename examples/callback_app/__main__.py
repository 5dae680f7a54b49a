"""Walk through the campaign (一条命令演示): a WeChat, the application, and a story.

python -m examples.callback_app          # stays up in the end
python -m examples.callback_app --once   # and ends
"""

from __future__ import annotations

import argparse
import functools
import signal
import threading

from .story import walk


def _stay(page: str) -> None:
    print(f"ada's page: {page}")
    print("all of it stays up until you press Ctrl-C", flush=True)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    over.wait()


def main() -> None:
    """Walk through the story."""
    parser = argparse.ArgumentParser(prog="callback_app", description=__doc__)
    once = "end after the story, and do not stay up"
    parser.add_argument("--once", action="store_true", help=once)
    told = parser.parse_args()
    walk(functools.partial(print, flush=True), print if told.once else _stay)


if __name__ == "__main__":
    main()
