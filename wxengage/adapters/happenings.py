"""What a callback tells (回调归一): WeChat's words become ours.

A callback tells what users did, as events of the log; or what became of a message
that was sent, as reports; or something that no user did and that an application
may want to know, as its fields alone. A report is no event: the sender already
wrote that message down, and a quota must not count it twice.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

import attrs

from wxengage.adapters.bodies import Fields, leaves, parts, text
from wxengage.errors import CallbackRejected, InvalidInputError
from wxengage.log.events import Event, bad_id
from wxengage.sends import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxengage.users import Account

__all__ = ["NOTICES", "Report", "Told", "told_by"]

_SECONDS: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_SCENE: Final = "qrscene_"
#: Callbacks that are known and in which no user did anything that counts.
NOTICES: Final = frozenset(
    {
        "LOCATION",
        "PUBLISHJOBFINISH",
        "kf_close_session",
        "kf_create_session",
        "kf_switch_session",
        "user_authorization_cancellation",
        "user_authorization_revoke",
        "user_info_modified",
        "wxa_media_check",
    }
)
#: What a user can send to an account.
_MESSAGES: Final = frozenset(
    {
        "text",
        "image",
        "voice",
        "video",
        "shortvideo",
        "location",
        "link",
        "file",
        "miniprogrampage",
    }
)
# Menu entries after which the account may answer (WX-CS-002), and the others.
_CLICKS: Final = {
    "CLICK": "menu_click",
    "scancode_push": "menu_click",
    "scancode_waitmsg": "menu_click",
    "VIEW": "click",
    "view_miniprogram": "click",
    "pic_sysphoto": "click",
    "pic_photo_or_album": "click",
    "pic_weixin": "click",
    "location_select": "click",
}
# Two events of one user and second differ in one of these.
_TELL_APART: Final = frozenset(
    {
        "AgentID",
        "ChangeType",
        "ChatId",
        "ExternalUserID",
        "MsgID",
        "MsgId",
        "SubscribeStatusString",
        "TemplateId",
        "UpdateDetail",
        "UserID",
        "msgid",
    }
)


@attrs.frozen
class Report:
    """What became of a message that was sent (发送回执).

    Attributes
    ----------
    channel
        On which channel of the catalogue.
    at
        When WeChat said so.
    receipt
        WeChat's number of the message, as ``Sent.receipt`` has it.
    arrived
        Whether it arrived; of a mass send, whether it was sent at all.
    status
        WeChat's own word, such as ``"failed:user block"``.
    user
        Whose message; None for a mass send.
    message
        The template's id, where WeChat tells it.
    counts
        Of a mass send: names of WeChat's numbers, and the numbers.
    """

    channel: str
    at: dt.datetime
    receipt: str
    arrived: bool
    status: str
    user: str | None = None
    message: str = ""
    counts: tuple[tuple[str, int], ...] = ()


@attrs.frozen
class Told:
    """What one callback tells.

    Attributes
    ----------
    kind
        WeChat's word: the event's name, or the type of a message.
    known
        False for a word that this version does not know.
    key
        The same for every delivery of the same callback, and for no other.
    events, reports
        What follows from it.
    """

    kind: str
    known: bool
    key: str
    events: tuple[Event, ...] = ()
    reports: tuple[Report, ...] = ()


@attrs.frozen
class _Callback:
    """What the readers below look at."""

    fields: Fields
    account: Account
    kind: str
    key: str
    user: str
    at: dt.datetime

    def event(self, kind: str, item: str = "", **more: str) -> Event:
        # A page's address may be longer than an id: then it stays a field.
        about = None if not item or bad_id(item) else item
        user = more.pop("user", self.user)
        name = fingerprint(self.key, kind, user, item)
        group = more.get("group")
        return Event(
            kind,
            user=user,
            at=self.at,
            id=name,
            account=self.account.id,
            item=about,
            group=group,
        )

    def channel(self) -> str:
        mini = self.account.kind == "mini_program"
        return "mini_program_subscribe" if mini else "subscribe_message"


_Read = tuple[tuple[Event, ...], tuple[Report, ...]]
_NOTHING: Final[_Read] = (), ()


def _nothing(_: _Callback) -> _Read:
    return _NOTHING


def _message(call: _Callback) -> _Read:
    if call.account.kind == "wecom":
        # Whoever writes to an application of WeCom is a member of the staff.
        return _NOTHING
    return (call.event("message"),), ()


def _follow(call: _Callback) -> _Read:
    scene = text(call.fields, "EventKey", "").removeprefix(_SCENE)
    return (call.event("follow", scene),), ()


def _about_key(kind: str) -> Callable[[_Callback], _Read]:
    def read(call: _Callback) -> _Read:
        return (call.event(kind, text(call.fields, "EventKey", "")),), ()

    return read


def _plain(kind: str) -> Callable[[_Callback], _Read]:
    return lambda call: ((call.event(kind),), ())


def _asked(call: _Callback) -> _Read:
    # Each acceptance is one more message. A refusal in the dialogue takes nothing
    # from the grants given before.
    return tuple(
        call.event("subscribe", text(one, "TemplateId"))
        for one in _items(call.fields, "SubscribeMsgPopupEvent")
        if text(one, "SubscribeStatusString") == "accept"
    ), ()


def _changed(call: _Callback) -> _Read:
    # The user turned a template off: what was granted is void.
    return tuple(
        call.event("decline", text(one, "TemplateId"))
        for one in _items(call.fields, "SubscribeMsgChangeEvent")
        if text(one, "SubscribeStatusString") == "reject"
    ), ()


def _delivered(call: _Callback) -> _Read:
    return (), tuple(
        Report(
            call.channel(),
            call.at,
            text(one, "MsgID", ""),
            text(one, "ErrorCode", "") == "0",
            text(one, "ErrorStatus", ""),
            call.user,
            text(one, "TemplateId"),
        )
        for one in _items(call.fields, "SubscribeMsgSentEvent")
    )


def _items(fields: Fields, name: str) -> tuple[Fields, ...]:
    # As XML the items are in a tag of their own, as JSON they are not.
    return parts(fields, name, "List") or parts(fields, "List")


def _template_done(call: _Callback) -> _Read:
    status = text(call.fields, "Status")
    receipt = text(call.fields, "MsgID", "")
    arrived = status == "success"
    report = Report("template_message", call.at, receipt, arrived, status, call.user)
    return (), (report,)


def _mass_done(call: _Callback) -> _Read:
    status = text(call.fields, "Status")
    names = ("TotalCount", "FilterCount", "SentCount", "ErrorCount")
    found = ((name, text(call.fields, name, "")) for name in names)
    counts = tuple((name, int(n)) for name, n in found if _NUMBER.fullmatch(n))
    receipt = text(call.fields, "MsgID", "")
    sent = status in {"sendsuccess", "send success"}
    return (), (Report("mass_send", call.at, receipt, sent, status, counts=counts),)


def _contact(call: _Callback) -> _Read:
    # A customer and a member of the staff found each other, or parted.
    change = text(call.fields, "ChangeType")
    kinds = {
        "add_external_contact": "follow",
        "add_half_external_contact": "follow",
        "del_follow_user": "unfollow",
    }
    if change not in kinds:
        # Among others ``del_external_contact``: the staff did it, not the user.
        return _NOTHING
    user, state = text(call.fields, "ExternalUserID"), text(call.fields, "State", "")
    return (call.event(kinds[change], state, user=user),), ()


def _group_chat(call: _Callback) -> _Read:
    # Who came to a group or left it, where WeCom names them.
    kinds = {"add_member": "join", "del_member": "leave"}
    kind = kinds.get(text(call.fields, "UpdateDetail", ""))
    if kind is None:
        return _NOTHING
    group = text(call.fields, "ChatId")
    members = (
        one
        for listed in parts(call.fields, "MemChangeList")
        for name, one in leaves(listed)
        if name == "Item"
    )
    return tuple(call.event(kind, user=one, group=group) for one in members), ()


_EVENTS: Final[Mapping[str, Callable[[_Callback], _Read]]] = {
    "subscribe": _follow,
    "unsubscribe": _plain("unfollow"),
    "SCAN": _about_key("scan"),
    **{name: _about_key(kind) for name, kind in _CLICKS.items()},
    "user_enter_tempsession": _plain("open"),
    "subscribe_msg_popup_event": _asked,
    "subscribe_msg_change_event": _changed,
    "subscribe_msg_sent_event": _delivered,
    "TEMPLATESENDJOBFINISH": _template_done,
    "MASSSENDJOBFINISH": _mass_done,
    "change_external_contact": _contact,
    "change_external_chat": _group_chat,
    **dict.fromkeys(NOTICES, _nothing),
}
# WeCom tells by these names that a member of the staff opened or left the app.
_STAFF: Final = frozenset({"subscribe", "unsubscribe", "enter_agent", *_CLICKS})


def told_by(fields: Fields, account: Account) -> Told:
    """Return what a callback tells.

    Parameters
    ----------
    fields
        Its body.
    account
        To which account it came.

    Returns
    -------
    Told
        A callback of an unknown kind tells nothing but its name.

    Raises
    ------
    CallbackRejected
        With the reason ``malformed``, if a field that it needs is absent or is
        not what WeChat sends.
    """
    kind = text(fields, "MsgType")
    is_event = kind == "event"
    kind = text(fields, "Event") if is_event else kind
    at, user = _instant(text(fields, "CreateTime")), text(fields, "FromUserName")
    key = _key(fields, account, kind, is_event=is_event)
    call = _Callback(fields, account, kind, key, user, at)
    reader = _EVENTS.get(kind) if is_event else None
    if kind in _MESSAGES and not is_event:
        reader = _message
    if account.kind == "wecom" and kind in _STAFF:
        reader = _nothing
    if reader is None:
        return Told(kind, known=False, key=key)
    try:
        events, reports = reader(call)
    except InvalidInputError as error:
        # The value itself may be anything: it is not shown.
        hint = f"{error.name} must be {error.rule}"
        raise CallbackRejected("malformed", hint) from None
    return Told(kind, known=True, key=key, events=events, reports=reports)


def _instant(told: str) -> dt.datetime:
    if not _SECONDS.fullmatch(told):
        raise CallbackRejected("malformed", "CreateTime must be seconds since 1970")
    return dt.datetime.fromtimestamp(int(told), dt.UTC)


def _key(fields: Fields, account: Account, kind: str, *, is_event: bool) -> str:
    """Return what the three deliveries of one callback have in common."""
    number = text(fields, "MsgId", "")
    if not is_event and number:
        return fingerprint(account.id, "message", number)
    who = (text(fields, "FromUserName"), text(fields, "CreateTime"), kind)
    about = text(fields, "EventKey", "") if is_event else ""
    apart = sorted(
        f"{len(name)}:{name}={one}"
        for name, one in leaves(fields)
        if name in _TELL_APART
    )
    return fingerprint(account.id, "event", *who, about, *apart)
