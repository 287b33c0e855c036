"""Start rules, secrets and tags of webhooks over the API."""

from typing import Any

import pytest

from hookline_common.collections import SECRET_USES
from hookline_common.documents import Document
from hookline_common.webhooks import WebhookConfig
from tests.engine.rest_surface import Surface
from tests.engine.webhook_samples import WEBHOOK, github


class TestStartRules:
    async def test_workflows_to_start_are_rules_and_both_are_shown(self, surface: Surface) -> None:
        starts = {
            "a": 1,
            "b": 0,
            "idempotencyKey": "${workflow.input.id}",
            "idempotencyStrategy": "RETURN_EXISTING",
        }
        shown = await surface.call("POST", WEBHOOK, github(workflowsToStart=starts))
        assert shown["workflowsToStart"] == starts
        common = {
            "when": {},
            "idempotencyKey": "${workflow.input.id}",
            "idempotencyStrategy": "RETURN_EXISTING",
        }
        assert shown["startRules"] == [
            {"workflow": "a", "version": 1, **common},
            {"workflow": "b", "version": 0, **common},
        ]

    async def test_what_workflows_to_start_cannot_say_is_left_out_of_it(
        self, surface: Surface
    ) -> None:
        rules = [
            {"workflow": "a", "version": 1},
            {"workflow": "b", "when": {"$.action": "opened"}},
            {"workflow": "c", "idempotencyKey": "${event.deliveryId}"},
        ]
        shown = await surface.call("POST", WEBHOOK, github(startRules=rules))
        assert shown["workflowsToStart"] == {"a": 1}
        assert [rule["workflow"] for rule in shown["startRules"]] == ["a", "b", "c"]
        assert shown["startRules"][1]["when"] == {"$.action": "opened"}

    async def test_a_client_that_edits_one_form_and_echoes_the_other_is_understood(
        self, surface: Surface
    ) -> None:
        rules = [{"workflow": "a", "version": 1}, {"workflow": "b", "when": {"x": "y"}}]
        shown = await surface.call("POST", WEBHOOK, github(id="w1", startRules=rules))
        path = f"{WEBHOOK}/w1"
        old_client = await surface.call("PUT", path, {**shown, "workflowsToStart": {"z": 3}})
        assert [rule["workflow"] for rule in old_client["startRules"]] == ["z", "b"]
        new_client = await surface.call(
            "PUT", path, {**old_client, "startRules": [{"workflow": "n"}]}
        )
        assert [rule["workflow"] for rule in new_client["startRules"]] == ["n"]

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"startRules": [{"version": 1}]}, "/startRules/0/workflow"),
            ({"startRules": [{"workflow": "a", "version": -1}]}, "/startRules/0/version"),
            (
                {"startRules": [{"workflow": "a", "idempotencyStrategy": "X"}]},
                "/startRules/0/idempotencyStrategy",
            ),
            ({"startRules": [{"workflow": "a", "when": {"a..[": "x"}}]}, "/startRules/0/when/a..["),
            (
                {"startRules": [{"workflow": "a", "when": {"a": {"operator": "no"}}}]},
                "/startRules/0/when/a/operator",
            ),
            (
                {"startRules": [{"workflow": "a", "when": {"anyOf": []}}]},
                "/startRules/0/when/anyOf",
            ),
            (
                {"startRules": [{"workflow": "a", "idempotencyKey": "${nothing.x}"}]},
                "/startRules/0/idempotencyKey",
            ),
            ({"startRules": {"workflow": "a"}}, "/startRules"),
            ({"workflowsToStart": {"a": "x"}}, "/workflowsToStart/a"),
            ({"workflowsToStart": {"a": 1.5}}, "/workflowsToStart/a"),
            (
                {"workflowsToStart": {"a": 1, "idempotencyStrategy": "X"}},
                "/workflowsToStart/idempotencyStrategy",
            ),
            ({"workflowsToStart": ["a"]}, "/workflowsToStart"),
        ],
    )
    async def test_a_rule_that_is_wrong_names_its_field(
        self, surface: Surface, more: dict[str, Any], field: str
    ) -> None:
        status, code, named = await surface.refused("POST", WEBHOOK, github(**more))
        assert (status, named) == (400, field)
        assert code


class TestSecretsAndTags:
    async def test_secrets_are_added_listed_and_removed(self, surface: Surface) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        added = await surface.call(
            "POST", f"{WEBHOOK}/w1/secrets", {"value": "two", "label": "new", "expiresAt": 5}
        )
        assert added == {
            "id": added["id"],
            "value": "***",
            "label": "new",
            "expiresAt": 5,
            "addedAt": surface.clock.ms,
        }
        listed = await surface.call("GET", f"{WEBHOOK}/w1/secrets")
        assert [secret["id"] for secret in listed][1] == added["id"]
        assert await surface.call("DELETE", f"{WEBHOOK}/w1/secrets/{added['id']}") is None
        config = (await surface.config()).webhook("w1")
        assert isinstance(config, WebhookConfig)
        assert len(config.secrets) == 1
        gone = await surface.refused("DELETE", f"{WEBHOOK}/w1/secrets/{added['id']}")
        assert gone == (404, "secret_not_found", None)

    async def test_each_secret_shows_when_it_last_proved_an_event(self, surface: Surface) -> None:
        created = await surface.call("POST", WEBHOOK, github(id="w1"))
        await surface.call("POST", f"{WEBHOOK}/w1/secrets", {"value": "two"})
        config = (await surface.config()).webhook("w1")
        assert config is not None
        use = Document(
            f"w1:{config.incarnation}:{created['secrets'][0]['id']}", b'{"lastUsedAt":77}'
        )
        await surface.documents.insert(SECRET_USES, [use])
        shown = await surface.call("GET", f"{WEBHOOK}/w1")
        listed = await surface.call("GET", f"{WEBHOOK}/w1/secrets")
        assert shown["secrets"] == listed == (await surface.call("GET", WEBHOOK))[0]["secrets"]
        assert [secret.get("lastUsedAt") for secret in listed] == [77, None]

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({}, "missing_field", "/value"),
            ({"value": "***"}, "missing_field", "/value"),
            ({"id": "x"}, "missing_field", "/value"),
            ({"value": "x", "expiresAt": -1}, "out_of_range", "/expiresAt"),
        ],
    )
    async def test_a_secret_needs_a_value(
        self, surface: Surface, body: dict[str, Any], code: str, field: str
    ) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        assert await surface.refused("POST", f"{WEBHOOK}/w1/secrets", body) == (400, code, field)

    async def test_a_list_of_secrets_replaces_and_keeps_by_id(self, surface: Surface) -> None:
        created = await surface.call("POST", WEBHOOK, github(id="w1"))
        kept = created["secrets"][0]
        change = {**created, "secrets": [{"value": "new", "label": "n"}, {**kept, "label": "old"}]}
        changed = await surface.call("PUT", f"{WEBHOOK}/w1", change)
        assert [secret["label"] for secret in changed["secrets"]] == ["n", "old"]
        assert changed["secrets"][1]["id"] == kept["id"]

    async def test_tags_are_put_read_and_removed(self, surface: Surface) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        path = f"{WEBHOOK}/w1/tags"
        one, two = {"key": "a", "value": "1"}, {"key": "b", "value": "2"}
        assert await surface.call("PUT", path, [one, two]) is None
        assert await surface.call("GET", path) == [one, two]
        await surface.call("DELETE", path, [one])
        assert await surface.call("GET", path) == [two]
        assert await surface.refused("PUT", path, [{"value": "x"}]) == (
            400,
            "missing_field",
            "/0/key",
        )
