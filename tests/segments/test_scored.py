"""A frame of scores with its model, as it is seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frames.engines import EAGER, need, table
from wxengage.segments.scored import Scored

HEAD: list[dict[str, Any]] = [
    {"user": "ann", "kind": "3-1", "at": 7, "value": 0.5, "duration": None},
    {"user": "<b>", "kind": None, "at": 8, "value": 2.0, "duration": 1.5},
]
ROWS = HEAD + [HEAD[0]] * 10


@pytest.mark.parametrize("engine", EAGER)
def test_it_unpacks_and_prints_the_first_rows(engine: str) -> None:
    """On a terminal and in a notebook, where texts are escaped."""
    source = table(ROWS, engine)
    scored = Scored(source, "a model")
    frame, model = scored

    assert frame is source
    assert "a model" == model
    lines = str(scored).splitlines()
    assert ["user", "kind", "at", "value", "duration"] == lines[0].split()
    assert ["ann", "3-1", "7", "0.5", "-"] == lines[1].split()
    assert ["<b>", "-", "8", "2", "1.5"] == lines[2].split()
    assert "(2 more)" == lines[-1]
    assert "<td>&lt;b&gt;</td>" in scored._repr_html_()
    assert repr(scored) == f"<Scored: {type(source).__name__} by str>"


@pytest.mark.parametrize("engine", ["polars_lazy", "duckdb", "ibis"])
def test_what_an_engine_holds_is_named_and_not_run(engine: str) -> None:
    """Printing costs nothing."""
    need(engine)
    source = table(ROWS, engine)
    scored = Scored(source, None)

    assert f"<Scored: {type(source).__name__} by NoneType>" == str(scored)
    assert scored._repr_html_().startswith("&lt;Scored: ")


def test_an_answer_without_rows_prints() -> None:
    """A log without users is no fault."""
    assert not str(Scored([], None))
    assert ["user"] == str(Scored(table([], "arrays"), None)).split()[:1]
