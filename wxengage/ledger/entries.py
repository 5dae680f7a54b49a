"""Entries and their postings (分录, 记账行): money moves, and none comes or goes.

An entry takes from some accounts what it gives to others: in each unit its
postings sum to zero. An entry is never changed and never taken out; a mistake is
mended by its reversal (冲正), another entry.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.errors import INT64_MAX, InvalidInputError, require_id, require_whole
from wxengage.ledger.accounts import LedgerAccount, Role, require_unit
from wxengage.sends import fingerprint
from wxengage.times.zones import micros

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DEFER",
    "FUND",
    "HOLD",
    "LATE",
    "MOVE",
    "PAYOUT_REASONS",
    "REFUND",
    "RELEASE",
    "REVERSAL",
    "SETTLE",
    "SUBMIT",
    "Entry",
    "Posting",
    "Row",
    "fund",
    "move_funds",
    "opposite",
    "require_reversible",
    "reversal_id",
    "reverse",
    "transfer",
]

#: Why an entry was made that undoes another one.
REVERSAL: Final = "reversal"
#: Why a payout posts an entry; ``ref`` is then its number. A reward is put on hold
#: and settled, or released; in between it is submitted, perhaps deferred. What comes
#: back is a refund; what arrives after its release is late.
HOLD: Final = "hold"
SUBMIT: Final = "submit"
DEFER: Final = "defer"
SETTLE: Final = "settle"
RELEASE: Final = "release"
REFUND: Final = "refund"
LATE: Final = "late"
PAYOUT_REASONS: Final = frozenset({HOLD, SUBMIT, DEFER, SETTLE, RELEASE, REFUND, LATE})
#: Why people post: more budget, and money moved by hand.
FUND: Final = "fund"
MOVE: Final = "move"
_BY_HAND: Final = (
    (Role.REFUNDED, Role.BUDGET),
    (Role.BUDGET, Role.WORLD),
    (Role.WORLD, Role.SUSPENSE),
    (Role.BUDGET, Role.SUSPENSE),
    (Role.REFUNDED, Role.SUSPENSE),
)
_LEAST_POSTINGS: Final = 2


@attrs.frozen
class Posting:
    """What one entry does to one account in one unit (记账行).

    Attributes
    ----------
    account
        The account.
    unit
        Of what, such as ``"fen"``.
    amount
        Whole and not zero, of 64 bits; above zero is given to the account.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    account: LedgerAccount
    unit: str
    amount: int

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.account, LedgerAccount):
            raise InvalidInputError("account", self.account, "a LedgerAccount")
        require_unit(self.unit)
        require_whole("amount", self.amount, least=-INT64_MAX)
        if self.amount == 0:
            hint = "leave the posting out"
            raise InvalidInputError("amount", 0, "other than zero", hint)


@attrs.frozen
class Entry:
    """One thing that happened to the books (分录).

    Attributes
    ----------
    id
        Its name, unlike that of any other entry. The same id with the same content
        is the same entry.
    at
        When it happened, aware.
    postings
        At least two; at most one for an account and a unit; the sum is zero in each
        unit.
    because
        Why, for programs, such as ``"fund"``, ``"paid"`` or ``"reversal"``.
    ref
        What it is about: the number of a payout, the entry that it reverses, the
        campaign.
    note
        Why, for people; may be "".

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    id: str
    at: dt.datetime
    postings: tuple[Posting, ...]
    because: str
    ref: str
    note: str = ""

    def __attrs_post_init__(self) -> None:
        for name in ("id", "because", "ref"):
            require_id(name, getattr(self, name))
        micros("at", self.at)
        _require_postings(self.postings)
        if not isinstance(self.note, str):
            raise InvalidInputError("note", self.note, "a text")


def _require_postings(got: object) -> None:
    if not isinstance(got, tuple) or len(got) < _LEAST_POSTINGS:
        hint = "what one account is given, another one gives"
        raise InvalidInputError("postings", got, "a tuple of at least two", hint)
    sums: Counter[str] = Counter()
    seen = set()
    for row, posting in enumerate(got):
        if not isinstance(posting, Posting):
            raise InvalidInputError(f"postings[{row}]", posting, "a Posting")
        place = (posting.account, posting.unit)
        if place in seen:
            rule = "the only posting to its account in its unit"
            raise InvalidInputError(f"postings[{row}]", str(posting.account), rule)
        seen.add(place)
        sums[posting.unit] += posting.amount
    for unit, total in sums.items():
        if total:
            raise InvalidInputError("postings", total, f"zero in sum of {unit}")


@attrs.frozen
class Row:
    """One posting as a store keeps it, with its entry beside it (流水).

    Nothing is checked here: an audit reads rows as they are.

    Attributes
    ----------
    entry, because, ref
        The entry's id, its reason and what it is about.
    at
        Microseconds since 1970 in UTC.
    campaign, role, owner
        The account.
    unit, amount
        How much of what.
    """

    entry: str
    because: str
    ref: str
    at: int
    campaign: str
    role: Role
    owner: str
    unit: str
    amount: int

    @classmethod
    def of(cls, entry: Entry) -> tuple[Row, ...]:
        """Return the rows of an entry."""
        at = micros("at", entry.at)
        return tuple(
            cls(
                entry.id,
                entry.because,
                entry.ref,
                at,
                posting.account.campaign,
                posting.account.role,
                posting.account.owner,
                posting.unit,
                posting.amount,
            )
            for posting in entry.postings
        )


def transfer(
    source: LedgerAccount, target: LedgerAccount, unit: str, amount: int
) -> tuple[Posting, Posting]:
    """Return the two postings that move an amount from one account to another."""
    require_whole("amount", amount, least=1)
    return Posting(source, unit, -amount), Posting(target, unit, amount)


def fund(
    campaign: str,
    amount: int,
    at: dt.datetime,
    *,
    id: str,  # noqa: A002  the name that entries have
    unit: str = "fen",
    note: str = "",
) -> Entry:
    """Return the entry that gives a campaign its budget, or more of it.

    Parameters
    ----------
    campaign
        To which campaign.
    amount
        Whole, above zero.
    at
        When, aware.
    id
        The entry's name. Funding twice under one name is funding once.
    unit
        Of what.
    note
        Who did it and why.

    Returns
    -------
    Entry
        From the world to the budget.
    """
    world, budget = (
        LedgerAccount(campaign, role) for role in (Role.WORLD, Role.BUDGET)
    )
    return Entry(id, at, transfer(world, budget, unit, amount), FUND, campaign, note)


def move_funds(
    campaign: str,
    source: Role,
    target: Role,
    amount: int,
    at: dt.datetime,
    *,
    id: str,  # noqa: A002  the name that entries have
    note: str,
    unit: str = "fen",
) -> Entry:
    """Return the entry by which a person moves money that no payout holds (调账).

    Parameters
    ----------
    campaign
        Of which campaign.
    source, target
        From where to where: refunds go back to the budget, what is left of a budget
        to the world, and what stands in suspense is covered from any of the three.
    amount
        Whole, above zero.
    at
        When, aware.
    id
        The entry's name.
    note
        Who did it and why; not blank.
    unit
        Of what.

    Returns
    -------
    Entry
        Not posted yet.

    Raises
    ------
    InvalidInputError
        If nobody may move money that way, or nothing is noted.
    """
    if (source, target) not in _BY_HAND:
        shown = ", ".join(f"{one.name} to {other.name}" for one, other in _BY_HAND)
        raise InvalidInputError("source, target", (source, target), f"one of {shown}")
    _require_note(note)
    postings = transfer(
        LedgerAccount(campaign, source), LedgerAccount(campaign, target), unit, amount
    )
    return Entry(id, at, postings, MOVE, campaign, note)


def _require_note(got: object) -> None:
    if not isinstance(got, str) or not got.strip():
        raise InvalidInputError("note", got, "a sentence that says who and why")


def reverse(entry: Entry, at: dt.datetime, *, note: str) -> Entry:
    """Return the entry that undoes another one (冲正).

    Parameters
    ----------
    entry
        What to undo.
    at
        When, aware.
    note
        Who did it and why; not blank.

    Returns
    -------
    Entry
        The same postings the other way round. Its id follows from the id of the
        reversed entry, so that a book holds one reversal of it at most.

    Raises
    ------
    InvalidInputError
        If the entry is itself a reversal or a payout's, or nothing is noted.
    """
    require_reversible("entry", entry)
    _require_note(note)
    return Entry(
        reversal_id(entry.id), at, opposite(entry.postings), REVERSAL, entry.id, note
    )


def require_reversible(name: str, entry: Entry) -> None:
    """Raise unless an entry can be undone by another entry.

    Parameters
    ----------
    name
        The parameter's name.
    entry
        The entry.

    Raises
    ------
    InvalidInputError
        If it is a reversal, or belongs to a payout.
    """
    if entry.because == REVERSAL:
        hint = "post the original movement as a new entry"
        raise InvalidInputError(name, entry.id, "no reversal itself", hint)
    if entry.because in PAYOUT_REASONS:
        hint = "the payout's own events undo what it has posted"
        raise InvalidInputError(name, entry.id, "the entry of no payout", hint)


def reversal_id(entry: str) -> str:
    """Return the id of the reversal of an entry."""
    # Ids have at most 128 characters, so the long name cannot just be appended.
    return fingerprint("reversal", entry)


def opposite(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """Return postings the other way round."""
    return tuple(Posting(one.account, one.unit, -one.amount) for one in postings)
