"""Whatever is made wrong on purpose is noticed: the tests themselves are tested.

Each mutant of ``mutants.py`` is put into a copy of the package, and each test that is
named with it runs there in a process of its own, where it must fail by an assertion.
Without the mutant the same tests must pass. A mutant that lives fails the run.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import attrs
import pytest

from tests.torture.mutants import MUTANTS, QUICK, TWELVE
from tests.torture.mutating import ROOT, Copy, Mutant, MutantError, Said, mutated

if TYPE_CHECKING:
    from collections.abc import Iterable

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
PAIRS = [(mutant, test) for mutant in MUTANTS for test in mutant.noticed_by]
QUICKLY = {name: BY_NAME[name].noticed_by[0] for name in QUICK}
LEAST = 24
PAGES = {lang: f"docs/{lang}/explanation/mutants.md" for lang in ("en", "zh")}
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Give a copy of the package and its tests."""
    return Copy(tmp_path_factory.mktemp("mutants"))


def require_noticed(copy: Copy, mutant: Mutant, test: str) -> None:
    """Raise unless a test notices what is wrong; skip it where it is skipped."""
    with copy.with_mutant(mutant):
        said = copy.run([test])
    _skip_if_skipped(said)
    told = f"{mutant.name!r} lives: {test} has not failed by an assertion"
    assert said.noticed, f"{told}\n{said.output}"


def require_passing(copy: Copy, tests: Iterable[str]) -> None:
    """Raise unless tests pass where nothing is wrong, or so many were skipped."""
    said = copy.run(sorted(set(tests)))
    _skip_if_skipped(said)
    assert 0 == said.status, said.output


def _skip_if_skipped(said: Said) -> None:
    if said.skipped and said.status == 0 and said.passed == 0:
        pytest.skip(said.skipped[0])


# --- the list -------------------------------------------------------------------------


def test_the_list_is_long_and_has_the_twelve() -> None:
    """Those that others have made, by name, and at least as many again."""
    names = Counter(mutant.name for mutant in MUTANTS)

    assert LEAST <= len(MUTANTS)
    assert {1} == set(names.values())
    assert set(TWELVE) <= names.keys()
    assert 12 == len(TWELVE)
    assert all(mutant.noticed_by for mutant in MUTANTS)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_mutant_fits_the_code(name: str) -> None:
    """What it replaces is there once, and what comes of it is Python."""
    mutant = BY_NAME[name]
    text = (ROOT / mutant.file).read_text(encoding="utf-8")

    assert text != mutated(mutant, text)


@pytest.mark.parametrize("text", ["", "x = 1", "first\nsecond\nfirst"])
def test_a_mutant_that_is_out_of_date_says_so(text: str) -> None:
    """Code that was changed may not be without a gate for it."""
    mutant = Mutant("swapped", "", "some.py", [("first", "second")], [])

    with pytest.raises(MutantError, match=r"'swapped' is out of date; some\.py has"):
        mutated(mutant, text)


def test_a_mutant_that_is_no_python_says_so() -> None:
    """Tests fail on it, and that proves nothing."""
    mutant = Mutant("broken", "", "some.py", [("1", "(")], [])

    with pytest.raises(MutantError, match="'broken' is no Python"):
        mutated(mutant, "x = 1")


# --- the gate -------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_three_mutants_are_noticed_each_time(name: str, copy: Copy) -> None:
    """Money, doubt and leases; the others are left to torture."""
    require_noticed(copy, BY_NAME[name], QUICKLY[name])


def test_the_tests_of_the_three_pass_without_them(copy: Copy) -> None:
    """The copy is sound, and they fail for what is wrong in it alone."""
    require_passing(copy, QUICKLY.values())


@pytest.mark.torture
@pytest.mark.parametrize(
    ("mutant", "test"), PAIRS, ids=lambda one: getattr(one, "name", None)
)
def test_every_mutant_is_noticed(mutant: Mutant, test: str, copy: Copy) -> None:
    """By each test that is named with it."""
    require_noticed(copy, mutant, test)


@pytest.mark.torture
@pytest.mark.parametrize("room", sorted({test.split("/")[0] for _, test in PAIRS}))
def test_the_same_tests_pass_without_a_mutant(room: str, copy: Copy) -> None:
    """So that it is the mutant that they notice."""
    require_passing(copy, {test for _, test in PAIRS if test.startswith(f"{room}/")})


@pytest.mark.torture
@pytest.mark.parametrize(
    "after",
    [
        # It cannot be imported; a test breaks down; nothing is wrong at all.
        "raise ImportError",
        "def bill_number(*_: object) -> str:\n    raise ValueError\n\n\ndef _old(",
        "def  bill_number(",
    ],
)
def test_what_is_not_noticed_by_an_assertion_lives(after: str, copy: Copy) -> None:
    """Neither a broken package nor a test that breaks down has found it out."""
    mutant = Mutant("lives", "", "wxengage/delivery/payouts.py", [], [])
    before = "def bill_number("
    edit = (before, f"{after}\n\n\n{before}" if "raise I" in after else after)
    test = "ledger/test_payouts.py::test_a_number_is_the_same_for_ever"

    with copy.with_mutant(attrs.evolve(mutant, edits=[edit])):
        said = copy.run([test])

    assert not said.noticed
    assert not said.asserted


# --- the documentation ----------------------------------------------------------------


class Told(NamedTuple):
    """What a page says of one mutant."""

    name: str
    marked: bool
    wrong: str
    tests: tuple[str, ...]


def told_by(page: str) -> list[Told]:
    """Return what a page says, in its order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for item in re.findall(r"^- \*\*.*(?:\n  .*)*", text, re.MULTILINE):
        head, _, tests = item.partition("\n    - ")
        named = re.fullmatch(
            r"- \*\*(.+?)\*\*( ★)?[:\uff1a] ?(.*)", " ".join(head.split())
        )
        assert named, head
        noticed_by = tuple(re.findall(r"`(.+?)`", tests))
        found.append(Told(named[1], bool(named[2]), named[3], noticed_by))
    return found


def test_the_page_lists_them_as_they_are() -> None:
    """Names, what goes wrong and who notices: in their order, the twelve with stars."""
    listed = [
        Told(one.name, one.name in TWELVE, one.wrong, tuple(one.noticed_by))
        for one in MUTANTS
    ]

    assert listed == told_by(PAGES["en"])


def test_the_chinese_page_lists_the_same() -> None:
    """The same tests and stars, under names and sentences of its own."""
    english, chinese = (told_by(PAGES[lang]) for lang in ("en", "zh"))

    assert [(one.marked, one.tests) for one in english] == [
        (one.marked, one.tests) for one in chinese
    ]
    assert len(MUTANTS) == len({one.name for one in chinese})
    assert all(CHINESE.search(one.wrong) for one in chinese)
