"""`hookline up`: every service in one process, on one log and one store."""

import contextlib
from collections.abc import Sequence

import click
import msgspec

import hookline_engine.service
import hookline_ingest.service
import hookline_matcher.service
import hookline_verifier.service
from hookline_cli.next_steps import next_commands
from hookline_cli.setting_options import setting_options
from hookline_common.running import (
    Build,
    Parts,
    Service,
    Surface,
    app_for,
    open_parts,
    run_process,
    serve,
    stop_on_signals,
)
from hookline_common.seal_keys import key_file_in
from hookline_common.serving import Door, Listener
from hookline_common.setting_values import without_password
from hookline_common.settings import Settings, check_api_exposure, serving_at
from hookline_console.service import ConsoleService

DEFAULT_PORT = 8080

SERVICES: tuple[Build, ...] = (
    hookline_ingest.service.build,
    hookline_verifier.service.build,
    hookline_matcher.service.build,
    hookline_engine.service.build,
)
"""In the order an event travels, which is also the order in which they drain."""


@click.command()
@setting_options
def up(**options: object) -> None:
    """Run Hookline: all services in this process. Ctrl-C drains and stops.

    Everything can also be set by environment variables; HOOKLINE_LOG=kafka://… and
    HOOKLINE_STORE=mongodb://… take the place of the embedded log and store.
    """
    run_process("hookline", lambda settings: run_all(settings, SERVICES), **options)


async def run_all(settings: Settings, builds: Sequence[Build]) -> None:
    """Serve what `builds` make until the process is told to end."""
    check_api_exposure(settings)
    with contextlib.ExitStack() as sockets:
        port = DEFAULT_PORT if settings.port is None else settings.port
        main = Listener.bind(settings.host, port, "HOOKLINE_PORT or --port")
        sockets.callback(main.socket.close)
        gateway = Listener.bind(
            settings.gateway_host,
            settings.gateway_port,
            "HOOKLINE_GATEWAY_PORT or --gateway-port",
            settings.tls_cert,
            settings.tls_key,
        )
        sockets.callback(gateway.socket.close)
        found = serving_at(settings, gateway=_here(gateway), inside=_here(main))
        bound = msgspec.structs.replace(
            found,
            port=main.port,
            gateway_port=gateway.port,
            seal_key_file=found.seal_key_file or _own_key(found),
        )
        async with open_parts(bound) as parts:
            stop_on_signals(parts.shutdown)
            await _serve(parts, [build(parts) for build in builds], main, gateway)


def _own_key(settings: Settings) -> str:
    """One process holds all services here, so a key of its own will do on a shared store too."""
    return "" if settings.seal_key else str(key_file_in(settings.data))


def _here(listener: Listener) -> str:
    """The address under which this machine reaches what listens."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is compared, not bound
    host = loopback.get(listener.host, listener.host)
    return msgspec.structs.replace(listener, host=host).address


async def _serve(
    parts: Parts, services: Sequence[Service], main: Listener, gateway: Listener
) -> None:
    console = ConsoleService(_here(main), parts.clock)
    outside = [service for service in services if service.name == "ingest"]
    doors = [
        Door(app_for(parts, [*services, console], Surface.API), main),
        Door(app_for(parts, outside, Surface.GATEWAY), gateway),
    ]
    try:
        await serve(parts, services, doors, lambda: _announce(parts.settings, main, gateway))
    finally:
        await console.stop()


def _announce(settings: Settings, main: Listener, gateway: Listener) -> None:
    api, webhooks = _here(main), _here(gateway)
    lines = (
        "",
        f"  Hookline is running on {api}",
        f"    console    {api}",
        f"    API        {api}/api  (Conductor REST; SDKs: CONDUCTOR_SERVER_URL)",
        f"    gateway    {webhooks}/webhook/ID  (the port to expose)",
        f"    log        {settings.log}",
        f"    store      {without_password(settings.store)}",
        f"    seal key   {settings.seal_key_file or 'from HOOKLINE_SEAL_KEY'}  (keep a copy)",
        "",
        "  Next, in another shell:",
        *(f"    {command}" for command in next_commands(api)),
        "",
        "  Ctrl-C stops it in order.",
        "",
    )
    click.echo("\n".join(lines), err=True)
