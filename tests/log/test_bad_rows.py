"""Rows that cannot be used: each is named, none is lost, none is guessed at."""

from __future__ import annotations

import datetime as dt
import math
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, LAZY, QUICK, instant, need, rows_of, table
from tests.frames.random_logs import answer, draw_case, expected
from wxengage.errors import InvalidInputError, InvalidLogError
from wxengage.log import Event, read_log
from wxengage.log.faults import FAULTS

if TYPE_CHECKING:
    import random

NINE = instant("2026-03-02T09:00")
DAY = dt.timedelta(days=1)
LAZILY = [engine for engine in QUICK if engine in LAZY]
GOOD = {"user": "oAnnaAnna", "kind": "like", "at": NINE, "value": 1.0, "id": "e0"}
LONG = "x" * 100_000
# Fault -> what is wrong with an otherwise good row.
FAULTY: dict[str, list[dict[str, Any]]] = {
    "missing_user": [{"user": None}],
    "bad_user": [
        {"user": ""},
        {"user": "   "},
        {"user": "o\x00Anna"},
        {"user": "oAnna\n"},
        {"user": "o\u200bAnna"},
        {"user": "\u202eannA"},
        {"user": "oAnna\u00ad"},
        {"user": LONG},
        {"user": "x" * 129},
    ],
    "missing_kind": [{"kind": None}],
    "unknown_kind": [{"kind": "liek"}, {"kind": "LIKE"}, {"kind": ""}, {"kind": LONG}],
    "missing_time": [{"at": None}],
    "time_out_of_range": [
        {"at": instant("1899-12-31T23:59")},
        {"at": instant("2200-01-01T00:00")},
    ],
    "future_time": [{"at": NINE + dt.timedelta(minutes=6)}],
    "bad_number": [{"value": math.nan}, {"value": math.inf}, {"value": -math.inf}],
    "negative_number": [{"value": -0.01}],
    "missing_id": [{"id": None}],
}
CASES = [(fault, change) for fault, changes in FAULTY.items() for change in changes]
NAMES = [f"{fault}-{n}" for n, (fault, _) in enumerate(CASES)]
# NumPy has no word for a missing float but NaN, nor has pandas.
READ: dict[str, Any] = {"value": "value", "id": "id", "now": NINE}


def spoilt(change: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a good row, one that is not, and another good one."""
    return [GOOD, GOOD | {"id": "e1"} | change, GOOD | {"user": "bo", "id": "e2"}]


@pytest.mark.parametrize("engine", EAGER)
@pytest.mark.parametrize(("fault", "change"), CASES, ids=NAMES)
def test_a_bad_row_raises_with_its_number_fault_and_mend(
    engine: str, fault: str, change: dict[str, Any]
) -> None:
    """Counts, the first rows, the column, the start of the value, what to do."""
    source = table(spoilt(change), engine)

    with pytest.raises(InvalidLogError) as caught:
        read_log(source, **READ)

    error = caught.value
    assert {fault: 1} == error.counts
    (row,) = error.rows
    assert (1, fault) == (row.row, row.fault)
    assert next(iter(change)) == row.field
    assert row.mend
    assert fault in str(error)
    assert "1 bad rows of 3" in str(error)
    assert len(str(error)) < 600
    assert "np." not in str(error)


@pytest.mark.parametrize("engine", EAGER)
@pytest.mark.parametrize(("fault", "change"), CASES, ids=NAMES)
def test_a_bad_row_can_be_set_aside(
    engine: str, fault: str, change: dict[str, Any]
) -> None:
    """The good rows are used; the bad one comes back with the reason."""
    log = read_log(table(spoilt(change), engine), on_bad="set_aside", **READ)

    assert (2, 3) == (len(log), log.rejected.given)
    assert {fault: 1} == log.rejected.counts
    assert [(1, fault)] == [(row.row, row.fault) for row in log.rejected.rows]
    assert ["bo", "oAnnaAnna"] == log.summarise(NINE).user.tolist()


@pytest.mark.parametrize("engine", LAZILY)
def test_an_engine_says_the_same_when_it_is_asked(engine: str) -> None:
    """Reading runs nothing; collecting raises, or leaves the bad rows out."""
    rows = [GOOD | {"id": f"b{n}"} | change for n, (_, change) in enumerate(CASES)]
    source = table([GOOD, *rows, GOOD | {"user": "bo", "id": "e2"}], engine)

    strict = read_log(source, **READ)
    lenient = read_log(source, on_bad="set_aside", **READ)

    counts = {fault: len(changes) for fault, changes in FAULTY.items()}
    for ask in (lambda: collected(strict.summarise(NINE)), strict.collect):
        with pytest.raises(InvalidLogError) as caught:
            ask()
        assert counts == caught.value.counts
        assert f"{len(rows)} bad rows of {len(rows) + 2}" in str(caught.value)
        assert 10 == len(caught.value.rows)
    assert ["bo", "oAnnaAnna"] == collected(lenient.summarise(NINE)).user.tolist()
    assert (2, counts) == (len(lenient), lenient.rejected.counts)
    fields = {(row.fault, row.field) for row in lenient.rejected.rows}
    assert {(fault, next(iter(change))) for fault, change in CASES} == fields


@pytest.mark.parametrize(("fault", "change"), CASES, ids=NAMES)
def test_a_lazy_row_is_bad_for_the_same_reason(
    fault: str, change: dict[str, Any]
) -> None:
    """Fault by fault, in the quickest of the engines."""
    source = table(spoilt(change), "polars_lazy")

    log = read_log(source, on_bad="set_aside", **READ)

    assert {fault: 1} == log.rejected.counts
    assert (2, 3) == (len(log), log.rejected.given)


def collected(summary: Any) -> Any:
    """Run a lazy summary."""
    return summary.collect()


@pytest.mark.parametrize("engine", [*EAGER, *LAZILY])
def test_ids_are_never_shown_whole(engine: str) -> None:
    """An openid is personal information: four characters tell which row it was."""
    need(engine)
    rows = [GOOD | {"user": "oSecretOpenId\x7f"}, GOOD | {"id": "conflict-number-1"}]
    rows += [GOOD | {"id": "conflict-number-1", "value": 2.0}]

    log = read_log(table(rows, engine), value="value", id="id", on_bad="set_aside")

    told = " ".join(map(str, log.rejected.rows))
    assert "oSecretOpenId" not in told
    assert "conflict-number-1" not in told
    assert "oSec" in told


@pytest.mark.parametrize("engine", [*EAGER, *LAZILY])
def test_an_unknown_kind_is_answered_with_the_nearest(engine: str) -> None:
    """Ready to be put into the call."""
    need(engine)
    log = read_log(table([GOOD | {"kind": "purchse"}], engine), on_bad="set_aside")

    (row,) = log.rejected.rows
    assert "did you mean 'purchase'? kinds={'purchse': 'purchase'}" == row.mend


@pytest.mark.parametrize("engine", [*EAGER, *LAZILY])
@pytest.mark.parametrize(
    ("changes", "used", "counts"),
    [
        ([{}, {}, {}], 1, {"duplicate": 2}),
        ([{}, {"value": 2.0}], 0, {"conflicting_id": 2}),
        ([{}, {}, {"kind": "read"}], 0, {"conflicting_id": 3}),
        ([{}, {"at": NINE - DAY}], 0, {"conflicting_id": 2}),
        ([{}, {"user": "bo"}], 0, {"conflicting_id": 2}),
        ([{}, {"item": "rice"}], 0, {"conflicting_id": 2}),
        ([{}, {"item": None}], 0, {"conflicting_id": 2}),
        ([{}, {"id": "e1"}], 2, {}),
        ([{}, {"kind": "liek"}], 1, {"unknown_kind": 1}),
    ],
)
def test_the_same_event_twice_is_used_once_and_a_contradiction_not_at_all(
    engine: str, changes: list[dict[str, Any]], used: int, counts: dict[str, int]
) -> None:
    """Neither of two rows with one id and different contents can be believed."""
    need(engine)
    rows = [GOOD | {"item": "tea"} | change for change in changes]

    log = read_log(
        table(rows, engine),
        value="value",
        id="id",
        item="item",
        on_bad="set_aside",
    )

    assert counts == log.rejected.counts
    assert used == len(log)
    assert len(rows) == log.rejected.given


@pytest.mark.parametrize("engine", EAGER)
def test_a_mere_repeat_does_not_raise(engine: str) -> None:
    """It is used once and listed; nothing is wrong with the log."""
    log = read_log(table([GOOD, GOOD], engine), id="id")

    assert (1, {"duplicate": 1}) == (len(log), log.rejected.counts)


@pytest.mark.parametrize("engine", EAGER)
def test_ten_rows_are_shown_and_all_are_counted(engine: str) -> None:
    """A message is read by people; the set-aside list has them all."""
    rows = [GOOD | {"kind": f"liek{n}"} for n in range(40)] + [GOOD] * 3
    rows += [GOOD | {"user": None}] * 5
    source = table(rows, engine)

    with pytest.raises(InvalidLogError) as caught:
        read_log(source)

    assert {"missing_user": 5, "unknown_kind": 40} == caught.value.counts
    assert list(range(10)) == [row.row for row in caught.value.rows]
    assert "45 bad rows of 48" in str(caught.value)
    assert 45 == len(read_log(source, on_bad="set_aside").rejected)


def test_a_row_is_counted_under_its_first_fault() -> None:
    """So that the counts sum to the number of bad rows."""
    everything = {"user": None, "kind": "x", "at": None, "value": -1.0, "id": None}

    log = read_log([GOOD | everything], on_bad="set_aside", **READ)

    assert {"missing_user": 1} == log.rejected.counts
    assert list(FAULTS).index("missing_user") == 0


def test_the_error_survives_pickling() -> None:
    """A worker can hand it to its parent."""
    with pytest.raises(InvalidLogError) as caught:
        read_log([GOOD | {"kind": "liek"}])

    again = pickle.loads(pickle.dumps(caught.value))

    assert str(caught.value) == str(again)
    assert (caught.value.counts, caught.value.rows) == (again.counts, again.rows)


@settings(max_examples=120)
@given(st.randoms(use_true_random=False), st.sampled_from(["records", "pyarrow"]))
def test_rows_used_and_rows_set_aside_are_the_rows_given(
    rng: random.Random, engine: str
) -> None:
    """Whatever faults there are, and however many in one row."""
    need(engine)
    case = draw_case(rng, users=4)
    faults = [change for fault, change in CASES if fault != "future_time"]
    rows: list[dict[str, Any]] = []
    for row in case.rows:
        told = {**row, "id": rng.choice(("e1", "e2", "e3", None, f"n{len(rows)}"))}
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            told |= rng.choice(faults)
        rows.append(told)

    log = read_log(table(rows, engine), value="value", id="id", on_bad="set_aside")

    rejected = log.rejected
    assert len(rows) == rejected.given == len(log) + len(rejected)
    assert len(rejected) == sum(rejected.counts.values())
    numbers = [row.row for row in rejected.rows]
    assert numbers == sorted(set(numbers))
    good = [row for n, row in enumerate(rows) if n not in numbers]
    assert sorted(str(r["user"]) for r in good) == sorted(
        str(r["user"]) for r in rows_of(log.to_frame())
    )


@settings(max_examples=40)
@given(st.randoms(use_true_random=False))
def test_good_rows_among_bad_ones_are_answered_as_if_alone(rng: random.Random) -> None:
    """What is set aside leaves no trace in any answer."""
    case = draw_case(rng, users=4)
    rows: list[dict[str, Any]] = [dict(row) for row in case.rows]
    changes = [c for fault, c in CASES if fault not in {"future_time", "missing_id"}]
    for _ in range(rng.randint(1, 5)):
        bad = {**rng.choice(case.rows), **rng.choice(changes)}
        rows.insert(rng.randint(0, len(rows)), bad)

    log = read_log(rows, value="value", on_bad="set_aside")

    for question in ("summary", "streaks", "classify", "transitions", "kind_counts"):
        assert expected(case, question) == answer(log, case, question)


@pytest.mark.parametrize("engine", ["records", "polars", "pyarrow", *LAZILY])
def test_a_missing_value_is_nothing(engine: str) -> None:
    """Empty is 0; it is no fault."""
    need(engine)
    rows = [GOOD | {"value": None}, GOOD | {"value": 8.5}]

    summary: Any = read_log(table(rows, engine), value="value").summarise(NINE)

    found = summary if engine in EAGER else summary.collect()
    assert [8.5] == found.value.tolist()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"kind": "liek"}, "kind"),
        ({"kind": None}, "kind"),
        ({"user": ""}, "user"),
        ({"user": None}, "user"),
        ({"user": True}, "user"),
        ({"user": 1.0}, "user"),
        ({"user": -1}, "user"),
        ({"user": "a\x00"}, "user"),
        ({"user": LONG}, "user"),
        ({"at": NINE.replace(tzinfo=None)}, "at"),
        ({"at": "2026-03-02"}, "at"),
        ({"at": None}, "at"),
        ({"value": -1}, "value"),
        ({"value": math.nan}, "value"),
        ({"value": True}, "value"),
        ({"value": "1"}, "value"),
        ({"id": ""}, "id"),
        ({"item": "\u200b"}, "item"),
        ({"inviter": 1.5}, "inviter"),
        ({"group": ["g"]}, "group"),
    ],
)
def test_an_event_refuses_what_a_row_may_not_hold(
    change: dict[str, Any], name: str
) -> None:
    """One rule for rows and for values."""
    fields: dict[str, Any] = {"kind": "like", "user": "ann", "at": NINE} | change

    with pytest.raises(InvalidInputError) as caught:
        Event(**fields)

    assert name == caught.value.name
    assert len(str(caught.value)) < 300


def test_numbers_that_stand_for_kinds_can_be_mapped() -> None:
    """Some exports number what users do; a bool is not such a number."""
    columns = {"user": ["ann", "bo", "cy"], "kind": [1, 2, True], "at": [0, 1, 2]}

    log = read_log(columns, unit="s", kinds={1: "like", 2: "read"}, on_bad="set_aside")

    assert ["like", "read"] == log.to_frame("arrays")["kind"].tolist()
    assert {"unknown_kind": 1} == log.rejected.counts
