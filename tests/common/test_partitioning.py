"""Keys go to the partition that Kafka's own clients would choose."""

import pytest
from aiokafka.partitioner import murmur2 as kafka_murmur2  # pyright: ignore[reportUnknownVariableType]
from hypothesis import given
from hypothesis import strategies as st

from hookline_common.partitioning import murmur2, partition_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
def test_published_vectors(text: str, expected: int) -> None:
    """From Kafka's own UtilsTest, which counts in signed numbers."""
    assert murmur2(text.encode()) == expected & 0xFFFFFFFF


@given(st.binary(max_size=80))
def test_the_hash_is_that_of_aiokafka(data: bytes) -> None:
    assert murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF


@given(st.text(), st.integers(1, 100))
def test_a_partition_is_one_of_the_topics(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
