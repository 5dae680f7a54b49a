"""Yesterday's state plus today's events is a recompute."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import instant, need, rows_of, table
from tests.frames.random_logs import Case, draw_case
from wxengage.errors import InvalidInputError, InvalidLogError
from wxengage.log import Tally, read_log
from wxengage.times import DayClock

if TYPE_CHECKING:
    import random
    from pathlib import Path

NINE = instant("2026-03-02T09:00")
DAY = dt.timedelta(days=1)
MICRO = dt.timedelta(microseconds=1)
LOGS = st.randoms(use_true_random=False)
WINDOWS = (DAY, 7 * DAY, 30 * DAY)

Rows = list[dict[str, Any]]


def tally_of(case: Case, window: dt.timedelta, *batches: Rows) -> Tally:
    """Return a tally to which batches were added one after the other."""
    tally = Tally(clock=case.clock, window=window, session_gap=case.session_gap)
    for batch in batches:
        tally.add(batch, value="value")
    return tally


def in_time(rng: random.Random, users: int) -> tuple[Case, Rows, list[Rows]]:
    """Draw a log in order of time, whole and cut into batches."""
    case = draw_case(rng, users)
    rows = sorted(case.rows, key=lambda row: row["at"])
    cuts = sorted(rng.randint(0, len(rows)) for _ in range(rng.randint(0, 4)))
    edges = [0, *cuts, len(rows)]
    return case, rows, [rows[a:b] for a, b in itertools.pairwise(edges)]


def recomputed(
    case: Case, window: dt.timedelta, rows: Rows, as_of: dt.datetime
) -> Rows:
    """Return the summary of all rows at once."""
    summary = read_log(rows, value="value").summarise(
        as_of, window=window, session_gap=case.session_gap, clock=case.clock
    )
    return rows_of(summary.to_frame())


@settings(max_examples=150)
@given(LOGS, st.sampled_from(WINDOWS), st.sampled_from([0, 1, 12, 29, 47]))
def test_any_split_into_batches_gives_what_a_recompute_gives(
    rng: random.Random, window: dt.timedelta, days: int
) -> None:
    """Wherever the cuts fall: in a session, in a day, between two ties."""
    case, rows, batches = in_time(rng, users=4)
    as_of = rows[-1]["at"] + days * DAY

    tally = tally_of(case, window, *batches)

    assert recomputed(case, window, rows, as_of) == rows_of(
        tally.summary(as_of).to_frame()
    )


@settings(max_examples=80)
@given(LOGS, st.sampled_from(WINDOWS))
def test_merging_is_associative(rng: random.Random, window: dt.timedelta) -> None:
    """However the brackets stand, and none of the parts is changed by it."""
    case, rows, batches = in_time(rng, users=4)
    batches = [*batches, [], []][:3] if len(batches) < 3 else batches[:3]
    rows = [row for batch in batches for row in batch]
    as_of = (rows[-1]["at"] if rows else NINE) + 3 * DAY
    one, two, three = (tally_of(case, window, batch) for batch in batches)

    left, right = one.merge(two).merge(three), one.merge(two.merge(three))

    expected = recomputed(case, window, rows, as_of)
    for tally in (left, right):
        assert expected == rows_of(tally.summary(as_of).to_frame("records"))
    for tally, batch in zip((one, two, three), batches, strict=True):
        assert recomputed(case, window, batch, as_of) == rows_of(
            tally.summary(as_of).to_frame("records")
        )


@settings(max_examples=80)
@given(LOGS, st.sampled_from(WINDOWS))
def test_tallies_of_different_users_merge_in_any_order(
    rng: random.Random, window: dt.timedelta
) -> None:
    """Shards of the users may be counted on their own, days apart or not."""
    case = draw_case(rng, users=6)
    shards: list[Rows] = [[], []]
    for row in sorted(case.rows, key=lambda row: row["at"]):
        shards[int(row["user"][1:]) % 2].append(row)
    as_of = max(row["at"] for row in case.rows) + DAY
    one, two = (tally_of(case, window, shard) for shard in shards)

    expected = recomputed(case, window, list(case.rows), as_of)

    for both in (one.merge(two), two.merge(one)):
        assert expected == rows_of(both.summary(as_of).to_frame("records"))


@settings(max_examples=30)
@given(LOGS, st.sampled_from(WINDOWS))
def test_a_tally_saved_and_opened_between_batches_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, rng: random.Random, window: dt.timedelta
) -> None:
    """Night after night: open, add, save over the old one."""
    case, rows, batches = in_time(rng, users=4)
    folder = tmp_path_factory.mktemp("nights") / "tally"
    tally_of(case, window).save(folder)

    for batch in batches:
        tally = Tally.open(folder)
        tally.add(batch, value="value")
        assert folder == tally.save(folder)

    as_of = rows[-1]["at"] + DAY
    expected = recomputed(case, window, rows, as_of)
    assert expected == rows_of(Tally.open(folder).summary(as_of).to_frame("records"))
    assert [folder] == list(folder.parent.iterdir())


def test_a_late_event_is_refused_and_nothing_changes() -> None:
    """The tally says so instead of counting wrong: user, time and the mend."""
    tally = Tally()
    tally.add([{"user": "oAnnaAnna", "kind": "like", "at": NINE}])
    late = [
        {"user": "bo", "kind": "like", "at": NINE + DAY},
        {"user": "oAnnaAnna", "kind": "read", "at": NINE - MICRO},
    ]
    before = rows_of(tally.summary(NINE + DAY).to_frame())

    with pytest.raises(InvalidInputError, match="recompute from the events") as caught:
        tally.add(late)

    assert "batch" == caught.value.name
    assert "1 users" in str(caught.value.got)
    assert "oAnnaAnna" not in str(caught.value)
    assert 1 == len(tally)
    assert before == rows_of(tally.summary(NINE + DAY).to_frame())
    tally.add([{"user": "bo", "kind": "like", "at": NINE - DAY}])
    assert 2 == len(tally)


def test_an_event_at_the_instant_of_the_last_one_is_not_late() -> None:
    """Ties may be cut in two."""
    tally = Tally()
    for _ in range(2):
        tally.add([{"user": "ann", "kind": "like", "at": NINE}])

    assert [2] == tally.summary(NINE).interactions.tolist()
    assert [1] == tally.summary(NINE).sessions.tolist()


def test_a_batch_that_cannot_be_read_leaves_the_tally_as_it_was() -> None:
    """All or nothing."""
    tally = Tally()
    tally.add([{"user": "ann", "kind": "like", "at": NINE}])

    with pytest.raises(InvalidLogError):
        tally.add(
            [
                {"user": "ann", "kind": "like", "at": NINE + DAY},
                {"user": "bo", "kind": "liek", "at": NINE + DAY},
            ]
        )

    assert [1] == tally.summary(NINE + DAY).interactions.tolist()


def test_an_instant_before_the_last_event_is_refused() -> None:
    """The tally no longer knows what it did not know then."""
    tally = Tally()
    tally.add([{"user": "ann", "kind": "like", "at": NINE}])

    with pytest.raises(InvalidInputError, match="as_of must be at or after the last"):
        tally.summary(NINE - MICRO)
    with pytest.raises(InvalidInputError, match="as_of must be an aware datetime"):
        tally.summary(NINE.replace(tzinfo=None))


def test_an_empty_tally_has_an_empty_summary() -> None:
    """And adding nothing changes nothing."""
    tally = Tally()
    tally.add([])

    assert 0 == len(tally) == len(tally.summary(NINE))
    assert "0 users up to nothing" in repr(tally)
    tally.add([{"user": "ann", "kind": "like", "at": NINE}])
    tally.add([])
    assert "1 users up to 2026-03-02" in repr(tally)


@pytest.mark.parametrize(
    ("settings_", "name"),
    [
        ({"window": dt.timedelta(hours=36)}, "window"),
        ({"window": dt.timedelta(0)}, "window"),
        ({"window": -DAY}, "window"),
        ({"window": 30}, "window"),
        ({"session_gap": dt.timedelta(0)}, "session_gap"),
        ({"session_gap": -DAY}, "session_gap"),
        ({"session_gap": None}, "session_gap"),
    ],
)
def test_a_tally_refuses_settings_it_cannot_keep(
    settings_: dict[str, Any], name: str
) -> None:
    """It keeps a count a day, so windows are whole days."""
    with pytest.raises(InvalidInputError) as caught:
        Tally(**settings_)

    assert name == caught.value.name


@pytest.mark.parametrize(
    "other",
    [
        Tally(clock=DayClock("UTC")),
        Tally(window=7 * DAY),
        Tally(session_gap=DAY),
    ],
)
def test_tallies_made_differently_do_not_merge(other: Tally) -> None:
    """Their days or sessions are not the same."""
    with pytest.raises(InvalidInputError, match="other must be made with"):
        Tally().merge(other)


def test_only_a_tally_merges_with_a_tally() -> None:
    """A log is added, not merged."""
    not_a_tally: Any = read_log([])

    with pytest.raises(InvalidInputError, match="other"):
        Tally().merge(not_a_tally)


def test_ids_of_two_types_do_not_meet_in_one_tally() -> None:
    """A number and a text may be the same user, or not: nobody knows."""
    tally = Tally()
    tally.add([{"user": 7, "kind": "like", "at": NINE}])

    with pytest.raises(InvalidInputError):
        tally.add([{"user": "7", "kind": "like", "at": NINE}])

    assert [7] == tally.summary(NINE).user.tolist()


@pytest.mark.parametrize("engine", ["pandas", "polars", "pyarrow", "polars_lazy"])
def test_a_tally_takes_any_source_and_answers_in_its_kind(engine: str) -> None:
    """An engine's log is collected; its answer is an Arrow table."""
    need(engine)
    rows = [{"user": "ann", "kind": "like", "at": NINE}]
    tally = Tally()
    tally.add(table(rows, engine))

    answer = tally.summary(NINE).to_frame()

    module = type(answer).__module__.partition(".")[0]
    assert {"polars_lazy": "pyarrow"}.get(engine, engine) == module
    assert "ann" == rows_of(answer)[0]["user"]


def test_whole_number_ids_stay_whole_numbers_over_saving(tmp_path: Path) -> None:
    """And in the order of numbers."""
    tally = Tally()
    tally.add([{"user": n, "kind": "like", "at": NINE} for n in (10, 7)])
    tally.save(tmp_path / "tally")

    assert [7, 10] == Tally.open(tmp_path / "tally").summary(NINE).user.tolist()


def test_a_tally_of_another_kind_or_a_newer_format_is_refused(tmp_path: Path) -> None:
    """Rather than read it wrong."""
    log = read_log([{"user": "ann", "kind": "like", "at": NINE}])
    log.save(tmp_path / "log")
    Tally().save(tmp_path / "tally")
    about = tmp_path / "tally" / "about.json"
    newer = json.loads(about.read_text(encoding="utf-8")) | {"wxengage": 99}

    with pytest.raises(InvalidInputError, match="got 'a saved log'"):
        Tally.open(tmp_path / "log")
    about.write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="pip install --upgrade wxengage"):
        Tally.open(tmp_path / "tally")
    with pytest.raises(InvalidInputError, match="folder with a saved tally"):
        Tally.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "changes", [{"tz": "Mars"}, {"window_days": "x"}, {"origin": []}, {"day_start": 4}]
)
def test_a_damaged_tally_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Whatever is wrong with what it says of itself, or with its columns."""
    tally = Tally()
    tally.add([{"user": "ann", "kind": "like", "at": NINE}])
    folder = tally.save(tmp_path / "tally")
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    (folder / "about.json").write_text(json.dumps(about | changes), encoding="utf-8")

    with pytest.raises(InvalidInputError, match="path must be a whole saved tally"):
        Tally.open(folder)

    tally.save(folder)
    (folder / "state.events.npy").unlink()
    with pytest.raises(InvalidInputError, match="path must be a whole saved tally"):
        Tally.open(folder)


def test_deliveries_may_come_late() -> None:
    """They open no session: what a provider reports days later is still counted."""
    tally = Tally()
    tally.add([{"user": "ann", "kind": "like", "at": NINE}])
    tally.add([{"user": "ann", "kind": "deliver", "at": NINE - DAY}])

    summary = tally.summary(NINE)

    assert [2] == summary.events.tolist()
    assert NINE - DAY == rows_of(summary.to_frame("records"))[0]["first_at"]
