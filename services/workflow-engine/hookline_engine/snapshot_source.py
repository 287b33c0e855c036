"""Freezes the registered definitions for an execution that starts now (engine.md 2.1)."""

from collections.abc import Mapping

import msgspec

from hookline_common.errors import NotFound
from hookline_engine.bounded_cache import BoundedCache
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.definitions.model import SchemaDef, TaskDef, WorkflowDef
from hookline_engine.definitions.snapshots import (
    SchemaKey,
    Snapshot,
    freeze,
    needs,
    schema_keys,
)
from hookline_engine.schema_store import SchemaStore, no_such_schema

_KEPT = 500


class _Frozen(msgspec.Struct, frozen=True):
    """A snapshot and what it was made of."""

    definition: WorkflowDef
    task_defs: Mapping[str, TaskDef]
    latest: Mapping[str, int]
    schemas: Mapping[SchemaKey, SchemaDef]
    snapshot: Snapshot


class SnapshotSource:
    """Reads definitions afresh each time; freezes again only when one of them has changed."""

    def __init__(self, definitions: DefinitionStore, schemas: SchemaStore) -> None:
        self._definitions = definitions
        self._schemas = schemas
        self._frozen: BoundedCache[tuple[str, int], _Frozen] = BoundedCache(_KEPT)

    async def registered(self, name: str, version: int | None = None) -> Snapshot:
        """The snapshot of a registered definition (None = newest); raises NotFound."""
        definition = await self._definitions.workflow_def(name, version)
        if definition is None:
            what = f"version {version} of workflow {name}" if version else f"workflow {name}"
            raise NotFound(f"No such {what} is registered.", code="workflow_def_not_found")
        return await self.of(definition)

    async def of(self, definition: WorkflowDef) -> Snapshot:
        """The snapshot of a definition at hand; raises NotFound for a missing sub-workflow or a
        missing schema.
        """
        needed = needs(definition)
        task_defs: Mapping[str, TaskDef] = {}
        if needed.task_defs:
            task_defs = await self._definitions.task_defs(sorted(needed.task_defs))
        latest: dict[str, int] = {}
        for name in sorted(needed.workflows):
            newest = await self._definitions.workflow_def(name)
            if newest is not None:
                latest[name] = newest.version
        schemas = await self._named(needed.schemas | schema_keys(task_defs.values()))
        return self._freeze(definition, task_defs, latest, schemas)

    async def _named(self, named: frozenset[SchemaKey]) -> Mapping[SchemaKey, SchemaDef]:
        """Without its schema a definition that enforces one would let everything through (D10)."""
        if not named:
            return {}
        found = await self._schemas.found(named)
        for key in sorted(named):
            if key not in found:
                raise no_such_schema(*key)
        return found

    def _freeze(
        self,
        definition: WorkflowDef,
        task_defs: Mapping[str, TaskDef],
        latest: Mapping[str, int],
        schemas: Mapping[SchemaKey, SchemaDef],
    ) -> Snapshot:
        key = (definition.name, definition.version)
        known = self._frozen.get(key)
        if known is not None and (
            known.definition,
            known.task_defs,
            known.latest,
            known.schemas,
        ) == (definition, task_defs, latest, schemas):
            return known.snapshot
        snapshot = freeze(definition, task_defs, latest, schemas)
        self._frozen.put(key, _Frozen(definition, task_defs, latest, schemas, snapshot))
        return snapshot
