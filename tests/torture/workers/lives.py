"""A shop whose processes are killed, a WeChat that is not, and what must hold then."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np
import pytest

from tests.torture.workers.invites import as_row, owed, story
from tests.torture.workers.shops import (
    HOLD,
    HOUR,
    MERCHANT,
    REVOKE,
    START,
    Shop,
    campaign,
    keep,
    pay,
    payouts,
    prepare,
    tell,
)
from wxengage.ledger.states import State
from wxengage.money import Cash
from wxengage.stores.errors import StoreError
from wxengage.testing.checkers import check_finished, stored_events
from wxengage.testing.faults import Fault
from wxengage.testing.killing import Job, KillRunner
from wxengage.testing.provider import FaultyProvider, Payment
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wxengage.desk.desk import Desk
    from wxengage.testing.killing import Torment

__all__ = ["Life", "Report"]

SEND: Final = "/mmpaymkttransfers/sendredpack"
ASK: Final = "/mmpaymkttransfers/gethbinfo"
#: Everybody's invites have been decided by then.
LAST: Final = START + HOUR + HOLD + REVOKE
#: Seconds without faults in which something must get on, and in which all ends.
STUCK: Final = 20.0
FAIR: Final = 120.0
#: Word of WeChat Pay -> how the checkers call it.
STANDINGS: Final[dict[str, Any]] = {
    "SENT": "awaiting",
    "RFUND_ING": "awaiting",
    "RECEIVED": "paid",
    "REFUND": "refunded",
}
WEATHER: Final = (
    Fault.cut(after=False),
    Fault.cut(after=True),
    Fault.status(502),
    Fault.status(502, after=True),
    Fault.truncated(),
    Fault.forged(),
    Fault.other_number(),
    Fault.body("<html>"),
    Fault.slow(0.4),
    Fault.refusal("SYSTEMERROR"),
    Fault.refusal("SYSTEMERROR", after=True),
    Fault.refusal("PROCESSING", after=True),
    Fault.refusal("FREQ_LIMIT"),
    Fault.refusal("NOTENOUGH"),
    Fault.refusal("NOT_FOUND"),
    Fault.refusal("UNHEARD_OF", after=True),
)


@attrs.frozen
class Report:
    """What one life came to, in numbers."""

    seed: int
    torment: Torment
    budget: int
    need: int
    events: int
    paid: int
    fen: int
    calls: int
    states: Counter[str]
    #: Seconds from the last fault to the end, and of the whole life.
    fair: float = 0.0
    whole: float = 0.0

    def __str__(self) -> str:
        states = ", ".join(f"{n} {name}" for name, n in sorted(self.states.items()))
        return (
            f"seed {self.seed}: {self.torment}; {self.events} events; budget "
            f"{self.budget} of {self.need}; {self.paid} paid, {self.fen} fen, in "
            f"{self.calls} calls; {states}; finished {self.fair:.1f} s after the last "
            f"fault, {self.whole:.1f} s in all"
        )


class Life:
    """One shop from its opening to its last fen.

    Parameters
    ----------
    store
        The address of an empty store.
    folder
        For its other files.
    seed
        Of everything that chance decides, but for when processes get their turn.
    share
        The budget as a share of what is needed.
    inviters
        How many there are.
    restless
        Whether the database itself comes and goes.
    teller
        What the process does that tells events.
    """

    def __init__(
        self,
        store: str,
        folder: Path,
        seed: int,
        *,
        share: float = 1.0,
        inviters: int = 20,
        restless: bool = False,
        teller: Callable[..., object] = tell,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._seed = seed
        self._folder = folder
        self.events = story(self._rng, inviters)
        self.need = sum(owed(map(as_row, self.events), LAST).values())
        self.budget = int(self.need * share)
        self._store, self._restless = store, restless
        self._teller = teller
        self._faulty = threading.Event()
        self._over = threading.Event()
        self._errors: list[BaseException] = []

    def live(
        self,
        kills: int,
        *,
        mean: dt.timedelta = dt.timedelta(milliseconds=25),
        crashes: Sequence[Callable[[], object]] = (),
    ) -> Report:
        """Open the shop, kill, stop killing, wait, and look.

        Parameters
        ----------
        kills
            At most so many; fewer where everything is done before.
        mean
            Between two of them.
        crashes
            What is done besides, one after the other, between the kills.

        Returns
        -------
        Report
            In numbers; what must hold has been looked at.
        """
        began = time.monotonic()
        with FakeWeChat(now=START) as fake:
            shop = self._opened(fake)
            with self._weather(fake, shop), shop.open() as desk:
                with KillRunner(self._jobs(shop)) as runner:
                    torments = []
                    for crash in (*crashes, None):
                        torments.append(
                            runner.torment(
                                kills // (len(crashes) + 1),
                                self._rng,
                                mean=mean,
                                progress=lambda: _progress(shop, fake),
                                until=lambda: self._is_over(desk, shop),
                            )
                        )
                        if crash is not None:
                            crash()
                    self._faulty.clear()
                    fake.mend()
                    fair = self._finish(desk, shop, runner)
                report = self._looked(desk, shop, fake, _sum(torments))
                return attrs.evolve(report, fair=fair, whole=time.monotonic() - began)

    def _jobs(self, shop: Shop) -> tuple[Job, ...]:
        return (
            Job("tell", self._teller, (shop, tuple(self.events))),
            Job("pay-1", pay, (shop,), prepare),
            Job("pay-2", pay, (shop,), prepare),
            Job("keep", keep, (shop,), prepare),
        )

    def _opened(self, fake: FakeWeChat) -> Shop:
        answered = self._folder / "answered"
        answered.touch()
        merchant = fake.pay.merchant
        assert merchant.cert_file is not None
        assert merchant.key_file is not None
        shop = Shop(
            self._store,
            fake.url,
            answered,
            time.monotonic(),
            Path(merchant.cert_file),
            Path(merchant.key_file),
            fake.pay.api_key,
            self._restless,
        )
        with shop.open() as desk:
            desk.backfill([])
            desk.publish(campaign(), budget=self.budget)
        return attrs.evolve(shop, began=time.monotonic())

    @contextlib.contextmanager
    def _weather(self, fake: FakeWeChat, shop: Shop) -> Iterator[None]:
        """Let WeChat's time pass, people open packets, and answers go wrong."""
        rng = np.random.default_rng([self._seed, 1])
        opened: set[str] = set()

        def blow() -> None:
            calls = -1
            while not self._over.wait(0.005):
                fake.advance(shop.clock() - fake.now)
                faulty = self._faulty.is_set()
                if faulty and len(fake.calls) > calls:
                    calls = len(fake.calls)
                    _plan(fake, rng)
                for payment in fake.pay.payments:
                    number = payment.number
                    if number not in opened and (not faulty or rng.random() < 0.05):
                        opened.add(number)
                        if fake.pay.state(number) == "SENT":
                            fake.pay.receive(number)

        def work() -> None:
            try:
                blow()
            except BaseException as error:  # noqa: BLE001  told by whoever waits
                self._errors.append(error)

        thread = threading.Thread(target=work)
        self._faulty.set()
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
        assert not self._errors

    def _is_over(self, desk: Desk, shop: Shop) -> bool:
        """Return whether there is nothing left to do."""
        if shop.clock() < LAST or len(shop.told()) < len(self.events):
            return False
        try:
            return not left(desk)
        except StoreError:
            if self._restless:
                return False
            raise

    def _finish(self, desk: Desk, shop: Shop, runner: KillRunner) -> float:
        """Wait until all work is done, and return how long that took.

        Without faults it takes some seconds, more where others use the machine: what
        must never be is that nothing gets on, or that it never ends.
        """
        began = moved = time.monotonic()
        last: object = None
        while not self._is_over(desk, shop):
            assert not runner.returned()
            now, here = time.monotonic(), self._standing(desk, shop)
            moved = now if here != last else moved
            last = here
            if now > moved + STUCK or now > began + FAIR:
                span = now - began
                pytest.fail(f"not finished after {span:.0f} s without faults: {here}")
            time.sleep(0.05)
        return time.monotonic() - began

    def _standing(self, desk: Desk, shop: Shop) -> object:
        """Return how far everything is."""
        try:
            letters = dict(desk.health().letters)
            told = f"{len(shop.told())} of {len(self.events)} events are told"
            return told, left(desk), letters
        except StoreError:
            if self._restless:
                return None
            raise

    def _looked(
        self, desk: Desk, shop: Shop, fake: FakeWeChat, torment: Torment
    ) -> Report:
        """See that everything that was promised is so."""
        now = shop.clock()
        desk.tick(now)
        rows = stored_events(desk.store)
        truth = as_provider(fake, desk)
        acked = {str(event.id): event for event in self.events}
        unsound = (*desk.store.verify(), *desk.audit())
        assert () == unsound, unsound
        wrong = check_finished(desk.store, truth, owed(rows, now), acked=acked)
        assert () == wrong, wrong
        _look_at_paid(desk, fake)
        paid = fake.pay.payments
        states = Counter(record.state.value for record in payouts(desk))
        taken = [one for one in paid if fake.pay.state(one.number) == "RECEIVED"]
        assert sum(one.fen for one in taken) <= self.budget
        return Report(
            self._seed,
            torment,
            self.budget,
            self.need,
            len(rows),
            len(taken),
            sum(one.fen for one in taken),
            len(fake.calls),
            states,
        )


def left(desk: Desk) -> dict[str, int]:
    """Return what is on its way, and what waits for money that is there."""
    states = Counter(record.state for record in payouts(desk))
    waits = [one.payout.reward.fen for one in payouts(desk, "unfunded")]  # type: ignore[union-attr]  # cash
    line = desk.statement("spring").lines[0]
    over = {State.PAID, State.FAILED, State.CANCELLED, State.EXPIRED_REFUNDED}
    found = {
        state.value: count
        for state, count in states.items()
        if state not in over | {State.UNFUNDED}
    }
    if waits and min(waits) <= line.budget:
        found["unfunded"] = len(waits)
    return found


def as_provider(fake: FakeWeChat, desk: Desk) -> FaultyProvider:
    """Return what the fake WeChat knows, as the checkers read it."""
    provider = FaultyProvider(np.random.default_rng(0), lambda: fake.now)
    known = {record.payout.number: record.payout for record in payouts(desk)}
    for payment in fake.pay.payments:
        number = payment.number
        assert number in known, f"{number} was paid, and is in no book"
        assert number not in provider.payments, f"{number} was paid twice"
        payout = attrs.evolve(
            known[number], recipient=payment.openid, reward=Cash(payment.fen)
        )
        if payout != known[number]:
            provider.reused.append(number)
        standing = STANDINGS[fake.pay.state(number)]
        provider.payments[number] = Payment(payout, standing, payment.at)
    return provider


def _look_at_paid(desk: Desk, fake: FakeWeChat) -> None:
    """Books and provider have paid the same numbers, and no reward has two."""
    booked = {one.payout.number: one for one in payouts(desk, State.PAID)}
    taken = {
        one.number: one.fen
        for one in fake.pay.payments
        if fake.pay.state(one.number) == "RECEIVED"
    }
    assert taken == {number: one.payout.reward.fen for number, one in booked.items()}  # type: ignore[union-attr]  # cash
    rewards = Counter((one.payout.user, one.reward_key) for one in booked.values())
    assert {1} >= set(rewards.values())
    assert all(number.startswith(MERCHANT) for number in taken)


def _sum(torments: Sequence[Torment]) -> Torment:
    kills: Counter[str] = Counter()
    for one in torments:
        kills += one.kills
    return attrs.evolve(
        torments[0], kills=kills, seconds=sum(one.seconds for one in torments)
    )


def _progress(shop: Shop, fake: FakeWeChat) -> tuple[int, int]:
    return shop.answered.stat().st_size, len(fake.calls)


def _plan(fake: FakeWeChat, rng: np.random.Generator) -> None:
    """Let the next request or the next question go wrong, both, or none."""
    fake.mend()
    for path in (SEND, ASK):
        if rng.random() < 0.6:
            fake.fail(path, WEATHER[int(rng.integers(len(WEATHER)))])
