"""What all tests share: documentation that runs, and parts that must be there."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from doctest import ELLIPSIS
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from sybil import Example

ROOT = Path(__file__).parent
DATA = Path(os.environ.get("WXENGAGE_DATA") or ROOT.parent / "shared" / "data")
REQUIRE_PARTS = os.environ.get("WXENGAGE_REQUIRE_PARTS") == "1"
# A skip that says no part is missing: the combination has no meaning.
DOES_NOT_APPLY = "does not apply: "

# A busy machine is no bug, and a red build must be red again when rerun.
settings.register_profile("wxengage", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "wxengage")


def pytest_configure(config: pytest.Config) -> None:
    """Leave timings and torture to those who ask for them with ``-m``."""
    config.option.markexpr = config.option.markexpr or "not bench and not torture"


def pytest_report_header() -> list[str]:
    """Say where the real data is and whether a missing part is a failure."""
    there = "" if DATA.is_dir() else " (absent)"
    rule = "a failure" if REQUIRE_PARTS else "a skip with its reason"
    return [f"real data: {DATA}{there}; a missing part is {rule}"]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Give the folder of real data sets, or skip where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"WXENGAGE_DATA: there is no folder {DATA}")
    return DATA


@pytest.fixture(scope="session")
def oracles() -> dict[str, Any]:
    """Give the numeric oracles by topic and name."""
    text = (ROOT / "tests" / "data" / "oracles.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where every part is promised to be there."""
    if not (REQUIRE_PARTS and report.skipped) or hasattr(report, "wasxfail"):
        return
    told = report.longrepr
    reason = told[2] if isinstance(told, tuple) else str(told)
    reason = reason.removeprefix("Skipped: ")
    data_absent = "WXENGAGE_DATA" in reason and not DATA.is_dir()
    if not data_absent and not reason.startswith(DOES_NOT_APPLY):
        report.outcome = "failed"
        report.longrepr = f"skipped where skipping is forbidden: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Look at each test's outcome."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    """Look at whole files that skip themselves."""
    report = yield
    _refuse_skip(report)
    return report


try:
    from sybil import Sybil
    from sybil.document import Document, PythonDocStringDocument
    from sybil.parsers.markdown import PythonCodeBlockParser
    from sybil.parsers.rest import DocTestParser
except ImportError:
    collect_ignore = ["README.md", "README.zh-CN.md", "docs", "wxengage"]
else:
    _MISSING = re.compile(
        r"MissingExtraError: (?P<extra>.+)"
        r"|No module named '(?P<module>(?!wxengage)[\w.]+)'"
        r"|(?P<java>JAVA_GATEWAY_EXITED)"
    )

    def _skip_if_missing(example: Example, told: str) -> None:
        """Skip this example, and those that build on it, where a part is missing."""
        missing = _MISSING.search(told)
        if missing:
            example.namespace["missing_part"] = missing[0]
            pytest.skip(missing[0])

    def _run(example: Example) -> str | None:
        if "missing_part" in example.namespace:
            pytest.skip(example.namespace["missing_part"])
        evaluator = example.region.evaluator
        try:
            outcome = evaluator(example) if evaluator else None
        except Exception as error:
            _skip_if_missing(example, f"{type(error).__name__}: {error}")
            raise
        _skip_if_missing(example, outcome or "")
        return outcome

    class Page(Document):
        """A page of the documentation: its blocks share one namespace."""

        def __init__(self, text: str, path: str) -> None:
            super().__init__(text, path)
            self.push_evaluator(_run)

    class Module(PythonDocStringDocument):
        """The docstrings of one file of the package."""

        def __init__(self, text: str, path: str) -> None:
            super().__init__(text, path)
            # The first in the list is asked last: the module is imported before.
            self.evaluators.insert(0, _run)

    def _enter_folder(namespace: dict[str, object]) -> None:
        """Give each page an empty folder of its own to read and write in."""
        namespace["_back"] = Path.cwd()
        namespace["_folder"] = tempfile.mkdtemp(prefix="wxengage-docs-")
        os.chdir(str(namespace["_folder"]))

    def _leave_folder(namespace: dict[str, object]) -> None:
        os.chdir(str(namespace.pop("_back")))
        shutil.rmtree(str(namespace.pop("_folder")), ignore_errors=True)

    _pages = Sybil(
        parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)],
        patterns=["*.md"],
        document_types={".md": Page},
        setup=_enter_folder,
        teardown=_leave_folder,
    )
    _docstrings = Sybil(
        parsers=[DocTestParser(optionflags=ELLIPSIS)],
        path="wxengage",
        patterns=["*.py"],
        document_types={".py": Module},
        setup=_enter_folder,
        teardown=_leave_folder,
    )
    pytest_collect_file = (_pages + _docstrings).pytest()
