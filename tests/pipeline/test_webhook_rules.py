"""What a webhook can be told, through the whole system: pause, secrets, replies, starts, bodies."""

import json
from typing import Any

import pytest

from tests.pipeline.platform_senders import GITHUB, KEY, OTHER_KEY
from tests.pipeline.running_system import CHECK, System, eventually, fresh, task, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_ORDER = {"$.order": "${workflow.input.order}"}


async def test_a_paused_webhook_stores_and_does_nothing(system: System) -> None:
    """The next event after it goes on takes effect, so does a redelivery of the stored one."""
    flow, hook = await system.pair(
        wait_task("event", BY_ORDER), options={"paused": True, "deliveryId": "$.id"}
    )
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    paused = await system.send(hook, {"order": order, "id": "d1"})
    assert await system.verdict(paused) == "paused"
    assert (await system.execution(waiting))["status"] == "RUNNING"
    await system.put(f"/metadata/webhook/{hook['id']}", {**hook, "options": {"deliveryId": "$.id"}})
    await system.resumed(await system.send(hook, {"order": order, "id": "d1"}))
    await system.ended(waiting)


async def test_a_deleted_webhook_answers_404_and_keeps_its_history(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER))
    sent = await system.send(hook, {"order": "x"})
    await system.event(sent.event_id)
    await system.delete(f"/metadata/webhook/{hook['id']}")

    async def refused() -> bool:
        answer = await system.gateway.post(hook["url"], content=b"{}", headers=CHECK)
        if answer.status_code == 200:  # the gateway's view is refreshed beside its requests (D2)
            record = await system.event(answer.headers["hookline-event-id"])
            assert (record["verdict"], record["reason"]) == ("rejected", "webhook_deleted")
            return False
        return answer.status_code == 404 and answer.json()["code"] == "webhook_not_found"

    await eventually(refused, "404")
    history = await system.get(f"/metadata/webhook/{hook['id']}/events")
    assert history["events"][-1]["id"] == sent.event_id
    again = await system.webhook(id=hook["id"], receiverWorkflowNamesToVersions={flow: 1})
    assert await system.verdict(await system.send(again, {"order": "x"})) == "unmatched"


async def test_a_second_secret_is_accepted_beside_the_first_until_one_is_removed(
    system: System,
) -> None:
    started = await system.define(task("note", "SET_VARIABLE", {"seen": True}))
    hook = await system.webhook(**GITHUB.fields, workflowsToStart={started: 1})
    assert await system.verdict(await system.send(hook, *GITHUB.request("1", OTHER_KEY))) == (
        "rejected"
    )
    path = f"/metadata/webhook/{hook['id']}/secrets"
    await system.post(path, {"value": OTHER_KEY, "label": "new"})
    shown = await system.get(f"/metadata/webhook/{hook['id']}")
    assert OTHER_KEY not in json.dumps([shown, await system.get(path)])
    for key in (KEY, OTHER_KEY):
        sent = await system.send(hook, *GITHUB.request("2", key))
        assert (await system.event(sent.event_id))["verdict"] == "started"
    await system.delete(f"{path}/{shown['secrets'][0]['id']}")
    assert await system.verdict(await system.send(hook, *GITHUB.request("3", KEY))) == "rejected"
    assert await system.verdict(await system.send(hook, *GITHUB.request("4", OTHER_KEY))) == (
        "started"
    )


async def test_a_changed_secret_holds_for_the_very_next_event(system: System) -> None:
    started = await system.define(task("note", "SET_VARIABLE", {"seen": True}))
    hook = await system.webhook(**GITHUB.fields, workflowsToStart={started: 1})
    for key, other in ((OTHER_KEY, KEY), (KEY, OTHER_KEY)) * 3:
        changed = {"name": hook["name"], **GITHUB.fields, "secretValue": key}
        changed["workflowsToStart"] = {started: 1}
        await system.put(f"/metadata/webhook/{hook['id']}", changed)
        good = await system.send(hook, *GITHUB.request("1", key))
        stale = await system.send(hook, *GITHUB.request("1", other))
        assert await system.verdict(good) == "started"
        assert await system.verdict(stale) == "rejected"


async def test_a_webhook_may_tell_the_sender_that_it_was_rejected(system: System) -> None:
    started = await system.define(task("note", "SET_VARIABLE", {"seen": True}))
    hook = await system.webhook(
        **GITHUB.fields, workflowsToStart={started: 1}, options={"replyOnReject": "status"}
    )
    refused = await system.send(hook, *GITHUB.forged("1"), expected=401)
    assert json.loads(refused.body)["code"] == "signature_mismatch"
    record = await system.event(refused.event_id)
    assert (record["verdict"], record["reason"]) == ("rejected", "signature_mismatch")
    assert await system.verdict(await system.send(hook, *GITHUB.request("1"))) == "started"


async def _starting(system: System, strategy: str, *tasks: Any) -> tuple[str, dict[str, Any]]:
    flow = await system.define(*tasks)
    rule = {
        "workflow": flow,
        "when": {"$.kind": "order"},
        "idempotencyKey": "order-${workflow.input.order}",
        "idempotencyStrategy": strategy,
    }
    return flow, await system.webhook(startRules=[rule])


NOTE = task("note", "SET_VARIABLE", {"seen": True})


async def test_a_second_start_of_the_same_key_is_refused_and_names_the_first(
    system: System,
) -> None:
    flow, hook = await _starting(system, "FAIL", NOTE)
    body = {"kind": "order", "order": 7}
    first = await system.event((await system.send(hook, body)).event_id)
    second = await system.event((await system.send(hook, body)).event_id)
    assert (first["verdict"], second["verdict"]) == ("started", "failed")
    effect = second["effects"][0]
    assert effect["code"] == "idempotency_key_used"
    assert first["effects"][0]["workflowId"] in effect["error"]
    assert len(await system.executions_of(flow)) == 1


async def test_a_second_start_may_return_the_first(system: System) -> None:
    flow, hook = await _starting(system, "RETURN_EXISTING", NOTE)
    body = {"kind": "order", "order": 7}
    first = await system.event((await system.send(hook, body)).event_id)
    second = await system.event((await system.send(hook, body)).event_id)
    assert (first["verdict"], second["verdict"]) == ("started", "started")
    assert second["effects"][0]["workflowId"] == first["effects"][0]["workflowId"]
    assert len(await system.executions_of(flow)) == 1


async def test_a_second_start_may_be_refused_only_while_the_first_runs(system: System) -> None:
    flow, hook = await _starting(system, "FAIL_ON_RUNNING", task("hold", "WAIT"))
    body = {"kind": "order", "order": 7}
    first = await system.event((await system.send(hook, body)).event_id)
    assert await system.verdict(await system.send(hook, body)) == "failed"
    running = first["effects"][0]["workflowId"]
    await system.delete(f"/workflow/{running}")
    third = await system.event((await system.send(hook, body)).event_id)
    assert third["verdict"] == "started"
    assert third["effects"][0]["workflowId"] != running
    assert len(await system.executions_of(flow)) == 2


async def test_a_start_rule_has_a_condition_and_a_key_that_may_resolve_to_nothing(
    system: System,
) -> None:
    flow, hook = await _starting(system, "FAIL", NOTE)
    assert await system.verdict(await system.send(hook, {"kind": "mail", "order": 7})) == (
        "unmatched"
    )
    record = await system.event((await system.send(hook, {"kind": "order"})).event_id)
    assert record["verdict"] == "failed"
    assert record["effects"][0]["code"] == "idempotency_key_empty"
    assert await system.executions_of(flow) == []


async def test_a_start_that_cannot_be_is_recorded_and_works_once_the_definition_is_there(
    system: System,
) -> None:
    """Several workflows may start from one event; one that fails does not stop the other."""
    there = await system.define(NOTE)
    missing = fresh("flow")
    hook = await system.webhook(
        workflowsToStart={there: 1, missing: 3}, options={"deliveryId": "$.id"}
    )
    assert [warning["field"] for warning in hook["warnings"]]
    record = await system.event((await system.send(hook, {"id": "d1"})).event_id)
    assert record["verdict"] == "started"
    by_name = {effect["workflowName"]: effect for effect in record["effects"]}
    assert by_name[there]["status"] == "applied"
    assert by_name[missing]["status"] in ("refused", "failed")
    assert missing in by_name[missing]["error"]
    await system.define(NOTE, name=missing, version=3)
    record = await system.event((await system.send(hook, {"id": "d2"})).event_id)
    assert {effect["status"] for effect in record["effects"]} == {"applied"}


async def test_a_large_payload_reaches_task_and_start_by_way_of_its_record(
    system: System,
) -> None:
    """Over 64 KiB it does not fit into a command."""
    started = await system.define(
        NOTE, outputParameters={"end": "${workflow.input.end}", "size": 1}
    )
    flow, hook = await system.pair(wait_task("event", BY_ORDER), workflowsToStart={started: 1})
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    body = {"order": order, "text": "grüße " * 40_000, "end": "of it"}
    sent = await system.send(hook, body)
    assert (await system.ended(waiting))["tasks"][0]["outputData"] == body
    record = await system.event(sent.event_id)
    assert record["verdict"] == "resumed_and_started"
    assert record["payload"] == body
    begun = await system.executions_of(started)
    assert (await system.ended(begun[0]["workflowId"]))["input"] == body


async def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", {"$.order": 1}))
    waiting = await system.start(flow)
    frame = json.dumps({"order": 1, "text": ""}).encode()
    room = 1024 * 1024 - len(frame)
    body = frame[:-2] + b"x" * room + frame[-2:]
    assert len(body) == 1024 * 1024
    refused = await system.send(hook, body + b" ", expected=413)
    assert json.loads(refused.body)["code"] == "too_large"
    sent = await system.send(hook, body)
    output = (await system.ended(waiting))["tasks"][0]["outputData"]
    assert len(output["text"]) == room
    raw = await system.http.get(f"/webhook-events/{sent.event_id}/raw")
    assert raw.content == body, raw.text[:300]


async def test_a_webhook_may_take_larger_bodies(system: System) -> None:
    flow, hook = await system.pair(
        wait_task("event", {"$.order": 1}), options={"maxBodyBytes": 8 * 1024 * 1024}
    )
    waiting = await system.start(flow)
    body = json.dumps({"order": 1, "text": "x" * (7 * 1024 * 1024)}).encode()
    sent = await system.send(hook, body)
    await system.resumed(sent)
    assert len((await system.ended(waiting))["tasks"][0]["outputData"]["text"]) == 7 * 1024 * 1024


FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = (
    b'--cut\r\ncontent-disposition: form-data; name="order"\r\n\r\n7\r\n'
    b'--cut\r\ncontent-disposition: form-data; name="bill"; filename="b.pdf"\r\n'
    b"content-type: application/pdf\r\n\r\n%PDF\xff\r\n--cut--\r\n"
)
BODIES: list[tuple[str, dict[str, str], bytes, Any]] = [
    (
        "form",
        FORM,
        b"order=7&tag=a&tag=b&name=gr%C3%BC%C3%9Fe",
        {"order": "7", "tag": ["a", "b"], "name": "grüße"},
    ),
    ("form with JSON", FORM, b"order=7&payload=%7B%22a%22%3A1%7D", None),
    (
        "multipart",
        {"content-type": "multipart/form-data; boundary=cut"},
        MULTIPART,
        {
            "order": "7",
            "bill": {"filename": "b.pdf", "contentType": "application/pdf", "size": 5},
        },
    ),
]


@pytest.mark.parametrize(
    ("headers", "body", "payload"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES]
)
async def test_forms_are_payloads_too(
    system: System, headers: dict[str, str], body: bytes, payload: Any
) -> None:
    flow, hook = await system.pair(wait_task("event", {"$.order": 7}))
    waiting = await system.start(flow)
    sent = await system.send(hook, body, {**CHECK, **headers})
    output = (await system.ended(waiting))["tasks"][0]["outputData"]
    assert output == payload or output == {"order": "7", "payload": {"a": 1}}
    assert (await system.event(sent.event_id))["payload"] == output


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"[1, 2]", {"request": [1, 2]}),
        (b"17", {"request": "17"}),  # a bare word is JSON only where the sender says so
        (b"plain gr\xc3\xbc\xc3\x9fe", {"request": "plain grüße"}),
        (b"\xff\xfe\x00", {"requestBase64": "//4A"}),
        (b"", {"shop": "7", "tag": ["a", "b"]}),
    ],
)
async def test_whatever_comes_is_a_payload(system: System, body: bytes, payload: Any) -> None:
    flow, hook = await system.pair(wait_task("event", {}))
    waiting = await system.start(flow)
    await system.send(hook, body, query="shop=7&tag=a&tag=b")
    assert (await system.ended(waiting))["tasks"][0]["outputData"] == payload


async def test_a_get_is_an_event_whose_payload_is_the_query(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", {"$.shop": 7}))
    waiting = await system.start(flow)
    await system.send(hook, b"", method="GET", query="shop=7")
    assert (await system.ended(waiting))["tasks"][0]["outputData"] == {"shop": "7"}
    probe = await system.send(hook, b"", method="OPTIONS", expected=204)
    assert "POST" in probe.headers["allow"]


async def test_the_history_is_found_by_what_is_known_of_an_event(system: System) -> None:
    flow, hook = await system.pair(wait_task("event", BY_ORDER), options={"deliveryId": "$.id"})
    order = fresh("o")
    waiting = await system.start(flow, {"order": order})
    met = await system.send(hook, {"order": order, "id": "d1"})
    await system.ended(waiting)
    await system.event(met.event_id)
    other = await system.send(hook, {"order": fresh("o"), "id": "d2"})
    await system.event(other.event_id)

    async def found(**query: Any) -> list[str]:
        answer = await system.get("/webhook-events", params={"webhookId": hook["id"], **query})
        return [event["id"] for event in answer["events"]]

    assert await found() == [other.event_id, met.event_id]
    assert await found(verdict="resumed") == [met.event_id]
    assert await found(verdict="resumed,unmatched") == [other.event_id, met.event_id]
    assert await found(deliveryId="d2") == [other.event_id]
    assert await found(workflowId=waiting) == [met.event_id]
    first = await system.get("/webhook-events", params={"webhookId": hook["id"], "limit": 1})
    assert await found(limit=1, cursor=first["nextCursor"]) == [met.event_id]


async def test_a_rate_limit_is_429_with_a_time_to_come_back(system: System) -> None:
    _, hook = await system.pair(wait_task("event", {}), options={"rateLimitPerSecond": 1})

    async def limited() -> bool:
        answer = await system.gateway.post(hook["url"], content=b"{}", headers=CHECK)
        assert answer.status_code in (200, 429)
        return answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1

    await eventually(limited, "429")
