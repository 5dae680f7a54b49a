"""Points as lots: what is spent, expires, comes back; one user and many."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import EAGER, rows_of
from tests.segments.fact_tables import columns_of, fact_table
from wxengage.codec import dump, load
from wxengage.errors import InvalidInputError
from wxengage.segments.points import Balance, PointsLot, balance
from wxengage.segments.points.crowd import balances, user_balances
from wxengage.segments.points.decay import DecayingPoints
from wxengage.segments.points.facts import Earned, Fact, Reinstated, Reversed, Spent
from wxengage.segments.points.policy import PointsPolicy
from wxengage.segments.points.validity import DayTable, Validity
from wxengage.times.calendars import add_months
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = dt.timedelta(days=1)
MICRO = dt.timedelta(microseconds=1)
MONTH = PointsPolicy(validity=Validity(months=1))
ZONES = ("Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Pacific/Apia")
SUMS = ("earned", "available", "pending", "spent", "expired", "reversed", "owed")


def day(text: str) -> dt.datetime:
    """Return an instant on a wall in Shanghai: ``"01-31"`` is in 2026, at noon."""
    date = text if len(text) > 5 else f"2026-{text}"
    return dt.datetime.fromisoformat(date).replace(hour=12, tzinfo=SHANGHAI)


def sums_of(found: Balance) -> dict[str, int]:
    """Return the sums that are not zero."""
    return {name: getattr(found, name) for name in SUMS if getattr(found, name)}


# What a validity means on the calendar.


@pytest.mark.parametrize(
    ("validity", "first", "last"),
    [
        (Validity(days=0), "2026-03-01", "2026-03-01"),
        (Validity(days=30), "2026-01-31", "2026-03-02"),
        (Validity(months=1), "2026-01-31", "2026-02-28"),
        (Validity(months=1), "2024-01-31", "2024-02-29"),
        (Validity(years=1), "2024-02-29", "2025-02-28"),
        (Validity(years=4), "2024-02-29", "2028-02-29"),
        (Validity(months=12, until="month"), "2026-03-05", "2027-03-31"),
        (Validity(days=20, until="month"), "2024-01-15", "2024-02-29"),
        (Validity(years=1, until="year"), "2026-01-01", "2027-12-31"),
        (Validity(years=0, until="year"), "2026-12-31", "2026-12-31"),
    ],
)
def test_month_ends_and_leap_days(validity: Validity, first: str, last: str) -> None:
    """A month that is too short ends on its last day; the end is then rounded up."""
    date = dt.date.fromisoformat(last)
    noon = day(first)

    assert date == validity.last_day(noon.date())
    expected = dt.datetime.combine(date + DAY, dt.time(), SHANGHAI)
    assert expected == validity.end(noon)
    assert expected == validity.end(noon.replace(hour=0))
    assert expected == validity.end(noon + 12 * dt.timedelta(hours=1) - MICRO)


VALIDITIES = st.one_of(
    st.builds(Validity, days=st.integers(0, 40), until=st.sampled_from(["day"])),
    st.builds(Validity, days=st.integers(0, 400), until=st.sampled_from(["month"])),
    st.builds(
        Validity, months=st.integers(0, 14), until=st.sampled_from(["day", "month"])
    ),
    st.builds(
        Validity, years=st.integers(0, 4), until=st.sampled_from(["day", "year"])
    ),
)
INSTANTS = st.datetimes(
    dt.datetime(1970, 1, 3),  # noqa: DTZ001  hypothesis adds the zone
    dt.datetime(2199, 12, 30),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
)


@given(VALIDITIES, INSTANTS, st.sampled_from(ZONES), st.integers(0, 23))
def test_many_ends_are_those_of_one_at_a_time(
    validity: Validity, at: dt.datetime, tz: str, hour: int
) -> None:
    """The table of days says what the clock says, in zones that change it too."""
    clock = DayClock(tz, dt.time(hour))
    t = micros("at", at)
    ends = validity.ends(np.array([t]), DayTable(clock, t, t + 10**15))

    assert validity.end(at, clock) == from_micros(int(ends[0]))
    last = validity.last_day(clock.date(clock.day(at)))
    assert clock.start(clock.of_date(last) + 1) == validity.end(at, clock)


@given(st.dates(dt.date(1970, 1, 1), dt.date(2200, 1, 1)), st.integers(0, 1200))
def test_months_are_added_as_the_calendar_does(date: dt.date, months: int) -> None:
    """Of one date and of a column of them."""
    assert add_months(date, months) == Validity(months=months).last_day(date)
    days = np.array([DayClock().of_date(date)])
    found = Validity(months=months).last_days(days)
    assert DayClock().of_date(add_months(date, months)) == found[0]


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("one of days, months, years", {}),
        ("one of days, months, years", {"days": 1, "months": 1}),
        ("days must be at least 0", {"days": -1}),
        ("months must be a whole number", {"months": 1.0}),
        ("years must be a whole number", {"years": True}),
        ("at most 100", {"years": 101}),
        ("did you mean 'month'", {"months": 1, "until": "months"}),
    ],
)
def test_a_validity_is_one_length_and_a_kind_of_end(said: str, given: Any) -> None:
    """What cannot be read one way is refused."""
    with pytest.raises(InvalidInputError, match=said):
        Validity(**given)


# Scenarios.

EARN = Earned("e1", day("01-31"), 100)
SPEND = Spent("s1", day("02-10"), 60)


@pytest.mark.parametrize(
    ("facts", "at", "expected"),
    [
        pytest.param([EARN], "02-28", {"available": 100}, id="last day"),
        pytest.param([EARN], "03-01", {"expired": 100}, id="day after"),
        pytest.param(
            [EARN, SPEND], "03-01", {"spent": 60, "expired": 40}, id="rest expires"
        ),
        pytest.param(
            [EARN, SPEND, Reversed("r1", day("02-20"), "s1")],
            "02-21",
            {"available": 100},
            id="a refund reopens the lot",
        ),
        pytest.param(
            [EARN, SPEND, Reversed("r1", day("03-02"), "s1")],
            "03-03",
            {"expired": 100},
            id="a refund across the end gives nothing back",
        ),
        pytest.param(
            [EARN, SPEND, Reversed("r1", day("02-20"), "e1")],
            "02-21",
            {"spent": 60, "reversed": 100, "owed": 60},
            id="a refunded earning that was spent is owed",
        ),
        pytest.param(
            [
                EARN,
                SPEND,
                Reversed("r1", day("02-20"), "e1"),
                Earned("e2", day("02-22"), 75),
            ],
            "02-23",
            {"available": 15, "spent": 60, "reversed": 100},
            id="the next lot pays what is owed",
        ),
        pytest.param(
            [
                EARN,
                SPEND,
                Reversed("r1", day("02-20"), "e1"),
                Reversed("r2", day("02-21"), "s1"),
            ],
            "02-22",
            {"reversed": 100},
            id="what comes back pays its own lot's debt",
        ),
        pytest.param(
            [EARN, SPEND, Reversed("r1", day("02-20"), "e1", 40)],
            "02-21",
            {"spent": 60, "reversed": 40},
            id="a partly refunded earning loses what is left first",
        ),
        pytest.param(
            [EARN, Reversed("r1", day("03-05"), "e1")],
            "03-06",
            {"reversed": 100},
            id="what has expired is not owed",
        ),
    ],
)
def test_what_becomes_of_points(
    facts: list[Fact], at: str, expected: dict[str, int]
) -> None:
    """Month ends, refunds before and across them, debts; in any order."""
    for order in itertools.permutations(facts):
        found = sums_of(balance(order, MONTH, day(at)))
        assert {"earned": sum(f.points for f in facts if isinstance(f, Earned))} == {
            "earned": found.pop("earned")
        }
        assert expected == found


def test_a_lot_is_gone_at_the_very_instant_it_expires() -> None:
    """Validity is half open, and so is the time of waiting."""
    policy = PointsPolicy(pending=2 * DAY, validity=Validity(months=1))
    end = dt.datetime(2026, 3, 1, tzinfo=SHANGHAI)

    assert balance([EARN], policy, EARN.at + 2 * DAY - MICRO).pending == 100
    assert balance([EARN], policy, EARN.at + 2 * DAY).available == 100
    assert balance([EARN], policy, end - MICRO).available == 100
    assert balance([EARN], policy, end).expired == 100
    assert (end, 100) == balance([EARN], policy, EARN.at).next_expiry


def test_a_lot_that_expires_while_it_waits_is_never_there() -> None:
    """A policy that waits for longer than points last gives none."""
    policy = PointsPolicy(pending=60 * DAY, validity=Validity(months=1))

    assert balance([EARN], policy, day("02-27")).pending == 100
    assert {"earned": 100, "expired": 100} == sums_of(
        balance([EARN], policy, day("12-01"))
    )


def test_spending_takes_what_expires_first() -> None:
    """An older lot goes before a younger one."""
    facts = [Earned("b", day("02-05"), 10), Earned("a", day("01-05"), 10)]
    spent = Spent("s", day("02-05"), 12)
    found = balance((*facts, spent), MONTH, day("02-05"))

    assert [("b", 8)] == [(lot.id, lot.points) for lot in found.lots]


def test_a_partial_refund_gives_back_what_lives_longer() -> None:
    """Of two lots that were taken the later-ending one comes back first."""
    facts: list[Fact] = [
        Earned("a", day("01-05"), 10),
        Earned("b", day("01-20"), 10),
        Spent("s", day("01-21"), 20),
        Reversed("r1", day("01-22"), "s", 10),
    ]

    assert ["b"] == [lot.id for lot in balance(facts, MONTH, day("01-22")).lots]
    facts.append(Reversed("r2", day("01-23"), "s", 3))
    lots = balance(facts, MONTH, day("01-23")).lots
    assert [("a", 3), ("b", 10)] == [(lot.id, lot.points) for lot in lots]


WINDOW = PointsPolicy(validity=Validity(months=1), reinstatement=10 * DAY)


def test_a_refund_soon_after_the_end_lives_for_another_window() -> None:
    """The lot ended on 1 March; the window holds until ten days later, included."""
    end = dt.datetime(2026, 3, 1, tzinfo=SHANGHAI)
    facts: list[Fact]
    for late, expected in ((10 * DAY, 60), (10 * DAY + MICRO, 0)):
        facts = [EARN, SPEND, Reversed("r", end + late, "s1")]
        assert expected == balance(facts, WINDOW, end + late).available
    facts = [EARN, SPEND, Reversed("r", day("03-05"), "s1")]
    found = balance(facts, WINDOW, day("03-06"))

    assert {"earned": 100, "available": 60, "expired": 40} == sums_of(found)
    assert (day("03-15"), 60) == found.next_expiry
    assert balance(facts, WINDOW, day("03-15")).expired == 100


def test_an_operator_revives_what_expired_of_late() -> None:
    """For another window, from the act on."""
    facts: list[Fact]
    facts = [EARN, Earned("old", day("01-05"), 7), Reinstated("x", day("03-05"))]
    found = balance(facts, WINDOW, day("03-06"))

    assert {"earned": 107, "available": 100, "expired": 7} == sums_of(found)
    assert (day("03-15"), 100) == found.next_expiry


def test_points_without_validity_never_expire() -> None:
    """And there is no next expiry."""
    found = balance([EARN], PointsPolicy(), day("2199-01-01"))

    assert ({"earned": 100, "available": 100}, None) == (
        sums_of(found),
        found.next_expiry,
    )
    assert (PointsLot("e1", 100, EARN.at, EARN.at, None),) == found.lots


def test_nobody_has_nothing() -> None:
    """No facts, or none yet."""
    assert {} == sums_of(balance([], MONTH, day("01-01")))
    assert {} == sums_of(balance([EARN], MONTH, EARN.at - MICRO))


def test_a_balance_prints_as_a_table() -> None:
    """Sums, then the lots with their times."""
    found = balance([EARN, SPEND], MONTH, day("02-11"))

    text = str(found)
    assert "available  40" in text
    assert "lot e1" in text
    assert "2026-03-01 00:00:00+08:00" in text
    assert "<table" in found._repr_html_()


# Bad input.


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (r"spent 's1'.points must be at most the 0 points", [SPEND]),
        (
            r"at most the 100 points there are at 2026-02-10",
            [EARN, attrs.evolve(SPEND, points=101)],
        ),
        ("at most the 0 points", [EARN, attrs.evolve(SPEND, at=day("03-01"))]),
        (
            "at most the 100 of it that are not reversed",
            [EARN, Reversed("r", day("02-01"), "e1", 101)],
        ),
        (
            "at most the 0 of it that are not reversed",
            [
                EARN,
                Reversed("r", day("02-01"), "e1"),
                Reversed("r2", day("02-02"), "e1"),
            ],
        ),
        (
            "at most the 20 of it",
            [
                EARN,
                SPEND,
                Reversed("r", day("02-11"), "s1", 40),
                Reversed("r2", day("02-12"), "s1", 21),
            ],
        ),
        ("reversed 'r'.of must be", [EARN, Reversed("r", day("02-01"), "e2")]),
        ("reversed 'r'.of must be", [EARN, Reversed("r", day("01-01"), "e1")]),
        (
            "reversed 'r2'.of must be",
            [
                EARN,
                Reversed("r", day("02-01"), "e1", 1),
                Reversed("r2", day("02-01"), "r"),
            ],
        ),
        ("reinstatement=timedelta", [EARN, Reinstated("x", day("02-01"))]),
        (r"facts\[1\] must be the fact", [EARN, attrs.evolve(EARN, points=99)]),
        (r"facts\[1\] must be the fact", [EARN, Spent("e1", EARN.at, 100)]),
        (r"facts\[0\] must be an Earned", ["e1"]),
    ],
)
def test_facts_that_cannot_be_are_refused_by_name(said: str, facts: Any) -> None:
    """Points without a lot, reversals of nothing, ids used twice."""
    with pytest.raises(InvalidInputError, match=said):
        balance(facts, MONTH, day("06-01"))


@pytest.mark.parametrize(
    ("said", "make"),
    [
        ("points must be at least 1", lambda: Earned("e", EARN.at, 0)),
        ("points must be a whole number", lambda: Earned("e", EARN.at, 1.0)),  # type: ignore[arg-type]  # the mistake under test
        ("points must be a whole number", lambda: Spent("e", EARN.at, True)),
        ("at most 1000000000000", lambda: Spent("e", EARN.at, 10**13)),
        ("points must be at least 1", lambda: Reversed("e", EARN.at, "x", 0)),
        ("aware", lambda: Earned("e", EARN.at.replace(tzinfo=None), 1)),
        ("1970 to 2199", lambda: Earned("e", EARN.at.replace(year=1969), 1)),
        ("1970 to 2199", lambda: balance([], MONTH, EARN.at.replace(year=2200))),
        ("id must be", lambda: Earned("", EARN.at, 1)),
        ("id must be", lambda: Reinstated(True, EARN.at)),
        ("pending must be", lambda: PointsPolicy(pending=-DAY)),
        ("reinstatement must be", lambda: PointsPolicy(reinstatement=0 * DAY)),
        ("validity must be", lambda: PointsPolicy(validity=DAY)),  # type: ignore[arg-type]  # the mistake under test
        ("clock must be", lambda: PointsPolicy(clock="Asia/Shanghai")),  # type: ignore[arg-type]  # the mistake under test
        ("policy must be", lambda: balance([], Validity(days=1), EARN.at)),  # type: ignore[arg-type]  # the mistake under test
        ("as_of must be", lambda: balance([], MONTH, "2026-01-01")),  # type: ignore[arg-type]  # the mistake under test
    ],
)
def test_values_that_cannot_be_are_refused(said: str, make: Any) -> None:
    """Whole points, aware instants, policies of the right kind."""
    with pytest.raises(InvalidInputError, match=said):
        make()


def test_policies_and_balances_survive_being_written() -> None:
    """What a program wants to keep comes back equal."""
    facts = (EARN, SPEND, Reversed("r", day("03-05"), "s1"), Reinstated("x", EARN.at))

    for value in (*facts, MONTH, WINDOW, balance(facts, WINDOW, day("03-06"))):
        assert value == load(dump(value))
    fading = DecayingPoints(7.5, EARN.at, 30 * DAY)
    assert fading == load(dump(fading))


# Against a simulation with one token a point.

START = dt.datetime(2024, 1, 28, tzinfo=dt.UTC)
_NEVER = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
_ORDER = (Earned, Spent, Reversed, Reinstated)


@st.composite
def histories(draw: st.DrawFn, undo: float = 1.0) -> list[Fact]:
    """Return facts of one user; some may not be possible."""
    facts: list[Fact] = []
    hours = st.one_of(st.integers(0, 24 * 90), st.integers(0, 12).map(lambda n: 24 * n))
    kinds = [Earned, Earned, Spent] + [Reversed, Reversed, Reinstated] * bool(undo)
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(kinds)) if facts else Earned
        at = START + dt.timedelta(hours=draw(hours))
        if kind is Earned:
            facts.append(Earned(number, at, draw(st.integers(1, 6))))
        elif kind is Spent:
            facts.append(Spent(number, at, draw(st.integers(1, 4))))
        elif kind is Reinstated:
            facts.append(Reinstated(number, at))
        else:
            of = draw(st.sampled_from([f for f in facts if f.id is not None]))
            later = max(at, of.at)
            points = draw(st.none() | st.integers(1, 4))
            facts.append(Reversed(number, later, of.id, points))
    return facts


POLICIES = st.builds(
    PointsPolicy,
    pending=st.sampled_from([0 * DAY, 3 * DAY, dt.timedelta(hours=36)]),
    validity=st.none() | VALIDITIES,
    reinstatement=st.sampled_from([10 * DAY, dt.timedelta(hours=30)]),
    clock=st.builds(DayClock, st.sampled_from(ZONES)),
)


class Token:
    """One point."""

    def __init__(self, lot: int, available: dt.datetime, expires: dt.datetime) -> None:
        self.lot, self.available, self.expires = lot, available, expires
        self.free = True

    def key(self) -> tuple[dt.datetime, dt.datetime, int]:
        """Return the order of spending."""
        return self.expires, self.available, self.lot


class Simulation:
    """The rules, one point at a time and without any cleverness."""

    def __init__(self, policy: PointsPolicy) -> None:
        self.policy = policy
        self.tokens: list[Token] = []
        self.taken: dict[Any, list[Token]] = {}
        self.undone: dict[Any, int] = {}
        self.debts: list[int] = []
        self.reversed = 0

    def run(self, facts: list[Fact], as_of: dt.datetime) -> dict[str, int]:
        """Return the sums at an instant."""
        known = [fact for fact in facts if fact.at <= as_of]
        known.sort(key=lambda f: (f.at, _ORDER.index(type(f)), f.id))
        wake = {f.at + self.policy.pending for f in known if isinstance(f, Earned)}
        for now in sorted({f.at for f in known} | wake | {as_of}):
            if now > as_of:
                break
            self.pay(now)
            for fact in known:
                if fact.at == now:
                    self.take(fact, now, known)
                    self.pay(now)
        free = [token for token in self.tokens if token.free]
        expired = sum(token.expires <= as_of for token in free)
        available = len(self.ready(as_of))
        return {
            "earned": len(self.tokens),
            "available": available,
            "pending": len(free) - expired - available,
            "spent": sum(map(len, self.taken.values())),
            "expired": expired,
            "reversed": self.reversed,
            "owed": len(self.debts),
        }

    def ready(self, now: dt.datetime) -> list[Token]:
        """Return what can be spent, in the order of spending."""
        there = [t for t in self.tokens if t.free and t.available <= now < t.expires]
        return sorted(there, key=Token.key)

    def pay(self, now: dt.datetime) -> None:
        """Pay what is owed from what there is."""
        for token in self.ready(now)[: len(self.debts)]:
            token.free = False
            self.debts.pop(0)

    def take(self, fact: Fact, now: dt.datetime, known: list[Fact]) -> None:
        """Let one fact happen."""
        window = self.policy.reinstatement
        if isinstance(fact, Earned):
            validity, clock = self.policy.validity, self.policy.clock
            end = validity.end(now, clock) if validity else _NEVER
            lot = int(fact.id)
            new = [
                Token(lot, now + self.policy.pending, end) for _ in range(fact.points)
            ]
            self.tokens += new
        elif isinstance(fact, Spent):
            ready = self.ready(now)
            if len(ready) < fact.points:
                raise ValueError(fact)
            self.taken[fact.id] = ready[: fact.points]
            for token in self.taken[fact.id]:
                token.free = False
        elif isinstance(fact, Reinstated):
            for token in self.tokens:
                if token.free and window and now - window <= token.expires <= now:
                    token.expires = now + window
        else:
            self.undo(fact, now, known)

    def undo(self, fact: Reversed, now: dt.datetime, known: list[Fact]) -> None:
        """Take back an earning or a spending."""
        (of,) = (f for f in known if f.id == fact.of)
        if not isinstance(of, Earned | Spent):
            raise ValueError(fact)  # noqa: TRY004  as the library's own error is
        left = of.points - self.undone.get(of.id, 0)
        points = left if fact.points is None else fact.points
        if not 0 < points <= left:
            raise ValueError(fact)
        self.undone[of.id] = self.undone.get(of.id, 0) + points
        if isinstance(of, Spent):
            for _ in range(points):
                self.give_back(self.taken[of.id].pop(), now)
            return
        self.reversed += points
        mine = [token for token in self.tokens if token.lot == of.id and token.free]
        for token in sorted(mine, key=Token.key)[:points]:
            token.free = False
        for _ in range(points - len(mine)):
            places = [i for i, lot in enumerate(self.debts) if lot == of.id]
            self.debts.insert(places[-1] + 1 if places else len(self.debts), int(of.id))

    def give_back(self, token: Token, now: dt.datetime) -> None:
        """Return a point to its lot."""
        if token.lot in self.debts:
            self.debts.remove(token.lot)
            return
        token.free = True
        window = self.policy.reinstatement
        if window and token.expires <= now <= token.expires + window:
            token.expires = now + window


@settings(max_examples=400)
@given(histories(), POLICIES, st.integers(0, 24 * 100))
def test_lots_do_what_single_points_would(
    facts: list[Fact], policy: PointsPolicy, hours: int
) -> None:
    """Sums and lots agree with one token a point, or both refuse."""
    as_of = START + dt.timedelta(hours=hours)
    simulation = Simulation(policy)
    try:
        expected = simulation.run(facts, as_of)
    except ValueError:
        with pytest.raises(InvalidInputError):
            balance(facts, policy, as_of)
        return
    found = balance(facts, policy, as_of)

    assert expected == {name: getattr(found, name) for name in SUMS}
    tokens = sorted(
        (t for t in simulation.tokens if t.free and t.expires > as_of), key=Token.key
    )
    assert [t.lot for t in tokens] == [
        x.id for x in found.lots for _ in range(x.points)
    ]
    assert [t.expires for t in tokens] == [
        x.expires_at or _NEVER for x in found.lots for _ in range(x.points)
    ]


@given(histories(), POLICIES, st.integers(0, 24 * 100), st.randoms())
def test_points_are_conserved_whatever_happens(
    facts: list[Fact], policy: PointsPolicy, hours: int, chance: Any
) -> None:
    """Nothing is lost or made; neither order nor repeats of facts matter."""
    as_of = START + dt.timedelta(hours=hours)
    try:
        found = balance(facts, policy, as_of)
    except InvalidInputError:
        return
    kept = found.available + found.pending + found.spent + found.expired
    assert found.earned == kept + found.reversed - found.owed
    assert found.available + found.pending == sum(lot.points for lot in found.lots)
    assert not (found.owed and found.available)
    shuffled = [*facts, *facts[:3]]
    chance.shuffle(shuffled)
    assert found == balance(shuffled, policy, as_of)
    later = [*facts, Earned("later", as_of + MICRO, 5)]
    assert found == balance(later, policy, as_of)


# Many users.


def check_same(users: dict[Any, list[Fact]], policy: Any, as_of: dt.datetime) -> None:
    """Assert that many users at once are as each by itself."""
    columns = columns_of(users)
    try:
        singles = {user: balance(users[user], policy, as_of) for user in users}
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            user_balances(columns, policy, as_of)
        return
    found = user_balances(columns, policy, as_of)
    assert sorted(user for user in users if users[user]) == found.user.tolist()
    for row, user in enumerate(found.user.tolist()):
        one = singles[user]
        for name in SUMS:
            assert getattr(one, name) == getattr(found, name)[row], (user, name)
        at = found.next_expiry_at[row]
        expected = one.next_expiry
        assert (expected is None) == bool(np.isnat(at))
        if expected is not None:
            assert micros("at", expected[0]) == int(at.astype(np.int64))
        points = 0 if expected is None else expected[1]
        assert points == found.next_expiry_points[row]


@settings(max_examples=200)
@given(st.lists(histories(), max_size=4), POLICIES, st.integers(0, 24 * 100))
def test_many_users_are_as_each_by_itself(
    lists: list[list[Fact]], policy: PointsPolicy, hours: int
) -> None:
    """Every sum of every user, or both refuse."""
    as_of = START + dt.timedelta(hours=hours)
    check_same(dict(zip("dbca", lists, strict=False)), policy, as_of)


@settings(max_examples=200)
@given(st.lists(histories(undo=0), max_size=6), POLICIES, st.integers(0, 24 * 100))
def test_many_who_only_earn_and_spend_are_as_each_by_itself(
    lists: list[list[Fact]], policy: PointsPolicy, hours: int
) -> None:
    """The path that takes all of them at once."""
    as_of = START + dt.timedelta(hours=hours)
    check_same(dict(enumerate(lists)), policy, as_of)


ROWS = [
    {
        "user": "bo",
        "kind": "earned",
        "id": "1",
        "at": EARN.at,
        "points": 100,
        "of": None,
    },
    {
        "user": "bo",
        "kind": "spent",
        "id": "2",
        "at": SPEND.at,
        "points": 60,
        "of": None,
    },
    {
        "user": "ann",
        "kind": "earned",
        "id": "1",
        "at": EARN.at,
        "points": 9,
        "of": None,
    },
    {
        "user": "bo",
        "kind": "reversed",
        "id": "3",
        "at": day("02-20"),
        "points": 10,
        "of": "2",
    },
]


@pytest.mark.parametrize("engine", EAGER)
def test_the_answer_is_the_kind_of_table_that_came_in(engine: str) -> None:
    """On every eager engine, with the same numbers."""
    found = rows_of(balances(fact_table(ROWS, engine), MONTH, day("02-21")))

    assert ["ann", "bo"] == [row["user"] for row in found]
    assert [9, 50] == [row["available"] for row in found]
    assert [0, 50] == [row["spent"] for row in found]


def test_without_kinds_all_is_earned_and_without_ids_nothing_is_a_repeat() -> None:
    """Three columns are enough."""
    at = np.array(["2026-01-31", "2026-01-31"], dtype="datetime64[s]")
    facts = {"user": np.array([7, 7]), "at": at, "points": np.array([5, 5])}

    found = user_balances(facts, MONTH, day("02-01"))
    assert ([7], [10]) == (found.user.tolist(), found.available.tolist())
    assert "available" in str(found)


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        (r"row 1.points must be at most the 100", {1: {"points": 101}}),
        (r"row 3.points must be at most the 60 of it", {3: {"points": 61}}),
        (r"points\[0\] must be a whole number from 1", {0: {"points": 0}}),
        (r"points\[0\] must be at least 0", {0: {"points": -5}}),
        (r"points\[1\] must be a whole number", {1: {"points": 1.5}}),
        (r"points\[1\] must be a whole number from 1", {1: {"points": None}}),
        (r"kind\[1\] must be one of earned", {1: {"kind": "spend"}}),
        (r"kind\[1\] must be one of earned", {1: {"kind": None}}),
        (r"user\[0\] must be an id", {0: {"user": None}}),
        (r"user\[0\] must be text", {0: {"user": 7}}),
        (r"user\[0\] must be text of 1 to 128", {0: {"user": " "}}),
        (r"id\[2\] must be an id", {2: {"id": None}}),
        (r"id\[1\] must be of one fact only", {1: {"id": "1"}}),
        (r"of\[3\] must be the id of what", {3: {"of": None}}),
        (r"of\[3\] must be the id of an earning", {3: {"of": "9"}}),
        (r"of\[3\] must be the id of an earning", {3: {"at": day("02-01")}}),
        (r"at\[0\] must be an instant", {0: {"at": None}}),
        (r"at\[0\] must be an instant", {0: {"at": EARN.at.replace(tzinfo=None)}}),
        (r"kind\[2\] must be under a policy", {2: {"kind": "reinstated"}}),
    ],
)
def test_bad_cells_are_named_by_column_and_row(said: str, changes: Any) -> None:
    """Nothing is skipped or guessed."""
    rows = [row | changes.get(i, {}) for i, row in enumerate(ROWS)]

    with pytest.raises(InvalidInputError, match=said):
        balances(rows, MONTH, day("06-01"))


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("with a column 'points'", {"user": [1], "at": [EARN.at]}),
        ("columns of one length", {"user": [1], "at": [EARN.at], "points": [1, 2]}),
        (
            "with a column 'of'",
            [{k: v for k, v in r.items() if k != "of"} for r in ROWS],
        ),
        (r"source\[0\] must be a dict", [EARN]),
        ("a frame, a dict", 7),
    ],
)
def test_tables_that_lack_something_are_refused(said: str, facts: Any) -> None:
    """With what is missing."""
    with pytest.raises(InvalidInputError, match=said):
        balances(facts, MONTH, day("06-01"))


def test_no_facts_are_no_users() -> None:
    """An empty table is answered by an empty one."""
    facts = {"user": [], "at": np.zeros(0, "M8[s]"), "points": np.zeros(0, np.int64)}

    assert 0 == len(user_balances(facts, MONTH, day("06-01")))


# Points that fade.

FADING = DecayingPoints(0, START, 30 * DAY)
ADDED = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(0, 400)), min_size=1, max_size=8
)


@given(ADDED, st.randoms())
def test_fading_points_are_the_sum_of_their_parts(
    added: list[tuple[int, int]], chance: Any
) -> None:
    """Whatever the order in which they were added."""
    now = START + 400 * DAY
    expected = sum(points * 2 ** (-(400 - days) / 30) for points, days in added)
    for _ in range(2):
        fading = FADING
        for points, days in added:
            fading = fading.add(points, START + days * DAY)
        assert expected == pytest.approx(fading.at(now), rel=1e-12)
        chance.shuffle(added)


@pytest.mark.parametrize(
    ("said", "make"),
    [
        ("value must be", lambda: DecayingPoints(float("nan"), START, DAY)),
        ("value must be", lambda: DecayingPoints(True, START, DAY)),
        ("points must be", lambda: FADING.add(-1, START)),
        ("points must be", lambda: FADING.add(float("inf"), START)),
        ("half_life must be", lambda: DecayingPoints(1, START, 0 * DAY)),
        ("now must be not before", lambda: FADING.at(START - MICRO)),
        ("now must be an aware", lambda: FADING.at(START.replace(tzinfo=None))),
        ("at must be an aware", lambda: FADING.add(1, START.replace(tzinfo=None))),
    ],
)
def test_fading_points_refuse_what_has_no_value(said: str, make: Any) -> None:
    """No silent NaN."""
    with pytest.raises(InvalidInputError, match=said):
        make()
