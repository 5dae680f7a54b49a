"""What budgets and the share of ads promise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.pacing.budgets import AdShare, Budget


@pytest.mark.parametrize(
    ("messages", "allowed"), [(8, False), (9, True), (10, True), (18, True), (19, True)]
)
def test_the_first_ad_in_ten(messages: int, allowed: bool) -> None:
    """With nine messages before it, the tenth may be an ad."""
    assert allowed is AdShare(1, 10).allows(0, messages)


@pytest.mark.parametrize(
    ("messages", "allowed"), [(10, False), (18, False), (19, True)]
)
def test_the_second_ad_in_twenty(messages: int, allowed: bool) -> None:
    """After one ad, the twentieth message may be the next."""
    assert allowed is AdShare(1, 10).allows(1, messages)


@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 40), st.integers(0, 60))
def test_the_share_holds_exactly(ads: int, more: int, had: int, others: int) -> None:
    """As many as ``left`` says are within the share, and one more is not."""
    share, messages = AdShare(ads, ads + more), had + others

    left = share.left(had, messages)

    if left:
        assert (had + left) * share.messages <= share.ads * (messages + left)
    assert (had + left + 1) * share.messages > share.ads * (messages + left + 1)


def test_where_every_message_may_be_an_ad_there_is_no_bound() -> None:
    """One in one is everything."""
    assert AdShare(1, 1).left(3, 3) > 10**9


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((0, 10), "ads must be at least 1"),
        ((2, 1), "messages must be at least 2"),
        ((0.1, 1), "ads must be a whole"),
        ((True, 10), "ads must be a whole"),
    ],
)
def test_a_bad_share_is_named(fields: Any, message: str) -> None:
    """Whole numbers, so that the share is exact."""
    with pytest.raises(InvalidInputError, match=message):
        AdShare(*fields)


def test_more_ads_than_messages_are_refused() -> None:
    """Ads are messages."""
    with pytest.raises(InvalidInputError, match="messages must be at least 3"):
        AdShare(1, 10).left(3, 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"limit": -1}, "limit must be at least 0"),
        ({"limit": 8.5}, "limit must be a whole"),
        ({"unit": "yuan"}, "unit must be a unit"),
        ({"scope": "user"}, "scope must be None, 'field' or"),
    ],
)
def test_a_bad_budget_is_named(fields: dict[str, Any], message: str) -> None:
    """Money is in fen, and nothing is negative."""
    with pytest.raises(InvalidInputError, match=message):
        Budget(**({"limit": 1} | fields))


def test_a_budget_has_a_name() -> None:
    """What tables and sentences call it."""
    assert ["all (fen)", "channel (sends)"] == [
        Budget(1, unit="fen").name,
        Budget(1, scope="channel").name,
    ]
