"""What an account consists of. Data and its durable form; no rules.

``spec`` holds what the user asked for, in wire names (camelCase), validated and with the service's
defaults filled in. The other attributes are what the service adds as life goes on. Times are aware UTC.
Every entity has a *record*: a JSON-able dict that the journal stores and from which it is restored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar

from batch_emulator.service.errors import Failure

Json = dict[str, Any]


@dataclass
class Versioned:
    """What every top-level resource carries: times, ETag and state with its history."""

    id: str
    spec: Json
    creation_time: datetime
    last_modified: datetime
    etag: str
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None


@dataclass
class Pool(Versioned):
    """A pool. Node numbers are targets; the nodes themselves are entities of their own."""

    kind: ClassVar[str] = "pool"
    allocation_state: str = "steady"
    allocation_state_transition_time: datetime | None = None
    target_dedicated: int = 0
    target_low_priority: int = 0
    resize_errors: list[Json] = field(default_factory=list)
    resize_deadline: datetime | None = None
    node_deallocation_option: str = "requeue"
    auto_scale_run: Json | None = None
    next_auto_scale_at: datetime | None = None
    last_enable_auto_scale_at: datetime | None = None
    auto_pool_of: str | None = None
    identity: Json | None = None


@dataclass
class Node:
    """A compute node of a pool."""

    kind: ClassVar[str] = "node"
    id: str
    pool_id: str
    is_dedicated: bool
    state: str
    state_transition_time: datetime
    allocation_time: datetime
    boot_id: str
    scheduling_state: str = "enabled"
    last_boot_time: datetime | None = None
    ip_address: str = ""
    start_task_info: Json | None = None
    start_task_run_id: str | None = None
    errors: list[Json] = field(default_factory=list)
    total_tasks_run: int = 0
    total_tasks_succeeded: int = 0
    recent_tasks: list[Json] = field(default_factory=list)
    leaving: str | None = None
    prepared_jobs: dict[str, str] = field(default_factory=dict)


@dataclass
class Job(Versioned):
    """A job. ``tasks_added`` numbers its tasks in the order they came."""

    kind: ClassVar[str] = "job"
    pool_id: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    terminate_reason: str | None = None
    scheduling_error: Json | None = None
    tasks_added: int = 0


@dataclass
class Task(Versioned):
    """A task. ``run_id`` is set while it occupies a node."""

    kind: ClassVar[str] = "task"
    job_id: str = ""
    number: int = 0
    node_id: str | None = None
    node_pool_id: str | None = None
    task_root: str | None = None
    run_id: str | None = None
    tries: int = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    failure: Failure | None = None
    result: str | None = None
    retry_count: int = 0
    last_retry_time: datetime | None = None
    requeue_count: int = 0
    last_requeue_time: datetime | None = None
    deadline: datetime | None = None
    retention_until: datetime | None = None
    satisfies: bool | None = None
    killing: Json | None = None


@dataclass
class JobNodeRun:
    """A preparation or release task on one node (key: job, node, kind)."""

    kind: ClassVar[str] = "job_node_run"
    job_id: str
    pool_id: str
    node_id: str
    task_kind: str
    state: str
    start_time: datetime
    task_root: str
    run_id: str | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    failure: Failure | None = None
    retry_count: int = 0
    last_retry_time: datetime | None = None
    result: str | None = None
    deadline: datetime | None = None


@dataclass
class Application:
    """An application of the account; its packages by version."""

    kind: ClassVar[str] = "application"
    id: str
    display_name: str | None = None
    allow_updates: bool = True
    default_version: str | None = None
    etag: str = ""
    last_modified: datetime | None = None
    packages: dict[str, Json] = field(default_factory=dict)


Entity = Pool | Node | Job | Task | JobNodeRun | Application
ENTITY_TYPES: dict[str, type[Any]] = {
    cls.kind: cls for cls in (Pool, Node, Job, Task, JobNodeRun, Application)
}


def to_record(entity: Entity) -> Json:
    """The JSON-able form of an entity, defaults left out."""
    record: Json = {}
    for item in fields(entity):
        value = getattr(entity, item.name)
        if isinstance(value, datetime):
            value = {"$t": value.isoformat()}
        elif isinstance(value, Failure):
            value = {
                "$f": [value.code, value.message, value.category, [list(pair) for pair in value.details]]
            }
        if value is not None:
            record[item.name] = value
    return record


def from_record(kind: str, record: Json) -> Entity:
    """The entity that :func:`to_record` described."""
    values = {}
    for name, value in record.items():
        if isinstance(value, dict) and value.keys() == {"$t"}:
            value = datetime.fromisoformat(value["$t"])
        elif isinstance(value, dict) and value.keys() == {"$f"}:
            code, message, category, details = value["$f"]
            value = Failure(code, message, category, tuple((name, text) for name, text in details))
        values[name] = value
    entity: Entity = ENTITY_TYPES[kind](**values)
    return entity
