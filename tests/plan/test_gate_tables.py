"""What the gate promises about tables: any kind of frame, every cell checked."""

from __future__ import annotations

import datetime as dt
import importlib
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wxengage.channels.folding import advance
from wxengage.channels.quota_table import Quotas
from wxengage.channels.quotas import Quota
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.pacing.caps import Cap
from wxengage.pacing.gaps import MinGap
from wxengage.pacing.quiet import QuietHours
from wxengage.plan.gating.allowances import Allowances
from wxengage.plan.gating.decisions import Decision, Decisions
from wxengage.plan.gating.gate import Gate
from wxengage.plan.gating.history import History
from wxengage.plan.gating.past import Past, first_from
from wxengage.plan.gating.people import People
from wxengage.plan.gating.tables import tables_of
from wxengage.rules.book import rulebook
from wxengage.sends import Freeze, Send, Sent
from wxengage.users import User

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
HOUR = dt.timedelta(hours=1)
GATE = Gate(caps=(Cap(1),), quiet=(QuietHours("22:30", "08:00"),), digests=("news",))
MIDNIGHT = dt.datetime(2026, 3, 3, 8, tzinfo=SHANGHAI)


def records() -> tuple[list[dict[str, Any]], ...]:
    """Return messages, the past and users, as rows."""
    sends = [
        {"id": "s1", "user": "ada", "channel": "app_push", "topic": "recall"},
        {"id": "s2", "user": "bob", "channel": "app_push", "topic": "news"},
        {"id": "s3", "user": "cyn", "channel": "app_push", "topic": "recall"},
    ]
    past = [
        {"user": "bob", "at": NOON - HOUR, "channel": "app_push"},
        {"user": "eve", "at": NOON - HOUR, "channel": "app_push"},
    ]
    users = [
        {"user": "cyn", "zone": "Asia/Shanghai", "consents": "no"},
        {"user": "bob", "zone": "", "consents": ""},
        {"user": "ada", "zone": "Asia/Shanghai", "consents": "yes"},
    ]
    return sends, past, users


def as_kind(rows: list[dict[str, Any]], kind: str) -> Any:
    """Return rows as a kind of table."""
    if kind == "records":
        return rows
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    if kind == "arrays":
        return {
            name: np.array(
                [
                    np.datetime64(at.astimezone(dt.UTC).replace(tzinfo=None))
                    for at in cells
                ]
                if name == "at"
                else cells
            )
            for name, cells in columns.items()
        }
    module = pytest.importorskip(kind)
    if kind == "pyarrow":
        return module.table(columns)
    return module.DataFrame(columns)


def told(found: Decisions) -> list[tuple[Any, ...]]:
    """Return ids, actions and reasons."""
    columns = (found.send, found.action, found.reason)
    return [*zip(*(column.tolist() for column in columns), strict=True)]


EXPECTED = [
    ("s1", "send", "may_go"),
    ("s2", "digest", "quiet_hours"),
    ("s3", "drop", "opted_out"),
]


@pytest.mark.parametrize("kind", ["records", "arrays", "pandas", "polars", "pyarrow"])
def test_any_kind_of_table_is_answered_in_kind(kind: str) -> None:
    """The same decisions, and a frame of the kind that the messages came in."""
    sends, past, users = (as_kind(rows, kind) for rows in records())
    found = GATE.check_many(sends, past, users, None, NOON)

    assert EXPECTED == told(found)
    assert Decision(
        "s2",
        "bob",
        "digest",
        MIDNIGHT,
        *("quiet_hours",) * 1,
        ("quiet_hours: 22:30-08:00"),
    ) == found.decision(1)
    frame = found.to_frame()
    assert type(sends) is type(frame)
    rows = found.to_frame(like="records")
    assert [None, "bob"] == [rows[2]["at"], rows[1]["user"]]
    assert MIDNIGHT == rows[1]["at"]


def test_messages_may_be_values_and_tables_sorted_before() -> None:
    """Whoever decides often pays for the sorting once."""
    sends, past, users = records()
    values = [
        Send(r["id"], r["user"], r["channel"], "gift", topic=r["topic"]) for r in sends
    ]
    known = Past.of(past), People.of(users), Allowances.of({"user": [], "channel": []})

    for _ in range(2):
        found = GATE.check_many(values, known[0], known[1], None, NOON)
        assert EXPECTED == told(found)
    asked = GATE.check_many(values, *known, NOON)
    assert EXPECTED == told(asked)


def test_every_message_has_one_decision_and_all_are_shown() -> None:
    """Counts add up; the table is shown as text and as HTML."""
    sends, past, users = records()
    found = GATE.check_many(sends, past, users, None, NOON)

    assert {"send": 1, "defer": 0, "drop": 1, "digest": 1} == dict(found.counts)
    assert {"may_go": 1, "quiet_hours": 1, "opted_out": 1} == dict(found.reasons)
    assert "Decisions(3 messages: 1 send, 0 defer, 1 drop, 1 digest)" == repr(found)
    assert "opted_out" in str(found)
    assert "<td>opted_out</td>" in found._repr_html_()
    with pytest.raises(InvalidInputError, match="row must be at most 2"):
        found.decision(3)


def test_nothing_to_decide_is_answered_with_nothing() -> None:
    """No message, no past, no user."""
    nothing: dict[str, list[str]] = {"user": [], "channel": []}
    found = GATE.check_many(nothing, {"user": [], "at": []}, {"user": []}, None, NOON)

    assert 0 == len(found)
    assert [] == GATE.check_many([], [], [], None, NOON).action.tolist()


def test_whole_numbers_are_ids_too() -> None:
    """Without an id of its own, a message is told by its row."""
    sends = {"user": np.array([7, 3]), "channel": ["app_push"] * 2}
    past = {"user": np.array([3]), "at": np.array(["2026-03-02T03:00"], dtype="M8[us]")}
    found = GATE.check_many(sends, past, {"user": [3, 7]}, None, NOON)

    assert [(0, "send", "may_go"), (1, "defer", "quiet_hours")] == told(found)
    assert 7 == found.decision(0).user


def test_single_topics_and_accounts_count_before_everything() -> None:
    """Where they are not empty."""
    gate = Gate(consent="opt_in")
    sends = [
        Send(f"s{n}", user, "mass_send", "m", topic=topic, account=account)
        for n, (user, topic, account) in enumerate(
            [
                ("ada", "news", None),
                ("ada", "", None),
                ("bob", "news", None),
                ("bob", "", "shop"),
                ("bob", "", None),
            ]
        )
    ]
    users = {
        "user": ["ada", "bob"],
        "consents": ["yes", "yes"],
        "consents:news": ["no", ""],
        "follows": ["", "yes"],
        "follows:shop": ["", "no"],
    }
    found = gate.check_many(sends, {"user": [], "at": []}, users, None, NOON)

    reasons = ["opted_out", "may_go", "may_go", "unfollowed", "may_go"]
    assert reasons == found.reason.tolist()


def test_a_channel_without_a_row_has_nothing_left() -> None:
    """Where the platform limits each user; other channels are free."""
    channels = ("customer_message", "subscribe_message", "mass_send", "live", "own")
    sends = {"user": ["ada"] * 5, "channel": list(channels)}
    quotas = {"user": ["bob", "ada"], "channel": ["mass_send", "own"]}
    found = Gate().check_many(
        sends, {"user": [], "at": []}, {"user": ["ada"]}, quotas, NOON
    )

    assert [
        "no_window",
        "no_grant",
        "period_used_up",
        "not_pushed",
        "may_go",
    ] == found.reason.tolist()


def test_quotas_of_the_channels_are_taken_as_they_are() -> None:
    """What one quota says is what the table of it says."""
    book = rulebook(NOON.date())
    wrote = Event("menu_click", user="ada", at=NOON)
    quota = advance(Quota.under(book, "ada"), wrote, book)
    history = History(User("ada"), None, (), quota)
    sends = [
        Send("s1", "ada", "customer_message", "m", not_before=NOON + HOUR),
        Send("s2", "ada", "customer_message", "m"),
    ]
    tables = tables_of(sends, [history], NOON)

    found = Gate().check_many(
        sends, tables.past, tables.users, Quotas.of([quota], NOON), NOON
    )

    single = [Gate().check(send, history, NOON) for send in sends]
    assert single == [found.decision(row) for row in range(2)]
    assert ["no_window", "may_go"] == found.reason.tolist()


def test_the_accounts_own_rows_have_no_user() -> None:
    """They hold for everybody."""
    sends = {"user": ["ada", "bob"], "channel": ["own", "mass_send"]}
    tomorrow = np.datetime64("2026-03-02T16:00", "us")
    quotas = {
        "user": ["", "bob"],
        "channel": ["mass_send", "mass_send"],
        "left": [0, 3],
        "opens": np.array([tomorrow, "NaT"], dtype="M8[us]"),
        "reason": ["period_used_up", ""],
    }
    found = Gate().check_many(
        sends, {"user": [], "at": []}, {"user": ["ada", "bob"]}, quotas, NOON
    )

    assert ["send", "defer"] == found.action.tolist()
    assert ("period_used_up", "account: mass_send", tomorrow) == (
        found.reason[1],
        found.constraint[1],
        found.at[1],
    )


def test_gaps_and_caps_of_a_scope_count_their_own_rows() -> None:
    """Each channel by itself, one topic only; rows that do not count are not seen."""
    past = {
        "user": ["ada"] * 3,
        "at": [NOON - HOUR] * 3,
        "channel": ["a", "b", "a"],
        "topic": ["news", "", ""],
        "counts": [True, False, None],
    }
    sends = {"user": ["ada"] * 3, "channel": ["a", "b", "c"], "topic": ["", "", "news"]}
    gate = Gate(
        gaps=(MinGap(2 * HOUR, scope="topic:news"),), caps=(Cap(1, scope="channel"),)
    )
    found = gate.check_many(sends, past, {"user": ["ada"]}, None, NOON)

    assert ["cap", "may_go", "gap"] == found.reason.tolist()


@pytest.mark.parametrize(
    ("where", "cells", "match"),
    [
        ("sends", {"user": ["zoe"]}, r"sends\[0\].user must be in users, got 'zoe'"),
        ("sends", {"channel": [""]}, r"channel\[0\] must be a channel"),
        ("sends", {"category": ["ads"]}, r"category\[0\] must be one of marketing"),
        ("sends", {"content": ["long"]}, r"content\[0\] must be one of short"),
        ("sends", {"topic": [3]}, r"topic\[0\] must be text"),
        ("sends", {"is_ad": ["yes"]}, r"is_ad\[0\] must be True or False"),
        ("sends", {"expires": ["tomorrow"]}, r"expires\[0\] must be an instant"),
        (
            "sends",
            {"expires": [NOON], "not_before": [NOON]},
            r"expires\[0\] must be after not_before",
        ),
        ("sends", {"at": [NOON], "expires": [NOON]}, r"at\[0\] must be before expires"),
        (
            "sends",
            {"at": [NOON], "not_before": [NOON + HOUR]},
            r"at\[0\] must be not before not_before",
        ),
        ("past", {"at": [None]}, r"at\[0\] must be an instant"),
        ("past", {"at": [NOON.replace(tzinfo=None)]}, r"at\[0\] must be an instant"),
        ("past", {"category": ["ads"]}, r"category\[0\] must be one of"),
        ("past", {"user": [7]}, "users are numbers in one table and text in another"),
        ("users", {"zone": ["Mars/Base"]}, r"zone\[0\] must be an IANA time zone"),
        ("users", {"age_band": ["13"]}, r"age_band\[0\] must be one of 0-13"),
        ("users", {"consents": ["maybe"]}, r"consents\[0\] must be one of yes, no"),
        ("users", {"consents:a": ["x"]}, r"consents:a\[0\] must be one of yes, no"),
        ("users", {"user": ["ada", "ada"]}, r"user\[1\] must be named once"),
        ("quotas", {"left": [-1]}, r"left\[0\] must be at least 0"),
        ("quotas", {"left": [0.5]}, r"left\[0\] must be a whole number"),
        (
            "quotas",
            {"user": ["ada", "ada"], "channel": ["a", "a"]},
            r"user\[1\] must be named once a channel",
        ),
    ],
)
def test_a_bad_cell_is_named_by_column_and_row(
    where: str, cells: dict[str, Any], match: str
) -> None:
    """With what was got and what it must be."""
    tables: dict[str, dict[str, Any]] = {
        "sends": {"user": ["ada"], "channel": ["a"]},
        "past": {"user": ["ada"], "at": [NOON]},
        "users": {"user": ["ada"]},
        "quotas": {"user": ["ada"], "channel": ["a"]},
    }
    tables[where] |= cells

    with pytest.raises(InvalidInputError, match=match):
        Gate().check_many(
            tables["sends"], tables["past"], tables["users"], tables["quotas"], NOON
        )


def test_questions_that_make_no_sense_are_refused() -> None:
    """A value that is no message, a naive now, a freeze that is none, no column."""
    sends, past, users = records()

    with pytest.raises(InvalidInputError, match=r"sends\[0\] must be a Send"):
        GATE.check_many([1], past, users, None, NOON)
    with pytest.raises(InvalidInputError, match="now must be an aware datetime"):
        GATE.check_many(sends, past, users, None, NOON.replace(tzinfo=None))
    freeze = Freeze(None, None, NOON, None, "危机")
    with pytest.raises(InvalidInputError, match="freezes must be several"):
        GATE.check_many(sends, past, users, None, NOON, freezes=freeze)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="with a column 'channel'"):
        GATE.check_many({"user": ["ada"]}, past, users, None, NOON)


def test_tables_are_made_of_one_history_a_user() -> None:
    """Two of one user, or none for a message, are refused."""
    ada, ask = History(User("ada"), None), Send("s1", "bob", "a", "m")

    with pytest.raises(
        InvalidInputError, match=r"histories\[1\].user must be given once"
    ):
        tables_of([], [ada, History(User("ada"), None)], NOON)
    with pytest.raises(
        InvalidInputError, match=r"sends\[0\].user must be in histories"
    ):
        tables_of([ask], [ada], NOON)


def test_a_position_is_found_in_every_stretch() -> None:
    """As bisect finds it in each."""
    bisect = importlib.import_module("bisect")
    rng = np.random.default_rng(3)
    bounds = np.concatenate([[0], np.sort(rng.integers(0, 200, 30)), [200]])
    times = np.concatenate(
        [np.sort(rng.integers(0, 50, b - a)) for a, b in pairwise(bounds)]
    )
    starts, ends = bounds[:-1], bounds[1:]
    at = rng.integers(-5, 55, len(starts))

    found = first_from(times, starts, ends, at)

    expected = [
        bisect.bisect_left(times.tolist(), t, a, b)
        for t, a, b in zip(at.tolist(), starts.tolist(), ends.tolist(), strict=True)
    ]
    assert expected == found.tolist()


def test_many_past_rows_come_back_in_order_of_user_and_time() -> None:
    """Whether instants are whole seconds or not, and however far apart."""
    rng = np.random.default_rng(5)
    for unit, span in ((1_000_000, 10**6), (1, 10**9), (1, 10**15)):
        user = rng.integers(0, 5_000, 4_000)
        at = rng.integers(0, span, 4_000) * unit
        past = Past.of({"user": user, "at": at.astype("M8[us]")})
        order = np.lexsort((at, user))

        assert at[order].tolist() == past.at.tolist()
        ids = past.ids.numpy()[past.user]
        assert user[order].tolist() == ids.tolist()
        assert 4_000 == len(past)


def test_a_message_sent_to_a_user_is_one_row() -> None:
    """The past of values is the past of a table."""
    history = History(User("ada"), None, (Sent("ada", NOON - HOUR, "app_push"),))
    ask = Send("s1", "ada", "app_push", "gift")
    tables = tables_of([ask], [history], NOON)

    assert ["ada"] == tables.past["user"].tolist()
    assert tables.quotas is None
    found = GATE.check_many([ask], *tables, NOON)
    assert GATE.check(ask, history, NOON) == found.decision(0)
