"""What whoever does a task gets beside the stored input: secrets, and `runtimeMetadata` (1.4).

Both are only in what is handed over. Nothing of them is stored or shown later.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hookline_common.errors import SealBroken
from hookline_engine.core.revealing import Revealed, revealed
from hookline_engine.definitions.snapshots import Node
from hookline_engine.environment_store import EnvironmentStore
from hookline_engine.execution_reader import ExecutionReader, FoundTask
from hookline_engine.secret_store import SecretStore


class HandedOver(msgspec.Struct, frozen=True):
    """Tasks for a worker; and by task id why others cannot be given to anybody now."""

    shown: list[dict[str, Any]]
    withheld: Mapping[str, str]


class HandOver:
    """Puts secrets into the inputs of tasks whose authors named them; others cost nothing."""

    def __init__(
        self, reader: ExecutionReader, secrets: SecretStore, environment: EnvironmentStore
    ) -> None:
        self._reader = reader
        self._secrets = secrets
        self._environment = environment

    async def tasks(self, found: Sequence[FoundTask]) -> HandedOver:
        """The tasks as a poll answers them, and those that have a secret that does not open."""
        shown: list[dict[str, Any]] = []
        withheld: dict[str, str] = {}
        for one, task in zip(found, await self._reader.shown_tasks(found), strict=True):
            node = await self._node(one)
            try:
                if node is not None and (node.names_secrets or node.task_def.runtime_metadata):
                    await self._complete(node, task)
            except SealBroken as error:
                withheld[one.line.id] = f"a secret of this task: {error}"
            else:
                shown.append(task)
        return HandedOver(shown, withheld)

    async def _complete(self, node: Node, task: dict[str, Any]) -> None:
        if node.names_secrets:
            task["inputData"] = (await self._revealed(node, _plain(task["inputData"]))).value
        names = node.task_def.runtime_metadata
        if names and (values := await self._runtime_metadata(names)):
            task["runtimeMetadata"] = values

    async def request(self, found: FoundTask, given: Any) -> Revealed:
        """The input of a task that the engine runs itself; raises SealBroken."""
        node = await self._node(found)
        if node is None or not node.names_secrets:
            return Revealed(given, {}, frozenset())
        return await self._revealed(node, _plain(given))

    async def _revealed(self, node: Node, given: Any) -> Revealed:
        asked = revealed(node, given, {})
        return revealed(node, given, await self._secrets.values(asked.missing))

    async def _runtime_metadata(self, names: Sequence[str]) -> Mapping[str, str]:
        """By name: the secret, else the value of the environment; what is neither is left out."""
        secrets = await self._secrets.values(names)
        values = {name: value for name, value in secrets.items() if value is not None}
        if len(values) < len(set(names)):
            values = {**_named(await self._environment.all(), names), **values}
        return values

    async def _node(self, found: FoundTask) -> Node | None:
        snapshot = await self._reader.snapshot(found.head)
        return snapshot.nodes.get(found.line.ref) if snapshot else None


def _named(values: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: values[name] for name in names if name in values}


def _plain(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
