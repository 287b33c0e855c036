"""Every platform's events through the whole system: resume, start, both, and what is forged."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.pipeline.platform_senders import (
    KEY,
    SLACK,
    TEAMS,
    WITH_SHARED_SECRET,
    PlatformSender,
    X,
    payload_of,
    sendgrid,
)
from tests.pipeline.running_system import System, eventually, fresh, task, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")

Webhook = Mapping[str, Any]
NAMES = [*(sender.name for sender in WITH_SHARED_SECRET), "SendGrid"]


@pytest.fixture(params=NAMES)
def sender(request: pytest.FixtureRequest, tmp_path: Path) -> PlatformSender:
    """A platform that signs."""
    if request.param == "SendGrid":
        return sendgrid(tmp_path)
    return next(one for one in WITH_SHARED_SECRET if one.name == request.param)


async def _waiting(system: System, sender: PlatformSender, order: str) -> tuple[str, str]:
    """A workflow that waits for an event about an order, and an execution that does."""
    flow = await system.define(wait_task("event", {sender.path: "${workflow.input.order}"}))
    return flow, await system.start(flow, {"order": order})


async def _noting(system: System) -> str:
    """A workflow to be started, whose output is its input."""
    note = task("note", "SET_VARIABLE", {"seen": True})
    return await system.define(note, outputParameters={"came": "${workflow.input}"})


async def _shake_hands(system: System, sender: PlatformSender, webhook: Webhook) -> None:
    """Let the platform prove the URL where it does so before it sends anything else."""
    if sender is SLACK:
        body = msgspec.json.encode({"type": "url_verification", "challenge": "3eZbrw1aB"})
        sent = await system.send(webhook, body, SLACK.sign(KEY, body))
        assert sent.body == b"3eZbrw1aB"
    elif sender is X:
        sent = await system.send(webhook, b"", {}, method="GET", query="crc_token=abc123")
        mac = hmac.new(KEY.encode(), b"abc123", hashlib.sha256).digest()
        token = f"sha256={b64encode(mac).decode()}"
        assert msgspec.json.decode(sent.body) == {"response_token": token}
    else:
        return
    assert await system.verdict(sent) == "handshake"
    assert await system.verified(webhook)


async def _started(system: System, flow: str) -> dict[str, Any]:
    """The one execution of a workflow, once it has completed."""

    async def look() -> list[dict[str, Any]]:
        return await system.executions_of(flow)

    found = await eventually(look, f"an execution of {flow}")
    assert len(found) == 1
    return await system.ended(found[0]["workflowId"])


async def test_a_signed_event_resumes_what_waits_for_it_and_verifies_the_url(
    system: System, sender: PlatformSender
) -> None:
    """The payload is the task's output, exactly."""
    order = fresh("o")
    flow, waiting = await _waiting(system, sender, order)
    hook = await system.webhook(**sender.fields, receiverWorkflowNamesToVersions={flow: 1})
    assert not await system.verified(hook)
    await _shake_hands(system, sender, hook)
    request = sender.request(order)
    sent = await system.send(hook, *request)
    assert sent.body == sender.reply
    found = await system.ended(waiting)
    assert found["tasks"][0]["outputData"] == payload_of(request)
    record = await system.event(sent.event_id)
    assert (record["verdict"], record["verified"]) == ("resumed", True)
    assert all(check["ok"] for check in record["verification"]["checks"])
    effect = record["effects"][0]
    assert (effect["kind"], effect["workflowId"], effect["status"]) == (
        "resume",
        waiting,
        "applied",
    )
    assert await system.verified(hook)


async def test_a_forged_event_is_rejected_and_does_nothing(
    system: System, sender: PlatformSender
) -> None:
    order = fresh("o")
    flow, waiting = await _waiting(system, sender, order)
    started = await _noting(system)
    hook = await system.webhook(
        **sender.fields,
        receiverWorkflowNamesToVersions={flow: 1},
        workflowsToStart={started: 1},
    )
    await _shake_hands(system, sender, hook)
    known_good = await system.verified(hook)
    sent = await system.send(hook, *sender.forged(order), expected=sender.forged_status)
    record = await system.event(sent.event_id)
    assert (record["verdict"], record["reason"]) == ("rejected", sender.reason)
    assert not record["verified"]
    assert record.get("effects", []) == []
    assert KEY not in msgspec.json.encode(record).decode()
    assert (await system.execution(waiting))["status"] == "RUNNING"
    assert await system.executions_of(started) == []
    assert await system.verified(hook) == known_good


async def test_a_start_rule_starts_a_workflow_with_the_payload_as_its_input(
    system: System, sender: PlatformSender
) -> None:
    flow = await _noting(system)
    hook = await system.webhook(**sender.fields, workflowsToStart={flow: 1})
    await _shake_hands(system, sender, hook)
    request = sender.request(fresh("o"))
    sent = await system.send(hook, *request)
    found = await _started(system, flow)
    assert found["input"] == payload_of(request)
    assert found["output"] == {"came": payload_of(request)}
    record = await system.event(sent.event_id)
    assert record["verdict"] == "started"
    assert found["event"] == f"{hook['name']}:{sent.event_id}"
    assert found.get("correlationId") == record.get("deliveryId")


async def test_one_event_resumes_and_starts(system: System, sender: PlatformSender) -> None:
    order = fresh("o")
    flow, waiting = await _waiting(system, sender, order)
    started = await _noting(system)
    hook = await system.webhook(
        **sender.fields,
        receiverWorkflowNamesToVersions={flow: 1},
        workflowsToStart={started: 0},
    )
    await _shake_hands(system, sender, hook)
    sent = await system.send(hook, *sender.request(order))
    await system.ended(waiting)
    found = await _started(system, started)
    record = await system.event(sent.event_id)
    assert record["verdict"] == "resumed_and_started"
    kinds = [(effect["kind"], effect["workflowId"]) for effect in record["effects"]]
    assert kinds == [("resume", waiting), ("start", found["workflowId"])]


async def test_the_server_sends_a_sample_as_the_platform_would(
    system: System, sender: PlatformSender
) -> None:
    """It signs with the stored secrets; of SendGrid it holds only the public key."""
    flow = await _noting(system)
    hook = await system.webhook(**sender.fields, workflowsToStart={flow: 1})
    await _shake_hands(system, sender, hook)
    platforms = {one["label"]: one for one in await system.get("/metadata/webhook-platforms")}
    samples = platforms[sender.fields["sourcePlatform"]]["samples"]
    events = [one["name"] for one in samples if one["name"] not in ("url_verification", "crc")]
    path, asked = f"/metadata/webhook/{hook['id']}/test", {"event": events[0]}
    if sender.name == "SendGrid":
        refused = await system.post(path, asked, expected=409)
        assert refused["code"] == "needs_private_key"
        return
    answer = await system.post(path, asked)
    assert (await system.event(answer["eventId"]))["verdict"] == "started"
    await _started(system, flow)


async def test_until_slack_has_challenged_the_url_everything_else_is_ignored(
    system: System,
) -> None:
    """And the challenge itself must be signed, since there is a secret."""
    order = fresh("o")
    flow, waiting = await _waiting(system, SLACK, order)
    hook = await system.webhook(**SLACK.fields, receiverWorkflowNamesToVersions={flow: 1})
    record = await system.event((await system.send(hook, *SLACK.request(order))).event_id)
    assert (record["verdict"], record["reason"]) == ("rejected", "url_not_verified")
    body = msgspec.json.encode({"type": "url_verification", "challenge": "abc"})
    sent = await system.send(hook, body, SLACK.sign("another", body), expected=401)
    assert await system.verdict(sent) == "rejected"
    assert not await system.verified(hook)
    await _shake_hands(system, SLACK, hook)
    assert (await system.execution(waiting))["status"] == "RUNNING"
    await system.send(hook, *SLACK.request(order))
    await system.ended(waiting)


async def test_a_reply_to_teams_is_never_given_to_a_forger(system: System) -> None:
    flow = await _noting(system)
    hook = await system.webhook(**TEAMS.fields, workflowsToStart={flow: 1})
    sent = await system.send(hook, *TEAMS.forged(fresh("o")), expected=401)
    answer = msgspec.json.decode(sent.body)
    assert answer["code"] == "signature_mismatch"
    assert KEY.encode() not in sent.body
    good = await system.send(hook, *TEAMS.request(fresh("o")))
    assert good.headers["content-type"] == "application/json"
    assert msgspec.json.decode(good.body)["type"] == "message"


async def test_the_customers_example_webhook_works_verbatim(system: System) -> None:
    """The page's own JSON, posted with its id; it reads back the same and takes an event."""
    example = {
        "verifier": "HEADER_BASED",
        "secretValue": "***",
        "headers": {"appName": "demoApp"},
        "name": "webhook-name",
        "id": "7a308c91-4189-4e34-8ddb-347cbbfd82fe",
        "receiverWorkflowNamesToVersions": {"sample-webhook": 1},
        "workflowsToStart": {"start-http-task": 2},
        "urlVerified": True,
        "sourcePlatform": "Custom",
        "createdBy": "john.doe@acme.com",
    }
    await system.define(wait_task("event", {"$.id": 1}), name="sample-webhook")
    note = task("note", "SET_VARIABLE", {"seen": True})
    await system.define(note, name="start-http-task", version=2)
    await system.post("/metadata/webhook", example)
    shown = await system.get(f"/metadata/webhook/{example['id']}")
    assert shown == shown | example
    waiting = await system.start("sample-webhook")
    sent = await system.send(shown, {"id": 1}, {"appName": "demoApp"})
    assert await system.verdict(sent) == "resumed_and_started"
    await system.ended(waiting)
