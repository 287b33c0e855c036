"""Which webhook URLs are verified: written once per incarnation, remembered once it is so."""

from collections.abc import Iterable, Mapping

import msgspec

from hookline_common.collections import URL_STATUS
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Document, Documents
from hookline_common.eventlog import Position
from hookline_common.rawevents import RawEvent
from hookline_common.webhooks import WebhookConfig


class UrlStatus(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a document of `url_status`; it is only ever written with verified = true.

    `position` is where the event that verified the URL lies. What lies before it was judged
    without, and a rewind must not judge it otherwise.
    """

    verified: bool
    at: int
    event_id: str
    position: tuple[str, int, int] | None = None

    def holds_for(self, event: RawEvent, position: Position) -> bool:
        """Whether the URL was verified when this message came.

        Offsets alone would not do: a log that was made anew counts from zero.
        """
        if self.position is None or event.received_at > self.at:
            return True
        *partition, offset = self.position
        return partition != [position.topic, position.partition] or position.offset >= offset


def status_id(config: WebhookConfig) -> str:
    """The id of the document: a webhook made anew under an old id starts unverified (D1)."""
    return f"{config.id}:{config.incarnation}"


_status_in = msgspec.json.Decoder(UrlStatus).decode


class UrlStates:
    """The states as this process knows them. Verified never goes back, so it may be cached."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._verified: dict[str, UrlStatus] = {}

    async def load(self, configs: Iterable[WebhookConfig]) -> None:
        """Look up in one read those that are not known to be verified."""
        unknown = {status_id(config) for config in configs if not self.is_known(config)}
        if unknown:
            found = await self._documents.get(URL_STATUS, sorted(unknown))
            self._verified |= {key: _status_in(one.body) for key, one in found.items()}

    def is_known(self, config: WebhookConfig) -> bool:
        """Whether the URL is verified, here or by whoever registered the webhook."""
        return config.url_verified or status_id(config) in self._verified

    def is_verified(self, config: WebhookConfig, event: RawEvent, position: Position) -> bool:
        """Whether the URL was verified when the event at this position came."""
        if config.url_verified:
            return True
        status = self._verified.get(status_id(config))
        return status is not None and status.holds_for(event, position)

    async def save(self, fresh: Mapping[str, UrlStatus]) -> None:
        """Write states that came to be verified. One that exists already is older and stays."""
        if not fresh:
            return
        documents = [
            Document(id=key, body=msgspec.json.encode(status)) for key, status in fresh.items()
        ]
        reached(CrashPoint.VERIFIER_SAVING_URL)
        await self._documents.insert(URL_STATUS, documents)
        reached(CrashPoint.VERIFIER_SAVED_URL)
        self._verified.update(fresh)
