"""Ranking entries (作品排名): by votes, by the share of viewers won, with a jury.

Whoever is shown more is voted for more. Where it is known how many people saw each
entry, the share of them that it won is the fairer measure, and how far that share is
to be trusted depends on how many there were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import numpy as np

from wxengage.campaigns.definitions import require_word
from wxengage.errors import InvalidInputError, require_id
from wxengage.stats.checks import flags, number_column, refuse, whole_column
from wxengage.stats.ranking import midrank_percentiles, rank_intervals, wilson_lower
from wxengage.stats.shrinkage import fit_beta_binomial
from wxengage.tables import html_table, text_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

__all__ = ["EntryRanking", "capped_votes", "rank_entries"]

Method: TypeAlias = Literal["votes", "share", "wilson", "posterior"]
# Jeffreys' prior: half a success and half a failure.
_JEFFREYS: Final = (0.5, 0.5)
# A prior that outweighs any number of viewers stands for "all alike".
_ALIKE: Final = 1e12
_ROUNDING: Final = 1e-12


@attrs.frozen(eq=False, repr=False)
class EntryRanking:
    """Entries, the best first; prints as a table.

    Attributes
    ----------
    entries
        Ids.
    score
        What they are ranked by. Shape ``(n,)``.
    best, worst
        Between which ranks each entry is, with the level's probability; None where
        no chance was given. Shape ``(n,)``.
    votes, viewers
        What was counted; viewers are None where they are not known.
    by
        How the score was made.
    note
        What to know before anybody is called a winner; empty for nothing.
    """

    entries: tuple[str, ...]
    score: NDArray[np.float64]
    best: NDArray[np.int64] | None
    worst: NDArray[np.int64] | None
    votes: NDArray[np.int64]
    viewers: NDArray[np.int64] | None
    by: str
    note: str

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the table as numpy arrays, ranks from 1."""
        found: dict[str, NDArray[Any]] = {
            "rank": np.arange(1, len(self.entries) + 1),
            "entry": np.array(self.entries, dtype=object),
            "score": self.score,
            "votes": self.votes,
        }
        if self.viewers is not None:
            found["viewers"] = self.viewers
        if self.best is not None and self.worst is not None:
            found |= {"best": self.best, "worst": self.worst}
        return found

    def __repr__(self) -> str:
        return f"<EntryRanking of {len(self.entries)} entries by {self.by}>"

    def __str__(self) -> str:
        return text_table(self.columns())

    def _repr_html_(self) -> str:
        return html_table(self.columns())


def rank_entries(
    entries: Iterable[str],
    votes: ArrayLike,
    *,
    viewers: ArrayLike | None = None,
    by: Method | None = None,
    jury: ArrayLike | None = None,
    jury_share: float = 0.5,
    rng: Generator | None = None,
    level: float = 0.95,
) -> EntryRanking:
    """Rank the entries of a contest.

    Parameters
    ----------
    entries
        Ids, each once, in the order in which ties are to be broken: the earlier
        entry first, as the table ``entries`` of a replay has them. Shape ``(n,)``.
    votes
        How many voters each won: whole, from 0. Shape ``(n,)``.
    viewers
        How many people saw each, its voters among them. Shape ``(n,)``. None: not
        known, and only votes can be ranked.
    by
        ``"votes"``; with viewers also the ``"share"`` of them, its lower end
        ``"wilson"``, or the ``"posterior"`` mean, which moves the share towards
        everybody's the more, the fewer viewers there were. None: ``"posterior"``
        where viewers are known.
    jury
        Points that a jury gave, on any scale, the more the better. Shape ``(n,)``.
    jury_share
        The weight of the jury from 0 to 1, where there is one. Jury and public are
        mixed as percentiles, equal values sharing theirs, so that neither scale
        matters.
    rng
        Chance, for the intervals of ranks. They are about how sure the public's
        choice is, and there are none with a jury.
    level
        Probability that an entry's rank is inside its interval.

    Returns
    -------
    EntryRanking
        The best first.

    Raises
    ------
    InvalidInputError
        If an entry stands twice, a number breaks its rule, there are more votes than
        viewers, or a method needs viewers that are not given.

    Notes
    -----
    The prior of ``"posterior"`` is the most likely beta law of all entries' shares.
    ``O(n log n)``, and as much for each draw of the intervals.

    Examples
    --------
    >>> names, votes, viewers = "abcd", [60, 40, 1, 12], [900, 300, 2, 150]
    >>> rank_entries(names, votes, viewers=viewers, by="share").entries
    ('c', 'b', 'd', 'a')
    >>> rank_entries(names, votes, viewers=viewers).entries
    ('b', 'c', 'd', 'a')
    """
    names = _names(entries)
    counts = whole_column("votes", votes)
    _as_long("votes", counts, names)
    seen = None if viewers is None else whole_column("viewers", viewers)
    method = by or ("votes" if seen is None else "posterior")
    require_word("by", method, Method)
    prior = _JEFFREYS
    if seen is None:
        if method != "votes":
            rule = f"given for a ranking by {method}"
            raise InvalidInputError("viewers", None, rule, "or rank by votes")
    else:
        _as_long("viewers", seen, names)
        rule = "at most the viewers: who votes for an entry has seen it"
        refuse("votes", counts.astype(float), counts > seen, rule)
        prior = _prior(counts, seen)
    score = _scores(method, counts, seen, prior)
    words: str = method
    if jury is not None:
        score, words = _blended(score, jury, jury_share, names), f"jury and {method}"
    order = np.argsort(-_rounded(score), kind="stable")
    best = worst = None
    if rng is not None and jury is None:
        trials = seen
        if trials is None or method == "votes":
            trials, prior = np.full(len(counts), counts.sum()), _JEFFREYS
        low, high = rank_intervals(counts, trials, prior, rng=rng, level=level)
        best, worst = low[order], high[order]
    note = ""
    if seen is None:
        note = "how many people saw each entry is not known: more shown, more votes"
    return EntryRanking(
        tuple(names[row] for row in order.tolist()),
        score[order],
        best,
        worst,
        counts[order],
        None if seen is None else seen[order],
        words,
        note,
    )


def _names(entries: Iterable[str]) -> list[str]:
    names = [str(entry) for entry in entries]
    seen: set[str] = set()
    for row, name in enumerate(names):
        require_id(f"entries[{row}]", name)
        if name in seen:
            raise InvalidInputError(f"entries[{row}]", name, "an entry, once")
        seen.add(name)
    return names


def _as_long(name: str, column: NDArray[Any], names: Sequence[str]) -> None:
    if len(column) != len(names):
        rule = f"one for each entry, {len(names)}"
        raise InvalidInputError(name, len(column), rule)


def _prior(counts: NDArray[np.int64], seen: NDArray[np.int64]) -> tuple[float, float]:
    """Return the two parameters of the beta law of everybody's share."""
    if not seen.sum() or not counts.sum() or (counts == seen).all():
        return _JEFFREYS
    fit = fit_beta_binomial(counts, seen)
    kappa = _ALIKE if fit.kappa is None else fit.kappa
    return kappa * fit.shares[0], kappa * fit.shares[1]


def _scores(
    method: str,
    counts: NDArray[np.int64],
    seen: NDArray[np.int64] | None,
    prior: tuple[float, float],
) -> NDArray[np.float64]:
    if seen is None or method == "votes":
        return counts.astype(np.float64)
    if method == "wilson":
        return wilson_lower(counts, seen)
    if method == "share":
        return counts / np.maximum(seen, 1)
    return np.asarray((counts + prior[0]) / (seen + sum(prior)), dtype=np.float64)


def _blended(
    score: NDArray[np.float64], jury: ArrayLike, share: float, names: Sequence[str]
) -> NDArray[np.float64]:
    points = number_column("jury", jury)
    _as_long("jury", points, names)
    number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if not number or not 0 <= share <= 1:
        raise InvalidInputError("jury_share", share, "from 0 to 1", "0.4 is 40 %")
    public = midrank_percentiles(_rounded(score))
    blend = share * midrank_percentiles(points) + (1 - share) * public
    return np.asarray(blend, dtype=np.float64)


def _rounded(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores in which rounding breaks no tie."""
    top = float(np.abs(score).max(initial=0.0))
    return np.round(score / (top * _ROUNDING)) if top else score


def capped_votes(
    entries: ArrayLike,
    clusters: ArrayLike,
    *,
    size: int | None = None,
    known: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Count votes so that no group of voters that hang together decides alone.

    Parameters
    ----------
    entries
        Code of each vote's entry, from 0. Shape ``(n,)``.
    clusters
        Code of each vote's cluster, from 0: a device, a subnet, a burst. Shape
        ``(n,)``.
    size
        How many entries there are. None: as many as the highest code says.
    known
        Whether the cluster of a vote is known; a vote of which it is not counts as
        one by itself. None: all are. Shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Scores: ``k`` votes of one cluster for one entry count ``sqrt(k)``. Shape
        ``(size,)``.

    Raises
    ------
    InvalidInputError
        If a code is no whole number from 0, or lengths differ.

    Notes
    -----
    A hundred identities on one subnet add ten votes and not a hundred: a cap on
    influence, and no verdict on anybody.
    ``O(n log n)``.

    Examples
    --------
    >>> capped_votes([0, 0, 0, 0, 1, 1], [7, 7, 7, 7, 1, 2]).tolist()
    [2.0, 2.0]
    """
    entry, cluster = (
        whole_column("entries", entries),
        whole_column("clusters", clusters),
    )
    if len(entry) != len(cluster):
        rule = f"as many as rows, {len(entry)}"
        raise InvalidInputError("clusters", len(cluster), rule)
    many = int(entry.max(initial=-1)) + 1
    if size is not None:
        if size < many:
            raise InvalidInputError("size", size, f"above the highest code, {many - 1}")
        many = size
    given = np.ones(len(entry), dtype=np.bool_)
    if known is not None:
        given = flags("known", known)
        if len(given) != len(entry):
            rule = f"as many as rows, {len(entry)}"
            raise InvalidInputError("known", len(given), rule)
    found = np.bincount(entry[~given], minlength=many).astype(np.float64)
    pairs = np.column_stack((entry[given], cluster[given]))
    places, counts = np.unique(pairs, axis=0, return_counts=True)
    np.add.at(found, places[:, 0], np.sqrt(counts))
    return found
