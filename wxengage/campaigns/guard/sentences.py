"""What the guard says about an inviter (风控文案), to whoever handles the case."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from wxengage.words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALSO", "SIGNALS"]

#: Test -> what it found, with the count and of how many.
SIGNALS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "burst": Words(
            "{of} 次邀请中有 {count} 次集中在极短时间内",
            "{count} of {of} invites came within a very short time",
        ),
        "left": Words(
            "{of} 名好友中有 {count} 名很快取消关注",
            "{count} of {of} invitees soon left",
        ),
        "inert": Words(
            "{of} 名好友中有 {count} 名没有任何互动",
            "{count} of {of} invitees never did anything",
        ),
        "returned": Words(
            "{of} 名好友中有 {count} 名取消关注后又重新关注",
            "{count} of {of} invitees had left and followed again",
        ),
        "shared": Words(
            "{of} 名好友中有 {count} 名与他人共用设备或网段",
            "{count} of {of} invitees share a device or a subnet",
        ),
        "burst_votes": Words(
            "{of} 张票中有 {count} 张集中在极短时间内",
            "{count} of {of} votes came within a very short time",
        ),
        "new_voters": Words(
            "{of} 张票中有 {count} 张来自刚关注的账号",
            "{count} of {of} votes are by accounts that had only just followed",
        ),
        "shared_votes": Words(
            "{of} 张票中有 {count} 张与他人共用设备或网段",
            "{count} of {of} votes share a device or a subnet",
        ),
        "circle": Words(
            "邀请关系形成循环，说明有人换了身份重复参与",
            "the invites form a circle: identities were used again",
        ),
    }
)
#: Verdict -> what follows.
ALSO: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "pass": Words("未发现异常", "nothing out of the ordinary"),
        "hold": Words("奖励暂缓发放，稍后重新评估", "payouts wait; look again later"),
        "review": Words(
            "奖励暂缓发放，请人工复核", "payouts wait; a person should look"
        ),
    }
)
