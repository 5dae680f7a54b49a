"""What the utility of volumes promises."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.claims.figures import INTERACTIONS_A_DAY
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.pacing.caps import DAILY_CEILING
from wxengage.pacing.fatigue import (
    VolumeUtility,
    best_volumes,
    fit_hazard,
    sends_before,
    volume_utilities,
)

USER = VolumeUtility(
    1.0, 0.3, fade=0.7, leave_chance=0.01, rise=2.0, leave_loss=5.0, cost=0.01
)
USERS = st.builds(
    VolumeUtility,
    st.floats(-5, 5),
    st.floats(0, 1),
    fade=st.floats(0, 1),
    leave_chance=st.floats(0, 1),
    rise=st.floats(0, 5),
    leave_loss=st.floats(0, 9),
    cost=st.floats(0, 1),
)


def by_hand(user: VolumeUtility, k: int) -> float:
    """Return the formula of the method, term by term."""
    there, no_visit, found = 1.0, 1.0, 0.0
    for j in range(k):
        visit = user.visit_chance * user.fade**j
        found += user.visit_value * there * no_visit * visit - user.cost
        no_visit *= 1 - visit
        there *= 1 - min(user.leave_chance * user.rise**j, 1)
    return found - user.leave_loss * (1 - there)


@given(USERS, st.integers(1, 8))
def test_the_table_is_the_formula(user: VolumeUtility, most: int) -> None:
    """Value times still there times no visit yet, less the loss, less the cost."""
    expected = [by_hand(user, k) for k in range(most + 1)]

    assert expected == pytest.approx(user.table(most).tolist(), abs=1e-9)
    assert user.table(most)[user.best(most)] == max(user.table(most))


@given(st.lists(USERS, min_size=1, max_size=6), st.integers(1, 6))
def test_many_at_once_are_as_one_at_a_time(
    users: list[VolumeUtility], most: int
) -> None:
    """One answer, however it is computed."""
    columns = {
        field.name: [getattr(user, field.name) for user in users]
        for field in attrs.fields(VolumeUtility)
    }

    many = volume_utilities(most=most, **columns)

    assert [user.table(most).tolist() for user in users] == many.tolist()
    assert [user.best(most) for user in users] == many.argmax(axis=1).tolist()
    assert [user.best(most) for user in users] == best_volumes(many).volumes.tolist()


def test_the_ceiling_is_no_plan() -> None:
    """Five are allowed; what is best is 0, 1, 2, 3 or all five."""
    users = [
        attrs.evolve(USER, visit_chance=0.02),
        attrs.evolve(USER, visit_chance=0.1),
        USER,
        attrs.evolve(USER, leave_chance=0.001),
        VolumeUtility(1.0, 0.3),
    ]

    best = [user.best() for user in users]

    assert [0, 1, 2, 3, 5] == best
    assert max(best) <= DAILY_CEILING.limit == INTERACTIONS_A_DAY[1]


def test_who_loses_nothing_gets_all_and_who_gains_nothing_gets_none() -> None:
    """The two ends."""
    assert 7 == VolumeUtility(1.0, 0.1).best(7)
    assert 0 == VolumeUtility(0.0, 0.1, cost=0.01).best(7)
    assert 0 == VolumeUtility(1.0, 0.0, leave_chance=0.1, leave_loss=1.0).best(7)


# --- a budget -------------------------------------------------------------------------


def test_five_users_share_six_messages_as_brute_force_would() -> None:
    """Value, bound and every one of the 6^5 ways."""
    table = volume_utilities(
        1.0,
        [0.3, 0.1, 0.02, 0.4, 0.25],
        fade=0.7,
        leave_chance=[0.01, 0.01, 0.01, 0.001, 0.005],
        rise=2.0,
        leave_loss=5.0,
        cost=0.01,
    )
    ways = [ks for ks in itertools.product(range(6), repeat=len(table)) if sum(ks) <= 6]
    worth = [sum(table[i, k] for i, k in enumerate(ks)) for ks in ways]

    found = best_volumes(table, budget=6)

    assert max(worth) == pytest.approx(found.value, rel=1e-12)
    assert found.bound == pytest.approx(found.value, rel=1e-12)
    assert ways[int(np.argmax(worth))] == tuple(found.volumes.tolist())
    assert found.volumes.sum() <= 6


def test_a_large_crowd_is_shared_out_without_a_gap() -> None:
    """A hundred thousand users and as many messages."""
    rng = np.random.default_rng(8)
    n = 100_000
    table = volume_utilities(
        rng.gamma(2, 1, n),
        rng.beta(2, 8, n),
        fade=0.7,
        leave_chance=rng.beta(1, 200, n),
        rise=1.5,
        leave_loss=5.0,
        cost=0.01,
    )

    found = best_volumes(table, budget=n)

    assert n == found.volumes.sum()
    assert found.gap < 1e-4
    assert set(found.volumes.tolist()) >= {0, 1, 2, 3}


# --- the hazard -----------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=25),
    st.integers(1, 10),
)
def test_earlier_messages_are_counted_one_by_one(
    rows: list[tuple[str, int]], days: int
) -> None:
    """Strictly before, and not a whole window before."""
    naive = [
        sum(user == other and t - days < then < t for other, then in rows)
        for user, t in rows
    ]

    found = sends_before(
        [user for user, _ in rows],
        [t * 86_400_000_000 for _, t in rows],
        window=dt.timedelta(days=days),
    )

    assert naive == found.tolist()


def test_a_hazard_learned_from_the_log_goes_into_the_utility() -> None:
    """Messages of the week before raise the chance to lose somebody, and it shows."""
    rng = np.random.default_rng(1)
    sends = rng.integers(0, 10, 5_000)
    left = rng.random(5_000) < 0.005 * 1.5**sends

    hazard = fit_hazard(sends, left)
    recent = np.array([[0], [8]])
    table = volume_utilities(
        1.0,
        0.3,
        fade=0.7,
        leave_chance=hazard.chances(recent + np.arange(5)),
        leave_loss=3.0,
    )

    assert "" == hazard.diagnosis
    assert [3, 0] == table.argmax(axis=1).tolist()


def test_a_log_of_nothing_has_nothing_before() -> None:
    """And ids that are none are named."""
    unknown: Any = [None, None]

    assert [] == sends_before([], []).tolist()
    with pytest.raises(InvalidInputError, match="users must be ids"):
        sends_before(unknown, [0, 1])


# --- bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"visit_chance": 1.1}, "visit_chance must be from 0 to 1"),
        ({"visit_chance": "0.1"}, "visit_chance must be a number"),
        ({"visit_value": math.nan}, "visit_value must be finite"),
        ({"visit_value": True}, "visit_value must be a number"),
        ({"fade": -0.1}, "fade must be from 0 to 1"),
        ({"leave_chance": 2}, "leave_chance must be from 0 to 1"),
        ({"rise": -1}, "rise must be at least 0"),
        ({"rise": math.inf}, "rise must be finite"),
        ({"leave_loss": -1}, "leave_loss must be at least 0"),
        ({"cost": -1}, "cost must be at least 0"),
    ],
)
def test_a_bad_number_is_named(fields: dict[str, Any], message: str) -> None:
    """For one user as for many."""
    with pytest.raises(InvalidInputError, match=message):
        attrs.evolve(USER, **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"visit_chance": [0.1, 1.1]}, r"visit_chance\[1\] must be from 0 to 1"),
        ({"visit_chance": [0.1] * 3, "cost": [0] * 2}, r"cost.shape must be one"),
        ({"most": 0}, "most must be at least 1"),
        ({"most": 5.0}, "most must be a whole number"),
        ({"most": 10**6}, "most must be at most 1000"),
        ({"leave_chance": [[0.1]]}, r"leave_chance.shape must be one a user, or"),
        ({"leave_chance": [[0.1] * 5], "rise": 2}, r"rise\[0\] must be 1"),
    ],
)
def test_bad_columns_are_named(fields: dict[str, Any], message: str) -> None:
    """With the row."""
    usual: dict[str, Any] = {"visit_value": 1.0, "visit_chance": 0.3}
    with pytest.raises(InvalidInputError, match=message):
        volume_utilities(**(usual | fields))


def test_a_hazard_of_nobody_is_refused_with_what_is_known() -> None:
    """Nobody left: it is rare, and how rare is told."""
    with pytest.raises(InvalidInputError, match=r"chance that it happens is below"):
        fit_hazard([0, 1, 2], [False] * 3)


def test_a_utility_survives_as_text() -> None:
    """Every number of it."""
    assert USER == load(dump(USER))
