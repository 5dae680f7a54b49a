"""Logs to try things on (数据集): a synthetic WeChat account, and CDNOW.

``demo_log`` is made up: it looks like the log of an official account, and no
number in it says anything about real users. ``cdnow`` reads a real log, which
the field has published on since 2001.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.claims.figures import GOLDEN_WINDOW
from wxengage.errors import BadRow, InvalidInputError, InvalidLogError, require_whole
from wxengage.times.zones import MICROS_PER_DAY, SHANGHAI, to_utc, zone

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

__all__ = ["cdnow", "demo_log"]

_Ints: TypeAlias = "NDArray[np.int64]"
_Floats: TypeAlias = "NDArray[np.float64]"

_FIRST_DAY: Final = dt.date(2026, 1, 5)
_EPOCH: Final = dt.date(1970, 1, 1)
_MOST_USERS: Final = 10_000_000
_MOST_DAYS: Final = 3_660
_DAY: Final = float(MICROS_PER_DAY)
_MINUTE: Final = 60e6

# The made-up account. All of it is judgement; nothing here is measured.
# Visits by the day of the week, Monday first.
_WEEK: Final = np.array([0.9, 0.9, 0.95, 0.95, 1.0, 1.25, 1.2])
# Visits in each golden window, and in the rest of the waking hours.
_WINDOW_SHARES: Final = (0.18, 0.22, 0.35)
_WAKING: Final = (7 * 60, 24 * 60)
# What a visit brings besides reading, for somebody of middling zeal.
_ACTS: Final = {
    "like": 0.16,
    "comment": 0.035,
    "share": 0.05,
    "menu_click": 0.1,
    "message": 0.04,
    "purchase": 0.02,
}
# Who falls silent, who of them unfollows, and who never does more than read.
_SILENT: Final = 0.45
_LEAVING: Final = 0.4
_BROWSING: Final = 0.25
# Mass sends: Tuesday and Friday at 20:05.
_SEND_DAYS: Final = (1, 4)
_SEND_MINUTE: Final = 20 * 60 + 5


@attrs.frozen(eq=False)
class _People:
    """Who there is. Shape ``(n,)`` each; times in local microseconds."""

    follows: _Floats
    leaves: _Floats
    falls_silent: _Floats
    visits_a_day: _Floats
    zeal: _Floats


@attrs.frozen(eq=False)
class _Events:
    """Events of one kind: who, when, through what and for how much."""

    kind: str
    user: _Ints
    at: _Floats
    channel: str = ""
    value: _Floats | None = None


def demo_log(
    seed: int = 0,
    *,
    users: int = 2_000,
    days: int = 90,
    start: dt.date = _FIRST_DAY,
) -> dict[str, NDArray[Any]]:
    """Make up the log of a WeChat official account.

    Synthetic: it shows what the library does, not how people behave. Users
    follow over time, mass sends reach them twice a week, visits keep to the day
    of the week and to the article's golden windows in Asia/Shanghai, a few
    users do most of what is done, a quarter only ever reads, and nearly half
    fall silent, some of whom unfollow.

    Parameters
    ----------
    seed
        The same seed gives the same log, with the same version of numpy.
    users
        How many users, from 1 to 10 million. Each one follows.
    days
        Length in local days, from 1 to 3,660.
    start
        The first local day.

    Returns
    -------
    dict of numpy.ndarray
        ``user``, ``kind``, ``channel`` (text; ``channel`` is ``""`` where there
        is none), ``at`` (``datetime64[us]`` in UTC) and ``value`` (yuan of a
        purchase, else 0). Sorted by time. Shape ``(n,)`` each. Read it by
        ``read_log(demo_log(), tz="UTC", value="value", channel="channel")``.

    Raises
    ------
    InvalidInputError
        If an argument is out of its bounds.

    Notes
    -----
    Visits are a thinned Poisson process for each user, with a log-normal rate.
    Linear in the events, without a loop over users: about 60 events a user in
    90 days.

    Examples
    --------
    >>> log = demo_log(users=10, days=7)
    >>> sorted(log)
    ['at', 'channel', 'kind', 'user', 'value']
    """
    require_whole("seed", seed)
    require_whole("users", users, least=1, most=_MOST_USERS)
    require_whole("days", days, least=1, most=_MOST_DAYS)
    if type(start) is not dt.date:
        raise InvalidInputError("start", start, "a date", "such as date(2026, 1, 5)")
    rng = np.random.default_rng(seed)
    first_weekday = start.weekday()
    people = _people(rng, users, days)
    sends = _mass_sends(people, days, first_weekday)
    visits = _visits(rng, people, days, first_weekday)
    opened = _opened(rng, people, sends)
    happened = [
        _Events("follow", np.arange(users), people.follows, "scan"),
        _Events("unfollow", *_unfollows(people, days)),
        sends,
        visits,
        opened,
        *_acts(rng, people, visits, opened),
    ]
    return _columns(happened, people, days, start)


def _people(rng: np.random.Generator, users: int, days: int) -> _People:
    # Many have followed early: the account is not new to them.
    follows = rng.beta(0.5, 1.2, users) * days * _DAY
    silent = rng.random(users) < _SILENT
    lifetime = np.where(silent, rng.exponential(25.0, users) + 1.0, np.inf) * _DAY
    falls_silent = follows + lifetime
    unfollows = silent & (rng.random(users) < _LEAVING)
    wait = rng.exponential(10.0, users) * _DAY
    return _People(
        follows=follows,
        leaves=np.where(unfollows, falls_silent + wait, np.inf),
        falls_silent=falls_silent,
        visits_a_day=np.minimum(rng.lognormal(-1.9, 1.2, users), 6.0),
        zeal=np.where(
            rng.random(users) < _BROWSING, 0.0, rng.lognormal(0.0, 0.5, users)
        ),
    )


def _mass_sends(people: _People, days: int, first_weekday: int) -> _Events:
    day = np.arange(days)
    day = day[np.isin((day + first_weekday) % 7, _SEND_DAYS)]
    at = day * _DAY + _SEND_MINUTE * _MINUTE
    user = np.repeat(np.arange(len(people.follows)), len(at))
    return _Events("deliver", user, np.tile(at, len(people.follows)), "session")


def _visits(
    rng: np.random.Generator, people: _People, days: int, first_weekday: int
) -> _Events:
    begin = people.follows / _DAY
    stay = np.maximum(np.minimum(people.falls_silent / _DAY, days) - begin, 0.0)
    user = np.repeat(
        np.arange(len(begin)), rng.poisson(people.visits_a_day * stay * _WEEK.max())
    )
    day = np.floor(begin[user] + rng.random(len(user)) * stay[user]).astype(np.int64)
    weight = _WEEK[(day + first_weekday) % 7] / _WEEK.max()
    kept = rng.random(len(user)) < weight
    user, day = user[kept], day[kept]
    at = day * _DAY + _minutes(rng, len(user)) * _MINUTE
    return _Events("read", user, at, "account")


def _minutes(rng: np.random.Generator, n: int) -> _Floats:
    """Return times of day in minutes: golden windows, and the waking rest."""
    bounds = [
        tuple(int(hour[:2]) * 60 + int(hour[3:]) for hour in row[1:])
        for row in GOLDEN_WINDOW
    ]
    low, high = np.array([*bounds, _WAKING], dtype=float).T
    shares = [*_WINDOW_SHARES, 1.0 - sum(_WINDOW_SHARES)]
    window = rng.choice(len(shares), size=n, p=shares)
    minutes: _Floats = low[window] + rng.random(n) * (high - low)[window]
    return minutes


def _opened(rng: np.random.Generator, people: _People, sends: _Events) -> _Events:
    """Return the reads that a mass send brings, most within the hour."""
    eager = np.clip(0.08 + 0.25 * people.visits_a_day, 0.0, 0.7)
    kept = rng.random(len(sends.user)) < eager[sends.user]
    user = sends.user[kept]
    at = sends.at[kept] + rng.lognormal(3.2, 1.3, len(user)) * _MINUTE
    return _Events("read", user, at, "session")


def _acts(
    rng: np.random.Generator, people: _People, *reads: _Events
) -> tuple[_Events, ...]:
    """Return what readers do within minutes of reading."""
    user = np.concatenate([each.user for each in reads])
    at = np.concatenate([each.at for each in reads])
    found = []
    for kind, chance in _ACTS.items():
        kept = rng.random(len(user)) < np.minimum(chance * people.zeal[user], 0.8)
        n = int(kept.sum())
        later = at[kept] + (0.05 + rng.exponential(1.5, n)) * _MINUTE
        value = np.round(rng.lognormal(4.5, 0.7, n), 2) if kind == "purchase" else None
        channel = "menu" if kind == "menu_click" else ""
        found.append(_Events(kind, user[kept], later, channel, value))
    return tuple(found)


def _unfollows(people: _People, days: int) -> tuple[_Ints, _Floats]:
    user = np.flatnonzero(people.leaves < days * _DAY)
    return user, people.leaves[user]


def _columns(
    happened: list[_Events], people: _People, days: int, start: dt.date
) -> dict[str, NDArray[Any]]:
    """Return the events that can have happened, sorted by time."""
    user = np.concatenate([each.user for each in happened])
    at = np.concatenate([each.at for each in happened])
    sizes = [len(each.user) for each in happened]
    kind = np.repeat([each.kind for each in happened], sizes)
    channel = np.repeat([each.channel for each in happened], sizes)
    value = np.concatenate(
        [
            np.zeros(size) if each.value is None else each.value
            for each, size in zip(happened, sizes, strict=True)
        ]
    )
    # Nothing reaches anybody before they follow or once they have left, and who
    # has fallen silent only receives.
    passive = np.isin(kind, ("deliver", "unfollow"))
    until = np.where(passive, people.leaves[user], people.falls_silent[user])
    real = (at >= people.follows[user]) & (at <= until) & (at < days * _DAY)
    order = np.flatnonzero(real)[np.argsort(at[real], kind="stable")]
    wall = at[order].astype(np.int64) + (start - _EPOCH).days * MICROS_PER_DAY
    utc, _ = to_utc(wall, zone(SHANGHAI))
    width = len(str(len(people.follows) - 1))
    names = np.array([f"oDemo{n:0{width}d}" for n in range(len(people.follows))])
    return {
        "user": names[user[order]],
        "kind": kind[order],
        "at": utc.astype("datetime64[us]"),
        "value": value[order],
        "channel": channel[order],
    }


_CDNOW_LINE: Final = re.compile(
    r" *[0-9]{5} +([0-9]{4}) +([0-9]{8}) +[0-9]+ +([0-9]+\.[0-9]{2}) *", re.ASCII
)
_SHOWN_ROWS: Final = 10


def cdnow(path: str | PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the CDNOW sample: what 2,357 customers of a music shop bought.

    Parameters
    ----------
    path
        ``CDNOW_sample.txt`` as Fader and Hardie publish it: master id, sample
        id, date, number of CDs and dollars, divided by blanks.

    Returns
    -------
    dict of numpy.ndarray
        ``user`` (the sample id, ``"0001"`` to ``"2357"``), ``kind`` (always
        ``"purchase"``), ``at`` (naive ``datetime64[us]``) and ``value``
        (dollars). In the order of the file, which is by user. Shape ``(n,)``
        each.

    Raises
    ------
    InvalidInputError
        If there is no such file. If a line is not of that form, as
        ``InvalidLogError``, which shows the first ones.

    Notes
    -----
    The file has dates without a time of day or a zone, so ``at`` is midnight of
    the calendar day. Read it by ``read_log(cdnow(path), tz="Asia/Shanghai",
    value="value")``: under the default ``DayClock`` each purchase then keeps its
    day. Two lines of one customer and one day are two orders and stay two; who
    counts days of purchase, as the field's models do, counts them once.

    Source: Fader, Hardie and Lee (2005), "Counting your customers the easy way",
    Marketing Science 24(2): a tenth of those who first bought from January to
    March 1997, followed until June 1998.
    """
    try:
        lines = Path(path).read_text("ascii").splitlines()
    except (OSError, TypeError, UnicodeDecodeError) as error:
        hint = str(error)
        raise InvalidInputError("path", path, "a readable text file", hint) from None
    users, dates, dollars = [], [], []
    bad: list[BadRow] = []
    for row, line in enumerate(lines):
        found = _CDNOW_LINE.fullmatch(line)
        date = _date(found[2]) if found else None
        if found is None or date is None:
            mend = "give 'master_id sample_id yyyymmdd cds dollars'"
            bad.append(BadRow(row, "bad_line", "line", repr(line[:60]), mend))
            continue
        users.append(found[1])
        dates.append(date)
        dollars.append(float(found[3]))
    _require_none(bad, len(lines))
    return {
        "user": np.array(users, dtype=np.str_),
        "kind": np.full(len(users), "purchase"),
        "at": np.array(dates, dtype="datetime64[D]").astype("datetime64[us]"),
        "value": np.array(dollars, dtype=np.float64),
    }


def _require_none(bad: list[BadRow], given: int) -> None:
    if bad:
        counts = {"bad_line": len(bad)}
        raise InvalidLogError.of(given, counts, bad[:_SHOWN_ROWS])


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
