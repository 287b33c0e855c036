"""Which partition a key belongs to: murmur2, as Kafka's own default partitioner does it."""

import struct
from functools import lru_cache

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32 bit murmur2 hash that Kafka's clients use (org.apache.kafka.common.utils.Utils)."""
    length = len(data)
    value = _SEED ^ length
    whole = length & ~3
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        mixed = word * _FACTOR & _MASK
        mixed = (mixed ^ mixed >> 24) * _FACTOR & _MASK
        value = value * _FACTOR & _MASK ^ mixed
    if length > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _MASK
    value = (value ^ value >> 13) * _FACTOR & _MASK
    return value ^ value >> 15


@lru_cache(maxsize=16384)  # an event's key comes back on every hop, and hashing it takes 3 us
def _positive_hash(key: str) -> int:
    return murmur2(key.encode()) & 0x7FFFFFFF


def partition_of(key: str, partitions: int) -> int:
    """The partition of `key` in a topic of that many: the same on every adapter."""
    return _positive_hash(key) % partitions if partitions > 1 else 0
