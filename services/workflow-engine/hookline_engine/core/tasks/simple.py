"""SIMPLE and every type that is not built in: work for whoever polls the queue."""

from typing import ClassVar, Literal

from hookline_engine.core.tasks.kinds import TaskType
from hookline_engine.definitions.snapshots import Node


class UserDefined(TaskType):
    """The queue is named after the type (engine.md 4.25)."""

    queued: ClassVar[Literal["worker", "system"] | None] = "worker"
    answered: ClassVar[bool] = True
    cacheable: ClassVar[bool] = True
    delayed: ClassVar[bool] = True


class Simple(UserDefined):
    """The queue is named after the node (engine.md 4.1)."""

    def shown_type(self, node: Node) -> str:
        """`taskType`."""
        return node.task.name
