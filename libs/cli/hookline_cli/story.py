"""The story of `hookline demo`: each step does one thing and says what it expected and what it got.

Names and keys are random in each run, so that runs do not meet. The events are signed here, not
by the server, so that a server that accepts everything or nothing is found out.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from hookline_cli import sending
from hookline_cli.client import Client
from hookline_cli.webhooks import describe
from hookline_common.ids import random_id
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.signing import SignedRequest

T = TypeVar("T")
Step = Callable[[], tuple[str, str]]

_POLL_SECONDS = 0.05
_EVENT = "pull_request_review"


class Story:
    """One run."""

    def __init__(self, client: Client, patience_seconds: float) -> None:
        self._client = client
        self._patience = patience_seconds
        self._mark = random_id()[:8]
        self._number = int(self._mark, 16)
        self._secret = sending.new_secret()
        self._platform = PLATFORMS["github"]
        self._webhook: dict[str, Any] = {}
        self._waiting = ""
        self._approved: SignedRequest | None = None

    def steps(self) -> Iterator[tuple[str, Step]]:
        """The steps in order, with their titles."""
        yield "define a workflow that waits for a review, and one to be started", self._define
        yield "register a webhook that resumes the one and starts the other", self._register
        yield "start the workflow: it waits", self._start
        yield "a forged event is rejected and resumes nothing", self._forge
        yield "the real event is accepted", self._send
        yield "the waiting workflow completes with the payload", self._resumed
        yield "the webhook counts as verified", self._verified
        yield "the same event has started the other workflow with its payload", self._started
        yield "the same delivery once more is a duplicate", self._redeliver
        yield "an event that nothing waits for starts, and resumes nobody", self._other

    @property
    def _waits(self) -> str:
        return f"demo_waits_{self._mark}"

    @property
    def _starts(self) -> str:
        return f"demo_starts_{self._mark}"

    def _define(self) -> tuple[str, str]:
        matches = {"$.pull_request.number": "${workflow.input.number}"}
        wait = _task("review", "WAIT_FOR_WEBHOOK", {"matches": matches})
        note = _task("note", "SET_VARIABLE", {"title": "${workflow.input.pull_request.title}"})
        definitions = [
            _workflow(self._waits, wait, {"by": "${review.output.review.user.login}"}),
            _workflow(self._starts, note, {"title": "${workflow.variables.title}"}),
        ]
        self._client.call("PUT", "/metadata/workflow", json=definitions)
        stored = [
            self._client.get(f"/metadata/workflow/{definition['name']}")["name"]
            for definition in definitions
        ]
        return f"{self._waits}, {self._starts}", ", ".join(stored)

    def _register(self) -> tuple[str, str]:
        self._webhook = self._client.post(
            "/metadata/webhook",
            {
                "name": f"demo-{self._mark}",
                "sourcePlatform": "GitHub",
                "secretValue": self._secret,
                "receiverWorkflowNamesToVersions": {self._waits: 1},
                "workflowsToStart": {self._starts: 1},
            },
        )
        shown = self._webhook.get("secretValue")
        return "a url, not verified, secret ***", (
            f"{'a url' if self._webhook.get('url') else 'no url'},"
            f" {'verified' if self._webhook.get('urlVerified') else 'not verified'},"
            f" secret {shown}"
        )

    def _start(self) -> tuple[str, str]:
        request = {"name": self._waits, "version": 1, "input": {"number": self._number}}
        self._waiting = self._client.post("/workflow", request)
        execution = self._execution(self._waiting)
        task = execution["tasks"][0]["status"] if execution["tasks"] else "no task"
        return "RUNNING, review IN_PROGRESS", f"{execution['status']}, review {task}"

    def _event(self, number: int) -> SignedRequest:
        values = {"pull_request.number": number, "pull_request.title": f"Demo {self._mark}"}
        return sending.sample(self._platform, _EVENT, self._webhook["url"], values)

    def _forge(self) -> tuple[str, str]:
        request = sending.signed(self._platform, sending.new_secret(), self._event(self._number))
        verdict = self._verdict(sending.post(request).event_id)
        status = self._execution(self._waiting)["status"]
        return "rejected, RUNNING", f"{verdict}, {status}"

    def _send(self) -> tuple[str, str]:
        self._approved = sending.signed(self._platform, self._secret, self._event(self._number))
        sent = sending.post(self._approved)
        return "200, resumed_and_started", f"{sent.status}, {self._verdict(sent.event_id)}"

    def _resumed(self) -> tuple[str, str]:
        def ended() -> dict[str, Any] | None:
            execution = self._execution(self._waiting)
            return None if execution["status"] == "RUNNING" else execution

        execution = self._until(ended) or self._execution(self._waiting)
        tasks: list[dict[str, Any]] = execution["tasks"]
        same = bool(tasks) and _number_of(tasks[0].get("outputData", {})) == self._number
        payload = "the payload" if same else "another output"
        return "COMPLETED with the payload", f"{execution['status']} with {payload}"

    def _verified(self) -> tuple[str, str]:
        def verified() -> bool:
            shown = self._client.get(f"/metadata/webhook/{self._webhook['id']}")
            return bool(shown.get("urlVerified"))

        return "verified", "verified" if self._until(verified) else "not verified"

    def _started(self) -> tuple[str, str]:
        def completed() -> dict[str, Any] | None:
            return next(iter(self._found(self._starts, "COMPLETED")), None)

        found = self._until(completed)
        if found is None:
            return f"1 COMPLETED, title Demo {self._mark}", "none that completed"
        count = len(self._found(self._starts))
        title = self._execution(found["workflowId"])["output"].get("title")
        return f"1 COMPLETED, title Demo {self._mark}", f"{count} COMPLETED, title {title}"

    def _redeliver(self) -> tuple[str, str]:
        if self._approved is None:
            return "duplicate", "nothing to send again"
        verdict = self._verdict(sending.post(self._approved).event_id)
        count = len(self._found(self._starts))
        return "duplicate, 1 started", f"{verdict}, {count} started"

    def _other(self) -> tuple[str, str]:
        other = sending.signed(self._platform, self._secret, self._event(self._number + 1))
        return "started", self._verdict(sending.post(other).event_id)

    def history(self) -> Sequence[str]:
        """What the system's own history says about this run, newest first."""
        if not self._webhook:
            return ["No webhook, no history."]
        filters = {"webhookId": self._webhook["id"], "limit": 20}
        events = self._client.get("/webhook-events", params=filters)["events"]
        return [f"History of {self._webhook['name']}:", *(describe(event) for event in events)]

    def _execution(self, workflow_id: str) -> dict[str, Any]:
        return self._client.get(f"/workflow/{workflow_id}")

    def _found(self, workflow: str, status: str | None = None) -> list[dict[str, Any]]:
        query = f"workflowType = '{workflow}'" + (f" AND status = {status}" if status else "")
        return self._client.get("/workflow/search", params={"query": query})["results"]

    def _verdict(self, event_id: str) -> str:
        """The final verdict of an event, or what there is of it after one's patience."""
        if not event_id:
            return "no event"

        def final() -> str | None:
            verdict = self._recorded_verdict(event_id)
            return None if verdict in ("pending", "not recorded") else verdict

        return self._until(final) or self._recorded_verdict(event_id)

    def _recorded_verdict(self, event_id: str) -> str:
        events = self._client.get("/webhook-events", params={"webhookId": self._webhook["id"]})
        for event in events["events"]:
            if event["id"] == event_id:
                return str(event["verdict"])
        return "not recorded"

    def _until(self, look: Callable[[], T | None]) -> T | None:
        end = time.monotonic() + self._patience
        while not (found := look()) and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        return found or None


def _task(ref: str, kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"name": ref, "taskReferenceName": ref, "type": kind, "inputParameters": inputs}


def _workflow(name: str, task: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "version": 1,
        "schemaVersion": 2,
        "tasks": [task],
        "outputParameters": output,
    }


def _number_of(payload: dict[str, Any]) -> int | None:
    request = payload.get("pull_request")
    return msgspec.convert(request["number"], int | None) if request else None
