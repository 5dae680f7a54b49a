"""Which ladder to launch (阶梯设计): most new users, and the budget all but safe."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.response import InviteCost, LadderOption, ladder_option
from wxengage.campaigns.rungs import LEAST_PAYOUT
from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import format_yuan
from wxengage.tables import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from wxengage.money import Fen

    Floats: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]

__all__ = ["Design", "RungGrid", "design_ladder"]

_YUAN: Final = 100
_MOST_LADDERS: Final = 5_000_000
#: Options shown on the frontier.
_SHOWN: Final = 10


def _whole_numbers(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, tuple) or not got:
        raise InvalidInputError(field.name, got, "a tuple of whole numbers")
    for row, one in enumerate(got):
        require_whole(f"{field.name}[{row}]", one, least=1)


@attrs.frozen
class RungGrid:
    """Where a rung may stand, and what may be written on it.

    Attributes
    ----------
    invites
        Counts of invites.
    totals
        Fen in all.
    """

    invites: tuple[int, ...] = attrs.field(validator=_whole_numbers)
    totals: tuple[Fen, ...] = attrs.field(validator=_whole_numbers)


#: Where ladders are looked for: up to 7 invites for up to 24 yuan, then up to 12
#: for up to 40 yuan.
GRIDS: Final = (
    RungGrid(tuple(range(1, 8)), tuple(range(_YUAN, 25 * _YUAN, _YUAN))),
    RungGrid(tuple(range(2, 13)), tuple(range(_YUAN, 41 * _YUAN, _YUAN))),
)


@attrs.frozen(repr=False)
class Design:
    """The best ladder found, and what less or more money would buy.

    Attributes
    ----------
    best
        The most new users at an acceptable risk; None where no ladder has one.
    frontier
        Ladders to which none is preferable in both new users and payout, by
        payout: some of them, up to an expected payout of the budget.
    searched
        How many ladders were compared.
    """

    best: LadderOption | None
    frontier: tuple[LadderOption, ...]
    searched: int

    def __repr__(self) -> str:
        return f"<Design out of {self.searched:,} ladders>"

    def __str__(self) -> str:
        head = ["ladder", "new users", "payout", "a new user", "risk"]
        rows = [head, *(_cells("", option) for option in self.frontier)]
        if self.best is not None:
            rows.append(_cells("best: ", self.best))
        return aligned(rows)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _cells(name: str, option: LadderOption) -> list[str]:
    steps = zip(option.ladder.rungs, option.ladder.totals("cash"), strict=True)
    rungs = ", ".join(f"{rung.invites} -> {format_yuan(fen)}" for rung, fen in steps)
    per_invite = f"{option.per_invite / _YUAN:,.2f}" if option.invites else ""
    return [
        name + rungs,
        f"{option.invites:,.1f}",
        f"{option.payout / _YUAN:,.2f}",
        per_invite,
        f"{option.risk:.2%}",
    ]


def design_ladder(
    cost: InviteCost,
    inviters: int,
    budget: Fen,
    *,
    risk: float = 0.01,
    grids: Sequence[RungGrid] = GRIDS,
) -> Design:
    """Find the ladder that brings most at an acceptable risk to the budget.

    Parameters
    ----------
    cost
        What an invite costs inviters.
    inviters
        People who know of the campaign, at least 1. Invitees are not counted
        among them.
    budget
        Fen.
    risk
        Accepted probability that the payout exceeds it, above 0, below 1.
    grids
        Where the first rung may stand and, where there are two, the second.

    Returns
    -------
    Design
        Prints as a table.

    Raises
    ------
    InvalidInputError
        If an argument breaks its rule, or there are more than five million
        ladders.

    Notes
    -----
    All ladders of one and of two rungs on the grids are compared by their
    moments; those with a rung that stops nobody are the same as shorter ones and
    are left out. From the most new users down, each one's risk is computed
    exactly until the first that is acceptable: no better one is missed. Ladders
    whose risk is too large by Cantelli's inequality are passed over.

    Examples
    --------
    >>> from wxengage.money import yuan
    >>> design = design_ladder(InviteCost(yuan("4"), 0.9), 1_000, yuan("2000"))
    >>> [(rung.invites, rung.reward.fen) for rung in design.best.ladder.rungs]
    [(5, 800), (12, 1500)]
    """
    if not isinstance(cost, InviteCost):
        raise InvalidInputError("cost", cost, "an InviteCost")
    require_whole("inviters", inviters, least=1)
    require_whole("budget", budget, least=1)
    number = isinstance(risk, (int, float)) and not isinstance(risk, bool)
    if not (number and 0 < risk < 1):
        raise InvalidInputError("risk", risk, "between 0 and 1", "0.01 is usual")
    found = _Candidates.of(_grid(grids), cost, inviters)

    def option(row: int) -> LadderOption:
        return ladder_option(found.ladder(row), cost, inviters=inviters, budget=budget)

    best = None
    for row in found.promising(budget, risk):
        tried = option(row)
        if tried.risk <= risk:
            best = tried
            break
    frontier = tuple(option(row) for row in found.frontier(budget))
    return Design(best, frontier, len(found.payout))


def _grid(grids: Sequence[RungGrid]) -> tuple[Whole, Whole]:
    """Return invites and totals of all ladders. Shape ``(n, 2)`` each; 0 for none."""
    few = isinstance(grids, (tuple, list)) and len(grids) in {1, 2}
    if not few or not all(isinstance(grid, RungGrid) for grid in grids):
        raise InvalidInputError("grids", grids, "one or two RungGrid")
    sizes = [len(grid.invites) * len(grid.totals) for grid in grids]
    if math.prod(sizes) > _MOST_LADDERS:
        raise InvalidInputError(
            "grids", math.prod(sizes), f"at most {_MOST_LADDERS:,} ladders"
        )
    ones = {
        (0, m, 0, total)
        for grid in grids
        for m in grid.invites
        for total in grid.totals
    }
    rows = [np.array(sorted(ones), dtype=np.int64)]
    if len(grids) > 1:
        axes = (grids[0].invites, grids[1].invites, grids[0].totals, grids[1].totals)
        whole = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        rows.append(np.unique(whole.reshape(-1, 4), axis=0))
    table = np.concatenate(rows)
    m, total = table[:, :2], table[:, 2:]
    step, adds = m[:, 1] - m[:, 0], total[:, 1] - total[:, 0]
    payable = (adds >= LEAST_PAYOUT) & (
        (total[:, 0] == 0) | (total[:, 0] >= LEAST_PAYOUT)
    )
    # Slopes that fall, compared in whole numbers.
    hull = (m[:, 0] == 0) | (total[:, 0] * step > adds * m[:, 0])
    fits = (step > 0) & payable & hull
    return m[fits], total[fits]


@attrs.frozen(eq=False)
class _Candidates:
    """Ladders side by side.

    Attributes
    ----------
    m, total
        Invites and fen of two rungs; 0 where there is one only. Shape ``(n, 2)``.
    invites, payout, variance
        Moments of all inviters together. Shape ``(n,)``.
    """

    m: Whole
    total: Whole
    invites: Floats
    payout: Floats
    variance: Floats

    @classmethod
    def of(
        cls, grid: tuple[Whole, Whole], cost: InviteCost, inviters: int
    ) -> _Candidates:
        """Return the ladders of a grid with their moments."""
        m, total = grid
        slope = np.ones(m.shape)
        some = m[:, 0] > 0
        slope[some, 0] = total[some, 0] / m[some, 0]
        slope[:, 1] = (total[:, 1] - total[:, 0]) / (m[:, 1] - m[:, 0])
        edge = cost.share_below(slope)
        share = np.stack(
            [np.where(some, edge[:, 0] - edge[:, 1], 0), edge[:, 1]], axis=1
        )
        mean = (share * total).sum(axis=1)
        squares = (share * total.astype(np.float64) ** 2).sum(axis=1)
        return cls(
            m,
            total,
            inviters * (share * m).sum(axis=1),
            inviters * mean,
            inviters * np.maximum(squares - mean**2, 0.0),
        )

    def ladder(self, row: int) -> Ladder:
        """Return one of them."""
        pairs = zip(self.m[row].tolist(), self.total[row].tolist(), strict=True)
        return Ladder([pair for pair in pairs if pair[0]], pays="total")

    def promising(self, budget: Fen, risk: float) -> Iterator[int]:
        """Return those that may be safe, from the most new users down."""
        over = np.maximum(self.payout - budget, 0.0)
        # Cantelli: S > mean - over with at least over^2 / (variance + over^2).
        sure = np.where(over > 0, over**2 / (self.variance + over**2), 0.0)
        rows = np.flatnonzero(sure <= risk)
        order = np.lexsort((self.payout[rows], -self.invites[rows]))
        return iter(rows[order].tolist())

    def frontier(self, budget: Fen) -> list[int]:
        """Return some to which none is preferable, by payout."""
        order = np.lexsort((-self.invites, self.payout))
        order = order[self.payout[order] <= budget]
        most = np.maximum.accumulate(self.invites[order])
        order = order[np.flatnonzero(np.diff(most, prepend=0.0) > 0)]
        if not len(order):
            return []
        # Evenly by payout, the last one always.
        wanted = np.linspace(0, self.payout[order[-1]], _SHOWN + 1)[1:]
        places = np.minimum(self.payout[order].searchsorted(wanted), len(order) - 1)
        return [int(row) for row in order[np.unique(places)]]
