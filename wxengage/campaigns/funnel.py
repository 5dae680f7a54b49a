"""How easy a campaign is to join, to spread and to redeem (三易漏斗)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.intervals import wilson
from wxengage.tables import aligned, html_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.campaigns.standings import Standings
    from wxengage.stats.estimates import Estimate

__all__ = ["Funnel", "campaign_funnel"]

_ZH = {"join": "易参与", "spread": "易传播", "redeem": "易兑现"}


@attrs.frozen
class Funnel:
    """The article's three eases, each a share of people (三易).

    Attributes
    ----------
    join
        Of the people who were invited: whose invite has ever counted.
    spread
        Of the people who joined by an invite: who invited somebody in turn.
    redeem
        Of the inviters for whom an invite counts: who has reached a reward.
    """

    join: Estimate
    spread: Estimate
    redeem: Estimate

    def _columns(self) -> Mapping[str, NDArray[Any]]:
        names = [field.name for field in attrs.fields(Funnel)]
        return {
            "ease": np.array(names, dtype=object),
            "zh": np.array([_ZH[name] for name in names], dtype=object),
            "share": np.array([str(getattr(self, name)) for name in names], object),
        }

    def __str__(self) -> str:
        rows = zip(*(c.tolist() for c in self._columns().values()), strict=True)
        return aligned([[*self._columns()], *(list(row) for row in rows)])

    def _repr_html_(self) -> str:
        return html_table(self._columns())


def campaign_funnel(standings: Standings, *, level: float = 0.95) -> Funnel:
    """Return the three eases of a referral campaign.

    Parameters
    ----------
    standings
        Of a replay.
    level
        Of the intervals.

    Returns
    -------
    Funnel
        Wilson intervals over people; friends of one inviter are not quite
        independent of each other, so that they are somewhat too narrow.

    Raises
    ------
    InvalidInputError
        If the campaign has no invites.

    Notes
    -----
    Source: the article, chapter 5: easy to join, to spread and to redeem.
    """
    if "people" not in standings.tables:
        raise InvalidInputError("standings", standings, "of a referral campaign")
    people = standings.columns("people")
    joined, counted = people["joined"], people["counts"] > 0
    spread = joined & (people["invites"] > 0)
    return Funnel(
        join=_share(joined, people["asked"], level),
        spread=_share(spread, joined, level),
        redeem=_share(people["entitled"] & counted, counted, level),
    )


def _share(part: NDArray[Any], whole: NDArray[Any], level: float) -> Estimate:
    return wilson(int(part.sum()), int(whole.sum()), level=level)
