"""The settings of a process: environment variables, checked, in one frozen struct."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hookline_common import setting_values as read
from hookline_common.errors import Misconfigured
from hookline_common.logs import LEVELS
from hookline_common.setting_values import ApiKey, Network

__all__ = [
    "TABLE",
    "ApiKey",
    "Network",
    "Setting",
    "Settings",
    "check_api_exposure",
    "is_loopback",
    "load_settings",
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says; the table TABLE explains each field.

    `log` and `store` are complete URLs here; `port` None means the service's own default.
    """

    data: str
    log: str
    store: str
    host: str
    gateway_host: str
    port: int | None
    gateway_port: int
    public_url: str
    gateway_url: str
    seal_key: str
    seal_key_file: str
    api_keys: tuple[ApiKey, ...]
    api_hosts: tuple[str, ...]
    api_open: bool
    trusted_proxies: tuple[Network, ...]
    tls_cert: str
    tls_key: str
    max_disk_bytes: int | None
    body_memory_bytes: int
    accept_timeout_seconds: float
    http_private: bool
    log_level: str

    def __repr__(self) -> str:
        return f"Settings(log={self.log!r}, store={self.store!r}, data={self.data!r})"


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


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """The settings in `environ`; an override (by field name, None = none) wins over it.

    An empty variable counts as absent. Raises Misconfigured, which names the variable, the value
    and what is allowed.
    """
    unknown = overrides.keys() - {setting.field for setting in TABLE}
    if unknown:
        raise TypeError(f"there are no settings {sorted(unknown)}")
    values = {setting.field: _value(setting, environ, overrides) for setting in TABLE}
    return Settings(**_complete(values))


def _value(setting: Setting, environ: Mapping[str, str], overrides: Mapping[str, object]) -> Any:
    given = overrides.get(setting.field)
    if given is not None and not isinstance(given, str | int | float):
        return given
    text = str(int(given) if isinstance(given, bool) else given) if given is not None else ""
    text = text or environ.get(setting.variable, "").strip() or (setting.default or "")
    if not text and setting.default is None:
        return None
    try:
        return setting.parse(text)
    except ValueError as error:
        shown = "(not shown)" if setting.secret else repr(text)
        raise Misconfigured(
            f"{setting.variable} is {shown}; allowed is: {setting.allowed}."
        ) from error


def _complete(values: dict[str, Any]) -> dict[str, Any]:
    """Fill in the defaults that follow from other settings."""
    file = f"sqlite:{values['data']}/hookline.db"
    scheme = "https" if values["tls_cert"] else "http"
    gateway = f"{scheme}://127.0.0.1:{values['gateway_port']}"
    derived = {
        "log": file,
        "store": values["store"] or _same_file(values["log"]) or file,
        "gateway_host": values["host"],
        "public_url": gateway,
        "gateway_url": gateway,
    }
    for field, value in derived.items():
        values[field] = values[field] or value
    if bool(values["tls_cert"]) != bool(values["tls_key"]):
        raise Misconfigured("HOOKLINE_TLS_CERT and HOOKLINE_TLS_KEY go together; one is missing.")
    return values


def _same_file(log: str | None) -> str | None:
    return log if log and log.startswith("sqlite:") else None


def check_api_exposure(settings: Settings) -> None:
    """Raises Misconfigured where the API would be open to others (protocols.md H1)."""
    if settings.api_keys or settings.api_open or is_loopback(settings.host):
        return
    raise Misconfigured(
        f"HOOKLINE_HOST is {settings.host!r}, which others can reach, and the API has no keys: "
        "set HOOKLINE_API_KEYS=ID:SECRET, or HOOKLINE_API_OPEN=1 if that is meant."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
