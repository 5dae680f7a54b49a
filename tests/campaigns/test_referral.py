"""What a referral campaign promises, one story at a time."""

from __future__ import annotations

import collections
import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

from wxengage.campaigns.facts import GRANTED, REWARD_KINDS, WITHDRAWN, Fact
from wxengage.campaigns.folding import advance
from wxengage.campaigns.funnel import campaign_funnel
from wxengage.campaigns.ladder import Ladder
from wxengage.campaigns.referrals.campaign import Referral, Requirement
from wxengage.campaigns.referrals.invites import (
    OVER,
    TRANSITIONS,
    Signal,
    Status,
    step,
)
from wxengage.campaigns.referrals.judging import Book
from wxengage.campaigns.referrals.people import Participant, Passage, Touch
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.states import State, Tick
from wxengage.codec import dump, load
from wxengage.errors import IllegalTransitionError, InvalidInputError
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.money import Cash, Points, yuan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

OPENS = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LATER = OPENS + 100 * DAY
SPRING = Referral(
    "spring",
    ladder=Ladder({1: yuan("1"), 3: yuan("8"), 6: yuan("15")}, pays="total"),
    opens=OPENS,
    closes=OPENS + 14 * DAY,
    hold=3 * HOUR,
    revoke_until=10 * DAY,
)


def came(user: str, inviter: str | None, hour: float, **fields: Any) -> Event:
    """Return a follow."""
    at = OPENS + hour * HOUR
    fields = {"campaign": "spring"} | fields
    return Event("follow", user=user, inviter=inviter, at=at, **fields)


def left(user: str, hour: float) -> Event:
    """Return an unfollow."""
    return Event("unfollow", user=user, at=OPENS + hour * HOUR)


def scanned(user: str, inviter: str, hour: float) -> Event:
    """Return a scan of an inviter's poster."""
    at = OPENS + hour * HOUR
    return Event("scan", user=user, inviter=inviter, at=at, campaign="spring")


def folded(
    referral: Referral, events: Iterable[Event], upto: dt.datetime = LATER
) -> tuple[State, list[Fact]]:
    """Fold events as they come, then what is due."""
    state = referral.start()
    found: list[Fact] = []
    for event in events:
        state, facts = advance(state, event, referral)
        found += facts
    for tick in referral.due(state, upto):
        state, facts = advance(state, tick, referral)
        found += facts
    return state, found


def lived(referral: Referral, events: Sequence[Event]) -> list[Fact]:
    """Fold events in the order of time, and before each what time has decided."""
    state = referral.start()
    found: list[Fact] = []
    for event in events:
        for tick in referral.due(state, event.at):
            state, facts = advance(state, tick, referral)
            found += facts
        state, facts = advance(state, event, referral)
        found += facts
    return found


def status_of(
    referral: Referral,
    events: Sequence[Event],
    upto: dt.datetime = LATER,
    *,
    invitee: str = "bo",
    inviter: str = "ada",
) -> tuple[str, str]:
    """Return status and reason of an invite, which both ways agree on."""
    state, _ = folded(referral, events, upto)
    invite = Book(referral, state.subjects).invites(invitee)[inviter]
    columns = replay(referral, list(events), as_of=upto).columns("invites")
    rows = (columns["inviter"] == inviter) & (columns["invitee"] == invitee)
    found = invite.status.value, invite.reason
    assert found == (columns["status"][rows].item(), columns["reason"][rows].item())
    return found


def fen(facts: Sequence[Fact], user: str = "ada") -> int:
    """Return what the facts owe somebody."""
    total = 0
    for fact in facts:
        if fact.user == user and fact.kind in REWARD_KINDS:
            assert isinstance(fact.reward, Cash)
            total += fact.reward.fen if fact.kind == GRANTED else -fact.reward.fen
    return total


# --- the state machine ----------------------------------------------------------------


@pytest.mark.parametrize(("status", "signal"), list(itertools.product(Status, Signal)))
def test_every_status_takes_a_signal_or_says_what_it_takes(
    status: Status, signal: Signal
) -> None:
    """No pair is left undecided."""
    if signal in TRANSITIONS[status]:
        assert TRANSITIONS[status][signal] is step(status, signal)
    else:
        with pytest.raises(IllegalTransitionError, match=f"in state {status.name}"):
            step(status, signal)


def test_what_is_over_takes_nothing() -> None:
    """And everything else takes something."""
    assert {status for status, takes in TRANSITIONS.items() if not takes} == OVER


@pytest.mark.parametrize(
    ("events", "hours", "expected"),
    [
        ([scanned("bo", "ada", 0)], 1, ("pending", "waiting")),
        ([scanned("bo", "ada", 0), came("bo", None, 1)], 3, ("pending", "on_hold")),
        ([came("bo", "ada", 0)], 2.999, ("pending", "on_hold")),
        ([came("bo", "ada", 0)], 3, ("qualified", "stayed")),
        ([came("bo", "ada", 0), left("bo", 2)], 9, ("pending", "left_on_hold")),
        ([came("bo", "ada", 0), left("bo", 3)], 9, ("pending", "left_on_hold")),
        ([came("bo", "ada", 0), left("bo", 4)], 9, ("revoked", "left")),
        (
            [came("bo", "ada", 0), left("bo", 4), came("bo", None, 5)],
            9,
            ("restored", "came_back"),
        ),
        ([came("bo", "ada", 0)], 243, ("final", "kept")),
        ([came("bo", "ada", 0), left("bo", 4)], 243, ("lost", "gone")),
        ([came("bo", "ada", 0), left("bo", 243)], 999, ("final", "kept")),
        (
            [came("bo", "ada", 0), left("bo", 4), came("bo", None, 243)],
            999,
            ("lost", "gone"),
        ),
        ([scanned("bo", "ada", 0)], 14 * 24, ("lapsed", "too_late")),
        (
            [scanned("bo", "ada", 0), came("bo", None, 14 * 24)],
            999,
            ("lapsed", "too_late"),
        ),
        (
            [scanned("bo", "ada", 0), came("bo", None, 14 * 24 - 1)],
            14 * 24 + 2,
            ("qualified", "stayed"),
        ),
        (
            [came("bo", "ada", 14 * 24 - 1), left("bo", 14 * 24 + 1)],
            14 * 24 + 1,
            ("lapsed", "too_late"),
        ),
        ([came("ada", "ada", 0)], 9, ("refused", "self")),
        (
            [came("bo", None, -99), left("bo", -9), came("bo", "ada", 0)],
            9,
            ("refused", "not_new"),
        ),
        ([came("bo", "cy", 0), came("bo", "ada", 1)], 9, ("refused", "other_inviter")),
    ],
)
def test_an_invite_goes_its_way(
    events: list[Event], hours: float, expected: tuple[str, str]
) -> None:
    """Half-open times; both ways of computing agree at each step."""
    invitee = "ada" if events[0].user == "ada" else "bo"
    upto = OPENS + hours * HOUR
    assert expected == status_of(SPRING, events, upto, invitee=invitee)


# --- the traps of others --------------------------------------------------------------


def test_trap_mochat_inverted_new_friend_test() -> None:
    """A new friend counts, an old one does not; not the other way round."""
    new = [came("bo", "ada", 1)]
    old = [came("bo", None, -1), *new]

    assert "final" == status_of(SPRING, new)[0]
    assert ("refused", "not_new") == status_of(SPRING, old)
    assert "final" == status_of(attrs.evolve(SPRING, newness="any"), old)[0]


def test_trap_mochat_completion_by_equality_with_a_sum() -> None:
    """Overshooting a rung reaches it: several invites may count at one instant."""
    events = [came(f"friend{n}", "ada", 0) for n in range(7)]
    _, facts = folded(SPRING, events)

    assert yuan("15") == fen(facts)
    assert yuan("15") == replay(SPRING, events, as_of=LATER).columns("users")["fen"]


def test_trap_mochat_no_idempotence_on_adding_again() -> None:
    """Following, leaving and following again is one invite."""
    turns = [came("bo", "ada", 0)]
    for hour in range(4, 60, 4):
        turns += [left("bo", hour), came("bo", "ada", hour + 1)]
    state, facts = folded(SPRING, [*turns, *turns])

    assert 1 == state.subjects["ada"].counts
    assert yuan("1") == fen(facts)


def test_trap_mochat_claim_without_check() -> None:
    """A purchase of a prize cannot be written: only folding moves a reward."""
    state, _ = folded(SPRING, [came("bo", "ada", 0)])
    redeem = Event("redeem", user="ada", at=OPENS + HOUR, campaign="spring", item="6")

    assert (state, ()) == advance(state, redeem, SPRING)


def test_trap_kj_scrm_paid_completion_reset_pays_twice() -> None:
    """Falling below a rung and climbing again is a generation, netted to once."""
    events = [came(f"friend{n}", "ada", n) for n in range(3)]
    events += [left("friend0", 50), came("friend0", None, 60)]
    facts = lived(SPRING, events)
    third = [f for f in facts if f.kind in REWARD_KINDS and f.reward == Cash(700)]

    assert [GRANTED, WITHDRAWN, GRANTED] == [fact.kind for fact in third]
    assert 3 == len({fact.key for fact in third})
    assert yuan("8") == fen(facts)


def test_trap_link_wechat_never_deducts() -> None:
    """Who leaves in time is counted no more, and the inviter is told why."""
    events = [came("bo", "ada", 0), left("bo", 30)]
    _, facts = folded(SPRING, events)

    assert 0 == fen(facts)
    told = next(fact for fact in facts if fact.kind == "revoked")
    assert ("ada", "bo", "left") == (told.user, told.other, told.reason)
    assert "扣除" in told.explain("zh")
    assert "no longer counts" in told.explain("en")


# --- who counts for whom --------------------------------------------------------------


def test_attribution_says_whose_an_invitee_is() -> None:
    """First touch, last touch before the act, or whom the act names."""
    events = [
        scanned("bo", "ada", 0),
        scanned("bo", "cy", 1),
        came("bo", "di", 2),
        scanned("bo", "eve", 3),
    ]
    found = {}
    for mode in ("first_touch", "last_touch", "registration"):
        fields: dict[str, Any] = {"attribution": mode}
        columns = replay(attrs.evolve(SPRING, **fields), events, as_of=LATER)
        invites = columns.columns("invites")
        found[mode] = dict(
            zip(invites["inviter"].tolist(), invites["reason"].tolist(), strict=True)
        )
    other = "other_inviter"

    assert {"ada": "kept", "cy": other, "di": other, "eve": other} == found[
        "first_touch"
    ]
    late = {"eve": "after_the_act"}
    assert {"ada": other, "cy": other, "di": "kept"} | late == found["last_touch"]
    unnamed = dict.fromkeys(("ada", "cy", "eve"), "not_named")
    assert {"di": "kept"} | unnamed == found["registration"]


def test_an_invitee_helps_at_most_so_many() -> None:
    """The others are told."""
    events = [came("bo", "ada", 0), scanned("bo", "cy", 1), scanned("bo", "di", 2)]
    two = attrs.evolve(SPRING, max_helps=2)

    assert ("final", "kept") == status_of(two, events, inviter="cy")
    assert ("refused", "other_inviter") == status_of(two, events, inviter="di")


def test_newness_within_some_days_looks_at_the_whole_stay() -> None:
    """To the microsecond: gone for long enough, or not."""
    referral = attrs.evolve(SPRING, newness=10 * DAY)
    for gone, expected in ((-240, "final"), (-239.99, "refused")):
        events = [came("bo", None, -500), left("bo", gone), came("bo", "ada", 0)]
        assert expected == status_of(referral, events)[0]


def test_two_who_invite_each_other_count_once() -> None:
    """The later invite is refused, or both count where that is allowed."""
    referral = attrs.evolve(SPRING, newness="any")
    events = [came("bo", "ada", 0), came("ada", "bo", 1)]

    assert "final" == status_of(referral, events)[0]
    back: dict[str, Any] = {"invitee": "ada", "inviter": "bo"}
    assert ("refused", "reciprocal") == status_of(referral, events, **back)
    both = attrs.evolve(referral, reciprocal="allow")
    assert "final" == status_of(both, events, **back)[0]


def test_a_circle_of_invites_loses_its_latest_whatever_comes_first() -> None:
    """Every order of arrival refuses the same invite."""
    ring = [came("bo", "ada", 0), came("cy", "bo", 1), came("ada", "cy", 2)]
    for order in itertools.permutations(ring):
        state, facts = folded(SPRING, order)
        book = Book(SPRING, state.subjects)
        assert "circle" == book.invites("ada")["cy"].reason
        assert ("final", "final") == (
            book.invites("bo")["ada"].status.value,
            book.invites("cy")["bo"].status.value,
        )
        assert 0 == fen(facts, "cy")


def test_what_a_touch_must_say_has_an_answer_for_not_known() -> None:
    """Refuse or accept, said in the definition."""
    shop = Requirement("channel", ("store",), unknown="refuse")
    strict = attrs.evolve(SPRING, requires=(shop,))
    kind = attrs.evolve(SPRING, requires=(attrs.evolve(shop, unknown="accept"),))
    known = [came("bo", "ada", 0, channel="store")]
    other = [came("bo", "ada", 0, channel="app")]
    unknown = [came("bo", "ada", 0)]

    assert "final" == status_of(strict, known)[0]
    assert ("refused", "not_eligible") == status_of(kind, other)
    assert ("refused", "unknown") == status_of(strict, unknown)
    assert "final" == status_of(kind, unknown)[0]


def test_other_acts_qualify_and_are_undone() -> None:
    """A purchase by a refund; a registration by nothing."""
    buys = attrs.evolve(SPRING, qualifies_on="purchase")
    signs = attrs.evolve(SPRING, qualifies_on="register")
    scan = scanned("bo", "ada", 0)
    at = OPENS + HOUR
    bought = [scan, Event("purchase", user="bo", at=at)]
    refund = Event("refund", user="bo", at=at + DAY)
    signed = [scan, Event("register", user="bo", at=at), left("bo", 30)]

    assert "final" == status_of(buys, bought)[0]
    assert "lost" == status_of(buys, [*bought, refund])[0]
    assert "final" == status_of(signs, signed)[0]


def test_a_second_level_counts_what_friends_bring() -> None:
    """Only where it is acknowledged, and as differences like the first."""
    deep = attrs.evolve(
        SPRING,
        depth=2,
        acknowledge_depth=True,
        second=Ladder({2: yuan("5")}, pays="total"),
    )
    events = [came("bo", "ada", 0), came("cy", "bo", 1), came("di", "bo", 2)]
    gone = [*events, left("bo", 30)]
    for log, expected in ((events, 600), (gone, 0)):
        for order in itertools.permutations(log):
            _, facts = folded(deep, order)
            assert expected == fen(facts)
        standings = replay(deep, log, as_of=LATER)
        users = standings.columns("users")
        assert expected == users["fen"][users["user"] == "ada"].item()
        moved = standings.columns("rewards")
        signs = np.where(moved["kind"] == GRANTED, 1, -1)
        mine = moved["user"] == "ada"
        assert expected == (signs * moved["amount"])[mine].sum()


# --- standings ------------------------------------------------------------------------


def test_of_two_with_equal_counts_the_earlier_one_leads() -> None:
    """By when the last invite that counts began to."""
    events = [
        came("f1", "cy", 0),
        came("f2", "ada", 1),
        came("f3", "bo", 2),
        came("f4", "bo", 3),
        came("f5", "ada", 4),
    ]
    board = replay(SPRING, events, as_of=LATER).to_frame("leaderboard", like="records")

    assert ["bo", "ada", "cy"] == [row["user"] for row in board]
    assert OPENS + 6 * HOUR == board[0]["reached_at"]


def test_standings_are_frames_and_print() -> None:
    """As the events came, or as asked."""
    events = [came("bo", "ada", 0), came("cy", "bo", 1), came("di", "ada", 2)]
    standings = replay(SPRING, events, as_of=LATER)

    assert ["ada", "bo"] == [row["user"] for row in standings.users]
    entitled = standings.to_frame("entitlements", like="arrays")
    assert [100, 100] == entitled["amount"].tolist()
    assert "ada" in str(standings)
    assert "<table" in standings._repr_html_()
    with pytest.raises(InvalidInputError, match="invites"):
        standings.to_frame("invite")


def test_rewards_of_all_kinds_are_entitlements() -> None:
    """Points beside cash."""
    referral = attrs.evolve(
        SPRING, ladder=Ladder([(1, Points(5)), (2, 100)], pays="each")
    )
    events = [came("bo", "ada", 0), came("cy", "ada", 1)]
    rows = replay(referral, events, as_of=LATER).entitlements

    assert {("cash", 100), ("points", 5)} == {(r["kind"], r["amount"]) for r in rows}


def test_the_three_eases_are_shares_of_people() -> None:
    """With intervals."""
    events = [
        came("bo", "ada", 0),
        came("cy", "bo", 1),
        scanned("di", "ada", 2),
        scanned("eve", "ada", 3),
    ]
    funnel = campaign_funnel(replay(SPRING, events, as_of=LATER))

    assert (0.5, 4) == (funnel.join.value, funnel.join.n)
    assert (0.5, 2) == (funnel.spread.value, funnel.spread.n)
    assert (1.0, 2) == (funnel.redeem.value, funnel.redeem.n)
    assert "易参与" in str(funnel)


def test_an_empty_log_is_a_campaign_without_invites() -> None:
    """No event, no row, no error."""
    empty: dict[str, list[Any]] = {n: [] for n in ("user", "kind", "at", "inviter")}
    standings = replay(SPRING, empty, as_of=LATER)

    assert 0 == len(standings.columns("users")["user"])
    assert 0 == len(standings.columns("facts")["key"])


# --- bad input ------------------------------------------------------------------------


def test_touches_outside_the_campaign_are_none() -> None:
    """Before it opens, from its closing on, of another campaign or of none."""
    events = [
        came("bo", "ada", -1),
        came("cy", "ada", 14 * 24),
        came("di", "ada", 1, campaign="autumn"),
        came("eve", "ada", 1, campaign=None),
    ]
    _, facts = folded(SPRING, events)

    assert [] == facts
    assert 0 == len(replay(SPRING, events, as_of=LATER).columns("invites")["status"])


def test_people_are_known_by_text_one_at_a_time() -> None:
    """7 and "7" may be two people."""
    event = Event("follow", user=7, inviter=8, at=OPENS, campaign="spring")
    with pytest.raises(InvalidInputError, match=r"event\.user"):
        advance(SPRING.start(), event, SPRING)


def test_numbers_are_people_in_a_table() -> None:
    """Pandas' empty cells, Arrow's nulls and numpy's integers."""
    pd = pytest.importorskip("pandas")
    at = pd.to_datetime([OPENS, OPENS], utc=True)
    table = {"user": [7, 8], "inviter": [9, None], "kind": ["follow"] * 2, "at": at}
    users = replay(SPRING, pd.DataFrame(table), as_of=LATER).users

    assert [9] == users["user"].tolist()


def test_what_cannot_be_folded_says_why() -> None:
    """The state, the event, the campaign, the source."""
    other = State("autumn")
    with pytest.raises(InvalidInputError, match="campaign 'spring'"):
        advance(other, came("bo", "ada", 0), SPRING)
    wrong: Any = "follow"
    with pytest.raises(InvalidInputError, match="an Event or a Tick"):
        advance(SPRING.start(), wrong, SPRING)
    with pytest.raises(InvalidInputError, match=r"one of .*Referral"):
        advance(SPRING.start(), wrong, wrong)
    log = read_log([came("bo", "ada", 0)])
    with pytest.raises(InvalidInputError, match="keeps no inviters"):
        replay(SPRING, log, as_of=LATER)
    with pytest.raises(InvalidInputError, match="with a column 'inviter'"):
        replay(SPRING, {"user": ["a"], "kind": ["follow"], "at": [OPENS]}, as_of=LATER)
    columns = {"user": ["a"], "inviter": ["b"], "kind": ["fly"], "at": [OPENS]}
    with pytest.raises(InvalidInputError, match=r"kind\[0\]"):
        replay(SPRING, columns, as_of=LATER)
    with pytest.raises(InvalidInputError, match="aware"):
        replay(SPRING, [came("bo", "ada", 0)], as_of=dt.datetime(2026, 3, 1))  # noqa: DTZ001  that is the point


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("ladder", {3: 800}),
        ("closes", OPENS),
        ("opens", dt.datetime(2026, 3, 1)),  # noqa: DTZ001  that is the point
        ("qualifies_on", "like"),
        ("placement", "moon"),
        ("hold", -HOUR),
        ("hold", 72),
        ("revoke_until", None),
        ("newness", "old"),
        ("newness", dt.timedelta(0)),
        ("attribution", "best"),
        ("max_helps", 0),
        ("reciprocal", True),
        ("requires", [1]),
        ("requires", (1,)),
        ("account", ""),
        ("depth", 2),
        ("depth", 3),
        ("second", SPRING.ladder),
        ("budget", 1.5),
        ("cap", -1),
    ],
)
def test_a_fault_of_a_definition_names_its_field(field: str, value: Any) -> None:
    """Nothing is coerced."""
    fields: dict[str, Any] = {field: value}
    with pytest.raises(InvalidInputError, match=rf"^{field}"):
        attrs.evolve(SPRING, **fields)


def test_every_fault_of_a_definition_is_told_at_once() -> None:
    """Who fills in a form wants to mend it once."""
    with pytest.raises(InvalidInputError, match=r"3 faults.*closes.*hold.*pyramid"):
        attrs.evolve(SPRING, closes=OPENS, hold=-HOUR, depth=3)


def test_a_referral_and_its_people_can_be_kept() -> None:
    """Versioned text, there and back."""
    state, facts = folded(SPRING, [came("bo", "ada", 0), left("bo", 9)])
    person = Participant(
        OPENS,
        (Passage(OPENS, came=True),),
        (Touch(OPENS, "ada", "follow"),),
        counts=2,
        withdrawn=((1, 3, 1),),
    )

    for value in (SPRING, person, *state.subjects.values(), *facts):
        assert value == load(dump(value))
    assert attrs.evolve(SPRING, newness=DAY) == load(
        dump(attrs.evolve(SPRING, newness=DAY))
    )


def test_a_tick_for_somebody_unknown_owes_nothing() -> None:
    """Only the clock moves."""
    _, facts = advance(SPRING.start(), Tick(OPENS, "zoe"), SPRING)

    assert () == facts


# --- real data ------------------------------------------------------------------------


def test_real_repost_trees_are_invite_forests(data_folder: Path) -> None:
    """Counts, and entitlements under both readings of the ladder, by hand."""
    text = (data_folder / "weibo_casflow" / "dataset.txt").read_text("utf-8")
    events: list[Event] = []
    first: dict[str, tuple[dt.datetime, str]] = {}
    for line in text.splitlines():
        cascade, _, start, _, paths = line.split("\t")
        begin = dt.datetime.fromtimestamp(int(start), tz=dt.UTC)
        for path in paths.split():
            nodes, _, after = path.rpartition(":")
            people = [f"{cascade}/{node}" for node in nodes.split("/")]
            at = begin + dt.timedelta(seconds=int(after))
            # Whoever reposts themselves is not invited.
            if len(people) > 1 and people[-1] != people[-2]:
                event = came(people[-1], people[-2], 0)
                events.append(attrs.evolve(event, at=at))
                key = at, people[-2]
                first[people[-1]] = min(first.get(people[-1], key), key)
    by_hand = collections.Counter(inviter for _, inviter in first.values())
    opens = min(event.at for event in events)
    closes = max(event.at for event in events) + HOUR
    prizes = {3: yuan("8"), 6: yuan("15")}
    assert len(events) > 2_000
    for pays, sums in (("total", (0, 800, 1500)), ("each", (0, 800, 2300))):
        fields: dict[str, Any] = {"ladder": Ladder(prizes, pays=pays)}  # type: ignore[arg-type]
        referral = attrs.evolve(SPRING, opens=opens, closes=closes, **fields)
        users = replay(referral, events, as_of=closes + 30 * DAY).columns("users")

        told = dict(zip(users["user"].tolist(), users["counts"].tolist(), strict=True))
        assert by_hand == collections.Counter({u: n for u, n in told.items() if n})
        owed = {u: sums[(n >= 3) + (n >= 6)] for u, n in by_hand.items()}
        fens = dict(zip(users["user"].tolist(), users["fen"].tolist(), strict=True))
        assert owed == {user: fens[user] for user in owed}
