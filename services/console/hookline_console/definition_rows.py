"""Rows of the list of definitions: the newest version of each, and who resumes and starts it."""

from collections.abc import Mapping, Sequence
from typing import Any

from hookline_console.graph.tree import every_block, flow_of


def definition_rows(
    definitions: Sequence[Mapping[str, Any]], webhooks: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """One row a name, sorted by name."""
    newest: dict[str, Mapping[str, Any]] = {}
    versions: dict[str, int] = {}
    for one in definitions:
        name = one["name"]
        versions[name] = versions.get(name, 0) + 1
        if name not in newest or newest[name]["version"] < one["version"]:
            newest[name] = one
    return [_row(newest[name], versions[name], webhooks) for name in sorted(newest)]


def _row(
    one: Mapping[str, Any], versions: int, webhooks: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    types = [block.type for block in every_block(flow_of(one.get("tasks"), "/tasks"))]
    return {
        "name": one["name"],
        "version": one["version"],
        "versions": versions,
        "description": one.get("description") or "",
        "tasks": len(types),
        "waits": types.count("WAIT_FOR_WEBHOOK"),
        "resumed_by": [hook for hook in webhooks if one["name"] in _receivers(hook)],
        "started_by": [hook for hook in webhooks if one["name"] in _started(hook)],
        "saved_at": one.get("updateTime") or one.get("createTime") or None,
    }


def _receivers(webhook: Mapping[str, Any]) -> Mapping[str, Any]:
    return webhook.get("receiverWorkflowNamesToVersions") or {}


def _started(webhook: Mapping[str, Any]) -> list[str]:
    return [rule["workflow"] for rule in webhook.get("startRules") or ()]
