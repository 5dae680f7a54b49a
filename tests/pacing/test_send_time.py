"""Send times: the simulation, a naive count of the same log, hours and edges."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, rows_of, table
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.log import read_log
from wxengage.pacing.hour_model import HourModel
from wxengage.pacing.hours import send_time
from wxengage.pacing.windows import GOLDEN_WINDOWS, Window
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from wxengage.log import Log

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = dt.datetime(2026, 6, 1, 12, tzinfo=SHANGHAI)
EVEN = tuple([1 / 24] * 24)
GOLDEN_HOURS = (8, 12, 13, 20, 21)


def event(user: str, kind: str, at: dt.datetime) -> dict[str, Any]:
    """Return one row of a log."""
    return {"user": user, "kind": kind, "at": at}


def at(day: int, hour: int, minute: int = 0, tz: ZoneInfo = SHANGHAI) -> dt.datetime:
    """Return a time of May 2026."""
    return dt.datetime(2026, 5, day, hour, minute, tzinfo=tz)


def best(rows: list[dict[str, Any]], **settings: Any) -> dict[str, int]:
    """Return each user's best hour."""
    found = send_time(read_log(rows), AS_OF, **settings)
    return {row["user"]: row["hour"] for row in rows_of(found.frame)}


# --- does it help? --------------------------------------------------------------------


def population(
    alike: int, users: int
) -> tuple[np.ndarray[Any, Any], np.random.Generator]:
    """Return each user's shares of openings: little at night, most in the evening."""
    weights = np.ones(24)
    weights[:7], weights[8], weights[[19, 22]], weights[20:22] = 0.2, 2, 1.5, 2
    rng = np.random.default_rng(8)
    return rng.dirichlet(alike * weights / weights.sum(), users), rng


@pytest.mark.parametrize("alike", [6, 60, 600])
@pytest.mark.parametrize("opens", [5, 20, 100])
def test_the_simulated_open_rates_are_the_oracles(
    oracles: dict[str, Any], alike: int, opens: int
) -> None:
    """Own best hour, learned hour, 20:00 for all, best possible: within a tenth.

    With five openings each one's own most frequent hour is worse than 20:00 for
    everybody unless users differ a lot; the learned hour never is.
    """
    users = 3_000
    shares, rng = population(alike, users)
    counts = rng.multinomial(opens, shares)
    user, hour = np.nonzero(counts)
    times = counts[user, hour]
    user, hour = np.repeat(user, times), np.repeat(hour, times)
    day = np.arange(len(user)) - np.repeat(np.arange(users) * opens, opens)
    log = read_log(
        {
            "user": user,
            "kind": np.full(len(user), "open"),
            "at": day * 86_400 + hour * 3_600 + rng.integers(0, 3_600, len(user)),
        },
        unit="s",
    )
    end = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + (opens + 1) * DAY
    found = send_time(log, end, window=(opens + 2) * DAY, clock=DayClock("UTC"))

    rates = 0.72 * shares
    everybody = np.arange(users)
    own = (counts + rng.random(counts.shape) / 2).argmax(axis=1)
    learned = found.frame["hour"]
    shown = [
        rates[everybody, own].mean(),
        rates[everybody, learned].mean(),
        rates[:, 20].mean(),
        rates.max(axis=1).mean(),
    ]
    oracle = oracles["simulations"]["send_time_open_rate"]
    expected = oracle["outputs"][f"conc{alike}_n{opens}"]
    np.testing.assert_allclose(expected, shown, rtol=oracle["rtol"])
    assert shown[1] > 0.99 * max(shown[0], shown[2])
    if opens == 5:
        assert (alike == 6) == (shown[0] > shown[2])


def test_an_eager_reader_does_not_make_an_hour_look_good() -> None:
    """Who opens everything, and was written to at 10:00 only, opens everything."""
    users = [f"u{number:03d}" for number in range(200)]
    rows = [
        event(user, kind, at(day, hour, minute))
        for place, user in enumerate(users)
        for day in range(1, 29)
        for hour in [(10, 15, 20)[day % 3]]
        for kind, minute in (("deliver", 0), ("open", 5))
        if kind == "deliver" or (place + day) % (1 + place % 5) == 0
    ]
    for day in range(1, 29):
        rows += [
            event("eager", "deliver", at(day, 10)),
            event("eager", "read", at(day, 10, 1)),
        ]

    odds = dict(zip(*send_time(read_log(rows), AS_OF).matrix(), strict=True))

    assert odds["eager"][15] > 0.9
    assert odds["u004"].max() < 0.5
    assert odds["eager"][10] / odds["eager"].mean() < 1.1


# --- the same from a naive count ------------------------------------------------------

MINUTES = st.integers(0, 12 * 24 * 60)
LOGS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bo", "cy"]),
        st.sampled_from(["deliver", "open", "read", "click", "like", "follow"]),
        MINUTES.map(lambda step: step // 7 * 7) | MINUTES,
    ),
    min_size=1,
    max_size=60,
)


def naive_counts(
    rows: list[dict[str, Any]], as_of: dt.datetime, window: dt.timedelta, tz: ZoneInfo
) -> dict[str, list[list[int]]]:
    """Count openings, answered deliveries and deliveries, an event at a time."""
    found: dict[str, list[list[int]]] = {}
    first = as_of.astimezone(tz).date() - window + DAY
    for user in sorted({row["user"] for row in rows if row["at"] <= as_of}):
        mine = [row for row in rows if row["user"] == user and row["at"] <= as_of]
        mine = [row for row in mine if row["at"].astimezone(tz).date() >= first]
        sent = sorted(row["at"] for row in mine if row["kind"] == "deliver")
        opened = [row["at"] for row in mine if row["kind"] in {"open", "read", "click"}]
        counts = [[0] * 24 for _ in range(3)]
        for day_hour in {one.astimezone(tz).strftime("%Y%m%d%H") for one in opened}:
            counts[0][int(day_hour[-2:])] += 1
        answered = set()
        for one in opened:
            before = [place for place, when in enumerate(sent) if when <= one]
            if before and one - sent[before[-1]] < DAY:
                answered.add(before[-1])
        for place, when in enumerate(sent):
            if when <= as_of - DAY:
                counts[1][when.astimezone(tz).hour] += place in answered
                counts[2][when.astimezone(tz).hour] += 1
        found[user] = counts
    return found


def naive_odds(model: HourModel, counts: list[list[int]]) -> list[float]:
    """Work out the odds of one user an hour at a time."""
    opened, answered, sent = counts
    if model.level is None:
        total = sum(opened) + model.kappa
        pairs = zip(opened, model.hours, strict=True)
        return [(own + model.kappa * pi) / total for own, pi in pairs]
    shift = 0.0
    if sum(sent):
        usual = math.fsum(n * pi for n, pi in zip(sent, model.hours, strict=True))
        usual /= sum(sent)
        rate = (sum(answered) + model.level * usual) / (sum(sent) + model.level)
        shift = math.log(rate / (1 - rate)) - math.log(usual / (1 - usual))
    found = []
    for own, n, pi in zip(answered, sent, model.hours, strict=True):
        mean = 1 / (1 + math.exp(-math.log(pi / (1 - pi)) - shift))
        found.append((own + model.kappa * mean) / (n + model.kappa))
    return found


@given(
    LOGS,
    st.integers(0, 12 * 24 * 60),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu", "UTC"]),
    st.sampled_from([1, 5, 30]),
    st.integers(1, 24),
)
@settings(max_examples=150)
def test_the_answer_is_that_of_a_naive_count(
    events: list[tuple[str, str, int]], now: int, zone: str, days: int, top: int
) -> None:
    """Event by event, hour by hour, user by user: counts, odds, and their order."""
    # Clocks are turned forward in Berlin within these days.
    start = dt.datetime(2026, 3, 24, tzinfo=dt.UTC)
    rows = [event(u, kind, start + dt.timedelta(minutes=m)) for u, kind, m in events]
    as_of, window = start + dt.timedelta(minutes=now), days * DAY

    found = send_time(
        read_log(rows), as_of, top=top, window=window, clock=DayClock(zone)
    )

    counts = naive_counts(rows, as_of, window, ZoneInfo(zone))
    users, matrix = found.matrix()
    assert list(counts) == users.tolist()
    assert any(sum(one[2]) for one in counts.values()) == (
        found.model.measure == "open_rate"
    )
    for user, odds in zip(users, matrix, strict=True):
        np.testing.assert_allclose(naive_odds(found.model, counts[user]), odds, 1e-9)
        mine = [row for row in rows_of(found.frame) if row["user"] == user]
        order = sorted(
            range(24),
            key=lambda hour: (
                -odds[hour],
                min(min(abs(hour - g), 24 - abs(hour - g)) for g in GOLDEN_HOURS),
                hour,
            ),
        )
        assert order[:top] == [row["hour"] for row in mine]
        assert [odds[hour] for hour in order[:top]] == [row["odds"] for row in mine]


@given(st.lists(st.integers(0, 30), min_size=24, max_size=24), st.floats(0.01, 1e4))
def test_one_user_alone_has_the_odds_it_has_among_others(
    opens: list[int], kappa: float
) -> None:
    """To the last digit: one row or a thousand."""
    rates = tuple(np.linspace(0.1, 0.4, 24).tolist())
    for model, sent in (
        (HourModel("open_share", EVEN, kappa), None),
        (HourModel("open_rate", rates, kappa, 3.0), [2 * one for one in opens]),
    ):
        many = None if sent is None else [sent[::-1], sent, [0] * 24]

        block = model.odds([opens[::-1], opens, [0] * 24], many)

        assert model.odds(opens, sent).tolist() == block[1].tolist()
        np.testing.assert_allclose(model.hours, block[2], rtol=1e-12)


# --- which hours ----------------------------------------------------------------------


def test_nobody_who_opened_anything_leaves_the_golden_windows() -> None:
    """An empty log of openings: the windows, those of whoever asks."""
    rows = [event("ann", "like", at(30, 3))]
    found = send_time(read_log(rows), AS_OF, top=6)

    assert list(GOLDEN_HOURS) == [row["hour"] for row in found.frame][:5]
    assert 7 == found.frame[5]["hour"]
    assert 0 == found.model.openings
    assert 24 == pytest.approx(found.model.kappa)
    assert {"ann": 9} == best(rows, windows=(Window("forenoon", "09:00", "10:30"),))


def test_openings_tell_even_of_users_who_never_opened() -> None:
    """From oneself to everybody to the windows, without a step."""
    many = [
        event(f"u{user}", "open", at(day, 17, user % 60))
        for user in range(40)
        for day in (3, 8, 20, 30)
    ]
    rows = [*many, *(event("night", "open", at(d, 23)) for d in range(1, 31))]

    found = best([*rows, event("new", "follow", at(30, 8))])

    assert (23, 17, 17) == (found["night"], found["new"], found["u7"])


def test_an_hour_is_half_open_on_the_wall_clock_of_the_zone() -> None:
    """20:59:59 is at 20, 21:00 at 21; the same instants are other hours elsewhere."""
    rows = [event("ann", "open", at(day, 20, 59)) for day in range(1, 31)]
    rows += [event("bo", "open", at(day, 21, 0)) for day in range(1, 31)]

    assert {"ann": 20, "bo": 21} == best(rows)
    assert {"ann": 14, "bo": 15} == best(rows, clock=DayClock("Europe/Berlin"))


def test_hours_stay_wall_clock_hours_when_clocks_are_turned() -> None:
    """07:00 in Berlin is 07:00 before and after the last Sunday of March."""
    berlin = ZoneInfo("Europe/Berlin")
    rows = [
        event("ann", "open", dt.datetime(2026, 3, day, 7, 30, tzinfo=berlin))
        for day in range(20, 32)
    ]

    found = send_time(read_log(rows), AS_OF, clock=DayClock("Europe/Berlin"))

    assert 7 == found.frame[0]["hour"]
    own = np.zeros(24)
    own[7] = 12
    assert found.model.odds(own).max() == found.frame[0]["odds"]


def test_a_rate_belongs_to_the_hour_of_the_delivery() -> None:
    """Sent at 09:00 and read at 22:00: that is how 09:00 does."""
    rows = []
    for day in range(1, 29):
        rows += [event("ann", "deliver", at(day, 9)), event("ann", "open", at(day, 22))]
        rows += [event("ann", "deliver", at(day, 23))]

    found = send_time(read_log(rows), AS_OF)

    assert ("open_rate", 9) == (found.model.measure, found.frame[0]["hour"])
    assert (56, 28) == (found.model.deliveries, found.model.openings)
    assert {"ann": 22} == best(rows, measure="open_share")


def test_a_window_without_a_delivery_is_not_taken_to_be_the_better_one() -> None:
    """What is believed of 08:00 is believed beside what is seen at 20:00."""
    rows = [
        event(f"u{user}", "deliver", at(d, 20)) for user in range(50) for d in (3, 9)
    ]
    rows += [event(f"u{user}", "open", at(9, 20, 30)) for user in range(30)]

    hours = send_time(read_log(rows), AS_OF).model.hours

    assert 0.3 == pytest.approx(hours[20], abs=0.01)
    assert hours[8] == pytest.approx(hours[20], abs=0.02)
    assert hours[3] < hours[8] / 2


def test_a_delivery_is_judged_when_its_time_is_over() -> None:
    """What was sent within the last day is neither read nor unread yet."""
    edge = AS_OF - DAY
    rows = [event("ann", "deliver", edge), event("ann", "open", edge + HOUR)]

    assert 1 == send_time(read_log(rows), AS_OF).model.deliveries
    sooner = send_time(read_log(rows), AS_OF - dt.timedelta(microseconds=1))
    assert "open_share" == sooner.model.measure
    shorter = send_time(read_log(rows), AS_OF, answer_within=HOUR)
    assert (1, 0) == (shorter.model.deliveries, shorter.model.openings)


def test_several_openings_of_one_delivery_are_one() -> None:
    """Opened, read and clicked: one message that arrived."""
    rows = [event("ann", "deliver", at(3, 9))]
    rows += [
        event("ann", kind, at(3, 10, m))
        for m, kind in enumerate(("open", "read", "click"))
    ]

    for measure in ("open_rate", "open_share"):
        assert 1 == send_time(read_log(rows), AS_OF, measure=measure).model.openings


# --- the answer -----------------------------------------------------------------------


def two_users() -> list[dict[str, Any]]:
    """Return a small log."""
    rows = [event("bo", "open", at(day, 13)) for day in range(1, 21)]
    return [*rows, event("ann", "open", at(3, 5)), event("cy", "like", at(3, 5))]


@pytest.mark.parametrize("engine", EAGER)
def test_the_frame_is_of_the_kind_that_came_in(engine: str) -> None:
    """The same rows from every kind of table."""
    expected = rows_of(send_time(read_log(two_users()), AS_OF, top=2).frame)

    found = send_time(read_log(table(two_users(), engine)), AS_OF, top=2).frame

    assert expected == rows_of(found)
    assert ["ann", "ann", "bo", "bo", "cy", "cy"] == [r["user"] for r in expected]


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb"])
def test_an_engines_log_is_collected(engine: str) -> None:
    """The answer is an Arrow table with the same rows."""
    found = send_time(read_log(table(two_users(), engine)), AS_OF).frame

    assert rows_of(send_time(read_log(two_users()), AS_OF).frame) == found.to_pylist()


def test_a_model_scores_another_log() -> None:
    """Learned once, kept as text, used on the next log: nothing is learned there."""
    frame, model = send_time(read_log(two_users()), AS_OF)
    other: Log = read_log([event("dee", "like", at(1, 1))])

    again = send_time(other, AS_OF, model=load(dump(model)))

    assert model == again.model
    assert again.frame[0]["odds"] == pytest.approx(max(model.hours))
    assert len(frame) == len(two_users()) - 19


def test_the_answer_prints_as_a_table() -> None:
    """And says of itself what it knows."""
    found = send_time(read_log(two_users()), AS_OF)

    assert "user  hour    odds" == str(found).splitlines()[0]
    assert "<SendTimes of 3 users: HourModel open_share of 2 users" in repr(found)
    assert "<table" in found._repr_html_()
    assert 3 == len(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"top": 0}, "top must be at least 1, got 0"),
        ({"top": 25}, "top must be from 1 to 24, got 25"),
        ({"top": True}, "top must be a whole number"),
        ({"measure": "open"}, "measure must be a measure, got 'open'"),
        ({"model": {}}, "model must be an HourModel, got {}"),
        (
            {"model": HourModel("open_share", EVEN, 1.0), "measure": "open_rate"},
            "measure must be the model's, open_share",
        ),
        ({"prior": 0}, "prior must be a finite number above 0"),
        ({"prior": math.nan}, "prior must be a finite number above 0"),
        ({"windows": ()}, "windows must be at least one window"),
        ({"windows": ("20:00",)}, r"windows\[0\] must be a Window"),
        ({"window": DAY * 0}, "window must be a timedelta above zero"),
        ({"answer_within": 24}, "answer_within must be a timedelta above zero"),
    ],
)
def test_bad_questions_are_refused(change: dict[str, Any], said: str) -> None:
    """What it must be, and how to mend it."""
    with pytest.raises(InvalidInputError, match=said):
        send_time(read_log(two_users()), AS_OF, **change)


def test_a_naive_instant_is_refused() -> None:
    """Nobody's noon is no instant."""
    with pytest.raises(InvalidInputError, match="as_of must be an aware datetime"):
        send_time(read_log(two_users()), dt.datetime(2026, 6, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: HourModel("open_share", (0.1,), 1.0), "hours must be 24 numbers"),
        (lambda: HourModel("open_share", (0.1,) * 24, 1.0), "shares that sum to 1"),
        (lambda: HourModel("open_rate", (1.0,) * 24, 1.0, 1.0), r"hours\[0\] must be"),
        (lambda: HourModel("open_rate", EVEN, 1.0), "level must be a number for an"),
        (lambda: HourModel("open_share", EVEN, 1.0, 1.0), "level must be a number"),
        (lambda: HourModel("open_share", EVEN, 0.0), "kappa must be a finite number"),
        (lambda: HourModel("open_share", EVEN, 1.0, users=-1), "users must be at"),
        (lambda: HourModel("open_share", EVEN, 1.0).odds([1]), "24 in each row"),
        (lambda: HourModel("open_share", EVEN, 1.0).odds([-1] * 24), "at least 0"),
        (lambda: HourModel("open_rate", EVEN, 1.0, 1.0).odds([1] * 24), "for an open"),
        (
            lambda: HourModel("open_rate", EVEN, 1.0, 1.0).odds([1] * 24, [0] * 24),
            r"deliveries\[0\] must be at least the openings",
        ),
        (
            lambda: HourModel("open_rate", EVEN, 1.0, 1.0).odds([1] * 24, [[1] * 24]),
            "deliveries.shape must be",
        ),
    ],
)
def test_what_is_no_model_and_no_count_is_refused(call: Any, said: str) -> None:
    """The message names the field."""
    with pytest.raises(InvalidInputError, match=said):
        call()


def test_every_platforms_windows_are_a_belief() -> None:
    """The windows of Douyin and Weibo do as well."""
    rows = [event("ann", "like", at(30, 3))]
    for windows in GOLDEN_WINDOWS.values():
        hour = best(rows, windows=windows)["ann"]
        assert any(w.start <= f"{hour:02d}:00" < w.end for w in windows)
