"""What folding a challenge's events in the order of time emits (打卡事实流)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wxengage.campaigns.checkins.folding import fold_act, reward_fact
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from wxengage.campaigns.checkins.replaying import Replayed
    from wxengage.campaigns.facts import Fact

__all__ = ["facts_of"]


def facts_of(found: Replayed) -> list[Fact]:
    """Return the facts about make-ups and rewards.

    Parameters
    ----------
    found
        A replay.

    Returns
    -------
    list of Fact
        By time. Those of whoever only checked in are read off their days; the
        others' acts are folded in the order of time.
    """
    calendar = found.calendar
    mixed = np.unique(np.append(calendar.make_ups.user, calendar.undos.user))
    facts = [*_plain(found, mixed), *_folded(found, mixed)]
    return sorted(facts, key=lambda fact: (micros("at", fact.at), fact.key))


def _plain(found: Replayed, mixed: NDArray[np.int64]) -> Iterator[Fact]:
    """Yield the facts of those who only checked in: milestones as they are reached."""
    cycle, count = found.counts
    paid = np.zeros(max(int(count.max(initial=0)), found.campaign.days) + 1, np.bool_)
    paid[list(found.campaign.pays)] = True
    rows = np.flatnonzero(paid[count] & ~np.isin(found.owner, mixed))
    # The first time only: a streak that begins anew reaches them again.
    place = np.stack([found.owner[rows], cycle[rows], count[rows]])
    _, firsts = np.unique(place, axis=1, return_index=True)
    rows = rows[np.sort(firsts)]
    keys = found.calendar.keys[rows]
    at = found.calendar.instants(keys) if len(keys) else keys
    names = found.ids.numpy()[found.owner[rows]]
    columns = (column.tolist() for column in (names, at, cycle[rows], count[rows]))
    for user, when, turn, reached in zip(*columns, strict=True):
        yield reward_fact(
            found.campaign, str(user), when, (turn, reached, 1), granted=True
        )


def _folded(found: Replayed, mixed: NDArray[np.int64]) -> Iterator[Fact]:
    names = found.ids.numpy()
    for user, acts in found.calendar.stories(mixed):
        state = found.campaign.start()
        for act in acts:
            state, facts = fold_act(state, str(names[user]), act, found.campaign)
            yield from facts
