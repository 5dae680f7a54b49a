"""WeChat engagement decisions as plain functions and small state machines.

``import wxengage as wx`` gives the rooms (``wx.log``, ``wx.segments``, ...) and
the short list of names in ``__all__``. Everything is loaded on first use: the
import itself loads no numpy, no scipy and no dataframe library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Public name -> the file where it lives.
_NAMES = {
    "Account": "users",
    "CLAIMS": "claims",
    "Cap": "pacing.caps",
    "Cash": "money",
    "CheckIn": "campaigns.checkins.campaign",
    "Contest": "campaigns.contests.campaign",
    "Coupon": "money",
    "DayClock": "times.days",
    "Estimate": "stats.estimates",
    "Event": "log.events",
    "Freeze": "sends",
    "Gate": "plan.gating.gate",
    "Gift": "campaigns.gifts.campaign",
    "InvalidInputError": "errors",
    "InvalidLogError": "errors",
    "Ladder": "campaigns.ladder",
    "LifecyclePolicy": "segments.policy",
    "Log": "log.table",
    "Perk": "money",
    "Points": "money",
    "QuietHours": "pacing.quiet",
    "Referral": "campaigns.referrals.campaign",
    "Reward": "money",
    "Send": "sends",
    "Tally": "log.tally",
    "User": "users",
    "WxEngageError": "errors",
    "activity_odds": "segments.odds",
    "classify_users": "segments.lifecycle",
    "dump": "codec",
    "format_yuan": "money",
    "lint_campaign": "campaigns.policy.linting",
    "load": "codec",
    "open_desk": "desk.opening",
    "open_desk_async": "desk.asynchronous",
    "open_log": "log.store",
    "plan_sends": "plan.solver",
    "read_log": "log.reading",
    "rfm_scores": "segments.rfm",
    "scoreboard": "metrics.board",
    "show_versions": "versions",
    "write_report": "report.page",
    "yuan": "money",
}
_ROOMS = (
    "adapters",
    "campaigns",
    "channels",
    "claims",
    "codec",
    "datasets",
    "delivery",
    "desk",
    "errors",
    "ledger",
    "log",
    "metrics",
    "money",
    "pacing",
    "plan",
    "report",
    "rules",
    "segments",
    "sends",
    "stats",
    "stores",
    "testing",
    "times",
    "users",
)

__all__ = sorted([*_NAMES, *_ROOMS])  # noqa: PLE0605  a list of names, told by a table

if TYPE_CHECKING:
    # The same tables for those who read types; a test holds them equal.
    from wxengage import (
        adapters as adapters,
    )
    from wxengage import (
        campaigns as campaigns,
    )
    from wxengage import (
        channels as channels,
    )
    from wxengage import (
        claims as claims,
    )
    from wxengage import (
        codec as codec,
    )
    from wxengage import (
        datasets as datasets,
    )
    from wxengage import (
        delivery as delivery,
    )
    from wxengage import (
        desk as desk,
    )
    from wxengage import (
        errors as errors,
    )
    from wxengage import (
        ledger as ledger,
    )
    from wxengage import (
        log as log,
    )
    from wxengage import (
        metrics as metrics,
    )
    from wxengage import (
        money as money,
    )
    from wxengage import (
        pacing as pacing,
    )
    from wxengage import (
        plan as plan,
    )
    from wxengage import (
        report as report,
    )
    from wxengage import (
        rules as rules,
    )
    from wxengage import (
        segments as segments,
    )
    from wxengage import (
        sends as sends,
    )
    from wxengage import (
        stats as stats,
    )
    from wxengage import (
        stores as stores,
    )
    from wxengage import (
        testing as testing,
    )
    from wxengage import (
        times as times,
    )
    from wxengage import (
        users as users,
    )
    from wxengage.campaigns.checkins.campaign import CheckIn as CheckIn
    from wxengage.campaigns.contests.campaign import Contest as Contest
    from wxengage.campaigns.gifts.campaign import Gift as Gift
    from wxengage.campaigns.ladder import Ladder as Ladder
    from wxengage.campaigns.policy.linting import lint_campaign as lint_campaign
    from wxengage.campaigns.referrals.campaign import Referral as Referral
    from wxengage.claims import CLAIMS as CLAIMS
    from wxengage.codec import dump as dump
    from wxengage.codec import load as load
    from wxengage.desk.asynchronous import open_desk_async as open_desk_async
    from wxengage.desk.opening import open_desk as open_desk
    from wxengage.errors import (
        InvalidInputError as InvalidInputError,
    )
    from wxengage.errors import (
        InvalidLogError as InvalidLogError,
    )
    from wxengage.errors import (
        WxEngageError as WxEngageError,
    )
    from wxengage.log.events import Event as Event
    from wxengage.log.reading import read_log as read_log
    from wxengage.log.store import open_log as open_log
    from wxengage.log.table import Log as Log
    from wxengage.log.tally import Tally as Tally
    from wxengage.metrics.board import scoreboard as scoreboard
    from wxengage.money import (
        Cash as Cash,
    )
    from wxengage.money import (
        Coupon as Coupon,
    )
    from wxengage.money import (
        Perk as Perk,
    )
    from wxengage.money import (
        Points as Points,
    )
    from wxengage.money import (
        Reward as Reward,
    )
    from wxengage.money import (
        format_yuan as format_yuan,
    )
    from wxengage.money import (
        yuan as yuan,
    )
    from wxengage.pacing.caps import Cap as Cap
    from wxengage.pacing.quiet import QuietHours as QuietHours
    from wxengage.plan.gating.gate import Gate as Gate
    from wxengage.plan.solver import plan_sends as plan_sends
    from wxengage.report.page import write_report as write_report
    from wxengage.segments.lifecycle import classify_users as classify_users
    from wxengage.segments.odds import activity_odds as activity_odds
    from wxengage.segments.policy import LifecyclePolicy as LifecyclePolicy
    from wxengage.segments.rfm import rfm_scores as rfm_scores
    from wxengage.sends import Freeze as Freeze
    from wxengage.sends import Send as Send
    from wxengage.stats.estimates import Estimate as Estimate
    from wxengage.times.days import DayClock as DayClock
    from wxengage.users import Account as Account
    from wxengage.users import User as User
    from wxengage.versions import show_versions as show_versions
else:

    def __getattr__(name: str) -> object:
        if name in _ROOMS:
            return import_module(f"wxengage.{name}")
        if name in _NAMES:
            value = getattr(import_module(f"wxengage.{_NAMES[name]}"), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module 'wxengage' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __all__
