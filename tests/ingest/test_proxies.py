"""Forwarding headers are believed only from proxies that are trusted."""

import ipaddress

import pytest

from hookline_ingest.proxies import Sender, TrustedProxies

TRUSTED = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1")]
FORWARDED = (
    ("host", "inner:8081"),
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "hooks.example.com"),
)
AS_SENT = Sender("203.0.113.9", "https", "hooks.example.com")


def test_headers_of_a_stranger_are_not_believed() -> None:
    found = TrustedProxies(TRUSTED).sender("203.0.113.66", "http", FORWARDED)
    assert found == Sender("203.0.113.66", "http", "inner:8081")


def test_without_trusted_proxies_nothing_is_believed() -> None:
    found = TrustedProxies([]).sender("10.0.0.1", "http", FORWARDED)
    assert found == Sender("10.0.0.1", "http", "inner:8081")


@pytest.mark.parametrize("peer", ["10.1.2.3", "::1", "::ffff:10.1.2.3"])
def test_headers_of_a_trusted_proxy_say_what_the_sender_saw(peer: str) -> None:
    assert TrustedProxies(TRUSTED).sender(peer, "http", FORWARDED) == AS_SENT


def test_what_the_sender_itself_put_in_front_is_not_believed() -> None:
    """Accident prevented: a sender forges its address by sending X-Forwarded-For itself."""
    forged = (
        ("host", "inner"),
        ("x-forwarded-for", "127.0.0.1, 10.9.9.9, 203.0.113.9"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example, hooks.example.com"),
    )
    assert TrustedProxies(TRUSTED).sender("10.0.0.1", "http", forged) == AS_SENT


def test_a_chain_of_trusted_proxies_is_followed_to_its_end() -> None:
    chain = (
        ("host", "inner"),
        ("x-forwarded-for", "203.0.113.9, 10.0.0.2"),
        ("x-forwarded-proto", "https, http"),
        ("x-forwarded-host", "hooks.example.com, middle"),
    )
    assert TrustedProxies(TRUSTED).sender("10.0.0.1", "http", chain) == AS_SENT


def test_a_proxy_that_says_nothing_changes_nothing() -> None:
    found = TrustedProxies(TRUSTED).sender("10.0.0.1", "http", (("host", "inner"),))
    assert found == Sender("10.0.0.1", "http", "inner")


def test_nonsense_in_the_list_of_addresses_is_no_trusted_proxy() -> None:
    headers = (("host", "inner"), ("x-forwarded-for", "203.0.113.9, unknown"))
    found = TrustedProxies(TRUSTED).sender("10.0.0.1", "http", headers)
    assert found.address == "unknown"
