"""The gate's tables, made of histories (由单人历史生成批量表)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from wxengage.errors import InvalidInputError
from wxengage.times.zones import from_micros, micros
from wxengage.users import ALL_TOPICS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from wxengage.channels.quotas import Quota
    from wxengage.plan.gating.history import History
    from wxengage.sends import Send

__all__ = ["Tables", "tables_of"]

_SENT: Final = ("user", "channel", "account", "topic", "category", "content", "message")
_QUOTAS: Final = ("user", "channel", "message", "left", "until", "opens", "reason")


class Tables(NamedTuple):
    """What ``Gate.check_many`` asks beside the messages, as dicts of arrays.

    Attributes
    ----------
    past, users, quotas
        In this order ``check_many`` takes them; ``quotas`` is None where no history
        has any.
    """

    past: dict[str, NDArray[Any]]
    users: dict[str, NDArray[Any]]
    quotas: dict[str, NDArray[Any]] | None


def tables_of(
    sends: Sequence[Send], histories: Iterable[History], now: dt.datetime
) -> Tables:
    """Return the tables that say what histories say.

    Parameters
    ----------
    sends
        The messages that are to be decided about: consents, follows and quotas are
        told for their topics, accounts and channels.
    histories
        One for each user.
    now
        The instant at which they are decided about, aware.

    Returns
    -------
    Tables
        ``gate.check_many(sends, *tables_of(sends, histories, now), now)`` answers as
        ``gate.check`` does for each message and its user's history, as long as one
        user's messages on one channel go from one account.

    Raises
    ------
    InvalidInputError
        If there are two histories of one user, or none for a message.

    Notes
    -----
    ``O(s + n)`` questions for ``s`` past sends and ``n`` messages: a convenience for
    an application that holds values. A nightly job reads columns instead.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.plan.gating.gate import Gate
    >>> from wxengage.plan.gating.history import History
    >>> from wxengage.sends import Send
    >>> from wxengage.users import User
    >>> noon = dt.datetime(2026, 3, 2, 4, tzinfo=dt.timezone.utc)
    >>> sends = [Send("s1", "ada", "app_push", "gift")]
    >>> tables = tables_of(sends, [History(User("ada"), None)], noon)
    >>> Gate().check_many(sends, *tables, noon).action.tolist()
    ['send']
    """
    micros("now", now)
    by_user: dict[str, History] = {}
    for row, history in enumerate(histories):
        if by_user.setdefault(history.user.id, history) is not history:
            name = f"histories[{row}].user"
            raise InvalidInputError(name, history.user.id, "given once")
    for row, send in enumerate(sends):
        if send.user not in by_user:
            raise InvalidInputError(f"sends[{row}].user", send.user, "in histories")
    known = list(by_user.values())
    return Tables(_past(known), _users(sends, known, now), _quotas(sends, by_user, now))


def _texts(values: Iterable[str | None]) -> NDArray[Any]:
    return np.array([*(value or "" for value in values), None], dtype=object)[:-1]


def _instants(values: Iterable[dt.datetime | None]) -> NDArray[np.datetime64]:
    never = np.datetime64("NaT", "us")
    found = [
        never if at is None else np.datetime64(micros("at", at), "us") for at in values
    ]
    return np.array(found, dtype="datetime64[us]")


def _past(histories: Sequence[History]) -> dict[str, NDArray[Any]]:
    rows = [sent for history in histories for sent in history.sends]
    found = {name: _texts(getattr(row, name) for row in rows) for name in _SENT}
    found["at"] = _instants(row.at for row in rows)
    for name in ("is_ad", "counts"):
        found[name] = np.array([getattr(row, name) for row in rows], dtype=np.bool_)
    return found


def _users(
    sends: Sequence[Send], histories: Sequence[History], now: dt.datetime
) -> dict[str, NDArray[Any]]:
    found = {
        "user": _texts(history.user.id for history in histories),
        "zone": _texts(history.user.zone for history in histories),
        "age_band": _texts(history.user.age_band for history in histories),
        "segment": _texts(history.segment for history in histories),
        "since": _instants(history.since for history in histories),
    }
    for topic in sorted({send.topic or ALL_TOPICS for send in sends}):
        name = "consents" if topic == ALL_TOPICS else f"consents:{topic}"
        found[name] = _texts(_consent(one, topic, now) for one in histories)
    for account in sorted({send.account or "" for send in sends}):
        name = f"follows:{account}" if account else "follows"
        found[name] = _texts(_follows(one, account or None, now) for one in histories)
    return found


def _consent(history: History, topic: str, now: dt.datetime) -> str:
    if history.user.opted_out(topic, now):
        return "no"
    return "yes" if history.user.consents_to(topic, now) else ""


def _follows(history: History, account: str | None, now: dt.datetime) -> str:
    if history.user.follows(account, now):
        return "yes"
    return "no" if history.unfollowed(account, now) else ""


def _quotas(
    sends: Sequence[Send], by_user: dict[str, History], now: dt.datetime
) -> dict[str, NDArray[Any]] | None:
    rows: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    asked = False
    for send in sends:
        history = by_user[send.user]
        for user, quota in ((send.user, history.quota), ("", history.account)):
            key = (user, send.channel, send.message)
            asked = asked or quota is not None
            if key not in rows and (user or quota is not None):
                rows[key] = _row(quota, send, now)
    if not asked:
        return None
    columns = [*zip(*(key + row for key, row in rows.items()), strict=True)]
    found: dict[str, Any] = dict(zip(_QUOTAS, columns, strict=True))
    for name in ("user", "channel", "message", "reason"):
        found[name] = _texts(found[name])
    found["left"] = np.array(found["left"], dtype=np.float64)
    found["until"], found["opens"] = (_instants(found[n]) for n in ("until", "opens"))
    return found


def _row(quota: Quota | None, send: Send, now: dt.datetime) -> tuple[Any, ...]:
    """Return what is left, until when, when it opens, and why not now."""
    if quota is None:
        return np.nan, None, None, ""
    reason = quota.refusal(send, now)
    at = now if reason is None else quota.next_allowed(send, now)
    if at is None:
        return 0, None, None, reason
    # A moment of one zone is told in another: compare and keep it as an instant.
    allowance = quota.may_send(send, from_micros(micros("at", at)))
    left = np.nan if allowance.left is None else allowance.left
    opens = None if reason is None else at
    return (left if reason is None else 0), allowance.until, opens, reason
