"""`hookline send` and `hookline keys`: samples signed by the server, and by the command."""

import base64
import json
import re
import stat
import uuid
from pathlib import Path

import pytest

from tests.cli.registering import UUID, registered, sent_event, waiting
from tests.servers.hookline import System, command

PLATFORMS = {
    "GitHub": ("issues", "$.issue.number", "issue.number"),
    "Slack": ("message", "$.event.channel", "event.channel"),
    "Stripe": ("invoice.paid", "$.data.object.customer", "data.object.customer"),
    "Microsoft Teams": ("message", "$.text", "text"),
    "Custom": ("event", "$.orderId", "orderId"),
}
SECRETS = {
    "GitHub": {"secretValue": "s3cret-of-github"},
    "Slack": {"secretValue": "8f742231b10e8888abcd99yyyzzz85a5", "urlVerified": True},
    "Stripe": {"secretValue": "whsec_of_stripe_0123456789"},
    "Microsoft Teams": {"secretValue": "YSB0b2tlbiBvZiB0ZWFtcyAzMiBieXRlcyBsb25nISE="},
    "Custom": {"headers": {"X-Shop": "b1946ac92492d234"}},
}  # fmt: skip


def sample_of(system: System, platform: str) -> str:
    """The platform's preferred sample, or its first that is an event of its own."""
    found = system.get("/metadata/webhook-platforms")
    names = [
        sample["name"] for one in found if one["label"] == platform for sample in one["samples"]
    ]
    wanted = PLATFORMS[platform][0] if platform in PLATFORMS else names[0]
    return wanted if wanted in names else names[0]


@pytest.mark.parametrize("platform", list(PLATFORMS))
def test_the_server_signs_a_sample_of_the_platform(system: System, platform: str) -> None:
    """By name and by id; the waiting workflow completes with the payload, the URL is verified."""
    _, path, assigned = PLATFORMS[platform]
    mark = f"m-{uuid.uuid4().hex[:8]}"
    workflow = waiting(system, {path: mark})
    webhook = registered(system, workflow, sourcePlatform=platform, **SECRETS[platform])
    workflow_id = system.hookline("run", workflow).out.strip()

    sent_event(
        system.hookline(
            "send", webhook["id"], sample_of(system, platform), "--set", f"{assigned}={mark}"
        )
    )

    ended = system.execution(workflow_id, "COMPLETED")
    assert mark in json.dumps(ended["tasks"][0]["outputData"])
    assert system.get(f"/metadata/webhook/{webhook['id']}")["urlVerified"] is True


@pytest.mark.parametrize("platform", [name for name in PLATFORMS if name != "Custom"])
def test_the_command_signs_with_a_secret_file(
    system: System, tmp_path: Path, platform: str
) -> None:
    workflow = waiting(system, {"$.never": "comes"})
    webhook = registered(system, workflow, sourcePlatform=platform, **SECRETS[platform])
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(f"{SECRETS[platform]['secretValue']}\n")
    wrong.write_text(base64.b64encode(b"another secret of thirty-two byt").decode())
    sample = sample_of(system, platform)

    good = system.hookline("send", webhook["name"], sample, "--secret-file", str(right))
    bad = system.hookline("send", webhook["name"], sample, "--secret-file", str(wrong))

    assert system.event(sent_event(good))["verdict"] == "unmatched"
    found = re.match(rf"(\d+) ({UUID})", bad.out)
    assert found, bad
    assert system.event(found[2])["verdict"] == "rejected"
    # Teams is judged in the request, every other platform afterwards.
    assert (found[1], bad.code) == (("401", 1) if platform == "Microsoft Teams" else ("200", 0))


def test_sendgrid_needs_the_private_key_of_the_pair(system: System, tmp_path: Path) -> None:
    private, other = tmp_path / "private.pem", tmp_path / "other.pem"
    made = command("hookline", "keys", "sendgrid", "--out", str(private))
    assert made.code == 0, made
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert command("hookline", "keys", "sendgrid", "--out", str(other)).code == 0
    workflow = waiting(system, {"$.never": "comes"})
    webhook = registered(system, workflow, sourcePlatform="SendGrid", secretValue=made.out.strip())
    sample = sample_of(system, "SendGrid")

    signed = system.hookline("send", webhook["id"], sample, "--private-key-file", str(private))
    forged = system.hookline("send", webhook["id"], sample, "--private-key-file", str(other))
    by_server = system.hookline("send", webhook["id"], sample)

    assert system.event(sent_event(signed))["verdict"] == "unmatched"
    assert system.event(sent_event(forged))["verdict"] == "rejected"
    assert by_server.code == 1, by_server
    assert "private" in by_server.err, by_server
    assert len(by_server.err.splitlines()) == 1, by_server


def test_a_new_key_never_overwrites_one(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("precious")

    done = command("hookline", "keys", "sendgrid", "--out", str(file))

    assert done.code == 1, done
    assert "exists already" in done.err
    assert file.read_text() == "precious"


def test_a_key_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = command("hookline", "keys", "sendgrid", "--out", str(tmp_path / "no" / "key.pem"))

    assert done.code == 1, done
    assert "cannot be written" in done.err
    assert "Traceback" not in done.err


def test_a_seal_key_is_32_random_bytes_in_base64() -> None:
    first, second = (command("hookline", "keys", "seal").out.strip() for _ in range(2))

    assert len(base64.b64decode(first, validate=True)) == 32
    assert first != second
