"""What the catalogue of channels promises."""

from __future__ import annotations

import datetime as dt
from typing import get_args

import pytest

from wxengage.channels.catalog import (
    CATALOG,
    Audience,
    Channel,
    Confirmer,
    QuotaKind,
)
from wxengage.channels.proposals import GOALS, SUITS
from wxengage.channels.terms import limits_of
from wxengage.rules.book import rulebook
from wxengage.sends import CATEGORIES
from wxengage.users import AccountKind

BOOK = rulebook(dt.date(2026, 3, 2))
CHANNELS = pytest.mark.parametrize("channel", CATALOG.values(), ids=lambda c: c.code)


def test_thirteen_channels_are_known() -> None:
    """By these codes, which are what a send names."""
    assert [
        "customer_message",
        "template_message",
        "subscribe_message",
        "mass_send",
        "mini_program_subscribe",
        "mini_program_customer_message",
        "wecom_customer_task",
        "wecom_group_task",
        "wecom_moments",
        "group_robot",
        "passive_reply",
        "live",
        "mini_program_page",
    ] == list(CATALOG)


@CHANNELS
def test_a_channel_speaks_the_vocabulary(channel: Channel) -> None:
    """Every word is one of the known ones, and every rule is in the book."""
    assert channel is CATALOG[channel.code]
    assert set(channel.carries) <= set(CATEGORIES)
    assert set(channel.on) <= set(get_args(AccountKind))
    assert channel.confirmed_by in get_args(Confirmer)
    assert channel.quota in get_args(QuotaKind)
    assert channel.to in get_args(Audience)
    assert [] == [rule for rule in channel.rules if rule not in BOOK]
    assert channel.zh
    assert set(SUITS[channel.code]) <= set(GOALS)


@CHANNELS
def test_a_channel_with_a_calendar_limit_has_a_rule_with_its_number(
    channel: Channel,
) -> None:
    """And one without has none that a user could use up."""
    limited = {limit.channel for limit in limits_of(BOOK) if limit.whose == "user"}

    assert (channel.quota == "period") == (channel.code in limited)


def test_template_messages_carry_service_alone() -> None:
    """WX-TPL-001; every other channel carries both."""
    service = [c.code for c in CATALOG.values() if c.carries == ("service",)]

    assert ["template_message"] == service
    assert ("service",) == BOOK["WX-TPL-001"].param("purpose", tuple)


def test_a_member_confirms_what_goes_in_their_name() -> None:
    """WeCom tasks for customers, groups and moments; a robot asks nobody."""
    asked = [c.code for c in CATALOG.values() if c.confirmed_by == "member"]

    assert ["wecom_customer_task", "wecom_group_task", "wecom_moments"] == asked


def test_people_come_to_live_streams_and_pages() -> None:
    """Nothing is pushed there."""
    assert ["live", "mini_program_page"] == [
        channel.code for channel in CATALOG.values() if not channel.is_push
    ]
