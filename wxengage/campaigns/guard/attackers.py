"""Simulated attackers in a simulated crowd (攻击模拟): a tool for testing the guard.

Nobody has a log in which the truth is known. Here it is: honest inviters who share
with friends and in groups, and attackers who bring identities that they own.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from wxengage.errors import InvalidInputError, require_id, require_whole
from wxengage.times.zones import MICROS_PER_DAY, span_micros

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

__all__ = ["ATTACKS", "Attack", "Crowd", "simulated_log"]

_OPENS: Final = 1_772_323_200_000_000  # 2026-03-01 in Shanghai
_HOUR: Final = 3_600_000_000
# Of the friends of somebody who posts in a group, so many come by that post.
_IN_GROUP: Final = 0.7
# How many of the day's visits come in each hour, roughly, from midnight on.
_BY_HOUR: Final = (
    *(2, 1, 1, 1, 1, 2, 4, 6, 8, 7, 6, 7),
    *(9, 7, 6, 6, 6, 7, 8, 10, 12, 12, 9, 5),
)


def _share(_: object, field: attrs.Attribute[Any], got: float) -> None:
    number = isinstance(got, (int, float)) and not isinstance(got, bool)
    if not (number and 0 <= got <= 1):
        raise InvalidInputError(field.name, got, "a share from 0 to 1")


@attrs.frozen
class Attack:
    """How an attacker behaves (攻击方式).

    Attributes
    ----------
    name
        Of the attack.
    within
        The identities come within so long.
    active
        The share of them that is made to do something.
    leaves
        The share that unfollows soon after.
    returns
        The share that had followed and left before, under the same id.
    one_device
        Whether they are on one device, or one subnet.
    """

    name: str
    within: dt.timedelta = attrs.field(kw_only=True)
    active: float = attrs.field(default=0.0, kw_only=True, validator=_share)
    leaves: float = attrs.field(default=0.0, kw_only=True, validator=_share)
    returns: float = attrs.field(default=0.0, kw_only=True, validator=_share)
    one_device: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_id("name", self.name)
        span_micros("within", self.within)


#: From the laziest to the most careful; the last one behaves like honest people.
ATTACKS: Final = (
    Attack("burst", within=dt.timedelta(minutes=5)),
    Attack("star", within=dt.timedelta(days=5)),
    Attack("leaver", within=dt.timedelta(days=5), active=0.6, leaves=0.9),
    Attack("recycled", within=dt.timedelta(days=5), active=0.6, returns=1.0),
    Attack("phone farm", within=dt.timedelta(days=5), active=0.6, one_device=True),
    Attack("slow drip", within=dt.timedelta(days=10), active=0.6, leaves=0.1),
)


@attrs.frozen
class Crowd:
    """Honest inviters (正常用户): how many, and how unlike each other they are.

    Attributes
    ----------
    inviters
        How many.
    days
        How long the campaign runs.
    mean
        Invites of each on average, at least one; a few bring many.
    group_share
        The share of inviters who post in a group: their friends come together.
    active, leaves, returns
        The mean share of invitees who do something within three days, who leave,
        and who had followed and left before.
    household
        The share of invitees who share a network with the inviter.
    alike
        How alike the friends of one inviter are to those of another: the beta laws of
        their shares weigh as much as so many people.
    """

    inviters: int = 2_000
    days: int = 14
    mean: float = 4.0
    group_share: float = attrs.field(default=0.3, validator=_share)
    active: float = attrs.field(default=0.6, validator=_share)
    leaves: float = attrs.field(default=0.1, validator=_share)
    returns: float = attrs.field(default=0.03, validator=_share)
    household: float = attrs.field(default=0.05, validator=_share)
    alike: float = 20.0

    def __attrs_post_init__(self) -> None:
        require_whole("inviters", self.inviters, least=1)
        require_whole("days", self.days, least=1)
        for name, least in (("mean", 1), ("alike", 0)):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (number and least < value < math.inf):
                raise InvalidInputError(name, value, f"a number above {least}")


class _Rows:
    """Rows of a log that grow, and the chance they come from."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.people = 0
        self._parts: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("user", "kind", "at", "inviter", "channel")
        }

    def born(self, size: int) -> NDArray[np.int64]:
        """Return the ids of new people."""
        self.people += size
        return np.arange(self.people - size, self.people)

    def add(
        self, kind: str, who: tuple[NDArray[np.int64], ...], *, invited: bool = False
    ) -> None:
        """Add an event of each of some people: user, inviter, instant, device."""
        user, inviter, at, device = (column.tolist() for column in who)
        told = {
            "user": [f"u{one}" for one in user],
            "kind": [kind] * len(user),
            "inviter": [f"u{one}" if invited else None for one in inviter],
            "channel": [f"d{one}" for one in device],
        }
        for name, values in told.items():
            self._parts[name].append(np.array(values, dtype=object))
        self._parts["at"].append(np.array(at, dtype=np.int64))

    def columns(self) -> dict[str, NDArray[Any]]:
        found = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        found["at"] = found["at"].astype(np.int64).view("datetime64[us]")
        return found


def simulated_log(
    attacks: tuple[tuple[Attack, int, int], ...],
    crowd: Crowd,
    rng: Generator,
) -> tuple[dict[str, NDArray[Any]], dict[str, tuple[str, ...]]]:
    """Return a log of a campaign in which the truth is known.

    Parameters
    ----------
    attacks
        How they attack, with how many identities each, and how many attackers.
    crowd
        The honest.
    rng
        Chance.

    Returns
    -------
    columns
        A log with the columns user, kind, at (UTC), inviter and channel, the device.
    truth
        Name of the attack -> ids of the attackers; ``"honest"`` -> all others.

    Notes
    -----
    Both sides come more in the evening than at night. An honest inviter's friends are
    unlike another's: shares are drawn from beta laws with the means that are given.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> log, truth = simulated_log(((ATTACKS[0], 6, 2),), Crowd(50), rng)
    >>> len(truth["honest"]), len(truth["burst"])
    (50, 2)
    """
    rows = _Rows(rng)
    truth = {"honest": _honest(rows, crowd)}
    for attack, fakes, attackers in attacks:
        require_whole("fakes", fakes, least=1)
        require_whole("attackers", attackers, least=1)
        truth[attack.name] = _attackers(rows, attack, fakes, attackers, crowd)
    return rows.columns(), truth


def _honest(rows: _Rows, crowd: Crowd) -> tuple[str, ...]:
    rng = rows.rng
    inviters = _inviters(rows, crowd.inviters)
    more = rng.negative_binomial(0.8, 0.8 / (0.8 + crowd.mean - 1), crowd.inviters)
    star = np.repeat(np.arange(crowd.inviters), 1 + more)
    invitee = rows.born(len(star))
    started = _instants(crowd.inviters, crowd.days, rng)
    spread = _instants(len(star), crowd.days, rng)
    grouped = rng.random(crowd.inviters) < crowd.group_share
    wait = (rng.exponential(0.5, len(star)) * _HOUR).astype(np.int64)
    in_group = grouped[star] & (rng.random(len(star)) < _IN_GROUP)
    alone = np.maximum(spread, started[star] + wait)
    at = np.where(in_group, started[star] + wait, alone)
    home = rng.random(len(star)) < crowd.household
    device = np.where(home, inviters[star], invitee)
    a = crowd.alike
    means = {"active": crowd.active, "leaves": crowd.leaves, "returns": crowd.returns}
    likely = {
        name: rng.beta(a * mean, a * (1 - mean), crowd.inviters)[star]
        for name, mean in means.items()
    }
    _lives(rows, (invitee, inviters[star], at, device), likely)
    return tuple(f"u{one}" for one in inviters.tolist())


def _attackers(
    rows: _Rows, attack: Attack, fakes: int, attackers: int, crowd: Crowd
) -> tuple[str, ...]:
    rng = rows.rng
    inviters = _inviters(rows, attackers)
    star = np.repeat(inviters, fakes)
    invitee = rows.born(len(star))
    within = span_micros("within", attack.within)
    if within < MICROS_PER_DAY:
        started = np.repeat(_instants(attackers, crowd.days, rng), fakes)
        at = started + (rng.random(len(star)) * within).astype(np.int64)
    else:
        at = _instants(len(star), min(within // MICROS_PER_DAY, crowd.days), rng)
    device = star if attack.one_device else invitee
    shares = {"active": attack.active, "leaves": attack.leaves}
    shares["returns"] = attack.returns
    likely = {name: np.full(len(star), share) for name, share in shares.items()}
    _lives(rows, (invitee, star, at, device), likely)
    return tuple(f"u{one}" for one in inviters.tolist())


def _inviters(rows: _Rows, size: int) -> NDArray[np.int64]:
    """Return the ids of new inviters, who followed before the campaign."""
    inviters = rows.born(size)
    at = np.full(size, _OPENS - MICROS_PER_DAY)
    rows.add("follow", (inviters, inviters, at, inviters))
    return inviters


def _instants(size: int, days: int, rng: Generator) -> NDArray[np.int64]:
    """Return instants over some days, by the hours in which people come."""
    weight = np.array(_BY_HOUR, dtype=np.float64)
    hour = rng.choice(len(weight), size=size, p=weight / weight.sum())
    day = rng.integers(0, max(days, 1), size)
    into = (rng.random(size) * _HOUR).astype(np.int64)
    return np.asarray(_OPENS + day * MICROS_PER_DAY + hour * _HOUR + into)


def _lives(
    rows: _Rows,
    who: tuple[NDArray[np.int64], ...],
    likely: dict[str, NDArray[np.float64]],
) -> None:
    """Add what invitees do: come, perhaps do something, perhaps leave."""
    rng, size = rows.rng, len(who[0])
    invitee, inviter, at, device = who

    def some(chosen: NDArray[np.bool_], moved: Any) -> tuple[NDArray[np.int64], ...]:
        when = at + moved
        return invitee[chosen], inviter[chosen], when[chosen], device[chosen]

    again = rng.random(size) < likely["returns"]
    rows.add("follow", some(again, -40 * MICROS_PER_DAY))
    rows.add("unfollow", some(again, -30 * MICROS_PER_DAY))
    everybody = np.ones(size, dtype=np.bool_)
    rows.add("scan", some(everybody, 0), invited=True)
    rows.add("follow", some(everybody, 5_000_000), invited=True)
    for kind, name in (("read", "active"), ("unfollow", "leaves")):
        does = rng.random(size) < likely[name]
        later = (rng.random(size) * 2 * MICROS_PER_DAY).astype(np.int64)
        rows.add(kind, some(does, 10_000_000 + later))
