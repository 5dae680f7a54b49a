"""What a ladder asks and pays for each invite (阶梯体检): margins and the hull.

Somebody to whom every invite costs the same climbs to where reward less cost is
greatest. Over all such costs, that is a vertex of the upper concave hull of the
points (invites, total): a rung below the hull is a stop for nobody.

All arithmetic is of fractions, so a rung on the line is told from one below it.
"""

from __future__ import annotations

import html
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import attrs

from wxengage.tables import aligned
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Diagnosis", "RungCost", "concave_hull", "diagnosis_of"]

Unit = Literal["fen", "points"]
_FEN_PER_YUAN: Final = 100


@attrs.frozen
class RungCost:
    """What one rung costs whoever pays, and whom it stops.

    Attributes
    ----------
    invites
        Where it stands.
    total
        What is owed in all on it, in fen or points.
    adds
        What reaching it adds to the rung before.
    per_invite
        ``adds`` for each of the invites since the rung before.
    average
        ``total`` for each invite from the first on.
    worth_up_to
        The greatest cost of one invite at which somebody still climbs here: the
        slope of the hull. None where nobody would stop here.
    """

    invites: int
    total: int
    adds: int
    per_invite: Fraction
    average: Fraction
    worth_up_to: Fraction | None


@attrs.frozen(repr=False)
class Diagnosis:
    """The margins of a ladder, rung by rung, and what is odd about them.

    Attributes
    ----------
    rungs
        One for each rung that pays money, or points.
    unit
        ``"fen"`` or ``"points"``.
    findings
        Sentences; none where nothing is odd.
    """

    rungs: tuple[RungCost, ...]
    unit: Unit
    findings: tuple[Words, ...]

    def _cells(self) -> list[list[str]]:
        unit = "yuan" if self.unit == "fen" else "points"
        head = ["invites", unit, "adds", "per invite", "average", "worth up to"]
        return [head] + [
            [
                f"{rung.invites:,}",
                *(
                    "nobody stops here" if amount is None else self._shown(amount)
                    for amount in (
                        Fraction(rung.total),
                        Fraction(rung.adds),
                        rung.per_invite,
                        rung.average,
                        rung.worth_up_to,
                    )
                ),
            ]
            for rung in self.rungs
        ]

    def _shown(self, amount: Fraction) -> str:
        return f"{float(amount / (_FEN_PER_YUAN if self.unit == 'fen' else 1)):,.2f}"

    def explain(self, lang: Literal["zh", "en"]) -> str:
        """Return the findings in one language.

        Parameters
        ----------
        lang
            ``"zh"`` or ``"en"``.

        Returns
        -------
        str
            One line each; empty where nothing is odd.
        """
        return "\n".join(finding[lang] for finding in self.findings)

    def __repr__(self) -> str:
        return f"<Diagnosis of {len(self.rungs)} rungs>"

    def __str__(self) -> str:
        return "\n".join((aligned(self._cells()), *(w.en for w in self.findings)))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def concave_hull(
    points: Sequence[tuple[int, int]], beyond: Fraction | None = None
) -> dict[int, Fraction]:
    """Return the rungs at which a constant cost per invite makes somebody stop.

    Parameters
    ----------
    points
        Invites and totals, both climbing. The origin is not among them.
    beyond
        What each invite after the last point pays for ever; None for nothing.

    Returns
    -------
    dict
        Invites of a rung on the hull -> slope of the hull on its left, never
        rising. A rung on the line between two others is on it: for one single
        cost it is as good a stop as they are.

    Notes
    -----
    Andrew's monotone chain, in exact fractions: ``O(rungs)``.

    Examples
    --------
    >>> concave_hull([(3, 8), (6, 23)])
    {6: Fraction(23, 6)}
    """
    hull = [(0, 0)]
    for point in points:
        while len(hull) > 1 and _slope(*hull[-2:]) < _slope(hull[-1], point):
            hull.pop()
        hull.append(point)
    while beyond is not None and len(hull) > 1 and _slope(*hull[-2:]) < beyond:
        hull.pop()
    return {right[0]: _slope(left, right) for left, right in pairwise(hull)}


def _slope(left: tuple[int, int], right: tuple[int, int]) -> Fraction:
    return Fraction(right[1] - left[1], right[0] - left[0])


def diagnosis_of(
    points: Sequence[tuple[int, int]], unit: Unit, beyond: Fraction | None = None
) -> Diagnosis:
    """Return the margins of rungs and what is odd about them.

    Parameters
    ----------
    points
        Invites and totals, both climbing. At least one.
    unit
        What the totals count.
    beyond
        What each invite after the last point pays for ever; None for nothing.

    Returns
    -------
    Diagnosis
        One line a point.

    Notes
    -----
    ``O(rungs)``.
    """
    hull = concave_hull(points, beyond)
    rungs = tuple(
        RungCost(
            invites=m,
            total=total,
            adds=total - before[1],
            per_invite=_slope(before, (m, total)),
            average=Fraction(total, m),
            worth_up_to=hull.get(m),
        )
        for before, (m, total) in pairwise([(0, 0), *points])
    )
    found = Diagnosis(rungs, unit, ())
    margins = [(rung.invites, rung.per_invite) for rung in rungs]
    if beyond is not None:
        margins.append((points[-1][0] + 1, beyond))
    findings = [
        *(_nobody_stops(rung) for rung in rungs if rung.worth_up_to is None),
        *(
            _pays_less(m, found._shown(now), found._shown(before), unit)  # noqa: SLF001  ours
            for (_, before), (m, now) in pairwise(margins)
            if now < before
        ),
    ]
    return attrs.evolve(found, findings=tuple(findings))


def _nobody_stops(rung: RungCost) -> Words:
    m = rung.invites
    return Words(
        f"没有人会停在 {m} 人这一档：只要每次邀请的成本不变，要么不走到这里，"  # noqa: RUF001
        "要么直接走到更高的档",
        f"nobody would stop at {m} invites: whoever finds them worth the cost finds "
        "the next rung worth it too",
    )


def _pays_less(m: int, now: str, before: str, unit: Unit) -> Words:
    zh, en = ("元", "yuan") if unit == "fen" else ("积分", "points")
    return Words(
        f"走向 {m} 人时，每多邀请一人得 {now} {zh}，低于此前的 {before} {zh}，"  # noqa: RUF001
        "越往上越不划算",
        f"towards {m} invites each one pays {now} {en}, less than the {before} before",
    )
