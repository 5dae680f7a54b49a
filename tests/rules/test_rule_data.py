"""What the platform rules that lie in the package promise."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

ROWS: list[dict[str, Any]] = json.loads(
    files("wxengage").joinpath("rules/wechat_rules.json").read_text(encoding="utf-8")
)


def test_every_rule_has_an_id_of_its_own() -> None:
    """A finding can be traced to one rule."""
    assert len(ROWS) == len({row["id"] for row in ROWS}) > 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_rule_says_what_it_holds_and_where_that_is_from(row: dict[str, Any]) -> None:
    """No limit without a statement, a source and how sure we are."""
    assert {"id", "area", "statement", "params", "source", "confidence"} <= row.keys()
    assert row["statement"]
    assert row["source"]
    assert isinstance(row["params"], dict)
    assert row["confidence"].startswith(("high", "medium", "low"))
