"""Reward ladders (阶梯奖励): bring three friends, get 8 yuan; six, get 15.

A ladder says what an inviter is entitled to in all, never what is paid next; the
difference of two answers is what an invite, or its revocation, moved. That is why
asking twice, late or in another order grants nothing twice.

Does the 15 include the 8? No reading is obvious, so ``pays`` has no default.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args, overload

import attrs
import numpy as np
from numpy.typing import NDArray  # noqa: TC002  the codec reads the annotations

from wxengage.campaigns.diagnosis import diagnosis_of
from wxengage.campaigns.rungs import (
    Rung,
    Step,
    amount_of,
    require_payable,
    rung_of,
    rungs_of,
    shown,
)
from wxengage.errors import INT64_MAX, InvalidInputError, nearest, require_whole
from wxengage.money import Cash, Coupon, Fen, Perk, Points, Reward

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wxengage.campaigns.diagnosis import Diagnosis

    Several: TypeAlias = Sequence[int] | NDArray[Any]

__all__ = ["Ladder"]

Pays = Literal["total", "each"]
PAYS: Final[tuple[str, ...]] = get_args(Pays)
# More steps than this at once are a mistake: nobody brings so many friends.
_MOST_STEPS: Final = 100_000
_MOST_RUNGS: Final = 10_000


@attrs.frozen(init=False)
class Ladder:
    """Rewards for so many invites each (阶梯奖励).

    Attributes
    ----------
    rungs
        Climbing in invites. Given as a mapping, pairs or rungs; a whole number
        for a reward is fen.
    pays
        ``"total"``: a rung's cash includes the cash of the rungs below it, and
        likewise its points; coupons and perks are kept. ``"each"``: every rung
        pays what it says, on top of those below.
    repeats
        After the last rung, every further ``repeats.invites`` pay
        ``repeats.reward``, cash or points, on top. None: the last rung is the
        last.

    Raises
    ------
    InvalidInputError
        If there is no rung, rungs do not climb, a reward is no reward, a step
        pays less than WeChat can, or the totals do not fit 64 bits.

    Examples
    --------
    >>> from wxengage.money import yuan
    >>> ladder = Ladder({3: yuan("8"), 6: yuan("15")}, pays="total")
    >>> ladder.entitlement(7)
    1500
    >>> ladder.entitlement([2, 3, 5, 6]).tolist()
    [0, 800, 800, 1500]
    >>> [step.adds.fen for step in ladder.crossings(2, 7)]
    [800, 700]
    """

    rungs: tuple[Rung, ...]
    pays: Pays = attrs.field(kw_only=True)
    repeats: Rung | None = attrs.field(default=None, kw_only=True)

    def __init__(
        self,
        rungs: Mapping[int, Fen | Reward] | Iterable[Rung | tuple[int, Fen | Reward]],
        *,
        pays: Pays,
        repeats: Rung | tuple[int, Fen | Reward] | None = None,
    ) -> None:
        self.__attrs_init__(
            rungs_of(rungs),
            pays=pays,
            repeats=None if repeats is None else rung_of("repeats", repeats),
        )

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.pays, str) or self.pays not in PAYS:
            hint = f"{nearest(self.pays, PAYS)}: does a rung include those below?"
            raise InvalidInputError("pays", self.pays, "'total' or 'each'", hint)
        if not self.rungs:
            raise InvalidInputError("rungs", {}, "at least one rung")
        for row, (low, high) in enumerate(itertools.pairwise(self.rungs), start=1):
            if high.invites <= low.invites:
                rule = f"more than the {low.invites} of the rung before"
                raise InvalidInputError(f"rungs[{row}].invites", high.invites, rule)
        if self.repeats is not None:
            if not isinstance(self.repeats.reward, Cash | Points):
                got, hint = self.repeats.reward, "a coupon or a perk stands on a rung"
                raise InvalidInputError("repeats", got, "cash or points", hint)
            require_payable("repeats", self.repeats.reward)
        for row, step in enumerate(self.steps):
            require_payable(f"rungs[{row}]", step.adds)
        for kind in (Cash, Points):
            if (total := sum(amount_of(step.adds, kind) for step in self.steps)) > (
                INT64_MAX
            ):
                raise InvalidInputError("rungs", total, "at most 2**63 - 1 in all")

    @classmethod
    def linear_plus_bonus(cls, each: Fen, *, at: int, bonus: Fen) -> Ladder:
        """Return the ladder that pays every invite, and once a bonus.

        Parameters
        ----------
        each
            Fen for every invite, without end.
        at
            Invites at which the bonus is paid too, from 1 to 10,000.
        bonus
            Fen, at least 1.

        Returns
        -------
        Ladder
            A ladder like any other.

        Raises
        ------
        InvalidInputError
            If a number breaks its rule, or ``each`` is less than WeChat pays.

        Notes
        -----
        A reward for every invite and a bonus at a threshold come within a constant
        of the best contract there is; thresholds alone lose the more, the more
        people the best inviters know (Lobel, Sadler and Varshney 2017).

        Examples
        --------
        >>> ladder = Ladder.linear_plus_bonus(100, at=5, bonus=500)
        >>> ladder.entitlement([4, 5, 9]).tolist()
        [400, 1000, 1400]
        """
        require_whole("each", each, least=1)
        require_whole("at", at, least=1, most=_MOST_RUNGS)
        require_whole("bonus", bonus, least=1)
        rungs = [(n, each) for n in range(1, at)]
        return cls([*rungs, (at, each + bonus)], pays="each", repeats=(1, each))

    @functools.cached_property
    def steps(self) -> tuple[Step, ...]:
        """What each rung adds, whichever way ``pays`` reads.

        Raises
        ------
        InvalidInputError
            If a total does not climb.
        """
        if self.pays == "each":
            return tuple(Step(rung.invites, rung.reward) for rung in self.rungs)
        before: dict[type, int] = {}
        found = []
        for row, rung in enumerate(self.rungs):
            kind, adds = type(rung.reward), rung.reward
            if isinstance(adds, Cash | Points):
                total, last = amount_of(adds, kind), before.get(kind, 0)
                if total <= last:
                    rule = f"more than the {shown(kind, last)} of a rung below"
                    hint = "under pays='total' a rung includes those below it"
                    name, got = f"rungs[{row}].reward", shown(kind, total)
                    raise InvalidInputError(name, got, rule, hint)
                before[kind] = total
                adds = Cash(total - last) if kind is Cash else Points(total - last)
            found.append(Step(rung.invites, adds))
        return tuple(found)

    @functools.cached_property
    def _bounds(self) -> NDArray[np.int64]:
        return np.array([rung.invites for rung in self.rungs], dtype=np.int64)

    @functools.cached_property
    def _totals(self) -> NDArray[np.int64]:
        return np.array([0, *self.totals("cash")], dtype=np.int64)

    def totals(self, unit: Literal["cash", "points"]) -> tuple[int, ...]:
        """Return what is owed on each rung in all.

        Parameters
        ----------
        unit
            ``"cash"`` in fen, or ``"points"``.

        Returns
        -------
        tuple of int
            One a rung, never falling.
        """
        kind = Cash if unit == "cash" else Points
        return tuple(
            itertools.accumulate(amount_of(step.adds, kind) for step in self.steps)
        )

    @overload
    def entitlement(self, invites: int) -> Fen: ...
    @overload
    def entitlement(self, invites: Several) -> NDArray[np.int64]: ...
    def entitlement(self, invites: int | Several) -> Fen | NDArray[np.int64]:
        """Return the cash that inviters are entitled to in all.

        Parameters
        ----------
        invites
            Valid invites of one inviter, or of each. Any shape.

        Returns
        -------
        int or numpy.ndarray
            Fen; ``int64`` of the same shape for an array. 0 where a ladder pays
            no cash: ``rewards`` tells the rest.

        Raises
        ------
        InvalidInputError
            If a count is negative or no whole number, or an amount does not fit
            64 bits.

        Notes
        -----
        Binary search over the rungs: ``O(n log rungs)``.
        """
        if isinstance(invites, int):
            return self._owed(Cash, require_whole("invites", invites))
        counts = _counts(invites)
        if counts.size:
            self._owed(Cash, int(counts.max()))  # owed climbs: the rest fits too
        owed = self._totals[self._bounds.searchsorted(counts, side="right")]
        if self.repeats is not None and (fen := amount_of(self.repeats.reward, Cash)):
            beyond = np.maximum(counts - self._bounds[-1], 0)
            owed += beyond // self.repeats.invites * fen
        return owed

    def _owed(self, kind: type, invites: int) -> int:
        """Return what one inviter is owed of cash or points, of any size."""
        owed = sum(
            amount_of(step.adds, kind) for step in self.steps if step.invites <= invites
        )
        if self.repeats is not None:
            owed += self._repeated(invites) * amount_of(self.repeats.reward, kind)
        if owed > INT64_MAX:
            raise InvalidInputError(
                "entitlement", owed, "at most 2**63 - 1", f"of {invites} invites"
            )
        return owed

    def _repeated(self, invites: int) -> int:
        """Return how often ``repeats`` has paid."""
        if self.repeats is None:
            return 0
        return max(invites - self.rungs[-1].invites, 0) // self.repeats.invites

    def rewards(self, invites: int) -> tuple[Reward, ...]:
        """Return everything that an inviter is entitled to in all.

        Parameters
        ----------
        invites
            Valid invites.

        Returns
        -------
        tuple of Reward
            Cash in one sum, points in one sum, then coupons and perks in the
            order of their rungs. Empty below the first rung.

        Raises
        ------
        InvalidInputError
            If the count is negative or no whole number.
        """
        require_whole("invites", invites)
        cash, points = self._owed(Cash, invites), self._owed(Points, invites)
        kept = (step.adds for step in self.steps if step.invites <= invites)
        return (
            *((Cash(cash),) if cash else ()),
            *((Points(points),) if points else ()),
            *(reward for reward in kept if isinstance(reward, Coupon | Perk)),
        )

    def crossings(self, before: int, after: int) -> tuple[Step, ...]:
        """Return the steps between two counts of invites.

        Parameters
        ----------
        before, after
            Valid invites before and after; ``after`` is not less. However many
            rungs lie between, none is missed. For a revocation, swap them: these
            are then the steps lost.

        Returns
        -------
        tuple of Step
            In order. Their cash sums to the difference of the entitlements.

        Raises
        ------
        InvalidInputError
            If a count is negative or no whole number, they fall, or more than
            100,000 steps lie between.
        """
        require_whole("before", before)
        hint = "invites that fell: swap them for what was lost"
        require_whole("after", after, least=before, hint=hint)
        found = [step for step in self.steps if before < step.invites <= after]
        times = range(self._repeated(before) + 1, self._repeated(after) + 1)
        if len(times) > _MOST_STEPS:
            hint = "entitlement tells the sum"
            rule = f"at most {_MOST_STEPS:,} steps away"
            raise InvalidInputError("after", after, rule, hint)
        return (*found, *(self._repetition(time) for time in times))

    def _repetition(self, time: int) -> Step:
        every = self.repeats or self.rungs[-1]  # only asked where it repeats
        return Step(self.rungs[-1].invites + time * every.invites, every.reward)

    def next_rung(self, invites: int) -> Step | None:
        """Return what to climb to next.

        Parameters
        ----------
        invites
            Valid invites now.

        Returns
        -------
        Step or None
            The next rung and what it adds; None on the last one.

        Raises
        ------
        InvalidInputError
            If the count is negative or no whole number.
        """
        require_whole("invites", invites)
        place = bisect.bisect_right([step.invites for step in self.steps], invites)
        if place < len(self.steps):
            return self.steps[place]
        if self.repeats is None:
            return None
        return self._repetition(self._repeated(invites) + 1)

    def diagnose(self) -> Diagnosis:
        """Return what each rung pays per invite, and which ones stop nobody.

        Returns
        -------
        Diagnosis
            Of the cash; of the points where there is no cash. Prints as a table.

        Raises
        ------
        InvalidInputError
            If the ladder pays neither.

        Examples
        --------
        >>> from wxengage.money import yuan
        >>> print(Ladder({3: yuan("8"), 6: yuan("15")}, pays="each").diagnose())
        invites   yuan   adds  per invite  average  worth up to
        3         8.00   8.00        2.67     2.67  nobody stops here
        6        23.00  15.00        5.00     3.83  3.83
        nobody would stop at 3 invites: whoever finds them worth the cost finds the next rung worth it too
        """  # noqa: E501  as it prints
        cash = any(isinstance(step.adds, Cash) for step in self.steps)
        kind: type[Cash | Points] = Cash if cash else Points
        owed = self.totals("cash" if cash else "points")
        points = [
            (step.invites, total)
            for step, total in zip(self.steps, owed, strict=True)
            if isinstance(step.adds, kind)
        ]
        if not points:
            hint = "coupons and perks have no amount to compare"
            raise InvalidInputError("rungs", self.rungs, "cash or points", hint)
        beyond = None
        if self.repeats is not None and isinstance(self.repeats.reward, kind):
            amount = amount_of(self.repeats.reward, kind)
            beyond = Fraction(amount, self.repeats.invites)
        return diagnosis_of(points, "fen" if cash else "points", beyond)


def _counts(invites: object) -> NDArray[np.int64]:
    """Return counts of invites, checked. Any shape."""
    given = np.asarray(invites)
    if given.size == 0:
        return np.zeros(given.shape, dtype=np.int64)
    if given.dtype.kind not in "iu":
        raise InvalidInputError("invites", given.dtype.name, "whole numbers")
    bad = (given < 0) | (given > INT64_MAX)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        got = int(given.flat[first])
        raise InvalidInputError(f"invites[{first}]", got, "from 0 to 2**63 - 1")
    return given.astype(np.int64, copy=False)
