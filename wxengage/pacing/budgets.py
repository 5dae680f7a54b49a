"""What a plan may use up in all (预算, 广告占比), for everybody together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, nearest, require_whole
from wxengage.pacing.scopes import require_scope
from wxengage.stats.checks import refuse, whole_column

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["AdShare", "Budget", "Unit"]

Unit = Literal["sends", "fen"]
UNITS: Final[tuple[str, ...]] = get_args(Unit)
_NO_BOUND: Final = 2**62


@attrs.frozen
class Budget:
    """How much all users together may get (预算, 渠道容量).

    Attributes
    ----------
    limit
        Sends, or fen. Whole, not negative; 0 means that nothing is left.
    unit
        ``"sends"`` counts messages, ``"fen"`` adds up what they cost.
    scope
        What it is spent on, as in ``Cap``: None for everything,
        ``"channel:wecom"`` for one channel, ``"channel"`` for each channel by
        itself.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> Budget(200, scope="message:recall_gift").name
    'message:recall_gift (sends)'
    """

    limit: int
    unit: Unit = attrs.field(default="sends", kw_only=True)
    scope: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_whole("limit", self.limit)
        if not isinstance(self.unit, str) or self.unit not in UNITS:
            raise InvalidInputError(
                "unit", self.unit, "a unit", nearest(self.unit, UNITS)
            )
        require_scope("scope", self.scope)

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.scope or 'all'} ({self.unit})"


@attrs.frozen
class AdShare:
    """At most so many advertisements in so many messages (广告占比).

    Exact: a share of 1 in 10 allows the tenth message to be an ad, not the
    ninth; no float is asked.

    Attributes
    ----------
    ads, messages
        At most ``ads`` of every ``messages``. Whole, ``1 <= ads <= messages``.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.

    Examples
    --------
    >>> AdShare(1, 10).allows(0, 8), AdShare(1, 10).allows(0, 9)
    (False, True)
    """

    ads: int
    messages: int

    def __attrs_post_init__(self) -> None:
        require_whole("ads", self.ads, least=1)
        require_whole("messages", self.messages, least=self.ads)

    def left(self, ads: int, messages: int) -> int:
        """Return how many ads a user may get as their very next messages.

        Parameters
        ----------
        ads, messages
            What the user got so far: ads, and messages with ads among them.

        Returns
        -------
        int
            The most ``k`` for which ``ads + k`` of ``messages + k`` are within
            the share, not negative. Where every message may be an ad there is
            no bound, and the answer is 2**62.

        Raises
        ------
        InvalidInputError
            If a count is not whole, or there are more ads than messages.
        """
        require_whole("ads", ads)
        require_whole("messages", messages, least=ads)
        if self.ads == self.messages:
            return _NO_BOUND
        room = self.ads * messages - self.messages * ads
        return max(room // (self.messages - self.ads), 0)

    def left_many(self, ads: ArrayLike, messages: ArrayLike) -> NDArray[np.int64]:
        """Return ``left`` of many users.

        Parameters
        ----------
        ads, messages
            What each user got so far: ads, and messages with ads among them.
            Shape ``(n,)`` each.

        Returns
        -------
        numpy.ndarray
            How many ads each may get as the very next messages. Shape ``(n,)``.

        Raises
        ------
        InvalidInputError
            If a count is not whole or too large for 64 bits, or somebody got
            more ads than messages.
        """
        had, of = whole_column("ads", ads), whole_column("messages", messages)
        if len(had) != len(of):
            raise InvalidInputError("messages", len(of), f"as many as ads, {len(had)}")
        most = _NO_BOUND // self.messages
        for name, column in (("ads", had), ("messages", of)):
            refuse(name, column.astype(np.float64), column > most, f"at most {most}")
        refuse("ads", had.astype(np.float64), had > of, "at most the messages")
        if self.ads == self.messages:
            return np.full(len(had), _NO_BOUND)
        room = self.ads * of - self.messages * had
        left: NDArray[np.int64] = np.maximum(room // (self.messages - self.ads), 0)
        return left

    def allows(self, ads: int, messages: int) -> bool:
        """Return whether the user's next message may be an ad.

        Parameters
        ----------
        ads, messages
            What the user got so far: ads, and messages with ads among them.

        Returns
        -------
        bool
            True where the share still holds with one more ad.
        """
        return self.left(ads, messages) > 0
