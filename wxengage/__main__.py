"""The command line: ``python -m wxengage demo | report | doctor`` (命令行).

``demo`` and ``report`` run the main job: from what users did, to who is who, to
what is sent to whom tomorrow and why, to a page a manager can read.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.errors import InvalidInputError, WxEngageError
from wxengage.times.days import DayClock
from wxengage.times.zones import SHANGHAI, from_micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wxengage.log.table import Log
    from wxengage.metrics.board import Scoreboard
    from wxengage.plan.result import Plan
    from wxengage.report.parts import Table
    from wxengage.report.reader import Lang
    from wxengage.segments.backtests import Backtest
    from wxengage.segments.lifecycle import Segments
    from wxengage.segments.moves import TransitionMatrix
    from wxengage.segments.scored import Scored
    from wxengage.words import Words

_EXAMPLE: Final = (
    Path(__file__).parent.parent / "examples" / "data" / "CDNOW_sample.txt"
)
_STEP: Final = dt.timedelta(days=30)
#: Recall gifts a day in the demo: a shop packs so many, whoever deserves one.
RECALL_GIFTS: Final = 200
# A backtest takes so many days, the last 30 to look ahead, and so many users. Both are
# judgement: below them its intervals say nothing.
_LOG_DAYS, _ASKED = 90, 100
_FINE, _FAILED = 0, 1


@attrs.frozen
class Job:
    """What the main job found out about a log; ``tested`` may be why it was not."""

    log: Log
    as_of: dt.datetime
    segments: Segments
    matrix: TransitionMatrix
    odds: Scored
    tested: Backtest | Words
    board: Scoreboard
    plan: Plan
    title: str
    notes: tuple[str, ...]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wxengage", description="WeChat engagement decisions."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    demo = verbs.add_parser("demo", help="run the main job on the bundled real log")
    report = verbs.add_parser("report", help="run the main job on your own log")
    report.add_argument("log", help="a CSV, Parquet or NDJSON file, a folder or a glob")
    for name in ("user", "kind", "at"):
        report.add_argument(f"--{name}", default=name, metavar="COLUMN")
    for name in ("id", "value"):
        report.add_argument(f"--{name}", metavar="COLUMN")
    report.add_argument("--all", metavar="KIND", help="every row is of this kind")
    report.add_argument(
        "--map",
        type=_pair,
        action="append",
        default=[],
        metavar="WORD=KIND",
        help="your word for a kind; may be repeated",
    )
    report.add_argument(
        "--unit", choices=("s", "ms", "us"), help="of times that are numbers"
    )
    report.add_argument("--tz", help="zone of times that carry none")
    report.add_argument(
        "--encoding", default="utf-8", help="of a CSV file, e.g. gb18030"
    )
    report.add_argument(
        "--as-of", type=_instant, metavar="TIME", help="ISO 8601 with a zone"
    )
    report.add_argument(
        "--set-aside", action="store_true", help="go on without bad rows"
    )
    for verb in (demo, report):
        verb.add_argument("-o", "--output", default="report.html", metavar="PAGE")
        verb.add_argument(
            "--lang", choices=("zh", "en"), default="zh", help="of the page"
        )
        verb.add_argument(
            "--clock", default=SHANGHAI, metavar="ZONE", help="whose days count"
        )
    doctor = verbs.add_parser("doctor", help="say what is installed and what is wrong")
    doctor.add_argument("store", nargs="?", metavar="STORE_URL", help="a desk's, too")
    return parser


def _pair(text: str) -> tuple[str, str]:
    word, equals, kind = text.partition("=")
    if not (word and equals and kind):
        rule = f"{text!r} is not WORD=KIND, such as buy=purchase"
        raise argparse.ArgumentTypeError(rule)
    return word, kind


def _instant(text: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        rule = f"{text!r} is not ISO 8601 with a zone: 2026-03-02T09:00+08:00"
        raise argparse.ArgumentTypeError(rule)
    return at


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Without the program's name; None: those of the process.

    Returns
    -------
    int
        The exit code: 0, or 1 where something that can be mended went wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.verb == "doctor":
            return _doctor(options.store)
        return _demo(options) if options.verb == "demo" else _report(options)
    except WxEngageError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return _FAILED


def _demo(options: argparse.Namespace) -> int:
    from wxengage.datasets import cdnow, demo_log  # noqa: PLC0415  loads numpy
    from wxengage.log.reading import read_log  # noqa: PLC0415

    clock = DayClock(options.clock)
    if _EXAMPLE.is_file():
        log = read_log(cdnow(_EXAMPLE), value="value", tz=options.clock)
        title = {
            "zh": "CDNOW：谁是谁，明天发什么",
            "en": "CDNOW: who is who, and what to send",
        }
        note = {
            "zh": "数据：CDNOW，2,357 位唱片店顾客 1997 年 1 月至 1998 年 6 月的"
            "每笔购买（Fader 与 Hardie）；金额为美元。",
            "en": "Data: CDNOW, every purchase of 2,357 customers of a music shop from "
            "January 1997 to June 1998 (Fader and Hardie); amounts in US dollars.",
        }
    else:
        log = read_log(demo_log(), value="value", tz="UTC")
        title = {
            "zh": "模拟账号：谁是谁，明天发什么",
            "en": "A made-up account: who is who",
        }
        note = {
            "zh": "数据：合成数据（wxengage.datasets.demo_log）；安装包不含真实日志。",
            "en": "Data: synthetic (wxengage.datasets.demo_log); the real log is not "
            "part of an installed package.",
        }
    print(note["en"])
    lang = options.lang
    return _show(_run(log, clock, None, title[lang], (note[lang],)), options)


def _report(options: argparse.Namespace) -> int:
    from wxengage.log.kinds import KINDS, nearest_kind  # noqa: PLC0415  loads numpy
    from wxengage.log.reading import read_log  # noqa: PLC0415

    constant = options.all
    if constant is not None and constant not in KINDS:
        near = nearest_kind(constant)
        hint = f"did you mean {near!r}?" if near else f"one of {', '.join(KINDS)}"
        raise InvalidInputError("--all", constant, "a known kind", hint)
    log = read_log(
        options.log,
        user=options.user,
        kind=options.kind if constant is None else KINDS[constant],
        at=options.at,
        id=options.id,
        value=options.value,
        tz=options.tz,
        unit=options.unit,
        encoding=options.encoding,
        kinds=dict(options.map),
        on_bad="set_aside" if options.set_aside else "raise",
    )
    notes = [f"Data: {Path(options.log).name}"]
    if len(log.rejected):
        counts = ", ".join(f"{n} {fault}" for fault, n in log.rejected.counts.items())
        aside = f"{len(log.rejected)} rows of {log.rejected.given}"
        notes.append(f"Set aside: {aside} ({counts})")
    print("\n".join(notes))
    name = Path(options.log).stem
    title = (
        f"{name}：谁是谁，明天发什么" if options.lang == "zh" else f"{name}: who is who"
    )
    return _show(
        _run(log, DayClock(options.clock), options.as_of, title, tuple(notes)),
        options,
    )


def _run(
    log: Log,
    clock: DayClock,
    as_of: dt.datetime | None,
    title: str,
    notes: tuple[str, ...],
) -> Job:
    """Do the main job; judge at the end of the log's last day unless told."""
    from wxengage.metrics.board import scoreboard  # noqa: PLC0415  loads numpy
    from wxengage.pacing.budgets import Budget  # noqa: PLC0415
    from wxengage.plan.tomorrow import next_day  # noqa: PLC0415
    from wxengage.segments.lifecycle import segment_users  # noqa: PLC0415
    from wxengage.segments.moves import transition_matrix  # noqa: PLC0415
    from wxengage.segments.odds import activity_odds  # noqa: PLC0415

    if as_of is None:
        as_of = _end_of(log.last_at or dt.datetime(1970, 1, 1, tzinfo=dt.UTC), clock)
    segments = segment_users(log, as_of, clock=clock)
    gifts = (Budget(RECALL_GIFTS, scope="message:recall_gift"),)
    who = segments.user, segments.segment
    return Job(
        log,
        as_of,
        segments,
        transition_matrix(log, as_of - _STEP, as_of),
        activity_odds(log, as_of, horizon=_STEP, clock=clock),
        _tested(log, as_of, clock),
        scoreboard(log, as_of, clock=clock),
        next_day(*who, as_of, log=log, budgets=gifts, clock=clock),
        title,
        notes,
    )


def _end_of(at: dt.datetime, clock: DayClock) -> dt.datetime:
    """Return the last instant of a day."""
    return from_micros(clock.start_of(clock.day(at) + 1) - 1, clock.zone)


def _tested(log: Log, as_of: dt.datetime, clock: DayClock) -> Backtest | Words:
    """Return how a forecast 30 days ago would have done, or why nobody can say."""
    from wxengage.segments.backtests import backtest  # noqa: PLC0415  loads numpy
    from wxengage.words import Words  # noqa: PLC0415

    first, last = log.first_at, log.last_at
    if first is None or last is None:
        return Words("没有回测：日志是空的。", "Not held against the past: no events.")
    # What came after the log's last day is not known.
    until = min(as_of, _end_of(last, clock))
    days = max(clock.day(until) - clock.day(first) + 1, 0)
    if days < _LOG_DAYS:
        return Words(
            f"没有回测：日志有 {days} 天，回测要 {_LOG_DAYS} 天。",
            f"Not held against the past: the log has {days} days; it takes "
            f"{_LOG_DAYS}.",
        )
    at = until - _STEP
    asked = int((log.summarise(at, clock=clock).interactions > 0).sum())
    if asked < _ASKED:
        return Words(
            f"没有回测：30 天前只有 {asked} 位用户有过互动，回测要 {_ASKED} 位。",
            f"Not held against the past: it takes {_ASKED} users with a history of "
            f"30 days ago; there were {asked}.",
        )
    return backtest(log, at, horizon=_STEP, clock=clock)


def _expected(job: Job) -> list[tuple[str, int, float]]:
    """Return who is expected to come: segment, users with a history, how many."""
    import numpy as np  # noqa: PLC0415  slow to import

    from wxengage.log.frames import columns_of  # noqa: PLC0415

    columns = columns_of(job.odds.frame)
    if columns is None or job.odds.model is None:
        return []
    # Both are ascending by user, and hold whoever has an event.
    odds = np.asarray(columns["p_active"], dtype=np.float64)
    rows = []
    for name in job.segments.counts():
        mine = odds[(job.segments.segment == name) & ~np.isnan(odds)]
        if len(mine):
            rows.append((name, len(mine), float(mine.sum())))
    return rows


def _forecast(job: Job) -> str:
    """Return who will come, and whether that can be believed, for a terminal."""
    from wxengage.segments.backtests import Backtest  # noqa: PLC0415  loads numpy
    from wxengage.tables import aligned  # noqa: PLC0415

    rows = _expected(job)
    if not rows:
        return "Nobody has interacted, so that nobody can be expected."
    everybody = sum(n for _, n, _ in rows), sum(come for *_, come in rows)
    table = [["segment", "users", "expected", "share"]]
    for name, n, come in [*rows, ("all", *everybody)]:
        table.append([name, f"{n:,}", f"{come:,.1f}", f"{come / n:.1%}"])
    said = [aligned(table)]
    if not job.odds.model.converged:
        said.append(f"The model has not converged: {job.odds.model.diagnosis}")
    if isinstance(job.tested, Backtest):
        said += ["", "Would it have been right 30 days ago?", str(job.tested)]
        if not job.tested.model.converged:
            said.append(f"Its model had not converged: {job.tested.model.diagnosis}")
    else:
        said.append(job.tested.en)
    return "\n".join(said)


def _forecast_parts(job: Job, lang: Lang) -> list[Table | Backtest]:
    """Return the same for the page."""
    from wxengage.report.parts import Table  # noqa: PLC0415  loads numpy
    from wxengage.report.reader import SEGMENT_NAMES  # noqa: PLC0415
    from wxengage.segments.backtests import Backtest  # noqa: PLC0415
    from wxengage.words import Words  # noqa: PLC0415

    rows = [(SEGMENT_NAMES[name], n, come) for name, n, come in _expected(job)]
    if not rows:
        return []
    notes = [
        Words(
            "算的是有过互动的用户，人数由每人的概率相加。",
            "Of users who have ever interacted; the sums of each one's odds.",
        )
    ]
    if not job.odds.model.converged:
        zh = "模型没有收敛，概率借了弱先验。"
        en = "The model has not converged: the odds lean on a weak prior."
        notes.append(Words(zh, en))
    tested = []
    if isinstance(job.tested, Backtest):
        tested.append(job.tested)
    else:
        notes.append(job.tested)
    return [
        Table(
            Words("接下来 30 天谁会来", "Who will come in the next 30 days")[lang],
            tuple(Words("类别 用户 预计会来", "Segment Users Expected")[lang].split()),
            tuple((Words(*names)[lang], n, round(come)) for names, n, come in rows),
            Words("", " ")[lang].join(note[lang] for note in notes),
        ),
        *tested,
    ]


def _show(job: Job, options: argparse.Namespace) -> int:
    """Print the tables and write the page."""
    from wxengage.adapters.dryrun import dry_run  # noqa: PLC0415  loads numpy
    from wxengage.delivery.ports import letters  # noqa: PLC0415
    from wxengage.report.page import write_report  # noqa: PLC0415
    from wxengage.report.parts import Moves  # noqa: PLC0415
    from wxengage.segments.moves import transitions  # noqa: PLC0415
    from wxengage.segments.playbook import PLAYBOOK  # noqa: PLC0415
    from wxengage.tables import aligned  # noqa: PLC0415

    counts, users = job.segments.counts(), max(len(job.segments), 1)
    print(
        f"{len(job.log):,} events of {len(job.segments):,} users, as of {job.as_of}\n"
    )
    head = ["segment", "users", "share", "goal"]
    rows = [
        [name, f"{n:,}", f"{n / users:.1%}", PLAYBOOK[name].goal_en]
        for name, n in counts.items()
    ]
    print("Who is who\n" + aligned([head, *rows]))
    print(f"\nHow they moved\n{job.matrix}")
    print(f"\nWho will come in the next 30 days\n{_forecast(job)}")
    print(f"\nWhat goes out tomorrow\n{job.plan}")
    for name, usage in job.plan.usage.items():
        used = f"{usage.used:,} of {usage.limit:,} used"
        print(f"{name}: {used}; one more would be worth {usage.price:.3g}")
    rehearsal = dry_run()
    rehearsal.rehearse(letters(job.plan))
    print(f"\nDry run: {len(rehearsal):,} letters, nothing was sent. For example:")
    firsts = {one.send.message: one for one in reversed(rehearsal.letters)}
    for letter in firsts.values():
        print(f"  {letter.key}  {job.plan.why(letter.send.user).en}")
    if len(job.log):
        print(f"\n{job.board}")
    moves = Moves.of(transitions(job.log, job.as_of - 6 * _STEP, job.as_of))
    page = write_report(
        options.output,
        job.segments,
        job.matrix,
        moves,
        *_forecast_parts(job, options.lang),
        job.plan,
        job.board,
        lang=options.lang,
        title=job.title,
        source=" ".join(job.notes),
    )
    print(f"\nReport: {page.resolve()}")
    return _FINE


def _doctor(store: str | None) -> int:
    """Print versions and whatever here, or in a store, would give wrong answers."""
    from wxengage.versions import show_versions  # noqa: PLC0415  only here

    print(show_versions())
    troubles = _troubles()
    if store is not None:
        from wxengage.desk.examining import examine  # noqa: PLC0415  only here

        told, found = examine(store)
        troubles += found
        print(f"\n{told}")
    print("\n".join(["", *troubles]) if troubles else "\nNothing wrong was found.")
    return _FAILED if troubles else _FINE


def _troubles() -> list[str]:
    """Return what is wrong, a line each with its mend."""
    found: list[str] = []
    summer = dt.datetime(1988, 7, 1, tzinfo=dt.UTC).astimezone(DayClock().zone)
    if summer.utcoffset() != dt.timedelta(hours=9):
        found.append("zone data: Asia/Shanghai has no DST in 1988; pip install tzdata")
    try:
        "谁是谁".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        found.append("console: cannot print Chinese; set PYTHONIOENCODING=utf-8")
    return found


if __name__ == "__main__":
    sys.exit(main())
