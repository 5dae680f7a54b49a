"""What the gate decides (推送决定): for one message, and for many as columns."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_whole
from wxengage.plan.gating.says import sentence
from wxengage.tables import html_table, text_table
from wxengage.times.zones import from_micros, require_aware, zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from wxengage.log.frames import Origin

__all__ = ["ACTIONS", "Action", "Decision", "Decisions"]

Action = Literal["send", "defer", "drop", "digest"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
_LANGUAGES: Final = ("zh", "en")


@attrs.frozen
class Decision:
    """Whether a message may go, when, and why (推送决定).

    Attributes
    ----------
    send, user
        The message's id, or its row in a table without ids, and whom it is for.
    action
        ``"send"``: now. ``"defer"``: at ``at``. ``"digest"``: not by itself now;
        put it into a digest, which may go at ``at``. ``"drop"``: not at all.
    at
        The first instant at which it may go, on the user's clock; None where it is
        dropped.
    reason
        The machine's word for why, a key of ``REASONS``, ``"expires_first"``, or
        what the platform's quota says.
    constraint
        What binds, as ``"kind: name"``: the last constraint that moved the
        instant. "" where nothing does.

    Raises
    ------
    InvalidInputError
        If the action is unknown, or has no instant where it needs one.

    Examples
    --------
    >>> Decision("s1", "ada", "drop", None, "opted_out", "topic: *").explain("en")
    'the user has opted out of everything: it is not sent'
    """

    send: str | int
    user: str | int
    action: Action
    at: dt.datetime | None
    reason: str
    constraint: str = ""

    def __attrs_post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise InvalidInputError("action", self.action, "an action", str(ACTIONS))
        if self.at is not None:
            require_aware("at", self.at)
        if (self.at is None) != (self.action == "drop"):
            rule = "an instant, or None where the message is dropped"
            raise InvalidInputError("at", self.at, rule)

    def explain(self, lang: Literal["zh", "en"] = "zh") -> str:
        """Return the decision as a sentence.

        Parameters
        ----------
        lang
            ``"zh"`` or ``"en"``.

        Returns
        -------
        str
            With the constraint and the instant.

        Raises
        ------
        InvalidInputError
            If it is another language.
        """
        if lang not in _LANGUAGES:
            raise InvalidInputError("lang", lang, "'zh' or 'en'")
        return sentence(self.action, self.reason, self.constraint, self.at)[lang]


@attrs.frozen(eq=False, repr=False)
class Decisions:
    """What became of every message, as columns of shape ``(n,)``.

    Attributes
    ----------
    send, user
        Ids, in the order in which the messages came.
    action, reason, constraint
        As in ``Decision``.
    at
        ``datetime64[us]`` in UTC; ``NaT`` where the message is dropped.
    zones
        The zones of the users, by the codes in ``zone_of``.
    zone_of
        Whose clock shows ``at`` when one decision is looked at.
    """

    send: NDArray[Any]
    user: NDArray[Any]
    action: NDArray[np.str_]
    at: NDArray[np.datetime64]
    reason: NDArray[np.str_]
    constraint: NDArray[Any]
    zones: tuple[str, ...]
    zone_of: NDArray[np.int64]
    _origin: Origin | None = None

    def __len__(self) -> int:
        return len(self.send)

    def decision(self, row: int) -> Decision:
        """Return one decision.

        Parameters
        ----------
        row
            Its place, from 0.

        Returns
        -------
        Decision
            What ``Gate.check`` says of this message.

        Raises
        ------
        InvalidInputError
            If there is no such row.
        """
        require_whole("row", row, most=len(self) - 1)
        at = None
        if not np.isnat(self.at[row]):
            tz = zone(self.zones[self.zone_of[row]])
            at = from_micros(int(self.at[row].astype(np.int64)), tz)
        action: Any = str(self.action[row])
        return Decision(
            self.send[row : row + 1].tolist()[0],
            self.user[row : row + 1].tolist()[0],
            action,
            at,
            str(self.reason[row]),
            str(self.constraint[row]),
        )

    @functools.cached_property
    def counts(self) -> Mapping[str, int]:
        """How many messages are sent, deferred, dropped and put into digests."""
        return MappingProxyType(
            {action: int((self.action == action).sum()) for action in ACTIONS}
        )

    @functools.cached_property
    def reasons(self) -> Mapping[str, int]:
        """How many messages have each reason, the most frequent first."""
        words, counts = np.unique(self.reason, return_counts=True)
        pairs = zip(words.tolist(), counts.tolist(), strict=True)
        return MappingProxyType(dict(sorted(pairs, key=lambda pair: -pair[1])))

    @property
    def _columns(self) -> dict[str, NDArray[Any]]:
        names = ("send", "user", "action", "at", "reason", "constraint")
        return {name: getattr(self, name) for name in names}

    def to_frame(self, like: object = None) -> Any:  # noqa: ANN401  the caller's kind
        """Return the columns as a table of the caller's kind.

        Parameters
        ----------
        like
            A frame to imitate, or a name such as ``"pandas"``; None for the kind
            of table that the messages came in.

        Returns
        -------
        object
            A frame with the columns send, user, action, at, reason, constraint.
        """
        from wxengage.log.frames import ARRAYS, give  # noqa: PLC0415  loads narwhals

        columns = {
            name: column.astype(object) if column.dtype.kind == "U" else column
            for name, column in self._columns.items()
        }
        return give(columns, self._origin or ARRAYS, like)

    def __repr__(self) -> str:
        said = ", ".join(f"{n} {action}" for action, n in self.counts.items())
        return f"Decisions({len(self)} messages: {said})"

    def __str__(self) -> str:
        return f"{self!r}\n{text_table(self._columns)}"

    def _repr_html_(self) -> str:
        return html_table(self._columns)
