"""The adapter of the event log to Apache Kafka, over aiokafka; nothing else imports aiokafka.

What only a real cluster shows and our tests on one broker cannot: a leader's failover with
`min.insync.replicas` 2. `problems()` says when the cluster is not set up for it (protocols.md A3).
"""

from hookline_common.adapters.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
