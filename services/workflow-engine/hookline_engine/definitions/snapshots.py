"""A definition frozen at the start of an execution: task definitions inside, its flow compiled.

A snapshot is stored once per content (`def:<digest>`) and shared by all executions of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import msgspec

from hookline_common.errors import NotFound
from hookline_common.expressions import TemplateTooDeep, names_secrets
from hookline_common.ids import digest
from hookline_engine.definitions.model import (
    SchemaDef,
    TaskDef,
    WorkflowDef,
    WorkflowTask,
    decode_workflow_def,
    encode_definition,
    enforced_schemas,
)

Checked = TypeVar("Checked", WorkflowDef, TaskDef)


SchemaKey: TypeAlias = tuple[str, int]
"""Name and version of a schema in the registry."""


class Needs(msgspec.Struct, frozen=True):
    """Names whose newest definitions freezing asks for; those not registered are simply absent.

    `schemas`: those that the definition itself names.
    """

    task_defs: frozenset[str]
    workflows: frozenset[str]
    schemas: frozenset[SchemaKey]


@dataclass(frozen=True, slots=True)
class Node:
    """A node and where the flow goes from it.

    `next` is the node after it (the end of a case leads to what follows the SWITCH, the end of a
    branch to the JOIN, the end of a loop body nowhere); `loops` are the loops around it, outermost
    first; `body` are the nodes of a loop at all depths, without those of inner loops.
    """

    task: WorkflowTask
    task_def: TaskDef
    next: str | None
    loops: tuple[str, ...]
    body: tuple[str, ...] = ()
    names_secrets: bool = False

    @property
    def ref(self) -> str:
        """The reference of the node."""
        return self.task.task_reference_name

    @property
    def input_template(self) -> dict[str, Any]:
        """What the input is evaluated from: the node's parameters over the task definition's."""
        return {**self.task_def.input_template, **self.task.input_parameters}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen definition, its stored form and its compiled flow.

    `has_scripts`: deciding may take long (JavaScript, schemas) and belongs off the event loop.
    """

    token: str
    body: bytes
    definition: WorkflowDef
    nodes: Mapping[str, Node]
    has_scripts: bool


def needs(definition: WorkflowDef) -> Needs:
    """What must be looked up before `definition` can be frozen."""
    nodes = tuple(walk(definition.tasks))
    return Needs(
        task_defs=frozenset(node.name for node in nodes if node.task_definition is None),
        workflows=frozenset(name for node in nodes if (name := _unpinned(node)) is not None),
        schemas=schema_keys(
            (definition, *(own for node in nodes if (own := node.task_definition) is not None))
        ),
    )


def schema_keys(definitions: Iterable[WorkflowDef | TaskDef]) -> frozenset[SchemaKey]:
    """The schemas of the registry that inputs and outputs must meet."""
    return frozenset(
        (schema.name, schema.version)
        for one in definitions
        for schema in enforced_schemas(one)
        if not schema.data
    )


def freeze(
    definition: WorkflowDef,
    task_defs: Mapping[str, TaskDef],
    latest: Mapping[str, int],
    schemas: Mapping[SchemaKey, SchemaDef] = MappingProxyType({}),
) -> Snapshot:
    """The snapshot for an execution that starts now; raises NotFound for a missing sub-workflow.

    `schemas`: those that the definitions name.
    """
    if schemas:
        task_defs = {name: _with_schemas(one, schemas) for name, one in task_defs.items()}
        definition = _with_schemas(definition, schemas)
    frozen = msgspec.structs.replace(
        definition, tasks=[_frozen(task, task_defs, latest, schemas) for task in definition.tasks]
    )
    body = encode_definition(frozen)
    return _compiled(frozen, body)


def thaw(body: bytes) -> Snapshot:
    """The snapshot of a stored body."""
    return _compiled(decode_workflow_def(body), body)


def walk(tasks: Sequence[WorkflowTask]) -> Iterator[WorkflowTask]:
    """All nodes at all depths, a container before what is in it."""
    for task in tasks:
        yield task
        for part in inner_lists(task):
            yield from walk(part)


def inner_lists(task: WorkflowTask) -> tuple[Sequence[WorkflowTask], ...]:
    """The lists of nodes inside a node."""
    return (*task.decision_cases.values(), task.default_case, *task.fork_tasks, task.loop_over)


def has_scripts(definition: WorkflowDef) -> bool:
    """Whether deciding may run JavaScript, which belongs off the event loop."""
    return any(_scripted(node) for node in walk(definition.tasks))


def _has_schemas(definition: WorkflowDef, nodes: Iterable[Node]) -> bool:
    """Whether deciding may hold large values against schemas, which takes its time too."""
    checked = (definition, *(node.task_def for node in nodes))
    return any(enforced_schemas(one) for one in checked)


def _scripted(node: WorkflowTask) -> bool:
    if node.type == "SWITCH":
        return node.evaluator_type != "value-param"
    if node.type == "INLINE":
        return node.input_parameters.get("evaluatorType") != "value-param"
    return node.type == "DO_WHILE" and bool(node.loop_condition)


def _unpinned(node: WorkflowTask) -> str | None:
    """The sub-workflow whose newest version the snapshot fixes."""
    parameters = node.sub_workflow_param
    if node.type != "SUB_WORKFLOW" or parameters is None or parameters.version is not None:
        return None
    if parameters.workflow_definition is not None or "${" in parameters.name:
        return None
    return parameters.name


def _with_schemas(definition: Checked, schemas: Mapping[SchemaKey, SchemaDef]) -> Checked:
    """With the content of the schemas that it only names."""

    def filled(schema: SchemaDef | None) -> SchemaDef | None:
        if schema is None or schema.data or schema.type != "JSON":
            return schema
        return schemas.get((schema.name, schema.version), schema)

    if not definition.enforce_schema:
        return definition
    return msgspec.structs.replace(
        definition,
        input_schema=filled(definition.input_schema),
        output_schema=filled(definition.output_schema),
    )


def _frozen(
    task: WorkflowTask,
    task_defs: Mapping[str, TaskDef],
    latest: Mapping[str, int],
    schemas: Mapping[SchemaKey, SchemaDef],
) -> WorkflowTask:
    def frozen(tasks: Sequence[WorkflowTask]) -> list[WorkflowTask]:
        return [_frozen(inner, task_defs, latest, schemas) for inner in tasks]

    own = _with_schemas(task.task_definition, schemas) if task.task_definition else None
    definition = own or task_defs.get(task.name) or _ad_hoc(task)
    parameters = task.sub_workflow_param
    name = _unpinned(task)
    if name is not None and parameters is not None:
        if name not in latest:
            raise NotFound(f"there is no workflow {name!r} for sub-workflow task {task.name!r}")
        parameters = msgspec.structs.replace(parameters, version=latest[name])
    return msgspec.structs.replace(
        task,
        task_definition=definition,
        sub_workflow_param=parameters,
        decision_cases={case: frozen(tasks) for case, tasks in task.decision_cases.items()},
        default_case=frozen(task.default_case),
        fork_tasks=[frozen(branch) for branch in task.fork_tasks],
        loop_over=frozen(task.loop_over),
    )


def _ad_hoc(task: WorkflowTask) -> TaskDef:
    """What stands in for a task definition that is not registered (engine.md 1.4)."""
    if task.type == "SIMPLE":
        return TaskDef(name=task.name)
    return TaskDef(name=task.name, retry_count=0, response_timeout_seconds=0)


def _compiled(definition: WorkflowDef, body: bytes) -> Snapshot:
    nodes: dict[str, Node] = {}
    _compile(definition.tasks, None, (), nodes)
    return Snapshot(
        token=f"def:{digest(body.decode())}",
        body=body,
        definition=definition,
        nodes=nodes,
        has_scripts=has_scripts(definition) or _has_schemas(definition, nodes.values()),
    )


def _compile(
    tasks: Sequence[WorkflowTask],
    after: str | None,
    loops: tuple[str, ...],
    nodes: dict[str, Node],
) -> None:
    if not tasks:
        return
    following = [*(task.task_reference_name for task in tasks[1:]), after]
    for task, next_ref in zip(tasks, following, strict=True):
        ref = task.task_reference_name
        nodes[ref] = Node(
            task=task,
            task_def=task.task_definition or _ad_hoc(task),
            next=None if task.type == "TERMINATE" else next_ref,
            loops=loops,
            body=tuple(node.task_reference_name for node in _body(task.loop_over)),
            names_secrets=_names_secrets(task),
        )
        for part in (*task.decision_cases.values(), task.default_case, *task.fork_tasks):
            _compile(part, next_ref, loops, nodes)
        _compile(task.loop_over, None, (*loops, ref), nodes)


def _names_secrets(task: WorkflowTask) -> bool:
    """Whether the input may hold `${workflow.secrets.…}`."""
    template = (task.task_definition or _ad_hoc(task)).input_template
    try:
        return names_secrets([template, task.input_parameters])
    except TemplateTooDeep:
        return False  # its evaluation fails the task


def _body(tasks: Sequence[WorkflowTask]) -> Iterator[WorkflowTask]:
    for task in tasks:
        yield task
        if task.type != "DO_WHILE":
            for part in inner_lists(task):
                yield from _body(part)
