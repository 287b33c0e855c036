"""Reads the payload of events whose commands do not carry it, because it is large (A5)."""

from collections.abc import Mapping, Sequence

import msgspec

from hookline_common.collections import WEBHOOK_EVENTS
from hookline_common.documents import Documents
from hookline_common.messages import CompleteTask, StartWorkflow
from hookline_common.rawjson import RawOrNone


class _Payload(msgspec.Struct, frozen=True):
    """The only part of an EventRecord that the engine needs."""

    payload: RawOrNone = None


_decoder = msgspec.json.Decoder(_Payload)


def needed(commands: Sequence[object]) -> frozenset[str]:
    """The ids of the events that must be read for these commands."""
    return frozenset(
        command.event.event_id
        for command in commands
        if isinstance(command, CompleteTask | StartWorkflow) and command.payload is None
    )


async def read(documents: Documents, event_ids: frozenset[str]) -> Mapping[str, msgspec.Raw]:
    """The payloads, by event id, of those events that are kept and have one."""
    if not event_ids:
        return {}
    found = await documents.get(WEBHOOK_EVENTS, sorted(event_ids))
    payloads = {key: _decoder.decode(document.body).payload for key, document in found.items()}
    return {key: payload for key, payload in payloads.items() if payload is not None}
