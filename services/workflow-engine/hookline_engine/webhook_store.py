"""Webhooks in the store: unique names, incarnations, revisions, and their published records.

An id that was deleted stays as WebhookDeleted for 30 days. Created again it continues the revision
under a new incarnation (protocols.md D1), which is the time of its creation, so that it is new even
after everything else about the old one is forgotten.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import NAMES, SECRET_USES, URL_STATUS, WEBHOOKS
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Condition, Document, Documents, Op, Order, Query
from hookline_common.errors import Conflict, NotFound
from hookline_common.eventlog import Sync
from hookline_common.webhooks import ConfigRecord, WebhookConfig, WebhookDeleted
from hookline_engine.config_records import DELETED_KEPT_MS, ConfigRecords, check_size

_ATTEMPTS = 10
_PAGE = 500
_NAME_CLAIM_MS = 60_000
"""A name whose webhook is not there this long after it was claimed was left behind by a crash."""

_decoder: msgspec.json.Decoder[WebhookConfig | WebhookDeleted] = msgspec.json.Decoder(
    WebhookConfig | WebhookDeleted
)


class _NameClaim(msgspec.Struct, frozen=True):
    id: str
    at: int = 0


class _UrlStatus(msgspec.Struct, frozen=True):
    verified: bool = False


class _SecretUse(msgspec.Struct, frozen=True, rename="camel"):
    last_used_at: int = 0


SecretUses: TypeAlias = Mapping[tuple[str, str], int]
"""Epoch milliseconds by ids of webhook and secret."""

_claims = msgspec.json.Decoder(_NameClaim)
_statuses = msgspec.json.Decoder(_UrlStatus)
_uses = msgspec.json.Decoder(_SecretUse)


class WebhookStore:
    """Every change is one compare-and-set of the webhook's document, then its record (D2)."""

    def __init__(self, documents: Documents, records: ConfigRecords, clock: Clock) -> None:
        self._documents = documents
        self._records = records
        self._clock = clock

    async def get(self, webhook_id: str) -> WebhookConfig:
        """The webhook; NotFound if there is none."""
        document = await self._document(webhook_id)
        return _present(webhook_id, document)

    async def all(self) -> Sequence[WebhookConfig]:
        """All webhooks in the order of their names."""
        where = Condition("name", Op.GE, "")  # a deleted one has no name
        found = await self._find(Query(where, (Order("name"),), limit=_PAGE))
        return [record for record in found if isinstance(record, WebhookConfig)]

    async def records(self) -> Sequence[ConfigRecord]:
        """What `webhooks.config` should say of every webhook, deleted ones too (for `heal`)."""
        return await self._find(Query(limit=_PAGE))

    async def verified_urls(self, webhooks: Sequence[WebhookConfig]) -> frozenset[str]:
        """The ids of those whose URL is verified, by configuration or by what the verifier saw."""
        ids = {f"{webhook.id}:{webhook.incarnation}": webhook.id for webhook in webhooks}
        found = await self._documents.get(URL_STATUS, list(ids))
        seen = {ids[key] for key, item in found.items() if _statuses.decode(item.body).verified}
        return frozenset(seen | {webhook.id for webhook in webhooks if webhook.url_verified})

    async def secret_uses(self, webhooks: Sequence[WebhookConfig]) -> SecretUses:
        """When each secret last proved an event, as the verifier saw it."""
        ids = {
            f"{webhook.id}:{webhook.incarnation}:{secret.id}": (webhook.id, secret.id)
            for webhook in webhooks
            for secret in webhook.secrets
        }
        found = await self._documents.get(SECRET_USES, list(ids))
        return {ids[key]: _uses.decode(item.body).last_used_at for key, item in found.items()}

    async def create(
        self, webhook_id: str, build: Callable[[int, int], WebhookConfig]
    ) -> WebhookConfig:
        """Save what `build(incarnation, revision)` gives; Conflict if id or name are taken."""
        before = await self._document(webhook_id)
        old = _decoder.decode(before.body) if before else None
        if isinstance(old, WebhookConfig):
            raise Conflict(
                f"There is a webhook {webhook_id} already.", code="id_taken", field="/id"
            )
        incarnation = max(self._clock.now_ms(), old.incarnation + 1 if old else 1)
        config = build(incarnation, old.revision + 1 if old else 1)
        check_size(config)
        await self._claim_name(config.name, webhook_id)
        document = _as_document(config, before.rev if before else 0)
        write = self._documents.replace if before else self._documents.insert
        if await write(WEBHOOKS, [document], Sync.NOW):
            message = f"The webhook {webhook_id} was created by another call at the same time."
            raise Conflict(message, code="id_taken", field="/id")
        await self._records.publish([config])
        return config

    async def change(
        self, webhook_id: str, change: Callable[[WebhookConfig], WebhookConfig]
    ) -> WebhookConfig:
        """Save what `change` makes of the present one; it is called again if others were faster.

        NotFound if it is not there; Conflict if its new name is taken.
        """
        for _ in range(_ATTEMPTS):
            document = await self._document(webhook_id)
            before = _present(webhook_id, document)
            after = msgspec.structs.replace(change(before), revision=before.revision + 1)
            check_size(after)
            if after.name != before.name:
                await self._claim_name(after.name, webhook_id)
            if await self._save(after, document):
                if after.name != before.name:
                    await self._release_name(before.name, webhook_id)
                return after
        raise _busy(webhook_id)

    async def delete(self, webhook_id: str) -> None:
        """Remove it; its history stays. NotFound if it is not there."""
        for _ in range(_ATTEMPTS):
            document = await self._document(webhook_id)
            before = _present(webhook_id, document)
            now = self._clock.now_ms()
            gone = WebhookDeleted(webhook_id, before.incarnation, before.revision + 1, now)
            if await self._save(gone, document):
                await self._release_name(before.name, webhook_id)
                return
        raise _busy(webhook_id)

    async def _save(self, record: WebhookConfig | WebhookDeleted, before: Document | None) -> bool:
        document = _as_document(record, before.rev if before else 0)
        reached(CrashPoint.CONFIG_SAVING)
        if await self._documents.replace(WEBHOOKS, [document], Sync.NOW):
            return False
        reached(CrashPoint.CONFIG_SAVED)
        await self._records.publish([record])
        return True

    async def _document(self, webhook_id: str) -> Document | None:
        return (await self._documents.get(WEBHOOKS, [webhook_id])).get(webhook_id)

    async def _find(self, query: Query) -> list[WebhookConfig | WebhookDeleted]:
        found: list[WebhookConfig | WebhookDeleted] = []
        while True:
            page = await self._documents.find(WEBHOOKS, query)
            found += [_decoder.decode(document.body) for document in page.documents]
            if page.cursor is None:
                return found
            query = msgspec.structs.replace(query, after=page.cursor)

    # --- names ------------------------------------------------------------------------------------

    async def _claim_name(self, name: str, webhook_id: str) -> None:
        body = msgspec.json.encode(_NameClaim(webhook_id, self._clock.now_ms()))
        claim = Document(f"webhook:{name}", body)
        if not await self._documents.insert(NAMES, [claim]):
            return
        held = (await self._documents.get(NAMES, [claim.id])).get(claim.id)
        if held is None or await self._is_held(name, _claims.decode(held.body), webhook_id):
            raise _name_taken(name)
        claim = msgspec.structs.replace(claim, rev=held.rev)
        if await self._documents.replace(NAMES, [claim]):
            raise _name_taken(name)

    async def _is_held(self, name: str, claim: _NameClaim, webhook_id: str) -> bool:
        """Whether the claim belongs to another webhook that is there, or may be about to be."""
        document = await self._document(claim.id)
        holder = _decoder.decode(document.body) if document else None
        if isinstance(holder, WebhookConfig) and holder.name == name:
            return claim.id != webhook_id
        return claim.id != webhook_id and claim.at + _NAME_CLAIM_MS > self._clock.now_ms()

    async def _release_name(self, name: str, webhook_id: str) -> None:
        name_id = f"webhook:{name}"
        held = (await self._documents.get(NAMES, [name_id])).get(name_id)
        if held is not None and _claims.decode(held.body).id == webhook_id:
            await self._documents.delete(NAMES, [name_id])


def _as_document(record: WebhookConfig | WebhookDeleted, rev: int) -> Document:
    body = msgspec.json.encode(record)
    if isinstance(record, WebhookDeleted):
        expiry = record.deleted_at + DELETED_KEPT_MS
        return Document(record.id, body, rev=rev, expires_at_ms=expiry)
    return Document(record.id, body, {"name": record.name}, rev)


def _present(webhook_id: str, document: Document | None) -> WebhookConfig:
    record = _decoder.decode(document.body) if document else None
    if not isinstance(record, WebhookConfig):
        raise NotFound(f"There is no webhook {webhook_id}.", code="webhook_not_found")
    return record


def _name_taken(name: str) -> Conflict:
    return Conflict(f"There is a webhook named {name!r} already.", code="name_taken", field="/name")


def _busy(webhook_id: str) -> Conflict:
    message = f"The webhook {webhook_id} is being changed by others."
    return Conflict(message, code="changed_meanwhile")
