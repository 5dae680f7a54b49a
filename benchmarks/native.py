"""The summary of a log written by hand for each engine, without our library.

The same plan with the same columns as ``read_log(frame).summarise(as_of)`` gives
as the engine's own frame. Each can be asked for with our row checks (rows with a
missing or impossible user, kind, time or amount are left out) or without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from answers import DAY, EAST, GAP, NAMES, TODAY, WINDOW_START
from eventlog import AS_OF

from wxengage.errors import INVISIBLE, LONGEST_ID
from wxengage.log import KINDS
from wxengage.log.expressions import EARLIEST, LATEST

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ibis_summary", "polars_summary", "summary_query"]

# The rule for ids is the library's; only the plans are written anew.
_HIDDEN: Final = "".join(
    sign if sign == "-" else f"\\x{{{ord(sign):X}}}"
    for sign in INVISIBLE.replace("\ud800-\udfff", "")
)
_COUNTS: Final = (
    "events",
    "interactions",
    "interactions_in_window",
    "active_days_in_window",
    "sessions",
    "menu_clicks",
)
_ORDER: Final = (
    "user",
    *_COUNTS[:5],
    "value",
    "first_at",
    "last_at",
    "last_interaction_at",
    "follow_age_days",
    "menu_clicks",
    "repeat_days",
    "repeat_age_days",
    "age_days",
)


# --- Polars ----------------------------------------------------------------


def polars_summary(frame: pl.LazyFrame, *, checked: bool) -> pl.LazyFrame:
    """Return the summary of a lazy frame with our columns' names."""
    import polars as pl

    us, kind, value = pl.col("us"), pl.col("kind"), pl.col("value")
    rows = frame.select(
        "kind", "value", user=pl.col("user_id"), us=pl.col("at").dt.timestamp("us")
    )
    if checked:
        rows = rows.filter(_polars_checks())
    rows = rows.filter(us <= AS_OF).with_columns(
        active=kind.is_in(NAMES.active),
        own=kind != NAMES.deliver,
        day=(us + EAST) // DAY,
        amount=pl.when(kind == "refund").then(-value).otherwise(value).fill_null(0.0),
    )
    rows = rows.with_columns(
        before=us.shift(1).over("user", "own", order_by="us"),
        inside=pl.col("active") & (us >= WINDOW_START),
    )
    opens = pl.col("before").is_null() | (us - pl.col("before") > GAP)
    acted = pl.col("day").filter("active")
    found = rows.group_by("user").agg(
        events=pl.len(),
        interactions=pl.col("active").sum(),
        interactions_in_window=pl.col("inside").sum(),
        active_days_in_window=pl.col("day").filter("inside").n_unique(),
        sessions=(pl.col("own") & opens).sum(),
        value=pl.col("amount").sum(),
        first_at=us.min(),
        last_at=us.max(),
        last_interaction_at=us.filter("active").max(),
        menu_clicks=(kind == NAMES.menu_click).sum(),
        days=acted.n_unique(),
        first_day=acted.min(),
        last_day=acted.max(),
    )
    return _polars_final(found.join(_polars_follows(rows), on="user", how="left"))


def _polars_checks() -> pl.Expr:
    import polars as pl

    user, us, value = pl.col("user"), pl.col("us"), pl.col("value")
    seen = user.str.contains(r"\S") & ~user.str.contains(f"[{_HIDDEN}]")
    fine_user = seen & (user.str.len_chars() <= LONGEST_ID)
    fine_value = value.is_null() | (value.is_finite() & (value >= 0))
    fine_time = (us >= EARLIEST) & (us < LATEST)
    return fine_user & pl.col("kind").is_in(list(KINDS)) & fine_time & fine_value


def _polars_follows(rows: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    us = pl.col("us")
    left = rows.filter(pl.col("kind") == "unfollow")
    left = left.group_by("user").agg(left=us.max())
    stayed = rows.filter(pl.col("kind") == "follow").join(left, on="user", how="left")
    stayed = stayed.filter(pl.col("left").is_null() | (us > pl.col("left")))
    return stayed.group_by("user").agg(follow_us=us.min())


def _polars_final(found: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    first, days = pl.col("first_day"), pl.col("days").cast(pl.Int64)
    found = found.with_columns(
        pl.col(*_COUNTS).cast(pl.Int64),
        pl.col("first_at", "last_at", "last_interaction_at").cast(
            pl.Datetime("us", "UTC")
        ),
        repeat_days=pl.max_horizontal(days - 1, 0),
        repeat_age_days=(pl.col("last_day") - first).fill_null(0),
        age_days=(TODAY - first).fill_null(0),
        follow_age_days=TODAY - (pl.col("follow_us") + EAST) // DAY,
    )
    return found.select(_ORDER)


# --- DuckDB and Spark ------------------------------------------------------

_QUERY: Final = """
WITH logged AS (
  SELECT user_id AS id, kind, value, {micros} AS us FROM {source}
), usable AS {inline}(
  SELECT * FROM logged WHERE us <= {AS_OF}{checks}
), marked AS (
  SELECT *, kind IN {active} AS active, kind <> 'deliver' AS own,
         (us + {EAST}) {floor} {DAY} AS day,
         coalesce(CASE WHEN kind = 'refund' THEN -value ELSE value END, 0) AS amount
  FROM usable
), ordered AS (
  SELECT *, lag(us) OVER (PARTITION BY id, own ORDER BY us) AS earlier FROM marked
), counted AS (
  SELECT id, count(*) AS events,
         count(*) FILTER (WHERE active) AS interactions,
         count(*) FILTER (WHERE active AND us >= {WINDOW_START}) AS inside,
         count(DISTINCT day) FILTER (WHERE active AND us >= {WINDOW_START})
           AS inside_days,
         count(*) FILTER (WHERE own AND (earlier IS NULL OR us - earlier > {GAP}))
           AS sessions,
         sum(amount) AS value,
         min(us) AS first_us, max(us) AS last_us,
         max(us) FILTER (WHERE active) AS acted_us,
         count(*) FILTER (WHERE kind = 'menu_click') AS menu_clicks,
         count(DISTINCT day) FILTER (WHERE active) AS days,
         min(day) FILTER (WHERE active) AS first_day,
         max(day) FILTER (WHERE active) AS last_day
  FROM ordered GROUP BY id
), unfollows AS (
  SELECT id, max(us) AS left_us FROM usable WHERE kind = 'unfollow' GROUP BY id
), follows AS (
  SELECT usable.id, min(us) AS follow_us
  FROM usable LEFT JOIN unfollows ON usable.id = unfollows.id
  WHERE kind = 'follow' AND (left_us IS NULL OR us > left_us) GROUP BY usable.id
)
SELECT counted.id AS {user}, events, interactions, inside AS interactions_in_window,
       inside_days AS active_days_in_window, sessions, value,
       {instant}(first_us) AS first_at, {instant}(last_us) AS last_at,
       {instant}(acted_us) AS last_interaction_at,
       {TODAY} - (follow_us + {EAST}) {floor} {DAY} AS follow_age_days,
       menu_clicks, greatest(days - 1, 0) AS repeat_days,
       coalesce(last_day - first_day, 0) AS repeat_age_days,
       coalesce({TODAY} - first_day, 0) AS age_days
FROM counted LEFT JOIN follows ON counted.id = follows.id"""
_CHECKS: Final = """
    AND {seen} AND NOT {hidden} AND length(id) <= {longest}
    AND kind IN {kinds} AND us >= {EARLIEST} AND us < {LATEST}
    AND (value IS NULL OR (value >= 0 AND {finite}))"""
_DIALECTS: Final = {
    "duckdb": {
        "micros": 'epoch_us("at")',
        "instant": "make_timestamptz",
        "seen": r"regexp_matches(id, '\S')",
        "hidden": f"regexp_matches(id, '[{_HIDDEN}]')",
        "finite": "isfinite(value)",
        "user": '"user"',
        "floor": "//",
        # Used three times; kept, it would be a copy of the whole log.
        "inline": "NOT MATERIALIZED ",
    },
    "spark": {
        "micros": "unix_micros(at)",
        "instant": "timestamp_micros",
        "seen": r"id RLIKE r'\S'",
        "hidden": f"id RLIKE r'[{_HIDDEN}]'",
        "finite": "value < double('infinity')",
        "user": "user",
        "floor": "div",
        "inline": "",
    },
}


def summary_query(dialect: str, source: str, *, checked: bool) -> str:
    """Return the summary as one SQL statement.

    Parameters
    ----------
    dialect
        ``"duckdb"`` or ``"spark"``.
    source
        What stands after ``FROM``.
    checked
        Whether rows that our library would leave out are left out.

    Returns
    -------
    str
        A ``SELECT``.
    """
    words = _DIALECTS[dialect] | {"source": source}
    numbers = {
        "AS_OF": AS_OF,
        "DAY": DAY,
        "EARLIEST": EARLIEST,
        "EAST": EAST,
        "GAP": GAP,
        "LATEST": LATEST,
        "TODAY": TODAY,
        "WINDOW_START": WINDOW_START,
        "longest": LONGEST_ID,
    }
    lists = {"active": repr(NAMES.active), "kinds": repr(tuple(KINDS))}
    checks = _CHECKS.format(**words, **numbers, **lists) if checked else ""
    return _QUERY.format(**words, **numbers, **lists, checks=checks)


# --- Ibis ------------------------------------------------------------------


def ibis_summary(table: Any, *, checked: bool) -> Any:
    """Return the summary of an Ibis table."""
    import ibis

    epoch = ibis.timestamp("1970-01-01T00:00:00+00:00")
    rows = table.select(
        "kind",
        "value",
        user=table.user_id,
        us=table.at.delta(epoch, unit="microsecond"),
    )
    if checked:
        rows = rows.filter(_ibis_checks(rows))
    rows = rows.filter(rows.us <= AS_OF)
    rows = rows.mutate(
        active=rows.kind.isin(NAMES.active),
        own=rows.kind != NAMES.deliver,
        day=(rows.us + EAST) // DAY,
        amount=ibis.cases((rows.kind == "refund", -rows.value), else_=rows.value),
    )
    rows = rows.mutate(
        inside=rows.active & (rows.us >= WINDOW_START),
        before=rows.us.lag().over(group_by=["user", "own"], order_by="us"),
    )
    opens = rows.own & (rows.before.isnull() | (rows.us - rows.before > GAP))
    found = rows.group_by("user").aggregate(
        events=rows.count(),
        interactions=rows.active.sum(),
        interactions_in_window=rows.inside.sum(),
        active_days_in_window=rows.day.nunique(where=rows.inside),
        sessions=opens.sum(),
        value=rows.amount.fill_null(0.0).sum(),
        first_us=rows.us.min(),
        last_us=rows.us.max(),
        acted_us=rows.us.max(where=rows.active),
        menu_clicks=(rows.kind == NAMES.menu_click).sum(),
        days=rows.day.nunique(where=rows.active),
        first_day=rows.day.min(where=rows.active),
        last_day=rows.day.max(where=rows.active),
    )
    found = found.left_join(_ibis_follows(rows), "user")
    return found.select(
        "user",
        *_COUNTS,
        "value",
        first_at=epoch + found.first_us.as_interval("us"),
        last_at=epoch + found.last_us.as_interval("us"),
        last_interaction_at=epoch + found.acted_us.as_interval("us"),
        follow_age_days=TODAY - (found.follow_us + EAST) // DAY,
        repeat_days=ibis.greatest(found.days - 1, 0),
        repeat_age_days=(found.last_day - found.first_day).fill_null(0),
        age_days=(TODAY - found.first_day).fill_null(0),
    )


def _ibis_checks(rows: Any) -> Any:
    user = rows.user
    seen = user.re_search(r"\S") & ~user.re_search(f"[{_HIDDEN}]")
    fine_user = seen & (user.length() <= LONGEST_ID)
    fine_time = (rows.us >= EARLIEST) & (rows.us < LATEST)
    finite = ~rows.value.isinf() & ~rows.value.isnan() & (rows.value >= 0)
    fine_value = rows.value.isnull() | finite
    return fine_user & rows.kind.isin(list(KINDS)) & fine_time & fine_value


def _ibis_follows(rows: Any) -> Any:
    left = rows.filter(rows.kind == "unfollow").group_by("user")
    left = left.aggregate(left_us=rows.us.max())
    stayed = rows.filter(rows.kind == "follow").left_join(left, "user")
    stayed = stayed.filter(stayed.left_us.isnull() | (stayed.us > stayed.left_us))
    return stayed.group_by("user").aggregate(follow_us=stayed.us.min())
