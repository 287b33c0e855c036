"""The composition root of the verifier."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from hookline_common.config_view import ConfigView
from hookline_common.consuming import ConsumerLoop
from hookline_common.running import Parts
from hookline_common.topics import VERIFIER
from hookline_verifier.handler import Verifier

GROUP = VERIFIER.name


class VerifierService:
    """The verifier as a service; it has no HTTP surface of its own."""

    name = "verifier"
    routes: Sequence[BaseRoute] = ()

    def __init__(self, view: ConfigView, loop: ConsumerLoop) -> None:
        self._view = view
        self._loop = loop

    async def start(self) -> None:
        """Begin to judge."""
        await self._loop.start()

    async def stop(self) -> None:
        """Finish the batch in hand."""
        await self._loop.stop()
        await self._view.close()

    async def problems(self) -> Sequence[str]:
        """Why events are not judged, or not under the newest configuration."""
        return [*self._loop.problems(), *self._view.problems()]


def build(parts: Parts) -> VerifierService:
    """The verifier on these parts."""
    view = ConfigView(parts.log)
    handler = Verifier(view, parts.documents, parts.sealer, parts.clock, parts.metrics)
    loop = ConsumerLoop(
        parts.log,
        parts.clock,
        handler,
        service="verifier",
        group=GROUP,
        topics=VERIFIER.topic_names,
        metrics=parts.metrics,
        on_fatal=parts.shutdown.request,
    )
    return VerifierService(view, loop)
