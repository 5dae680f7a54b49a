"""The callback application, as a process of its own, over a real HTTP client."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from wxengage.adapters.secret import Secret
from wxengage.desk.opening import open_desk
from wxengage.testing.faults import Fault
from wxengage.testing.pushes import Push, Pushes

try:
    for part in ("starlette", "uvicorn", "httpx", "wechatpy", "wechatpayv3"):
        import_module(part)
    from examples.callback_app.campaign import account_of
    from examples.callback_app.fake import Rehearsal
    from examples.callback_app.links import Links
    from examples.callback_app.process import Application, free_port
    from examples.callback_app.settings import settings_from
    from examples.callback_app.story import Walk, links_in
except ModuleNotFoundError as error:
    if (error.name or "").startswith(("examples", "wxengage")):
        raise
    pytest.skip(f"{error.name} is not installed", allow_module_level=True)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

ROOT = Path(__file__).parents[2]
# WeChat hangs up after so long.
PATIENCE = 5.0
CUSTOMER = "/cgi-bin/message/custom/send"
# How long friends must stay here, in seconds.
HOLD = 0.5
SECRETS = (
    "SHOP_SECRET",
    "SHOP_TOKEN",
    "SHOP_AES_KEY",
    "SHOP_LINK_KEY",
    "SHOP_APIV3_KEY",
)


@attrs.frozen
class Stage:
    """A WeChat, the application, and what people do."""

    wechat: Rehearsal
    application: Application
    walk: Walk
    environment: dict[str, str]
    log: Path

    def kept(self) -> list[tuple[str, str]]:
        """Stop the application, and return who did what, as its store has it."""
        self.application.stop()
        settings = settings_from(self.environment)
        with open_desk(
            settings.store,
            accounts=(account_of(settings),),
            merchant=settings.mch_id,
            processes="one",
        ) as desk:
            rows = desk.store.run(
                lambda tx: tx.find("event", "by_time"),
                write=False,
            )
            return sorted((str(row[1]), str(row[2])) for row in rows)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give an application of its own to each test that stops it."""
    with _stage(tmp_path, patience="1") as found:
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give one application to all tests that leave it running."""
    with _stage(tmp_path_factory.mktemp("app")) as found:
        yield found


@contextlib.contextmanager
def _stage(folder: Path, *, patience: str = "2") -> Iterator[Stage]:
    port, log = free_port(), folder / "app.log"
    url = f"http://127.0.0.1:{port}"
    with Rehearsal() as wechat:
        told = wechat.environment(folder, public_url=url, hold=HOLD)
        told["SHOP_PATIENCE"] = patience
        with (
            Application(told, port, log) as application,
            contextlib.closing(Walk(wechat, url)) as walk,
        ):
            yield Stage(wechat, application, walk, told, log)


def invite(stage: Stage, user: str) -> tuple[str, str]:
    """Let a user ask for a poster; return the scene on it and the user's page."""
    stage.walk.do("follow", user)
    poster, me = links_in(stage.walk.do("message", user, item="邀请"))
    answer = stage.walk.client.get(poster).raise_for_status()
    return answer.json()["scene"], me


def states(stage: Stage, me: str) -> list[str]:
    """Return how a user's rewards stand."""
    return [reward["state"] for reward in stage.walk.progress(me)["rewards"]]


def pushes(stage: Stage) -> Pushes:
    """Return what makes callbacks of any instant."""
    told = stage.environment
    token, key = told["SHOP_TOKEN"], told["SHOP_AES_KEY"]
    return Pushes(stage.wechat.account, token=token, aes_key=key)


def refused(answer: httpx.Response) -> bool:
    """Return whether somebody was turned away without a word."""
    return (answer.status_code, answer.content) == (403, b"")


# The story.


def test_one_command_walks_from_the_scan_to_the_money() -> None:
    """The command of the README runs to its end, and the books say paid."""
    ran = subprocess.run(
        [sys.executable, "-m", "examples.callback_app", "--once"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert (0, "") == (ran.returncode, ran.stderr), ran.stdout
    for line in (
        "three tries, one event",
        "two count: 2 of 3",
        "acknowledged the application is killed",
        "three have stayed: 800 fen go to ada",
        "is answered 204",
        "now the books say: paid",
        "ada was told by custom",
        "ada was told by subscribe",
    ):
        assert line in ran.stdout


# Callbacks.


def test_the_console_hears_its_own_word(shared: Stage) -> None:
    """The address can be registered at WeChat."""
    answer = shared.walk.deliver(shared.wechat.question())

    assert (200, "7412589630") == (answer.status_code, answer.text)


def test_three_tries_at_once_have_one_answer(shared: Stage) -> None:
    """WeChat tells again before it has heard, and the words agree."""
    push = shared.wechat.push("message", "tom", item="邀请")

    with ThreadPoolExecutor(3) as tries:
        answers = list(tries.map(shared.walk.deliver, [push] * 3))

    said = {shared.wechat.said(answer.content) for answer in answers}
    assert [200, 200, 200] == [answer.status_code for answer in answers]
    assert 1 == len(said)
    assert ["poster", "me"] == [link.split("/")[3] for link in links_in(said.pop())]


def test_callbacks_and_answers_are_encrypted(shared: Stage) -> None:
    """Neither the words nor the names go over the wire in the clear."""
    push = shared.wechat.push("message", "oSecret", item="邀请")
    answer = shared.walk.deliver(push)

    assert "poster/oSecret" in shared.wechat.said(answer.content)
    assert b"oSecret" not in push.body + answer.content
    assert b"<Encrypt>" in answer.content


def test_what_wechat_did_not_send_is_turned_away_without_a_word(shared: Stage) -> None:
    """Forged, changed, plain, old, hostile and huge callbacks leave no trace."""
    now, made = shared.wechat.now, pushes(shared)
    good = made.push("follow", "mallory", now)
    old = made.push("follow", "mallory", now - dt.timedelta(minutes=6))
    early = made.push("follow", "mallory", now + dt.timedelta(minutes=6))
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><MsgType>&a;</MsgType></xml>'
    plain = Pushes(shared.wechat.account, token=shared.environment["SHOP_TOKEN"])
    stranger = Pushes(
        shared.wechat.account,
        token="guessed",  # noqa: S106  a wrong one
        aes_key=shared.environment["SHOP_AES_KEY"],
    )
    unsigned = {k: v for k, v in good.query.items() if k != "msg_signature"}
    bad = [
        attrs.evolve(good, query={**good.query, "msg_signature": "0" * 40}),
        attrs.evolve(good, query=unsigned),
        attrs.evolve(good, query={}),
        attrs.evolve(good, body=good.body.replace(b"</xml>", b" </xml>", 1)[:-40]),
        attrs.evolve(good, body=b""),
        attrs.evolve(good, body=b"<xml>" + b"x" * 200_000 + b"</xml>"),
        made.raw(bomb, now),
        made.raw("<xml>" + "<a/>" * 500 + "</xml>", now),
        plain.push("follow", "mallory", now),
        stranger.push("follow", "mallory", now),
        old,
        early,
    ]

    answers = [shared.walk.deliver(push) for push in bad]

    assert [True] * len(bad) == [refused(answer) for answer in answers]
    log = shared.log.read_text("utf-8")
    secrets = [shared.environment[name] for name in SECRETS]
    assert [] == [one for one in (*secrets, "mallory", "Traceback") if one in log]


def test_a_replay_within_minutes_changes_nothing(shared: Stage) -> None:
    """Whoever has seen a callback can send it again, and that is all."""
    scene, me = invite(shared, "rita")
    push = shared.wechat.push("follow", "ben", item=scene)
    shared.walk.deliver(push).raise_for_status()
    shared.walk.until(lambda: shared.walk.progress(me)["invites"] == 1)
    shared.walk.do("unfollow", "ben")
    shared.walk.until(lambda: shared.walk.progress(me)["invites"] == 0)

    for _ in range(20):
        shared.walk.deliver(push).raise_for_status()

    time.sleep(2 * HOLD)
    assert 0 == shared.walk.progress(me)["invites"]


def test_other_addresses_and_methods_are_not_there(shared: Stage) -> None:
    """Nothing is answered but what is told."""
    get, post = shared.walk.client.get, shared.walk.client.post
    good = shared.wechat.push("message", "ada", item="hello")

    assert (
        404 == post("/wechat/other", params=good.query, content=good.body).status_code
    )
    assert 405 == get("/pay/notify").status_code
    assert 405 == shared.walk.client.put("/wechat/shop").status_code
    assert 404 == get("/").status_code


# Pages.


def test_a_page_opens_by_its_own_link_alone(shared: Stage) -> None:
    """An openid is no password, and another's key is none either."""
    _, me = invite(shared, "ada")
    poster, _ = links_in(shared.walk.do("message", "eve", item="海报"))
    key = poster.split("key=")[1]
    get = shared.walk.client.get

    assert 200 == get(me).status_code
    assert 404 == get("/me/ada").status_code
    assert 404 == get("/me/ada", params={"key": key}).status_code
    assert 404 == get("/poster/ada", params={"key": "\u00e9"}).status_code
    assert 404 == get("/me/%00").status_code


def test_a_page_shows_names_as_text(shared: Stage) -> None:
    """A user called like a tag is a user called like a tag."""
    name = "<img src=x onerror=alert(1)>"
    links = Links(shared.walk.url, Secret(shared.environment["SHOP_LINK_KEY"]))

    answer = shared.walk.client.get(
        links.to("me", name), headers={"accept": "text/html"}
    )

    assert 200 == answer.status_code
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert "<img" not in answer.text
    assert "&lt;img src=x" in answer.text


def test_a_poster_is_made_once(shared: Stage) -> None:
    """Asking again asks nobody: WeChat allows so many codes a day."""
    first, _ = invite(shared, "pam")
    again, _ = invite(shared, "pam")

    assert first == again
    assert 1 == shared.wechat.scenes.count(first)


def test_a_poster_that_wechat_refuses_is_asked_for_later(shared: Stage) -> None:
    """A trouble of WeChat's is told as one, without its details."""
    poster, _ = links_in(shared.walk.do("message", "quinn", item="邀请"))
    shared.wechat.fail("/cgi-bin/qrcode/create", Fault.code(45009), Fault.cut())
    get = shared.walk.client.get

    assert [(503, ""), (503, "")] == [
        (answer.status_code, answer.text) for answer in (get(poster), get(poster))
    ]
    assert 200 == get(poster).status_code


def test_a_stale_token_is_renewed_for_a_poster(shared: Stage) -> None:
    """Tokens that WeChat takes back cost one more call and no poster."""
    invite(shared, "rose")
    shared.wechat.forget_tokens()

    scene, _ = invite(shared, "sam")

    assert scene in shared.wechat.scenes


# Money.


def test_a_notice_that_wechat_pay_did_not_sign_is_turned_away(shared: Stage) -> None:
    """Nobody else can make the application ask about a bill."""
    notice = shared.wechat.pay.raw(b'{"mchid": "1900000109"}', shared.wechat.now)
    post = shared.walk.client.post
    other = {**notice.headers, "Wechatpay-Signature": "AAAA"}

    assert refused(post("/pay/notify", headers=other, content=notice.body))
    assert refused(post("/pay/notify", headers=dict(notice.headers), content=b"{}"))
    assert refused(post("/pay/notify", content=b""))


# Threads, and the end.


def test_a_slow_wechat_slows_no_callback(shared: Stage) -> None:
    """While every call to WeChat takes seconds, callbacks are answered at once."""
    scene, _ = invite(shared, "tess")
    posters = [
        links_in(shared.walk.do("message", f"slow{n}", item="邀请"))[0]
        for n in range(8)
    ]
    shared.wechat.fail(CUSTOMER, Fault.slow(1.0), times=None)
    shared.wechat.fail("/cgi-bin/qrcode/create", Fault.slow(1.0), times=None)
    friends = [
        shared.wechat.push("follow", f"friend{n}", item=scene) for n in range(100)
    ]
    before = len(shared.wechat.calls)

    def timed(push: Push) -> float:
        begun = time.monotonic()
        shared.walk.deliver(push).raise_for_status()
        return time.monotonic() - begun

    with ThreadPoolExecutor(16) as people:
        waiting = [people.submit(shared.walk.client.get, poster) for poster in posters]
        took = sorted(people.map(timed, friends))
        assert [200] * len(posters) == [one.result().status_code for one in waiting]
    shared.wechat.mend()

    slow = {CUSTOMER, "/cgi-bin/qrcode/create"}
    assert slow <= {call.path for call in shared.wechat.calls[before:]}
    p99 = took[math.ceil(0.99 * len(took)) - 1]
    print(f"p50 {took[len(took) // 2]:.3f} s, p99 {p99:.3f} s of {len(took)}")  # noqa: T201  the number
    assert p99 < PATIENCE


def test_a_full_disk_is_not_acknowledged(shared: Stage) -> None:
    """What cannot be kept is told again, and counts when there is room: once."""
    resource = pytest.importorskip("resource", reason="no limits of files here")
    scene, me = invite(shared, "uma")
    friends = [shared.wechat.push("follow", f"late{n}", item=scene) for n in range(3)]
    no_more = 1, resource.RLIM_INFINITY

    before = resource.prlimit(shared.application.pid, resource.RLIMIT_FSIZE, no_more)
    try:
        answers = [shared.walk.deliver(push).status_code for push in friends]
    finally:
        resource.prlimit(shared.application.pid, resource.RLIMIT_FSIZE, before)
    again = [shared.walk.deliver(push).status_code for push in friends * 2]

    assert ([503] * 3, [200] * 6) == (answers, again)
    shared.walk.until(lambda: shared.walk.progress(me)["invites"] == 3)


def test_it_stops_cleanly_in_the_middle_of_sending(stage: Stage) -> None:
    """What is being sent is sent to its end, and nothing is begun any more."""
    scene, _ = invite(stage, "ada")
    stage.wechat.fail(CUSTOMER, Fault.slow(0.8), times=None)
    stage.walk.do("follow", "ben", item=scene)
    stage.walk.until(lambda: CUSTOMER in [call.path for call in stage.wechat.calls])

    stage.application.stop()

    log = stage.log.read_text("utf-8")
    assert "Application shutdown complete" in log
    assert "Traceback" not in log
    assert ["ada"] == [message.to for message in stage.wechat.messages]


def _killed(stage: Stage, kills: int, each: int) -> None:
    """Kill the application again and again, each time right after an answer."""
    scene, me = invite(stage, "ada")
    told = []
    for kill in range(kills):
        for n in range(each):
            name = f"friend-{kill}-{n}"
            stage.walk.do("follow", name, item=scene, tries=3)
            told.append((name, "follow"))
        stage.application.kill()
        stage.application.start()

    stage.walk.until(lambda: stage.walk.progress(me)["invites"] == len(told))
    stage.walk.until(lambda: states(stage, me) == ["awaiting_user"] * 2)
    for payment in stage.wechat.pay.payments:
        stage.wechat.pay.receive(payment.number)
        assert 204 == stage.walk.notify(payment.number).status_code
    stage.walk.until(lambda: states(stage, me) == ["paid"] * 2)

    assert [700, 800] == sorted(one.fen for one in stage.wechat.pay.payments)
    kept = stage.kept()
    assert sorted(told) == [row for row in kept if row[0].startswith("friend")]
    print(f"{kills} kills, {len(told)} acknowledged, none lost, 15 yuan paid once")  # noqa: T201  the number


def test_a_kill_after_an_answer_loses_nothing(stage: Stage) -> None:
    """What WeChat was answered is on disk, once, is granted, and is paid once."""
    _killed(stage, kills=1, each=6)


@pytest.mark.torture
def test_many_kills_lose_nothing(stage: Stage) -> None:
    """The same thirty times."""
    _killed(stage, kills=30, each=5)
