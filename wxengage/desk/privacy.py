"""Who people are, and how they are forgotten (个人信息): told, erased, aged out."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxengage.campaigns.referrals.acts import QUALIFYING
from wxengage.desk.base import Base
from wxengage.desk.erasing import (
    Found,
    Plan,
    call_off_all,
    last_pseudonym,
    mentioned,
    renaming_of,
    taken_out,
)
from wxengage.desk.introducing import introduced, known_as
from wxengage.desk.pseudonyms import PERSONAL, key_bytes, pseudonym
from wxengage.desk.retention import Forgotten, forgotten
from wxengage.desk.terms import require_by
from wxengage.errors import InvalidInputError, require_id
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wxengage.adapters.secret import Secret
    from wxengage.desk.unit import Unit
    from wxengage.stores.schema import Key
    from wxengage.users import User

__all__ = ["RETENTION", "Erasure", "Privacy"]

#: How long events are kept where nothing else is said.
RETENTION: Final = dt.timedelta(days=400)
#: What makes somebody no newcomer any more.
LASTING: Final = frozenset(
    {*QUALIFYING, *(undo for undo in QUALIFYING.values() if undo)}
)
# Each time the store is read anew for what others wrote meanwhile.
_ROUNDS: Final = 20


@attrs.frozen
class Erasure:
    """What became of somebody's data (删除结果).

    Attributes
    ----------
    pseudonym
        What stands in the books where the name stood.
    at
        When, in UTC.
    rows
        Table -> how many rows were changed or taken out.
    called_off
        Numbers of the payouts that were promised, not asked for, and called off.
    """

    pseudonym: str
    at: dt.datetime
    rows: Mapping[str, int]
    called_off: tuple[str, ...] = ()


class Privacy(Base):
    """The counter that knows who people are, and forgets them."""

    def introduce(self, user: User, *, within: Any = None) -> User:
        """Tell who somebody is: openids, unionid, zone, age band, choices.

        Parameters
        ----------
        user
            What is known now.
        within
            The application's own connection, whose transaction is used.

        Returns
        -------
        User
            All that is known: follows, consents and opt-outs are added to those that
            were there, and a zone or an age band takes the place of an older one.

        Raises
        ------
        InvalidInputError
            If a name belongs to somebody else, or this person has another one at the
            same account.
        """
        return self._do(lambda unit: introduced(unit, user), within=within)

    def user_of(self, account: str, name: str) -> str | None:
        """Return which user a provider's name belongs to.

        Parameters
        ----------
        account
            Id of the account; ``"#unionid"`` or ``"#external"`` for these.
        name
            The openid, the unionid or the external id.

        Returns
        -------
        str or None
            None where nobody was introduced with it.
        """
        require_id("account", account)
        require_id("name", name)
        return self._do(lambda unit: known_as(unit, account, name), write=False)

    def erase(
        self,
        user: str,
        *,
        by: str,
        key: bytes | Secret,
        reason: str = "asked for by the user",
        now: dt.datetime | None = None,
    ) -> Erasure:
        """Erase somebody's personal data (删除权); the books stay as they are.

        Parameters
        ----------
        user
            Who.
        by, reason
            Who answers for it, and why.
        key
            At least 32 bytes, kept outside of the store and never changed: a secret
            of this purpose alone.
        now
            When, aware; None for the store's clock.

        Returns
        -------
        Erasure
            Erasing somebody again of whom nothing is left changes nothing.

        Raises
        ------
        InvalidInputError
            If money of theirs may still arrive, a message to them is with a worker,
            or the key is too short.

        Notes
        -----
        Profile, names at providers, invite codes, touches and messages are gone.
        Events, subjects, facts, payouts and postings name a pseudonym, so that sums,
        limits and invites stay right. Payouts that nobody was asked for are called
        off.

        What stays: ids of events, which must not be made of people's names; numbers
        of payouts and keys of facts, which are fingerprints of the name, so that
        whoever guesses the name can tell that it was here; what people wrote as a
        reason; and what the application keeps itself. Because those fingerprints
        stay, the same reward is not paid a second time to somebody who comes back.
        To campaigns that ask who is new, such a person is new: ask ``was_erased``.

        Reads the whole store, in pages and without stopping anybody, at least twice;
        then one transaction changes what it found. Copies, such as backups and what
        was exported, are not reached. ``compact`` hands freed pages of a file back.
        """
        require_id("user", user)
        require_by(by, reason)
        secret, at = key_bytes(key), self._instant(now)
        rows: Counter[str] = Counter()
        called_off: tuple[str, ...] = ()
        for _ in range(_ROUNDS):
            called_off += self._do(
                lambda unit: call_off_all(unit, self._settings, user, at)
            )
            plan, before = self._planned(user, secret, by, reason)
            found = self._found(plan, at)
            if not found:
                return Erasure(before or plan.to, at, dict(rows), called_off)
            changed = self._taken_out(plan, found, at)
            if changed is not None:
                rows += changed
        rule = "somebody of whom nothing new is told all the time"
        raise InvalidInputError("user", "***", rule, "stop telling, and try again")

    def was_erased(self, user: str, *, key: bytes | Secret) -> dt.datetime | None:
        """Return when somebody was last erased.

        Parameters
        ----------
        user
            Who comes, and may have been here.
        key
            With which they were erased.

        Returns
        -------
        datetime.datetime or None
            None for somebody who never was, under this key.
        """
        require_id("user", user)
        secret = key_bytes(key)

        def work(unit: Unit) -> dt.datetime | None:
            _, last = last_pseudonym(unit, user, secret)
            row = None if last is None else unit.get("meta", last)
            return None if row is None else from_micros(int(str(row[1])))

        return self._do(work, write=False)

    def forget_before(
        self,
        before: dt.datetime | None = None,
        *,
        lasting: Collection[str] = LASTING,
        now: dt.datetime | None = None,
    ) -> Forgotten:
        """Take out what is too old to be of use (留存期限).

        Parameters
        ----------
        before
            What happened before it goes, aware; None: 400 days ago.
        lasting
            Kinds of events that stay, however old. Without the follows of long ago a
            campaign takes somebody for new who is not.
        now
            When, aware; None for the store's clock.

        Returns
        -------
        Forgotten
            How many events, messages and touches went. What a campaign that is not
            closed may read stays, and so do facts, payouts and postings.

        Raises
        ------
        InvalidInputError
            If ``before`` is later than now.
        """
        at = self._instant(now)
        limit = at - RETENTION if before is None else before
        if micros("before", limit) > micros("now", at):
            raise InvalidInputError("before", before, f"not after now, {at}")
        return forgotten(self._do, limit, frozenset(lasting))

    def compact(self) -> None:
        """Hand back what erased rows took, where the engine has to be told (整理)."""
        self._store.compact()

    def _planned(
        self, user: str, key: bytes, by: str, reason: str
    ) -> tuple[Plan, str | None]:
        """Return who goes, under a new pseudonym, and the last one; None: none."""
        times, last = self._do(
            lambda unit: last_pseudonym(unit, user, key), write=False
        )
        return Plan(user, pseudonym(user, key, times), by, reason), last

    def _taken_out(
        self, plan: Plan, found: Found, now: dt.datetime
    ) -> Counter[str] | None:
        return self._do(lambda unit: taken_out(unit, self._settings, plan, found, now))

    def _found(self, plan: Plan, now: dt.datetime) -> Found:
        """Return the rows that name a person, reading the store in pages."""
        settings, found = self._settings, Found()
        renaming = self._do(
            lambda unit: renaming_of(unit, settings, plan.user, plan.to, now),
            write=False,
        )
        for table in PERSONAL:
            page = functools.partial(mentioned, table=table, renaming=renaming)
            after: Key | None = None
            while True:
                turn = functools.partial(page, after=after)
                keys, after = self._do(turn, write=False)
                if keys:
                    found.setdefault(table, []).extend(keys)
                if after is None:
                    break
        return found
