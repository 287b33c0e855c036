"""The form of a webhook: from the resource of the API and back; what it does not show is kept."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from hookline_console.forms import Form
from hookline_console.json_lines import json_text
from hookline_console.pointers import unescaped
from hookline_console.run_forms import BadField

CUSTOM = "Custom"
_DIGITS = 10
_SERVER_KEPT = ("url", "createdBy", "createTime", "updatedBy", "updateTime", "secrets", "warnings")


_SHAPES: Mapping[str, tuple[type, str]] = {
    "name": (str, "a text"),
    "sourcePlatform": (str, "a text"),
    "headers": (dict, "a JSON object"),
    "receiverWorkflowNamesToVersions": (dict, "a JSON object"),
    "options": (dict, "a JSON object"),
    "startRules": (list, "a list"),
}


class Option(msgspec.Struct, frozen=True):
    """One of a webhook's `options`: `kind` is number, flag, source or one of `choices`."""

    name: str
    label: str
    hint: str
    kind: str = "number"
    choices: tuple[str, ...] = ()


OPTIONS: Sequence[Option] = (
    Option(
        "dedupeSeconds", "Duplicates, seconds", "How long a delivery id counts as seen; 0: off."
    ),
    Option(
        "earlyEventSeconds", "Early events, seconds", "How long an event waits for a late task."
    ),
    Option("toleranceSeconds", "Tolerance, seconds", "How old a signed timestamp may be."),
    Option(
        "silentAfterSeconds", "Silent after, seconds", "Without an event for so long it is shown."
    ),
    Option("retentionDays", "Kept, days", "How long the history is kept."),
    Option("maxBodyBytes", "Largest body, bytes", "At most 8 MiB."),
    Option("rateLimitPerSecond", "Requests per second", "More are answered 429."),
    Option("deliveryId", "Delivery id", "header:NAME, query:NAME or a JSON path.", "source"),
    Option("orderingKey", "Ordering key", "Events of one key stay in order; as above.", "source"),
    Option("replyOnReject", "Answer to a bad request", "", "choice", ("accept", "status")),
    Option("batch", "A list of events in one request is", "", "choice", ("whole", "items")),
    Option("mergeQuery", "Query parameters join the payload", "", "flag"),
    Option("paused", "Paused: events are kept and do nothing", "", "flag"),
)
"""specs/webhooks.md 1, `options`."""


class Rule(msgspec.Struct, frozen=True):
    """A start rule as it is typed."""

    workflow: str = ""
    version: str = ""
    when: str = ""
    key: str = ""
    strategy: str = ""


def receivers_of(webhook: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and version of each receiver; any version is empty."""
    found = dict(webhook.get("receiverWorkflowNamesToVersions") or {})
    return [(name, str(version) if version else "") for name, version in found.items()]


def rules_of(webhook: Mapping[str, Any]) -> list[Rule]:
    """The start rules as they are typed."""
    return [
        Rule(
            workflow=one.get("workflow", ""),
            version=str(one["version"]) if one.get("version") else "",
            when=json_text(one["when"]) if one.get("when") else "",
            key=one.get("idempotencyKey") or "",
            strategy=one.get("idempotencyStrategy") or "",
        )
        for one in webhook.get("startRules") or ()
    ]


def typed_receivers(form: Form) -> list[tuple[str, str]]:
    """The rows of receivers as they were typed."""
    return list(zip(form.all("receiver"), form.all("receiverVersion"), strict=False))


def typed_headers(form: Form) -> list[tuple[str, str]]:
    """The rows of headers as they were typed."""
    return list(zip(form.all("headerName"), form.all("headerValue"), strict=False))


def typed_rules(form: Form) -> list[Rule]:
    """The start rules as they were typed."""
    names = ("start", "startVersion", "startWhen", "startKey", "startStrategy")
    return [Rule(*values) for values in zip(*map(form.all, names), strict=False)]


def webhook_of(form: Form, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The body of POST or PUT; `stored` is the resource before. Raises BadField."""
    webhook = {name: value for name, value in stored.items() if name not in _SERVER_KEPT}
    webhook.pop("workflowsToStart", None)  # startRules say the same, and more
    platform = form.text("sourcePlatform")
    if stored.get("sourcePlatform") not in (None, platform):
        for name in ("verifier", "verification", "headers"):
            webhook.pop(name, None)
    webhook |= {"name": form.text("name"), "sourcePlatform": platform}
    _credentials(form, webhook, platform)
    webhook["receiverWorkflowNamesToVersions"] = _receivers(form)
    webhook["startRules"] = _rules(form) if form.on("starts") else []
    webhook["options"] = _options(form, webhook.get("options") or {})
    return webhook


def _credentials(form: Form, webhook: dict[str, Any], platform: str) -> None:
    for name in ("secretValue", "secretKey", "headerKey"):
        if given := form.raw(name).strip():
            webhook[name] = given
    if platform != CUSTOM and not form.all("headerName"):
        return
    pairs = typed_headers(form)
    webhook["headers"] = {name.strip(): value for name, value in pairs if name.strip()}
    if text := form.text("verification"):
        webhook["verification"] = _object(text, "verification")
    else:
        webhook.pop("verification", None)


def _receivers(form: Form) -> dict[str, int]:
    pairs = typed_receivers(form)
    return {name.strip(): _version(version) for name, version in pairs if name.strip()}


def _rules(form: Form) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for typed in typed_rules(form):
        if not typed.workflow.strip():
            continue
        version = _version(typed.version, "startRules")
        rule: dict[str, Any] = {"workflow": typed.workflow.strip(), "version": version}
        if typed.when.strip():
            rule["when"] = _object(typed.when, "startRules")
        if typed.key.strip():
            rule["idempotencyKey"] = typed.key.strip()
        if typed.strategy:
            rule["idempotencyStrategy"] = typed.strategy
        found.append(rule)
    return found


def _options(form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(before)
    for one in OPTIONS:
        text = form.text(f"option.{one.name}")
        if one.kind == "flag":
            options[one.name] = form.on(f"option.{one.name}")
        elif not text:
            options.pop(one.name, None)
        elif one.kind == "number":
            if not text.isdecimal() or len(text) >= _DIGITS:
                raise BadField("options", f"{one.label}: a whole number is needed.")
            options[one.name] = int(text)
        else:
            options[one.name] = text
    return options


def _version(text: str, field: str = "receiverWorkflowNamesToVersions") -> int:
    if text.strip() and not (text.strip().isdecimal() and len(text) < _DIGITS):
        raise BadField(field, "A version is a whole number.")
    return int(text or 0)


def _object(text: str, field: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadField(field, f"Not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadField(field, "A JSON object is needed.")
    return cast(dict[str, Any], value)


def shown_as_json(webhook: Mapping[str, Any]) -> dict[str, Any]:
    """What can be written of it. Secrets have a page of their own: an old list of them, saved
    again, would undo a rotation.
    """
    return {name: value for name, value in webhook.items() if name not in _SERVER_KEPT}


def placed(pointer: str, message: str) -> tuple[str, str]:
    """The field of the form at which a fault of the API stands, and the words there."""
    field, *steps = pointer.strip("/").split("/")
    names = [f"{int(step) + 1}." if step.isdecimal() else unescaped(step) for step in steps]
    return field or "form", f"{' '.join(names)}: {message}" if names else message


def webhook_from_json(text: str) -> dict[str, Any]:
    """The body of POST or PUT as it is typed on the JSON tab. Raises BadField for what the form
    could not show; everything else the API judges.
    """
    webhook = {name: value for name, value in _object(text, "json").items() if value is not None}
    for name, (kind, word) in _SHAPES.items():
        if not isinstance(webhook.get(name, kind()), kind):
            raise BadField("json", f"{name}: {word} is needed.")
    if not all(isinstance(rule, dict) for rule in webhook.get("startRules", ())):
        raise BadField("json", "startRules: each is a JSON object.")
    return webhook
