"""What users see of their progress (进度页面): as JSON, and as a small page."""

from __future__ import annotations

import html

__all__ = ["page_of", "progress_of"]


def progress_of(shop, user):
    return {"user": user, "invites": 0, "rewards": []}


def page_of(found):
    return html.escape(str(found))
