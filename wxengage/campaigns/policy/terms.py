"""What a campaign gives for what, and how much cash one person may get (活动条款).

The rules speak of what people must do and of what they are paid. Each type of
campaign says so in its own fields; here they are told in one way.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from wxengage.campaigns.checkins.campaign import CheckIn
from wxengage.campaigns.contests.campaign import Contest
from wxengage.campaigns.gifts.campaign import Gift
from wxengage.campaigns.referrals.campaign import Referral
from wxengage.errors import InvalidInputError
from wxengage.money import Cash, Coupon, Points, Reward, format_yuan
from wxengage.times.days import DayClock
from wxengage.times.zones import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wxengage.campaigns.ladder import Ladder
    from wxengage.campaigns.policy.launch import Launch
    from wxengage.money import Fen

__all__ = ["Incentive", "Payment", "Terms", "reward_text", "terms_of"]


class Incentive(NamedTuple):
    """Something is had for doing something.

    Attributes
    ----------
    act
        What somebody does, as in ``Ask``.
    gives
        What is had: ``"reward"``, or a ``Gain``.
    field
        Where the campaign or the launch says so.
    evidence
        In its words.
    direct
        Whether it is given for the act itself. False: the inviter of that person is
        rewarded, or what follows is open to those alone who have done it before.
    """

    act: str
    gives: str
    field: str
    evidence: str
    direct: bool = True


class Payment(NamedTuple):
    """Cash that one person may be paid.

    Attributes
    ----------
    field
        Where the campaign says so.
    fen
        How much at once.
    times
        How often at most; None: without end.
    """

    field: str
    fen: Fen
    times: int | None = 1


@attrs.frozen
class Terms:
    """A campaign as the rules see it.

    Attributes
    ----------
    placement
        Where people meet it.
    incentives
        What is had for what.
    payments
        The cash that one person may be paid.
    cap
        The most cash for one person; None: no bound but the payments.
    budget
        The most cash in all; None: no bound.
    a_day
        How many payments may fall due to one person on one day; None: all.
    contested
        Prizes that a vote decides: field and cash.
    levels
        How many levels of inviters are rewarded; 0: nobody invites.
    days
        Local days on which it is open.
    """

    placement: str
    incentives: tuple[Incentive, ...] = ()
    payments: tuple[Payment, ...] = ()
    cap: Fen | None = None
    budget: Fen | None = None
    a_day: int | None = None
    contested: tuple[Payment, ...] = ()
    levels: int = 0
    days: int = 1

    @property
    def busiest_day(self) -> tuple[int, Fen] | None:
        """The most payments to one person on one day, and the most cash.

        None where there is no bound. Small payments make many before ``cap`` or
        ``budget`` is met, and large ones make most of ``a_day``; so neither number
        is exceeded, and one day need not have both.
        """
        by_size = sorted(self.payments, key=lambda one: one.fen)
        many, much = self._paid(by_size), self._paid(by_size[::-1])
        return None if many is None or much is None else (many[0], much[1])

    def _paid(self, payments: list[Payment]) -> tuple[int, Fen] | None:
        """Pay one after another until a bound is met; None where there is none."""
        bounds = [bound for bound in (self.cap, self.budget) if bound is not None]
        most = min(bounds, default=None)
        count, total = 0, 0
        for payment in payments:
            left = None if self.a_day is None else self.a_day - count
            times = [n for n in (payment.times, left) if n is not None]
            if most is not None:
                times.append(-(-(most - total) // payment.fen))
            if not times:
                return None
            count += max(min(times), 0)
            total += payment.fen * max(min(times), 0)
        return count, total if most is None else min(total, most)


def reward_text(reward: Reward) -> str:
    """Return a reward as evidence shows it, in no language."""
    if isinstance(reward, Cash):
        return format_yuan(reward.fen)
    if isinstance(reward, Points):
        return f"{reward.n} points"
    if isinstance(reward, Coupon):
        return f"coupon {reward.stock_id}"
    return f"perk {reward.name!r}"


def terms_of(campaign: Any, launch: Launch) -> Terms:
    """Return a campaign as the rules see it.

    Parameters
    ----------
    campaign
        Of any type that can be checked.
    launch
        How it is launched; its asks are among the incentives.

    Returns
    -------
    Terms
        The same whatever type it was.

    Raises
    ------
    InvalidInputError
        If the campaign is of another type, or the launch contradicts it.
    """
    for kind, read in _READERS.items():
        if isinstance(campaign, kind):
            terms = read(campaign, launch.placement or "wechat_link")
            break
    else:
        known = ", ".join(kind.__name__ for kind in _READERS)
        raise InvalidInputError("campaign", campaign, f"one of {known}")
    if launch.placement not in {None, terms.placement}:
        rule = f"{terms.placement!r}, where the campaign says it is placed"
        hint = "leave it out, or change the campaign"
        raise InvalidInputError("launch.placement", launch.placement, rule, hint)
    asks = tuple(
        Incentive(
            ask.act,
            ask.gives if isinstance(ask.gives, str) else "reward",
            f"launch.asks[{row}]",
            f"{ask.act} -> "
            + (ask.gives if isinstance(ask.gives, str) else reward_text(ask.gives)),
        )
        for row, ask in enumerate(launch.asks)
    )
    asked = tuple(
        Payment(f"launch.asks[{row}].gives", ask.gives.fen)
        for row, ask in enumerate(launch.asks)
        if isinstance(ask.gives, Cash)
    )
    return attrs.evolve(
        terms,
        incentives=terms.incentives + asks,
        payments=terms.payments + asked,
        a_day=None if terms.a_day is None else terms.a_day + len(asked),
    )


def _days(campaign: Any, clock: DayClock | None = None) -> int:
    """Return on how many local days a campaign is open."""
    clock = clock or DayClock()
    last = from_micros(micros("closes", campaign.closes) - 1)
    return clock.day(last) - clock.day(campaign.opens) + 1


def _climb(name: str, ladder: Ladder) -> tuple[str, tuple[Payment, ...]]:
    """Return a ladder in a line, and what it pays in cash."""
    rungs = [f"{rung.invites} -> {reward_text(rung.reward)}" for rung in ladder.rungs]
    payments = [
        Payment(f"{name}.rungs[{row}].reward", step.adds.fen)
        for row, step in enumerate(ladder.steps)
        if isinstance(step.adds, Cash)
    ]
    if ladder.repeats is not None:
        every = ladder.repeats
        rungs.append(f"+{every.invites} -> {reward_text(every.reward)}")
        if isinstance(every.reward, Cash):
            payments.append(Payment(f"{name}.repeats", every.reward.fen, None))
    line = f"{name} (pays={ladder.pays}): {', '.join(rungs)}"
    return line, tuple(payments)


def _referral(campaign: Referral, _: str) -> Terms:
    ladders = [("ladder", campaign.ladder), ("second", campaign.second)]
    climbs = [_climb(name, ladder) for name, ladder in ladders if ladder is not None]
    lines = [line for line, _ in climbs]
    incentives = [Incentive("invite", "reward", "placement", line) for line in lines]
    if campaign.qualifies_on == "follow":
        said = "qualifies_on = 'follow'"
        incentives.append(
            Incentive("follow", "reward", "qualifies_on", said, direct=False)
        )
    return Terms(
        campaign.placement,
        tuple(incentives),
        tuple(payment for _, payments in climbs for payment in payments),
        cap=campaign.cap,
        budget=campaign.budget,
        levels=campaign.depth,
        days=_days(campaign),
    )


def _gift(campaign: Gift, placement: str) -> Terms:
    gives = reward_text(campaign.reward)
    incentives: list[Incentive] = []
    if campaign.offered_on == "follow":
        said = f"offered_on = 'follow' -> {gives}"
        incentives.append(Incentive("follow", "reward", "offered_on", said))
    return Terms(
        placement,
        tuple(incentives),
        _cash([("reward", campaign.reward, 1)]),
        days=_days(campaign),
    )


def _check_in(campaign: CheckIn, placement: str) -> Terms:
    days = campaign.last_day - campaign.first_day + 1
    fields = {
        one.day: f"milestones[{row}].reward"
        for row, one in enumerate(campaign.milestones)
    }
    paid = [
        (fields.get(day, "reward"), reward, _rounds(campaign, days, day))
        for day, reward in campaign.pays.items()
    ]
    # A day adds one to the count, and so does each day made up.
    return Terms(placement, (), _cash(paid), a_day=1 + campaign.make_ups, days=days)


def _contest(campaign: Contest, placement: str) -> Terms:
    incentives: list[Incentive] = []
    if campaign.votes.min_account_age:
        said = f"votes.min_account_age = {campaign.votes.min_account_age}"
        incentives.append(
            Incentive("follow", "entry", "votes.min_account_age", said, direct=False)
        )
    prizes = _cash(
        (f"prizes[{row}]", prize, 1) for row, prize in enumerate(campaign.prizes)
    )
    return Terms(
        placement,
        tuple(incentives),
        prizes,
        a_day=1 if campaign.one_prize_each else None,
        contested=prizes,
        days=_days(campaign, campaign.votes.clock),
    )


def _rounds(campaign: CheckIn, days: int, day: int) -> int:
    """Return how often a count can be reached while a challenge is open."""
    if days < day:
        return 0
    return 1 + (days - day) // campaign.days if campaign.streak == "cycle" else 1


def _cash(paid: Iterable[tuple[str, Reward, int]]) -> tuple[Payment, ...]:
    return tuple(
        Payment(field, reward.fen, times)
        for field, reward, times in paid
        if isinstance(reward, Cash)
    )


_READERS: Final[Mapping[type, Callable[[Any, str], Terms]]] = MappingProxyType(
    {Referral: _referral, CheckIn: _check_in, Contest: _contest, Gift: _gift}
)
