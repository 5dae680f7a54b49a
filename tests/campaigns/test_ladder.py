"""What reward ladders promise."""

from __future__ import annotations

import datetime as dt
import itertools
import pickle
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.campaigns.diagnosis import concave_hull
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.rungs import LEAST_PAYOUT, Rung, Step
from wxengage.claims.figures import REFERRAL_LADDER
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.money import Cash, Coupon, Perk, Points, Reward, yuan
from wxengage.rules.book import rulebook

if TYPE_CHECKING:
    from wxengage.campaigns.ladder import Pays

TOTAL = Ladder(REFERRAL_LADDER, pays="total")
EACH = Ladder(REFERRAL_LADDER, pays="each")
RUNGS: dict[int, int | Reward] = {
    1: Points(10),
    3: yuan("8"),
    5: Perk("badge"),
    6: yuan("15"),
    9: Points(40),
}
MIXED = Ladder(
    RUNGS,
    pays="total",
    repeats=(4, yuan("2")),
)
BEYOND = 2**63


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    """Return a ladder of cash, with or without an end."""
    invites = draw(st.sets(st.integers(1, 30), min_size=1, max_size=5))
    adds = draw(
        st.lists(
            st.integers(LEAST_PAYOUT, 5_000),
            min_size=len(invites),
            max_size=len(invites),
        )
    )
    pays: Pays = draw(st.sampled_from(["total", "each"]))
    amounts = np.cumsum(adds).tolist() if pays == "total" else adds
    repeats = draw(st.none() | st.tuples(st.integers(1, 9), st.integers(10, 900)))
    return Ladder(
        zip(sorted(invites), amounts, strict=True), pays=pays, repeats=repeats
    )


def naive(ladder: Ladder, invites: int) -> int:
    """Walk up one invite at a time, as a cashier would."""
    owed, last = 0, ladder.rungs[-1].invites
    for n in range(1, invites + 1):
        for rung in ladder.rungs:
            if rung.invites == n:
                fen = rung.reward.fen  # type: ignore[union-attr]
                owed = fen if ladder.pays == "total" else owed + fen
        if ladder.repeats and n > last and (n - last) % ladder.repeats.invites == 0:
            owed += ladder.repeats.reward.fen  # type: ignore[union-attr]
    return owed


def test_the_articles_ladder_owes_15_or_23_yuan_for_six() -> None:
    """The two readings of one sentence, in whole fen."""
    counts = [0, 2, 3, 5, 6, 100]

    assert [0, 0, 800, 800, 1500, 1500] == TOTAL.entitlement(counts).tolist()
    assert [0, 0, 800, 800, 2300, 2300] == EACH.entitlement(counts).tolist()


@given(ladders(), st.lists(st.integers(0, 120), max_size=20))
def test_one_at_a_time_and_all_at_once_agree_with_the_cashier(
    ladder: Ladder, counts: list[int]
) -> None:
    """Three ways to count, one answer."""
    expected = [naive(ladder, n) for n in counts]

    assert expected == [ladder.entitlement(n) for n in counts]
    assert expected == ladder.entitlement(np.array(counts, dtype=np.int64)).tolist()


@given(ladders(), st.integers(0, 99), st.integers(0, 99))
def test_what_is_crossed_sums_to_the_difference(
    ladder: Ladder, one: int, other: int
) -> None:
    """However far a jump overshoots, every rung between is paid once."""
    before, after = sorted((one, other))

    steps = ladder.crossings(before, after)

    paid = sum(step.adds.fen for step in steps if isinstance(step.adds, Cash))
    assert all(isinstance(step.adds, Cash) for step in steps)
    assert ladder.entitlement(after) - ladder.entitlement(before) == paid
    assert [step.invites for step in steps] == [
        n
        for n in range(before + 1, after + 1)
        if ladder.entitlement(n) > ladder.entitlement(n - 1)
    ]


@given(ladders(), st.integers(0, 99))
def test_the_next_rung_is_the_first_that_is_crossed(ladder: Ladder, now: int) -> None:
    """Nothing lies between, and nothing lies beyond a last rung."""
    following = ladder.next_rung(now)

    if following is None:
        assert ladder.repeats is None
        assert ladder.rungs[-1].invites <= now
    else:
        assert (following,) == ladder.crossings(now, following.invites)


@given(ladders())
def test_a_ladder_comes_back_from_its_text(ladder: Ladder) -> None:
    """Rungs, reading and repetition; and from a worker too."""
    assert ladder == load(dump(ladder))
    assert ladder == pickle.loads(pickle.dumps(ladder))
    assert hash(ladder) == hash(load(dump(ladder)))


def test_a_mapping_pairs_and_rungs_are_the_same_ladder() -> None:
    """Fen are cash."""
    rungs = (Rung(3, Cash(800)), Rung(6, Cash(1500)))

    assert rungs == TOTAL.rungs
    assert Ladder(rungs, pays="total") == TOTAL
    assert Ladder([(3, 800), (6, Cash(1500))], pays="total") == TOTAL


@given(st.integers(10, 999), st.integers(1, 20), st.integers(1, 999))
def test_linear_plus_bonus_pays_every_invite_and_once_more(
    each: int, at: int, bonus: int
) -> None:
    """As its name says, for any number of invites."""
    ladder = Ladder.linear_plus_bonus(each, at=at, bonus=bonus)

    counts = np.arange(60)
    expected = counts * each + bonus * (counts >= at)
    assert expected.tolist() == ladder.entitlement(counts).tolist()


def test_other_rewards_are_kept_and_units_do_not_mix() -> None:
    """Cash includes cash, points include points, a badge stays."""
    assert () == MIXED.rewards(0)
    assert (Points(10),) == MIXED.rewards(1)
    assert (Cash(1500), Points(10), Perk("badge")) == MIXED.rewards(8)
    assert (Cash(1700), Points(40), Perk("badge")) == MIXED.rewards(16)
    assert Step(9, Points(30)) == MIXED.next_rung(6)
    assert Step(17, Cash(200)) == MIXED.next_rung(13)
    assert [0, 0, 0, 0, 800] == [MIXED.entitlement(n) for n in (0, 1, 2, 2, 3)]


def test_a_coupon_is_owed_as_often_as_it_stands_there() -> None:
    """Two rungs, two coupons."""
    ladder = Ladder({1: Coupon("9"), 2: Coupon("9")}, pays="each")

    assert (Coupon("9"), Coupon("9")) == ladder.rewards(2)
    assert 0 == ladder.entitlement(2)


def test_the_margins_are_those_of_the_oracle(oracles: dict[str, Any]) -> None:
    """Fen in the library, yuan in the paper."""
    expected = oracles["referral"]["ladder_marginal_cost"]
    out, rel = expected["outputs"], expected["rtol"]

    for name, ladder in (("cumulative", TOTAL), ("additive", EACH)):
        rungs = ladder.diagnose().rungs
        margins = [float(rung.per_invite) / 100 for rung in rungs]
        assert pytest.approx(out[name], rel=rel) == margins
        average = float(rungs[-1].average) / 100
        assert pytest.approx(out["avg_at_6"][name], rel=rel) == average


def test_the_hull_is_that_of_the_oracle(oracles: dict[str, Any]) -> None:
    """If 15 yuan come on top of 8, nobody stops at three."""
    expected = oracles["referral"]["ladder_concave_hull"]
    out, rel = expected["outputs"], expected["rtol"]

    for name, ladder in (("cumulative", TOTAL), ("additive", EACH)):
        hull = [
            [rung.invites, float(rung.worth_up_to) / 100]
            for rung in ladder.diagnose().rungs
            if rung.worth_up_to is not None
        ]
        assert [pytest.approx(point, rel=rel) for point in out[name]] == hull


@given(ladders())
def test_a_constant_cost_stops_where_the_hull_says(ladder: Ladder) -> None:
    """Over many costs per invite, the best stops are rungs of the hull alone."""
    diagnosis = ladder.diagnose()
    stops = {r.invites for r in diagnosis.rungs if r.worth_up_to is not None}
    beyond = (
        Fraction(ladder.repeats.reward.fen, ladder.repeats.invites)  # type: ignore[union-attr]
        if ladder.repeats
        else Fraction(0)
    )
    slopes = {r.worth_up_to for r in diagnosis.rungs if r.worth_up_to is not None}
    edges = sorted({beyond, Fraction(10_000)} | slopes)
    costs = [*edges, *((a + b) / 2 for a, b in itertools.pairwise(edges))]

    best = set()
    for cost in costs:
        if cost >= beyond:
            worth = {n: ladder.entitlement(n) - cost * n for n in range(100)}
            most = max(worth.values())
            best |= {
                rung.invites for rung in ladder.rungs if worth[rung.invites] == most
            }

    assert stops == best


def test_points_on_one_line_are_one_choice() -> None:
    """Exact: a third of a fen off the line would already show."""
    assert {3: Fraction(8, 3), 6: Fraction(8, 3)} == concave_hull([(3, 8), (6, 16)])
    assert {6: Fraction(1700, 6)} == concave_hull([(3, 849), (6, 1700)])
    assert {3: Fraction(8, 3), 6: Fraction(7, 3)} == concave_hull([(3, 8), (6, 15)])
    assert {} == concave_hull([(3, 8), (6, 15)], Fraction(3))


def test_the_diagnosis_says_what_is_odd_in_both_languages() -> None:
    """The article's ladder pays less and less; read as a sum, it has a dead rung."""
    falling = TOTAL.diagnose()
    assert "towards 6 invites each one pays 2.33 yuan, less" in falling.explain("en")
    assert "每多邀请一人得 2.33 元" in falling.explain("zh")
    dead = EACH.diagnose()
    assert "nobody would stop at 3 invites" in dead.explain("en")
    assert "没有人会停在 3 人这一档" in dead.explain("zh")
    assert "nobody stops here" in str(dead)
    assert "<pre>invites" in dead._repr_html_()
    assert "<Diagnosis of 2 rungs>" == repr(dead)
    fine = Ladder({3: 300}, pays="total", repeats=(3, 300)).diagnose()
    assert "" == fine.explain("en")
    points = Ladder({2: Points(5)}, pays="each").diagnose()
    assert ("points", Fraction(5, 2)) == (points.unit, points.rungs[0].per_invite)


def test_the_least_payout_is_the_dated_rule() -> None:
    """The figure stands in the rule book too."""
    rule = rulebook(dt.date(2026, 11, 1))["WX-TRF-002"]

    assert LEAST_PAYOUT == rule.params["min_fen"]


@pytest.mark.parametrize(
    ("rungs", "pays", "said"),
    [
        ({3: 8, 6: 15}, "total", "did you mean yuan('8')"),
        ({3: 8, 6: 15}, "each", "did you mean yuan('8')"),
        ({3: 800, 6: 805}, "total", "at least 0.10"),
        ({3: 800, 6: 800}, "total", "rungs[1].reward must be more than the 8.00"),
        ({3: 800, 6: 700}, "total", "pays='total' a rung includes those below"),
        ({3: Points(5), 4: Points(5)}, "total", "more than the 5 points"),
        ([(6, 800), (3, 900)], "each", "rungs[1].invites must be more than the 6"),
        ([(3, 800), (3, 900)], "each", "rungs[1].invites must be more than the 3"),
        ({0: 800}, "each", "rungs[0].invites must be at least 1"),
        ({True: 800}, "each", "rungs[0].invites must be a whole number"),
        ({3: True}, "each", "rungs[0].reward must be a whole number"),
        ({3: -800}, "each", "rungs[0].reward must be at least 1"),
        ({3: 8.0}, "each", "reward must be a reward"),
        ({3: "8"}, "each", "reward must be a reward"),
        ({}, "each", "rungs must be at least one rung"),
        ("abc", "each", "rungs must be a mapping or pairs"),
        (7, "each", "rungs must be a mapping or pairs"),
        ([3], "each", "rungs[0] must be invites and a reward"),
        ([(3, 800, 1)], "each", "rungs[0] must be invites and a reward"),
        ({3: 800}, "sum", "pays must be 'total' or 'each'"),
        ({3: 800}, None, "pays must be 'total' or 'each'"),
        ({1: 2**62, 2: 2**62}, "each", "rungs must be at most 2**63 - 1 in all"),
    ],
)
def test_what_is_no_ladder_is_refused(
    rungs: Any, pays: Literal["total", "each"], said: str
) -> None:
    """The message names the rung, the rule and the mend."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        Ladder(rungs, pays=pays)


def test_the_reading_must_be_named() -> None:
    """There is no default between 15 and 23 yuan."""
    with pytest.raises(TypeError, match="pays"):
        Ladder({3: 800})  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("repeats", "said"),
    [
        ((3, 5), "repeats must be at least 0.10"),
        ((0, 500), "repeats.invites must be at least 1"),
        ((3, Perk("badge")), "repeats must be cash or points"),
        (3, "repeats must be invites and a reward"),
    ],
)
def test_what_cannot_repeat_is_refused(repeats: Any, said: str) -> None:
    """As for any rung."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        Ladder({3: 800}, pays="each", repeats=repeats)


@pytest.mark.parametrize(
    ("invites", "said"),
    [
        (-1, "invites must be at least 0"),
        (True, "invites must be a whole number"),
        (3.0, "whole numbers"),
        ([3.0], "whole numbers"),
        ([True], "whole numbers"),
        (["3"], "whole numbers"),
        ([1, -1], "invites[1] must be from 0"),
        (np.array([1, BEYOND], dtype=np.uint64), "invites[1] must be from 0"),
        (BEYOND, "invites must be at most"),
    ],
)
def test_only_counts_of_invites_are_counted(invites: Any, said: str) -> None:
    """Nothing is rounded, and no truth value is a number."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        TOTAL.entitlement(invites)


@pytest.mark.parametrize("invites", [2**62, [3, 2**62]])
def test_an_entitlement_beyond_64_bits_is_refused(invites: Any) -> None:
    """It does not wrap around to a debt."""
    ladder = Ladder({1: 1000}, pays="each", repeats=(1, 1000))

    with pytest.raises(InvalidInputError, match=r"entitlement must be at most"):
        ladder.entitlement(invites)


def test_the_largest_entitlement_is_exact() -> None:
    """To the last fen, one at a time and all at once."""
    ladder = Ladder({1: 10}, pays="each", repeats=(1, 10))
    n = (2**63 - 1) // 10

    assert n * 10 == ladder.entitlement(n) == ladder.entitlement([n])[0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: TOTAL.crossings(4, 3), "swap them"),
        (lambda: TOTAL.crossings(-1, 3), "before must be at least 0"),
        (lambda: TOTAL.next_rung(-1), "invites must be at least 0"),
        (lambda: MIXED.crossings(0, 10**9), "after must be at most 100,000 steps"),
        (lambda: Rung(3, 800), "reward must be a reward"),  # type: ignore[arg-type]
        (
            lambda: Ladder.linear_plus_bonus(9, at=1, bonus=1),
            "repeats must be at least 0.10",
        ),
        (
            lambda: Ladder.linear_plus_bonus(100, at=0, bonus=1),
            "at must be at least 1",
        ),
        (
            lambda: Ladder.linear_plus_bonus(100, at=3, bonus=0),
            "bonus must be at least 1",
        ),
        (lambda: Ladder({1: Perk("x")}, pays="each").diagnose(), "cash or points"),
    ],
)
def test_a_question_without_an_answer_is_refused(call: Any, said: str) -> None:
    """With the mend."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()


def test_rewards_are_any_of_the_four() -> None:
    """Each kind of reward may stand on a rung."""
    rewards: tuple[Reward, ...] = (Cash(10), Points(1), Coupon("c"), Perk("p"))
    ladder = Ladder(enumerate(rewards, start=1), pays="each")

    assert rewards == ladder.rewards(9)
