"""The table of all settings: variable, field, default, what is allowed, what it is for."""

from collections.abc import Callable
from typing import Any

import msgspec

from hookline_common import setting_values as read
from hookline_common.logs import LEVELS


class Setting(msgspec.Struct, frozen=True):
    """One variable: the field that it fills, its default as text (None: see `says`), what is
    allowed, a sentence for the reader, and whether its value must not be shown.
    """

    variable: str
    field: str
    default: str | None
    allowed: str
    says: str
    parse: Callable[[str], Any] = read.text
    secret: bool = False


_PORT_ALLOWED = "a port from 0 (any free one) to 65535"
_FLAG_ALLOWED = "1 or 0"

TABLE: tuple[Setting, ...] = (
    Setting("HOOKLINE_DATA", "data", ".hookline", "a folder", "Where the embedded files lie."),
    Setting(
        "HOOKLINE_LOG",
        "log",
        None,
        "sqlite:PATH or kafka://HOST:PORT[,HOST:PORT]",
        "The event log; by default a file in the data folder.",
        read.log_url,
    ),
    Setting(
        "HOOKLINE_STORE",
        "store",
        None,
        "sqlite:PATH or mongodb://…",
        "The document store; by default the same file as the log.",
        read.store_url,
    ),
    Setting("HOOKLINE_HOST", "host", "127.0.0.1", "an address", "The address to listen on."),
    Setting(
        "HOOKLINE_GATEWAY_HOST",
        "gateway_host",
        None,
        "an address",
        "The address the gateway's own port listens on; by default as HOOKLINE_HOST.",
    ),
    Setting(
        "HOOKLINE_PORT",
        "port",
        None,
        _PORT_ALLOWED,
        "The port; by default 8080, and for services of their own 8080 engine, 8081 ingest, "
        "8082 console, 8083 verifier, 8084 matcher.",
        read.port,
    ),
    Setting(
        "HOOKLINE_GATEWAY_PORT",
        "gateway_port",
        "8081",
        _PORT_ALLOWED,
        "The port that serves the gateway alone: the one to expose to the internet.",
        read.port,
    ),
    Setting(
        "HOOKLINE_PUBLIC_URL",
        "public_url",
        None,
        "http://… or https://…",
        "How the internet reaches the gateway; webhook URLs are made from it.",
        read.http_url,
    ),
    Setting(
        "HOOKLINE_GATEWAY_URL",
        "gateway_url",
        None,
        "http://… or https://…",
        "How the engine reaches the gateway to send test events; by default its own port.",
        read.http_url,
    ),
    Setting(
        "HOOKLINE_API_URL",
        "api_url",
        "http://127.0.0.1:8080",
        "http://… or https://…",
        "Where a console of its own reaches the API.",
        read.http_url,
    ),
    Setting(
        "HOOKLINE_SEAL_KEY",
        "seal_key",
        "",
        "32 bytes in base64, or several ID:KEY separated by commas",
        "Keys that secrets are sealed with: the first seals, all open.",
        secret=True,
    ),
    Setting(
        "HOOKLINE_SEAL_KEY_FILE",
        "seal_key_file",
        "",
        "a file",
        "A file with the value of HOOKLINE_SEAL_KEY; made on the first start with the embedded "
        "store as `seal.key` in the data folder.",
    ),
    Setting(
        "HOOKLINE_SEAL_KEY_LOST",
        "seal_key_lost",
        "0",
        _FLAG_ALLOWED,
        "Start although stored secrets do not open with the keys that are given.",
        read.flag,
    ),
    Setting(
        "HOOKLINE_API_KEYS",
        "api_keys",
        "",
        "ID:SECRET, several separated by commas",
        "Keys of the API; without any it is open.",
        read.api_keys,
        secret=True,
    ),
    Setting(
        "HOOKLINE_API_HOSTS",
        "api_hosts",
        "",
        "host names separated by commas, * for any",
        "Names beyond the loopback ones under which the API may be called.",
        read.items,
    ),
    Setting(
        "HOOKLINE_API_OPEN",
        "api_open",
        "0",
        _FLAG_ALLOWED,
        "Serve the API beyond loopback although it has no keys.",
        read.flag,
    ),
    Setting(
        "HOOKLINE_TRUSTED_PROXIES",
        "trusted_proxies",
        "",
        "addresses or networks separated by commas",
        "Proxies whose X-Forwarded-For, -Proto and -Host are believed.",
        read.networks,
    ),
    Setting("HOOKLINE_TLS_CERT", "tls_cert", "", "a PEM file", "The gateway's certificate."),
    Setting("HOOKLINE_TLS_KEY", "tls_key", "", "a PEM file", "The key of that certificate."),
    Setting(
        "HOOKLINE_MAX_DISK",
        "max_disk_bytes",
        None,
        "a size such as 500MB or 20GB",
        "How large the embedded file may grow; then the gateway answers 503.",
        read.size_bytes,
    ),
    Setting(
        "HOOKLINE_EXECUTION_RETENTION",
        "execution_retention_days",
        "30",
        "days, 0 for ever",
        "How long an execution is kept after its end, with its inputs, outputs and logs.",
        read.days,
    ),
    Setting(
        "HOOKLINE_BODY_MEMORY",
        "body_memory_bytes",
        "256MB",
        "a size such as 256MB",
        "How many bytes of request bodies the gateway holds; then it answers 503.",
        read.size_bytes,
    ),
    Setting(
        "HOOKLINE_ACCEPT_TIMEOUT",
        "accept_timeout_seconds",
        "5",
        "seconds, at most 3600",
        "How long the gateway waits for the log before it answers 503.",
        read.seconds,
    ),
    Setting(
        "HOOKLINE_SESSION_TIMEOUT",
        "session_timeout_seconds",
        "10",
        "seconds, at most 3600",
        "After how long without a sign of life Kafka gives a consumer's partitions to others.",
        read.seconds,
    ),
    Setting(
        "HOOKLINE_HTTP_PRIVATE",
        "http_private",
        "1",
        _FLAG_ALLOWED,
        "Whether HTTP tasks may reach private address ranges.",
        read.flag,
    ),
    Setting(
        "HOOKLINE_LOG_LEVEL",
        "log_level",
        "info",
        ", ".join(LEVELS),
        "The least important log lines that are shown.",
        read.log_level,
    ),
)
