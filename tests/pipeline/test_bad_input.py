"""Whatever is sent: a 4xx that says what is wrong, or a verdict; and the next one works."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.pipeline.bad_bodies import DEEP, DEEPER
from tests.pipeline.running_system import CHECK, System, fresh, task, wait_task

pytestmark = pytest.mark.asyncio(loop_scope="session")

embedded = pytest.mark.parametrize("shared_system", ["embedded"], indirect=True, scope="session")
"""For requests that are refused before log and store are asked: one of them is enough."""

BAD_BODIES = {
    "cut off": b'{"name": "x", ',
    "no JSON": b"name=x&version=1",
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "too deep": DEEP,
    "far too deep": DEEPER,
    "NaN": b'{"name": NaN}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "a text": b'"x"',
    "a number": b"17",
    "null": b"null",
    "an empty list": b"[]",
    "a list of nulls": b"[null]",
    "a list of lists": b"[[[]]]",
    "an empty object": b"{}",
    "a huge number": b'{"name": "x", "version": ' + b"9" * 400 + b"}",
    "a fraction": b'{"name": "x", "version": 1.5}',
    "an object for a text": b'{"name": {"a": 1}, "id": [], "taskId": {}, "status": []}',
    "texts for objects": b'{"name": "x", "input": "y", "tasks": "z", "options": "o", "headers": 7}',
    "a key twice": b'{"name": "x", "name": ["y"]}',
}
WRITES = [
    ("POST", "/workflow"),
    ("POST", "/workflow/no_such_flow"),
    ("POST", "/workflow/execute/no_such_flow/1"),
    ("PUT", "/metadata/workflow"),
    ("POST", "/metadata/workflow"),
    ("POST", "/metadata/workflow/validate"),
    ("POST", "/metadata/taskdefs"),
    ("PUT", "/metadata/taskdefs"),
    ("POST", "/metadata/webhook"),
    ("PUT", "/metadata/webhook/no-such-id"),
    ("POST", "/metadata/webhook/no-such-id/secrets"),
    ("POST", "/metadata/webhook/no-such-id/test"),
    ("PUT", "/metadata/webhook/no-such-id/tags"),
    ("POST", "/tasks"),
    ("POST", "/tasks/update-v2"),
    ("POST", "/tasks/no-such-id/ref/COMPLETED"),
    ("PUT", "/workflow/bulk/pause"),
    ("POST", "/workflow/bulk/terminate"),
    ("POST", "/workflow/no-such-id/variables"),
    ("POST", "/workflow/no-such-id/state"),
    ("POST", "/workflow/correlated/batch"),
    ("PUT", "/metadata/workflow/no_such_flow/tags"),
]


def _is_refusal(answer: httpx.Response) -> bool:
    assert answer.status_code < 500, f"{answer.request.url}: {answer.text[:300]}"
    if answer.is_success:
        return False
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["code"]
    assert body["message"]
    assert body["retryable"] is False
    return True


@embedded
@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_no_body_makes_the_api_fail(system: System, method: str, path: str) -> None:
    """Every write refuses every bad body with status, code and message."""
    accepted = []
    for name, body in BAD_BODIES.items():
        answer = await system.http.request(method, path, content=body)
        if not _is_refusal(answer):
            accepted.append(name)
    unreadable = {"cut off", "no JSON", "invalid UTF-8", "too deep", "far too deep", "NaN"}
    assert not unreadable & set(accepted) or path.startswith("/tasks/no-such-id")


BAD_QUERIES = [
    "/workflow/search?query=workflowType%20IN%20(",
    "/workflow/search?size=-1",
    "/workflow/search?size=many",
    "/workflow/search?start=99999999999999999999999",
    "/workflow/search-v2?query=%ff",
    "/webhook-events?limit=0",
    "/webhook-events?limit=1000000",
    "/webhook-events?verdict=great",
    "/webhook-events?order=random",
    "/webhook-events?from=yesterday",
    "/webhook-events?cursor=%00%ff",
    "/webhook-events?cursor=abc",
    *(
        f"/webhook-events?cursor={base64.urlsafe_b64encode(cursor).decode()}"
        for cursor in (b'[{"$ne":1},"x"]', b"[99999999999999999999,1]", b"[1]", b"{}", b"[[],[]]")
    ),
    "/tasks/poll/batch/x?count=-1",
    "/tasks/poll/batch/x?timeout=6000",
    "/metadata/workflow/no_such_flow?version=one",
]


@pytest.mark.parametrize("path", BAD_QUERIES)
async def test_a_bad_query_is_400_and_names_the_parameter(system: System, path: str) -> None:
    answer = await system.http.get(path)
    assert _is_refusal(answer), answer.text[:200]
    assert answer.status_code in (400, 404)


MISSING = [
    ("GET", "/workflow/no-such-id"),
    ("GET", "/workflow/no-such-id/status"),
    ("DELETE", "/workflow/no-such-id"),
    ("PUT", "/workflow/no-such-id/pause"),
    ("POST", "/workflow/no-such-id/restart"),
    ("GET", "/metadata/workflow/no_such_flow"),
    ("DELETE", "/metadata/workflow/no_such_flow/1"),
    ("GET", "/metadata/taskdefs/no_such_task"),
    ("DELETE", "/metadata/taskdefs/no_such_task"),
    ("GET", "/metadata/webhook/no-such-id"),
    ("DELETE", "/metadata/webhook/no-such-id"),
    ("GET", "/webhook-events/no-such-id"),
    ("GET", "/webhook-events/no-such-id/raw"),
    ("GET", "/tasks/no-such-id"),
    ("GET", "/no/such/path"),
    ("GET", "/workflow/%ff%fe"),
    ("GET", "/workflow/a%00b"),
    ("GET", "/workflow/%F0%9F%92%A9"),
    ("GET", "/metadata/webhook/" + "x" * 5000),
]


@embedded
@pytest.mark.parametrize(("method", "path"), MISSING)
async def test_what_is_not_there_is_404(system: System, method: str, path: str) -> None:
    answer = await system.http.request(method, path)
    assert _is_refusal(answer)
    assert answer.status_code in (400, 404)


async def test_a_known_path_with_another_method_is_405(system: System) -> None:
    answer = await system.http.request("DELETE", "/metadata/workflow")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_a_start_of_a_workflow_that_is_not_defined_is_404_by_name(system: System) -> None:
    name = fresh("missing")
    answer = await system.post("/workflow", {"name": name, "version": 1}, expected=404)
    assert name in answer["message"]


@embedded
@pytest.mark.parametrize("kind", ["DYNAMIC", "FORK_JOIN_DYNAMIC", "EVENT", "HUMAN", "LAMBDA"])
async def test_an_operator_that_is_not_built_yet_is_refused_by_name(
    system: System, kind: str
) -> None:
    definition = {"name": fresh("flow"), "version": 1, "tasks": [task("odd", kind)]}
    answer = await system.put("/metadata/workflow", [definition], expected=400)
    assert kind in json.dumps(answer)
    await system.get(f"/metadata/workflow/{definition['name']}", expected=404)


@embedded
@pytest.mark.parametrize("name", ["anyOf", "allOf"])
async def test_a_wait_asking_for_what_is_not_built_yet_is_refused(
    system: System, name: str
) -> None:
    wait = task("event", "WAIT_FOR_WEBHOOK", {name: [{"$.a": 1}]})
    definition = {"name": fresh("flow"), "version": 1, "tasks": [wait]}
    answer = await system.put("/metadata/workflow", [definition], expected=400)
    assert name in json.dumps(answer)


BAD_MATCHES: list[dict[str, Any]] = [
    {"$.a[": 1},
    {"$..": 1},
    {"": 1},
    {"header:": 1},
    {"$.a": {"operator": "near", "value": 1}},
    {"$.a": {"operator": "in"}},
    {"$.a": {"operator": "in", "values": [1], "valves": [2]}},
    {"$.a": {"operator": "matches", "value": "(["}},
]


@embedded
@pytest.mark.parametrize("matches", BAD_MATCHES, ids=repr)
async def test_a_match_that_could_never_work_is_refused_when_the_definition_is_saved(
    system: System, matches: dict[str, Any]
) -> None:
    definition = {"name": fresh("flow"), "version": 1, "tasks": [wait_task("event", matches)]}
    answer = await system.put("/metadata/workflow", [definition], expected=400)
    assert answer["code"]
    assert "matches" in json.dumps(answer.get("validationErrors", answer))


BAD_WEBHOOKS: list[tuple[dict[str, Any], str]] = [
    ({"options": {"pausd": True}}, "/options/pausd"),
    ({"options": {"maxBodyBytes": 9 * 1024 * 1024}}, "/options/maxBodyBytes"),
    ({"options": {"batch": "items"}}, "/options/batch"),
    ({"options": {"deliveryId": "$.a["}}, "/options/deliveryId"),
    ({"options": {"dedupeSeconds": "a day"}}, "/options/dedupeSeconds"),
    ({"expression": "1"}, "/expression"),
    ({"name": ""}, "/name"),
    ({"sourcePlatform": "Nowhere"}, "/sourcePlatform"),
    ({"sourcePlatform": "GitHub", "verifier": "STRIPE"}, "/verifier"),
    ({"headers": {}}, "/headers"),
    ({"headers": {"a b": "c"}}, "/headers/a b"),
    ({"receiverWorkflowNamesToVersions": {"x": -1}}, "/receiverWorkflowNamesToVersions/x"),
    ({"receiverWorkflowNamesToVersions": None}, "/receiverWorkflowNamesToVersions"),
    ({"startRules": [{"version": 1}]}, "/startRules/0/workflow"),
    ({"startRules": [{"workflow": "x", "when": {"$.a[": 1}}]}, "/startRules/0/when"),
    ({"sourcePlatform": "Microsoft Teams", "secretValue": "no base64!"}, "/secretValue"),
    ({"verification": {"alg": "rot13"}, "headers": None}, "/verification"),
]


@embedded
@pytest.mark.parametrize(("change", "field"), BAD_WEBHOOKS, ids=[one[1] for one in BAD_WEBHOOKS])
async def test_a_bad_webhook_is_refused_with_the_field(
    system: System, change: dict[str, Any], field: str
) -> None:
    good = {
        "name": fresh("hook"),
        "sourcePlatform": "Custom",
        "headers": CHECK,
        "receiverWorkflowNamesToVersions": {"x": 1},
    }
    answer = await system.post("/metadata/webhook", {**good, **change}, expected=400)
    assert answer["field"].startswith(field), answer
    assert answer["code"]
    assert answer["message"]


async def test_unknown_fields_are_ignored_elsewhere(system: System) -> None:
    flow = await system.define(task("note", "SET_VARIABLE", {"a": 1}, colour="red"), shape="round")
    running = await system.start(flow, {"n": 1}, mood="good")
    await system.ended(running)
    await system.webhook(receiverWorkflowNamesToVersions={flow: 1}, weather="fair")


async def test_a_name_or_id_that_is_taken_is_409(system: System) -> None:
    _, hook = await system.pair(wait_task("event", {}))
    fields = {**hook, "id": None}
    taken = await system.post("/metadata/webhook", fields, expected=409)
    same_id = {**fields, "id": hook["id"], "name": fresh("hook")}
    again = await system.post("/metadata/webhook", same_id, expected=409)
    assert taken["code"]
    assert again["code"]


async def test_a_large_number_in_an_input_comes_back_as_it_was(system: System) -> None:
    """Text, key order, large and small numbers: what is free-form is kept."""
    flow = await system.define(task("hold", "WAIT"))
    raw = '{"z":18446744073709551615,"a":[1.5e-7,-0.0,""],"$x.y":{"":"grüße \\u2028"},"n":null}'
    body = f'{{"name":"{flow}","input":{raw}}}'.encode()
    running = (await system.http.post("/workflow", content=body)).text
    found = await system.execution(running)
    assert found["input"] == json.loads(raw)
    assert list(found["input"]) == ["z", "a", "$x.y", "n"]


# --- the gateway ---
async def test_requests_to_webhooks_that_are_not_there_are_404(system: System) -> None:
    for name in ("no-such-id", "%ff", "..%2f..", "a" * 3000):
        url = f"{system.parts.settings.public_url}/webhook/{name}"
        answer = await system.gateway.post(url, content=b"{}")
        assert _is_refusal(answer)
        assert answer.status_code in (400, 404)


async def test_the_gateways_port_has_no_api(system: System) -> None:
    answer = await system.gateway.get(f"{system.parts.settings.public_url}/api/metadata/webhook")
    assert answer.status_code == 404


async def test_a_page_from_elsewhere_cannot_call_the_api(system: System) -> None:
    """A foreign Host is 421, a foreign Origin 403 (protocols.md H1)."""
    host = await system.http.get("/metadata/webhook", headers={"host": "evil.example"})
    assert host.status_code == 421
    origin = await system.http.post(
        "/workflow", content=b"{}", headers={"origin": "https://evil.example"}
    )
    assert origin.status_code == 403


async def test_a_result_too_large_or_for_nobody_is_refused(system: System) -> None:
    kind = fresh("work")
    running = await system.start(await system.define(task("work", "SIMPLE") | {"name": kind}))
    polled = await system.poll(kind)
    ids = {"workflowInstanceId": running, "taskId": polled["taskId"]}
    wrong = await system.post("/tasks", {**ids, "status": "DONE"}, expected=400)
    assert wrong["field"] == "/status"
    await system.post("/tasks", {**ids, "status": "COMPLETED", "outputData": []}, expected=400)
    stranger = {**ids, "taskId": "no-such-id", "status": "COMPLETED"}
    await system.post("/tasks", stranger, expected=404)
    await system.update(polled, "COMPLETED")
    await system.ended(running)
