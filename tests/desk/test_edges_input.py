"""Bad input: an error of ours that names the field, and a store as it was before."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.desk.desks import (
    DAY,
    HOUR,
    MERCHANT,
    OPENS,
    Clock,
    follow,
    invited,
    opened,
    referral,
)
from tests.desk.senders import Scripted
from wxengage.delivery.payouts import Paid, bill_number
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.sends import Send
from wxengage.stores.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wxengage.desk.desk import Desk
    from wxengage.stores.ports import Transaction

ADA: Final = bill_number(MERCHANT, "spring", "ada", "rung:3")
PAID: Final = Paid(ADA, OPENS, "42001", 800)
WHY: Final[Any] = {"by": "lin", "reason": "why"}
NAIVE: Final = dt.datetime(2026, 3, 8)  # noqa: DTZ001  that is what is wrong
NO_ID: Final[tuple[Any, ...]] = (
    None,
    0,
    True,
    1.5,
    "",
    " ",
    "x" * 200,
    "a\0b",
    b"x",
    [],
)
NO_TIME: Final[tuple[Any, ...]] = (
    0,
    True,
    math.nan,
    "2026-03-08",
    NAIVE,
    NAIVE.date(),
    dt.datetime.max.replace(tzinfo=dt.UTC),
    dt.datetime.min.replace(tzinfo=dt.UTC),
)
NOT_SEVERAL: Final[tuple[Any, ...]] = (None, 0, "ada", b"x", {"a": 1}, object())
NOT_ONE: Final[tuple[Any, ...]] = (0, "ada", [], {}, object())
NO_REASON: Final[tuple[Any, ...]] = (None, 0, "", " ", "a\0b", "a\ud800", b"why")

#: Field that the error names -> what is asked of the desk, and bad values.
TIMED: Final[dict[str, Callable[[Desk, Any], object]]] = {
    "record": lambda desk, at: desk.record(follow("zoe", OPENS), now=at),
    "tick": lambda desk, at: desk.tick(at),
    "amend": lambda desk, at: desk.amend("spring", **WHY, now=at),
    "close": lambda desk, at: desk.close("spring", **WHY, now=at),
    "backfill": lambda desk, at: desk.backfill([], now=at),
    "claim": lambda desk, at: desk.claim("ada", ADA, now=at),
    "void": lambda desk, at: desk.void(ADA, **WHY, now=at),
    "statement": lambda desk, at: desk.statement("spring", at),
    "enqueue": lambda desk, at: desk.enqueue([Send("s", "ada", "sms", "hi")], at),
    "dispatch": lambda desk, at: desk.dispatch({"sms": Scripted()}, at),
    "next_due": lambda desk, at: desk.next_due(at),
    "health": lambda desk, at: desk.health(at),
    "hint": lambda desk, at: desk.hint(ADA, at),
    "progress": lambda desk, at: desk.progress("ada", now=at),
    "leaderboard": lambda desk, at: desk.leaderboard("spring", at=at),
    "codes_due": lambda desk, at: desk.codes_due(at),
    "freezes": lambda desk, at: desk.freezes(at),
}
NAMED: Final[dict[str, tuple[str, Callable[[Desk, Any], object]]]] = {
    "amend": ("campaign", lambda desk, name: desk.amend(name, **WHY)),
    "pause": ("campaign", lambda desk, name: desk.pause(name, **WHY)),
    "resume": ("campaign", lambda desk, name: desk.resume(name, **WHY)),
    "close": ("campaign", lambda desk, name: desk.close(name, **WHY)),
    "statement": ("campaign", lambda desk, name: desk.statement(name)),
    "leaderboard": ("campaign", lambda desk, name: desk.leaderboard(name)),
    "replay": ("campaign", lambda desk, name: desk.replay(name, as_of=OPENS)),
    "claim": ("number", lambda desk, name: desk.claim("ada", name)),
    "release": ("number", lambda desk, name: desk.release(name, **WHY)),
    "void": ("number", lambda desk, name: desk.void(name, **WHY)),
    "renew": ("number", lambda desk, name: desk.renew(name, **WHY)),
    "hint": ("number", lambda desk, name: desk.hint(name)),
    "revive": ("key", lambda desk, name: desk.revive(name, **WHY)),
    "by": ("by", lambda desk, by: desk.void(ADA, by=by, reason="why")),
    "progress": ("user", lambda desk, name: desk.progress(name)),
    "erase": ("user", lambda desk, name: desk.erase(name, by="lin", key=b"k" * 32)),
    "kept": ("name", lambda desk, name: desk.kept(name)),
    "page": ("alert", lambda desk, name: desk.page(name, [])),
}
SEVERAL: Final[dict[str, tuple[str, Callable[[Desk, Any], object]]]] = {
    "record_many": ("events", lambda desk, got: desk.record_many(got)),
    "enqueue": ("sends", lambda desk, got: desk.enqueue(got)),
    "overrides": ("overrides", lambda desk, got: desk.publish(other(), overrides=got)),
    "page": ("on_call", lambda desk, got: desk.page("fire", got)),
    "reconcile": ("bills", lambda desk, got: desk.reconcile(got)),
    "staff": ("staff", lambda desk, got: desk.leaderboard("spring", staff=got)),
}
ONE: Final[dict[str, tuple[str, Callable[[Desk, Any], object]]]] = {
    "record": (r"events\[0\]", lambda desk, got: desk.record(got)),
    "publish": ("campaign", lambda desk, got: desk.publish(got)),
    "terms": ("terms", lambda desk, got: desk.publish(other(), terms=got)),
    "limits": ("limits", lambda desk, got: desk.publish(other(), limits=got)),
    "check": ("send", lambda desk, got: desk.check(got)),
    "compose": ("letter", lambda desk, got: desk.compose(got)),
    "reported": ("report", lambda desk, got: desk.reported(got)),
    "rules": ("rules", lambda desk, got: desk.replay("spring", as_of=OPENS, rules=got)),
    "rng": ("rng", lambda desk, got: desk.dispatch({}, rng=got)),
    "resolve": (
        "outcome",
        lambda desk, got: desk.resolve(ADA, got, by="l", evidence="x"),
    ),
    "carrier": (
        "carrier",
        lambda desk, got: desk.invite_code("spring", "ada", carrier=got),
    ),
    "freeze": ("freeze", lambda desk, got: desk.freeze(got, by="lin")),
    "lift": ("what", lambda desk, got: desk.lift(got, **WHY)),
    "introduce": ("user", lambda desk, got: desk.introduce(got)),
}
REASONS: Final[dict[str, tuple[str, Callable[[Desk, Any], object]]]] = {
    "amend": ("reason", lambda desk, why: desk.amend("spring", by="l", reason=why)),
    "close": ("reason", lambda desk, why: desk.close("spring", by="l", reason=why)),
    "void": ("reason", lambda desk, why: desk.void(ADA, by="l", reason=why)),
    "resolve": (
        "evidence",
        lambda desk, why: desk.resolve(ADA, PAID, by="l", evidence=why),
    ),
}


def other() -> Any:
    """Return a campaign that is not published yet, and asks for no budget."""
    return referral(newness="any", budget=None)


def everything(desk: Desk) -> dict[str, object]:
    """Return all rows."""

    def work(tx: Transaction) -> dict[str, object]:
        return {table: tx.walk(table, limit=10_000) for table in TABLES}

    return desk.store.run(work, write=False)


@pytest.fixture
def owing(desk: Desk) -> Iterator[Desk]:
    """Yield a desk that owes ada eight yuan; its rows must be the same afterwards."""
    desk.publish(referral())
    desk.record_many(invited("ada", 3, OPENS))
    before = everything(desk)
    yield desk
    assert before == everything(desk)


def refused(
    desk: Desk, field: str, ask: Callable[[Desk, Any], object], bad: tuple[Any, ...]
) -> None:
    """Raise unless the desk refuses each value and names the field."""
    for got in bad:
        with pytest.raises(InvalidInputError, match=field):
            ask(desk, got)


@pytest.mark.parametrize("act", TIMED)
def test_an_instant_that_is_none_is_refused(owing: Desk, act: str) -> None:
    """A naive one, a date, a text, and one out of the years that a store keeps."""
    refused(owing, "^now ", TIMED[act], NO_TIME)


@pytest.mark.parametrize("act", NAMED)
def test_a_name_that_is_none_is_refused(owing: Desk, act: str) -> None:
    """The error names the parameter, and no column of a table."""
    field, ask = NAMED[act]
    refused(owing, f"^{field} ", ask, NO_ID)


@pytest.mark.parametrize("act", SEVERAL)
def test_one_thing_is_not_several(owing: Desk, act: str) -> None:
    """A text is one user and not some letters, and None is not nothing."""
    field, ask = SEVERAL[act]
    refused(owing, f"^{field} ", ask, NOT_SEVERAL)


@pytest.mark.parametrize("act", ONE)
def test_what_is_of_another_kind_is_refused(owing: Desk, act: str) -> None:
    """Also where it would be taken for nothing, such as an empty list of limits."""
    field, ask = ONE[act]
    refused(owing, field, ask, NOT_ONE)


@pytest.mark.parametrize("act", REASONS)
def test_a_reason_is_a_text_that_can_be_kept(owing: Desk, act: str) -> None:
    """Whoever decides something says why, in whole characters."""
    field, ask = REASONS[act]
    refused(owing, f"^{field} ", ask, NO_REASON)


@pytest.mark.parametrize(
    ("senders", "field"),
    [
        (None, "senders"),
        ([], "senders"),
        ({"payout:cash": 1}, "senders"),
        ({"sms": object()}, "senders"),
        ({1: Scripted()}, "channel"),
    ],
)
def test_a_sender_that_cannot_pay_leaves_no_payout_in_doubt(
    owing: Desk, senders: Any, field: str
) -> None:
    """Nothing is begun where nobody could finish it."""
    with pytest.raises(InvalidInputError, match=field):
        owing.dispatch(senders)


def test_a_campaign_that_nobody_published_is_asked_for_in_vain(owing: Desk) -> None:
    """A slip of the pen is no campaign without money."""
    with pytest.raises(InvalidInputError, match="did you mean 'spring'"):
        owing.statement("sprnig")


# The past.


def test_no_event_is_not_no_past(where: str, clock: Clock) -> None:
    """Whoever brings in None has not said that nobody followed before."""
    with opened(where, clock) as desk:
        for source in ([None], [1], iter([None])):
            with pytest.raises(InvalidInputError, match="source"):
                desk.backfill(source)
        with pytest.raises(InvalidInputError, match="backfill"):
            desk.publish(referral())


def test_the_row_of_the_past_that_is_at_fault_is_named(desk: Desk) -> None:
    """Counted from the first one; the page of 2,000 before it is kept."""
    desk.publish(referral())
    past = [follow(f"u{row}", OPENS - DAY) for row in range(2_100)]
    with pytest.raises(InvalidInputError, match=r"source\[2100\]\.at"):
        desk.backfill([*past, follow("late", OPENS + DAY)])
    with pytest.raises(InvalidInputError, match=r"source\[2100\] must be an Event"):
        desk.backfill([*past, {"user": "ada"}])
    assert 100 == desk.backfill(past).new


def test_nothing_is_brought_in_of_the_time_of_a_campaign_that_was_closed(
    desk: Desk, clock: Clock
) -> None:
    """It would be owed by the events, and by nobody's books."""
    desk.publish(referral())
    clock.at = OPENS + 5 * DAY
    desk.close("spring", by="lin", reason="enough")
    clock.at = OPENS + 9 * DAY
    with pytest.raises(InvalidInputError, match="campaign that was closed"):
        desk.backfill(invited("ada", 3, OPENS + DAY))
    assert 6 == desk.backfill(invited("bob", 3, OPENS + 6 * DAY)).new
    replayed = desk.replay("spring", as_of=clock.at)
    assert 0 == len(replayed.columns("difference")["user"])


def test_an_iterator_of_rows_loses_none(where: str, clock: Clock) -> None:
    """What was looked at to see what it is counts as well."""
    rows = [
        {"user": name, "kind": "follow", "at": OPENS - HOUR, "id": name}
        for name in ("ada", "bob", "cleo")
    ]
    with opened(where, clock) as desk:
        assert 3 == desk.backfill(iter(rows)).new
        assert ["ada", "bob", "cleo"] == sorted(desk.export("events", like={})["user"])


def test_an_event_of_the_future_or_of_a_number_is_not_kept(owing: Desk) -> None:
    """Six minutes ahead is a clock that is wrong; 1 is not '1'."""
    late = OPENS.replace(day=8) + dt.timedelta(minutes=6)
    with pytest.raises(InvalidInputError, match=r"events\[1\]\.at"):
        owing.record_many([follow("zoe", OPENS), follow("yan", late)])
    with pytest.raises(InvalidInputError, match=r"events\[0\]\.user"):
        owing.record(Event("follow", user=1, at=OPENS, id="one"))
