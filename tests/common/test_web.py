"""The HTTP app factory: routing, errors as JSON, health, the API's guard, keys, body limits."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from hookline_common.errors import (
    BadRequest,
    Conflict,
    LogUnavailable,
    NotFound,
    TooManyRequests,
)
from hookline_common.web import (
    API_BODY_LIMIT,
    ApiKeys,
    HostGuard,
    WebApp,
    caller,
    create_app,
    empty_answer,
    json_answer,
    text_answer,
)


class HandMovedClock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms


async def no_problems() -> Sequence[str]:
    return ()


async def echo(request: Request) -> Response:
    return json_answer({"params": dict(request.path_params), "caller": caller(request)})


async def swallow(request: Request) -> Response:
    return json_answer({"size": len(await request.body())})


def raising(error: Exception) -> Any:
    async def endpoint(_: Request) -> Response:
        raise error

    return endpoint


class Gateway:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await text_answer(scope["path_params"]["id"])(scope, receive, send)


ROUTES: list[BaseRoute] = [
    Route("/webhook/{id}", Gateway()),
    Route("/api/webhook/{id}", Gateway()),
    Route("/api/workflow/search", echo),
    Route("/api/workflow/{name}", echo, methods=["GET", "POST"]),
    Route("/api/workflow/{name}/tags", swallow, methods=["DELETE"]),
    Route("/api/workflow/{name}/{version}", echo, methods=["DELETE"]),
    Route("/api/files/{path:path}", echo),
    Route("/api/body", swallow, methods=["POST"]),
    Route("/page", echo),
]


def app(routes: Sequence[BaseRoute] = (), **options: Any) -> WebApp:
    return create_app([*ROUTES, *routes], **{"problems": no_problems, **options})


def client(served: WebApp | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(served or app())
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


class TestRouting:
    @pytest.mark.parametrize(
        ("method", "path", "params"),
        [
            ("GET", "/api/workflow/order", {"name": "order"}),
            ("GET", "/api/workflow/a%2Fb", {"name": "a/b"}),
            ("GET", "/api/workflow/a%252Fb", {"name": "a%2Fb"}),
            ("GET", "/api/workflow/two%20words", {"name": "two words"}),
            ("GET", "/api/workflow/%C3%A9", {"name": "é"}),
            ("GET", "/api/workflow/a:b", {"name": "a:b"}),
            ("GET", "/api/workflow/search", {}),
            ("POST", "/api/workflow/search", {"name": "search"}),
            ("DELETE", "/api/workflow/x/3", {"name": "x", "version": "3"}),
            ("GET", "/api/files/a/b/c", {"path": "a/b/c"}),
        ],
    )
    async def test_a_path_value_is_decoded_once_and_literal_paths_win(
        self, method: str, path: str, params: dict[str, str]
    ) -> None:
        async with client() as http:
            answer = await http.request(method, path)
        assert answer.status_code == 200
        assert answer.json()["params"] == params

    async def test_the_more_literal_template_serves_its_method(self) -> None:
        async with client() as http:
            answer = await http.request("DELETE", "/api/workflow/x/tags", content=b"[]")
        assert answer.json() == {"size": 2}

    @pytest.mark.parametrize(
        "path", ["/api/nothing", "/", "/api/workflow/a/b/c", "/api/workflow/", "/api/prompts"]
    )
    async def test_an_unknown_path_is_404_in_json(self, path: str) -> None:
        async with client() as http:
            answer = await http.get(path)
        assert answer.status_code == 404
        assert answer.json()["status"] == 404
        assert answer.json()["code"] == "path_not_found"
        assert answer.json()["retryable"] is False

    async def test_a_wrong_method_is_405_with_the_methods_that_are_allowed(self) -> None:
        async with client() as http:
            answer = await http.put("/api/workflow/order")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, POST"
        assert answer.json()["code"] == "method_not_allowed"

    async def test_a_path_that_is_not_utf8_is_400(self) -> None:
        async with client() as http:
            answer = await http.get("/api/workflow/%ff")
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_path"

    def test_two_routes_for_one_path_are_refused_at_the_start(self) -> None:
        with pytest.raises(ValueError, match="two routes"):
            app([Route("/api/workflow/{other}", echo)])


class TestErrors:
    async def test_an_api_error_carries_code_field_violations_and_metadata(self) -> None:
        error = BadRequest(
            "no", code="bad_name", field="/name", violations=[{"path": "a"}], metadata={"x": 1}
        )
        async with client(app([Route("/api/e", raising(error))])) as http:
            answer = await http.get("/api/e")
        body = answer.json()
        assert answer.status_code == 400
        assert body.pop("instance")
        assert body == {
            "status": 400,
            "code": "bad_name",
            "message": "no",
            "retryable": False,
            "field": "/name",
            "validationErrors": [{"path": "a"}],
            "metadata": {"x": 1},
        }

    @pytest.mark.parametrize(("error", "status"), [(NotFound(), 404), (Conflict(), 409)])
    async def test_the_status_follows_the_type(self, error: Exception, status: int) -> None:
        async with client(app([Route("/api/e", raising(error))])) as http:
            assert (await http.get("/api/e")).status_code == status

    async def test_a_fault_that_may_pass_is_503_with_retry_after(self) -> None:
        async with client(app([Route("/api/e", raising(LogUnavailable()))])) as http:
            answer = await http.get("/api/e")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["retryable"] is True

    async def test_retry_after_of_an_error_is_a_header(self) -> None:
        error = TooManyRequests(retry_after_seconds=7)
        async with client(app([Route("/api/e", raising(error))])) as http:
            answer = await http.get("/api/e")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")

    async def test_an_unexpected_error_is_500_and_names_its_log_line_only(self) -> None:
        failing = Route("/api/e", raising(RuntimeError("secret detail")))
        with capture_logs() as lines:
            async with client(app([failing])) as http:
                answer = await http.get("/api/e")
        assert answer.status_code == 500
        assert "secret detail" not in answer.text
        error_id = answer.json()["message"].split()[-1].rstrip(".")
        assert any(error_id in line.values() for line in lines)

    async def test_an_empty_answer_has_no_content_type(self) -> None:
        async def endpoint(_: Request) -> Response:
            return empty_answer()

        async with client(app([Route("/api/e", endpoint)])) as http:
            answer = await http.get("/api/e")
        assert (answer.status_code, answer.content) == (200, b"")
        assert "content-type" not in answer.headers


class TestHealth:
    async def test_ready_lists_what_is_not(self) -> None:
        problems = ["the log cannot be reached"]

        async def found() -> Sequence[str]:
            return problems

        async with client(app(problems=found)) as http:
            first = await http.get("/readyz")
            problems.clear()
            second = await http.get("/readyz")
            live = await http.get("/livez")
        assert (first.status_code, second.status_code, live.status_code) == (503, 200, 200)
        assert first.json() == {"ready": False, "problems": ["the log cannot be reached"]}

    async def test_metrics_show_the_registry(self) -> None:
        registry = CollectorRegistry()
        Counter("hookline_things", "Things.", registry=registry).inc()
        async with client(app(registry=registry)) as http:
            answer = await http.get("/metrics")
        assert "hookline_things_total 1.0" in answer.text

    async def test_probes_are_served_under_any_host(self) -> None:
        async with client() as http:
            answer = await http.get("/readyz", headers={"Host": "10.1.2.3:8080"})
        assert answer.status_code == 200


class TestGuard:
    @pytest.mark.parametrize(
        "host",
        ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.2:1", "[::1]:8080", "LOCALHOST"],
    )
    async def test_loopback_names_are_served(self, host: str) -> None:
        async with client() as http:
            answer = await http.get("/api/workflow/a", headers={"Host": host})
        assert answer.status_code == 200

    @pytest.mark.parametrize("path", ["/api/workflow/a", "/page"])
    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", ""])
    async def test_another_host_is_421(self, host: str, path: str) -> None:
        async with client() as http:
            answer = await http.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert answer.json()["code"] == "misdirected"

    async def test_hosts_of_the_operator_are_served(self) -> None:
        async with client(app(guard=HostGuard(["api.example"]))) as http:
            own = await http.get("/api/workflow/a", headers={"Host": "api.example:443"})
            other = await http.get("/api/workflow/a", headers={"Host": "b.example"})
        assert (own.status_code, other.status_code) == (200, 421)

    async def test_a_second_host_header_is_421(self) -> None:
        scope_headers = [(b"host", b"localhost"), (b"host", b"evil.example")]
        sent = await _raw_request(app(), "/api/workflow/a", scope_headers)
        assert sent[0]["status"] == 421

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9999"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        ],
    )
    async def test_a_foreign_origin_is_403(self, headers: dict[str, str]) -> None:
        async with client() as http:
            answer = await http.post("/api/workflow/a", headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "foreign_origin"
        assert "access-control-allow-origin" not in answer.headers

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://127.0.0.1:8080"},
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
        ],
    )
    async def test_the_own_origin_is_served(self, headers: dict[str, str]) -> None:
        async with client() as http:
            answer = await http.post("/api/workflow/a", headers=headers)
        assert answer.status_code == 200

    async def test_a_link_from_elsewhere_opens_a_page_but_not_the_api(self) -> None:
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        async with client() as http:
            page = await http.get("/page", headers=headers)
            api = await http.get("/api/workflow/a", headers=headers)
        assert (page.status_code, api.status_code) == (200, 403)

    @pytest.mark.parametrize("path", ["/webhook/w1", "/api/webhook/w1"])
    async def test_the_gateway_is_open_to_every_host(self, path: str) -> None:
        headers = {"Host": "hooks.example", "Origin": "https://github.com"}
        async with client(app(keys=ApiKeys({"k": "s"}))) as http:
            answer = await http.post(path, headers=headers)
        assert (answer.status_code, answer.text) == (200, "w1")


class TestKeys:
    async def test_without_keys_there_is_no_token_endpoint_and_tokens_are_ignored(self) -> None:
        async with client() as http:
            token = await http.post("/api/token", json={"keyId": "a", "keySecret": "b"})
            answer = await http.get("/api/workflow/a", headers={"X-Authorization": "whatever"})
        assert (token.status_code, answer.status_code) == (404, 200)

    async def test_a_token_opens_the_api_and_names_the_caller(self) -> None:
        async with client(app(keys=ApiKeys({"ann": "s3cret"}))) as http:
            body = {"keyId": "ann", "keySecret": "s3cret"}
            token = (await http.post("/api/token", json=body)).json()["token"]
            headers = {"X-Authorization": token}
            answer = await http.get("/api/workflow/a", headers=headers)
            info = await http.get("/api/token/userInfo", headers=headers)
        assert answer.json()["caller"] == "ann"
        assert info.json()["id"] == "ann"

    @pytest.mark.parametrize(
        "body",
        [b'{"keyId":"ann","keySecret":"no"}', b'{"keyId":"bob","keySecret":""}', b"{}", b"["],
    )
    async def test_wrong_credentials_give_no_token(self, body: bytes) -> None:
        async with client(app(keys=ApiKeys({"ann": "s3cret"}))) as http:
            answer = await http.post("/api/token", content=body)
        assert (answer.status_code, answer.json()["error"]) == (401, "INVALID_TOKEN")

    @pytest.mark.parametrize("token", [None, "", "x", "a.b", "é.b", "e30.e30", "a.b.c"])
    async def test_a_bad_token_is_401_as_the_sdk_wants_it(self, token: str | None) -> None:
        headers = {} if token is None else {"X-Authorization": token.encode("latin-1")}
        async with client(app(keys=ApiKeys({"ann": "s3cret"}))) as http:
            answer = await http.get("/api/workflow/a", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "INVALID_TOKEN")

    async def test_an_expired_token_says_so(self) -> None:
        clock = HandMovedClock()
        keys = ApiKeys({"ann": "s3cret"}, clock)
        token = keys.issue("ann", "s3cret")
        clock.ms += 60 * 60 * 1000
        async with client(app(keys=keys)) as http:
            answer = await http.get("/api/workflow/a", headers={"X-Authorization": token})
        assert (answer.status_code, answer.json()["error"]) == (401, "EXPIRED_TOKEN")

    async def test_a_token_dies_with_its_key_and_with_a_changed_secret(self) -> None:
        token = ApiKeys({"ann": "s3cret"}).issue("ann", "s3cret")
        for secrets in ({"ann": "new"}, {"bob": "s3cret"}):
            async with client(app(keys=ApiKeys(secrets))) as http:
                answer = await http.get("/api/workflow/a", headers={"X-Authorization": token})
            assert answer.status_code == 401

    async def test_what_is_not_served_is_404_before_authentication(self) -> None:
        async with client(app(keys=ApiKeys({"ann": "s3cret"}))) as http:
            assert (await http.get("/api/prompts")).status_code == 404

    async def test_pages_outside_the_api_need_no_token(self) -> None:
        async with client(app(keys=ApiKeys({"ann": "s3cret"}))) as http:
            assert (await http.get("/page")).status_code == 200


class TestBodies:
    async def test_a_body_up_to_the_limit_is_taken(self) -> None:
        async with client() as http:
            answer = await http.post("/api/body", content=b"x" * API_BODY_LIMIT)
        assert answer.json() == {"size": API_BODY_LIMIT}

    async def test_a_declared_body_over_the_limit_is_413(self) -> None:
        async with client() as http:
            answer = await http.post("/api/body", content=b"x" * (API_BODY_LIMIT + 1))
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"

    async def test_a_streamed_body_over_the_limit_is_413_whatever_it_claims(self) -> None:
        async def chunks() -> Any:
            for _ in range(17):
                yield b"x" * 1024 * 1024

        async with client() as http:
            answer = await http.post("/api/body", content=chunks())
        assert answer.status_code == 413


async def test_a_websocket_is_turned_away() -> None:
    sent: list[Any] = []
    await app()({"type": "websocket", "path": "/api"}, asyncio.Queue[Any]().get, _into(sent))
    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_the_lifespan_is_acknowledged() -> None:
    sent: list[Any] = []
    messages: asyncio.Queue[Any] = asyncio.Queue()
    messages.put_nowait({"type": "lifespan.startup"})
    messages.put_nowait({"type": "lifespan.shutdown"})
    await app()({"type": "lifespan"}, messages.get, _into(sent))
    kinds = [message["type"] for message in sent]
    assert kinds == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def _into(sent: list[Any]) -> Send:
    async def send(message: Any) -> None:
        sent.append(message)

    return send


async def _raw_request(served: WebApp, path: str, headers: list[tuple[bytes, bytes]]) -> list[Any]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }
    sent: list[Any] = []
    await served(scope, asyncio.Queue[Any]().get, _into(sent))
    return sent
