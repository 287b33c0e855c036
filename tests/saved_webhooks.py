"""Webhooks as the engine saves them, for tests of the services that only read them."""

from typing import Any

from hookline_common.eventlog import Record
from hookline_common.messages import CONFIG_CODEC
from hookline_common.platforms.catalogue import PLATFORMS
from hookline_common.sealing import Sealer, SealKey, header_check_context, secret_context
from hookline_common.webhooks import Options, Secret, WebhookConfig, WebhookDeleted

SECRET = "dG9wIHNlY3JldCBvZiBhIHRlc3Q="  # base64, since some platforms' secrets are


def new_sealer() -> Sealer:
    return Sealer([SealKey("k1", b"k" * 32)])


def saved(
    sealer: Sealer,
    platform: str,
    *,
    webhook_id: str = "w1",
    incarnation: int = 1,
    revision: int = 1,
    secret: str | None = SECRET,
    headers: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    **more: Any,
) -> WebhookConfig:
    def check(name: str, value: str) -> str:
        return sealer.seal(value, header_check_context(webhook_id, incarnation, name))

    secrets = (
        ()
        if secret is None
        else (Secret("s1", sealer.seal(secret, secret_context(webhook_id, incarnation, "s1"))),)
    )
    return WebhookConfig(
        id=webhook_id,
        incarnation=incarnation,
        revision=revision,
        name=f"name of {webhook_id}",
        platform=platform,
        source_platform=PLATFORMS[platform].label,
        verifier=PLATFORMS[platform].verifier,
        secrets=secrets,
        header_checks={name: check(name, value) for name, value in (headers or {}).items()},
        receivers={"orders": 0},
        options=Options(**(options or {})),
        **more,
    )


def config_record(config: WebhookConfig | WebhookDeleted) -> Record:
    return Record("webhooks.config", config.id, CONFIG_CODEC.encode(config))
