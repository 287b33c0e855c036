"""Builds the matcher from its parts: one handler, one consumer of the four topics."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from hookline_common.config_view import ConfigView
from hookline_common.consuming import ConsumerLoop
from hookline_common.running import Parts
from hookline_matcher.batch import SERVICE
from hookline_matcher.handler import TOPICS, MatcherHandler


class MatcherService:
    """The matcher: it has no HTTP surface of its own."""

    name: str = SERVICE
    routes: Sequence[BaseRoute] = ()

    def __init__(self, config: ConfigView, loop: ConsumerLoop) -> None:
        self._config = config
        self._loop = loop

    async def start(self) -> None:
        """Begin to match."""
        await self._loop.start()

    async def stop(self) -> None:
        """Finish and commit the batch in hand."""
        await self._loop.stop()
        await self._config.close()

    async def problems(self) -> Sequence[str]:
        """Why it is not ready, in sentences; empty if it is."""
        return [*self._loop.problems(), *self._config.problems()]


def build(parts: Parts) -> MatcherService:
    """The matcher on the given parts."""
    config = ConfigView(parts.log)
    loop = ConsumerLoop(
        parts.log,
        parts.clock,
        MatcherHandler(parts.documents, config, parts.clock),
        service=SERVICE,
        group=SERVICE,
        topics=TOPICS,
        metrics=parts.metrics,
        on_fatal=parts.shutdown.request,
    )
    return MatcherService(config, loop)
