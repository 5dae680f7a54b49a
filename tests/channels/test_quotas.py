"""What a quota promises: windows, grants, periods."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from wxengage.channels.folding import advance
from wxengage.channels.marks import KEPT, Lifted, Mark
from wxengage.channels.quotas import Allowance, Quota
from wxengage.channels.terms import Limit
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.rules.book import rulebook
from wxengage.sends import Send, Sent
from wxengage.times.days import DayClock
from wxengage.users import Account, AccountKind

if TYPE_CHECKING:
    from wxengage.rules.book import Rulebook

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
TICK = dt.timedelta(microseconds=1)
BOOK = rulebook(dt.date(2026, 3, 2))
MINI = (Account("mini", "mini_program", "wx2"),)
SHOP = (Account("shop", "subscription", "wx1"),)
CUSTOMER = Send("s1", "ada", "customer_message", "hello")


def on(channel: str, message: str = "m", **fields: Any) -> Send:
    """Return a message on a channel."""
    return Send("s1", "ada", channel, message, **fields)


def act(kind: str, at: dt.datetime, **fields: Any) -> Event:
    """Return what ada did."""
    return Event(kind, user="ada", at=at, **fields)


def went(channel: str, at: dt.datetime, message: str = "m", **fields: Any) -> Sent:
    """Return what ada got."""
    return Sent("ada", at, channel, message=message, **fields)


def told(*events: Any, quota: Quota | None = None, book: Rulebook = BOOK) -> Quota:
    """Return ada's quota after some events."""
    quota = quota or Quota.under(book, "ada")
    for event in events:
        quota = advance(quota, event, book)
    return quota


# --- windows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "count", "span"),
    [
        ("message", 5, 48 * HOUR),
        ("menu_click", 3, MINUTE),
        ("follow", 3, MINUTE),
        ("scan", 3, MINUTE),
    ],
)
def test_an_act_opens_a_window_from_its_instant_to_its_end_not_included(
    kind: str, count: int, span: dt.timedelta
) -> None:
    """Half-open: the last microsecond is inside, the end is not."""
    quota = told(act(kind, NOON))

    assert Allowance(yes=True, until=NOON + span, left=count) == quota.may_send(
        CUSTOMER, NOON
    )
    assert quota.refusal(CUSTOMER, NOON + span - TICK) is None
    assert "no_window" == quota.refusal(CUSTOMER, NOON + span)
    assert "no_window" == quota.refusal(CUSTOMER, NOON - TICK)


@pytest.mark.parametrize("kind", ["open", "like", "purchase", "read"])
def test_other_acts_open_nothing_at_an_official_account(kind: str) -> None:
    """A payment has not opened a window since 2023."""
    assert "no_window" == told(act(kind, NOON)).refusal(CUSTOMER, NOON)


@pytest.mark.parametrize(
    ("kind", "count", "span"), [("message", 5, 48 * HOUR), ("open", 2, MINUTE)]
)
def test_a_mini_program_opens_windows_of_its_own(
    kind: str, count: int, span: dt.timedelta
) -> None:
    """A message, or entering the session; the other channel stays shut."""
    quota = told(act(kind, NOON), quota=Quota.under(BOOK, "ada", MINI))
    send = on("mini_program_customer_message")

    assert (True, NOON + span, count) == quota.may_send(send, NOON)
    assert "wrong_account" == quota.refusal(CUSTOMER, NOON)


@pytest.mark.parametrize(
    ("day", "count"), [(dt.date(2023, 6, 1), 20), (dt.date(2023, 6, 20), 5)]
)
def test_the_count_is_that_of_the_rules_of_the_day(day: dt.date, count: int) -> None:
    """20 messages before 12 June 2023, 5 since."""
    at = dt.datetime.combine(day, dt.time(12), SHANGHAI)
    quota = told(act("message", at), book=rulebook(day))

    assert count == quota.may_send(CUSTOMER, at).left


def test_a_rule_that_is_not_in_the_book_opens_nothing() -> None:
    """What a menu click opened in early 2023 is not known, and not guessed."""
    quota = told(act("menu_click", NOON), book=rulebook(dt.date(2023, 1, 1)))

    assert "no_window" == quota.refusal(CUSTOMER, NOON)


def test_a_new_act_resets_to_the_maximum_and_never_adds() -> None:
    """Two messages of the user are five of ours, not ten."""
    two = told(act("message", NOON), act("message", NOON + HOUR))
    used = told(
        *(went("customer_message", NOON + n * MINUTE) for n in range(3)), quota=two
    )

    assert 5 == two.may_send(CUSTOMER, NOON + HOUR).left
    assert 2 == used.may_send(CUSTOMER, NOON + 3 * MINUTE).left
    assert 5 == used.may_send(CUSTOMER, NOON + HOUR).left


def test_a_used_window_is_not_a_closed_one() -> None:
    """The sixth message is refused for another reason than a late one."""
    sent = [went("customer_message", NOON + n * SECOND) for n in range(5)]
    quota = told(act("message", NOON), *sent)

    assert "used_up" == quota.refusal(CUSTOMER, NOON + HOUR)
    assert (False, None, 0) == quota.may_send(CUSTOMER, NOON + HOUR)
    assert quota.next_allowed(CUSTOMER, NOON + HOUR) is None


def test_a_message_counts_against_every_window_that_is_open() -> None:
    """And what is left is the most of any of them."""
    sent = [went("customer_message", NOON + n * SECOND) for n in range(4)]
    quota = told(act("message", NOON), *sent, act("scan", NOON + MINUTE))

    now = NOON + MINUTE
    assert (True, NOON + 48 * HOUR, 3) == quota.may_send(CUSTOMER, now)
    quota = told(went("customer_message", now + SECOND), quota=quota)
    assert (True, now + MINUTE, 2) == quota.may_send(CUSTOMER, now + SECOND)
    assert "used_up" == quota.refusal(CUSTOMER, now + MINUTE)


def test_two_messages_of_one_instant_are_two() -> None:
    """Told apart by message or by key; the very same one is counted once."""
    same = [went("customer_message", NOON)] * 2
    other = [went("customer_message", NOON, key=key) for key in ("k1", "k2")]

    assert 4 == told(act("message", NOON), *same).may_send(CUSTOMER, NOON).left
    assert 3 == told(act("message", NOON), *other).may_send(CUSTOMER, NOON).left


def test_a_passive_reply_is_one_within_five_seconds() -> None:
    """The sixth second is too late, and so is the second reply."""
    quota, reply = told(act("message", NOON)), on("passive_reply")

    assert (True, NOON + 5 * SECOND, 1) == quota.may_send(reply, NOON)
    assert "no_window" == quota.refusal(reply, NOON + 5 * SECOND)
    quota = told(went("passive_reply", NOON + SECOND), quota=quota)
    assert "used_up" == quota.refusal(reply, NOON + 2 * SECOND)


def test_windows_belong_to_an_account() -> None:
    """A message to one account opens nothing at another."""
    shops: tuple[AccountKind, ...] = ("service", "mini_program")
    accounts = tuple(Account(kind, kind, "wx") for kind in shops)
    quota = Quota.under(BOOK, "ada", accounts)
    quota = told(act("message", NOON, account="mini_program"), quota=quota)

    assert "no_window" == quota.refusal(CUSTOMER, NOON)
    assert quota.refusal(on("mini_program_customer_message"), NOON) is None


# --- grants ---------------------------------------------------------------------------


def test_a_grant_spent_twice_is_refused() -> None:
    """One grant, one message."""
    send = on("subscribe_message", "t1")
    quota = told(act("subscribe", NOON, item="t1"))
    spent = told(went("subscribe_message", NOON + HOUR, "t1"), quota=quota)

    assert (True, None, 1) == quota.may_send(send, NOON)
    assert "no_grant" == spent.refusal(send, NOON + HOUR)
    assert spent.next_allowed(send, NOON + HOUR) is None


def test_grants_add_up_template_by_template() -> None:
    """They do not expire, and one template's are no use to another's."""
    grants = [act("subscribe", NOON + n * DAY, item="t1") for n in range(3)]
    quota = told(*grants, went("subscribe_message", NOON + 4 * DAY, "t1"))
    later = NOON + 300 * DAY

    assert 2 == quota.may_send(on("subscribe_message", "t1"), later).left
    assert "no_grant" == quota.refusal(on("subscribe_message", "t2"), later)
    assert 3 == quota.may_send(on("subscribe_message", "t1"), NOON + 3 * DAY).left


def test_a_message_without_a_known_grant_leaves_no_debt() -> None:
    """It had a grant that nobody told of; the next one is whole."""
    send = on("subscribe_message", "t1")
    quota = told(
        went("subscribe_message", NOON, "t1"), act("subscribe", NOON + HOUR, item="t1")
    )

    assert 1 == quota.may_send(send, NOON + HOUR).left


def test_declining_takes_what_was_given_until_then() -> None:
    """And nothing that is given afterwards."""
    send = on("subscribe_message", "t1")
    given = [act("subscribe", NOON + n * HOUR, item="t1") for n in (0, 1, 3)]
    quota = told(*given, act("decline", NOON + 2 * HOUR, item="t1"))

    assert [1, 2, 0, 1] == [
        quota.may_send(send, NOON + n * HOUR).left for n in range(4)
    ]


def test_a_grant_at_a_mini_program_is_good_there() -> None:
    """Not on the official account's channel."""
    quota = told(
        act("subscribe", NOON, item="t1"), quota=Quota.under(BOOK, "ada", MINI)
    )

    assert quota.refusal(on("mini_program_subscribe", "t1"), NOON) is None
    assert "wrong_account" == quota.refusal(on("subscribe_message", "t1"), NOON)


def test_a_grant_that_names_no_template_is_good_for_none() -> None:
    """Nothing is guessed."""
    quota = told(act("subscribe", NOON))

    assert "no_grant" == quota.refusal(on("subscribe_message", "t1"), NOON)


def test_of_grants_and_messages_the_latest_are_kept() -> None:
    """Memory is bounded, and the bound never gives a grant that is not there."""
    given = [act("subscribe", NOON + n * SECOND, item="t1") for n in range(KEPT + 9)]
    sent = [
        went("subscribe_message", NOON + HOUR + n * SECOND, "t1")
        for n in range(KEPT + 9)
    ]
    quota = told(*given)

    assert KEPT == len(quota.marks)
    assert KEPT == quota.may_send(on("subscribe_message", "t1"), NOON + HOUR).left
    assert "no_grant" == told(*sent, quota=quota).refusal(
        on("subscribe_message", "t1"), NOON + DAY
    )


def test_a_rule_with_a_larger_number_is_kept_to_exactly() -> None:
    """More messages are remembered then."""
    rule = BOOK["WX-CS-001"]
    params = {**rule.params, "count": KEPT + 3}
    book = BOOK.overlay([attrs.evolve(rule, params=params, source="a test")])
    sent = [went("customer_message", NOON + n * SECOND) for n in range(KEPT + 3)]

    assert (
        1
        == told(act("message", NOON), *sent[:-1], book=book)
        .may_send(CUSTOMER, NOON + HOUR)
        .left
    )
    assert "used_up" == told(act("message", NOON), *sent, book=book).refusal(
        CUSTOMER, NOON + HOUR
    )


# --- periods --------------------------------------------------------------------------


def test_a_service_account_sends_four_to_a_user_in_a_calendar_month() -> None:
    """The fifth waits for the first instant of the next month."""
    send = on("mass_send")
    march = [went("mass_send", NOON + n * DAY) for n in range(4)]
    quota = told(*march)
    april = dt.datetime(2026, 4, 1, tzinfo=SHANGHAI)

    assert 4 == quota.may_send(send, NOON - TICK).left
    assert 1 == quota.may_send(send, NOON + 2 * DAY).left
    assert "period_used_up" == quota.refusal(send, april - TICK)
    assert (True, None, 4) == quota.may_send(send, april)
    assert april == quota.next_allowed(send, NOON + 4 * DAY)


def test_a_subscription_account_sends_once_a_day_to_all() -> None:
    """That is the account's own quota; the users' have no number."""
    account = Quota.under(BOOK, None, SHOP)
    assert 1 == account.may_send(on("mass_send"), NOON).left
    for user in ("ada", "bo"):
        mass = Sent(user, NOON, "mass_send", message="m")
        account = advance(account, mass, BOOK)

    assert 1 == len(account.marks)
    assert "period_used_up" == account.refusal(on("mass_send"), NOON)
    midnight = dt.datetime(2026, 3, 3, tzinfo=SHANGHAI)
    assert midnight == account.next_allowed(on("mass_send"), NOON)
    ada = Quota.under(BOOK, "ada", SHOP)
    assert (True, None, None) == ada.may_send(on("mass_send"), NOON)


def test_the_days_template_messages_are_the_accounts() -> None:
    """Each user's message is one of them, also at one instant."""
    account = Quota.under(BOOK, None)
    for user in ("ada", "bo"):
        account = advance(account, Sent(user, NOON, "template_message"), BOOK)

    daily = BOOK["WX-TPL-003"].param("daily", int)
    assert daily - 2 == account.may_send(on("template_message"), NOON).left
    assert daily == account.may_send(on("template_message"), NOON + DAY).left
    assert (True, None, None) == told().may_send(on("template_message"), NOON)


@pytest.mark.parametrize(
    ("year", "month", "days"),
    [(2026, 2, 28), (2028, 2, 29), (2026, 4, 30), (2026, 12, 31)],
)
@pytest.mark.parametrize("channel", ["wecom_customer_task", "wecom_group_task"])
def test_wecom_follows_the_days_of_the_month(
    year: int, month: int, days: int, channel: str
) -> None:
    """28, 29, 30 or 31 to one customer, or one group."""
    first = dt.datetime(year, month, 1, tzinfo=SHANGHAI)
    quota = told(*(went(channel, first + n * HOUR) for n in range(days)))
    following = (first + 31 * DAY).replace(day=1)

    assert 1 == quota.may_send(on(channel), first + (days - 2) * HOUR).left
    assert "period_used_up" == quota.refusal(on(channel), first + (days - 1) * HOUR)
    assert following == quota.next_allowed(on(channel), first + days * HOUR)


@pytest.mark.parametrize(
    ("chosen", "count", "then"),
    [("7/week", 7, dt.date(2026, 3, 9)), ("1/day", 1, dt.date(2026, 3, 3))],
)
def test_a_corporation_may_choose_weeks_or_days(
    chosen: str, count: int, then: dt.date
) -> None:
    """By correcting the rule."""
    book = BOOK.overlay([corrected(chosen)])
    sent = [went("wecom_customer_task", NOON + n * SECOND) for n in range(count)]
    quota, send = told(*sent, book=book), on("wecom_customer_task")

    assert count == Quota.under(book, "ada").may_send(send, NOON).left
    assert "period_used_up" == quota.refusal(send, NOON + HOUR)
    midnight = dt.datetime.combine(then, dt.time(), SHANGHAI)
    assert midnight == quota.next_allowed(send, NOON + HOUR)


def corrected(chosen: str) -> Any:
    """Return the rule of WeCom tasks with another number."""
    rule = BOOK["WW-EXT-001"]
    return attrs.evolve(
        rule, params={"per_customer_month": chosen}, source="our own setting"
    )


@pytest.mark.parametrize("chosen", ["7", "0/day", "x/day", "7/year", "-1/day", "/day"])
def test_a_setting_that_says_nothing_is_refused(chosen: str) -> None:
    """It is not taken for the default."""
    with pytest.raises(InvalidInputError, match="WW-EXT-001 per_customer_month"):
        Quota.under(BOOK.overlay([corrected(chosen)]), "ada")


def test_a_robot_sends_twenty_a_minute() -> None:
    """To one group."""
    sent = [went("group_robot", NOON + n * SECOND) for n in range(20)]
    quota = told(*sent)

    assert "period_used_up" == quota.refusal(on("group_robot"), NOON + 19 * SECOND)
    assert NOON + MINUTE == quota.next_allowed(on("group_robot"), NOON + 20 * SECOND)


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Berlin", dt.date(2026, 3, 29), 23),
        ("Europe/Berlin", dt.date(2026, 10, 25), 25),
        ("Asia/Shanghai", dt.date(2026, 3, 29), 24),
    ],
)
def test_a_day_is_as_long_as_its_calendar_says(
    zone: str, date: dt.date, hours: int
) -> None:
    """Also where clocks are changed."""
    clock = DayClock(zone)
    start = clock.start(clock.of_date(date))
    account = Quota.under(BOOK, None, SHOP, clock=clock)
    account = advance(account, Sent("ada", start, "mass_send"), BOOK)
    freed = account.next_allowed(on("mass_send"), start)

    assert freed is not None
    assert dt.timedelta(hours=hours) == freed - start


def test_a_planned_message_keeps_its_place() -> None:
    """The first free instant is after the periods that are used up already."""
    tomorrow = NOON + DAY
    account = Quota.under(BOOK, None, SHOP)
    for at in (NOON, tomorrow):
        account = advance(account, Sent("ada", at, "mass_send"), BOOK)

    midnight = dt.datetime(2026, 3, 3, tzinfo=SHANGHAI)
    assert midnight == account.next_allowed(on("mass_send"), NOON)
    assert midnight + DAY == account.next_allowed(on("mass_send"), tomorrow)


# --- follows, unknown channels, bad input ---------------------------------------------


def test_who_has_unfollowed_gets_nothing_that_needs_a_follow() -> None:
    """Until the next follow; of both at one instant the unfollow counts."""
    quota = told(act("message", NOON), act("unfollow", NOON + HOUR))
    back = told(act("follow", NOON + 2 * HOUR), quota=quota)

    assert quota.refusal(CUSTOMER, NOON + HOUR - TICK) is None
    for send in (CUSTOMER, on("mass_send"), on("template_message")):
        assert "unfollowed" == quota.refusal(send, NOON + HOUR)
        assert back.refusal(send, NOON + 2 * HOUR) is None
    assert NOON + 2 * HOUR == back.next_allowed(CUSTOMER, NOON + HOUR)
    both = told(act("follow", NOON), act("unfollow", NOON))
    assert "unfollowed" == both.refusal(on("mass_send"), NOON)


def test_a_channel_of_the_callers_own_takes_everything() -> None:
    """No rule of a channel applies to it."""
    now = NOON.astimezone(dt.UTC)

    assert (True, None, None) == told().may_send(on("sms"), now)
    assert now is told().next_allowed(on("sms"), now)
    assert told() == told(went("sms", NOON))


@pytest.mark.parametrize("channel", ["live", "mini_program_page"])
def test_nothing_is_sent_where_people_come(channel: str) -> None:
    """Never, whatever happens."""
    assert "not_pushed" == told().refusal(on(channel), NOON)
    assert told().next_allowed(on(channel), NOON) is None


def test_a_question_about_somebody_else_is_refused() -> None:
    """And so is what happened to somebody else."""
    with pytest.raises(InvalidInputError, match=r"send\.user must be the quota's own"):
        Quota("bo").may_send(CUSTOMER, NOON)
    with pytest.raises(InvalidInputError, match=r"event\.user must be the quota's own"):
        told(act("message", NOON), quota=Quota("bo"))
    with pytest.raises(InvalidInputError, match="event must be an Event, a Sent"):
        advance(Quota("bo"), "message", BOOK)  # type: ignore[arg-type]  # the mistake under test


def test_an_account_that_is_not_listed_is_refused() -> None:
    """It is most likely a slip of the pen."""
    quota = Quota("ada", SHOP)
    with pytest.raises(
        InvalidInputError, match=r"send\.account .* did you mean 'shop'"
    ):
        quota.may_send(on("mass_send", account="shp"), NOON)
    with pytest.raises(InvalidInputError, match=r"event\.account"):
        told(act("message", NOON, account="shp"), quota=quota)
    two = (Account("a", "service", "1"), Account("b", "service", "2"))
    with pytest.raises(InvalidInputError, match="several accounts fit"):
        Quota("ada", two).may_send(CUSTOMER, NOON)


@pytest.mark.parametrize("at", [NOON.replace(tzinfo=None), "noon", None])
def test_only_aware_instants_are_asked_about(at: Any) -> None:
    """A naive time is no instant."""
    for ask in (Quota("ada").may_send, Quota("ada").refusal, Quota("ada").next_allowed):
        with pytest.raises(InvalidInputError, match="must be an aware datetime"):
            ask(CUSTOMER, at)


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ("user must be", {"user": ""}),
        ("user must be", {"user": 7}),
        ("accounts must be a tuple", {"accounts": [SHOP[0]]}),
        (r"accounts\[0\] must be an Account", {"accounts": ("shop",)}),
        (r"accounts\[1\] must be listed once", {"accounts": SHOP * 2}),
        ("marks must be a tuple of Mark", {"marks": [Mark(1, "sent")]}),
        ("marks must be ascending", {"marks": (Mark(2, "sent"), Mark(1, "sent"))}),
        ("marks must be ascending", {"marks": (Mark(1, "sent"), Mark(1, "sent"))}),
        ("limits must be a tuple of Limit", {"limits": (1,)}),
        ("as_of must be a date", {"as_of": NOON}),
    ],
)
def test_a_broken_quota_is_refused_by_its_field(
    said: str, fields: dict[str, Any]
) -> None:
    """Each field says what it must be."""
    with pytest.raises(InvalidInputError, match=said.replace("a date", "a date.*")):
        Quota(**{"user": "ada", **fields})


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ("channel must be", {"channel": ""}),
        ("did you mean 'month'", {"per": "mont"}),
        ("count must be at least 0", {"count": -1}),
        ("count must be a whole number", {"count": 1.0}),
        ("count must be a number but for a month", {"count": None, "per": "day"}),
    ],
)
def test_a_broken_limit_is_refused_by_its_field(
    said: str, fields: dict[str, Any]
) -> None:
    """Each field says what it must be."""
    with pytest.raises(InvalidInputError, match=said):
        Limit(**{"channel": "mass_send", "per": "month", "count": 4, **fields})


def test_what_is_lifted_names_its_instant() -> None:
    """A naive one is refused."""
    with pytest.raises(InvalidInputError, match="at must be an aware"):
        Lifted(NOON.replace(tzinfo=None))
