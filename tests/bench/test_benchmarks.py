"""The benchmarks: the same log every time, and engines that agree with us."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wxengage.log.kinds import KINDS

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
EVENTS = 3_000
PARTS = {
    "wxengage": "pyarrow",
    "pandas": "pandas",
    "Polars": "polars",
    "DuckDB": "duckdb",
    "Ibis": "ibis",
    "Spark": "pyspark",
}


@pytest.fixture(scope="module", autouse=True)
def _arrow() -> None:
    """Skip everything where the logs cannot be written."""
    pytest.importorskip("pyarrow")


def script(name: str) -> Any:
    """Return one of the scripts as a module."""
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def log(cache: Path) -> Any:
    """Return a small log."""
    assert cache.is_dir()
    return script("eventlog").make_log(EVENTS)


def answer_of(work: str, engine: str, log: Any, scratch: Path) -> dict[str, str]:
    """Return the checksums of one engine's answer."""
    pytest.importorskip(PARTS[engine.split(maxsplit=1)[0].strip(",")])
    job = script("engines").make_job(work, engine, log, scratch)
    found: dict[str, str] = script("answers").digest(job.answer(job.run(job.fresh())))
    return found


def answers_of(group: str, log: Any, scratch: Path) -> dict[str, dict[str, str]]:
    """Return the checksums of all of a comparison's engines."""
    engines = script("segments_page").GROUPS[group]
    return {engine: answer_of(group[:2], engine, log, scratch) for engine in engines}


def test_the_log_is_what_the_page_says(log: Any) -> None:
    """Known kinds, 180 days in order of time, openids, as many events as asked."""
    pq = pytest.importorskip("pyarrow.parquet")

    eventlog = script("eventlog")
    table = pq.read_table(log.files)
    at = table["at"].cast("int64").to_numpy()

    assert EVENTS == table.num_rows == len(log.codes()["at"])
    assert set(eventlog.KINDS) <= set(KINDS)
    assert set(eventlog.KINDS) == set(table["kind"].unique().to_pylist())
    assert {28} == {len(one) for one in table["user_id"].to_pylist()}
    assert (np.diff(at) >= 0).all()
    assert eventlog.START <= at[0]
    assert at[-1] < eventlog.AS_OF
    assert (
        EVENTS == pq.read_table(log.history).num_rows + pq.read_table(log.new).num_rows
    )


def test_the_log_is_the_same_every_time(
    log: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A result of last year can be compared with one of today."""
    monkeypatch.setattr(script("cache"), "CACHE", tmp_path)
    again = script("eventlog").make_log(EVENTS)

    assert log.folder != again.folder
    for file in log.files:
        assert file.read_bytes() == (again.folder / file.name).read_bytes()


def test_a_log_in_several_files_is_in_order_of_time(cache: Path) -> None:
    """Each file begins where the one before it ended."""
    pq = pytest.importorskip("pyarrow.parquet")

    assert cache.is_dir()
    log = script("eventlog").make_log(1_000, 40, 5)
    pieces = [pq.read_table(file)["at"].cast("int64").to_numpy() for file in log.files]

    assert [200] * 5 == [len(at) for at in pieces]
    assert (np.diff(np.concatenate(pieces)) >= 0).all()


@pytest.mark.parametrize("work", ["A1", "A2"])
def test_every_engine_gives_our_answer(work: str, log: Any, tmp_path: Path) -> None:
    """What is timed is the same work: every column is equal, for every user."""
    digests = answers_of(work, log, tmp_path)

    assert [] == script("answers").differences(digests)
    assert {*script("answers").COLUMNS, "rows"} == digests["wxengage"].keys()


@pytest.mark.parametrize("engine", ["wxengage", "wxengage, adding only", "DuckDB"])
def test_the_nightly_job_gives_the_answer_of_a_recompute(
    engine: str, log: Any, tmp_path: Path
) -> None:
    """Yesterday's state and one day's events, or all events: the same."""
    digests = {
        "recompute": answer_of("A2", "wxengage", log, tmp_path),
        engine: answer_of("A3", engine, log, tmp_path),
    }

    assert [] == script("answers").differences(digests)


@pytest.mark.parametrize("where", ["Polars", "DuckDB", "Ibis"])
def test_plans_written_by_hand_give_our_summary(
    where: str, log: Any, tmp_path: Path
) -> None:
    """With the row checks and without: the log has no bad row."""
    digests = answers_of(f"A4 {where}", log, tmp_path)

    assert [] == script("answers").differences(digests)
    assert "follow_age_days" in digests[f"{where}, wxengage"]


@pytest.mark.bench
def test_spark_gives_our_summary(log: Any, tmp_path: Path) -> None:
    """As above; Spark takes its time to start."""
    digests = answers_of("A4 Spark", log, tmp_path)

    assert [] == script("answers").differences(digests)


def test_answers_are_equal_in_any_order_of_rows_and_kind_of_none() -> None:
    """NaN, None and NaT are one; the order of rows is nobody's business."""
    digest = script("answers").digest
    nat = np.array(["2026-01-01", "NaT"], dtype="M8[us]")
    day = 1_767_225_600_000_000
    text = np.array(["active", "potential"], dtype=object)
    one = digest(
        {"user": [7, 9], "last_at": nat, "value": [0.1 + 0.2, 1], "segment": text}
    )
    other = digest(
        {
            "user": np.array([9, 7], dtype=np.uint32),
            "last_at": np.array([None, day], dtype=object),
            "value": [1.0, 0.3],
            "segment": text[::-1].astype(str),
        }
    )

    assert one == other


def test_a_different_answer_is_told_by_engine_and_column() -> None:
    """Who reads the message knows where to look."""
    answers = script("answers")
    right = answers.digest({"user": [1, 2], "events": [3, 4]})
    wrong = answers.digest({"user": [1, 2], "events": [3, 5]})

    assert ["theirs: events is not what ours says"] == answers.differences(
        {"ours": right, "same": right, "theirs": wrong}
    )


def test_unequal_answers_end_the_comparison(log: Any) -> None:
    """Times of different work are not reported."""
    pytest.importorskip("polars")
    timing = script("timing")
    other = script("eventlog").make_log(EVENTS + 100)
    with pytest.raises(
        timing.Unequal, match="Polars tuned: age_days is not what Polars"
    ):
        timing.compare("A1", {"Polars": log, "Polars tuned": other}, 1)


def test_an_engine_that_fails_says_why(log: Any) -> None:
    """The worker's own error is in the message."""
    with pytest.raises(RuntimeError, match=r"no such engine failed:(.|\n)*KeyError"):
        script("timing").compare("A1", {"no such engine": log}, 1)


def test_ratios_are_taken_within_a_round() -> None:
    """A round in which the machine was slow for all changes nothing."""
    timing = script("timing")
    own = timing.Timing((1.0, 10.0, 1.0), (1.0, 1.0, 1.0), 0, 0)
    peer = timing.Timing((3.0, 30.0, 9.0), (2.0, 2.0, 2.0), 0, 0)

    assert 3.0 == timing.median_ratio(peer, own, "wall")


def comparison(group: str, **times: float) -> Any:
    """Return a comparison with one round, its engines by keyword."""
    comparisons, timing = script("comparisons"), script("timing")
    timings = {
        name.replace("_", " "): timing.Timing((wall,), (wall,), 5_000_000, 4_000_000)
        for name, wall in times.items()
    }
    return comparisons.Comparison(
        group, 1_000, "event", "50 users", timings, "2026-01-01", (0.5, 1.0)
    )


def test_a_target_is_met_or_not() -> None:
    """Enough in wall and CPU, in one of them, in neither; at least and at most."""
    target = script("comparisons").Target
    found = comparison("A1", wxengage=1.0, DuckDB=3.0)

    assert "met" == target("A1", "DuckDB", 2.5, 3).judge(found).word
    assert "met in wall only" == target("A1", "DuckDB", 2.5, 5).judge(found).word
    assert "not met" == target("A1", "DuckDB", 4, 5).judge(found).word
    assert "met" == target("A1", "DuckDB", -1.1, -0.34).judge(found).word
    assert "not met" == target("A1", "DuckDB", -0.3, -0.3).judge(found).word


def test_the_page_says_what_was_measured() -> None:
    """Seconds, ratios, memory and the verdict at the largest size."""
    found = comparison("A1", wxengage=0.5, pandas=5.0, DuckDB=1.0)
    results = script("results").Results(Path(), [found])
    text: str = script("segments_page").segments_chapter(results)

    assert "| pandas | 5.000 | 5.000 | 10.00 | 10.00 | 5 | 4 |" in text
    assert "| A1, 1,000 events: as fast as pandas |" in text
    assert "wall 10.0x, CPU 10.0x | met |" in text
    assert "wall 2.0x, CPU 2.0x | not met |" in text
    assert "Polars |" not in text


def test_a_chapter_takes_the_place_of_its_older_self(tmp_path: Path) -> None:
    """The other chapters stay as they were."""
    put, path = script("page").put_chapter, tmp_path / "page.md"
    for title, text in (("A", "one\n"), ("B", "two\n"), ("A", "### three\n\nfour\n")):
        put(path, title, text)
    head, *chapters = path.read_text(encoding="utf-8").split("\n## ")

    assert head.startswith("# Benchmarks\n")
    assert ["A\n\n### three\n\nfour\n", "B\n\ntwo\n"] == chapters


def test_what_could_not_be_made_is_not_kept(cache: Path) -> None:
    """A program that was stopped does not leave half a log to the next one."""

    def stopped(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        script("cache").kept("stopped", stopped)

    assert [] == [one for one in cache.iterdir() if "log" not in one.name]


def test_the_command_measures_and_writes_the_page(tmp_path: Path) -> None:
    """Also what was measured before stays on the page."""
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    command = [sys.executable, str(FOLDER / "segments.py"), "--results", str(results)]
    command += ["--rounds", "1", "--write", str(page)]
    subprocess.run([*command, "--only", "A5", "--sizes", "400"], check=True)
    subprocess.run([*command, "--only", "h"], check=True)
    text = page.read_text(encoding="utf-8")

    assert "| wxengage @ 2,000 events, 100 users |" in text
    assert 1 == text.count("## Segmentation\n")
    assert "| A5, 2,000 events: time per event over that of a fifth |" in text
    assert "| H: importing, over a bare interpreter |" in text
    assert "it loads none." in text


@pytest.mark.parametrize("wrong", [["--only", "A9"], ["--sizes", "10"]])
def test_the_command_refuses_what_it_does_not_know(wrong: list[str]) -> None:
    """A typing error does not start an hour of work."""
    command = [sys.executable, str(FOLDER / "segments.py"), *wrong]
    found = subprocess.run(command, check=False, capture_output=True, text=True)

    assert 2 == found.returncode
    assert "A9" in found.stderr or "10: at least 100" in found.stderr
