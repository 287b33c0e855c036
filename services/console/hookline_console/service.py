"""The console as a service: its pages over the API at an address, and nothing to start."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from hookline_common.clock import Clock, SystemClock
from hookline_console.api import Api, api_client
from hookline_console.assets import Assets
from hookline_console.pages import Site
from hookline_console.rendering import renderer
from hookline_console.shell_facts import Shell
from hookline_console.views import all_routes


class ConsoleService:
    """Serves the pages. It holds no state but connections to the API."""

    name = "console"

    def __init__(self, api_url: str, clock: Clock | None = None) -> None:
        """`api_url` is the address of the API without `/api`."""
        clock = clock or SystemClock()
        assets = Assets()
        self._http = api_client()
        site = Site(
            api=Api(self._http, api_url),
            render=renderer(assets, clock),
            shell=Shell(clock),
            clock=clock,
            assets=assets,
        )
        self.routes: Sequence[BaseRoute] = [assets.route(), *all_routes(site)]

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Close the connections to the API."""
        await self._http.aclose()

    async def problems(self) -> Sequence[str]:
        """Ready as soon as it serves: a page says it when the API does not answer."""
        return ()
