"""Identifiers: time-ordered ones for events, derived ones for what must not happen twice."""

import secrets
import uuid
from hashlib import blake2b
from typing import NewType

EventId = NewType("EventId", str)
WebhookId = NewType("WebhookId", str)
WorkflowId = NewType("WorkflowId", str)
TaskId = NewType("TaskId", str)
EffectId = NewType("EffectId", str)

_NAMESPACE = uuid.UUID("6f6b6c69-6e65-5000-8000-686f6f6b6c69")


def uuid7(now_ms: int) -> str:
    """A UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, 74 random bits."""
    value = (now_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def random_id() -> str:
    """A random UUID version 4, for ids that clients see and nothing derives."""
    return str(uuid.uuid4())


def _frame(parts: tuple[str, ...]) -> bytes:
    framed: list[bytes] = []
    for part in parts:  # a plain loop: several ids are derived for every event
        encoded = part.encode("utf-8", "surrogatepass")
        framed += (len(encoded).to_bytes(4, "big"), encoded)
    return b"".join(framed)


def digest(*parts: str) -> str:
    """32 hex digits over the parts, length-prefixed so that no part can imitate a separator."""
    return blake2b(_frame(parts), digest_size=16).hexdigest()


def derived_uuid(*parts: str) -> str:
    """A UUID version 5 over the length-prefixed parts: the same parts always give the same id."""
    return str(uuid.uuid5(_NAMESPACE, _frame(parts).hex()))
