"""What letters promise."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest

from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.ports import Letter, letter_key, letters
from wxengage.errors import InvalidInputError
from wxengage.plan.tomorrow import next_day
from wxengage.sends import Send

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
SEND = Send("s1", "ada", "wecom", "gift", at=NOON, value=1.0)


def test_a_plan_becomes_letters_in_its_order() -> None:
    """One for each send."""
    plan = next_day(["ada", "bob"], ["active", "dormant"], NOON)

    assert list(plan.sends) == [letter.send for letter in letters(plan)]


def test_planning_again_gives_the_same_keys() -> None:
    """Also when values have changed in between."""
    first = next_day(["ada"], ["active"], NOON)
    again = next_day(["ada", "bob"], ["active", "active"], NOON)

    assert letters(first)[0].key == letters(again)[0].key


def test_a_key_is_for_what_is_delivered_to_whom() -> None:
    """Another hour or worth is the same letter; another user or text is not."""
    same = [attrs.evolve(SEND, at=None), attrs.evolve(SEND, value=2.0, cost=3)]
    other = [
        attrs.evolve(SEND, id="other"),
        attrs.evolve(SEND, user="other"),
        attrs.evolve(SEND, channel="other"),
        attrs.evolve(SEND, message="other"),
        attrs.evolve(SEND, account="other"),
    ]

    assert {letter_key(SEND)} == {letter_key(one) for one in same}
    assert 6 == len({letter_key(one) for one in [SEND, *other]})


def test_a_key_never_changes() -> None:
    """28 characters that any provider's field takes."""
    assert "z6wuose1tfgdtmp735de7ey8wyer" == letter_key(SEND)


def test_no_sends_are_no_letters() -> None:
    """Empty in, empty out."""
    assert () == letters([]) == letters(next_day([], [], NOON))


@pytest.mark.parametrize(
    ("sends", "message"),
    [
        ([SEND, SEND], r"sends\[1\] must be there once"),
        ([SEND, attrs.evolve(SEND, at=None)], r"sends\[0\] is the same letter"),
        (["s1"], r"sends\[0\] must be a Send"),
    ],
)
def test_bad_sends_are_named(sends: Any, message: str) -> None:
    """Two letters of one key would be one message too few."""
    with pytest.raises(InvalidInputError, match=message):
        letters(sends)


@pytest.mark.parametrize(
    ("make", "fields", "message"),
    [
        (Letter, ("s1", "k"), "body must be a Send or a Payout"),
        (Letter, (SEND, ""), "key must be"),
        (NotSent, ("", "retry"), "code must be"),
        (NotSent, ("45015", "retyr"), "did you mean 'retry'"),
        (NotSent, ("45015", None), "action must be"),
        (Unknown, ("",), "because must be what happened"),
    ],
)
def test_bad_values_are_named(make: Any, fields: Any, message: str) -> None:
    """An outcome without a reason helps nobody."""
    with pytest.raises(InvalidInputError, match=message):
        make(*fields)
