"""What the platforms and the law allow (平台规则), dated, with sources.

``rulebook(as_of)`` gives the rules that held on a day. They are data, in one file
for each area beside this one; whoever knows better lays corrections over them.
"""

from __future__ import annotations

from wxengage.rules.book import Rulebook, rulebook
from wxengage.rules.rule import CONFIDENCES, Param, Rule
from wxengage.rules.shelf import AREAS, read_rules

__all__ = [
    "AREAS",
    "CONFIDENCES",
    "Param",
    "Rule",
    "Rulebook",
    "read_rules",
    "rulebook",
]
