"""A log kept as a folder of plain arrays."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames.engines import instant, need, rows_of, table
from tests.frames.random_logs import answer, draw_case, expected
from wxengage.errors import InvalidInputError
from wxengage.log import open_log, read_log

if TYPE_CHECKING:
    import random
    from pathlib import Path

NINE = instant("2026-03-02T09:00")
ROWS: list[dict[str, Any]] = [
    {
        "user": "张三",
        "kind": "purchase",
        "at": NINE,
        "value": 8.0,
        "duration": 2.5,
        "item": "茶",
        "channel": None,
        "group": "g'1\"",
    },
    {
        "user": "bo\U0001f469\u200d\U0001f4bb",
        "kind": "read",
        "at": NINE,
        "value": 0.0,
        "duration": 0.0,
        "item": None,
        "channel": "moments",
        "group": None,
    },
]
ROLES: dict[str, Any] = {
    name: name for name in ("value", "duration", "item", "channel", "group")
}


@settings(max_examples=30)
@given(st.randoms(use_true_random=False))
def test_a_saved_log_answers_as_it_did(
    tmp_path_factory: pytest.TempPathFactory, rng: random.Random
) -> None:
    """Every question, after saving and opening."""
    case = draw_case(rng, users=4)
    folder = tmp_path_factory.mktemp("logs") / "log"
    read_log(list(case.rows), value="value").save(folder)

    log = open_log(folder)

    for question in ("summary", "streaks", "classify", "transitions", "kind_counts"):
        assert expected(case, question) == answer(log, case, question)


@pytest.mark.parametrize("engine", ["records", "pandas", "polars", "pyarrow"])
def test_a_saved_log_keeps_every_column_and_the_kind_of_table(
    tmp_path: Path, engine: str
) -> None:
    """Words, amounts, ids with Chinese and emoji; type, zone and resolution."""
    need(engine)
    log = read_log(table(ROWS, engine, tz="Asia/Shanghai"), **ROLES)

    folder = log.save(tmp_path / "deep" / "log")

    again = open_log(folder)
    assert rows_of(log.to_frame()) == rows_of(again.to_frame())
    assert type(log.to_frame()) is type(again.to_frame())
    if engine != "records":
        assert types_of(log.to_frame()) == types_of(again.to_frame())


def types_of(frame: Any) -> dict[str, object]:
    """Return each column's type, by name."""
    return dict(nw.from_native(frame).schema)


def test_a_log_can_be_saved_over_itself(tmp_path: Path) -> None:
    """The old folder is mapped while the new one is written."""
    read_log(ROWS, **ROLES).save(tmp_path / "log")

    log = open_log(tmp_path / "log").only(["purchase"])
    log.save(tmp_path / "log")

    assert 1 == len(open_log(tmp_path / "log"))
    assert ["log"] == [path.name for path in tmp_path.iterdir()]


def test_whole_number_and_no_ids_are_kept(tmp_path: Path) -> None:
    """An empty log is a log."""
    read_log([{"user": 42, "kind": "like", "at": NINE}]).save(tmp_path / "numbers")
    read_log([]).save(tmp_path / "empty")

    assert [42] == [row["user"] for row in open_log(tmp_path / "numbers").to_frame()]
    assert 0 == len(open_log(tmp_path / "empty"))
    assert [] == open_log(tmp_path / "empty").to_frame()


def test_an_engine_log_is_collected_to_be_saved(tmp_path: Path) -> None:
    """What is saved is in memory when it is opened."""
    need("polars_lazy")
    read_log(table(ROWS, "polars_lazy"), **ROLES).save(tmp_path / "log")

    assert rows_of(read_log(ROWS, **ROLES).to_frame()) == rows_of(
        open_log(tmp_path / "log").to_frame()
    )


def test_nothing_in_the_folder_is_a_pickle(tmp_path: Path) -> None:
    """Opening a folder from somebody else runs nothing."""
    folder = read_log(ROWS, **ROLES).save(tmp_path / "log")

    files = sorted(folder.iterdir())

    assert {".npy", ".utf8", ".json"} == {file.suffix for file in files}
    for file in files:
        if file.suffix == ".npy":
            assert not np.load(file, allow_pickle=False).dtype.hasobject


def test_kinds_of_another_version_are_put_where_they_belong_now(tmp_path: Path) -> None:
    """Codes are places in a list that may grow: the folder says in which."""
    folder = read_log(ROWS).save(tmp_path / "log")
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    kinds = about["kinds"][::-1]
    codes = np.load(folder / "event.kind.npy")
    np.save(folder / "event.kind.npy", (len(kinds) - 1 - codes).astype(np.uint8))
    rewrite(folder, kinds=kinds)

    assert rows_of(read_log(ROWS).to_frame()) == rows_of(open_log(folder).to_frame())


def rewrite(folder: Path, **changes: Any) -> None:
    """Change what a folder says of itself."""
    path = folder / "about.json"
    about = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(about), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wxengage": 99}, "pip install --upgrade wxengage"),
        ({"kinds": ["dance"]}, "pip install --upgrade wxengage"),
        ({"what": "tally"}, "a saved log"),
        ({"wxengage": "one"}, "path"),
        ({"tz": "Mars/Olympus"}, "IANA"),
        ({"kinds": None}, "path"),
        ({"unit": "fortnight"}, "path"),
        ({"form": "excel"}, "path"),
    ],
)
def test_a_folder_that_cannot_be_understood_is_refused(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    """A newer version's, another thing's, or a broken one."""
    folder = read_log(ROWS).save(tmp_path / "log")
    rewrite(folder, **changes)

    with pytest.raises(InvalidInputError, match=told):
        open_log(folder)


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", "{", "\x00", "{'a': 1}"])
def test_a_folder_that_does_not_say_what_it_is_is_refused(
    tmp_path: Path, content: str
) -> None:
    """With its name."""
    folder = read_log(ROWS).save(tmp_path / "log")
    (folder / "about.json").write_text(content, encoding="utf-8")

    with pytest.raises(InvalidInputError, match="path must be"):
        open_log(folder)


@pytest.mark.parametrize(
    "name", ["ids.utf8", "ids.ends.npy", "event.at.npy", "event.user.npy"]
)
@pytest.mark.parametrize("harm", ["missing", "empty", "short", "pickle"])
def test_a_damaged_folder_is_refused(tmp_path: Path, name: str, harm: str) -> None:
    """A file that is gone, cut off, or holds code to run."""
    folder = read_log(ROWS).save(tmp_path / "log")
    file = folder / name
    if harm == "missing":
        file.unlink()
    elif harm == "pickle":
        if file.suffix != ".npy":
            pytest.skip("does not apply: text is never unpickled")
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    else:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) - 1] if harm == "short" else b"")

    with pytest.raises(InvalidInputError, match="path must be"):
        open_log(folder)


def test_columns_of_unequal_length_are_refused(tmp_path: Path) -> None:
    """Row by row, they would tell events that never were."""
    folder = read_log(ROWS).save(tmp_path / "log")
    np.save(folder / "event.user.npy", np.load(folder / "event.user.npy")[:1])

    with pytest.raises(InvalidInputError, match="columns of one length"):
        open_log(folder)


def test_a_foreign_folder_or_file_is_never_overwritten(tmp_path: Path) -> None:
    """Only what was saved before is replaced."""
    foreign, file = tmp_path / "photos", tmp_path / "letter.txt"
    foreign.mkdir()
    (foreign / "wedding.jpg").write_bytes(b"jpeg")
    file.write_text("dear ann", encoding="utf-8")

    for path in (foreign, file):
        with pytest.raises(InvalidInputError, match="path must be free"):
            read_log(ROWS).save(path)

    assert b"jpeg" == (foreign / "wedding.jpg").read_bytes()
    assert "dear ann" == file.read_text(encoding="utf-8")
    assert {"photos", "letter.txt"} == {path.name for path in tmp_path.iterdir()}
    (tmp_path / "free").mkdir()
    assert 2 == len(open_log(read_log(ROWS).save(tmp_path / "free")))


def test_a_folder_of_something_else_with_the_same_file_is_not_replaced(
    tmp_path: Path,
) -> None:
    """Another program may have an about.json of its own."""
    (tmp_path / "about.json").write_text('{"author": "ann"}', encoding="utf-8")
    (tmp_path / "thesis.tex").write_text("...", encoding="utf-8")

    with pytest.raises(InvalidInputError, match="path must be free"):
        read_log(ROWS).save(tmp_path)

    assert (tmp_path / "thesis.tex").exists()


def test_a_write_that_fails_leaves_the_old_log(tmp_path: Path) -> None:
    """The new folder takes the place of the old one only when it is whole."""
    folder = read_log(ROWS).save(tmp_path / "log")

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "save", fail)
        with pytest.raises(OSError, match="disk full"):
            read_log(ROWS[:1]).save(folder)

    assert 2 == len(open_log(folder))
    assert ["log"] == [path.name for path in tmp_path.iterdir()]


def test_a_folder_may_be_moved(tmp_path: Path) -> None:
    """Nothing in it says where it is."""
    folder = read_log(ROWS).save(tmp_path / "log")

    moved = shutil.move(folder, tmp_path / "elsewhere")

    assert 2 == len(open_log(moved))
