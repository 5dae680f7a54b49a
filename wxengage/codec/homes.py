"""Where the types live that a text may name (类型表).

A room is imported when a value of its is read, not before. No other module is
ever imported on behalf of a text.
"""

from __future__ import annotations

import collections.abc
import datetime as dt
import decimal
import fractions
import importlib
import types
from typing import TYPE_CHECKING, Final

from wxengage.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HOMES", "named"]

#: Type -> module.
HOMES: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "Account": "wxengage.users",
        "AdShare": "wxengage.pacing.budgets",
        "Budget": "wxengage.pacing.budgets",
        "Cap": "wxengage.pacing.caps",
        "Cash": "wxengage.money",
        "Choice": "wxengage.users",
        "Coupon": "wxengage.money",
        "DayClock": "wxengage.times.days",
        "Estimate": "wxengage.stats.estimates",
        "Event": "wxengage.log.events",
        "FollowSpan": "wxengage.users",
        "Freeze": "wxengage.sends",
        "Letter": "wxengage.delivery.ports",
        "LifecyclePolicy": "wxengage.segments.policy",
        "NegativeBinomial": "wxengage.stats.counts",
        "NotSent": "wxengage.delivery.ports",
        "Perk": "wxengage.money",
        "Points": "wxengage.money",
        "QuietHours": "wxengage.pacing.quiet",
        "RfmModel": "wxengage.segments.rfm",
        "Send": "wxengage.sends",
        "Sent": "wxengage.sends",
        "Unknown": "wxengage.delivery.ports",
        "User": "wxengage.users",
        "Window": "wxengage.pacing.windows",
    }
)
# Names of types that are no classes, which other rooms' annotations use.
_ALIASES: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "AccountKind": "wxengage.users",
        "Category": "wxengage.sends",
        "Fen": "wxengage.money",
        "Reward": "wxengage.money",
    }
)
# What a file imports for the type checker alone is not in its namespace.
_WORDS: Final[Mapping[str, object]] = types.MappingProxyType(
    {
        "Decimal": decimal.Decimal,
        "Fraction": fractions.Fraction,
        "Mapping": collections.abc.Mapping,
        "Sequence": collections.abc.Sequence,
        "dt": dt,
    }
)


def named(name: str) -> object:
    """Return what a name means in the annotations of the library.

    Parameters
    ----------
    name
        A key of ``HOMES``, an alias, or a word of the standard library.

    Returns
    -------
    object
        A type, an alias of types or a module.

    Raises
    ------
    InvalidInputError
        If the name is none of these.
    """
    if name in _WORDS:
        return _WORDS[name]
    home = HOMES.get(name) or _ALIASES.get(name)
    if home is None:
        hint = "import it outside of `if TYPE_CHECKING`"
        raise InvalidInputError("annotation", name, "a name known to the codec", hint)
    found: object = getattr(importlib.import_module(home), name)
    return found
