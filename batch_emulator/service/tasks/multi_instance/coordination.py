"""A multi-instance task's way through one try: nodes, coordination commands, the application command.

Source: *Use multi-instance tasks to run Message Passing Interface (MPI) applications in Batch*.
"""

from __future__ import annotations

from batch_emulator.service import statistics
from batch_emulator.service.effects import StartRun
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Json, Node, Subtask, Task
from batch_emulator.service.jobs import preparation
from batch_emulator.service.packages.packages import lost_reference
from batch_emulator.service.resource_use import NOTHING
from batch_emulator.service.rooms import Gang, JobRoom
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks import task_runs
from batch_emulator.service.tasks.failures import EXIT_CODE, UNKNOWN, package_failure
from batch_emulator.service.tasks.multi_instance import gangs
from batch_emulator.service.tasks.multi_instance.assumptions import (
    PACKAGES_ON_EVERY_NODE,
    RUNNING_UNTIL_PRIMARY_ENDS,
    ending_of,
)


def assign(state: State, room: JobRoom, task: Task, nodes: list[Node]) -> None:
    """Give a task its nodes, the first to its primary.

    Each instance begins with its coordination command, or waits for the job's preparation on its node.
    """
    task_runs.take_place(state, room, task, nodes[0])
    ready = [not preparation.must_wait(state, room, node) for node in nodes]
    gang = gangs.form(state, room, task, nodes, ready)
    if not ready[0]:
        task_runs.set_state(state, room, task, "preparing", "waits for the job preparation task")
    lost = lost_reference(state, task.spec.get("applicationPackageReferences") or [])
    if lost is not None:
        _fail_at_once(state, room, task, Ending(failure=package_failure(lost), phase="preprocessing"))
        return
    for member, node, may_begin in zip(gang.members, nodes, ready, strict=True):
        if may_begin:
            begin(state, member, node)
        refresh(state, node)


def _fail_at_once(state: State, room: JobRoom, task: Task, ending: Ending) -> None:
    task.start_time = state.now
    task_runs.set_state(state, room, task, "running", "assigned")
    task_runs.end(state, task, ending)


def begin(state: State, member: Subtask, node: Node) -> None:
    """Run the coordination command of an instance; ``running`` includes getting its files and packages."""
    room, task = state.jobs[member.job_id], gangs.task_of(state, member)
    gang = room.gangs[task.number]
    member.start_time = state.now
    member.run_id = f"{task.run_id}/{member.number}"
    state.runs[member.run_id] = member
    if member.state != "running":
        gangs.move(state, member, "running")
    state.changed(member)
    if member.number == 0:
        task.start_time = state.now
        task_runs.set_deadline(state, task)
        task_runs.set_state(state, room, task, "running", f"assigned to {len(gang.members)} nodes")
    state.emit(
        task_runs.start_run(
            state,
            room,
            task,
            node,
            run_id=member.run_id,
            kind="coordination",
            spec=_coordination_spec(task, member.number),
            instance=gangs.hosts_of(state, gang, member.number),
            **({} if PACKAGES_ON_EVERY_NODE or member.number == 0 else {"packages": ()}),
        )
    )


def _coordination_spec(task: Task, number: int) -> Json:
    """The coordination command in the shape of a task: only the primary gets the task's own files."""
    left_out = ("outputFiles",) if number == 0 else ("outputFiles", "resourceFiles")
    spec = {name: value for name, value in task.spec.items() if name not in left_out}
    return {**spec, "commandLine": task.spec["multiInstanceSettings"]["coordinationCommandLine"]}


def on_ended(state: State, member: Subtask, ending: Ending) -> None:
    """The coordination command of an instance is over."""
    room, task = state.jobs[member.job_id], gangs.task_of(state, member)
    gang = room.gangs[task.number]
    state.runs.pop(member.run_id or "", None)
    statistics.note_command(task, ending.use)
    ending = ending._replace(use=NOTHING)  # or the end of the try would count it again
    member.run_id, member.exit_code, member.container_info = None, ending.exit_code, ending.container
    state.changed(member)
    if not ending.succeeded and not ending.killed:
        member.failure = ending.failure or (UNKNOWN if ending.exit_code is None else EXIT_CODE)
        gangs.conclude(state, member)
    if gang.ending is not None or task.killing is not None:
        _end_if_over(state, task, gang)
    elif not ending.succeeded:
        give_up(state, task, gang, ending if ending.killed else ending_of(ending))
    else:
        if not RUNNING_UNTIL_PRIMARY_ENDS and member.number > 0:
            gangs.conclude(state, member)
        if gang.coordinated:
            _launch_application(state, room, task, gang)


def give_up(state: State, task: Task, gang: Gang, ending: Ending) -> None:
    """The try cannot go on: end its other commands, then the try."""
    gang.ending = ending
    gangs.kill_commands(state, gang)
    _end_if_over(state, task, gang)


def _end_if_over(state: State, task: Task, gang: Gang) -> None:
    if not gang.commands:
        task_runs.end(state, task, gang.ending or Ending(killed=True))


def _launch_application(state: State, room: JobRoom, task: Task, gang: Gang) -> None:
    """All coordination commands succeeded: the primary alone runs the task's own command."""
    node = state.node_of(task.node_pool_id, task.node_id)
    if node is not None:
        run: StartRun = task_runs.start_run(state, room, task, node, instance=gangs.hosts_of(state, gang, 0))
        state.emit(run)


def on_node_prepared(state: State, node: Node, job_id: str, *, succeeded: bool) -> None:
    """The job's preparation on a node is over: instances that waited for it begin, or the try is given up."""
    waiting = [
        member
        for member in state.pool_room(node).load(node.id).subtasks.values()
        if member.state == "preparing" and member.job_id == job_id
    ]
    for member in waiting:
        task = gangs.task_of(state, member)
        gang = state.room_of(task).gangs[task.number]
        if gang.ending is not None or task.killing is not None:
            continue
        if succeeded:
            begin(state, member, node)
        else:
            give_up(state, task, gang, Ending(killed=True))


def on_node_lost(state: State, node: Node) -> None:
    """The node is gone under its instances, which cannot report any more."""
    for member in list(state.pool_room(node).load(node.id).subtasks.values()):
        task = gangs.task_of(state, member)
        gang = state.room_of(task).gangs[task.number]
        over = gang.coordinated
        gangs.leave(state, member)
        if member.number == 0:
            task_runs.end(state, task, gang.ending or Ending(killed=True))
        elif not over:
            give_up(state, task, gang, gang.ending or Ending(killed=True))
        else:
            task_runs.kill(state, task, "lost")
