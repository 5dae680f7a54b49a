"""Keys of the merchant never show, and a certificate is really shown to WeChat."""

from __future__ import annotations

import datetime as dt
import gc
import ipaddress
import logging
import ssl
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.adapters.tills import RED_PACKETS, TILLS, TRANSFERS, Till, payout
from wxengage.adapters.pay import PayEndpoint, PlatformKeys
from wxengage.adapters.pay.merchants import Papers
from wxengage.delivery.outcomes import Unknown
from wxengage.delivery.payouts import Accepted, AwaitingUser, Refused
from wxengage.errors import InvalidInputError
from wxengage.testing.faults import Fault
from wxengage.testing.server import FakeWeChat

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("wechatpy", reason="wechatpy is not installed")
pytest.importorskip("wechatpayv3", reason="wechatpayv3 is not installed")

FAULTS = (
    None,
    Fault.refusal("NOTENOUGH"),
    Fault.refusal("SIGN_ERROR", status=401),
    Fault.refusal("SYSTEMERROR"),
    Fault.status(502),
    Fault.status(302),
    Fault.cut(),
    Fault.cut(after=False),
    Fault.body("<html>"),
    Fault.truncated(),
    Fault.forged(),
    Fault.other_number(),
    Fault.slow(5),
    Fault.drip(0.1),
)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeWeChat]:
    """Give one fake WeChat for many tests."""
    with FakeWeChat() as fake:
        yield fake


@pytest.fixture(scope="module")
def senders(fake: FakeWeChat) -> dict[str, Any]:
    """Give a sender of each kind."""
    return {till.name: till.sender(fake, total=0.2, read=0.15) for till in TILLS}


def secrets_of(fake: FakeWeChat) -> list[str]:
    """Return what must never be seen, and what is nobody's business."""
    pem = Path(fake.pay.merchant.key_file).read_text().splitlines()
    lines = [line for line in pem if "PRIVATE" not in line]
    return [fake.pay.api_key, fake.pay.apiv3_key, *lines, "o_ada", "小店"]


@pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_no_failure_shows_a_key_or_a_person(
    fake: FakeWeChat,
    senders: dict[str, Any],
    till: Till,
    fault: Fault | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At the greatest detail of every library: not in logs, outcomes and reprs."""
    caplog.set_level(logging.DEBUG)
    for name in ("wechatpy", "wechatpy.pay", "wechatpy.pay.utils", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    sender, of = senders[till.name], payout()
    before = len(fake.calls)
    if fault is not None:
        fake.fail(till.pay, fault)
        fake.fail(till.query, fault)

    outcomes = [sender.pay(of, fake.now), sender.query(of, fake.now)]
    fake.mend()

    logged = "".join(
        repr((record.name, record.msg, record.args, record.exc_text))
        for record in caplog.records
    )
    text = caplog.text + logged + repr((outcomes, sender))
    assert "urllib3" in text
    assert 2 == len(fake.calls) - before
    assert [] == [secret for secret in secrets_of(fake) if secret in text]


def test_wechatpys_own_signatures_do_not_log_their_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also where the application uses wechatpy for other payments."""
    utils = pytest.importorskip("wechatpy.pay.utils", reason="no wechatpy")
    caplog.set_level(logging.DEBUG, logger="wechatpy.pay.utils")
    with FakeWeChat() as fake:
        RED_PACKETS.sender(fake)
    utils.calculate_signature({"a": "b"}, "Sentinel")
    utils.logger.info("an ordinary message")

    assert "Sentinel" not in caplog.text
    assert "an ordinary message" in caplog.text


def test_no_variable_of_a_wire_holds_the_key(fake: FakeWeChat) -> None:
    """Wechatpy has a stand-in; what is ours shows three stars."""
    sender = RED_PACKETS.sender(fake)
    wire = sender._wire

    assert fake.pay.api_key not in repr(vars(wire._pay)) + repr(vars(sender))
    assert fake.pay.api_key != wire._pay.api_key


def test_a_bad_key_is_not_shown(fake: FakeWeChat, tmp_path: Path) -> None:
    """Not by the error, and not by a traceback that prints every variable."""
    key = tmp_path / "key.pem"
    key.write_text(
        "-----BEGIN PRIVATE KEY-----\nU2VudGluZWw=\n-----END PRIVATE KEY-----"
    )
    cert = fake.pay.merchant.cert_file
    cases: list[Any] = [
        lambda: RED_PACKETS.sender(fake, api_key="Sentinel with blanks"),
        lambda: RED_PACKETS.sender(fake, api_key="Sentinel"),
        lambda: PlatformKeys({"a": f"-----BEGIN {'X' * 40}U2VudGluZWw="}),
        lambda: Papers.of(
            type(fake.pay.merchant)("1900000109", "a", cert_file=cert, key_file=key)
        ),
    ]
    for case in cases:
        with pytest.raises(InvalidInputError) as caught:
            case()
        assert "Sentinel" not in str(caught.value) + repr(caught.value)
        assert "U2Vud" not in str(caught.value) + repr(caught.value)
    told = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    assert "U2Vud" not in "".join(told.format())


def _signed_by_itself(folder: Path) -> Path:
    x509 = pytest.importorskip("cryptography.x509", reason="no cryptography")
    hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
    form = pytest.importorskip("cryptography.hazmat.primitives.serialization")
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
    pem = form.Encoding.PEM
    private = key.private_bytes(pem, form.PrivateFormat.PKCS8, form.NoEncryption())
    path = folder / "both.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[tuple[FakeWeChat, Path]]:
    """Give a fake WeChat that asks for the merchant's certificate, as v2 does."""
    both = _signed_by_itself(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    context.verify_mode = ssl.CERT_REQUIRED
    with FakeWeChat() as fake:
        context.load_verify_locations(fake.pay.merchant.cert_file)
        server = fake._server
        assert server is not None
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield fake, both
        server.socket.close()
    gc.collect()


def test_red_packets_show_the_certificate(strict: tuple[FakeWeChat, Path]) -> None:
    """Over TLS; and whoever has another certificate than WeChat's is told nothing."""
    fake, both = strict
    endpoint = PayEndpoint(fake.url.replace("http:", "https:"), total=2.0)
    distrustful, sender = (RED_PACKETS.build(fake, endpoint=endpoint) for _ in range(2))
    sender._wire._pay._http.verify = str(both)  # type: ignore[union-attr]

    refused = distrustful.pay(payout(), fake.now)
    outcome = sender.pay(payout(), fake.now)

    assert isinstance(refused, Refused)
    assert "not_reached" == refused.code
    assert Accepted(payout().number, fake.now) == outcome
    assert 1 == len(fake.pay.payments)


def test_without_its_certificate_a_packet_does_not_go(
    strict: tuple[FakeWeChat, Path],
) -> None:
    """A transfer signs itself and shows none: here it fails, and nobody is paid."""
    fake, both = strict
    endpoint = PayEndpoint(fake.url.replace("http:", "https:"), total=2.0)
    sender = TRANSFERS.build(fake, endpoint=endpoint)
    sender._wire._pay._core._http.verify = str(both)  # type: ignore[union-attr]

    outcome = sender.pay(payout(), fake.now)

    assert isinstance(outcome, Refused | Unknown)
    assert not isinstance(outcome, AwaitingUser)
    assert () == fake.pay.payments
