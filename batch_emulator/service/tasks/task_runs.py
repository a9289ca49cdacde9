"""A task's way through tries: onto a node, launched, ended, and what its end means."""

from __future__ import annotations

from typing import Any

from batch_emulator.service import statistics
from batch_emulator.service.assumptions import MAX_LOSSES, RECENT_TASKS
from batch_emulator.service.durations import is_unlimited, parse_duration
from batch_emulator.service.effects import KillRun, PackageInstall, RemoveTaskFiles, StartRun
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Node, Task, key_of
from batch_emulator.service.errors import Failure
from batch_emulator.service.ids import task_root
from batch_emulator.service.jobs import managers, preparation
from batch_emulator.service.packages.packages import lost_reference, of_node, resolve
from batch_emulator.service.rooms import Gang, JobRoom
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks import orphans
from batch_emulator.service.tasks.exit_conditions import judge
from batch_emulator.service.tasks.failures import (
    EXIT_CODE,
    TASK_ENDED,
    TOO_MANY_LOSSES,
    UNKNOWN,
    WALL_CLOCK,
    package_failure,
)
from batch_emulator.service.tasks.multi_instance import gangs
from batch_emulator.service.tasks.runs import environment_of, run_common
from batch_emulator.service.times import later

# A request to end a run may meet another one: the stronger counts.
_STRENGTH = ("lost", "preempt", "requeue", "wallclock", "terminate", "delete")


def set_state(state: State, room: JobRoom, task: Task, finish: str, cause: str) -> None:
    """Move a task and keep the job's counts right."""
    room.count(task, -1)
    state.move(task, finish, cause)
    room.count(task, 1)


def make_ready(state: State, room: JobRoom, task: Task) -> None:
    """An active task waits for its dependencies, or for a node; one that is too old waits for nothing."""
    if not task.expired and room.dependencies.add(task):
        room.ready.push(task)
        state.offer(room)


def assign(state: State, room: JobRoom, task: Task, node: Node) -> None:
    """Give a task its place on a node; launch it, or let it wait for the job's preparation there."""
    take_place(state, room, task, node)
    if preparation.must_wait(state, room, node):
        set_state(state, room, task, "preparing", "waits for the job preparation task")
    else:
        launch(state, room, task, node)
    refresh(state, node)


def take_place(state: State, room: JobRoom, task: Task, node: Node) -> None:
    """A new try of a task begins on a node."""
    task.tries += 1
    task.run_id = f"{task.job_id}/{task.id}/{task.number}.{task.tries}"
    task.node_id, task.node_pool_id = node.id, node.pool_id
    task.task_root, task.files_removed = task_root(task.job_id, task.id), False
    occupy(state, room, task)


def occupy(state: State, room: JobRoom, task: Task) -> None:
    """Note that a task holds slots of its node."""
    load = state.load_of(task.node_pool_id, task.node_id)
    if load is None or task.run_id is None:
        raise ValueError(f"{key_of(task)} has no node")
    load.tasks[task.run_id] = task
    load.used_slots += task.spec["requiredSlots"]
    if managers.runs_alone(room, task):
        load.exclusive = task.run_id
    state.runs[task.run_id] = task
    room.occupying[task.number] = task


def launch(state: State, room: JobRoom, task: Task, node: Node) -> None:
    """Run the task's command: ``running`` includes getting its files and packages."""
    task.start_time = state.now
    set_deadline(state, task)
    set_state(state, room, task, "running", f"assigned to {node.id}")
    references = task.spec.get("applicationPackageReferences") or []
    lost = lost_reference(state, references)
    if lost is not None:
        end(state, task, Ending(failure=package_failure(lost), phase="preprocessing"))
        return
    state.emit(start_run(state, room, task, node))


def set_deadline(state: State, task: Task) -> None:
    """A try may take as long as maxWallClockTime, counted from its start."""
    span = parse_duration(task.spec["constraints"]["maxWallClockTime"])
    if task.start_time is None or is_unlimited(span):
        task.deadline = None
    else:
        task.deadline = later(task.start_time, span)
        state.timers.set(task.deadline, "task", key_of(task))


def start_run(state: State, room: JobRoom, task: Task, node: Node, **other: Any) -> StartRun:
    """The effect that runs a task's command.

    :param other: what is different for an instance of a multi-instance task.
    """
    references = task.spec.get("applicationPackageReferences") or ()
    found = [resolve(state, item["applicationId"], item.get("version")) for item in references]
    packages: tuple[PackageInstall, ...] = tuple([package for package in found if package is not None])
    values: dict[str, Any] = {
        **run_common(state, node),
        "run_id": task.run_id or "",
        "kind": "manager" if managers.is_manager(room, task) else "task",
        "task_root": task.task_root or "",
        "spec": task.spec,
        "environment": environment_of(room.job, task.spec),
        "job_id": task.job_id,
        "task_id": task.id,
        "preparation_root": preparation.root_of(room.job),
        "packages": packages,
        "pool_packages": of_node(node),
        **other,
    }
    return StartRun(**values)


def kill(state: State, task: Task, outcome: str) -> None:
    """End a task's run.

    :param outcome: what becomes of the task: ``lost``, ``preempt``, ``requeue``, ``wallclock``,
        ``terminate``, ``delete``.
    """
    room = state.room_of(task)
    before = task.killing
    if before is not None and _STRENGTH.index(before) >= _STRENGTH.index(outcome):
        return
    if outcome == "delete":
        room.count(task, -1)
    task.killing = outcome
    state.changed(task)
    gang = room.gangs.get(task.number)
    if gang is not None and not gang.coordinated:
        _kill_coordination(state, task, gang, first=before is None)
    elif task.state == "preparing":
        end(state, task, Ending(killed=True))
    elif before is None:
        state.emit(KillRun(task.run_id or "", _reason(outcome)))


def _kill_coordination(state: State, task: Task, gang: Gang, *, first: bool) -> None:
    """The application command does not run yet: the try is over when no coordination command runs."""
    if not gang.commands:
        end(state, task, Ending(killed=True))
    elif first and gang.ending is None:
        gangs.kill_commands(state, gang, _reason(task.killing or ""))


def abandon(state: State, task: Task) -> None:
    """End a task's run without waiting for its node; what the node says of it later means nothing."""
    kill(state, task, "terminate")
    if task.run_id is None:
        return
    room = state.room_of(task)
    gang = room.gangs.get(task.number)
    if gang is not None and not gang.coordinated:
        for member in gang.commands:
            orphans.leave_behind(state, member.run_id, member.pool_id, member.node_id, 1)
    else:
        pool = state.pools[task.node_pool_id or ""]
        slots = managers.slots_needed(pool, room, task)
        orphans.leave_behind(state, task.run_id, task.node_pool_id, task.node_id, slots)
    end(state, task, Ending(killed=True))


def _reason(outcome: str) -> Failure | None:
    return {"terminate": TASK_ENDED, "wallclock": WALL_CLOCK}.get(outcome)


def end(state: State, task: Task, ending: Ending) -> None:
    """A run of a task is over: complete it, try it again, or give it back to the queue."""
    room = state.room_of(task)
    killing = task.killing
    node = state.node_of(task.node_pool_id, task.node_id)
    gangs.release(state, room, task)
    statistics.note_try(task, ending.use, state.now)
    _vacate(state, room, task)
    if node is not None and killing != "delete":
        _note_on_node(state, node, task, ending)
    state.check_job(room)
    if killing == "delete":
        remove_files(state, task)
        forget(state, room, task)
    elif ending.succeeded:
        complete(state, room, task, ending)
    elif killing in ("terminate", "wallclock"):
        complete(state, room, task, ending._replace(failure=_reason(killing), phase="process", killed=True))
    elif ending.lost and killing is None and task.losses >= MAX_LOSSES:
        complete(state, room, task, Ending(None, TOO_MANY_LOSSES))
    elif killing is not None or ending.killed:
        task.losses += ending.lost
        _requeue(state, room, task, killing)
    elif ending.failure is None and ending.exit_code is not None and _retries_left(task):
        _retry(state, room, task)
    else:
        complete(state, room, task, ending)
    if node is not None:
        refresh(state, node)


def _vacate(state: State, room: JobRoom, task: Task) -> None:
    load = state.load_of(task.node_pool_id, task.node_id)
    if load is not None and task.run_id in load.tasks:
        del load.tasks[task.run_id]
        load.used_slots -= task.spec["requiredSlots"]
        if load.exclusive == task.run_id:
            load.exclusive = None
    state.runs.pop(task.run_id or "", None)
    room.occupying.pop(task.number, None)
    if task.killing != "delete":
        task.killing = None
    task.run_id = task.deadline = None


def _note_on_node(state: State, node: Node, task: Task, ending: Ending) -> None:
    if task.state != "running":
        return
    node.total_tasks_run += 1
    node.total_tasks_succeeded += ending.succeeded
    entry = [task.job_id, task.id]
    node.recent_tasks = [entry, *[item for item in node.recent_tasks if item != entry]][:RECENT_TASKS]
    state.changed(node)


def _retries_left(task: Task) -> bool:
    allowed = task.spec["constraints"]["maxTaskRetryCount"]
    return bool(allowed < 0 or task.retry_count < allowed)


def _retry(state: State, room: JobRoom, task: Task) -> None:
    task.retry_count += 1
    task.last_retry_time = state.now
    _back_to_active(state, room, task, "exit code not zero, retries left")


def _requeue(state: State, room: JobRoom, task: Task, killing: str | None) -> None:
    # Only what users asked for counts; a lost node does not. Source: BatchTaskExecutionInfo.requeueCount.
    if killing == "requeue":
        task.requeue_count += 1
        task.last_requeue_time = state.now
    causes = {"requeue": "requeued", "preempt": "made room for another task"}
    _back_to_active(state, room, task, causes.get(killing or "", "its node was lost"))


def note_files(room: JobRoom, task: Task) -> None:
    """Remember where a try leaves files, before the task goes on without its node."""
    gang = room.gangs.get(task.number)
    places = list(task.left_on or ())
    if task.task_root and task.node_pool_id and task.node_id and not task.files_removed:
        places.append([task.node_pool_id, task.node_id])
    places += [[member.pool_id, member.node_id] for member in (gang.members if gang else ())]
    task.left_on = [place for number, place in enumerate(places) if place not in places[:number]] or None


def _back_to_active(state: State, room: JobRoom, task: Task, cause: str) -> None:
    note_files(room, task)
    task.node_id = task.node_pool_id = task.task_root = task.start_time = None
    gangs.forget(state, room, task, with_files=False)
    set_state(state, room, task, "active", cause)
    make_ready(state, room, task)


def complete(state: State, room: JobRoom, task: Task, ending: Ending) -> None:
    """The task is done for good: success or failure, dependents, retention, and the job's demand."""
    failure = (
        None if ending.succeeded else ending.failure or (UNKNOWN if ending.exit_code is None else EXIT_CODE)
    )
    task.end_time, task.exit_code, task.failure = state.now, ending.exit_code, failure
    task.result = "failure" if failure else "success"
    task.container_info = ending.container
    verdict = judge(
        task.spec.get("exitConditions"), ending.exit_code, ending.phase, succeeded=task.result == "success"
    )
    task.satisfies = verdict.satisfies
    set_retention(state, task)
    set_state(state, room, task, "completed", failure.code if failure else "exit code 0")
    if task.satisfies and room.job.spec["usesTaskDependencies"]:
        for dependent in room.dependencies.satisfy(task.id):
            room.ready.push(dependent)
            state.offer(room)
    # The client's own suite ends a waiting task of such a job and reactivates it: the job goes on.
    taken_back = ending.killed and task.start_time is None
    if room.job.spec["onTaskFailure"] == "performexitoptionsjobaction" and not taken_back:
        room.demands.update({verdict.job_action} - {"none"})
    if managers.ends_job(room, task):
        room.demands.add("manager")
    state.check_job(room)


def set_retention(state: State, task: Task) -> None:
    """Files may go when the retention time after the end is over."""
    span = parse_duration(task.spec["constraints"]["retentionTime"])
    if task.node_id is None or task.end_time is None or task.files_removed:
        return
    task.retention_until = None if is_unlimited(span) else later(task.end_time, span)
    state.timers.set(task.retention_until, "retention", key_of(task))


def remove_files(state: State, task: Task) -> None:
    """Have a task's directory removed wherever it had one, if the node is still there."""
    places = {(pool_id, node_id): None for pool_id, node_id in task.left_on or ()}
    if task.task_root and not task.files_removed:
        places[task.node_pool_id or "", task.node_id or ""] = None
    for pool_id, node_id in places:
        if state.node_of(pool_id, node_id):
            state.emit(RemoveTaskFiles(pool_id, node_id, task_root(task.job_id, task.id)))
    task.left_on = None


def forget(state: State, room: JobRoom, task: Task) -> None:
    """Remove a task that holds no place on a node."""
    room.ready.discard(task)
    room.dependencies.discard(task)
    if task.satisfies and room.job.spec["usesTaskDependencies"] and room.job.state != "deleting":
        room.job.departed = [*room.job.departed, task.id]
        state.changed(room.job)
    gangs.forget(state, room, task, with_files=True)
    statistics.keep(room.job, statistics.of_task(task, state.now))
    state.changed(room.job)
    if room.tasks.get(task.id) is task:
        room.tasks.remove(task.id)
    state.removed(task)
    state.check_job(room)
