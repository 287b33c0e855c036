"""The connection: safe settings only, the server's clock, and errors in the port's terms."""

import asyncio
import contextlib
import time
from collections.abc import Generator
from datetime import UTC
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri

from hookline_common.errors import Misconfigured, StoreUnavailable

Row = dict[str, Any]
Database = AsyncIOMotorDatabase[Row]
Rows = AsyncIOMotorCollection[Row]

_DEFAULT_DATABASE = "hookline"
_CLOCK_CHECKED_EVERY_SECONDS = 30.0
_SAFE: dict[str, tuple[Any, ...]] = {
    "w": ("majority",),
    "journal": (True,),
    "readconcernlevel": ("majority",),
    "readpreference": ("primary",),
}


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Turn the driver's errors into StoreUnavailable: whoever asked backs off and tries again."""
    try:
        yield
    except (PyMongoError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"MongoDB: {type(error).__name__}: {error}") from error


class Connection:
    """One client, opened at the first use in the loop that uses it."""

    def __init__(self, url: str) -> None:
        """`url` is `mongodb://…[/database]`; raises Misconfigured for unsafe options."""
        parsed = parse_uri(url, warn=False)
        _refuse_unsafe(parsed["options"])
        self._url = url
        self._name = str(parsed["database"] or _DEFAULT_DATABASE)
        self._client: AsyncIOMotorClient[Row] | None = None
        self._offset_ms = 0
        self._offset_checked = 0.0
        self._asking = asyncio.Lock()

    @property
    def database(self) -> Database:
        """The database, with majority writes to the journal and majority reads from the primary."""
        if self._client is None:
            self._client = AsyncIOMotorClient(self._url, serverSelectionTimeoutMS=5000)
        return self._client.get_database(
            self._name,
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )

    async def now_ms(self) -> int:
        """The server's clock: our own plus an offset that is measured anew now and then."""
        age = time.monotonic() - self._offset_checked
        if not self._offset_checked or age > _CLOCK_CHECKED_EVERY_SECONDS:
            async with self._asking:
                await self._measure_offset()
        return time.time_ns() // 1_000_000 + self._offset_ms

    async def clock_offset_ms(self) -> int:
        """How far the server's clock is ahead of ours, measured now."""
        await self._measure_offset()
        return self._offset_ms

    async def _measure_offset(self) -> None:
        before = time.time_ns() // 1_000_000
        with translated():
            answer = await self.database.command("hello")
        after = time.time_ns() // 1_000_000
        server = int(answer["localTime"].replace(tzinfo=UTC).timestamp() * 1000)
        # Within the round trip there is no telling: an offset that small counts as none.
        self._offset_ms = 0 if before <= server <= after else server - (before + after) // 2
        self._offset_checked = time.monotonic()

    def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _refuse_unsafe(options: Any) -> None:
    given = {str(name).lower(): value for name, value in options.items()}
    for name, allowed in _SAFE.items():
        value = given.get(name)
        if value is not None and str(value).lower() not in {str(safe).lower() for safe in allowed}:
            raise Misconfigured(
                f"HOOKLINE_STORE: {name}={value} is not allowed; Hookline needs {name}={allowed[0]}"
            )
