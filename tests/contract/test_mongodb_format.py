"""A database carries the version of its format: a newer one is refused, and stays as it was."""

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from hookline_common.adapters import open_documents
from hookline_common.adapters.mongodb.format import FORMAT_VERSION
from hookline_common.collections import ALL, NAMES
from hookline_common.errors import Misconfigured
from hookline_common.ids import random_id
from tests.servers.mongodb import in_database

pytestmark = pytest.mark.real


async def test_a_database_of_a_newer_version_is_refused_untouched(mongodb_url: str) -> None:
    name = f"format_{random_id().replace('-', '')[:12]}"
    store = await open_documents(in_database(mongodb_url, name))
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongodb_url)
    marks = client[name]["format"]
    try:
        await store.prepare([NAMES])
        await store.prepare([NAMES])
        assert await marks.find().to_list(None) == [{"_id": "hookline", "version": FORMAT_VERSION}]
        await marks.update_one({"_id": "hookline"}, {"$set": {"version": FORMAT_VERSION + 1}})
        with pytest.raises(Misconfigured, match=f"{name} was written by a newer Hookline"):
            await store.prepare(ALL)
        assert set(await client[name].list_collection_names()) <= {"format", "names", "names.parts"}
        await marks.update_one({"_id": "hookline"}, {"$set": {"version": FORMAT_VERSION}})
        await store.prepare(ALL)
    finally:
        await client.drop_database(name)
        client.close()
        await store.close()
