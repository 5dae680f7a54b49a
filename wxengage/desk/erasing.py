"""Taking somebody's data out of a store (删除个人信息), while the books stay sound.

First the whole store is read for rows that may hold a name, without stopping anybody.
Then one transaction looks at these again, under their locks, and changes all of them
together: nobody ever sees a person half gone. What others wrote in between is found
when the store is read once more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.subjects import Submission, entry_key
from wxengage.campaigns.facts import GRANTED
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.codec.envelope import load
from wxengage.desk.decisions import decide
from wxengage.desk.granting import call_off
from wxengage.desk.people import user as known_user
from wxengage.desk.pseudonyms import PERSONAL, Renaming, pseudonym
from wxengage.desk.rows import fact_of, letter_of, payout_of
from wxengage.desk.running import running
from wxengage.errors import InvalidInputError
from wxengage.ledger.accounts import Role, measure
from wxengage.ledger.debts import net_id
from wxengage.ledger.funding import ROOM
from wxengage.ledger.states import ASKED, State
from wxengage.sends import fingerprint
from wxengage.stores.schema import TABLES
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.desk.settings import Settings
    from wxengage.desk.unit import Unit
    from wxengage.ledger.records import PayoutRecord
    from wxengage.stores.schema import Key

__all__ = [
    "Found",
    "Plan",
    "call_off_all",
    "last_pseudonym",
    "mentioned",
    "renaming_of",
    "taken_out",
]

#: Table -> keys of rows that may hold a name.
Found = dict[str, list["Key"]]
_PAGE: Final = 2_000
# Postings of an entry: two for its money, and two for each of four limits.
_MOST: Final = 10
_HIDDEN: Final = "***"
_WAITING: Final = frozenset({State.HELD, State.UNFUNDED, State.RESERVED})


class Plan(NamedTuple):
    """Who goes, and who answers for it.

    Attributes
    ----------
    user
        The name.
    to
        The pseudonym.
    by, reason
        Who decides it, and why.
    """

    user: str
    to: str
    by: str
    reason: str


def names_of(unit: Unit, user: str) -> frozenset[str]:
    """Return every name under which somebody is known here."""
    person = known_user(unit, user)
    others = (person.unionid, person.external_userid, *person.openids.values())
    aliases = (str(row[1]) for row in unit.find("alias", "by_user", (user,)))
    return frozenset({user, *aliases, *(name for name in others if name)})


def last_pseudonym(unit: Unit, user: str, key: bytes) -> tuple[int, str | None]:
    """Return how often somebody was erased, and what stands for them since.

    Parameters
    ----------
    unit
        The transaction's rows.
    user
        The name.
    key
        Of the pseudonyms.

    Returns
    -------
    tuple of (int, str or None)
        0 and None for somebody who never was.
    """
    times, last = 0, None
    while unit.get("meta", name := pseudonym(user, key, times)) is not None:
        times, last = times + 1, name
    return times, last


def renaming_of(
    unit: Unit, settings: Settings, user: str, to: str, now: dt.datetime
) -> Renaming:
    """Return what takes somebody's names out of rows.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    user
        The name.
    to
        The pseudonym.
    now
        When.

    Returns
    -------
    Renaming
        Of this store, as it is now.
    """
    campaigns = [one.campaign for one in running(unit)]
    names = names_of(unit, user)
    entered = {
        one.id
        for one in campaigns
        if isinstance(one, Contest)
        for name in names
        if _is_own_entry(unit, one.id, name, names)
    }
    return Renaming(
        names,
        to,
        settings.outbox,
        micros("now", now),
        invited=frozenset(one.id for one in campaigns if isinstance(one, Referral)),
        entered=frozenset(entered),
        entries=_entries(unit, user, names, to),
    )


def _entries(unit: Unit, user: str, names: frozenset[str], to: str) -> dict[str, str]:
    """Return ids of entries that are made of a name -> those made of another one."""
    facts = (fact_of(row).fact for row in unit.find("fact", "by_user", (user,)))
    netted = {
        net_id(one.campaign, user, key): net_id(one.campaign, to, key)
        for one in facts
        if one.kind == GRANTED and (key := one.reward_key) is not None
    }
    opened = {}
    for record in _payouts(unit, names):
        counted, _ = measure(record.payout.reward)
        old, new = (
            fingerprint(ROOM, record.payout.campaign, f"user:{name}", counted)
            for name in (user, to)
        )
        opened[old] = new
    return netted | opened


def _is_own_entry(unit: Unit, contest: str, name: str, names: frozenset[str]) -> bool:
    row = unit.get("subject", contest, entry_key(name))
    entry = None if row is None else load(str(row[2]))
    return isinstance(entry, Submission) and entry.author in names


def mentioned(
    unit: Unit, *, table: str, after: Key | None, renaming: Renaming
) -> tuple[list[Key], Key | None]:
    """Return the keys of the rows of a page that would change.

    Parameters
    ----------
    unit
        The transaction's rows.
    table
        Of which table.
    after
        The last key of the page before; None for the first page.
    renaming
        What would change them.

    Returns
    -------
    keys
        Of rows that hold a name.
    last
        The last key of this page; None where there is no other page.
    """
    places = TABLES[table].places(TABLES[table].key)
    rows = unit.tx.walk(table, after=after, limit=_PAGE)
    keys: list[Any] = [tuple(row[place] for place in places) for row in rows]
    found = [
        key
        for key, row in zip(keys, rows, strict=True)
        if renaming.mentions(row) and renaming.of(table, row) != row
    ]
    return found, keys[-1] if len(rows) == _PAGE else None


def call_off_all(
    unit: Unit, settings: Settings, user: str, now: dt.datetime
) -> tuple[str, ...]:
    """Call off the payouts of somebody that nobody was asked for.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    user
        Who.
    now
        When.

    Returns
    -------
    tuple of str
        Their numbers.

    Raises
    ------
    InvalidInputError
        If a payout may still arrive, or a message is with a worker.
    """
    names = names_of(unit, user)
    _require_settled(_payouts(unit, names))
    _require_quiet(unit, settings, names, micros("now", now))
    waiting = [one for one in _payouts(unit, names) if one.state in _WAITING]
    for record in waiting:
        call_off(unit, settings, record, "erased", now)
    return tuple(record.payout.number for record in waiting)


def _payouts(unit: Unit, names: frozenset[str]) -> list[PayoutRecord]:
    return [
        payout_of(row)
        for name in sorted(names)
        for row in unit.find("payout", "by_user", (name,))
    ]


def _require_settled(payouts: list[PayoutRecord]) -> None:
    asked = [one for one in payouts if one.state in ASKED]
    if asked:
        told = ", ".join(f"{o.payout.number} is {o.state.value}" for o in asked[:3])
        rule = "somebody whose payouts have all ended"
        hint = f"{told}: dispatch, reconcile or resolve first, and try again"
        raise InvalidInputError("user", _HIDDEN, rule, hint)


def _require_quiet(
    unit: Unit, settings: Settings, names: frozenset[str], at: int
) -> None:
    for name in sorted(names):
        for row in unit.find("letter", "by_user", (name,)):
            if letter_of(row).held(at, settings.outbox):
                rule = "somebody to whom nothing is being sent this instant"
                hint = f"letter {row[0]} is with a worker; try again in a minute"
                raise InvalidInputError("user", _HIDDEN, rule, hint)


def taken_out(
    unit: Unit,
    settings: Settings,
    plan: Plan,
    found: Found,
    now: dt.datetime,
) -> Counter[str] | None:
    """Change the rows that were found, and whatever else names the person.

    Parameters
    ----------
    unit
        The transaction's rows.
    settings
        The desk's.
    plan
        Who goes, and what comes in their place.
    found
        Table -> keys of rows that name the person, as they were a while ago.
    now
        When.

    Returns
    -------
    Counter or None
        Table -> rows that changed or went. None, and nothing is changed, where a
        reward was granted meanwhile.
    """
    names = names_of(unit, plan.user)
    campaigns = [one.campaign.id for one in running(unit)]
    subjects = {*found.get("subject", ()), *product(campaigns, names)}
    unit.lock(f"user:{name}" for name in names)
    unit.lock(f"subject:{campaign}/{key}" for campaign, key in subjects)
    unit.lock(f"books:{campaign}" for campaign in campaigns)
    unit.lock(["outbox"])
    for table in PERSONAL:
        unit.forget(table)
    payouts = _payouts(unit, names)
    _require_settled(payouts)
    _require_quiet(unit, settings, names, micros("now", now))
    if any(one.state in _WAITING for one in payouts):
        return None
    renaming = renaming_of(unit, settings, plan.user, plan.to, now)
    keys = _indexed(unit, renaming, payouts)
    for table, told in found.items():
        keys[table].update(dict.fromkeys(told))
    keys["subject"].update(dict.fromkeys(subjects))
    if unit.get("meta", plan.to) is None:
        unit.put("meta", (plan.to, str(micros("now", now))))
        decide(unit, plan.to, "erase", plan.by, plan.reason, now)
    unit.flush()
    return Counter(
        {
            table: changed
            for table, told in keys.items()
            if (changed := _changed(unit, table, tuple(told), renaming))
        }
    )


def _indexed(
    unit: Unit, renaming: Renaming, payouts: list[PayoutRecord]
) -> defaultdict[str, dict[Any, None]]:
    """Return the keys of rows that an index, or a fingerprint, leads to."""
    # Under the locks these are all there are: what has to fit together, such as the
    # postings and the balances of somebody, is found here and changed at once.
    keys: defaultdict[str, dict[Any, None]] = defaultdict(dict)
    for table in ("event", "fact", "payout", "letter"):
        for name in renaming.names:
            for row in unit.find(table, "by_user", (name,)):
                keys[table][row[0],] = None
    for record in payouts:
        for row in unit.find("posting", "by_ref", (record.payout.number,)):
            keys["posting"][row[0], row[1]] = None
        campaign, (counted, _) = record.payout.campaign, measure(record.payout.reward)
        for name in renaming.names:
            keys["balance"][campaign, Role.DEBT.value, name, counted] = None
            keys["balance"][campaign, Role.ROOM.value, f"user:{name}", counted] = None
    for entry in renaming.entries:
        keys["posting"].update(dict.fromkeys((entry, place) for place in range(_MOST)))
    return keys


def _changed(unit: Unit, table: str, keys: tuple[Key, ...], renaming: Renaming) -> int:
    """Change rows of a table, and return how many are otherwise now."""
    places = TABLES[table].places(TABLES[table].key)
    gone, new, count = [], [], 0
    for key, row in unit.tx.get(table, keys).items():
        after = renaming.of(table, row)
        if after == row:
            continue
        count += 1
        if after is None or tuple(after[place] for place in places) != key:
            gone.append(key)
        if after is not None:
            new.append(after)
    unit.tx.remove(table, gone)
    unit.tx.put(table, new)
    unit.forget(table)
    return count
