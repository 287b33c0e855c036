"""Shows a webhook as the API answers it: never its secrets; and what may not be meant."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.errors import SealBroken
from hookline_common.platforms.catalogue import declaration_for
from hookline_common.sealing import Sealer, header_check_context
from hookline_common.web import without_nulls
from hookline_common.webhooks import SECRET_SHOWN, Secret, WebhookConfig
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.rest.start_rules import show_rules, show_workflows_to_start
from hookline_engine.rest.webhook_options import show_options
from hookline_engine.webhook_store import SecretUses

STRONG_VALUE = 16
"""Characters of a header value that nobody guesses."""


class Seen(msgspec.Struct, frozen=True):
    """What the verifier has seen: ids of webhooks whose URL is verified, and uses of secrets."""

    verified: frozenset[str]
    uses: SecretUses


class WebhookViews:
    """Turns stored webhooks into answers."""

    def __init__(self, sealer: Sealer, public_url: str) -> None:
        self._sealer = sealer
        self._public_url = public_url.rstrip("/")

    def show(self, webhook: WebhookConfig, seen: Seen) -> dict[str, Any]:
        """The resource."""
        return without_nulls(
            {
                "id": webhook.id,
                "name": webhook.name,
                "sourcePlatform": webhook.source_platform,
                "verifier": webhook.verifier,
                "headers": self.headers(webhook),
                "verification": webhook.verification,
                "headerKey": webhook.header_key,
                "secretKey": webhook.secret_key,
                "secretValue": SECRET_SHOWN,
                "secrets": [
                    show_secret(secret, seen.uses.get((webhook.id, secret.id), 0))
                    for secret in webhook.secrets
                ],
                "receiverWorkflowNamesToVersions": webhook.receivers,
                "workflowsToStart": show_workflows_to_start(webhook.start_rules),
                "startRules": show_rules(webhook.start_rules),
                "expression": webhook.expression,
                "evaluatorType": webhook.evaluator_type,
                "urlVerified": webhook.id in seen.verified,
                "url": f"{self._public_url}/webhook/{webhook.id}",
                "options": show_options(webhook.options),
                "tags": list(webhook.tags),
                "createdBy": webhook.created_by,
                "createTime": webhook.create_time,
                "updatedBy": webhook.updated_by,
                "updateTime": webhook.update_time or None,
            }
        )

    def headers(self, webhook: WebhookConfig) -> dict[str, str]:
        """The header checks, opened; what does not open is shown as `***`."""
        return {name: self._opened(webhook, name) for name in webhook.header_checks}

    def _opened(self, webhook: WebhookConfig, name: str) -> str:
        context = header_check_context(webhook.id, webhook.incarnation, name)
        try:
            return self._sealer.open(webhook.header_checks[name], context)
        except SealBroken:
            return SECRET_SHOWN

    async def warnings(
        self, webhook: WebhookConfig, definitions: DefinitionStore
    ) -> list[dict[str, str]]:
        """What is allowed but probably not meant, as `{code, message, field}`."""
        return [
            *_credential_warnings(webhook, self.headers(webhook)),
            *await _workflow_warnings(webhook, definitions),
        ]


def show_secret(secret: Secret, last_used_at: int = 0) -> dict[str, Any]:
    """A secret without its value; 0: it has not proved an event yet."""
    return without_nulls(
        {
            "id": secret.id,
            "value": SECRET_SHOWN,
            "label": secret.label,
            "expiresAt": secret.expires_at or None,
            "addedAt": secret.added_at or None,
            "lastUsedAt": last_used_at or None,
        }
    )


def _warning(code: str, message: str, field: str) -> dict[str, str]:
    return {"code": code, "message": message, "field": field}


def _credential_warnings(
    webhook: WebhookConfig, headers: Mapping[str, str]
) -> Sequence[dict[str, str]]:
    declaration = declaration_for(webhook)
    if declaration.method == "header":
        return [
            _warning(
                "weak_header_value",
                f"The value of {name} is short; whoever guesses it can send events.",
                f"/headers/{name}",
            )
            for name, value in headers.items()
            if len(value) < STRONG_VALUE
        ]
    if webhook.secrets or (webhook.platform == "sendgrid" and webhook.secret_key):
        return ()
    if not declaration.secret_required:
        message = "challenge only: later requests are not authenticated"
        return [_warning("challenge_only", message, "/secretValue")]
    message = "There is no secret yet: every event will be rejected."
    return [_warning("no_secret", message, "/secretValue")]


async def _workflow_warnings(
    webhook: WebhookConfig, definitions: DefinitionStore
) -> Sequence[dict[str, str]]:
    wanted = [
        *(
            (name, version, "receiverWorkflowNamesToVersions")
            for name, version in webhook.receivers.items()
        ),
        *((rule.workflow, rule.version, "workflowsToStart") for rule in webhook.start_rules),
    ]
    return [
        _warning(
            "workflow_missing",
            f"There is no workflow {name}{f' version {version}' if version else ''} yet.",
            f"/{field}/{name}",
        )
        for name, version, field in wanted
        if await definitions.workflow_def(name, version or None) is None
    ]
