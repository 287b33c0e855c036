"""The options of `hookline up` that win over the environment, by the fields of Settings."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--port", type=int, help="The API and the pages (default 8080)."),
    click.option(
        "--gateway-port", type=int, help="The gateway alone, for the internet (default 8081)."
    ),
    click.option("--host", help="The address to listen on (default 127.0.0.1)."),
    click.option("--data", help="The folder of the embedded log and store (default .hookline)."),
    click.option("--public-url", help="How the internet reaches the gateway."),
    click.option("--tls-cert", help="A certificate (PEM): the gateway's port then speaks HTTPS."),
    click.option("--tls-key", help="The key of the certificate (PEM)."),
)


def setting_options(function: F) -> F:
    """Adds the options, in their order; each that is not given is passed as None."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def option_of(field: str) -> str:
    """The name of the option that sets a field."""
    return f"--{field.replace('_', '-')}"
