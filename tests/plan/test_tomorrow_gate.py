"""What the gate has to say about the plan for tomorrow."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.channels.folding import advance
from wxengage.channels.quota_table import Quotas
from wxengage.channels.quotas import Quota
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.pacing.caps import Cap
from wxengage.pacing.gaps import MinGap
from wxengage.pacing.quiet import QuietHours
from wxengage.plan.gating.gate import Gate
from wxengage.plan.gating.history import History
from wxengage.plan.priors import PRIORS, Prior
from wxengage.plan.tomorrow import GATE, next_day
from wxengage.rules.book import rulebook
from wxengage.sends import Freeze, Sent
from wxengage.users import User

CHINA = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2026, 3, 1, 22, tzinfo=CHINA)
HOUR = dt.timedelta(hours=1)
RULES = rulebook(dt.date(2026, 3, 1))
SEGMENTS = ("potential", "active", "dormant")


def quota(user: str, *events: Event) -> Quota:
    """Return what is left to a user after some events."""
    found = Quota.under(RULES, user)
    for event in events:
        found = advance(found, event, RULES)
    return found


def message(user: str, at: dt.datetime) -> Event:
    """Return what a user wrote."""
    return Event("message", user=user, at=at)


def what(plan: Any) -> list[tuple[str, str, str]]:
    """Return who gets what on which channel."""
    return [(s.user, s.message, s.channel) for s in plan.sends]


def test_an_open_window_is_used_and_a_mass_send_where_there_is_none() -> None:
    """The best channel that the platform lets a message go on."""
    quotas = [quota("ada", message("ada", NOW)), quota("bob")]

    plan = next_day(["ada", "bob"], ["active"] * 2, NOW, quotas=Quotas.of(quotas, NOW))

    assert [
        ("ada", "open_ugc", "customer_message"),
        ("bob", "open_ugc", "mass_send"),
    ] == what(plan)


def test_a_window_that_closes_before_the_evening_is_used_at_noon() -> None:
    """What may go is judged at the instant at which it would."""
    wrote = dt.datetime(2026, 2, 28, 15, tzinfo=CHINA)  # open until 2 March, 15:00
    quotas = Quotas.of([quota("ada", message("ada", wrote))], NOW)
    chat = {"open_ugc": Prior(0.08, "interactive", "customer_message")}

    (send,) = next_day(
        ["ada"], ["active"], NOW, quotas=quotas, priors={**PRIORS, **chat}
    ).sends

    assert ("customer_message", "12:00") == (send.channel, f"{send.at:%H:%M}")


def test_whoever_gets_nothing_hears_why_from_the_gate() -> None:
    """The reason of the first move, one for each user, and each option's own."""
    people = {"user": ["ada", "bob"], "consents": ["no", ""]}
    past = {
        "user": ["bob"],
        "at": np.array(["2026-03-02T13:30"], dtype="datetime64[us]"),
        "channel": ["wecom_customer_task"],
    }
    gate = Gate(caps=(Cap(1, per="week", scope="category:marketing"),))
    monday = dt.datetime(2026, 3, 2, 22, tzinfo=CHINA)

    plan = next_day(
        ["ada", "bob"],
        ["active", "dormant"],
        monday,
        gate=gate,
        past=past,
        people=people,
    )

    assert 0 == len(plan)
    assert {"opted_out": 1, "cap": 1} == dict(plan.refusals)
    why = plan.why("bob")
    assert ("refused", "not_allowed") == (why.action, why.reason)
    assert "the cap is reached (1 per week in category:marketing)" in why.en
    assert {"not_allowed"} == {one.reason for one in why.lost}
    mine = [one for one in why.lost if one.option.topic == "dormant"]
    assert mine
    assert {"cap"} == {one.by for one in mine}
    assert "退订" in plan.why("ada").zh


def test_a_crisis_stops_one_segment() -> None:
    """The freeze holds where nothing but the segments is known, too."""
    freeze = Freeze(None, ("dormant",), NOW, None, "a recall of the product")

    plan = next_day(["ada", "bob"], ["active", "dormant"], NOW, freezes=(freeze,))

    assert ["ada"] == [send.user for send in plan.sends]
    assert {"freeze": 1} == dict(plan.refusals)
    assert "a recall of the product" in plan.why("bob").en


def test_two_messages_of_a_day_keep_their_distance() -> None:
    """The second one is judged on the first, which is only planned as yet."""
    gate = Gate(gaps=(MinGap(5 * HOUR),))

    plan = next_day(["ada"], ["active"], NOW, gate=gate)
    free = next_day(["ada"], ["active"], NOW, gate=Gate())

    assert 3 == len(free)
    assert 1 == len(plan)


def test_a_user_without_a_row_is_named() -> None:
    """Whoever is in the audience has to be known."""
    with pytest.raises(InvalidInputError, match=r"users\[1\] must be a row in people"):
        next_day(["ada", "bob"], ["active"] * 2, NOW, people={"user": ["ada"]})


@st.composite
def days(draw: st.DrawFn) -> dict[str, Any]:
    """Return a day to plan, with everything known as values."""
    users = [f"u{k}" for k in range(draw(st.integers(1, 4)))]
    hours = st.integers(-400, -1)
    sent, events = {}, {}
    for user in users:
        sent[user] = tuple(
            Sent(user, NOW + hour * HOUR, draw(st.sampled_from(["mass_send", "wecom"])))
            for hour in draw(st.lists(hours, max_size=4))
        )
        events[user] = [
            Event(kind, user=user, at=NOW + hour * HOUR, item=item)
            for hour in draw(st.lists(hours, max_size=3))
            for kind, item in [
                draw(
                    st.sampled_from(
                        [
                            ("message", None),
                            ("subscribe", "level_system"),
                            ("subscribe", "scene_reminder"),
                        ]
                    )
                )
            ]
        ]
    caps = st.builds(
        Cap,
        st.integers(1, 3),
        per=st.sampled_from(["day", "week", "month", 30 * HOUR]),
        scope=st.sampled_from([None, "channel", "category:marketing", "topic"]),
    )
    gate = Gate(
        caps=tuple(draw(st.lists(caps, max_size=2))),
        gaps=tuple(draw(st.lists(st.builds(MinGap, st.just(5 * HOUR)), max_size=1))),
        quiet=draw(st.sampled_from([(), (QuietHours("21:30", "09:30"),)])),
    )
    return {
        "users": users,
        "segments": [draw(st.sampled_from(SEGMENTS)) for _ in users],
        "gate": gate,
        "sent": sent,
        "events": events,
        "asked": draw(st.booleans()),
    }


@settings(max_examples=60, deadline=None)
@given(days())
def test_every_send_of_a_plan_passes_the_gate_in_its_turn(day: dict[str, Any]) -> None:
    """One at a time, on what went out and on what the plan sends before it."""
    gate, users = day["gate"], day["users"]
    rows = [row for user in users for row in day["sent"][user]]
    past = {
        "user": np.array([row.user for row in rows], dtype=object),
        "at": np.array([row.at for row in rows], dtype=object),
        "channel": np.array([row.channel for row in rows], dtype=object),
    }
    quotas = {user: quota(user, *day["events"][user]) for user in users}
    table = Quotas.of(list(quotas.values()), NOW) if day["asked"] else None

    plan = next_day(
        users,
        day["segments"],
        NOW,
        gate=gate,
        past=past if rows else None,
        quotas=table,
    )

    assert len(users) == sum(plan.counts.values())
    sent = dict(day["sent"])
    for send in plan.sends:
        assert send.at is not None
        segment = day["segments"][users.index(send.user)]
        known = quotas[send.user] if day["asked"] else None
        history = History(User(send.user), segment, sent[send.user], known)
        assert "send" == gate.check(send, history, send.at).action
        row = Sent.of(send, send.at)
        sent[send.user] = (*sent[send.user], row)
        quotas[send.user] = advance(quotas[send.user], row, RULES)
    refused = Counter(plan.outcomes.reason.tolist())["not_allowed"]
    assert refused == sum(plan.refusals.values())


def test_the_gate_of_the_day_is_one_message_and_no_night() -> None:
    """Under the article's ceiling, and quiet from 22:30 to 08:00."""
    assert ["1 per day in category:marketing", "5 per day"] == [
        cap.name for cap in GATE.caps
    ]
    assert (QuietHours("22:30", "08:00"),) == GATE.quiet
