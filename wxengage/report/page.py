"""One self-contained page that a manager can read in a minute (报告).

No script, no font, no picture from elsewhere: the page opens offline, and its
content security policy forbids everything else. Ids and names come from users;
the template escapes them all, and a test holds that a hostile nickname leaves
the document's tree unchanged.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from wxengage import __version__
from wxengage.errors import InvalidInputError, MissingExtraError
from wxengage.metrics.board import Scoreboard
from wxengage.plan.result import Plan
from wxengage.report.blocks import Cell, Drawing, Grid, Prose, Section
from wxengage.report.charts import FONTS, render
from wxengage.report.forecasts import backtest_section
from wxengage.report.numbers import board_section, claims_section
from wxengage.report.parts import Figure, Moves, Table
from wxengage.report.people import matrix_section, moves_section, segments_section
from wxengage.report.reader import Lang, Reader
from wxengage.report.summary import Findings
from wxengage.report.tomorrow import plan_section
from wxengage.segments.backtests import Backtest
from wxengage.segments.lifecycle import Segments
from wxengage.segments.moves import TransitionMatrix

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Part", "write_report"]

Part = (
    Scoreboard
    | Plan
    | Segments
    | TransitionMatrix
    | Moves
    | Backtest
    | Table
    | Figure
    | str
)
_LANGS: Final = get_args(Lang)
# Ids may be long; a page shows enough of one to know it.
_SHOWN: Final = 48
# Control characters are not allowed in a document, nor are halves of a pair.
_CONTROLS: Final = dict.fromkeys(
    (*range(9), 11, 12, *range(14, 32), *range(127, 160)), "\ufffd"
)


def write_report(
    path: str | os.PathLike[str],
    *parts: Part,
    lang: Lang = "zh",
    title: str | None = None,
    source: str | None = None,
) -> Path:
    """Write one HTML page that opens offline.

    Parameters
    ----------
    path
        The file to write; its folder must be there. An older file is replaced
        at once, never half.
    parts
        What to show, in this order: a ``Scoreboard``, ``Plan``, ``Segments``
        (of ``segment_users``), ``TransitionMatrix``, ``Moves``, ``Backtest``,
        ``Table``, ``Figure`` or a text. The numbers at the top and the article's claims
        are drawn from whichever are there.
    lang
        ``"zh"`` or ``"en"``.
    title
        The heading, such as the account's name.
    source
        Where the data came from, for the foot of the page.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InvalidInputError
        If there is no part, one is of an unknown kind, the language is
        unknown, or there is no such folder.

    Notes
    -----
    Needs the extra ``report``. The same parts give the same bytes.
    """
    if lang not in _LANGS:
        near = difflib.get_close_matches(str(lang), _LANGS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else ""
        raise InvalidInputError("lang", lang, "'zh' or 'en'", hint)
    for name, text in (("title", title), ("source", source)):
        if text is not None and not isinstance(text, str):
            raise InvalidInputError(name, text, "text")
    if not parts:
        hint = "for example scoreboard(log, as_of)"
        raise InvalidInputError("parts", parts, "at least one", hint)
    target = Path(path)
    if not target.parent.is_dir():
        hint = "make it first"
        raise InvalidInputError("path", str(path), "in a folder that is there", hint)
    page = _page(parts, Reader(lang), title, source)
    _replace(target, page)
    return target


def _page(
    parts: tuple[Part, ...], reader: Reader, title: str | None, source: str | None
) -> str:
    """Return the page's markup."""
    found = Findings(parts, reader)
    sections = [_section(place, part, found) for place, part in enumerate(parts)]
    claims = found.claims()
    if claims:
        sections.append(claims_section(claims, reader))
    say = reader.say
    page: str = _template().render(
        lang=say("zh-CN", "en"),
        title=title or say("互动运营报告", "Engagement report"),
        subtitle=found.subtitle(),
        summary=found.summary(),
        keys=found.keys(),
        sections=sections,
        methods=found.methods(),
        source=source,
        version=__version__,
        say=say,
    )
    return page


def _section(place: int, part: Part, found: Findings) -> Section:
    """Return the section of one part."""
    reader = found.reader
    if isinstance(part, Plan):
        return plan_section(found.reach_of(part), reader)
    for kind, make in _MAKERS.items():
        if isinstance(part, kind):
            return make(part, reader)
    names = ", ".join([one.__name__ for one in _MAKERS] + ["Plan"])
    raise InvalidInputError(f"parts[{place}]", part, f"one of {names}")


def _table_section(part: Table, reader: Reader) -> Section:
    del reader
    numeric = frozenset(
        place
        for place in range(len(part.columns))
        if all(_is_number(row[place]) for row in part.rows)
    )
    rows = tuple(
        tuple(Cell(_shown(value), foreign=True) for value in row) for row in part.rows
    )
    return Section(
        part.title, part.note, (Grid(part.columns, rows, numeric, wide=True),)
    )


def _is_number(value: object) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool)
    )


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _figure_section(part: Figure, reader: Reader) -> Section:
    del reader
    svg = render(part.chart)
    return Section(part.title, part.note, (Drawing(svg, svg, part.title),))


def _text_section(part: str, reader: Reader) -> Section:
    paragraphs = tuple(line for line in part.split("\n") if line.strip())
    return Section(reader.say("说明", "Note"), "", (Prose(paragraphs, foreign=True),))


_MAKERS: Final[dict[type, Callable[[Any, Reader], Section]]] = {
    Scoreboard: board_section,
    Segments: segments_section,
    TransitionMatrix: matrix_section,
    Moves: moves_section,
    Backtest: backtest_section,
    Table: _table_section,
    Figure: _figure_section,
    str: _text_section,
}


def _clean(value: object) -> object:
    """Return what may stand in a document: long words cut, no control characters."""
    if type(value) is not str:
        return value
    return value.translate(_CONTROLS).encode("utf-8", "replace").decode("utf-8")


def _cut(text: str) -> str:
    """Return a text from users, cut in the middle where it is long."""
    if len(text) <= 4 * _SHOWN:
        return text
    return f"{text[:_SHOWN]}…{text[-_SHOWN:]}"


@functools.cache
def _template() -> Any:  # noqa: ANN401  jinja2 is an extra
    try:
        import jinja2  # noqa: PLC0415  an extra
    except ImportError:
        raise MissingExtraError("jinja2", "report") from None
    from markupsafe import Markup  # noqa: PLC0415  comes with jinja2

    files = importlib.resources.files("wxengage.report")
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["cut"] = _cut
    environment.filters["svg"] = Markup
    style = files.joinpath("page.css").read_text(encoding="utf-8")
    environment.globals["style"] = Markup(style.replace("FONTS", FONTS))  # noqa: S704  our own file
    return environment.from_string(
        files.joinpath("page.html.j2").read_text(encoding="utf-8")
    )


def _replace(target: Path, page: str) -> None:
    """Write a file at once: readers see the old page or the new one."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
        draft.chmod(0o644)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
