"""Makes the stored form of a webhook out of what a request says and what is stored already."""

from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.errors import BadRequest, SealBroken
from hookline_common.ids import random_id
from hookline_common.platforms.catalogue import declaration_for
from hookline_common.sealing import Sealer, header_check_context, secret_context
from hookline_common.webhooks import SECRET_SHOWN, Secret, WebhookConfig
from hookline_engine.rest.start_rules import changed_rules
from hookline_engine.rest.webhook_bodies import (
    MOST_SECRETS,
    SecretDraft,
    WebhookDraft,
    check_secret_value,
)

_FIRST = "default"
"""Label of the secret that `secretValue` is."""


class WebhookChanges:
    """Seals what is secret; everything else is a plain merge."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def created(
        self,
        draft: WebhookDraft,
        identity: tuple[str, int, int],
        author: str | None,
        now_ms: int,
    ) -> WebhookConfig:
        """A new webhook with identity (id, incarnation, revision)."""
        webhook_id, incarnation, revision = identity
        blank = WebhookConfig(
            id=webhook_id,
            incarnation=incarnation,
            revision=revision,
            name=draft.name,
            platform=draft.platform.key,
            source_platform=draft.source_platform,
            verifier=draft.verifier,
            url_verified=draft.url_verified,
            created_by=author or draft.author,
            create_time=now_ms,
        )
        return self._merged(blank, draft, now_ms)

    def changed(
        self, before: WebhookConfig, draft: WebhookDraft, author: str | None, now_ms: int
    ) -> WebhookConfig:
        """The webhook after a PUT: `urlVerified`, who created it and when are kept, and secrets,
        options and tags that the request does not have.
        """
        after = self._merged(before, draft, now_ms)
        return msgspec.structs.replace(
            after, updated_by=author or draft.author or before.updated_by, update_time=now_ms
        )

    def _merged(self, before: WebhookConfig, draft: WebhookDraft, now_ms: int) -> WebhookConfig:
        header_checks = self._header_checks(before, draft)
        verification = draft.verification
        if verification is None and draft.headers is None and draft.platform.key == before.platform:
            verification = before.verification
        if draft.platform.declaration.method == "header" and not (header_checks or verification):
            raise BadRequest(
                f"{draft.platform.label} checks headers: at least one is needed in 'headers'.",
                code="headers_required",
                field="/headers",
            )
        after = msgspec.structs.replace(
            before,
            name=draft.name,
            platform=draft.platform.key,
            source_platform=draft.source_platform,
            verifier=draft.verifier,
            header_checks=header_checks,
            verification=verification,
            header_key=draft.header_key,
            secret_key=draft.secret_key,
            secrets=self._secrets(before, draft, now_ms),
            receivers=draft.receivers or {},
            start_rules=changed_rules(
                before.start_rules, draft.start_rules, draft.workflows_to_start
            ),
            evaluator_type=draft.evaluator_type,
            options=before.options if draft.options is None else draft.options,
            tags=before.tags if draft.tags is None else draft.tags,
        )
        self._check_kept_secrets(before, after)
        return after

    def _check_kept_secrets(self, before: WebhookConfig, after: WebhookConfig) -> None:
        """A secret that is kept must still be of use when the way of verifying has changed."""
        declaration = declaration_for(after)
        if declaration == declaration_for(before):
            return
        kept = {secret.id for secret in before.secrets}
        for index, secret in enumerate(after.secrets):
            if secret.id in kept:
                pointer = f"/secrets/{index}/value"
                check_secret_value(declaration, self._opened(after, secret, pointer), pointer)

    def _opened(self, webhook: WebhookConfig, secret: Secret, pointer: str) -> str:
        try:
            context = secret_context(webhook.id, webhook.incarnation, secret.id)
            return self._sealer.open(secret.sealed, context)
        except SealBroken as error:
            message = "The stored secret cannot be opened any more; send its value again."
            raise BadRequest(message, code="seal_broken", field=pointer) from error

    def _header_checks(self, before: WebhookConfig, draft: WebhookDraft) -> dict[str, str]:
        """The sealed header values; `***` keeps the one that is stored."""
        if draft.headers is None:
            return {} if draft.verification is not None else before.header_checks
        stored = {name.lower(): sealed for name, sealed in before.header_checks.items()}
        return {
            name: stored[name.lower()]
            if value == SECRET_SHOWN and name.lower() in stored
            else self._sealer.seal(value, header_check_context(before.id, before.incarnation, name))
            for name, value in draft.headers.items()
        }

    def _secrets(
        self, before: WebhookConfig, draft: WebhookDraft, now_ms: int
    ) -> tuple[Secret, ...]:
        if draft.secrets is None:
            secrets = before.secrets
        else:
            secrets = self._listed(before, draft.secrets, now_ms)
        if draft.secret_value is None:
            return secrets
        first = SecretDraft(None, draft.secret_value, _FIRST)
        return (self.sealed_secret(before, first, now_ms), *secrets[1:])

    def _listed(
        self, before: WebhookConfig, drafts: Sequence[SecretDraft], now_ms: int
    ) -> tuple[Secret, ...]:
        stored = {secret.id: secret for secret in before.secrets}
        return tuple(
            self.sealed_secret(before, draft, now_ms)
            if draft.value is not None
            else _kept(stored, draft, index)
            for index, draft in enumerate(drafts)
        )

    def sealed_secret(self, webhook: WebhookConfig, draft: SecretDraft, now_ms: int) -> Secret:
        """A new secret; a new value always gets a new id, so that history names the right one."""
        secret_id = random_id()
        context = secret_context(webhook.id, webhook.incarnation, secret_id)
        sealed = self._sealer.seal(draft.value or "", context)
        return Secret(secret_id, sealed, draft.label, draft.expires_at, now_ms)

    def with_secret(self, webhook: WebhookConfig, secret: Secret) -> WebhookConfig:
        """The webhook with one more secret."""
        if len(webhook.secrets) >= MOST_SECRETS:
            message = f"A webhook has at most {MOST_SECRETS} secrets."
            raise BadRequest(message, code="too_many_secrets", field="/value")
        return msgspec.structs.replace(webhook, secrets=(*webhook.secrets, secret))


def _kept(stored: Mapping[str, Secret], draft: SecretDraft, index: int) -> Secret:
    secret = stored.get(draft.id or "")
    if secret is None:
        message = f"There is no secret {draft.id!r} to keep; send its value."
        raise BadRequest(message, code="unknown_secret", field=f"/secrets/{index}/id")
    return msgspec.structs.replace(secret, label=draft.label, expires_at=draft.expires_at)
