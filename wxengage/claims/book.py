"""Every claim of the article by its id (论断总表)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.claims.chapters_1_to_4 import FIRST_HALF
from wxengage.claims.chapters_5_to_8 import SECOND_HALF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.claims.claim import Claim

__all__ = ["CLAIMS"]

#: Id -> claim, in the article's order. All unverified: the article names no source.
CLAIMS: Final[Mapping[str, Claim]] = MappingProxyType(
    {claim.id: claim for claim in (*FIRST_HALF, *SECOND_HALF)}
)
