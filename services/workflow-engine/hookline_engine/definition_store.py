"""Workflow and task definitions in the store, and the match plans that follow from them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import TASK_DEFS, WORKFLOW_DEFS
from hookline_common.documents import Condition, Document, Documents, Op, Order, Query
from hookline_common.errors import Conflict, NotFound
from hookline_common.eventlog import Sync
from hookline_common.webhooks import WorkflowPlans
from hookline_engine.bounded_cache import BoundedCache
from hookline_engine.config_records import ConfigRecords, check_size, record_key
from hookline_engine.definitions.model import (
    TaskDef,
    WorkflowDef,
    decode_task_def,
    decode_workflow_def,
    encode_definition,
)
from hookline_engine.match_plans import plans_of
from hookline_engine.named_documents import all_documents, put_document

_PAGE = 500
_DECODED = 500

Hook = Callable[[str], Awaitable[None]]


class DefinitionStore:
    """Reads are fresh: a definition that was just saved is what the next call sees."""

    def __init__(self, documents: Documents, records: ConfigRecords, clock: Clock) -> None:
        self._documents = documents
        self._records = records
        self._clock = clock
        self._decoded: BoundedCache[str, tuple[bytes, WorkflowDef]] = BoundedCache(_DECODED)
        self._task_def_hooks: list[Hook] = []

    # --- workflow definitions ---------------------------------------------------------------------

    async def workflow_def(self, name: str, version: int | None = None) -> WorkflowDef | None:
        """The definition, or the highest version of it; None if there is none."""
        if version is not None:
            found = await self._documents.get(WORKFLOW_DEFS, [_workflow_id(name, version)])
            return next((self._decode(item) for item in found.values()), None)
        query = Query(_named(name), (Order("version", descending=True),), limit=1)
        page = await self._documents.find(WORKFLOW_DEFS, query)
        return self._decode(page.documents[0]) if page.documents else None

    def _decode(self, document: Document) -> WorkflowDef:
        """The same object for the same bytes: a start reads its definition afresh, but decodes it
        only after a change.
        """
        known = self._decoded.get(document.id)
        if known is not None and known[0] == document.body:
            return known[1]
        definition = decode_workflow_def(document.body)
        self._decoded.put(document.id, (document.body, definition))
        return definition

    async def workflow_defs(self, name: str | None = None) -> Sequence[WorkflowDef]:
        """All versions of one workflow, or of all; by name, then version ascending."""
        where = Query() if name is None else Query(_named(name))
        order = (Order("name"), Order("version"))
        query = Query(where.where, order, limit=_PAGE)
        pages = all_documents(self._documents, WORKFLOW_DEFS, query)
        return [decode_workflow_def(item.body) async for item in pages]

    async def add_workflow_def(self, definition: WorkflowDef) -> None:
        """Save a new definition; Conflict (409) if this version is there already."""
        stamped = self._stamped(definition, None)
        check_size(_plans_record(stamped))
        if await self._documents.insert(WORKFLOW_DEFS, [_workflow_document(stamped)], Sync.NOW):
            message = f"Workflow with {definition.name}.{definition.version} already exists!"
            raise Conflict(message, code="definition_exists")
        await self._records.publish([_plans_record(stamped)])

    async def put_workflow_def(self, definition: WorkflowDef) -> None:
        """Save a definition, whether or not this version was there."""
        check_size(_plans_record(definition))

        def replaced(document: Document | None) -> Document:
            before = decode_workflow_def(document.body) if document else None
            return _workflow_document(self._stamped(definition, before))

        name = _workflow_id(definition.name, definition.version)
        saved = await put_document(self._documents, WORKFLOW_DEFS, name, replaced)
        await self._records.publish([_plans_record(decode_workflow_def(saved.body))])

    async def delete_workflow_def(self, name: str, version: int) -> None:
        """Remove one version; executions keep their own copy. NotFound if it is not there."""
        found = await self.workflow_def(name, version)
        gone = await self._documents.delete(WORKFLOW_DEFS, [_workflow_id(name, version)], Sync.NOW)
        if found is None or not gone:
            message = f"No such workflow definition: {name} version: {version}"
            raise NotFound(message, code="workflow_def_not_found")
        await self._records.forget(record_key(_plans_record(found)))

    async def plan_records(self) -> Sequence[WorkflowPlans]:
        """What `webhooks.config` should say of every saved definition (for `heal`)."""
        return [_plans_record(definition) for definition in await self.workflow_defs()]

    def _stamped(self, definition: WorkflowDef, before: WorkflowDef | None) -> WorkflowDef:
        """With the times that the server keeps; they only grow, because plans are ordered by
        them.
        """
        now = self._clock.now_ms()
        if before is None:
            return msgspec.structs.replace(definition, create_time=now, update_time=0)
        return msgspec.structs.replace(
            definition,
            create_time=before.create_time,
            created_by=before.created_by or definition.created_by,
            update_time=max(now, _revision(before) + 1),
        )

    # --- task definitions -------------------------------------------------------------------------

    async def task_defs(self, names: Sequence[str]) -> Mapping[str, TaskDef]:
        """Those of the named task definitions that exist."""
        found = await self._documents.get(TASK_DEFS, names)
        return {name: decode_task_def(document.body) for name, document in found.items()}

    async def all_task_defs(self) -> Sequence[TaskDef]:
        """Every task definition, in the order of names."""
        pages = all_documents(self._documents, TASK_DEFS, Query(limit=_PAGE))
        found = [decode_task_def(document.body) async for document in pages]
        return sorted(found, key=lambda definition: definition.name)

    async def put_task_defs(self, definitions: Sequence[TaskDef]) -> None:
        """Create or replace each; `createTime` is new (rest.md 2.1)."""
        now = self._clock.now_ms()
        for definition in definitions:
            new = msgspec.structs.replace(definition, create_time=now, update_time=0)
            document = _task_document(new)
            await put_document(
                self._documents, TASK_DEFS, new.name, lambda _, fixed=document: fixed
            )
            await self._task_def_changed(new.name)

    async def update_task_def(self, definition: TaskDef) -> None:
        """Replace an existing one; NotFound if there is none. `createTime` is kept."""
        now = self._clock.now_ms()

        def replaced(document: Document | None) -> Document:
            if document is None:
                raise _no_task_def(definition.name)
            before = decode_task_def(document.body)
            return _task_document(
                msgspec.structs.replace(
                    definition,
                    create_time=before.create_time,
                    created_by=before.created_by or definition.created_by,
                    update_time=now,
                )
            )

        await put_document(self._documents, TASK_DEFS, definition.name, replaced)
        await self._task_def_changed(definition.name)

    async def delete_task_def(self, name: str) -> None:
        """Remove it; NotFound if it is not there."""
        if not await self._documents.delete(TASK_DEFS, [name], Sync.NOW):
            raise _no_task_def(name)
        await self._task_def_changed(name)

    def on_task_def(self, hook: Hook) -> None:
        """Call it with the name of each task definition that is saved or deleted here."""
        self._task_def_hooks.append(hook)

    async def _task_def_changed(self, name: str) -> None:
        for hook in self._task_def_hooks:
            await hook(name)


def _no_task_def(name: str) -> NotFound:
    return NotFound(f"No such task definition: {name}", code="task_def_not_found")


def _named(name: str) -> Condition:
    return Condition("name", Op.EQ, name)


def _workflow_id(name: str, version: int) -> str:
    return f"{name}:{version}"


def _workflow_document(definition: WorkflowDef) -> Document:
    return Document(
        _workflow_id(definition.name, definition.version),
        encode_definition(definition),
        {"name": definition.name, "version": definition.version},
    )


def _task_document(definition: TaskDef) -> Document:
    return Document(definition.name, encode_definition(definition))


def _revision(definition: WorkflowDef) -> int:
    return max(definition.create_time, definition.update_time)


def _plans_record(definition: WorkflowDef) -> WorkflowPlans:
    return WorkflowPlans(
        definition.name, definition.version, _revision(definition), plans_of(definition)
    )
