"""For whom a page is written (读者): the language, and how numbers read in it."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol

import attrs
import numpy as np

from wxengage.channels.catalog import CATALOG
from wxengage.segments.playbook import PLAYBOOK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxengage.segments.playbook import Strategy
    from wxengage.stats.estimates import Estimate

__all__ = ["CHANNELS", "SEGMENT_NAMES", "Lang", "Reader"]

Lang = Literal["zh", "en"]
#: Names of the segments, and of users who came after a period began.
SEGMENT_NAMES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "potential": ("潜在用户", "Potential"),
        "active": ("活跃用户", "Active"),
        "dormant": ("沉默用户", "Dormant"),
        "new": ("期内新用户", "Newcomers"),
    }
)
#: What people call a channel; another one is shown by its code.
CHANNELS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {one.code: (one.zh, one.en) for one in CATALOG.values()}
    | {
        "moments": ("朋友圈", "moments"),
        "service_chat": ("1v1 客服对话", "service chat"),
        "wecom": ("企业微信", "WeCom"),
    }
)
_DAY: Final = dt.timedelta(days=1)


class _Bilingual(Protocol):
    """Anything with the same text in both languages."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


@attrs.frozen
class Reader:
    """Picks words and writes numbers for one language.

    Attributes
    ----------
    lang
        ``"zh"`` or ``"en"``.
    """

    lang: Lang

    def say(self, zh: str, en: str) -> str:
        """Return the one of two texts that is in this reader's language."""
        return zh if self.lang == "zh" else en

    def pick(self, words: _Bilingual) -> str:
        """Return a text that exists in both languages."""
        return self.say(words.zh, words.en)

    def segment(self, name: str) -> str:
        """Return what people call a segment."""
        return self.say(*SEGMENT_NAMES.get(name, (name, name)))

    def channel(self, code: str) -> str:
        """Return what people call a channel."""
        return self.say(*CHANNELS.get(code, (code, code)))

    def strategy(self, segment: str) -> Strategy:
        """Return the article's row for a segment."""
        return PLAYBOOK[segment]

    def days(self, value: float) -> str:
        """Return a number of days; a dash for none."""
        if np.isnan(value):
            return "-"
        return self.say(f"{value:,.0f} 天", f"{value:,.0f} d")

    def date(self, at: dt.date) -> str:
        """Return a date, with its year."""
        month = f"{at:%b}"
        return self.say(
            f"{at.year}年{at.month}月{at.day}日", f"{at.day} {month} {at.year}"
        )

    def short_date(self, at: dt.date) -> str:
        """Return a date without its year."""
        return self.say(f"{at.month}月{at.day}日", f"{at.day} {at:%b}")

    def span(self, length: dt.timedelta) -> str:
        """Return a length of time in days, or in hours below one day."""
        if length % _DAY == dt.timedelta(0):
            days = length // _DAY
            return self.say(f"{days} 天", f"{days} day{'s' * (days != 1)}")
        hours = length / dt.timedelta(hours=1)
        return self.say(f"{hours:g} 小时", f"{hours:g} hours")

    def percent(self, value: float | None) -> str:
        """Return a share in per cent; a dash for none."""
        if value is None:
            return "-"
        share = 100 * value
        small = 0 < share < 10 or 90 < share < 100  # noqa: PLR2004  where a decimal tells
        return f"{share:.{1 if small else 0}f}%"

    def interval(self, estimate: Estimate) -> str:
        """Return the interval of a share; empty where there is none."""
        if estimate.low is None or estimate.high is None:
            return ""
        low, high = self.percent(estimate.low), self.percent(estimate.high)
        return self.say(f"{low} 至 {high}", f"{low} to {high}")
