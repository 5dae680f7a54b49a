"""Private messages of students (collegemsg): who is who among 1,899 people.

Every line of ``CollegeMsg.txt`` says who wrote to whom and when, in seconds
since 1970. One line is two events: the sender acts (``message``), the receiver
only receives (``deliver``). So somebody who never wrote back is potential, not
dormant.

    python examples/college_messages.py [CollegeMsg.txt] [report.html]

Source: Panzarasa, Opsahl and Carley (2009), "Patterns and dynamics of users'
behavior and interaction", JASIST 60(5); distributed by SNAP.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

import wxengage as wx

DATA = Path(os.environ.get("WXENGAGE_DATA", "../shared/data"))
CAMPUS = wx.DayClock("America/Los_Angeles")


def read(path: Path) -> wx.Log:
    """Return the two events of every message as a log."""
    sender, receiver, at = np.loadtxt(path, dtype=np.int64, unpack=True)
    return wx.read_log(
        {
            "user": np.concatenate((sender, receiver)),
            "kind": np.repeat(["message", "deliver"], len(at)),
            "at": np.concatenate((at, at)),
        },
        unit="s",
    )


def main(path: Path, page: Path) -> None:
    """Print who is who on the day after the busiest month, and write a page."""
    log = read(path)
    as_of = CAMPUS.start(CAMPUS.day(log.first_at) + 60)
    segments = wx.segments.segment_users(log, as_of, clock=CAMPUS)
    print(f"{len(log):,} events, as of {as_of:%Y-%m-%d}: {segments.counts()}")
    month = wx.segments.transition_matrix(
        log, CAMPUS.start(CAMPUS.day(as_of) - 30), as_of
    )
    print(month)
    plan = wx.plan.next_day(segments.user, segments.segment, as_of, clock=CAMPUS)
    board = wx.scoreboard(log, as_of, clock=CAMPUS)
    print(plan)
    print(wx.write_report(page, segments, month, plan, board, lang="en").name)


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "collegemsg/CollegeMsg.txt",
        Path(sys.argv[2]) if len(sys.argv) > 2 else Path("college_messages.html"),
    )
