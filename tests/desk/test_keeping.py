"""What applications keep is compared before it is replaced; freezes hold at once."""

from __future__ import annotations

import datetime as dt
import pickle
import threading
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

from tests.desk.desks import DAY, HOUR, Clock, opened
from wxengage.errors import InvalidInputError, StaleStateError
from wxengage.money import Cash, Points
from wxengage.pacing.caps import Cap
from wxengage.pacing.quiet import QuietHours
from wxengage.plan.gating.gate import Gate
from wxengage.sends import Freeze, Send
from wxengage.testing.provider import FaultyProvider

if TYPE_CHECKING:
    from wxengage.desk.desk import Desk


def test_what_is_kept_comes_back(desk: Desk, clock: Clock) -> None:
    """The value, its version and when it was kept."""
    assert desk.kept("prize") is None
    assert 1 == desk.keep("prize", Cash(100))
    found = desk.kept("prize")
    assert found is not None
    assert (Cash(100), 1, clock.at) == (found.state, found.version, found.at)


def test_a_stale_version_changes_nothing(desk: Desk) -> None:
    """Whoever read an older version is told which one is there."""
    desk.keep("prize", Cash(100))
    desk.keep("prize", Cash(200), expect=1)
    with pytest.raises(StaleStateError) as caught:
        desk.keep("prize", Cash(300), expect=1)
    assert ("prize", 1, 2) == attrs.astuple(caught.value)
    assert "version 1" in str(caught.value)
    assert "version 2" in str(caught.value)
    found = desk.kept("prize")
    assert found is not None
    assert Cash(200) == found.state
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(caught.value) == str(again)


def test_a_first_version_is_not_written_over(desk: Desk) -> None:
    """Without a version only a new name is taken; a version needs a state."""
    desk.keep("prize", Cash(100))
    with pytest.raises(StaleStateError, match="absent"):
        desk.keep("prize", Points(1))
    with pytest.raises(StaleStateError, match="got absent"):
        desk.keep("other", Points(1), expect=4)


def test_trying_again_after_a_lost_answer_is_no_conflict(desk: Desk) -> None:
    """The same state of the same version is told as it was the first time."""
    assert 1 == desk.keep("prize", Cash(100))
    assert 1 == desk.keep("prize", Cash(100))
    assert 2 == desk.keep("prize", Cash(200), expect=1)
    assert 2 == desk.keep("prize", Cash(200), expect=1)


def test_of_two_writers_one_is_told(desk: Desk) -> None:
    """Whoever comes second never overwrites in silence."""
    desk.keep("count", Points(1))
    outcomes: list[int | str] = []

    def write(number: int) -> None:
        try:
            outcomes.append(desk.keep("count", Points(number), expect=1))
        except StaleStateError:
            outcomes.append("stale")

    threads = [threading.Thread(target=write, args=(row + 2,)) for row in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [2, *["stale"] * 7] == sorted(outcomes, key=str)


@pytest.mark.parametrize(
    ("name", "state", "expect"),
    [
        ("", Cash(1), None),
        ("a", object(), None),
        ("a", Cash(1), 0),
        ("a", Cash(1), True),
    ],
)
def test_what_cannot_be_kept_is_refused(
    desk: Desk, name: str, state: object, expect: Any
) -> None:
    """A name that is none, a value of no known type, a version that never was."""
    with pytest.raises(InvalidInputError):
        desk.keep(name, state, expect=expect)
    assert not desk.store.run(lambda tx: tx.count("kept"), write=False)


def freeze_of(clock: Clock, **changes: Any) -> Freeze:
    """Return a freeze of everything, from now on."""
    told = {"topics": None, "segments": None, "start": clock.at, "end": None}
    return Freeze(**told | {"because": "a recall of goods"} | changes)


def test_a_freeze_stops_the_next_send(desk: Desk, clock: Clock) -> None:
    """Check knows of it at once, and of its end."""
    send = Send("s1", "ada", "wecom", "spring_sale")
    assert "send" == desk.check(send, clock.at).action
    name = desk.freeze(freeze_of(clock), by="ops")
    stopped = desk.check(send, clock.at)
    assert "send" != stopped.action
    desk.unfreeze(name, by="ops", reason="the goods are back")
    assert "send" == desk.check(send, clock.at).action


def test_freezes_are_those_that_are_not_over(desk: Desk, clock: Clock) -> None:
    """By id; one that ends at this instant is over."""
    ending = desk.freeze(freeze_of(clock, end=clock.at + HOUR), by="ops")
    open_end = desk.freeze(freeze_of(clock, because="another one"), by="ops")
    assert {ending, open_end} == set(desk.freezes())
    clock.at += HOUR
    assert {open_end} == set(desk.freezes())


def test_the_same_freeze_is_one_freeze(desk: Desk, clock: Clock) -> None:
    """A second click changes nothing; each decision is written down once."""
    first = desk.freeze(freeze_of(clock), by="ops")
    assert first == desk.freeze(freeze_of(clock), by="boss")
    desk.unfreeze(first, by="boss", reason="over")
    told = desk.export("decisions").columns
    found = zip(told["what"], told["who"], told["reason"], strict=True)
    wanted = {("freeze", "ops", "a recall of goods"), ("unfreeze", "boss", "over")}
    assert wanted == set(found)
    with pytest.raises(InvalidInputError, match="not lifted"):
        desk.unfreeze(first, by="boss", reason="over")
    again = desk.freeze(freeze_of(clock), by="ops")
    assert {again} == set(desk.freezes())


def test_whoever_freezes_says_who(desk: Desk, clock: Clock) -> None:
    """No freeze without a name, and none that is none."""
    with pytest.raises(InvalidInputError, match="by"):
        desk.freeze(freeze_of(clock), by="")
    with pytest.raises(InvalidInputError, match="Freeze"):
        desk.freeze("everything", by="ops")  # type: ignore[arg-type]
    assert {} == desk.freezes()


def staff(user: str, **changes: Any) -> Send:
    """Return a message that calls somebody."""
    told: dict[str, Any] = {"category": "service", "transactional": True}
    told |= changes
    return Send(f"call-{user}", user, "wecom_app", "alert", **told)


def test_a_page_goes_to_each_once(desk: Desk, clock: Clock) -> None:
    """The same alert calls the same people once; another alert calls them again."""
    keys = desk.page("burst-1", [staff("wang"), staff("li")])
    clock.at += dt.timedelta(minutes=5)
    assert keys == desk.page("burst-1", [staff("wang"), staff("li")])
    assert 2 == len(desk.export("letters"))
    assert not set(keys) & set(desk.page("burst-2", [staff("wang")]))


def test_a_page_is_no_news_after_an_hour(desk: Desk, clock: Clock) -> None:
    """Nobody is woken up by what was over yesterday."""
    desk.page("burst-1", [staff("wang"), staff("li", expires=clock.at + 2 * DAY)])
    clock.at += HOUR
    provider = FaultyProvider(np.random.default_rng(1), clock, rate=0)
    desk.dispatch({"wecom_app": provider})
    states = dict(zip(*_columns(desk, "user", "state"), strict=True))
    assert ("dropped", "sent") == (states["wang"], states["li"])


def test_a_page_does_not_wait_for_the_morning(where: str, clock: Clock) -> None:
    """At night, and after every cap is used up, it goes at once."""
    gate = Gate(caps=(Cap(1, per="day"),), quiet=(QuietHours("00:00", "23:00"),))
    with opened(where, clock, gate=gate) as desk:
        desk.page("burst-1", [staff("wang")])
        desk.page("burst-2", [staff("wang")])
        provider = FaultyProvider(np.random.default_rng(1), clock, rate=0)
        desk.dispatch({"wecom_app": provider})
        assert [["sent", "sent"]] == _columns(desk, "state")


def _columns(desk: Desk, *names: str) -> list[list[Any]]:
    found = desk.export("letters").columns
    return [found[name].tolist() for name in names]


@pytest.mark.parametrize("calls", [(), (staff("li", transactional=False),), ("wang",)])
def test_a_page_that_would_wait_is_refused(desk: Desk, calls: Any) -> None:
    """A call that quiet hours may hold back is no call."""
    with pytest.raises(InvalidInputError, match="on_call"):
        desk.page("burst-1", calls)
    assert 0 == len(desk.export("letters"))
