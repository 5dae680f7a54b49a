"""Every error: its message, its attributes, its way through a pickle."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxengage.errors import (
    INVISIBLE,
    BadRow,
    CallbackRejected,
    IllegalTransitionError,
    InvalidInputError,
    InvalidLogError,
    MissingExtraError,
    WxEngageError,
    nearest,
    require_id,
    require_whole,
    shorten,
)

ROW = BadRow(3, "unknown_kind", "kind", "'lik'", "did you mean 'like'?")
ERRORS: list[WxEngageError] = [
    WxEngageError("something"),
    InvalidInputError("fen", 8.5, "a whole number"),
    InvalidInputError("fen", 8.5, "a whole number", "use yuan('0.08')"),
    InvalidLogError("columns", ["a"], "named user, kind and at"),
    InvalidLogError.of(10, {"unknown_kind": 2, "naive_time": 1}, [ROW]),
    IllegalTransitionError("case", "OVER", "Answered", ()),
    IllegalTransitionError("case", "OPEN", "Answered", ("Closed", "Dropped")),
    CallbackRejected("the signature is wrong"),
    CallbackRejected("too old", "check the clock"),
    MissingExtraError("wechatpy", "wechat"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling(error: WxEngageError, protocol: int) -> None:
    """A worker can hand it to its parent, with all it says."""
    back = pickle.loads(pickle.dumps(error, protocol))

    assert type(error) is type(back)
    assert str(error) == str(back)
    for name in getattr(type(error), "__attrs_attrs__", ()):
        assert getattr(error, name.name) == getattr(back, name.name)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_can_be_copied_raised_and_chained(error: WxEngageError) -> None:
    """It is an exception like any other."""
    assert str(error) == str(copy.copy(error))
    with pytest.raises(WxEngageError) as caught:
        raise error from ValueError("why")
    assert error is caught.value
    assert isinstance(caught.value.__cause__, ValueError)
    error.add_note("seen")
    assert hash(error) == hash(caught.value)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("fen must be a whole number, got 8.5", ERRORS[1]),
        ("fen must be a whole number, got 8.5; use yuan('0.08')", ERRORS[2]),
        ("columns must be named user, kind and at, got ['a']", ERRORS[3]),
        (
            (
                "log: 3 bad rows of 10 (2 unknown_kind, 1 naive_time); "
                "on_bad='set_aside' keeps the good rows and returns the bad ones\n"
                "  row 3: unknown_kind: kind is 'lik'; did you mean 'like'?"
            ),
            ERRORS[4],
        ),
        (
            "case in state OVER does not take Answered; it takes nothing: it is over",
            ERRORS[5],
        ),
        (
            "case in state OPEN does not take Answered; it takes Closed, Dropped",
            ERRORS[6],
        ),
        ("callback rejected: the signature is wrong", ERRORS[7]),
        ("callback rejected: too old; check the clock", ERRORS[8]),
        ("wechatpy is not installed: pip install 'wxengage[wechat]'", ERRORS[9]),
    ],
)
def test_a_message_says_what_was_got_and_what_it_must_be(
    message: str, error: WxEngageError
) -> None:
    """Subject, rule, value, mend: always in that order."""
    assert message == str(error)


def test_bad_input_is_also_a_value_error() -> None:
    """Code that catches Python's own errors catches ours."""
    assert issubclass(InvalidInputError, ValueError)
    assert issubclass(InvalidLogError, InvalidInputError)
    assert issubclass(MissingExtraError, ImportError)


def test_every_error_is_of_the_family() -> None:
    """One class catches them all."""
    assert all(isinstance(error, WxEngageError) for error in ERRORS)


@given(st.text(max_size=400) | st.lists(st.integers(), max_size=100) | st.floats())
def test_a_shown_value_is_short(value: object) -> None:
    """No message is drowned by the value it complains about."""
    text = shorten(value)

    assert len(text) <= 60
    assert text == repr(value) or "..." in text


def test_a_very_long_value_is_cut_before_it_is_shown() -> None:
    """A text of ten million characters costs no more than its ends."""
    assert shorten("x" * 10**7) == shorten("x" * 10**3)


@pytest.mark.parametrize(
    ("hint", "word", "known"),
    [
        ("did you mean 'like'?", "lik", ("like", "share")),
        ("did you mean 'like'?", "likee", ("share", "like")),
        ("one of like, share", "x", ("like", "share")),
        ("one of like, share", 7, ("like", "share")),
        ("one of like, share", "x" * 10**6, ("like", "share")),
    ],
)
def test_a_misspelt_word_is_told_the_nearest(
    hint: str, word: object, known: tuple[str, ...]
) -> None:
    """Or all the words, where none is near."""
    assert hint == nearest(word, known)


@pytest.mark.parametrize(
    "got",
    [
        "oAbC-1_2",
        "o'Brien",
        '"; DROP TABLE users; --',
        "用户",
        "😀",
        "👨\u200d👩\u200d👧",
        "x" * 128,
        "a b",
        " a",
    ],
)
def test_an_id_is_taken_as_it_is(got: str) -> None:
    """Quotes, emoji and blanks are characters; nothing is trimmed."""
    assert got is require_id("user", got)


@pytest.mark.parametrize(
    ("said", "got"),
    [
        ("a string", 7),
        ("a string", None),
        ("a string", b"u1"),
        ("a string", True),
        ("not blank", ""),
        ("not blank", " \t\n"),
        ("at most 128 characters.*it has 100000", "x" * 10**5),
        (r"take out U\+0000", "a\x00b"),
        (r"take out U\+000A", "a\n"),
        (r"take out U\+007F", "a\x7f"),
        (r"take out U\+00AD", "a\xadb"),
        (r"take out U\+200B", "a\u200bb"),
        (r"take out U\+202E", "a\u202eb"),
        (r"take out U\+2028", "a\u2028b"),
        (r"take out U\+FEFF", "\ufeffa"),
        (r"take out U\+D800", "a\ud800"),
        (r"take out U\+E0041", "a\U000e0041"),
    ],
)
def test_what_cannot_be_an_id_is_refused(said: str, got: object) -> None:
    """Two ids that look the same must be the same."""
    with pytest.raises(InvalidInputError, match=rf"^user must be.*{said}"):
        require_id("user", got)


@given(st.text(min_size=1, max_size=128))
def test_an_id_is_refused_exactly_for_what_cannot_be_seen(got: str) -> None:
    """The rule is the class of characters that the log uses too."""
    if not got.strip() or re.search(f"[{INVISIBLE}]", got):
        with pytest.raises(InvalidInputError):
            require_id("user", got)
    else:
        assert got is require_id("user", got)


@pytest.mark.parametrize(
    ("said", "got"),
    [
        ("a whole number", True),
        ("a whole number", 3.0),
        ("a whole number", "3"),
        ("a whole number", None),
        ("at least 1", 0),
        ("at most 5", 6),
    ],
)
def test_a_whole_number_is_an_int_within_bounds(said: str, got: Any) -> None:
    """Nothing is rounded, read or counted as one."""
    with pytest.raises(InvalidInputError, match=f"^n must be {said}.*give an int"):
        require_whole("n", got, least=1, most=5, hint="give an int")
    assert 5 == require_whole("n", 5, least=1, most=5)
