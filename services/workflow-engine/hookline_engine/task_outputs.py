"""Kept outputs of tasks with a `cacheConfig` (D11): which body holds the output for a key.

An entry only names the body, so keeping one costs one small write; when the execution that made
the output is removed, its entries lead to nothing and count as absent.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hookline_common.collections import BODIES, TASK_OUTPUTS
from hookline_common.documents import Document, Documents
from hookline_engine.core.decisions import CachedOutput
from hookline_engine.core.effects import KeepOutput

_ATTEMPTS = 3
"""Tries against others that keep the same output; then theirs, just as young, stays."""

_EMPTY = msgspec.Raw(b"{}")


class _Stored(msgspec.Struct, frozen=True, rename="camel"):
    output: str
    completed_at: int


_decoder = msgspec.json.Decoder(_Stored)
_encoder = msgspec.json.Encoder()


class TaskOutputs:
    """The collection TASK_OUTPUTS."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def keep(self, effects: Sequence[KeepOutput]) -> None:
        """Keep each under its key, unless a younger one is there."""
        newest: dict[str, KeepOutput] = {}
        for effect in effects:
            known = newest.get(effect.key)
            if known is None or known.completed_at <= effect.completed_at:
                newest[effect.key] = effect
        pending = {key: _document(effect) for key, effect in newest.items()}
        for _ in range(_ATTEMPTS):
            taken = await self._documents.insert(TASK_OUTPUTS, list(pending.values()))
            pending = {key: pending[key] for key in taken}
            if not pending:
                return
            older = await self._over_older(pending, newest)
            lost = await self._documents.replace(TASK_OUTPUTS, older) if older else ()
            pending = {key: pending[key] for key in lost}
            if not pending:
                return

    async def _over_older(
        self, pending: Mapping[str, Document], effects: Mapping[str, KeepOutput]
    ) -> list[Document]:
        found = await self._documents.get(TASK_OUTPUTS, list(pending))
        return [
            msgspec.structs.replace(pending[key], rev=before.rev)
            for key, before in found.items()
            if _decoder.decode(before.body).completed_at < effects[key].completed_at
        ]

    async def find(self, keys: Iterable[str]) -> Mapping[str, CachedOutput | None]:
        """The kept outputs by key, as raw JSON; None where there is none."""
        wanted = list(keys)
        if not wanted:
            return {}
        found = await self._documents.get(TASK_OUTPUTS, wanted)
        entries = {key: _decoder.decode(document.body) for key, document in found.items()}
        tokens = [entry.output for entry in entries.values() if entry.output]
        bodies = await self._documents.get(BODIES, tokens)
        outputs = {token: msgspec.Raw(document.body) for token, document in bodies.items()}
        outputs[""] = _EMPTY
        return {key: _cached(entries.get(key), outputs) for key in wanted}


def _cached(entry: _Stored | None, outputs: Mapping[str, msgspec.Raw]) -> CachedOutput | None:
    output = outputs.get(entry.output) if entry is not None else None
    if entry is None or output is None:
        return None
    return CachedOutput(output, entry.completed_at)


def _document(effect: KeepOutput) -> Document:
    body = _encoder.encode(_Stored(effect.output, effect.completed_at))
    return Document(effect.key, body, expires_at_ms=effect.expires_at)
