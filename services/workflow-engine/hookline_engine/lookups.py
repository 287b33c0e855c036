"""Looks up what decisions ask about the world around them (core/decisions.py, MissingLookups)."""

from collections.abc import Iterable

import msgspec

from hookline_engine.core.decisions import Context, MissingLookups
from hookline_engine.environment_store import EnvironmentStore
from hookline_engine.poll_data import Polls
from hookline_engine.secret_store import SecretStore
from hookline_engine.task_outputs import TaskOutputs


class Lookups:
    """Each is read afresh for a batch of decisions, and only if one of them asks."""

    def __init__(
        self,
        polls: Polls,
        outputs: TaskOutputs,
        secrets: SecretStore,
        environment: EnvironmentStore,
    ) -> None:
        self._polls = polls
        self._outputs = outputs
        self._secrets = secrets
        self._environment = environment

    async def answered(self, context: Context, questions: Iterable[MissingLookups]) -> Context:
        """The context with what the questions ask for; raises SealBroken for a broken secret."""
        asked = list(questions)
        types = {one for question in asked for one in question.task_types}
        if types:
            domains = {**context.active_domains, **await self._polls.active_domains(types)}
            context = msgspec.structs.replace(context, active_domains=domains)
        keys = {one for question in asked for one in question.cached}
        if keys:
            cached = {**context.cached, **await self._outputs.find(keys)}
            context = msgspec.structs.replace(context, cached=cached)
        names = {one for question in asked for one in question.secrets}
        if names:
            secrets = {**context.secrets, **await self._secrets.values(names)}
            context = msgspec.structs.replace(context, secrets=secrets)
        if any(question.environment for question in asked):
            environment = await self._environment.all()
            context = msgspec.structs.replace(context, environment=environment)
        return context
