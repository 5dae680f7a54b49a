"""The main job on real data, through the public names.

Who is who in CDNOW, every purchase of 2,357 customers; whether a month ago
the model would have known who comes; what would go out tomorrow and why; and a
page about it. Run it from anywhere:

    python examples/quickstart.py
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import wxengage as wx
from wxengage.segments import backtest

HERE = Path(__file__).parent


def main() -> Path:
    """Run the main job and return the page's path."""
    bought = wx.datasets.cdnow(HERE / "data" / "CDNOW_sample.txt")
    log = wx.read_log(bought, value="value", tz="Asia/Shanghai")

    as_of = dt.datetime(1998, 6, 30, 22, tzinfo=ZoneInfo("Asia/Shanghai"))
    segments = wx.segments.segment_users(log, as_of)
    print(segments.counts())

    month = dt.timedelta(days=30)
    tested = backtest(log, as_of - month, horizon=month)
    print(tested)

    plan = wx.plan.next_day(segments.user, segments.segment, as_of)
    print(plan)
    print(plan.why("0006").en)

    board = wx.scoreboard(log, as_of)
    parts = segments, tested, plan, board
    page = wx.write_report(HERE / "quickstart.html", *parts, lang="en")
    print(page.name)
    return page


if __name__ == "__main__":
    main()
