"""Who looks like an abuser (薅羊毛风控), with a bound on false findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from wxengage.campaigns.definitions import require_word
from wxengage.campaigns.guard.features import features_of, invites_of
from wxengage.campaigns.guard.policy import RiskPolicy
from wxengage.campaigns.guard.result import VERDICTS, Risks
from wxengage.campaigns.referrals.campaign import Field, Referral
from wxengage.campaigns.sources import read_events
from wxengage.campaigns.states import require_campaign
from wxengage.stats.scan import burst_probabilities
from wxengage.stats.shrinkage import fit_beta_binomial
from wxengage.stats.tails import adjusted, beta_binomial_tail
from wxengage.times.zones import micros

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from wxengage.campaigns.guard.features import Features
    from wxengage.campaigns.sources import EventColumns

__all__ = ["risk"]

# Before anything is seen: one of two did, by two observations.
_PRIOR: Final = (1.0, 1.0)
# So often everybody's law is found anew.
_ROUNDS: Final = 10


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
    pairs = {
        "left": (found.left, found.watched),
        "inert": (found.inert, found.watched),
        "returned": (found.returned, found.watched),
        "shared": (found.shared, found.placed),
    }
    tests = {"burst": (found.in_window, found.invites, _bursts(found, asked, policy))}
    for name, (count, of) in pairs.items():
        tests[name] = (count, of, _tails(count, of, asked, policy))
    table: dict[str, NDArray[Any]] = {"invites": found.invites}
    signals = np.full(len(found.inviter), "", dtype=object)
    findings = np.zeros(len(found.inviter), dtype=np.int64)
    surest = np.ones(len(found.inviter))
    for name, (count, of, tail) in tests.items():
        rows = asked & (of > 0)
        q = np.ones(len(tail))
        q[rows] = adjusted(tail[rows])
        flagged = rows & (q <= policy.false_share)
        signals[flagged] += f" {name}"
        findings += flagged
        surest = np.minimum(surest, q)
        table |= {f"{name}_count": count, f"{name}_of": of}
        table |= {f"{name}_tail": tail, f"{name}_q": q}
    signals[found.in_circle] += " circle"
    verdict = (findings > 0).astype(np.int64)
    verdict[(findings >= policy.review_at) | found.in_circle] = 2
    words = [told.strip() for told in signals.tolist()]
    order = np.lexsort((found.inviter, surest, -verdict))
    columns = {
        "verdict": np.array(VERDICTS, dtype=object)[verdict],
        "signals": np.array([*words, ""], dtype=object)[:-1],
        **table,
    }
    return Risks(
        events.ids.take(found.inviter[order]),
        {name: column[order] for name, column in columns.items()},
        events.origin,
    )


def _bursts(
    found: Features, asked: NDArray[np.bool_], policy: RiskPolicy
) -> NDArray[np.float64]:
    """Return how probable bursts are, by chance and for somebody like everybody else.

    The larger of both tails: friends in a group come together, too.

    Returns
    -------
    numpy.ndarray
        Shape ``(inviters,)``.
    """
    crowded = np.maximum(found.in_window - 1, 0)
    tails = _tails(crowded, np.maximum(found.invites - 1, 0), asked, policy)
    if asked.any():
        chance = burst_probabilities(
            found.invites[asked], found.in_window[asked], found.window
        )
        tails[asked] = np.maximum(tails[asked], chance)
    return tails


def _tails(
    count: NDArray[np.int64],
    of: NDArray[np.int64],
    asked: NDArray[np.bool_],
    policy: RiskPolicy,
) -> NDArray[np.float64]:
    """Return how probable counts are for somebody who is like everybody else.

    A few who do it always would make everybody's law so wide that nothing stands out.
    So the law begins with those who are near the mean, and takes in who is not far
    from it, round by round.

    Returns
    -------
    numpy.ndarray
        Shape ``(inviters,)``.
    """
    tails = np.ones(len(count))
    rows = np.flatnonzero(asked & (of > 0))
    if not len(rows):
        return tails
    some = of > 0
    mean = float((count[some] / of[some]).mean())
    near = beta_binomial_tail(count[some], of[some], mean, None) > policy.false_share
    pool = np.flatnonzero(some)[near]
    for _ in range(_ROUNDS):
        fit = fit_beta_binomial(count[pool], of[pool], prior=_PRIOR)
        tails[rows] = beta_binomial_tail(count[rows], of[rows], fit.mean, fit.kappa)
        out = np.zeros(len(count), dtype=np.bool_)
        out[rows] = adjusted(tails[rows]) <= policy.false_share
        wider = np.flatnonzero(some & ~out)
        if np.array_equal(wider, pool):
            break
        pool = wider
    return tails
