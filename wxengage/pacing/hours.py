"""Send times learned from the log (最佳发送时间): at which hour each user opens.

A user's own most frequent hour is a bad guess as long as there are few openings:
chance chooses it. So each user's hours are mixed with everybody's, and everybody's
with the golden windows. How much each weighs is learned from the log itself: own
hours count for much where users differ, and for little where they are alike.

Where deliveries are known, an hour's odds are its *open rate*, openings over
deliveries: who is written to at 20:00 only, opens at 20:00 only. Where none are
known they are the hour's *share* of all openings.
"""

from __future__ import annotations

import datetime as dt
import html
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, nearest, require_whole
from wxengage.log.frames import columns_of, give
from wxengage.pacing.hour_model import (
    MEASURES,
    HourModel,
    belief,
    rates_learned,
    require_weight,
    shares_learned,
)
from wxengage.pacing.opens import HOURS, opens_of
from wxengage.pacing.windows import GOLDEN_WINDOWS
from wxengage.tables import html_table, text_table
from wxengage.times.days import DayClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from wxengage.log.frames import Ids
    from wxengage.log.table import Log
    from wxengage.pacing.hour_model import Measure
    from wxengage.pacing.opens import Counts, Opens
    from wxengage.pacing.windows import Window

__all__ = ["SendTimes", "send_time"]

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

# Users whose odds are worked out at a time.
_BLOCK: Final = 1 << 16


@attrs.frozen(eq=False, repr=False)
class SendTimes:
    """The best hours of each user; unpacks as ``frame, model = ...``.

    Attributes
    ----------
    frame
        As the log came: ``user``, ``hour`` from 0 to 23, ``odds``; the best hour
        first, ``top`` rows a user.
    model
        Everybody's hours, which score another log and can be kept with ``dump``.
    """

    frame: Any
    model: HourModel
    _ids: Ids
    _own: Counts
    _sent: Counts | None

    @property
    def users(self) -> NDArray[Any]:
        """Ids, ascending: the rows of the matrix. Shape ``(n,)``."""
        return self._ids.numpy()

    def matrix(self) -> tuple[NDArray[Any], Floats]:
        """Return the odds of every user at every hour.

        Returns
        -------
        users
            Ids, ascending. Shape ``(n,)``.
        odds
            Shape ``(n, 24)``.
        """
        odds = np.empty((len(self._ids), HOURS))
        for rows, block in _blocks(self.model, self._own, self._sent):
            odds[rows] = block
        return self.users, odds

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.frame, self.model))

    def __repr__(self) -> str:
        return f"<SendTimes of {len(self):,} users: {self.model}>"

    def __str__(self) -> str:
        return text_table(columns_of(self.frame) or {})

    def _repr_html_(self) -> str:
        return html_table(columns_of(self.frame) or {}) + html.escape(str(self.model))


def send_time(
    log: Log,
    as_of: dt.datetime,
    *,
    top: int = 1,
    measure: Measure | None = None,
    model: HourModel | None = None,
    window: dt.timedelta = dt.timedelta(days=90),
    answer_within: dt.timedelta = dt.timedelta(hours=24),
    windows: tuple[Window, ...] = GOLDEN_WINDOWS["wechat"],
    prior: float = 100.0,
    clock: DayClock = DayClock(),
) -> SendTimes:
    """Say at which local hour each user opens messages.

    Parameters
    ----------
    log
        What users did. Openings are ``open``, ``read`` and ``click``; deliveries
        are ``deliver``.
    as_of
        The instant to judge at, aware; later events are left out.
    top
        How many hours of each user are listed, from 1 to 24.
    measure
        ``"open_rate"``: openings over deliveries, by the hour of the delivery.
        ``"open_share"``: share of the openings, by their own hour. None: the rate
        where the log has a delivery that counts, else the share.
    model
        Everybody's hours, of an earlier answer or another log; without one they are
        learned from this log. It says what is measured.
    window
        How far to look back. Whole days are local days ending with as_of's.
    answer_within
        An opening answers the last delivery to that user if it comes less than this
        after it. A delivery counts once that time is over, so that what was sent an
        hour ago is not taken for unread.
    windows
        When people are believed to look at their phones, before any data.
    prior
        How many openings (deliveries, for a rate) this belief weighs, above 0.
    clock
        Whose hours: 20 is 20:00 to before 21:00 on the wall clock of its zone.

    Returns
    -------
    SendTimes
        ``frame, model = send_time(...)`` and ``.matrix()``, of all users with an
        event by ``as_of``, ascending by id: who never opened anything has
        everybody's hours, and these are the windows' where nobody did. Of equally
        good hours the one nearest to a window comes first, then the earlier one.
        An engine's log is collected first, and the frame is a PyArrow table.

    Raises
    ------
    InvalidInputError
        If ``top`` is not from 1 to 24, ``prior`` not above 0, there are no windows,
        ``measure`` is unknown or not the model's, or ``as_of`` is naive.

    Notes
    -----
    Empirical Bayes. For shares a Dirichlet-multinomial is fitted; for rates a
    beta-binomial for each hour, and the two weights of ``HourModel`` after it; each
    with the windows as prior, on at most 20,000 users evenly spaced by id. Counting
    is ``O(n log n)`` in the events, scoring ``O(users)``.

    Openings of one user in the same hour of the same day are one; several openings
    of one delivery, too. A rate is of those who were written to at that hour: if
    20:00 was kept for the best customers, it looks good because of them. Send a
    share of the messages at hours drawn by lot.

    Examples
    --------
    >>> from wxengage.log import read_log
    >>> day = 86_400
    >>> log = read_log(
    ...     {
    ...         "user": ["ann"] * 20 + ["bo"],
    ...         "kind": ["open"] * 20 + ["like"],
    ...         "at": [*(day * i + 23 * 3_600 for i in range(20)), 0],
    ...     },
    ...     unit="s",
    ... )
    >>> as_of = dt.datetime(1970, 2, 1, tzinfo=dt.timezone.utc)
    >>> times = send_time(log, as_of, clock=DayClock("UTC"))
    >>> print(times)
    user  hour    odds
    ann     23  0.9832
    bo       8  0.1196
    """
    if require_whole("top", top, least=1) > HOURS:
        raise InvalidInputError("top", top, "from 1 to 24")
    require_weight("prior", prior)
    guess, order = belief(windows)
    if not isinstance(model, HourModel | None):
        raise InvalidInputError("model", model, "an HourModel", "of an earlier answer")
    log = log.collect()
    opens = opens_of(log, as_of, window, answer_within, clock)
    if _measured(measure, model, opens) == "open_rate":
        own, sent = opens.answered, opens.deliveries
        model = model or rates_learned(own, sent, guess, prior)
    else:
        own, sent = opens.openings, None
        model = model or shares_learned(own, guess, prior)
    users = len(own)
    hours, odds = np.empty((users, top), dtype=np.int64), np.empty((users, top))
    for rows, block in _blocks(model, own, sent):
        # A stable sort of the hours in the order in which ties are decided.
        best = order[np.argsort(-block[:, order], axis=1, kind="stable")[:, :top]]
        hours[rows], odds[rows] = best, np.take_along_axis(block, best, axis=1)
    columns: dict[str, Any] = {
        "user": log.ids.take(np.repeat(opens.codes, top)),
        "hour": hours.ravel(),
        "odds": odds.ravel(),
    }
    frame = give(columns, log.origin)
    return SendTimes(frame, model, log.ids.take(opens.codes), own, sent)


def _measured(measure: str | None, model: HourModel | None, opens: Opens) -> str:
    """Return what is measured, by the model, by wish, or by what the log knows."""
    if model is not None:
        if measure not in {None, model.measure}:
            raise InvalidInputError("measure", measure, f"the model's, {model.measure}")
        return model.measure
    if measure is None:
        return "open_rate" if opens.deliveries.any() else "open_share"
    if measure not in MEASURES:
        hint = nearest(measure, MEASURES)
        raise InvalidInputError("measure", measure, "a measure", hint)
    return measure


def _blocks(
    model: HourModel, own: Counts, sent: Counts | None
) -> Iterator[tuple[slice, Floats]]:
    """Yield the odds of some users after another."""
    for low in range(0, len(own), _BLOCK):
        rows = slice(low, low + _BLOCK)
        yield rows, model.odds(own[rows], None if sent is None else sent[rows])
