"""What a route through several channels promises."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest

from wxengage.channels.folding import advance
from wxengage.channels.marks import Failure
from wxengage.channels.quotas import REASONS, Quota
from wxengage.channels.routes import SKIPPED, route
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.rules.book import rulebook
from wxengage.sends import Send
from wxengage.users import Account

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
BOOK = rulebook(dt.date(2026, 3, 2))
SEND = Send("s1", "ada", "customer_message", "gift", topic="recall")
ORDER = ("customer_message", "subscribe_message", "template_message", "wecom_moments")


def told(*events: Event) -> Quota:
    """Return ada's quota after some events."""
    quota = Quota.under(BOOK, "ada")
    for event in events:
        quota = advance(quota, event, BOOK)
    return quota


def test_the_first_channel_that_may_go_is_taken() -> None:
    """And each one before it says why not."""
    found = route(SEND, told(), NOON, ORDER)

    assert attrs.evolve(SEND, channel="wecom_moments") == found.send
    assert [
        ("customer_message", "no_window"),
        ("subscribe_message", "no_grant"),
        ("template_message", "not_carried"),
    ] == [(skip.channel, skip.reason) for skip in found.skipped]
    assert all(skip.zh and skip.en for skip in found.skipped)


def test_an_open_window_comes_first() -> None:
    """The rest of the order is not asked."""
    found = route(SEND, told(Event("message", user="ada", at=NOON)), NOON, ORDER)

    assert SEND == found.send
    assert () == found.skipped


def test_a_step_may_bring_a_message_of_its_own() -> None:
    """A template is another text than a customer message."""
    quota = told(Event("subscribe", user="ada", at=NOON, item="t1"))
    step = attrs.evolve(SEND, channel="subscribe_message", message="t1")

    assert step == route(SEND, quota, NOON, ["customer_message", step]).send
    assert route(SEND, quota, NOON, ORDER[:2]).send is None


def test_where_none_may_go_there_is_none() -> None:
    """With every reason; an empty order has none."""
    found = route(SEND, told(), NOON, ORDER[:3])

    assert found.send is None
    assert 3 == len(found.skipped)
    assert route(SEND, told(), NOON, []).send is None


def test_a_channel_of_the_callers_own_takes_everything() -> None:
    """As the last resort."""
    found = route(SEND, told(), NOON, ["customer_message", "sms"])

    assert found.send is not None
    assert "sms" == found.send.channel


def test_the_accounts_own_quota_is_asked_too() -> None:
    """A ban stops everything on that account."""
    ban = Failure("bo", NOON, "customer_message", 48004)
    account = advance(Quota.under(BOOK, None), ban, BOOK)
    quota = told(Event("message", user="ada", at=NOON))
    found = route(SEND, quota, NOON, ["customer_message"], account=account)

    assert ["stopped"] == [skip.reason for skip in found.skipped]


def test_another_kind_of_account_is_found() -> None:
    """The message's own account has no WeCom; the only WeCom account is meant."""
    accounts = (Account("shop", "service", "wx1"), Account("corp", "wecom", "ww1"))
    quota = Quota.under(BOOK, "ada", accounts)
    send = attrs.evolve(SEND, account="shop")
    found = route(send, quota, NOON, ["customer_message", "wecom_customer_task"])

    assert found.send is not None
    assert (None, "wecom_customer_task") == (found.send.account, found.send.channel)


def test_every_reason_has_two_sentences() -> None:
    """Those of a quota, and that a channel does not carry it."""
    assert {"not_carried", *REASONS} == set(SKIPPED)
    assert all(zh and en for zh, en in SKIPPED.values())


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("order must be several channels", "sms"),
        (r"order\[0\] must be the code of a channel", [1]),
        (r"order\[1\] must be not blank", ["mass_send", ""]),
        (r"order\[0\]\.user", [attrs.evolve(SEND, user="bo")]),
    ],
)
def test_a_bad_order_is_refused_by_its_place(said: str, order: Any) -> None:
    """Nothing is skipped in silence."""
    with pytest.raises(InvalidInputError, match=said):
        route(SEND, told(Event("unfollow", user="ada", at=NOON)), NOON, order)
