"""Runs the console as a process of its own, beside an API that runs elsewhere."""

import asyncio

from hookline_common.running import Shutdown, app_without_store, run_process, stop_on_signals
from hookline_common.serving import Door, Listener, open_door
from hookline_common.settings import Settings, check_api_exposure
from hookline_console.service import ConsoleService

DEFAULT_PORT = 8082


def main() -> None:
    """Serve the pages until told to stop."""
    run_process("console", _serve)


async def _serve(settings: Settings) -> None:
    check_api_exposure(settings)
    port = DEFAULT_PORT if settings.port is None else settings.port
    listener = Listener.bind(settings.host, port, "HOOKLINE_PORT")
    console, shutdown = ConsoleService(settings.api_url), Shutdown()
    stop_on_signals(shutdown)
    door = await open_door(Door(app_without_store(settings, [console]), listener), shutdown.request)
    await shutdown.wait()
    await asyncio.gather(door.close(), console.stop())
    if shutdown.reason is not None:
        raise shutdown.reason


if __name__ == "__main__":
    main()
