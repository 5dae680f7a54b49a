"""The documentation says the same as the project's files, in both languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH = ROOT / "docs" / "en"
CHINESE = ROOT / "docs" / "zh"
PROJECT: dict[str, Any] = tomllib.loads(
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)
PAGES = sorted(str(page.relative_to(ENGLISH)) for page in ENGLISH.rglob("*.md"))
READMES = ("README.md", "README.zh-CN.md")
SET_UP = [
    f"python3 -m venv .venv && .venv/bin/pip install -e '{extras}' && {then}"
    for extras, then in (
        (".[files,report]", ".venv/bin/python -m wxengage demo"),
        (".[dev]", ".venv/bin/python -m pytest"),
    )
]


def read(path: Path) -> str:
    """Return a page's text."""
    return path.read_text(encoding="utf-8")


def code_blocks(text: str) -> list[str]:
    """Return the Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def rows(text: str, header: str) -> list[list[str]]:
    """Return the cells of the table under a heading line."""
    lines = text[text.index(f"\n{header}\n") :].splitlines()[2:]
    table = []
    for line in lines:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
        elif table:
            break
    return table[2:]


def test_both_languages_have_the_same_pages() -> None:
    """No page is missing in one of the languages."""
    chinese = sorted(str(page.relative_to(CHINESE)) for page in CHINESE.rglob("*.md"))

    assert PAGES == chinese


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_run_the_same_code(page: str) -> None:
    """A page and its translation teach with the same examples."""
    assert code_blocks(read(ENGLISH / page)) == code_blocks(read(CHINESE / page))


def test_both_readmes_run_the_same_code() -> None:
    """The two front pages show the same example."""
    english, chinese = (code_blocks(read(ROOT / name)) for name in READMES)

    assert english
    assert english == chinese


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("line", SET_UP)
def test_the_readme_shows_the_set_up_line(name: str, line: str) -> None:
    """A stranger can copy the two lines that lead in."""
    assert f"\n{line}\n" in read(ROOT / name)


@pytest.mark.parametrize(
    "page",
    [*READMES, "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md"],
)
def test_every_local_link_leads_somewhere(page: str) -> None:
    """A link to a file of the project finds it."""
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", read(path))

    missing = [link for link in links if not (path.parent / unquote(link)).exists()]

    assert [] == missing


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_the_architecture_page_shows_the_contract(language: Path) -> None:
    """The floors on the page are the floors that the imports are checked by."""
    contract = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = [
        (str(number), {room.strip() for room in layer.split("|")})
        for number, layer in enumerate(reversed(contract), start=1)
    ]
    page = read(language / "explanation" / "architecture.md")
    header = {"en": "## The floors", "zh": "## 楼层"}[language.name]

    shown = [
        (number, set(re.findall(r"`(\w+)`", rooms)))
        for number, rooms, *_ in rows(page, header)
    ]

    assert list(reversed(floors)) == shown


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_dependency_has_its_reason(language: Path) -> None:
    """No package is asked for without a line that says what for."""
    project = PROJECT["project"]
    asked = {"": project["dependencies"]} | project["optional-dependencies"]
    wanted = {
        (extra, name)
        for extra, packages in asked.items()
        for package in packages
        if (name := re.split(r"[\[<>=;! ]", package)[0]) != project["name"]
    }
    page = read(language / "explanation" / "dependencies.md")
    header = {"en": "## The list", "zh": "## 清单"}[language.name]

    shown = {
        (extra.strip("`"), name.strip("`"))
        for extra, name, reason in rows(page, header)
        if reason
    }

    assert wanted == shown


@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_page_is_in_the_menu(language: Path) -> None:
    """No page can be reached by search alone."""
    config = read(ROOT / f"mkdocs.{language.name}.yml")

    assert [] == [page for page in PAGES if f" {page}\n" not in config]
