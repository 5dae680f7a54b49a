"""What the command line and the examples promise."""

from __future__ import annotations

import csv
import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wxengage.__main__ import main

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("WXENGAGE_DATA", ROOT / "../shared/data"))


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
    assert "CDNOW" in page.read_text(encoding="utf-8")


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

    assert "28 events of 5 users" in capsys.readouterr().out
    assert page.is_file()


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


def test_the_quickstart_example_runs() -> None:
    """It prints who is who and writes its page."""
    done = run("examples/quickstart.py")

    assert (0, "") == (done.returncode, done.stderr)
    assert "{'potential': 0, 'active': 138, 'dormant': 2219}" in done.stdout
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
