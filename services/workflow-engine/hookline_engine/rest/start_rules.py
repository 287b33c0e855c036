"""What a webhook starts: `startRules` in full, `workflowsToStart` as Conductor has it."""

from collections.abc import Sequence
from typing import Any, cast

from hookline_common.matching.clauses import check_when
from hookline_common.matching.idempotency import check_idempotency_key
from hookline_common.webhooks import IdempotencyStrategy, StartRule
from hookline_engine.rest.fields import Fields

STRATEGIES = ("FAIL", "RETURN_EXISTING", "FAIL_ON_RUNNING")
_SETTINGS = frozenset({"idempotencyKey", "idempotencyStrategy"})
"""Keys of `workflowsToStart` that are no workflow names."""


def parse_start_rules(webhook: Fields) -> tuple[StartRule, ...] | None:
    """`startRules`, or None if the request does not have them; raises BadRequest."""
    rules = webhook.items("startRules")
    return None if rules is None else tuple(_rule(rule) for rule in rules)


def parse_workflows_to_start(webhook: Fields) -> tuple[StartRule, ...] | None:
    """The rules that `workflowsToStart` stands for, or None if the request does not have it."""
    entries = webhook.mapping("workflowsToStart")
    if entries is None:
        return None
    key, strategy = _key(entries), _strategy(entries)
    return tuple(
        StartRule(name, version, {}, key, strategy)
        for name, version in parse_versions(entries).items()
        if name not in _SETTINGS
    )


def parse_versions(entries: Fields) -> dict[str, int]:
    """Workflow names and versions; null counts as 0."""
    versions: dict[str, int] = {}
    for name in entries:
        if name in _SETTINGS:
            continue
        if not name.strip():
            raise entries.error(name, "A workflow name is empty.")
        versions[name] = entries.integer(name, least=0) or 0
    return versions


def show_rules(rules: Sequence[StartRule]) -> list[dict[str, Any]]:
    """`startRules` in full."""
    return [
        {
            "workflow": rule.workflow,
            "version": rule.version,
            "when": rule.when,
            **({"idempotencyKey": rule.idempotency_key} if rule.idempotency_key else {}),
            "idempotencyStrategy": rule.idempotency_strategy,
        }
        for rule in rules
    ]


def show_workflows_to_start(rules: Sequence[StartRule]) -> dict[str, Any]:
    """What of the rules `workflowsToStart` can say: each workflow once, without conditions, all
    with the idempotency settings of the first.
    """
    plain = [rule for rule in rules if not rule.when]
    if not plain:
        return {}
    first = plain[0]
    same = [rule for rule in plain if _settings(rule) == _settings(first)]
    shown: dict[str, Any] = {rule.workflow: rule.version for rule in reversed(same)}
    if first.idempotency_key:
        shown["idempotencyKey"] = first.idempotency_key
    if first.idempotency_key or first.idempotency_strategy != "FAIL":
        shown["idempotencyStrategy"] = first.idempotency_strategy
    return shown


def changed_rules(
    stored: Sequence[StartRule],
    rules: Sequence[StartRule] | None,
    workflows: Sequence[StartRule] | None,
) -> tuple[StartRule, ...]:
    """The rules after a PUT that has `startRules`, `workflowsToStart`, both or neither.

    Both: a client that shows one form edits that one and sends the other back as it read it, so
    the one that differs from what is stored counts.
    """
    if rules is None and workflows is None:
        return ()
    if workflows is None:
        return tuple(rules or ())
    untouched = show_workflows_to_start(workflows) == show_workflows_to_start(stored)
    if rules is None:
        return tuple(stored) if untouched else _with_hidden(stored, workflows)
    edited_other = tuple(rules) == tuple(stored) and not untouched
    return _with_hidden(stored, workflows) if edited_other else tuple(rules)


def _with_hidden(
    stored: Sequence[StartRule], workflows: Sequence[StartRule]
) -> tuple[StartRule, ...]:
    """The new plain rules, and the stored ones that `workflowsToStart` cannot say."""
    hidden = [rule for rule in stored if rule.when]
    return (*workflows, *hidden)


def _settings(rule: StartRule) -> tuple[str | None, str]:
    return rule.idempotency_key, rule.idempotency_strategy


def _rule(rule: Fields) -> StartRule:
    workflow = rule.word("workflow")
    if workflow is None:
        raise rule.error("workflow", "A start rule names a workflow.", "missing_field")
    when = rule.mapping("when")
    if when is not None:
        check_when(when.as_mapping(), rule.pointer("when"))
    return StartRule(
        workflow,
        rule.integer("version", least=0) or 0,
        dict(when.as_mapping()) if when is not None else {},
        _key(rule),
        _strategy(rule),
    )


def _key(fields: Fields) -> str | None:
    key = fields.word("idempotencyKey")
    if key is not None:
        check_idempotency_key(key, fields.pointer("idempotencyKey"))
    return key


def _strategy(fields: Fields) -> IdempotencyStrategy:
    word = fields.word("idempotencyStrategy")
    if word is None:
        return "FAIL"
    if word.upper() not in STRATEGIES:
        message = f"'idempotencyStrategy' must be {' or '.join(STRATEGIES)}, not {word[:40]!r}."
        raise fields.error("idempotencyStrategy", message)
    return cast("IdempotencyStrategy", word.upper())
