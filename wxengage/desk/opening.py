"""Opening a desk (打开运营台) on a store, or in an application's transaction."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  read at run time by callers' annotations
from collections.abc import Callable, Sequence  # noqa: TC003  the same
from typing import TYPE_CHECKING, Any, Final, Literal

from wxengage.delivery.payouts import bill_number
from wxengage.desk.desk import Desk
from wxengage.desk.settings import Settings
from wxengage.errors import InvalidInputError
from wxengage.stores.opening import open_store

if TYPE_CHECKING:
    from wxengage.campaigns.facts import Fact
    from wxengage.desk.notices import Notice
    from wxengage.desk.unit import Unit
    from wxengage.plan.gating.gate import Gate
    from wxengage.users import Account

__all__ = ["open_desk"]

_MERCHANT: Final = "merchant"


def open_desk(
    url_or_connection: Any = "sqlite:///engage.db",
    *,
    accounts: Sequence[Account] = (),
    merchant: str | None = None,
    gate: Gate | None = None,
    notices: Sequence[Notice] = (),
    triggers: Sequence[Any] = (),
    on_fact: Callable[[Fact], None] | None = None,
    hold: Callable[[Fact], str | None] | None = None,
    create: bool = True,
    processes: Literal["many", "one"] = "many",
    clock: Callable[[], dt.datetime] | None = None,
    **more: Any,
) -> Desk:
    """Open the desk of one merchant.

    Parameters
    ----------
    url_or_connection
        ``sqlite:///file.db``, ``postgresql://...``, ``mysql://...`` or
        ``memory://``; or an open connection of the application's (sqlite3, psycopg,
        PyMySQL, SQLAlchemy, Django), on which the desk never begins or commits.
    accounts
        The merchant's accounts.
    merchant
        The merchant's number at WeChat Pay, ten digits; None where no cash is paid.
        A store belongs to one merchant for ever.
    gate
        What may be sent to whom and when; None asks only the platform's rules.
    notices
        What users are told of facts.
    triggers
        What ``remind`` proposes.
    on_fact
        Called with each fact after it is kept; with ``within=`` before the application
        commits. What it raises reaches the caller of ``record``, and undoes nothing.
    hold
        Called with each granted fact; a reason that it returns keeps the payout held
        until somebody releases it; so does an exception, and an answer that is
        neither text nor None nor False. It must not depend on chance: it may be called
        again for the same fact.
    create
        Whether missing tables are made.
    processes
        ``"one"`` locks a SQLite file for this process alone, which is faster.
    clock
        Gives the instant, aware, in the place of the store's clock.
    more
        ``days`` (a ``DayClock``), ``lifecycle`` (a ``LifecyclePolicy``), ``outbox``
        (an ``OutboxPolicy``) and ``group_commit`` (True: events that several
        threads record at once share a transaction, and one wait for the disk).

    Returns
    -------
    Desk
        To be used in a ``with`` statement, or until ``desk.store.close()``.

    Raises
    ------
    InvalidInputError
        If an argument breaks its rule, or the store belongs to another merchant.

    Examples
    --------
    >>> import datetime as dt
    >>> from wxengage.log.events import Event
    >>> noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    >>> like = Event("like", user="ada", at=noon, id="1")
    >>> with open_desk("memory://", clock=lambda: noon) as desk:
    ...     desk.record(like).duplicate, desk.record(like).duplicate
    (False, True)
    """
    settings = Settings(
        accounts=tuple(accounts),
        merchant=merchant,
        gate=gate,
        notices=tuple(notices),
        triggers=tuple(triggers),
        on_fact=on_fact,
        hold=hold,
        **more,
    )
    if merchant is not None:
        # A number that is none would be found out by the first payout.
        bill_number(merchant, "any", "any", "any")
    store = open_store(url_or_connection, create=create, processes=processes, now=clock)
    desk = Desk(store, settings)
    try:
        desk._do(lambda unit: _require_merchant(unit, merchant))  # noqa: SLF001  its maker
    except BaseException:
        store.close()
        raise
    return desk


def _require_merchant(unit: Unit, merchant: str | None) -> None:
    """Raise where a store belongs to another merchant; note whose it is."""
    if merchant is None:
        return
    row = unit.get("meta", _MERCHANT)
    if row is None:
        unit.put("meta", (_MERCHANT, merchant))
    elif row[1] != merchant:
        rule = f"{row[1]}, whose store this is"
        hint = "numbers of payouts are a merchant's own: open another store"
        raise InvalidInputError("merchant", merchant, rule, hint)
