"""The mark in a database that tells the format it is written in: a newer Hookline's is refused."""

from typing import Any

from hookline_common.adapters.mongodb.connection import Database
from hookline_common.errors import Misconfigured

FORMAT_VERSION = 1
_MARK = {"_id": "hookline"}


async def check_format(database: Database) -> None:
    """Mark a database that is new; raises Misconfigured where the mark is a newer version's."""
    marks = database["format"]
    new: dict[str, Any] = {"$setOnInsert": {"version": FORMAT_VERSION}}
    await marks.update_one(_MARK, new, upsert=True)
    mark = await marks.find_one(_MARK)
    version = FORMAT_VERSION if mark is None else int(mark["version"])
    if version > FORMAT_VERSION:
        raise Misconfigured(
            f"the database {database.name} was written by a newer Hookline (format {version}, this"
            f" one knows {FORMAT_VERSION}); start that version, or name another database in"
            " HOOKLINE_STORE"
        )
