"""Whether the input of an execution that is to start fits the schema of its workflow (D10)."""

import asyncio
from collections.abc import Mapping
from typing import Any

from hookline_common.errors import BadRequest
from hookline_engine.core.decisions import SchemaChecker
from hookline_engine.core.inputs import workflow_input
from hookline_engine.definitions.model import is_checked
from hookline_engine.definitions.snapshots import Snapshot


class StartInputs:
    """Asked before a start takes anything: an id, an idempotency key, a place under a limit."""

    def __init__(self, schemas: SchemaChecker) -> None:
        self._schemas = schemas

    async def check(
        self, snapshot: Snapshot, given: Mapping[str, Any], pointer: str = "/input"
    ) -> None:
        """Raise BadRequest with every place that does not fit; `pointer`: where the input stands
        in the request.
        """
        definition = snapshot.definition
        schema = definition.input_schema
        if schema is None or not definition.enforce_schema or not is_checked(schema):
            return
        whole = workflow_input(dict(given), definition.input_template)
        # A large input takes its time; others go on meanwhile.
        found = await asyncio.to_thread(self._schemas.misfits, schema.data, whole)
        if not found:
            return
        first = found[0]
        raise BadRequest(
            f"The input does not fit {schema.label}: {pointer}{first.pointer} {first.message}.",
            code="schema_violation",
            field=pointer + first.pointer,
            violations=[{"path": pointer + one.pointer, "message": one.message} for one in found],
        )
