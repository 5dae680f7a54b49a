"""Secrets never show, and are told to nobody but WeChat."""

from __future__ import annotations

import datetime as dt
import gc
import ipaddress
import logging
import ssl
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from wxengage.adapters.endpoints import Endpoint
from wxengage.adapters.inbound import Inbound
from wxengage.adapters.outgoing import Text
from wxengage.adapters.wechat import (
    GroupRobotSender,
    OfficialAccountSender,
    WeComSender,
)
from wxengage.delivery.outcomes import NotSent, Unknown
from wxengage.delivery.ports import Letter
from wxengage.errors import CallbackRejected, InvalidInputError
from wxengage.sends import Send, Sent
from wxengage.testing.faults import Fault
from wxengage.testing.pushes import Pushes
from wxengage.testing.server import FakeWeChat
from wxengage.users import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest.importorskip("wechatpy", reason="wechatpy is not installed")

SENTINEL = 'Sentinel"0\\7/+&?=%ZZ'
SHOP = Account("shop", "service", "wx1234567890abcdef")
CORP = Account("corp", "wecom", "ww1234567890abcdef")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
CUSTOM = "/cgi-bin/message/custom/send"
TOKEN = "/cgi-bin/stable_token"  # noqa: S105  a path
FAULTS = (
    Fault.code(45015),
    Fault.code(42001),
    Fault.code(99999),
    Fault.status(502),
    Fault.status(302),
    Fault.cut(),
    Fault.cut(after=False),
    Fault.body("<html>"),
    Fault.body('{"errcode": "x"}'),
    Fault.slow(5),
    Fault.drip(0.1),
)


def hi(_: Letter) -> Text:
    """Return what every letter says."""
    return Text("hi")


def letter(channel: str) -> Letter:
    """Return a letter to Alice."""
    return Letter(Send("s1", "oAlice", channel, "t1"), "k1")


def shown(caplog: pytest.LogCaptureFixture) -> str:
    """Return everything that was logged, with the values of each record."""
    return caplog.text + "".join(
        repr((record.msg, record.args, record.exc_text)) for record in caplog.records
    )


@pytest.mark.parametrize("path", [CUSTOM, TOKEN])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_no_failure_shows_a_secret(
    path: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """At the greatest detail of every library: not in logs, outcomes and reprs."""
    caplog.set_level(logging.DEBUG)
    with FakeWeChat(secrets={SHOP.appid: SENTINEL}) as fake:
        endpoint = Endpoint(fake.url, total=0.3, read=0.2)
        sender = OfficialAccountSender(SHOP, hi, secret=SENTINEL, endpoint=endpoint)
        fake.act("message", "oAlice")
        fake.fail(path, fault)
        outcomes = [sender.send(letter("customer_message"), fake.now) for _ in range(2)]
        tokens = {call.query.get("access_token") for call in fake.calls} - {None}
        told = {call.body.get("secret") for call in fake.calls} - {None}

    text = shown(caplog) + repr((outcomes, sender, vars(sender)))
    # The fake really got what must not show.
    assert {SENTINEL} == told
    assert "urllib3" in {record.name.split(".")[0] for record in caplog.records}
    assert [] == [one for one in (SENTINEL, *tokens) if str(one) in text]
    assert "token-" not in text
    assert "Sentinel" not in text


@pytest.mark.parametrize(
    "fault", [None, Fault.code(93000), Fault.cut(), Fault.drip(0.1)]
)
def test_the_keys_of_robot_and_wecom_do_not_show(
    fault: Fault | None, caplog: pytest.LogCaptureFixture
) -> None:
    """They are part of the address, which libraries love to log."""
    caplog.set_level(logging.DEBUG)
    with FakeWeChat(secrets={CORP.appid: SENTINEL}) as fake:
        endpoint = Endpoint(fake.url, total=0.3)
        robot = GroupRobotSender(hi, key=SENTINEL, endpoint=endpoint)
        wecom = WeComSender(CORP, hi, secret=SENTINEL, endpoint=endpoint)
        for path in ("/cgi-bin/webhook/send", "/cgi-bin/gettoken"):
            if fault is not None:
                fake.fail(path, fault)
        outcomes: list[object] = [robot.send(letter("group_robot"), fake.now)]
        token = wecom._tokens.get()
        queries = [call.query for call in fake.calls]

    assert {"key": SENTINEL} in queries
    assert {"corpid": CORP.appid, "corpsecret": SENTINEL} in queries
    text = shown(caplog) + repr((outcomes, token, robot, wecom))
    assert "Sentinel" not in text
    assert "token-1" not in text


def raised(work: Callable[[], object]) -> str:
    """Return a traceback with the values of every frame."""
    try:
        work()
    except (CallbackRejected, InvalidInputError) as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(told.format()) + repr(error) + str(error)
    raise AssertionError("nothing was raised")


def test_no_error_of_the_door_shows_a_secret() -> None:
    """Even a traceback that prints every variable."""
    token, key = "Sentinel-token", "Sentinel" + "A" * 35
    inbound = Inbound(SHOP, token=token, aes_key=key)
    pushes = Pushes(SHOP, token=token, aes_key=key)
    push = pushes.push("message", "oAlice", NOON, item="hi")
    late = NOON + dt.timedelta(hours=1)
    forged = dict(push.query) | {"msg_signature": "0" * 40}
    stranger = Pushes(Account("x", "service", "wx9"), token=token, aes_key=key)
    other = stranger.push("message", "oAlice", NOON)
    texts = [
        raised(lambda: inbound.read("POST", push.query, push.body, late)),
        raised(lambda: inbound.read("POST", forged, push.body, NOON)),
        raised(lambda: inbound.read("POST", other.query, other.body, NOON)),
        raised(lambda: inbound.read("POST", push.query, b"<xml/>", NOON)),
    ]

    assert [] == [text for text in texts if "Sentinel" in text]


def test_a_secret_that_can_be_none_is_not_shown() -> None:
    """The one who mistyped it sees the rule, not the text."""
    for bad in ("Sentinel with spaces", "Sentinel\n", "Sentinelé"):
        with pytest.raises(InvalidInputError) as caught:
            GroupRobotSender(hi, key=bad)
        assert "Sentinel" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.weixin.qq.com",
        "https://api.weixin.qq.com.evil.example",
        "https://api.weixin.qq.com@evil.example",
        "https://evil.example",
        "https://evil.example#api.weixin.qq.com",
        "https://api.weixin.qq.com/cgi-bin",
        "https://api.weixin.qq.com:8443",
        "https://api.weixin.qq.com:99999",
        "https://api.weixin.qq.com?",
        "https://127.0.0.1.evil.example",
        "http://127.0.0.1:0",
        "file:///etc/passwd",
        "https://[::1",
        "https://api.weixin.qq.com\n",
        "",
        None,
        7,
    ],
)
def test_tokens_are_told_to_no_other_host(url: Any) -> None:
    """Nor to the right one over a line that can be read."""
    with pytest.raises(
        InvalidInputError, match="url must be https and a host of WeChat"
    ):
        Endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.weixin.qq.com",
        "https://api.weixin.qq.com:443",
        "https://qyapi.weixin.qq.com",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://localhost",
    ],
)
def test_the_hosts_of_wechat_and_this_machine_are_allowed(url: str) -> None:
    """The ones that the platform has, and a test's."""
    assert url == Endpoint(url).url


def test_times_and_proxies_are_checked() -> None:
    """No call without an end."""
    for name in ("connect", "read", "total"):
        for bad in (0, -1, float("inf"), float("nan"), True, "3"):
            with pytest.raises(InvalidInputError, match=f"{name} must be seconds"):
                Endpoint(**{name: bad})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="proxy must be"):
        Endpoint(proxy="user:secret@proxy")
    assert "secret" not in repr(Endpoint(proxy="http://user:secret@proxy:3128"))


SEEN: list[str] = []


class _Redirect(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Send everybody elsewhere."""
        SEEN.append(self.path)
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(server: HTTPServer) -> Iterator[HTTPServer]:
    """Run a server for a while."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_no_redirect_is_followed() -> None:
    """It would carry the message, and perhaps the token, elsewhere."""
    SEEN.clear()
    for server in serve(HTTPServer(("127.0.0.1", 0), _Redirect)):
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}")
        robot = GroupRobotSender(hi, key=SENTINEL, endpoint=endpoint)

        assert Unknown("HTTP 307") == robot.send(letter("group_robot"), NOON)

    assert 1 == len(SEEN)


class _Proxy(BaseHTTPRequestHandler):
    def do_CONNECT(self) -> None:
        """Let nobody through."""
        SEEN.append(self.path)
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_proxy_is_used_where_it_is_named() -> None:
    """It is asked for a tunnel; where it gives none, the message did not go."""
    SEEN.clear()
    for server in serve(HTTPServer(("127.0.0.1", 0), _Proxy)):
        proxy = f"http://127.0.0.1:{server.server_port}"
        endpoint = Endpoint("https://qyapi.weixin.qq.com", proxy=proxy)
        robot = GroupRobotSender(hi, key=SENTINEL, endpoint=endpoint)

        assert NotSent("not_reached", "retry") == robot.send(
            letter("group_robot"), NOON
        )

    assert ["qyapi.weixin.qq.com:443"] == SEEN


def test_the_environment_sets_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What speaks to WeChat is said in the code, not in a variable."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with FakeWeChat() as fake:
        robot = GroupRobotSender(hi, key="k", endpoint=Endpoint(fake.url))

        assert isinstance(robot.send(letter("group_robot"), fake.now), Sent)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a certificate of this machine that nobody else trusts, with its key."""
    x509 = pytest.importorskip("cryptography.x509", reason="no cryptography")
    hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2099, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(encoding))
    return path


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[FakeWeChat]:
    """Give a fake WeChat that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with FakeWeChat() as fake:
        server = fake._server
        assert server is not None
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield fake
        server.socket.close()
    gc.collect()


def robot_over_tls(fake: FakeWeChat, trusted: Path | None) -> GroupRobotSender:
    """Return a sender that trusts a certificate, or only the world's."""
    url = fake.url.replace("http:", "https:")
    endpoint = Endpoint(url, total=0.5, connect=0.4)
    robot = GroupRobotSender(hi, key=SENTINEL, endpoint=endpoint)
    if trusted is not None:
        robot._wire._client._http.verify = str(trusted)  # type: ignore[attr-defined]
    return robot


def test_over_tls_a_message_goes_and_a_drip_ends(
    encrypted: FakeWeChat, certificate: Path
) -> None:
    """The encrypted line has the same secrets and the same end."""
    robot = robot_over_tls(encrypted, certificate)

    assert isinstance(robot.send(letter("group_robot"), NOON), Sent)
    assert {"key": SENTINEL} == encrypted.calls[0].query
    encrypted.fail("/cgi-bin/webhook/send", Fault.drip(0.1))
    assert Unknown("the time for the call was over") == robot.send(
        letter("group_robot"), NOON
    )


def test_an_unknown_certificate_is_told_nothing(encrypted: FakeWeChat) -> None:
    """Not even the message, so it surely did not go."""
    robot = robot_over_tls(encrypted, None)

    assert NotSent("not_reached", "retry") == robot.send(letter("group_robot"), NOON)
    assert () == encrypted.calls
