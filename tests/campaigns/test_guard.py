"""What the guard against abuse promises."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.campaigns.guard import (
    ATTACKS,
    Attack,
    Crowd,
    RiskPolicy,
    attack_profits,
    risk,
    simulated_log,
)
from wxengage.campaigns.guard.features import features_of, invites_of
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.sources import read_events
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import yuan
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.campaigns.guard.result import Risks

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
AS_OF = dt.datetime(2026, 3, 22, tzinfo=dt.UTC)
BY_NAME = {attack.name: attack for attack in ATTACKS}


@functools.cache
def found(
    name: str, fakes: int, seed: int = 3
) -> tuple[Risks, dict[str, tuple[str, ...]]]:
    """Return what is found about one attack in a crowd, and the truth."""
    rng = np.random.default_rng(seed)
    attacks = ((BY_NAME[name], fakes, 20),)
    log, truth = simulated_log(attacks, Crowd(2_000), rng)
    return risk(log, as_of=AS_OF, device="channel"), truth


def caught(risks: Risks, people: Sequence[str]) -> float:
    """Return the share of people that do not pass."""
    columns = risks.columns()
    passed = set(columns["inviter"][columns["verdict"] == "pass"])
    return sum(one not in passed for one in people) / len(people)


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("burst", "burst"),
        ("star", "inert"),
        ("leaver", "left"),
        ("recycled", "returned"),
        ("phone farm", "shared"),
    ],
)
def test_thirty_identities_are_found_by_what_they_have_in_common(
    name: str, signal: str
) -> None:
    """Nine of ten attackers at least, by the test that is meant for them."""
    risks, truth = found(name, 30)

    assert caught(risks, truth[name]) >= 0.9
    signals = [{one.name for one in risks.of(a).signals} for a in truth[name]]
    assert sum(signal in told for told in signals) >= 18


@pytest.mark.parametrize("name", [attack.name for attack in ATTACKS])
def test_honest_inviters_are_rarely_made_to_wait(name: str) -> None:
    """One of a hundred at most, though friends in groups come together."""
    risks, truth = found(name, 12)

    assert caught(risks, truth["honest"]) <= 0.01


def test_who_behaves_like_the_honest_is_not_found() -> None:
    """The guard has its limits, and the promise names them."""
    risks, truth = found("slow drip", 12)

    assert caught(risks, truth["slow drip"]) <= 0.1


@pytest.mark.parametrize("name", ["burst", "star", "leaver"])
def test_more_identities_are_found_more_often(name: str) -> None:
    """The detection curve rises."""
    shares = [
        caught(risks, truth[name])
        for risks, truth in map(found, [name] * 3, [3, 6, 30])
    ]

    assert sorted(shares) == shares
    assert 1.0 == shares[-1]


def test_nothing_is_a_ban_and_all_is_explained() -> None:
    """Three words, and a sentence in both languages with the counts."""
    risks, truth = found("burst", 12)
    one = risks.of(truth["burst"][0])

    assert {"pass", "hold", "review"} >= set(risks.columns()["verdict"])
    assert "review" == one.verdict
    assert "12 of 12 invites came within a very short time" in one.explain("en")
    assert "请人工复核" in one.explain("zh")
    assert "nothing out of the ordinary" == risks.of(truth["honest"][0]).explain("en")
    with pytest.raises(InvalidInputError, match="an inviter of these"):
        risks.of("nobody")


def test_a_ring_of_identities_is_for_review() -> None:
    """Of new people each invites the next, and the last the first."""
    ring = ["a", "b", "c"]
    events = [
        Event("scan", user=ring[i], inviter=ring[i - 1], at=OPENS + i * HOUR)
        for i in range(3)
    ]
    old = [
        Event("follow", user="d", at=OPENS - DAY),
        Event("scan", user="e", inviter="d", at=OPENS),
        Event("scan", user="d", inviter="e", at=OPENS + HOUR),
    ]

    risks = risk([*events, *old], as_of=AS_OF)

    assert ["review"] * 3 == [risks.of(one).verdict for one in ring]
    assert ("circle",) == tuple(signal.name for signal in risks.of("a").signals)
    assert ["pass"] * 2 == [risks.of(one).verdict for one in "de"]


EVENTS = st.lists(
    st.builds(
        Event,
        st.sampled_from(["scan", "scan", "follow", "unfollow", "read", "deliver"]),
        user=st.sampled_from("abcdefgh"),
        inviter=st.sampled_from([None, *"abc"]),
        at=st.integers(0, 400).map(lambda n: OPENS + n * HOUR / 4),
        channel=st.sampled_from([None, "d1", "d2"]),
    ),
    min_size=1,
    max_size=40,
)


def naive(events: Sequence[Event], horizon: dt.timedelta) -> dict[str, tuple[Any, ...]]:
    """Count what the guard counts, one inviter at a time."""
    touches: dict[Any, Event] = {}
    kinds = {"scan", "follow"}
    for one in sorted(events, key=lambda e: (e.at, str(e.inviter))):
        if one.inviter and one.inviter != one.user and one.kind in kinds:
            touches.setdefault(one.user, one)
    answer = {}
    for inviter in {one.inviter for one in touches.values()}:
        mine = [one for one in touches.values() if one.inviter == inviter]
        watched = [one for one in mine if one.at + horizon <= AS_OF]

        def happened(one: Event, *kinds: str) -> bool:
            return any(
                e.user == one.user
                and e.kind in kinds
                and one.at < e.at <= one.at + horizon
                for e in events
            )

        def returned(one: Event) -> bool:
            told = [e for e in events if e.user == one.user]
            course = sorted(
                (e.at, e.kind == "follow")
                for e in told
                if e.kind in {"follow", "unfollow"}
            )
            pairs = itertools.pairwise(course)
            return any(not before[1] and after[1] for before, after in pairs)

        devices = [one.channel for one in mine if one.channel]
        own = {e.channel for e in events if e.user == inviter and e.channel}
        shared = sum(d in own for d in devices)
        others = [d for d in devices if d not in own]
        answer[str(inviter)] = (
            len(mine),
            len(watched),
            sum(happened(one, "unfollow") for one in watched),
            sum(not happened(one, "read") for one in watched),
            sum(returned(one) for one in watched),
            len(devices),
            shared + len(others) - len(set(others)),
        )
    return answer


@given(EVENTS)
def test_counts_are_what_counting_by_hand_says(events: list[Event]) -> None:
    """Invites, who left, who did nothing, who came back, and shared devices."""
    policy = RiskPolicy(horizon=12 * HOUR)
    source = [
        {n: getattr(e, n) for n in ("kind", "user", "inviter", "at", "channel")}
        for e in events
    ]
    columns = read_events(source)
    span = micros("opens", OPENS), micros("as_of", AS_OF) + 1
    counted = features_of(
        columns, invites_of(columns, None, span), policy, span, "channel"
    )
    names = columns.ids.numpy()[counted.inviter].tolist()
    kept = ("invites", "watched", "left", "inert", "returned", "placed", "shared")
    rows = zip(*(getattr(counted, name).tolist() for name in kept), strict=True)

    assert naive(events, policy.horizon) == dict(zip(names, rows, strict=True))


def test_the_answer_has_the_form_of_the_question() -> None:
    """Polars in, Polars out; the same numbers."""
    rng = np.random.default_rng(5)
    log, _ = simulated_log(((BY_NAME["burst"], 12, 5),), Crowd(200), rng)
    frame = pl.DataFrame({n: c.tolist() for n, c in log.items()}).with_columns(
        pl.col("at").dt.replace_time_zone("UTC")
    )

    arrays = risk(log, as_of=AS_OF, device="channel").columns()
    table = risk(frame, as_of=AS_OF, device="channel").to_frame()

    assert isinstance(table, pl.DataFrame)
    assert arrays["inviter"].tolist() == table["inviter"].to_list()
    assert arrays["burst_tail"].tolist() == table["burst_tail"].to_list()


def test_nobody_is_judged_by_two_invites_or_by_none() -> None:
    """An empty log has an answer, and so has a small one."""
    empty: dict[str, list[Any]] = {"user": [], "kind": [], "at": [], "inviter": []}
    two = [Event("scan", user=u, inviter="a", at=OPENS) for u in "bc"]

    assert 0 == len(risk(empty, as_of=AS_OF))
    assert "pass" == risk(two, as_of=AS_OF).of("a").verdict
    assert "0 hold" in repr(risk(two, as_of=AS_OF))


LADDER = Ladder({3: yuan("8"), 6: yuan("15")}, pays="total")
SPRING = Referral("spring", ladder=LADDER, opens=OPENS, closes=OPENS + 14 * DAY)


def test_the_defaults_make_lazy_attacks_a_loss_and_careful_ones_not() -> None:
    """With identities at one yuan; what a careful one must cost is in the table."""
    profits = attack_profits(
        SPRING,
        fakes=(3, 12),
        identity_cost=yuan("1"),
        rng=np.random.default_rng(7),
        crowd=Crowd(1_000),
        attackers=10,
    )
    table = profits.columns()
    rows = {
        (attack, fakes): profit
        for attack, fakes, profit in zip(
            table["attack"], table["fakes"].tolist(), table["profit"], strict=True
        )
    }

    assert profits.honest <= 0.01
    assert all(rows[name, 12] < 0 for name in ("burst", "leaver", "recycled"))
    assert all(rows[name, 3] < 0 for name in ("leaver", "recycled", "phone farm"))
    assert rows["slow drip", 3] > 0
    assert pytest.approx(800 / 3) == table["break_even"].max()
    assert "slow drip" in str(profits)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: RiskPolicy(false_share=0.0), "false_share must be a share"),
        (lambda: RiskPolicy(least_invites=0, review_at=0), "without its 2 faults"),
        (lambda: RiskPolicy(window=dt.timedelta(0)), "window must be"),
        (lambda: Attack("x", within=HOUR, active=1.5), "active must be a share"),
        (lambda: Crowd(mean=1.0), "mean must be a number above 1"),
        (lambda: risk([], as_of=AS_OF, device="ip"), "device must be one of"),
        (lambda: risk([], as_of=AS_OF, campaign=LADDER), "campaign must be a Referral"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(call: Any, said: str) -> None:
    """With the field and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()


@pytest.mark.parametrize("value", [RiskPolicy(), ATTACKS[0], Crowd()])
def test_policies_can_be_kept(value: Any) -> None:
    """What is written is read."""
    assert value == load(dump(value))
