"""Which ladder to launch (阶梯设计): most new users, and the budget all but safe.

Needed is how much an invite costs an inviter, in effort and in face, and how that
differs between people. Then everybody climbs as far as it pays, and every ladder
has its expected new users, its expected payout and its risk.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.rungs import LEAST_PAYOUT
from wxengage.campaigns.virality.costs import require_ladder
from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import format_yuan
from wxengage.tables import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from wxengage.money import Fen

    Floats: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]

__all__ = [
    "Design",
    "InviteCost",
    "LadderOption",
    "RungGrid",
    "design_ladder",
    "ladder_option",
]

_YUAN: Final = 100
_MOST_LADDERS: Final = 5_000_000
#: Options shown on the frontier.
_SHOWN: Final = 10
# Different sums of payments that are told apart.
_MOST_POINTS: Final = 2**24
# Counts of inviters further from their mean than so many deviations do not occur.
_DEVIATIONS: Final = 40.0


@attrs.frozen
class InviteCost:
    """What one invite costs an inviter, in money (邀请成本): lognormal.

    Attributes
    ----------
    median
        Fen that half of the inviters would do it for, at least 1.
    sigma
        Standard deviation of its logarithm between inviters, above 0.
    """

    median: Fen = attrs.field()
    sigma: float = attrs.field()

    def __attrs_post_init__(self) -> None:
        require_whole("median", self.median, least=1)
        number = isinstance(self.sigma, (int, float)) and self.sigma is not True
        if not (number and 0 < self.sigma < math.inf):
            raise InvalidInputError("sigma", self.sigma, "a finite number above 0")

    def share_below(self, fen: ArrayLike) -> Floats:
        """Return the share of inviters to whom an invite costs less.

        Parameters
        ----------
        fen
            Above 0. Any shape.

        Returns
        -------
        numpy.ndarray
            From 0 to 1, of the same shape.
        """
        from scipy.special import ndtr  # noqa: PLC0415  slow to import

        cost = np.asarray(fen, dtype=np.float64)
        return np.asarray(ndtr(np.log(cost / self.median) / self.sigma), np.float64)


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


@attrs.frozen
class LadderOption:
    """A ladder, and what it is expected to bring and to cost.

    Attributes
    ----------
    ladder
        With ``pays="total"``.
    invites
        New users expected.
    payout, sd
        Expected payout and its standard deviation, in fen.
    risk
        Probability that the payout exceeds the budget.
    """

    ladder: Ladder
    invites: float
    payout: float
    sd: float
    risk: float

    @property
    def per_invite(self) -> float:
        """Fen a new user; infinite where nobody comes."""
        return self.payout / self.invites if self.invites else math.inf


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


def ladder_option(
    ladder: Ladder, cost: InviteCost, *, inviters: int, budget: Fen
) -> LadderOption:
    """Return what a ladder brings, costs and risks among rational inviters.

    Parameters
    ----------
    ladder
        A ladder that pays cash, with a last rung.
    cost
        What an invite costs inviters.
    inviters
        People who know of the campaign, at least 1.
    budget
        Fen.

    Returns
    -------
    LadderOption
        With the ladder as given.

    Raises
    ------
    InvalidInputError
        If the ladder repeats without end: whoever finds an invite worth it would
        never stop.

    Notes
    -----
    Everybody climbs to the rung at which reward less cost is greatest, a vertex
    of the ladder's concave hull; between two of them lie the costs of those who
    stop at the first. The risk is exact: for one and two rungs a sum over
    binomials, for more the inverse transform of the payout's distribution.

    Examples
    --------
    >>> from wxengage.money import yuan
    >>> ladder = Ladder({3: yuan("8"), 6: yuan("15")}, pays="total")
    >>> found = ladder_option(
    ...     ladder, InviteCost(yuan("4"), 0.9), inviters=1_000, budget=yuan("2000")
    ... )
    >>> f"{found.invites:.1f} {found.payout / 100:.1f} {found.risk:.2f}"
    '1802.4 4531.7 1.00'
    """
    require_ladder("ladder", ladder)
    require_whole("inviters", inviters, least=1)
    require_whole("budget", budget)
    if ladder.repeats is not None:
        hint = "whoever finds an invite worth it would never stop"
        raise InvalidInputError("ladder", ladder, "with a last rung", hint)
    stops = [r for r in ladder.diagnose().rungs if r.worth_up_to is not None]
    at = np.array([stop.invites for stop in stops], dtype=np.int64)
    pay = np.array([stop.total for stop in stops], dtype=np.int64)
    edge = cost.share_below([float(stop.worth_up_to or 0) for stop in stops])
    share = edge - np.append(edge[1:], 0.0)
    mean = float(share @ pay)
    spread = inviters * max(
        float(share @ (pay - mean) ** 2 + (1 - edge[0]) * mean**2), 0
    )
    return LadderOption(
        ladder=ladder,
        invites=inviters * float(share @ at),
        payout=inviters * mean,
        sd=math.sqrt(spread),
        risk=_exceeding(inviters, share, pay, budget),
    )


def _exceeding(people: int, share: Floats, pay: Whole, budget: int) -> float:
    """Return how likely payments to people exceed what there is."""
    if len(pay) > len(("one", "two")):
        return _exceeding_many(people, share, pay, budget)
    from scipy.special import bdtrc, gammaln, xlog1py, xlogy  # noqa: PLC0415  slow

    p, last = min(float(share[-1]), 1.0), int(pay[-1])
    if len(pay) == 1:
        whole = budget // last
        return float(bdtrc(whole, people, p)) if whole < people else 0.0
    # So many get the last payment; the first one goes to some of the others.
    reach = _DEVIATIONS * math.sqrt(people * p * (1 - p)) + 1
    low, high = max(people * p - reach, 0), min(people * p + reach, people)
    some = np.arange(math.floor(low), math.ceil(high) + 1)
    log = -gammaln(some + 1) - gammaln(people - some + 1)
    log += xlogy(some, p) + xlog1py(people - some, -p)
    weight = np.exp(log - log.max())
    others, most = people - some, (budget - some * last) // int(pay[0])
    over = np.where(most < 0, 1.0, 0.0)
    told = (most >= 0) & (most < others)
    rest = min(float(share[0]) / (1 - p), 1.0) if p < 1 else 0.0
    over[told] = bdtrc(most[told], others[told], rest)
    return min(float(weight @ over / weight.sum()), 1.0)


def _exceeding_many(people: int, share: Floats, pay: Whole, budget: int) -> float:
    """Return the same for three rungs and more, from the whole distribution."""
    from scipy.fft import irfft, next_fast_len, rfft  # noqa: PLC0415  slow to import

    unit = math.gcd(*pay.tolist())
    top = people * int(pay[-1]) // unit + 1
    if top > _MOST_POINTS:
        hint = "fewer inviters, or amounts with a larger common divisor"
        rule = f"paid in at most {_MOST_POINTS:,} different sums"
        raise InvalidInputError("ladder", f"{top:,} sums", rule, hint)
    size = next_fast_len(top, real=True)
    one = np.zeros(size)
    one[pay // unit] = share
    one[0] = max(1 - float(share.sum()), 0.0)
    pmf = np.maximum(irfft(rfft(one) ** people, n=size), 0.0)
    return min(float(pmf[budget // unit + 1 :][::-1].sum()), 1.0)


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
