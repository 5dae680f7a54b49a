"""Any order of what a desk can be told: hypothesis looks for the shortest that breaks.

After every step the books are proved and the provider's truth is looked at; at the end
the faults stop, people see to what is left, and everything must have come to its end
as the model says that knows nothing but the events.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.torture import story
from tests.torture.model import (
    ChallengeRules,
    LadderRules,
    owed_by_challenge,
    owed_by_ladder,
    valid_invites,
)
from wxengage.campaigns.checkins.terms import Milestone
from wxengage.campaigns.ladder import Ladder
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Refused
from wxengage.desk.desk import Desk
from wxengage.desk.rows import payout_of
from wxengage.desk.terms import Terms
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash
from wxengage.stores.opening import open_store
from wxengage.testing.checkers import check_finished, check_safety
from wxengage.testing.people import operate, see_to_all
from wxengage.testing.provider import PROVIDER_FAULTS, FaultyProvider
from wxengage.testing.stage import Crash, VirtualClock
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.ledger.records import PayoutRecord

USERS: Final = ("ada", "bob", "cyd", "dan", "eve")
SKEW: Final = dt.timedelta(minutes=5)
FAR: Final = story.CLOSES + dt.timedelta(days=365)
# One friend is enough, and so is one day.
RUNGS: Final = {1: 100, 2: 250}
DAYS: Final = {1: 60, 2: 150}
HOLD: Final = dt.timedelta(hours=1)
REVOKE: Final = dt.timedelta(days=2)
LADDER: Final = attrs.evolve(
    story.LADDER, ladder=Ladder(RUNGS, pays="each"), hold=HOLD, revoke_until=REVOKE
)
CHALLENGE: Final = attrs.evolve(
    story.CHALLENGE,
    days=2,
    reward=Cash(DAYS[2]),
    milestones=(Milestone(1, Cash(DAYS[1])),),
)
MICRO: Final = dt.timedelta(microseconds=1)
# What a dispatch meets: all is well, a fault, or the worker dies on the way.
MEETS: Final = ("", "", *PROVIDER_FAULTS, "dies before it asks", "dies after it asked")


@attrs.define
class Door:
    """The way to the provider, on which a worker may die."""

    provider: FaultyProvider
    meets: str = ""

    def pay(self, payout: Any, now: dt.datetime) -> Any:
        """Ask to pay."""
        return self._through(self.provider.pay, payout, now)

    def query(self, payout: Any, now: dt.datetime) -> Any:
        """Ask what became of a number."""
        return self._through(self.provider.query, payout, now)

    def _through(self, ask: Any, payout: Any, now: dt.datetime) -> Any:
        if self.meets == "dies before it asks":
            raise Crash
        answer = ask(payout, now)
        if self.meets == "dies after it asked":
            raise Crash
        return answer


class Shop(RuleBasedStateMachine):
    """A desk with two campaigns, those who take part, and a provider that fails."""

    def __init__(self) -> None:
        """Open for business."""
        super().__init__()
        self.clock = VirtualClock(story.OPENS + dt.timedelta(hours=1))
        self.store = open_store("memory://", now=self.clock)
        self.desk = Desk(self.store, story.SETTINGS)
        self.rng = np.random.default_rng(0)
        self.provider = FaultyProvider(self.rng, self.clock, rate=0)
        self.provider.wait = self.clock.pass_time
        self.door = Door(self.provider)
        self.told: dict[str, Event] = {}
        self.published = False
        self.closes = story.CLOSES
        self.latest = self.clock()

    @initialize(
        budget=st.sampled_from([100, 400, 5_000]),
        friends=st.lists(st.sampled_from(USERS[2:]), unique=True),
    )
    def opens(self, budget: int, friends: list[str]) -> None:
        """Publish the ladder; the challenge comes when it comes, friends are there."""
        self.budget = budget
        self.desk.backfill([])
        self.desk.publish(LADDER, budget=budget, overrides=story.signed(LADDER))
        for friend in friends:
            self.tell("follow", friend, "ada", 0)
        self.pass_time(60)

    # What is told.

    @precondition(lambda self: not self.published)
    @rule()
    def publish(self) -> None:
        """Publish the challenge, for which there may be check-ins already."""
        self.published = True
        self.desk.publish(
            CHALLENGE,
            budget=self.budget,
            terms=Terms(pays="on_claim"),
            overrides=story.signed(CHALLENGE),
        )

    @rule(
        kind=st.sampled_from(["follow", "follow", "unfollow", "check_in"]),
        user=st.sampled_from(USERS),
        inviter=st.sampled_from([*USERS[:2], None]),
        ago=st.sampled_from([0, 0, 1, 30, 60 * 25]),
    )
    def tell(self, kind: str, user: str, inviter: str | None, ago: int) -> None:
        """Tell something new, of now or of a while ago."""
        event = self._made(kind, user, inviter, ago)
        receipt = self.desk.record(event)
        assert not receipt.duplicate
        self.told[str(event.id)] = event

    def _made(self, kind: str, user: str, inviter: str | None, ago: int) -> Event:
        at = self.clock() - dt.timedelta(minutes=ago)
        name = f"e{len(self.told)}"
        if kind == "check_in":
            at = max(at, story.OPENS)
            return Event(kind, user=user, at=at, id=name, campaign=CHALLENGE.id)
        if kind == "unfollow" or inviter is None:
            return Event(kind, user=user, at=at, id=name)
        return Event(
            kind,
            user=user,
            at=at,
            id=name,
            inviter=inviter,
            campaign=LADDER.id,
        )

    @precondition(lambda self: self.told)
    @rule(data=st.data(), fresh=st.booleans(), user=st.sampled_from(USERS))
    def tell_again(self, data: st.DataObject, fresh: bool, user: str) -> None:
        """Tell several known things in any order, and perhaps a new one between."""
        names = data.draw(st.lists(st.sampled_from(sorted(self.told)), max_size=3))
        events = [self.told[name] for name in names]
        if fresh:
            new = self._made("follow", user, "ada", 0)
            events.insert(len(events) // 2, new)
        if self._not_yet(events):
            with pytest.raises(InvalidInputError, match="five minutes from now"):
                self.desk.record_many(events)
            return
        receipts = self.desk.record_many(events)
        known = [one.duplicate for one in receipts]
        assert [event.id in self.told for event in events] == known
        self.told |= {str(event.id): event for event in events}

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def contradict(self, data: st.DataObject) -> None:
        """Tell a known id with other content: it is refused, and nothing changes."""
        event = self.told[data.draw(st.sampled_from(sorted(self.told)))]
        other = attrs.evolve(event, at=event.at - dt.timedelta(seconds=1))
        told = "five minutes from now" if self._not_yet([other]) else "other content"
        with pytest.raises(InvalidInputError, match=told):
            self.desk.record(other)

    def _not_yet(self, events: list[Event]) -> bool:
        """Return whether something has not happened yet, by a clock that went back."""
        latest = self.clock() + SKEW
        return any(event.at > latest for event in events)

    # What is done about it.

    @rule()
    def tick(self) -> None:
        """Let time decide; then everybody's progress is what the model says."""
        self.desk.tick()
        if self.clock() < self.latest:
            # What was decided by a clock that was ahead stays decided.
            return
        now = micros("now", self.clock())
        counts = valid_invites(self._ladder(), self._rows(), now)
        owed = self._owed()
        for user in USERS:
            shown = {one.campaign: one for one in self.desk.progress(user).campaigns}
            count = shown["ladder"].count if "ladder" in shown else 0
            assert counts.get(user, 0) == count
            states = {
                (name, user, reward.reward_key): reward.state
                for name, one in shown.items()
                for reward in one.rewards
            }
            theirs = {place for place in owed if place[1] == user}
            assert theirs <= states.keys()
            # What was withdrawn is called off, or had been asked for already.
            waits = {"held", "unfunded", "reserved"}
            assert all(states[one] not in waits for one in states.keys() - theirs)

    @rule(
        meets=st.sampled_from(MEETS),
        limit=st.sampled_from([20, 1]),
        wait=st.sampled_from([0, 10, 60]),
    )
    def dispatch(self, meets: str, limit: int, wait: int) -> None:
        """Send what is due; all requests of a dispatch meet the same."""
        self.pass_time(wait)
        self.door.meets = meets
        if meets in PROVIDER_FAULTS:
            self.provider.faults, self.provider.rate = (meets,), 1
        try:
            self.desk.dispatch({"payout:cash": self.door}, limit=limit, rng=self.rng)
        except Crash:
            # Another process takes over, with nothing in its memory.
            self.desk = Desk(self.store, story.SETTINGS)
        self.latest = max(self.latest, self.clock())
        self.door.meets, self.provider.rate = "", 0

    @rule(meets=st.sampled_from(MEETS))
    def dispatch_again(self, meets: str) -> None:
        """Go on with what was in doubt."""
        self.dispatch(meets, 20, 10)

    @rule(seed=st.integers(0, 99))
    def decide(self, seed: int) -> None:
        """Let an operator pause, resume, add budget, lift, revive, resolve or renew."""
        try:
            operate(self.desk, self.provider, np.random.default_rng(seed))
        except (IllegalTransitionError, InvalidInputError) as error:
            raise AssertionError("nobody came between") from error

    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        """Claim one's own reward; somebody else's is refused."""
        found = [one.payout for one in self._payouts()]
        if not found:
            return
        payout = data.draw(st.sampled_from(found))
        user = data.draw(st.sampled_from(USERS))
        if user == payout.user:
            record = self.desk.claim(user, payout.number)
            assert record == self.desk.claim(user, payout.number)
        else:
            with pytest.raises(InvalidInputError, match="own"):
                self.desk.claim(user, payout.number)

    @rule(hours=st.sampled_from([1, 48]))
    def prolong(self, hours: int) -> None:
        """Move the end of the ladder, before anybody can have come too late."""
        if self.latest < story.CLOSES - dt.timedelta(days=2):
            self.closes += dt.timedelta(hours=hours)
            self.desk.amend("ladder", closes=self.closes, by="Lin", reason="it runs")

    @rule(minutes=st.sampled_from([-30, 1, 10, 60, 25 * 60, 25 * 60]))
    def pass_time(self, minutes: int) -> None:
        """Let time go by, or back."""
        self.clock.pass_time(dt.timedelta(minutes=minutes))
        self.latest = max(self.latest, self.clock())

    # What must hold.

    @invariant()
    def books_are_sound(self) -> None:
        """Nothing is lost, oversold, or paid twice, at any moment."""
        assert () == self.desk.audit()
        assert () == check_safety(self.store, self.provider, acked=self.told)

    @invariant()
    def statements_add_up(self) -> None:
        """Find what was given somewhere, all of it."""
        for name in ("ladder", "challenge")[: 1 + self.published]:
            for line in self.desk.statement(name, FAR).lines:
                fields = attrs.asdict(line)
                assert fields.pop("unit") == "fen"
                assert fields.pop("funded") == sum(fields.values())
                assert min(fields.values()) >= 0

    def teardown(self) -> None:
        """Let nothing go wrong any more, until nothing is left to do."""
        if not self.published:
            self.publish()
        self.provider.rate, self.provider.wait = 0, None
        self.clock.at = max(self.clock(), self.latest)
        for _ in range(3):
            see_to_all(self.desk, self.provider, None)
            self._drain()
        self.books_are_sound()
        finished = check_finished(
            self.store, self.provider, self._owed(), acked=self.told
        )
        assert () == finished
        self.store.close()

    def _drain(self) -> None:
        for _ in range(500):
            self.desk.dispatch({"payout:cash": self.door}, rng=self.rng)
            due = self.desk.next_due()
            if due is None:
                return
            self.clock.at = max(self.clock(), due)
        raise AssertionError("it does not come to an end")

    def _rows(self) -> list[dict[str, Any]]:
        """Return what was told, as the model reads it."""
        return [
            {**attrs.asdict(event), "at": micros("at", event.at)}
            for event in self.told.values()
        ]

    def _owed(self) -> dict[tuple[str, str, str], int]:
        rows = self._rows()
        owed = owed_by_ladder(self._ladder(), rows, micros("now", self.clock()))
        if self.published:
            opens, closes = micros("at", story.OPENS), micros("at", story.CLOSES)
            rules = ChallengeRules(CHALLENGE.id, opens, closes, DAYS)
            owed |= owed_by_challenge(rules, rows)
        return owed

    def _ladder(self) -> LadderRules:
        opens, closes = micros("at", story.OPENS), micros("at", self.closes)
        return LadderRules(
            LADDER.id, opens, closes, HOLD // MICRO, REVOKE // MICRO, RUNGS
        )

    def _payouts(self) -> list[PayoutRecord]:
        rows = self.store.run(lambda tx: tx.walk("payout"), write=False)
        return [payout_of(row) for row in rows]


class Hasty(Door):
    """Takes what it does not know for a failure."""

    def pay(self, payout: Any, now: dt.datetime) -> Any:
        """Ask to pay; whatever is no answer is a refusal."""
        try:
            answer = super().pay(payout, now)
        except ConnectionError:
            answer = Unknown("cut off")
        if isinstance(answer, Unknown):
            return Refused(payout.number, "timeout", final=True, action="drop")
        return answer


class HastyShop(Shop):
    """A shop whose adapter is wrong."""

    def __init__(self) -> None:
        """Open with another door."""
        super().__init__()
        self.door = Hasty(self.provider)


def _run(
    examples: int,
    steps: int,
    shop: type[Shop] = Shop,
    phases: tuple[Phase, ...] = tuple(Phase),
) -> None:
    logging.disable(logging.ERROR)
    try:
        run_state_machine_as_test(
            shop,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                phases=phases,
            ),
        )
    finally:
        logging.disable(logging.NOTSET)


def test_no_order_of_steps_breaks_the_desk() -> None:
    """A few runs each time."""
    _run(8, 20)


@pytest.mark.torture
def test_no_order_of_many_steps_breaks_the_desk() -> None:
    """Three hundred runs of thirty steps."""
    _run(300, 30)


@pytest.mark.torture
def test_a_wrong_adapter_is_found() -> None:
    """The machine is tested itself: a time-out that counts as a failure is found."""
    # The first failure will do; the shortest one would take minutes.
    with pytest.raises(AssertionError, match="I6"):
        _run(200, 30, HastyShop, (Phase.generate,))
