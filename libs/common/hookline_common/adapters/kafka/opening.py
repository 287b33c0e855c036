"""Opens the event log on the Kafka cluster that a URL names."""

import re

from hookline_common.adapters.kafka.log import KafkaLog
from hookline_common.clock import Clock
from hookline_common.errors import Misconfigured
from hookline_common.eventlog import EventLog

_SERVERS = re.compile(r"[^\s,/:]+:\d+(,[^\s,/:]+:\d+)*")


async def open_log(
    url: str, clock: Clock, max_disk_bytes: int | None, session_timeout_ms: int
) -> EventLog:
    """The log at `kafka://host:port[,host:port]`; nothing is connected before the first call.

    The brokers' own clock and disk limits hold there. Raises Misconfigured for another URL.
    """
    del clock, max_disk_bytes
    servers = url.removeprefix("kafka://").rstrip("/")
    if not _SERVERS.fullmatch(servers):
        raise Misconfigured(f"HOOKLINE_LOG is {url!r}; allowed is: kafka://HOST:PORT[,HOST:PORT].")
    return KafkaLog(servers, session_timeout_ms)
