"""Webhooks over HTTP (specs/webhooks.md section 1): the resource, its secrets and its tags."""

from collections.abc import Callable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hookline_common.clock import Clock
from hookline_common.errors import BadRequest, NotFound
from hookline_common.ids import random_id
from hookline_common.platforms.catalogue import declaration_for
from hookline_common.web import caller, empty_answer, json_answer
from hookline_common.webhooks import Secret, WebhookConfig
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.rest.fields import Fields
from hookline_engine.rest.requests import read_json, read_list_or_one, read_object
from hookline_engine.rest.webhook_bodies import (
    check_secret_value,
    parse_secret,
    parse_webhook,
    parse_webhook_tags,
)
from hookline_engine.rest.webhook_changes import WebhookChanges
from hookline_engine.rest.webhook_views import Seen, WebhookViews, show_secret
from hookline_engine.webhook_store import WebhookStore

PREFIX = "/api/metadata/webhook"


def routes(
    store: WebhookStore,
    definitions: DefinitionStore,
    changes: WebhookChanges,
    views: WebhookViews,
    clock: Clock,
) -> list[BaseRoute]:
    """The endpoints of webhooks."""
    webhooks = Webhooks(store, definitions, changes, views, clock)
    parts = WebhookParts(store, changes, clock)
    one = f"{PREFIX}/{{id}}"
    return [
        Route(PREFIX, webhooks.create, methods=["POST"]),
        Route(PREFIX, webhooks.all),
        Route(one, webhooks.one),
        Route(one, webhooks.change, methods=["PUT"]),
        Route(one, webhooks.delete, methods=["DELETE"]),
        Route(f"{one}/secrets", parts.add_secret, methods=["POST"]),
        Route(f"{one}/secrets", parts.secrets),
        Route(f"{one}/secrets/{{secret}}", parts.remove_secret, methods=["DELETE"]),
        Route(f"{one}/tags", parts.tags),
        Route(f"{one}/tags", parts.put_tags, methods=["PUT"]),
        Route(f"{one}/tags", parts.remove_tags, methods=["DELETE"]),
    ]


class Webhooks:
    """The endpoints of the resource itself."""

    def __init__(
        self,
        store: WebhookStore,
        definitions: DefinitionStore,
        changes: WebhookChanges,
        views: WebhookViews,
        clock: Clock,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._changes = changes
        self._views = views
        self._clock = clock

    async def create(self, request: Request) -> Response:
        """POST: a new webhook, with the id that the client gives or a new one."""
        draft = parse_webhook(await read_object(request), "createdBy")
        webhook_id, author = draft.id or random_id(), caller(request)

        def build(incarnation: int, revision: int) -> WebhookConfig:
            identity = (webhook_id, incarnation, revision)
            return self._changes.created(draft, identity, author, self._clock.now_ms())

        return await self._answer(await self._store.create(webhook_id, build))

    async def change(self, request: Request) -> Response:
        """PUT: replace it, keeping what a client cannot send back."""
        webhook_id: str = request.path_params["id"]
        draft = parse_webhook(await read_object(request), "updatedBy")
        if draft.id not in (None, webhook_id):
            message = f"The id in the body is {draft.id}, the one in the path {webhook_id}."
            raise BadRequest(message, code="id_mismatch", field="/id")
        author = caller(request)

        def change(before: WebhookConfig) -> WebhookConfig:
            return self._changes.changed(before, draft, author, self._clock.now_ms())

        return await self._answer(await self._store.change(webhook_id, change))

    async def all(self, _: Request) -> Response:
        """GET: all webhooks by name."""
        found = await self._store.all()
        seen = await self._seen(found)
        return json_answer([self._views.show(webhook, seen) for webhook in found])

    async def one(self, request: Request) -> Response:
        """GET: one."""
        found = await self._store.get(request.path_params["id"])
        return json_answer(self._views.show(found, await self._seen([found])))

    async def delete(self, request: Request) -> Response:
        """DELETE: one; its history stays."""
        await self._store.delete(request.path_params["id"])
        return empty_answer()

    async def _answer(self, webhook: WebhookConfig) -> Response:
        """The resource as saved, with warnings about what may not be meant."""
        shown = self._views.show(webhook, await self._seen([webhook]))
        warnings = await self._views.warnings(webhook, self._definitions)
        return json_answer(shown | {"warnings": warnings})

    async def _seen(self, webhooks: Sequence[WebhookConfig]) -> Seen:
        return Seen(
            await self._store.verified_urls(webhooks), await self._store.secret_uses(webhooks)
        )


class WebhookParts:
    """The endpoints of a webhook's secrets and tags."""

    def __init__(self, store: WebhookStore, changes: WebhookChanges, clock: Clock) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock

    async def secrets(self, request: Request) -> Response:
        """GET: the secrets, without their values."""
        webhook = await self._store.get(request.path_params["id"])
        uses = await self._store.secret_uses([webhook])
        return json_answer(
            [show_secret(one, uses.get((webhook.id, one.id), 0)) for one in webhook.secrets]
        )

    async def add_secret(self, request: Request) -> Response:
        """POST: one more secret, `{value, label, expiresAt}`; the answer has its id."""
        fields = Fields(await read_object(request))
        draft = parse_secret(fields)
        if draft.value is None:
            raise fields.error("value", "A secret needs a value.", "missing_field")
        added: list[Secret] = []

        def change(webhook: WebhookConfig) -> WebhookConfig:
            check_secret_value(declaration_for(webhook), draft.value or "", "/value")
            secret = self._changes.sealed_secret(webhook, draft, self._clock.now_ms())
            added[:] = [secret]
            return self._changes.with_secret(webhook, secret)

        await self._store.change(request.path_params["id"], change)
        return json_answer(show_secret(added[0]))

    async def remove_secret(self, request: Request) -> Response:
        """DELETE: one secret; from the next event on it proves nothing."""
        webhook_id, secret_id = request.path_params["id"], request.path_params["secret"]

        def change(webhook: WebhookConfig) -> WebhookConfig:
            left = tuple(secret for secret in webhook.secrets if secret.id != secret_id)
            if len(left) == len(webhook.secrets):
                message = f"The webhook {webhook_id} has no secret {secret_id}."
                raise NotFound(message, code="secret_not_found")
            return msgspec.structs.replace(webhook, secrets=left)

        await self._store.change(webhook_id, change)
        return empty_answer()

    async def tags(self, request: Request) -> Response:
        """GET: the tags."""
        webhook = await self._store.get(request.path_params["id"])
        return json_answer(list(webhook.tags))

    async def put_tags(self, request: Request) -> Response:
        """PUT: replace all tags."""
        tags = parse_webhook_tags(await read_json(request), "") or ()
        await self._change_tags(request, lambda _: tags)
        return empty_answer()

    async def remove_tags(self, request: Request) -> Response:
        """DELETE: remove those in the body; one that is not there is fine."""
        gone = parse_webhook_tags(await read_list_or_one(request), "") or ()
        await self._change_tags(request, lambda tags: tuple(tag for tag in tags if tag not in gone))
        return empty_answer()

    async def _change_tags(
        self,
        request: Request,
        change: Callable[[tuple[dict[str, str], ...]], tuple[dict[str, str], ...]],
    ) -> None:
        await self._store.change(
            request.path_params["id"],
            lambda webhook: msgspec.structs.replace(webhook, tags=change(webhook.tags)),
        )
