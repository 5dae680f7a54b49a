"""What the gate promises about one message."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.channels.folding import advance
from wxengage.channels.quotas import REASONS as REFUSALS
from wxengage.channels.quotas import Quota
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.pacing.caps import Cap
from wxengage.pacing.caps import next_allowed as cap_allows
from wxengage.pacing.gaps import MinGap
from wxengage.pacing.mix import ContentMix
from wxengage.pacing.quiet import WEEKDAYS, QuietHours
from wxengage.pacing.sunset import Sunset
from wxengage.plan.gating.decisions import Decision
from wxengage.plan.gating.gate import EXEMPTIONS, Gate
from wxengage.plan.gating.history import History
from wxengage.plan.gating.periods import period_at, quiet_end
from wxengage.plan.gating.rounds import calendar_end, rolling_end
from wxengage.plan.gating.says import REASONS
from wxengage.plan.gating.tables import tables_of
from wxengage.rules.book import Rulebook, rulebook
from wxengage.sends import Freeze, Send, Sent
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros
from wxengage.users import Choice, FollowSpan, User

if TYPE_CHECKING:
    from collections.abc import Iterable

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MICRO = dt.timedelta(microseconds=1)
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
NIGHT = QuietHours("22:30", "08:00")
BOOK = rulebook(dt.date(2026, 3, 1))
ADA = User("ada", zone="Asia/Shanghai")


def send(**fields: Any) -> Send:
    """Return a message to ada through a channel of the caller's own."""
    given_ = {"channel": "app_push", "message": "gift", "topic": "recall"} | fields
    return Send("s1", "ada", **given_)


def sent(*times: dt.datetime, **fields: Any) -> tuple[Sent, ...]:
    """Return what ada got at these times."""
    return tuple(Sent("ada", at, "app_push", **fields) for at in times)


def past(*times: dt.datetime, **fields: Any) -> History:
    """Return ada's history."""
    return History(ADA, "active", sent(*times, **fields))


def told(decision: Decision) -> tuple[str, dt.datetime | None, str]:
    """Return what is most often asked of a decision."""
    return decision.action, decision.at, decision.reason


# --- in time ---------------------------------------------------------------------


def test_what_nothing_holds_back_goes_now() -> None:
    """At the instant asked about, told on the user's clock."""
    found = Gate().check(send(), past(), NOON.astimezone(dt.UTC))

    assert Decision("s1", "ada", "send", NOON, "may_go") == found
    assert found.at is not None
    assert found.at.tzinfo is SHANGHAI


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-03-02T22:29:59.999999", "2026-03-02T22:29:59.999999"),
        ("2026-03-02T22:30", "2026-03-03T08:00"),
        ("2026-03-03T00:00", "2026-03-03T08:00"),
        ("2026-03-03T07:59:59.999999", "2026-03-03T08:00"),
        ("2026-03-03T08:00", "2026-03-03T08:00"),
    ],
)
def test_quiet_hours_hold_from_their_start_to_their_end(now: str, then: str) -> None:
    """Half-open, and across midnight without a leak."""
    asked, goes = (dt.datetime.fromisoformat(t + "+08:00") for t in (now, then))
    found = Gate(quiet=(NIGHT,)).check(send(), past(), asked)

    assert goes == found.at
    assert ("send" if asked == goes else "defer") == found.action


@pytest.mark.parametrize(
    ("cap", "times", "now", "then"),
    [
        (Cap(1), ["2026-02-28T01:00"], "2026-02-28T23:00", "2026-03-01T00:00"),
        (
            Cap(1, per="month"),
            ["2026-02-01T01:00"],
            "2026-02-28T23:00",
            "2026-03-01T00:00",
        ),
        (
            Cap(1, per="week"),
            ["2026-12-28T09:00"],
            "2026-12-31T09:00",
            "2027-01-04T00:00",
        ),
        (Cap(2), ["2026-03-02T01:00"], "2026-03-02T23:00", "2026-03-02T23:00"),
        (
            Cap(1, per=DAY),
            ["2026-03-01T20:00"],
            "2026-03-02T08:00",
            "2026-03-02T20:00",
        ),
    ],
)
def test_a_cap_gives_the_first_instant_with_room(
    cap: Cap, times: list[str], now: str, then: str
) -> None:
    """Across the month's end and in ISO week 53, not a whole period later."""

    def at(text: str) -> dt.datetime:
        return dt.datetime.fromisoformat(text + "+08:00")

    found = Gate(caps=(cap,)).check(send(), past(*map(at, times)), at(now))

    assert at(then) == found.at
    if found.action == "defer":
        assert ("cap", f"cap: {cap.name}") == (found.reason, found.constraint)


@pytest.mark.parametrize(("date", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_the_day_is_the_users_and_as_long_as_the_clock_makes_it(
    date: str, hours: int
) -> None:
    """The user's own zone, not the gate's; 23 and 25 hours where clocks change."""
    midnight = dt.datetime.fromisoformat(date).replace(tzinfo=BERLIN)
    ada = attrs.evolve(ADA, zone="Europe/Berlin")
    history = History(ada, None, sent(midnight))

    found = Gate(caps=(Cap(1),)).check(send(), history, midnight)

    assert found.at is not None
    assert hours * HOUR == found.at.astimezone(dt.UTC) - midnight.astimezone(dt.UTC)


def test_a_gap_counts_what_is_planned_too() -> None:
    """In both directions."""
    gate = Gate(gaps=(MinGap(3 * HOUR),))

    for other in (-2, 2):
        found = gate.check(send(), past(NOON + other * HOUR), NOON)
        assert ("defer", NOON + (other + 3) * HOUR, "gap") == told(found)
    assert "send" == gate.check(send(), past(NOON - 3 * HOUR), NOON).action


def test_a_stretch_that_outlasts_the_calendar_is_not_waited_for() -> None:
    """The message is dropped by name, one at a time and in bulk."""
    gate = Gate(caps=(Cap(1, per=dt.timedelta.max),))
    history = past(NOON - HOUR)

    found = gate.check(send(), history, NOON)
    assert ("drop", None, "cap") == told(found)
    tables = tables_of([send()], [history], NOON)
    assert found == gate.check_many([send()], *tables, NOON).decision(0)


def test_the_last_constraint_that_moves_it_binds() -> None:
    """The least instant that all allow: the cap's midnight lies in the night."""
    gate = Gate(caps=(Cap(1),), quiet=(NIGHT,))
    found = gate.check(send(), past(NOON - HOUR), NOON)

    morning = dt.datetime(2026, 3, 3, 8, tzinfo=SHANGHAI)
    assert ("defer", morning, "quiet_hours") == told(found)
    assert "quiet_hours: 22:30-08:00" == found.constraint


@pytest.mark.parametrize(
    ("messages", "action"), [(8, "drop"), (9, "send"), (18, "drop"), (19, "send")]
)
def test_the_tenth_message_may_be_an_ad_and_the_ninth_may_not(
    messages: int, action: str
) -> None:
    """One in ten, exactly, at 9, 10, 19 and 20 messages."""
    mix = ContentMix(1, 1, 1, window=None)
    ads = sent(NOON - DAY, is_ad=True) if messages > 9 else ()
    others = sent(*(NOON - (n + 2) * DAY for n in range(messages - len(ads))))
    history = History(ADA, None, ads + others)

    found = Gate(mix=mix).check(send(is_ad=True), history, NOON)

    assert action == found.action
    assert ("may_go" if action == "send" else "ad_share") == found.reason


def test_a_kind_ahead_of_its_share_waits_until_old_messages_leave() -> None:
    """The instant at which the window lets one go."""
    mix = ContentMix(1, 1, 1, ads=None, window=3 * DAY)
    history = past(NOON - DAY, NOON - 2 * DAY, content="deep")

    found = Gate(mix=mix).check(send(content="deep"), history, NOON)

    assert ("defer", NOON + 2 * DAY, "mix", "mix: 1:1:1") == (
        *told(found),
        found.constraint,
    )


def test_attempts_to_win_back_wait_longer_and_then_end() -> None:
    """Only since the user has been dormant, and only for the dormant."""
    gate = Gate(sunset=Sunset(3, first_gap=2 * DAY))

    def asked(*days: int, segment: str = "dormant", since: int = 99) -> Decision:
        times = sent(*(NOON - day * DAY for day in days))
        history = History(ADA, segment, times, since=NOON - since * DAY)
        return gate.check(send(), history, NOON)

    assert ("defer", NOON + DAY, "sunset") == told(asked(1))
    assert ("defer", NOON + 3 * DAY, "sunset") == told(asked(1, 9))
    assert ("drop", None, "sunset") == told(asked(1, 9, 20))
    assert "send" == asked(1, 9, 20, segment="active").action
    assert ("defer", NOON + DAY, "sunset") == told(asked(1, 9, 20, since=2))


def test_a_freeze_stops_its_topics_and_segments() -> None:
    """Until its end; without an end the message is dropped. The doubtful stays."""
    freeze = Freeze(("recall",), ("active",), NOON - HOUR, NOON + DAY, "门店停业")
    history, gate = past(), Gate()

    found = gate.check(send(), history, NOON, freezes=[freeze])
    assert ("defer", NOON + DAY, "freeze", "freeze: 门店停业") == (
        *told(found),
        found.constraint,
    )
    assert "门店停业" in found.explain("zh")
    for other, who in (
        (send(topic="news"), history),
        (send(category="service"), history),
        (send(), attrs.evolve(history, segment="dormant")),
    ):
        assert "send" == gate.check(other, who, NOON, freezes=[freeze]).action
    unknown = attrs.evolve(history, segment=None)
    assert "defer" == gate.check(send(), unknown, NOON, freezes=[freeze]).action
    endless = attrs.evolve(freeze, end=None)
    found = gate.check(send(), history, NOON, freezes=(endless,))
    assert ("drop", None, "freeze") == told(found)


def test_a_message_waits_for_its_own_time() -> None:
    """The later of not_before and at."""
    late = send(not_before=NOON + HOUR, at=NOON + 2 * HOUR)
    found = Gate().check(late, past(), NOON)

    assert ("defer", NOON + 2 * HOUR, "not_before") == told(found)
    assert "not_before: at" == found.constraint


def test_a_message_expires_at_the_exact_instant() -> None:
    """It may go at a microsecond before, not at it; nor where it cannot wait."""
    gate = Gate(quiet=(NIGHT,))
    morning = dt.datetime(2026, 3, 3, 8, tzinfo=SHANGHAI)

    assert "send" == gate.check(send(expires=NOON + MICRO), past(), NOON).action
    found = gate.check(send(expires=NOON), past(), NOON)
    assert ("drop", None, "expired") == told(found)
    late = gate.check(send(expires=morning), past(), morning - HOUR)
    assert ("drop", None, "expires_first") == told(late)
    assert "quiet_hours: 22:30-08:00" == late.constraint
    found = gate.check(send(expires=morning + MICRO), past(), morning - HOUR)
    assert ("defer", morning) == told(found)[:2]


def test_what_has_to_wait_may_go_into_a_digest() -> None:
    """Only messages of the topics that say so, and only where they must wait."""
    gate = Gate(caps=(Cap(1),), digests=("recall",))
    midnight = dt.datetime(2026, 3, 3, tzinfo=SHANGHAI)

    assert ("digest", midnight) == told(gate.check(send(), past(NOON), NOON))[:2]
    other = gate.check(send(topic="news"), past(NOON), NOON)
    assert "defer" == other.action
    assert "send" == gate.check(send(), past(), NOON).action


# --- the platform -----------------------------------------------------------------


def granted(*, spent: Iterable[dt.datetime] = ()) -> Quota:
    """Return a quota with one grant, and messages that spent it."""
    accepted = Event("subscribe", user="ada", at=NOON - DAY, item="gift")
    quota = advance(Quota("ada"), accepted, BOOK)
    for at in spent:
        row = Sent("ada", at, "subscribe_message", message="gift")
        quota = advance(quota, row, BOOK)
    return quota


def test_a_grant_spent_twice_is_refused() -> None:
    """One grant, one message, and of that template only."""
    gate, ask = Gate(), send(channel="subscribe_message")
    history = History(ADA, None, (), granted())

    assert "send" == gate.check(ask, history, NOON).action
    again = attrs.evolve(history, quota=granted(spent=[NOON - HOUR]))
    found = gate.check(ask, again, NOON)
    assert ("drop", None, "no_grant") == told(found)
    assert "quota: subscribe_message" == found.constraint
    other = attrs.evolve(ask, message="news")
    assert "no_grant" == gate.check(other, history, NOON).reason


def test_a_history_that_was_asked_before_knows_when_the_window_closes() -> None:
    """What it keeps of an answer is no longer used when the answer ends."""
    wrote = Event("menu_click", user="ada", at=NOON)
    history = History(ADA, None, (), advance(Quota("ada"), wrote, BOOK))
    ask, gate = send(channel="customer_message"), Gate()
    minute = dt.timedelta(minutes=1)

    for later in (dt.timedelta(0), minute - MICRO):
        assert "send" == gate.check(ask, history, NOON + later).action
    found = gate.check(ask, history, NOON + minute)
    assert ("drop", None, "no_window") == told(found)
    assert "no_window" == gate.check(ask, history, NOON - MICRO).reason


def test_a_window_that_closes_before_the_night_ends_drops_the_message() -> None:
    """To wait for the morning would be to wait for ever."""
    clicked = Event("menu_click", user="ada", at=NOON)
    history = History(ADA, None, (), advance(Quota("ada"), clicked, BOOK))
    gate = Gate(quiet=(QuietHours("12:00", "13:00"),))

    found = gate.check(send(channel="customer_message"), history, NOON)

    assert ("drop", None, "no_window") == told(found)


def test_a_channel_carries_what_it_may_and_needs_followers() -> None:
    """A template message carries no marketing; who left is not written to."""
    gate, gone = Gate(), NOON - HOUR
    template = send(channel="template_message")
    left = attrs.evolve(ADA, spans=(FollowSpan(None, gone - DAY, gone),))

    assert "not_carried" == gate.check(template, past(), NOON).reason
    service = attrs.evolve(template, category="service")
    assert "send" == gate.check(service, past(), NOON).action
    found = gate.check(service, History(left, None), NOON)
    assert ("drop", None, "unfollowed") == told(found)
    assert "send" == gate.check(service, History(left, None), gone - HOUR).action


# --- the person -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (None, "not_carried"),
        (rulebook(dt.date(2026, 3, 2)), "not_carried"),
        (
            rulebook(dt.date(2026, 3, 2)).overlay(
                [
                    attrs.evolve(
                        rulebook(dt.date(2026, 3, 2))["WX-TPL-001"],
                        params={"purpose": ("service", "marketing")},
                        source="told by the platform",
                    )
                ]
            ),
            "may_go",
        ),
    ],
    ids=["catalogue", "rulebook", "corrected"],
)
def test_what_a_channel_carries_is_a_rule_that_can_be_corrected(
    rules: Rulebook | None, reason: str
) -> None:
    """One at a time and from tables; the policy can be kept as text."""
    gate = Gate(rulebook=rules)
    message = send(channel="template_message")
    tables = tables_of([message], [past()], NOON)

    assert reason == gate.check(message, past(), NOON).reason
    many = gate.check_many([message], *tables, NOON)
    assert [reason] == many.reason.tolist()
    assert gate == load(dump(gate))


def test_children_are_spared_from_the_day_of_the_law_on() -> None:
    """The personal information law came into force on 1 November 2021."""
    child = History(User("ada", age_band="0-13"), None)
    found = [
        Gate(rulebook=rulebook(dt.date(2021, month, day))).check(send(), child, NOON)
        for month, day in ((10, 31), (11, 1))
    ]

    assert ["may_go", "under_14"] == [one.reason for one in found]


def test_a_no_counts_until_a_yes() -> None:
    """About the topic or about everything; opting in needs a yes."""
    no, yes = Choice("*", NOON - 2 * HOUR), Choice("recall", NOON)
    ada = attrs.evolve(ADA, opt_outs=(no,), consents=(yes,))
    history, out, opt_in = History(ada, None), Gate(), Gate(consent="opt_in")

    found = out.check(send(), history, NOON - MICRO)
    assert ("drop", None, "opted_out") == told(found)
    assert "send" == out.check(send(), history, NOON).action
    assert "opted_out" == out.check(send(topic="news"), history, NOON).reason
    assert "send" == opt_in.check(send(), history, NOON).action
    assert "no_consent" == opt_in.check(send(), past(), NOON).reason


def test_nothing_is_advertised_to_children() -> None:
    """Service goes; no message of marketing does, transactional or not."""
    child = History(attrs.evolve(ADA, age_band="0-13"), None)

    for transactional in (False, True):
        ask = send(transactional=transactional)
        assert "under_14" == Gate().check(ask, child, NOON).reason
    assert "send" == Gate().check(send(category="service"), child, NOON).action


@pytest.mark.parametrize(
    ("on_missing_zone", "action", "reason"),
    [
        ("assume", "defer", "quiet_hours"),
        ("block", "drop", "zone_unknown"),
        ("allow", "send", "may_go"),
    ],
)
def test_an_unknown_zone_is_assumed_blocked_or_let_through(
    on_missing_zone: Any, action: str, reason: str
) -> None:
    """The gate says which; where there are no quiet hours nobody asks."""
    night = NOON + 11 * HOUR
    history = History(User("ada"), None)
    gate = Gate(quiet=(NIGHT,), on_missing_zone=on_missing_zone)

    found = gate.check(send(), history, night)
    assert (action, reason) == (found.action, found.reason)
    without = attrs.evolve(gate, quiet=())
    assert "send" == without.check(send(), history, night).action


#: What a message is held back by: the policy, and what else is there.
HOLDS: dict[str, tuple[Gate, History, tuple[Freeze, ...]]] = {
    "consent": (
        Gate(),
        History(attrs.evolve(ADA, opt_outs=(Choice("*", NOON - DAY),)), None),
        (),
    ),
    "freeze": (Gate(), past(), (Freeze(None, None, NOON, NOON + DAY, "危机"),)),
    "sunset": (
        Gate(sunset=Sunset(1, first_gap=DAY)),
        History(ADA, "dormant", sent(NOON - HOUR)),
        (),
    ),
    "quiet_hours": (Gate(quiet=(QuietHours("11:00", "13:00"),)), past(), ()),
    "gap": (Gate(gaps=(MinGap(DAY),)), past(NOON - HOUR), ()),
    "cap": (Gate(caps=(Cap(1),)), past(NOON - HOUR), ()),
    "mix": (Gate(mix=ContentMix(1, 0, 0)), past(), ()),
}


@pytest.mark.parametrize("what", EXEMPTIONS)
def test_a_transactional_message_passes_what_it_is_exempt_from(what: str) -> None:
    """That, and nothing else."""
    gate, history, freezes = HOLDS[what]
    receipt = send(transactional=True, content="deep")
    others = tuple(one for one in EXEMPTIONS if one != what)

    def action(ask: Send, exempt: Any) -> str:
        one = attrs.evolve(gate, exempt=exempt)
        return one.check(ask, history, NOON, freezes=freezes).action

    assert "send" == action(receipt, (what,))
    assert "send" != action(receipt, others)
    assert "send" != action(attrs.evolve(receipt, transactional=False), (what,))


def test_no_message_is_exempt_from_its_own_bounds_and_the_platform() -> None:
    """A receipt that has expired, is not due, or has no grant stays."""
    receipt = send(transactional=True)
    asked = [
        (attrs.evolve(receipt, expires=NOON), past(), "expired"),
        (attrs.evolve(receipt, not_before=NOON + HOUR), past(), "not_before"),
        (attrs.evolve(receipt, channel="template_message"), past(), "not_carried"),
        (
            attrs.evolve(receipt, channel="subscribe_message"),
            History(ADA, None, (), Quota("ada")),
            "no_grant",
        ),
    ]

    for ask, history, reason in asked:
        assert reason == Gate().check(ask, history, NOON).reason


# --- sentences --------------------------------------------------------------------


@pytest.mark.parametrize("reason", [*REASONS, *REFUSALS, "expires_first"])
def test_every_reason_is_a_sentence_in_both_languages(reason: str) -> None:
    """With the constraint, and without a gap that was not filled."""
    at = None if reason == "expires_first" else NOON
    action: Any = "drop" if at is None else "defer"
    found = Decision("s1", "ada", action, at, reason, "cap: 3 per day in topic:recall")

    zh, en = found.explain("zh"), found.explain("en")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in zh)
    assert en.isascii()
    for text in (zh, en):
        assert "{" not in text
        assert at is None or "2026-03-02 12:00" in text


def test_sentences_name_the_constraint_and_the_time() -> None:
    """As somebody at the desk would say it."""
    gate = Gate(caps=(Cap(1),), gaps=(MinGap(3 * HOUR, scope="topic"),))
    found = gate.check(send(), past(NOON), NOON)

    assert "已达到频次上限（每天最多 1 条）：最早可在 2026-03-03 00:00 发送" == (  # noqa: RUF001
        found.explain("zh")
    )
    assert (
        "the cap is reached (1 per day): it may go at 2026-03-03 00:00 at the earliest"
    ) == found.explain("en")
    gap = attrs.evolve(gate, caps=()).check(send(), past(NOON, topic="recall"), NOON)
    far = "与相邻消息的间隔不足（至少间隔 3:00:00，范围 topic）"  # noqa: RUF001
    assert far in gap.explain()
    with pytest.raises(InvalidInputError, match="lang must be 'zh' or 'en'"):
        found.explain("de")  # type: ignore[arg-type]


# --- bad input --------------------------------------------------------------------


def test_all_faults_of_a_policy_are_told_at_once() -> None:
    """Nobody mends them one by one."""
    with pytest.raises(InvalidInputError) as told_:
        Gate(
            caps=[Cap(1)],  # type: ignore[arg-type]
            quiet=(QuietHours("08:00", "20:00"), QuietHours("20:00", "08:00")),
            consent="optin",  # type: ignore[arg-type]
            exempt=("caps",),  # type: ignore[arg-type]
            digests=("news", "news"),
        )

    text = str(told_.value)
    assert text.startswith("gate must be without a fault, got '5 faults'")
    for part in ("caps must be a tuple of Cap", "a minute is left", "opt_in", "exempt"):
        assert part in text
    assert "digests must be names given once each" in text


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"caps": (1,)}, r"caps\[0\] must be a Cap"),
        ({"mix": 1}, "mix must be a ContentMix or None"),
        ({"clock": "Asia/Shanghai"}, "clock must be a DayClock"),
        ({"on_missing_zone": "drop"}, "on_missing_zone must be one of assume"),
        ({"digests": "news"}, "digests must be a tuple of names"),
        ({"exempt": ("cap", "cap")}, "exempt must be words named once"),
        ({"exempt": "cap"}, "exempt must be a tuple"),
        ({"digests": ("",)}, r"digests\[0\] must be not blank"),
    ],
)
def test_a_single_fault_is_told_as_it_is(fields: Any, match: str) -> None:
    """By field, rule and what was got."""
    with pytest.raises(InvalidInputError, match=match):
        Gate(**fields)


def test_questions_that_make_no_sense_are_refused() -> None:
    """Another user's history, a naive now, a freeze that is none."""
    gate, other = Gate(), History(User("bob"), None)

    with pytest.raises(InvalidInputError, match=r"send\.user must be the history"):
        gate.check(send(), other, NOON)
    with pytest.raises(InvalidInputError, match="now must be an aware datetime"):
        gate.check(send(), past(), NOON.replace(tzinfo=None))
    with pytest.raises(InvalidInputError, match="freezes must be several"):
        gate.check(send(), past(), NOON, freezes="all")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"freezes\[0\] must be a Freeze"):
        gate.check(send(), past(), NOON, freezes=["all"])  # type: ignore[list-item]
    with pytest.raises(InvalidInputError, match="send must be a Send"):
        gate.check("s1", past(), NOON)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="history must be a History"):
        gate.check(send(), ADA, NOON)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"user": "ada"}, "user must be a User"),
        ({"segment": ""}, "segment must be not blank"),
        ({"sends": []}, "sends must be a tuple of Sent"),
        ({"sends": (1,)}, r"sends\[0\] must be a Sent"),
        ({"sends": (Sent("bob", NOON, "a"),)}, r"sends\[0\].user must be of the user"),
        ({"quota": 3}, "quota must be a Quota"),
        ({"quota": Quota("bob")}, "quota.user must be 'ada'"),
        ({"account": Quota("ada")}, "account.user must be None"),
        ({"since": NOON.replace(tzinfo=None)}, "since must be an aware datetime"),
    ],
)
def test_a_history_is_one_users(fields: Any, match: str) -> None:
    """What belongs to somebody else is refused by row."""
    with pytest.raises(InvalidInputError, match=match):
        History(**({"user": ADA, "segment": None} | fields))


def test_a_decision_has_an_instant_unless_it_drops() -> None:
    """And one of four actions."""
    for action, at in (("send", None), ("drop", NOON)):
        with pytest.raises(InvalidInputError, match="at must be an instant"):
            Decision("s1", "ada", action, at, "cap")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="action must be an action"):
        Decision("s1", "ada", "wait", NOON, "cap")  # type: ignore[arg-type]


def test_a_policy_and_what_it_is_asked_can_be_kept() -> None:
    """As text, there and back."""
    gate = Gate(
        caps=(Cap(1, per="week"),),
        quiet=(NIGHT,),
        gaps=(MinGap(HOUR),),
        mix=ContentMix(5, 2, 3),
        sunset=Sunset(3, first_gap=DAY),
        digests=("news",),
    )
    history = History(ADA, "active", sent(NOON), granted(), since=NOON)
    values = [gate, history, gate.check(send(), history, NOON)]

    assert values == [load(dump(value)) for value in values]


# --- the arithmetic ---------------------------------------------------------------

ZONES = st.sampled_from(
    ["Asia/Shanghai", "Europe/Berlin", "America/Havana", "America/Asuncion", "UTC"]
)
#: The days around which clocks are changed, and all others.
INSTANTS = st.integers(1_700_000_000, 1_860_000_000).map(lambda s: s * 1_000_000)
HALVES = st.integers(0, 47).map(lambda half: f"{half // 2:02d}:{half % 2 * 30:02d}")


@given(
    st.lists(HALVES, min_size=2, max_size=2, unique=True),
    st.one_of(st.none(), st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True)),
    ZONES,
    INSTANTS,
)
def test_nights_that_are_looked_up_end_as_quiet_hours_say(
    times: list[str], days: Any, zone: str, at: int
) -> None:
    """The same in every zone, also where the clock changes in the night."""
    quiet = QuietHours(*times, days=None if days is None else tuple(days))
    clock = DayClock(zone)

    expected = quiet.ends_after(from_micros(at), clock=clock)
    assert micros("at", expected) == quiet_end(quiet, zone, at)


@given(
    st.integers(1, 4),
    st.sampled_from(["day", "week", "month"]),
    st.builds(DayClock, ZONES, st.sampled_from([dt.time(0), dt.time(4, 30)])),
    st.lists(st.integers(-60, 60), max_size=12),
    INSTANTS,
)
def test_periods_that_are_looked_up_have_room_as_caps_say(
    limit: int, per: Any, clock: DayClock, hours: list[int], at: int
) -> None:
    """The same first instant, whatever the zone and the start of the day."""
    step = 6 * 3_600_000_000
    times = sorted(at + hour * step for hour in hours)
    rows = sent(*map(from_micros, times))

    now = from_micros(at)
    expected = cap_allows(Cap(limit, per=per), send(), rows, now, clock=clock)
    assert micros("at", expected) == calendar_end(limit, per, clock, times, at)
    low, high = period_at(clock, per, at)
    assert low <= at < high


@given(
    st.integers(1, 4),
    st.integers(1, 48),
    st.lists(st.integers(-60, 60), max_size=12),
)
def test_stretches_have_room_as_caps_say(
    limit: int, span: int, hours: list[int]
) -> None:
    """The same first instant for every stretch of time."""
    at, step = micros("at", NOON), 3_600_000_000
    times = sorted(at + hour * step for hour in hours)
    cap = Cap(limit, per=span * HOUR)

    expected = cap_allows(cap, send(), sent(*map(from_micros, times)), NOON)
    found = rolling_end(limit, span * step, times, at)
    assert micros("at", expected) == found


def test_a_day_that_the_calendar_leaves_out_has_no_room_of_its_own() -> None:
    """Samoa had no 30 December 2011: after the 29th came the 31st."""
    clock = DayClock("Pacific/Apia")
    morning = clock.start(clock.of_date(dt.date(2011, 12, 29)))
    after = clock.start(clock.of_date(dt.date(2011, 12, 31)))
    times = sorted(micros("at", at) for at in (morning, after))

    found = from_micros(calendar_end(1, "day", clock, times, times[0]), clock.zone)

    assert dt.datetime(2012, 1, 1, tzinfo=clock.zone) == found
    assert (
        2 == np.unique([period_at(clock, "day", at) for at in times], axis=0).shape[0]
    )
