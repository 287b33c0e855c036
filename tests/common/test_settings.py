"""Settings: defaults, overrides, errors that say which variable, what value, what is allowed."""

import ipaddress

import pytest

from hookline_common.errors import Misconfigured
from hookline_common.settings import (
    TABLE,
    ApiKey,
    Settings,
    check_api_exposure,
    load_settings,
    serving_at,
)


def test_the_defaults_are_the_embedded_system() -> None:
    settings = load_settings({})
    assert settings.log == settings.store == "sqlite:.hookline/hookline.db"
    assert (settings.host, settings.port, settings.gateway_port) == ("127.0.0.1", None, 8081)
    assert settings.public_url == settings.gateway_url == "http://127.0.0.1:8081"
    assert settings.body_memory_bytes == 256 * 1024 * 1024
    assert settings.accept_timeout_seconds == 5


def test_the_table_has_each_field_once() -> None:
    assert sorted(setting.field for setting in TABLE) == sorted(Settings.__struct_fields__)
    assert len({setting.variable for setting in TABLE}) == len(TABLE)
    assert all(setting.says.endswith(".") and setting.allowed for setting in TABLE)


def test_log_and_store_share_a_file_by_default() -> None:
    assert load_settings({"HOOKLINE_DATA": "/d"}).store == "sqlite:/d/hookline.db"
    assert load_settings({"HOOKLINE_LOG": "sqlite:/x.db"}).store == "sqlite:/x.db"
    kafka = load_settings({"HOOKLINE_LOG": "kafka://k:9092"})
    assert kafka.store == "sqlite:.hookline/hookline.db"


def test_an_override_wins_and_an_empty_variable_is_absent() -> None:
    environ = {"HOOKLINE_PORT": "9000", "HOOKLINE_HOST": ""}
    assert load_settings(environ).port == 9000
    assert load_settings(environ, port=0).port == 0
    assert load_settings(environ, port=None).port == 9000
    assert load_settings(environ, port="7").port == 7
    assert load_settings(environ).host == "127.0.0.1"
    assert load_settings({}, api_open=True).api_open is True
    with pytest.raises(TypeError):
        load_settings({}, prot=1)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOOKLINE_PORT", "http"),
        ("HOOKLINE_PORT", "70000"),
        ("HOOKLINE_LOG", "postgres://x"),
        ("HOOKLINE_LOG", "kafka://"),
        ("HOOKLINE_STORE", "kafka://x"),
        ("HOOKLINE_API_OPEN", "maybe"),
        ("HOOKLINE_TRUSTED_PROXIES", "10.0.0.0/40"),
        ("HOOKLINE_MAX_DISK", "-1"),
        ("HOOKLINE_MAX_DISK", "lots"),
        ("HOOKLINE_ACCEPT_TIMEOUT", "0"),
        ("HOOKLINE_ACCEPT_TIMEOUT", "nan"),
        ("HOOKLINE_PUBLIC_URL", "hooks.example.com"),
        ("HOOKLINE_LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_value_is_refused_with_all_that_is_needed(variable: str, value: str) -> None:
    allowed = next(setting.allowed for setting in TABLE if setting.variable == variable)
    with pytest.raises(Misconfigured) as refused:
        load_settings({variable: value})
    for part in (variable, repr(value), allowed):
        assert part in str(refused.value)


def test_secrets_are_never_shown() -> None:
    with pytest.raises(Misconfigured) as refused:
        load_settings({"HOOKLINE_API_KEYS": "id-without-secret-hunter2"})
    assert "hunter2" not in str(refused.value)
    settings = load_settings({"HOOKLINE_API_KEYS": "a:hunter2", "HOOKLINE_SEAL_KEY": "hunter3"})
    assert "hunter" not in repr(settings) + repr(settings.api_keys)
    assert settings.api_keys == (ApiKey("a", "hunter2"),)


def test_lists_and_sizes_are_read() -> None:
    settings = load_settings(
        {
            "HOOKLINE_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "HOOKLINE_API_HOSTS": "a.example, b.example",
            "HOOKLINE_MAX_DISK": "20GB",
            "HOOKLINE_BODY_MEMORY": "1 KiB",
        }
    )
    assert settings.trusted_proxies == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("::1"),
    )
    assert settings.api_hosts == ("a.example", "b.example")
    assert settings.max_disk_bytes == 20 * 1024**3
    assert settings.body_memory_bytes == 1024


def test_certificate_and_key_go_together() -> None:
    with pytest.raises(Misconfigured, match="HOOKLINE_TLS_KEY"):
        load_settings({"HOOKLINE_TLS_CERT": "c.pem"})
    both = load_settings({"HOOKLINE_TLS_CERT": "c.pem", "HOOKLINE_TLS_KEY": "k.pem"})
    assert both.gateway_url == "https://127.0.0.1:8081"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "hookline.example"])
def test_an_open_api_beyond_loopback_must_be_meant(host: str) -> None:
    with pytest.raises(Misconfigured, match="HOOKLINE_API_KEYS"):
        check_api_exposure(load_settings({"HOOKLINE_HOST": host}))
    check_api_exposure(load_settings({"HOOKLINE_HOST": host, "HOOKLINE_API_OPEN": "1"}))
    check_api_exposure(load_settings({"HOOKLINE_HOST": host, "HOOKLINE_API_KEYS": "a:b"}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_may_be_open(host: str) -> None:
    check_api_exposure(load_settings({"HOOKLINE_HOST": host}))


def test_addresses_that_nobody_chose_are_those_that_were_bound() -> None:
    bound = {"gateway": "https://127.0.0.1:40001", "inside": "http://127.0.0.1:40000"}
    tls = {"HOOKLINE_TLS_CERT": "c", "HOOKLINE_TLS_KEY": "k", "HOOKLINE_GATEWAY_PORT": "0"}
    found = serving_at(load_settings(tls), **bound)
    assert (found.public_url, found.gateway_url) == (bound["gateway"], bound["inside"])
    chosen = {**tls, "HOOKLINE_PUBLIC_URL": "https://h.example/"}
    chosen["HOOKLINE_GATEWAY_URL"] = "http://gateway:8081"
    found = serving_at(load_settings(chosen), **bound)
    assert (found.public_url, found.gateway_url) == ("https://h.example", "http://gateway:8081")
