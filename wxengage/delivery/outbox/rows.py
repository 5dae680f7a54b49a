"""The rows of an outbox (发件箱记录): one letter each, and how far it has come."""

from __future__ import annotations

from typing import Any

import attrs

from wxengage.delivery.outbox.policy import OutboxPolicy  # noqa: TC001  told to readers
from wxengage.delivery.outbox.states import FINAL, WAITING, Signal, State, step
from wxengage.delivery.ports import Letter
from wxengage.errors import InvalidInputError, require_whole
from wxengage.sends import Send, Sent
from wxengage.times.zones import from_micros, micros, span_micros

__all__ = ["OutboxRow"]


def _instant(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if got is not None:
        require_whole(field.name, got, least=-(2**63))


def _count(_: object, field: attrs.Attribute[Any], got: object) -> None:
    require_whole(field.name, got)


@attrs.frozen
class OutboxRow:
    """One letter of an outbox, and how far it has come (发件箱记录).

    All instants are microseconds since 1970 in UTC; None where there is none.

    Attributes
    ----------
    letter
        What is to go.
    seq
        Its place in the order of arrival.
    queued_at
        When it came.
    since
        When it came to be in its state.
    not_before
        It does not go earlier: a wish, the gate's word, or the end of a quota.
    state
        Where it stands.
    next_at
        The end of a pause after a failure.
    attempts
        Requests and questions begun.
    failures
        How many of the latest in a row failed.
    fence
        How often it has been leased. Who holds an earlier number has lost it.
    lease_until
        Until when somebody has it.
    began_at
        When the latest request began.
    doubt_since
        When the first request began that may have gone through unnoticed.
    asked
        Whether the provider has been asked about that doubt, in vain.
    outcome, code
        The latest answer: its kind, and its reason. "" before the first.
    sent_at, receipt
        When it went, and the provider's number for it.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    letter: Letter
    seq: int = attrs.field(validator=_count)
    queued_at: int = attrs.field(validator=_instant)
    since: int = attrs.field(validator=_instant)
    not_before: int = attrs.field(validator=_instant)
    state: State = State.DUE
    next_at: int | None = attrs.field(default=None, validator=_instant)
    attempts: int = attrs.field(default=0, validator=_count)
    failures: int = attrs.field(default=0, validator=_count)
    fence: int = attrs.field(default=0, validator=_count)
    lease_until: int | None = attrs.field(default=None, validator=_instant)
    began_at: int | None = attrs.field(default=None, validator=_instant)
    doubt_since: int | None = attrs.field(default=None, validator=_instant)
    asked: bool = False
    outcome: str = ""
    code: str = ""
    sent_at: int | None = attrs.field(default=None, validator=_instant)
    receipt: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.letter, Letter):
            raise InvalidInputError("letter", self.letter, "a Letter")
        if not isinstance(self.state, State):
            raise InvalidInputError("state", self.state, "a State")
        for name in ("outcome", "code", "receipt"):
            if not isinstance(getattr(self, name), str):
                raise InvalidInputError(name, getattr(self, name), "a text")

    @property
    def key(self) -> str:
        """The letter's idempotency key."""
        return self.letter.key

    @property
    def is_final(self) -> bool:
        """Whether nothing happens to it by itself any more."""
        return self.state in FINAL

    @property
    def expires(self) -> int | None:
        """When it is too late; None for never, as for any payout."""
        body = self.letter.body
        if isinstance(body, Send) and body.expires is not None:
            return micros("expires", body.expires)
        return None

    @property
    def touch(self) -> Sent | None:
        """What the user's history counts: the message, if it went or may have.

        None for a payout, and while the message has surely not gone. Caps that do
        not know of a message that may have gone would let one too many pass.
        """
        body = self.letter.body
        at = self.sent_at if self.state is State.SENT else self._maybe_at
        if at is None or not isinstance(body, Send):
            return None
        return Sent.of(body, from_micros(at), key=self.key, receipt=self.receipt)

    @property
    def _maybe_at(self) -> int | None:
        in_flight = self.state is State.SENDING
        return self.began_at if in_flight else self.doubt_since

    def late(self, at: int) -> bool:
        """Return whether it has expired at an instant."""
        expires = self.expires
        return expires is not None and at >= expires

    def held(self, at: int, policy: OutboxPolicy) -> bool:
        """Return whether somebody has it at an instant."""
        # A lease that ends later than any that is made now was made by a clock that
        # has been turned back since, and is over. Two clocks may differ by a lease.
        longest = at + 2 * span_micros("lease_for", policy.lease_for)
        return self.lease_until is not None and at < self.lease_until <= longest

    def ready_at(self, at: int, policy: OutboxPolicy) -> int:
        """Return from when on it may be leased, as it looks at an instant."""
        longest = at + 2 * span_micros("most", policy.backoff.most)
        if self.next_at is None or self.next_at > longest:
            return self.not_before
        return max(self.not_before, self.next_at)

    def repeatable(self, at: int, policy: OutboxPolicy) -> bool:
        """Return whether the same key sent again would surely be one letter."""
        if not isinstance(self.letter.body, Send):
            return True
        span = policy.keyed.get(self.letter.channel)
        if span is None or self.late(at):
            return False
        first = at if self.doubt_since is None else self.doubt_since
        # A request may take as long as a lease.
        spare = span_micros("lease_for", policy.lease_for)
        return 0 <= at - first <= span_micros("keyed", span) - spare

    def moved(self, signal: Signal, at: int, **changes: Any) -> OutboxRow:  # noqa: ANN401
        """Return the row after a signal; by default nobody has it any more.

        Parameters
        ----------
        signal
            What moves it.
        at
            When.
        changes
            Other fields.

        Returns
        -------
        OutboxRow
            By ``TRANSITIONS``.
        """
        state = step(self.state, signal)
        since = self.since if state is self.state else at
        fields = {"lease_until": None, "next_at": None} | changes
        return attrs.evolve(self, state=state, since=since, **fields)

    def abandoned(self, at: int, policy: OutboxPolicy) -> OutboxRow:
        """Return the row after its lease has run out."""
        if self.state in WAITING:
            return attrs.evolve(self, lease_until=None)
        return self.doubted(at, policy, "lease_ran_out")

    def doubted(
        self, at: int, policy: OutboxPolicy, code: str, *, pause: int | None = None
    ) -> OutboxRow:
        """Return the row after a request, or a question, that nobody can judge.

        Parameters
        ----------
        at
            When.
        policy
            How the outbox behaves.
        code
            Why.
        pause
            Until when to leave it alone.

        Returns
        -------
        OutboxRow
            Unknown; maybe sent where nobody could tell one from two; dead after too
            many failures, with the doubt.
        """
        asking = self.state is State.ASKING
        if asking and self.doubt_since is None:
            return self.moved(Signal.ACCEPT, at, next_at=pause, code=code)
        since = self.began_at if self.doubt_since is None else self.doubt_since
        doubtful = attrs.evolve(
            self,
            doubt_since=since,
            asked=asking,
            failures=self.failures + 1,
            outcome="unknown",
            code=code,
        )
        is_message = isinstance(self.letter.body, Send)
        if is_message and self.letter.channel not in policy.keyed:
            return doubtful.moved(Signal.LOSE, at)
        if doubtful.failures >= policy.attempts:
            return doubtful.moved(Signal.DIE, at)
        return doubtful.moved(Signal.DOUBT, at, next_at=pause)
