"""How long things last while some are still going on (生存分析).

A complaint that is still open has taken *at least* so long. Whoever drops such
cases and averages the closed ones finds answers much faster than they are: the
slow ones are those still open. Here an open case counts for as long as it was
watched, and leaves when the watching ends (censoring, 删失).

Times are elapsed times in any one unit, from each case's own start.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.stats.checks import flags, not_negative, repetitions
from wxengage.stats.curves import SurvivalCurve, aligned_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["LogRank", "kaplan_meier", "log_rank"]

_ENDED: Final = "True where the end was seen, False for a case still open"
_TWO: Final = 2


def kaplan_meier(
    durations: ArrayLike, observed: ArrayLike, *, weights: ArrayLike | None = None
) -> SurvivalCurve:
    """Estimate how long cases last, from ended and from open ones.

    Parameters
    ----------
    durations
        For how long each case was watched, from 0, in any one unit: until its
        end, or until now for a case that is still open. Shape ``(n,)``.
    observed
        Whether the end was seen: True, or False for an open case; 0 and 1 will
        do. Shape ``(n,)``.
    weights
        How many cases each row stands for: whole, from 0. None: one each.
        Shape ``(n,)``.

    Returns
    -------
    SurvivalCurve
        Unknown everywhere without cases.

    Raises
    ------
    InvalidInputError
        If a column breaks a rule or their lengths differ; the message names
        the row.

    Notes
    -----
    Kaplan and Meier (1958): ``S(t)`` is the product of ``1 - d/r`` over the times
    up to ``t``, with ``d`` ends among ``r`` cases at risk; a case left off at the
    moment at which others end was still at risk with them. A case of duration 0
    that is still open adds nothing. ``O(n log n)``.

    Examples
    --------
    >>> curve = kaplan_meier([5, 8, 8, 12, 20], [True, True, False, True, False])
    >>> print(curve)
    times  at_risk  events  survival  standard_error
        5        5       1    0.8000          0.1789
        8        4       1    0.6000          0.2191
       12        2       1    0.3000          0.2387
    >>> curve.quantile(0.5)
    12.0
    >>> print(curve.interval(10))
    0.60 [0.13, 0.88] n=5
    >>> curve.breach(12, age=[8, 15]).tolist()
    [0.5, 1.0]
    """
    time, ended = _cases(durations, observed)
    count = repetitions(weights, len(time))
    counted = count > 0
    time, ended, count = time[counted], ended[counted], count[counted]
    values, place = np.unique(time, return_inverse=True)
    leaving = np.bincount(place, count, len(values)).astype(np.int64)
    ending = np.bincount(place, count * ended, len(values)).astype(np.int64)
    kept = ending > 0
    times, events = values[kept], ending[kept]
    at_risk = leaving[::-1].cumsum()[::-1][kept]
    left = at_risk - events
    survival = np.cumprod(left / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):  # the last case ends: NaN
        variance = np.cumsum(events / (at_risk * left.astype(np.float64)))
        error = survival * np.sqrt(variance)
    for column in (times, at_risk, events, survival, error):
        column.flags.writeable = False
    return SurvivalCurve(
        times=times,
        at_risk=at_risk,
        events=events,
        survival=survival,
        standard_error=error,
        n=int(count.sum()),
        last=float(values[-1]) if len(values) else None,
    )


@attrs.frozen(repr=False)
class LogRank:
    """Whether groups last differently long (对数秩检验).

    Attributes
    ----------
    statistic
        Chi-squared; None where no end tells the groups apart: each time, the
        open cases were all of one group, or all of them ended.
    degrees_of_freedom
        Of the statistic; groups that say nothing are not counted.
    p_value
        How probable such a statistic or a larger one is if all groups last
        alike; None without a statistic.
    observed
        Cases that ended, by group.
    expected
        How many would have ended if all groups lasted alike, by group. As many
        in all as ``observed``.
    groups
        Their labels, ascending; the order of ``observed`` and ``expected``.
    sizes
        Cases, by group.
    """

    statistic: float | None
    degrees_of_freedom: int
    p_value: float | None
    observed: tuple[int, ...]
    expected: tuple[float, ...]
    groups: tuple[Any, ...]
    sizes: tuple[int, ...]

    def __repr__(self) -> str:
        if self.statistic is None or self.p_value is None:
            return "<LogRank undefined: no end tells the groups apart>"
        df = self.degrees_of_freedom
        return f"<LogRank chi2({df})={self.statistic:.2f} p={self.p_value:.3g}>"

    def __str__(self) -> str:
        rows = [["group", "n", "observed", "expected"]]
        rows += [
            [str(group), f"{n:,}", f"{o:,}", f"{e:,.2f}"]
            for group, n, o, e in zip(
                self.groups, self.sizes, self.observed, self.expected, strict=True
            )
        ]
        return f"{aligned_numbers(rows)}\n{repr(self)[9:-1]}"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def log_rank(durations: ArrayLike, observed: ArrayLike, group: ArrayLike) -> LogRank:
    """Test whether groups of cases last equally long.

    Parameters
    ----------
    durations, observed
        As for ``kaplan_meier``. Shape ``(n,)`` each.
    group
        Each case's group: text or whole numbers. Shape ``(n,)``.

    Returns
    -------
    LogRank
        Without a statistic where nothing tells the groups apart.

    Raises
    ------
    InvalidInputError
        If a column breaks a rule, their lengths differ, or there are fewer than
        two groups.

    Notes
    -----
    Mantel (1966): at each time at which cases end, the ends fall on the groups
    like balls drawn from an urn without replacement. Most powerful where one
    group's hazard is a multiple of another's; blind where curves cross.
    ``O(n log n + m g^2)`` for ``m`` times and ``g`` groups.

    Examples
    --------
    >>> print(log_rank([1, 2, 3, 9, 9, 9], [1, 1, 1, 1, 0, 0], list("aaabbb")))
    group  n  observed  expected
        a  3         3      1.15
        b  3         1      2.85
    chi2(1)=5.05 p=0.0246
    """
    from scipy.special import chdtrc  # noqa: PLC0415  slow to import

    time, ended = _cases(durations, observed)
    labels, member = _groups(group, len(time))
    times = np.unique(time[ended])
    before, events = [], []
    for each in range(len(labels)):
        own = np.sort(time[member == each])
        before.append(len(own) - np.searchsorted(own, times, side="left"))
        place = np.searchsorted(times, time[(member == each) & ended])
        events.append(np.bincount(place, minlength=len(times)))
    d, r = np.sum(events, axis=0), np.sum(before, axis=0)
    share = np.asarray(before) / r
    expected = share @ d
    # Of the hypergeometric law; the last case of all leaves nothing to chance.
    factor = d * (r - d) / np.maximum(r - 1, 1)
    variance = np.diag(share @ factor) - (share * factor) @ share.T
    seen = np.sum(events, axis=1)
    excess = seen - expected
    rank = int(np.linalg.matrix_rank(variance, hermitian=True)) if len(times) else 0
    statistic = p_value = None
    if rank:
        inverse = np.linalg.pinv(variance, hermitian=True)
        statistic = max(float(excess @ inverse @ excess), 0.0)
        p_value = float(chdtrc(rank, statistic))
    sizes = np.bincount(member, minlength=len(labels))
    return LogRank(
        statistic=statistic,
        degrees_of_freedom=rank,
        p_value=p_value,
        observed=tuple(seen.tolist()),
        expected=tuple(expected.tolist()),
        groups=tuple(labels),
        sizes=tuple(sizes.tolist()),
    )


def _cases(
    durations: ArrayLike, observed: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return durations and whether the end was seen, checked. Shape ``(n,)``."""
    time, ended = not_negative("durations", durations), flags("observed", observed)
    if len(time) != len(ended):
        rule = f"as many as durations, {len(time)}"
        raise InvalidInputError("observed", len(ended), rule, _ENDED)
    return time, ended


def _groups(group: ArrayLike, rows: int) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the labels, ascending, and each case's place among them."""
    given = np.asarray(group)
    if given.shape != (rows,):
        raise InvalidInputError("group.shape", given.shape, f"({rows},), as durations")
    listed = given.tolist()
    for row, label in enumerate(listed):
        if label is None or label != label:  # noqa: PLR0124  NaN
            hint = "leave such cases out, or name their group"
            raise InvalidInputError(f"group[{row}]", label, "a label", hint)
    try:
        labels, member = np.unique(given, return_inverse=True)
    except TypeError:
        rule = "labels that can be put in order"
        raise InvalidInputError("group", listed, rule, "make them all text") from None
    if len(labels) < _TWO:
        raise InvalidInputError("group", labels.tolist(), "at least two groups")
    return labels.tolist(), member.astype(np.int64)
