"""What held on a day, who corrected it, and what nobody has checked for long."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from collections import Counter
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import InvalidInputError
from wxengage.rules import Rule, Rulebook, read_rules, rulebook
from wxengage.rules.shelf import shipped

TODAY = dt.date(2026, 11, 24)
DAY = dt.timedelta(days=1)
FIVE = rulebook(TODAY)["WX-CS-001"]
# Days on which something changes, the days beside them, and any other.
EDGES = sorted(
    day + step * DAY
    for rule in shipped()
    for day in (rule.in_force_from, rule.in_force_until)
    if day is not None
    for step in (-1, 0, 1)
)
DAYS = st.sampled_from(EDGES) | st.dates()


def rule(**changes: Any) -> Rule:
    """Return a rule of our own, sound but for the changes."""
    fields: dict[str, Any] = {
        "id": "SHOP-001",
        "statement_zh": "每周最多两条促销",
        "statement_en": "At most two promotions a week.",
        "params": {"count": 2},
        "source": "our own house rule, by Lin, 2026-02-01",
        "in_force_from": dt.date(2026, 2, 1),
        "in_force_until": None,
        "checked_on": dt.date(2026, 2, 1),
        "confidence": "high",
    }
    return Rule(**fields | changes)


def corrected(count: int, start: dt.date | None, end: dt.date | None = None) -> Rule:
    """Return the customer-message rule as Lin knows it."""
    return attrs.evolve(
        FIVE,
        params={**FIVE.params, "count": count},
        source=f"corrected by Lin: {count} from {start}",
        in_force_from=start,
        in_force_until=end,
        confidence="medium",
    )


def count_on(book: Rulebook, day: dt.date) -> int | None:
    """Return how many customer messages a book allows on another day."""
    that = attrs.evolve(book, as_of=day)
    return that["WX-CS-001"].param("count", int) if "WX-CS-001" in that else None


@given(DAYS)
def test_an_id_holds_at_most_one_rule_a_day(day: dt.date) -> None:
    """Whatever the date, nobody has to choose between two answers."""
    book = rulebook(day)
    ids = Counter(one.id for one in book)

    assert {1} == set(ids.values())
    assert set(ids) == {one.id for one in shipped() if one.holds_on(day)}
    assert len(book) == len(ids)


@pytest.mark.parametrize("one", shipped(), ids=lambda one: one.id)
def test_every_rule_can_be_had_on_its_first_and_last_day(one: Rule) -> None:
    """From its first day on, up to the day before its end."""
    first = one.in_force_from or dt.date.min
    last = one.in_force_until - DAY if one.in_force_until else dt.date.max

    assert one is rulebook(first)[one.id]
    assert one is rulebook(last)[one.id]
    assert one.in_force_from is None or one not in rulebook(first - DAY)
    assert one.in_force_until is None or one not in rulebook(last + DAY)


def test_an_instant_is_no_day() -> None:
    """Whose day it is depends on a zone, and the message says how to get it."""
    for instant in (dt.datetime(2026, 3, 1), dt.datetime(2026, 3, 1, tzinfo=dt.UTC)):  # noqa: DTZ001
        with pytest.raises(InvalidInputError, match="as_of must be a date without"):
            rulebook(instant)
    with pytest.raises(InvalidInputError, match=r"DayClock\(\)"):
        rulebook(dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    for other in ("2026-03-01", 20_260_301, None, float("nan")):
        with pytest.raises(InvalidInputError, match="as_of must be a date, got"):
            rulebook(other)  # type: ignore[arg-type]  # that is the point


def test_a_missing_rule_says_what_there_is() -> None:
    """A slip of the pen gets the near id, a wrong day gets the right ones."""
    with pytest.raises(InvalidInputError, match="did you mean 'WX-CS-001'"):
        rulebook(TODAY)["WX-CS-01"]
    with pytest.raises(InvalidInputError, match=r"holds from 2018-01-01 to \.\.\."):
        rulebook(dt.date(2017, 12, 31))["CN-LOT-001"]
    with pytest.raises(InvalidInputError, match="no rule holds that day"):
        Rulebook(TODAY, ())["CN-LOT-001"]
    with pytest.raises(InvalidInputError, match="rule_id must be"):
        rulebook(TODAY)[3]  # type: ignore[index]  # that is the point


def test_a_book_knows_what_is_in_it() -> None:
    """An id or a rule is asked for; anything else is not in there."""
    today = rulebook(TODAY)
    twenty = rulebook(dt.date(2023, 6, 1))["WX-CS-001"]

    assert "WX-CS-001" in today
    assert FIVE in today
    assert twenty not in today
    assert "WX-CS-01" not in today
    assert 5 not in today


def test_a_book_and_a_rule_print() -> None:
    """A table has a line for each rule; a rule is shown whole."""
    book = rulebook(TODAY)
    lines = str(book).splitlines()

    assert f"{len(book)} rules in force on 2026-11-24" == lines[0]
    assert len(book) + 2 == len(lines)
    assert all(one.id in line for one, line in zip(book, lines[2:], strict=True))
    assert "Rulebook(as_of=2026-11-24, 47 rules)" == repr(book)
    assert "&gt; 0" in Rulebook(TODAY, (rule(statement_en="> 0"),))._repr_html_()
    assert "at most two" in str(Rulebook(TODAY, (rule(statement_en="at most\ntwo"),)))
    for part in (FIVE.statement_zh, FIVE.statement_en, FIVE.source, "count = 5"):
        assert part in str(FIVE)


def test_books_travel() -> None:
    """A worker gets the same rules as its parent, and nobody can write on them."""
    book = rulebook(TODAY)

    assert book == pickle.loads(pickle.dumps(book))
    assert FIVE == copy.deepcopy(FIVE)
    assert hash(FIVE) == hash(copy.deepcopy(FIVE))
    with pytest.raises(TypeError):
        FIVE.params["count"] = 6  # type: ignore[index]  # that is the point

    params = {"count": 2}
    one = rule(params=params)
    params["count"] = 9

    assert 2 == one.param("count", int)


def test_a_correction_takes_over_from_its_first_day() -> None:
    """Before, the package's rule holds; after its end, nothing does."""
    start, end = dt.date(2024, 1, 1), dt.date(2025, 1, 1)
    book = rulebook(TODAY).overlay([corrected(3, start, end)])

    assert 20 == count_on(book, dt.date(2023, 6, 11))
    assert 5 == count_on(book, start - DAY)
    assert 3 == count_on(book, start)
    assert 3 == count_on(book, end - DAY)
    assert count_on(book, end) is None
    assert 5 == count_on(rulebook(TODAY), TODAY)
    assert "WX-CS-001" not in book


def test_a_correction_without_a_first_day_holds_from_ever() -> None:
    """Nothing of the package's rule is left, and its place in the table is kept."""
    book = rulebook(TODAY).overlay([corrected(3, None)])

    assert 3 == count_on(book, dt.date.min)
    assert 3 == count_on(book, TODAY)
    assert "corrected by Lin" in book["WX-CS-001"].source
    assert [one.id for one in rulebook(TODAY)] == [one.id for one in book]


def test_an_added_rule_stands_at_the_end() -> None:
    """A rule that the package does not know is as good as any other."""
    book = rulebook(TODAY).overlay(one for one in [rule()])

    assert "SHOP-001" == list(book)[-1].id
    assert len(rulebook(TODAY)) + 1 == len(book)
    assert "SHOP-001" not in attrs.evolve(book, as_of=dt.date(2026, 1, 31))


@given(st.integers(0, 99), st.none() | DAYS, DAYS)
def test_a_correction_changes_no_day_before_it(
    count: int, start: dt.date | None, day: dt.date
) -> None:
    """On every date: the correction from its first day on, else what was."""
    before = rulebook(day)
    after = before.overlay([corrected(count, start)])
    takes_over = start is None or start <= day

    assert (count if takes_over else count_on(before, day)) == count_on(after, day)
    assert after == after.overlay([corrected(count, start)])
    assert [one for one in before if one.id != FIVE.id] == [
        one for one in after if one.id != FIVE.id
    ]


def test_a_bad_correction_is_refused() -> None:
    """What readers of a rule rely on cannot be lost, nor who changed it."""
    book, late = rulebook(TODAY), dt.date(2026, 1, 1)
    good = corrected(3, None)

    with pytest.raises(InvalidInputError, match="source must be the correction's own"):
        book.overlay([attrs.evolve(good, source=FIVE.source)])
    with pytest.raises(InvalidInputError, match="params must be with 'count' present"):
        book.overlay([attrs.evolve(good, params={"trigger": "x", "window_s": 1})])
    with pytest.raises(InvalidInputError, match="params must be with 'cuont' absent"):
        book.overlay([attrs.evolve(good, params={**good.params, "cuont": 1})])
    with pytest.raises(InvalidInputError, match=r"\['count'\] must be of type int"):
        book.overlay([attrs.evolve(good, params={**good.params, "count": True})])
    with pytest.raises(InvalidInputError, match="WX-CS-001 in_force_from must be on"):
        book.overlay([good, corrected(4, late)])
    with pytest.raises(InvalidInputError, match=r"corrections\[0\] must be a Rule"):
        book.overlay([{"id": "WX-CS-001"}])  # type: ignore[list-item]  # the point
    for none in (good, "WX-CS-001", None):
        with pytest.raises(InvalidInputError, match="corrections must be several"):
            book.overlay(none)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidInputError, match="versions must be a tuple"):
        Rulebook(TODAY, [rule()])  # type: ignore[arg-type]  # that is the point


def test_a_rule_that_nobody_checks_becomes_stale() -> None:
    """At the stated age it is fresh, a day later it is not; oldest first."""
    checked = dt.date(2026, 2, 1)
    old = rule(id="SHOP-002", checked_on=checked - DAY, source="Lin")
    book = Rulebook(checked + 30 * DAY, (rule(), old))

    assert () == book.stale(31 * DAY)
    assert (old,) == book.stale(30 * DAY)
    assert (old, rule()) == book.stale(29 * DAY)
    assert () == attrs.evolve(book, as_of=checked).stale(DAY)
    assert () == rulebook(dt.date(2000, 1, 1)).stale(dt.timedelta(0))
    for age in (30, -DAY, None, float("nan")):
        with pytest.raises(InvalidInputError, match="age must be a timedelta of 0"):
            book.stale(age)  # type: ignore[arg-type]  # that is the point


def test_a_parameter_is_of_the_kind_one_relies_on() -> None:
    """A wrong name or kind is told at once, with the rule's id."""
    flags = rule(params={"allowed": False, "words": ("a", "b")})

    assert flags.param("allowed", bool) is False
    assert ("a", "b") == flags.param("words", tuple)
    with pytest.raises(InvalidInputError, match="SHOP-001 allowed must be of type int"):
        flags.param("allowed", int)
    with pytest.raises(InvalidInputError, match="did you mean 'allowed'"):
        flags.param("alowed", bool)
    with pytest.raises(InvalidInputError, match="it has none"):
        rule(params={}).param("count", int)


@pytest.mark.parametrize(
    ("field", "got", "message"),
    [
        ("id", "", "id must be not blank"),
        ("id", "WX\u200b", "id must be free of control"),
        ("statement_zh", " ", "statement_zh must be a text"),
        ("statement_en", None, "statement_en must be a text"),
        ("source", "", "source must be a text"),
        ("params", [("count", 2)], "params must be a mapping"),
        ("params", {"a b": 2}, "params key must be a plain name"),
        ("params", {"count": -1}, r"params\['count'\] must be at least 0"),
        ("params", {"count": 0.5}, r"params\['count'\] must be a whole number"),
        ("params", {"count": float("nan")}, "must be a whole number"),
        ("params", {"count": None}, "must be a whole number"),
        ("params", {"words": ""}, "must be not empty"),
        ("params", {"words": ["a"]}, "must be a tuple"),
        ("params", {"words": ()}, "must be numbers alone or texts alone"),
        ("params", {"words": ("a", 1)}, "must be numbers alone or texts alone"),
        ("params", {"words": (1, True)}, "must be numbers alone or texts alone"),
        ("params", {"words": (1, -1)}, r"params\['words'\]\[1\] must be at least 0"),
        ("in_force_from", "2026-02-01", "in_force_from must be a date"),
        ("in_force_until", dt.date(2026, 2, 1), "in_force_until must be after"),
        ("checked_on", None, "checked_on must be a date"),
        ("confidence", "sure", "confidence must be one of low, medium, high"),
        ("in_force_from", None, "confidence must be at most 'medium'"),
    ],
)
def test_a_rule_that_is_none_is_refused(field: str, got: Any, message: str) -> None:
    """Every field has a rule, and the message names it."""
    with pytest.raises(InvalidInputError, match=message):
        rule(**{field: got})


ROW = """
[[rule]]
id = "SHOP-001"
statement_zh = "每周最多两条促销"
statement_en = "At most two promotions a week."
source = "our own house rule, by Lin, 2026-02-01"
in_force_from = 2026-02-01
checked_on = 2026-02-01
confidence = "high"
params = { count = 2 }
"""


def test_a_text_of_rules_is_read() -> None:
    """What a user keeps in a file is what he would have built."""
    assert (rule(),) == read_rules(ROW)
    assert () == read_rules("")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[rule]]", "[[rule]", "mine must be readable as TOML"),
        ("[[rule]]", "[rule]", "mine must be made of .*double the brackets"),
        ("[[rule]]", "[[rules]]", "mine must be made of .* got 'rules'"),
        ("confidence", "confidense", "SHOP-001 field must be.*mean 'confidence'"),
        ('confidence = "high"', "", r"rule\[0\] SHOP-001 confidence must be there"),
        ('id = "SHOP-001"', "", r"rule\[0\] \(no id\) id must be there"),
        ("count = 2", "count = 0.2", r"mine rule\[0\] SHOP-001 params\['count'\] must"),
        ("{ count = 2 }", "2", r"mine rule\[0\] SHOP-001 params must be a mapping"),
        ("count = 2", "count = [2, 'a']", "SHOP-001 params.*must be numbers alone"),
        ("2026-02-01\nche", "2026-02-01T00:00:00\nche", "in_force_from must be a date"),
        ("[[rule]]", "rule = [3]\n[x]", "made of"),
    ],
)
def test_a_bad_row_is_named(old: str, new: str, message: str) -> None:
    """File, rule and field: one knows where to look."""
    assert old in ROW
    with pytest.raises(InvalidInputError, match=message):
        read_rules(ROW.replace(old, new), file="mine")


def test_a_text_in_which_two_rules_hold_at_once_is_refused() -> None:
    """The file and the id are named; what is no text or table is refused too."""
    with pytest.raises(InvalidInputError, match="mine SHOP-001 in_force_from must be"):
        read_rules(ROW + ROW, file="mine")
    with pytest.raises(InvalidInputError, match=r"mine rule\[0\] must be a table"):
        read_rules("rule = [3]", file="mine")
    with pytest.raises(InvalidInputError, match="text must be the text"):
        read_rules(b"")  # type: ignore[arg-type]  # that is the point
