"""Whether an attack pays (攻击收益): what is caught, what is paid, what is left."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from wxengage.campaigns.guard.attackers import ATTACKS, Attack, Crowd, simulated_log
from wxengage.campaigns.guard.scoring import risk
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.campaigns.replaying import replay
from wxengage.campaigns.states import require_campaign
from wxengage.errors import InvalidInputError, require_whole
from wxengage.tables import aligned, html_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from wxengage.campaigns.guard.policy import RiskPolicy
    from wxengage.money import Fen

__all__ = ["Profits", "attack_profits"]


@attrs.frozen(eq=False, repr=False)
class Profits:
    """What attacks bring (攻击收益); prints as a table in yuan.

    Attributes
    ----------
    table
        Column -> values, a row for each attack and number of identities: attack;
        fakes, the identities of one attacker; caught, the share of attackers that do
        not pass; owed, the mean reward of an attacker by the campaign's own rules, in
        fen; paid, that of those who pass; profit, what is left of it after the
        identities are paid for; break_even, the price of an identity above which
        nothing is left.
    honest
        The share of honest inviters that do not pass, on average over all rows.
    """

    table: dict[str, NDArray[Any]]
    honest: float

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the table as numpy arrays, amounts in fen."""
        return dict(self.table)

    def __repr__(self) -> str:
        attacks = set(self.table["attack"].tolist())
        return f"<Profits of {len(attacks)} attacks>"

    def __str__(self) -> str:
        lines = [list(self.table)]
        for row in zip(
            *(column.tolist() for column in self.table.values()), strict=True
        ):
            attack, fakes, caught, *fen = row
            money = [f"{amount / 100:.2f}" for amount in fen]
            lines.append([attack, f"{fakes}", f"{caught:.0%}", *money])
        return aligned(lines)

    def _repr_html_(self) -> str:
        return html_table(self.table)


def attack_profits(
    referral: Referral,
    *,
    fakes: Sequence[int],
    identity_cost: Fen,
    rng: Generator,
    attacks: Sequence[Attack] = ATTACKS,
    attackers: int = 20,
    crowd: Crowd | None = None,
    policy: RiskPolicy | None = None,
    devices: bool = True,
) -> Profits:
    """Say what simulated attacks on a campaign would bring.

    Parameters
    ----------
    referral
        The campaign, whose rules decide what an attacker is owed before anybody
        looks: who is new, how long they must stay. Its times are moved to those of
        the simulation.
    fakes
        How many identities an attacker has; each number is tried.
    identity_cost
        What one costs, in fen: your guess, not ours.
    rng
        Chance.
    attacks
        How they attack, each by itself.
    attackers
        How many attackers there are at a time.
    crowd
        The honest. None: ``Crowd()``.
    policy
        What is suspicious. None: ``RiskPolicy()``.
    devices
        Whether the guard is told the devices.

    Returns
    -------
    Profits
        Whoever does not pass is taken to be paid nothing.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule.
    """
    require_campaign("referral", referral, Referral)
    cost = require_whole("identity_cost", identity_cost)
    require_whole("attackers", attackers, least=1)
    people = crowd if crowd is not None else Crowd()
    rows: list[dict[str, Any]] = []
    honest = []
    if not attacks or not fakes:
        raise InvalidInputError("attacks, fakes", (attacks, fakes), "one or more each")
    for attack in attacks:
        for size in fakes:
            if not isinstance(attack, Attack):
                raise InvalidInputError("attacks", attack, "Attacks")
            log, truth = simulated_log(((attack, size, attackers),), people, rng)
            passed, owed = _outcome(log, referral, people, policy, devices=devices)
            mine = truth[attack.name]
            paid = np.array([owed.get(one, 0) * (one in passed) for one in mine])
            rows.append(
                {
                    "attack": attack.name,
                    "fakes": size,
                    "caught": 1 - sum(one in passed for one in mine) / attackers,
                    "owed": sum(owed.get(one, 0) for one in mine) / attackers,
                    "paid": float(paid.mean()),
                    "profit": float(paid.mean()) - size * cost,
                    "break_even": float(paid.mean()) / size,
                }
            )
            free = sum(one in passed for one in truth["honest"])
            honest.append(1 - free / people.inviters)
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns["attack"] = columns["attack"].astype(object)
    return Profits(columns, float(np.mean(honest)))


def _outcome(
    log: dict[str, NDArray[Any]],
    referral: Referral,
    crowd: Crowd,
    policy: RiskPolicy | None,
    *,
    devices: bool,
) -> tuple[set[str], dict[str, int]]:
    """Return who passes, and what everybody is owed before anybody looks."""
    first = log["at"][log["kind"] == "scan"].min()
    opens = first.astype("datetime64[D]").astype(object)
    start = dt.datetime(opens.year, opens.month, opens.day, tzinfo=dt.UTC)
    closes = start + dt.timedelta(days=crowd.days + 2)
    moved = attrs.evolve(referral, opens=start, closes=closes)
    as_of = closes + referral.hold + dt.timedelta(days=7)
    column = "channel" if devices else None
    found = risk(log, as_of=as_of, campaign=moved, policy=policy, device=column)
    verdicts = found.columns()
    passed = set(verdicts["inviter"][verdicts["verdict"] == "pass"].tolist())
    users = replay(moved, log, as_of=as_of).columns("users")
    return passed, dict(zip(users["user"].tolist(), users["fen"].tolist(), strict=True))
