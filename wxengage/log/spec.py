"""How the caller said a source is to be read."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.errors import InvalidLogError
from wxengage.log.part import KIND_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["UNKNOWN", "Spec"]

#: Stands for an unknown word among kind codes.
UNKNOWN: Final = 255


@attrs.frozen
class Spec:
    """How the caller said the source is to be read.

    Attributes
    ----------
    names
        Column name of each role: user, kind, at, and what else was named.
    constant
        The kind of every row, where the caller gave one.
    kinds
        From the source's words to names in ``KINDS``.
    tz, unit
        How to read times without zone, and numbers.
    latest
        Microseconds since 1970 after which a row is from the future.
    on_bad
        ``"raise"`` or ``"set_aside"``.
    """

    names: Mapping[str, str]
    constant: str | None = None
    kinds: Mapping[Any, str] = attrs.field(factory=dict)
    tz: str | None = None
    unit: str | None = None
    latest: int | None = None
    on_bad: str = "raise"

    def wanted(self, present: Sequence[str]) -> list[str]:
        """Return the columns to read.

        Parameters
        ----------
        present
            The source's columns.

        Returns
        -------
        list of str
            Each once.

        Raises
        ------
        InvalidLogError
            If one is missing: names what is there and what is not.
        """
        missing = [name for name in self.names.values() if name not in present]
        if missing:
            near = difflib.get_close_matches(missing[0], list(present), n=1, cutoff=0.5)
            role = next(r for r, n in self.names.items() if n == missing[0])
            hint = f"read_log({role}='{near[0] if near else 'its name'}') names it"
            rule = f"with columns {list(self.names.values())}: {missing} missing"
            raise InvalidLogError("log", sorted(map(str, present)), rule, hint)
        return list(dict.fromkeys(self.names.values()))

    def kind_code(self, word: object) -> int:
        """Return the code of a source's word, 255 where it is not known."""
        known = isinstance(word, str | int) and not isinstance(word, bool)
        name = self.kinds.get(word, word) if known else word
        return KIND_CODES.get(name, UNKNOWN) if isinstance(name, str) else UNKNOWN
