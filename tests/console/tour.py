"""Takes the pictures of docs/console.md: `make pictures`.

One system with all examples, in which each has been run and some things have gone wrong.
"""

import asyncio
import contextlib
import re
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from hookline_console import gallery
from tests.console.definitions import put_nonsense, register
from tests.servers.browser import HIGHEST, Visit, chromium
from tests.servers.hookline import System, up

SHIPPING: dict[str, Any] = {
    "name": "ship_order",
    "version": 1,
    "schemaVersion": 2,
    "description": "Packs an order once its payment is there.",
    "inputParameters": ["orderId"],
    "tasks": [
        {"name": "reserve_stock", "taskReferenceName": "reserve", "type": "SIMPLE"},
        {"name": "print_label", "taskReferenceName": "label", "type": "SIMPLE"},
    ],
}


TASKS = [
    {"name": "reserve_stock", "retryCount": 3, "timeoutSeconds": 60, "responseTimeoutSeconds": 30},
    {
        "name": "print_label",
        "description": "Prints the label of a parcel.",
        "retryCount": 5,
        "retryLogic": "EXPONENTIAL_BACKOFF",
        "retryDelaySeconds": 2,
        "timeoutSeconds": 300,
        "responseTimeoutSeconds": 60,
        "ownerEmail": "shipping@example.com",
    },
]


DIALOGS = ("webhook-delete", "history-open", "execution-rerun", "executions-terminate")
EDITORS = ("editor", "editor-matches", "editor-json", "diff")
LOWER = {"event-unmatched": 1_200, "gallery-github_release_approval": 1_000, "history-open": 900}
"""What would be over 200 KB otherwise, and how many pixels are shown."""


class Story:
    """What has happened in the system; ids for the addresses of the pages."""

    def __init__(self, system: System) -> None:
        self.system = system
        for name in gallery.names():
            self._play(name)
        self.webhooks = {one["name"]: one["id"] for one in system.get("/metadata/webhook")}
        self._run("wait_for_review", "number=57")
        self.resumed = self._send("github-demo", "pull_request_review", "pull_request.number=57")
        self.waiting = self._run("wait_for_review", "number=58")
        self.unmatched = self._send("github-demo", "pull_request_review", "pull_request.number=85")
        self.rejected = self._forged("github-demo")
        system.post("/metadata/taskdefs", TASKS)
        register(system, SHIPPING)
        self.done = self._run("ship_order", "orderId=A-1041")
        self._work("reserve_stock", "COMPLETED", reserved=True)
        self._work("print_label", "COMPLETED", label="1Z999AA10123456784")
        self.failed = self._run("ship_order", "orderId=A-1042")
        self._work("reserve_stock", "COMPLETED", reserved=True)
        self._work("print_label", "FAILED_WITH_TERMINAL_ERROR", "The printer is out of labels.")
        self._run("ship_order", "orderId=A-1043")
        job = system.post("/replays", {"filter": {"ids": [self.resumed]}})
        self.replay: str = job["id"]
        system.until(lambda: system.get(f"/replays/{self.replay}")["state"] == "done", "it")

    def released(self) -> str:
        """The execution of a release that events have resumed twice."""
        search = {"query": "workflowType = github_release", "size": 1}
        found = self.system.get("/workflow/search", params=search)
        return found["results"][0]["workflowId"]

    def _play(self, name: str) -> None:
        self._hookline("samples", "apply", name)
        for line in gallery.load(name).next:
            command, *words = shlex.split(line)[1:]
            out = self._hookline(command, *words)
            if command == "send":
                self.system.event(_event_in(out))

    def _hookline(self, *words: str) -> str:
        done = self.system.hookline(*words)
        assert done.code == 0, done
        return done.out

    def _run(self, workflow: str, given: str) -> str:
        return self._hookline("run", workflow, "--input", given).strip()

    def _send(self, webhook: str, sample: str, value: str) -> str:
        event = _event_in(self._hookline("send", webhook, sample, "--set", value))
        self.system.event(event)
        return event

    def _forged(self, webhook: str) -> str:
        address = self.system.get(f"/metadata/webhook/{self.webhooks[webhook]}")["url"]
        headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={'0' * 64}"}
        answer = httpx.post(address, json={"ref": "refs/heads/main"}, headers=headers)
        event: str = answer.headers["hookline-event-id"]
        self.system.event(event)
        return event

    def _work(self, task_type: str, status: str, reason: str = "", **output: Any) -> None:
        def polled() -> Any:
            answer = self.system.http.get(f"/api/tasks/poll/{task_type}?workerid=packer-1")
            return answer.json() if answer.content else None

        task = self.system.until(polled, f"a task {task_type}")
        self.system.post(
            "/tasks",
            {
                "workflowInstanceId": task["workflowInstanceId"],
                "taskId": task["taskId"],
                "status": status,
                "reasonForIncompletion": reason or None,
                "outputData": output,
                "workerId": "packer-1",
            },
        )


def _event_in(out: str) -> str:
    found = re.search(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", out)
    assert found, out
    return found[0]


def addresses(story: Story) -> dict[str, str]:
    """The page of each picture that needs no more than its address."""
    demo, shop = story.webhooks["github-demo"], story.webhooks["stripe-orders"]
    letter = story.system.get("/dead-letters")["deadLetters"][0]["id"]
    return {
        "home": "/",
        "find": "/find?q=review",
        "webhooks": "/definitions/webhooks",
        "webhook-new": "/definitions/webhooks/new?platform=GitHub",
        "webhook-edit": f"/definitions/webhooks/{story.webhooks['stripe-demo']}",
        "webhook-test": f"/definitions/webhooks/{shop}/test",
        "webhook-secrets": f"/definitions/webhooks/{shop}/secrets",
        "history": f"/definitions/webhooks/{demo}/events",
        "event": f"/events/{story.resumed}",
        "event-unmatched": f"/events/{story.unmatched}",
        "event-rejected": f"/events/{story.rejected}",
        "replay-preview": f"/events/replay?webhookId={demo}",
        "replay": f"/operations/replays/{story.replay}",
        "workflows": "/definitions/workflows",
        "tasks": "/definitions/tasks",
        "task": "/definitions/tasks/print_label",
        "gallery": "/gallery",
        "gallery-github_release_approval": "/gallery/github_release_approval",
        "run": "/run?name=stripe_order",
        "executions": "/executions",
        "execution": f"/executions/{story.released()}",
        "execution-waiting": f"/executions/{story.waiting}",
        "execution-failed": f"/executions/{story.failed}",
        "operations": "/operations",
        "workers": "/operations?tab=workers",
        "dead-letters": "/operations?tab=letters",
        "dead-letter": f"/operations/dead-letters/{letter}",
    }


def open_dialog(page: Page, story: Story, name: str) -> None:
    """The pages that show what a button opens."""
    if name == "webhook-delete":
        page.goto(f"{story.system.api}/definitions/webhooks/{story.webhooks['github-demo']}")
        page.get_by_role("button", name="Delete…").click()
    elif name == "history-open":
        page.goto(f"{story.system.api}/definitions/webhooks/{story.webhooks['github-demo']}/events")
        page.locator("a.twist").first.click()
        page.locator("[data-detail]").wait_for()
    elif name == "execution-rerun":
        page.goto(f"{story.system.api}/executions/{story.done}")
        page.get_by_role("button", name="Rerun from here…").click()
    elif name == "executions-terminate":
        page.goto(f"{story.system.api}/executions?status=RUNNING")
        page.get_by_label("Select all on this page").check()
        page.get_by_role("button", name="Terminate").first.click()


def open_editor(page: Page, story: Story, name: str) -> None:
    """The editor at work."""
    if name == "diff":
        grown = {**SHIPPING, "version": 2, "tasks": [*SHIPPING["tasks"][:1], *more_tasks()]}
        register(story.system, grown)
        page.goto(f"{story.system.api}/definitions/workflows/ship_order/diff")
        return
    flow = "github_release" if name == "editor" else "wait_for_review"
    page.goto(f"{story.system.api}/definitions/workflows/{flow}")
    if name == "editor":
        page.locator("#canvas .node").nth(1).click()
    elif name == "editor-matches":
        page.get_by_role("button", name="Add a task after review").first.click()
        page.get_by_role("searchbox", name="Find a task type").fill("wait for")
        page.locator("#picker").get_by_role("button", name="Wait for Webhook", exact=True).click()
        page.get_by_role("button", name="Match $.action").first.click()
        page.get_by_text("Would have matched").wait_for()
    elif name == "editor-json":
        page.get_by_role("tab", name="JSON").click()
        text = page.locator("#json-text")
        text.fill(
            text.input_value().replace('"taskReferenceName": "review"', '"taskReferenceName": ""')
        )
        page.locator("#json-lines .at-bad").first.wait_for()


def more_tasks() -> list[dict[str, Any]]:
    """What the second version of SHIPPING has in the place of its last task."""
    wait = {
        "name": "paid",
        "taskReferenceName": "paid",
        "type": "WAIT_FOR_WEBHOOK",
        "inputParameters": {
            "matches": {"$.data.object.metadata.order_id": "${workflow.input.orderId}"}
        },
    }
    return [wait, {"name": "print_label", "taskReferenceName": "label", "type": "SIMPLE"}]


def take(folder: Path, only: Sequence[str]) -> None:
    """All pictures into the folder: of the empty system, and the rest, or `only` these of it."""
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        fresh, full = Path(place) / "fresh", Path(place) / "full"
        fresh.mkdir()
        full.mkdir()
        asyncio.run(put_nonsense(full, 2))
        browser = stack.enter_context(chromium())
        with up(fresh, environ={"HOOKLINE_API_KEYS": "ann:a-key-that-nobody-knows"}) as system:
            visit = Visit(browser, system.api)
            visit.open("/login")
            visit.check(folder / "login.png")
        with up(fresh) as system:
            visit = Visit(browser, system.api)
            visit.open("/")
            visit.check(folder / "home-empty.png")
        with up(full) as system:
            story = Story(system)
            pages = addresses(story)
            for name in [one for one in (*pages, *DIALOGS, *EDITORS) if not only or one in only]:
                visit = Visit(browser, system.api)
                if name in pages:
                    visit.open(pages[name])
                elif name in DIALOGS:
                    open_dialog(visit.page, story, name)
                else:
                    open_editor(visit.page, story, name)
                visit.check(folder / f"{name}.png", LOWER.get(name, HIGHEST))
                visit.close()
                print(name)


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2:])
