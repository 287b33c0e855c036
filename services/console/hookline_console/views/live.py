"""`/live`: the API's stream of changes, passed on to the browser."""

from collections.abc import AsyncGenerator, Sequence

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from hookline_common.errors import HooklineError
from hookline_console.pages import HEADERS, Page, Site, read


def routes(site: Site) -> Sequence[BaseRoute]:
    """`/live?topics=…`."""
    return [read(site, "/live", live)]


async def live(page: Page) -> Response:
    """Server-sent events of the kinds in `topics`; refused as the API refuses it."""
    stream = page.api.stream("/stream", topics=page.query("topics"))
    answer = await stream.__aenter__()

    async def passed_on() -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in answer.aiter_raw():
                yield chunk
        except HooklineError:
            return
        finally:
            await stream.__aexit__(None, None, None)

    return StreamingResponse(passed_on(), media_type="text/event-stream", headers=dict(HEADERS))
