"""Looking at what a desk knows (查询与导出): nothing here changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from wxengage.desk.base import Base
from wxengage.desk.exporting import Exported, exported
from wxengage.desk.leaderboards import Leaderboard, replayed_order, subject_order
from wxengage.desk.progressing import Progress, progress_in
from wxengage.desk.replays import events_until, replayed
from wxengage.desk.running import require_published
from wxengage.errors import require_id, require_several, require_whole
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection

    from numpy.typing import NDArray

    from wxengage.campaigns.standings import Standings
    from wxengage.desk.unit import Unit

__all__ = ["Showing"]


class Showing(Base):
    """The counter with the windows."""

    def progress(
        self,
        user: str,
        campaign: str | None = None,
        *,
        now: dt.datetime | None = None,
    ) -> Progress:
        """Return how far somebody has come, what is owed, and what is missing.

        Parameters
        ----------
        user
            Who.
        campaign
            Id of one campaign; None: all in which the user has done anything.
        now
            The instant, aware; None for the store's clock.

        Returns
        -------
        Progress
            Prints in Chinese; ``explain("en")`` in English.

        Raises
        ------
        InvalidInputError
            If the user is no id, or there is no such campaign.
        """
        require_id("user", user)
        at = self._instant(now)

        def work(unit: Unit) -> Progress:
            if campaign is not None:
                require_published(unit, campaign)
            return progress_in(unit, user, campaign, at)

        return self._do(work, write=False)

    def leaderboard(
        self,
        campaign: str,
        *,
        top: int = 10,
        at: dt.datetime | None = None,
        staff: Collection[str] = (),
    ) -> Leaderboard:
        """Return who is ahead (排行榜).

        Parameters
        ----------
        campaign
            Id of a referral, a challenge or a contest.
        top
            How many places.
        at
            As of when, aware: the events until then are replayed. None: now.
        staff
            Users whose names are hidden, as are those of erased people; they keep
            their places.

        Returns
        -------
        Leaderboard
            By valid invites, by votes, or by the longest streak.

        Raises
        ------
        InvalidInputError
            If there is no such campaign, or nobody can be ahead in it.

        Notes
        -----
        Reads every subject of the campaign: keep the answer for a minute where many
        people look.
        """
        require_whole("top", top, least=1)
        hidden = require_several("staff", staff, "several users")
        instant = self._instant(at)

        def work(unit: Unit) -> Leaderboard:
            one = require_published(unit, campaign)
            if at is None:
                ordered = subject_order(unit, one.campaign, instant)
            else:
                found = replayed(unit, one, instant)
                ordered = replayed_order(one.campaign, found)
            return Leaderboard.of(one.campaign, ordered, top, hidden)

        return self._do(work, write=False)

    def replay(
        self, campaign: str, *, as_of: dt.datetime, rules: Any = None
    ) -> Standings:
        """Work out where everybody stands, from the events alone (重算).

        Parameters
        ----------
        campaign
            Its id.
        as_of
            Up to when, aware.
        rules
            Another definition of the campaign: what if it had been so? None: its
            own.

        Returns
        -------
        Standings
            As ``campaigns.replay`` gives them, and with one more table,
            ``difference``: each reward of which that is more or less than was
            granted. The books are not touched.

        Raises
        ------
        InvalidInputError
            If there is no such campaign, or the other definition has another id.

        Notes
        -----
        Old events that ``forget_before`` took out are not replayed. Results of a
        contest that somebody amended differ from what votes say. Of a gift of which
        there are so many, those have it who came first; of several that were told
        late, or at one instant, a replay may find others.
        """
        micros("as_of", as_of)
        return self._do(
            lambda unit: replayed(
                unit, require_published(unit, campaign), as_of, rules
            ),
            write=False,
        )

    @overload
    def export(self, name: str, *, like: None = None) -> Exported: ...

    @overload
    def export(self, name: str, *, like: object) -> Any: ...

    def export(self, name: str, *, like: object = None) -> Any:
        """Return a table of all that the store holds.

        Parameters
        ----------
        name
            ``"events"``, ``"invites"``, ``"payouts"``, ``"postings"``, ``"facts"``,
            ``"letters"`` or ``"decisions"``.
        like
            A frame, or the name of a kind of frame: then such a frame is returned.

        Returns
        -------
        Exported or frame
            A table that prints, gives frames and writes CSV.

        Raises
        ------
        InvalidInputError
            If there is no such table, or ``like`` is no frame.
        """
        found = self._do(lambda unit: exported(unit, name), write=False)
        return found if like is None else found.to_frame(like)

    def to_log_source(self) -> dict[str, NDArray[Any]]:
        """Return the events as ``read_log`` and ``replay`` take them.

        Returns
        -------
        dict
            Column -> array, by time: ``read_log(desk)`` reads what was recorded.
        """
        return self._do(events_until, write=False)
