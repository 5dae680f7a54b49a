"""The page as a document: complete, escaped, the same for the same parts."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.log.reading import read_log
from wxengage.metrics.board import scoreboard
from wxengage.report.page import write_report
from wxengage.report.parts import Figure, Moves, Table
from wxengage.segments.moves import transitions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wxengage.report.reader import Lang

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>*{display:none}",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)//' onmouseover='alert(1)",
    "]]><!--</svg><svg onload=alert(1)>",
    "&lt;b&gt;&#x3c;script>",
    "\u540d\u5b57\u202eevil",
)


class Tree(HTMLParser):
    """The tags and attribute names of a document, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag with the names of its attributes."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Keep the end, too."""
        self.tags.append((f"/{tag}", ()))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text.append(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text(make: Any, name: str, tmp_path: Path) -> None:
    """As id, title, source, note, cell and label: the tree stays what it was."""
    trees = []
    for word in (name, "harmless"):
        # Ids take no invisible characters; the log refuses them.
        user = "a" + word.replace("\u202e", "")
        parts = make.parts(make.log(12, first=user), extra=word)
        path = write_report(tmp_path / "page.html", *parts, title=word, source=word)
        trees.append(Tree(path.read_text(encoding="utf-8")))

    assert trees[1].tags == trees[0].tags
    assert name in trees[0].text


def test_the_page_holds_no_script_and_no_address(
    pages: Callable[[Lang], Path],
) -> None:
    """No script, no handler, nothing to fetch; a policy that says so."""
    page = pages("zh").read_text(encoding="utf-8")
    names = {name for _, attributes in Tree(page).tags for name in attributes}
    tags = {tag for tag, _ in Tree(page).tags}

    assert not tags & {"script", "link", "iframe", "object", "img", "image", "form"}
    assert not [name for name in names if name.startswith("on")]
    assert not names & {"src", "href", "xlink:href", "srcset", "action"}
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_same_parts_give_the_same_bytes(make: Any, tmp_path: Path) -> None:
    """A page can be compared, cached and signed."""
    parts = make.parts(make.log(40))
    first, second = (
        write_report(tmp_path / name, *parts).read_bytes() for name in ("a", "b")
    )

    assert first == second


@pytest.mark.parametrize(
    ("lang", "said", "unsaid"),
    [
        ("zh", ("谁是谁", "他们怎么变", "接下来发什么", "数字看板"), ("Who is who",)),
        ("en", ("Who is who", "How they moved", "What goes out next"), ("谁是谁",)),
    ],
)
def test_each_language_is_complete(
    pages: Callable[[Lang], Path],
    lang: Lang,
    said: tuple[str, ...],
    unsaid: tuple[str, ...],
) -> None:
    """Every heading in its language; an English page has no Chinese in it."""
    text = "".join(Tree(pages(lang).read_text(encoding="utf-8")).text)

    assert all(word in text for word in said)
    assert not any(word in text for word in unsaid)
    if lang == "en":
        body = text[text.index("Engagement report") :]
        body = body[body.index("}\n") :] if "}\n" in body else body
        assert not [sign for sign in body if "\u4e00" <= sign <= "\u9fff"]


def test_the_numbers_on_the_page_are_those_of_the_parts(
    make: Any, tmp_path: Path
) -> None:
    """Segments, sends and the board's readings stand there as they are."""
    log = make.log(300)
    parts = make.parts(log)
    segments, plan, board = parts[0], parts[3], parts[4]

    page = write_report(tmp_path / "page.html", *parts, lang="en")

    text = " ".join(Tree(page.read_text(encoding="utf-8")).text)
    for users in segments.counts().values():
        assert f"{users:,}" in text
    assert f"{len(plan):,} messages" in text
    reads = board.of("reads").now
    assert f"{reads.value:,.0f}" in text
    assert f"{reads.low:,.0f} to {reads.high:,.0f}" in text


def test_what_the_log_cannot_tell_is_unknown_and_never_zero(
    make: Any, tmp_path: Path
) -> None:
    """Purchases only: reads and likes are listed with the reason."""
    rows = {"user": ["a", "b"], "kind": ["purchase"] * 2, "at": [0, 86_400 * 20]}
    log = read_log(rows, unit="s")
    as_of = make.as_of.replace(year=1970, month=1, day=25)

    page = write_report(tmp_path / "page.html", scoreboard(log, as_of), lang="en")

    text = " ".join(Tree(page.read_text(encoding="utf-8")).text)
    assert "What this log cannot tell (unknown, not 0)" in text
    assert "the log has never held read" in text


def test_an_empty_log_makes_a_page(make: Any, tmp_path: Path) -> None:
    """Nobody, nothing sent: the page says so."""
    log = read_log(
        {"user": [], "kind": [], "at": np.zeros(0, dtype=np.int64)}, unit="s"
    )

    page = write_report(tmp_path / "page.html", *make.parts(log), lang="en")

    text = " ".join(Tree(page.read_text(encoding="utf-8")).text)
    assert "No users." in text
    assert "Nobody was there at the start." in text
    assert "Nobody moved." in text
    assert "Nobody to plan for." in text
    assert "the log has no row in this period" in text


def test_a_board_by_segment_has_a_table_a_segment(make: Any, tmp_path: Path) -> None:
    """Each group is named in its heading."""
    board = scoreboard(make.log(200), make.as_of, by="segment")

    page = write_report(tmp_path / "page.html", board, lang="en")

    text = " ".join(Tree(page.read_text(encoding="utf-8")).text)
    for name in ("Potential", "Active", "Dormant", "Newcomers"):
        assert f"{name} · Base tier" in text


def test_control_characters_and_halves_of_pairs_are_shown_as_such(
    tmp_path: Path,
) -> None:
    """A page with them would not be a document."""
    page = write_report(tmp_path / "page.html", "a\x00b\x1bc\ud800d", lang="en")

    text = "".join(Tree(page.read_text(encoding="utf-8")).text)
    assert "a\ufffdb\ufffdc" in text


def test_a_very_long_id_is_cut_in_the_middle(tmp_path: Path) -> None:
    """The page stays small and its ends can be told."""
    table = Table("Ids", ("id",), (("x" * 50_000 + "end",),))

    page = write_report(tmp_path / "page.html", table)

    text = page.read_text(encoding="utf-8")
    assert "xxx…xxx" in text
    assert "end" in text
    assert "x" * 1000 not in text


@pytest.mark.parametrize(
    ("parts", "options", "said"),
    [
        ((), {}, "parts must be at least one"),
        ((3,), {}, r"parts\[0\] must be one of Scoreboard"),
        (("note",), {"lang": "cn"}, "lang must be 'zh' or 'en', got 'cn'"),
        (("note",), {"title": 3}, "title must be text"),
        (("note",), {"source": b"x"}, "source must be text"),
    ],
)
def test_bad_arguments_are_named(
    parts: tuple[Any, ...], options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """And no file is left behind."""
    with pytest.raises(InvalidInputError, match=said):
        write_report(tmp_path / "page.html", *parts, **options)

    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(InvalidInputError, match="in a folder that is there"):
        write_report(tmp_path / "no" / "page.html", "note")


def test_a_failed_write_leaves_the_old_page(tmp_path: Path) -> None:
    """Readers see the old page or the new one, never half."""
    path = write_report(tmp_path / "page.html", "old")
    old = path.read_bytes()
    folder = tmp_path / "folder.html"
    folder.mkdir()

    with pytest.raises(OSError, match="folder"):
        write_report(folder, "new")

    assert old == path.read_bytes()
    assert {"page.html", "folder.html"} == {one.name for one in tmp_path.iterdir()}


def test_a_missing_extra_is_named(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the line that installs it."""
    board = scoreboard(make.log(30), make.as_of)
    monkeypatch.setitem(sys.modules, "altair", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'wxengage\[report\]'"):
        write_report(tmp_path / "page.html", board)


def test_a_table_and_a_figure_are_checked() -> None:
    """A row of another length, and a chart that is none."""
    with pytest.raises(InvalidInputError, match=r"rows\[1\] must be as long as"):
        Table("t", ("a", "b"), ((1, 2), (1,)))
    with pytest.raises(InvalidInputError, match="chart must be an Altair chart"):
        Figure("t", "not a chart")


@pytest.mark.parametrize("form", ["arrays", "records", "polars", "pyarrow"])
def test_moves_are_read_from_any_frame(make: Any, form: str) -> None:
    """What ``transitions`` gives for any kind of log can be drawn."""
    log = make.log(60)
    again = read_log(log.to_frame(form), value="value", tz="UTC")
    start = make.as_of.replace(day=1)
    expected = Moves.of(transitions(log, start, make.as_of))

    found = Moves.of(transitions(again, start, make.as_of))

    assert len(found.at)
    for name in attrs.fields_dict(Moves):
        np.testing.assert_array_equal(getattr(expected, name), getattr(found, name))


def test_moves_are_read_from_pandas_with_missing_origins_and_zones() -> None:
    """Missing values of pandas are no segment; its times keep their instant."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "origin": [None, np.nan, "active"],
            "target": ["potential", "active", "dormant"],
            "at": pd.to_datetime(["2026-03-01T08:00+08:00"] * 3),
        }
    )

    found = Moves.of(frame)

    assert ["", "", "active"] == found.origin.tolist()
    assert {np.datetime64("2026-03-01T00:00", "us")} == set(found.at)
    with pytest.raises(InvalidInputError, match=r"at\[0\] must be an aware datetime"):
        Moves.of(frame.assign(at=pd.to_datetime(["2026-03-01"] * 3)))


def test_moves_of_something_else_are_refused(make: Any) -> None:
    """Columns and segments are checked by name."""
    with pytest.raises(InvalidInputError, match="frame must be a table with"):
        Moves.of({"origin": []})
    with pytest.raises(InvalidInputError, match=r"target\[0\] must be a segment"):
        Moves.of({"origin": [None], "target": ["lost"], "at": [make.as_of]})
    with pytest.raises(InvalidInputError, match="target must be a segment in every"):
        Moves.of({"origin": ["active"], "target": [None], "at": [make.as_of]})
