"""What show_versions tells, and what it costs."""

from __future__ import annotations

import platform
import re
import sqlite3
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import wxengage
from wxengage.versions import EXTRAS, show_versions

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def packages(lines: list[str]) -> set[str]:
    """Return the names in a list of requirements for every platform."""
    return {
        re.split(r"[\[><=;]", line)[0].strip()
        for line in lines
        if "sys_platform" not in line
    }


def test_every_dependency_has_its_line() -> None:
    """A name, then a version or the extra that brings it."""
    lines = dict(line.split(maxsplit=1) for line in show_versions().splitlines())

    assert wxengage.__version__ == lines["wxengage"]
    assert platform.python_version() == lines["python"].split()[0]
    assert sqlite3.sqlite_version == lines["sqlite"]
    assert version("numpy") == lines["numpy"]
    assert {"wxengage", *(p for each in EXTRAS.values() for p in each)} <= set(lines)


def test_a_missing_package_comes_with_the_mend() -> None:
    """No line is left without an answer."""
    for line in show_versions().splitlines():
        assert re.fullmatch(r"\S+ +\S.*", line)
        assert "None" not in line


def test_the_extras_are_those_of_the_project() -> None:
    """The table and pyproject say the same."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    ours = {"docs", "dev", "bench"}

    assert packages(project["dependencies"]) == set(EXTRAS[""])
    assert {name: packages(extras[name]) for name in set(extras) - ours} == {
        name: set(those) for name, those in EXTRAS.items() if name
    }


def test_nothing_is_imported_to_find_out() -> None:
    """Asking costs no import of a package."""
    code = (
        "import sys; from wxengage.versions import show_versions; show_versions();"
        "print(sorted({'numpy', 'scipy', 'pandas', 'attr'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert "[]" == run.stdout.strip()
