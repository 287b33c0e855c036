"""The gateway over HTTPS: with a certificate of its own, and behind a proxy that has one."""

import asyncio
import hashlib
import hmac
import ssl
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookline_common.adapters import open_log
from hookline_common.cloudevents import raw_event
from hookline_common.topics import RECEIVED
from tests.servers.hookline import System, command, up
from tests.servers.processes import free_port
from tests.system.certificates import self_signed

SECRET = "a secret of this test"
BODY = b'{"zen": "Keep it logically awesome."}'


def registered(system: System) -> dict[str, Any]:
    """A new webhook of GitHub."""
    name = f"tls-{uuid.uuid4().hex[:8]}"
    made: dict[str, Any] = system.post(
        "/metadata/webhook",
        {"name": name, "sourcePlatform": "GitHub", "secretValue": SECRET,
         "receiverWorkflowNamesToVersions": {"nobody": 0}},
    )  # fmt: skip
    return made


def headers() -> dict[str, str]:
    """Those of GitHub, with its signature of BODY."""
    mac = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={mac}",
    }


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def tls_system(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[System]:
    file, key = certificate
    folder = tmp_path_factory.mktemp("tls")
    arguments = ("--tls-cert", str(file), "--tls-key", str(key))
    with up(folder, *arguments, certificate=file) as running:
        yield running


def test_a_signed_event_comes_in_over_https(
    tls_system: System, certificate: tuple[Path, Path]
) -> None:
    webhook = registered(tls_system)
    assert webhook["url"] == f"{tls_system.gateway}/webhook/{webhook['id']}"
    assert webhook["url"].startswith("https://")

    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with httpx.Client(verify=trust) as sender:
        answer = sender.post(webhook["url"], content=BODY, headers=headers())

    assert answer.status_code == 200
    record = tls_system.event(answer.headers["hookline-event-id"])
    assert record["verdict"] == "unmatched", record
    assert record["verified"] is True
    assert tls_system.get(f"/metadata/webhook/{webhook['id']}")["urlVerified"] is True


def test_who_does_not_trust_the_certificate_is_not_served(tls_system: System) -> None:
    with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
        httpx.post(f"{tls_system.gateway}/webhook/any", content=BODY)


def test_the_port_of_the_certificate_speaks_no_plain_http(tls_system: System) -> None:
    plain = tls_system.gateway.replace("https://", "http://")
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{plain}/webhook/any", content=BODY)


def test_the_commands_work_with_an_https_gateway(tls_system: System) -> None:
    """The server reaches its own gateway; the command trusts what SSL_CERT_FILE names."""
    webhook = registered(tls_system)
    by_server = tls_system.hookline("send", webhook["name"], "ping")
    assert by_server.code == 0, by_server

    demo = tls_system.hookline("demo")
    assert demo.code == 0, demo


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_certificate_without_its_key_is_one_clear_line(
    tmp_path: Path, certificate: tuple[Path, Path], which: str
) -> None:
    (tmp_path / "other").mkdir()
    files = dict(zip(("certificate", "key"), certificate, strict=True))
    files[which] = self_signed(tmp_path / "other")[which == "key"]

    done = command(
        "hookline", "up", "--port", str(free_port()), "--gateway-port", str(free_port()),
        "--data", str(tmp_path / "data"),
        "--tls-cert", str(files["certificate"]), "--tls-key", str(files["key"]),
    )  # fmt: skip

    assert done.code == 78, done
    assert "HOOKLINE_TLS_CERT" in done.err
    assert len(done.err.splitlines()) == 1, done


FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "hooks.example.com",
    "X-Forwarded-For": "203.0.113.7",
}


def posted(system: System) -> str:
    """The id of an event that says that it came through a proxy."""
    webhook = registered(system)
    answer = httpx.post(
        f"{system.gateway}/webhook/{webhook['id']}", content=BODY, headers=headers() | FORWARDED
    )
    assert answer.status_code == 200
    event_id: str = answer.headers["hookline-event-id"]
    assert system.event(event_id)["verdict"] == "unmatched"
    return event_id


async def stored_url(data: Path, event_id: str) -> str:
    """The external URL of an event, as it lies in the log of a system that has ended."""
    log = await open_log(f"sqlite:{data / 'hookline.db'}")
    try:
        for partition in range(RECEIVED.partitions):
            for delivered in await log.read(RECEIVED.name, partition, 0, 100):
                event = raw_event(delivered.record)
                if event.id == event_id:
                    return event.url
    finally:
        await log.close()
    raise AssertionError(f"{event_id} is not in the log")


@pytest.mark.parametrize(
    ("trusted", "scheme_and_host", "address"),
    [
        ("127.0.0.0/8", "https://hooks.example.com", "203.0.113.7"),
        ("127.0.0.1,::1", "https://hooks.example.com", "203.0.113.7"),
        ("10.0.0.0/8", None, "127.0.0.1"),
        ("", None, "127.0.0.1"),
    ],
)
def test_what_a_proxy_says_is_believed_only_from_those_named(
    tmp_path: Path, trusted: str, scheme_and_host: str | None, address: str
) -> None:
    with up(tmp_path, environ={"HOOKLINE_TRUSTED_PROXIES": trusted}) as system:
        event_id = posted(system)
        assert system.event(event_id)["remoteAddress"] == address

    url = asyncio.run(stored_url(tmp_path / "data", event_id))
    assert url.startswith(f"{scheme_and_host or system.gateway}/webhook/")
