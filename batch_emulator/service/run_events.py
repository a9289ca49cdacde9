"""What news of runs means, by who the run belongs to."""

from __future__ import annotations

from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import JobNodeRun, Node, Subtask, Task
from batch_emulator.service.jobs import preparation
from batch_emulator.service.nodes import start_tasks
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks import orphans, task_runs
from batch_emulator.service.tasks.multi_instance import coordination
from batch_emulator.service.tasks.multi_instance.settings import instances_of


def on_ended(state: State, run_id: str, ending: Ending) -> None:
    """A run is over. News of a run that nobody waits for is dropped."""
    if orphans.on_ended(state, run_id):
        return
    run = state.runs.get(run_id)
    if isinstance(run, Task):
        task_runs.end(state, run, ending)
    elif isinstance(run, Subtask):
        coordination.on_ended(state, run, ending)
    elif isinstance(run, Node):
        start_tasks.end(state, run, ending)
    elif isinstance(run, JobNodeRun):
        _special_ended(state, run, ending)


def on_deadline(state: State, run_id: str) -> None:
    """The time limit of a preparation or release task is over."""
    run = state.runs.get(run_id)
    if isinstance(run, JobNodeRun) and run.deadline is not None and run.deadline <= state.now:
        preparation.kill(state, run, "wallclock")


def _special_ended(state: State, run: JobNodeRun, ending: Ending) -> None:
    if not preparation.end(state, run, ending):
        return
    node = state.node_of(run.pool_id, run.node_id)
    if node is None:
        return
    if run.task_kind == "preparation":
        _go_on(state, run, node)
    refresh(state, node)


def _go_on(state: State, run: JobNodeRun, node: Node) -> None:
    """Tasks that waited for the preparation start now, or go back to the queue."""
    room = state.jobs[run.job_id]
    waiting = [
        task
        for task in state.pool_room(node).load(node.id).tasks.values()
        if task.state == "preparing" and task.job_id == room.job.id and not instances_of(task)
    ]
    prepared = run.result == "success" and not run.rerun
    coordination.on_node_prepared(state, node, room.job.id, succeeded=prepared)
    for task in waiting:
        if prepared:
            task_runs.launch(state, room, task, node)
        else:
            task_runs.end(state, task, Ending(killed=True))
