"""What the customer's page asks for, step by step, over the API of a running system."""

import http.server
import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.common import foreign_senders
from tests.servers.hookline import System

EXAMPLE = """{
"verifier": "HEADER_BASED",
"secretValue": "***",
"headers": {
"appName": "demoApp"
},
"name": "webhook-name",
"id": "7a308c91-4189-4e34-8ddb-347cbbfd82fe",
"receiverWorkflowNamesToVersions": {
"sample-webhook": 1
},
"workflowsToStart": {
"start-http-task": 2
},
"urlVerified": true,
"sourcePlatform": "Custom",
"createdBy": "john.doe@acme.com"
}"""
EVENT_FIELDS = {"id", "receivedAt", "verdict", "verified", "verification", "effects"}


def task(kind: str, **inputs: Any) -> dict[str, Any]:
    """A task whose reference is its kind in small letters."""
    name = kind.lower()
    return {"name": name, "taskReferenceName": name, "type": kind, "inputParameters": inputs}


def define(system: System, name: str, version: int, *tasks: dict[str, Any]) -> str:
    """Register a workflow; returns its name."""
    definition = {"name": name, "version": version, "schemaVersion": 2, "tasks": list(tasks)}
    system.call("PUT", "/metadata/workflow", json=[definition])
    return name


def waiting_for(system: System, **matches: Any) -> tuple[str, str]:
    """A new workflow that waits for an event with these fields: its name, and an execution."""
    name = f"waits-{uuid.uuid4().hex[:8]}"
    clauses = {f"$['{field}']": value for field, value in matches.items()}
    define(system, name, 1, task("WAIT_FOR_WEBHOOK", matches=clauses))
    return name, system.post("/workflow", {"name": name})


def webhook_for(system: System, workflow: str, **fields: Any) -> dict[str, Any]:
    """A new webhook whose events the workflow receives."""
    made: dict[str, Any] = system.post(
        "/metadata/webhook",
        {"name": f"hook-{uuid.uuid4().hex[:8]}",
         "receiverWorkflowNamesToVersions": {workflow: 1}, **fields},
    )  # fmt: skip
    return made


def posted(url: str, body: Any, headers: dict[str, str]) -> httpx.Response:
    """Post as a platform does."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(url, content=content, headers={"Content-Type": "application/json"} | headers)


def record_of(system: System, answer: httpx.Response) -> dict[str, Any]:
    """The event's record once its verdict is final."""
    return system.event(answer.headers["hookline-event-id"])


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers every GET with an empty JSON object."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of a web server of someone else."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_example_works_verbatim_and_reads_back_the_same(
    system: System, web_server: str
) -> None:
    define(system, "sample-webhook", 1, task("WAIT_FOR_WEBHOOK", matches={"$['order']": "A-7"}))
    define(
        system,
        "start-http-task",
        2,
        task("HTTP", http_request={"uri": web_server, "method": "GET"}),
    )
    workflow_id = system.post("/workflow", {"name": "sample-webhook", "version": 1})

    made = system.http.post(
        "/api/metadata/webhook", content=EXAMPLE, headers={"Content-Type": "application/json"}
    )
    assert made.status_code == 200, made.text
    given = json.loads(EXAMPLE)
    shown = system.get(f"/metadata/webhook/{given['id']}")
    assert {name: shown.get(name) for name in given} == given
    assert shown["url"] == f"{system.gateway}/webhook/{given['id']}"

    ignored = posted(shown["url"], {"order": "A-7"}, {})
    assert record_of(system, ignored)["verdict"] == "rejected"
    accepted = posted(shown["url"], {"order": "A-7"}, {"appName": "demoApp"})
    record = record_of(system, accepted)

    assert record["verdict"] == "resumed_and_started", record
    resumed = system.execution(workflow_id, "COMPLETED")
    assert resumed["tasks"][0]["outputData"] == {"order": "A-7"}
    started = next(one for one in record["effects"] if one["kind"] == "start")
    assert (started["workflowName"], started["version"]) == ("start-http-task", 2)
    ended = system.execution(started["workflowId"], "COMPLETED")
    assert ended["input"] == {"order": "A-7"}
    assert ended["tasks"][0]["outputData"]["response"]["statusCode"] == 200


def test_the_example_read_back_can_be_put_again(system: System) -> None:
    """What a reader gets is what a writer may send: *** keeps the secrets that are stored."""
    workflow, workflow_id = waiting_for(system, order="B-1")
    webhook = webhook_for(system, workflow, sourcePlatform="Custom", headers={"appName": "demoApp"})

    system.call("PUT", f"/metadata/webhook/{webhook['id']}", json=webhook)
    answer = posted(webhook["url"], {"order": "B-1"}, {"appName": "demoApp"})

    assert record_of(system, answer)["verdict"] == "resumed"
    system.execution(workflow_id, "COMPLETED")


def test_each_platform_says_what_is_to_be_configured_in_the_pages_words(system: System) -> None:
    known = {one["label"]: one for one in system.get("/metadata/webhook-platforms")}
    labels = {
        "GitHub": "Secret",
        "Stripe": "Endpoint Secret",
        "Microsoft Teams": "Security token",
        "SendGrid": "Verification key",
    }

    assert {*labels, "Slack", "Custom"} <= set(known)
    for platform, label in labels.items():
        assert label in [field["label"] for field in known[platform]["fields"]], platform
        assert known[platform]["method"] == "signature"
        assert known[platform]["setup"]
    assert known["Custom"]["method"] == "header"
    assert known["Slack"]["handshakes"]


def test_header_verification_wants_every_header_with_its_value(system: System) -> None:
    workflow, workflow_id = waiting_for(system, order="C-1")
    both = {"appName": "demoApp", "X-Stage": "production"}
    webhook = webhook_for(system, workflow, sourcePlatform="Custom", headers=both)
    assert webhook["urlVerified"] is False

    for sent in ({}, {"appName": "demoApp"}, both | {"X-Stage": "test"}):
        record = record_of(system, posted(webhook["url"], {"order": "C-1"}, sent))
        assert record["verdict"] == "rejected"
        assert record["verified"] is False
    assert system.get(f"/metadata/webhook/{webhook['id']}")["urlVerified"] is False
    record = record_of(system, posted(webhook["url"], {"order": "C-1"}, both))

    assert record["verdict"] == "resumed"
    assert system.get(f"/metadata/webhook/{webhook['id']}")["urlVerified"] is True
    system.execution(workflow_id, "COMPLETED")


def test_challenge_verification_ignores_everything_before_the_challenge(system: System) -> None:
    """Slack's own library signs."""
    workflow, workflow_id = waiting_for(system, type="event_callback")
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    webhook = webhook_for(system, workflow, sourcePlatform="Slack", secretValue=secret)

    def sent(body: dict[str, Any]) -> httpx.Response:
        content = json.dumps(body).encode()
        headers = foreign_senders.slack(secret, content, int(time.time()))
        return posted(webhook["url"], content, headers)

    event = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}
    early = record_of(system, sent(event))
    assert (early["verdict"], early["reason"]) == ("rejected", "url_not_verified")
    challenge = sent({"type": "url_verification", "challenge": "3eZbrw1aB10", "token": "t"})
    assert "3eZbrw1aB10" in challenge.text
    assert record_of(system, challenge)["verdict"] == "handshake"
    assert system.get(f"/metadata/webhook/{webhook['id']}")["urlVerified"] is True

    assert record_of(system, sent(event))["verdict"] == "resumed"
    system.execution(workflow_id, "COMPLETED")


TEAMS_TOKEN = "YSB0b2tlbiBvZiB0ZWFtcyAzMiBieXRlcyBsb25nISE="
SIGNED = {
    "GitHub": ("a secret of github", foreign_senders.github),
    "Stripe": ("whsec_an_endpoint_secret", foreign_senders.stripe),
    "Microsoft Teams": (TEAMS_TOKEN, foreign_senders.teams),
}


@pytest.mark.parametrize("platform", list(SIGNED))
def test_signature_verification_by_a_foreign_signer(system: System, platform: str) -> None:
    secret, signer = SIGNED[platform]
    mark = uuid.uuid4().hex
    workflow, workflow_id = waiting_for(system, id=mark)
    webhook = webhook_for(system, workflow, sourcePlatform=platform, secretValue=secret)
    body = json.dumps({"id": mark, "type": "message", "text": "grüße"}).encode()
    headers = signer(secret, body, int(time.time()))

    forged = posted(webhook["url"], body.replace(b"message", b"massage"), headers)
    assert record_of(system, forged)["verdict"] == "rejected"
    genuine = posted(webhook["url"], body, headers)

    assert genuine.status_code == 200
    if platform == "Microsoft Teams":  # it shows the user what is answered
        assert genuine.json()["type"] == "message"
    assert record_of(system, genuine)["verdict"] == "resumed"
    system.execution(workflow_id, "COMPLETED")
    assert system.get(f"/metadata/webhook/{webhook['id']}")["urlVerified"] is True


def test_signature_verification_of_sendgrid(system: System, tmp_path: Path) -> None:
    """The openssl command holds the private key; Hookline gets the verification key only."""
    private, public = foreign_senders.new_openssl_pair(tmp_path, "sendgrid")
    any_event = task("WAIT_FOR_WEBHOOK", matches={})
    workflow = define(system, f"waits-{uuid.uuid4().hex[:8]}", 1, any_event)
    workflow_id = system.post("/workflow", {"name": workflow})
    webhook = webhook_for(system, workflow, sourcePlatform="SendGrid", secretValue=public)
    body = b'[{"email":"a@example.com","event":"delivered","sg_event_id":"e1"}]\r\n'
    headers = foreign_senders.sendgrid_headers(private, body, int(time.time()))

    assert record_of(system, posted(webhook["url"], body[:-2], headers))["verdict"] == "rejected"
    assert record_of(system, posted(webhook["url"], body, headers))["verdict"] == "resumed"
    ended = system.execution(workflow_id, "COMPLETED")
    assert ended["tasks"][0]["outputData"]["request"][0]["event"] == "delivered"


def test_starting_workflows_once_per_idempotency_key(system: System) -> None:
    workflow = define(
        system, f"starts-{uuid.uuid4().hex[:8]}", 3, task("SET_VARIABLE", got="${workflow.input}")
    )
    webhook: dict[str, Any] = system.post(
        "/metadata/webhook",
        {"name": f"hook-{uuid.uuid4().hex[:8]}", "sourcePlatform": "Custom",
         "headers": {"appName": "demoApp"},
         "workflowsToStart": {workflow: 3, "idempotencyKey": "${workflow.input.order}",
                              "idempotencyStrategy": "RETURN_EXISTING"}},
    )  # fmt: skip

    orders = ("D-1", "D-1", "D-2")
    records = [
        record_of(system, posted(webhook["url"], {"order": order}, {"appName": "demoApp"}))
        for order in orders
    ]

    started = [record["effects"][0]["workflowId"] for record in records]
    assert started[0] == started[1] != started[2]
    assert system.execution(started[2], "COMPLETED")["input"] == {"order": "D-2"}


def test_the_history_of_a_webhook_says_what_the_page_asks_for(system: System) -> None:
    """The id of the event, whether the headers matched, the execution triggered, and when."""
    workflow, workflow_id = waiting_for(system, order="E-1")
    webhook = webhook_for(system, workflow, sourcePlatform="Custom", headers={"appName": "demoApp"})
    before = time.time() * 1000
    bad = posted(webhook["url"], {"order": "E-1"}, {"appName": "other"})
    record_of(system, bad)
    good = posted(webhook["url"], {"order": "E-1"}, {"appName": "demoApp"})
    record_of(system, good)

    newest, oldest = system.get(f"/metadata/webhook/{webhook['id']}/events")["events"]

    assert newest["id"] == good.headers["hookline-event-id"]
    assert oldest["id"] == bad.headers["hookline-event-id"]
    assert (newest["verified"], oldest["verified"]) == (True, False)
    assert newest["effects"][0]["workflowId"] == workflow_id
    assert before - 1000 < oldest["receivedAt"] <= newest["receivedAt"] < time.time() * 1000 + 1000
    story = system.get(f"/webhook-events/{newest['id']}")
    assert story.keys() >= EVENT_FIELDS
    assert "demoApp" not in json.dumps(story)
