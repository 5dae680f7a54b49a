"""What the tests of the benchmarks share."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def programs() -> Iterator[Path]:
    """Let the scripts find each other, as they do when they are run."""
    sys.path.insert(0, str(FOLDER))
    yield FOLDER
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def cache(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the made-up data a folder of the test's own."""
    assert programs.is_dir()
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("cache"), "CACHE", folder)
        yield folder
