"""What is built from the project holds what it should, and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import wxengage

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build wheel and source archive with the project's own back end."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """Give the one wheel."""
    (path,) = built.glob("*.whl")
    return path


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Every file of the package is in the wheel: code, types marker, data."""
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "wxengage").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    carried = set(zipfile.ZipFile(wheel).namelist())
    about = f"wxengage-{wxengage.__version__}.dist-info/"

    assert "wxengage/py.typed" in carried
    assert package == {name for name in carried if not name.startswith(about)}


def test_the_wheel_says_its_licence_and_version(wheel: Path) -> None:
    """Whoever receives the file alone knows the terms."""
    about = f"wxengage-{wxengage.__version__}.dist-info"
    archive = zipfile.ZipFile(wheel)

    metadata = archive.read(f"{about}/METADATA").decode()

    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert f"{about}/licenses/LICENSE" in archive.namelist()
    assert f"{about}/licenses/NOTICE" in archive.namelist()


def test_the_wheel_runs_the_demo_without_the_project(
    wheel: Path, tmp_path: Path
) -> None:
    """Installed alone, the demo falls back to its synthetic log and says so."""
    pytest.importorskip("altair", reason="the extra 'report' is not installed")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    page = tmp_path / "report.html"

    ran = subprocess.run(
        [sys.executable, "-P", "-m", "wxengage", "demo", "-o", str(page)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        check=False,
    )

    assert 0 == ran.returncode, ran.stderr.decode()
    assert b"synthetic" in ran.stdout
    assert page.is_file()


def test_the_source_archive_can_be_tested(built: Path) -> None:
    """A packager finds tests, examples and documentation in it."""
    (path,) = built.glob("*.tar.gz")
    top = f"wxengage-{wxengage.__version__}"

    with tarfile.open(path) as archive:
        names = set(archive.getnames())

    for name in (
        "pyproject.toml",
        "conftest.py",
        "README.zh-CN.md",
        "CHANGELOG.md",
        "LICENSE",
        "NOTICE",
        "tests/house/test_house.py",
        "docs/en/index.md",
        "docs/zh/index.md",
        "mkdocs.en.yml",
        "mkdocs.zh.yml",
        "examples/data/CDNOW_sample.txt",
    ):
        assert f"{top}/{name}" in names
