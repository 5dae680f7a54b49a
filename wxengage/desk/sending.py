"""The counter where messages and payouts leave (投递): asked, put in, sent.

``dispatch`` is the only place of the desk that touches the world. What was begun is
on disk before a request leaves, and what came back is on disk before the next one
begins; no transaction is open, and nothing held, while a sender is asked.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.delivery.ports import Letter, letters
from wxengage.desk.dispatching import (
    Begun,
    ask,
    begin_in,
    expire_in,
    record_in,
    unanswered,
)
from wxengage.desk.histories import decide
from wxengage.desk.letters import put_in
from wxengage.desk.mending import Mending
from wxengage.desk.names import shown
from wxengage.desk.notices import fact_key_of, notice_of
from wxengage.desk.outboxes import expired, hold, lease_in
from wxengage.desk.people import rules_on
from wxengage.desk.reminders import due_to, holders, looks_of, users_in
from wxengage.desk.rows import fact_of
from wxengage.desk.tallies import DispatchReport, Enqueued
from wxengage.desk.waiting import next_end
from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.plan.scenes.facts import require_birthday
from wxengage.sends import Send
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from wxengage.adapters.outgoing import Content
    from wxengage.delivery.payouts import Fulfil
    from wxengage.delivery.ports import Sender
    from wxengage.desk.outboxes import Leased
    from wxengage.desk.unit import Unit
    from wxengage.plan.gating.decisions import Decision
    from wxengage.plan.result import Plan

__all__ = ["Sending"]

_LOG: Final = logging.getLogger("wxengage.desk")
# Letters, and users, that are looked at in one transaction.
_PAGE: Final = 500
_FEW: Final = 50
_NO_BIRTHDAYS: Final[Mapping[str, str]] = MappingProxyType({})


class Sending(Mending):
    """The counter where messages and payouts leave."""

    def check(self, send: Send, now: dt.datetime | None = None) -> Decision:
        """Say whether a message may go, from all that the store knows.

        Parameters
        ----------
        send
            The message.
        now
            The instant, aware; None: by the store's clock.

        Returns
        -------
        Decision
            The gate's word. Letters are asked again right before they go.

        Raises
        ------
        InvalidInputError
            If it names an account that the desk was not told of.
        """
        if not isinstance(send, Send):
            raise InvalidInputError("send", send, "a Send")
        instant, settings = self._instant(now), self._settings
        return self._do(lambda unit: decide(unit, settings, send, instant), write=False)

    def enqueue(
        self,
        sends: Plan | Iterable[Send],
        now: dt.datetime | None = None,
        *,
        within: Any = None,
    ) -> Enqueued:
        """Put messages in the outbox (入箱).

        Parameters
        ----------
        sends
            A plan, or messages.
        now
            When, aware; None: by the store's clock.
        within
            The application's own open connection; None: transactions of our own, of
            some hundred messages each. Cut off in between, it may be done again.

        Returns
        -------
        Enqueued
            How many are new. A message that was put in before is known, for ever.

        Raises
        ------
        InvalidInputError
            If something is no message, two are the same, or another message was put
            in under the key of one.
        """
        instant = self._instant(now)
        given = letters(sends)
        size = max(1, len(given)) if within is not None else _PAGE
        new = 0
        for start in range(0, len(given), size):
            page = given[start : start + size]
            work = functools.partial(self._put, page=page, now=instant)
            new += len(self._do(work, within=within))
        keys = tuple(one.key for one in given)
        return Enqueued(new, len(given) - new, keys)

    def _put(
        self, unit: Unit, page: Sequence[Letter], now: dt.datetime
    ) -> tuple[str, ...]:
        # Of two that put the same letter in at once, one finds it there.
        hold(unit, *(one.key for one in page))
        return put_in(unit, self._settings, page, now)

    def remind(
        self,
        now: dt.datetime | None = None,
        *,
        birthdays: Mapping[str, str] = _NO_BIRTHDAYS,
    ) -> Enqueued:
        """Put in the outbox what the desk's triggers ask for now.

        Parameters
        ----------
        now
            The instant, aware; None: by the store's clock.
        birthdays
            User -> ``"MM-DD"``, for triggers of birthdays: the store keeps none.

        Returns
        -------
        Enqueued
            Done twice, or by two processes, nothing is sent twice: an occasion has
            one key.

        Raises
        ------
        InvalidInputError
            If a birthday is no day of the year.

        Notes
        -----
        The gate is asked already: what it drops is not put in, and is proposed
        again the next time. A message that has had to wait goes only if its
        trigger still asks for it then.
        """
        instant, settings = self._instant(now), self._settings
        _require_birthdays(birthdays)
        if not settings.triggers:
            return Enqueued(0, 0, ())
        users = self._do(lambda unit: self._concerned(unit, instant), write=False)
        found: list[Enqueued] = []
        names = sorted(users | birthdays.keys())
        for start in range(0, len(names), _FEW):
            told = {name: birthdays.get(name) for name in names[start : start + _FEW]}
            work = functools.partial(self._reminded, users=told, now=instant)
            found.append(self._do(work))
        return Enqueued(
            sum(one.new for one in found),
            sum(one.known for one in found),
            tuple(key for one in found for key in one.keys),
            sum(one.dropped for one in found),
        )

    def _concerned(self, unit: Unit, now: dt.datetime) -> set[str]:
        found = holders(unit, self._settings)
        for look in looks_of(self._settings.triggers, now):
            found |= users_in(unit, look)
        return found

    def _reminded(
        self, unit: Unit, users: Mapping[str, str | None], now: dt.datetime
    ) -> Enqueued:
        settings = self._settings
        asked: list[Send] = []
        for name, birthday in users.items():
            asked += due_to(unit, settings, name, now, birthday=birthday)
        proposed = letters(asked)
        hold(unit, *(one.key for one in proposed))
        fresh = [one for one in proposed if unit.get("letter", one.key) is None]
        passed = [
            one
            for one in fresh
            if decide(unit, settings, one.send, now).action != "drop"
        ]
        keys = put_in(unit, settings, passed, now)
        known = len(proposed) - len(fresh)
        return Enqueued(len(keys), known, keys, len(fresh) - len(passed))

    def dispatch(
        self,
        senders: Mapping[str, Sender | Fulfil],
        now: dt.datetime | None = None,
        *,
        limit: int = 100,
        rng: np.random.Generator | None = None,
    ) -> DispatchReport:
        """Send what is due, once (投递).

        Parameters
        ----------
        senders
            Channel -> who delivers there; ``"payout:cash"`` and its like for
            rewards. Letters of other channels stay.
        now
            The instant, aware: then time stands still meanwhile. None: by the
            store's clock, asked again before each step.
        limit
            At most so many letters.
        rng
            Chance, for the pauses after failures; None: anew.

        Returns
        -------
        DispatchReport
            What became of them.

        Raises
        ------
        InvalidInputError
            If a sender cannot do what its channel asks for.

        Notes
        -----
        What time alone decides in campaigns is settled first. A sender that raises,
        or answers with anything but an outcome, has said nothing: the letter may
        have gone. An error of the store ends the dispatch; what was begun is known,
        and is asked about when its lease has run out.
        """
        require_whole("limit", limit, least=1)
        _require_senders(senders)
        chance = _chance(rng)
        clock = functools.partial(self._instant, now)
        tick = getattr(self, "tick", None)
        if tick is not None:
            tick(now)
        self._expire(clock)
        report: dict[str, Counter[str]] = {}
        for one in self._lease(senders, clock(), limit):
            word = self._one(one, senders[one.letter.channel], clock, chance)
            report.setdefault(one.letter.channel, Counter())[word] += 1
            _LOG.debug("letter %s: %s", shown(one.lease.key), word)
        return DispatchReport(
            MappingProxyType(
                {channel: dict(sorted(n.items())) for channel, n in report.items()}
            )
        )

    def _expire(self, clock: Callable[[], dt.datetime]) -> None:
        settings = self._settings
        now = clock()
        at = micros("now", now)
        over = self._do(lambda unit: expired(unit, settings.outbox, at), write=False)
        for key in over:
            work = functools.partial(expire_in, settings=settings, key=key, now=now)
            self._do(work)

    def _lease(
        self, senders: Mapping[str, Sender | Fulfil], now: dt.datetime, limit: int
    ) -> tuple[Leased, ...]:
        return self._do(
            lambda unit: lease_in(
                unit, self._settings, now, limit=limit, channels=senders.keys()
            )
        )

    def _one(
        self,
        one: Leased,
        sender: Sender | Fulfil,
        clock: Callable[[], dt.datetime],
        rng: np.random.Generator,
    ) -> str:
        """Begin, ask, record; return what became of a letter."""
        settings = self._settings
        started = clock()
        begun = self._do(
            lambda unit: begin_in(unit, settings, one.lease, one.letter, started)
        )
        if not isinstance(begun, Begun):
            return begun
        now = clock()
        if begun.row.held(micros("now", now), settings.outbox):
            answer = ask(sender, begun, now)
        else:
            answer = unanswered(begun)
        ended = clock()
        # Done again, the work draws the same chance again.
        drawn = int(rng.integers(2**63))
        row = self._do(
            lambda unit: record_in(
                unit, settings, begun, answer, ended, rng=np.random.default_rng(drawn)
            )
        )
        return row.outcome or row.state.value

    def next_due(self, now: dt.datetime | None = None) -> dt.datetime | None:
        """Return when there is something to do (下次到期).

        Parameters
        ----------
        now
            When it is asked, aware; None: by the store's clock.

        Returns
        -------
        datetime.datetime or None
            The earliest instant from now on at which a letter may go, a lease ends,
            time decides something in a campaign, a reward can be claimed no more, or
            the image of an invite code is to be renewed, in UTC. None for never.
        """
        at = micros("now", self._instant(now))
        found = self._do(lambda unit: _earliest(unit, at), write=False)
        return None if found is None else from_micros(max(at, found))

    def compose(
        self, letter: Letter, fallback: Callable[[Letter], Content] | None = None
    ) -> Content:
        """Return what a letter says, as the senders take it.

        Parameters
        ----------
        letter
            What goes: a notice, whose words are made of its fact, or a message of
            the application's own.
        fallback
            Makes the words of the application's own messages.

        Returns
        -------
        Content
            For ``compose=`` of a sender; with messages of one's own
            ``functools.partial(desk.compose, fallback=mine)``.

        Raises
        ------
        InvalidInputError
            If the notice is no more among the desk's, its fact is not known, or
            there is no fallback.
        """
        if not isinstance(letter, Letter):
            raise InvalidInputError("letter", letter, "a Letter")
        key = fact_key_of(letter.send)
        if key is not None:
            row = self._do(lambda unit: unit.get("fact", key), write=False)
            fact = None if row is None else fact_of(row).fact
            found = fact and notice_of(self._settings.notices, fact, letter.send)
            if fact is not None and found:
                book = rules_on(self._settings, self._store.now())
                return found.content(fact, self._settings.days, book)
        if fallback is None:
            hint = "give fallback=..., which makes the words of your own messages"
            rule = "that of a notice and a fact that are known"
            raise InvalidInputError("letter", shown(letter.key), rule, hint)
        return fallback(letter)


def _require_birthdays(birthdays: object) -> None:
    if not isinstance(birthdays, Mapping):
        hint = "for example {'ada': '02-29'}"
        raise InvalidInputError("birthdays", birthdays, "days by user", hint)
    for name, day in birthdays.items():
        require_birthday(f"birthdays[{require_id('user', name)!r}]", day)


def _chance(rng: object) -> np.random.Generator:
    if rng is None:
        return np.random.default_rng()
    if not isinstance(rng, np.random.Generator):
        raise InvalidInputError("rng", rng, "a numpy.random.Generator, or None")
    return rng


def _require_senders(senders: object) -> None:
    """Raise unless there is somebody for each channel who can do what is asked."""
    # Found out by the first letter, a sender that cannot pay would leave a payout in
    # doubt that was never asked for.
    if not isinstance(senders, Mapping):
        hint = "for example {'payout:cash': TransferBills(...)}"
        raise InvalidInputError("senders", senders, "senders by channel", hint)
    for channel, sender in senders.items():
        pays = require_id("channel", channel).startswith("payout:")
        for act in ("pay" if pays else "send", "query"):
            if not callable(getattr(sender, act, None)):
                rule = f"somebody who can {act}"
                raise InvalidInputError(f"senders[{channel!r}]", sender, rule)


#: Table, index, and the column that tells when there is something to do.
_DUE: Final = (
    ("letter", "by_ready", 6),
    ("letter", "by_lease", 7),
    ("subject", "by_due", 3),
    ("code", "by_renewal", 4),
)


def _earliest(unit: Unit, at: int) -> int | None:
    rows = [
        (row, place)
        for table, index, place in _DUE
        for row in unit.find(table, index, limit=1)
    ]
    found = [int(row[place] or 0) for row, place in rows]
    ends = next_end(unit, at)
    return min(found if ends is None else [*found, ends], default=None)
