"""The instances of one try of a multi-instance task: holding nodes, being ended, leaving files behind."""

from __future__ import annotations

from batch_emulator.service.assumptions import RECENT_TASKS
from batch_emulator.service.durations import is_unlimited, parse_duration
from batch_emulator.service.effects import EndInstance, Instance, KillRun, RemoveTaskFiles
from batch_emulator.service.entities import Node, Subtask, Task, key_of
from batch_emulator.service.errors import Failure
from batch_emulator.service.pools.vm_sizes import vm_size
from batch_emulator.service.rooms import Gang, JobRoom
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks.failures import TASK_ENDED
from batch_emulator.service.tasks.multi_instance.assumptions import COUNTED_ON_NODES
from batch_emulator.service.times import later


def form(state: State, room: JobRoom, task: Task, nodes: list[Node], ready: list[bool]) -> Gang:
    """Let a task that has its place on the first of the nodes hold all of them.

    :param ready: of each node, whether an instance may begin there now.
    """
    for number, node in enumerate(nodes):
        member = Subtask(
            job_id=task.job_id,
            task_id=task.id,
            number=number,
            pool_id=node.pool_id,
            node_id=node.id,
            task_root=task.task_root or "",
            state="running" if ready[number] else "preparing",
            state_transition_time=state.now,
            held=True,
        )
        place(state, room, task, member)
        state.changed(member)
    return room.gangs[task.number]


def place(state: State, room: JobRoom, task: Task, member: Subtask) -> None:
    """Put an instance where it is found."""
    room.gangs.setdefault(task.number, Gang([])).members.append(member)
    load = state.load_of(member.pool_id, member.node_id)
    if not member.held or load is None:
        return
    load.subtasks[key_of(member)] = member
    # The slot of the primary's node is the task's own.
    load.used_slots += member.number > 0
    if member.run_id is not None:
        state.runs[member.run_id] = member


def task_of(state: State, member: Subtask) -> Task:
    """The task that an instance is part of."""
    return state.jobs[member.job_id].tasks[member.task_id]


def hosts_of(state: State, gang: Gang, number: int) -> Instance:
    """What an instance is told of all of them."""
    hosts = []
    for member in gang.members:
        node = state.node_of(member.pool_id, member.node_id)
        size = vm_size(state.pools[member.pool_id].pool.spec["vmSize"])
        hosts.append((node.ip_address if node else "", member.node_id, size.cores if size else 1))
    return Instance(number, tuple(hosts))


def move(state: State, member: Subtask, finish: str) -> None:
    """Take an instance to another state."""
    member.previous_state, member.previous_state_transition_time = (
        member.state,
        member.state_transition_time,
    )
    member.state, member.state_transition_time = finish, state.now
    state.changed(member)


def kill_commands(state: State, gang: Gang, reason: Failure | None = None) -> None:
    """End the coordination commands that run."""
    for member in gang.commands:
        state.emit(KillRun(member.run_id or "", reason))


def release(state: State, room: JobRoom, task: Task) -> None:
    """The try is over: whatever still goes on is ended, and the nodes are free.

    Source: *Multi-instance tasks*: when the primary ends, all subtasks are terminated.
    """
    gang = room.gangs.get(task.number)
    if gang is None:
        return
    kill_commands(state, gang)
    for member in gang.members:
        if not member.held:
            continue
        node = state.node_of(member.pool_id, member.node_id)
        if node is not None:
            state.emit(EndInstance(member.pool_id, member.node_id, member.task_root))
        leave(state, member)
        if node is not None and member.number > 0:
            _note_on_node(state, node, member)
            refresh(state, node)
        _set_retention(state, task, member)
    gang.ending = None


def leave(state: State, member: Subtask) -> None:
    """An instance no longer holds its node; it has completed if it had not before."""
    load = state.load_of(member.pool_id, member.node_id)
    if load is not None and load.subtasks.pop(key_of(member), None) is not None:
        load.used_slots -= member.number > 0
    state.runs.pop(member.run_id or "", None)
    member.run_id, member.held = None, False
    if member.state != "completed":
        conclude(state, member)
    state.changed(member)


def conclude(state: State, member: Subtask) -> None:
    """An instance is done, well if its coordination command ended well."""
    if member.exit_code != 0 and member.failure is None:
        member.failure = TASK_ENDED
    member.result = "failure" if member.failure else "success"
    member.end_time = state.now
    move(state, member, "completed")


def _note_on_node(state: State, node: Node, member: Subtask) -> None:
    if member.start_time is None:
        return
    if COUNTED_ON_NODES:
        node.total_tasks_run += 1
        node.total_tasks_succeeded += member.result == "success"
    entry = [member.job_id, member.task_id, member.number]
    node.recent_tasks = [entry, *(item for item in node.recent_tasks if item != entry)][:RECENT_TASKS]
    state.changed(node)


def _set_retention(state: State, task: Task, member: Subtask) -> None:
    # A change of the retention time after the task was added is for the primary alone.
    span = parse_duration(task.first_retention or task.spec["constraints"]["retentionTime"])
    if member.number > 0 and member.end_time is not None and not is_unlimited(span):
        member.retention_until = later(member.end_time, span)
        state.timers.set(member.retention_until, "subtask", key_of(member))


def on_retention_over(state: State, member: Subtask) -> None:
    """The files of an instance need not be kept any longer."""
    if member.retention_until is None or member.retention_until > state.now:
        return
    remove_files(state, member)
    member.retention_until = None
    state.changed(member)
    node = state.node_of(member.pool_id, member.node_id)
    if node is not None:
        state.check_node(node)


def remove_files(state: State, member: Subtask) -> None:
    """Have an instance's directory removed, if its node is still there."""
    if member.number > 0 and not member.files_removed and state.node_of(member.pool_id, member.node_id):
        state.emit(RemoveTaskFiles(member.pool_id, member.node_id, member.task_root))
        member.files_removed = True


def forget(state: State, room: JobRoom, task: Task, *, with_files: bool) -> None:
    """The task has no instances any more.

    :param with_files: their directories go too; the primary's is the task's.
    """
    gang = room.gangs.pop(task.number, None)
    for member in gang.members if gang else ():
        if with_files:
            remove_files(state, member)
        state.removed(member)
