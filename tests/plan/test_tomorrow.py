"""What the plan for tomorrow promises."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.claims.figures import INTERACTIONS_A_DAY
from wxengage.errors import InvalidInputError
from wxengage.pacing.budgets import Budget
from wxengage.pacing.caps import DAILY_CEILING, Cap
from wxengage.pacing.windows import GOLDEN_WINDOWS, Window
from wxengage.plan.gating.gate import Gate
from wxengage.plan.priors import PRIORS, WEIGHTS, Prior
from wxengage.plan.tomorrow import GATE, next_day
from wxengage.segments.playbook import PLAYBOOK
from wxengage.times.days import DayClock

NOW = dt.datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
USERS = ["ada", "bob", "cyd"]
SEGMENTS = ["potential", "active", "dormant"]


def test_every_segment_gets_its_move_in_its_window() -> None:
    """A gift at lunch; in the evening a call to publish, and a recall."""
    plan = next_day(USERS, SEGMENTS, NOW)

    assert [
        ("ada", "newcomer_gift", "mass_send", "02 12:00"),
        ("bob", "open_ugc", "customer_message", "02 20:00"),
        ("cyd", "recall_gift", "wecom_customer_task", "02 20:00"),
    ] == [(s.user, s.message, s.channel, f"{s.at:%d %H:%M}") for s in plan.sends]


def test_deep_and_interactive_content_is_worth_most_in_the_evening() -> None:
    """The article says so; the numbers are priors."""
    for content in ("deep", "interactive"):
        assert "evening" == max(WEIGHTS[content], key=WEIGHTS[content].__getitem__)


def test_every_move_of_the_playbook_has_a_prior() -> None:
    """And every window of the article a weight."""
    codes = {move.code for strategy in PLAYBOOK.values() for move in strategy.moves}

    assert codes == set(PRIORS)
    for weights in WEIGHTS.values():
        assert {window.code for window in GOLDEN_WINDOWS["wechat"]} == set(weights)


def test_one_marketing_message_a_day_is_the_default() -> None:
    """Under the article's ceiling, which holds where that cap is taken away."""
    looser = attrs.evolve(GATE, caps=(DAILY_CEILING,))
    free = next_day(["bob"], ["active"], NOW, gate=looser)

    assert 1 == len(next_day(["bob"], ["active"], NOW))
    assert 1 < len(free) <= INTERACTIONS_A_DAY[1]


def test_the_dormant_get_one_message_whatever_the_caps_say() -> None:
    """Forced pushes drive them away."""
    assert 1 == len(next_day(["cyd"], ["dormant"], NOW, gate=Gate(caps=(Cap(5),))))
    assert 3 == len(next_day(["cyd"], ["dormant"], NOW, gate=Gate(), at_most={}))


def test_a_limited_gift_has_a_price_and_the_others_get_something_else() -> None:
    """One more gift is worth what it beats the next best move by."""
    users = [f"u{i}" for i in range(10)]

    plan = next_day(
        users, ["dormant"] * 10, NOW, budgets=[Budget(4, scope="message:recall_gift")]
    )

    assert {"recall_gift": 4, "scene_reminder": 6} == Counter(
        s.message for s in plan.sends
    )
    worth = 0.04 * 1.2 - 0.02 * 1.1
    assert worth == pytest.approx(plan.prices["message:recall_gift (sends)"])
    assert ["u0", "u1", "u2", "u3"] == sorted(
        s.user for s in plan.sends if s.message == "recall_gift"
    )


def test_why_tells_the_segment_and_the_move() -> None:
    """In the article's words."""
    why = next_day(USERS, SEGMENTS, NOW).why("cyd")

    assert "沉默用户(连续30天无互动)" in why.zh
    assert "「推送专属召回礼包」" in why.zh
    assert (
        "dormant (no interaction for 30 days in a row): gets 'send a recall" in why.en
    )


def test_tomorrow_is_the_day_after_on_the_users_calendar() -> None:
    """16:30 UTC is past midnight in Shanghai already."""
    late = dt.datetime(2026, 2, 28, 16, 30, tzinfo=dt.UTC)

    (shanghai,) = next_day(["bob"], ["active"], late).sends
    (utc,) = next_day(["bob"], ["active"], late, clock=DayClock("UTC")).sends

    assert ["2026-03-02", "2026-03-01"] == [f"{s.at:%Y-%m-%d}" for s in (shanghai, utc)]


def test_numbers_of_ones_own_replace_the_priors() -> None:
    """A measured effect, another channel, another window."""
    mine = {**PRIORS, "level_system": Prior(0.2, "short", "mini_program")}
    tea = (Window("tea", "15:00", "16:00"),)

    (send,) = next_day(["bob"], ["active"], NOW, priors=mine, windows=tea).sends

    assert ("level_system", "mini_program", 0.2) == (
        send.message,
        send.channel,
        send.value,
    )


def test_nobody_is_an_empty_plan() -> None:
    """Empty in, empty out; also where there is no window."""
    assert 0 == len(next_day([], [], NOW))
    assert {"not_allowed": 3} == dict(
        next_day(USERS, SEGMENTS, NOW, windows=()).reasons
    )


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_the_order_of_the_users_changes_nothing(
    order: list[int], out: set[int]
) -> None:
    """And everybody has an outcome."""
    users, segments = np.array([f"u{i}" for i in range(6)]), np.array(SEGMENTS * 2)
    budgets = [Budget(3)]
    holdout = {f"u{i}" for i in out}

    plan = next_day(users, segments, NOW, budgets=budgets, holdout=holdout)
    shuffled = next_day(
        users[order], segments[order], NOW, budgets=budgets, holdout=holdout
    )

    assert plan.sends == shuffled.sends
    assert 6 == sum(plan.counts.values())


@pytest.mark.parametrize(
    ("users", "segments", "fields", "message"),
    [
        (["ada"], ["activ"], {}, r"segments\[0\] must be in the playbook.*'active'"),
        (["ada"], [None], {}, r"segments\[0\] must be in the playbook"),
        (["ada"], ["active", "active"], {}, "segments must be 1, one a user"),
        (["ada", "ada"], ["active"] * 2, {}, r"users\[1\] must be named once"),
        (["ada"], ["active"], {"priors": {}}, "priors must be with 'newcomer_gift'"),
    ],
)
def test_bad_input_is_named(
    users: Any, segments: Any, fields: Any, message: str
) -> None:
    """By row, with the nearest known word."""
    with pytest.raises(InvalidInputError, match=message):
        next_day(users, segments, NOW, **fields)


def test_a_naive_now_is_refused() -> None:
    """Which day is tomorrow depends on the zone."""
    with pytest.raises(InvalidInputError, match="must be an aware"):
        next_day(USERS, SEGMENTS, dt.datetime(2026, 3, 1))  # noqa: DTZ001  naive


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"effect": 1.5}, "effect must be from -1 to 1"),
        ({"effect": float("nan")}, "effect must be"),
        ({"effect": True}, "effect must be"),
        ({"content": "shrt"}, "did you mean 'short'"),
        ({"channel": ""}, "channel must be"),
        ({"instead": ("wecom",)}, "instead must be each channel once"),
        ({"cost": -1}, "cost must be"),
    ],
)
def test_a_bad_prior_is_named(fields: Any, message: str) -> None:
    """An effect is a difference of two chances."""
    with pytest.raises(InvalidInputError, match=message):
        Prior(**({"effect": 0.1, "content": "short", "channel": "wecom"} | fields))
