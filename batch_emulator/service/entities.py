"""What an account consists of. Data and its durable form; no rules.

``spec`` holds what the user asked for, in wire names (camelCase), validated and with the service's
defaults filled in. It is never changed in place. The other attributes are what the service adds as life
goes on. Times are aware UTC. Every entity has a *record*: a JSON-able dict that the journal stores and
from which it is restored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar

from batch_emulator.service.errors import Failure

Json = dict[str, Any]


@dataclass(slots=True)
class Versioned:
    """What every top-level resource carries: times, ETag and state with its history."""

    id: str
    spec: Json = field(repr=False)  # it may hold URLs with signatures
    creation_time: datetime
    last_modified: datetime
    etag: str
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None


@dataclass(slots=True)
class Pool(Versioned):
    """A pool. Node numbers are targets; the nodes themselves are entities of their own.

    ``nodes_created`` numbers its nodes, so that no id is given twice.

    :param awaits_capacity: kinds of nodes that a resize goes on asking the region for, as in resize errors.
    """

    kind: ClassVar[str] = "pool"
    allocation_state: str = "steady"
    allocation_state_transition_time: datetime | None = None
    target_dedicated: int = 0
    target_low_priority: int = 0
    resize_errors: list[Json] = field(default_factory=list)
    resize_deadline: datetime | None = None
    awaits_capacity: list[str] = field(default_factory=list)
    node_deallocation_option: str = "requeue"
    auto_scale_run: Json | None = None
    next_auto_scale_at: datetime | None = None
    last_enable_auto_scale_at: datetime | None = None
    identity: Json | None = None
    nodes_created: int = 0


@dataclass(slots=True)
class Node:
    """A compute node of a pool.

    :param number: its place in the order in which the pool got its nodes.
    :param boots: how often it was booted; the boot id is made of it.
    :param start_task: the start task as it was when the node booted.
    :param packages: the pool's packages as they were when the node booted (fields of ``PackageInstall``).
    :param start_task_info: in wire form.
    :param recent_tasks: [job id, task id] and for a subtask its number, newest first.
    :param leaving: the deallocation option with which it leaves the pool.
    :param restarting: the option with which it is about to go down.
    :param restart_kind: what is to be done then: ``reboot``, ``reimage`` or ``deallocate``.
    :param returns_at: when a preempted node may get capacity again.
    :param place: the lowest number that no other node of the pool had when it came; decides its ports.
    :param machine_since: when it got the machine that it has; ``None`` while it has none.
    :param disk_since: when its disk was empty last.
    :param left_from: its state before it was to leave its pool.
    :param orphans: slots of runs whose jobs were ended by force, until the runs end too.
    :param users: user accounts made on the node, by lower-case name, without secrets.
    """

    kind: ClassVar[str] = "node"
    id: str
    pool_id: str
    number: int
    is_dedicated: bool
    state: str
    state_transition_time: datetime
    allocation_time: datetime
    boot_id: str
    boots: int = 1
    scheduling_state: str = "enabled"
    last_boot_time: datetime | None = None
    ip_address: str = ""
    start_task: Json | None = field(default=None, repr=False)
    start_task_info: Json | None = None
    start_task_run_id: str | None = None
    packages: list[list[Any]] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)
    total_tasks_run: int = 0
    total_tasks_succeeded: int = 0
    recent_tasks: list[list[Any]] = field(default_factory=list)
    leaving: str | None = None
    release_sent: bool = False
    restarting: str | None = None
    restart_kind: str = "reboot"
    returns_at: datetime | None = None
    place: int = 0
    machine_since: datetime | None = None
    disk_since: datetime | None = None
    left_from: str = ""
    users: dict[str, Json] = field(default_factory=dict)
    orphans: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Job(Versioned):
    """A job.

    :param tasks_added: numbers its tasks in the order they came.
    :param disable_tasks: the option of the latest disable request.
    :param departed: ids of deleted tasks on which dependents may still count.
    :param past: what deleted tasks had used, as ``statistics`` has it.
    """

    kind: ClassVar[str] = "job"
    pool_id: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    deadline: datetime | None = None
    terminate_reason: str | None = None
    scheduling_error: Json | None = None
    disable_tasks: str | None = None
    tasks_added: int = 0
    released: bool = False
    departed: list[str] = field(default_factory=list)
    past: list[int] | None = None


@dataclass(slots=True)
class Task(Versioned):
    """A task.

    :param run_id: set while it occupies a node.
    :param killing: why its run is being ended: ``terminate``, ``requeue``, ``lost``, ``wallclock`` or
        ``delete``.
    :param losses: how often its run vanished without a reason that anybody knows.
    :param left_on: [pool id, node id] of earlier tries, whose files may still be there.
    :param satisfies: whether its completion lets dependents run; ``None`` until then.
    :param used: what its tries used, as ``statistics`` has it.
    :param expired: its longest life was over before it was complete: it never runs any more.
    :param first_retention: retention time of its subtasks, where that of the task was changed.
    """

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
    files_removed: bool = False
    losses: int = 0
    satisfies: bool | None = None
    killing: str | None = None
    first_retention: str | None = None
    left_on: list[list[str]] | None = None
    container_info: Json | None = None
    expired: bool = False
    used: list[int] | None = None


@dataclass(slots=True)
class JobNodeRun:
    """A preparation or release task on one node (key: job, pool, node, task kind).

    :param task_kind: ``preparation`` or ``release``.
    :param boot_id: the boot of the node that it belongs to.
    """

    kind: ClassVar[str] = "job_node_run"
    job_id: str
    pool_id: str
    node_id: str
    task_kind: str
    state: str
    start_time: datetime
    task_root: str
    boot_id: str = ""
    run_id: str | None = None
    tries: int = 1
    end_time: datetime | None = None
    exit_code: int | None = None
    failure: Failure | None = None
    retry_count: int = 0
    last_retry_time: datetime | None = None
    result: str | None = None
    deadline: datetime | None = None
    rerun: bool = False
    killing: str | None = None
    container_info: Json | None = None


@dataclass(slots=True)
class Subtask:
    """One instance of a multi-instance task on its node (key: job, task, number).

    :param number: 0 is the primary's own coordination command, which is not listed.
    :param run_id: of its coordination command, until that has ended.
    :param exit_code: of the coordination command.
    :param held: it takes up its node: its try goes on.
    """

    kind: ClassVar[str] = "subtask"
    job_id: str
    task_id: str
    number: int
    pool_id: str
    node_id: str
    task_root: str
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None
    held: bool = False
    run_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    exit_code: int | None = None
    failure: Failure | None = None
    result: str | None = None
    retention_until: datetime | None = None
    files_removed: bool = False
    container_info: Json | None = None


@dataclass(slots=True)
class JobSchedule(Versioned):
    """A job schedule.

    :param next_run_time: the next occurrence.
    :param due: an occurrence whose job is not made yet.
    :param last_occurrence: the latest one that came.
    :param jobs_made: numbers its jobs.
    :param auto_pool_id: the pool that its jobs share.
    :param past: what deleted jobs had used, as ``statistics`` has it.
    """

    kind: ClassVar[str] = "job_schedule"
    next_run_time: datetime | None = None
    due: datetime | None = None
    last_occurrence: datetime | None = None
    end_time: datetime | None = None
    jobs_made: int = 0
    recent_job_id: str | None = None
    auto_pool_id: str | None = None
    past: list[int] | None = None


@dataclass(slots=True)
class Application:
    """An application of the account; its packages by version.

    A package is ``{"state", "blobName", "format"?, "lastActivationTime"?, "creationTime"}``.
    """

    kind: ClassVar[str] = "application"
    id: str
    display_name: str | None = None
    allow_updates: bool = True
    default_version: str | None = None
    etag: str = ""
    last_modified: datetime | None = None
    packages: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Usage:
    """That a machine was there for some time, or a pool; it outlives both.

    :param node_id: empty for a pool itself, which has no cores.
    """

    kind: ClassVar[str] = "usage"
    pool_id: str
    vm_size: str
    start_time: datetime
    end_time: datetime
    node_id: str = ""
    cores: int = 0
    is_dedicated: bool = False


Entity = Pool | Node | Job | JobSchedule | Task | JobNodeRun | Subtask | Application | Usage
ENTITY_TYPES: dict[str, type[Any]] = {
    cls.kind: cls for cls in (Pool, Node, Job, JobSchedule, Task, JobNodeRun, Subtask, Application, Usage)
}
_REQUIRED = object()


def _default(item: Field[Any]) -> Any:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return _REQUIRED if item.default is MISSING else item.default


def _read_failure(record: Json) -> Failure:
    details = tuple((name, text) for name, text in record["details"])
    return Failure(record["code"], record["message"], record["category"], details)


# How JSON is read back, by the annotation of the attribute; everything else is JSON already.
_READERS: dict[str, Callable[[Any], Any]] = {"datetime": datetime.fromisoformat, "Failure": _read_failure}


class _Layout:
    """How to write and read an entity of one type fast: it is written at every change."""

    def __init__(self, cls: type[Any]) -> None:
        self.names = tuple(item.name for item in fields(cls))
        self.defaults = tuple(_default(item) for item in fields(cls))
        self.values = attrgetter(*self.names)
        types = {item.name: str(item.type).removesuffix(" | None") for item in fields(cls)}
        self.readers = {name: _READERS[kind] for name, kind in types.items() if kind in _READERS}


_LAYOUTS = {cls: _Layout(cls) for cls in ENTITY_TYPES.values()}


def key_of(entity: Entity) -> str:
    """The key of an entity within its kind: its ids in lower case, joined by slashes."""
    if isinstance(entity, Task):
        return f"{entity.job_id}/{entity.id}".lower()
    if isinstance(entity, Subtask):
        return f"{entity.job_id}/{entity.task_id}/{entity.number}".lower()
    if isinstance(entity, Node):
        return f"{entity.pool_id}/{entity.id}".lower()
    if isinstance(entity, JobNodeRun):
        return f"{entity.job_id}/{entity.pool_id}/{entity.node_id}/{entity.task_kind}".lower()
    if isinstance(entity, Usage):
        return f"{entity.pool_id}/{entity.node_id}/{entity.start_time.isoformat()}".lower()
    return entity.id.lower()


def to_record(entity: Entity) -> Json:
    """The durable form of an entity, defaults left out.

    JSON but for times and failures, which orjson writes by itself as ISO 8601 texts and objects. It shares
    what it holds with the entity: write it before the entity changes.
    """
    layout = _LAYOUTS[type(entity)]
    values = layout.values(entity)
    return {
        name: value
        for name, default, value in zip(layout.names, layout.defaults, values, strict=True)
        if value is not None and value != default
    }


def from_record(kind: str, record: Json) -> Entity:
    """The entity that :func:`to_record` described. The record is the caller's to give."""
    cls = ENTITY_TYPES[kind]
    for name, read in _LAYOUTS[cls].readers.items():
        if name in record:
            record[name] = read(record[name])
    entity: Entity = cls(**record)
    return entity
