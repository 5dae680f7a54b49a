"""What the nouns of sending promise."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.sends import Freeze, Send, Sent, fingerprint

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
HOUR = dt.timedelta(hours=1)
SEND = Send("s1", "ada", "wecom", "gift", topic="recall", at=NOON)


def test_a_send_needs_four_names() -> None:
    """Everything else has a default."""
    send = Send("s1", "ada", "wecom", "gift")

    assert ("marketing", None, "", False) == (
        send.category,
        send.account,
        send.topic,
        send.transactional,
    )
    assert (None, None, None, 0.0, 0) == (
        send.at,
        send.not_before,
        send.expires,
        send.value,
        send.cost,
    )


BAD: list[tuple[dict[str, Any], str]] = [
    ({"id": ""}, "id must be not blank"),
    ({"user": 7}, "user must be a string"),
    ({"channel": "we\x00com"}, "channel must be free of control"),
    ({"message": "x" * 129}, "message must be at most 128"),
    ({"account": ""}, "account must be"),
    ({"topic": "\u200b"}, "topic must be"),
    ({"category": "advert"}, "category must be"),
    ({"category": None}, "category must be"),
    ({"at": dt.datetime(2026, 3, 2)}, "at must be an aware"),  # noqa: DTZ001  naive
    ({"at": "2026-03-02"}, "at must be an aware"),
    ({"not_before": dt.datetime(2026, 3, 2)}, "not_before must be"),  # noqa: DTZ001  naive
    ({"expires": dt.date(2026, 3, 2)}, "expires must be an aware"),
    ({"not_before": NOON, "expires": NOON}, "expires must be after not_before"),
    ({"at": NOON, "not_before": NOON + HOUR}, "at must be not before"),
    ({"at": NOON, "expires": NOON}, "at must be before expires"),
    ({"is_ad": 1}, "is_ad must be True or False"),
    ({"transactional": "no"}, "transactional must be True or False"),
    ({"value": math.nan}, "value must be a finite"),
    ({"value": -math.inf}, "value must be a finite"),
    ({"value": 10**400}, "value must be a finite"),
    ({"value": True}, "value must be a finite"),
    ({"value": "1"}, "value must be a finite"),
    ({"content": "long"}, "content must be a kind of content"),
    ({"content": None}, "content must be a kind of content"),
    ({"cost": -1}, "cost must be at least 0"),
    ({"cost": 1.5}, "cost must be a whole"),
    ({"cost": True}, "cost must be a whole"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_a_bad_field_is_named(change: dict[str, Any], message: str) -> None:
    """With what it must be."""
    fields = attrs.asdict(Send("s1", "ada", "wecom", "gift")) | change

    with pytest.raises(InvalidInputError, match=message):
        Send(**fields)


def test_the_hour_that_comes_twice_is_not_compared_by_the_wall() -> None:
    """In autumn 02:30 comes after 02:45: an hour later, on the same wall."""
    berlin = ZoneInfo("Europe/Berlin")
    first = dt.datetime(2026, 10, 25, 2, 45, tzinfo=berlin)
    second = dt.datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)

    send = Send("s1", "ada", "wecom", "gift", not_before=first, expires=second)

    assert second == send.expires


def test_a_send_becomes_a_row_of_history() -> None:
    """What is counted later is what was sent, as it was labelled then."""
    sent = Sent.of(SEND, NOON, key="k1")

    assert ("ada", NOON, "wecom", "recall", "gift", "k1", True) == (
        sent.user,
        sent.at,
        sent.channel,
        sent.topic,
        sent.message,
        sent.key,
        sent.counts,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": ""}, "user must be"),
        ({"at": dt.datetime(2026, 3, 2)}, "at must be an aware"),  # noqa: DTZ001  naive
        ({"channel": 3}, "channel must be"),
        ({"category": "ad"}, "category must be"),
        ({"content": "ad"}, "content must be"),
        ({"counts": 1}, "counts must be True or False"),
        ({"is_ad": None}, "is_ad must be True or False"),
        ({"key": "a\nb"}, "key must be"),
        ({"receipt": 5}, "receipt must be"),
    ],
)
def test_a_bad_row_of_history_is_named(change: dict[str, Any], message: str) -> None:
    """A past send keeps to the same rules."""
    fields = attrs.asdict(Sent("ada", NOON, "wecom")) | change

    with pytest.raises(InvalidInputError, match=message):
        Sent(**fields)


def test_a_freeze_is_half_open() -> None:
    """It holds at its start and no longer at its end."""
    freeze = Freeze(None, None, NOON, NOON + HOUR, "a recall of the product")

    assert [False, True, True, False] == [
        freeze.stops(SEND, NOON + step * HOUR / 2) for step in (-1, 0, 1, 2)
    ]


def test_a_freeze_without_an_end_holds_until_it_is_lifted() -> None:
    """Nobody knows how long a crisis lasts."""
    assert Freeze(None, None, NOON, None, "fire").stops(SEND, NOON + 999 * HOUR)


@pytest.mark.parametrize(
    ("topics", "segments", "segment", "stops"),
    [
        (("recall",), None, "active", True),
        (("news",), None, "active", False),
        (None, ("dormant",), "active", False),
        (None, ("dormant",), "dormant", True),
        (None, ("dormant",), None, True),
        (("news",), ("dormant",), "dormant", False),
    ],
)
def test_a_freeze_stops_its_topics_for_its_segments(
    topics: tuple[str, ...] | None,
    segments: tuple[str, ...] | None,
    segment: str | None,
    stops: bool,
) -> None:
    """Where the segment is not known, the doubtful message stays at home."""
    freeze = Freeze(topics, segments, NOON, None, "fire")

    assert stops is freeze.stops(SEND, NOON, segment=segment)


def test_service_and_transactional_messages_pass_a_freeze() -> None:
    """A crisis stops marketing, not the answer to a customer."""
    freeze = Freeze(None, None, NOON, None, "fire")

    assert not freeze.stops(attrs.evolve(SEND, category="service"), NOON)
    assert not freeze.stops(attrs.evolve(SEND, transactional=True), NOON)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (((), None, NOON, None, "x"), "topics must be a tuple of at least one"),
        (("news", None, NOON, None, "x"), "topics must be a tuple"),
        ((None, ("",), NOON, None, "x"), r"segments\[0\] must be"),
        ((None, None, NOON, NOON, "x"), "end must be after start"),
        ((None, None, None, None, "x"), "start must be an aware"),
        ((None, None, NOON, None, " "), "because must be a sentence"),
    ],
)
def test_a_bad_freeze_is_named(fields: Any, message: str) -> None:
    """In a hurry people leave things out."""
    with pytest.raises(InvalidInputError, match=message):
        Freeze(*fields)


@given(
    st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4)
)
def test_other_parts_have_another_fingerprint(one: list[str], other: list[str]) -> None:
    """Also where the joined text is the same."""
    assert (one == other) is (fingerprint(*one) == fingerprint(*other))


def test_a_fingerprint_never_changes() -> None:
    """Keys of letters that went out years ago must be found again."""
    assert "n8wk0s3pc04hv9vwzmn7o6r0cvyf" == fingerprint("ada", "礼包")
