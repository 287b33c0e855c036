"""The catalogue of collections: who writes each, its index fields, and what its queries need.

Bodies are JSON of the structs named here, which live with their owner; readers in other services
decode only the fields that they need.
"""

from hookline_common.documents import Collection, Field, FieldKind

_INT = FieldKind.INTEGER
_LIST = FieldKind.LIST

# --- verifier -------------------------------------------------------------------------------------

URL_STATUS = Collection("url_status")
"""id `<webhook id>:<incarnation>`; body UrlStatus {verified, at, eventId}. Written by the
verifier.
"""

SECRET_USES = Collection("secret_uses")
"""id `<webhook id>:<incarnation>:<secret id>`; body SecretUse {lastUsedAt}, true to the minute.
Written by the verifier.
"""

# --- matcher --------------------------------------------------------------------------------------

PLANS = Collection("plans", (Field("workflow"), Field("revision", _INT)), (("workflow",),))
"""id digest(workflow, version, paths); and one document `head` with the newest revision (F2)."""

WAITERS = Collection(
    "waiters",
    (
        Field("keys", _LIST),
        Field("workflow"),
        Field("state"),
        Field("workflow_id"),
        Field("opened_at", _INT),
    ),
    (("workflow", "state", "opened_at"), ("workflow_id",)),
)
"""id task id; state open | taken | closed (F1)."""

TAKES = Collection("takes")
"""id digest(workflow id, base task ref, event id): an event is taken once per task reference
(F3).
"""

DELIVERIES = Collection("deliveries")
"""id digest(webhook id, incarnation, delivery id) -> event id (E1)."""

WEBHOOK_EVENTS = Collection(
    "events",
    (
        Field("keys", _LIST),
        Field("workflows", _LIST),
        Field("webhook_id"),
        Field("verdict"),
        Field("type"),
        Field("delivery_id"),
        Field("received_at", _INT),
        Field("plan_revision", _INT),
        Field("search", FieldKind.SEARCH),
    ),
    (
        ("received_at",),
        ("webhook_id", "received_at"),
        ("verdict", "received_at"),
        ("webhook_id", "verdict", "received_at"),
        ("delivery_id", "received_at"),
    ),
)
"""id event id; body EventRecord (webhooks.md section 7). `workflows`: ids of executions it
touched.
"""

EVENT_COUNTS = Collection(
    "event_counts",
    (
        Field("webhook_id"),
        Field("minute", _INT),
        *(
            Field(verdict, _INT)
            for verdict in (
                "resumed",
                "started",
                "resumed_and_started",
                "unmatched",
                "duplicate",
                "rejected",
                "failed",
                "handshake",
                "paused",
                "dead",
            )
        ),
    ),
    (("minute",),),
)
"""id `<webhook id>:<minute>`: how many events of the webhook ended with each verdict in that
minute.
"""

# --- engine ---------------------------------------------------------------------------------------

WEBHOOKS = Collection("webhooks", (Field("name"),), (("name",),))
"""id webhook id; body WebhookConfig."""

NAMES = Collection("names")
"""id `webhook:<name>`: makes names unique; body {id}."""

TASK_DEFS = Collection("task_defs")
"""id task name."""

WORKFLOW_DEFS = Collection(
    "workflow_defs", (Field("name"), Field("version", _INT)), (("name", "version"),)
)
"""id `<name>:<version>`."""

SCHEMAS = Collection("schemas", (Field("name"), Field("version", _INT)), (("name", "version"),))
"""id `<name>:<version>`; body SchemaDef."""

SECRETS = Collection("secrets")
"""id name; body {sealed}: values that workflows name, sealed (sealing.py)."""

ENVIRONMENT = Collection("environment")
"""id name; body {value}: what `${workflow.env.NAME}` reads."""

TASK_OUTPUTS = Collection("task_outputs")
"""id digest(task name, key of its cacheConfig); body {output, completedAt}: names a body of the
execution whose task completed. Expires with its cacheConfig.
"""

TAGS = Collection("tags", (Field("kind"),), (("kind",),))
"""id `workflow:<name>`, `task:<name>`, `secret:<name>` (body: the list of tags) and
`limit:<name>:<version>` (rate limit settings of a definition); kind is what stands before the
colon.
"""

EXECUTIONS = Collection(
    "executions",
    (
        Field("workflow_id"),
        Field("workflow_type"),
        Field("version", _INT),
        Field("status"),
        Field("correlation_id"),
        Field("parent_workflow_id"),
        Field("start_time", _INT),
        Field("update_time", _INT),
        Field("end_time", _INT),
        Field("priority", _INT),
        Field("created_by"),
        Field("event"),
        Field("idempotency_key"),
        Field("failed_refs", _LIST),
        Field("classifier"),
        Field("reason"),
        Field("wake_at", _INT),
        Field("outbox_since", _INT),
        Field("search", FieldKind.SEARCH),
    ),
    (
        ("start_time",),
        ("workflow_type", "start_time"),
        ("status", "start_time"),
        ("correlation_id",),
        ("parent_workflow_id",),
        ("end_time",),
        ("wake_at",),
        ("outbox_since",),
    ),
)
"""id workflow id; body the head of the execution (DESIGN.md section 8)."""

_PARTS = (Field("workflow_id"), Field("created_at", _INT))

BODIES = Collection("bodies", _PARTS, (("workflow_id",), ("created_at",)))
"""id owner + kind + write token: immutable inputs, outputs and definitions of executions (G1)."""

TASK_PAGES = Collection("task_pages", _PARTS, (("workflow_id",), ("created_at",)))
"""Immutable pages of finished task lines of long executions."""

TASK_QUEUE = Collection(
    "task_queue",
    (Field("queue"), Field("rank", _INT), Field("visible_at", _INT), Field("task_type")),
    (("queue", "rank", "visible_at"), ("queue", "visible_at"), ("task_type",)),
)
"""id `<task id>:<hand-off number>`; rank = 99 - priority (G4)."""

LIMITS = Collection("limits")
"""id `task:<task name>` or `run:<digest(workflow name, evaluated rateLimitKey)>`; body Standing:
who has a place under the limit, and what was handed out lately.
"""

LIMIT_WAITERS = Collection(
    "limit_waiters",
    (Field("limit_id"), Field("rank", _INT), Field("since", _INT)),
    (("limit_id", "rank", "since"),),
)
"""Who waits under a limit: id `<queue entry id>:<random>` for a hidden entry of the task queue,
`<workflow id>:<revivals>` for an execution.
"""

TASK_LOGS = Collection(
    "task_logs", (Field("task_id"), Field("created_at", _INT)), (("task_id", "created_at"),)
)
POLL_DATA = Collection(
    "poll_data",
    (Field("task_type"), Field("domain"), Field("last_poll_at", _INT)),
    (("task_type",),),
)
IDEMPOTENCY_KEYS = Collection("idempotency_keys", (Field("check_at", _INT),), (("check_at",),))
"""id digest(workflow name, key); body {workflowId, commandId} (G6). And id digest("removed",
workflow id) for an execution that was removed. From `check_at` on it may go, unless its execution
is there.
"""

SWEEPS = Collection("sweeps", (Field("name"),), (("name",),))
"""id name of a sweep; body {sweptUntil}: held by the engine that sweeps (G1)."""

REPLAYS = Collection(
    "replays",
    (Field("state"), Field("created_at", _INT)),
    (("state", "created_at"), ("created_at",)),
)
"""id replay id; body ReplayJob: what is re-appended, how far it is, what came of it so far."""

DEAD_LETTERS = Collection(
    "dead_letters",
    (
        Field("letter_id"),
        Field("topic"),
        Field("error"),
        Field("reason"),
        Field("service"),
        Field("state"),
        Field("event_id"),
        Field("webhook_id"),
        Field("at", _INT),
    ),
    (("at",), ("state", "at"), ("topic", "at"), ("letter_id",), ("event_id",)),
)
"""id digest of the source's topic, partition and offset; body DeadLetter. Its value stays in the
log. Expires with its dead-letter topic.
"""

INSTANCES = Collection("instances", (Field("service"),), (("service",),))
"""id random; body Instance: a service in a process. Expires when it was not seen for a while."""

ALL: tuple[Collection, ...] = (
    INSTANCES,
    URL_STATUS,
    SECRET_USES,
    PLANS,
    WAITERS,
    TAKES,
    DELIVERIES,
    WEBHOOK_EVENTS,
    EVENT_COUNTS,
    WEBHOOKS,
    NAMES,
    TASK_DEFS,
    WORKFLOW_DEFS,
    SCHEMAS,
    SECRETS,
    ENVIRONMENT,
    TASK_OUTPUTS,
    TAGS,
    EXECUTIONS,
    BODIES,
    TASK_PAGES,
    TASK_QUEUE,
    LIMITS,
    LIMIT_WAITERS,
    TASK_LOGS,
    POLL_DATA,
    IDEMPOTENCY_KEYS,
    SWEEPS,
    REPLAYS,
    DEAD_LETTERS,
)
