"""The form of a task definition: to JSON and back; what it does not show is kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_console.forms import Form
from hookline_console.graph.tree import every_block, flow_of
from hookline_console.run_forms import BadField


class TaskField(msgspec.Struct, frozen=True):
    """A field of a task definition: `kind` is number, text, list or choice."""

    name: str
    label: str
    hint: str = ""
    kind: str = "number"
    choices: tuple[str, ...] = ()


FIELDS: Sequence[TaskField] = (
    TaskField("description", "Description", kind="text"),
    TaskField("retryCount", "Retries", "How often a failed attempt is tried again."),
    TaskField(
        "retryLogic",
        "Between retries",
        kind="choice",
        choices=("FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"),
    ),
    TaskField("retryDelaySeconds", "Delay, seconds"),
    TaskField("timeoutSeconds", "Timeout, seconds", "0: none."),
    TaskField(
        "timeoutPolicy", "Then", kind="choice", choices=("TIME_OUT_WF", "RETRY", "ALERT_ONLY")
    ),
    TaskField(
        "responseTimeoutSeconds", "Response timeout, seconds", "Without a sign of life: out again."
    ),
    TaskField("pollTimeoutSeconds", "Poll timeout, seconds"),
    TaskField("concurrentExecLimit", "At the same time, at most"),
    TaskField("rateLimitPerFrequency", "Handed out, at most"),
    TaskField("rateLimitFrequencyInSeconds", "In so many seconds"),
    TaskField("inputKeys", "Input keys", "Separated by commas.", "list"),
    TaskField("outputKeys", "Output keys", "Separated by commas.", "list"),
    TaskField("ownerEmail", "Owner", kind="text"),
)


def task_def_of(form: Form, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The definition that the form says; raises BadField."""
    name = str(stored.get("name") or form.text("name"))
    if not name:
        raise BadField("name", "A task definition needs a name.")
    definition = {**stored, "name": name}
    for one in FIELDS:
        text = form.text(one.name)
        if not text:
            definition.pop(one.name, None)
        elif one.kind == "number":
            if not text.isdecimal():
                raise BadField(one.name, f"{one.label}: a whole number is needed.")
            definition[one.name] = int(text)
        else:
            definition[one.name] = text.split(",") if one.kind == "list" else text
    for name in ("inputKeys", "outputKeys"):
        definition[name] = [key.strip() for key in definition.get(name, ()) if key.strip()]
    return definition


def uses_of(name: str, definitions: Sequence[Mapping[str, Any]]) -> list[str]:
    """The workflows that have a task of this definition."""
    return sorted(
        {
            one["name"]
            for one in definitions
            for block in every_block(flow_of(one.get("tasks"), "/tasks"))
            if block.task.get("name") == name
        }
    )
