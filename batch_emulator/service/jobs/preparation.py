"""Job preparation and release tasks: once per node before and after a job's tasks there.

Source: *Job preparation and release tasks on Batch compute nodes*.
"""

from __future__ import annotations

from batch_emulator.service.durations import is_unlimited, parse_duration
from batch_emulator.service.effects import KillRun, StartRun
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Job, JobNodeRun, Json, Node, key_of
from batch_emulator.service.ids import task_root
from batch_emulator.service.packages.packages import of_node
from batch_emulator.service.rooms import JobRoom
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks import orphans
from batch_emulator.service.tasks.failures import EXIT_CODE, TASK_ENDED, UNKNOWN, WALL_CLOCK
from batch_emulator.service.tasks.runs import environment_of, run_common
from batch_emulator.service.times import later

_PROPERTY = {"preparation": "jobPreparationTask", "release": "jobReleaseTask"}
_HAS_DISK_NOW = ("idle", "running", "offline")
_COMES_BACK = ("starting", "waitingforstarttask", "rebooting", "reimaging")


def run_key(node: Node, task_kind: str) -> str:
    """Key of a run among those of its job."""
    return f"{node.pool_id}/{node.id}/{task_kind}".lower()


def place(room: JobRoom, run: JobNodeRun) -> None:
    """Put a run where it is found."""
    room.node_runs[f"{run.pool_id}/{run.node_id}/{run.task_kind}".lower()] = run
    if bars(room, run):
        room.barred.add(run.node_id.lower())


def bars(room: JobRoom, run: JobNodeRun) -> bool:
    """Whether a preparation task failed so that its node gets no task of the job."""
    return (
        run.task_kind == "preparation"
        and run.result == "failure"
        and not run.rerun
        and bool(room.job.spec["jobPreparationTask"]["waitForSuccess"])
    )


def root_of(job: Job) -> str | None:
    """Directory of the job's preparation task."""
    spec = job.spec.get("jobPreparationTask")
    return task_root(job.id, spec["id"]) if spec else None


def must_wait(state: State, room: JobRoom, node: Node) -> bool:
    """Whether a task must wait for the job's preparation on a node; starts it if need be."""
    spec = room.job.spec.get("jobPreparationTask")
    if spec is None:
        return False
    run = room.node_runs.get(run_key(node, "preparation"))
    # One that is still being killed, as on a node that was lost and is back, ends first.
    if run is None or (run.rerun and run.run_id is None):
        run = _begin(state, room, node, "preparation", run)
    return bool(spec["waitForSuccess"]) and run.state == "running"


def _begin(state: State, room: JobRoom, node: Node, task_kind: str, earlier: JobNodeRun | None) -> JobNodeRun:
    spec = room.job.spec[_PROPERTY[task_kind]]
    run = JobNodeRun(
        job_id=room.job.id,
        pool_id=node.pool_id,
        node_id=node.id,
        task_kind=task_kind,
        state="running",
        start_time=state.now,
        task_root=task_root(room.job.id, spec["id"]),
        tries=earlier.tries + 1 if earlier else 1,
    )
    place(room, run)
    _launch(state, room, run, node)
    return run


def _launch(state: State, room: JobRoom, run: JobNodeRun, node: Node) -> None:
    spec = room.job.spec[_PROPERTY[run.task_kind]]
    run.run_id = f"{key_of(run)}/{ticks_of(room)}.{run.tries}"
    run.boot_id = node.boot_id
    limit = parse_duration(_wall_clock(spec))
    run.deadline = None if is_unlimited(limit) else later(state.now, limit)
    state.timers.set(run.deadline, "job_node_run", run.run_id)
    state.pool_room(node).load(node.id).runs[run.run_id] = run
    state.runs[run.run_id] = run
    state.changed(run)
    state.emit(
        StartRun(
            run_id=run.run_id,
            kind=run.task_kind,
            task_root=run.task_root,
            spec=spec,
            environment=environment_of(room.job, spec),
            job_id=room.job.id,
            task_id=spec["id"],
            preparation_root=root_of(room.job) if run.task_kind == "release" else None,
            pool_packages=of_node(node),
            **run_common(state, node),
        )
    )
    refresh(state, node)


def ticks_of(room: JobRoom) -> str:
    """Tells runs of a job from those of an earlier job of the same id."""
    return f"{room.job.creation_time:%Y%m%d%H%M%S%f}"


def _wall_clock(spec: Json) -> str:
    return str(
        spec["maxWallClockTime"] if "maxWallClockTime" in spec else spec["constraints"]["maxWallClockTime"]
    )


def kill(state: State, run: JobNodeRun, outcome: str) -> None:
    """End a run. ``outcome`` is ``lost``, ``wallclock`` or ``terminate``."""
    if run.killing is None and run.run_id is not None:
        run.killing = outcome
        state.changed(run)
        state.emit(KillRun(run.run_id, {"wallclock": WALL_CLOCK, "terminate": TASK_ENDED}.get(outcome)))


def abandon(state: State, run: JobNodeRun) -> None:
    """End a run without waiting for its node."""
    kill(state, run, "terminate")
    orphans.leave_behind(state, run.run_id, run.pool_id, run.node_id, 0)
    end(state, run, Ending(killed=True))
    node = state.node_of(run.pool_id, run.node_id)
    if node is not None:
        refresh(state, node)


def end(state: State, run: JobNodeRun, ending: Ending) -> bool:
    """A run is over.

    :returns: false if it is tried again.
    """
    room = state.jobs[run.job_id]
    node = state.node_of(run.pool_id, run.node_id)
    load = state.load_of(run.pool_id, run.node_id)
    if load is not None:
        load.runs.pop(run.run_id or "", None)
    state.runs.pop(run.run_id or "", None)
    lost = run.killing == "lost" or (ending.killed and run.killing is None)
    if node is not None and not ending.succeeded and not lost and _retries_left(room, run, ending):
        run.retry_count += 1
        run.tries += 1
        run.last_retry_time = state.now
        _launch(state, room, run, node)
        return False
    _conclude(run, ending, lost)
    run.end_time = state.now
    if bars(room, run):
        room.barred.add(run.node_id.lower())
    state.changed(run)
    state.check_job(room)
    return True


def _retries_left(room: JobRoom, run: JobNodeRun, ending: Ending) -> bool:
    if (
        run.task_kind == "release"
        or run.killing is not None
        or ending.failure is not None
        or ending.exit_code is None
    ):
        return False
    allowed = room.job.spec["jobPreparationTask"]["constraints"]["maxTaskRetryCount"]
    return bool(allowed < 0 or run.retry_count < allowed)


def _conclude(run: JobNodeRun, ending: Ending, lost: bool) -> None:
    run.state, run.exit_code, run.run_id, run.deadline = "completed", ending.exit_code, None, None
    run.result = "success" if ending.succeeded else "failure"
    run.container_info = ending.container
    if not ending.succeeded:
        killed = {"wallclock": WALL_CLOCK, "terminate": TASK_ENDED}.get(run.killing or "")
        run.failure = killed or ending.failure or (UNKNOWN if ending.exit_code is None else EXIT_CODE)
    # A node that was lost under it says nothing about the command.
    run.rerun = lost and run.task_kind == "preparation"
    run.killing = None


def node_restarted(state: State, node: Node, *, wiped: bool = False) -> None:
    """After a reboot preparation runs again, unless it succeeded and asks not to.

    :param wiped: the disk is lost with what preparation left on it, so it runs again in any case.
    """
    for room in state.jobs_on(node.pool_id):
        run = room.node_runs.get(run_key(node, "preparation"))
        if run is None or run.rerun:
            continue
        if (
            wiped
            or run.result != "success"
            or room.job.spec["jobPreparationTask"]["rerunOnNodeRebootAfterSuccess"]
        ):
            run.rerun = True
            state.changed(run)
            room.barred.discard(node.id.lower())


def release_done(state: State, room: JobRoom) -> bool:
    """Run the job's release task wherever its preparation ran.

    :returns: true when there is none left to wait for.
    """
    if room.job.released or "jobReleaseTask" not in room.job.spec:
        return True
    waiting = False
    for run in [run for run in room.node_runs.values() if run.task_kind == "preparation"]:
        node = state.node_of(run.pool_id, run.node_id)
        if node is not None and node.leaving is None:
            waiting |= _released_later(state, room, node)
    return not waiting


def _released_later(state: State, room: JobRoom, node: Node) -> bool:
    run = room.node_runs.get(run_key(node, "release"))
    if run is not None and not run.rerun:
        return run.state == "running"
    if node.state in _HAS_DISK_NOW and node.restarting is None:
        _begin(state, room, node, "release", run)
        return True
    return node.state in _COMES_BACK
