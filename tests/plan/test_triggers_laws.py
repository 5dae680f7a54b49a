"""What holds for every trigger: one answer, fixed stretches, ids that stay."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings

from tests.plan.random_scenes import (
    DAY,
    HALF,
    SEEDS,
    some_case,
)
from wxengage.log.reading import read_log
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.many import due_many
from wxengage.plan.scenes.scene import (
    SCENES,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from wxengage.log.table import Log
    from wxengage.plan.scenes.facts import Facts
    from wxengage.sends import Send


def by_id(users: Sequence[Facts]) -> list[Facts]:
    """Return users in the order of their ids."""

    def key(facts: Facts) -> Any:
        return facts.user

    return sorted(users, key=key)


def tables(users: Sequence[Facts]) -> tuple[Log, dict[str, Any], dict[str, Any]]:
    """Return the same facts as a log and two tables."""
    events = [event for facts in users for event in facts.events]
    empty = {"user": [], "kind": [], "at": np.zeros(0, "M8[us]")}
    held = [(facts.user, one) for facts in users for one in facts.holdings]
    holdings = {
        "user": [user for user, _ in held],
        **{
            name: [getattr(one, name) for _, one in held]
            for name in ("kind", "id", "at", "until", "left", "closed")
        },
    }
    people = {
        name: [getattr(facts, name) for facts in users]
        for name in ("user", "birthday", "zone")
    }
    return read_log(events or empty), people, holdings


# --- one answer -----------------------------------------------------------------------


def agree(seed: int) -> list[str]:
    """Check that both ways answer alike; return the scenes that sent something."""
    asked, users, now, clock = some_case(seed)
    log, people, holdings = tables(users)
    one_by_one = [
        send
        for facts in by_id(users)
        for send in due_triggers(asked, facts, now, clock=clock)
    ]

    at_once = due_many(asked, log, now, people=people, holdings=holdings, clock=clock)

    assert one_by_one == list(at_once.sends)
    assert len(one_by_one) == len({send.id for send in one_by_one})
    scenes = {trigger.id: type(trigger.scene).__name__ for trigger in asked}
    return [scenes[name] for name in at_once.trigger.tolist()]


@given(SEEDS)
@settings(max_examples=200)
def test_everybody_at_once_is_one_user_at_a_time(seed: int) -> None:
    """The same sends, ids and bounds, in the same order."""
    agree(seed)


@pytest.mark.torture
def test_everybody_at_once_is_one_user_at_a_time_for_long() -> None:
    """Ten thousand cases, of which each scene has something due in one of 100."""
    told = Counter(scene for seed in range(10_000) for scene in {*agree(seed)})

    assert set(told) == {scene.__name__ for scene in SCENES}
    assert min(told.values()) >= 100


# --- when it is asked changes nothing -------------------------------------------------


def known_by(facts: Facts, now: dt.datetime) -> Facts:
    """Return what had been known at an instant."""
    return attrs.evolve(
        facts,
        events=tuple(event for event in facts.events if event.at <= now),
        holdings=tuple(
            attrs.evolve(
                one, closed=one.closed if one.closed and one.closed <= now else None
            )
            for one in facts.holdings
            if one.at <= now
        ),
    )


@given(SEEDS)
def test_what_is_later_than_now_is_not_read(seed: int) -> None:
    """An answer of the past can be asked again."""
    asked, users, now, clock = some_case(seed)
    for facts in users:
        then = due_triggers(asked, known_by(facts, now), now, clock=clock)

        assert then == due_triggers(asked, facts, now, clock=clock)


@given(SEEDS)
@settings(max_examples=50)
def test_asking_often_and_asking_seldom_collect_the_same(seed: int) -> None:
    """A send that is due has been since its instant; one that is gone has a reason."""
    asked, users, now, clock = some_case(seed)
    facts = users[0]
    often: dict[str, Send] = {}
    for half in range(48):
        at = now - (48 - half) * HALF
        often |= {one.id: one for one in due_triggers(asked, facts, at, clock=clock)}
    often |= {one.id: one for one in due_triggers(asked, facts, now, clock=clock)}

    seldom = {one.id: one for one in due_triggers(asked, facts, now, clock=clock)}

    assert seldom == {name: often[name] for name in seldom}
    acts = [e.at for e in facts.events] + [
        one.closed for one in facts.holdings if one.closed
    ]
    for name in often.keys() - seldom.keys():
        expires = often[name].expires
        expired = expires is not None and expires <= now
        assert expired or any(now - DAY <= act <= now for act in acts)


@given(SEEDS)
@settings(max_examples=50)
def test_events_in_any_order_and_twice_change_nothing(seed: int) -> None:
    """Callbacks come late and more than once."""
    asked, users, now, clock = some_case(seed)
    for facts in users:
        again = attrs.evolve(facts, events=(*facts.events[::-1], *facts.events))

        assert due_triggers(asked, facts, now, clock=clock) == due_triggers(
            asked, again, now, clock=clock
        )


@given(SEEDS)
@settings(max_examples=50)
def test_what_is_done_is_not_proposed_again(seed: int) -> None:
    """By id, for one and for all."""
    asked, users, now, clock = some_case(seed)
    log, people, holdings = tables(users)
    given_all = due_many(asked, log, now, people=people, holdings=holdings, clock=clock)
    done = frozenset(given_all.id.tolist()[::2])

    left = due_many(
        asked, log, now, people=people, holdings=holdings, done=done, clock=clock
    )

    assert left.sends == tuple(s for s in given_all.sends if s.id not in done)
    assert list(left.sends) == [
        send
        for facts in by_id(users)
        for send in due_triggers(
            asked, attrs.evolve(facts, done=done), now, clock=clock
        )
    ]
