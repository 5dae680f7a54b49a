"""What the command line and the examples promise."""

from __future__ import annotations

import csv
import datetime as dt
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

import wxengage as wx
from wxengage.__main__ import main
from wxengage.desk.opening import open_desk
from wxengage.segments.backtests import backtest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
MONTH = dt.timedelta(days=30)
DATA = Path(os.environ.get("WXENGAGE_DATA", ROOT / "../shared/data"))


@pytest.fixture(autouse=True, scope="module")
def extras() -> None:
    """Skip the main job where an extra that it asks for is absent."""
    pytest.importorskip("altair", reason="the extra 'report' is not installed")
    pytest.importorskip("pyarrow", reason="the extra 'files' is not installed")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script or module as a stranger would, warnings as errors."""
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def test_the_demo_runs_the_whole_main_job_on_the_real_log(tmp_path: Path) -> None:
    """From what users did to a page: the table and the path are printed."""
    page = tmp_path / "report.html"

    done = run("-m", "wxengage", "demo", "-o", str(page), "--lang", "en")

    assert (0, "") == (done.returncode, done.stderr)
    assert "6,919 events of 2,357 users" in done.stdout
    assert "dormant    2,219" in done.stdout
    assert "message:recall_gift" in done.stdout
    assert f"Report: {page}" in done.stdout
    text = page.read_text(encoding="utf-8")
    assert "CDNOW" in text
    assert "<bdi>Would it have been right?</bdi>" in text


def test_the_demo_says_who_will_come_and_whether_it_would_have_been_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The numbers are those of ``activity_odds`` and of ``backtest``."""
    bought = wx.datasets.cdnow(ROOT / "examples" / "data" / "CDNOW_sample.txt")
    log = wx.read_log(bought, value="value", tz="Asia/Shanghai")
    as_of = dt.datetime(1998, 7, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    as_of -= dt.timedelta(microseconds=1)
    frame, _ = wx.activity_odds(log, as_of, horizon=MONTH)
    odds = dict(zip(frame["user"], frame["p_active"], strict=True))
    who = wx.segments.segment_users(log, as_of)
    sums = {
        name: math.fsum(odds[user] for user in who.user[who.segment == name].tolist())
        for name in ("active", "dormant")
    }
    page = tmp_path / "page.html"

    assert 0 == main(["demo", "-o", str(page), "--lang", "zh"])

    said = capsys.readouterr().out
    rows = dict(re.findall(r"(?m)^(active|dormant|all) +[\d,]+ +([\d.]+) ", said))
    sums["all"] = math.fsum(sums.values())
    assert {name: f"{come:.1f}" for name, come in sums.items()} == rows
    assert str(backtest(log, as_of - MONTH, horizon=MONTH)) in said
    text = page.read_text(encoding="utf-8")
    assert "<bdi>接下来 30 天谁会来</bdi>" in text
    assert "<bdi>预测准不准</bdi>" in text


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a small CSV as shops export it: GB18030, own words, naive stamps."""
    path = tmp_path / "行为.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["用户", "行为", "时间", "金额"])
        for day in range(1, 29):
            stamp = f"2026-02-{day:02d} 09:30:00"
            writer.writerow([f"u{day % 5}", "购买" if day % 3 else "浏览", stamp, day])
    return path


def columns(path: Path, *, browsing: bool = True) -> list[str]:
    """Return the arguments that say how to read ``shop``."""
    names = ["--user", "用户", "--kind", "行为", "--at", "时间", "--value", "金额"]
    words = ["--map", "购买=purchase", *(["--map", "浏览=read"] if browsing else [])]
    reading = ["--tz", "Asia/Shanghai", "--encoding", "gb18030"]
    return ["report", str(path), *names, *words, *reading]


def test_a_shops_own_export_is_reported_on(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Own words, own encoding, stamps without a zone: named, not guessed."""
    page = tmp_path / "page.html"

    assert 0 == main([*columns(shop), "-o", str(page)])

    said = capsys.readouterr().out
    assert "28 events of 5 users" in said
    assert "Not held against the past: the log has 28 days; it takes 90." in said
    assert "日志有 28 天" in page.read_text(encoding="utf-8")


def orders(path: Path, days: Sequence[int]) -> list[str]:
    """Return the arguments for a log of one purchase a user, on these days of 2026."""
    first = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "at"])
        for k, day in enumerate(days):
            writer.writerow([f"u{k:04d}", (first + dt.timedelta(day)).isoformat()])
    return ["report", str(path), "--all", "purchase"]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([k % 89 for k in range(300)], "the log has 89 days; it takes 90."),
        ([0] * 99 + [89] * 201, "it takes 100 users with a history of 30 days ago"),
        ([0] * 100 + [89] * 200, "100 users, 2026-03-01 to 2026-03-31"),
    ],
    ids=["too short", "too few", "just enough"],
)
def test_a_log_is_held_against_its_past_where_it_has_one(
    days: list[int], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From 90 days and 100 users on; below that the reason is printed."""
    page = str(tmp_path / "page.html")

    assert 0 == main([*orders(tmp_path / "orders.csv", days), "-o", page])

    assert said in capsys.readouterr().out


def test_a_model_without_an_answer_is_called_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody ever came back: the job goes on, terminal and page say so."""
    page = tmp_path / "page.html"
    days = [k % 100 for k in range(300)]

    assert 0 == main([*orders(tmp_path / "orders.csv", days), "-o", str(page)])

    said = capsys.readouterr().out
    assert "The model has not converged: none of 300 customers came back" in said
    assert "Its model had not converged: none of 210 customers came back" in said
    text = page.read_text(encoding="utf-8")
    assert "210 位用户没有一位再来过" in text
    assert "概率借了弱先验" in text


def test_a_day_after_the_log_looks_back_from_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Judged the next morning: what came is known until the log's last day."""
    arguments = orders(tmp_path / "orders.csv", [k % 100 for k in range(300)])
    later = ["--as-of", "2026-04-12T09:00+08:00", "-o", str(tmp_path / "page.html")]

    assert 0 == main([*arguments, *later])

    assert "users, 2026-03-11 to 2026-04-10: " in capsys.readouterr().out


def test_a_log_of_deliveries_expects_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the account did is no interaction: nothing to forecast from."""
    arguments = orders(tmp_path / "sent.csv", range(100))
    arguments[-1] = "deliver"

    assert 0 == main([*arguments, "-o", str(tmp_path / "page.html")])

    assert "Nobody has interacted, so that nobody" in capsys.readouterr().out


def test_without_a_zone_the_mend_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Naive stamps are refused, and the message says what to write."""
    arguments = [one for one in columns(shop) if one not in {"--tz", "Asia/Shanghai"}]

    assert 1 == main(arguments)

    assert "tz='Asia/Shanghai'" in capsys.readouterr().err


def test_an_unknown_word_is_named_with_its_row(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word that is mapped to nothing stops the report."""
    assert 1 == main(columns(shop, browsing=False))

    assert "unknown_kind: 行为 is '浏览'" in capsys.readouterr().err


def test_rows_set_aside_are_counted(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is lost: what is left out is said."""
    arguments = columns(shop, browsing=False)
    page = str(tmp_path / "page.html")

    assert 0 == main([*arguments, "--set-aside", "-o", page])

    assert "Set aside: 9 rows of 28 (9 unknown_kind)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--map", "nonsense"], "is not WORD=KIND"),
        (["--as-of", "yesterday"], "is not ISO 8601"),
        (["--as-of", "2026-03-01T09:00"], "is not ISO 8601 with a zone"),
    ],
)
def test_an_argument_that_cannot_be_read_is_refused(
    shop: Path, extra: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad arguments end the program with the usage code."""
    with pytest.raises(SystemExit, match="2"):
        main([*columns(shop), *extra])

    assert said in capsys.readouterr().err


def test_a_misspelt_kind_has_a_nearest_one(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--all purchse`` means purchase."""
    assert 1 == main([*columns(shop), "--all", "purchse"])

    assert "did you mean 'purchase'?" in capsys.readouterr().err


def test_the_report_can_judge_an_earlier_day(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --as-of the later events are as if they had not happened."""
    as_of = dt.datetime(2026, 2, 3, 12, tzinfo=dt.UTC).isoformat()
    page = str(tmp_path / "page.html")

    assert 0 == main([*columns(shop), "--as-of", as_of, "-o", page])

    assert "events of 3 users" in capsys.readouterr().out


def test_the_doctor_finds_nothing_wrong_here() -> None:
    """Versions are printed, and what would give wrong answers."""
    done = run("-m", "wxengage", "doctor")

    assert 0 == done.returncode
    assert done.stdout.startswith("wxengage ")
    assert "Nothing wrong was found." in done.stdout


def test_the_doctor_looks_through_a_store(tmp_path: Path) -> None:
    """It says how the desk is doing, finds a damaged row, and makes no store."""
    where = f"sqlite:///{tmp_path / 'engage.db'}"
    missing = run("-m", "wxengage", "doctor", where)
    assert (1, False) == (missing.returncode, (tmp_path / "engage.db").exists())
    assert "create=True" in missing.stderr
    with open_desk(where) as desk:
        desk.backfill([])
    assert "Nothing wrong was found." in run("-m", "wxengage", "doctor", where).stdout
    with open_desk(where) as desk:
        row = ("spring", "paid", "", "fen", 800, 0)
        desk.store.run(lambda tx: tx.put("balance", [row]))
    damaged = run("-m", "wxengage", "doctor", where)
    assert 1 == damaged.returncode
    assert "I5 account spring/paid must be of 0 fen" in damaged.stdout


def test_the_quickstart_example_runs() -> None:
    """It prints who is who and writes its page."""
    done = run("examples/quickstart.py")

    assert (0, "") == (done.returncode, done.stderr)
    assert "{'potential': 0, 'active': 138, 'dormant': 2219}" in done.stdout
    assert "P(active) of the model               0.8" in done.stdout
    (ROOT / "examples" / "quickstart.html").unlink()


def test_who_never_answered_is_potential_in_the_message_log(tmp_path: Path) -> None:
    """Collegemsg: the sender acts, the receiver only receives."""
    messages = DATA / "collegemsg" / "CollegeMsg.txt"
    if not messages.is_file():
        if os.environ.get("WXENGAGE_REQUIRE_PARTS"):
            pytest.fail(f"{messages} must be here")
        pytest.skip(f"{messages} is not here; WXENGAGE_DATA says where the data is")

    done = run("examples/college_messages.py", str(messages), str(tmp_path / "p.html"))

    assert (0, "") == (done.returncode, done.stderr)
    assert "119,670 events" in done.stdout
    assert "'potential': 466, 'active': 1037, 'dormant': 195" in done.stdout
