"""The settings of a process: environment variables, checked, in one frozen struct."""

import ipaddress
from collections.abc import Mapping
from typing import Any

import msgspec

from hookline_common.errors import Misconfigured
from hookline_common.setting_table import TABLE, Setting
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
    "serving_at",
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
    api_url: str
    seal_key: str
    seal_key_file: str
    seal_key_lost: bool
    api_keys: tuple[ApiKey, ...]
    api_hosts: tuple[str, ...]
    api_open: bool
    trusted_proxies: tuple[Network, ...]
    tls_cert: str
    tls_key: str
    max_disk_bytes: int | None
    execution_retention_days: int
    body_memory_bytes: int
    accept_timeout_seconds: float
    session_timeout_seconds: float
    http_private: bool
    log_level: str

    def __repr__(self) -> str:
        return f"Settings(log={self.log!r}, store={self.store!r}, data={self.data!r})"


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
    gateway = _assumed_address(values["tls_cert"], values["gateway_port"])
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


def _assumed_address(tls_cert: str, gateway_port: int) -> str:
    return f"{'https' if tls_cert else 'http'}://127.0.0.1:{gateway_port}"


def serving_at(settings: Settings, *, gateway: str, inside: str) -> Settings:
    """The settings with real addresses where nobody has chosen one.

    `gateway` is the URL of the gateway's own port (a free one may have been taken), `inside` that
    of a port of this process that serves the gateway without TLS: a certificate for the public
    name does not fit 127.0.0.1.
    """
    assumed = _assumed_address(settings.tls_cert, settings.gateway_port)
    return msgspec.structs.replace(
        settings,
        public_url=gateway if settings.public_url == assumed else settings.public_url,
        gateway_url=inside if settings.gateway_url == assumed else settings.gateway_url,
    )


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
