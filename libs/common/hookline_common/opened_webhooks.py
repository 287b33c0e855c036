"""Webhooks with what judging needs: declaration, opened secrets, and which values carry them."""

import msgspec

from hookline_common.config_view import ConfigView
from hookline_common.platforms.catalogue import declaration_for
from hookline_common.platforms.credentials import (
    Credentials,
    KnownSecret,
    credentials_of,
    secret_headers,
    secret_query,
)
from hookline_common.platforms.declaration import Declaration
from hookline_common.sealing import Sealer, header_check_context, secret_context
from hookline_common.webhooks import WebhookConfig

ALWAYS_SEALED = frozenset({"authorization", "cookie"})


class OpenedWebhook(msgspec.Struct, frozen=True):
    """A webhook that can be judged. `sealed_headers` and `sealed_query` name what is never stored
    in the clear (protocols.md D4).
    """

    config: WebhookConfig
    declaration: Declaration
    credentials: Credentials
    sealed_headers: frozenset[str]
    sealed_query: frozenset[str]

    @property
    def by_challenge(self) -> bool:
        """Whether only a handshake verifies its URL (webhooks.md section 3)."""
        return self.declaration.method == "challenge"


def open_webhook(config: WebhookConfig, sealer: Sealer) -> OpenedWebhook:
    """Open the secrets of a webhook; raises SealBroken."""
    declaration = declaration_for(config)
    secrets = [
        KnownSecret(
            secret.id,
            sealer.open(secret.sealed, secret_context(config.id, config.incarnation, secret.id)),
            secret.expires_at,
        )
        for secret in config.secrets
    ]
    checks = {
        name: sealer.open(sealed, header_check_context(config.id, config.incarnation, name))
        for name, sealed in config.header_checks.items()
    }
    return OpenedWebhook(
        config=config,
        declaration=declaration,
        credentials=credentials_of(config, secrets, checks),
        sealed_headers=ALWAYS_SEALED | secret_headers(declaration, tuple(checks)),
        sealed_query=secret_query(declaration),
    )


class OpenedWebhooks:
    """The webhooks of a view; each is opened once per record."""

    def __init__(self, view: ConfigView, sealer: Sealer) -> None:
        self._view = view
        self._sealer = sealer
        self._opened: dict[str, OpenedWebhook] = {}

    def get(self, webhook_id: str) -> OpenedWebhook | None:
        """The webhook as the view has it now; None if it is unknown or deleted.

        Raises SealBroken if one of its secrets cannot be opened.
        """
        config = self._view.webhook(webhook_id)
        opened = self._opened.get(webhook_id)
        if opened is not None and opened.config is config:
            return opened
        if not isinstance(config, WebhookConfig):
            self._opened.pop(webhook_id, None)
            return None
        opened = open_webhook(config, self._sealer)
        self._opened[webhook_id] = opened
        return opened
