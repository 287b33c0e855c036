"""Match plans in the store: how events and waits agree on the paths that keys are made of.

A plan is published in three steps: its document is inserted, the revision of the document `head`
is raised, and the revision that is read after that is written into the plan. Whoever read `head`
at that revision or later therefore finds the plan; an event whose keys were made before carries a
lower revision, and a wait looks at such events itself (protocols.md F2). A crash between the steps
leaves a plan without a revision, which the next wait that needs it publishes again.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hookline_common.clock import Clock
from hookline_common.collections import PLANS
from hookline_common.crash_points import CrashPoint, reached
from hookline_common.documents import Condition, Document, Documents, Op, Query
from hookline_common.matching import Plan, plan_id
from hookline_common.webhooks import WebhookConfig, WorkflowPlans

HEAD = "head"
_PAGE = 1000


class KnownPlan(msgspec.Struct, frozen=True):
    """A plan in the store. `revision` 0: not published yet. `published_at` epoch milliseconds."""

    id: str
    plan: Plan
    revision: int
    published_at: int


class PlanSet:
    """The plans as they were after `head` had the revision `revision`."""

    def __init__(self, revision: int, known: Iterable[KnownPlan]) -> None:
        self.revision = revision
        self.by_id: Mapping[str, KnownPlan] = {found.id: found for found in known}
        self._of_workflow: dict[str, list[Plan]] = {}
        for found in self.by_id.values():
            self._of_workflow.setdefault(found.plan.workflow, []).append(found.plan)

    def of_receivers(self, config: WebhookConfig) -> Sequence[Plan]:
        """The plans of the workflows that a webhook names; version 0 means any."""
        return [
            plan
            for workflow, version in config.receivers.items()
            for plan in self._of_workflow.get(workflow, ())
            if version in (0, plan.version)
        ]


class _PlanBody(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    workflow: str
    version: int
    paths: tuple[str, ...] = ()
    published_at: int = 0


_encode = msgspec.json.Encoder().encode
_body_of = msgspec.json.Decoder(_PlanBody).decode


class Plans:
    """Reads and publishes plans.

    The set that was read last is used again only under the same revision of `head`, which is read
    anew for every batch: a plan with that revision or a lower one was in the store before.
    """

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._set = PlanSet(-1, ())
        self._announced: object = None

    async def current(self) -> PlanSet:
        """The plans of now; reads `head`, and the plans if its revision is another."""
        revision = await self._revision()
        if revision != self._set.revision:
            self._set = PlanSet(revision, await self._read())
        return self._set

    async def current_with(self, announced: Sequence[WorkflowPlans]) -> PlanSet:
        """As `current`, after the plans of saved definitions (webhooks.config) were published."""
        found = await self.current()
        if announced is self._announced:
            return found
        wanted = [
            Plan(workflow=each.workflow, version=each.version, paths=paths)
            for each in announced
            for paths in each.paths
        ]
        found = await self.published(found, wanted)
        self._announced = announced
        return found

    async def published(self, known: PlanSet, wanted: Iterable[Plan]) -> PlanSet:
        """A set that has each of the plans, published. Costs nothing if `known` is one."""
        missing = {
            key: plan
            for plan in wanted
            if (key := plan_id(plan)) not in known.by_id or not known.by_id[key].revision
        }
        if not missing:
            return known
        reached(CrashPoint.MATCHER_INSERTING_PLANS)
        await self._documents.insert(PLANS, [_document(k, plan) for k, plan in missing.items()])
        reached(CrashPoint.MATCHER_INSERTED_PLANS)
        await self._documents.increment(PLANS, {HEAD: {"revision": 1}})
        reached(CrashPoint.MATCHER_RAISED_PLANS)
        await self._stamp(list(missing), await self._revision())
        reached(CrashPoint.MATCHER_STAMPED_PLANS)
        self._set = PlanSet(-1, ())
        return await self.current()

    async def _stamp(self, ids: list[str], revision: int) -> None:
        stored = await self._documents.get(PLANS, ids)
        now_ms = self._clock.now_ms()
        unstamped = [
            _stamped(document, revision, now_ms)
            for document in stored.values()
            if document.fields.get("revision") is None
        ]
        if unstamped:  # a conflict means that another matcher has published the plan as well
            await self._documents.replace(PLANS, unstamped)

    async def _revision(self) -> int:
        found = await self._documents.get(PLANS, [HEAD])
        head = found.get(HEAD)
        revision = None if head is None else head.fields.get("revision")
        return revision if isinstance(revision, int) else 0

    async def _read(self) -> list[KnownPlan]:
        found: list[KnownPlan] = []
        query = Query(Condition("workflow", Op.NE, None), limit=_PAGE)
        while True:
            page = await self._documents.find(PLANS, query)
            found += [_known(document) for document in page.documents]
            if page.cursor is None:
                return found
            query = msgspec.structs.replace(query, after=page.cursor)


def _document(key: str, plan: Plan) -> Document:
    body = _PlanBody(plan.workflow, plan.version, plan.paths)
    return Document(id=key, body=_encode(body), fields={"workflow": plan.workflow})


def _stamped(document: Document, revision: int, now_ms: int) -> Document:
    body = msgspec.structs.replace(_body_of(document.body), published_at=now_ms)
    return msgspec.structs.replace(
        document, body=_encode(body), fields={"workflow": body.workflow, "revision": revision}
    )


def _known(document: Document) -> KnownPlan:
    body = _body_of(document.body)
    revision = document.fields.get("revision")
    return KnownPlan(
        id=document.id,
        plan=Plan(workflow=body.workflow, version=body.version, paths=body.paths),
        revision=revision if isinstance(revision, int) else 0,
        published_at=body.published_at,
    )
