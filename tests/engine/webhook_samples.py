"""Webhooks as clients of the API post them."""

from typing import Any

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
    """A GitHub webhook as a client posts it."""
    return {
        "name": "gh",
        "sourcePlatform": "GitHub",
        "secretValue": "It's a Secret to Everybody",
        "receiverWorkflowNamesToVersions": {"review": 1},
        **more,
    }
