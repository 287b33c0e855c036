"""Opens the document store on the MongoDB that a URL names."""

from pymongo.errors import PyMongoError

from hookline_common.adapters.mongodb.store import MongoDocuments
from hookline_common.clock import Clock
from hookline_common.documents import Documents
from hookline_common.errors import Misconfigured


async def open_documents(url: str, clock: Clock, max_disk_bytes: int | None) -> Documents:
    """The store at `mongodb://…[/database]`; nothing is connected before the first call.

    The server's own clock and disk limits hold there. Raises Misconfigured for a URL that the
    driver cannot read; what it says may hold a password, so it is not repeated.
    """
    del clock, max_disk_bytes
    try:
        return MongoDocuments(url)
    except (PyMongoError, ValueError) as error:
        raise Misconfigured(
            "HOOKLINE_STORE (not shown) is not a URL of MongoDB; allowed is: "
            "mongodb://HOST:PORT[,HOST:PORT]/DATABASE?OPTIONS."
        ) from error
