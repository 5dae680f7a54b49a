"""The house keeps its own rules: floors, faces, sizes, what a wheel carries."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import wxengage

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "wxengage"
SOURCES = sorted(PACKAGE.rglob("*.py"))
FACES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for path in SOURCES
    if path.name == "__init__.py" and path.parent != PACKAGE
)
PROJECT: dict[str, Any] = tomllib.loads(
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)


def run_python(
    code: str, *, before: str = "", cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run code in a bare interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", before + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_the_import_loads_no_heavy_library() -> None:
    """`import wxengage` costs an application next to nothing."""
    ran = run_python("""
        import sys
        import wxengage
        heavy = {
            "attr", "attrs", "cattrs", "narwhals", "numpy", "scipy", "pandas",
            "polars", "pyarrow", "duckdb", "ibis", "pyspark", "altair", "jinja2",
        }
        print(sorted(heavy & set(sys.modules)))
    """)

    assert "[]\n" == ran.stdout, ran.stderr


def test_no_room_loads_a_library_that_the_caller_did_not() -> None:
    """Even with every room open, engines are loaded by their users alone."""
    ran = run_python("""
        import sys
        import wxengage
        for name in wxengage.__all__:
            getattr(wxengage, name)
        engines = {"pandas", "polars", "pyarrow", "duckdb", "ibis", "pyspark"}
        slow = {"scipy.optimize", "scipy.stats", "altair", "jinja2", "vl_convert"}
        print(sorted((engines | slow) & set(sys.modules)))
    """)

    assert "[]\n" == ran.stdout, ran.stderr


@pytest.mark.parametrize("name", wxengage.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """What `__all__` promises can be had."""
    assert getattr(wxengage, name) is not None


@pytest.mark.parametrize("name", ["wxengage", "wxengage.stats"])
def test_a_lazy_room_tells_its_names_to_type_checkers(name: str) -> None:
    """What is had on first use is also imported where types are read."""
    room = import_module(name)
    source = Path(str(room.__file__)).read_text(encoding="utf-8")
    (block,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    told = {
        one.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for one in node.names
    }
    rooms: tuple[str, ...] = vars(room)["_ROOMS"]
    homes: dict[str, str] = vars(room).get("_NAMES", {})

    assert (
        dict.fromkeys(rooms, name)
        | {public: f"{name}.{home}" for public, home in homes.items()}
        == told
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy root behaves like a plain module."""
    with pytest.raises(AttributeError, match="no attribute 'classify_user'"):
        _ = getattr(wxengage, "classify_user")  # noqa: B009  mypy knows it is absent
    assert set(dir(wxengage)) >= set(wxengage.__all__)


@pytest.mark.parametrize("face", FACES)
def test_every_face_is_short_and_true(face: str) -> None:
    """A room shows at most 15 names, and each of them exists."""
    room: ModuleType = import_module(face)

    assert 0 < len(room.__all__) <= 15
    assert [] == [name for name in room.__all__ if not hasattr(room, name)]


@pytest.mark.parametrize("face", FACES)
def test_no_face_hides_a_module_behind_a_function(face: str) -> None:
    """No module carries the name of something its face exports."""
    room = import_module(face)

    hidden = [name for name in room.__all__ if isinstance(vars(room)[name], ModuleType)]

    assert [] == hidden


def test_every_import_points_down() -> None:
    """The contracts of pyproject.toml hold."""
    code = "import sys; from importlinter.cli import lint_imports as lint\n"
    pytest.importorskip("importlinter", reason="import-linter is not installed")

    ran = run_python(code + "sys.exit(lint(cache_dir=None))")

    assert 0 == ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    """A file has at most 450 lines, a function 60 without its docstring."""
    text = path.read_text(encoding="utf-8")
    length = len(text.splitlines())

    assert length <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines - docstring.count("\n") <= 60, node.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_printed_that_breaks_a_gbk_console(path: Path) -> None:
    """No yen sign, no check mark, no emoji: all text can be encoded."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.isascii():
            assert not re.search(
                "[\u00a5\u2713\u2714\u2705\U0001f300-\U0001faff]", line
            )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    """The first line of each file tells a reader where he is."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))

    assert docstring


BLOCK = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {packages!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Absent())
"""


@pytest.mark.parametrize(
    ("absent", "extra", "call"),
    [
        ("pyarrow", "files", "wx.read_log('some.parquet')"),
        ("altair", "report", "wx.write_report('page.html', who)"),
        ("vl_convert", "report", "wx.write_report('page.html', who)"),
        ("jinja2", "report", "wx.write_report('page.html', who)"),
    ],
)
def test_a_missing_extra_says_what_to_install(
    absent: str, extra: str, call: str, tmp_path: Path
) -> None:
    """Whoever lacks an extra reads the line that brings it."""
    if absent != "pyarrow":
        pytest.importorskip("altair", reason="the extra 'report' is not installed")
    (tmp_path / "some.parquet").write_bytes(b"PAR1")

    ran = run_python(
        f"""
        import datetime as dt
        import wxengage as wx
        as_of = dt.datetime(2026, 3, 2, tzinfo=dt.timezone.utc)
        rows = [{{"user": "u1", "kind": "like", "at": as_of - dt.timedelta(days=9)}}]
        who = wx.segments.segment_users(wx.read_log(rows), as_of)
        try:
            {call}
        except wx.WxEngageError as error:
            print(error)
        """,
        before=BLOCK.format(packages={absent}),
        cwd=tmp_path,
    )

    assert f"pip install 'wxengage[{extra}]'" in ran.stdout, ran.stderr


def test_the_changelog_knows_the_version() -> None:
    """The version in the code has its section in the changelog."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"\n## [{wxengage.__version__}]" in changelog


def test_nothing_unfinished_is_left_in_the_code() -> None:
    """Work left over is written down as a plan, not in the code."""
    left = re.compile(r"TODO|FIXME|NotImplementedError\(|pragma: no cover")

    found = [str(path) for path in SOURCES if left.search(path.read_text("utf-8"))]

    assert [] == found
