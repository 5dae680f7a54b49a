"""What triggers promise of a whole log and of tables beside it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest

from wxengage.datasets import demo_log
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.log.kinds import KINDS
from wxengage.log.reading import read_log
from wxengage.plan.scenes.due import due_triggers
from wxengage.plan.scenes.facts import Facts
from wxengage.plan.scenes.many import DueSends, due_many
from wxengage.plan.scenes.plays import NEWCOMER, RECALL
from wxengage.plan.scenes.scene import (
    Birthday,
    Expiring,
    Followed,
    Happened,
    RunningLow,
    Silent,
    StreakBreaking,
)
from wxengage.plan.scenes.trigger import Step, Trigger
from wxengage.segments.lifecycle import classify_users

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.log.table import Log

DAY = dt.timedelta(days=1)
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
HI = Step("hi", "wecom")
ALWAYS = attrs.evolve(HI, grace=None)
BIRTHDAY = Trigger("birthday", Birthday(), (HI,))
REWARD = Trigger("reward", Expiring("reward", 3 * DAY), (ALWAYS,))
GRANT = Trigger("grant", RunningLow("grant"), (ALWAYS,))


def empty() -> Log:
    """Return a log of nobody."""
    return read_log({"user": [], "kind": [], "at": np.zeros(0, "M8[us]")})


def demo() -> tuple[Log, dt.datetime]:
    """Return the synthetic log and the noon before its last day."""
    log = read_log(demo_log(1))
    assert log.last_at is not None
    return log, log.last_at - DAY


def halves(log: Log) -> Log:
    """Return the same log in two parts, as one that was too large for memory is."""
    (part,) = log.parts
    middle = part.users // 2
    pieces = []
    for low, high in ((0, middle), (middle, part.users)):
        rows = np.flatnonzero((part.user >= low) & (part.user < high))
        piece = part.take(rows)
        user = (piece.user - np.uint32(low)).astype(np.uint32)
        pieces.append(attrs.evolve(piece, user=user, members=part.members[low:high]))
    return attrs.evolve(log, parts=tuple(pieces))


# --- other ways to the same answer ----------------------------------------------------


def test_the_silent_are_the_dormant() -> None:
    """Of every user the segments say the same."""
    log, now = demo()
    found = due_many(Trigger("t", Silent(), (ALWAYS,)), log, now)
    segments = classify_users(log, now)

    dormant = segments["user"][segments["segment"] == "dormant"]

    assert len(dormant)
    assert dormant.tolist() == found.user.tolist()


def test_real_messages_fall_silent_as_a_plain_loop_says(data_folder: Path) -> None:
    """Six months of messages among students: who is silent for three days, and when."""
    text = (data_folder / "collegemsg" / "CollegeMsg.txt").read_text(encoding="ascii")
    rows = [[int(word) for word in line.split()] for line in text.splitlines()]
    users, stamps = [row[0] for row in rows], [row[2] for row in rows]
    log = read_log({"user": users, "at": stamps}, kind=KINDS["message"], unit="s")
    now = max(stamps) - 60 * 86_400
    sent: dict[int, list[int]] = defaultdict(list)
    for user, stamp in zip(users, stamps, strict=True):
        if stamp <= now:
            sent[user].append(stamp)
    expected: dict[str, set[int]] = {"each_occasion": set(), "never": set()}
    for user, times in sent.items():
        times.sort()
        gaps = [b - a for a, b in itertools.pairwise(times)]
        if now - times[-1] >= 3 * 86_400:
            expected["each_occasion"].add(user)
            if max(gaps, default=0) <= 3 * 86_400:
                expected["never"].add(user)

    again: Any
    for again, silent in expected.items():
        trigger = Trigger("t", Silent(3 * DAY), (ALWAYS,), again=again)
        found = due_many(trigger, log, dt.datetime.fromtimestamp(now, dt.UTC))

        assert len(silent) > 100
        assert sorted(silent) == found.user.tolist()


def test_a_streak_about_to_break_is_one_that_the_log_counts() -> None:
    """Days in a row until yesterday, and nothing today."""
    log, _ = demo()
    some = log.only(["like"])
    late = NOON.replace(hour=21)
    trigger = Trigger("t", StreakBreaking(2, kind="like"), (HI,))
    now = late.replace(year=log.last_at.year, month=log.last_at.month, day=1)  # type: ignore[union-attr]
    checked = 0
    for day in range(28):
        at = now - day * DAY
        table = some.streaks(at)
        today = (at.date() - dt.date(1970, 1, 1)).days
        breaks = (table["current"] >= 2) & (table["last_day"] == today - 1)
        checked += int(breaks.sum())

        assert (
            table["user"][breaks].tolist() == due_many(trigger, log, at).user.tolist()
        )
    assert checked > 10


@pytest.mark.parametrize(
    "trigger",
    [
        NEWCOMER,
        RECALL,
        Trigger("t", Happened(("like",)), (ALWAYS,), again=7 * DAY),
        Trigger("t", Silent(7 * DAY), (ALWAYS,), again="never"),
        Trigger("t", StreakBreaking(1, by="08:00", kind="like"), (HI,)),
        Trigger("t", Followed(), (ALWAYS,), unless=("purchase",)),
    ],
    ids=lambda trigger: f"{type(trigger.scene).__name__} {trigger.again}",
)
def test_a_log_in_parts_has_the_same_due(trigger: Trigger) -> None:
    """A log too large for memory comes in parts."""
    log, now = demo()
    sends = {
        send.id
        for day in range(5)
        for send in due_many(trigger, log, now - day * DAY).sends
    }

    assert sends
    assert sends == {
        send.id
        for day in range(5)
        for send in due_many(trigger, halves(log), now - day * DAY).sends
    }


def test_a_lazy_log_is_brought_in() -> None:
    """An engine's log gives the same sends."""
    pytest.importorskip("polars")
    log, now = demo()
    lazy = read_log(log.to_frame("polars").lazy())

    found = due_many(RECALL, lazy, now)

    assert len(found)
    assert due_many(RECALL, log, now).sends == found.sends


# --- tables ---------------------------------------------------------------------------

PEOPLE = {
    "user": ["bob", "ada", "cyd", "dan"],
    "birthday": ["03-02", "03-02", None, ""],
    "zone": ["", "America/Los_Angeles", "Asia/Shanghai", None],
}
HOLDINGS = {
    "user": ["ada", "bob", "bob"],
    "kind": ["reward", "reward", "grant"],
    "id": ["r1", "r2", "tmpl"],
    "at": [NOON - DAY, NOON - 2 * DAY, NOON - DAY],
    "until": [NOON + DAY, NOON + DAY, None],
    "left": [None, None, 1],
    "closed": [None, NOON - DAY, None],
}


@pytest.mark.parametrize("form", ["arrays", "records", "pandas", "polars", "pyarrow"])
def test_tables_may_be_of_any_kind(form: str) -> None:
    """Empty cells are unknown; the users need not be in the log."""

    def table(columns: dict[str, Any]) -> Any:
        if form == "arrays":
            return columns
        if form == "records":
            rows = zip(*columns.values(), strict=True)
            return [dict(zip(columns, row, strict=True)) for row in rows]
        library = pytest.importorskip(form)
        return (
            library.table(columns) if form == "pyarrow" else library.DataFrame(columns)
        )

    found = due_many(
        [BIRTHDAY, REWARD, GRANT],
        empty(),
        NOON,
        people=table(PEOPLE),
        holdings=table(HOLDINGS),
    )

    assert [("ada", "reward"), ("bob", "grant"), ("bob", "birthday")] == list(
        zip(found.user.tolist(), found.trigger.tolist(), strict=True)
    )


def test_the_answer_is_a_table() -> None:
    """It prints, and comes as the kind of table that is asked for."""
    found = due_many(BIRTHDAY, empty(), NOON, people=PEOPLE)

    records = found.to_frame("records")

    assert 1 == len(found)
    assert "birthday" in str(found)
    assert "birthday" in found._repr_html_()
    assert ("bob", "hi", "wecom") == tuple(
        records[0][name] for name in ("user", "message", "channel")
    )
    assert NOON.replace(hour=9) == records[0]["not_before"]
    assert found.sends[0].id == records[0]["id"]


def test_a_send_without_an_end_has_none() -> None:
    """NaT in the table, None in the send."""
    found = due_many(GRANT, empty(), NOON, holdings=HOLDINGS)

    assert np.isnat(found.expires).all()
    assert [None] == [send.expires for send in found.sends]


def test_whole_numbers_are_ids_and_become_text_in_sends() -> None:
    """In the order of the numbers, with the ids that one user alone gets."""
    large = 2**62 + 1
    log = read_log({"user": [large, 5], "kind": ["follow"] * 2, "at": [NOON - DAY] * 2})
    trigger = Trigger("t", Followed(), (ALWAYS,))
    facts = Facts(large, events=(Event("follow", user=large, at=NOON - DAY),))
    people = {"user": [large, 9], "birthday": ["05-05", "03-02"]}

    found = due_many([trigger, BIRTHDAY], log, NOON, people=people)

    assert [(5, "t"), (9, "birthday"), (large, "t")] == list(
        zip(found.user.tolist(), found.trigger.tolist(), strict=True)
    )
    assert ("5", "9", str(large)) == tuple(send.user for send in found.sends)
    assert found.sends[2:] == due_triggers(trigger, facts, NOON)


def test_nothing_known_is_nothing_due() -> None:
    """No trigger, no user, no table: an empty answer of the right shape."""
    log, now = demo()
    scenes: list[Any] = [
        Followed(),
        Happened(("like",)),
        Silent(),
        StreakBreaking(1),
        Expiring("reward", DAY),
        RunningLow("grant"),
    ]
    again: Any
    for again in ("each_occasion", "never"):
        asked = [
            Trigger(str(n), scene, (HI,), again=again) for n, scene in enumerate(scenes)
        ]

        assert () == due_many([*asked, BIRTHDAY], empty(), now).sends
    found = due_many([], log, now)
    assert isinstance(found, DueSends)
    assert 0 == len(found)
    assert {"user", "id", "not_before"} <= set(found.to_frame())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"people": {"user": ["a", "a"]}}, r"user\[1\] must be there once"),
        ({"people": {"user": ["a", None]}}, r"user\[1\] must be an id"),
        ({"people": {"users": ["a"]}}, "source must be with a column 'user'"),
        (
            {"people": {"user": ["a", "b"], "birthday": ["02-29", "02-30"]}},
            r"birthday\[1\] must be a day of the year",
        ),
        (
            {"people": {"user": ["a", "b"], "birthday": ["02-29", 229]}},
            r"birthday\[1\] must be a string",
        ),
        (
            {"people": {"user": ["a", "b"], "zone": ["", "Asia/Peking"]}},
            r"zone\[1\] must be an IANA time zone",
        ),
        ({"people": {"user": [7]}}, "user must be whole numbers in every table"),
        ({"people": 3}, "source must be a frame"),
        ({"holdings": {"until": [NOON - 3 * DAY] * 3}}, r"until\[0\] must be after at"),
        ({"holdings": {"closed": [None, NOON - 9 * DAY, None]}}, r"closed\[1\] must"),
        ({"holdings": {"left": [1, -1, 0]}}, r"left\[1\] must be at least 0"),
        ({"holdings": {"left": [1, 0.5, 0]}}, r"left\[1\] must be a whole number"),
        ({"holdings": {"at": [NOON, None, NOON]}}, r"at\[1\] must be given"),
        ({"holdings": {"at": ["x", "y", "z"]}}, r"at\[0\] must be an instant"),
        ({"holdings": {"kind": [7, 7, 7]}}, r"kind\[0\] must be text"),
        (
            {
                "holdings": {
                    "user": ["a", "b", "a"],
                    "kind": ["reward"] * 3,
                    "id": ["r"] * 3,
                    "at": [NOON] * 3,
                    "until": [None] * 3,
                    "closed": [None] * 3,
                }
            },
            r"id\[2\] must be there once",
        ),
    ],
)
def test_bad_cells_are_named(fields: dict[str, Any], message: str) -> None:
    """Column, row and rule."""
    log = read_log({"user": ["a"], "kind": ["like"], "at": [NOON]})
    if "holdings" in fields:
        fields = {"holdings": HOLDINGS | fields["holdings"]}

    with pytest.raises(InvalidInputError, match=message):
        due_many(NEWCOMER, log, NOON, **fields)


@pytest.mark.parametrize(
    ("triggers", "log", "now", "message"),
    [
        ([RECALL, RECALL], empty(), NOON, r"triggers\[1\].id must be named once"),
        (RECALL, {"user": ["a"]}, NOON, "log must be a Log"),
        (RECALL, empty(), NOON.replace(tzinfo=None), "now must be an aware"),
    ],
)
def test_bad_questions_are_named(
    triggers: Any, log: Any, now: dt.datetime, message: str
) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInputError, match=message):
        due_many(triggers, log, now)


def test_one_id_is_no_collection_of_ids() -> None:
    """Its letters are none."""
    with pytest.raises(InvalidInputError, match="done must be a collection of ids"):
        due_many(RECALL, empty(), NOON, done="abc")
