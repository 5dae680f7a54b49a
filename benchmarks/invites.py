"""Made-up referral campaigns and challenges, the same on every run.

Invites: a fifth as many inviters as events. Everybody was invited by somebody who
joined before, so that no circle can close; well-known inviters bring more than others.
Some follow long before the campaign, some are asked by a second inviter, some leave,
and half of these come back.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

import attrs
import numpy as np
from cache import kept

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "AS_OF",
    "CLOSES",
    "DAY",
    "HOLD",
    "KINDS",
    "OPENS",
    "REVOKE",
    "CheckIns",
    "Invites",
    "make_check_ins",
    "make_invites",
]

DAY: Final = 86_400_000_000
_SECOND: Final = 1_000_000
#: The campaign runs for two weeks; it is asked a day after its end.
OPENS: Final = int(dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp()) * _SECOND
CLOSES: Final = OPENS + 14 * DAY
AS_OF: Final = CLOSES + DAY
HOLD: Final = 3 * DAY
REVOKE: Final = 7 * DAY
KINDS: Final = ("follow", "unfollow", "scan")
_FOLLOW, _UNFOLLOW, _SCAN = range(3)
_SEED: Final = 20_260_301
_EDITION: Final = 1

#: Rows, and how long after something else.
_Later: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.int64]]"


@attrs.frozen
class _Columns:
    """Columns in the cache.

    Attributes
    ----------
    folder
        Their folder.
    size
        How many rows.
    """

    folder: Path
    size: int
    jobs: ClassVar[str] = "replays"

    def column(self, name: str) -> NDArray[Any]:
        """Return one of the columns. Shape ``(size,)``."""
        found: NDArray[Any] = np.load(self.folder / f"{name}.npy")
        return found


@attrs.frozen
class Invites(_Columns):
    """Where the events of a referral campaign lie.

    Columns: user; inviter, -1 for nobody; kind, a place in ``KINDS``; at,
    microseconds.
    """

    unit: ClassVar[str] = "event"

    @property
    def about(self) -> str:
        """What else the page says of it."""
        return f"{self.size // 5:,} inviters"


@attrs.frozen
class CheckIns(_Columns):
    """Where the check-ins of a challenge lie: user, and at in microseconds."""

    unit: ClassVar[str] = "event"

    @property
    def about(self) -> str:
        """What else the page says of it."""
        return f"{self.size // 10:,} users, 30 days"


def make_invites(size: int) -> Invites:
    """Return the events of a referral campaign, made on the first call.

    Parameters
    ----------
    size
        How many.

    Returns
    -------
    Invites
        In the cache.
    """

    def write(folder: Path) -> None:
        for name, values in _invites(size).items():
            np.save(folder / f"{name}.npy", values)

    return Invites(kept(f"invites-{_EDITION}-{size}", write), size)


def _invites(size: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng([_SEED, size])
    inviters, invited = size // 5, int(size * 0.62)
    # Seeds first: the codes of people ascend as they are touched.
    seeds = inviters // 2
    invitee = seeds + np.arange(invited)
    touched = OPENS + np.sort(rng.integers(0, 14 * DAY // _SECOND, invited)) * _SECOND

    def asked_by(before: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return inviters who joined before; the earlier, the better known."""
        within = np.minimum(before, inviters)
        found: NDArray[np.int64] = (rng.random(len(before)) ** 2 * within).astype(int)
        return found

    def some(share: float) -> NDArray[np.int64]:
        return np.flatnonzero(rng.random(invited) < share)

    def later(rows: NDArray[np.int64], days: float) -> _Later:
        spans = rng.exponential(days * DAY / _SECOND, len(rows)).astype(np.int64)
        return rows, spans * _SECOND + _SECOND

    scanned, (early, ago), again = some(0.1), later(some(0.06), 90), some(0.08)
    left, stayed = later(some(0.2), 6)
    returned, away = later(np.flatnonzero(rng.random(len(left)) < 0.5), 4)
    by, came_at = asked_by(invitee), touched.copy()
    came_at[scanned] += rng.integers(1, 3_600, len(scanned)) * _SECOND
    left_at = came_at[left] + stayed
    asked_again = touched[again] + rng.integers(1, 10**6, len(again)) * _SECOND
    parts: list[tuple[Any, Any, int, Any]] = [
        (invitee, by, _FOLLOW, came_at),
        (invitee[scanned], by[scanned], _SCAN, touched[scanned]),
        (invitee[early], -1, _FOLLOW, OPENS - ago),
        (invitee[again], asked_by(invitee[again]), _SCAN, asked_again),
        (invitee[left], -1, _UNFOLLOW, left_at),
        (invitee[left[returned]], -1, _FOLLOW, left_at[returned] + away),
    ]
    # Whoever followed before, and was never asked by anybody.
    rest = size - sum(len(who) for who, *_ in parts)
    long_ago = OPENS - rng.integers(0, 10**7, rest) * _SECOND
    parts.append((seeds + invited + np.arange(rest), -1, _FOLLOW, long_ago))
    order = rng.permutation(size)
    columns = (
        np.concatenate([np.broadcast_to(part[k], len(part[0])) for part in parts])
        for k in range(4)
    )
    names, types = ("user", "inviter", "kind", "at"), (np.int64, np.int64, np.uint8)
    return {
        name: column[order].astype(kind)
        for name, column, kind in zip(names, columns, (*types, np.int64), strict=True)
    }


def make_check_ins(size: int) -> CheckIns:
    """Return check-ins of a tenth as many users, made on the first call.

    Parameters
    ----------
    size
        How many.

    Returns
    -------
    CheckIns
        In the cache; at random in 30 days, some twice a day.
    """

    def write(folder: Path) -> None:
        rng = np.random.default_rng([_SEED + 1, size])
        np.save(folder / "user.npy", rng.integers(0, size // 10, size))
        seconds = rng.integers(0, 30 * DAY // _SECOND, size)
        np.save(folder / "at.npy", OPENS + seconds * _SECOND)

    return CheckIns(kept(f"check-ins-{_EDITION}-{size}", write), size)
