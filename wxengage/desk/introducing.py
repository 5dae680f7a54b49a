"""Telling who somebody is (用户合并): names at providers, and what is known already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wxengage.desk.people import keep_user
from wxengage.desk.people import user as known_user
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event
from wxengage.users import User, advance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.desk.unit import Unit

__all__ = ["EXTERNAL", "UNIONID", "introduced", "known_as"]

#: In the place of an account, for the names that belong to none.
UNIONID: Final = "#unionid"
EXTERNAL: Final = "#external"


def introduced(unit: Unit, person: User) -> User:
    """Add what is known of somebody to what was known.

    Parameters
    ----------
    unit
        The transaction's rows.
    person
        What is known now.

    Returns
    -------
    User
        All that is known.

    Raises
    ------
    InvalidInputError
        If a name is somebody else's, or another one is known already.
    """
    if not isinstance(person, User):
        raise InvalidInputError("user", person, "a User")
    if person.id.startswith("#"):
        rule = "a user: '#' begins the names of other things"
        raise InvalidInputError("user.id", person.id, rule)
    unit.lock([f"user:{person.id}"])
    unit.forget("profile")
    merged = _merged(known_user(unit, person.id), person)
    names = dict(_names(person))
    rows = [(account, name, person.id) for account, name in names.items()]
    unit.tx.insert("alias", rows)
    kept = unit.tx.get("alias", [row[:2] for row in rows])
    for account, name, user in rows:
        if kept[account, name][2] != user:
            rule = f"a name of {user!r} alone"
            hint = "somebody else was introduced with it; are the two one person?"
            raise InvalidInputError(_field(account), name, rule, hint)
    keep_user(unit, merged)
    return merged


def known_as(unit: Unit, account: str, name: str) -> str | None:
    """Return which user a provider's name belongs to; None: nobody's."""
    row = unit.get("alias", account, name)
    return None if row is None else str(row[2])


def _names(person: User) -> Iterator[tuple[str, str]]:
    yield from person.openids.items()
    if person.unionid is not None:
        yield UNIONID, person.unionid
    if person.external_userid is not None:
        yield EXTERNAL, person.external_userid


def _field(account: str) -> str:
    fields = {UNIONID: "unionid", EXTERNAL: "external_userid"}
    return fields.get(account, f"openids[{account!r}]")


def _merged(known: User, new: User) -> User:
    """Return both together; of a zone and an age band the new one."""
    before = dict(_names(known))
    for account, name in _names(new):
        if before.get(account, name) != name:
            rule = f"{before[account]!r}, as it was told before"
            hint = "a person has one at an account; is this somebody else?"
            raise InvalidInputError(_field(account), name, rule, hint)
    merged = attrs.evolve(
        known,
        openids={**known.openids, **new.openids},
        unionid=new.unionid or known.unionid,
        external_userid=new.external_userid or known.external_userid,
        age_band=new.age_band or known.age_band,
        zone=new.zone or known.zone,
    )
    for event in _told_of(new):
        merged = advance(merged, event)
    return merged


def _told_of(person: User) -> Iterator[Event]:
    """Yield what somebody's follows and choices were, as events."""
    for span in person.spans:
        for kind, at in (("follow", span.start), ("unfollow", span.end)):
            if at is not None:
                yield Event(kind, user=person.id, at=at, account=span.account)
    for kind, choices in (("consent", person.consents), ("opt_out", person.opt_outs)):
        for choice in choices:
            yield Event(kind, user=person.id, at=choice.at, item=choice.topic)
