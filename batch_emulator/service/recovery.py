"""An account out of its records, and what to do when every process of its earlier life is dead."""

from __future__ import annotations

from collections.abc import Iterable

from batch_emulator.service.effects import ReleaseNode
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import (
    Application,
    Entity,
    Job,
    JobNodeRun,
    JobSchedule,
    Json,
    Node,
    Pool,
    Subtask,
    Task,
    Usage,
    from_record,
    key_of,
)
from batch_emulator.service.jobs import preparation
from batch_emulator.service.nodes import node_life, start_tasks
from batch_emulator.service.pools import autoscaling
from batch_emulator.service.rooms import JobRoom, Load, PoolRoom
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks import lifetimes, orphans, task_entry, task_runs
from batch_emulator.service.tasks.multi_instance import gangs

_ORDER = ("application", "pool", "node", "job_schedule", "job", "task", "subtask", "job_node_run", "usage")


def load(state: State, records: Iterable[tuple[str, str, Json]]) -> None:
    """Make the account as its records tell; nothing is decided yet.

    :param records: (kind, key, record), in any order.
    """
    by_kind: dict[str, list[Entity]] = {kind: [] for kind in _ORDER}
    for kind, _, record in records:
        by_kind[kind].append(from_record(kind, record))
    by_kind["task"].sort(key=_number)
    by_kind["subtask"].sort(key=_number)
    by_kind["node"].sort(key=_number)
    by_kind["usage"].sort(key=_end_time)
    for kind in _ORDER:
        for entity in by_kind[kind]:
            _place(state, entity)
    for room in state.jobs.values():
        task_entry.rebuild_queues(state, room)
    for pool in state.pools.values():
        for node in pool.nodes.values():
            refresh(state, node)
    _set_timers(state)
    state.nodes_to_check, state.jobs_to_check, state.pools_to_check = {}, {}, {}


def _number(entity: Entity) -> int:
    return entity.number if isinstance(entity, (Task, Subtask, Node)) else 0


def _end_time(entity: Entity) -> str:
    return entity.end_time.isoformat() if isinstance(entity, Usage) else ""


def _place(state: State, entity: Entity) -> None:
    if isinstance(entity, Pool):
        state.saw_etag(entity.etag)
        state.pools.add(entity.id, PoolRoom(entity))
    elif isinstance(entity, Node):
        _place_node(state, entity)
    elif isinstance(entity, Job):
        state.saw_etag(entity.etag)
        room = JobRoom(entity)
        state.jobs.add(entity.id, room)
        state.bind(room, entity.pool_id)
    elif isinstance(entity, JobSchedule):
        state.saw_etag(entity.etag)
        state.schedules.add(entity.id, entity)
    elif isinstance(entity, Task):
        _place_task(state, entity)
    elif isinstance(entity, Subtask):
        room = state.jobs[entity.job_id]
        gangs.place(state, room, room.tasks[entity.task_id], entity)
    elif isinstance(entity, JobNodeRun):
        _place_run(state, entity)
    elif isinstance(entity, Application):
        state.saw_etag(entity.etag)
        state.applications.add(entity.id, entity)
    elif isinstance(entity, Usage):
        state.usage.append(entity)


def _place_node(state: State, node: Node) -> None:
    room = state.pools[node.pool_id]
    room.nodes.add(node.id, node)
    room.loads[node.id.lower()] = Load()
    state.orphans.update(dict.fromkeys(node.orphans, node))
    if node.start_task_run_id is not None:
        state.runs[node.start_task_run_id] = node


def _place_task(state: State, task: Task) -> None:
    state.saw_etag(task.etag)
    room = state.room_of(task)
    room.tasks.add(task.id, task)
    room.count(task, 1)
    if task.run_id is not None:
        task_runs.occupy(state, room, task)


def _place_run(state: State, run: JobNodeRun) -> None:
    preparation.place(state.jobs[run.job_id], run)
    load = state.load_of(run.pool_id, run.node_id)
    if run.run_id is not None and load is not None:
        load.runs[run.run_id] = run
        state.runs[run.run_id] = run


def _set_timers(state: State) -> None:
    for room in state.pools.values():
        state.timers.set(room.pool.resize_deadline, "pool", key_of(room.pool))
        if room.pool.next_auto_scale_at is not None:
            autoscaling.set_timers(state, room)
        for node in room.nodes.values():
            state.timers.set(node.returns_at, "node", key_of(node))
    for job in state.jobs.values():
        state.timers.set(job.job.deadline, "job", key_of(job.job))
        lifetimes.watch(state, job)
        for task in job.tasks.values():
            state.timers.set(task.deadline, "task", key_of(task))
            state.timers.set(task.retention_until, "retention", key_of(task))
        for gang in job.gangs.values():
            for member in gang.members:
                state.timers.set(member.retention_until, "subtask", key_of(member))
        for run in job.node_runs.values():
            state.timers.set(run.deadline, "job_node_run", run.run_id or "")


def recover(state: State) -> None:
    """Go on after the service and all that it had started were killed.

    Tasks that ran are given back to the queue as when a node is lost; nodes boot again with their disks; what
    was asked of the outside is asked again.
    """
    for pool in state.pools.values():
        for node in pool.nodes.values():
            orphans.forget(state, node)
    for job in state.jobs.values():
        for run in [run for run in job.node_runs.values() if run.run_id is not None]:
            preparation.end(state, run, Ending(killed=True))
        for task in list(job.occupying.values()):
            task_runs.end(state, task, Ending(killed=True))
        state.check_job(job)
    for schedule in state.schedules.values():
        state.check_schedule(schedule.id)
    for room in state.pools.values():
        for node in list(room.nodes.values()):
            _boot_again(state, node)
        state.check_pool(room.pool)
        state.schedule(room.pool.id)


def _boot_again(state: State, node: Node) -> None:
    if node.start_task_run_id is not None:
        start_tasks.forget(state, node)
    if node.release_sent:
        state.emit(ReleaseNode(node.pool_id, node.id, node.boot_id))
    elif node.leaving is not None or node.restarting is not None:
        # A node that waited for its tasks has none now.
        state.check_node(node)
    elif node.state in ("creating", "reimaging"):
        state.emit(node_life.boot_effect(state, node, wipe=True))
    elif node.state not in ("preempted", "deallocated"):
        _restart(state, node)


def _restart(state: State, node: Node) -> None:
    state.move_node(node, "starting", "the service was restarted")
    preparation.node_restarted(state, node)
    node_life.boot(state, node, wipe=False)
    refresh(state, node)
