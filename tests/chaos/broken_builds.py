"""`hookline up` with one of the guarantees taken out: `python -m tests.chaos.broken_builds KIND …`.

Composition roots for tests; everything else is as in the real one. The audit must find each out.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import click
import msgspec

from hookline_cli.up import SERVICES, run_all
from hookline_common.collections import DELIVERIES, EXECUTIONS
from hookline_common.documents import Collection, Document, Documents
from hookline_common.eventlog import Consumer, Delivered, EventLog, Sync
from hookline_common.running import Build, Parts, Service, run_process
from hookline_engine.core.model import decode_head
from hookline_engine.drafts import without_outbox


class _Around:
    """Passes everything on that a subclass does not do itself."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class WithoutOutbox(_Around):
    """A store that forgets the outboxes: effects go out from memory, or not at all."""

    async def insert(
        self, collection: Collection, documents: Sequence[Document], *more: Sync
    ) -> Any:
        return await self._inner.insert(collection, _forgetful(collection, documents), *more)

    async def replace(
        self, collection: Collection, documents: Sequence[Document], *more: Sync
    ) -> Any:
        return await self._inner.replace(collection, _forgetful(collection, documents), *more)


def _forgetful(collection: Collection, documents: Sequence[Document]) -> Sequence[Document]:
    if collection is not EXECUTIONS:
        return documents
    return [_without_outbox(document) for document in documents]


def _without_outbox(document: Document) -> Document:
    head = without_outbox(decode_head(document.body))
    fields: Mapping[str, Any] = {**document.fields, "outbox_since": None}
    return msgspec.structs.replace(document, body=msgspec.json.encode(head), fields=fields)


class CommitsFirst(_Around):
    """A log whose consumers commit what they read before anything is done with it."""

    @asynccontextmanager
    async def consumer(self, group: str, topics: Sequence[str]) -> AsyncGenerator[Consumer]:
        async with self._inner.consumer(group, topics) as member:
            yield _Hasty(member)  # pyright: ignore[reportReturnType]


class _Hasty(_Around):
    async def next_batch(self, *limits: int) -> Sequence[Delivered]:
        batch = await self._inner.next_batch(*limits)
        await self._inner.commit(batch)
        return batch

    async def commit(self, batch: Sequence[Delivered]) -> None:
        """It is committed already."""


class WithoutClaims(_Around):
    """A store in which every claim of a delivery succeeds: nothing is a duplicate any more."""

    async def insert(
        self, collection: Collection, documents: Sequence[Document], *more: Sync
    ) -> Any:
        if collection is DELIVERIES:
            return frozenset()
        return await self._inner.insert(collection, documents, *more)


def _on(documents: type[_Around] | None, log: type[_Around] | None) -> list[Build]:
    """All services of `hookline up`, on a store and a log like these."""

    def broken(build: Build) -> Build:
        def build_it(parts: Parts) -> Service:
            store: Documents = documents(parts.documents) if documents else parts.documents  # type: ignore[assignment]
            own_log: EventLog = log(parts.log) if log else parts.log  # type: ignore[assignment]
            return build(msgspec.structs.replace(parts, documents=store, log=own_log))

        return build_it

    return [broken(build) for build in SERVICES]


BUILDS: Mapping[str, Sequence[Build]] = {
    "without-outbox": _on(WithoutOutbox, None),
    "commits-first": _on(None, CommitsFirst),
    "without-dedupe": _on(WithoutClaims, None),
}


@click.command()
@click.argument("kind", type=click.Choice(list(BUILDS)))
@click.option("--port", type=int)
@click.option("--gateway-port", type=int)
@click.option("--data")
def main(kind: str, **options: object) -> None:
    """Run one of the builds."""
    run_process("hookline", lambda settings: run_all(settings, BUILDS[kind]), **options)


if __name__ == "__main__":
    main()
