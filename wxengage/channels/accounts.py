"""Which of the merchant's accounts is meant (账号归属)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxengage.errors import InvalidInputError, nearest
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["kind_of", "require_accounts", "resolved"]


def require_accounts(accounts: object) -> None:
    """Refuse what is not a tuple of accounts, each once.

    Parameters
    ----------
    accounts
        The value as it came in.

    Raises
    ------
    InvalidInputError
        If it is something else, or two accounts have one id.
    """
    if not isinstance(accounts, tuple):
        raise InvalidInputError("accounts", accounts, "a tuple of Account")
    seen = set()
    for row, account in enumerate(accounts):
        if not isinstance(account, Account):
            raise InvalidInputError(f"accounts[{row}]", account, "an Account")
        if account.id in seen:
            raise InvalidInputError(f"accounts[{row}]", account.id, "listed once")
        seen.add(account.id)


def resolved(
    accounts: tuple[Account, ...],
    account: str | None,
    kinds: Sequence[str],
    name: str,
) -> str:
    """Return the id of the account that is meant.

    Parameters
    ----------
    accounts
        The merchant's accounts; empty where they are not told.
    account
        The id that was given; None for the only one.
    kinds
        The kinds of account that it can be.
    name
        What was looked at, for the message.

    Returns
    -------
    str
        "" where none was given and none fits.

    Raises
    ------
    InvalidInputError
        If the id is not listed, or none was given and several fit.
    """
    if not accounts:
        return account or ""
    ids = [each.id for each in accounts]
    if account is not None:
        if account not in ids:
            rule = "among the accounts"
            raise InvalidInputError(name, account, rule, nearest(account, ids))
        return account
    fitting = [each.id for each in accounts if each.kind in kinds]
    if len(fitting) > 1:
        rule = "given where several accounts fit"
        raise InvalidInputError(name, None, rule, f"one of {', '.join(fitting)}")
    return fitting[0] if fitting else ""


def kind_of(accounts: tuple[Account, ...], account: str) -> str:
    """Return the kind of an account: a service account where none are told.

    Parameters
    ----------
    accounts
        The merchant's accounts; empty where they are not told.
    account
        What ``resolved`` returned.

    Returns
    -------
    str
        "" where accounts are told and this is none of them.
    """
    if not accounts:
        return "service"
    return next((each.kind for each in accounts if each.id == account), "")
