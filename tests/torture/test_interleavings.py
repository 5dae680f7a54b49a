"""Two at once, stepped by hand through every read-then-write pair of the desk.

    pair                                    read, then written
    record / record, two friends            a subject's count, and its rewards
    record / record, the same event         the event's id
    record / record, one user               the user's profile
    record / record, the last budget        the balance of the budget
    record / publish                        the campaigns, the events known
    record / resume                         the campaign's state, held payouts
    record / amend                          unfunded payouts, the budget
    tick / tick, tick / record              a subject's clock, and its rewards
    claim / claim                           a held payout
    release / void, renew / renew           a payout, and its next generation
    dispatch / dispatch                     a letter's lease, the breakers
    dispatch / pause                        the campaign's state
    dispatch / withdrawal                   a payout's letter
    dispatch / resolve                      a payout in doubt
    keep / keep                             the version of a state
    enqueue / enqueue                       a letter's key
    invite_code / invite_code               a code's owner
    publish / publish                       a campaign's id
    amend / amend                           a campaign's version
    freeze / unfreeze                       a freeze

Each runs on SQLite, PostgreSQL and MariaDB. The first of two is stopped right before
its first write and before its commit; with ``-m torture`` before each of its steps.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pytest

from tests.torture.interleaving import COMMIT, FIRST_WRITE, interleaved
from tests.torture.story import signed
from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Paid, Payout
from wxengage.desk.opening import open_desk
from wxengage.desk.rows import payout_of
from wxengage.desk.settings import Settings
from wxengage.desk.terms import Terms
from wxengage.errors import (
    IllegalTransitionError,
    InvalidInputError,
    StaleStateError,
)
from wxengage.ledger.states import State
from wxengage.log.events import Event
from wxengage.money import Cash
from wxengage.sends import Freeze, Send
from wxengage.testing.checkers import check_safety
from wxengage.testing.stage import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.torture.interleaving import Both
    from wxengage.desk.desk import Desk
    from wxengage.ledger.records import PayoutRecord

NOON: Final = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
HOUR: Final = dt.timedelta(hours=1)
SETTINGS: Final = Settings(merchant="1900000109")
WHO: Final[dict[str, Any]] = {"by": "Lin", "reason": "a test"}
STOPS: Final = (FIRST_WRITE, COMMIT)
ENGINES: Final = ("sqlite", "postgres_url", "mysql_url")
# What runs each time, on PostgreSQL, stopped before the commit; these on all engines.
EVERYWHERE: Final = (
    "test_the_third_invite_of_two_friends_at_once",
    "test_the_last_budget_goes_to_one",
)
DAILY: Final = (
    *EVERYWHERE,
    "test_the_same_event_twice_at_once",
    "test_publishing_while_something_is_recorded",
    "test_recording_while_something_is_published",
    "test_resuming_while_something_is_granted",
    "test_claiming_twice_at_once",
    "test_two_workers_take_one_letter",
    "test_pausing_while_something_is_dispatched",
    "test_keeping_compares_before_it_sets",
)
# A dispatch ticks, leases, begins and records, each in a transaction that writes.
LEASES: Final = 1
BEGINS: Final = 2
# Few transactions here have more steps.
MOST_STEPS: Final = 50


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let two meet everywhere, and leave most of it to those who ask for torture."""
    if "where" not in metafunc.fixturenames:
        return
    name = metafunc.function.__name__
    asked = "torture" in metafunc.config.option.markexpr.replace("not torture", "")
    stops: list[tuple[str, str | int]] = [(one, at) for one in ENGINES for at in STOPS]
    if asked:
        stops += [("postgres_url", step) for step in range(1, MOST_STEPS)]
    metafunc.parametrize(
        ("place", "where"),
        [
            pytest.param(
                engine,
                stop,
                marks=()
                if stop == COMMIT
                and name in DAILY
                and (engine == "postgres_url" or name in EVERYWHERE)
                else pytest.mark.torture,
            )
            for engine, stop in stops
        ],
        indirect=["place"],
    )


def steps_of_a_dispatch(daily: int) -> list[Any]:
    """Return which transaction of a dispatch is stopped, and which of them daily."""
    return [
        pytest.param(step, marks=() if step == daily else pytest.mark.torture)
        for step in range(4)
    ]


@attrs.define
class Place:
    """A store on some engine, empty at first."""

    url: str
    clock: VirtualClock = attrs.field(factory=lambda: VirtualClock(NOON))

    def desk(self) -> Desk:
        """Return a desk for what comes before and after the meeting."""
        return open_desk(self.url, merchant="1900000109", clock=self.clock)

    def meet(
        self,
        first: Callable[[Desk], Any],
        second: Callable[[Desk], Any],
        where: str | int,
        *,
        skip: int = 0,
    ) -> Both:
        """Let two meet, and prove the books after it."""
        both = interleaved(
            self.url, SETTINGS, self.clock, (first, second), where, skip=skip
        )
        with self.desk() as desk:
            assert () == desk.audit()
            assert () == check_safety(desk.store)
        return both


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give a store that two can meet on, of each engine."""
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path}/desk.db")
    return Place(request.getfixturevalue(request.param))


# --- what there is before two meet ----------------------------------------------------


def ladder(**more: Any) -> Referral:
    """Return a campaign that pays at once for three friends."""
    given: dict[str, Any] = {
        "ladder": Ladder({3: 800}, pays="total"),
        "opens": NOON - HOUR,
        "closes": NOON + 100 * HOUR,
        "hold": dt.timedelta(0),
        "newness": "any",
        "placement": "own_app",
    }
    return Referral("spring", **{**given, **more})


def week(name: str = "week", fen: int = 100) -> CheckIn:
    """Return a campaign that pays for one check-in."""
    return CheckIn(
        name, opens=NOON - HOUR, closes=NOON + 100 * HOUR, days=1, reward=Cash(fen)
    )


def publish(desk: Desk, campaign: Any, **more: Any) -> None:
    """Publish a campaign, whatever the rules find."""
    desk.publish(campaign, overrides=signed(campaign), **more)


def follow(name: str, inviter: str = "ada") -> Event:
    """Return that a friend came."""
    return Event(
        "follow", user=name, at=NOON, id=f"f-{name}", inviter=inviter, campaign="spring"
    )


def check_in(user: str, campaign: str = "week") -> Event:
    """Return that somebody checked in."""
    return Event("check_in", user=user, at=NOON, id=f"c-{user}", campaign=campaign)


def payouts(desk: Desk) -> list[PayoutRecord]:
    """Return every payout there is, by number."""
    rows = desk.store.run(lambda tx: tx.walk("payout"), write=False)
    return [payout_of(row) for row in rows]


def states(desk: Desk) -> list[str]:
    """Return where the payouts stand, sorted."""
    return sorted(one.state.value for one in payouts(desk))


@attrs.define
class Payer:
    """Pays every number, or says what it was told to; counts the requests."""

    says: Any = None
    asked: list[str] = attrs.field(factory=list)
    paid: set[str] = attrs.field(factory=set)

    def pay(self, payout: Payout, now: dt.datetime) -> Any:
        """Pay a number once."""
        self.asked.append(payout.number)
        if self.says is None:
            self.paid.add(payout.number)
        return self.query(payout, now)

    def query(self, payout: Payout, now: dt.datetime) -> Any:
        """Say whether it was paid."""
        if self.says is not None:
            return self.says
        if payout.number not in self.paid:
            return Unknown("NOT_FOUND")
        return Paid(payout.number, now, "r", getattr(payout.reward, "fen", 0))


def dispatching(payer: Payer) -> Callable[[Desk], Any]:
    """Return what dispatches payouts."""
    return lambda desk: desk.dispatch(
        {"payout:cash": payer}, rng=np.random.default_rng(1)
    )


def recording(*events: Event) -> Callable[[Desk], Any]:
    """Return what records events."""
    return lambda desk: desk.record_many(events)


def drained(place: Place, payer: Payer | None = None) -> list[str]:
    """Dispatch until nothing is due; return where the payouts stand."""
    payer = Payer() if payer is None else payer
    with place.desk() as desk:
        for _ in range(50):
            dispatching(payer)(desk)
            due = desk.next_due()
            if due is None:
                break
            place.clock.at = max(place.clock.at, due)
        assert () == desk.audit()
        return states(desk)


# --- events ---------------------------------------------------------------------------


def test_the_third_invite_of_two_friends_at_once(
    place: Place, where: str | int
) -> None:
    """Two that commit together at two of three give one reward: no write skew."""
    with place.desk() as desk:
        publish(desk, ladder(), budget=10_000)
        desk.record(follow("bob"))

    both = place.meet(recording(follow("cyd")), recording(follow("dan")), where)

    assert [] == both.raised
    facts = [fact for told in (both.first, both.second) for fact in told.facts]
    assert 1 == sum(fact.kind == "granted" for fact in facts)
    assert ["paid"] == drained(place)


def test_two_friends_at_once_reach_a_rung_each(place: Place, where: str | int) -> None:
    """The fourth and the fifth of a ladder that pays for each."""
    with place.desk() as desk:
        each = Ladder({1: 100, 2: 100}, pays="each")
        publish(desk, ladder(ladder=each), budget=10_000)

    both = place.meet(recording(follow("cyd")), recording(follow("dan")), where)

    assert [] == both.raised
    assert ["paid", "paid"] == drained(place)


def test_the_same_event_twice_at_once(place: Place, where: str | int) -> None:
    """WeChat tells again while the first telling is being kept."""
    with place.desk() as desk:
        publish(desk, week(), budget=10_000)

    both = place.meet(recording(check_in("ada")), recording(check_in("ada")), where)

    assert [] == both.raised
    assert [False, True] == sorted(
        one[0].duplicate for one in (both.first, both.second)
    )
    assert ["paid"] == drained(place)


def test_one_id_with_two_contents_at_once(place: Place, where: str | int) -> None:
    """One of them is kept, and the other one is told so."""
    with place.desk() as desk:
        publish(desk, week(), budget=10_000)
    other = attrs.evolve(check_in("bob"), id="c-ada")

    both = place.meet(recording(check_in("ada")), recording(other), where)

    assert [InvalidInputError] == [type(one) for one in both.raised]
    assert ["paid"] == drained(place)


def test_two_events_of_one_user_at_once(place: Place, where: str | int) -> None:
    """What each says of the user is known afterwards."""
    left = Event("unfollow", user="ada", at=NOON + HOUR / 30, id="u1", account="shop")
    came = Event("follow", user="ada", at=NOON, id="f1", account="shop")
    with place.desk():
        pass

    both = place.meet(recording(came), recording(left), where)

    assert [] == both.raised
    with place.desk() as desk:
        row = desk.store.run(
            lambda tx: tx.get("profile", [("ada", "user")]), write=False
        )["ada", "user"]
    at = (NOON.isoformat()[:19], (NOON + HOUR / 30).isoformat()[:19])
    assert all(one in str(row[2]) for one in at), row


def test_the_last_budget_goes_to_one(place: Place, where: str | int) -> None:
    """Two rewards, money for one: nobody is promised what is not there."""
    with place.desk() as desk:
        publish(desk, week(), budget=150)

    both = place.meet(recording(check_in("ada")), recording(check_in("bob")), where)

    assert [] == both.raised
    assert ["paid", "unfunded"] == drained(place)


def test_publishing_while_something_is_recorded(place: Place, where: str | int) -> None:
    """What happens in a campaign counts, whichever of the two is first."""
    with place.desk():
        pass

    both = place.meet(
        recording(check_in("ada")),
        lambda desk: publish(desk, week(), budget=500),
        where,
    )

    assert [] == both.raised
    assert ["paid"] == drained(place)


def test_recording_while_something_is_published(place: Place, where: str | int) -> None:
    """The other way round."""
    with place.desk():
        pass

    both = place.meet(
        lambda desk: publish(desk, week(), budget=500),
        recording(check_in("ada")),
        where,
    )

    assert [] == both.raised
    assert ["paid"] == drained(place)


@pytest.mark.parametrize("first", ["record", "resume"])
def test_resuming_while_something_is_granted(
    place: Place, where: str | int, first: str
) -> None:
    """A reward of the last moment of a pause is paid after it."""
    with place.desk() as desk:
        publish(desk, week(), budget=500)
        desk.pause("week", **WHO)
    acts = [recording(check_in("ada")), lambda desk: desk.resume("week", **WHO)]
    if first == "resume":
        acts.reverse()

    both = place.meet(acts[0], acts[1], where)

    assert [] == both.raised
    assert ["paid"] == drained(place)


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


def test_closing_while_something_is_granted(place: Place, where: str | int) -> None:
    """What was earned before is paid."""
    with place.desk() as desk:
        publish(desk, week(), budget=500)

    both = place.meet(
        recording(check_in("ada")),
        lambda desk: desk.close("week", now=NOON + HOUR, **WHO),
        where,
    )

    assert [] == both.raised
    assert ["paid"] == drained(place)


def test_two_ticks_find_a_thing_once(place: Place, where: str | int) -> None:
    """The end of a hold, seen by two processes."""
    with place.desk() as desk:
        one = Ladder({1: 100}, pays="each")
        publish(desk, ladder(ladder=one, hold=HOUR), budget=500)
        desk.record(follow("bob"))
    place.clock.pass_time(2 * HOUR)

    both = place.meet(lambda desk: desk.tick(), lambda desk: desk.tick(), where)

    assert [] == both.raised
    assert ["paid"] == drained(place)


def test_leaving_while_the_hold_ends(place: Place, where: str | int) -> None:
    """Who left in time is not counted, whichever of the two is first."""
    with place.desk() as desk:
        one = Ladder({1: 100}, pays="each")
        publish(desk, ladder(ladder=one, hold=HOUR), budget=500)
        desk.record(follow("bob"))
    place.clock.pass_time(2 * HOUR)
    left = Event("unfollow", user="bob", at=NOON + HOUR / 2, id="u-bob")

    both = place.meet(lambda desk: desk.tick(), recording(left), where)

    assert [] == both.raised
    assert drained(place) in ([], ["cancelled"])


# --- money ----------------------------------------------------------------------------


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


# --- campaigns, and what applications keep --------------------------------------------


def test_publishing_twice_at_once(place: Place, where: str | int) -> None:
    """Two processes that start publish the same: it is there once, funded once."""
    with place.desk():
        pass

    def start(desk: Desk) -> Any:
        return desk.publish(week(), overrides=signed(week()), budget=500)

    both = place.meet(start, start, where)

    assert [] == both.raised
    assert [False, True] == sorted(one.new for one in (both.first, both.second))
    with place.desk() as desk:
        row = desk.store.run(lambda tx: tx.walk("balance"), write=False)
        assert 500 == next(one[4] for one in row if one[1] == "budget")


def test_amending_twice_at_once(place: Place, where: str | int) -> None:
    """Two later ends and two budgets: each is kept with its version."""
    with place.desk() as desk:
        publish(desk, week(), budget=100)

    def later(hours: int) -> Callable[[Desk], Any]:
        closes = NOON + (100 + hours) * HOUR
        return lambda desk: desk.amend("week", closes=closes, add_budget=hours, **WHO)

    both = place.meet(later(1), later(2), where)

    assert {InvalidInputError} >= {type(one) for one in both.raised}
    with place.desk() as desk:
        rows = desk.store.run(lambda tx: tx.walk("balance"), write=False)
        rules = desk.store.run(lambda tx: tx.walk("rules"), write=False)
    budget = next(one[4] for one in rows if one[1] == "budget")
    amended = 2 - len(both.raised)
    assert (100 + (3 if amended == 2 else 2), 1 + amended) == (budget, len(rules))


def test_keeping_compares_before_it_sets(place: Place, where: str | int) -> None:
    """Of two that read the same version, one keeps and one is told to read anew."""
    with place.desk() as desk:
        assert 1 == desk.keep("price", Cash(100))

    both = place.meet(
        lambda desk: desk.keep("price", Cash(200), expect=1),
        lambda desk: desk.keep("price", Cash(300), expect=1),
        where,
    )

    assert [StaleStateError] == [type(one) for one in both.raised]
    with place.desk() as desk:
        kept = desk.kept("price")
    assert kept is not None
    assert 2 == kept.version


def test_keeping_first_twice_at_once(place: Place, where: str | int) -> None:
    """There is no version yet that either could expect."""
    with place.desk():
        pass

    both = place.meet(
        lambda desk: desk.keep("price", Cash(200)),
        lambda desk: desk.keep("price", Cash(300)),
        where,
    )

    assert [StaleStateError] == [type(one) for one in both.raised]


def test_putting_one_letter_in_twice_at_once(place: Place, where: str | int) -> None:
    """A plan that is put in by two processes goes once."""
    send = Send("s1", "ada", "app_push", "hello")
    with place.desk():
        pass

    both = place.meet(
        lambda desk: desk.enqueue([send]), lambda desk: desk.enqueue([send]), where
    )

    assert [] == both.raised
    assert [0, 1] == sorted(one.new for one in (both.first, both.second))


def test_asking_for_one_code_twice_at_once(place: Place, where: str | int) -> None:
    """A user has one code, however often it is asked for."""
    with place.desk() as desk:
        publish(desk, ladder(), budget=10_000)

    def code(desk: Desk) -> Any:
        return desk.invite_code("spring", "ada", carrier="wecom")

    both = place.meet(code, code, where)

    assert [] == both.raised
    assert both.first == both.second


def test_freezing_twice_at_once(place: Place, where: str | int) -> None:
    """The same freeze of two people is one."""
    freeze = Freeze(
        topics=("sale",), segments=None, start=NOON, end=NOON + HOUR, because="a crisis"
    )
    with place.desk():
        pass

    both = place.meet(
        lambda desk: desk.freeze(freeze, **WHO),
        lambda desk: desk.freeze(freeze, **WHO),
        where,
    )

    assert [] == both.raised
    with place.desk() as desk:
        assert 1 == len(desk.freezes())
