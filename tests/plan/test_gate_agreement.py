"""The gate, one at a time and in bulk, against a reference that knows no arithmetic.

The reference walks through time in half hours and asks each rule by its definition.
Every instant of the cases lies on a half hour, so what it finds is exact.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxengage.channels.catalog import CATALOG
from wxengage.channels.folding import advance
from wxengage.channels.quotas import Quota
from wxengage.claims.figures import CONTENT_KINDS
from wxengage.log.events import Event
from wxengage.pacing.budgets import AdShare
from wxengage.pacing.caps import Cap
from wxengage.pacing.gaps import MinGap
from wxengage.pacing.mix import ContentMix
from wxengage.pacing.quiet import WEEKDAYS, QuietHours
from wxengage.pacing.scopes import bucket_of
from wxengage.pacing.sunset import Sunset
from wxengage.plan.gating.decisions import ACTIONS, Decision
from wxengage.plan.gating.gate import EXEMPTIONS, Gate
from wxengage.plan.gating.history import History
from wxengage.plan.gating.tables import tables_of
from wxengage.rules.book import rulebook
from wxengage.sends import Freeze, Send, Sent
from wxengage.times.days import DayClock
from wxengage.users import Account, Choice, FollowSpan, User

UTC = dt.UTC
HALF = dt.timedelta(minutes=30)
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Havana", "Asia/Kolkata")
#: A month end in February, spring and autumn changes of the clock, ISO week 53.
STARTS = (
    dt.datetime(2026, 2, 27, 20, tzinfo=UTC),
    dt.datetime(2026, 3, 28, 20, tzinfo=UTC),
    dt.datetime(2026, 10, 24, 20, tzinfo=UTC),
    dt.datetime(2026, 12, 31, 2, tzinfo=UTC),
)
BOOK = rulebook(dt.date(2026, 3, 1))
#: How far the reference walks; no rule of a case holds for longer.
HORIZON = 80 * DAY
#: What a case is made for. Other rules are there too, now and then.
THEMES = (
    *("bounds", "freeze", "sunset", "quota", "quota", "quota", "account", "account"),
    *("quiet", "gap", "gap", "cap"),
    *("gap", "cap", "mix", "mix", "mix", "person", "person", "person", "person"),
    *("person", "person"),
)
#: Every way in which a message can be kept back; each must be seen.
REASONS = {
    *("may_go", "expired", "not_carried", "unfollowed", "under_14", "opted_out"),
    *("no_consent", "zone_unknown", "not_before", "freeze", "sunset", "quiet_hours"),
    *("gap", "cap", "mix", "ad_share", "expires_first", "no_window", "no_grant"),
    *("used_up", "period_used_up"),
}
KINDS = {
    *("not_before", "freeze", "sunset", "quota", "account", "quiet_hours", "gap"),
    *("cap", "mix"),
}


@attrs.frozen
class Case:
    """A policy, what was sent to some users, and what is asked."""

    gate: Gate
    histories: dict[str, History]
    sends: list[Send]
    freezes: tuple[Freeze, ...]
    now: dt.datetime


class Maker:
    """Cases of a theme, by chance."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.theme = self.one(THEMES)
        self.now: dt.datetime = self.one(STARTS) + HALF * self.whole(0, 96)

    def whole(self, least: int, most: int) -> int:
        """Return a whole number, both bounds allowed."""
        return int(self.rng.integers(least, most + 1))

    def one(self, choices: Any) -> Any:
        """Return one of some choices."""
        return choices[self.whole(0, len(choices) - 1)]

    def odds(self, theme: str) -> bool:
        """Return whether a rule is there: most often where it is the theme."""
        chance = 0.9 if theme == self.theme else 0.12
        return bool(self.rng.random() < chance)

    def some(self, chance: float) -> bool:
        """Return True in so many of all cases."""
        return bool(self.rng.random() < chance)

    def near(self, least: int, most: int) -> dt.datetime:
        """Return an instant so many half hours from now."""
        return self.now + HALF * self.whole(least, most)

    def scope(self) -> str | None:
        """Return what a limit is about."""
        scopes = (None, None, "channel", "topic:news", "category:marketing", "account")
        return scopes[self.whole(0, len(scopes) - 1)]

    def quiet(self) -> QuietHours:
        """Return quiet hours, of some weekdays only now and then."""
        start, end = self.rng.choice(48, 2, replace=False).tolist()
        times = [f"{half // 2:02d}:{half % 2 * 30:02d}" for half in (start, end)]
        days: Any = tuple(day for day in WEEKDAYS if self.some(0.6)) or ("mon",)
        return QuietHours(*times, days=days if self.some(0.3) else None)

    def cap(self) -> Cap:
        """Return a cap that is often reached."""
        per = self.one(["day", "week", "month", 6 * HALF, DAY, 3 * DAY])
        both: Any = ("marketing", "service")
        only: Any = (self.one(both),)
        return Cap(
            self.whole(1, 4),
            per=per,
            scope=self.scope(),
            obeys=only if self.some(0.2) else both,
            counts=only if self.some(0.2) else both,
        )

    def gate(self) -> Gate:
        """Return a policy."""
        quiet = tuple(self.quiet() for _ in range(self.whole(1, 2)))
        free = sum(_length(one) for one in quiet) < 44
        exempt = tuple(one for one in EXEMPTIONS if self.some(0.7))
        mix = ContentMix(
            *(self.one([(5, 2, 3), (1, 1, 1), (1, 0, 1)])),
            slack=self.whole(1, 2),
            ads=self.one([AdShare(1, 10), AdShare(1, 10), AdShare(1, 3), None]),
            window=self.one([None, 2 * DAY, 5 * DAY]),
        )
        sunset = Sunset(
            self.whole(1, 4),
            first_gap=self.one([DAY, 5 * HALF]),
            growth=self.one([1, 2, Fraction(3, 1)]),
            segments=self.one([("dormant",), ("dormant", "active")]),
            scope=self.one(["category:marketing", None, "topic", "channel:app_push"]),
        )
        person = self.theme == "person"
        return Gate(
            caps=tuple(self.cap() for _ in range(self.whole(1, 3)))
            if self.odds("cap")
            else (),
            quiet=quiet if free and (self.odds("quiet") or person) else (),
            gaps=(MinGap(HALF * self.whole(1, 20), scope=self.scope()),)
            if self.odds("gap")
            else (),
            mix=mix if self.odds("mix") else None,
            sunset=sunset if self.odds("sunset") else None,
            clock=DayClock(self.one(ZONES), self.one([dt.time(0), dt.time(4, 30)])),
            consent="opt_in" if person and self.some(0.6) else "opt_out",
            on_missing_zone=self.one(["assume", "allow", "block", "block", "block"]),
            exempt=exempt if self.some(0.4) else EXEMPTIONS,
            digests=("news",) if self.some(0.3) else (),
        )

    def user(self, name: str) -> User:
        """Return somebody who has said something, or nothing."""
        person = self.theme == "person"
        said = [
            (self.near(-90, 10), self.one(["*", "news", "gift"]), self.some(0.6))
            for _ in range(self.whole(0, 3) if person else 0)
        ]
        spans: tuple[FollowSpan, ...] = ()
        if self.some(0.6):
            ended = self.some(0.5) and person
            start = self.near(-400, -100)
            spans = (FollowSpan(None, start, self.near(-90, 40) if ended else None),)
        band = self.one([None, "18-24", "25-29", "0-13"]) if person else None
        return User(
            name,
            consents=_choices(said, yes=True),
            opt_outs=_choices(said, yes=False),
            zone=None if self.some(0.65 if person else 0.15) else self.one(ZONES),
            age_band=band,
            spans=spans,
        )

    def sent(self, name: str) -> Sent:
        """Return something that went out, or is planned to."""
        return Sent(
            name,
            self.near(-130, 12) if self.some(0.8) else self.near(-2000, 100),
            self.one(["app_push", "customer_message", "subscribe_message"]),
            topic=self.one(["", "news", "gift"]),
            category="service" if self.some(0.15) else "marketing",
            content=self.one(["", *CONTENT_KINDS]),
            message=self.one(["t1", "t2"]),
            account=None,
            is_ad=self.some(0.15),
            counts=self.some(0.9),
        )

    def quota(self, user: str, sends: tuple[Sent, ...]) -> Quota:
        """Return what the platform knows of a user."""
        found = Quota.under(BOOK, user)
        for _ in range(self.whole(0, 4)):
            kind = self.one(["message", "menu_click", "follow", "subscribe"])
            item = self.one(["t1", "t2"]) if kind == "subscribe" else None
            at = self.near(-150, 0)
            found = advance(found, Event(kind, user=user, at=at, item=item), BOOK)
        for sent in sends:
            if sent.at <= self.now:
                found = advance(found, sent, BOOK)
        if self.some(0.6):
            # Somebody wrote, and got more answers than there is room for.
            at = self.near(-90, -1)
            found = advance(found, Event("menu_click", user=user, at=at), BOOK)
            found = advance(found, Event("message", user=user, at=at), BOOK)
            for number in range(self.whole(4, 6)):
                answer = Sent(user, at + number * SECOND, "customer_message")
                found = advance(found, answer, BOOK)
        return found

    def history(self, name: str, account: Quota | None) -> History:
        """Return one user's history."""
        most = 24 if self.theme == "mix" else 12
        sends = tuple(self.sent(name) for _ in range(self.whole(0, most)))
        return History(
            self.user(name),
            self.one([None, "active", "dormant", "dormant"]),
            sends,
            self.quota(name, sends) if self.theme == "quota" else None,
            since=self.one([None, self.near(-100, 0)]),
            account=account,
        )

    def send(self, number: int, user: str) -> Send:
        """Return a message."""
        channels = ["app_push", "app_push", "own"]
        if self.theme == "quota":
            channels = ["customer_message", "customer_message", "subscribe_message"]
        if self.theme == "account":
            channels = ["mass_send", "mass_send", "app_push"]
        if self.theme == "person":
            channels = ["app_push", "template_message", "mass_send"]
        before = self.near(-4, 30) if self.odds("bounds") else None
        expires = self.near(-6, 60) if self.some(0.35) else None
        if before and expires and expires <= before:
            before = None
        at = self.near(-4, 30) if self.odds("bounds") else None
        if at and ((before and at < before) or (expires and at >= expires)):
            at = None
        return Send(
            f"s{number}",
            user,
            self.one(channels),
            self.one(["t1", "t2"]),
            topic=self.one(["", "news", "gift"]),
            category="service" if self.some(0.15) else "marketing",
            content=self.one(["", *CONTENT_KINDS]),
            not_before=before,
            at=at,
            expires=expires,
            is_ad=self.some(0.7 if self.theme == "mix" else 0.15),
            transactional=self.some(0.12),
        )

    def freeze(self) -> Freeze:
        """Return a stop."""
        end = None if self.some(0.3) else self.near(1, 40)
        return Freeze(
            self.one([None, ("news",), ("news", "gift")]),
            self.one([None, ("dormant",), ("active", "dormant")]),
            self.near(-40, 0),
            end,
            "召回",
        )

    def case(self) -> Case:
        """Return a case."""
        account = None
        if self.theme == "account":
            # A subscription account sends once a day to all.
            account = Quota.under(BOOK, None, (Account("shop", "subscription", "wx1"),))
            at = self.near(-30, 0)
            account = advance(account, Sent("all", at, "mass_send"), BOOK)
        names = [f"u{number}" for number in range(self.whole(1, 3))]
        freezes = tuple(self.freeze() for _ in range(2) if self.odds("freeze"))
        return Case(
            self.gate(),
            {name: self.history(name, account) for name in names},
            [self.send(n, self.one(names)) for n in range(self.whole(1, 5))],
            freezes,
            self.now,
        )


def _length(quiet: QuietHours) -> int:
    start, end = (2 * int(t[:2]) + (t[3:] == "30") for t in (quiet.start, quiet.end))
    return (end - start) % 48


def _choices(
    said: list[tuple[dt.datetime, str, bool]], *, yes: bool
) -> tuple[Choice, ...]:
    mine = sorted({(at, topic) for at, topic, answer in said if answer is yes})
    return tuple(Choice(topic, at) for at, topic in mine)


# --- the reference --------------------------------------------------------------------


def settled(  # noqa: PLR0911  one for each rule
    case: Case, send: Send, history: History
) -> str | None:
    """Return why a message is dropped at once, rule by rule."""
    gate, user, now = case.gate, history.user, case.now
    asks = {
        one for one in EXEMPTIONS if not (send.transactional and one in gate.exempt)
    }
    channel = CATALOG.get(send.channel)
    if send.expires is not None and send.expires <= now:
        return "expired"
    if channel is not None and send.category not in channel.carries:
        return "not_carried"
    seen = [
        (mark, follows)
        for span in user.spans
        for mark, follows in ((span.start, True), (span.end, False))
        if mark is not None and mark <= now and span.account == send.account
    ]
    if channel is not None and channel.needs_follow and seen and not max(seen)[1]:
        return "unfollowed"
    if send.category == "marketing" and user.age_band == "0-13":
        return "under_14"
    said = [
        (choice.at, answer)
        for answer, choices in ((True, user.consents), (False, user.opt_outs))
        for choice in choices
        if choice.at <= now and choice.topic in {"*", send.topic}
    ]
    latest = max((at for at, _ in said), default=None)
    answers = {answer for at, answer in said if at == latest}
    if "consent" in asks and False in answers:
        return "opted_out"
    if "consent" in asks and gate.consent == "opt_in" and answers != {True}:
        return "no_consent"
    if gate.quiet and user.zone is None and gate.on_missing_zone == "block":
        return "zone_unknown" if "quiet_hours" in asks else None
    return None


def is_quiet(quiet: QuietHours, at: dt.datetime, zone: str) -> bool:
    """Return whether the wall clock is within the quiet hours."""
    wall = at.astimezone(ZoneInfo(zone))
    text = f"{wall:%H:%M}"
    overnight = quiet.start > quiet.end
    if overnight and text < quiet.end:
        wall -= DAY
    elif not quiet.start <= text < ("24:00" if overnight else quiet.end):
        return False
    return quiet.days is None or WEEKDAYS[wall.weekday()] in quiet.days


def period(per: str, at: dt.datetime, clock: DayClock) -> tuple[int, ...]:
    """Return the day, week or month of an instant."""
    day = clock.date(clock.day(at))
    if per == "week":
        return day.isocalendar()[:2]
    return (day.year, day.month) if per == "month" else (day.toordinal(),)


def has_room(
    cap: Cap, send: Send, sends: Any, at: dt.datetime, clock: DayClock
) -> bool:
    """Return whether a cap has room at an instant."""
    if send.category not in cap.obeys or bucket_of(cap.scope, send) is None:
        return True
    times = [
        sent.at
        for sent in sends
        if sent.counts
        and sent.category in cap.counts
        and bucket_of(cap.scope, sent) == bucket_of(cap.scope, send)
    ]
    if isinstance(cap.per, str):
        now = period(cap.per, at, clock)
        return sum(period(cap.per, time, clock) == now for time in times) < cap.limit
    times.append(at)
    stretches = [[t for t in times if s <= t < s + cap.per] for s in times]
    return all(len(each) <= cap.limit for each in stretches if at in each)


def fits(mix: ContentMix, send: Send, sends: Any, at: dt.datetime) -> bool:
    """Return whether a message fits the mix at an instant."""
    window = mix.window or 10_000 * DAY
    had = [s for s in sends if s.counts and s.at <= at < s.at + window]
    ads = sum(s.is_ad for s in had) + 1
    if (
        send.is_ad
        and mix.ads
        and Fraction(ads, len(had) + 1) > Fraction(mix.ads.ads, mix.ads.messages)
    ):
        return False
    if not send.content:
        return True
    share = dict(zip(CONTENT_KINDS, mix.shares, strict=True))[send.content]
    kinds = [s.content for s in had if s.content] + [send.content]
    ahead = kinds.count(send.content) - share * len(kinds)
    return share > 0 and ahead <= mix.slack


def is_sunset(sunset: Sunset, send: Send, history: History, at: dt.datetime) -> bool:
    """Return whether another attempt may not be made yet, or never."""
    bucket = bucket_of(sunset.scope, send)
    if history.segment not in sunset.segments or bucket is None:
        return False
    made = [
        s.at
        for s in history.sends
        if s.counts
        and bucket_of(sunset.scope, s) == bucket
        and (history.since is None or s.at >= history.since)
    ]
    if not made:
        return False
    wait = sunset.first_gap * int(sunset.growth ** (len(made) - 1))
    return len(made) >= sunset.attempts or at < max(made) + wait


def blockers(case: Case, send: Send, history: History, at: dt.datetime) -> set[str]:
    """Return what keeps a message back at an instant."""
    gate, user = case.gate, history.user
    asks = {
        one for one in EXEMPTIONS if not (send.transactional and one in gate.exempt)
    }
    strict = attrs.evolve(send, transactional=False)
    zone = user.zone or gate.clock.tz
    clock = DayClock(zone, gate.clock.day_start)
    hushed = user.zone is not None or gate.on_missing_zone != "allow"
    caps = [("gap", gap.cap) for gap in gate.gaps] + [("cap", cap) for cap in gate.caps]
    found = {
        kind
        for kind, cap in caps
        if kind in asks and not has_room(cap, strict, history.sends, at, clock)
    }
    blocked = {
        "not_before": any(t is not None and at < t for t in (send.not_before, send.at)),
        "freeze": any(
            freeze.stops(strict, at, segment=history.segment) for freeze in case.freezes
        ),
        "sunset": gate.sunset is not None and is_sunset(gate.sunset, send, history, at),
        "quota": history.quota is not None
        and history.quota.refusal(send, at) is not None,
        "account": history.account is not None
        and history.account.refusal(send, at) is not None,
        "quiet_hours": hushed and any(is_quiet(q, at, zone) for q in gate.quiet),
        "mix": gate.mix is not None and not fits(gate.mix, send, history.sends, at),
    }
    never_exempt = {"not_before", "quota", "account"}
    return found | {k for k, no in blocked.items() if no and k in asks | never_exempt}


def expected(case: Case, send: Send, history: History) -> dt.datetime | None:
    """Return the first half hour at which nothing keeps a message back."""
    at = case.now
    last = send.expires or case.now + HORIZON
    while at < last:
        if not blockers(case, send, history, at):
            return at
        at += HALF
    return None


# --- the promises ---------------------------------------------------------------------


def check_bulk(case: Case) -> list[Decision]:
    """Compare both ways, message by message."""
    tables = tables_of(case.sends, case.histories.values(), case.now)
    many = case.gate.check_many(case.sends, *tables, case.now, freezes=case.freezes)
    single = [
        case.gate.check(send, case.histories[send.user], case.now, freezes=case.freezes)
        for send in case.sends
    ]
    assert len(case.sends) == len(many) == sum(many.counts.values())
    assert single == [many.decision(row) for row in range(len(many))]
    return single


def check_reference(case: Case, send: Send, found: Decision) -> None:
    """Compare a decision with the reference."""
    history = case.histories[send.user]
    why = settled(case, send, history)
    if why is not None:
        assert ("drop", why) == (found.action, found.reason)
        return
    then = expected(case, send, history)
    # At an hour that comes twice, times of two zones are never equal in Python.
    assert then == (found.at and found.at.astimezone(UTC))
    if then is None:
        assert found.action == "drop"
        return
    waits = "digest" if send.topic in case.gate.digests else "defer"
    assert ("send" if then == case.now else waits) == found.action
    if then > case.now:
        kind = found.constraint.partition(":")[0]
        assert kind in blockers(case, send, history, then - HALF)


def tell(seen: Counter[str], found: list[Decision]) -> None:
    """Count what was seen."""
    for one in found:
        seen["all"] += 1
        seen.update([f"action {one.action}", f"reason {one.reason}"])
        seen[f"kind {one.constraint.partition(':')[0]}"] += 1


def rare(seen: Counter[str]) -> dict[str, int]:
    """Return what was seen in less than one case of a hundred."""
    wanted = [
        *(f"action {action}" for action in ACTIONS),
        *(f"reason {reason}" for reason in REASONS),
        *(f"kind {kind}" for kind in KINDS),
    ]
    return {one: seen[one] for one in wanted if 100 * seen[one] < seen["all"]}


def run(examples: int, *, walk: bool) -> Counter[str]:
    """Try so many cases."""
    seen: Counter[str] = Counter()

    @settings(max_examples=examples, deadline=None, database=None)
    @given(seed=st.integers(0, 2**48))
    def agree(seed: int) -> None:
        case = Maker(seed).case()
        found = check_bulk(case)
        tell(seen, found)
        if walk:
            for send, decision in zip(case.sends, found, strict=True):
                check_reference(case, send, decision)

    agree()
    return seen


def test_one_at_a_time_and_in_bulk_agree_and_every_constraint_is_met() -> None:
    """Action, instant, reason and constraint are the same."""
    assert {} == rare(run(700, walk=False))


def test_the_first_instant_is_the_one_that_a_walk_through_time_finds() -> None:
    """Nothing that would have been allowed is skipped, nothing forbidden is taken."""
    assert run(60, walk=True)["all"] > 0


@pytest.mark.torture
def test_they_agree_on_thousands_of_policies_and_histories() -> None:
    """The same, at length."""
    assert {} == rare(run(4_000, walk=False))
    assert {} == rare(run(1_000, walk=True))
