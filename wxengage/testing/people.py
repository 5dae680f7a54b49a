"""The people of a simulation (模拟中的人): operators, and users who claim.

They see what the store has, and act on it later, when it may be otherwise already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wxengage.campaigns.facts import GRANTED, REWARD_KINDS
from wxengage.desk.granting import UNCLAIMED
from wxengage.desk.rows import fact_of, payout_of
from wxengage.ledger.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from wxengage.delivery.outbox.breakers import Breaker
    from wxengage.desk.desk import Desk
    from wxengage.ledger.records import PayoutRecord
    from wxengage.stores.schema import Row
    from wxengage.testing.provider import FaultyProvider

__all__ = ["claim_some", "operate", "see_to_all"]

_BY: Final = "operator"
_WHY: Final = "a simulated decision"
_BUDGET: Final = 300


def _payouts(desk: Desk, state: State) -> list[PayoutRecord]:
    """Return the payouts that stand somewhere, the oldest first."""
    rows = desk.store.run(
        lambda tx: tx.find("payout", "by_state", (state.value,)), write=False
    )
    return [payout_of(row) for row in rows]


def _campaigns(desk: Desk) -> list[Row]:
    return list(desk.store.run(lambda tx: tx.walk("campaign"), write=False))


def _breakers(desk: Desk) -> tuple[Breaker, ...]:
    return desk.health().troubles


def _dead(desk: Desk) -> list[str]:
    rows = desk.store.run(
        lambda tx: tx.find("letter", "by_state", ("dead",)), write=False
    )
    parked = {one.payout.number for one in _payouts(desk, State.PARKED)}
    return [str(row[0]) for row in rows if row[0] not in parked]


def _is_owed(desk: Desk, record: PayoutRecord) -> bool:
    """Return whether a reward was granted once more than it was withdrawn."""
    user = (record.payout.user,)
    rows = desk.store.run(lambda tx: tx.find("fact", "by_user", user), write=False)
    found = [fact_of(row).fact for row in rows if row[3] in REWARD_KINDS]
    place = (record.payout.campaign, record.reward_key)
    moves = [
        1 if fact.kind == GRANTED else -1
        for fact in found
        if (fact.campaign, fact.reward_key) == place
    ]
    return sum(moves) > 0


def _is_latest(desk: Desk, record: PayoutRecord) -> bool:
    """Return whether a reward has no later number than this."""
    paid = record.payout
    place = (paid.campaign, paid.user, record.reward_key)
    rows = desk.store.run(lambda tx: tx.find("payout", "by_reward", place), write=False)
    return max(int(row[4] or 0) for row in rows) == paid.generation


def claim_some(desk: Desk, rng: np.random.Generator) -> None:
    """Let a user claim one of the rewards that wait for it.

    Parameters
    ----------
    desk
        The users' desk.
    rng
        Chance.
    """
    waiting = [one for one in _payouts(desk, State.HELD) if one.because == UNCLAIMED]
    if waiting:
        one = _one_of(waiting, rng)
        desk.claim(one.payout.user, one.payout.number)


def operate(desk: Desk, provider: FaultyProvider, rng: np.random.Generator) -> None:
    """Let an operator do one thing.

    Parameters
    ----------
    desk
        The operator's desk.
    provider
        In whose books is looked up what was paid.
    rng
        Chance.
    """
    acts = (_turn, _turn, _give, _lift, _lift, _lift, _revive, _resolve, _renew, _hint)
    _one_of(acts, rng)(desk, provider, rng)


def _turn(desk: Desk, _: FaultyProvider, rng: np.random.Generator) -> None:
    row = _one_of(_campaigns(desk), rng)
    # A campaign is paused less often than it runs.
    if row[1] == "paused":
        desk.resume(str(row[0]), by=_BY, reason=_WHY)
    elif rng.random() < 0.25:  # noqa: PLR2004  every fourth
        desk.pause(str(row[0]), by=_BY, reason=_WHY)


def _give(desk: Desk, _: FaultyProvider, rng: np.random.Generator) -> None:
    row = _one_of(_campaigns(desk), rng)
    if rng.random() < 0.25:  # noqa: PLR2004  every fourth
        more = int(rng.integers(1, _BUDGET))
        desk.amend(str(row[0]), add_budget=more, by=_BY, reason=_WHY)


def _lift(desk: Desk, _: FaultyProvider, rng: np.random.Generator) -> None:
    if troubles := _breakers(desk):
        desk.lift(_one_of(troubles, rng).place, by=_BY, reason=_WHY)


def _revive(desk: Desk, _: FaultyProvider, rng: np.random.Generator) -> None:
    if dead := _dead(desk):
        desk.revive(_one_of(dead, rng), by=_BY, reason=_WHY)


def _resolve(desk: Desk, provider: FaultyProvider, rng: np.random.Generator) -> None:
    if parked := _payouts(desk, State.PARKED):
        _look_up(desk, provider, _one_of(parked, rng))


def _look_up(desk: Desk, provider: FaultyProvider, record: PayoutRecord) -> None:
    told = provider.evidence(record.payout)
    if told is not None:
        number = record.payout.number
        desk.resolve(number, told, by=_BY, evidence="the provider's books")


def _renew(desk: Desk, _: FaultyProvider, rng: np.random.Generator) -> None:
    over = [
        one
        for state in (State.EXPIRED_REFUNDED, State.FAILED)
        for one in _payouts(desk, state)
        if one.renewable
    ]
    if over and _is_owed(desk, one := _one_of(over, rng)):
        desk.renew(one.payout.number, by=_BY, reason=_WHY)


def _hint(desk: Desk, provider: FaultyProvider, rng: np.random.Generator) -> None:
    if provider.payments:
        desk.hint(_one_of(sorted(provider.payments), rng))


def see_to_all(desk: Desk, provider: FaultyProvider, budget: int | None) -> None:
    """See to all that waits for people.

    Parameters
    ----------
    desk
        A desk that nothing goes wrong with.
    provider
        In whose books is looked up what was paid.
    budget
        What each campaign is given besides, in fen; None: nothing.
    """
    for name, state, *_ in _campaigns(desk):
        if state == "paused":
            desk.resume(str(name), by=_BY, reason=_WHY)
        if budget is not None:
            desk.amend(str(name), add_budget=budget, by=_BY, reason=_WHY)
    _let_go(desk)
    _settle(desk, provider)
    for breaker in _breakers(desk):
        desk.lift(breaker.place, by=_BY, reason=_WHY)
    for key in _dead(desk):
        desk.revive(key, by=_BY, reason=_WHY)


def _let_go(desk: Desk) -> None:
    """Claim what waits to be claimed, and release what is held."""
    for one in _payouts(desk, State.HELD):
        if one.because == UNCLAIMED:
            desk.claim(one.payout.user, one.payout.number)
        else:
            desk.release(one.payout.number, by=_BY, reason=_WHY)


def _settle(desk: Desk, provider: FaultyProvider) -> None:
    """Look up what the desk cannot find out by itself."""
    for record in _payouts(desk, State.PARKED):
        _look_up(desk, provider, record)
    for record in _payouts(desk, State.CANCELLED):
        # Granted anew after it was called off, when it had been asked for in vain:
        # somebody looks it up before it gets another number.
        if _is_latest(desk, record) and _is_owed(desk, record):
            _look_up(desk, provider, record)
            desk.renew(record.payout.number, by=_BY, reason=_WHY)


def _one_of(given: Sequence[Any], rng: np.random.Generator) -> Any:  # noqa: ANN401  any of them
    return given[int(rng.integers(len(given)))]
