"""Counts what the gateway answered."""

from hookline_common.errors import ApiError
from hookline_common.metrics import Metrics


class Counters:
    """Answers by outcome, and how long an accepted event took."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._accepted = metrics.answers.labels("accepted")
        self._unauthorized = metrics.answers.labels("unauthorized")

    def answered(self, status: int, seconds: float) -> None:
        """A request was stored, or needed no storing, and answered."""
        if status == 401:
            self._unauthorized.inc()
            return
        self._accepted.inc()
        self._metrics.accept_seconds.observe(seconds)

    def refused(self, problem: ApiError) -> None:
        """A request was not stored; the code says why."""
        self._metrics.answers.labels(problem.code).inc()
