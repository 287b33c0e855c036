"""Whether inputs and outputs fit the JSON schemas that definitions name and enforce (D10).

AVRO and PROTOBUF schemas are kept, not checked.
"""

from typing import Any

from hookline_engine.core.decisions import SchemaChecker
from hookline_engine.definitions.model import SchemaDef, TaskDef, is_checked

_SHOWN = 3
_LONGEST_REASON = 500


def has_output_schema(definition: TaskDef) -> bool:
    """Whether an output must fit something."""
    return definition.enforce_schema and definition.output_schema is not None


def failing(checker: SchemaChecker, definition: TaskDef, output: Any) -> dict[str, Any]:
    """What changes about a task that completed with an output that does not fit; else nothing."""
    schema = definition.output_schema
    reason = misfit_reason(checker, schema, output, "the output") if schema else None
    return {"status": "FAILED_WITH_TERMINAL_ERROR", "reason": reason} if reason else {}


def misfit_reason(checker: SchemaChecker, schema: SchemaDef, value: Any, what: str) -> str | None:
    """Why a value does not fit an enforced schema, in a sentence about `what`; None if it does."""
    found = checker.misfits(schema.data, value) if is_checked(schema) else ()
    if not found:
        return None
    places = "; ".join(f"{one.pointer or '(whole)'} {one.message}" for one in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{what} does not fit {schema.label}: {places}{more}"[:_LONGEST_REASON]
