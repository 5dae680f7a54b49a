"""Facts and rewards as columns (事实与奖励的数据列)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wxengage.log.summary import instants
from wxengage.money import Cash, Coupon, Points
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from wxengage.campaigns.facts import Fact
    from wxengage.campaigns.standings import Columns
    from wxengage.log.frames import Ids
    from wxengage.money import Reward

__all__ = ["entitled", "fact_columns", "reward_row"]


def reward_row(reward: Reward) -> tuple[str, str, int]:
    """Return kind, name and amount of a reward.

    Parameters
    ----------
    reward
        Cash in fen, points, a coupon or a perk.

    Returns
    -------
    kind
        cash, points, coupon or perk.
    name
        Of the coupon's stock or the perk; empty for the others.
    amount
        Fen, or points; 1 of the others.
    """
    if isinstance(reward, Cash):
        return "cash", "", reward.fen
    if isinstance(reward, Points):
        return "points", "", reward.n
    if isinstance(reward, Coupon):
        return "coupon", reward.stock_id, 1
    return "perk", reward.name, 1


def entitled(ids: Ids, reward: Reward) -> Columns:
    """Return the table in which everybody is entitled to one reward.

    Parameters
    ----------
    ids
        Who.
    reward
        What.

    Returns
    -------
    Columns
        user, kind, name and amount.
    """
    kind, name, amount = reward_row(reward)
    size = len(ids)
    return {
        "user": ids,
        "kind": np.full(size, kind, dtype=object),
        "name": np.full(size, name, dtype=object),
        "amount": np.full(size, amount, dtype=np.int64),
    }


def fact_columns(facts: Sequence[Fact]) -> Columns:
    """Return facts as a table.

    Parameters
    ----------
    facts
        In the order of the rows.

    Returns
    -------
    Columns
        kind, user, other, at, key; kind, name and amount of the reward as in
        ``reward_row``, empty and 0 where none moves; reason, zh and en.
    """

    def words(values: list[str]) -> NDArray[Any]:
        return np.fromiter(values, dtype=object, count=len(values))

    rewards = [
        ("", "", 0) if fact.reward is None else reward_row(fact.reward)
        for fact in facts
    ]
    at = np.array([micros("at", fact.at) for fact in facts], dtype=np.int64)
    return {
        "kind": words([fact.kind for fact in facts]),
        "user": words([fact.user for fact in facts]),
        "other": words([fact.other or "" for fact in facts]),
        "at": instants(at),
        "key": words([fact.key for fact in facts]),
        "reward": words([kind for kind, _, _ in rewards]),
        "name": words([name for _, name, _ in rewards]),
        "amount": np.array([amount for _, _, amount in rewards], dtype=np.int64),
        "reason": words([fact.reason for fact in facts]),
        "zh": words([fact.zh for fact in facts]),
        "en": words([fact.en for fact in facts]),
    }
