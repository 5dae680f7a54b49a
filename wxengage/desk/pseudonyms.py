"""Pseudonyms (假名): what stands in a store where somebody's name stood.

A pseudonym is an HMAC of the name under a key that the store does not hold. Whoever
has the key can find out whether somebody was here; nobody else can, not even by
trying every name there is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.adapters.secret import Secret
from wxengage.campaigns.contests.subjects import entry_key
from wxengage.codec.envelope import load
from wxengage.delivery.outbox.policy import OutboxPolicy  # noqa: TC001  told to readers
from wxengage.desk.rows import is_message, letter_row
from wxengage.errors import InvalidInputError
from wxengage.ledger.accounts import Role
from wxengage.ledger.records import ERASED
from wxengage.stores.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxengage.stores.schema import Row

__all__ = ["PERSONAL", "Renaming", "key_bytes", "pseudonym"]

_PURPOSE: Final = b"wxengage: erased\x00"
_SHORTEST_KEY: Final = 32
# 128 bits: of 10**9 pseudonyms two are the same with a probability of 1.5e-21.
_DIGITS: Final = 32
_PER_USER: Final = "user:"
#: The tables in which somebody's name may stand. What an application keeps, it
#: knows itself.
PERSONAL: Final = (
    "event",
    "profile",
    "alias",
    "decision",
    "campaign",
    "subject",
    "fact",
    "payout",
    "posting",
    "balance",
    "letter",
    "suppression",
    "touch",
    "code",
)
# In these a row with the name says nothing about anybody else, and goes.
_OWN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "profile": ("user",),
        "alias": ("user", "name"),
        "suppression": ("recipient",),
        "touch": ("user",),
        "code": ("user",),
    }
)


def key_bytes(key: bytes | Secret) -> bytes:
    """Return a key of pseudonyms, checked.

    Parameters
    ----------
    key
        At least 32 bytes, or a ``Secret`` of as many characters.

    Returns
    -------
    bytes
        The key.

    Raises
    ------
    InvalidInputError
        If it is no key or too short; the error does not show it.
    """
    found = key.reveal().encode() if isinstance(key, Secret) else key
    if not isinstance(found, bytes) or len(found) < _SHORTEST_KEY:
        hint = "secrets.token_bytes(32), kept outside of the store"
        rule = f"bytes or a Secret, at least {_SHORTEST_KEY} long"
        raise InvalidInputError("key", type(key).__name__, rule, hint)
    return found


def pseudonym(user: str, key: bytes, time: int) -> str:
    """Return what stands for somebody after an erasure.

    Parameters
    ----------
    user
        The name.
    key
        As ``key_bytes`` returns it.
    time
        Which erasure of this name it is, from 0: somebody who came back and went
        again is another one.

    Returns
    -------
    str
        ``"#erased-"`` and 32 hexadecimal digits of HMAC-SHA256. No user is named so,
        for no event may begin a user's name with ``#``.
    """
    told = _PURPOSE + str(time).encode() + b"\x00" + user.encode()
    return ERASED + hmac.new(key, told, hashlib.sha256).hexdigest()[:_DIGITS]


@attrs.frozen
class Renaming:
    """What takes somebody's names out of rows, whatever table they are of.

    Attributes
    ----------
    names
        All names of the person: the user's id, openids, the unionid.
    to
        The pseudonym.
    outbox
        How the outbox behaves: a letter's columns are made anew.
    now
        In microseconds.
    invited
        Ids of campaigns whose facts name people as ``other``.
    entered
        Ids of contests in which an entry of the person's own bears the name.
    entries
        Ids of entries that are made of the name -> those made of the pseudonym.
    """

    names: frozenset[str]
    to: str
    outbox: OutboxPolicy
    now: int
    invited: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()
    entries: Mapping[str, str] = MappingProxyType({})

    def mentions(self, row: Row) -> bool:
        """Return whether a row may hold one of the names; quick, and never too rare."""
        texts = [value for value in row if isinstance(value, str)]
        forms = {form for name in self.names for form in (name, _escaped(name))}
        return any(form in text for text in texts for form in forms) or (
            row[0] in self.entries
        )

    def of(self, table: str, row: Row) -> Row | None:
        """Return a row without the names.

        Parameters
        ----------
        table
            Of which table.
        row
            The row.

        Returns
        -------
        Row or None
            Equal where none of the names stands where names stand; None where the
            row is to go.
        """
        told = dict(zip(TABLES[table].names, row, strict=True))
        if table in _OWN:
            own = any(told[column] in self.names for column in _OWN[table])
            return None if own else row
        changed = _CHANGES[table](self, told)
        return None if changed is None else tuple(changed[name] for name in told)

    def name(self, value: Any) -> Any:
        """Return the pseudonym in the place of a name, anything else as it is."""
        return self.to if isinstance(value, str) and value in self.names else value

    def state(self, text: Any, *fields: str) -> str:
        """Return a JSON text with the names gone from some fields, at any depth."""
        return json.dumps(self._told(json.loads(text), "", fields), ensure_ascii=False)

    def _told(self, value: Any, field: str, fields: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: self._told(one, key, fields) for key, one in value.items()}
        if isinstance(value, list):
            told = [self._told(one, field, fields) for one in value]
            return sorted(told) if field == "entries" and told != value else told
        if field not in fields:
            return value
        return self.scope(value) if field == "rooms" else self.name(value)

    def scope(self, value: Any) -> Any:
        """Return the scope of a limit, without the name where it is a user's."""
        if isinstance(value, str) and value.startswith(_PER_USER):
            return _PER_USER + self.name(value.removeprefix(_PER_USER))
        return value


def _escaped(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)[1:-1]


_Told = dict[str, Any]


def _event(names: Renaming, row: _Told) -> _Told:
    changed = {column: names.name(row[column]) for column in ("user", "inviter")}
    if row["campaign"] in names.entered:
        changed["item"] = names.name(row["item"])
    return row | changed


def _decision(names: Renaming, row: _Told) -> _Told:
    detail = names.state(row["detail"], "user", "recipient")
    return row | {"about": names.name(row["about"]), "detail": detail}


def _campaign(names: Renaming, row: _Told) -> _Told:
    # A limit may be for one user alone.
    return row | {"terms": names.state(row["terms"], "only")}


def _subject(names: Renaming, row: _Told) -> _Told:
    fields, key = ["inviter", "author"], names.name(row["name"])
    if row["campaign"] in names.entered:
        fields += ["entry", "entries"]
        if key in {entry_key(name) for name in names.names}:
            key = entry_key(names.to)
    return row | {"name": key, "state": names.state(row["state"], *fields)}


def _fact(names: Renaming, row: _Told) -> _Told:
    fields = ["user"]
    if row["campaign"] in names.invited | names.entered:
        fields.append("other")
    fact = names.state(row["fact"], *fields)
    return row | {"user": names.name(row["user"]), "fact": fact}


def _payout(names: Renaming, row: _Told) -> _Told:
    record = names.state(row["record"], "user", "recipient", "rooms")
    return row | {"user": names.name(row["user"]), "record": record}


def _owner(names: Renaming, row: _Told) -> _Told:
    owner = row["owner"]
    owner = names.name(owner) if row["role"] == Role.DEBT.value else names.scope(owner)
    return row | {"owner": owner}


def _posting(names: Renaming, row: _Told) -> _Told:
    entry = names.entries.get(row["entry"], row["entry"])
    return _owner(names, row) | {"entry": entry}


def _letter(names: Renaming, row: _Told) -> _Told | None:
    before = load(row["row"])
    if is_message(before):
        return None if row["user"] in names.names else row
    text = names.state(row["row"], "user", "recipient")
    if text == row["row"]:
        return row
    made = letter_row(load(text), names.outbox, names.now)
    return dict(zip(TABLES["letter"].names, made, strict=True))


_CHANGES: Final[Mapping[str, Callable[[Renaming, _Told], _Told | None]]] = (
    MappingProxyType(
        {
            "event": _event,
            "decision": _decision,
            "campaign": _campaign,
            "subject": _subject,
            "fact": _fact,
            "payout": _payout,
            "posting": _posting,
            "balance": _owner,
            "letter": _letter,
        }
    )
)
