"""An invite code is a random token that only the store can read."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.desks import DAY, OPENS, Clock, follow, opened, referral
from wxengage.desk.codes import CARRIERS, inviter_of
from wxengage.errors import InvalidInputError
from wxengage.log.events import Event

if TYPE_CHECKING:
    from pathlib import Path

    from wxengage.desk.desk import Desk

LIMITS = {"official_account": 64, "mini_program": 32, "wecom": 30}


@pytest.fixture
def open_campaign(desk: Desk) -> Desk:
    """Return a desk with a campaign that runs."""
    desk.publish(referral())
    return desk


def resolved(desk: Desk, event: Event) -> Event:
    """Return an event with what its scene tells."""
    return desk._do(lambda unit: inviter_of(unit, event), write=False)


@pytest.mark.parametrize("carrier", sorted(CARRIERS))
def test_a_code_fits_every_carrier(open_campaign: Desk, carrier: Any) -> None:
    """The token is short, and plain enough for the narrowest place."""
    scene = open_campaign.invite_code("spring", "ada", carrier=carrier).scene
    assert re.fullmatch("[0-9A-Za-z]{12}", scene)
    assert len(scene.encode()) <= LIMITS[carrier]


def test_the_same_code_for_ever(open_campaign: Desk, clock: Clock) -> None:
    """Asking again, weeks later, gives the code that is on the posters."""
    first = open_campaign.invite_code("spring", "ada", carrier="wecom")
    clock.at += 5 * DAY
    assert first == open_campaign.invite_code("spring", "ada", carrier="wecom")


def test_codes_differ_by_campaign_user_and_carrier(open_campaign: Desk) -> None:
    """No two of them share a token."""
    open_campaign.publish(referral(cap=100).__class__(**_fields("autumn")))
    scenes = {
        open_campaign.invite_code(campaign, user, carrier=carrier).scene
        for campaign in ("spring", "autumn")
        for user in ("ada", "bo", "bo2")
        for carrier in ("official_account", "mini_program", "wecom")
    }
    assert 2 * 3 * 3 == len(scenes)


def _fields(name: str) -> dict[str, Any]:
    one = referral()
    return {
        "id": name,
        "ladder": one.ladder,
        "opens": one.opens,
        "closes": one.closes,
        "placement": one.placement,
        "hold": one.hold,
    }


def test_only_the_image_of_an_account_ends(open_campaign: Desk, clock: Clock) -> None:
    """A temporary QR code lives for 30 days; the others for ever."""
    account = open_campaign.invite_code("spring", "ada", carrier="official_account")
    assert clock.at + dt.timedelta(days=30) == account.expires_at
    mini = open_campaign.invite_code("spring", "ada", carrier="mini_program")
    assert (None, None) == (mini.expires_at, mini.renew_at)


def test_a_new_image_keeps_the_token(desk: Desk, clock: Clock) -> None:
    """Codes are due before their images end, until a new image is told."""
    desk.publish(referral(closes=OPENS + 90 * DAY))
    code = desk.invite_code("spring", "ada", carrier="official_account")
    desk.invite_code("spring", "ada", carrier="wecom")
    assert code.renew_at is not None
    assert code.expires_at is not None
    assert code.renew_at < code.expires_at
    clock.at = code.renew_at - dt.timedelta(microseconds=1)
    assert () == desk.codes_due()
    clock.at = code.renew_at
    assert (code,) == desk.codes_due()
    after = desk.renewed(code.scene)
    assert code.scene == after.scene
    assert clock.at + dt.timedelta(days=30) == after.expires_at
    assert () == desk.codes_due()
    assert after == desk.renewed(code.scene, clock.at - DAY)
    assert after == desk.resolve_code(code.scene)


def test_codes_of_what_is_over_are_not_due(desk: Desk, clock: Clock) -> None:
    """Nobody makes images for a campaign that has closed; others take the place."""
    desk.publish(referral(closes=OPENS + 10 * DAY))
    desk.publish(referral().__class__(**_fields("late") | {"closes": OPENS + 90 * DAY}))
    desk.invite_code("spring", "ada", carrier="official_account")
    clock.at += dt.timedelta(hours=1)
    late = desk.invite_code("late", "ada", carrier="official_account")
    clock.at += 40 * DAY
    assert (late,) == desk.codes_due(limit=1)
    assert (late,) == desk.codes_due(limit=1)


@pytest.mark.parametrize("prefix", ["", "qrscene_"])
@pytest.mark.parametrize("kind", ["scan", "follow", "open", "register"])
def test_a_scene_tells_inviter_and_campaign(
    open_campaign: Desk, clock: Clock, kind: str, prefix: str
) -> None:
    """Whatever the callback, the store knows whose code it was."""
    scene = open_campaign.invite_code("spring", "ada", carrier="official_account").scene
    event = Event(kind, user="bo", at=clock.at, item=prefix + scene)
    after = resolved(open_campaign, event)
    assert ("ada", "spring") == (after.inviter, after.campaign)
    assert event.item == after.item


@pytest.mark.parametrize(
    "item",
    [
        None,
        "",
        "qrscene_",
        "AAAAAAAAAAAA",
        "v1.spring.ada.9f",
        "x" * 13,
        "\uff41" * 12,
        12,
    ],
)
def test_a_foreign_scene_leaves_an_event_alone(
    open_campaign: Desk, clock: Clock, item: Any
) -> None:
    """Unknown, malformed and foreign scenes mean nothing, and break nothing."""
    open_campaign.invite_code("spring", "ada", carrier="wecom")
    event = Event("scan", user="bo", at=clock.at, item=item or None)
    assert event is resolved(open_campaign, event)
    assert open_campaign.resolve_code(item) is None


def test_case_counts_in_a_scene(open_campaign: Desk) -> None:
    """Two tokens that differ by case alone are two tokens."""
    scene = open_campaign.invite_code("spring", "ada", carrier="wecom").scene
    assert open_campaign.resolve_code(scene) is not None
    assert open_campaign.resolve_code(scene.swapcase()) is None


def test_what_an_event_says_itself_is_not_overwritten(
    open_campaign: Desk, clock: Clock
) -> None:
    """Another campaign is another invitation, and an inviter who is named stays."""
    scene = open_campaign.invite_code("spring", "ada", carrier="wecom").scene
    other = Event("scan", user="bo", at=clock.at, item=scene, campaign="autumn")
    assert other is resolved(open_campaign, other)
    named = Event("scan", user="bo", at=clock.at, item=scene, inviter="cy")
    after = resolved(open_campaign, named)
    assert ("cy", "spring") == (after.inviter, after.campaign)


def test_a_vote_is_no_scan(open_campaign: Desk, clock: Clock) -> None:
    """An entry that is named like a token is still an entry."""
    scene = open_campaign.invite_code("spring", "ada", carrier="wecom").scene
    vote = Event("vote", user="bo", at=clock.at, item=scene)
    assert vote is resolved(open_campaign, vote)


def test_three_friends_with_a_code_are_paid_for(
    open_campaign: Desk, clock: Clock
) -> None:
    """End to end: scenes of follows make invites, and invites a reward."""
    scene = open_campaign.invite_code("spring", "ada", carrier="official_account").scene
    for row in range(3):
        told = follow(f"friend-{row}", clock.at)
        event = Event("follow", user=told.user, at=told.at, id=told.id, item=scene)
        open_campaign.record(event)
    assert 3 == open_campaign.progress("ada")["spring"].count


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"campaign": "autumn"}, "campaign"),
        ({"campaign": ""}, "campaign"),
        ({"user": "a\x00b"}, "user"),
        ({"carrier": "poster"}, "carrier"),
    ],
)
def test_a_code_for_nothing_is_refused(
    open_campaign: Desk, changes: dict[str, Any], name: str
) -> None:
    """The error names what is wrong."""
    given = {"campaign": "spring", "user": "ada", "carrier": "wecom"} | changes
    with pytest.raises(InvalidInputError) as caught:
        open_campaign.invite_code(
            given["campaign"],
            given["user"],
            carrier=given["carrier"],
        )
    assert name == caught.value.name


def test_no_image_of_an_unknown_code(open_campaign: Desk) -> None:
    """What was never given out cannot be renewed."""
    with pytest.raises(InvalidInputError, match="scene"):
        open_campaign.renewed("AAAAAAAAAAAA")


def test_codes_survive_the_process(tmp_path: Path, clock: Clock) -> None:
    """What is on a poster is known to whoever opens the file next."""
    where = f"sqlite:///{tmp_path / 'codes.db'}"
    with opened(where, clock) as desk:
        desk.backfill([])
        desk.publish(referral())
        code = desk.invite_code("spring", "ada", carrier="mini_program")
    with opened(where, clock) as desk:
        assert code == desk.resolve_code(code.scene)
