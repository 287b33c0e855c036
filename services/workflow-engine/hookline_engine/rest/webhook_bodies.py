"""Reads a webhook from a request and checks it against its platform (webhooks.md section 1)."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from hookline_common.errors import BadRequest
from hookline_common.platforms.catalogue import resolve
from hookline_common.platforms.credentials import check_secret
from hookline_common.platforms.declaration import Declaration, Platform
from hookline_common.platforms.own_verification import declaration_of
from hookline_common.webhooks import SECRET_SHOWN, Options, StartRule
from hookline_engine.rest.fields import Fields, object_list
from hookline_engine.rest.start_rules import (
    parse_start_rules,
    parse_versions,
    parse_workflows_to_start,
)
from hookline_engine.rest.webhook_options import parse_options

MOST_SECRETS = 20
_LONGEST_NAME = 255
_ID = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2, token
_NOT_BUILT = ("expression",)


class SecretDraft(msgspec.Struct, frozen=True):
    """A secret in a request. `value` None: keep the one stored under `id`."""

    id: str | None
    value: str | None
    label: str = ""
    expires_at: int = 0


class WebhookDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as a request describes it; None where the request does not say."""

    id: str | None
    name: str
    platform: Platform
    source_platform: str
    verifier: str
    headers: Mapping[str, str] | None
    verification: dict[str, Any] | None
    header_key: str | None
    secret_key: str | None
    secret_value: str | None
    secrets: tuple[SecretDraft, ...] | None
    receivers: dict[str, int] | None
    start_rules: tuple[StartRule, ...] | None
    workflows_to_start: tuple[StartRule, ...] | None
    evaluator_type: str | None
    url_verified: bool
    options: Options | None
    author: str | None
    tags: tuple[dict[str, str], ...] | None


def parse_webhook(body: Any, author_field: str) -> WebhookDraft:
    """The webhook in a request; `author_field` is who says who wrote it. Raises BadRequest."""
    fields = Fields(body)
    for name in _NOT_BUILT:
        if fields.word(name):
            raise fields.error(name, f"{name!r} is not supported yet.", "not_supported")
    source_platform = fields.word("sourcePlatform") or ""
    platform = resolve(source_platform, fields.word("verifier"))
    verification = fields.mapping("verification")
    options = fields.mapping("options")
    draft = WebhookDraft(
        id=_client_id(fields),
        name=_name(fields),
        platform=platform,
        source_platform=source_platform or platform.label,
        verifier=platform.verifier,
        headers=_headers(fields),
        verification=dict(verification.as_mapping()) if verification else None,
        header_key=_header_key(fields),
        secret_key=fields.word("secretKey"),
        secret_value=_secret_value(fields, "secretValue"),
        secrets=_secrets(fields),
        receivers=_receivers(fields),
        start_rules=parse_start_rules(fields),
        workflows_to_start=parse_workflows_to_start(fields),
        evaluator_type=fields.word("evaluatorType"),
        url_verified=fields.boolean("urlVerified") or False,
        options=parse_options(options) if options else None,
        author=fields.word(author_field),
        tags=parse_webhook_tags(fields.raw("tags"), "/tags"),
    )
    _check(draft)
    return draft


def _check(draft: WebhookDraft) -> None:
    """The rules that concern several fields."""
    if not (draft.receivers or draft.start_rules or draft.workflows_to_start):
        raise BadRequest(
            "A webhook needs receiverWorkflowNamesToVersions or workflowsToStart.",
            code="nothing_to_do",
            field="/receiverWorkflowNamesToVersions",
        )
    if draft.verification is not None and draft.headers:
        message = "A webhook is verified by 'headers' or by 'verification', not by both."
        raise BadRequest(message, code="two_verifications", field="/verification")
    declaration = _declaration(draft.platform, draft.verification)
    _check_secrets(draft, declaration)


def _declaration(platform: Platform, verification: dict[str, Any] | None) -> Declaration:
    if verification is None:
        return platform.declaration
    if platform.key != "custom":
        message = f"{platform.label} has a verification of its own; 'verification' is for Custom."
        raise BadRequest(message, code="verification_not_allowed", field="/verification")
    return declaration_of(verification)


def _check_secrets(draft: WebhookDraft, declaration: Declaration) -> None:
    values = [("/secretValue", draft.secret_value)]
    values += [
        (f"/secrets/{index}/value", secret.value)
        for index, secret in enumerate(draft.secrets or ())
    ]
    if draft.platform.key == "sendgrid":
        values.append(("/secretKey", draft.secret_key))
    for pointer, value in values:
        if value is not None:
            check_secret_value(declaration, value, pointer)


def check_secret_value(declaration: Declaration, value: str, pointer: str) -> None:
    """Raises BadRequest if the value cannot be a secret of the platform."""
    problem = check_secret(declaration, value)
    if problem is not None:
        raise BadRequest(problem, code="invalid_secret", field=pointer)


def _client_id(fields: Fields) -> str | None:
    webhook_id = fields.word("id")
    if webhook_id is not None and not _ID.fullmatch(webhook_id):
        message = "An id has 1 to 128 letters, digits or . _ ~ - and does not begin with a dot."
        raise fields.error("id", message)
    return webhook_id


def _name(fields: Fields) -> str:
    name = (fields.text("name") or "").strip()
    if not name:
        raise fields.error("name", "A webhook needs a name.", "missing_field")
    if len(name) > _LONGEST_NAME:
        raise fields.error("name", f"A name has at most {_LONGEST_NAME} characters.")
    return name


def _headers(fields: Fields) -> Mapping[str, str] | None:
    headers = fields.mapping("headers")
    if headers is None:
        return None
    found: dict[str, str] = {}
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise headers.error(name, f"{name[:80]!r} is not a header name.")
        if name.lower() in (known.lower() for known in found):
            raise headers.error(name, f"The header {name!r} is there twice.")
        found[name] = _header_value(headers, name)
    return found


def _header_value(headers: Fields, name: str) -> str:
    value = headers.text(name)
    if not value:
        raise headers.error(name, f"The header {name!r} needs a value.", "missing_field")
    if value != value.strip(" \t") or any(ord(char) < 32 or ord(char) == 127 for char in value):
        message = "A header value has no control characters and no blanks around it."
        raise headers.error(name, message)
    return value


def _header_key(fields: Fields) -> str | None:
    name = fields.word("headerKey")
    if name is not None and not _HEADER_NAME.fullmatch(name):
        raise fields.error("headerKey", f"{name[:80]!r} is not a header name.")
    return name


def _secret_value(fields: Fields, name: str) -> str | None:
    """The secret; None where the request has none or only the mark that stands for one."""
    value = fields.word(name)
    return None if value == SECRET_SHOWN else value


def _secrets(fields: Fields) -> tuple[SecretDraft, ...] | None:
    items = fields.items("secrets")
    if items is None:
        return None
    if len(items) > MOST_SECRETS:
        raise fields.error("secrets", f"A webhook has at most {MOST_SECRETS} secrets.")
    return tuple(parse_secret(item) for item in items)


def parse_secret(item: Fields) -> SecretDraft:
    """One secret: a value, or the id of a stored one to keep; raises BadRequest."""
    secret = SecretDraft(
        item.word("id"),
        _secret_value(item, "value"),
        item.text("label") or "",
        item.integer("expiresAt", least=0) or 0,
    )
    if secret.value is None and secret.id is None:
        raise item.error("value", "A secret needs a value.", "missing_field")
    return secret


def _receivers(fields: Fields) -> dict[str, int] | None:
    receivers = fields.mapping("receiverWorkflowNamesToVersions")
    return None if receivers is None else parse_versions(receivers)


def parse_webhook_tags(value: Any, pointer: str) -> tuple[dict[str, str], ...] | None:
    """Tags as a list of `{key, value}`; raises BadRequest."""
    if value is None:
        return None
    tags: list[dict[str, str]] = []
    for item in object_list(value, pointer):
        key = item.word("key")
        if key is None:
            raise item.error("key", "A tag needs a key.", "missing_field")
        tag = {"key": key, "value": item.text("value") or ""}
        if tag not in tags:
            tags.append(tag)
    return tuple(tags)
