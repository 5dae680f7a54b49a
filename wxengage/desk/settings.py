"""How a desk is set up (运营台设置): everything it was told when it was opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from wxengage.delivery.outbox.policy import WECHAT_KEYS, OutboxPolicy
from wxengage.errors import InvalidInputError
from wxengage.plan.gating.gate import Gate
from wxengage.segments.policy import LifecyclePolicy
from wxengage.times.days import DayClock
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxengage.campaigns.facts import Fact

__all__ = ["Settings"]


def _callable_or_none(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if got is not None and not callable(got):
        raise InvalidInputError(field.name, got, "a function, or None")


def _a_tuple(_: object, field: attrs.Attribute[Any], got: object) -> None:
    if not isinstance(got, tuple):
        raise InvalidInputError(field.name, got, "a tuple")


@attrs.frozen
class Settings:
    """What a desk was told when it was opened.

    Attributes
    ----------
    accounts
        The merchant's accounts.
    merchant
        The merchant's number at WeChat Pay, ten digits; None where nothing is paid.
    gate
        What may be sent to whom and when; None asks only the platform's quotas.
    notices
        What users are told of facts.
    triggers
        What ``remind`` proposes.
    on_fact
        Called with each fact after it is committed.
    hold
        Called with each granted fact; a reason that it returns keeps the payout
        held until a person releases it.
    days
        Whose calendar days count.
    lifecycle
        Who counts as potential, active and dormant.
    outbox
        How the outbox behaves.
    group_commit
        Whether events that several threads record at once share a transaction.

    Raises
    ------
    InvalidInputError
        If a field breaks its rule.
    """

    accounts: tuple[Account, ...] = attrs.field(default=(), validator=_a_tuple)
    merchant: str | None = None
    gate: Gate | None = None
    notices: tuple[Any, ...] = attrs.field(default=(), validator=_a_tuple)
    triggers: tuple[Any, ...] = attrs.field(default=(), validator=_a_tuple)
    on_fact: Callable[[Fact], None] | None = attrs.field(
        default=None, validator=_callable_or_none
    )
    hold: Callable[[Fact], str | None] | None = attrs.field(
        default=None, validator=_callable_or_none
    )
    days: DayClock = DayClock()
    lifecycle: LifecyclePolicy = LifecyclePolicy()
    outbox: OutboxPolicy = attrs.field(factory=lambda: OutboxPolicy(keyed=WECHAT_KEYS))
    group_commit: bool = attrs.field(
        default=False, validator=attrs.validators.instance_of(bool), kw_only=True
    )

    def __attrs_post_init__(self) -> None:
        for row, account in enumerate(self.accounts):
            if not isinstance(account, Account):
                raise InvalidInputError(f"accounts[{row}]", account, "an Account")
        if self.gate is not None and not isinstance(self.gate, Gate):
            raise InvalidInputError("gate", self.gate, "a Gate, or None")
