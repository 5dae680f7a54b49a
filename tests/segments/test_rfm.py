"""Recency, frequency and monetary value: scores, models, engines, real orders."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.frames import reference
from tests.frames.engines import (
    EAGER,
    LAZY,
    QUICK,
    in_order,
    instant,
    need,
    rows_of,
    table,
)
from tests.frames.random_logs import Case, draw_case
from tests.frames.test_type_in_type_out import explosive
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log import read_log
from wxengage.segments import rfm_scores
from wxengage.segments.rfm_model import RfmModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.log import Log
    from wxengage.segments.scored import Scored

ORACLES = json.loads(
    (Path(__file__).parents[1] / "data" / "oracles.json").read_text(encoding="utf-8")
)
NOON = instant("2026-03-01T04:00")  # in Shanghai
AS_OF = NOON + dt.timedelta(days=100)
SCORES = ("recency_score", "frequency_score", "value_score")
COLUMNS = ["user", "recency_days", "frequency", "monetary", *SCORES, "rfm"]
MODEL = RfmModel(3, 6, ((30, 2), (7, 3)), ((2, 2), (5, 3)), ((80.0, 3),))
# Of each user: days before as_of, and what was paid.
ORDERS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 8).map(lambda n: n / 4)),
        min_size=1,
        max_size=5,
    ),
    max_size=25,
)


def log_of(users: Sequence[Sequence[tuple[int, float]]], kind: str = "purchase") -> Log:
    """Return the log of orders."""
    rows = [
        {"user": f"u{n:03}", "kind": kind, "at": before(ago), "value": float(paid)}
        for n, orders in enumerate(users)
        for ago, paid in orders
    ]
    return read_log(rows or table([], "arrays"), value="value")


def before(days: int) -> dt.datetime:
    """Return noon, some days before."""
    return AS_OF - dt.timedelta(days=days)


def slow_scores(values: Sequence[float], bins: int) -> list[int]:
    """Return scores by the definition, in exact fractions."""
    found = []
    for one in values:
        below = sum(other < one for other in values)
        rank = below + Fraction(sum(other == one for other in values) + 1, 2)
        share = bins * (rank - Fraction(1, 2)) / len(values)
        found.append(min(1 + math.floor(share), bins))
    return found


def column(scored: Scored, name: str) -> list[Any]:
    """Return one column of the answer."""
    return [row[name] for row in rows_of(scored.frame)]


def test_ties_are_scored_as_measured() -> None:
    """Four users who paid nothing share a score; pandas.qcut raises on them."""
    oracle = ORACLES["segmentation"]["rfm_quintile_ties"]

    scored = rfm_scores(log_of([[(3, v)] for v in oracle["inputs"]["values"]]), AS_OF)

    assert oracle["outputs"]["score"] == column(scored, "value_score")
    assert ((0.0, 2), (1.0, 3), (2.0, 4), (5.0, 5)) == scored.model.value_cuts
    assert {3} == set(column(scored, "recency_score"))


@given(ORDERS, st.integers(2, 12))
def test_scores_are_those_of_the_definition(
    users: list[list[tuple[int, float]]], bins: int
) -> None:
    """Days are local days, several orders a day are one, fewer days score higher."""
    scored = rfm_scores(log_of(users), AS_OF, bins=bins)

    recency = [min(ago for ago, _ in orders) for orders in users]
    often = [len({ago for ago, _ in orders}) for orders in users]
    paid = [sum(amount for _, amount in orders) for orders in users]
    assert recency == column(scored, "recency_days")
    assert often == column(scored, "frequency")
    assert paid == column(scored, "monetary")
    scores = [
        slow_scores([-days for days in recency], bins),
        slow_scores(often, bins),
        slow_scores(paid, bins),
    ]
    assert scores == [column(scored, name) for name in SCORES]
    texts = ["-".join(map(str, three)) for three in zip(*scores, strict=True)]
    assert texts == column(scored, "rfm")
    assert (bins, len(users)) == (scored.model.bins, scored.model.n)


@given(ORDERS, st.integers(2, 12))
def test_a_log_scored_with_its_own_model_is_scored_the_same(
    users: list[list[tuple[int, float]]], bins: int
) -> None:
    """The model says all that the ranks said, also after it was written and read."""
    log = log_of(users)
    own = rfm_scores(log, AS_OF, bins=bins)

    again = rfm_scores(log, AS_OF, model=load(dump(own.model)))

    assert own.model == again.model
    assert rows_of(own.frame) == rows_of(again.frame)


@given(ORDERS, ORDERS)
def test_another_log_is_measured_by_the_same_rule(
    users: list[list[tuple[int, float]]], others: list[list[tuple[int, float]]]
) -> None:
    """Its scores are those of its own numbers alone: no neighbour changes them."""
    model = rfm_scores(log_of(users), AS_OF).model

    together = rows_of(rfm_scores(log_of(others), AS_OF, model=model).frame)

    for orders, row in zip(others, together, strict=True):
        alone = rows_of(rfm_scores(log_of([orders]), AS_OF, model=model).frame)
        assert [row | {"user": "u000"}] == alone
        assert (row["recency_score"] is None) == (not users)


@given(ORDERS)
def test_only_the_order_of_amounts_matters(
    users: list[list[tuple[int, float]]],
) -> None:
    """Fen or yuan, or any map that keeps the order: the scores stay."""
    totals = [[(7, sum(paid for _, paid in orders))] for orders in users]
    curved = [[(7, paid**3 + 5)] for ((_, paid),) in totals]
    fen = [[(7, paid * 100)] for ((_, paid),) in totals]

    expected = column(rfm_scores(log_of(totals), AS_OF), "value_score")

    assert expected == column(rfm_scores(log_of(curved), AS_OF), "value_score")
    assert expected == column(rfm_scores(log_of(fen), AS_OF), "value_score")


@pytest.mark.parametrize("bins", [2, 5, 7, 10, 100])
@pytest.mark.parametrize("n", [100, 997])
def test_without_ties_each_score_has_its_part(bins: int, n: int) -> None:
    """As near to n / bins users as whole users can be."""
    paid = list(range(n))
    random.Random(1).shuffle(paid)  # noqa: S311  a fixed order, no secret
    log = log_of([[(7, float(amount))] for amount in paid])

    found = Counter(column(rfm_scores(log, AS_OF, bins=bins), "value_score"))

    assert list(range(1, bins + 1)) == sorted(found)
    assert set(found.values()) <= {n // bins, -(-n // bins)}


@given(ORDERS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    users: list[list[tuple[int, float]]], rng: random.Random
) -> None:
    """A log is a set of rows."""
    rows = log_of(users).to_frame("records")
    shuffled = rng.sample(rows, len(rows))

    first, second = (
        rfm_scores(read_log(one or table([], "arrays"), value="value"), AS_OF)
        for one in (rows, shuffled)
    )

    assert first.model == second.model
    assert rows_of(first.frame) == rows_of(second.frame)


def test_equal_sums_are_equal_however_they_were_added() -> None:
    """Ten times 0.1 is 1, as it is with money, and 0.1 + 0.2 is 0.3."""
    users = [[(5, 0.1)] * 10, [(5, 1.0)], [(5, 0.1), (4, 0.2)], [(5, 0.3)]]

    scored = rfm_scores(log_of(users), AS_OF, bins=2)

    assert [2, 2, 1, 1] == column(scored, "value_score")
    assert ((1.0, 2),) == scored.model.value_cuts


def test_who_never_interacted_has_no_scores_and_takes_no_rank() -> None:
    """Readers are in the answer, beside the others and not among them."""
    buyers = log_of([[(3, 10.0)], [(9, 30.0)]]).to_frame("records")
    read = {"user": "zoe", "kind": "read", "at": before(1), "value": 0.0}
    log = read_log([*buyers, read], value="value")

    scored = rfm_scores(log, AS_OF, bins=2)

    assert ["2-2-1", "1-2-2", None] == column(scored, "rfm")
    assert [None, None, None] == [rows_of(scored.frame)[2][name] for name in SCORES]
    assert (None, 0, 0) == tuple(rows_of(scored.frame)[2][n] for n in COLUMNS[1:4])
    assert 2 == scored.model.n
    (alone,) = rows_of(rfm_scores(read_log([read]), AS_OF, model=MODEL).frame)
    assert alone["rfm"] is None


def test_events_after_the_instant_and_other_days_are_told_by_the_clock() -> None:
    """A purchase at noon is one day ago at midnight, by Shanghai's calendar."""
    log = log_of([[(0, 5.0), (-3, 100.0)]])
    midnight = instant("2026-06-10T00:00", "Asia/Shanghai")

    now, later = (
        column(rfm_scores(log, at), "recency_days") for at in (AS_OF, midnight)
    )

    assert ([0], [1]) == (now, later)
    assert [5] == column(rfm_scores(log, AS_OF), "monetary")


@pytest.mark.parametrize("engine", [*EAGER, *LAZY])
def test_a_log_without_events_has_no_scores(engine: str) -> None:
    """No rows, and a model of nobody, which scores nobody."""
    late = [{"user": "u", "kind": "like", "at": AS_OF + dt.timedelta(1), "value": 1.0}]
    log = read_log(table(late, engine), value="value")

    scored = rfm_scores(log, AS_OF)

    assert [] == rows_of(scored.frame)
    assert RfmModel(5, 0, (), (), ()) == scored.model
    known = read_log(table(late, engine), value="value")
    (row,) = rows_of(
        rfm_scores(known, AS_OF + dt.timedelta(2), model=scored.model).frame
    )
    assert [1, 1, 1, None, None, None, None] == [row[name] for name in COLUMNS[1:]]


def expected(case: Case, bins: int) -> list[dict[str, Any]]:
    """Return the answer to a random log, by the slow reference."""
    summary = reference.summary(
        case.rows,
        case.as_of,
        window=case.window,
        session_gap=case.session_gap,
        clock=reference.Clock(case.tz, case.day_start),
    )
    seen = [row for row in summary if row["interactions"]]
    days = [row["age_days"] - row["repeat_age_days"] for row in seen]
    often = [row["repeat_days"] + 1 for row in seen]
    scores = zip(
        slow_scores([-one for one in days], bins),
        slow_scores(often, bins),
        slow_scores([row["value"] for row in seen], bins),
        strict=True,
    )
    found = {
        row["user"]: (day, count, row["value"], *three, "-".join(map(str, three)))
        for row, day, count, three in zip(seen, days, often, scores, strict=True)
    }
    never = (None, 0, None, None, None, None, None)
    rows = [(row["user"], *found.get(row["user"], never)) for row in summary]
    values = {row["user"]: row["value"] for row in summary}
    return [
        dict(zip(COLUMNS, row, strict=True)) | {"monetary": values[row[0]]}
        for row in rows
    ]


@pytest.mark.parametrize("engine", QUICK)
@pytest.mark.parametrize("scene", [0, 3])
@settings(max_examples=2, phases=(Phase.explicit, Phase.generate))
@given(rng=st.randoms(use_true_random=True))
def test_every_kind_of_table_is_scored_alike(
    engine: str, scene: int, rng: random.Random
) -> None:
    """By the reference's own count of days; the models are equal too."""
    need(engine)
    case = draw_case(rng, 40, scene=scene)
    log = read_log(table(case.rows, engine), value="value")
    plain = read_log(list(case.rows), value="value")

    scored = rfm_scores(log, case.as_of, bins=12, clock=case.clock)

    assert expected(case, 12) == rows_of(scored.frame)
    assert (
        rfm_scores(plain, case.as_of, bins=12, clock=case.clock).model == scored.model
    )
    again = rfm_scores(log, case.as_of, model=scored.model, clock=case.clock)
    assert rows_of(scored.frame) == rows_of(again.frame)


def test_spark_scores_alike() -> None:
    """One log, since Spark takes seconds to think about it."""
    need("pyspark")
    rng = random.Random(5)  # noqa: S311  a fixed log, no secret
    case = draw_case(rng, 60, scene=0)
    log = read_log(table(case.rows, "pyspark"), value="value")

    scored = rfm_scores(log, case.as_of, clock=case.clock)

    assert expected(case, 5) == rows_of(scored.frame)


@pytest.mark.parametrize("engine", [name for name in LAZY if name != "pyspark"])
def test_engines_score_sums_that_they_round_differently_alike(engine: str) -> None:
    """Cents are added in an order of the engine's own; equal money stays equal."""
    need(engine)
    rng = random.Random(9)  # noqa: S311  a fixed log, no secret
    users = [[(rng.randint(0, 9), rng.randint(1, 9) / 10)] * 7 for _ in range(60)]
    rows = log_of(users).to_frame("records")
    plain = rfm_scores(read_log(rows, value="value"), AS_OF)

    scored = rfm_scores(read_log(table(rows, engine), value="value"), AS_OF)

    assert plain.model == scored.model
    for name in (*SCORES, "rfm"):
        assert column(plain, name) == column(scored, name)


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb", "ibis"])
def test_with_a_model_nothing_runs_before_the_answer_is_collected(engine: str) -> None:
    """And without one, what runs is the query for the cuts."""
    need(engine)
    log = read_log(explosive(engine))

    scored = rfm_scores(log, AS_OF, model=MODEL)

    assert scored.model is MODEL
    assert str(scored) == repr(scored)
    assert "by RfmModel" in scored._repr_html_()
    with pytest.raises(Exception, match="this ran"):
        rows_of(scored.frame)
    with pytest.raises(Exception, match="this ran"):
        rfm_scores(log, AS_OF)


def test_rows_that_cannot_be_used_are_told_before_anything_is_learnt() -> None:
    """A model fitted to half a log would be a silent mistake."""
    need("polars_lazy")
    rows = log_of([[(3, 10.0)]]).to_frame("records")
    bad = table([*rows, rows[0] | {"kind": "buys"}], "polars_lazy")

    with pytest.raises(InvalidInputError, match="unknown_kind"):
        rfm_scores(read_log(bad), AS_OF)


@pytest.mark.parametrize("engine", ["polars", "pyarrow", "polars_lazy"])
def test_scores_are_whole_numbers_or_null(engine: str) -> None:
    """So that they can be joined, grouped and written without a cast."""
    need(engine)
    import narwhals.stable.v2 as nw  # noqa: PLC0415  an answer is looked at

    rows = log_of([[(1, 2.0)]]).to_frame("records")
    frame = rfm_scores(read_log(table(rows, engine), value="value"), AS_OF).frame

    schema = nw.from_native(frame).collect_schema()
    assert COLUMNS == schema.names()
    for name in ("recency_days", "frequency", *SCORES):
        assert nw.Int64 == schema[name], name
    assert (nw.Float64, nw.String) == (schema["monetary"], schema["rfm"])


def test_real_orders_are_scored_as_pandas_ranks_them(data_folder: Path) -> None:
    """995 customers, and several with the same score at each end."""
    need("pandas")
    import pandas as pd  # noqa: PLC0415  an extra

    orders = pd.read_csv(data_folder / "rfm_orders" / "orders.csv")
    orders["order_date"] = pd.to_datetime(orders["order_date"])
    as_of = dt.datetime(2006, 12, 31, 12, tzinfo=dt.UTC)
    log = read_log(
        orders.assign(kind="purchase"),
        user="customer_id",
        at="order_date",
        value="revenue",
        tz="Asia/Shanghai",
    )

    frame, model = rfm_scores(log, as_of)

    people = orders.groupby("customer_id").agg(
        last=("order_date", "max"),
        frequency=("order_date", "nunique"),
        monetary=("revenue", "sum"),
    )
    people["recency_days"] = (pd.Timestamp("2006-12-31") - people["last"]).dt.days
    assert 995 == len(frame) == model.n
    assert people.index.tolist() == frame["user"].tolist()
    for name, score, sign in zip(COLUMNS[1:4], SCORES, (-1, 1, 1), strict=True):
        assert people[name].tolist() == frame[name].tolist()
        rank = (sign * people[name]).rank(method="average")
        peer = 1 + np.floor(5 * (rank - 0.5) / 995)
        assert peer.tolist() == frame[score].tolist()
    assert rows_of(frame) == in_order(
        rows_of(rfm_scores(log, as_of, model=load(dump(model))).frame)
    )
    past = rfm_scores(log, as_of - dt.timedelta(days=365), model=model)
    assert model is past.model
    assert len(past.frame) < 995


@pytest.mark.parametrize("engine", ["arrays", "polars_lazy"])
@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("bins must be at least 2", {"bins": 1}),
        ("bins must be a whole number", {"bins": True}),
        ("bins must be a whole number", {"bins": 5.0}),
        ("bins must be at most 100", {"bins": 1_000}),
        ("model must be an RfmModel", {"model": "monthly"}),
        ("model must be an RfmModel", {"model": dump(MODEL)}),
    ],
)
def test_bad_questions_are_refused_by_name(
    engine: str, said: str, changes: dict[str, Any]
) -> None:
    """In memory and in an engine."""
    rows = log_of([[(1, 2.0)]]).to_frame("records")
    log = read_log(table(rows, engine), value="value")

    with pytest.raises(InvalidInputError, match=said):
        rfm_scores(log, AS_OF, **changes)
    with pytest.raises(InvalidInputError, match="as_of must be"):
        rfm_scores(log, AS_OF.replace(tzinfo=None))
