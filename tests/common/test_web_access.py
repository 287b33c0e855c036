"""Who may call: the API's guard of Host and Origin, and its keys."""

import pytest

from hookline_common.web import (
    ApiKeys,
    HostGuard,
)
from tests.common.web_surface import HandMovedClock, app, client, raw_request


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
        sent = await raw_request(app(), "/api/workflow/a", scope_headers)
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
