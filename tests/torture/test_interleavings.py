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
    freeze / freeze                         a freeze
    record / introduce                      the user's profile
    record / erase                          everything of a user
    revive / revive                         a dead letter

Each runs on SQLite, PostgreSQL and MariaDB. The first of two is stopped right before
its first write and before its commit; on PostgreSQL with ``-m torture`` before each
of its steps. What is about money stands in ``test_interleavings_money``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

from tests.torture.meeting import (
    HOUR,
    NOON,
    WHO,
    Place,
    check_in,
    drained,
    follow,
    ladder,
    place,
    publish,
    pytest_generate_tests,
    recording,
    week,
)
from tests.torture.story import signed
from wxengage.campaigns.ladder import Ladder
from wxengage.delivery.outcomes import NotSent
from wxengage.errors import (
    IllegalTransitionError,
    InvalidInputError,
    StaleStateError,
)
from wxengage.log.events import Event
from wxengage.money import Cash
from wxengage.sends import Freeze, Send
from wxengage.users import User

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.delivery.ports import Letter
    from wxengage.desk.desk import Desk

__all__ = ["place", "pytest_generate_tests"]


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


def test_introducing_while_something_is_recorded(
    place: Place, where: str | int
) -> None:
    """What the application knows of a user, and what the user does, are both kept."""
    came = Event("follow", user="ada", at=NOON, id="f1", account="shop")
    with place.desk():
        pass

    both = place.meet(
        lambda desk: desk.introduce(User("ada", unionid="o-union")),
        recording(came),
        where,
    )

    assert [] == both.raised
    with place.desk() as desk:
        key = ("ada", "user")
        row = desk.store.run(lambda tx: tx.get("profile", [key]), write=False)[key]
    assert "o-union" in str(row[2])
    assert NOON.isoformat()[:19] in str(row[2])


@pytest.mark.parametrize("first", ["record", "erase"])
def test_erasing_while_something_is_recorded(
    place: Place, where: str | int, first: str
) -> None:
    """What waited to be paid is called off; what is told later is somebody new's."""
    with place.desk() as desk:
        publish(desk, week(), budget=500)
        desk.record(Event("follow", user="ada", at=NOON - HOUR / 2, id="f-ada"))
    acts = [
        recording(check_in("ada")),
        lambda desk: desk.erase("ada", by="Lin", key=b"k" * 32),
    ]
    if first == "erase":
        acts.reverse()

    both = place.meet(acts[0], acts[1], where)

    assert [] == both.raised
    assert drained(place) in (["cancelled"], ["paid"])


class _Mending:
    """A sender that asks somebody to mend the message."""

    def send(self, letter: Letter, now: dt.datetime) -> NotSent:
        """Refuse it."""
        del letter, now
        return NotSent("47003", "mend")

    query = send


def test_reviving_twice_at_once(place: Place, where: str | int) -> None:
    """A dead letter is brought back by one of two."""
    send = Send("s1", "ada", "app_push", "hello")
    with place.desk() as desk:
        (key,) = desk.enqueue([send]).keys
        desk.dispatch({"app_push": _Mending()}, rng=np.random.default_rng(1))
        assert 1 == desk.health().dead

    both = place.meet(
        lambda desk: desk.revive(key, **WHO),
        lambda desk: desk.revive(key, **WHO),
        where,
    )

    assert [IllegalTransitionError] == [type(one) for one in both.raised]
    with place.desk() as desk:
        assert (0, 1) == (desk.health().dead, desk.health().backlog)
