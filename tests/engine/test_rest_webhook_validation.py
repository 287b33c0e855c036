"""Webhooks that cannot be saved, and what may not be meant."""

import json
from typing import Any

import pytest

from tests.engine.rest_surface import Surface
from tests.engine.webhook_samples import CUSTOMERS_EXAMPLE, WEBHOOK, github


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
