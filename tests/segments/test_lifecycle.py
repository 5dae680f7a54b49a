"""Who is potential, active or dormant at an instant."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, instant, need, rows_of, table
from tests.frames.random_logs import POLICIES, draw_case
from wxengage.claims.figures import DORMANT_AFTER
from wxengage.errors import InvalidInputError
from wxengage.log import KINDS, read_log
from wxengage.segments import (
    INTERACTION_WEIGHTS,
    PLAYBOOK,
    SEGMENTS,
    LifecyclePolicy,
    classify_users,
    segment_users,
    transitions,
)
from wxengage.segments.policy import REASONS

NINE = instant("2026-03-02T09:00")
MICRO = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)
LOGS = st.randoms(use_true_random=False)


def log_of(*events: tuple[str, str, dt.datetime]) -> Any:
    """Return a log of user, kind and instant."""
    return read_log([dict(zip(("user", "kind", "at"), e, strict=True)) for e in events])


def segment_of(log: Any, at: dt.datetime, **policy: Any) -> tuple[str, str]:
    """Return segment and reason of the only user."""
    (row,) = classify_users(log, at, LifecyclePolicy(**policy))
    return row["segment"], row["reason"]


def test_dormancy_begins_exactly_thirty_days_after_the_last_interaction() -> None:
    """Neither a microsecond before nor when a job happens to run."""
    log = log_of(("ann", "like", NINE))
    month = dt.timedelta(days=30)

    assert ("active", "interacts") == segment_of(log, NINE + month - MICRO)
    assert ("dormant", "silent") == segment_of(log, NINE + month)
    late = classify_users(log, NINE + 3 * month)
    assert NINE + month == late[0]["since"]
    assert 90 == late[0]["silent_days"]


def test_the_default_silence_is_the_one_of_the_article() -> None:
    """The figure has one home."""
    assert dt.timedelta(days=30) == DORMANT_AFTER == LifecyclePolicy().dormant_after


def test_who_only_looks_on_is_potential() -> None:
    """Reading, following and receiving are no interactions, however many."""
    passive = [kind for kind, one in KINDS.items() if not one.active]
    log = log_of(*(("ann", kind, NINE + n * DAY) for n, kind in enumerate(passive)))

    (row,) = classify_users(log, NINE + 60 * DAY)

    assert ("potential", "never_interacted") == (row["segment"], row["reason"])
    assert NINE == row["since"]
    assert row["last_interaction_at"] is row["silent_days"] is None
    assert 0 == row["interactions"]


@pytest.mark.parametrize("kind", [kind for kind, one in KINDS.items() if one.active])
def test_every_active_kind_is_an_interaction(kind: str) -> None:
    """One of them makes active at once."""
    log = log_of(("ann", kind, NINE))

    assert ("active", "interacts") == segment_of(log, NINE)


def test_the_three_signals_are_columns_of_the_answer() -> None:
    """Follow age, clicks on the menu and interaction history."""
    log = log_of(
        ("ann", "follow", NINE),
        ("ann", "menu_click", NINE + DAY),
        ("ann", "menu_click", NINE + 2 * DAY),
        ("ann", "like", NINE + 3 * DAY),
    )

    (row,) = classify_users(log, NINE + 5 * DAY)

    assert (5, 2, 3, 2) == tuple(
        row[name]
        for name in ("follow_age_days", "menu_clicks", "interactions", "silent_days")
    )


def test_a_policy_says_what_counts_and_how_much() -> None:
    """Two tenths a read: five of them are as good as one like."""
    reads = [("ann", "read", NINE + n * DAY) for n in range(6)]
    weights = {**INTERACTION_WEIGHTS, "read": 0.2}

    before, after = (
        segment_of(log_of(*reads[:n]), NINE + 5 * DAY, weights=weights) for n in (4, 5)
    )

    assert ("potential", "interacts_too_little") == before
    assert ("active", "interacts") == after


def test_too_few_of_late_is_potential_again() -> None:
    """Two interactions within a week, then the first of them leaves the week."""
    log = log_of(("ann", "like", NINE), ("ann", "like", NINE + 3 * DAY))
    policy = {"active_at_least": 2, "active_within": 7 * DAY}

    told = [
        segment_of(log, at, **policy)[0]
        for at in (
            NINE,
            NINE + 3 * DAY,
            NINE + 7 * DAY - MICRO,
            NINE + 7 * DAY,
            NINE + 33 * DAY,
        )
    ]

    assert ["potential", "active", "active", "potential", "dormant"] == told


def test_later_events_are_left_out() -> None:
    """The answer at an instant is the one that could be given at that instant."""
    early = log_of(("ann", "read", NINE))
    all_of_it = log_of(("ann", "read", NINE), ("ann", "like", NINE + DAY))

    at = NINE + DAY - MICRO
    assert classify_users(early, at) == classify_users(all_of_it, at)
    assert [] == classify_users(all_of_it, NINE - MICRO)


@settings(max_examples=80)
@given(LOGS, st.sampled_from(POLICIES))
def test_every_user_is_in_exactly_one_segment(
    rng: random.Random, rules: dict[str, Any]
) -> None:
    """At any instant, each user with an event by then, and nobody else."""
    case = draw_case(rng, users=5)
    log, policy = read_log(list(case.rows)), LifecyclePolicy(**rules)

    found = segment_users(log, case.as_of, policy)

    seen = {row["user"] for row in case.rows if row["at"] <= case.as_of}
    assert sorted(seen) == found.user.tolist()
    assert len(seen) == len(found) == sum(found.counts().values())
    assert set(found.segment) <= set(SEGMENTS) == set(found.counts())
    assert set(found.reason) <= set(REASONS)


@settings(max_examples=80)
@given(LOGS, st.sampled_from(POLICIES))
def test_the_changes_lead_from_one_classification_to_the_next(
    rng: random.Random, rules: dict[str, Any]
) -> None:
    """Applied to the segments at the start, they give those at the end."""
    case = draw_case(rng, users=5)
    log, policy = read_log(list(case.rows)), LifecyclePolicy(**rules)
    segment = {
        row["user"]: row["segment"] for row in classify_users(log, case.start, policy)
    }

    for row in transitions(log, case.start, case.as_of, policy):
        assert segment.get(row["user"]) == row["origin"]
        assert row["origin"] != row["target"]
        segment[row["user"]] = row["target"]

    at_end = classify_users(log, case.as_of, policy)
    assert segment == {row["user"]: row["segment"] for row in at_end}


@settings(max_examples=40)
@given(LOGS)
def test_segments_since_when_is_the_latest_change(rng: random.Random) -> None:
    """The column ``since`` and the changes tell the same story."""
    case = draw_case(rng, users=4)
    log, policy = read_log(list(case.rows)), LifecyclePolicy(**case.policy)
    beginning = min(row["at"] for row in case.rows) - MICRO
    if case.as_of <= beginning:
        return

    last = {
        row["user"]: row["at"]
        for row in transitions(log, beginning, case.as_of, policy)
    }

    rows = classify_users(log, case.as_of, policy)
    assert last == {row["user"]: row["since"] for row in rows}


@pytest.mark.parametrize("engine", EAGER)
def test_segments_as_arrays_and_as_a_frame_are_the_same(engine: str) -> None:
    """``segment_users`` is for programs, ``classify_users`` for people."""
    need(engine)
    case = draw_case(random.Random(7), users=20)  # noqa: S311  a fixed log, no secret
    log = read_log(table(case.rows, engine))

    found = segment_users(log, case.as_of)

    frame = classify_users(log, case.as_of)
    assert rows_of(found.to_frame()) == rows_of(frame)
    assert rows_of(found.to_frame("records")) == rows_of(frame)
    assert found.user.tolist() == [row["user"] for row in rows_of(frame)]


def test_segments_show_themselves() -> None:
    """Printed as aligned text, in a notebook as a table with escaped text."""
    found = segment_users(log_of(("<b>ann", "like", NINE)), NINE)

    assert "active" in str(found)
    assert "&lt;b&gt;ann" in found._repr_html_()


def test_a_policy_compares_by_value() -> None:
    """Two policies with the same rules are the same policy."""
    assert LifecyclePolicy() == LifecyclePolicy(dormant_after=dt.timedelta(days=30))
    assert LifecyclePolicy() != LifecyclePolicy(active_at_least=2)


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ({"dormant_after": dt.timedelta(0)}, "dormant_after"),
        ({"dormant_after": -DAY}, "dormant_after"),
        ({"dormant_after": 30}, "dormant_after"),
        ({"active_within": dt.timedelta(0)}, "active_within"),
        ({"active_at_least": 0}, "active_at_least"),
        ({"active_at_least": -1}, "active_at_least"),
        ({"active_at_least": True}, "active_at_least"),
        ({"active_at_least": float("nan")}, "active_at_least"),
        ({"active_at_least": float("inf")}, "active_at_least"),
        ({"active_at_least": "2"}, "active_at_least"),
        ({"active_at_least": 0.00001}, "active_at_least"),
        ({"weights": {"like": -1}}, "weights['like']"),
        ({"weights": {"like": float("nan")}}, "weights['like']"),
        ({"weights": {"like": True}}, "weights['like']"),
        ({"weights": {"like": "1"}}, "weights['like']"),
        ({"weights": {"like": 0.0001}}, "weights['like']"),
        ({"weights": {"liek": 1}}, "weights['liek']"),
        ({"weights": {1: 1}}, "weights[1]"),
        ({"weights": ["like"]}, "weights"),
        ({"weights": None}, "weights"),
    ],
)
def test_a_policy_refuses_rules_that_mean_nothing(
    rules: dict[str, Any], name: str
) -> None:
    """With the name of the rule, what was got, and what it must be."""
    with pytest.raises(InvalidInputError) as caught:
        LifecyclePolicy(**rules)

    assert name == caught.value.name


def test_a_misspelt_kind_in_a_policy_is_answered_with_the_nearest() -> None:
    """The mend is in the message."""
    with pytest.raises(InvalidInputError, match="did you mean 'purchase'"):
        LifecyclePolicy(weights={"purchse": 1})


@pytest.mark.parametrize("as_of", [NINE.replace(tzinfo=None), "2026-03-02", 0, None])
def test_an_instant_without_a_zone_is_refused(as_of: Any) -> None:
    """And so is whatever is no instant."""
    for ask in (classify_users, segment_users):
        with pytest.raises(InvalidInputError, match="as_of must be an aware datetime"):
            ask(log_of(("ann", "like", NINE)), as_of)


def test_weights_are_exact_in_thousandths() -> None:
    """Ten tenths are one, whatever floats say: 0.1 added ten times is below 1."""
    reads = [("ann", "read", NINE + n * DAY) for n in range(10)]
    tenth: dict[str, Any] = {"weights": {"read": 0.1}}
    assert 1.0 > sum([0.1] * 10)

    assert ("active", "interacts") == segment_of(
        log_of(*reads), NINE + 9 * DAY, **tenth
    )
    assert np.int64(100) == LifecyclePolicy(**tenth).thousandths.max()


def test_the_playbook_knows_every_segment_and_every_reason_has_words() -> None:
    """Nobody is left without advice, in either language."""
    assert set(SEGMENTS) == set(PLAYBOOK)
    assert all(len(pair) == 2 and all(pair) for pair in REASONS.values())
    for segment, strategy in PLAYBOOK.items():
        assert segment == strategy.segment
        codes = [move.code for move in strategy.moves]
        assert codes
        assert all(a != b for a, b in pairwise(sorted(codes)))
