"""Who looks like an abuser (薅羊毛风控), with a bound on false findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wxengage.campaigns.definitions import require_word
from wxengage.campaigns.guard.features import features_of, invites_of
from wxengage.campaigns.guard.laws import Crowds, Test, findings, pool_tails
from wxengage.campaigns.guard.policy import RiskPolicy
from wxengage.campaigns.guard.result import Risks
from wxengage.campaigns.referrals.campaign import Field, Referral
from wxengage.campaigns.sources import read_events
from wxengage.campaigns.states import require_campaign
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from wxengage.campaigns.guard.features import Features
    from wxengage.campaigns.sources import EventColumns

__all__ = ["risk"]


def risk(
    events: Any,
    *,
    as_of: dt.datetime,
    campaign: Referral | None = None,
    policy: RiskPolicy | None = None,
    device: str | None = None,
    tz: str | None = None,
    unit: str | None = None,
) -> Risks:
    """Say whose invites look like abuse, with the evidence.

    Parameters
    ----------
    events
        Any source that ``replay`` reads, with inviters. All events of the people
        count, not those of the campaign alone: whether somebody ever did anything.
    as_of
        The instant of asking, aware. Later events are left out.
    campaign
        Whose invites are looked at; None: all there are.
    policy
        What is suspicious. None: ``RiskPolicy()``.
    device
        The column that names a device or a subnet where the application knows one:
        account, item, channel or group. None: none does. Shorten IPv6 addresses to
        their first 64 bits.
    tz, unit
        Of times, as for ``read_log``.

    Returns
    -------
    Risks
        One row an inviter. ``hold``: one finding, payouts wait and it may clear up
        by itself. ``review``: several findings, or a circle of invites; a person
        should look. Nobody is ever banned by a number.

    Raises
    ------
    InvalidInputError
        If the source cannot be read, or a parameter breaks its rule.

    Notes
    -----
    Five tests. *burst*: the scan statistic of the inviter's own invites, in a time in
    which everybody's come evenly over the day. *left*, *inert*, *returned*, *shared*:
    how many of the invitees left, never did anything, followed again after leaving,
    or share a device, against the beta-binomial law of all who do not stand out.
    Friends in one group come together, too: a burst must stand out from everybody's
    bursts as well. Each test's tails are adjusted by Benjamini and Hochberg over the
    inviters that it can judge. Invites of people who were never seen before make
    trees; a circle of them says that somebody came twice.

    ``O(n log n)`` for ``n`` events.
    """
    if campaign is not None:
        require_campaign("campaign", campaign, Referral)
    if device is not None:
        require_word("device", device, Field)
    rules = policy if policy is not None else RiskPolicy()
    columns = read_events(events, tz=tz, unit=unit)
    now = micros("as_of", as_of)
    columns = columns.take(np.flatnonzero(columns.at <= now))
    span = _span(columns, campaign, now)
    name = None if campaign is None else campaign.id
    invites = invites_of(columns, name, span)
    found = features_of(columns, invites, rules, (span[0], now + 1), device)
    return _judged(columns, found, rules)


def _span(events: EventColumns, campaign: Referral | None, now: int) -> tuple[int, int]:
    """Return from when to when invites were possible."""
    if campaign is not None:
        closes = min(micros("closes", campaign.closes), now + 1)
        return micros("opens", campaign.opens), closes
    touched = events.at[events.inviter >= 0]
    first = int(touched.min()) if len(touched) else now
    return first, now + 1


def _judged(events: EventColumns, found: Features, policy: RiskPolicy) -> Risks:
    asked = found.invites >= policy.least_invites
    crowds = Crowds(found.invites, found.in_window, found.window)
    tests = {"burst": crowds.test(asked, policy)}
    for name, count, of in (
        ("left", found.left, found.watched),
        ("inert", found.inert, found.watched),
        ("returned", found.returned, found.watched),
        ("shared", found.shared, found.placed),
    ):
        tests[name] = Test(count, of, pool_tails(count, of, asked, policy))
    columns, order = findings(tests, asked, policy, proof=("circle", found.in_circle))
    table = {"verdict": columns.pop("verdict"), "signals": columns.pop("signals")}
    table |= {"invites": found.invites, **columns}
    return Risks(
        "inviter",
        events.ids.take(found.inviter[order]),
        {name: column[order] for name, column in table.items()},
        events.origin,
    )
