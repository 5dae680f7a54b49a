"""What triggers are as values: the article's plays, order, text, bad input."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from wxengage.claims.figures import DORMANT_AFTER
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.facts import Facts, Holding
from wxengage.plan.scenes.plays import NEWCOMER, RECALL
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
)
from wxengage.plan.scenes.trigger import Step, Trigger
from wxengage.segments.playbook import PLAYBOOK
from wxengage.times.days import DayClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
MICROSECOND = dt.timedelta(microseconds=1)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
HI = Step("hi", "wecom")
HOLDING = Holding("reward", "r1", dt.datetime(2026, 3, 1, tzinfo=SHANGHAI))


def at(text: str, zone: str = "Asia/Shanghai") -> dt.datetime:
    """Return a wall-clock time of 2026, or of the year that is written."""
    text = text if len(text) > 11 else f"2026-{text}"
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def ada(*deeds: tuple[str, dt.datetime], **fields: Any) -> Facts:
    """Return what ada did, and more."""
    events = tuple(Event(kind, user="ada", at=when) for kind, when in deeds)
    return Facts("ada", events=events, **fields)


def told(
    trigger: Trigger, facts: Facts, *times: dt.datetime, clock: DayClock = DayClock()
) -> list[list[str]]:
    """Return the messages due at each of some instants."""
    return [
        [send.message for send in due_triggers(trigger, facts, time, clock=clock)]
        for time in times
    ]


# --- plays ----------------------------------------------------------------------------


def test_the_articles_plays_make_the_articles_moves() -> None:
    """Newcomer gift and simpler path; recall gift and scene reminder."""
    for segment, play in (("potential", NEWCOMER), ("dormant", RECALL)):
        moves = [move.code for move in PLAYBOOK[segment].moves]

        assert moves == [step.message for step in play.steps]
    assert Silent(DORMANT_AFTER) == RECALL.scene


def test_a_newcomer_is_greeted_within_the_minute_and_led_on_the_next_noon() -> None:
    """Until the first deed; a scan that led to the follow is none."""
    start = at("03-02T09:00")
    came = (("scan", start), ("follow", start))
    times = [start, start + MINUTE - MICROSECOND, start + MINUTE, at("03-03T12:00")]

    assert [["newcomer_gift"], ["newcomer_gift"], [], ["simpler_path"]] == told(
        NEWCOMER, ada(*came), *times
    )
    acted = ada(*came, ("menu_click", start + HOUR))
    assert [["newcomer_gift"], []] == told(NEWCOMER, acted, start, times[-1])


def test_a_series_is_run_to_its_end_unless_its_exit_comes() -> None:
    """A drip of three messages on days 0, 1 and 3."""
    start = at("03-02T09:00")
    steps = tuple(
        Step(f"day_{day}", "wecom", after=day * DAY, grace=HOUR) for day in (0, 1, 3)
    )
    series = Trigger("sop", Followed(), steps, unless=("purchase",), again="never")
    times = [start + day * DAY for day in range(5)]
    bought = ada(("follow", start), ("purchase", start + 2 * DAY))

    assert [["day_0"], ["day_1"], [], ["day_3"], []] == told(
        series, ada(("follow", start)), *times
    )
    assert [["day_0"], ["day_1"], [], [], []] == told(series, bought, *times)


# --- order and text -------------------------------------------------------------------


def test_sends_come_by_instant_then_trigger_then_step_then_name() -> None:
    """Ties are settled, so that lists can be compared."""
    now = at("03-02T09:00")
    grants = tuple(Holding("grant", name, now, left=1) for name in "ba")
    facts = ada(("follow", now), ("vote", now - MINUTE), holdings=grants)
    two = (Step("b", "wecom"), Step("a", "wecom"))
    triggers = [
        Trigger("z", Followed(), two),
        Trigger("y", RunningLow("grant"), (Step("g", "wecom"),)),
        Trigger("x", Happened(("vote",)), (Step("v", "wecom"),)),
    ]

    found = due_triggers(triggers, facts, now)
    swapped = due_triggers(triggers, attrs.evolve(facts, holdings=grants[::-1]), now)

    assert ["v", "b", "a", "g", "g"] == [send.message for send in found]
    assert found == swapped


@pytest.mark.parametrize(
    "value",
    [
        NEWCOMER,
        RECALL,
        Trigger("t", Birthday(leap="03-01"), (Step("m", "c", at="09:00", weekday=7),)),
        Trigger("t", StreakBreaking(7), (Step("m", "c", grace=None),)),
        Trigger("t", Expiring("reward", DAY), (HI,), again=DAY),
        Trigger("t", RunningLow("grant"), (HI,), again="never"),
        Trigger("t", Happened(("register",)), (HI,), unless=("purchase",)),
        ada(("like", at("03-02T09:00")), birthday="02-29", holdings=(HOLDING,)),
        Facts(7, zone="Asia/Urumqi", done=frozenset({"x"})),
    ],
    ids=repr,
)
def test_triggers_and_facts_are_kept_as_text(value: object) -> None:
    """Every one comes back equal."""
    assert value == load(dump(value))


# --- bad input ------------------------------------------------------------------------

STEP: Any = Step
TRIGGER: Any = Trigger
SCENE: Any = Silent
FACTS: Any = Facts


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: STEP("m", "c", after=-DAY), "after must be a timedelta of at least"),
        (lambda: STEP("m", "c", after=3), "after must be a timedelta"),
        (lambda: STEP("m", "c", after=999_999_999 * DAY), "at most 100 years"),
        (lambda: STEP("m", "c", grace=0 * DAY), "grace must be a timedelta"),
        (lambda: STEP("m", "c", at="9:00"), "two digits each"),
        (lambda: STEP("m", "c", at="24:00"), "midnight is '00:00'"),
        (lambda: STEP("m", "c", weekday=1), "a day of the week needs a time"),
        (lambda: STEP("m", "c", at="09:00", weekday=0), "weekday must be at least 1"),
        (lambda: STEP("m", "c", at="09:00", weekday=True), "weekday must be a whole"),
        (lambda: STEP("", "c"), "message must be not blank"),
        (lambda: STEP("m", None), "channel must be a string"),
        (lambda: STEP("m", "c", category="ads"), "category must be a category"),
        (lambda: STEP("m", "c", content="long"), "content must be a kind of content"),
        (lambda: STEP("m", "c", value=float("nan")), "value must be a finite number"),
        (lambda: STEP("m", "c", cost=-1), "cost must be at least 0"),
        (lambda: TRIGGER("", Followed(), (HI,)), "id must be not blank"),
        (lambda: TRIGGER("t", "silent", (HI,)), "scene must be a scene"),
        (lambda: TRIGGER("t", Followed, (HI,)), "scene must be a scene"),
        (lambda: TRIGGER("t", Followed(), ()), "steps must be a tuple of at least"),
        (lambda: TRIGGER("t", Followed(), [HI]), "steps must be a tuple"),
        (lambda: TRIGGER("t", Followed(), ("hi",)), r"steps\[0\] must be a Step"),
        (lambda: TRIGGER("t", Followed(), (HI, HI)), r"steps\[1\].message must be"),
        (lambda: TRIGGER("t", Followed(), (HI,), again="once"), "a rule of re-entry"),
        (lambda: TRIGGER("t", Followed(), (HI,), again=0 * DAY), "again must be"),
        (lambda: TRIGGER("t", Followed(), (HI,), again=None), "a rule of re-entry"),
        (lambda: TRIGGER("t", Birthday(), (HI,), again="never"), "once a year by"),
        (lambda: TRIGGER("t", Followed(), (HI,), unless="read"), "unless must be a"),
        (lambda: TRIGGER("t", Followed(), (HI,), unless=("buy",)), "a known kind"),
        (lambda: TRIGGER("t", Followed(), (HI,), unless=("follow",)), "take Silent"),
        (lambda: TRIGGER("t", Silent(), (HI,), unless=("like",)), "no kind by which"),
        (lambda: SCENE(-DAY), "after must be a timedelta"),
        (lambda: SCENE(DAY, ()), "kinds must be a tuple of kinds of events, at least"),
        (lambda: SCENE(DAY, ("like", "like")), r"kinds\[1\] must be named once"),
        (lambda: Happened(("purchas",)), "did you mean 'purchase'"),
        (lambda: Birthday("09:00", -1), "days_before must be at least 0"),
        (lambda: Birthday(leap="02-29"), "leap must be '02-28' or '03-01'"),  # type: ignore[arg-type]
        (lambda: StreakBreaking(0), "days must be at least 1"),
        (lambda: StreakBreaking(3, "8pm"), "by must be a time"),
        (lambda: StreakBreaking(3, kind="checkin"), "did you mean 'check_in'"),
        (lambda: Expiring("", DAY), "kind must be not blank"),
        (lambda: Expiring("reward", -DAY), "before must be a timedelta"),
        (lambda: RunningLow("grant", 0), "left must be at least 1"),
        (lambda: FACTS(None), "user must be text"),
        (lambda: FACTS("a", birthday="02-30"), "birthday must be a day of the year"),
        (lambda: FACTS("a", birthday="2-9"), "two digits each"),
        (lambda: FACTS("a", birthday=(2, 9)), "birthday must be a day of the year"),
        (lambda: FACTS("a", zone="Asia/Peking"), "zone must be an IANA time zone"),
        (lambda: FACTS("a", events=[]), "events must be a tuple"),
        (lambda: FACTS("a", events=(3,)), r"events\[0\] must be an Event"),
        (
            lambda: FACTS("a", events=ada(("like", at("03-02T09:00"))).events),
            r"events\[0\].user must be the user's own id",
        ),
        (lambda: FACTS("a", holdings=(3,)), r"holdings\[0\] must be a Holding"),
        (lambda: FACTS("a", holdings=(HOLDING, HOLDING)), r"holdings\[1\] must be"),
        (lambda: FACTS("a", holdings=HOLDING), "holdings must be a tuple"),
        (lambda: FACTS("a", done={"x"}), "done must be a frozenset"),
        (lambda: attrs.evolve(HOLDING, until=HOLDING.at), "until must be after at"),
        (lambda: attrs.evolve(HOLDING, closed=HOLDING.at - DAY), "closed must be not"),
        (lambda: attrs.evolve(HOLDING, left=-1), "left must be at least 0"),
        (
            lambda: attrs.evolve(HOLDING, at=dt.datetime(2026, 3, 1)),  # noqa: DTZ001
            "at must be an aware datetime",
        ),
    ],
)
def test_bad_values_are_named(make: Any, message: str) -> None:
    """Field, rule and mend."""
    with pytest.raises(InvalidInputError, match=message):
        make()


@pytest.mark.parametrize(
    ("triggers", "state", "now", "message"),
    [
        ([NEWCOMER, NEWCOMER], ada(), at("03-02T09:00"), r"triggers\[1\].id must be"),
        ([3], ada(), at("03-02T09:00"), r"triggers\[0\] must be a Trigger"),
        (3, ada(), at("03-02T09:00"), "triggers must be triggers, or one"),
        (NEWCOMER, [ada()], at("03-02T09:00"), "for many users at once take due_many"),
        (NEWCOMER, ada(), dt.datetime(2026, 3, 1), "now must be an aware"),  # noqa: DTZ001
        (NEWCOMER, ada(), "2026-03-01", "now must be an aware"),
    ],
)
def test_bad_questions_are_named(
    triggers: Any, state: Any, now: Any, message: str
) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInputError, match=message):
        due_triggers(triggers, state, now)
