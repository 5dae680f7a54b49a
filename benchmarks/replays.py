"""Campaigns replayed by wxengage, Polars and pandas, ready to be timed.

The peers are told what the data look like: no circles, a campaign that is over, and
nobody who comes and leaves at one instant. They get kinds as codes
and times as microseconds, and compare neighbours in a sorted table, which is faster
than windows by user.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from invites import AS_OF, CLOSES, DAY, HOLD, KINDS, OPENS, REVOKE, Invites
from jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd
    import polars as pl
    from invites import CheckIns

__all__ = ["OWN", "PANDAS", "POLARS", "make_job"]

OWN: Final = "wxengage"
POLARS: Final = "Polars"
PANDAS: Final = "pandas"
_SCAN: Final = KINDS.index("scan")
_FOLLOW: Final = KINDS.index("follow")
#: After every instant.
_NEVER: Final = 2**62
#: Invites that pay, and fen in all.
_RUNGS: Final = ((3, 800), (6, 1_500))
#: Days in a row that pay, and fen in all.
_DAYS: Final = ((3, 50), (7, 550))
#: Shanghai's clock is this far ahead of UTC, and has been since 1991.
_EAST: Final = 8 * 3_600_000_000
_INVITES: Final = "user", "invites", "counts", "pending", "revoked", "refused", "fen"
_CHECK_INS: Final = "user", "days", "longest", "fen"


def make_job(work: str, engine: str, data: Invites | CheckIns, scratch: Path) -> Job:
    """Return one engine's work.

    Parameters
    ----------
    work
        Which comparison; the data tell.
    engine
        Who does it.
    data
        Events of a referral campaign or of a challenge.
    scratch
        Not needed.

    Returns
    -------
    Job
        From columns in memory to one row a participant.
    """
    del work, scratch
    invites = isinstance(data, Invites)
    if engine == OWN:
        return _own(data, invites=invites)
    names = ("user", "inviter", "kind", "at") if invites else ("user", "at")
    columns = {name: data.column(name) for name in names}
    if engine == POLARS:
        import polars as pl

        plan = _polars_invites if invites else _polars_check_ins
        frame = pl.DataFrame(columns)
        return _job(lambda _: plan(frame.lazy()).collect().to_dict())
    import pandas as pd

    compute = _pandas_invites if invites else _pandas_check_ins
    table = pd.DataFrame(columns)
    return _job(lambda _: compute(table))


def _job(run: Callable[[Any], Any], names: tuple[str, ...] = ()) -> Job:
    def answer(found: Any) -> Mapping[str, Any]:
        return {name: np.asarray(found[name]) for name in names or list(found)}

    return Job(lambda: None, run, answer)


def _own(data: Invites | CheckIns, *, invites: bool) -> Job:
    import pyarrow as pa

    from wxengage.campaigns.replaying import replay

    at = pa.array(data.column("at"), pa.timestamp("us", "UTC"))
    columns = {"user": pa.array(data.column("user")), "at": at}
    kinds: tuple[str, ...] = ("check_in",)
    kind = np.zeros(data.size, dtype=np.int32)
    if invites:
        inviter = data.column("inviter")
        columns["inviter"] = pa.array(inviter, mask=inviter < 0)
        kinds, kind = KINDS, data.column("kind").astype(np.int32)
    columns["kind"] = pa.DictionaryArray.from_arrays(pa.array(kind), list(kinds))
    table = pa.table(columns)
    campaign = _referral() if invites else _challenge()
    as_of = _instant(AS_OF if invites else OPENS + 30 * DAY)

    def run(_: Any) -> Any:
        return replay(campaign, table, as_of=as_of).columns("users")

    return _job(run, _INVITES if invites else _CHECK_INS)


def _instant(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at // 10**6, dt.UTC)


def _referral() -> Any:
    from wxengage.campaigns.ladder import Ladder
    from wxengage.campaigns.referrals.campaign import Referral
    from wxengage.money import Cash

    return Referral(
        "spring",
        ladder=Ladder({k: Cash(fen) for k, fen in _RUNGS}, pays="total"),
        opens=_instant(OPENS),
        closes=_instant(CLOSES),
        hold=dt.timedelta(microseconds=HOLD),
        revoke_until=dt.timedelta(microseconds=REVOKE),
    )


def _challenge() -> Any:
    from wxengage.campaigns.checkins.campaign import CheckIn
    from wxengage.campaigns.checkins.terms import Milestone
    from wxengage.money import Cash

    (some, first), (_, last) = _DAYS
    return CheckIn(
        "spring",
        reward=Cash(last - first),
        milestones=(Milestone(some, Cash(first)),),
        opens=_instant(OPENS),
        closes=_instant(OPENS + 30 * DAY),
    )


# --- Polars ----------------------------------------------------------------


def _polars_invites(events: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    events = events.filter(pl.col("at") <= AS_OF)
    touches = (
        events.filter(
            (pl.col("inviter") >= 0)
            & (pl.col("at") >= OPENS)
            & (pl.col("at") < CLOSES)
            & (pl.col("inviter") != pl.col("user"))
        )
        .group_by("user", "inviter")
        .agg(pl.col("at").min())
    )
    counts, fen = pl.col("counts"), pl.lit(0)
    for invites, owed in _RUNGS:
        fen = pl.when(counts >= invites).then(owed).otherwise(fen)
    stays = _polars_stays(events)
    return (
        touches.group_by("inviter")
        .agg(invites=pl.len())
        .join(_polars_standing(touches, stays), on="inviter", how="left")
        .with_columns(pl.col("won", "counts", "pending", "revoked").fill_null(0))
        .select(
            "invites",
            "counts",
            "pending",
            "revoked",
            user="inviter",
            refused=pl.col("invites") - pl.col("won"),
            fen=fen,
        )
    )


def _polars_stays(events: pl.LazyFrame) -> pl.LazyFrame:
    """Return stays: from a coming that follows no other one until the next leaving."""
    import polars as pl

    user, at, came = pl.col("user"), pl.col("at"), pl.col("came")
    before = (user.shift() == user) & came.shift()
    end = pl.when(pl.col("leaver") == user).then(pl.col("end"))
    return (
        events.filter(pl.col("kind") != _SCAN)
        .select("user", "at", came=pl.col("kind") == _FOLLOW)
        .sort("user", "at")
        .with_columns(
            leaver=pl.when(~came).then(user).backward_fill(),
            end=pl.when(~came).then(at).backward_fill(),
            begins=came & ~before.fill_null(value=False),
        )
        .filter("begins")
        .select("user", begin="at", end=end.fill_null(_NEVER).cast(pl.Int64))
    )


def _polars_standing(touches: pl.LazyFrame, stays: pl.LazyFrame) -> pl.LazyFrame:
    """Return how many invites each inviter won, and how these stand."""
    import polars as pl

    first = touches.group_by("user").agg(
        pl.col("inviter").sort_by("at", "inviter").first(), touched=pl.col("at").min()
    )
    begin, end, q = pl.col("begin"), pl.col("end"), pl.col("q")
    touched, came = pl.col("touched"), pl.col("came")
    known = stays.group_by("user").agg(came=begin.min())
    invites = first.join(known, on="user", how="left").filter(
        came.is_null() | (came >= touched)
    )
    lasts = (begin >= touched) & (begin < CLOSES) & (end > begin + HOLD)
    held = invites.select("user", "touched").join(stays, on="user").filter(lasts)
    qualified = held.group_by("user").agg(q=begin.min() + HOLD)
    until = pl.min_horizontal(q + REVOKE, pl.lit(AS_OF + 1))
    here = (
        qualified.join(stays, on="user")
        .filter((begin < until) & (end >= until))
        .select("user", here=pl.lit(value=True))
    )
    began, gone = q <= AS_OF, pl.col("here").is_null()
    return (
        invites.join(qualified, on="user", how="left")
        .join(here, on="user", how="left")
        .group_by("inviter")
        .agg(
            won=pl.len(),
            counts=(began & ~gone).sum(),
            pending=(~began).sum(),
            revoked=(began & gone & (q + REVOKE > AS_OF)).sum(),
        )
    )


def _polars_check_ins(events: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    user, day = pl.col("user"), pl.col("day")
    (few, small), (many, large) = _DAYS
    longest = pl.col("longest")
    return (
        events.select("user", day=((pl.col("at") + _EAST) // DAY).cast(pl.Int32))
        .unique()
        .sort("user", "day")
        .with_columns(
            run=((day.diff() != 1) | (user.diff() != 0)).fill_null(value=True).cum_sum()
        )
        .group_by("run")
        .agg(user.first(), n=pl.len())
        .group_by("user")
        .agg(days=pl.col("n").sum(), longest=pl.col("n").max())
        .with_columns(
            fen=pl.when(longest >= many)
            .then(large)
            .when(longest >= few)
            .then(small)
            .otherwise(0)
        )
    )


# --- pandas ----------------------------------------------------------------


def _pandas_invites(events: pd.DataFrame) -> Mapping[str, Any]:
    events = events[events["at"] <= AS_OF]
    touches = events[
        (events["inviter"] >= 0)
        & (events["at"] >= OPENS)
        & (events["at"] < CLOSES)
        & (events["inviter"] != events["user"])
    ]
    touches = touches.sort_values(["user", "at", "inviter"])
    touches = touches.drop_duplicates(["user", "inviter"])
    total = touches.groupby("inviter").size()
    now = _pandas_standing(touches, _pandas_stays(events))
    now = now.reindex(total.index, fill_value=0)
    (few, small), (many, large) = _RUNGS
    counts = now["counts"]
    return {
        "user": total.index,
        "invites": total,
        "counts": counts,
        "pending": now["pending"],
        "revoked": now["revoked"],
        "refused": total - now["won"],
        "fen": np.select([counts >= many, counts >= few], [large, small], 0),
    }


def _pandas_stays(events: pd.DataFrame) -> pd.DataFrame:
    """Return stays: from a coming that follows no other one until the next leaving."""
    import pandas as pd

    marks = events.loc[events["kind"] != _SCAN, ["user", "at", "kind"]]
    marks = marks.sort_values(["user", "at"], ignore_index=True)
    came = marks["kind"] == _FOLLOW
    same = marks["user"] == marks["user"].shift()
    left = marks[["user", "at"]].where(~came).bfill()
    end = left["at"].where(left["user"] == marks["user"], _NEVER).astype("int64")
    stays = pd.DataFrame({"user": marks["user"], "begin": marks["at"], "end": end})
    return stays[came & ~(same & came.shift(fill_value=False))]


def _pandas_standing(touches: pd.DataFrame, stays: pd.DataFrame) -> pd.DataFrame:
    """Return how many invites each inviter won, and how these stand."""
    first = touches.drop_duplicates("user")[["user", "inviter", "at"]]
    known = stays.drop_duplicates("user").set_index("user")["begin"]
    earlier = first["user"].map(known) < first["at"]
    invites = first[~earlier].rename(columns={"at": "touched"})
    held = invites[["user", "touched"]].merge(stays, on="user")
    begin, end = held["begin"], held["end"]
    lasts = (begin >= held["touched"]) & (begin < CLOSES) & (end > begin + HOLD)
    held = held[lasts].drop_duplicates("user")
    qualified = held[["user"]].assign(q=held["begin"] + HOLD)
    there = qualified.merge(stays, on="user")
    until = np.minimum(there["q"] + REVOKE, AS_OF + 1)
    here = there.loc[(there["begin"] < until) & (there["end"] >= until), "user"]
    invites = invites.merge(qualified, on="user", how="left")
    stayed, began = invites["user"].isin(here), invites["q"] <= AS_OF
    return (
        invites[["inviter"]]
        .assign(
            counts=began & stayed,
            pending=invites["q"] > AS_OF,
            revoked=began & ~stayed & (invites["q"] + REVOKE > AS_OF),
            won=True,
        )
        .groupby("inviter")
        .sum()
    )


def _pandas_check_ins(events: pd.DataFrame) -> Mapping[str, Any]:
    import pandas as pd

    day = (events["at"] + _EAST) // DAY
    days = pd.DataFrame({"user": events["user"], "day": day}).drop_duplicates()
    days = days.sort_values(["user", "day"], ignore_index=True)
    breaks = (days["day"].diff() != 1) | (days["user"].diff() != 0)
    runs = days.groupby(breaks.cumsum())["user"].agg(["first", "size"])
    found = runs.groupby("first")["size"].agg(["sum", "max"])
    (few, small), (many, large) = _DAYS
    fen = np.select([found["max"] >= many, found["max"] >= few], [large, small], 0)
    return {
        "user": found.index,
        "days": found["sum"],
        "longest": found["max"],
        "fen": fen,
    }
