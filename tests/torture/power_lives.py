"""Desks that live through losses of power, and what must be true after each."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gc
import math
import sqlite3
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from tests.torture.power_provider import PowerIsOffError, Provider, fen_of
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.desk.opening import open_desk
from wxengage.desk.rows import event_of, payout_of
from wxengage.ledger.states import State
from wxengage.log.events import Event
from wxengage.money import yuan
from wxengage.sends import Send
from wxengage.stores.errors import StoreError
from wxengage.stores.sqlite import SqliteStore
from wxengage.testing.power import FileSystem, PowerDisk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wxengage.desk.desk import Desk
    from wxengage.ledger.records import PayoutRecord
    from wxengage.stores.ports import Transaction
    from wxengage.stores.schema import Row
    from wxengage.testing.power import PowerLoss

__all__ = ["SETTINGS", "BrokenPromiseError", "Life", "Setting"]

MERCHANT: Final = "1900000109"
OPENS: Final = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY: Final = dt.timedelta(days=1)
SMS: Final = "sms"
#: Fen for so many friends, in all.
RUNGS: Final = {1: 100, 2: 250, 4: 600}
#: Where a message ends: it went, or may have gone, and then it is not repeated.
ENDS: Final = frozenset({"sent", "maybe_sent"})
#: Steps of the disk between losses, at most.
MOST_STEPS: Final = 400


class Setting(NamedTuple):
    """How SQLite is told to keep its promises."""

    processes: Literal["one", "many"]
    pragmas: tuple[str, ...] = ()


#: Both safe ones are what ``open_desk`` chooses; the unsafe ones are forced on it.
SETTINGS: Final = {
    "WAL+FULL": Setting("one"),
    "PERSIST+FULL": Setting("many", ("journal_mode = PERSIST",)),
    "WAL+NORMAL": Setting("one", ("synchronous = NORMAL",)),
    "DELETE+OFF": Setting("many", ("journal_mode = DELETE", "synchronous = OFF")),
}


class BrokenPromiseError(Exception):
    """Something was lost, damaged, or done twice."""


class Truth(NamedTuple):
    """What a reopened store says."""

    events: dict[str, Event]
    payouts: dict[str, PayoutRecord]
    letters: dict[str, str]
    campaigns: frozenset[str]


def entitlements(events: dict[str, Event]) -> dict[tuple[str, str], int]:
    """Return what (campaign, inviter) has earned in all, in fen, by counting.

    Written apart from the campaigns of the library: everybody here follows at most
    once, and is invited at most once.
    """
    follows = {one.user: one.at for one in events.values() if one.kind == "follow"}
    friends: dict[tuple[str, str], int] = Counter()
    for one in events.values():
        if one.kind == "scan" and follows.get(one.user, one.at) > one.at:
            friends[str(one.campaign), str(one.inviter)] += 1
    return {
        key: max((fen for need, fen in RUNGS.items() if need <= count), default=0)
        for key, count in friends.items()
    }


class Life:
    """A desk at work on a disk whose power fails again and again.

    Parameters
    ----------
    folder
        Empty.
    seed
        Of everything that chance decides.
    setting
        One of ``SETTINGS``, by name.
    names
        How the file system keeps names.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        setting: str,
        names: FileSystem = "journalled",
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._setting = SETTINGS[setting]
        self._path = folder / "desk.db"
        self.disk = PowerDisk(folder, self._rng, names=names)
        self.provider = Provider(self._rng, self.disk)
        self.losses: list[PowerLoss] = []
        self.done: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self._doing = ""
        self._now = OPENS + DAY
        self._count = 0
        self._ready = False
        self._acked: set[str] = set()
        self._unacked: dict[str, Event] = {}
        self._letters: set[str] = set()
        self._settled: set[str] = set()
        self._campaigns: list[str] = []

    def lose(self, times: int) -> None:
        """Work until the power fails, look at what is left, and so on."""
        for _ in range(times):
            self.disk.cut_after(self._steps())
            self._doing = "open"
            desk: list[Desk] = []
            try:
                desk.append(self._opened())
                while True:
                    self._work(desk[0])
            except PowerIsOffError:
                pass
            except (StoreError, sqlite3.Error, OSError):
                if not self.disk.off:
                    raise
            finally:
                self.disk.cut()
                for one in desk:
                    with contextlib.suppress(StoreError, sqlite3.Error):
                        one.store.close()
            gc.collect()  # a store that could not be opened is closed by nobody
            self.losses.append(self.disk.restart())
            self.struck[self._doing] += 1
            self._now += dt.timedelta(minutes=int(self._rng.integers(1, 20)))
            with self._opened() as reopened:
                self._look(reopened)

    def _steps(self) -> int:
        """Draw when the power fails: soon half the time, for opening has dangers."""
        if self._rng.random() < 1 / 2:
            return int(math.exp(self._rng.uniform(0, math.log(MOST_STEPS))))
        return int(self._rng.integers(1, MOST_STEPS))

    def finish(self) -> None:
        """Let faults stop, do all that is left, and compare with the truth."""
        self.provider.moody = False
        with self._opened() as desk:
            self._prepare(desk)
            desk.record_many(self._unacked.values())
            for name in self._campaigns:
                desk.amend(name, by="ada", reason="all are paid", add_budget=10**7)
            for _ in range(60):
                due = desk.next_due()
                if due is None:
                    break
                self._now = max(self._now, due)
                desk.dispatch(self._senders(), limit=1000, rng=self._rng)
            else:
                raise BrokenPromiseError("work is left that never ends")
            self._look(desk)
            self._compare(_truth(desk))

    def _opened(self) -> Desk:
        desk = open_desk(
            f"sqlite:///{self._path}",
            merchant=MERCHANT,
            processes=self._setting.processes,
            clock=lambda: self._now,
        )
        assert isinstance(desk.store, SqliteStore)
        for pragma in self._setting.pragmas:
            desk.store.connection.execute(f"PRAGMA {pragma}").fetchall()
        return desk

    def _work(self, desk: Desk) -> None:
        """Do something, of whatever kind, and believe it only if the power lasts."""
        self._now += dt.timedelta(seconds=int(self._rng.integers(1, 300)))
        if not self._ready:
            self._doing = "prepare"
            self._prepare(desk)
            return
        acts: tuple[tuple[float, Callable[[Desk], None]], ...] = (
            (0.26, self._record),
            (0.1, self._record_many),
            (0.08, self._record_again),
            (0.12, self._record_unacked),
            (0.28, self._dispatch),
            (0.11, self._enqueue),
            (0.02, self._publish),
            (0.03, self._amend),
        )
        shares = np.array([share for share, _ in acts])
        act = acts[int(self._rng.choice(len(acts), p=shares / shares.sum()))][1]
        self._doing = act.__name__.removeprefix("_")
        act(desk)
        self.done[self._doing] += 1

    def _believe(self) -> None:
        if self.disk.off:
            raise PowerIsOffError

    def _prepare(self, desk: Desk) -> None:
        """Say that there is no past, and publish the first campaign."""
        desk.backfill([])
        self._believe()
        if not self._campaigns:
            self._publish(desk)
        self._ready = True

    def _publish(self, desk: Desk) -> None:
        if len(self._campaigns) > 3:
            return
        name = f"spring-{len(self._campaigns)}"
        ladder = Ladder(RUNGS, pays="total")
        campaign = Referral(
            name,
            ladder=ladder,
            opens=OPENS,
            closes=OPENS + 300 * DAY,
            placement="own_app",
            hold=dt.timedelta(0),
            # Enough for everybody, or soon used up.
            budget=yuan("3000") if len(self._campaigns) % 2 else yuan("20"),
        )
        desk.publish(campaign)
        self._believe()
        self._campaigns.append(name)

    def _invites(self, pairs: int) -> list[Event]:
        """Return that new people scan somebody's code, and follow."""
        events = []
        for _ in range(pairs):
            self._count += 1
            friend = f"friend-{self._count}"
            inviter = f"inviter-{self._rng.integers(6)}"
            campaign = str(self._rng.choice(self._campaigns))
            said: dict[str, Any] = {"campaign": campaign, "inviter": inviter}
            scan = Event(
                "scan", user=friend, at=self._now, id=f"s{self._count}", **said
            )
            later = self._now + dt.timedelta(seconds=1)
            name = f"f{self._count}"
            events += [scan, Event("follow", user=friend, at=later, id=name)]
        return events

    def _tell(self, desk: Desk, events: list[Event], *, at_once: bool) -> None:
        self._unacked.update((str(one.id), one) for one in events)
        for batch in [events] if at_once else [[one] for one in events]:
            if at_once:
                desk.record_many(batch)
            else:
                desk.record(batch[0])
            self._believe()
            for one in batch:
                self._acked.add(str(one.id))
                del self._unacked[str(one.id)]

    def _record(self, desk: Desk) -> None:
        self._tell(desk, self._invites(1), at_once=False)

    def _record_many(self, desk: Desk) -> None:
        self._tell(desk, self._invites(int(self._rng.integers(2, 8))), at_once=True)

    def _record_unacked(self, desk: Desk) -> None:
        """WeChat tells again what was not answered."""
        self._tell(desk, list(self._unacked.values())[:3], at_once=False)

    def _record_again(self, desk: Desk) -> None:
        """WeChat tells again what was answered."""
        if self._acked:
            known = _truth(desk).events
            name = str(self._rng.choice(sorted(self._acked)))
            if not desk.record(known[name]).duplicate:
                raise BrokenPromiseError(f"{name} was answered, and is told as new")

    def _enqueue(self, desk: Desk) -> None:
        self._count += 1
        sends = [
            Send(f"m{self._count}-{row}", f"inviter-{row}", SMS, "hello")
            for row in range(int(self._rng.integers(1, 4)))
        ]
        put = desk.enqueue(sends)
        self._believe()
        self._letters.update(put.keys)

    def _dispatch(self, desk: Desk) -> None:
        limit = int(self._rng.integers(1, 6))
        self.provider.told.clear()
        desk.dispatch(self._senders(), limit=limit, rng=self._rng)
        self._believe()
        self._settled |= self.provider.told

    def _amend(self, desk: Desk) -> None:
        name = str(self._rng.choice(self._campaigns))
        desk.amend(name, by="ada", reason="a good week", add_budget=yuan("5"))
        self._believe()

    def _senders(self) -> dict[str, Any]:
        return {SMS: self.provider, "payout:cash": self.provider}

    def _look(self, desk: Desk) -> None:
        """See that what was promised is there, and that the books are right."""
        truth = _truth(desk)
        _require(not desk.store.verify(), "verify", desk.store.verify())
        _require(not desk.audit(), "audit", desk.audit())
        lost = self._acked - truth.events.keys()
        _require(not lost, "events that were answered are lost", lost)
        _require(truth.campaigns >= set(self._campaigns), "campaigns", self._campaigns)
        lost = self._letters - truth.letters.keys()
        _require(not lost, "messages that were taken are lost", lost)
        leased = {number: one.attempts for number, one in truth.payouts.items()}
        early = {
            number
            for number, times in self.provider.asked.items()
            if leased.get(number, 0) < times
        }
        _require(not early, "asked before it was on the disk", early)
        paid = {number for number, one in truth.payouts.items() if _is_paid(one)}
        forgot = self._settled - paid
        _require(not forgot, "payments that were booked are lost", forgot)
        for name in self._campaigns:
            funded = sum(line.funded for line in desk.statement(name).lines)
            _require(self.provider.total(name) <= funded, "more than its budget", name)
        _require(not self.provider.faults, "the provider", self.provider.faults)
        twice = [key for key, count in self.provider.sent.items() if count > 1]
        _require(not twice, "sent twice", twice)

    def _compare(self, truth: Truth) -> None:
        """Hold the provider's truth and the store's against what is due."""
        paid: dict[tuple[str, str], int] = defaultdict(int)
        for payout in self.provider.paid.values():
            paid[payout.campaign, payout.user] += fen_of(payout)
        due = {key: fen for key, fen in entitlements(truth.events).items() if fen}
        _require(due == dict(paid), "paid and due differ", (due, dict(paid)))
        told = {number for number, one in truth.payouts.items() if _is_paid(one)}
        _require(told == set(self.provider.paid), "books and provider differ", told)
        for key, state in truth.letters.items():
            _require(state in ENDS, "a letter that never ended", (key, state))
            went = self.provider.sent[key] or key in self.provider.paid
            _require(went or state != "sent", "a letter that did not go", key)
        self.done["events"] += len(truth.events)
        self.done["payments"] += len(self.provider.paid)
        self.done["fen"] += sum(paid.values())
        self.done["messages"] += sum(self.provider.sent.values())


def _require(is_so: object, what: str, got: object) -> None:
    if not is_so:
        raise BrokenPromiseError(f"{what}: {got}")


def _is_paid(record: PayoutRecord) -> bool:
    return record.state is State.PAID


def _truth(desk: Desk) -> Truth:
    rows = {
        table: desk.store.run(functools.partial(_all, table), write=False)
        for table in ("event", "payout", "letter", "campaign")
    }
    return Truth(
        {str(row[0]): event_of(row) for row in rows["event"]},
        {str(row[0]): payout_of(row) for row in rows["payout"]},
        {str(row[0]): str(row[1]) for row in rows["letter"]},
        frozenset(str(row[0]) for row in rows["campaign"]),
    )


def _all(table: str, transaction: Transaction) -> list[Row]:
    rows: list[Row] = []
    while page := transaction.walk(table, after=(rows[-1][0],) if rows else None):  # type: ignore[arg-type]  # a key is full
        rows += page
    return rows
