"""The rules that lie in the package are those that were collected, word for word."""

from __future__ import annotations

import datetime as dt
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from wxengage.rules import AREAS, CONFIDENCES, Rule, rulebook
from wxengage.rules.shelf import shipped

# What was collected, before it was dated and put into files by area.
ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "wechat_rules.json").read_text("utf-8")
)
# A source that is written "same" is the one of the row before.
SOURCES: dict[str, str] = {}
for row_before, row_now in zip([ROWS[0], *ROWS], ROWS, strict=False):
    SOURCES[row_now["id"]] = (
        SOURCES[row_before["id"]] if row_now["source"] == "same" else row_now["source"]
    )
TODAY = dt.date(2026, 11, 24)
# First days that the collected rows state, and those of laws.
DATED = {
    "WX-CS-001": dt.date(2023, 6, 12),
    "WX-CS-002": dt.date(2023, 6, 12),
    "WX-CS-003": dt.date(2023, 6, 12),
    "WX-CS-004": dt.date(2023, 6, 12),
    "WX-CS-005": dt.date(2023, 6, 12),
    "WX-TPL-004": dt.date(2023, 5, 4),
    "WX-TPL-005": dt.date(2020, 1, 10),
    "WX-RP-005": dt.date(2024, 6, 5),
    "WX-IND-001": dt.date(2019, 10, 28),
    "CN-LOT-001": dt.date(2018, 1, 1),
    "CN-LOT-002": dt.date(2020, 12, 1),
    "CN-AD-002": dt.date(2023, 3, 20),
    "CN-PI-001": dt.date(2021, 11, 1),
    "CN-PROMO-001": dt.date(2020, 12, 1),
}


def listed(value: Any) -> Any:
    """Return a parameter as JSON writes it."""
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_collected_rule_is_in_force_today_word_for_word(row: dict[str, Any]) -> None:
    """Statement, numbers, words and source are as they were found."""
    rule = rulebook(TODAY)[row["id"]]

    assert row["statement"] == rule.statement_en
    assert row["params"] == {k: listed(v) for k, v in rule.params.items()}
    assert SOURCES[row["id"]] in rule.source
    assert row["source_date"] in rule.source


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_collected_flag_stays_a_flag(row: dict[str, Any]) -> None:
    """Python takes 1 for True; a rule does not."""
    params = rulebook(TODAY)[row["id"]].params

    assert {k: type(v) for k, v in row["params"].items()} == {
        k: type(listed(v)) for k, v in params.items()
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_no_rule_is_surer_than_what_was_collected(row: dict[str, Any]) -> None:
    """A rule without a first day is no better than medium, whoever says it."""
    rule = rulebook(TODAY)[row["id"]]
    said = row["confidence"].replace("-", " ").split()[0]

    assert DATED.get(row["id"]) == rule.in_force_from
    assert CONFIDENCES.index(rule.confidence) <= CONFIDENCES.index(said)
    assert rule.confidence in (said, "medium")
    if row["confidence"] not in CONFIDENCES:
        assert row["confidence"] in rule.source


def test_nothing_was_added_but_the_predecessor() -> None:
    """Every id was collected; one of them has an earlier version."""
    ids = [rule.id for rule in shipped()]

    assert {row["id"] for row in ROWS} == set(ids)
    assert len(ROWS) + 1 == len(ids)
    assert 2 == ids.count("WX-CS-001")


def test_twenty_messages_became_five() -> None:
    """The day of the change already has the new rule."""
    counts = [
        rulebook(day)["WX-CS-001"].param("count", int)
        for day in (
            dt.date(2015, 1, 1),
            dt.date(2023, 6, 1),
            dt.date(2023, 6, 11),
            dt.date(2023, 6, 12),
            dt.date(2023, 6, 20),
            TODAY,
        )
    ]

    assert [20, 20, 20, 5, 5, 5] == counts


@pytest.mark.parametrize("rule", shipped(), ids=lambda rule: rule.id)
def test_a_rule_speaks_both_languages(rule: Rule) -> None:
    """The Chinese sentence is Chinese, and both name the numbers of the rule."""
    assert any("\u4e00" <= sign <= "\u9fff" for sign in rule.statement_zh)
    assert rule.statement_zh != rule.statement_en
    for sentence in (rule.statement_zh, rule.statement_en):
        if "count" in rule.params and rule.param("count", int):
            assert str(rule.param("count", int)) in sentence


def test_every_file_of_rules_is_an_area() -> None:
    """No file is left lying that nobody reads."""
    found = {
        path.name.removesuffix(".toml")
        for path in files("wxengage.rules").iterdir()
        if path.name.endswith((".toml", ".json"))
    }

    assert set(AREAS) == found


def test_a_fact_about_wecom_follows_the_month() -> None:
    """The cap is a word, not the number of some month."""
    rule = rulebook(TODAY)["WW-EXT-001"]

    assert "days_in_month" == rule.param("per_customer_month", str)
