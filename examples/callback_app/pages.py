"""What users see of their progress (进度页面): as JSON, and as a small page.

Every word of it comes from the desk, which says why an invite counts or does not.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from .campaign import CAMPAIGN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wxengage.desk.progressing import Owed

    from .shop import Shop

__all__ = ["HEADERS", "page_of", "progress_of"]

#: The page loads nothing, is kept by nobody, and tells nobody its address.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = """<!doctype html>
<html lang="zh"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>邀请进度</title>
<style>body{{font:16px sans-serif;margin:2em}}li{{margin:.4em 0}}</style>
<h1>{user}</h1>
<p>{standing}</p>
<p>{missing}</p>
<ul>{rewards}</ul>
<ul>{friends}</ul>
</html>
"""
# So much of a friend's openid is shown to the one who invited.
_SHOWN: Final = 4


def progress_of(shop: Shop, user: str) -> dict[str, Any]:
    """Return how far a user has come, as JSON tells it.

    Parameters
    ----------
    shop
        Whose campaign.
    user
        Who.

    Returns
    -------
    dict
        ``rewards`` have the ``package`` with which a page inside WeChat opens the
        confirmation (``wx.requestMerchantTransfer``), while there is one.
    """
    found = shop.desk.progress(user, CAMPAIGN)[CAMPAIGN]
    return {
        "user": user,
        "invites": found.count,
        "standing": found.standing["zh"],
        "missing": "" if found.missing is None else found.missing["zh"],
        "rewards": [_reward(shop, one) for one in found.rewards],
        "friends": [
            {"friend": one.other[-_SHOWN:], "status": one.status, "why": one.zh}
            for one in found.lines
        ],
    }


def _reward(shop: Shop, one: Owed) -> dict[str, str | None]:
    waits = one.state == "awaiting_user" and one.number is not None
    package = shop.package(str(one.number)) if waits else None
    return {"state": one.state, "words": one.explain("zh"), "package": package}


def page_of(found: Mapping[str, Any]) -> str:
    """Return the page of what ``progress_of`` has found.

    Parameters
    ----------
    found
        What it returned.

    Returns
    -------
    str
        HTML, in which everything that was told is text.
    """
    rewards = (one["words"] for one in found["rewards"])
    friends = (f"{one['friend']} {one['why']}" for one in found["friends"])
    return _PAGE.format(
        user=html.escape(found["user"]),
        standing=html.escape(found["standing"]),
        missing=html.escape(found["missing"]),
        rewards=_items(rewards),
        friends=_items(friends),
    )


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{html.escape(text)}</li>" for text in texts)
