"""Senders (触达执行): letters go out through WeChat, over wechatpy.

Each sender answers with one of three certainties. ``Sent``: WeChat took it.
``NotSent``: it surely did not go, and the action says what to do. ``Unknown``: the
request left and no answer came back that can be trusted. WeChat cannot be asked
what became of a message, so ``query`` can only say so; a template message that is
sent again within ten minutes under the same key goes once.

An access token is fetched once for all threads and renewed in time. Where WeChat
refuses it all the same, it is renewed once and the letter is tried once more.
"""

from __future__ import annotations

import abc
import logging
import time
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final

from wxengage.adapters.calls import STAND_IN, Answered, Unsent
from wxengage.adapters.endpoints import OFFICIAL, WECOM, Endpoint
from wxengage.adapters.mass import MASS_SEND, ROUTES
from wxengage.adapters.secret import Secret, secret_of
from wxengage.adapters.tokens import Tokens
from wxengage.channels.answers import answer_to
from wxengage.delivery.actions import action_of
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.errors import InvalidInputError, MissingExtraError, require_id
from wxengage.sends import Sent
from wxengage.times.zones import micros
from wxengage.users import Account

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from wxengage.adapters.calls import Came
    from wxengage.adapters.mass import Said
    from wxengage.adapters.outgoing import Request
    from wxengage.adapters.tokens import Calls
    from wxengage.delivery.ports import Letter, Outcome
    from wxengage.sends import Send
    from wxengage.users import AccountKind

__all__ = [
    "GroupRobotSender",
    "MiniProgramSender",
    "OfficialAccountSender",
    "WeComSender",
]

_LOG: Final = logging.getLogger("wxengage.adapters")
# So much of a key identifies a letter in a log.
_SHOWN: Final = 8


def _wire(endpoint: Endpoint) -> Calls:
    try:
        transport = import_module("wxengage.adapters.transport")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("wxengage"):
            raise
        raise MissingExtraError("wechatpy", "wechat") from None
    wire: Calls = transport.Wire(endpoint)
    return wire


def _same(send: Send) -> str:
    return send.user


class _Sender(abc.ABC):
    """What all senders do; the parameters are told by each of them."""

    url: ClassVar[str] = OFFICIAL
    channels: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        compose: Callable[[Letter], Said],
        *,
        address: Callable[[Send], str | None] | None,
        endpoint: Endpoint | None,
    ) -> None:
        self._compose = compose
        self._address = _same if address is None else address
        self._wire = _wire(Endpoint(self.url) if endpoint is None else endpoint)

    def send(self, letter: Letter, now: dt.datetime) -> Outcome:
        """Deliver a letter.

        Parameters
        ----------
        letter
            What goes.
        now
            When, aware.

        Returns
        -------
        Sent, NotSent or Unknown
            ``NotSent`` with WeChat's code; or, before anything is asked, with
            ``too_early``, ``expired``, ``wrong_account``, ``not_carried``,
            ``no_recipient`` or ``not_composed``; or with ``no_token`` or
            ``not_reached``, where no byte of the letter left.
        """
        outcome = self._before(letter, now) or self._deliver(letter, now)
        level = logging.WARNING if isinstance(outcome, Unknown) else logging.DEBUG
        told = getattr(outcome, "code", type(outcome).__name__)
        _LOG.log(level, "%s %s: %s", letter.send.channel, letter.key[:_SHOWN], told)
        return outcome

    def query(self, letter: Letter, now: dt.datetime) -> Outcome:
        """Say what became of a letter without sending it.

        Parameters
        ----------
        letter
            The letter.
        now
            When it is asked, aware.

        Returns
        -------
        Unknown
            Always: WeChat does not tell.
        """
        micros("now", now)
        because = f"WeChat does not tell what became of a {letter.send.channel}"
        return Unknown(because)

    def _before(self, letter: Letter, now: dt.datetime) -> NotSent | None:
        at, send = micros("now", now), letter.send
        if send.not_before is not None and at < micros("not_before", send.not_before):
            return NotSent("too_early", "wait", until=send.not_before)
        if send.expires is not None and at >= micros("expires", send.expires):
            return NotSent("expired", "drop")
        if send.channel not in self.channels:
            return NotSent("not_carried", "mend")
        if not self._answers_for(send.account):
            return NotSent("wrong_account", "mend")
        return None

    def _answers_for(self, account: str | None) -> bool:  # noqa: ARG002  some do not ask
        return True

    def _deliver(self, letter: Letter, now: dt.datetime) -> Outcome:
        to = self._to(letter.send)
        if to is None:
            return NotSent("no_recipient", "drop")
        wanted, build = ROUTES[letter.send.channel]
        try:
            content = self._compose(letter)
        except InvalidInputError:
            # A text that cannot be said; other errors are the application's own.
            _LOG.exception("letter %s is not composed", letter.key[:_SHOWN])
            return NotSent("not_composed", "mend")
        if not isinstance(content, wanted):
            named = " or ".join(kind.__name__ for kind in wanted)
            _LOG.error("letter %s needs a %s", letter.key[:_SHOWN], named)
            return NotSent("not_composed", "mend")
        came = self._post(build(content, to, letter.key))
        return _outcome(came, letter, to, now)

    def _to(self, send: Send) -> str | None:
        if send.channel == MASS_SEND:
            # It goes to a tag, or to all.
            return ""
        return self._address(send) or None

    @abc.abstractmethod
    def _post(self, request: Request) -> Came | NotSent: ...


class _AccountSender(_Sender):
    """A sender that speaks for an account and so needs its token."""

    kinds: ClassVar[tuple[AccountKind, ...]] = ()

    def __init__(
        self,
        account: Account,
        compose: Callable[[Letter], Said],
        *,
        secret: str | Secret,
        address: Callable[[Send], str | None] | None = None,
        endpoint: Endpoint | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(account, Account) or account.kind not in self.kinds:
            raise InvalidInputError(
                "account", account, f"one of {', '.join(self.kinds)}"
            )
        super().__init__(compose, address=address, endpoint=endpoint)
        self.account = account
        self._tokens = Tokens(account, secret_of("secret", secret), self._wire, clock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.account.id!r})"

    def _answers_for(self, account: str | None) -> bool:
        return account is None or account == self.account.id

    def _post(self, request: Request) -> Came | NotSent:
        token = self._tokens.get()
        if isinstance(token, NotSent):
            return token
        came = self._wire.call("post", request.path, secret=token, body=request.body)
        if not _is_about_the_token(came):
            return came
        again = self._tokens.get(stale=token)
        if isinstance(again, NotSent):
            return again
        return self._wire.call("post", request.path, secret=again, body=request.body)


def _is_about_the_token(came: Came) -> bool:
    return (
        isinstance(came, Answered)
        and bool(came.code)
        and answer_to(came.code or -1).retry == "refresh_token"
    )


def _outcome(
    came: Came | NotSent, letter: Letter, to: str, now: dt.datetime
) -> Outcome:
    """Return what an answer means for a letter."""
    if isinstance(came, NotSent):
        return came
    if isinstance(came, Unsent):
        return NotSent("not_reached", "retry")
    if not isinstance(came, Answered) or came.code is None:
        return Unknown(getattr(came, "because", "the answer has no errcode"))
    if came.code and answer_to(came.code).retry != "done":
        return NotSent(str(came.code), action_of(came.code))
    return _left_out(came, to) or _sent(came, letter, now)


def _sent(came: Answered, letter: Letter, now: dt.datetime) -> Sent:
    # Of a mass send it has another name.
    receipt = came.fields.get("msgid", came.fields.get("msg_id", ""))
    told = str(receipt) if type(receipt) in {str, int} else ""
    return Sent.of(letter.send, now, key=letter.key, receipt=_an_id_or_none(told))


def _an_id_or_none(told: str) -> str:
    """Return a receipt, or "" for a text that can be none: the message has gone."""
    try:
        return require_id("receipt", told)
    except InvalidInputError:
        return ""


def _left_out(came: Answered, to: str) -> NotSent | None:
    """Return a refusal where WeCom took the request but left the recipient out."""
    failed = came.fields.get("fail_list")
    if isinstance(failed, list) and to in failed:
        return NotSent("fail_list", "drop")
    invalid = came.fields.get("invaliduser")
    if isinstance(invalid, str) and to in invalid.split("|"):
        return NotSent("invaliduser", "suppress")
    return None


class OfficialAccountSender(_AccountSender):
    """Messages and mass sends of an official account (公众号).

    Parameters
    ----------
    account
        A service or subscription account.
    compose
        What a letter says: a ``Text``, ``Image`` or ``News`` for
        ``customer_message``, a ``TemplateMessage`` for ``template_message``, a
        ``SubscribeMessage`` for ``subscribe_message``, a ``MassMessage`` for
        ``mass_send``. It may raise ``InvalidInputError`` where there is nothing to
        say; the letter is then to be mended.
    secret
        The app secret.
    address
        The openid of a send's user, or None where there is none; by default the
        user's id is the openid.
    endpoint
        Where WeChat is, and how long a call may take.
    clock
        Seconds that never go back, by which a token's age is known.

    Raises
    ------
    InvalidInputError
        If the account is of another kind, or the secret can be none.
    MissingExtraError
        If wechatpy is not installed.
    """

    kinds = ("service", "subscription")
    channels = (
        "customer_message",
        "template_message",
        "subscribe_message",
        MASS_SEND,
    )


class MiniProgramSender(_AccountSender):
    """Subscribe and customer messages of a mini program (小程序).

    Parameters
    ----------
    account
        A mini program.
    compose
        What a letter says: a ``SubscribeMessage`` for ``mini_program_subscribe``,
        a ``Text`` or ``Image`` for ``mini_program_customer_message``.
    secret, address, endpoint, clock
        As of ``OfficialAccountSender``.

    Raises
    ------
    InvalidInputError
        If the account is of another kind, or the secret can be none.
    MissingExtraError
        If wechatpy is not installed.
    """

    kinds = ("mini_program",)
    channels = ("mini_program_subscribe", "mini_program_customer_message")


class WeComSender(_AccountSender):
    """Tasks for the staff and messages to the staff (企业微信).

    A task is not a message: a member must confirm it, and may not.

    Parameters
    ----------
    account
        The WeCom account; its ``appid`` is the corp id.
    compose
        What a letter says: a ``CustomerTask`` for ``wecom_customer_task`` and
        ``wecom_group_task``, a ``StaffText`` for ``wecom_app``.
    secret
        The secret of the application.
    address
        The external id of a send's user, a group's id, or the member's id; by
        default the user's id.
    endpoint, clock
        As of ``OfficialAccountSender``.

    Raises
    ------
    InvalidInputError
        If the account is of another kind, or the secret can be none.
    MissingExtraError
        If wechatpy is not installed.
    """

    url = WECOM
    kinds = ("wecom",)
    channels = ("wecom_customer_task", "wecom_group_task", "wecom_app")


class GroupRobotSender(_Sender):
    """The robot of a group of the staff (企业微信群机器人).

    Parameters
    ----------
    compose
        What a letter says: a ``Text``.
    key
        The key of the robot's address, which is a secret: whoever has it can
        write to the group.
    endpoint
        Where WeCom is, and how long a call may take.

    Raises
    ------
    InvalidInputError
        If the key can be none.
    MissingExtraError
        If wechatpy is not installed.
    """

    url = WECOM
    channels = ("group_robot",)

    def __init__(
        self,
        compose: Callable[[Letter], Said],
        *,
        key: str | Secret,
        endpoint: Endpoint | None = None,
    ) -> None:
        super().__init__(compose, address=None, endpoint=endpoint)
        self._key = secret_of("key", key)

    def __repr__(self) -> str:
        return "GroupRobotSender()"

    def _post(self, request: Request) -> Came | NotSent:
        query = {"key": STAND_IN}
        return self._wire.call(
            "post", request.path, secret=self._key, query=query, body=request.body
        )
