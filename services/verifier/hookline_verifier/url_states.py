"""Which webhook URLs are verified: written once per incarnation, remembered once it is so."""

from collections.abc import Iterable, Mapping

import msgspec

from hookline_common.collections import URL_STATUS
from hookline_common.documents import Document, Documents
from hookline_common.webhooks import WebhookConfig


class UrlStatus(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a document of `url_status`; it is only ever written with verified = true."""

    verified: bool
    at: int
    event_id: str


def status_id(config: WebhookConfig) -> str:
    """The id of the document: a webhook made anew under an old id starts unverified (D1)."""
    return f"{config.id}:{config.incarnation}"


class UrlStates:
    """The states as this process knows them. Verified never goes back, so it may be cached."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._verified: set[str] = set()

    async def load(self, configs: Iterable[WebhookConfig]) -> None:
        """Look up in one read those that are not known to be verified."""
        unknown = {status_id(config) for config in configs} - self._verified
        if unknown:
            self._verified.update(await self._documents.get(URL_STATUS, sorted(unknown)))

    def is_verified(self, config: WebhookConfig) -> bool:
        """Whether the URL is verified, here or by whoever registered the webhook."""
        return config.url_verified or status_id(config) in self._verified

    async def save(self, fresh: Mapping[str, UrlStatus]) -> None:
        """Write states that came to be verified. One that exists already is older and stays."""
        if not fresh:
            return
        documents = [
            Document(id=key, body=msgspec.json.encode(status)) for key, status in fresh.items()
        ]
        await self._documents.insert(URL_STATUS, documents)
        self._verified.update(fresh)
