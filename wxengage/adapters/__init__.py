"""Where the library touches the world (适配器): callbacks, senders, a rehearsal."""

from __future__ import annotations

from wxengage.adapters.dryrun import DryRun, dry_run
from wxengage.adapters.endpoints import Endpoint
from wxengage.adapters.happenings import Report
from wxengage.adapters.inbound import Callback, Inbound
from wxengage.adapters.secret import Secret
from wxengage.adapters.wechat import (
    GroupRobotSender,
    MiniProgramSender,
    OfficialAccountSender,
    WeComSender,
)

__all__ = [
    "Callback",
    "DryRun",
    "Endpoint",
    "GroupRobotSender",
    "Inbound",
    "MiniProgramSender",
    "OfficialAccountSender",
    "Report",
    "Secret",
    "WeComSender",
    "dry_run",
]
