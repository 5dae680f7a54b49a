"""The gate is asked with all that the store knows, and reminders go once."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.desk.desks import (
    DAY,
    HOUR,
    Clock,
    follow,
    invited,
    opened,
    referral,
    unfollow,
)
from tests.desk.senders import Scripted, sends, went
from wxengage.adapters.endpoints import Endpoint
from wxengage.adapters.happenings import Report
from wxengage.adapters.outgoing import Text
from wxengage.adapters.wechat import OfficialAccountSender
from wxengage.delivery.outbox.box import Suppression
from wxengage.delivery.outbox.breakers import Place
from wxengage.delivery.outbox.states import State
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.ports import Letter, letters
from wxengage.desk.histories import segment
from wxengage.desk.notices import Notice
from wxengage.desk.outboxes import letter
from wxengage.desk.sending import Sending
from wxengage.desk.settings import Settings
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.pacing.caps import Cap
from wxengage.pacing.gaps import MinGap
from wxengage.pacing.mix import ContentMix
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.sunset import Sunset
from wxengage.plan.gating.gate import Gate
from wxengage.segments.lifecycle import segment_users
from wxengage.segments.policy import LifecyclePolicy
from wxengage.sends import Freeze, Send
from wxengage.stores.opening import open_store
from wxengage.testing.fixtures import fake_wechat
from wxengage.times.zones import micros
from wxengage.users import Account

if TYPE_CHECKING:
    from wxengage.adapters.outgoing import Content
    from wxengage.desk.desk import Desk
    from wxengage.testing.server import FakeWeChat

__all__ = ["fake_wechat"]

SHOP = Account("shop", "service", "wx1234567890abcdef")
HI = Send("s1", "ada", "sms", "hi")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def acted(kind: str, user: str, at: dt.datetime, **more: Any) -> Event:
    """Return an event of a user."""
    return Event(kind, user=user, at=at, **more)


# What the gate knows.


def test_nobody_has_to_be_known(desk: Desk) -> None:
    """A user of whom no event ever told is a user all the same."""
    assert "send" == desk.check(HI).action
    assert "no_window" == desk.check(Send("s", "x", "customer_message", "hi")).reason


def test_a_user_who_opted_out_gets_nothing(desk: Desk, clock: Clock) -> None:
    """What the user said is known from the events."""
    desk.record(acted("opt_out", "ada", clock.at))
    assert "opted_out" == desk.check(HI).reason
    clock.at += HOUR
    desk.record(acted("consent", "ada", clock.at))
    assert "send" == desk.check(HI).action


def test_whoever_unfollowed_gets_no_message_that_needs_it(
    desk: Desk, clock: Clock
) -> None:
    """Following is a matter of time, and the store knows it."""
    template = Send("s", "ada", "template_message", "t", category="service")
    desk.record(follow("ada", clock.at - DAY))
    assert "send" == desk.check(template).action
    desk.record(unfollow("ada", clock.at))
    assert "drop" == desk.check(template).action


def test_a_cap_counts_what_went_and_what_may_have_gone(
    where: str, clock: Clock
) -> None:
    """Also what other systems sent, if they told so."""
    with opened(where, clock, gate=Gate(caps=(Cap(3),))) as desk:
        desk.record(acted("deliver", "ada", clock.at, channel="sms", id="theirs"))
        desk.enqueue([HI, Send("s2", "ada", "sms", "hi")])
        report = desk.dispatch({"sms": Scripted([None, Unknown("cut")])})
        assert {"sent": 1, "unknown": 1} == report.outcomes
        assert "defer" == desk.check(Send("s3", "ada", "sms", "hi")).action
        clock.at += DAY
        assert "send" == desk.check(Send("s3", "ada", "sms", "hi")).action


def test_two_letters_of_one_user_do_not_pass_one_cap_at_once(where: str) -> None:
    """Workers that begin at the same time see each other's request."""
    store = open_store(where, processes="one")
    gate = Gate(caps=(Cap(1, per=DAY),))
    desks = [Sending(store, Settings(gate=gate)) for _ in range(4)]
    desks[0].enqueue([Send(f"s{n}", "ada", "sms", "hi") for n in range(12)])
    sender = Scripted()
    threads = [
        threading.Thread(
            target=one.dispatch, args=({"sms": sender},), kwargs={"limit": 3}
        )
        for one in desks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert 1 == sum(sender.delivered.values())


def test_what_waits_at_the_gate_goes_when_it_opens(where: str, clock: Clock) -> None:
    """The letter is not lost, and the desk says when to come again."""
    clock.at = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)
    with opened(where, clock, gate=Gate(quiet=(QuietHours("22:30", "08:00"),))) as desk:
        desk.enqueue([HI])
        assert {"held": 1} == desk.dispatch({"sms": Scripted()}).outcomes
        due = desk.next_due()
        assert dt.datetime(2026, 3, 3, tzinfo=dt.UTC) == due
        clock.at = due
        assert {"sent": 1} == desk.dispatch({"sms": Scripted()}).outcomes


def test_a_freeze_holds_letters_that_are_in_already(desk: Desk, clock: Clock) -> None:
    """A crisis stops what was planned before it."""
    desk.enqueue([HI])
    desk.freeze(Freeze(None, None, clock.at, clock.at + DAY, "a crisis"), by="bo")
    assert {"held": 1} == desk.dispatch({"sms": Scripted()}).outcomes
    clock.at += DAY
    assert {"sent": 1} == desk.dispatch({"sms": Scripted()}).outcomes


def test_a_freeze_of_a_segment_asks_who_is_in_it(desk: Desk, clock: Clock) -> None:
    """Active users are spared, where the freeze says so."""
    desk.record(acted("like", "ada", clock.at))
    desk.record(acted("read", "bo", clock.at))
    desk.freeze(Freeze(None, ("active",), clock.at, None, "a crisis"), by="bo")
    assert "freeze" == desk.check(HI).reason
    assert "send" == desk.check(Send("s2", "bo", "sms", "hi")).action


def test_a_sunset_counts_from_when_the_user_fell_silent(
    where: str, clock: Clock
) -> None:
    """Attempts of an earlier silence do not count against this one."""
    gate = Gate(sunset=Sunset(1, first_gap=DAY, segments=("dormant",)))
    clock.at = NOON
    with opened(where, clock, gate=gate) as desk:
        desk.record(acted("like", "ada", clock.at))
        clock.at += 31 * DAY
        desk.enqueue([HI])
        desk.dispatch({"sms": Scripted()})
        assert "drop" == desk.check(Send("s2", "ada", "sms", "hi")).action
        desk.record(acted("like", "ada", clock.at))
        clock.at += 40 * DAY
        assert "send" == desk.check(Send("s2", "ada", "sms", "hi")).action


def test_a_mix_and_a_gap_look_back_as_far_as_they_need(
    where: str, clock: Clock
) -> None:
    """A limit that looks back a week sees what went six days ago, and no further."""
    gates = [
        Gate(gaps=(MinGap(7 * DAY),)),
        Gate(mix=ContentMix(1, 0, 0, ads=None, window=7 * DAY)),
        Gate(mix=ContentMix(1, 0, 0, ads=None, window=None)),
    ]
    with opened(where, clock) as desk:
        deep = Send("s1", "ada", "sms", "hi", content="short")
        desk.enqueue([deep])
        desk.dispatch({"sms": Scripted()})
        store = desk.store
        clock.at += 6 * DAY
        gap, week, ever = (Sending(store, Settings(gate=gate)) for gate in gates)
        assert "defer" == gap.check(HI).action
        clock.at += DAY
        assert "send" == gap.check(HI).action
        assert "send" == week.check(deep).action
        assert "send" == ever.check(deep).action


KINDS = ("like", "read", "follow", "purchase", "deliver")
POLICIES = (
    LifecyclePolicy(),
    LifecyclePolicy(dormant_after=3 * DAY, active_within=3 * DAY),
    LifecyclePolicy(active_at_least=2, active_within=5 * DAY),
)


@given(
    told=st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 60 * 24)), max_size=12
    ),
    now=st.integers(0, 60 * 24),
    policy=st.sampled_from(POLICIES),
)
@settings(max_examples=80, deadline=None)
def test_a_user_is_in_the_segment_that_a_whole_log_says(
    told: list[tuple[str, int]], now: int, policy: LifecyclePolicy
) -> None:
    """One at a time from the store, or all at once from a log: the same, and since."""
    as_of = NOON + now * HOUR
    events = [
        Event(kind, user="ada", at=NOON + hours * HOUR, id=str(row), channel="sms")
        for row, (kind, hours) in enumerate(told)
    ]
    desk = open_desk_at(NOON + 90 * DAY)
    desk.record_many(events)
    found = desk._do(lambda unit: segment(unit, policy, "ada", as_of), write=False)
    seen = [one for one in events if micros("at", one.at) <= micros("at", as_of)]
    if not seen:
        assert (None, None) == found
        return
    whole = segment_users(read_log(seen), as_of, policy)
    name, since = found
    assert since is not None
    assert (str(whole.segment[0]), int(whole.since.astype("int64")[0])) == (
        name,
        micros("since", since),
    )


def open_desk_at(at: dt.datetime, **more: Any) -> Desk:
    """Return a desk in memory whose clock stands still."""
    return opened("memory://", Clock(at), **more)


# Putting in.


def test_a_message_is_known_by_its_content(desk: Desk, clock: Clock) -> None:
    """Planned anew for another hour it is the same letter; other words are refused."""
    first = desk.enqueue([HI, Send("s2", "bo", "sms", "hi")])
    assert (2, 0) == (first.new, first.known)
    later = Send("s1", "ada", "sms", "hi", at=clock.at + HOUR, value=2.0)
    again = desk.enqueue([later])
    assert (0, 1) == (again.new, again.known)
    assert first.keys[:1] == again.keys
    with pytest.raises(InvalidInputError, match=r"letters\[0\].key"):
        desk.enqueue([Send("s1", "ada", "sms", "hi", topic="else")])
    with pytest.raises(InvalidInputError, match="there once"):
        desk.enqueue([HI, HI])
    assert 0 == desk.enqueue([]).new


def test_many_messages_are_put_in(desk: Desk) -> None:
    """More than one transaction's worth are all there."""
    assert 1_200 == desk.enqueue(sends(1_200)).new
    assert 1_200 == desk.health().backlog


# What becomes of letters later.


def test_a_letter_that_was_mended_is_revived(desk: Desk, clock: Clock) -> None:
    """Who did it and why is kept; a letter that is not dead is refused."""
    (key,) = desk.enqueue([HI]).keys
    desk.dispatch({"sms": Scripted([NotSent("47003", "mend")])})
    assert 1 == desk.health().dead
    desk.revive(key, by="bo", reason="the template was wrong")
    clock.at += HOUR
    assert {"sent": 1} == desk.dispatch({"sms": Scripted()}).outcomes
    with pytest.raises(IllegalTransitionError):
        desk.revive(key, by="bo", reason="again")
    with pytest.raises(InvalidInputError, match="the key of a letter"):
        desk.revive("nothing", by="bo", reason="again")
    rows = desk.store.run(
        lambda tx: tx.find("decision", "by_subject", (key,)), write=False
    )
    assert [("revive", "bo", "the template was wrong")] == [
        (row[2], row[3], row[5]) for row in rows
    ]


def test_a_suppression_is_lifted(desk: Desk) -> None:
    """Afterwards the user gets messages again."""
    desk.enqueue([HI])
    desk.dispatch({"sms": Scripted([NotSent("43004", "suppress")])})
    told = Suppression("", "sms", "ada")
    assert desk.lift(told, by="bo", reason="she called")
    assert not desk.lift(told, by="bo", reason="she called")
    desk.enqueue([Send("s2", "ada", "sms", "hi")])
    assert {"sent": 1} == desk.dispatch({"sms": Scripted()}).outcomes
    with pytest.raises(InvalidInputError, match="a Place or a Suppression"):
        desk.lift("ada", by="bo", reason="x")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="by"):
        desk.lift(Place("channel"), by="", reason="x")


def test_a_late_failure_marks_the_receipt(desk: Desk, clock: Clock) -> None:
    """The message is not sent again; who is told of an unknown receipt says so."""
    (key,) = desk.enqueue([HI]).keys
    desk.dispatch({"sms": Scripted()})
    sent = row(desk, key)
    told = Report("sms", clock.at, sent.receipt, False, "failed:user block", "ada")
    assert desk.reported(told)
    after = row(desk, key)
    assert (State.SENT, "not_arrived", "failed:user block") == (
        after.state,
        after.outcome,
        after.code,
    )
    assert {} == desk.dispatch({"sms": Scripted()}).outcomes
    assert not desk.reported(Report("sms", clock.at, "other", True, "success", "ada"))
    assert not desk.reported(Report("mass_send", clock.at, "1", True, "success"))


def row(desk: Desk, key: str) -> Any:
    """Return a letter as the store has it."""
    return desk._do(lambda unit: letter(unit, key), write=False)


def test_the_next_due_instant_is_the_earliest_of_all(desk: Desk, clock: Clock) -> None:
    """Letters, leases and campaigns: an idle desk says never."""
    assert None is desk.next_due()
    soon = clock.at + 3 * HOUR
    desk.enqueue([Send("s1", "ada", "sms", "hi", not_before=soon)])
    assert soon == desk.next_due()
    assert soon + HOUR == desk.next_due(soon + HOUR)


def test_health_tells_what_to_see_to(desk: Desk, clock: Clock) -> None:
    """It prints as a table, here and in a notebook."""
    assert desk.health().fine
    desk.enqueue([HI])
    clock.at += 2 * HOUR
    found = desk.health()
    assert not found.fine
    assert 2 * HOUR == found.oldest_due
    assert "letters due" in str(found)
    assert "2 h" in str(found)
    assert "<pre>" in found._repr_html_()
    assert "dispatch" in found.worries[0]
    clock.at += 800 * DAY
    assert any("rules" in worry for worry in desk.health().worries)


# Words.


def test_a_notice_of_a_grant_goes_over_the_real_sender(
    fake_wechat: FakeWeChat,
) -> None:
    """From the third invite to the words that WeChat gets, and its receipt."""
    pytest.importorskip("wechatpy", reason="wechatpy is not installed")
    clock = Clock(fake_wechat.now)
    won = Notice(
        "granted",
        "template_message",
        "t1",
        {"thing1": "{why}", "amount2": "{reward}"},
        account="shop",
    )
    with opened("memory://", clock, notices=(won,), accounts=(SHOP,)) as desk:
        desk.backfill([])
        desk.publish(referral())
        for event in invited("oAda", 3, clock.at - DAY):
            desk.record(event)
        fake_wechat.act("follow", "oAda")
        sender = OfficialAccountSender(
            SHOP,
            functools.partial(desk.compose, fallback=mine),
            secret="app-secret",  # noqa: S106  a test's
            endpoint=Endpoint(fake_wechat.url),
        )
        mine_too = Send("own", "oAda", "customer_message", "hello", account="shop")
        desk.record(Event("message", user="oAda", at=clock.at, account="shop"))
        fake_wechat.act("message", "oAda")
        desk.enqueue([mine_too])
        report = desk.dispatch({"template_message": sender, "customer_message": sender})
        assert {"sent": 2} == report.outcomes
        said = {one.path: one.body for one in fake_wechat.messages}
        template = said["/cgi-bin/message/template/send"]
        assert "8.00元" == template["data"]["amount2"]["value"]
        assert len(template["data"]["thing1"]["value"]) <= 20
        assert "hello" == said["/cgi-bin/message/custom/send"]["text"]["content"]


def mine(letter: Letter) -> Content:
    """Make the words of the application's own messages."""
    return Text(letter.send.message)


def test_a_letter_that_nobody_can_word_is_refused(desk: Desk) -> None:
    """Without a fallback, or where the notice is gone, the sender is told."""
    (own,) = letters([HI])
    with pytest.raises(InvalidInputError, match="fallback"):
        desk.compose(own)
    assert Text("hi") == desk.compose(own, mine)
    (gone,) = letters([Send("notice:nothing", "ada", "sms", "hi")])
    with pytest.raises(InvalidInputError, match="a notice and a fact"):
        desk.compose(gone)


def test_logs_tell_no_texts_and_no_names(
    where: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a letter four characters of its key are told, and of its user nothing."""
    secret = "oVerySecretOpenid"  # noqa: S105  a name
    with (
        caplog.at_level(logging.DEBUG, "wxengage.desk"),
        opened(where, clock) as desk,
    ):
        told = [Send(f"s{n}", secret, "sms", "a text") for n in range(3)]
        desk.enqueue(told)
        script = [RuntimeError(secret), NotSent("43004", "suppress"), None]
        desk.dispatch({"sms": Scripted(script)})
        desk.hint("1900000109secretnumber")
    assert caplog.records
    assert secret not in caplog.text
    assert "a text" not in caplog.text
    assert "secretnumber" not in caplog.text


def test_went_tells_the_letter_back() -> None:
    """The scripted sender keeps the contract of a sender."""
    (own,) = letters([HI])
    assert own.key == went(own, NOON).key
