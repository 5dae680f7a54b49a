"""What users did: any table in, columns and per-user summaries out (日志)."""

from wxengage.log.events import Event
from wxengage.log.kinds import KINDS, Kind
from wxengage.log.reading import read_log
from wxengage.log.table import KindCounts, Log

__all__ = ["KINDS", "Event", "Kind", "KindCounts", "Log", "read_log"]
