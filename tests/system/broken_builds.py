"""`hookline up` with a verifier that accepts, or one that rejects, whatever comes.

A composition root for tests: `python -m tests.system.broken_builds credulous|paranoid --port …`.
Everything else is as in the real one. `hookline demo` must find both out.
"""

import sys
from collections.abc import Sequence
from typing import Literal

import click
import msgspec

from hookline_cli.up import SERVICES, run_all
from hookline_common import reasons
from hookline_common.cloudevents import judged_event, judged_record
from hookline_common.config_view import ConfigView
from hookline_common.consuming import ConsumerLoop
from hookline_common.eventlog import Delivered, Record
from hookline_common.running import Build, Parts, run_process
from hookline_common.topics import RECEIVED
from hookline_verifier.handler import Verifier
from hookline_verifier.service import GROUP, VerifierService

Verdict = Literal["verified", "rejected"]


class Biased:
    """The real verifier, whose verdicts are all turned into the same one."""

    def __init__(self, real: Verifier, verdict: Verdict) -> None:
        self._real = real
        self._verdict: Verdict = verdict

    async def handle(self, batch: Sequence[Delivered]) -> Sequence[Record]:
        return [self._turned(record) for record in await self._real.handle(batch)]

    def _turned(self, record: Record) -> Record:
        judged = judged_event(record)
        reason = None if self._verdict == "verified" else reasons.URL_NOT_VERIFIED
        turned = msgspec.structs.replace(judged, verdict=self._verdict, reason=reason, detail=None)
        return judged_record(turned, record.key)

    def subject(self, delivered: Delivered) -> tuple[str, str] | None:
        return self._real.subject(delivered)


def biased(verdict: Verdict) -> Build:
    """A builder of the verifier that always gives this verdict."""

    def build(parts: Parts) -> VerifierService:
        view = ConfigView(parts.log)
        real = Verifier(view, parts.documents, parts.sealer, parts.clock, parts.metrics)
        loop = ConsumerLoop(
            parts.log,
            parts.clock,
            Biased(real, verdict),
            service="verifier",
            group=GROUP,
            topics=[RECEIVED.name],
            metrics=parts.metrics,
            on_fatal=parts.shutdown.request,
        )
        return VerifierService(view, loop)

    return build


def builds(verdict: Verdict) -> list[Build]:
    """All services of `hookline up`, the verifier among them replaced."""
    ingest, _, *rest = SERVICES
    return [ingest, biased(verdict), *rest]


@click.command()
@click.argument("kind", type=click.Choice(["real", "credulous", "paranoid"]))
@click.option("--port", type=int)
@click.option("--gateway-port", type=int)
@click.option("--data")
def main(kind: str, **options: object) -> None:
    """Run one of the builds."""
    verdicts: dict[str, Verdict] = {"credulous": "verified", "paranoid": "rejected"}
    chosen = builds(verdicts[kind]) if kind in verdicts else SERVICES
    run_process("hookline", lambda settings: run_all(settings, chosen), **options)


if __name__ == "__main__":
    main(sys.argv[1:])
