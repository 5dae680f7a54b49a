"""Two at once who claim, decide and pay: the rest of ``test_interleavings``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.torture.meeting import (
    BEGINS,
    HOUR,
    LEASES,
    NOON,
    WHO,
    Payer,
    Place,
    check_in,
    dispatching,
    drained,
    payouts,
    place,
    publish,
    pytest_generate_tests,
    recording,
    states,
    steps_of_a_dispatch,
    week,
)
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Paid
from wxengage.desk.terms import Terms
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.ledger.states import State
from wxengage.log.events import Event

if TYPE_CHECKING:
    from wxengage.desk.desk import Desk

__all__ = ["place", "pytest_generate_tests"]


# --- money ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["record", "amend"])
def test_adding_budget_while_something_is_granted(
    place: Place, where: str | int, first: str
) -> None:
    """Whoever waits for money gets it, also who came to wait just now."""
    with place.desk() as desk:
        publish(desk, week(), budget=50)
    acts = [
        recording(check_in("ada")),
        lambda desk: desk.amend("week", add_budget=100, **WHO),
    ]
    if first == "amend":
        acts.reverse()

    both = place.meet(acts[0], acts[1], where)

    assert [] == both.raised
    assert ["paid"] == drained(place)


def test_claiming_twice_at_once(place: Place, where: str | int) -> None:
    """Two taps on one button are one claim."""
    with place.desk() as desk:
        publish(desk, week(), budget=500, terms=Terms(pays="on_claim"))
        desk.record(check_in("ada"))
        number = payouts(desk)[0].payout.number

    def claim(desk: Desk) -> Any:
        return desk.claim("ada", number)

    both = place.meet(claim, claim, where)

    assert [] == both.raised
    assert ["paid"] == drained(place)


@pytest.mark.parametrize("first", ["claim", "pause"])
def test_claiming_while_a_campaign_is_paused(
    place: Place, where: str | int, first: str
) -> None:
    """Nothing is paid in a pause, and nothing is lost by it."""
    with place.desk() as desk:
        publish(desk, week(), budget=500, terms=Terms(pays="on_claim"))
        desk.record(check_in("ada"))
        number = payouts(desk)[0].payout.number
    acts = [
        lambda desk: desk.claim("ada", number),
        lambda desk: desk.pause("week", **WHO),
    ]
    if first == "pause":
        acts.reverse()

    both = place.meet(acts[0], acts[1], where)

    assert [] == both.raised
    payer = Payer()
    with place.desk() as desk:
        dispatching(payer)(desk)
        assert [] == payer.asked
        desk.resume("week", **WHO)
        desk.claim("ada", number)
    assert ["paid"] == drained(place)


def test_releasing_while_it_is_voided(place: Place, where: str | int) -> None:
    """Either it goes or it is called off."""
    with place.desk() as desk:
        publish(desk, week(), budget=500, terms=Terms(pays="on_claim"))
        desk.record(check_in("ada"))
        number = payouts(desk)[0].payout.number

    both = place.meet(
        lambda desk: desk.release(number, **WHO),
        lambda desk: desk.void(number, **WHO),
        where,
    )

    assert {InvalidInputError, IllegalTransitionError} >= {
        type(one) for one in both.raised
    }
    # The void comes last, or the release is refused: it is called off either way.
    with place.desk() as desk:
        assert ["cancelled"] == states(desk)


def test_renewing_twice_at_once(place: Place, where: str | int) -> None:
    """A reward has one next number."""
    with place.desk() as desk:
        publish(desk, week(), budget=500, terms=Terms(pays="on_claim"))
        desk.record(check_in("ada"))
        number = payouts(desk)[0].payout.number
        desk.void(number, **WHO)

    def renew(desk: Desk) -> Any:
        return desk.renew(number, **WHO)

    both = place.meet(renew, renew, where)

    assert 1 >= len(both.raised)
    assert ["cancelled", "paid"] == drained(place)


@pytest.mark.parametrize("skip", steps_of_a_dispatch(LEASES))
def test_two_workers_take_one_letter(place: Place, where: str | int, skip: int) -> None:
    """Leased, begun and recorded by one of them."""
    with place.desk() as desk:
        publish(desk, week(), budget=500)
        desk.record(check_in("ada"))
    payer = Payer()

    both = place.meet(dispatching(payer), dispatching(payer), where, skip=skip)

    assert [] == both.raised
    assert 1 == len(payer.asked)
    assert ["paid"] == drained(place, payer)


@pytest.mark.parametrize("skip", steps_of_a_dispatch(BEGINS))
def test_pausing_while_something_is_dispatched(
    place: Place, where: str | int, skip: int
) -> None:
    """When pause has returned, no request is begun any more."""
    with place.desk() as desk:
        publish(desk, week(), budget=500)
        desk.record(check_in("ada"))
    payer = Payer()

    both = place.meet(
        dispatching(payer), lambda desk: desk.pause("week", **WHO), where, skip=skip
    )

    assert [] == both.raised
    if both.met and not both.waited and skip <= BEGINS:
        # It had returned before the request was begun.
        assert [] == payer.asked
    asked = len(payer.asked)
    with place.desk() as desk:
        dispatching(payer)(desk)
        assert asked == len(payer.asked)
        desk.resume("week", **WHO)
    assert ["paid"] == drained(place, payer)


@pytest.mark.parametrize("skip", steps_of_a_dispatch(BEGINS))
def test_a_reward_is_withdrawn_while_it_is_paid(
    place: Place, where: str | int, skip: int
) -> None:
    """It is called off, or it arrives: never both, never neither."""
    with place.desk() as desk:
        publish(desk, week(), budget=500)
        desk.record(check_in("ada"))
    payer = Payer()
    void = Event(
        "void", user="ada", at=NOON, id="v1", campaign="week", item="2026-03-02"
    )

    both = place.meet(dispatching(payer), recording(void), where, skip=skip)

    assert [] == both.raised
    assert [["cancelled"], ["paid"]][len(payer.paid)] == drained(place, payer)


@pytest.mark.parametrize("first", ["dispatch", "resolve"])
def test_resolving_while_it_is_asked_about(
    place: Place, where: str | int, first: str
) -> None:
    """A person and a query find out at once."""
    with place.desk() as desk:
        publish(desk, week(), budget=500)
        desk.record(check_in("ada"))
        number = payouts(desk)[0].payout.number
        payer = Payer(Unknown("cut off"))
        for _ in range(40):
            dispatching(payer)(desk)
            if payouts(desk)[0].state is State.PARKED:
                break
            place.clock.pass_time(2 * HOUR)
        assert ["parked"] == states(desk)
        desk.hint(number)
    told = Paid(number, NOON, "r", 100)
    honest = Payer(paid={number})
    acts = [
        dispatching(honest),
        lambda desk: desk.resolve(number, told, by="Lin", evidence="row 7"),
    ]
    if first == "resolve":
        acts.reverse()

    both = place.meet(acts[0], acts[1], where)

    assert [] == both.raised
    assert ["paid"] == drained(place, honest)
