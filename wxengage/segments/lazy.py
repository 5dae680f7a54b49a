"""Segments, their changes and scores inside an engine, as they are in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from wxengage.log.expressions import flag, full_days, local_day, stepped, whole
from wxengage.log.lazy import LazyLog
from wxengage.log.part import KIND_NAMES
from wxengage.segments.policy import ACTIVE, DORMANT, NOBODY, POTENTIAL, REASONS
from wxengage.segments.rfm_model import PLACES
from wxengage.times.zones import micros, span_micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.log.table import Log
    from wxengage.segments.policy import LifecyclePolicy
    from wxengage.segments.rfm_model import RfmModel
    from wxengage.stats.btyd.beta_geometric import MbgNbd
    from wxengage.times.days import DayClock

__all__ = [
    "HISTORY",
    "classify_lazily",
    "odds_distribution",
    "odds_lazily",
    "odds_scored",
    "rfm_distributions",
    "rfm_lazily",
    "rfm_scored",
    "transitions_lazily",
]

#: The columns of ``classify_users``, in order.
COLUMNS = (
    "user",
    "segment",
    "reason",
    "since",
    "last_interaction_at",
    "silent_days",
    "follow_age_days",
    "menu_clicks",
    "interactions",
)
#: The columns of a summary that a lifetime model is fitted on: x, t_x and T in days.
HISTORY: Final = ("repeat_days", "repeat_age_days", "age_days")
_NAMES = {POTENTIAL: "potential", ACTIVE: "active", DORMANT: "dormant"}


def classify_lazily(
    log: Log, as_of: dt.datetime, policy: LifecyclePolicy, clock: DayClock
) -> Any:
    """Return what ``classify_users`` says, as the engine's lazy frame."""
    assert isinstance(log, LazyLog)  # noqa: S101  the caller looked
    upto, silence = micros("as_of", as_of), span_micros("", policy.dormant_after)
    us, counts = nw.col("_us"), nw.col("_weight") > 0
    rows = _weighed(log, policy).filter(us <= upto)
    rows = rows.with_columns(
        _counts=flag(counts), _menu=flag(nw.col("kind") == "menu_click")
    )
    before = us.shift(1).over("user", "_counts", order_by="_us")
    rows = rows.with_columns(_before=before)
    wakes = nw.col("_before").is_null() | (us - nw.col("_before") > silence)
    seen = nw.col("_counts") == 1
    rows = rows.with_columns(
        _seen=nw.when(seen).then(us),
        _woke=nw.when(seen & wakes).then(us),
    )
    frame = rows.group_by("user").agg(
        _first=us.min(),
        last_interaction_at=nw.col("_seen").max(),
        _woke=nw.col("_woke").max(),
        menu_clicks=nw.col("_menu").sum(),
        interactions=nw.col("_counts").sum(),
    )
    if policy.one_suffices:
        frame = frame.with_columns(_enough=whole(1))
    else:
        frame = frame.drop("_woke").join(
            _latest(log, policy, upto), on="user", how="left"
        )
    frame = frame.join(log.follows(upto), on="user", how="left")
    last = nw.col("last_interaction_at")
    never, silent = last.is_null(), upto - last >= silence
    followed = local_day(nw.col("follow_us"), clock, 0, upto)
    cases = (never, silent, nw.col("_enough") == 1)
    frame = frame.with_columns(
        segment=_choose(cases, ("potential", "dormant", "active", "potential")),
        reason=_choose(cases, tuple(list(REASONS)[i] for i in (0, 3, 1, 2))),
        since=nw.when(never)
        .then(nw.col("_first"))
        .otherwise(nw.when(silent).then(last + silence).otherwise(nw.col("_woke"))),
        silent_days=full_days(upto - last),
        follow_age_days=clock.day(as_of) - followed,
    )
    numbers = [nw.col(n).cast(nw.Int64()) for n in COLUMNS[3:]]
    return log.native(
        frame.select(*COLUMNS[:3], *numbers), "since", "last_interaction_at"
    )


def _choose(cases: tuple[nw.Expr, ...], words: tuple[str, ...]) -> nw.Expr:
    """Return the word of the first case that holds, else the last word."""
    word = nw.lit(words[-1])
    for case, one in zip(reversed(cases), reversed(words[:-1]), strict=True):
        word = nw.when(case).then(nw.lit(one)).otherwise(word)
    return word


def _weighed(log: LazyLog, policy: LifecyclePolicy) -> nw.LazyFrame[Any]:
    """Return the rows with each one's weight in thousandths."""
    kinds: dict[int, list[str]] = {}
    for name, weight in zip(KIND_NAMES, policy.thousandths.tolist(), strict=True):
        kinds.setdefault(weight, []).append(name)
    weight = whole(0)
    for one, names in kinds.items():
        if one:
            weight = (
                nw.when(nw.col("kind").is_in(names)).then(whole(one)).otherwise(weight)
            )
    return log.lazy.select("user", "kind", "_us", _weight=weight)


def _changes(log: LazyLog, policy: LifecyclePolicy) -> nw.LazyFrame[Any]:
    """Return every change: ``user``, ``origin``, ``target`` as codes, ``_us``."""
    # The steps and their running sums are those of segments.timeline.
    within = span_micros("", policy.active_within)
    silence = span_micros("", policy.dormant_after)
    us, weight, following = nw.col("_us"), nw.col("_weight"), nw.col("_next")
    rows = _weighed(log, policy)
    born = rows.group_by("user").agg(_us=us.min())
    held = rows.filter(weight > 0).with_columns(
        _next=us.shift(-1).over("user", order_by="_us")
    )
    sleeps = held.filter(following.is_null() | (following - us > silence))
    woken = sleeps.filter(~following.is_null())

    def steps(
        frame: nw.LazyFrame[Any], at: nw.Expr, step: nw.Expr, asleep: int
    ) -> nw.LazyFrame[Any]:
        return frame.select("user", _us=at, _step=step, _asleep=whole(asleep))

    none = whole(0)
    every = nw.concat(
        [
            steps(held, us, weight, 0),
            steps(held, us + within, 0 - weight, 0),
            steps(sleeps, us + silence, none, 1),
            steps(woken, following, none, -1),
            steps(born, us, none, 0),
        ],
        how="vertical",
    )
    points = every.group_by("user", "_us").agg(
        _step=nw.col("_step").sum(), _asleep=nw.col("_asleep").sum()
    )
    points = points.with_columns(
        _held=nw.col("_step").cum_sum().over("user", order_by="_us"),
        _quiet=nw.col("_asleep").cum_sum().over("user", order_by="_us"),
    )
    awake = nw.when(nw.col("_held") >= policy.needed).then(whole(ACTIVE))
    state = (
        nw.when(nw.col("_quiet") > 0)
        .then(whole(DORMANT))
        .otherwise(awake.otherwise(whole(POTENTIAL)))
    )
    points = points.with_columns(target=state)
    origin = nw.col("target").shift(1).over("user", order_by="_us").fill_null(NOBODY)
    points = points.with_columns(origin=origin)
    return points.filter(nw.col("origin") != nw.col("target"))


def _latest(log: LazyLog, policy: LifecyclePolicy, upto: int) -> nw.LazyFrame[Any]:
    """Return since when each user has the present segment, and if it is active."""
    past = _changes(log, policy).filter(nw.col("_us") <= upto)
    # Instant and segment in one number: the latest change is the largest.
    past = past.with_columns(_last_change=nw.col("_us") * 4 + nw.col("target"))
    frame = past.group_by("user").agg(
        _woke=nw.col("_us").max(), _last_change=nw.col("_last_change").max()
    )
    return frame.with_columns(_enough=flag(nw.col("_last_change") % 4 == ACTIVE)).drop(
        "_last_change"
    )


def transitions_lazily(log: Log, low: int, high: int, policy: LifecyclePolicy) -> Any:
    """Return what ``transitions`` says, as the engine's lazy frame."""
    assert isinstance(log, LazyLog)  # noqa: S101  the caller looked
    us = nw.col("_us")
    frame = _changes(log, policy).filter((us > low) & (us <= high))
    name: dict[str, nw.Expr] = {}
    for column in ("origin", "target"):
        word = nw.lit(None, nw.String())
        for code, text in _NAMES.items():
            word = nw.when(nw.col(column) == code).then(nw.lit(text)).otherwise(word)
        name[column] = word
    frame = frame.with_columns(**name).select("user", "origin", "target", at=us)
    return log.native(frame, "at")


def rfm_lazily(log: Log, as_of: dt.datetime, clock: DayClock) -> nw.LazyFrame[Any]:
    """Return recency, frequency and monetary value of each user, not yet computed."""
    assert isinstance(log, LazyLog)  # noqa: S101  the caller looked
    frame: nw.LazyFrame[Any] = nw.from_native(log.summarise(as_of, clock=clock).native)
    seen = nw.col("interactions") > 0
    return frame.select(
        "user",
        recency_days=nw.when(seen).then(nw.col("age_days") - nw.col("repeat_age_days")),
        frequency=nw.when(seen).then(nw.col("repeat_days") + 1).otherwise(whole(0)),
        monetary=nw.col("value"),
    )


def _compared() -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    """Return what is compared: a higher number is a higher score."""
    money = nw.col("monetary").round(PLACES)
    return 0 - nw.col("recency_days"), nw.col("frequency"), money


def rfm_distributions(
    log: Log, frame: nw.LazyFrame[Any]
) -> list[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Run one query: the values of each of the three, ascending, and their users."""
    assert isinstance(log, LazyLog)  # noqa: S101  the caller looked
    log.check()
    seen = frame.filter(~nw.col("recency_days").is_null())
    columns = dict(zip(("recency", "frequency", "value"), _compared(), strict=True))
    # Users alike in all three are one row: three queries, or a union of three,
    # would have some engines compute the summary three times.
    alike = seen.select(**columns).group_by(*columns).agg(users=nw.len())
    found = alike.collect("pyarrow")
    users, tables = found["users"].to_numpy(), []
    for name in columns:
        numbers, place = np.unique(found[name].to_numpy(), return_inverse=True)
        count = np.bincount(place, weights=users, minlength=len(numbers))
        tables.append((numbers.astype(np.float64), count.astype(np.int64)))
    return tables


def rfm_scored(frame: nw.LazyFrame[Any], model: RfmModel) -> Any:
    """Return the engine's own frame with the scores; nothing runs."""
    seen = ~nw.col("recency_days").is_null()
    scores = ("recency_score", "frequency_score", "value_score")
    for name, column, steps in zip(scores, _compared(), model.steps, strict=True):
        score = stepped(column, [(start, whole(score)) for start, score in steps])
        some = nw.when(seen).then(score) if model.n else nw.lit(None, nw.Int64())
        frame = frame.with_columns(some.alias(name))
    text = nw.concat_str([nw.col(n).cast(nw.String()) for n in scores], separator="-")
    return nw.to_native(frame.with_columns(rfm=text))


def odds_lazily(log: Log, as_of: dt.datetime, clock: DayClock) -> nw.LazyFrame[Any]:
    """Return the history of each user, null for who never interacted."""
    assert isinstance(log, LazyLog)  # noqa: S101  the caller looked
    frame: nw.LazyFrame[Any] = nw.from_native(log.summarise(as_of, clock=clock).native)
    seen = nw.col("interactions") > 0
    history = [nw.when(seen).then(nw.col(name)).alias(name) for name in HISTORY]
    return frame.select("user", *history)


def odds_distribution(
    log: Log, frame: nw.LazyFrame[Any]
) -> tuple[tuple[NDArray[np.int64], ...], NDArray[np.int64]]:
    """Run one query: the different histories, and how many users have each."""
    assert isinstance(log, LazyLog)  # noqa: S101  the caller looked
    log.check()
    seen = frame.filter(~nw.col("age_days").is_null())
    found = seen.group_by(*HISTORY).agg(users=nw.len()).collect("pyarrow")
    return tuple(found[name].to_numpy() for name in HISTORY), found["users"].to_numpy()


def odds_scored(frame: nw.LazyFrame[Any], model: MbgNbd | None, horizon: float) -> Any:
    """Return the engine's own frame with the odds; nothing runs."""
    # The formulas are those of stats.btyd.beta_geometric.
    if model is None:
        nothing = nw.lit(None, nw.Float64())
        frame = frame.with_columns(p_active=nothing, adaptive_gap_days=nothing)
        return nw.to_native(frame.select("user", "p_active", "adaptive_gap_days"))
    x, t_x, age = (nw.col(name).cast(nw.Float64()) for name in HISTORY)
    shape, left = model.r + x, (model.b + x).log() - math.log(model.a)
    longer = (model.alpha + age).log() - (model.alpha + t_x).log()
    frame = frame.with_columns(
        _gone=shape * longer - left,
        _missed=shape
        * ((model.alpha + age + horizon).log() - (model.alpha + age).log()),
        _silence=nw.when(left > 0).then(left / shape).otherwise(nw.lit(0.0)),
    )
    gone, silence = (_at_most(nw.col(name), 700.0) for name in ("_gone", "_silence"))
    alive = 1.0 / (1.0 + gone.exp())
    return nw.to_native(
        frame.select(
            "user",
            p_active=alive * (1.0 - (0.0 - nw.col("_missed")).exp()),
            adaptive_gap_days=(model.alpha + t_x) * (silence.exp() - 1.0),
        )
    )


def _at_most(column: nw.Expr, limit: float) -> nw.Expr:
    """Return a column without values that an exponential does not hold."""
    return nw.when(column > limit).then(nw.lit(limit)).otherwise(column)
