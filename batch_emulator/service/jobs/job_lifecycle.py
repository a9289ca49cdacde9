"""A job's way to its end: what it waits for in each of its states.

Source: *Jobs and tasks in Azure Batch*.
"""

from __future__ import annotations

from batch_emulator.service import statistics
from batch_emulator.service.durations import is_unlimited, parse_duration
from batch_emulator.service.effects import RemoveTaskFiles
from batch_emulator.service.entities import Job, JobNodeRun, key_of
from batch_emulator.service.errors import Failure
from batch_emulator.service.ids import job_root, schedule_of
from batch_emulator.service.jobs import preparation
from batch_emulator.service.pools import auto_pools
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.state import State
from batch_emulator.service.tasks import task_runs
from batch_emulator.service.tasks.failures import to_wire
from batch_emulator.service.times import later


def check(state: State, room: JobRoom) -> None:
    """Take a job as far as it can go now."""
    _act_on_tasks(state, room)
    job = room.job
    if job.state in ("terminating", "deleting", "disabling"):
        _stop_tasks(state, room)
    if room.occupying:
        return
    if job.state == "disabling":
        state.move(job, "disabled", "no task runs any more")
    elif job.state in ("terminating", "deleting") and _special_tasks_done(state, room):
        job.released = True
        if job.state == "terminating":
            _complete(state, room)
        else:
            _remove(state, room)


def _act_on_tasks(state: State, room: JobRoom) -> None:
    """What completed tasks demand of their job."""
    demands, room.demands = room.demands, set()
    if room.job.state not in ("active", "disabling", "disabled", "enabling"):
        return
    if "manager" in demands:
        terminate(state, room, "JMComplete")
    elif "terminate" in demands:
        terminate(state, room, "TaskFailed")
    elif "disable" in demands and room.job.state == "active":
        disable(state, room, "requeue", "a task's exit condition")
    elif (
        room.job.state == "active"
        and room.job.spec["onAllTasksComplete"] == "terminatejob"
        and room.counts.total == room.counts.completed
        and not room.occupying
    ):
        # A job without tasks counts as complete. Source: BatchAllTasksCompleteMode.
        terminate(state, room, "AllTasksComplete")


def terminate(state: State, room: JobRoom, reason: str, *, force: bool = False) -> None:
    """Let a job come to its end; its active tasks stay as they are, for ever.

    :param force: do not wait for what the nodes still have to do. Release tasks are started all the same.
    """
    if room.job.state != "terminating":
        room.job.terminate_reason = reason
        state.move(room.job, "terminating", reason)
    if force:
        _abandon_runs(state, room)
        preparation.release_done(state, room)
        _complete(state, room)
    state.check_job(room)


def delete(state: State, room: JobRoom, cause: str, *, force: bool = False) -> None:
    """Let a job go with its tasks.

    :param force: do not wait for what the nodes still have to do; release tasks do not run.
    """
    if room.job.state != "deleting":
        state.move(room.job, "deleting", cause)
    if force:
        _abandon_runs(state, room)
        room.job.released = True
    state.check_job(room)


def _abandon_runs(state: State, room: JobRoom) -> None:
    for task in list(room.occupying.values()):
        task_runs.abandon(state, task)
    for run in [run for run in room.node_runs.values() if run.state == "running"]:
        preparation.abandon(state, run)


def disable(state: State, room: JobRoom, option: str, cause: str) -> None:
    """Let nothing of the job run for a while."""
    room.job.disable_tasks = option
    state.move(room.job, "disabling", cause)
    state.check_job(room)


def _stop_tasks(state: State, room: JobRoom) -> None:
    outcome = "terminate" if room.job.state != "disabling" else room.job.disable_tasks
    if outcome == "wait" or outcome is None:
        return
    for task in list(room.occupying.values()):
        task_runs.kill(state, task, outcome)
    if room.job.state != "disabling":
        for run in _running(room, "preparation"):
            preparation.kill(state, run, "terminate")


def _running(room: JobRoom, task_kind: str) -> list[JobNodeRun]:
    if not room.node_runs:
        return []
    return [run for run in room.node_runs.values() if run.state == "running" and run.task_kind == task_kind]


def _special_tasks_done(state: State, room: JobRoom) -> bool:
    return not _running(room, "preparation") and preparation.release_done(state, room)


def _complete(state: State, room: JobRoom) -> None:
    room.job.end_time, room.job.released = state.now, True
    state.move(room.job, "completed", room.job.terminate_reason or "terminated")
    auto_pools.job_ended(state, room.job)
    _tell_schedule(state, room.job)


def _leave_figures(state: State, room: JobRoom) -> None:
    schedule = state.schedules.get(schedule_of(room.job.id) or "")
    if schedule is not None:
        statistics.keep(schedule, statistics.of_job(room, state.now))
        state.changed(schedule)


def _tell_schedule(state: State, job: Job) -> None:
    schedule = schedule_of(job.id)
    if schedule is not None:
        state.check_schedule(schedule)


def _remove(state: State, room: JobRoom) -> None:
    """A deleted job takes its tasks and their files with it."""
    # Release tasks of a job that was terminated by force may still run.
    _abandon_runs(state, room)
    pools = {room.job.pool_id, *(run.pool_id for run in room.node_runs.values())}
    for task in list(room.tasks.values()):
        pools |= {task.node_pool_id or "", *(pool_id for pool_id, _ in task.left_on or ())}
        state.removed(task)
    for run in room.node_runs.values():
        state.removed(run)
    for gang in room.gangs.values():
        for member in gang.members:
            state.removed(member)
    _remove_files(state, room, pools)
    auto_pools.job_ended(state, room.job)
    state.jobs.remove(room.job.id)
    state.unbind(room)
    state.removed(room.job)
    _leave_figures(state, room)
    _tell_schedule(state, room.job)
    state.story.add(state.now, "job", room.job, "deleting", "gone", "deleted")


def _remove_files(state: State, room: JobRoom, pool_ids: set[str]) -> None:
    """The job's folder goes from all nodes of all pools that it was ever on."""
    for pool in {pool_id.lower(): state.pools.get(pool_id) for pool_id in sorted(pool_ids)}.values():
        for node in pool.nodes.values() if pool else ():
            state.emit(RemoveTaskFiles(node.pool_id, node.id, job_root(room.job.id)))


def fail(state: State, room: JobRoom, failure: Failure) -> None:
    """End a job that cannot run at all. Source: *BatchJobSchedulingError*."""
    room.job.scheduling_error = to_wire(failure)
    state.move(room.job, "terminating", failure.code)
    state.check_job(room)


def set_deadline(state: State, job: Job) -> None:
    """A job may take as long as maxWallClockTime, counted from its creation."""
    span = parse_duration(job.spec["constraints"]["maxWallClockTime"])
    job.deadline = None if is_unlimited(span) else later(job.creation_time, span)
    state.timers.set(job.deadline, "job", key_of(job))


def on_deadline(state: State, room: JobRoom) -> None:
    """The job's maxWallClockTime is over."""
    deadline = room.job.deadline
    if deadline is None or deadline > state.now:
        return
    if room.job.state in ("active", "disabling", "disabled", "enabling"):
        terminate(state, room, "MaxWallClockTimeExpiry")
