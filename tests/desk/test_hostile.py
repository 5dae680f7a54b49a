"""Names that want to be more stay names, and what is personal is not told."""

from __future__ import annotations

import ast
import datetime as dt
import logging
import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk.desks import MERCHANT, OPENS, Clock, opened, place, referral
from wxengage.campaigns.ladder import Ladder
from wxengage.desk.opening import open_desk
from wxengage.errors import InvalidInputError, WxEngageError
from wxengage.log.events import Event
from wxengage.money import yuan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxengage.delivery.payouts import Fulfilment, Payout
    from wxengage.desk.desk import Desk

ROOT = Path(__file__).parents[2]
HOSTILE = (
    "x'); DROP TABLE wxengage_event; --",
    'x"; SELECT 1; --',
    "%s %(a)s ? :name $1 {0}",
    "\\' \\\" \\0 \\n",
    "=HYPERLINK(1)",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "oA",
    "oa",
    "o\u0301",
    "\u00f3",
    "\U0001f600" * 20,
    "a ",
    "a",
)


def friends_of(inviter: str) -> list[Event]:
    """Return that two friends with hostile names follow for an inviter."""
    events = []
    for row, friend in enumerate((f"{inviter[:100]}-1", f"{inviter[:100]}-2")):
        at = OPENS + row * dt.timedelta(hours=1)
        told: dict[str, Any] = {"user": friend, "campaign": "spring"}
        events += [
            Event("scan", at=at, id=f"s {friend}", inviter=inviter, **told),
            Event("follow", at=at, id=f"f {friend}", **told),
        ]
    return events


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """Yield what lets go of the databases of servers."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres", "mysql"])
def test_hostile_names_are_kept_byte_by_byte_on_every_engine(
    kind: str, tmp_path: Path, clock: Clock, servers: ExitStack
) -> None:
    """Quotes, placeholders, cases, accents and trailing spaces are other people."""
    where = servers.enter_context(place(kind, tmp_path))
    ladder = Ladder({2: yuan("1")}, pays="total")
    with open_desk(where, merchant=MERCHANT, clock=clock) as desk:
        desk.backfill([])
        desk.publish(referral(ladder=ladder, budget=yuan("100")))
        for name in HOSTILE:
            desk.record_many(friends_of(name))
        owed = {str(row) for row in desk.export("payouts", like={})["user"]}
        assert set(HOSTILE) == owed
        for name in HOSTILE:
            (one,) = desk.progress(name, "spring").campaigns
            assert (2, 1) == (one.count, len(one.rewards))
        assert () == desk.audit()
        assert () == desk.store.verify()


@pytest.mark.parametrize(
    "name", ["", " ", "a\x00b", "a\nb", "a\u200bb", "a\u202eb", "x" * 129, "\ud800"]
)
@pytest.mark.parametrize("field", ["user", "id", "inviter", "campaign", "account"])
def test_names_that_are_none_are_refused_by_field(
    desk: Desk, field: str, name: str
) -> None:
    """NUL, line breaks, invisible characters, surrogates and 129 characters."""
    told: dict[str, Any] = {"kind": "like", "user": "ada", "at": OPENS, "id": "1"}
    with pytest.raises(InvalidInputError, match=field):
        desk.record(Event(**(told | {field: name})))
    assert 0 == desk.store.run(lambda tx: tx.count("event"), write=False)


texts = st.text(min_size=1, max_size=140)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(user=texts, name=texts, item=st.one_of(st.none(), texts, st.integers()))
def test_any_text_is_kept_as_it_is_or_refused_as_bad_input(
    tmp_path_factory: pytest.TempPathFactory, user: str, name: str, item: Any
) -> None:
    """Whatever comes in comes back out, or an error of ours says what is wrong."""
    path = tmp_path_factory.mktemp("any") / "d.db"
    with opened(f"sqlite:///{path}", Clock(OPENS.replace(day=8))) as desk:
        try:
            event = Event("like", user=user, at=OPENS, id=name, item=item)
            desk.record(event)
        except InvalidInputError:
            return
        told = desk.export("events", like={})
        assert [user, name] == [told["user"][0], told["id"][0]]
        assert desk.record(event).duplicate


def test_only_stores_run_statements() -> None:
    """Elsewhere nothing that a user says can become one."""
    told = re.compile(r"\bexecute(many)?\b")
    bad = []
    for path in (ROOT / "wxengage").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func)
            if not told.search(called) or path.parent.name == "stores":
                continue
            bad.append(f"{path.name}: {called}")
    assert [] == bad


def test_errors_and_logs_show_no_name_in_full(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """An openid is personal: what is logged about a letter names it in short."""
    openid = "oSENTINEL-openid-of-somebody-0123456789"
    ladder = Ladder({2: yuan("1")}, pays="total")
    desk.publish(referral(ladder=ladder))

    class Broken:
        def pay(self, payout: Payout, now: dt.datetime) -> Fulfilment:
            raise WxEngageError(f"no {payout.number[:4]} at {now:%H}")

        query = pay

    with caplog.at_level(logging.DEBUG):
        desk.record_many(friends_of(openid))
        for _ in range(3):
            desk.dispatch({"payout:cash": Broken()})
    assert openid not in caplog.text
    with pytest.raises(InvalidInputError) as caught:
        desk.record(Event("like", user=openid, at=OPENS + dt.timedelta(days=99)))
    assert openid not in str(caught.value)
