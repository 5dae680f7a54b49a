"""The same thing said in Chinese and in English (中英文案)."""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = ["Words"]


@attrs.frozen
class Words:
    """A text in both languages.

    Attributes
    ----------
    zh, en
        Chinese and English.
    """

    zh: str
    en: str

    def __getitem__(self, lang: Literal["zh", "en"]) -> str:
        return self.zh if lang == "zh" else self.en
