"""A definition frozen at the start of an execution: task definitions inside, its flow compiled.

A snapshot is stored once per content (`def:<digest>`) and shared by all executions of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hookline_common.errors import NotFound
from hookline_common.ids import digest
from hookline_engine.definitions.model import (
    TaskDef,
    WorkflowDef,
    WorkflowTask,
    decode_workflow_def,
    encode_definition,
)


class Needs(msgspec.Struct, frozen=True):
    """Names whose newest definitions freezing asks for; those not registered are simply absent."""

    task_defs: frozenset[str]
    workflows: frozenset[str]


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

    @property
    def ref(self) -> str:
        """The reference of the node."""
        return self.task.task_reference_name


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen definition, its stored form and its compiled flow."""

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
    )


def freeze(
    definition: WorkflowDef, task_defs: Mapping[str, TaskDef], latest: Mapping[str, int]
) -> Snapshot:
    """The snapshot for an execution that starts now; raises NotFound for a missing sub-workflow."""
    frozen = msgspec.structs.replace(
        definition, tasks=[_frozen(task, task_defs, latest) for task in definition.tasks]
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


def _frozen(
    task: WorkflowTask, task_defs: Mapping[str, TaskDef], latest: Mapping[str, int]
) -> WorkflowTask:
    def frozen(tasks: Sequence[WorkflowTask]) -> list[WorkflowTask]:
        return [_frozen(inner, task_defs, latest) for inner in tasks]

    definition = task.task_definition or task_defs.get(task.name) or _ad_hoc(task)
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
        has_scripts=has_scripts(definition),
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
        )
        for part in (*task.decision_cases.values(), task.default_case, *task.fork_tasks):
            _compile(part, next_ref, loops, nodes)
        _compile(task.loop_over, None, (*loops, ref), nodes)


def _body(tasks: Sequence[WorkflowTask]) -> Iterator[WorkflowTask]:
    for task in tasks:
        yield task
        if task.type != "DO_WHILE":
            for part in inner_lists(task):
                yield from _body(part)
