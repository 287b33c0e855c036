"""The Prometheus metrics of a process: made once, passed in, shared by all its services."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_RECORDS = (1, 2, 5, 10, 25, 50, 100, 250, 500)


class Metrics:
    """Counters, gauges and histograms by what they count."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Each process makes one; a registry of its own keeps tests apart."""
        self.registry = CollectorRegistry() if registry is None else registry
        self._of_the_gateway()
        self._of_consumers()
        self._of_batches()

    def _of_the_gateway(self) -> None:
        self.answers = self._counter(
            "gateway_answers_total", "Requests that the gateway answered, by outcome.", "outcome"
        )
        self.accept_seconds = Histogram(
            "hookline_gateway_accept_seconds",
            "From the request's head to the log's acknowledgement.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.held_bytes = Gauge(
            "hookline_gateway_held_bytes",
            "Bytes of request bodies in memory.",
            registry=self.registry,
        )

    def _of_consumers(self) -> None:
        self.verdicts = self._counter(
            "verdicts_total",
            "Events that the verifier judged, by verdict and reason.",
            "verdict",
            "reason",
        )
        self.consumed = self._counter(
            "consumed_records_total", "Records that a consumer group has finished.", "group"
        )
        self.retries = self._counter(
            "consumer_retries_total",
            "Tries that failed and were repeated, by error class.",
            "group",
            "error",
        )
        self.dead_letters = self._counter(
            "dead_letters_total",
            "Records put aside in a dead-letter topic, by reason.",
            "group",
            "topic",
            "reason",
        )

    def _of_batches(self) -> None:
        self.batch_records = Histogram(
            "hookline_consumed_batch_records",
            "Records per batch.",
            ["group"],
            buckets=_RECORDS,
            registry=self.registry,
        )
        self.batch_seconds = Histogram(
            "hookline_consumed_batch_seconds",
            "From taking a batch to its commit.",
            ["group"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.dropped_batches = self._counter(
            "consumer_dropped_batches_total",
            "Batches dropped because the partition was given to another consumer.",
            "group",
        )

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"hookline_{name}", says, labels, registry=self.registry)


def process_metrics() -> Metrics:
    """Metrics of a real process: with its memory, CPU, descriptors and garbage collections."""
    metrics = Metrics()
    ProcessCollector(registry=metrics.registry)
    PlatformCollector(registry=metrics.registry)
    GCCollector(registry=metrics.registry)
    return metrics
