"""Values as versioned JSON (序列化): what a desk keeps and a file carries."""

from __future__ import annotations

from wxengage.codec.envelope import dump, load, register

__all__ = ["dump", "load", "register"]
