"""The headers of an event as workflows get them."""

from collections.abc import Iterable

from hookline_common.redaction import is_secret


def public(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers without the secret ones, repeated ones joined as RFC 9110 section 5.2 does."""
    found: dict[str, str] = {}
    for name, value in headers:
        if not is_secret(name):
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found
