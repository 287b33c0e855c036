"""Seals stored secrets anew under the first seal key, so that older keys can be taken away.

A page at a time, and safe to repeat: what the first key has sealed already stays as it is.
"""

from collections.abc import Sequence

import msgspec

from hookline_common.collections import SECRETS, WEBHOOKS
from hookline_common.documents import Document, Documents, Query
from hookline_common.errors import BadRequest, Conflict, NotFound, SealBroken
from hookline_common.eventlog import Sync
from hookline_common.seal_checks import (
    Sealed,
    SealedSecret,
    sealed_in_secret,
    sealed_in_webhook,
)
from hookline_common.sealing import (
    Sealer,
    header_check_context,
    key_id_of,
    secret_context,
)
from hookline_common.webhooks import WebhookConfig
from hookline_engine.webhook_store import WebhookStore

_COLLECTIONS = {collection.name: collection for collection in (WEBHOOKS, SECRETS)}


class Resealed(msgspec.Struct, frozen=True, rename="camel"):
    """One page: how many webhooks and secrets were looked at, and how many sealed anew.

    `broken` names what no key here opens, `busy` what others were changing: both stay as they are.
    `total` is how many there are in all; `cursor` leads to the next page, None: that was the last.
    """

    examined: int
    resealed: int
    total: int
    key: str
    broken: Sequence[str] = ()
    busy: Sequence[str] = ()
    cursor: str | None = None


class Resealing:
    """Goes through the webhooks, then through the secrets that workflows name."""

    def __init__(self, documents: Documents, webhooks: WebhookStore, sealer: Sealer) -> None:
        self._documents = documents
        self._webhooks = webhooks
        self._sealer = sealer

    async def page(self, cursor: str | None, limit: int) -> Resealed:
        """Seal the next `limit` anew; on disk when it returns. Raises BadRequest for a cursor that
        did not come from here.
        """
        name, _, after = (cursor or WEBHOOKS.name).partition(":")
        collection = _COLLECTIONS.get(name)
        if collection is None:
            raise BadRequest("The cursor is not one of this list.", code="bad_cursor")
        page = await self._documents.find(collection, Query(limit=limit, after=after or None))
        resealed, broken, busy = 0, list[str](), list[str]()
        renew = self._webhook if collection is WEBHOOKS else self._secret
        for document in page.documents:
            try:
                resealed += await renew(document)
            except SealBroken:
                broken.append(f"{name[:-1]} {document.id}")
            except Conflict:
                busy.append(f"{name[:-1]} {document.id}")
        following = f"{name}:{page.cursor}" if page.cursor else None
        return Resealed(
            examined=len(page.documents),
            resealed=resealed,
            total=sum([await self._documents.count(one) for one in _COLLECTIONS.values()]),
            key=self._sealer.key_ids[0],
            broken=broken,
            busy=busy,
            cursor=following or (SECRETS.name if collection is WEBHOOKS else None),
        )

    async def _webhook(self, document: Document) -> bool:
        try:
            before = await self._webhooks.get(document.id)
            if all(self._is_new(sealed) for sealed in sealed_in_webhook(before)):
                return False
            await self._webhooks.change(document.id, self._renewed_webhook)
        except NotFound:  # deleted: its secrets went with it
            return False
        return True

    def _renewed_webhook(self, webhook: WebhookConfig) -> WebhookConfig:
        ids, owner = (webhook.id, webhook.incarnation), webhook.id
        secrets = [
            msgspec.structs.replace(
                secret,
                sealed=self._renewed(Sealed(secret.sealed, secret_context(*ids, secret.id), owner)),
            )
            for secret in webhook.secrets
        ]
        checks = {
            header: self._renewed(Sealed(sealed, header_check_context(*ids, header), owner))
            for header, sealed in webhook.header_checks.items()
        }
        return msgspec.structs.replace(webhook, secrets=tuple(secrets), header_checks=checks)

    async def _secret(self, document: Document) -> bool:
        sealed = sealed_in_secret(document)
        if self._is_new(sealed):
            return False
        body = msgspec.json.encode(SealedSecret(self._renewed(sealed)))
        after = msgspec.structs.replace(document, body=body)
        if await self._documents.replace(SECRETS, [after], Sync.NOW):
            raise Conflict(f"The secret {document.id} is being changed.", code="changed_meanwhile")
        return True

    def _is_new(self, sealed: Sealed) -> bool:
        return key_id_of(sealed.text) == self._sealer.key_ids[0]

    def _renewed(self, sealed: Sealed) -> str:
        if self._is_new(sealed):
            return sealed.text
        return self._sealer.seal(self._sealer.open(sealed.text, sealed.context), sealed.context)
