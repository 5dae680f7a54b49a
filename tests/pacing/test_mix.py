"""What the content mix promises."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.claims.figures import AD_SHARE, CONTENT_KINDS
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.pacing.budgets import AdShare
from wxengage.pacing.mix import ContentMix
from wxengage.sends import Send, Sent

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR
MIX = ContentMix(5, 2, 3)
SHORT = Send("s1", "ada", "wecom", "gift", content="short")
AD = Send("s2", "ada", "wecom", "offer", is_ad=True)


def sent(hour: int = -1, **fields: Any) -> Sent:
    """Return what ada got so many hours after noon."""
    return Sent("ada", NOON + hour * HOUR, "wecom", **fields)


# --- ads ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "ads", "goes"),
    [
        (0, 0, False),
        (8, 0, False),
        (9, 0, True),
        (10, 1, False),
        (18, 1, False),
        (19, 1, True),
        (19, 2, False),
    ],
)
def test_one_message_in_ten_may_be_an_ad(before: int, ads: int, goes: bool) -> None:
    """The first never is; the 10th and the 20th may be, the 9th and 19th not."""
    past = [sent(is_ad=number < ads) for number in range(before)]

    assert goes is (NOON is MIX.next_allowed(AD, past, NOON))
    assert (None if goes else "ad_share") == MIX.refusal(AD, past, NOON)
    assert goes is bool(AdShare(1, 10).left_many([ads], [before])[0])


def test_the_share_of_ads_is_the_articles() -> None:
    """A default, to be replaced."""
    assert MIX.ads is not None
    assert Fraction(MIX.ads.ads, MIX.ads.messages) == AD_SHARE
    assert NOON is attrs.evolve(MIX, ads=None).next_allowed(AD, [], NOON)


def test_an_ad_waits_until_an_older_ad_has_left_the_window() -> None:
    """Exactly when it does, not a moment later."""
    mix = attrs.evolve(MIX, ads=AdShare(1, 2), window=DAY)
    past = [sent(-9, is_ad=True), sent(-3)]

    assert NOON + 15 * HOUR == mix.next_allowed(AD, past, NOON)


def test_an_ad_may_have_to_wait_for_messages_that_are_still_to_come() -> None:
    """What is planned counts from its instant on."""
    past = [sent(hour) for hour in range(1, 10)]

    assert NOON + 9 * HOUR == MIX.next_allowed(AD, past, NOON)


def test_an_ad_of_a_kind_keeps_to_both_rules() -> None:
    """The ads are told first; the kind that never goes before them."""
    ad = attrs.evolve(SHORT, is_ad=True)
    many = [sent(content="short") for _ in range(9)]

    assert "ad_share" == MIX.refusal(ad, [], NOON)
    assert "mix" == MIX.refusal(ad, many, NOON)
    assert "mix" == ContentMix(0, 1, 1).refusal(ad, [], NOON)


# --- kinds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shorts", "others", "goes"),
    [(1, 0, True), (2, 0, False), (2, 1, True), (3, 1, False), (3, 2, True)],
)
def test_a_kind_may_run_ahead_of_its_share_by_the_slack(
    shorts: int, others: int, goes: bool
) -> None:
    """Half may be short: two of two, three of four, and so on, one too many."""
    past = [sent(content="short")] * shorts + [sent(content="deep")] * others

    assert (None if goes else "mix") == MIX.refusal(SHORT, past, NOON)
    assert goes is bool(MIX.allowed_many([[shorts, others, 0]])[0, 0])


def test_a_kind_waits_until_enough_of_it_has_left_the_window() -> None:
    """Exactly one window after the older one went."""
    past = [sent(-5, content="short"), sent(-2, content="short")]

    assert NOON - 5 * HOUR + 30 * DAY == MIX.next_allowed(SHORT, past, NOON)
    assert attrs.evolve(MIX, window=None).next_allowed(SHORT, past, NOON) is None


def test_the_answer_is_told_in_the_zone_of_the_question() -> None:
    """As every instant is."""
    east = dt.timezone(8 * HOUR)
    past = [sent(content="short"), sent(content="short")]

    found = MIX.next_allowed(SHORT, past, NOON.astimezone(east))

    assert found is not None
    assert east is found.tzinfo


def test_a_kind_without_a_part_never_goes() -> None:
    """Whatever the slack."""
    mix = ContentMix(1, 1, 0, slack=5)
    live = attrs.evolve(SHORT, content="interactive")

    assert mix.next_allowed(live, [], NOON) is None
    assert "mix" == mix.refusal(live, [], NOON)
    assert [[True, True, False]] == mix.allowed_many([[0, 0, 0]]).tolist()


def test_who_need_not_keep_to_it_may_go() -> None:
    """A receipt, and what is of no known kind and no ad."""
    past = [sent(content="short")] * 5
    receipt = attrs.evolve(SHORT, transactional=True)
    plain = attrs.evolve(SHORT, content="")

    for send in (receipt, plain):
        assert NOON is MIX.next_allowed(send, past, NOON)
        assert MIX.refusal(send, past, NOON) is None


def test_what_does_not_count_is_not_seen() -> None:
    """Others' messages, and those that were marked so; unknown kinds are no kind."""
    past = [
        *[sent(content="short", counts=False)] * 5,
        *[attrs.evolve(sent(content="short"), user="bob")] * 5,
        *[sent()] * 5,
        *[sent(content="short")] * 2,
    ]

    assert "mix" == MIX.refusal(SHORT, past, NOON)
    assert MIX.refusal(SHORT, past[:-1], NOON) is None


# --- laws -----------------------------------------------------------------------------

PARTS = st.tuples(*[st.integers(0, 6)] * 3).filter(any)
KINDS = st.sampled_from(["", *CONTENT_KINDS])
ROWS = st.lists(
    st.builds(
        sent,
        st.integers(-40, 10),
        content=KINDS,
        is_ad=st.booleans(),
        counts=st.sampled_from([True, True, True, False]),
    ),
    max_size=25,
)
MIXES = st.builds(
    lambda parts, **fields: ContentMix(*parts, **fields),
    PARTS,
    slack=st.integers(1, 2),
    ads=st.sampled_from([None, AdShare(1, 3), AdShare(1, 10), AdShare(1, 1)]),
    window=st.sampled_from([None, 6 * HOUR, 24 * HOUR]),
)


def fits(mix: ContentMix, send: Send, past: list[Sent], at: dt.datetime) -> bool:
    """Say it again with fractions, as the rule is written."""
    inside = [
        row
        for row in past
        if row.counts
        and row.at <= at
        and (mix.window is None or at - row.at < mix.window)
    ]
    if send.is_ad and mix.ads is not None:
        ads = Fraction(1 + sum(row.is_ad for row in inside), 1 + len(inside))
        if ads > Fraction(mix.ads.ads, mix.ads.messages):
            return False
    if send.content == "":
        return True
    share = dict(zip(CONTENT_KINDS, mix.shares, strict=True))[send.content]
    mine = 1 + sum(row.content == send.content for row in inside)
    known = 1 + sum(row.content != "" for row in inside)
    return share > 0 and mine - share * known <= mix.slack


@given(MIXES, ROWS, KINDS, st.booleans())
def test_the_answer_is_the_first_hour_that_fits(
    mix: ContentMix, past: list[Sent], content: str, is_ad: bool
) -> None:
    """Looked for hour by hour until nothing changes any more."""
    send = attrs.evolve(SHORT, content=content, is_ad=is_ad)
    hours = (NOON + hour * HOUR for hour in range(60))
    naive = next((at for at in hours if fits(mix, send, past, at)), None)

    assert naive == mix.next_allowed(send, past, NOON)
    assert (NOON == naive) is (mix.refusal(send, past, NOON) is None)


COUNTS = st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1, max_size=8)


@given(PARTS, st.integers(1, 3), COUNTS)
def test_many_at_once_are_as_one_at_a_time(
    parts: tuple[int, int, int], slack: int, counts: list[tuple[int, int, int]]
) -> None:
    """One answer, however it is computed; and everybody may get something."""
    mix = ContentMix(*parts, slack=slack)
    one = [
        [
            mix.refusal(
                attrs.evolve(SHORT, content=kind),
                [
                    sent(content=each)
                    for each, times in zip(CONTENT_KINDS, had, strict=True)
                    for _ in range(times)
                ],
                NOON,
            )
            is None
            for kind in CONTENT_KINDS
        ]
        for had in counts
    ]

    many = mix.allowed_many(counts)

    assert one == many.tolist()
    assert many.any(axis=1).all()


@given(
    st.integers(1, 5),
    st.integers(0, 9),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=8),
)
def test_the_ads_left_to_many_are_as_for_one(
    ads: int, more: int, had: list[tuple[int, int]]
) -> None:
    """The bulk twin of the share."""
    share = AdShare(ads, ads + more)
    rows = [(some, some + others) for some, others in had]

    many = share.left_many([some for some, _ in rows], [of for _, of in rows])

    assert [share.left(some, of) for some, of in rows] == many.tolist()


@given(PARTS, st.integers(0, 120))
def test_every_beginning_of_a_calendar_has_its_shares_rounded(
    parts: tuple[int, int, int], slots: int
) -> None:
    """Of each kind as many as its share, up or down to the next whole number."""
    mix = ContentMix(*parts)
    counts = np.zeros(3, dtype=int)
    for number, kind in enumerate(mix.calendar(slots), start=1):
        counts[CONTENT_KINDS.index(kind)] += 1
        for count, share in zip(counts.tolist(), mix.shares, strict=True):
            assert abs(count - share * number) < 1
    assert slots == counts.sum()


@given(PARTS, st.tuples(*[st.integers(0, 12)] * 3), st.integers(0, 20))
def test_every_message_of_a_calendar_fits_when_its_turn_comes(
    parts: tuple[int, int, int], had: tuple[int, int, int], slots: int
) -> None:
    """Also after a past that was out of proportion."""
    mix, counts = ContentMix(*parts), list(had)
    for kind in mix.calendar(slots, had=had):
        place = CONTENT_KINDS.index(kind)
        assert mix.allowed_many([counts])[0, place]
        counts[place] += 1


@given(PARTS, COUNTS)
def test_the_deviation_is_counted_in_messages(
    parts: tuple[int, int, int], counts: list[tuple[int, int, int]]
) -> None:
    """What a kind has too many, the others have too few."""
    mix = ContentMix(*parts)
    exact = [
        [float(n - share * sum(had)) for n, share in zip(had, mix.shares, strict=True)]
        for had in counts
    ]

    found = mix.deviation(counts)

    assert exact == found.tolist()
    assert np.abs(found.sum(axis=1)).max() < 1e-12 * (1 + np.max(counts))


# --- bad input ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"short": -1}, "short must be at least 0"),
        ({"deep": 0.2}, "deep must be a whole number"),
        ({"interactive": True}, "interactive must be a whole number"),
        ({"short": 0, "deep": 0, "interactive": 0}, "parts must be above 0 for one"),
        ({"slack": 0}, "slack must be at least 1"),
        ({"ads": 0.1}, "ads must be an AdShare or None"),
        ({"window": dt.timedelta(0)}, "window must be a timedelta above zero"),
        ({"window": 30}, "window must be a timedelta above zero"),
    ],
)
def test_a_bad_mix_is_named(fields: dict[str, Any], message: str) -> None:
    """Parts are whole numbers, so that proportions are exact."""
    given_ = {"short": 5, "deep": 2, "interactive": 3} | fields
    with pytest.raises(InvalidInputError, match=message):
        ContentMix(**given_)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, 2, 3], "counts must be a table"),
        ([[1, 2]], "counts.shape must be three columns"),
        ([[1, 2, -3]], r"counts\[0\]\[2\] must be at least 0"),
        ([[1, 2, 0.5]], "counts must be a table of whole"),
        ([[1, 2, float("nan")]], "counts must be a table of whole"),
        ([[1, 2, 2**41]], r"counts must be at most 2\*\*40"),
    ],
)
def test_bad_counts_are_named(counts: Any, message: str) -> None:
    """Three whole numbers a user."""
    for ask in (MIX.allowed_many, MIX.deviation):
        with pytest.raises(InvalidInputError, match=message):
            ask(counts)


@pytest.mark.parametrize(
    ("ads", "messages", "message"),
    [
        ([1], [1, 2], "messages must be as many as ads, 1"),
        ([3], [2], r"ads\[0\] must be at most the messages"),
        ([0], [2**53], None),
        ([0.5], [1], r"ads\[0\] must be a whole number"),
        ([-1], [1], r"ads\[0\] must be a whole number"),
    ],
)
def test_bad_columns_of_ads_are_named(
    ads: Any, messages: Any, message: str | None
) -> None:
    """As one at a time; and no product leaves 64 bits in silence."""
    if message is None:
        with pytest.raises(InvalidInputError, match=r"messages\[0\] must be at most"):
            AdShare(1, 10_000).left_many(ads, messages)
    else:
        with pytest.raises(InvalidInputError, match=message):
            AdShare(1, 10).left_many(ads, messages)


@pytest.mark.parametrize(
    ("slots", "had", "message"),
    [
        (-1, (0, 0, 0), "slots must be at least 0"),
        (3.0, (0, 0, 0), "slots must be a whole number"),
        (3, (0, 0), "had must be three counts"),
        (3, (0, -1, 0), "had, deep must be at least 0"),
    ],
)
def test_a_bad_calendar_is_named(slots: Any, had: Any, message: str) -> None:
    """Whole numbers here too."""
    with pytest.raises(InvalidInputError, match=message):
        MIX.calendar(slots, had=had)


def test_a_mix_has_a_name_and_survives_as_text() -> None:
    """With its share of ads and its window, or without."""
    bare = attrs.evolve(MIX, ads=None, window=None)

    assert "5:2:3" == MIX.name
    assert [MIX, bare] == [load(dump(MIX)), load(dump(bare))]
