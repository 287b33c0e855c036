"""What the benchmarks share: a workflow that waits for an event, its webhook, signed events."""

import time
from collections.abc import Sequence
from typing import Any

import httpx
from http_load import request_bytes

from hookline_cli.client import Client
from hookline_cli.sending import new_secret
from hookline_common.ids import random_id
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.credentials import Credentials, KnownSecret
from hookline_common.platforms.signing import SignedRequest, sign

_BODY_BYTES = 1024
_PATIENCE_SECONDS = 300
_CONSUMED = 'hookline_consumed_records_total{group="matcher"}'


class Scenario:
    """One workflow definition and one webhook with names of their own."""

    def __init__(self, url: str, key: str = "") -> None:
        self.client = Client(url, key)
        mark = random_id()[:8]
        self.workflow = f"bench_{mark}"
        self._secret = new_secret()
        self.client.call("PUT", "/metadata/workflow", json=[_definition(self.workflow)])
        self.webhook = self.client.post(
            "/metadata/webhook",
            {
                "name": f"bench-{mark}",
                "sourcePlatform": "GitHub",
                "secretValue": self._secret,
                "receiverWorkflowNamesToVersions": {self.workflow: 1},
            },
        )

    def start_requests(self, numbers: Sequence[int]) -> list[bytes]:
        """Requests that each start one execution, which then waits for its number."""
        url = f"{self.client.url}/api/workflow"
        headers = [("content-type", "application/json")]
        return [
            request_bytes(
                "POST",
                url,
                headers,
                b'{"name":"%s","version":1,"input":{"number":%d}}' % (self.workflow.encode(), n),
            )
            for n in numbers
        ]

    def status_request(self, workflow_id: str) -> bytes:
        """The request that asks for the status of an execution."""
        return request_bytes("GET", f"{self.client.url}/api/workflow/{workflow_id}/status", ())

    def event_requests(self, numbers: Sequence[int]) -> list[bytes]:
        """Signed events of 1 KB, one for each number, each a delivery of its own."""
        return [self._event(number) for number in numbers]

    def _event(self, number: int) -> bytes:
        filler = "x" * (_BODY_BYTES - 60)
        body = b'{"action":"bench","number":%d,"filler":"%s"}' % (number, filler.encode())
        headers = (
            ("content-type", "application/json"),
            ("x-github-event", "bench"),
            ("x-github-delivery", random_id()),
        )
        request = SignedRequest("POST", headers, body, url=self.webhook["url"])
        credentials = Credentials(secrets=(KnownSecret("bench", self._secret),))
        now_ms = time.time_ns() // 1_000_000
        signed = sign(PLATFORMS["github"].declaration, credentials, request, now_ms)
        return request_bytes(signed.method, signed.url, signed.headers, signed.body)

    def count(self, status: str) -> int:
        """How many executions of this run have the status."""
        query = f"workflowType = '{self.workflow}' AND status = {status}"
        found: dict[str, Any] = self.client.get(
            "/workflow/search", params={"query": query, "size": 1}
        )
        return int(found["totalHits"])

    def wait_for(self, status: str, count: int, pause_seconds: float = 0.05) -> float:
        """Wait until so many executions have the status; the moment it was seen."""
        end = time.perf_counter() + _PATIENCE_SECONDS
        while self.count(status) < count:
            if time.perf_counter() > end:
                raise SystemExit(f"{count} were not {status} within {_PATIENCE_SECONDS} s")
            time.sleep(pause_seconds)
        return time.perf_counter()

    def consumed_by_matcher(self) -> int:
        """How many records the matcher has finished, by the process's own metrics."""
        text = httpx.get(f"{self.client.url}/metrics", timeout=10).text
        lines = [line for line in text.splitlines() if line.startswith(_CONSUMED)]
        return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))

    def wait_until_consumed(self, count: int) -> None:
        """Wait until the matcher has finished so many records in all: the waits are open then."""
        end = time.perf_counter() + _PATIENCE_SECONDS
        while self.consumed_by_matcher() < count:
            if time.perf_counter() > end:
                raise SystemExit(f"{count} waits were not open within {_PATIENCE_SECONDS} s")
            time.sleep(0.1)


def _definition(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": 1,
        "schemaVersion": 2,
        "tasks": [
            {
                "name": "event",
                "taskReferenceName": "event",
                "type": "WAIT_FOR_WEBHOOK",
                "inputParameters": {"matches": {"$.number": "${workflow.input.number}"}},
            }
        ],
    }
