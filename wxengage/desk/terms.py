"""On which terms a campaign pays (发放条件), beside its rules, which users see."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  the codec reads the annotations
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

import attrs

from wxengage.errors import InvalidInputError, nearest, require_id, require_whole
from wxengage.ledger.accounts import require_unit
from wxengage.ledger.funding import SpendLimit
from wxengage.times.zones import micros, span_micros

__all__ = ["CAMPAIGN_STATES", "CampaignState", "Pays", "Terms", "require_by"]

#: ``"open"``: events count. ``"paused"``: events count, and nothing is paid.
#: ``"closed"``: later events do not count; what was earned is paid.
CampaignState = Literal["open", "paused", "closed"]
CAMPAIGN_STATES: Final[tuple[str, ...]] = get_args(CampaignState)
Pays = Literal["at_once", "on_claim"]
_NONE: Final[Mapping[str, int]] = MappingProxyType({})


@attrs.frozen
class Terms:
    """On which terms a campaign pays (发放条件).

    Attributes
    ----------
    budget
        Unit -> what the campaign was given when it was published. Cash that no
        budget holds is not promised. A unit that is not cash and stands not here is
        not bounded.
    limits
        What else each payout has to fit in.
    pays
        ``"at_once"``: when a reward is granted. ``"on_claim"``: when the user claims
        it.
    claim_within
        With ``"on_claim"``: how long a reward waits for that, anew where the campaign
        was paused meanwhile; then ``tick`` calls it off. None: for ever.
    claw_back
        Whether a reward that was paid and is withdrawn becomes a debt, against which
        the user's next rewards are set off.
    closed_at
        When the campaign was closed before its time; None: it was not.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    budget: Mapping[str, int] = _NONE
    limits: tuple[SpendLimit, ...] = ()
    pays: Pays = "at_once"
    claim_within: dt.timedelta | None = None
    claw_back: bool = False
    closed_at: dt.datetime | None = None

    def __attrs_post_init__(self) -> None:
        budget: object = self.budget
        if not isinstance(budget, Mapping):
            hint = "for example {'fen': yuan('800')}"
            raise InvalidInputError("budget", budget, "amounts by unit", hint)
        for unit, amount in budget.items():
            require_unit(unit)
            require_whole(f"budget[{unit!r}]", amount, least=1)
        if not isinstance(self.limits, tuple):
            raise InvalidInputError("limits", self.limits, "a tuple of SpendLimit")
        seen = set()
        for row, limit in enumerate(self.limits):
            if not isinstance(limit, SpendLimit):
                raise InvalidInputError(f"limits[{row}]", limit, "a SpendLimit")
            if (limit.per, limit.unit, limit.only) in seen:
                raise InvalidInputError(f"limits[{row}]", limit, "there once")
            seen.add((limit.per, limit.unit, limit.only))
        if not isinstance(self.pays, str) or self.pays not in get_args(Pays):
            hint = nearest(self.pays, get_args(Pays))
            raise InvalidInputError("pays", self.pays, "a way to pay", hint)
        self._check_claims()

    def _check_claims(self) -> None:
        if not isinstance(self.claw_back, bool):
            raise InvalidInputError("claw_back", self.claw_back, "True or False")
        if self.closed_at is not None:
            micros("closed_at", self.closed_at)
        if self.claim_within is None:
            return
        span_micros("claim_within", self.claim_within)
        if self.pays != "on_claim":
            rule = "None where rewards are paid at once"
            raise InvalidInputError("claim_within", self.claim_within, rule)


# What no store keeps in a text: NUL, and halves of characters.
_BROKEN: Final = re.compile("[\x00\ud800-\udfff]")


def require_by(by: object, reason: object, name: str = "reason") -> None:
    """Raise unless it is told who decides something and why."""
    require_id("by", by)
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidInputError(name, reason, "a sentence that says why")
    if found := _BROKEN.search(reason):
        hint = f"take out U+{ord(found[0]):04X}"
        raise InvalidInputError(name, reason, "text that can be kept", hint)
