"""What the table of everybody's quotas promises."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.channels.random_facts import (
    events,
    failures,
    instants,
    log_of,
    messages,
)
from wxengage.channels.bulk import quotas_of
from wxengage.channels.catalog import CATALOG
from wxengage.channels.folding import advance
from wxengage.channels.marks import KEPT, Failure
from wxengage.channels.quota_table import Quotas
from wxengage.channels.quotas import REASONS, Quota
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.log.reading import read_log
from wxengage.rules.book import rulebook
from wxengage.sends import Send, Sent
from wxengage.times.days import DayClock
from wxengage.users import Account, AccountKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.channels.random_facts import Fact

BOOK = rulebook(dt.date(2026, 2, 1))
NOON = dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)
KINDS: tuple[AccountKind, ...] = ("service", "subscription", "mini_program")


def folded(
    rows: Iterable[Fact],
    as_of: dt.datetime,
    accounts: tuple[Account, ...],
    clock: DayClock,
) -> dict[str, Quota]:
    """Return every user's quota, folded one event after the other."""
    quotas: dict[str, Quota] = {}
    for row in rows:
        if not isinstance(row, Event) and (
            row.at > as_of or row.channel not in CATALOG
        ):
            continue
        user = str(row.user)
        quota = quotas.get(user) or Quota.under(BOOK, user, accounts, clock=clock)
        quotas[user] = advance(quota, row, BOOK) if row.at <= as_of else quota
    return quotas


class World(NamedTuple):
    """What happened, when it is judged, at which kind of account and where."""

    log: list[Event]
    sends: list[Sent]
    refused: list[Failure]
    as_of: dt.datetime
    kind: AccountKind | None
    zone: str


WORLDS = st.builds(
    World,
    st.lists(events(), min_size=1, max_size=14),
    st.lists(messages(), max_size=8),
    st.lists(failures(), max_size=2),
    instants,
    st.sampled_from([None, *KINDS]),
    st.sampled_from(["Asia/Shanghai", "America/Sao_Paulo"]),
)


def compared(world: World) -> None:
    """Hold the table against the quotas that are folded one by one."""
    accounts = () if world.kind is None else (Account("shop", world.kind, "wx1"),)
    clock = DayClock(world.zone)
    table = quotas_of(
        log_of(world.log),
        world.as_of,
        rulebook=BOOK,
        accounts=accounts,
        clock=clock,
        failures=world.refused,
        sends=world.sends,
    )
    rows: list[Fact] = [*world.log, *world.sends, *world.refused]
    quotas = folded(rows, world.as_of, accounts, clock)

    expected = Quotas.of(quotas.values(), world.as_of).to_frame("records")
    got = table.to_frame("records")
    assert sorted(expected, key=str) == sorted(got, key=str)
    for row in got:
        send = Send("s", row["user"], row["channel"], row["message"] or "-")
        allowance = quotas[row["user"]].may_send(send, world.as_of)
        assert (allowance.yes, allowance.left) == (row["reason"] == "", row["left"])
        if allowance.yes:
            assert allowance.until == row["until"]


@given(WORLDS)
def test_the_table_says_what_each_folded_quota_says(world: World) -> None:
    """For every user, channel and template: left, opens, until and reason."""
    compared(world)


@pytest.mark.torture
@settings(max_examples=3_000)
@given(WORLDS)
def test_the_table_says_what_folded_quotas_say_in_many_worlds(world: World) -> None:
    """The same, at length."""
    compared(world)


def story() -> list[Event]:
    """Return a log of two users."""
    hour = dt.timedelta(hours=1)
    return [
        Event("message", user="ada", at=NOON - hour),
        Event("subscribe", user="ada", at=NOON - hour, item="t1"),
        Event("subscribe", user="ada", at=NOON - hour / 2, item="t1"),
        Event("deliver", user="ada", at=NOON, channel="subscribe_message", item="t1"),
        Event("deliver", user="ada", at=NOON, channel="customer_message", item="hi"),
        Event("unfollow", user="bo", at=NOON - hour),
    ]


def left(table: Quotas, user: str) -> dict[str, int]:
    """Return what is left to a user, by channel."""
    rows = table.to_frame("records")
    return {row["channel"]: row["left"] for row in rows if row["user"] == user}


def test_a_table_has_a_row_a_user_and_channel_that_is_limited() -> None:
    """Grants by template; nothing for channels that limit nobody, or groups."""
    table = quotas_of(log_of(story()), NOON)

    assert {
        "customer_message": 4,
        "subscribe_message": 1,
        "mass_send": 4,
        "wecom_customer_task": 31,
        "passive_reply": 0,
    } == left(table, "ada")
    assert ["unfollowed", "unfollowed", "", "no_window"] == [
        row["reason"] for row in table.to_frame("records") if row["user"] == "bo"
    ]
    assert set(table.reason.tolist()) <= {"", *REASONS}


@pytest.mark.parametrize("declined", [False, True])
def test_the_table_forgets_what_a_quota_forgets(declined: bool) -> None:
    """More grants of one template than are kept, and more messages."""
    second = dt.timedelta(seconds=1)
    rows = [
        Event("subscribe", user="ada", at=NOON + n * second, item="t1")
        for n in range(KEPT + 20)
    ]
    rows += [
        Event("deliver", user="ada", at=at, channel="subscribe_message", item="t1")
        for at in [NOON + (n + 0.5) * second for n in range(0, 2 * KEPT + 20, 9)]
    ]
    if declined:
        rows.append(Event("decline", user="ada", at=NOON + 30 * second, item="t1"))
    later = NOON + dt.timedelta(hours=1)
    quota = folded(rows, later, (), DayClock())["ada"]
    send = Send("s", "ada", "subscribe_message", "t1")

    expected = quota.may_send(send, later).left
    assert expected
    assert expected == left(quotas_of(log_of(rows), later), "ada")["subscribe_message"]


def test_later_rows_are_left_out() -> None:
    """A table of this morning does not know the afternoon."""
    before = quotas_of(log_of(story()), NOON - dt.timedelta(minutes=45))

    assert 5 == left(before, "ada")["customer_message"]
    assert 1 == left(before, "ada")["subscribe_message"]


@pytest.mark.parametrize(
    ("day", "count"), [(dt.date(2023, 6, 1), 20), (dt.date(2023, 6, 20), 5)]
)
def test_without_a_rulebook_the_rules_of_the_day_hold(day: dt.date, count: int) -> None:
    """The table of an old day counts by the rules of that day."""
    at = dt.datetime.combine(day, dt.time(4), dt.UTC)
    table = quotas_of(log_of([Event("message", user="ada", at=at)]), at)

    assert count == left(table, "ada")["customer_message"]


def test_whole_numbers_are_users_too() -> None:
    """They come back as they came."""
    log = read_log({"user": [7, 3], "kind": ["message"] * 2, "at": [NOON] * 2})
    table = quotas_of(log, NOON, failures=[Failure("7", NOON, "mass_send", 48002)])

    assert np.dtype(np.int64) == table.user.dtype
    assert [3, 7] == np.unique(table.user).tolist()
    mass = table.channel == "mass_send"
    assert ["", "suppressed"] == table.reason[mass].tolist()


def test_the_accounts_own_rows_are_there_where_its_quota_is_given() -> None:
    """One mass send a day for all, and the day's template messages."""
    shop = (Account("shop", "subscription", "wx1"),)
    own = advance(Quota(None, shop), Sent("x", NOON, "mass_send", message="m"), BOOK)
    (row,) = Quotas.of([own], NOON).to_frame("records")

    assert (None, "mass_send", 0) == (row["user"], row["channel"], row["left"])
    assert dt.datetime(2026, 3, 2, 16, tzinfo=dt.UTC) == row["opens"]


@pytest.mark.parametrize("form", ["pandas", "polars", "pyarrow", "arrays", "records"])
def test_a_table_comes_back_as_any_frame(form: str) -> None:
    """No instant is null, not a number."""
    frame = quotas_of(log_of(story()), NOON).to_frame(form)
    columns = frame if form == "arrays" else None

    assert len(frame) == (7 if columns is not None else 9)


def test_a_table_prints() -> None:
    """As text and as HTML, and shortly as a value."""
    table = quotas_of(log_of(story()), NOON)

    assert "customer_message" in str(table)
    assert "<table" in table._repr_html_()
    assert "<Quotas of 9 rows at 2026-03-02T04:00:00+00:00>" == repr(table)


def test_an_empty_log_gives_an_empty_table() -> None:
    """With every column."""
    log = log_of(story()).for_users([])
    table = Quotas.of([], NOON)

    assert 0 == len(table)
    assert list(table.columns) == list(quotas_of(log, NOON).columns)


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (r"sends\[0\] must be a Sent", {"sends": [1]}),
        (r"failures\[0\] must be a Failure", {"failures": [None]}),
        (r"accounts must be a tuple", {"accounts": [1]}),
        (
            "given where several accounts fit",
            {"accounts": (Account("a", "service", "1"), Account("b", "service", "2"))},
        ),
        (
            r"sends\[0\].account must be None where none are told",
            {"sends": [Sent("ada", NOON, "mass_send", account="shop")]},
        ),
        (
            r"failures\[0\].account must be among the accounts",
            {
                "failures": [Failure("ada", NOON, "mass_send", 48002, "shp")],
                "accounts": (Account("shop", "service", "1"),),
            },
        ),
    ],
)
def test_a_bad_question_is_refused_by_name(said: str, more: dict[str, Any]) -> None:
    """Nothing that was sent is dropped in silence."""
    with pytest.raises(InvalidInputError, match=said):
        quotas_of(log_of(story()), NOON, **more)


def test_two_quotas_of_one_user_make_no_table() -> None:
    """Which of them counts would be a guess."""
    with pytest.raises(InvalidInputError, match=r"quotas\[1\].user"):
        Quotas.of([Quota("ada"), Quota("ada")], NOON)
    with pytest.raises(InvalidInputError, match=r"quotas\[0\] must be a Quota"):
        Quotas.of([None], NOON)  # type: ignore[list-item]  # the mistake under test
    with pytest.raises(InvalidInputError, match="as_of must be an aware"):
        Quotas.of([], NOON.replace(tzinfo=None))
