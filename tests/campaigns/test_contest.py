"""What a contest promises."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.publishing import amend, publish
from wxengage.campaigns.contests.ranking import capped_votes, rank_entries
from wxengage.campaigns.contests.rule import VoteRule
from wxengage.campaigns.contests.subjects import RESULTS, entry_key
from wxengage.campaigns.facts import GRANTED, WITHDRAWN
from wxengage.campaigns.folding import advance
from wxengage.campaigns.replaying import replay
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash, Points
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.campaigns.facts import Fact
    from wxengage.campaigns.states import State

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPENS = dt.datetime(2026, 3, 1, tzinfo=SHANGHAI)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
CLOSES = OPENS + 14 * DAY
PHOTOS = Contest(
    "photos",
    prizes=(Cash(50_000), Cash(30_000)),
    votes=VoteRule(per_day=2),
    opens=OPENS,
    closes=CLOSES,
    publishes=CLOSES + DAY,
)


def event(
    kind: str, user: str, hours: float, item: str | None = "p1", **more: Any
) -> Event:
    """Return an event of the contest, so many hours after it opened."""
    at = OPENS + hours * HOUR
    return Event(kind, user=user, at=at, item=item, campaign="photos", **more)


def folded(
    events: Sequence[Event], contest: Contest = PHOTOS
) -> tuple[State, list[Fact]]:
    """Fold events as they come."""
    state = contest.start()
    found: list[Fact] = []
    for one in events:
        state, facts = advance(state, one, contest)
        found += facts
    return state, found


def reasons(
    events: Sequence[Event], contest: Contest = PHOTOS
) -> list[tuple[str, str]]:
    """Return kind and reason of each fact."""
    return [(fact.kind, fact.reason) for fact in folded(events, contest)[1]]


NO_PRIZE: Any = (5,)
ENTRIES = [event("submit", "ada", 0), event("submit", "bo", 1, "p2")]


def test_votes_that_do_not_count_are_told_why() -> None:
    """Each rule has a reason, and a sentence in two languages."""
    votes = [
        event("vote", "cy", 2),
        event("vote", "cy", 3),
        event("vote", "cy", 4, "p2"),
        event("vote", "cy", 5, "p2"),
        event("vote", "ada", 2),
        event("vote", "cy", 30, "p9"),
        event("vote", "cy", -1),
        event("vote", "cy", 14 * 24),
        event("withdraw", "bo", 30, "p2"),
        event("vote", "di", 31, "p2"),
    ]
    _, facts = folded([*ENTRIES, *votes])

    assert [
        ("entered", "submitted"),
        ("entered", "submitted"),
        ("counted", "valid"),
        ("refused", "entry_quota"),
        ("counted", "valid"),
        ("refused", "day_quota"),
        ("refused", "own_entry"),
        ("refused", "no_entry"),
        ("refused", "not_open"),
        ("refused", "closed"),
        ("left", "withdrawn_by_author"),
        ("refused", "entry_left"),
    ] == [(fact.kind, fact.reason) for fact in facts]
    assert "该作品已退出比赛，投票不计入" == facts[-1].zh  # noqa: RUF001
    assert facts[-1].explain("en").startswith("The entry is no longer in the contest")


def test_a_day_ends_where_the_voters_live() -> None:
    """At midnight in Shanghai, not in Greenwich; or at four in the morning."""
    late, early = event("vote", "cy", 23.5), event("vote", "cy", 24.5)
    four = attrs.evolve(PHOTOS, votes=VoteRule(clock=DayClock(day_start=dt.time(4))))

    assert ("counted", "valid") == reasons([*ENTRIES, late, early])[-1]
    assert ("refused", "day_quota") == reasons([*ENTRIES, late, early], four)[-1]


def test_a_late_vote_takes_the_place_of_a_later_one() -> None:
    """The earliest count, however late they come to be known."""
    one = attrs.evolve(PHOTOS, votes=VoteRule(per_day=1))
    state, facts = folded(
        [*ENTRIES, event("vote", "cy", 9, "p2"), event("vote", "cy", 3)], one
    )

    assert [("counted", "p1"), ("refused", "p2")] == [
        (fact.kind, fact.other) for fact in facts[-2:]
    ]
    assert 1 == state.subjects[entry_key("p1")].votes
    assert 0 == state.subjects[entry_key("p2")].votes


def test_a_vote_that_is_taken_back_can_be_given_again() -> None:
    """Within the time for changes, and no longer."""
    one = attrs.evolve(PHOTOS, votes=VoteRule(per_day=1, change_within=HOUR))
    change = [
        event("vote", "cy", 2),
        event("retract", "cy", 2.5),
        event("vote", "cy", 3, "p2"),
    ]
    late = [
        event("vote", "cy", 2),
        event("retract", "cy", 3.5),
        event("vote", "cy", 4, "p2"),
    ]

    assert [("retracted", "taken_back"), ("counted", "valid")] == reasons(
        [*ENTRIES, *change], one
    )[-2:]
    assert ("refused", "day_quota") == reasons([*ENTRIES, *late], one)[-1]


def test_a_void_vote_frees_no_quota_and_reaches_back_only() -> None:
    """One vote by its id, those of a voter, and an entry of its author."""
    votes = [
        event("vote", "cy", 2, id="v1"),
        event("vote", "cy", 3, "p2", id="v2"),
        event("vote", "cy", 4, "p2", id="v3"),
        event("vote", "cy", 30, id="v4"),
    ]
    by_id = event("void", "cy", 40, None, group="v1")
    by_voter = event("void", "cy", 10, None)
    entry = event("void", "ada", 40)

    assert [("void", "found_void")] == reasons([*ENTRIES, *votes, by_id])[6:]
    assert [("void", "found_void")] * 2 == reasons([*ENTRIES, *votes, by_voter])[6:]
    assert [("left", "disqualified")] == reasons([*ENTRIES, *votes, entry])[6:]


def test_accounts_must_be_old_enough() -> None:
    """By the first follow that is known; an earlier one that comes late heals."""
    old = attrs.evolve(PHOTOS, votes=VoteRule(min_account_age=DAY))
    vote = event("vote", "cy", 30)
    follow = Event("follow", user="cy", at=OPENS + 20 * HOUR)
    earlier = Event("follow", user="cy", at=OPENS + 6 * HOUR)

    assert [
        ("refused", "age_unknown"),
        ("refused", "too_young"),
        ("counted", "valid"),
    ] == reasons([*ENTRIES, vote, follow, earlier], old)[2:]


def test_published_results_stay_and_amendments_say_why() -> None:
    """What is owed is the sum of the facts, and nothing is overwritten."""
    votes = [event("vote", f"v{n}", 5, "p1" if n < 3 else "p2") for n in range(5)]
    state, _ = folded([*ENTRIES, *votes])
    (tick,) = PHOTOS.due(state, CLOSES + 2 * DAY)
    state, facts = advance(state, tick, PHOTOS)
    voids = [event("void", f"v{n}", 24 * 16) for n in range(2)]
    for one in voids:
        state, more = advance(state, one, PHOTOS)
        assert all(fact.reward is None for fact in more)

    results = state.subjects[RESULTS]
    assert [("ada", GRANTED), ("bo", GRANTED)] == [(f.user, f.kind) for f in facts]
    assert ["p1", "p2"] == [award.entry for award in results.awards]
    assert 1 == state.subjects[entry_key("p1")].votes

    at = CLOSES + 5 * DAY
    amended, moved = amend(state, PHOTOS, at=at, because="two accounts were bots")
    again, nothing = amend(amended, PHOTOS, at=at, because="looked again")

    assert ["p1", "p2"] == [one.entry for one in amended.subjects[RESULTS].published]
    assert ["p2", "p1"] == [one.entry for one in amended.subjects[RESULTS].awards]
    assert [WITHDRAWN] * 2 + [GRANTED] * 2 == [fact.kind for fact in moved]
    owed: dict[str, int] = {}
    for fact in [*facts, *moved]:
        assert isinstance(fact.reward, Cash)
        sign = 1 if fact.kind == GRANTED else -1
        owed[fact.user] = owed.get(fact.user, 0) + sign * fact.reward.fen
    assert {"ada": 30_000, "bo": 50_000} == owed
    assert (amended, ()) == (again, nothing)
    assert len({fact.key for fact in [*facts, *moved]}) == 6


def test_a_jury_s_order_is_published_by_hand() -> None:
    """Once; entries that left cannot win, and nobody wins twice where that is so."""
    by_hand = attrs.evolve(PHOTOS, publishes=None, one_prize_each=True)
    third = event("submit", "ada", 3, "p3")
    state, _ = folded([*ENTRIES, third], by_hand)
    order = ["p1", "p3", "p2"]

    after, facts = publish(state, by_hand, at=CLOSES, order=order)
    again, nothing = publish(after, by_hand, at=CLOSES + DAY, order=["p2"])

    assert [("p1", 50_000), ("p2", 30_000)] == [
        (fact.other, fact.reward.fen) for fact in facts if isinstance(fact.reward, Cash)
    ]
    assert (after, ()) == (again, nothing)
    with pytest.raises(InvalidInputError, match=r"order\[1\] must be an entry"):
        publish(state, by_hand, at=CLOSES, order=["p1", "p1"])
    with pytest.raises(InvalidInputError, match="not before closes"):
        publish(state, by_hand, at=OPENS)
    with pytest.raises(InvalidInputError, match="with results"):
        amend(state, by_hand, at=CLOSES, because="why")
    with pytest.raises(InvalidInputError, match="a reason"):
        amend(after, by_hand, at=CLOSES, because=" ")


def test_everything_a_contest_keeps_can_be_kept() -> None:
    """Subjects, definition and results come back equal."""
    votes = [event("vote", "cy", 5), event("retract", "cy", 6), event("void", "cy", 7)]
    state, _ = folded([*ENTRIES, *votes, event("submit", "cy", 8)])
    (tick,) = PHOTOS.due(state, CLOSES + 2 * DAY)
    state, _ = advance(state, tick, PHOTOS)

    values: list[Any] = [PHOTOS, PHOTOS.votes, *state.subjects.values()]
    for value in values:
        assert value == load(dump(value))


def test_many_votes_are_counted_at_once() -> None:
    """As many as the rule lets pass, by arithmetic."""
    rng = np.random.default_rng(1)
    size, people, works = 200_000, 5_000, 50
    at = np.datetime64(OPENS.astimezone(dt.UTC).replace(tzinfo=None), "us")
    entries: dict[str, Any] = {
        "user": [f"a{n}" for n in range(works)],
        "kind": ["submit"] * works,
        "at": [at] * works,
        "item": [f"p{n}" for n in range(works)],
    }
    voter = rng.integers(0, people, size)
    item = rng.integers(0, works, size)
    days = rng.integers(0, 14, size)
    micro = rng.integers(1, 86_400_000_000, size)
    votes: dict[str, Any] = {
        "user": [f"v{n}" for n in voter.tolist()],
        "kind": ["vote"] * size,
        "at": (at + days.astype("timedelta64[D]") + micro.astype("timedelta64[us]")),
        "item": [f"p{n}" for n in item.tolist()],
    }
    log = {name: np.array([*entries[name], *votes[name]]) for name in entries}

    standings = replay(PHOTOS, log, as_of=CLOSES, tz="UTC")

    pairs = set(zip(voter.tolist(), days.tolist(), item.tolist(), strict=True))
    daily: dict[tuple[int, int], int] = {}
    for who, day, _ in pairs:
        daily[who, day] = daily.get((who, day), 0) + 1
    expected = sum(min(n, 2) for n in daily.values())
    assert expected == standings.columns("entries")["votes"].sum()


# Rankings.


def test_shrunk_shares_rank_best_where_exposure_is_unequal() -> None:
    """Of raw votes, shares, lower ends and posterior means, as was measured."""
    rng = np.random.default_rng(0)
    ids = [str(n) for n in range(100)]
    taus: dict[str, list[float]] = {}
    for _ in range(60):
        quality = rng.beta(4, 36, 100)
        viewers = np.maximum(1, np.exp(rng.normal(4, 1, 100)).astype(int))
        votes = rng.binomial(viewers, quality)
        for by in ("votes", "wilson", "share", "posterior"):
            ranking = rank_entries(ids, votes, viewers=viewers, by=by)
            place = np.empty(100)
            place[[int(one) for one in ranking.entries]] = np.arange(100)
            tau = stats.kendalltau(-place, quality).statistic
            taus.setdefault(by, []).append(float(tau))
    means = {by: float(np.mean(one)) for by, one in taus.items()}

    assert "posterior" == max(means, key=means.__getitem__)
    assert "votes" == min(means, key=means.__getitem__)


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=12),
    st.sampled_from(["votes", "share", "wilson", "posterior"]),
)
def test_every_entry_is_ranked_once_and_ties_go_to_the_earlier(
    votes: list[int], by: Any
) -> None:
    """Scores never rise; equal numbers keep their order."""
    names = [f"p{n}" for n in range(len(votes))]

    ranking = rank_entries(names, votes, viewers=[30] * len(votes), by=by)

    assert sorted(names) == sorted(ranking.entries)
    order = sorted(range(len(votes)), key=lambda n: (-votes[n], n))
    assert tuple(names[n] for n in order) == ranking.entries
    assert (np.diff(ranking.score) <= 1e-9).all()


def test_a_jury_and_the_public_are_mixed_whatever_their_scales() -> None:
    """60 to 40, of percentiles: hundreds of votes weigh no more than points."""
    names, votes = ["a", "b", "c"], [900, 20, 10]
    points = [1.0, 9.5, 9.0]

    mixed = rank_entries(names, votes, jury=points, jury_share=0.6)
    scaled = rank_entries(
        names, votes, jury=[p * 1_000 for p in points], jury_share=0.6
    )

    assert ("b", "a", "c") == mixed.entries
    assert mixed.entries == scaled.entries
    assert names == list(
        rank_entries(names, votes, jury=points, jury_share=0.0).entries
    )
    assert "jury and votes" == mixed.by
    assert "how many people saw each entry is not known" in mixed.note


def test_ranks_have_intervals() -> None:
    """Narrow where there were many viewers, wide where there were few."""
    rng = np.random.default_rng(3)
    sure = rank_entries(["a", "b"], [900, 100], viewers=[9_000, 9_000], rng=rng)
    open_ = rank_entries(["a", "b"], [3, 2], viewers=[30, 30], rng=rng)
    alone = rank_entries(["a", "b"], [900, 100], rng=rng)

    for ranking in (sure, alone):
        assert ranking.best is not None
        assert ranking.worst is not None
        assert ([1, 2], [1, 2]) == (ranking.best.tolist(), ranking.worst.tolist())
    assert open_.worst is not None
    assert 2 == open_.worst[0]
    assert "best" in str(sure)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans()), max_size=40
    )
)
def test_no_cluster_counts_more_than_its_root(
    votes: list[tuple[int, int, bool]],
) -> None:
    """As by hand."""
    entries, clusters, known = ([row[n] for row in votes] for n in range(3))

    found = capped_votes(entries, clusters, size=4, known=known)

    for entry in range(4):
        mine = [(c, k) for e, c, k in votes if e == entry]
        sizes = [sum(k and c == one for c, k in mine) for one in range(6)]
        alone = sum(not k for _, k in mine)
        expected = alone + sum(float(np.sqrt(size)) for size in sizes)
        assert pytest.approx(expected) == found[entry]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: VoteRule(per_day=0), "per_day must be at least 1"),
        (lambda: VoteRule(per_day=True, total=-1), "without its 2 faults"),
        (lambda: attrs.evolve(PHOTOS, prizes=()), "prizes must be a tuple"),
        (lambda: attrs.evolve(PHOTOS, prizes=NO_PRIZE), "prizes[0] must be a reward"),
        (lambda: attrs.evolve(PHOTOS, publishes=OPENS), "not before closes"),
        (lambda: attrs.evolve(PHOTOS, closes=OPENS, least_votes=0), "its 2 faults"),
        (lambda: folded([event("vote", "cy", 2, None)]), "event.item must be"),
        (lambda: folded([event("vote", "#results", 2)]), "must be a user"),
        (
            lambda: replay(PHOTOS, [event("vote", "cy", 2, None)], as_of=CLOSES),
            "item[0] must be the id of an entry",
        ),
        (lambda: rank_entries(["a", "a"], [1, 2]), "entries[1] must be an entry, once"),
        (lambda: rank_entries(["a"], [3], viewers=[2]), "at most the viewers"),
        (lambda: rank_entries(["a"], [3], by="wilson"), "viewers must be given"),
        (lambda: rank_entries(["a"], [float("nan")]), "votes[0] must be finite"),
        (lambda: rank_entries(["a"], [1], jury=[1.0], jury_share=2), "jury_share"),
        (lambda: capped_votes([0], [0, 1]), "clusters must be as many"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, said: str) -> None:
    """With the field and the rule."""
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call()


def test_naive_times_are_refused() -> None:
    """Everywhere where an instant is given."""
    naive = OPENS.replace(tzinfo=None)

    with pytest.raises(InvalidInputError, match="opens"):
        attrs.evolve(PHOTOS, opens=naive)
    with pytest.raises(InvalidInputError, match="at"):
        publish(PHOTOS.start(), PHOTOS, at=naive)


def test_points_and_perks_can_be_won() -> None:
    """Whatever is a reward."""
    contest = attrs.evolve(PHOTOS, prizes=(Points(100),))
    events = [*ENTRIES, event("vote", "cy", 3)]

    columns = replay(contest, events, as_of=CLOSES + DAY).columns("entitlements")

    assert ["ada"] == columns["user"].tolist()
    assert ["points"] == columns["kind"].tolist()
    assert [100] == columns["amount"].tolist()
