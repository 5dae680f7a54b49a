"""Who a user is, and how events change that."""

from __future__ import annotations

import datetime as dt
import pickle
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.users import ALL_TOPICS, Account, Choice, FollowSpan, User, advance

START = dt.datetime(2026, 3, 1, tzinfo=ZoneInfo("Asia/Shanghai"))


def hour(n: float) -> dt.datetime:
    """Return the start of the tests plus some hours."""
    return START + dt.timedelta(hours=n)


@attrs.frozen
class Happening:
    """The least that can be folded."""

    kind: str
    at: dt.datetime
    user: str = "u1"
    account: str | None = "shop"
    item: str | None = None


def folded(*events: Happening) -> User:
    """Return a fresh user after these events."""
    return reduce(advance, events, User("u1"))


def test_following_opens_a_span_and_unfollowing_closes_it() -> None:
    """A span is half-open; following again opens a new one."""
    user = folded(
        Happening("follow", hour(0)),
        Happening("unfollow", hour(5)),
        Happening("follow", hour(9)),
    )

    assert (FollowSpan("shop", hour(0), hour(5)), FollowSpan("shop", hour(9))) == (
        user.spans
    )
    assert [False, True, True, False, False, True] == [
        user.follows("shop", hour(n)) for n in (-1, 0, 4.9, 5, 8, 9)
    ]
    assert hour(0) == user.followed_since("shop", hour(3))
    assert hour(9) == user.followed_since("shop", hour(30))
    assert user.followed_since("shop", hour(6)) is None


def test_accounts_are_followed_one_by_one() -> None:
    """Following one account says nothing about another."""
    user = folded(
        Happening("follow", hour(0)), Happening("follow", hour(2), account=None)
    )

    assert user.follows("shop", hour(1))
    assert not user.follows(None, hour(1))
    assert user.follows(None, hour(2))
    assert not user.follows("other", hour(2))


def test_a_second_follow_does_not_restart_the_follow_age() -> None:
    """Without an unfollow in between the first follow counts."""
    user = folded(Happening("follow", hour(0)), Happening("follow", hour(5)))

    assert hour(0) == user.followed_since("shop", hour(9))


def test_a_late_unfollow_falls_into_its_place() -> None:
    """An unfollow that arrives last still ends the span it belongs to."""
    user = folded(
        Happening("follow", hour(0)),
        Happening("follow", hour(5)),
        Happening("unfollow", hour(3)),
    )

    assert not user.follows("shop", hour(4))
    assert hour(5) == user.followed_since("shop", hour(9))


def test_an_unfollow_without_a_follow_is_kept_and_proves_no_following() -> None:
    """What was before is not known, so nobody is written to."""
    user = folded(Happening("unfollow", hour(3)))

    assert (FollowSpan("shop", None, hour(3)),) == user.spans
    assert not user.follows("shop", hour(1))
    assert not user.follows("shop", hour(4))


def test_an_unfollow_wins_over_a_follow_of_the_same_instant() -> None:
    """WeChat tells seconds only; in doubt nobody is written to."""
    one = folded(Happening("follow", hour(1)), Happening("unfollow", hour(1)))
    two = folded(Happening("unfollow", hour(1)), Happening("follow", hour(1)))

    assert one == two
    assert not one.follows("shop", hour(1))


def test_the_later_choice_counts_and_a_no_wins_the_tie() -> None:
    """Consent is dated, and an opt-out from everything covers every topic."""
    user = folded(
        Happening("consent", hour(0), item="offers"),
        Happening("opt_out", hour(5)),
        Happening("consent", hour(9), item="offers"),
        Happening("opt_out", hour(12), item="offers"),
        Happening("consent", hour(12), item="offers"),
    )

    assert [False, True, False, True, False] == [
        user.consents_to("offers", hour(n)) for n in (-1, 0, 5, 9, 12)
    ]
    assert [False, False, True, False, True] == [
        user.opted_out("offers", hour(n)) for n in (-1, 0, 5, 9, 12)
    ]
    assert user.opted_out("news", hour(20))
    assert not user.consents_to("news", hour(20))
    assert (Choice(ALL_TOPICS, hour(5)), Choice("offers", hour(12))) == user.opt_outs


def test_other_kinds_do_not_change_who_somebody_is() -> None:
    """A purchase leaves the very same object."""
    user = folded(Happening("follow", hour(0)))

    assert user is advance(user, Happening("purchase", hour(1)))
    assert user is advance(user, Happening("follow", hour(0)))


EVENTS = st.lists(
    st.builds(
        Happening,
        st.sampled_from(["follow", "unfollow", "consent", "opt_out", "read"]),
        st.integers(0, 6).map(hour),
        account=st.sampled_from(["shop", "club", None]),
        item=st.sampled_from(["offers", None]),
    ),
    max_size=12,
)


@given(EVENTS, st.data())
def test_any_order_of_the_events_gives_the_same_user(
    events: list[Happening], data: st.DataObject
) -> None:
    """Late and repeated callbacks have one answer."""
    again = data.draw(st.lists(st.sampled_from(events)) if events else st.just([]))
    shuffled = data.draw(st.permutations([*events, *again]))

    assert folded(*events) == folded(*shuffled)


@given(EVENTS, st.integers(-1, 7))
def test_following_equals_a_plain_walk_through_the_events(
    events: list[Happening], n: int
) -> None:
    """Spans answer as a replay of follows and unfollows in time would."""
    since = None
    for event in sorted(events, key=lambda e: (e.at, e.kind == "unfollow")):
        if event.account == "shop" and event.at <= hour(n):
            if event.kind == "follow":
                since = since or event.at
            elif event.kind == "unfollow":
                since = None
    user = folded(*events)

    assert since == user.followed_since("shop", hour(n))
    assert (since is not None) == user.follows("shop", hour(n))


def test_an_event_of_somebody_else_is_refused() -> None:
    """Events never land on the wrong person."""
    with pytest.raises(InvalidInputError, match=r"event\.user .* got 'u2'"):
        advance(User("u1"), Happening("follow", hour(0), user="u2"))


def test_an_event_without_a_zone_is_refused() -> None:
    """A naive time belongs to no instant."""
    with pytest.raises(InvalidInputError, match=r"event\.at must be an aware"):
        advance(User("u1"), Happening("read", dt.datetime(2026, 3, 1)))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("id", lambda: User("")),
        ("id", lambda: User("   ")),
        ("id", lambda: User("x" * 129)),
        ("id", lambda: User("a\x00b")),
        ("id", lambda: User("a\u200bb")),
        ("id", lambda: User(7)),  # type: ignore[arg-type]  # the mistake under test
        ("unionid", lambda: User("u1", unionid="")),
        ("external_userid", lambda: User("u1", external_userid="a\nb")),
        ("openids", lambda: User("u1", openids=[("shop", "o1")])),  # type: ignore[arg-type]  # the mistake under test
        ("openids", lambda: User("u1", openids={"shop": ""})),
        ("openids", lambda: User("u1", openids={"": "o1"})),
        ("spans", lambda: User("u1", spans=[FollowSpan("shop", START)])),  # type: ignore[arg-type]  # the mistake under test
        ("spans", lambda: User("u1", spans=("shop",))),  # type: ignore[arg-type]  # the mistake under test
        (
            "spans",
            lambda: User(
                "u1",
                spans=(
                    FollowSpan("shop", START, hour(9)),
                    FollowSpan("shop", hour(5)),
                ),
            ),
        ),
        (
            "consents",
            lambda: User("u1", consents=(Choice("b", START), Choice("a", START))),
        ),
        ("opt_outs", lambda: User("u1", opt_outs=(START,))),  # type: ignore[arg-type]  # the mistake under test
        ("age_band", lambda: User("u1", age_band="18-25")),
        ("zone", lambda: User("u1", zone="Asia/Shangai")),
        ("zone", lambda: User("u1", zone="")),
        ("zone", lambda: User("u1", zone=ZoneInfo("UTC"))),  # type: ignore[arg-type]  # the mistake under test
        ("start", lambda: FollowSpan("shop", dt.datetime(2026, 3, 1))),  # noqa: DTZ001
        ("start", lambda: FollowSpan("shop", None)),
        ("end", lambda: FollowSpan("shop", hour(1), START)),
        ("account", lambda: FollowSpan("", START)),
        ("at", lambda: Choice("offers", dt.datetime(2026, 3, 1))),  # noqa: DTZ001
        ("topic", lambda: Choice("", START)),
        ("kind", lambda: Account("shop", "servce", "wx1")),  # type: ignore[arg-type]  # the mistake under test
        ("kind", lambda: Account("shop", [], "wx1")),  # type: ignore[arg-type]  # the mistake under test
        ("appid", lambda: Account("shop", "service", "")),
        ("at", lambda: User("u1").follows("shop", dt.datetime(2026, 3, 1))),  # noqa: DTZ001
        ("at", lambda: User("u1").opted_out("a", dt.datetime(2026, 3, 1))),  # noqa: DTZ001
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(name: str, made: Any) -> None:
    """Every field says what it must be."""
    with pytest.raises(InvalidInputError, match=rf"^{name}\S*( account)? must be"):
        made()


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("did you mean 'service'", lambda: Account("a", "servce", "wx1")),  # type: ignore[arg-type]  # the mistake under test
        ("did you mean '18-24'", lambda: User("u1", age_band="18-25")),
        ("an IANA time zone", lambda: User("u1", zone="Beijing")),
    ],
)
def test_a_misspelt_word_is_told_the_nearest(said: str, made: Any) -> None:
    """The message mends."""
    with pytest.raises(InvalidInputError, match=said):
        made()


def test_ids_are_compared_character_by_character() -> None:
    """Openids differ by case, and emoji and quotes are characters."""
    assert User("oAbC") != User("oabc")
    assert "o'Brien 😀" == User("o'Brien 😀").id


def test_a_user_pickles() -> None:
    """A worker can hand a user to its parent."""
    user = folded(Happening("follow", hour(0)), Happening("consent", hour(1)))

    assert user == pickle.loads(pickle.dumps(user))
