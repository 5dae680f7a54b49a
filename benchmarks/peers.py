"""The same question asked of pandas, Polars and DuckDB, each in its own words.

Every peer gets a table with ``user``, ``us`` (microseconds since 1970), ``kind``
(a word or a code) and ``value``, and may use what its users would: window
functions, sorting, several passes. Where one way is natural and another is
faster, both are here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from answers import (
    COLUMNS,
    DAY,
    EAST,
    GAP,
    SILENCE,
    TODAY,
    WINDOW_DAY,
    WINDOW_START,
    Words,
)
from eventlog import AS_OF, START

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = [
    "DUCKDB_PLANS",
    "duckdb_query",
    "pandas_answer",
    "polars_plan",
]

# --- pandas ----------------------------------------------------------------


def pandas_answer(frame: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Sort once, compare neighbours, group by the built-in aggregations."""
    frame = frame[frame["us"] <= AS_OF] if frame["us"].max() > AS_OF else frame
    frame = frame.sort_values(["user", "us"], ignore_index=True)
    active = frame["kind"].isin(words.active)
    frame = frame.assign(
        active=active,
        inside=active & (frame["us"] >= WINDOW_START),
        menu=frame["kind"] == words.menu_click,
    )
    found = frame.groupby("user", sort=False).agg(
        events=("us", "size"),
        interactions=("active", "sum"),
        interactions_in_window=("inside", "sum"),
        value=("value", "sum"),
        first_at=("us", "first"),
        last_at=("us", "last"),
        menu_clicks=("menu", "sum"),
    )
    own = frame.loc[frame["kind"] != words.deliver, ["user", "us"]]
    opens = (own["user"] != own["user"].shift()) | (own["us"].diff() > GAP)
    found["sessions"] = opens.groupby(own["user"], sort=False).sum()
    acts = frame.loc[active, ["user", "us"]]
    day = (acts["us"] + EAST) // DAY
    new = (acts["user"] != acts["user"].shift()) | (day != day.shift())
    acts = acts.assign(day=day, new=new, recent=new & (day >= WINDOW_DAY))
    days = acts.groupby("user", sort=False).agg(
        last_interaction_at=("us", "last"),
        first_day=("day", "first"),
        last_day=("day", "last"),
        days=("new", "sum"),
        active_days_in_window=("recent", "sum"),
    )
    return _pandas_final(found.join(days))


def _pandas_final(found: pd.DataFrame) -> pd.DataFrame:
    last = found["last_interaction_at"]
    dormant = last.notna() & (AS_OF - last >= SILENCE)
    found = found.assign(
        sessions=found["sessions"].fillna(0),
        active_days_in_window=found["active_days_in_window"].fillna(0),
        repeat_days=(found["days"].fillna(0) - 1).clip(lower=0),
        repeat_age_days=(found["last_day"] - found["first_day"]).fillna(0),
        age_days=(TODAY - found["first_day"]).fillna(0),
        segment="active",
    )
    found.loc[dormant, "segment"] = "dormant"
    found.loc[last.isna(), "segment"] = "potential"
    return found.reset_index()[list(COLUMNS)]


# --- Polars ----------------------------------------------------------------


def polars_plan(frame: pl.LazyFrame, words: Words) -> pl.LazyFrame:
    """Look back with ``over``, count distinct days in the aggregation."""
    import polars as pl

    kind, us, active = pl.col("kind"), pl.col("us"), pl.col("active")
    frame = frame.filter(us <= AS_OF).with_columns(
        active=kind.is_in(words.active),
        own=kind != words.deliver,
        menu=kind == words.menu_click,
        day=(us + EAST) // DAY,
    )
    before = pl.col("us").shift(1).over("user", "own", order_by="us")
    frame = frame.with_columns(before=before)
    opens = pl.col("before").is_null() | (us - pl.col("before") > GAP)
    inside = active & (us >= WINDOW_START)
    acts = pl.col("day").filter(active)
    found = frame.group_by("user").agg(
        events=pl.len(),
        interactions=active.sum(),
        interactions_in_window=inside.sum(),
        active_days_in_window=pl.col("day").filter(inside).n_unique(),
        sessions=(pl.col("own") & opens).sum(),
        value=pl.col("value").sum(),
        first_at=us.min(),
        last_at=us.max(),
        last_interaction_at=us.filter(active).max(),
        menu_clicks=pl.col("menu").sum(),
        days=acts.n_unique(),
        first_day=acts.min(),
        last_day=acts.max(),
    )
    return _polars_final(found)


def _polars_final(found: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    last, days = pl.col("last_interaction_at"), pl.col("days").cast(pl.Int64)
    first = pl.col("first_day")
    dormant = pl.when(AS_OF - last >= SILENCE).then(pl.lit("dormant"))
    found = found.with_columns(
        pl.col("sessions", "active_days_in_window").fill_null(0),
        repeat_days=pl.max_horizontal(days.fill_null(0) - 1, 0),
        repeat_age_days=(pl.col("last_day") - first).fill_null(0),
        age_days=(TODAY - first).fill_null(0),
        segment=pl.when(last.is_null())
        .then(pl.lit("potential"))
        .otherwise(dormant.otherwise(pl.lit("active"))),
    )
    return found.select(COLUMNS)


# --- DuckDB ----------------------------------------------------------------

# One window over all rows, distinct days counted in the aggregation.
_WINDOW: Final = """
WITH marked AS (
  SELECT *, kind IN {active} AS active, kind <> {deliver} AS own,
         (us + {EAST}) // {DAY} AS day
  FROM {source} WHERE us <= {AS_OF}
), ordered AS (
  SELECT *, lag(us) OVER (PARTITION BY "user", own ORDER BY us) AS before FROM marked
), found AS (
  SELECT "user", count(*) AS events,
         count(*) FILTER (active) AS interactions,
         count(*) FILTER (active AND us >= {WINDOW_START}) AS interactions_in_window,
         count(DISTINCT day) FILTER (active AND us >= {WINDOW_START})
           AS active_days_in_window,
         count(*) FILTER (own AND (before IS NULL OR us - before > {GAP})) AS sessions,
         sum(value) AS value,
         min(us) AS first_at, max(us) AS last_at,
         min(us) FILTER (active) AS first_interaction_at,
         max(us) FILTER (active) AS last_interaction_at,
         count(*) FILTER (kind = {menu_click}) AS menu_clicks,
         count(DISTINCT day) FILTER (active) AS days
  FROM ordered GROUP BY "user"
)"""
# What the two tuned plans share: days as bits, which needs no hash table a user.
_REST: Final = """
  SELECT "user", count(*) AS events,
         count(*) FILTER (kind IN {active}) AS interactions,
         count(*) FILTER (kind IN {active} AND us >= {WINDOW_START})
           AS interactions_in_window,
         bit_count(bit_or(1::BIGINT
             << greatest((us + {EAST}) // {DAY} - {WINDOW_DAY}, 0))
           FILTER (kind IN {active} AND us >= {WINDOW_START})) AS active_days_in_window,
         bit_count(bitstring_agg((us + {EAST}) // {DAY}, {FIRST_DAY}, {TODAY})
           FILTER (kind IN {active})) AS days,
         sum(value) AS value,
         min(us) AS first_at, max(us) AS last_at,
         min(us) FILTER (kind IN {active}) AS first_interaction_at,
         max(us) FILTER (kind IN {active}) AS last_interaction_at,
         count(*) FILTER (kind = {menu_click}) AS menu_clicks{more}
  FROM {source} WHERE us <= {AS_OF} GROUP BY "user"
"""
# A narrow window over the own events, joined: best where users are integers.
_BRANCHES: Final = (
    """
WITH gaps AS (
  SELECT "user", us - lag(us) OVER (PARTITION BY "user" ORDER BY us) AS gap
  FROM {source} WHERE us <= {AS_OF} AND kind <> {deliver}
), opens AS (
  SELECT "user", count(*) FILTER (gap IS NULL OR gap > {GAP}) AS sessions
  FROM gaps GROUP BY "user"
), rest AS ("""
    + _REST
    + """), found AS (SELECT * FROM rest LEFT JOIN opens USING ("user"))"""
)
# No window at all, a list of instants a user: best where users are text.
_LISTS: Final = (
    "\nWITH rest AS ("
    + _REST
    + """), found AS (
  SELECT *, CASE WHEN own IS NULL THEN 0 ELSE 1 + len(list_filter(
    list_zip(list_sort(own), list_sort(own)[2:]), lambda p: p[2] - p[1] > {GAP}
  )) END AS sessions FROM rest
)"""
)
_FINAL: Final = """
SELECT "user", events, interactions, interactions_in_window,
       coalesce(active_days_in_window, 0) AS active_days_in_window,
       coalesce(sessions, 0) AS sessions, value, first_at, last_at,
       last_interaction_at, menu_clicks,
       greatest(coalesce(days, 0) - 1, 0) AS repeat_days,
       coalesce((last_interaction_at + {EAST}) // {DAY}
         - (first_interaction_at + {EAST}) // {DAY}, 0) AS repeat_age_days,
       coalesce({TODAY} - (first_interaction_at + {EAST}) // {DAY}, 0) AS age_days,
       CASE WHEN last_interaction_at IS NULL THEN 'potential'
            WHEN {AS_OF} - last_interaction_at >= {SILENCE} THEN 'dormant'
            ELSE 'active' END AS segment
FROM found"""
#: The plans for DuckDB by name.
DUCKDB_PLANS: Final = {
    "window": (_WINDOW, ""),
    "branches": (_BRANCHES, ""),
    "lists": (_LISTS, ",\n         list(us) FILTER (kind <> {deliver}) AS own"),
}


def duckdb_query(plan: str, source: str, words: Words) -> str:
    """Return the query in SQL.

    Parameters
    ----------
    plan
        A key of ``DUCKDB_PLANS``.
    source
        What stands after ``FROM``.
    words
        How the source writes kinds.

    Returns
    -------
    str
        One statement.
    """
    text, more = DUCKDB_PLANS[plan]
    fields: dict[str, Any] = {
        "AS_OF": AS_OF,
        "DAY": DAY,
        "EAST": EAST,
        "FIRST_DAY": (START + EAST) // DAY,
        "GAP": GAP,
        "SILENCE": SILENCE,
        "TODAY": TODAY,
        "WINDOW_DAY": WINDOW_DAY,
        "WINDOW_START": WINDOW_START,
        "active": "(" + ", ".join(map(repr, words.active)) + ")",
        "deliver": repr(words.deliver),
        "menu_click": repr(words.menu_click),
        "source": source,
    }
    more = more.format(**fields)
    return (text + _FINAL).format(**fields, more=more)
