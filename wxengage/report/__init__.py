"""Pages that people read (报告): one HTML file, opens offline."""

from __future__ import annotations

from wxengage.report.page import write_report
from wxengage.report.parts import Figure, Moves, Table

__all__ = ["Figure", "Moves", "Table", "write_report"]
