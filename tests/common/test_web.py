"""The HTTP app factory: routing, errors as JSON, health, body limits."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
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
    empty_answer,
)
from tests.common.web_surface import (
    app,
    client,
    echo,
    into,
    raising,
)


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
    await app()({"type": "websocket", "path": "/api"}, asyncio.Queue[Any]().get, into(sent))
    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_the_lifespan_is_acknowledged() -> None:
    sent: list[Any] = []
    messages: asyncio.Queue[Any] = asyncio.Queue()
    messages.put_nowait({"type": "lifespan.startup"})
    messages.put_nowait({"type": "lifespan.shutdown"})
    await app()({"type": "lifespan"}, messages.get, into(sent))
    kinds = [message["type"] for message in sent]
    assert kinds == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
