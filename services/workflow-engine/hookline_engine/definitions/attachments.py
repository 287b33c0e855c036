"""Checks of what definitions carry beside the flow: schemas, `onStateChange`, `cacheConfig`."""

from collections.abc import Iterator

from hookline_engine.definitions.lenient import Violation
from hookline_engine.definitions.model import SchemaDef, TaskDef, WorkflowDef, WorkflowTask
from hookline_engine.schemas import schema_fault

CHANGES = ("onScheduled", "onStart", "onSuccess", "onFailed", "onCancelled")


def schema_violations(definition: WorkflowDef | TaskDef, path: str) -> Iterator[Violation]:
    """Schemas that would be held against values and are none."""
    if not definition.enforce_schema:
        return
    for field, schema in (
        ("inputSchema", definition.input_schema),
        ("outputSchema", definition.output_schema),
    ):
        if schema is not None and schema.type == "JSON":
            yield from _schema_violations(schema, f"{path}.{field}")


def _schema_violations(schema: SchemaDef, path: str) -> Iterator[Violation]:
    if not schema.name and not schema.data:
        yield Violation(path, "a schema has data, or the name of one in the registry")
    fault = schema_fault(schema.data)
    if fault is not None:
        place = fault.pointer.replace("/", ".")
        yield Violation(f"{path}.data{place}", f"this is no JSON schema: {fault.message}")


def node_attachment_violations(task: WorkflowTask, path: str) -> Iterator[Violation]:
    """What is wrong with a node's `onStateChange` and `cacheConfig`."""
    for names, wanted in task.on_state_change.items():
        place = f"{path}.onStateChange[{names}]"
        for name in names.split(","):
            if name.strip() not in CHANGES:
                message = f"{name.strip()!r} is none of {', '.join(CHANGES)}"
                yield Violation(place, message)
        for index, one in enumerate(wanted):
            if not one.type.strip():
                yield Violation(f"{place}[{index}].type", "an event has a type")
    if task.cache_config is not None and task.cache_config.ttl_in_second < 0:
        value = task.cache_config.ttl_in_second
        yield Violation(f"{path}.cacheConfig.ttlInSecond", "ttlInSecond must be >= 0", value)
