"""What the fake WeChat answers (模拟应答): a status, headers and a body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reply", "json_reply"]

_JSON = {"Content-Type": "application/json; charset=utf-8"}


@attrs.frozen
class Reply:
    """An answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=lambda: dict(_JSON))


def json_reply(fields: Mapping[str, Any]) -> Reply:
    """Return fields as an answer."""
    return Reply(json.dumps(fields).encode())
