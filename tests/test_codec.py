"""Values as versioned JSON, there and back."""

from __future__ import annotations

import datetime as dt
import enum
import importlib
import json
import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.codec import dump, load, register
from wxengage.codec.homes import HOMES, named
from wxengage.codec.shapes import fields_of, form
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.money import Cash, Coupon, Perk, Points, Reward
from wxengage.pacing.budgets import AdShare, Budget
from wxengage.pacing.caps import Cap
from wxengage.pacing.quiet import QuietHours
from wxengage.pacing.windows import Window
from wxengage.rules.book import rulebook
from wxengage.segments.policy import LifecyclePolicy
from wxengage.sends import Freeze, Send, Sent
from wxengage.stats.estimates import Estimate
from wxengage.times.days import DayClock
from wxengage.users import Account, Choice, FollowSpan, User, advance

if TYPE_CHECKING:
    from collections.abc import Mapping

FIVE = Points(5)
# In UTC this instant is before the first year.
EDGE = dt.datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Asia/Shanghai"))


class Colour(enum.Enum):
    """A closed set."""

    RED = 1
    BLUE = 2


Size = NewType("Size", int)


@register
@attrs.frozen
class Everything:
    """One field of each type that can be written."""

    flag: bool = True
    whole: int = 7
    size: Size = Size(3)
    number: float = 0.1
    noted: Annotated[str, "a note"] = "早上好 😀 </script>"
    nothing: None = None
    at: dt.datetime = NOON
    day: dt.date = dt.date(2026, 3, 1)
    time: dt.time = dt.time(8, 30, 0, 1)
    span: dt.timedelta = dt.timedelta(days=-1, microseconds=1)
    price: Decimal = Decimal("8.10")
    share: Fraction = Fraction(-1, 3)
    colour: Colour = Colour.BLUE
    word: Literal["day", 1, True] = 1
    rows: tuple[int, ...] = (1, 2)
    pair: tuple[str, Cash] = ("a", Cash(1))
    days: frozenset[dt.date] = frozenset({dt.date(2026, 3, 2), dt.date(2026, 3, 1)})
    by_word: Mapping[str, float] = attrs.field(factory=dict)
    by_span: Mapping[dt.timedelta, Fraction] = MappingProxyType(
        {dt.timedelta(hours=2): Fraction(3, 5), dt.timedelta(minutes=30): Fraction(1)}
    )
    table: MappingProxyType[str, int] = MappingProxyType({"b": 1, "a": 2})
    reward: Reward = FIVE
    maybe: Cash | None = None
    period: Literal["day", "week"] | dt.timedelta | None = "week"
    within: User | tuple[Reward, ...] = (Cash(1), Perk("x"))


def envelope(**changes: object) -> str:
    """Return the text of ``Cash(800)``, changed."""
    return json.dumps(json.loads(dump(Cash(800))) | changes)


IDS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]),
    min_size=1,
    max_size=20,
)
INSTANTS = st.datetimes(
    dt.datetime(1950, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    dt.datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([dt.UTC, ZoneInfo("Asia/Shanghai")]),
).map(lambda at: at.astimezone(dt.UTC))
WHOLE = st.integers(1, 2**63 - 1)
REWARDS = st.one_of(
    st.builds(Cash, WHOLE),
    st.builds(Points, WHOLE),
    st.builds(Coupon, IDS),
    st.builds(Perk, IDS),
)
ACCOUNTS = st.builds(
    Account, IDS, st.sampled_from(["service", "subscription", "wecom"]), IDS
)


@attrs.frozen
class Happening:
    """The least that can be folded into a user."""

    kind: str
    at: dt.datetime
    account: str | None
    item: str | None
    user: str = "u1"


@st.composite
def users(draw: st.DrawFn) -> User:
    """Return a user after any events."""
    user = User(
        "u1",
        openids=draw(st.dictionaries(IDS, IDS, max_size=3)),
        unionid=draw(st.none() | IDS),
        age_band=draw(st.sampled_from([None, "18-24"])),
        zone=draw(st.sampled_from([None, "Asia/Urumqi"])),
    )
    kinds = st.sampled_from(["follow", "unfollow", "consent", "opt_out"])
    event = st.builds(Happening, kinds, INSTANTS, st.none() | IDS, st.none() | IDS)
    for each in draw(st.lists(event, max_size=6)):
        user = advance(user, each)
    return user


CLOCKS = st.builds(
    DayClock, st.sampled_from(["Asia/Shanghai", "America/Sao_Paulo"]), st.times()
)
SPANS = st.timedeltas(dt.timedelta(microseconds=1), dt.timedelta(days=3650))
POLICIES = st.builds(
    LifecyclePolicy,
    dormant_after=SPANS,
    active_at_least=st.integers(1, 100),
    active_within=SPANS,
    weights=st.dictionaries(
        st.sampled_from(["like", "share", "read"]),
        st.integers(1, 10_000).map(lambda n: n / 1000),
        min_size=1,
    ),
)


@given(st.one_of(REWARDS, ACCOUNTS, users(), CLOCKS, POLICIES))
def test_every_value_comes_back_equal(value: object) -> None:
    """What is written is read, of the same type, and writes the same text."""
    text = dump(value)

    assert value == load(text)
    assert type(value) is type(load(text))
    assert text == dump(load(text))


@pytest.mark.parametrize(
    "value",
    [
        Send("s1", "ada", "wecom", "recall", topic="recall", at=NOON, value=0.2),
        Sent("ada", NOON, "wecom", counts=False, key="k1"),
        Freeze(("offers",), None, NOON, None, "a crisis"),
        Cap(3),
        Cap(1, per=dt.timedelta(hours=6), obeys=("marketing",)),
        QuietHours("22:30", "08:00"),
        Budget(100),
        AdShare(1, 10),
        Window("lunch", "12:00", "14:00", "午休", "lunch"),
        *rulebook(NOON.date()),
        rulebook(NOON.date()),
        Event("purchase", user="ada", at=NOON, id=7, item="sku", value=8.5),
        Estimate(0.3, 0.2, 0.4, 100, method="wilson", assumptions=("iid",)),
        Choice("offers", NOON),
        FollowSpan(None, NOON),
        Everything(),
        Everything(period=None, within=User("u1"), maybe=Cash(2), reward=Coupon("9")),
        Everything(period=dt.timedelta(microseconds=1), number=3, by_word={"a": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_nouns_and_every_type_of_field_come_back_equal(value: object) -> None:
    """Times, fractions, sets, mappings and unions keep their exact value."""
    assert value == load(dump(value))
    assert repr(dump(value)) == repr(dump(load(dump(value))))


def test_a_text_names_its_type_and_versions() -> None:
    """The envelope is plain enough to be read by people."""
    assert {
        "wxengage": 1,
        "type": "QuietHours",
        "version": 1,
        "data": {"start": "22:30", "end": "08:00", "days": None},
    } == json.loads(dump(QuietHours("22:30", "08:00")))


def test_a_union_says_which_member_it_is() -> None:
    """A reward is never guessed from the names of its fields."""
    data = json.loads(dump(Everything()))["data"]

    assert {"Points": {"n": 5}} == data["reward"]
    assert {"Literal": "week"} == data["period"]
    assert data["maybe"] is None
    assert [["Cash", "Perk"]] == [
        [key for row in data["within"]["tuple"] for key in row]
    ]


def test_equal_values_give_equal_texts() -> None:
    """The order in which a mapping was filled leaves no trace."""
    one = User("u1", openids={"a": "1", "b": "2"})
    two = User("u1", openids={"b": "2", "a": "1"})

    assert dump(one) == dump(two)


def test_instants_keep_their_microsecond_and_come_back_in_utc() -> None:
    """A zone is how an instant is told, not what it is."""
    at = NOON.replace(microsecond=1)
    back = load(dump(Choice("offers", at)))

    assert at == back.at
    assert dt.UTC is back.at.tzinfo


@pytest.mark.parametrize(
    "fen", ["1.5", '"12"', "true", "null", "[1]", "{}", "1.0", "1e2", "-1", "0"]
)
def test_only_a_whole_number_is_fen(fen: str) -> None:
    """Nothing is coerced, and the class's own rules hold too."""
    text = envelope().replace("800", fen)

    with pytest.raises(InvalidInputError, match=r"Cash.* must be"):
        load(text)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("finite", envelope().replace("800", "NaN")),
        ("finite", envelope().replace("800", "-Infinity")),
        ("finite", envelope().replace("800", "1e999")),
        ("finite", envelope().replace("800", "9" * 5000)),
        ("64 bits", envelope().replace("800", str(2**63))),
        ("each key once", envelope().replace('"fen"', '"fen": 1, "fen"')),
        ("each key once", envelope().replace('"type"', '"version": 1, "type"')),
        ("nested", "[" * 100_000),
        ("nested", '{"a":' * 100_000),
        ("JSON", ""),
        ("JSON", "{"),
        ("JSON", "\ufeff" + envelope()),
        ("keys wxengage, type, version, data", "[]"),
        ("keys wxengage, type, version, data", "{}"),
        ("keys wxengage, type, version, data", envelope(more=1)),
        ("did you mean 'Cash'", envelope(type="Cach")),
        ("a known type", envelope(type="os.system")),
        ("a known type", envelope(type="wxengage.money.Cash")),
        ("a known type", envelope(type=["Cash"])),
        ("did you mean 'fen'", envelope(data={"fem": 800})),
        ("a field of Cash", envelope(data={"fen": 800, "more": 1})),
        ("with fen too", envelope(data={})),
        ("an object with the keys fen", envelope(data=[800])),
        ("a whole number", envelope(version="1")),
        ("a whole number", envelope(version=True)),
        ("at least 1", envelope(version=0)),
        ("pip install -U wxengage", envelope(version=2)),
        ("pip install -U wxengage", envelope(wxengage=2)),
    ],
)
def test_a_text_that_is_not_ours_is_refused_and_says_why(said: str, text: str) -> None:
    """No broken text gives a value, and every message mends."""
    with pytest.raises(InvalidInputError, match=said):
        load(text)


def test_a_newer_version_is_refused_by_name() -> None:
    """A program that is too old says so instead of guessing."""
    with pytest.raises(InvalidInputError, match=r"version of Cash .* got 2"):
        load(envelope(version=2))


@pytest.mark.parametrize("text", [None, b"{}", 7, dump(Cash(1)).encode()])
def test_only_text_is_read(text: Any) -> None:
    """Bytes are decoded by whoever knows how."""
    with pytest.raises(InvalidInputError, match="text must be"):
        load(text)


def changed(field: str, value: object) -> str:
    """Return the text of ``Everything`` with one field changed."""
    found = json.loads(dump(Everything()))
    found["data"][field] = value
    return json.dumps(found)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flag", 1),
        ("whole", 1.0),
        ("size", "3"),
        ("number", "0.1"),
        ("number", True),
        ("noted", 7),
        ("nothing", False),
        ("at", "2026-03-01T12:00:00"),
        ("at", "2026-03-01"),
        ("at", 1772337600),
        ("at", "0001-01-01T00:00:00+08:00"),
        ("day", "20260301"),
        ("day", "2026-02-29"),
        ("time", "08:30:00+08:00"),
        ("time", "8:30"),
        ("span", 1.5),
        ("span", 10**20),
        ("price", 8.1),
        ("price", "NaN"),
        ("price", "1_0"),
        ("share", "2/4"),
        ("share", "1e999999999"),
        ("share", "1/0"),
        ("colour", "GREEN"),
        ("colour", 1),
        ("word", 1.0),
        ("word", "week"),
        ("rows", "12"),
        ("rows", {"0": 1}),
        ("rows", [1, "2"]),
        ("pair", ["a"]),
        ("days", ["2026-03-01", "2026-03-01"]),
        ("by_word", [["a", 1.0]]),
        ("by_word", {"a": None}),
        ("by_span", {"1": "1/2"}),
        ("by_span", [[1, "1/2"], [1, "1/3"]]),
        ("by_span", [[1]]),
        ("reward", {"n": 5}),
        ("reward", {"Points": {"n": 5}, "Cash": {"fen": 5}}),
        ("reward", {"User": {"n": 5}}),
        ("reward", None),
        ("maybe", {}),
        ("period", "week"),
        ("period", {"Literal": "month"}),
    ],
)
def test_a_field_of_another_type_is_refused_by_its_place(
    field: str, value: object
) -> None:
    """The message names the field, not only the text."""
    with pytest.raises(InvalidInputError, match=rf"Everything\.{field}"):
        load(changed(field, value))


def test_all_faults_of_a_text_are_named_at_once() -> None:
    """Whoever mends a text by hand mends it once."""
    found = json.loads(dump(Everything()))
    found["data"] |= {"whole": "7", "flag": 0, "rows": [1, "x", 2.5]}

    with pytest.raises(InvalidInputError) as caught:
        load(json.dumps(found))

    for place in ("whole", "flag", "rows[1]", "rows[2]"):
        assert f"Everything.{place}" in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("Everything.number", Everything(number=math.nan)),
        ("Everything.number", Everything(number=10**30)),
        ("Everything.whole", Everything(whole=True)),
        ("Everything.whole", Everything(whole=np.int64(3))),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.whole", Everything(whole=2**63)),
        ("Everything.at", Everything(at=NOON.replace(tzinfo=None))),
        ("Everything.at", Everything(at=EDGE)),
        ("Everything.day", Everything(day=NOON)),
        ("Everything.time", Everything(time=dt.time(1, tzinfo=dt.UTC))),
        ("Everything.span", Everything(span=3)),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.price", Everything(price=Decimal("NaN"))),
        ("Everything.share", Everything(share=0.5)),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.colour", Everything(colour="RED")),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.word", Everything(word="week")),  # type: ignore[arg-type]  # the mistake under test
        (r"Everything.rows\[1\]", Everything(rows=(1, 2.5))),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.rows", Everything(rows=[1])),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.pair", Everything(pair=("a",))),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.days", Everything(days={NOON.date()})),  # type: ignore[arg-type]  # the mistake under test
        (r"Everything.by_word\['a'\]", Everything(by_word={"a": math.inf})),
        ("Everything.by_word", Everything(by_word=[("a", 1)])),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.by_word's key", Everything(by_word={1: 1.0})),  # type: ignore[dict-item]  # the mistake under test
        ("Everything.reward", Everything(reward="8.00")),  # type: ignore[arg-type]  # the mistake under test
        ("Everything.maybe", Everything(maybe=Points(1))),  # type: ignore[arg-type]  # the mistake under test
        ("Everything", Everything(noted="\ud800")),
    ],
)
def test_what_json_cannot_carry_is_not_written(place: str, value: object) -> None:
    """A value that breaks its own annotations is refused by its place."""
    with pytest.raises(InvalidInputError, match=f"^{place} must be"):
        dump(value)


@pytest.mark.parametrize("value", [None, 7, "text", {"a": 1}, object(), Cash])
def test_only_known_values_are_written(value: object) -> None:
    """A plain value has no type that a text could name."""
    with pytest.raises(InvalidInputError, match=r"state must be of a known type"):
        dump(value)


def test_a_class_of_the_same_name_is_not_taken_for_ours() -> None:
    """A type is its class, not its name."""

    @attrs.frozen
    class Points:
        n: int

    with pytest.raises(
        InvalidInputError, match=r"named unlike wxengage\.money\.Points"
    ):
        register(Points)
    with pytest.raises(InvalidInputError, match="of a known type"):
        dump(Points(5))


@attrs.frozen
class Greeting:
    """A policy that has changed twice."""

    text: str
    hour: int


def upgrade(data: dict[str, Any], version: int) -> dict[str, Any]:
    """Read versions 1 (no hour) and 2 (the hour as text)."""
    if version == 1:
        return {**data, "hour": 8}
    return {**data, "hour": int(data["hour"].removesuffix(":00"))}


register(Greeting, version=3, upgrade=upgrade)


@pytest.mark.parametrize(
    ("version", "data"),
    [(1, {"text": "hi"}), (2, {"text": "hi", "hour": "8:00"})],
)
def test_an_older_version_is_read_through_its_upgrade(
    version: int, data: dict[str, Any]
) -> None:
    """What was written years ago still loads."""
    text = envelope(type="Greeting", version=version, data=data)

    assert Greeting("hi", 8) == load(text)
    assert 3 == json.loads(dump(load(text)))["version"]


@pytest.mark.parametrize("data", [[], {"text": "hi", "hour": 8}, {"text": "hi"}])
def test_broken_data_of_an_older_version_is_refused(data: object) -> None:
    """An upgrade that trips over its data does not escape as another error."""
    with pytest.raises(InvalidInputError, match=r"^Greeting must be"):
        load(envelope(type="Greeting", version=2, data=data))


def test_a_version_above_one_needs_an_upgrade() -> None:
    """Old texts are never left unreadable by an oversight."""
    with pytest.raises(InvalidInputError, match="upgrade must be"):
        register(Greeting, version=4)


@pytest.mark.parametrize("cls", [dict, int, "Cash", None])
def test_only_classes_of_attrs_are_registered(cls: Any) -> None:
    """Their fields are what is written."""
    with pytest.raises(InvalidInputError, match="cls must be"):
        register(cls)


@register
@attrs.frozen
class Vague:
    """A class whose field says nothing."""

    anything: Any = 7


@register
@attrs.frozen
class Twins:
    """A union whose members cannot be told apart."""

    rows: frozenset[int] | frozenset[str] = frozenset()


@pytest.mark.parametrize("value", [Vague(), Twins()])
def test_a_field_must_say_what_it_holds(value: object) -> None:
    """An annotation that tells nothing is refused, not guessed from the value."""
    with pytest.raises(InvalidInputError, match="a type known to the codec"):
        dump(value)


@pytest.mark.parametrize("name", HOMES)
def test_every_type_of_the_table_is_where_it_says(name: str) -> None:
    """A text can name each of them, and each field has a form."""
    cls = getattr(importlib.import_module(HOMES[name]), name)

    assert attrs.has(cls)
    assert HOMES[name] == cls.__module__
    for annotation in fields_of(cls).values():
        assert form(annotation) is form(annotation)


def test_an_annotation_may_use_names_that_only_a_type_checker_imports() -> None:
    """They are the library's own or the standard library's, and no others."""
    assert Reward == named("Reward")
    assert User is named("User")
    assert dt is named("dt")
    with pytest.raises(InvalidInputError, match="TYPE_CHECKING"):
        named("subprocess")


def test_reading_imports_the_room_of_the_type() -> None:
    """A process that has only just started can read what another one wrote."""
    code = (
        "import sys; from wxengage.codec import load; text = sys.stdin.read();"
        "assert 'wxengage.segments.policy' not in sys.modules;"
        "print(load(text).dormant_after.days)"
    )
    policy = LifecyclePolicy(dormant_after=dt.timedelta(days=21))
    run = subprocess.run(
        [sys.executable, "-c", code],
        input=dump(policy),
        capture_output=True,
        text=True,
        check=True,
    )

    assert "21" == run.stdout.strip()
