"""What a run needs in the system: its webhooks, workflows and task type, under names of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_cli.chaos.calls import Answer, Calls
from hookline_cli.chaos.cases import PLATFORMS as SENDERS
from hookline_cli.chaos.cases import Case, Kind
from hookline_cli.sending import new_secret
from hookline_common.errors import HooklineError
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.platforms.credentials import Credentials, KnownSecret
from hookline_common.platforms.samples import sample_request
from hookline_common.platforms.signing import SignedRequest, sign

RESPONSE_TIMEOUT_SECONDS = 4
"""After which a task whose worker was lost is given to another one."""
TIMER_SECONDS = 1
MOST_ATTEMPTS = 50

_CONFLICT = 409
_FLOW_OF = {
    Kind.EARLY: "early",
    Kind.LOOP: "loop",
    Kind.TIMER: "timer",
    Kind.HTTP: "http",
}


class Webhook(msgspec.Struct, frozen=True):
    """A webhook of the run: where it listens and what its sender signs with."""

    id: str
    platform: str
    url: str
    secret: str

    def __repr__(self) -> str:
        return f"Webhook({self.id!r})"


class Scenery:
    """The names of a run, and how its parts are made and removed."""

    def __init__(self, calls: Calls, mark: str, http_target: str = "") -> None:
        self._calls = calls
        self.mark = mark
        self._http_target = http_target
        self._webhooks: dict[str, Webhook] = {}
        self._flows: list[str] = []

    @property
    def task_type(self) -> str:
        """The type of the tasks that the run's workers do."""
        return f"{self.mark}_work"

    @property
    def started_flow(self) -> str:
        """The workflow that events start."""
        return f"{self.mark}_started"

    @property
    def keyed_flow(self) -> str:
        """The workflow that events start once per key."""
        return f"{self.mark}_keyed"

    def flow_of(self, case: Case) -> str:
        """The workflow whose executions wait for the case's events."""
        if case.kind is Kind.CHANGED:
            return f"{self.mark}_changed_{case.number}"
        return f"{self.mark}_{_FLOW_OF.get(case.kind, 'resume')}"

    def webhook_of(self, case: Case) -> Webhook:
        """The webhook to which the case's events go."""
        return self._webhooks[case.order if case.kind is Kind.CHANGED else case.platform]

    # --- building up and taking down ---

    async def build(self) -> None:
        """Make what all cases share."""
        task = {
            "name": self.task_type,
            "retryCount": MOST_ATTEMPTS,
            "retryDelaySeconds": 0,
            "responseTimeoutSeconds": RESPONSE_TIMEOUT_SECONDS,
            "timeoutSeconds": 0,
        }
        await self._calls.good("POST", "/metadata/taskdefs", [task])
        shared = [*_waiting_flows(self), *_started_flows(self)]
        await self._save_flows(shared)
        receivers = [flow["name"] for flow in shared if "started" not in flow["name"]]
        rules = [
            {"workflow": self.started_flow, "version": 1, "when": {"$.chaos.start": True}},
            {
                "workflow": self.keyed_flow,
                "version": 1,
                "when": {"$.chaos.keyed": True},
                "idempotencyKey": "${workflow.input.chaos.order}",
                "idempotencyStrategy": "FAIL",
            },
        ]
        for platform in SENDERS:
            webhook = await self._save_webhook(
                f"{self.mark}-{platform}",
                platform,
                {"receiverWorkflowNamesToVersions": dict.fromkeys(receivers, 1)}
                | {"startRules": rules},
            )
            self._webhooks[platform] = webhook

    async def build_for(self, case: Case) -> None:
        """Make a webhook and a workflow for one case: a new one each, then a change of the one."""
        name = self.flow_of(case)
        path = f"$.chaos.extra.{case.number}"
        await self._save_flows([_flow(name, _wait(path), self._work("taken"))])
        webhook_id = f"{self.mark}-{case.number}"
        nobody = {"receiverWorkflowNamesToVersions": {f"{name}_none": 1}}
        webhook = await self._save_webhook(webhook_id, case.platform, nobody)
        shown = await self._calls.good("GET", f"/metadata/webhook/{webhook_id}")
        changed = {**shown, "receiverWorkflowNamesToVersions": {name: 1}}
        await self._calls.good("PUT", f"/metadata/webhook/{webhook_id}", changed)
        self._webhooks[case.order] = webhook

    async def remove(self) -> None:
        """Take the webhooks and definitions away; executions and history stay."""
        for webhook in self._webhooks.values():
            await self._calls.call("DELETE", f"/metadata/webhook/{webhook.id}")
        for flow in self._flows:
            await self._calls.call("DELETE", f"/metadata/workflow/{flow}/1")
        await self._calls.call("DELETE", f"/metadata/taskdefs/{self.task_type}")

    async def _save_flows(self, flows: Sequence[dict[str, Any]]) -> None:
        await self._calls.good("PUT", "/metadata/workflow", list(flows))
        self._flows += [flow["name"] for flow in flows]

    async def _save_webhook(
        self, webhook_id: str, platform: str, more: Mapping[str, Any]
    ) -> Webhook:
        # The prefix makes it a secret of Stripe and of Standard Webhooks too; to others it is text.
        secret = f"whsec_{new_secret()}"
        body = {
            "id": webhook_id,
            "name": webhook_id,
            "sourcePlatform": PLATFORMS[platform].label,
            "secretValue": secret,
            "urlVerified": platform == "slack",  # else it waits for a challenge first
            **more,
        }
        answer = await self._calls.call("POST", "/metadata/webhook", body)
        if not answer.good and not _was_made_before(answer):
            raise HooklineError(f"the webhook {webhook_id} was refused: {answer.value}")
        shown = await self._calls.good("GET", f"/metadata/webhook/{webhook_id}")
        return Webhook(webhook_id, platform, shown["url"], secret)

    # --- parts of workflows ---

    def _work(self, taken: str) -> dict[str, Any]:
        inputs = {
            "order": "${workflow.input.chaos.order}",
            "delivery": f"${{{taken}.output.chaos.delivery}}",
        }
        return _task("work", "SIMPLE", inputs, name=self.task_type)

    def work_started(self) -> dict[str, Any]:
        """What is done in an execution that an event has started."""
        return self._work("workflow").copy() | {
            "inputParameters": {
                "order": "${workflow.input.chaos.order}",
                "delivery": "${workflow.input.chaos.delivery}",
            }
        }

    def flows_that_wait(self) -> dict[str, list[dict[str, Any]]]:
        """The tasks of each shared workflow that waits, by the last part of its name."""
        wait, work = _wait("$.chaos.order"), self._work("taken")
        pause = _task("pause", "WAIT", {"duration": f"{TIMER_SECONDS} seconds"})
        flows = {
            "resume": [wait, work],
            "early": [_task("gate", "WAIT", {}), wait, work],
            "timer": [wait, pause, work],
            "loop": [_twice([wait, work])],
        }
        if self._http_target:
            request = {"uri": self._http_target, "method": "POST"}
            flows["http"] = [wait, _task("call", "HTTP", {"http_request": request}), work]
        return flows


def _was_made_before(answer: Answer) -> bool:
    """A first try that was not answered may have made it."""
    return answer.status == _CONFLICT and answer.tries > 1


def _waiting_flows(scenery: Scenery) -> list[dict[str, Any]]:
    return [
        _flow(f"{scenery.mark}_{name}", *tasks) for name, tasks in scenery.flows_that_wait().items()
    ]


def _started_flows(scenery: Scenery) -> list[dict[str, Any]]:
    names = (scenery.started_flow, scenery.keyed_flow)
    return [_flow(name, scenery.work_started()) for name in names]


def _flow(name: str, *tasks: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": 1, "schemaVersion": 2, "tasks": list(tasks)}


def _task(ref: str, kind: str, inputs: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    return {
        "name": name or ref,
        "taskReferenceName": ref,
        "type": kind,
        "inputParameters": dict(inputs),
    }


def _wait(path: str) -> dict[str, Any]:
    return _task("taken", "WAIT_FOR_WEBHOOK", {"matches": {path: "${workflow.input.chaos.order}"}})


def _twice(body: list[dict[str, Any]]) -> dict[str, Any]:
    loop = _task("twice", "DO_WHILE", {})
    return loop | {"loopCondition": "$.twice['iteration'] < 2", "loopOver": body}


# --- events -------------------------------------------------------------------------------------


def event_for(case: Case, which: str, webhook: Webhook, now_ms: int) -> SignedRequest:
    """The case's event `which`, as the platform would send it, not signed yet."""
    delivery = case.delivery(which)
    chaos = {
        "order": case.order,
        "delivery": delivery,
        "start": case.kind in (Kind.START, Kind.BOTH, Kind.DUPLICATE, Kind.REPLAYED)
        or (case.kind is Kind.FORGED and which == "b"),
        "keyed": case.kind is Kind.KEYED,
        "extra": {str(case.number): case.order},
    }
    return sample_request(
        PLATFORMS[webhook.platform].samples[0],
        delivery=delivery,
        now_ms=now_ms,
        assignments={"chaos": chaos},
        url=webhook.url,
    )


def signed_by(secret: str, webhook: Webhook, request: SignedRequest, now_ms: int) -> SignedRequest:
    """The request, signed as the webhook's platform does it."""
    credentials = Credentials(secrets=(KnownSecret("chaos", secret),))
    return sign(PLATFORMS[webhook.platform].declaration, credentials, request, now_ms)
