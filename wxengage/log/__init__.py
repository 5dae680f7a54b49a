"""What users did: any table in, columns and per-user summaries out (日志)."""

from wxengage.log.events import Event
from wxengage.log.faults import Rejected
from wxengage.log.kinds import KINDS, Kind
from wxengage.log.reading import read_log
from wxengage.log.store import open_log
from wxengage.log.summary import Summary
from wxengage.log.table import KindCounts, Log
from wxengage.log.tally import Tally

__all__ = [
    "KINDS",
    "Event",
    "Kind",
    "KindCounts",
    "Log",
    "Rejected",
    "Summary",
    "Tally",
    "open_log",
    "read_log",
]
