"""The benchmark of campaigns: believable events, and peers that agree."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EVENTS = 3_000


def script(name: str) -> Any:
    """Return one of the scripts as a module."""
    return importlib.import_module(name)


def digest_of(program: str, work: str, engine: str, data: Any) -> dict[str, Any]:
    """Return what is compared of one engine's answer."""
    job = script(program).make_job(work, engine, data, Path())
    found: dict[str, Any] = dict(job.digest(job.answer(job.run(job.fresh()))))
    return found


@pytest.fixture(scope="module")
def invites(cache: Path) -> Any:
    """Return the events of a small referral campaign."""
    assert cache.is_dir()
    return script("invites").make_invites(EVENTS)


def test_invites_are_what_the_page_says(invites: Any) -> None:
    """So many events and inviters; scans, follows before, departures, returns."""
    module = script("invites")
    user, inviter, kind, at = (
        invites.column(name) for name in ("user", "inviter", "kind", "at")
    )
    asked = inviter >= 0
    first = np.full(user.max() + 1, module.AS_OF)
    np.minimum.at(first, user[asked], at[asked])

    assert EVENTS == len(user) == len(inviter) == len(kind) == len(at)
    assert EVENTS // 5 > inviter.max()
    assert "600 inviters" == invites.about
    assert {0, 1, 2} == set(kind.tolist())
    assert 0.7 < asked.mean() < 0.8
    assert (at[(kind == 0) & ~asked] < module.OPENS).any()
    assert (at[kind == 1] > first[user[kind == 1]]).all()


def test_no_invites_close_a_circle(invites: Any) -> None:
    """Everybody's inviters were there before: what the peers are told is true."""
    user, inviter = invites.column("user"), invites.column("inviter")

    assert (inviter < user).all()


def test_events_are_the_same_every_time(
    invites: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A result of last year can be compared with one of today."""
    monkeypatch.setattr(script("cache"), "CACHE", tmp_path)
    again = script("invites").make_invites(EVENTS)

    assert invites.folder != again.folder
    for name in ("user", "inviter", "kind", "at"):
        np.testing.assert_array_equal(invites.column(name), again.column(name))


@pytest.mark.parametrize("engine", ["Polars", "pandas"])
@pytest.mark.parametrize("work", ["E1", "E2"])
def test_peers_give_our_answer(
    work: str, engine: str, invites: Any, cache: Path
) -> None:
    """Every column of every participant, of both kinds of campaigns."""
    assert cache.is_dir()
    data = invites if work == "E1" else script("invites").make_check_ins(EVENTS)
    engines = script("campaigns_page").ENGINES[work]
    found = {
        name: digest_of("replays", work, name, data) for name in ("wxengage", engine)
    }

    assert engine in engines
    assert [] == script("answers").differences(found)
    assert int(found[engine]["rows"]) > 100


def test_much_happens_to_invites(invites: Any) -> None:
    """Some count, wait, are revoked and are refused: no part is for nothing."""
    job = script("replays").make_job("E1", "wxengage", invites, Path())
    found = job.answer(job.run(job.fresh()))

    for name in ("invites", "counts", "pending", "revoked", "refused", "fen"):
        assert found[name].sum() > 10


def test_the_queue_plays_the_same_campaign() -> None:
    """As many participants, and means that agree to a tenth."""
    data = script("spreads").Course(60_000)
    engines = script("campaigns_page").ENGINES["E3"]
    found = {engine: digest_of("spreads", "E3", engine, data) for engine in engines}

    assert [] == script("spreads").apart(found)
    assert 60_000 == found["wxengage"]["participants"]


def test_the_search_finds_what_trying_every_ladder_finds() -> None:
    """Some eighteen thousand ladders, the same best one."""
    data = script("spreads").searched()
    engines = script("campaigns_page").ENGINES["E5"]
    found = {engine: digest_of("spreads", "E5", engine, data) for engine in engines}

    assert 18_000 < data.size < 20_000
    assert [] == script("spreads").apart(found)


def test_a_different_answer_is_told() -> None:
    """A mean that is off by more than a tenth, another number of participants."""
    apart = script("spreads").apart
    ours = {"participants": 10, "day": 5.0}

    assert [] == apart({"o": ours, "q": {"participants": 10, "day": 5.4}})
    assert 1 == len(apart({"o": ours, "q": {"participants": 10, "day": 5.6}}))
    assert 1 == len(apart({"o": ours, "q": {"participants": 11, "day": 5.0}}))
    assert 1 == len(apart({"o": {"fen": 1.0}, "b": {"fen": 1.00001}}))


def test_targets_are_judged_at_the_largest_size() -> None:
    """Three times Polars, growth by event, participants a second, bytes of each."""
    timing, comparison = script("timing").Timing, script("comparisons").Comparison

    def measured(work: str, size: int, took: tuple[float, ...], memory: int) -> Any:
        names = script("campaigns_page").ENGINES[work]
        timings = {
            name: timing((one,), (one,), memory, memory)
            for name, one in zip(names, took, strict=False)
        }
        unit = "event" if work in {"E1", "E2"} else "participant"
        return comparison(work, size, unit, "", timings, "2026", (0.0, 0.0))

    found = [
        measured("E1", 1_000, (1.0, 2.0), 0),
        measured("E1", 10_000, (16.0, 48.0), 0),
        measured("E3", 1_000_000, (0.1, 2.0), 100_000_000),
        measured("E3", 10_000_000, (2.5, 24.0), 400_000_000),
    ]
    results = script("results").Results(Path(), found)
    said = script("campaigns_page").verdicts(results)

    words = ["met", "not met", "not met", "not met", "not met"]
    assert words == [one.word for one in said]
    assert {"wall": "1.60x", "CPU": "1.60x"} == said[2].reached
    assert {"participants": "4.0 million"} == said[3].reached
    assert {"memory": "33 bytes"} == said[4].reached


def test_the_command_measures_and_writes_its_chapter(
    programs: Path, tmp_path: Path
) -> None:
    """The chapters of other programs stay on the page."""
    page = tmp_path / "page.md"
    page.write_text("# Old\n\n## Planning\n\nas it was\n", encoding="utf-8")
    command = [sys.executable, str(programs / "campaigns.py"), "--sizes", "2000"]
    command += ["--rounds", "1", "--only", "e2,e4", "--write", str(page)]
    subprocess.run([*command, "--results", str(tmp_path / "results.json")], check=True)
    text = page.read_text(encoding="utf-8")

    assert "## Planning\n\nas it was\n\n## Campaigns\n" in text
    assert "| Polars |" in text
    assert "### E4. What a campaign may pay" in text
    assert "E1." not in text
