"""Secrets and the environment over HTTP: values sealed in the store, names only in lists."""

from pathlib import Path
from typing import Any

import pytest

from hookline_common.collections import SECRETS
from hookline_common.documents import Query
from hookline_engine.rest.named_values import LONGEST_VALUE
from tests.engine.rest_surface import Surface, open_stores, open_surface

TAG = {"key": "team", "value": "a", "type": "METADATA"}


async def send(surface: Surface, path: str, body: str, kind: str = "application/json") -> int:
    answer = await surface.http.put(
        f"/api{path}", content=body.encode(), headers={"content-type": kind}
    )
    return answer.status_code


async def text(surface: Surface, path: str) -> str:
    answer = await surface.http.get(f"/api{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def test_secrets_are_put_read_listed_and_removed(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        assert await surface.call("GET", "/api/secrets") == []
        assert await send(surface, "/secrets/b_2", 'he said \\"hi\\"') == 200  # as the SDK sends it
        assert await text(surface, "/secrets/b_2") == 'he said "hi"'
        assert await send(surface, "/secrets/a-1", '{"raw": "é"}', "text/plain") == 200
        assert await text(surface, "/secrets/a-1") == '{"raw": "é"}'
        assert await send(surface, "/secrets/a-1", "new", "text/plain") == 200
        assert await text(surface, "/secrets/a-1") == "new"
        for method in ("GET", "POST"):
            assert await surface.call(method, "/api/secrets", {}) == ["a-1", "b_2"]
        assert await surface.call("GET", "/api/secrets/a-1/exists") is True
        page = await documents.find(SECRETS, Query())
        assert not any(b"new" in one.body or b"said" in one.body for one in page.documents)
        for _ in range(2):
            await surface.call("DELETE", "/api/secrets/a-1")
        assert await surface.call("GET", "/api/secrets/a-1/exists") is False
        missing = await surface.refused("GET", "/api/secrets/a-1")
        assert missing == (404, "secret_not_found", None)


async def test_a_sealed_value_opens_under_its_own_name_only(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        await send(surface, "/secrets/one", "value")
        await send(surface, "/secrets/two", "other")
        found = await documents.get(SECRETS, ["one", "two"])
        moved = type(found["two"])("two", found["one"].body, rev=found["two"].rev)
        assert not await documents.replace(SECRETS, [moved])
        assert (await surface.refused("GET", "/api/secrets/two"))[0] == 503


@pytest.mark.parametrize("kind", ["secrets", "environment"])
async def test_names_and_values_that_are_not_good_are_refused(tmp_path: Path, kind: str) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        path = f"/api/{kind}"
        for name in ("a.b", "a b", "ä"):
            refused = await surface.refused("PUT", f"{path}/{name}", "x")
            assert refused == (400, "invalid_name", "/path/key")
        assert await send(surface, f"/{kind}/most", "x" * LONGEST_VALUE) == 200
        too_long = await surface.refused("PUT", f"{path}/more", "x" * (LONGEST_VALUE + 1))
        assert too_long == (400, "too_long", "")
        broken = await surface.http.put(f"{path}/b", content=b"\xff")
        assert (broken.status_code, broken.json()["code"]) == (400, "invalid_utf8")


async def test_a_secret_without_a_value_is_refused(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        assert await send(surface, "/secrets/a", "") == 400
        assert await surface.call("GET", "/api/secrets") == []


async def test_tags_of_secrets(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        path = "/api/secrets/a/tags"

        async def tags() -> Any:
            return await surface.call("GET", path)

        for method in ("GET", "PUT", "DELETE"):
            assert await surface.refused(method, path, [TAG]) == (404, "secret_not_found", None)
        await send(surface, "/secrets/a", "x")
        await send(surface, "/secrets/b", "x")
        assert await tags() == []
        await surface.call("PUT", path, [TAG, {**TAG, "value": "b"}])
        assert [tag["value"] for tag in await tags()] == ["a", "b"]
        listed = [{"name": "a", "tags": await tags()}, {"name": "b", "tags": []}]
        for other in ("/api/secrets/v2", "/api/secrets-v2"):
            assert await surface.call("GET", other) == listed
        await surface.call("DELETE", path, [TAG])
        assert [tag["value"] for tag in await tags()] == ["b"]
        await surface.call("DELETE", "/api/secrets/a")
        await send(surface, "/secrets/a", "x")
        assert await tags() == [], "tags go with their secret"


async def test_the_environment_is_put_read_and_removed(tmp_path: Path) -> None:
    async with (
        open_stores(tmp_path) as (log, documents),
        open_surface(log, documents) as surface,
    ):
        assert await surface.call("GET", "/api/environment") == []
        assert await send(surface, "/environment/region", "eu", "text/plain") == 200
        assert await send(surface, "/environment/empty", "", "text/plain") == 200
        assert await text(surface, "/environment/region") == "eu"
        assert await surface.call("GET", "/api/environment") == [
            {"name": "empty", "value": ""},
            {"name": "region", "value": "eu"},
        ]
        for _ in range(2):
            await surface.call("DELETE", "/api/environment/region")
        missing = await surface.refused("GET", "/api/environment/region")
        assert missing == (404, "variable_not_found", None)
