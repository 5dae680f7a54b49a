"""Copies of the package with something wrong in them, and tests that run there (变异).

A copy stands in a folder of its own, before everything else on the path of a fresh
process. Only a failed assertion counts as noticing: a mutant that cannot be imported,
or a test that breaks down before it looks, proves nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ROOT", "Copy", "Mutant", "MutantError", "Said", "mutated"]

ROOT: Final = Path(__file__).parents[2]
_PARTS: Final = ("wxengage", "tests", "conftest.py", "pyproject.toml")
# What pytest tells of a failed assertion, of what should have raised, and of a promise
# that the tests themselves have found broken.
_ASSERTED: Final = re.compile(
    r"AssertionError\b|assert\b|Failed: DID NOT RAISE|tests\.\S+\.BrokenPromiseError\b"
)
# A test that waits for ever has noticed nothing.
_LONGEST: Final = 300.0
_FAILED: Final = 1


@attrs.frozen
class Mutant:
    """One mistake, and who must notice it (变异体).

    Attributes
    ----------
    name
        A few words.
    wrong
        What goes wrong, for whoever uses the library.
    file
        Where the mistake is, from the project's folder.
    edits
        Texts that are there exactly once, each with what stands in its place.
    noticed_by
        Tests, from their folder on, of which each must notice it by itself.
    """

    name: str
    wrong: str
    file: str
    edits: Sequence[tuple[str, str]]
    noticed_by: Sequence[str]


class MutantError(Exception):
    """A mutant that cannot be made: the code has changed since it was written."""


@attrs.frozen
class Said:
    """What tests said of a copy.

    Attributes
    ----------
    status
        What pytest ended with.
    passed
        How many tests passed.
    asserted, broken, skipped
        The messages of failed assertions, of all other errors, and of skips.
    output
        All that was printed.
    """

    status: int
    passed: int
    asserted: tuple[str, ...]
    broken: tuple[str, ...]
    skipped: tuple[str, ...]
    output: str

    @property
    def noticed(self) -> bool:
        """Whether an assertion failed, and nothing else."""
        return self.status == _FAILED and bool(self.asserted) and not self.broken


def mutated(mutant: Mutant, text: str) -> str:
    """Return the text of a file with what is wrong in it.

    Parameters
    ----------
    mutant
        What is wrong.
    text
        The file as it is.

    Returns
    -------
    str
        Python that can be compiled.

    Raises
    ------
    MutantError
        If something that it replaces is not there exactly once, or it is no Python.
    """
    for before, after in mutant.edits:
        times = text.count(before)
        if times != 1:
            rule = f"{mutant.file} has it {times} times and not once: {before!r}"
            raise MutantError(f"the mutant {mutant.name!r} is out of date; {rule}")
        text = text.replace(before, after)
    try:
        compile(text, mutant.file, "exec")
    except SyntaxError as error:
        raise MutantError(f"the mutant {mutant.name!r} is no Python: {error}") from None
    return text


class Copy:
    """The package and its tests, copied.

    Parameters
    ----------
    folder
        Where to; empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ignored = shutil.ignore_patterns(".hypothesis", "results")
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=ignored)
            else:
                shutil.copy2(source, folder / part)

    @contextmanager
    def with_mutant(self, mutant: Mutant) -> Iterator[None]:
        """Put what is wrong in, and take it out again."""
        path = self._folder / mutant.file
        honest = path.read_bytes()
        times = path.stat()
        path.write_text(mutated(mutant, honest.decode()), encoding="utf-8")
        try:
            yield
        finally:
            path.write_bytes(honest)
            # As old as what Python has compiled of it.
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def run(self, tests: Sequence[str]) -> Said:
        """Run tests in a fresh process, until one fails.

        Parameters
        ----------
        tests
            As pytest names them, from their folder on.

        Returns
        -------
        Said
            What came of it.
        """
        report = self._folder / "report.xml"
        report.unlink(missing_ok=True)
        # Also the tests that are left to torture, where they are named.
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not bench"]
        command = [sys.executable, "-m", "pytest", *options, f"--junitxml={report}"]
        done = subprocess.run(
            [*command, *(f"tests/{test}" for test in tests)],
            cwd=self._folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        return _read(done.returncode, report, done.stdout)

    def _environment(self) -> dict[str, str]:
        own = ("PYTEST_", "COV_", "COVERAGE_")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(own)
        }
        return kept | {
            "PYTHONPATH": str(self._folder),
            # What is compiled of a mutant must not be taken for the file itself.
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
            # Nobody here needs them, and they take longer to load than a test takes.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            # The same examples each time.
            "CI": "1",
        }


def _read(status: int, report: Path, output: str) -> Said:
    """Return what a report of pytest says."""
    if not report.exists():
        return Said(status, 0, (), ("pytest has left no report",), (), output)
    asserted, broken, skipped, passed = [], [], [], 0
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  our own
        said = [one for one in case if one.tag in {"skipped", "failure", "error"}]
        passed += not said
        for one in said:
            told = str(one.get("message"))
            if one.tag == "skipped":
                skipped.append(told)
            elif one.tag == "failure" and _ASSERTED.match(told):
                asserted.append(told)
            else:
                broken.append(told)
    return Said(status, passed, tuple(asserted), tuple(broken), tuple(skipped), output)
