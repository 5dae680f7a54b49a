"""What hits votes after they were given (撤回与作废), for all votes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from wxengage.campaigns.sources import EventColumns

__all__ = ["NEVER", "NO_VOTE", "named_votes", "next_mark"]

#: Stands for "no such instant": later than any.
NEVER: Final = np.iinfo(np.int64).max
#: A void that names no vote by its id.
NO_VOTE: Final = -1
_NO_SUCH_VOTE: Final = -2


def next_mark(
    marks: tuple[Sequence[NDArray[np.int64]], NDArray[np.int64]],
    votes: tuple[Sequence[NDArray[np.int64]], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Return the first mark of the same keys at the time of a vote, or after it.

    Parameters
    ----------
    marks, votes
        Columns of keys, and instants.

    Returns
    -------
    numpy.ndarray
        Microseconds, the latest there is for none. One for each vote.
    """
    size = len(marks[1])
    if not size or not len(votes[1]):
        return np.full(len(votes[1]), NEVER)
    columns = [np.concatenate(pair) for pair in zip(marks[0], votes[0], strict=True)]
    at = np.concatenate((marks[1], votes[1]))
    is_mark = np.arange(len(at)) < size
    # From the end of each run of keys backwards; a mark at a vote's instant hits it.
    order = np.lexsort((is_mark, at, *columns[::-1]))[::-1]
    ends = np.zeros(len(order), dtype=np.bool_)
    for column in columns:
        ends[1:] |= column[order][1:] != column[order][:-1]
    run = np.cumsum(ends)
    place = np.where(is_mark[order], np.arange(len(order)), -1)
    last = np.maximum.accumulate(place)
    there = (last >= 0) & (run[np.maximum(last, 0)] == run)
    found = np.full(len(at), NEVER)
    found[order[there]] = at[order[last[there]]]
    return found[size:]


def named_votes(events: EventColumns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which vote each void names by its group.

    Parameters
    ----------
    events
        Of all kinds.
    rows
        The voids.

    Returns
    -------
    numpy.ndarray
        Codes of ids; ``NO_VOTE`` for a void that names none, another negative number
        for a vote that is not there. Shape as ``rows``.
    """
    if "group" not in events.words:
        return np.full(len(rows), NO_VOTE)
    groups = [str(value) for value in events.values["group"].tolist()]
    used = np.unique(events.words["group"][rows]).tolist()
    wanted = {groups[code] for code in used if code >= 0}
    ids = enumerate(events.values.get("id", np.zeros(0)).tolist() if wanted else ())
    place = {str(value): code for code, value in ids if str(value) in wanted}
    codes = [place.get(text, _NO_SUCH_VOTE) for text in groups]
    known = np.array([*codes, NO_VOTE], dtype=np.int64)
    return known[events.words["group"][rows]]
