"""Which workflows a replayed event would start, and which were started for its key before."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from hookline_common import reasons
from hookline_common.collections import EXECUTIONS, IDEMPOTENCY_KEYS
from hookline_common.documents import Documents
from hookline_common.matching import (
    StartKey,
    named_rules,
    rule_holds,
    start_key,
    start_workflow_id,
)
from hookline_common.meetings import event_facts
from hookline_common.webhooks import StartRule
from hookline_engine.definition_store import DefinitionStore
from hookline_engine.foreseen import ForeseenEffect, Replayed
from hookline_engine.start_keys import Key, Promise

_promise_in = msgspec.json.Decoder(Promise).decode


class ForeseenStarts:
    """Remembers what the events before would start: one key starts one execution."""

    def __init__(self, documents: Documents, definitions: DefinitionStore) -> None:
        self._documents = documents
        self._definitions = definitions
        self._started: dict[tuple[str, str], str] = {}

    async def of(self, event: Replayed) -> list[ForeseenEffect]:
        """The starts that the event asks for."""
        return [
            await self._start(event, rule, name)
            for name, rule in named_rules(event.config.start_rules)
            if rule_holds(rule.when, event.view)
        ]

    async def _start(self, event: Replayed, rule: StartRule, name: str) -> ForeseenEffect:
        effect = ForeseenEffect("start", rule.workflow, version=rule.version)
        key = start_key(
            rule, name, event.view, event_facts(event.record, event.identity), event.restart
        )
        if key is None:
            code = reasons.IDEMPOTENCY_KEY_EMPTY
            return replace(effect, code=code, error=reasons.sentence(code))
        definition = await self._definitions.workflow_def(rule.workflow, rule.version or None)
        if definition is None:
            error = f"workflow {rule.workflow} is not registered"
            return replace(effect, code="workflow_def_not_found", error=error)
        effect = replace(effect, version=definition.version)
        holder = await self._holder(rule, key, event.identity)
        if holder is not None:
            return _refused(effect, rule, key, holder)
        workflow_id = start_workflow_id(rule, key, event.identity)
        self._started[rule.workflow, key.text] = workflow_id
        # The execution's id may be made anew when the start comes about (FAIL_ON_RUNNING).
        shown = "" if key.given and rule.idempotency_strategy == "FAIL_ON_RUNNING" else workflow_id
        return replace(effect, workflow_id=shown)

    async def _holder(self, rule: StartRule, key: StartKey, identity: str) -> str | None:
        """The execution that has the key and keeps another from being started for it."""
        before = self._started.get((rule.workflow, key.text))
        if before is not None:
            return before
        workflow_id = start_workflow_id(rule, key, identity)
        if key.given:
            promised = await self._promised(Key(rule.workflow, key.text).document_id)
            if promised is None:
                return None
            workflow_id = promised
        found = await self._documents.get(EXECUTIONS, [workflow_id])
        if workflow_id not in found:
            return None
        ended = found[workflow_id].fields.get("status") not in ("RUNNING", "PAUSED")
        again = key.given and rule.idempotency_strategy == "FAIL_ON_RUNNING" and ended
        return None if again else workflow_id

    async def _promised(self, document_id: str) -> str | None:
        found = await self._documents.get(IDEMPOTENCY_KEYS, [document_id])
        document = found.get(document_id)
        return None if document is None else _promise_in(document.body).workflow_id


def _refused(
    effect: ForeseenEffect, rule: StartRule, key: StartKey, workflow_id: str
) -> ForeseenEffect:
    effect = replace(effect, workflow_id=workflow_id)
    if key.given and rule.idempotency_strategy == "RETURN_EXISTING":
        return effect  # counts as started: the rule asks for the execution that is there
    code = "idempotency_key_used" if key.given else "already_started"
    return replace(effect, code=code, error=f"workflow {workflow_id} was started for it before")


def applied_kinds(effects: Sequence[ForeseenEffect]) -> set[str]:
    """The kinds of effects that would take hold."""
    return {effect.kind for effect in effects if effect.code is None}
