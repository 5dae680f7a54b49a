"""What a lottery promises."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.campaigns.contests.lottery import (
    Prize,
    Win,
    commitment,
    draw_lots,
    winning_odds,
)
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.money import Cash, Points

SEED = "0123456789abcdef"
TICKETS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.sampled_from([0, 1, 2, 5, 1_000]), max_size=6
)
PRIZES = st.lists(st.builds(Prize, st.just(Points(1)), st.integers(1, 3)), max_size=3)


def draw(
    tickets: Any, prizes: Any, seed: str = SEED, entropy: str = "e"
) -> tuple[Win, ...]:
    """Draw with the right commitment."""
    return draw_lots(
        tickets, prizes, seed=seed, committed=commitment(seed), entropy=entropy
    )


@given(TICKETS, PRIZES, st.randoms(use_true_random=False))
def test_whoever_draws_finds_the_same_winners(
    tickets: dict[str, int], prizes: list[Prize], dice: Any
) -> None:
    """In any order of the list; nobody twice, nobody without a ticket."""
    wins = draw(tickets, prizes)
    mixed = list(tickets.items())
    dice.shuffle(mixed)

    assert wins == draw(dict(mixed), prizes)
    stock = sum(prize.stock for prize in prizes)
    assert min(stock, sum(n > 0 for n in tickets.values())) == len(wins)
    assert len(wins) == len({win.user for win in wins})
    assert all(tickets[win.user] for win in wins)
    assert list(range(1, len(wins) + 1)) == [win.place for win in wins]


@given(TICKETS)
def test_somebody_who_comes_or_goes_changes_the_order_of_no_two_others(
    tickets: dict[str, int],
) -> None:
    """Nobody can be helped or hurt by adding others, but for the prizes they take."""
    every = [Prize(Points(1), 100)]
    with_all = [win.user for win in draw({**tickets, "new": 3}, every)]

    assert [user for user in with_all if user != "new"] == [
        win.user for win in draw(tickets, every)
    ]


def test_odds_are_what_they_are_said_to_be() -> None:
    """Over many seeds, each place as often as drawing tickets one by one has it."""
    tickets = {"a": 1, "b": 2, "c": 5}
    first: Counter[str] = Counter()
    any_: Counter[str] = Counter()
    for n in range(6_000):
        wins = draw(tickets, [Prize(Points(1), 2)], entropy=str(n))
        first[wins[0].user] += 1
        any_.update(win.user for win in wins)
    odds = winning_odds(tickets, [Prize(Points(1), 2)])

    for user, count in tickets.items():
        assert pytest.approx(count / 8, abs=0.025) == first[user] / 6_000
        assert pytest.approx(odds[user], abs=0.025) == any_[user] / 6_000


@settings(max_examples=60)
@given(TICKETS, PRIZES)
def test_odds_are_exact(tickets: dict[str, int], prizes: list[Prize]) -> None:
    """As by writing down every order in which tickets can be drawn."""
    some = {user: count for user, count in tickets.items() if count}
    winners = min(sum(prize.stock for prize in prizes), len(some))
    exact = dict.fromkeys(tickets, Fraction(0))
    for order in itertools.permutations(some, winners):
        left, chance = sum(some.values()), Fraction(1)
        for user in order:
            chance *= Fraction(some[user], left)
            left -= some[user]
        for user in order:
            exact[user] += chance

    odds = winning_odds(tickets, prizes)

    assert {
        user: pytest.approx(float(p), abs=1e-7) for user, p in exact.items()
    } == odds


def test_equal_tickets_have_equal_odds() -> None:
    """Seven of a thousand."""
    odds = winning_odds({f"u{n}": 1 for n in range(1_000)}, [Prize(Points(1), 7)])

    assert dict.fromkeys(odds, pytest.approx(0.007)) == odds


def test_the_first_prize_is_drawn_first() -> None:
    """Stock by stock."""
    wins = draw(dict.fromkeys("abcd", 1), [Prize(Cash(500), 1), Prize(Points(5), 2)])

    assert [Cash(500), Points(5), Points(5)] == [win.reward for win in wins]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: commitment("short"), "seed must be 16 characters or more"),
        (
            lambda: draw_lots(
                {}, [], seed=SEED, committed=commitment(SEED + "x"), entropy="e"
            ),
            "committed must be the commitment of the seed",
        ),
        (lambda: draw({"a": -1}, []), "tickets['a'] must be at least 0"),
        (lambda: draw({"a": 1}, [Cash(5)]), "prizes[0] must be a Prize"),
        (lambda: draw({"a": 1}, [], entropy=" "), "entropy must be a text"),
        (lambda: draw([("a", 1)], []), "tickets must be a mapping"),
        (lambda: Prize(Points(1), 0), "stock must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, said: str) -> None:
    """With the field and the rule, and never with the seed."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()


def test_prizes_and_wins_can_be_kept() -> None:
    """What is written is read."""
    for value in (Prize(Cash(5), 2), Win(1, "ada", Points(5))):
        assert value == load(dump(value))
