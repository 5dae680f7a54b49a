"""What a rehearsal promises."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import attrs
import pytest

from wxengage.adapters.dryrun import dry_run
from wxengage.delivery.ports import Letter, NotSent, Sender, letters
from wxengage.errors import InvalidInputError
from wxengage.plan.tomorrow import next_day
from wxengage.sends import Send, Sent

if TYPE_CHECKING:
    from pathlib import Path

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
HOUR = dt.timedelta(hours=1)
SEND = Send(
    "s1", "小明", "wecom", "gift", at=NOON, not_before=NOON, expires=NOON + 2 * HOUR
)
LETTER = Letter(SEND, "k1")


def test_it_is_a_sender() -> None:
    """It can stand wherever a real one stands."""
    sender: Sender = dry_run()

    outcome = sender.send(LETTER, NOON)

    assert isinstance(outcome, Sent)
    assert ("小明", NOON, "wecom", "gift", "k1") == (
        outcome.user,
        outcome.at,
        outcome.channel,
        outcome.message,
        outcome.key,
    )


def test_the_same_letter_is_sent_once() -> None:
    """However often it is handed over, it went when it first went."""
    sender = dry_run()

    first = sender.send(LETTER, NOON)

    assert first == sender.send(LETTER, NOON + HOUR) == sender.query(LETTER, NOON)
    assert (1, (LETTER,)) == (len(sender), sender.letters)


def test_another_letter_under_a_known_key_is_refused() -> None:
    """One of the two would be lost."""
    sender = dry_run()
    sender.send(LETTER, NOON)
    other = Letter(attrs.evolve(SEND, message="news"), "k1")

    for ask in (sender.send, sender.query):
        with pytest.raises(
            InvalidInputError, match=r"letter.key must be one letter's own"
        ):
            ask(other, NOON)
    assert (LETTER,) == sender.letters


def test_too_early_is_not_final_and_too_late_is() -> None:
    """A letter that waits may go later; one that has expired may not."""
    sender = dry_run()

    assert NotSent("too_early", "wait") == sender.send(LETTER, NOON - HOUR)
    assert NotSent("never_seen", "retry") == sender.query(LETTER, NOON - HOUR)
    assert NotSent("expired", "drop") == sender.send(LETTER, NOON + 2 * HOUR)
    assert NotSent("expired", "drop") == sender.send(LETTER, NOON)


def test_every_line_can_be_read_by_a_person_and_a_program(tmp_path: Path) -> None:
    """One line of JSON a letter, Chinese as Chinese."""
    path = tmp_path / "letters.ndjson"

    dry_run(path).send(LETTER, NOON)

    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert '"user": "小明"' in line
    assert {
        "key": "k1",
        "message": "gift",
        "at": "2026-03-02T12:00:00+08:00",
        "outcome": "sent",
        "sent_at": "2026-03-02T12:00:00+08:00",
    }.items() <= json.loads(line).items()


def test_a_rehearsal_is_continued_where_it_stopped(tmp_path: Path) -> None:
    """The file knows what was sent: the same plan again adds no line."""
    path = tmp_path / "letters.ndjson"
    plan = next_day(["ada", "bob", "cyd"], ["potential", "active", "dormant"], NOON)

    first = dry_run(path).rehearse(letters(plan))
    again = dry_run(path)

    assert first == again.rehearse(letters(plan))
    assert 3 == len(path.read_text(encoding="utf-8").splitlines())
    assert letters(plan) == again.letters
    assert again.lines == tuple(path.read_text(encoding="utf-8").splitlines())


def test_an_expired_letter_is_remembered_as_expired(tmp_path: Path) -> None:
    """Also by the next run."""
    path = tmp_path / "letters.ndjson"
    dry_run(path).send(LETTER, NOON + 3 * HOUR)

    assert NotSent("expired", "drop") == dry_run(path).send(LETTER, NOON)


def test_the_hour_that_comes_twice_is_read_back_as_it_was(tmp_path: Path) -> None:
    """02:30 the second time is another instant than the first time."""
    berlin = ZoneInfo("Europe/Berlin")
    second = dt.datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    letter = Letter(attrs.evolve(SEND, at=second, not_before=None, expires=None), "k1")
    path = tmp_path / "letters.ndjson"

    dry_run(path).send(letter, second)
    outcome = dry_run(path).query(letter, second)

    assert isinstance(outcome, Sent)
    assert "01:30" == f"{outcome.at.astimezone(dt.UTC):%H:%M}"


def test_letters_without_a_time_go_now_or_are_refused(tmp_path: Path) -> None:
    """What was before them is written."""
    path = tmp_path / "letters.ndjson"
    timeless = Letter(Send("s2", "bob", "wecom", "gift"), "k2")

    with pytest.raises(
        InvalidInputError, match=r"letters\[1\].send.at must be an aware"
    ):
        dry_run(path).rehearse([LETTER, timeless])

    assert 1 == len(path.read_text(encoding="utf-8").splitlines())
    (outcome,) = dry_run().rehearse([timeless], now=NOON)
    assert isinstance(outcome, Sent)
    assert () == dry_run().rehearse([])


def test_a_naive_now_is_refused() -> None:
    """By both verbs."""
    naive = dt.datetime(2026, 3, 2)  # noqa: DTZ001  naive on purpose
    sender = dry_run()
    for ask in (sender.send, sender.query):
        with pytest.raises(InvalidInputError, match="now must be an aware"):
            ask(LETTER, naive)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        "7",
        '{"key": "k", "outcome": "sent", "sent_at": ""}',
        "\ufffd",
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    """It is named with its line, and nothing is written to it."""
    path = tmp_path / "letters.ndjson"
    dry_run(path).send(LETTER, NOON)
    before = path.read_text(encoding="utf-8") + text + "\n"
    path.write_text(before, encoding="utf-8")

    with pytest.raises(InvalidInputError, match=r"letters.ndjson:2 must be a line"):
        dry_run(path)

    assert before == path.read_text(encoding="utf-8")


def test_a_line_with_another_outcome_or_field_is_not_ours(tmp_path: Path) -> None:
    """Nothing is guessed from half a line."""
    path = tmp_path / "letters.ndjson"
    dry_run(path).send(LETTER, NOON)
    line = json.loads(path.read_text(encoding="utf-8"))

    for change in ({"outcome": "lost"}, {"colour": "red"}, {"user": ""}):
        path.write_text(json.dumps(line | change) + "\n", encoding="utf-8")
        with pytest.raises(InvalidInputError, match=r"letters.ndjson:1 must be a line"):
            dry_run(path)


def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    """Not after a million letters."""
    for path in (tmp_path, tmp_path / "nowhere" / "letters.ndjson"):
        with pytest.raises(InvalidInputError, match="path must be a file in a folder"):
            dry_run(path)
