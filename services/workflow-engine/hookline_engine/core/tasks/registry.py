"""The catalogue of task types: a new one is a file in this folder and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from hookline_engine.core.tasks.do_while import DoWhile
from hookline_engine.core.tasks.fork_join import ForkJoin
from hookline_engine.core.tasks.http import Http
from hookline_engine.core.tasks.inline import Inline
from hookline_engine.core.tasks.join import Join
from hookline_engine.core.tasks.kinds import TaskType
from hookline_engine.core.tasks.set_variable import SetVariable
from hookline_engine.core.tasks.simple import Simple, UserDefined
from hookline_engine.core.tasks.sub_workflow import SubWorkflow
from hookline_engine.core.tasks.switch import Switch
from hookline_engine.core.tasks.terminate import Terminate
from hookline_engine.core.tasks.wait import Wait
from hookline_engine.core.tasks.wait_for_webhook import WaitForWebhook
from hookline_engine.definitions.snapshots import Node

TASK_TYPES: Mapping[str, TaskType] = MappingProxyType(
    {
        "SIMPLE": Simple(),
        "WAIT_FOR_WEBHOOK": WaitForWebhook(),
        "WAIT": Wait(),
        "SET_VARIABLE": SetVariable(),
        "TERMINATE": Terminate(),
        "SWITCH": Switch(),
        "INLINE": Inline(),
        "HTTP": Http(),
        "FORK_JOIN": ForkJoin(),
        "JOIN": Join(),
        "DO_WHILE": DoWhile(),
        "SUB_WORKFLOW": SubWorkflow(),
    }
)
_QUEUE_OF_ITS_NAME = UserDefined()


def type_of(node: Node) -> TaskType:
    """How the tasks of a node behave; a type that is not listed is a worker's queue (4.25)."""
    return TASK_TYPES.get(node.task.type, _QUEUE_OF_ITS_NAME)
