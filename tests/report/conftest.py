"""A log of some users, the pages made of it, and a browser to look at them."""

from __future__ import annotations

import datetime as dt
import functools
import os
import shutil
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest

from wxengage.log.reading import read_log
from wxengage.metrics.board import scoreboard
from wxengage.pacing.budgets import Budget
from wxengage.pacing.caps import Cap
from wxengage.pacing.windows import windows_on
from wxengage.plan.candidates import Candidates
from wxengage.plan.options import Option
from wxengage.plan.solver import plan_sends
from wxengage.report.page import write_report
from wxengage.report.parts import Figure, Moves, Table
from wxengage.segments.backtests import Backtest, Forecast, backtest
from wxengage.segments.lifecycle import segment_users
from wxengage.segments.moves import transition_matrix, transitions
from wxengage.segments.policy import SEGMENTS
from wxengage.times.days import DayClock
from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from wxengage.log.table import Log
    from wxengage.plan.result import Plan
    from wxengage.report.reader import Lang
    from wxengage.segments.lifecycle import Segments

AS_OF = dt.datetime(2026, 3, 30, 23, 59, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
DAYS = 150
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)


def make_log(users: int, *, first: str = "ada", seed: int = 7) -> Log:
    """Return a log of followers who read, sometimes act, and may leave."""
    rng = np.random.default_rng(seed)
    begin = AS_OF.timestamp() - DAYS * 86_400
    rows: list[tuple[str, str, float, float]] = []
    for k in range(users):
        user = first if k == 0 else f"o{rng.integers(36**5):08d}-{k:05d}"
        born = 0.0 if k % 3 == 0 else rng.uniform(0, DAYS)
        gone = min(DAYS, born + rng.exponential(60))
        rows.append((user, "follow", born, 0))
        for day in rng.uniform(born, gone, rng.poisson(0.15 * (gone - born))):
            rows.append((user, "read", day, 0))
            if rng.random() < rng.beta(1, 2) / 2:
                kind = rng.choice(
                    ["like", "share", "comment", "menu_click", "purchase"]
                )
                value = float(rng.lognormal(4, 0.7)) if kind == "purchase" else 0
                rows.append((user, str(kind), day, round(value, 2)))
        if gone < DAYS and rng.random() < 0.35:
            rows.append((user, "unfollow", gone, 0))
    at = begin + np.array([day for _, _, day, _ in rows]) * 86_400
    columns = {
        "user": [user for user, *_ in rows],
        "kind": [kind for _, kind, *_ in rows],
        "at": at.astype(np.int64),
        "value": [value for *_, value in rows],
    }
    return read_log(columns, unit="s", value="value")


def make_plan(segments: Segments) -> Plan:
    """Return tomorrow's messages, a few options a segment."""
    early, noon, late = windows_on(DayClock().day(AS_OF) + 1)

    def option(code: str, channel: str, slot: Any, zh: str, en: str) -> Option:
        return Option(code, channel, slot.start, slot.end, words=Words(zh, en))

    options = (
        option("newcomer_gift", "template", noon, "新手福利", "newcomer gift"),
        option("level_news", "wecom", late, "等级与创作权限", "levels and publishing"),
        option("recall_gift", "subscribe", late, "专属召回礼包", "recall gift"),
        option("scene_reminder", "template", early, "场景化提醒", "scene reminder"),
    )
    none = float("nan")
    rows = [[0.2, none, none, 0.05], [none, 0.5, none, 0.08], [none, none, 0.12, 0.06]]
    who = (("潜在用户", "a potential user"), ("活跃用户", "an active user"))
    words = [Words(*one) for one in (*who, ("沉默用户", "a dormant user"))]
    place = [SEGMENTS.index(name) for name in segments.segment]
    candidates = Candidates.from_rows(
        rows, place, options, segments.user.tolist(), words=words
    )
    budget = Budget(max(len(segments) // 5, 1), scope="channel:template")
    return plan_sends(candidates, [Cap(1, per="day"), budget])


@functools.cache
def make_backtest() -> Backtest:
    """Return how a forecast of the last 30 days did, of 400 users."""
    month = dt.timedelta(days=30)
    return backtest(make_log(400), AS_OF - month, horizon=month)


def with_forecast(part: Backtest, what: str) -> Backtest:
    """Return a backtest with one more forecast, of somebody's own name."""
    recency = part["recency"]
    own = Forecast("own", what, recency.auc, recency.brier)
    return attrs.evolve(part, forecasts=(*part.forecasts, own))


def make_parts(log: Log, *, extra: str = "harmless") -> tuple[Any, ...]:
    """Return every kind of part, with a text from users in each that takes one."""
    import altair as alt  # noqa: PLC0415  an extra

    segments = segment_users(log, AS_OF)
    month, season = dt.timedelta(days=30), dt.timedelta(days=84)
    values = [{"store": extra, "visits": 3}, {"store": "Minhang", "visits": 5}]
    bars = (
        alt.Chart(alt.Data(values=values)).mark_bar().encode(x="visits:Q", y="store:N")
    )
    return (
        segments,
        transition_matrix(log, AS_OF - month, AS_OF),
        Moves.of(transitions(log, AS_OF - season, AS_OF)),
        make_plan(segments),
        scoreboard(log, AS_OF, targets={"share_rate": 0.05}),
        with_forecast(make_backtest(), extra),
        Table("Stores", ("store", "visits"), ((extra, 1200), ("Minhang", None))),
        Figure("Visits", bars, extra),
        f"{extra}\nsecond line",
    )


@attrs.frozen
class Maker:
    """What a test makes its pages of."""

    log: Callable[..., Log] = make_log
    parts: Callable[..., tuple[Any, ...]] = make_parts
    backtest: Callable[[], Backtest] = make_backtest
    as_of: dt.datetime = AS_OF


@pytest.fixture(autouse=True, scope="session")
def report_extra() -> None:
    """Skip every test of the page where the extra that draws it is absent."""
    pytest.importorskip("altair", reason="the extra 'report' is not installed")


@pytest.fixture(scope="session")
def make() -> Maker:
    """Make logs and parts of any size."""
    return Maker()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Lang], Path]:
    """Pages of 1,500 users, made once a language."""
    folder = tmp_path_factory.mktemp("pages")
    parts = make_parts(make_log(1500))

    def page(lang: Lang) -> Path:
        path = folder / f"{lang}.html"
        if not path.exists():
            write_report(path, *parts[:6], lang=lang, source="made up for the tests")
        return path

    return page


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium of the system without a window, in a profile of its own."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        reason = "chromium and chromium-driver are not installed (apt-get install)"
        if os.environ.get("WXENGAGE_REQUIRE_PARTS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from selenium import webdriver  # noqa: PLC0415  only where there is a browser
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability(
        "goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"}
    )
    driven = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield driven
    finally:
        driven.quit()
