"""The configuration of a webhook as the services hold it (specs/webhooks.md section 1).

The engine keeps it in its collection `webhooks` and publishes the same struct to `webhooks.config`;
ingest, verifier and matcher read it there. Secrets in it are always sealed (sealing.py).
"""

from typing import Any, Literal, TypeAlias

import msgspec

from hookline_common.versioned import Versioned

SECRET_SHOWN = "***"  # noqa: S105 - what a reader sees instead of a secret
DEFAULT_MAX_BODY_BYTES = 1024 * 1024
LARGEST_MAX_BODY_BYTES = 8 * 1024 * 1024
DEFAULT_EARLY_EVENT_SECONDS = 600
DEFAULT_DEDUPE_SECONDS = 24 * 60 * 60
DEFAULT_RETENTION_DAYS = 30

IdempotencyStrategy = Literal["FAIL", "RETURN_EXISTING", "FAIL_ON_RUNNING"]


class Options(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """`options` of a webhook; None means the default named in webhooks.md."""

    max_body_bytes: int | None = None
    early_event_seconds: int | None = None
    dedupe_seconds: int | None = None
    delivery_id: str | None = None
    ordering_key: str | None = None
    tolerance_seconds: int | None = None
    reply_on_reject: Literal["accept", "status"] = "accept"
    rate_limit_per_second: int | None = None
    batch: Literal["whole"] = "whole"
    merge_query: bool = False
    paused: bool = False
    retention_days: int | None = None
    silent_after_seconds: int | None = None
    same_bytes: Literal["accept", "reject"] = "accept"


class Secret(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One secret, sealed. `expires_at` and `added_at` are epoch milliseconds; 0 = unset."""

    id: str
    sealed: str
    label: str = ""
    expires_at: int = 0
    added_at: int = 0


class StartRule(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Start `workflow` for each event that meets `when` (clauses as in matching; empty: every
    event).
    """

    workflow: str
    version: int = 0
    when: dict[str, Any] = {}
    idempotency_key: str | None = None
    idempotency_strategy: IdempotencyStrategy = "FAIL"


class WebhookConfig(Versioned, frozen=True, rename="camel", omit_defaults=True, tag="webhook"):
    """A webhook. `(incarnation, revision)` orders the records of one id (protocols.md D1).

    `platform` is the key of the platform catalogue ("github", "custom", …) that `source_platform`
    and `verifier` resolved to; `header_checks` are sealed values of `headers` (HEADER_BASED);
    `verification` is a declaration of platforms.md section C (Custom only), its secrets in
    `secrets`.
    """

    id: str
    incarnation: int
    revision: int
    name: str
    platform: str
    source_platform: str
    verifier: str
    header_checks: dict[str, str] = msgspec.field(default_factory=dict)
    verification: dict[str, Any] | None = None
    header_key: str | None = None
    secret_key: str | None = None
    secrets: tuple[Secret, ...] = ()
    receivers: dict[str, int] = msgspec.field(default_factory=dict)
    start_rules: tuple[StartRule, ...] = ()
    expression: str | None = None
    evaluator_type: str | None = None
    url_verified: bool = False
    options: Options = Options()
    created_by: str | None = None
    create_time: int = 0
    updated_by: str | None = None
    update_time: int = 0
    tags: tuple[dict[str, str], ...] = ()


class WebhookDeleted(Versioned, frozen=True, rename="camel", tag="deleted"):
    """The webhook is gone; kept as a record for 30 days so that a late write cannot bring it
    back.
    """

    id: str
    incarnation: int
    revision: int
    deleted_at: int


class WorkflowPlans(Versioned, frozen=True, rename="camel", tag="plans"):
    """The equality paths of each WAIT_FOR_WEBHOOK task of a saved definition, sorted (DESIGN.md 7).

    Keyed `plans:<workflow>:<version>` in `webhooks.config`.
    """

    workflow: str
    version: int
    revision: int
    paths: tuple[tuple[str, ...], ...] = ()


ConfigRecord: TypeAlias = WebhookConfig | WebhookDeleted | WorkflowPlans
