"""The article's every figure and table row (文中数据), with what each one feeds.

The figures themselves are named in ``wxengage.claims.figures``.
"""

from __future__ import annotations

from wxengage.claims.book import CLAIMS
from wxengage.claims.claim import Claim

__all__ = ["CLAIMS", "Claim"]
