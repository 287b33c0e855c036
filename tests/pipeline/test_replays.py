"""Replays on both backends: what could not take effect when it came does so afterwards, once."""

import time
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from hookline_common.cloudevents import raw_record
from hookline_common.collections import WEBHOOKS
from hookline_common.eventlog import Record
from hookline_common.messages import CONFIG_CODEC
from hookline_common.rawevents import RawEvent
from hookline_common.topics import CONFIG
from hookline_common.webhooks import Secret, WebhookConfig
from tests.pipeline.platform_senders import GITHUB, KEY, OTHER_KEY, STRIPE, PlatformSender
from tests.pipeline.replaying import became, foreseen, replay
from tests.pipeline.running_system import System, eventually, fresh, task, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_ORDER = {"$.order": "${workflow.input.order}"}
NOTE = task("note", "SET_VARIABLE", {"seen": True})


async def _with_secret(
    system: System, hook: dict[str, Any], sender: PlatformSender, key: str, **more: Any
) -> None:
    body = {"name": hook["name"], **sender.fields, "secretValue": key, **more}
    await system.put(f"/metadata/webhook/{hook['id']}", body)


async def test_events_rejected_for_a_wrong_secret_take_effect_when_it_is_put_right(
    system: System,
) -> None:
    """They are verified against the time they arrived: by now their timestamp is far too old."""
    waiting, started = await system.define(wait_task("event", BY_ORDER)), await system.define(NOTE)
    effects = {
        "receiverWorkflowNamesToVersions": {waiting: 1},
        "workflowsToStart": {started: 1},
        "options": {"toleranceSeconds": 1},
    }
    wrong = f"whsec_{OTHER_KEY}"
    hook = await system.webhook(**{**STRIPE.fields, "secretValue": wrong}, **effects)
    order = fresh("o")
    workflow_id = await system.start(waiting, {"order": order})
    sent = await system.send(hook, *STRIPE.request(order))
    forged = await system.send(hook, *STRIPE.request(order, "bm9ib2R5J3Mga2V5IGF0IGFsbCwgbm8h"))
    first = await system.event(sent.event_id, "rejected")
    await system.event(forged.event_id, "rejected")
    assert first["reason"] == "signature_mismatch"
    await _with_secret(system, hook, STRIPE, f"whsec_{KEY}", **effects)

    async def too_old_by_now() -> bool:
        return time.time() * 1000 > first["receivedAt"] + 2500

    await eventually(too_old_by_now, "the tolerance to be over")
    asked = {"filter": {"webhookId": hook["id"], "verdicts": ["rejected"]}}
    seen = await foreseen(system, **asked)
    assert (seen["selected"], seen["resumes"], seen["starts"]) == (2, 1, 1)
    assert seen["verdicts"] == {"resumed_and_started": 1, "rejected": 1}
    job = await replay(system, **asked)
    found = await became(system, job)
    assert found[sent.event_id]["replayVerdict"] == "resumed_and_started"
    assert found[forged.event_id]["replayReason"] == "signature_mismatch"
    ended = await system.ended(workflow_id)
    assert ended["tasks"][0]["outputData"]["order"] == order
    assert len(await system.executions_of(started)) == 1
    again = await system.event(found[sent.event_id]["replayId"])
    assert (again["replayOf"], again["receivedAt"]) == (sent.event_id, first["receivedAt"])
    assert (await system.event(sent.event_id))["replays"] == [again["id"]]
    foretold = {one["id"]: one for one in seen["events"]}[sent.event_id]
    ids = {effect["workflowId"] for effect in again["effects"]}
    assert {effect["workflowId"] for effect in foretold["effects"]} == ids


async def test_events_that_nothing_took_start_and_resume_what_is_defined_later(
    system: System,
) -> None:
    waiting, started = fresh("late_flow"), fresh("late_start")
    hook = await system.webhook(
        **GITHUB.fields,
        receiverWorkflowNamesToVersions={waiting: 1},
        workflowsToStart={started: 1},
        options={"earlyEventSeconds": 0},
    )
    orders = [fresh("o") for _ in range(3)]
    sent = [await system.send(hook, *GITHUB.request(order)) for order in orders]
    for one in sent:  # the rule matched, but there was no such workflow
        assert (await system.event(one.event_id))["verdict"] == "failed"
    asked = {"filter": {"webhookId": hook["id"], "verdicts": ["failed", "unmatched"]}}
    seen = await foreseen(system, **asked)
    assert (seen["verdicts"], seen["starts"]) == ({"failed": 3}, 0)
    assert seen["events"][0]["effects"][0]["code"] == "workflow_def_not_found"
    await system.define(wait_task("event", BY_ORDER), name=waiting)
    await system.define(NOTE, name=started)
    flows = [await system.start(waiting, {"order": order}) for order in orders]

    async def all_waiting() -> bool:
        return (await foreseen(system, **asked))["resumes"] == 3

    await eventually(all_waiting, "the matcher to know the waits")
    found = await became(system, await replay(system, **asked))
    assert {one["replayVerdict"] for one in found.values()} == {"resumed_and_started"}
    for workflow_id in flows:
        await system.ended(workflow_id)
    assert len(await system.executions_of(started)) == 3


async def test_a_second_replay_starts_nothing_again_unless_it_is_asked_to(system: System) -> None:
    started = await system.define(NOTE)
    hook = await system.webhook(**GITHUB.fields, workflowsToStart={started: 1})
    sent = await system.send(hook, *GITHUB.request("1"))
    await system.event(sent.event_id, "started")
    asked = {"filter": {"ids": [sent.event_id]}}
    for _ in range(2):
        seen = await foreseen(system, **asked)
        assert (seen["starts"], seen["alreadyStarted"]) == (0, 1)
        found = (await became(system, await replay(system, **asked)))[sent.event_id]
        assert (found["replayVerdict"], found["replayReason"]) == ("failed", "already_started")
    assert len(await system.executions_of(started)) == 1
    again = {**asked, "restart": True}
    assert (await foreseen(system, **again))["starts"] == 1
    found = (await became(system, await replay(system, **again)))[sent.event_id]
    assert found["replayVerdict"] == "started"
    assert len(await system.executions_of(started)) == 2
    assert (await system.event(sent.event_id))["verdict"] == "started"


async def test_a_replay_resumes_no_execution_that_had_the_event(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER), **GITHUB.fields)
    order = fresh("o")
    first = await system.start(flow, {"order": order})
    sent = await system.send(hook, *GITHUB.request(order))
    await system.event(sent.event_id, "resumed")
    await system.ended(first)
    second = await system.start(flow, {"order": order})
    asked = {"filter": {"ids": [sent.event_id]}}

    async def waits() -> bool:
        return (await foreseen(system, **asked))["resumes"] == 1

    await eventually(waits, "the second wait")
    found = (await became(system, await replay(system, **asked)))[sent.event_id]
    assert [effect["workflowId"] for effect in found["replayEffects"]] == [second]
    await system.ended(second)


async def test_duplicates_are_not_revived(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER), **GITHUB.fields)
    order = fresh("o")
    await system.start(flow, {"order": order})
    request = GITHUB.request(order)
    sent = await system.send(hook, *request)
    await system.event(sent.event_id, "resumed")
    twin = await system.send(hook, *request)
    await system.event(twin.event_id, "duplicate")
    later = await system.start(flow, {"order": order})
    refused = await system.post("/replays", {"filter": {"ids": [twin.event_id]}}, expected=409)
    assert (refused["code"], refused["field"]) == ("not_replayable", "/filter/ids/0")
    assert sent.event_id in refused["message"]
    job = await replay(system, filter={"webhookId": hook["id"], "types": ["none"]})
    assert job["counts"]["selected"] == 0
    assert (await system.execution(later))["status"] == "RUNNING"


async def test_an_event_whose_sender_was_told_401_takes_effect_only_in_a_replay(
    system: System,
) -> None:
    """E3: the 401 is final, whatever the secret is by now."""
    started = await system.define(NOTE)
    effects = {"workflowsToStart": {started: 1}, "options": {"replyOnReject": "status"}}
    hook = await system.webhook(**{**GITHUB.fields, "secretValue": OTHER_KEY}, **effects)
    sent = await system.send(hook, *GITHUB.request("1"), expected=401)
    await system.event(sent.event_id, "rejected")
    await _with_secret(system, hook, GITHUB, KEY, **effects)
    found = await became(system, await replay(system, filter={"ids": [sent.event_id]}))
    assert found[sent.event_id]["replayVerdict"] == "started"
    assert (await system.event(sent.event_id))["verdict"] == "rejected"


async def test_events_of_a_paused_webhook_take_effect_when_it_goes_on(system: System) -> None:
    started = await system.define(NOTE)
    rules = {"workflowsToStart": {started: 1}}
    hook = await system.webhook(**GITHUB.fields, **rules, options={"paused": True})
    sent = await system.send(hook, *GITHUB.request("1"))
    await system.event(sent.event_id, "paused")
    asked = {"filter": {"webhookId": hook["id"], "verdicts": ["paused"]}}
    assert (await foreseen(system, **asked))["verdicts"] == {"paused": 1}
    await _with_secret(system, hook, GITHUB, KEY, **rules, options={"paused": False})
    assert (await foreseen(system, **asked))["verdicts"] == {"started": 1}
    found = await became(system, await replay(system, **asked))
    assert found[sent.event_id]["replayVerdict"] == "started"


async def test_events_put_aside_for_a_seal_that_did_not_open_are_replayed_when_it_does(
    system: System,
) -> None:
    """They were dead before they had a record; the outcome says where the raw request lies."""
    started = await system.define(NOTE)
    rules = {"workflowsToStart": {started: 1}}
    hook = await system.webhook(**GITHUB.fields, **rules)
    sent = await system.send(hook, *GITHUB.request("1"))
    first = await system.event(sent.event_id, "started")
    config = await _config(system, hook["id"])
    broken = replace(config, secrets=(Secret("s1", "s1:no-such-key:AAAA"),), revision=99)
    record = Record(CONFIG.name, config.id, CONFIG_CODEC.encode(broken))
    await system.parts.log.append([record])
    body, headers = GITHUB.request("2")
    original = RawEvent(
        id=fresh("event"),
        webhook_id=config.id,
        received_at=first["receivedAt"],
        method="POST",
        url=hook["url"],
        query="",
        headers=tuple(headers.items()),
        body=body,
    )
    await system.parts.log.append([raw_record(original, original.id)])
    dead = await system.event(original.id, "dead")
    assert dead["reason"] == "dead_lettered"
    mended = replace(config, revision=100)
    await system.parts.log.append([Record(CONFIG.name, config.id, CONFIG_CODEC.encode(mended))])
    asked = {"filter": {"webhookId": config.id, "verdicts": ["dead"]}}
    found = await became(system, await replay(system, **asked))
    assert found[original.id]["replayVerdict"] == "started"
    assert len(await system.executions_of(started)) == 2


async def _config(system: System, webhook_id: str) -> WebhookConfig:
    found = await system.parts.documents.get(WEBHOOKS, [webhook_id])
    return msgspec.json.decode(found[webhook_id].body, type=WebhookConfig)
