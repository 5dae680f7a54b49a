"""The clock of this machine (本机时钟), where a store has no other."""

from __future__ import annotations

import datetime as dt

__all__ = ["utc_now"]


def utc_now() -> dt.datetime:
    """Return the instant by this machine's clock, in UTC."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251  a store has a clock
