"""Webhooks over the API: the resource, validation, what is kept, what the services see."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookline_common.collections import NAMES, URL_STATUS, WEBHOOKS
from hookline_common.documents import Document
from hookline_common.sealing import header_check_context, secret_context
from hookline_common.web import ApiKeys
from hookline_common.webhooks import WebhookConfig, WebhookDeleted
from tests.engine.rest_surface import PUBLIC, SEALER, Surface, open_stores, open_surface

WEBHOOK = "/api/metadata/webhook"

CUSTOMERS_EXAMPLE: dict[str, Any] = {
    "verifier": "HEADER_BASED",
    "secretValue": "***",
    "headers": {"appName": "demoApp"},
    "name": "webhook-name",
    "id": "7a308c91-4189-4e34-8ddb-347cbbfd82fe",
    "receiverWorkflowNamesToVersions": {"sample-webhook": 1},
    "workflowsToStart": {"start-http-task": 2},
    "urlVerified": True,
    "sourcePlatform": "Custom",
    "createdBy": "john.doe@acme.com",
}

SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpV"
    "KS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)


def github(**more: Any) -> dict[str, Any]:
    return {
        "name": "gh",
        "sourcePlatform": "GitHub",
        "secretValue": "It's a Secret to Everybody",
        "receiverWorkflowNamesToVersions": {"review": 1},
        **more,
    }


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[Surface]:
    async with open_stores(tmp_path) as (log, documents), open_surface(log, documents) as opened:
        yield opened


async def test_the_customers_example_works_verbatim_and_reads_back_the_same(
    surface: Surface,
) -> None:
    text = json.dumps(CUSTOMERS_EXAMPLE, indent=1)
    created = await surface.http.post(WEBHOOK, content=text)
    assert created.status_code == 200
    read = await surface.call("GET", f"{WEBHOOK}/{CUSTOMERS_EXAMPLE['id']}")
    assert {name: read[name] for name in CUSTOMERS_EXAMPLE} == CUSTOMERS_EXAMPLE
    assert read["url"] == f"{PUBLIC}/webhook/{CUSTOMERS_EXAMPLE['id']}"
    assert created.json() == {**read, "warnings": created.json()["warnings"]}
    again = await surface.call("PUT", f"{WEBHOOK}/{read['id']}", read)
    assert {name: again[name] for name in CUSTOMERS_EXAMPLE} == CUSTOMERS_EXAMPLE


@pytest.mark.parametrize(
    ("platform", "secret", "verifier"),
    [
        ("GitHub", "s3cret", "SIGNATURE_BASED"),
        ("Slack", "8f742231b10e8888abcd99yyyzzz85a5", "SLACK_BASED"),
        ("Stripe", "whsec_test_secret", "STRIPE"),
        ("Microsoft Teams", "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=", "HMAC_BASED"),
        (
            "SendGrid",
            SENDGRID_KEY,
            "SENDGRID",
        ),
        ("Standard Webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "CATALOGUE"),
    ],
)
async def test_each_platform_implies_its_verifier_and_the_secret_is_sealed(
    surface: Surface, platform: str, secret: str, verifier: str
) -> None:
    body = github(sourcePlatform=platform, secretValue=secret)
    created = await surface.call("POST", WEBHOOK, body)
    assert (created["verifier"], created["sourcePlatform"]) == (verifier, platform)
    assert created["secretValue"] == "***"
    assert created["urlVerified"] is False
    assert secret not in json.dumps(created)
    config = (await surface.config()).webhook(created["id"])
    assert isinstance(config, WebhookConfig)
    context = secret_context(config.id, config.incarnation, config.secrets[0].id)
    assert SEALER.open(config.secrets[0].sealed, context) == secret
    stored = (await surface.documents.get(WEBHOOKS, [config.id]))[config.id]
    assert secret.encode() not in stored.body


async def test_a_saved_webhook_is_published_before_the_answer_and_each_change_again(
    surface: Surface,
) -> None:
    created = await surface.call("POST", WEBHOOK, github(id="w1"))
    first = (await surface.config()).webhook("w1")
    await surface.call("PUT", f"{WEBHOOK}/w1", {**created, "name": "renamed"})
    second = (await surface.config()).webhook("w1")
    assert isinstance(first, WebhookConfig)
    assert isinstance(second, WebhookConfig)
    assert (first.name, second.name) == ("gh", "renamed")
    assert (second.incarnation, second.revision) == (first.incarnation, first.revision + 1)


async def test_a_deleted_webhook_is_gone_and_its_id_continues_under_a_new_incarnation(
    surface: Surface,
) -> None:
    await surface.call("POST", WEBHOOK, github(id="w1"))
    first = (await surface.config()).webhook("w1")
    assert await surface.call("DELETE", f"{WEBHOOK}/w1") is None
    gone = (await surface.config()).webhook("w1")
    assert isinstance(gone, WebhookDeleted)
    assert await surface.refused("GET", f"{WEBHOOK}/w1") == (404, "webhook_not_found", None)
    assert await surface.call("GET", WEBHOOK) == []
    await surface.call("POST", WEBHOOK, github(id="w1"))
    again = (await surface.config()).webhook("w1")
    assert isinstance(first, WebhookConfig)
    assert isinstance(again, WebhookConfig)
    assert again.incarnation > gone.incarnation == first.incarnation
    assert again.revision > gone.revision > first.revision


async def test_id_and_name_are_unique(surface: Surface) -> None:
    await surface.call("POST", WEBHOOK, github(id="w1"))
    assert await surface.refused("POST", WEBHOOK, github(id="w1", name="other")) == (
        409,
        "id_taken",
        "/id",
    )
    assert await surface.refused("POST", WEBHOOK, github(id="w2")) == (409, "name_taken", "/name")
    other = await surface.call("POST", WEBHOOK, github(id="w2", name="other"))
    taken = await surface.refused("PUT", f"{WEBHOOK}/w2", {**other, "name": "gh"})
    assert taken == (409, "name_taken", "/name")


async def test_a_name_is_free_again_after_a_rename_and_after_a_deletion(surface: Surface) -> None:
    created = await surface.call("POST", WEBHOOK, github(id="w1"))
    await surface.call("PUT", f"{WEBHOOK}/w1", {**created, "name": "renamed"})
    await surface.call("POST", WEBHOOK, github(id="w2"))
    await surface.call("DELETE", f"{WEBHOOK}/w2")
    await surface.call("POST", WEBHOOK, github(id="w3"))
    names = [webhook["name"] for webhook in await surface.call("GET", WEBHOOK)]
    assert names == ["gh", "renamed"]


async def test_a_name_left_behind_by_a_crash_is_free_after_a_minute(surface: Surface) -> None:
    claim = json.dumps({"id": "lost", "at": surface.clock.ms}).encode()
    await surface.documents.insert(NAMES, [Document("webhook:gh", claim)])
    assert (await surface.refused("POST", WEBHOOK, github()))[0] == 409
    surface.clock.ms += 60_001
    await surface.call("POST", WEBHOOK, github())


class TestChanges:
    async def test_put_keeps_what_a_client_cannot_send_back(self, surface: Surface) -> None:
        tags = [{"key": "team", "value": "a"}]
        body = github(id="w1", urlVerified=True, createdBy="ann", tags=tags)
        await surface.call("POST", WEBHOOK, {**body, "options": {"dedupeSeconds": 60}})
        before = (await surface.config()).webhook("w1")
        for secret in ({"secretValue": "***"}, {}):
            change = {**github(urlVerified=False, createdBy="eve", updatedBy="bob"), **secret}
            if not secret:
                del change["secretValue"]
            changed = await surface.call("PUT", f"{WEBHOOK}/w1", change)
        after = (await surface.config()).webhook("w1")
        assert isinstance(before, WebhookConfig)
        assert isinstance(after, WebhookConfig)
        assert after.secrets == before.secrets
        assert (changed["urlVerified"], changed["createdBy"]) == (True, "ann")
        assert changed["updatedBy"] == "bob"
        assert changed["createTime"] == before.create_time
        assert changed["updateTime"] == surface.clock.ms
        assert changed["tags"] == tags
        assert changed["options"]["dedupeSeconds"] == 60

    async def test_a_new_secret_value_replaces_the_first_secret_under_a_new_id(
        self, surface: Surface
    ) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        await surface.call("POST", f"{WEBHOOK}/w1/secrets", {"value": "second", "label": "next"})
        before = (await surface.call("GET", f"{WEBHOOK}/w1"))["secrets"]
        changed = await surface.call("PUT", f"{WEBHOOK}/w1", github(secretValue="third"))
        after = changed["secrets"]
        assert [secret["value"] for secret in after] == ["***", "***"]
        assert after[0]["id"] != before[0]["id"]
        assert after[1] == before[1]

    async def test_header_values_are_shown_kept_by_their_mark_and_replaced(
        self, surface: Surface
    ) -> None:
        await surface.call("POST", WEBHOOK, CUSTOMERS_EXAMPLE)
        path = f"{WEBHOOK}/{CUSTOMERS_EXAMPLE['id']}"
        changed = await surface.call(
            "PUT", path, {**CUSTOMERS_EXAMPLE, "headers": {"appname": "***", "X-New": "v"}}
        )
        assert changed["headers"] == {"appname": "demoApp", "X-New": "v"}
        config = (await surface.config()).webhook(CUSTOMERS_EXAMPLE["id"])
        assert isinstance(config, WebhookConfig)
        context = header_check_context(config.id, config.incarnation, "appname")
        assert SEALER.open(config.header_checks["appname"], context) == "demoApp"

    async def test_an_unknown_webhook_is_404(self, surface: Surface) -> None:
        for method, path in (
            ("GET", "x"),
            ("DELETE", "x"),
            ("GET", "x/tags"),
            ("GET", "x/secrets"),
        ):
            assert (await surface.refused(method, f"{WEBHOOK}/{path}"))[:2] == (
                404,
                "webhook_not_found",
            )
        assert (await surface.refused("PUT", f"{WEBHOOK}/x", github()))[0] == 404

    async def test_the_id_of_body_and_path_must_agree(self, surface: Surface) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        refused = await surface.refused("PUT", f"{WEBHOOK}/w1", github(id="w2"))
        assert refused == (400, "id_mismatch", "/id")

    async def test_the_url_is_verified_when_the_verifier_says_so(self, surface: Surface) -> None:
        await surface.call("POST", WEBHOOK, github(id="w1"))
        config = (await surface.config()).webhook("w1")
        assert config is not None
        status = Document(f"w1:{config.incarnation}", b'{"verified":true,"at":1,"eventId":"e"}')
        await surface.documents.insert(URL_STATUS, [status])
        assert (await surface.call("GET", f"{WEBHOOK}/w1"))["urlVerified"] is True
        assert (await surface.call("GET", WEBHOOK))[0]["urlVerified"] is True


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


class TestValidation:
    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"name": None}, "missing_field", "/name"),
            ({"name": "  "}, "missing_field", "/name"),
            ({"name": ["x"]}, "wrong_type", "/name"),
            ({"name": "x" * 300}, "invalid_value", "/name"),
            ({"id": "a/b"}, "invalid_value", "/id"),
            ({"id": "."}, "invalid_value", "/id"),
            ({"verifier": "MAGIC"}, "unknown_verifier", "/verifier"),
            ({"verifier": "STRIPE"}, "verifier_mismatch", "/verifier"),
            ({"sourcePlatform": "Nobody"}, "unknown_platform", "/sourcePlatform"),
            ({"sourcePlatform": None}, "unknown_platform", "/sourcePlatform"),
            (
                {"receiverWorkflowNamesToVersions": None},
                "nothing_to_do",
                "/receiverWorkflowNamesToVersions",
            ),
            (
                {"receiverWorkflowNamesToVersions": {}},
                "nothing_to_do",
                "/receiverWorkflowNamesToVersions",
            ),
            (
                {"receiverWorkflowNamesToVersions": {"a": "one"}},
                "wrong_type",
                "/receiverWorkflowNamesToVersions/a",
            ),
            (
                {"receiverWorkflowNamesToVersions": {"a/b": -1}},
                "out_of_range",
                "/receiverWorkflowNamesToVersions/a~1b",
            ),
            (
                {"receiverWorkflowNamesToVersions": []},
                "wrong_type",
                "/receiverWorkflowNamesToVersions",
            ),
            ({"expression": "$.x"}, "not_supported", "/expression"),
            ({"headerKey": "a b"}, "invalid_value", "/headerKey"),
            ({"urlVerified": "perhaps"}, "wrong_type", "/urlVerified"),
            ({"secrets": [{}]}, "missing_field", "/secrets/0/value"),
            (
                {"secrets": [{"value": "a", "expiresAt": "soon"}]},
                "wrong_type",
                "/secrets/0/expiresAt",
            ),
            ({"secrets": [{"id": "x", "value": "***"}]}, "unknown_secret", "/secrets/0/id"),
            ({"secrets": [{"value": "a"}] * 21}, "invalid_value", "/secrets"),
            ({"tags": [{"value": "a"}]}, "missing_field", "/tags/0/key"),
            ({"tags": {"a": 1}}, "wrong_type", "/tags"),
            (
                {"verification": {"alg": "token", "header": "x"}},
                "verification_not_allowed",
                "/verification",
            ),
            ({"options": {"nope": 1}}, "unknown_option", "/options/nope"),
            (
                {"options": {"maxBodyBytes": 8 * 1024 * 1024 + 1}},
                "out_of_range",
                "/options/maxBodyBytes",
            ),
            ({"options": {"maxBodyBytes": 0}}, "out_of_range", "/options/maxBodyBytes"),
            ({"options": {"dedupeSeconds": "long"}}, "wrong_type", "/options/dedupeSeconds"),
            ({"options": {"dedupeSeconds": 2.7}}, "wrong_type", "/options/dedupeSeconds"),
            (
                {"options": {"rateLimitPerSecond": True}},
                "wrong_type",
                "/options/rateLimitPerSecond",
            ),
            ({"options": {"replyOnReject": "loudly"}}, "invalid_value", "/options/replyOnReject"),
            ({"options": {"batch": "items"}}, "not_supported", "/options/batch"),
            ({"options": {"deliveryId": "header:"}}, "invalid_value", "/options/deliveryId"),
            ({"options": {"orderingKey": "$.a["}}, "invalid_value", "/options/orderingKey"),
            ({"options": {"paused": 7}}, "wrong_type", "/options/paused"),
            ({"options": []}, "wrong_type", "/options"),
        ],
    )
    async def test_a_bad_field_is_400_with_code_and_pointer(
        self, surface: Surface, change: dict[str, Any], code: str, field: str
    ) -> None:
        assert await surface.refused("POST", WEBHOOK, github(**change)) == (400, code, field)
        assert await surface.call("GET", WEBHOOK) == []

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"headers": {}}, "headers_required", "/headers"),
            ({"headers": None}, "headers_required", "/headers"),
            ({"headers": {"a b": "x"}}, "invalid_value", "/headers/a b"),
            ({"headers": {"a": ""}}, "missing_field", "/headers/a"),
            ({"headers": {"a": "x\r\ny: z"}}, "invalid_value", "/headers/a"),
            ({"headers": {"a": "x", "A": "y"}}, "invalid_value", "/headers/A"),
            ({"headers": {"a": {}}}, "wrong_type", "/headers/a"),
            (
                {"verification": {"alg": "token", "header": "X"}},
                "two_verifications",
                "/verification",
            ),
            (
                {"headers": None, "verification": {"alg": "no"}},
                "bad_verification",
                "/verification/alg",
            ),
            (
                {"headers": None, "verification": {"alg": "token"}},
                "bad_verification",
                "/verification/header",
            ),
        ],
    )
    async def test_header_checks_and_own_verifications_are_checked(
        self, surface: Surface, change: dict[str, Any], code: str, field: str
    ) -> None:
        body = {**CUSTOMERS_EXAMPLE, **change}
        assert await surface.refused("POST", WEBHOOK, body) == (400, code, field)

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"{", "malformed_json"),
            (b"[1]", "wrong_type"),
            (b'"text"', "wrong_type"),
            (b'{"name": NaN}', "malformed_json"),
            (b'{"name": "\xff"}', "invalid_utf8"),
            (b'{"name": "\\ud800"}', "malformed_json"),
            (b'{"a":' * 300 + b"1" + b"}" * 300, "too_deep"),
            (b"[" * 100_000, "too_deep"),
        ],
    )
    async def test_a_body_that_cannot_be_read_is_400(
        self, surface: Surface, content: bytes, code: str
    ) -> None:
        answer = await surface.http.post(WEBHOOK, content=content)
        assert (answer.status_code, answer.json()["code"]) == (400, code)

    async def test_a_secret_that_the_platform_cannot_use_is_400(self, surface: Surface) -> None:
        teams = github(sourcePlatform="Microsoft Teams", secretValue="not base64 !")
        assert await surface.refused("POST", WEBHOOK, teams) == (
            400,
            "invalid_secret",
            "/secretValue",
        )
        sendgrid = github(sourcePlatform="SendGrid", secretValue=None, secretKey="nonsense")
        assert (await surface.refused("POST", WEBHOOK, sendgrid))[1:] == (
            "invalid_secret",
            "/secretKey",
        )

    async def test_numbers_as_text_unknown_fields_and_foreign_content_types_are_fine(
        self, surface: Surface
    ) -> None:
        body = github(
            unknown={"x": 1},
            receiverWorkflowNamesToVersions={"a": "7", "b": None},
            options={"maxBodyBytes": "2048", "paused": "True"},
        )
        answer = await surface.http.post(
            WEBHOOK,
            content=json.dumps(body),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        shown = answer.json()
        assert answer.status_code == 200
        assert shown["receiverWorkflowNamesToVersions"] == {"a": 7, "b": 0}
        assert (shown["options"]["maxBodyBytes"], shown["options"]["paused"]) == (2048, True)
        assert "unknown" not in shown


class TestWarnings:
    async def test_workflows_that_are_not_there_yet_are_warned_about(
        self, surface: Surface
    ) -> None:
        task = {"name": "t", "taskReferenceName": "t", "type": "SIMPLE"}
        definition = {"name": "here", "version": 1, "tasks": [task]}
        await surface.call("POST", "/api/metadata/workflow", definition)
        receivers = {"here": 0, "gone": 2}
        body = github(receiverWorkflowNamesToVersions=receivers, workflowsToStart={"here": 9})
        warnings = (await surface.call("POST", WEBHOOK, body))["warnings"]
        assert [(warning["code"], warning["field"]) for warning in warnings] == [
            ("workflow_missing", "/receiverWorkflowNamesToVersions/gone"),
            ("workflow_missing", "/workflowsToStart/here"),
        ]

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"sourcePlatform": "Slack", "secretValue": None}, "challenge_only", "/secretValue"),
            ({"secretValue": None}, "no_secret", "/secretValue"),
            (
                {"sourcePlatform": "Custom", "secretValue": None, "headers": {"a": "short"}},
                "weak_header_value",
                "/headers/a",
            ),
        ],
    )
    async def test_credentials_that_prove_little_are_warned_about(
        self, surface: Surface, change: dict[str, Any], code: str, field: str
    ) -> None:
        warnings = (await surface.call("POST", WEBHOOK, github(**change)))["warnings"]
        assert (warnings[0]["code"], warnings[0]["field"]) == (code, field)
        assert warnings[0]["message"]

    async def test_a_good_webhook_has_no_warning_about_itself(self, surface: Surface) -> None:
        warnings = (await surface.call("POST", WEBHOOK, github()))["warnings"]
        assert [warning["code"] for warning in warnings] == ["workflow_missing"]


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


async def test_with_keys_on_the_key_is_the_author(tmp_path: Path) -> None:
    keys = ApiKeys({"ann": "s"})
    headers = {"X-Authorization": keys.issue("ann", "s")}
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents, keys=keys) as surface,
    ):
        body = github(createdBy="eve")
        created = await surface.call("POST", WEBHOOK, body, headers=headers)
        assert created["createdBy"] == "ann"
        assert (await surface.http.get(WEBHOOK)).status_code == 401
        assert (await surface.http.get("/api/health")).status_code == 200
