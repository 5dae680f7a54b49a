"""A kept model of scores: what it says of arrays, and what it refuses."""

from __future__ import annotations

import math
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.segments.rfm_model import RfmModel

MODEL = RfmModel(3, 6, ((30, 2), (7, 3)), ((2, 2), (5, 3)), ((80.0, 3),))


@given(
    st.lists(st.none() | st.tuples(st.integers(0, 90), st.integers(1, 9)), max_size=9),
    st.integers(-5, 200),
)
def test_a_model_scores_arrays_by_its_cuts(
    people: list[tuple[int, int] | None], paid: int
) -> None:
    """Better in one of the three is never scored lower in it."""
    days = [math.nan if one is None else one[0] for one in people]
    times = [0 if one is None else one[1] for one in people]

    recency, often, value = MODEL.score(days, times, [paid] * len(people))

    for one, *three in zip(people, recency, often, value, strict=True):
        if one is None:
            assert all(math.isnan(score) for score in three)
        else:
            assert 3 - (one[0] > 7) - (one[0] > 30) == three[0]
            assert 1 + (one[1] >= 2) + (one[1] >= 5) == three[1]
            assert (3 if paid >= 80 else 1) == three[2]


@pytest.mark.parametrize(
    ("said", "columns"),
    [
        (r"recency_days\[1\] must be a whole number from 0, got -1", ([3, -1], [1, 1])),
        (r"recency_days\[0\] must be a whole number", ([0.5, 1], [1, 1])),
        (r"recency_days\[0\] must be finite", ([math.inf, 1], [1, 1])),
        (r"frequency\[1\] must be a whole number from 0", ([3, 4], [1, 1.5])),
        (r"frequency\[0\] must be 0 for who never", ([math.nan, 4], [1, 1])),
        (r"frequency\[1\] must be 0 for who never", ([3, 4], [1, 0])),
        ("frequency must be numbers", ([3, 4], ["a", "b"])),
        ("columns must be of one length", ([3], [1, 1])),
        ("recency_days must be numbers", ([True, False], [1, 1])),
    ],
)
def test_bad_columns_are_named(said: str, columns: tuple[Any, Any]) -> None:
    """Row, value and rule."""
    with pytest.raises(InvalidInputError, match=said):
        MODEL.score(*columns, [1.0, 2.0])


def test_bad_amounts_are_named() -> None:
    """NaN is no amount; nobody has a sum of infinity."""
    for amount in (math.nan, math.inf):
        with pytest.raises(InvalidInputError, match=r"monetary\[0\] must be finite"):
            MODEL.score([1], [1], [amount])


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("bins must be at least 2", {"bins": 1}),
        ("bins must be a whole number", {"bins": True}),
        ("bins must be at most 100", {"bins": 101}),
        ("n must be at least 0", {"n": -1}),
        ("recency_cuts must be empty where n is 0", {"n": 0}),
        ("value_cuts must be of scores up to 3", {"value_cuts": ((80.0, 4),)}),
        (r"recency_cuts\[1\] must be fewer days", {"recency_cuts": ((7, 2), (30, 3))}),
        (r"recency_cuts\[0\] must be at least 0", {"recency_cuts": ((-1, 2),)}),
        (r"frequency_cuts\[1\] must be a higher", {"frequency_cuts": ((2, 2), (2, 3))}),
        (r"frequency_cuts\[1\] must be a higher", {"frequency_cuts": ((2, 3), (3, 3))}),
        (r"frequency_cuts\[0\] must be at least 1", {"frequency_cuts": ((0, 2),)}),
        (r"frequency_cuts\[0\] must be a higher", {"frequency_cuts": ((1, 1),)}),
        (r"frequency_cuts\[0\] must be a whole", {"frequency_cuts": ((1.5, 2),)}),
        (r"value_cuts\[0\] must be a finite float", {"value_cuts": ((math.nan, 2),)}),
        (r"value_cuts\[0\] must be a finite float", {"value_cuts": ((80, 2),)}),
        (r"value_cuts\[0\] must be a whole number", {"value_cuts": ((8.0, 2.0),)}),
        ("value_cuts must be a tuple of pairs", {"value_cuts": [(8.0, 2)]}),
        ("value_cuts must be a tuple of pairs", {"value_cuts": ((8.0, 2, 3),)}),
    ],
)
def test_a_model_that_does_not_climb_is_refused(
    said: str, changes: dict[str, Any]
) -> None:
    """Whoever writes one by hand, or edits its JSON, is told what is wrong."""
    with pytest.raises(InvalidInputError, match=said):
        attrs.evolve(MODEL, **changes)


def test_a_model_is_kept_as_text_and_sent_to_a_worker() -> None:
    """And is the same one afterwards."""
    assert MODEL == load(dump(MODEL)) == pickle.loads(pickle.dumps(MODEL))
    with pytest.raises(InvalidInputError, match="fewer days"):
        load(dump(MODEL).replace("[30, 2]", "[3, 2]"))
