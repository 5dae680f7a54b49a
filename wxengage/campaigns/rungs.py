"""Rungs of a ladder (档位), and what may stand on one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

import attrs

from wxengage.errors import InvalidInputError, require_whole
from wxengage.money import Cash, Fen, Points, Reward, format_yuan

__all__ = [
    "LEAST_PAYOUT",
    "Rung",
    "Step",
    "amount_of",
    "require_payable",
    "rung_of",
    "rungs_of",
    "shown",
]

#: The least that WeChat pays at once, in fen. Source: the rule on transfers to
#: users (商家转账), 0.1 yuan; a red packet needs 1 yuan or a scene.
LEAST_PAYOUT: Final[Fen] = 10


def _above_zero(_: object, field: attrs.Attribute[int], got: object) -> None:
    require_whole(field.name, got, least=1)


def _a_reward(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, get_args(Reward)):
        raise InvalidInputError(
            field.name, got, "a reward", "for example Cash(yuan('8'))"
        )


@attrs.frozen
class Rung:
    """One step of a ladder as its author writes it (档位).

    Attributes
    ----------
    invites
        Valid invites needed to stand on it, at least 1.
    reward
        What is written there; ``Ladder.pays`` says whether it includes what is
        written below.
    """

    invites: int = attrs.field(validator=_above_zero)
    reward: Reward = attrs.field(validator=_a_reward)


@attrs.frozen
class Step:
    """What reaching a rung adds (新增奖励).

    Attributes
    ----------
    invites
        The rung reached.
    adds
        What is owed from there on and was not owed before.
    """

    invites: int
    adds: Reward


def rungs_of(given: object) -> tuple[Rung, ...]:
    """Return the rungs that a mapping, pairs or rungs mean."""
    pairs = given.items() if isinstance(given, Mapping) else given
    if not isinstance(pairs, Iterable) or isinstance(pairs, str | bytes):
        hint = "for example {3: yuan('8'), 6: yuan('15')}"
        raise InvalidInputError("rungs", given, "a mapping or pairs", hint)
    return tuple(rung_of(f"rungs[{row}]", pair) for row, pair in enumerate(pairs))


def rung_of(name: str, given: object) -> Rung:
    """Return the rung that a pair means; a whole number is fen of cash."""
    if isinstance(given, Rung):
        return given
    if not isinstance(given, tuple | list) or len(given) != len(("m", "reward")):
        hint = "for example (3, yuan('8'))"
        raise InvalidInputError(name, given, "invites and a reward", hint)
    invites, reward = given
    if isinstance(reward, int):
        require_whole(f"{name}.reward", reward, least=1)
        reward = Cash(reward)
    require_whole(f"{name}.invites", invites, least=1)
    return Rung(invites, reward)


def require_payable(name: str, adds: Reward) -> None:
    """Refuse cash that is less than WeChat pays at once."""
    if isinstance(adds, Cash) and adds.fen < LEAST_PAYOUT:
        rule = f"at least {format_yuan(LEAST_PAYOUT)}, the least that WeChat pays"
        hint = f"amounts are whole fen; did you mean yuan({str(adds.fen)!r})?"
        raise InvalidInputError(name, format_yuan(adds.fen), rule, hint)


def amount_of(reward: Reward, kind: type) -> int:
    """Return how much of one kind a reward is."""
    if not isinstance(reward, kind):
        return 0
    if isinstance(reward, Cash):
        return reward.fen
    return reward.n if isinstance(reward, Points) else 0


def shown(kind: type, amount: int) -> str:
    """Return an amount of cash or points as people read it."""
    return format_yuan(amount) if kind is Cash else f"{amount} points"
