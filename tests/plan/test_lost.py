"""Every option that a user does not get lost to something that can be named."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from wxengage.pacing.budgets import AdShare, Budget
from wxengage.pacing.caps import Cap
from wxengage.pacing.quiet import QuietHours
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.solver import plan_sends
from wxengage.plan.solving import crowds

if TYPE_CHECKING:
    from wxengage.plan.bounds import Limit
    from wxengage.plan.lost import Lost

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAN = math.nan


def option(message: str, hour: int, channel: str = "wecom", **more: Any) -> Option:
    """Return a message that may go within an hour of a day in March 2026."""
    start = dt.datetime(2026, 3, 2, tzinfo=SHANGHAI) + dt.timedelta(hours=hour)
    return Option(message, channel, start, start + dt.timedelta(hours=1), **more)


A, B, C = option("a", 8), option("b", 8, "mini"), option("c", 20)
AD, NIGHT = option("ad", 12, is_ad=True), option("night", 23)


@pytest.fixture(params=["exactly", "by prices"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Solve it one way and the other: the answers are about the same plan."""
    if request.param == "by prices":
        monkeypatch.setattr(crowds, "LARGEST", -1)
    return str(request.param)


def lost(values: list[float], options: list[Option], *limits: Limit) -> dict[str, Lost]:
    """Return what ada loses, by message, where bob wants the first option more."""
    bob: list[float] = [9.0, *[NAN] * (len(values) - 1)]
    who = Candidates.from_matrix([values, bob], options, ["ada", "bob"])
    return {one.option.message: one for one in plan_sends(who, limits).why("ada").lost}


@pytest.mark.parametrize(
    ("values", "options", "limits", "reason", "by"),
    [
        ([NAN, 1.0], [A, C], [], "not_allowed", ""),
        ([-2.0, 1.0], [A, C], [], "no_value", ""),
        ([1.0, 1.0], [NIGHT, C], [QuietHours("22:30", "08:00")], "quiet_hours", ""),
        ([1.0, 2.0], [AD, C], [AdShare(1, 10)], "ad_share", ""),
        ([1.0, 2.5], [A, B], [], "slot", "b"),
        ([1.0, 2.5], [A, C], [Cap(1)], "cap", "1 per day"),
        ([2.0, 2.5], [A, C], [Budget(1, scope="message:a")], "budget", None),
    ],
)
@pytest.mark.usefixtures("way")
def test_an_option_lost_to_what_is_named(
    values: list[float],
    options: list[Option],
    limits: list[Limit],
    reason: str,
    by: str | None,
) -> None:
    """The reason, and the name of the message, the cap or the budget."""
    found = lost(values, options, *limits)[options[0].message]

    assert reason == found.reason
    assert by in {None, found.by}
    assert options[0] == found.option
    assert found.zh.startswith(f"「{options[0].message}」：")  # noqa: RUF001
    assert found.en.startswith(repr(options[0].message))


@pytest.mark.usefixtures("way")
def test_who_loses_hears_by_how_much() -> None:
    """After prices: what the winner is worth more, or the price above the value."""
    assert 1.5 == pytest.approx(lost([1.0, 2.5], [A, B])["a"].short_by)
    assert 2.0 == lost([-2.0, 1.0], [A, C])["a"].short_by
    assert 1.5 == pytest.approx(lost([1.0, 2.5], [A, C], Cap(1))["a"].short_by)


@pytest.mark.usefixtures("way")
def test_a_budget_names_its_price() -> None:
    """What ada would have to be worth more than, to be served in bob's place."""
    who = Candidates.from_matrix([[2.0], [9.0], [5.0]], [A], ["ada", "bob", "cyd"])

    plan = plan_sends(who, Budget(1, scope="message:a"))
    (found,) = plan.why("ada").lost

    assert ("budget", "message:a (sends)") == (found.reason, found.by)
    assert plan.prices["message:a (sends)"] == found.price
    assert found.price - 2.0 == pytest.approx(found.short_by)
    assert () == plan.why("bob").lost


def test_what_is_chosen_and_what_is_lost_are_all_there_is() -> None:
    """In the order of the options, for everybody."""
    options = [A, B, C, AD]
    who = Candidates.from_matrix(
        [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, NAN, -1.0]],
        options,
        ["ada", "bob"],
        sends_left=[1, 0],
    )
    plan = plan_sends(who.without({"cyd"}), [Cap(2), Budget(1)])

    assert ["a", "b", "c"] == [o.option.message for o in plan.why("ada").lost]
    reasons = [one.reason for one in plan.why("bob").lost]
    assert ["cap", "cap", "not_allowed", "cap"] == reasons
    held = plan_sends(who.without({"ada"})).why("ada").lost
    assert {"holdout"} == {one.reason for one in held}
