"""The models of Conductor's definitions: WorkflowDef, WorkflowTask (a node), TaskDef (engine.md 1).

Encoded compactly (defaults left out); `as_json` gives the full form that the API answers with.
"""

from typing import Any, Literal, TypeAlias

import msgspec

TimeoutPolicy: TypeAlias = Literal["RETRY", "TIME_OUT_WF", "ALERT_ONLY"]
SchemaType: TypeAlias = Literal["JSON", "AVRO", "PROTOBUF"]
RetryLogic: TypeAlias = Literal["FIXED", "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"]


class Model(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Base of the definition models."""


class SchemaDef(Model, frozen=True):
    """A schema: in the registry, or inside a definition, where one without `data` names another.

    `external_ref` is kept for whoever uses it; nothing is fetched from there.
    """

    name: str = ""
    version: int = 1
    type: SchemaType = "JSON"
    data: dict[str, Any] = {}
    external_ref: str | None = None
    owner_app: str | None = None
    create_time: int = 0
    update_time: int = 0
    created_by: str | None = None
    updated_by: str | None = None

    @property
    def label(self) -> str:
        """What a message calls it."""
        return f"schema {self.name} version {self.version}" if self.name else "its schema"


class TaskDef(Model, frozen=True):
    """How attempts of a task are retried and timed out (engine.md 1.4)."""

    name: str = ""
    description: str | None = None
    retry_count: int = 3
    timeout_seconds: int = 0
    input_keys: list[str] = []
    output_keys: list[str] = []
    timeout_policy: TimeoutPolicy = "TIME_OUT_WF"
    retry_logic: RetryLogic = "FIXED"
    retry_delay_seconds: int = 60
    response_timeout_seconds: int = 3600
    concurrent_exec_limit: int | None = None
    input_template: dict[str, Any] = {}
    rate_limit_per_frequency: int | None = 0
    rate_limit_frequency_in_seconds: int | None = 1
    isolation_group_id: str | None = None
    execution_name_space: str | None = None
    owner_email: str | None = None
    poll_timeout_seconds: int | None = None
    backoff_scale_factor: int = 1
    max_retry_delay_seconds: int = 0
    backoff_jitter_ms: int = 0
    total_timeout_seconds: int = 0
    base_type: str | None = None
    runtime_metadata: list[str] = []
    input_schema: SchemaDef | None = None
    output_schema: SchemaDef | None = None
    enforce_schema: bool = False
    task_status_listener_enabled: bool = True
    owner_app: str | None = None
    create_time: int = 0
    update_time: int = 0
    created_by: str | None = None
    updated_by: str | None = None


class CacheConfig(Model, frozen=True):
    """Under which key an output is kept and for how long (D11); on a workflow not acted on."""

    key: str = ""
    ttl_in_second: int = 0


class StateChange(Model, frozen=True):
    """One entry of `onStateChange`."""

    type: str = ""
    payload: dict[str, Any] = {}


class SubWorkflowParams(Model, frozen=True):
    """Which workflow a SUB_WORKFLOW task starts; texts may be expressions."""

    name: str = ""
    version: int | None = None
    task_to_domain: dict[str, str] = {}
    workflow_definition: Any = None
    idempotency_key: str | None = None
    idempotency_strategy: Literal["FAIL", "RETURN_EXISTING", "FAIL_ON_RUNNING"] | None = None
    priority: Any = None


class WorkflowTask(Model, frozen=True):
    """A node of a workflow definition (engine.md 1.3)."""

    name: str = ""
    task_reference_name: str = ""
    type: str = "SIMPLE"
    description: str | None = None
    metadata: dict[str, Any] = {}
    input_parameters: dict[str, Any] = {}
    optional: bool = False
    permissive: bool = False
    start_delay: int = 0
    retry_count: int | None = None
    async_complete: bool = False
    task_definition: TaskDef | None = None
    rate_limited: bool | None = None
    cache_config: CacheConfig | None = None
    on_state_change: dict[str, list[StateChange]] = {}
    evaluator_type: str | None = None
    expression: str | None = None
    decision_cases: "dict[str, list[WorkflowTask]]" = {}
    default_case: "list[WorkflowTask]" = []
    case_value_param: str | None = None
    case_expression: str | None = None
    script_expression: str | None = None
    fork_tasks: "list[list[WorkflowTask]]" = []
    join_on: list[str] = []
    join_mode: Literal["SYNC", "ASYNC"] | None = None
    join_status: str | None = None
    default_exclusive_join_task: list[str] = []
    dynamic_task_name_param: str | None = None
    dynamic_fork_tasks_param: str | None = None
    dynamic_fork_tasks_input_param_name: str | None = None
    dynamic_fork_join_tasks_param: str | None = None
    loop_condition: str | None = None
    loop_over: "list[WorkflowTask]" = []
    items: Any = None
    sub_workflow_param: SubWorkflowParams | None = None
    sink: str | None = None


class RateLimitConfig(Model, frozen=True):
    """At most so many executions at once for each value of the key; 0 = no limit (D9)."""

    rate_limit_key: str = ""
    concurrent_exec_limit: int = 0
    policy: Literal["QUEUE", "REJECT"] = "QUEUE"


class WorkflowDef(Model, frozen=True):
    """A workflow definition (engine.md 1.2)."""

    name: str = ""
    version: int = 1
    description: str | None = None
    tasks: list[WorkflowTask] = []
    input_parameters: list[str] = []
    output_parameters: dict[str, Any] = {}
    input_template: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    failure_workflow: str | None = None
    failure_workflow_version: int | None = None
    timeout_seconds: int = 0
    timeout_policy: Literal["TIME_OUT_WF", "ALERT_ONLY"] = "ALERT_ONLY"
    restartable: bool = True
    schema_version: int = 2
    owner_email: str | None = None
    owner_app: str | None = None
    create_time: int = 0
    update_time: int = 0
    created_by: str | None = None
    updated_by: str | None = None
    workflow_status_listener_enabled: bool = False
    workflow_status_listener_sink: str | None = None
    rate_limit_config: RateLimitConfig | None = None
    input_schema: SchemaDef | None = None
    output_schema: SchemaDef | None = None
    enforce_schema: bool = True
    cache_config: CacheConfig | None = None
    masked_fields: list[str] = []
    metadata: dict[str, Any] = {}


def is_checked(schema: SchemaDef) -> bool:
    """Whether values can be held against it: AVRO and PROTOBUF schemas are kept only."""
    return schema.type == "JSON" and bool(schema.data)


def enforced_schemas(definition: WorkflowDef | TaskDef) -> tuple[SchemaDef, ...]:
    """The JSON schemas that inputs and outputs must meet, those that are only named included."""
    if not definition.enforce_schema:
        return ()
    both = (definition.input_schema, definition.output_schema)
    given = (one for one in both if one is not None and one.type == "JSON")
    return tuple(one for one in given if one.data or one.name)


_encoder = msgspec.json.Encoder()
_workflow_decoder = msgspec.json.Decoder(WorkflowDef)
_task_decoder = msgspec.json.Decoder(TaskDef)


def encode_definition(definition: WorkflowDef | TaskDef) -> bytes:
    """The compact stored form."""
    return _encoder.encode(definition)


def decode_workflow_def(body: bytes) -> WorkflowDef:
    """A stored workflow definition."""
    return _workflow_decoder.decode(body)


def decode_task_def(body: bytes) -> TaskDef:
    """A stored task definition."""
    return _task_decoder.decode(body)


def as_json(value: Any) -> Any:
    """The form that the API answers with: all fields by their camelCase name, null ones left out.

    Nulls inside free-form maps stay.
    """
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        pairs = ((shown, getattr(value, field)) for field, shown in names)
        return {shown: as_json(part) for shown, part in pairs if part is not None}
    if isinstance(value, dict):
        return {key: as_json(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return value
