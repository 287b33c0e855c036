"""The form of a webhook and its JSON: what is read, what is kept, what is refused."""

import json
from typing import Any

import pytest

from hookline_console.forms import Form
from hookline_console.run_forms import BadField
from hookline_console.webhook_forms import (
    placed,
    receivers_of,
    rules_of,
    webhook_from_json,
    webhook_of,
)

STORED = {
    "id": "w", "name": "n", "sourcePlatform": "Custom", "verifier": "HEADER_BASED",
    "headers": {"A": "1"}, "receiverWorkflowNamesToVersions": {"r": 0}, "workflowsToStart": {},
    "startRules": [{"workflow": "s", "version": 2, "when": {"$.a": 1}, "idempotencyKey": "k"}],
    "options": {"paused": False, "mergeQuery": True, "sameBytes": "reject", "retentionDays": 9},
    "expression": "kept", "evaluatorType": "javascript", "tags": [{"key": "a", "value": "b"}],
    "url": "http://x", "createTime": 5,
}  # fmt: skip


def form_of(webhook: dict[str, Any]) -> list[tuple[str, str]]:
    """What the page would send if nothing was touched."""
    pairs = [("name", webhook["name"]), ("sourcePlatform", webhook["sourcePlatform"])]
    pairs += [("headerName", "A"), ("headerValue", "1"), ("starts", "1")]
    for name, version in receivers_of(webhook):
        pairs += [("receiver", name), ("receiverVersion", version)]
    for rule in rules_of(webhook):
        pairs += [("start", rule.workflow), ("startVersion", rule.version)]
        pairs += [
            ("startWhen", rule.when),
            ("startKey", rule.key),
            ("startStrategy", rule.strategy),
        ]
    return [*pairs, ("option.mergeQuery", "1"), ("option.retentionDays", "9")]


def test_a_form_that_was_not_touched_changes_nothing() -> None:
    kept = {k: v for k, v in STORED.items() if k not in ("url", "createTime", "workflowsToStart")}
    assert webhook_of(Form(form_of(STORED)), STORED) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": 5},
        {"options": []},
        {"startRules": {}},
        {"startRules": [1]},
        {"receiverWorkflowNamesToVersions": "all"},
        {"name": {}},
        {"sourcePlatform": []},
    ],
)
def test_json_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadField) as refused:
        webhook_from_json(json.dumps(wrong))
    assert refused.value.field == "json"
    assert next(iter(wrong)) in str(refused.value)
    assert webhook_from_json(json.dumps(dict.fromkeys(wrong))) == {}


def test_a_fault_of_the_api_stands_at_its_field() -> None:
    assert placed("/startRules/1/when/$.a", "bad") == ("startRules", "2. when $.a: bad")
    assert placed("/name", "taken") == ("name", "taken")
    assert placed("", "no") == ("form", "no")


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        (("option.retentionDays", "many"), "options"),
        (("startWhen", "{"), "startRules"),
        (("receiverVersion", "x"), "receiverWorkflowNamesToVersions"),
    ],
)
def test_what_cannot_be_understood_names_its_field(pair: tuple[str, str], field: str) -> None:
    pairs = [(name, pair[1] if name == pair[0] else value) for name, value in form_of(STORED)]
    with pytest.raises(BadField) as refused:
        webhook_of(Form(pairs), STORED)
    assert refused.value.field == field
