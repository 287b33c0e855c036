"""The records that say of an event that an effect of it did not take hold (F5)."""

from typing import Literal

from hookline_common.eventlog import Record
from hookline_common.messages import (
    OUTCOMES_CODEC,
    CompleteTask,
    EffectApplied,
    EffectRefused,
    StartWorkflow,
)
from hookline_common.topics import OUTCOMES

SERVICE = "engine"


def outcome_record(outcome: EffectApplied | EffectRefused) -> Record:
    """An outcome as the matcher reads it."""
    return Record(OUTCOMES.name, outcome.event_id, OUTCOMES_CODEC.encode(outcome))


def resume_refused(command: CompleteTask, now_ms: int, code: str, reason: str) -> Record:
    """A task that could not be completed: the event is free for others."""
    return outcome_record(
        EffectRefused(
            event_id=command.event.event_id,
            effect_id=command.effect_id,
            kind="resume",
            at=now_ms,
            service=SERVICE,
            code=code,
            reason=reason,
            workflow_id=command.workflow_id,
            task_id=command.task_id,
        )
    )


def start_refused(
    command: StartWorkflow, now_ms: int, code: str, reason: str, workflow_id: str = ""
) -> Record:
    """A workflow that could not be started; `workflow_id` is the one that was there before."""
    return outcome_record(
        EffectRefused(
            event_id=command.event.event_id,
            effect_id=command.effect_id,
            kind="start",
            at=now_ms,
            service=SERVICE,
            code=code,
            reason=reason,
            workflow_id=workflow_id,
            workflow_name=command.name,
            workflow_version=command.version,
        )
    )


def start_found(
    command: StartWorkflow, now_ms: int, workflow_id: str, status: Literal["existing"]
) -> Record:
    """RETURN_EXISTING: the event has the execution that was there before."""
    return outcome_record(
        EffectApplied(
            event_id=command.event.event_id,
            effect_id=command.effect_id,
            kind="start",
            at=now_ms,
            service=SERVICE,
            workflow_id=workflow_id,
            workflow_name=command.name,
            workflow_version=command.version,
            status=status,
        )
    )
