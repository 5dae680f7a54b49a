"""The article's plays for newcomers and for the dormant (新人与召回), as triggers.

The moves are the article's, chapter 1; the channels, the distances and the hours
are this library's choice, to be replaced by what your own experiments show.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from wxengage.claims.figures import DORMANT_AFTER
from wxengage.plan.scenes.scene import ACTIVE_KINDS, Followed, Silent
from wxengage.plan.scenes.trigger import Step, Trigger
from wxengage.segments.playbook import PLAYBOOK

__all__ = ["NEWCOMER", "RECALL"]

_DAY: Final = dt.timedelta(days=1)
_GIFT, _SIMPLER = (move.code for move in PLAYBOOK["potential"].moves)
_RECALL, _REMINDER = (move.code for move in PLAYBOOK["dormant"].moves)
# A follow by a QR code is a scan of the same second: the way in, not yet a deed.
_FIRST_DEEDS: Final = tuple(kind for kind in ACTIVE_KINDS if kind != "scan")

#: A newcomer gift while the follow still opens the customer message window, and
#: a simpler way to take part the next noon, until the user's first interaction.
#: Once in a lifetime: following again brings no second gift.
NEWCOMER: Final = Trigger(
    "newcomer",
    Followed(),
    (
        Step(
            _GIFT,
            "customer_message",
            grace=dt.timedelta(minutes=1),
            topic="newcomer",
            content="short",
        ),
        Step(
            _SIMPLER,
            "mass_send",
            after=_DAY / 2,
            at="12:00",
            topic="newcomer",
            content="short",
        ),
    ),
    unless=_FIRST_DEEDS,
    again="never",
)
#: A recall gift after the article's 30 days of silence, a reminder a week later,
#: both in the evening, until the user interacts or unfollows. Silence can come
#: again only after an interaction.
RECALL: Final = Trigger(
    "recall",
    Silent(DORMANT_AFTER),
    (
        Step(
            _RECALL,
            "wecom_customer_task",
            at="20:00",
            grace=3 * _DAY,
            topic="recall",
            content="deep",
        ),
        Step(
            _REMINDER,
            "subscribe_message",
            after=7 * _DAY,
            at="20:00",
            grace=3 * _DAY,
            topic="recall",
            content="short",
        ),
    ),
    unless=("unfollow",),
)
