"""Who is ahead in a campaign (排行榜), from its subjects or from a replay of events.

Equals are told apart as the campaign's own results do: by who got there first, and
then by name. A challenge has no such rule, and equals share a rank there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs
import numpy as np

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.checkins.risks import progress_of
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.contests.subjects import Submission
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.referrals.invites import Status
from wxengage.campaigns.referrals.judging import Book
from wxengage.codec.envelope import load
from wxengage.errors import InvalidInputError
from wxengage.ledger.records import ERASED
from wxengage.log.frames import ARRAYS, give
from wxengage.tables import html_table, text_table
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from wxengage.campaigns.referrals.people import Participant
    from wxengage.campaigns.standings import Standings
    from wxengage.desk.unit import Unit

__all__ = ["Leaderboard", "Place", "replayed_order", "subject_order", "subjects_of"]

_PAGE: Final = 2_000
# An invite began to count for the last time when it came to one of these.
_BEGINS: Final = frozenset({Status.QUALIFIED, Status.RESTORED})


@attrs.frozen
class Place:
    """One line of a leaderboard (名次).

    Attributes
    ----------
    rank
        From 1.
    user
        Who; None where the name is not for others to see: staff, and people whose
        data were erased.
    score
        Valid invites, votes, or the longest streak in days.
    entry
        Which entry, in a contest; None elsewhere.
    """

    rank: int
    user: str | None
    score: int
    entry: str | None = None


@attrs.frozen(repr=False)
class Leaderboard:
    """Who is ahead (排行榜); prints as a table.

    Attributes
    ----------
    campaign
        Id of the campaign.
    places
        The best first.
    """

    campaign: str
    places: tuple[Place, ...]

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the places as arrays: rank, user, score and entry."""
        return {
            "rank": np.array([one.rank for one in self.places], dtype=np.int64),
            "user": np.array([one.user for one in self.places], dtype=object),
            "score": np.array([one.score for one in self.places], dtype=np.int64),
            "entry": np.array([one.entry for one in self.places], dtype=object),
        }

    def to_frame(self, like: object = None) -> Any:
        """Return the places as a frame.

        Parameters
        ----------
        like
            A frame, or the name of a kind of frame; None: a dict of arrays.

        Returns
        -------
        object
            A frame of that kind.
        """
        return give(self.columns(), ARRAYS, like)

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        return f"<Leaderboard of {self.campaign!r}: {len(self)} places>"

    def __str__(self) -> str:
        return text_table(self.columns())

    def _repr_html_(self) -> str:
        return html_table(self.columns())

    @classmethod
    def of(
        cls, campaign: Any, ordered: Iterable[Scored], top: int, staff: Collection[str]
    ) -> Leaderboard:
        """Return the first places of an order.

        Parameters
        ----------
        campaign
            The definition.
        ordered
            Who has what, the best first.
        top
            How many places.
        staff
            Whose names are hidden.

        Returns
        -------
        Leaderboard
            Those hidden keep their places.
        """
        places: list[Place] = []
        before, rank = None, 0
        shares = isinstance(campaign, CheckIn)
        for number, one in enumerate(ordered, start=1):
            if number > top:
                break
            rank = rank if shares and one.equal == before else number
            before = one.equal
            hidden = one.user in staff or one.user.startswith(ERASED)
            user = None if hidden else one.user
            places.append(Place(rank, user, one.score, one.entry))
        return cls(campaign.id, tuple(places))


class Scored(NamedTuple):
    """Somebody and what they have; ``equal`` is the same for those who are equals."""

    user: str
    score: int
    equal: tuple[int, ...] = ()
    entry: str | None = None


def subjects_of(unit: Unit, campaign: str) -> Iterator[tuple[str, Any]]:
    """Yield the subjects of a campaign by key."""
    after = campaign, ""
    while rows := unit.tx.walk("subject", after=after, limit=_PAGE):
        for row in rows:
            if row[0] != campaign:
                return
            yield str(row[1]), load(str(row[2]))
        after = campaign, str(rows[-1][1])


def subject_order(unit: Unit, campaign: Any, now: dt.datetime) -> list[Scored]:
    """Return who has what in a campaign now, the best first.

    Parameters
    ----------
    unit
        The transaction's rows.
    campaign
        The definition.
    now
        The instant.

    Returns
    -------
    list of Scored
        Of those who have anything.

    Raises
    ------
    InvalidInputError
        If nobody can be ahead in a campaign of its type.
    """
    found = dict(subjects_of(unit, _ranked(campaign).id))
    if isinstance(campaign, Referral):
        return _by_invites(campaign, found)
    if isinstance(campaign, Contest):
        entries = [one for one in found.values() if isinstance(one, Submission)]
        entries.sort(key=_by_votes)
        return [Scored(one.author, one.votes, entry=one.entry) for one in entries]
    return _by_streak(
        Scored(user, progress.longest, (progress.longest, progress.days))
        for user, one in found.items()
        if (progress := progress_of(one, campaign, now)).days
    )


def _ranked(campaign: Any) -> Any:
    if not isinstance(campaign, Referral | CheckIn | Contest):
        rule = "a Referral, a CheckIn or a Contest"
        hint = "nobody is ahead where everybody gets the same"
        raise InvalidInputError("campaign", type(campaign).__name__, rule, hint)
    return campaign


def _by_votes(entry: Submission) -> tuple[int, int, str]:
    return -entry.votes, micros("submitted_at", entry.submitted_at), entry.entry


def _by_streak(scored: Iterable[Scored]) -> list[Scored]:
    def order(one: Scored) -> tuple[Any, ...]:
        return *(-number for number in one.equal), one.user

    return sorted(scored, key=order)


def _by_invites(campaign: Referral, people: Mapping[str, Participant]) -> list[Scored]:
    book, reached = Book(campaign, people), dict[str, int]()
    for key, person in people.items():
        if person.clock is None:
            continue
        clock = micros("clock", person.clock)
        standing = book.invites(key)
        for claim in book.claims(key):
            if not standing[claim.inviter].counts:
                continue
            moments = book.moments(key, claim, clock)
            began = max(one.at for one in moments if one.status in _BEGINS)
            reached[claim.inviter] = max(began, reached.get(claim.inviter, began))
    ahead = [(key, one.counts) for key, one in people.items() if one.counts]
    ahead.sort(key=lambda one: (-one[1], reached.get(one[0], 0), one[0]))
    return [Scored(key, counts) for key, counts in ahead]


def replayed_order(campaign: Any, standings: Standings) -> list[Scored]:
    """Return who had what in a campaign at an instant, the best first.

    Parameters
    ----------
    campaign
        The definition.
    standings
        Of a replay until then.

    Returns
    -------
    list of Scored
        The order of ``subject_order``, had it been asked then.
    """
    if isinstance(_ranked(campaign), Referral):
        table = standings.columns("leaderboard")
        pairs = zip(table["user"].tolist(), table["counts"].tolist(), strict=True)
        return [Scored(user, counts) for user, counts in pairs]
    if isinstance(campaign, Contest):
        table = standings.columns("entries")
        rows = zip(
            *(table[name].tolist() for name in ("author", "votes", "entry")),
            strict=True,
        )
        return [Scored(author, votes, entry=entry) for author, votes, entry in rows]
    table = standings.columns("users")
    rows = zip(
        *(table[name].tolist() for name in ("user", "longest", "days")), strict=True
    )
    return _by_streak(
        Scored(user, longest, (longest, days)) for user, longest, days in rows
    )
