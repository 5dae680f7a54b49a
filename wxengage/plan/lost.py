"""Why an option was not chosen for a user (落选原因): what lost it, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

from wxengage.plan import why as says
from wxengage.plan.bounds import NEVER, Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from wxengage.plan.bounds import Total, Usage
    from wxengage.plan.options import Option
    from wxengage.words import Words

__all__ = ["Lost", "Offer", "losses"]

LostBy = Literal[
    "holdout",
    "not_allowed",
    "quiet_hours",
    "cap",
    "ad_share",
    "no_value",
    "budget",
    "slot",
    "gap",
]


@attrs.frozen
class Lost:
    """An option that a user does not get, and what it lost to.

    Attributes
    ----------
    option
        The option.
    reason
        ``"not_allowed"``, ``"no_value"``, ``"quiet_hours"``, ``"holdout"``: it was
        none to begin with. ``"budget"``: what it takes of the budgets costs more
        than it is worth, or a budget has no more of it. ``"slot"``: a better one
        goes at the same instant. ``"cap"`` and ``"ad_share"``: better ones fill
        what the user may have. ``"gap"``: it would have fitted, but the plan was
        good enough without it.
    by
        The budget, the cap or the message it lost to, or the gate's reason where it
        is not allowed; "" where there is none.
    price
        What it takes of all budgets, at their prices.
    short_by
        How much more it would have to be worth to draw level, about.
    zh, en
        The sentence.
    """

    option: Option
    reason: LostBy
    by: str
    price: float
    short_by: float
    zh: str
    en: str


@attrs.frozen(eq=False)
class Offer:
    """What one user was offered, and what there was to share.

    Attributes
    ----------
    options
        The options. Length ``k``.
    worth
        What each is worth to the user, NaN where not allowed. Shape ``(k,)``.
    instants
        When each goes. Shape ``(k,)``.
    groups
        What the user may have of them.
    ads_left, sends_left
        The same for all ads, and for all messages.
    totals, usage
        What all users share, and how far it is used.
    refusals
        What the gate has against each option, or None; None where it was not asked.
    is_held_out
        Whether the user gets nothing whatever it is worth.
    """

    options: tuple[Option, ...]
    worth: NDArray[np.floating]
    instants: NDArray[np.int64]
    groups: tuple[Group, ...]
    ads_left: Group
    sends_left: Group
    totals: tuple[Total, ...]
    usage: Mapping[str, Usage]
    refusals: NDArray[np.object_] | None
    is_held_out: bool

    def price(self, option: int) -> float:
        """Return what an option takes of all budgets, at their prices."""
        return sum(
            float(total.weights[option]) * self.usage[total.name].price
            for total in self.totals
        )

    def gain(self, option: int) -> float:
        """Return what an option is worth after prices."""
        return float(self.worth[option]) - self.price(option)


def losses(offer: Offer, mine: Iterable[int]) -> tuple[Lost, ...]:
    """Return what a user does not get, and why.

    Parameters
    ----------
    offer
        What there was.
    mine
        Positions of the options that the user gets.

    Returns
    -------
    tuple of Lost
        One for each other option, in the order of the options.
    """
    chosen = sorted(mine)
    rest = [one for one in range(len(offer.options)) if one not in chosen]
    return tuple(_lost(offer, one, chosen) for one in rest)


def _lost(offer: Offer, option: int, chosen: list[int]) -> Lost:
    reason, by, short_by = next(_grounds(offer, option, chosen))
    what = offer.options[option]
    price = offer.price(option)
    refused = None if offer.refusals is None else offer.refusals[option]
    if reason == "not_allowed" and refused is not None:
        why: Words = says.refused(what.said, refused.words)
        return Lost(what, reason, refused.reason, price, 0.0, why.zh, why.en)
    said: Words = says.lost(what.said, reason, by, price, short_by)
    return Lost(what, reason, by, price, max(short_by, 0.0), said.zh, said.en)


def _grounds(
    offer: Offer, option: int, chosen: list[int]
) -> Iterator[tuple[LostBy, str, float]]:
    """Yield what an option lost to, by how much; the first says most."""
    worth = float(offer.worth[option])
    ads, sends = offer.ads_left, offer.sends_left
    if offer.is_held_out:
        yield "holdout", "", 0.0
    if np.isnan(worth):
        yield "not_allowed", "", 0.0
    if offer.instants[option] == NEVER:
        yield "quiet_hours", "", 0.0
    if sends.most == 0 and sends.members[option]:
        yield "cap", "", 0.0
    if ads.most == 0 and ads.members[option]:
        yield "ad_share", "", 0.0
    if worth <= 0:
        yield "no_value", "", -worth
    gain = offer.gain(option)
    if gain <= 0:
        yield from _budgets(offer, option, -gain, offer.totals)
    for group in (*offer.groups, ads, sends):
        rivals = [one for one in chosen if group.members[one]]
        if group.members[option] and len(rivals) >= group.most:
            least = min(rivals, key=offer.gain)
            name = group.name or offer.options[least].message
            yield _kind(offer, group), name, offer.gain(least) - gain
    full = [
        total
        for total in offer.totals
        if total.weights[option] > offer.usage[total.name].left
    ]
    yield from _budgets(offer, option, 0.0, full)
    yield "gap", "", 0.0


def _kind(offer: Offer, group: Group) -> LostBy:
    if group is offer.ads_left:
        return "ad_share"
    return "cap" if group.name else "slot"


def _budgets(
    offer: Offer, option: int, short_by: float, totals: Iterable[Total]
) -> Iterator[tuple[LostBy, str, float]]:
    """Yield the budget of which an option takes most, in value."""
    taken = [
        (-float(one.weights[option]) * offer.usage[one.name].price, one.name)
        for one in totals
        if one.weights[option]
    ]
    if taken:
        yield "budget", min(taken)[1], short_by
