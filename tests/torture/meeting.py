"""What two need that meet: a store of each engine, campaigns, and who pays."""

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
from wxengage.log.events import Event
from wxengage.money import Cash
from wxengage.testing.checkers import check_safety
from wxengage.testing.stage import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.torture.interleaving import Both
    from wxengage.desk.desk import Desk
    from wxengage.ledger.records import PayoutRecord

__all__ = [
    "BEGINS",
    "HOUR",
    "LEASES",
    "NOON",
    "WHO",
    "Payer",
    "Place",
    "check_in",
    "dispatching",
    "drained",
    "follow",
    "ladder",
    "payouts",
    "place",
    "publish",
    "pytest_generate_tests",
    "recording",
    "states",
    "steps_of_a_dispatch",
    "week",
]

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
