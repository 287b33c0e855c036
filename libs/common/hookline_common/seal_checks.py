"""What the store holds sealed, and whether the keys of this process open it."""

from collections.abc import AsyncIterator, Iterator

import msgspec

from hookline_common.collections import SECRETS, WEBHOOKS
from hookline_common.documents import Collection, Document, Documents, Query
from hookline_common.errors import Misconfigured, SealBroken
from hookline_common.sealing import (
    Sealer,
    header_check_context,
    key_id_of,
    secret_context,
    workflow_secret_context,
)
from hookline_common.webhooks import WebhookConfig, WebhookDeleted

_PAGE = 200
_MOST_NAMED = 3

_webhooks = msgspec.json.Decoder(WebhookConfig | WebhookDeleted)


class Sealed(msgspec.Struct, frozen=True):
    """A sealed value, what it is bound to, and how people call what it belongs to."""

    text: str
    context: str
    owner: str


class SealedSecret(msgspec.Struct, frozen=True):
    """The body of a document in SECRETS."""

    sealed: str


_secrets = msgspec.json.Decoder(SealedSecret)


def sealed_in_webhook(webhook: WebhookConfig) -> Iterator[Sealed]:
    """Everything that is sealed in a webhook."""
    ids, owner = (webhook.id, webhook.incarnation), f"webhook {webhook.name}"
    for secret in webhook.secrets:
        yield Sealed(secret.sealed, secret_context(*ids, secret.id), owner)
    for header, sealed in webhook.header_checks.items():
        yield Sealed(sealed, header_check_context(*ids, header), owner)


def sealed_in_secret(document: Document) -> Sealed:
    """The value of a secret that workflows name."""
    sealed = _secrets.decode(document.body).sealed
    return Sealed(sealed, workflow_secret_context(document.id), f"secret {document.id}")


async def check_seals(documents: Documents, sealer: Sealer) -> None:
    """Raises Misconfigured if something in the store does not open: a key is wrong or missing."""
    broken: dict[str, str] = {}
    async for sealed in _everything(documents):
        try:
            sealer.open(sealed.text, sealed.context)
        except SealBroken:
            broken[sealed.owner] = key_id_of(sealed.text)
    if not broken:
        return
    names = ", ".join([*broken][:_MOST_NAMED]) + (" and more" if len(broken) > _MOST_NAMED else "")
    wanted = ", ".join(sorted({repr(key) for key in broken.values()}))
    raise Misconfigured(
        f"HOOKLINE_SEAL_KEY (or its file) does not open what is stored ({names}): it was sealed"
        f" with the key {wanted}, and given is {', '.join(map(repr, sealer.key_ids))}. Add the old"
        " key behind the new one (NEW,OLD); if it is lost for good, start once more with"
        " HOOKLINE_SEAL_KEY_LOST=1 and enter these secrets again."
    )


async def _everything(documents: Documents) -> AsyncIterator[Sealed]:
    async for document in _all(documents, WEBHOOKS):
        webhook = _webhooks.decode(document.body)
        if isinstance(webhook, WebhookConfig):
            for sealed in sealed_in_webhook(webhook):
                yield sealed
    async for document in _all(documents, SECRETS):
        yield sealed_in_secret(document)


async def _all(documents: Documents, collection: Collection) -> AsyncIterator[Document]:
    query = Query(limit=_PAGE)
    while True:
        page = await documents.find(collection, query)
        for document in page.documents:
            yield document
        if page.cursor is None:
            return
        query = msgspec.structs.replace(query, after=page.cursor)
