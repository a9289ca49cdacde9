"""What follows from a change by itself: nodes, jobs and pools go on, formulas are due, tasks are placed."""

from __future__ import annotations

from batch_emulator.service import run_events
from batch_emulator.service.jobs import job_lifecycle
from batch_emulator.service.nodes import node_life, node_loss
from batch_emulator.service.pools import autoscaling, resizing, spot
from batch_emulator.service.schedules import schedule_life
from batch_emulator.service.scheduling import scheduler
from batch_emulator.service.state import State
from batch_emulator.service.tasks import lifetimes, tasks
from batch_emulator.service.tasks.multi_instance import gangs

# Each round takes something a step further; more rounds than this are an endless loop.
_MAX_ROUNDS = 10_000


class NeverSettles(Exception):  # noqa: N818 - says what it is
    """A bug in the rules: they undo one another for ever."""


def settle(state: State) -> None:
    """Let everything follow that follows."""
    for _ in range(_MAX_ROUNDS):
        if not (
            state.nodes_to_check
            or state.jobs_to_check
            or state.schedules_to_check
            or state.pools_to_check
            or state.pools_to_schedule
        ):
            return
        _round(state)
    raise NeverSettles(f"still to do: {[*state.nodes_to_check, *state.jobs_to_check, *state.pools_to_check]}")


def _round(state: State) -> None:
    nodes, state.nodes_to_check = state.nodes_to_check, {}
    for pool_id, node_id in nodes:
        node = state.node_of(pool_id, node_id)
        if node is not None:
            node_life.check(state, node)
    jobs, state.jobs_to_check = state.jobs_to_check, {}
    for job_id in jobs:
        job = state.jobs.get(job_id)
        if job is not None:
            job_lifecycle.check(state, job)
    schedules, state.schedules_to_check = state.schedules_to_check, {}
    for schedule_id in schedules:
        schedule = state.schedules.get(schedule_id)
        if schedule is not None:
            schedule_life.check(state, schedule)
    pools, state.pools_to_check = state.pools_to_check, {}
    for pool_id in pools:
        room = state.pools.get(pool_id)
        if room is not None:
            resizing.check(state, room)
            autoscaling.catch_up(state, room)
    if not (state.nodes_to_check or state.jobs_to_check or state.schedules_to_check or state.pools_to_check):
        _place_tasks(state)


def _place_tasks(state: State) -> None:
    pools, state.pools_to_schedule = state.pools_to_schedule, {}
    for pool_id in pools:
        room = state.pools.get(pool_id)
        if room is not None:
            scheduler.run(state, room)


def on_time(state: State) -> None:
    """Everything whose time has come."""
    for kind, key in list(state.timers.due(state.now)):
        if kind in ("task", "retention"):
            job_id, _, task_id = key.partition("/")
            job = state.jobs.get(job_id)
            task = job.tasks.get(task_id) if job else None
            if task is not None:
                (tasks.on_deadline if kind == "task" else tasks.on_retention_over)(state, task)
        elif kind == "subtask":
            _subtask_time(state, key)
        elif kind == "job_node_run":
            run_events.on_deadline(state, key)
        elif kind in ("job", "lifetime"):
            job = state.jobs.get(key)
            if job is not None:
                (job_lifecycle.on_deadline if kind == "job" else lifetimes.on_time)(state, job)
        elif kind == "job_schedule":
            state.check_schedule(key)
        elif kind == "region":
            state.machines_came_free()
        else:
            _pool_time(state, kind, key)


def _subtask_time(state: State, key: str) -> None:
    job_id, task_id, number = key.split("/")
    job = state.jobs.get(job_id)
    task = job.tasks.get(task_id) if job else None
    gang = job.gangs.get(task.number) if job and task else None
    for member in gang.members if gang else ():
        if member.number == int(number):
            gangs.on_retention_over(state, member)


def _pool_time(state: State, kind: str, key: str) -> None:
    pool_id, _, node_id = key.partition("/")
    room = state.pools.get(pool_id)
    if room is None:
        return
    if kind == "node":
        node = room.nodes.get(node_id)
        if node is not None:
            spot.on_capacity(state, node)
            node_life.on_recovery(state, node)
            node_loss.on_contact(state, node)
    elif kind == "pool":
        resizing.on_deadline(state, room)
    elif kind == "schedule":
        state.schedule(room.pool.id)
    elif kind == "samples":
        autoscaling.take_sample(state, room)
    elif kind == "autoscale":
        autoscaling.run_if_due(state, room)
