"""The page on `/` until the console is there: what runs, and what to try next."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from hookline_cli.client import DEFAULT_URL

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hookline</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; }}
body {{ max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }}
code {{ font: 14px/1.5 ui-monospace, monospace; }}
pre {{ overflow-x: auto; padding: .75rem 1rem; border: 1px solid; border-radius: .5rem; }}
</style>
</head>
<body>
<h1>Hookline is running</h1>
<p>The gateway for webhooks is <code>{gateway}/webhook/ID</code>; the Conductor REST API is
<code>/api</code> on this port.</p>
<h2>Try it</h2>
<p>Register a workflow that waits for an approving review, start it, and send the event:</p>
<pre><code>{commands}</code></pre>
<h2>Look at it</h2>
<ul>
<li><a href="/api/metadata/webhook">webhooks</a></li>
<li><a href="/api/webhook-events">events</a></li>
<li><a href="/api/workflow/search">executions</a></li>
<li><a href="/api/metadata/webhook-platforms">platforms</a></li>
<li><a href="/readyz">readiness</a> and <a href="/metrics">metrics</a></li>
</ul>
</body>
</html>
"""

_NEXT_COMMANDS = (
    "hookline samples apply wait_for_review",
    "hookline run wait_for_review --input number=42",
    "hookline send github-demo pull_request_review --set pull_request.number=42",
)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def next_commands(api: str) -> tuple[str, ...]:
    """What to type next; where the commands would not find this system, how they do."""
    if api == DEFAULT_URL:
        return _NEXT_COMMANDS
    return (f"export HOOKLINE_URL={api}", *_NEXT_COMMANDS)


def landing_route(api: str, gateway: str) -> Route:
    """The route of the page; `api` and `gateway` are the addresses of this system."""
    page = _PAGE.format(gateway=escape(gateway), commands=escape("\n".join(next_commands(api))))

    async def landing(request: Request) -> HTMLResponse:
        del request
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    return Route("/", landing, methods=["GET"])
