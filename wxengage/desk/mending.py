"""The counter where people look after what was sent (触达运维)."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.adapters.happenings import Report
from wxengage.channels.folding import advance
from wxengage.channels.marks import Lifted
from wxengage.delivery.outbox.box import Suppression
from wxengage.delivery.outbox.breakers import Place
from wxengage.delivery.outbox.recording import revive
from wxengage.delivery.outbox.states import State
from wxengage.delivery.payouts import Payout
from wxengage.desk.base import Base
from wxengage.desk.condition import DeskHealth, health_of
from wxengage.desk.decisions import decide as write_decision
from wxengage.desk.dispatching import hold_for
from wxengage.desk.names import shown
from wxengage.desk.outboxes import box_of, letter, place_id, reopen, save
from wxengage.desk.paying import to_be_asked
from wxengage.desk.people import (
    ACCOUNT,
    account_quota,
    keep_account_quota,
    keep_quota,
    quota,
    rules_on,
)
from wxengage.desk.rows import letter_of
from wxengage.errors import InvalidInputError, require_id
from wxengage.ledger.states import State as Standing
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from wxengage.delivery.outbox.rows import OutboxRow
    from wxengage.desk.unit import Unit

__all__ = ["Mending"]

_LOG: Final = logging.getLogger("wxengage.desk")
# A receipt is told within this time of the message.
_REPORTED: Final = dt.timedelta(days=7)


class Mending(Base):
    """The counter where people look after what was sent."""

    def health(self, now: dt.datetime | None = None) -> DeskHealth:
        """Say how the desk is doing (运营台状况).

        Parameters
        ----------
        now
            When it is asked, aware; None: by the store's clock.

        Returns
        -------
        DeskHealth
            Its ``worries`` are what somebody should see to.
        """
        instant, settings = self._instant(now), self._settings
        return self._do(lambda unit: health_of(unit, settings, instant), write=False)

    def hint(self, number: str, now: dt.datetime | None = None) -> bool:
        """Take the hint that something has happened to a payout (支付通知).

        Parameters
        ----------
        number
            Its bill number, from a payment notice or a callback.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        bool
            Whether the provider is asked about it at the next dispatch. False for a
            number that the desk does not know, and for one that is through.

        Notes
        -----
        No money is booked on a hint: what the provider answers to a query is.
        """
        instant = self._instant(now)
        require_id("number", number)
        known = self._do(lambda unit: self._hinted(unit, number, instant))
        if not known:
            _LOG.warning("a hint about %s leads nowhere", shown(number))
        return known

    def _hinted(self, unit: Unit, number: str, now: dt.datetime) -> bool:
        row = letter(unit, number)
        if row is None or not isinstance(row.letter.body, Payout):
            return False
        hold_for(unit, self._settings, row.letter)
        row = letter(unit, number)
        if row is None or row.state in {State.SENT, State.DROPPED}:
            return False
        at = micros("now", now)
        self._change(unit, row, to_be_asked(row, at), at)
        return True

    def _change(self, unit: Unit, row: OutboxRow, after: OutboxRow, at: int) -> None:
        before = box_of(unit, self._settings, [row], {})
        save(unit, self._settings, before, before.with_rows([after]), at)

    def reported(self, report: Report) -> bool:
        """Note what WeChat tells later of a message that was sent (发送回执).

        Parameters
        ----------
        report
            Of a callback, as ``Callback.reports`` has it.

        Returns
        -------
        bool
            Whether a letter of the desk has that receipt. One that did not arrive
            has gone all the same: it is not sent again, and caps count it.

        Raises
        ------
        InvalidInputError
            If it is no report.
        """
        if not isinstance(report, Report):
            raise InvalidInputError("report", report, "a Report of a callback")
        if report.user is None or not report.receipt:
            return False
        return self._do(lambda unit: self._noted(unit, report))

    def _noted(self, unit: Unit, report: Report) -> bool:
        at = micros("at", report.at)
        least = micros("at", report.at - _REPORTED)
        rows = unit.find("letter", "by_touch", (report.user,), least=least)
        for row in map(letter_of, rows):
            if (row.letter.channel, row.receipt) != (report.channel, report.receipt):
                continue
            hold_for(unit, self._settings, row.letter)
            found = letter(unit, row.key)
            if found is None or found.state is not State.SENT:
                return False
            outcome = "arrived" if report.arrived else "not_arrived"
            code = "" if report.arrived else report.status
            after = attrs.evolve(found, outcome=outcome, code=code)
            self._change(unit, found, after, at)
            return True
        return False

    def revive(
        self, key: str, *, by: str, reason: str, now: dt.datetime | None = None
    ) -> None:
        """Bring a dead letter back: somebody has looked (死信重投).

        Parameters
        ----------
        key
            The letter's key.
        by, reason
            Who, and why; kept for ever.
        now
            When, aware; None: by the store's clock.

        Raises
        ------
        InvalidInputError
            If there is no such letter, or its payout is parked and has to be
            resolved.
        IllegalTransitionError
            If the letter is not dead.
        """
        instant, settings = self._instant(now), self._settings

        def work(unit: Unit) -> None:
            row = _require_letter(unit, key)
            record = hold_for(unit, settings, row.letter)
            row = _require_letter(unit, key)
            if record is not None and record.state is Standing.PARKED:
                hint = "desk.resolve(number, outcome, by=..., evidence=...)"
                rule = "a letter whose payout is not parked"
                raise InvalidInputError("key", key, rule, hint)
            before = box_of(unit, settings, [row], {})
            after = revive(before, key, instant)
            save(unit, settings, before, after, micros("now", instant))
            write_decision(unit, key, "revive", by, reason, instant)

        self._do(work)

    def lift(
        self,
        what: Place | Suppression,
        *,
        by: str,
        reason: str,
        now: dt.datetime | None = None,
    ) -> bool:
        """Take a stop back: somebody has seen to it (解除).

        Parameters
        ----------
        what
            The place of a breaker, as ``health().troubles`` tells it, or a
            suppression.
        by, reason
            Who, and why; kept for ever.
        now
            When, aware; None: by the store's clock.

        Returns
        -------
        bool
            Whether there was such a stop.

        Raises
        ------
        InvalidInputError
            If it is neither.
        """
        if not isinstance(what, Place | Suppression):
            raise InvalidInputError("what", what, "a Place or a Suppression")
        instant = self._instant(now)

        def work(unit: Unit) -> bool:
            whose = ACCOUNT if isinstance(what, Place) else what.recipient
            unit.lock([f"user:{whose}"])
            unit.forget("profile")
            unit.lock(["outbox"])
            about = place_id(what) if isinstance(what, Place) else what.recipient
            write_decision(unit, about, "lift", by, reason, instant, what)
            self._count_lifted(unit, what, instant)
            return self._lifted(unit, what, micros("now", instant))

        return self._do(work)

    def _lifted(self, unit: Unit, what: Place | Suppression, at: int) -> bool:
        if isinstance(what, Suppression):
            key = (what.account, what.channel, what.recipient)
            return unit.tx.remove("suppression", [key]) > 0
        gone = unit.tx.remove("breaker", [(place_id(what),)]) > 0
        reopen(unit, self._settings.outbox, at)
        return gone

    def _count_lifted(
        self, unit: Unit, what: Place | Suppression, now: dt.datetime
    ) -> None:
        """Let a quota know that what it was told has stopped is over."""
        settings, message, who = self._settings, "", None
        if isinstance(what, Place):
            message, found = what.message, account_quota(unit, settings)
        else:
            who = what.recipient
            found = quota(unit, who, settings)
        told = Lifted(now, what.channel, what.account or None, message)
        try:
            changed = advance(found, told, rules_on(settings, now))
        except InvalidInputError as error:
            # The account's name may be one that the desk was not told of.
            _LOG.info("what was lifted is in no quota: %s", error.rule)
            return
        if who is None:
            keep_account_quota(unit, changed)
        elif changed is not found:
            keep_quota(unit, who, changed)


def _require_letter(unit: Unit, key: str) -> OutboxRow:
    row = letter(unit, require_id("key", key))
    if row is None:
        raise InvalidInputError("key", key, "the key of a letter in the outbox")
    return row
