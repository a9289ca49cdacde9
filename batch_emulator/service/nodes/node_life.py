"""A node's way: created, booted, restarted, preempted, leaving, gone.

Source: *Nodes and pools in Azure Batch*.
"""

from __future__ import annotations

from batch_emulator.service.effects import BootNode, KillRun, ReleaseNode
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Node, key_of
from batch_emulator.service.errors import Failure
from batch_emulator.service.ids import make_node_id
from batch_emulator.service.jobs import preparation
from batch_emulator.service.nodes import start_tasks
from batch_emulator.service.packages.packages import of_node, pool_packages, to_rows
from batch_emulator.service.pools import usage
from batch_emulator.service.pools.pool_assumptions import NOT_RECOVERED, RECOVERED_AFTER
from batch_emulator.service.pools.pool_mounts import mounts_of
from batch_emulator.service.rooms import Load, PoolRoom
from batch_emulator.service.scheduling.capacity import is_busy, refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks import orphans, task_runs
from batch_emulator.service.tasks.multi_instance import coordination, gangs
from batch_emulator.service.tasks.runs import containers_of, identities_of

# With these options a node waits for its tasks instead of ending them.
PATIENT = ("taskcompletion", "retaineddata")


# What a node that goes down is called, by what was asked of it.
GOING_DOWN = {"reboot": "rebooting", "reimage": "reimaging", "deallocate": "deallocating"}
_LASTING = ("idle", "running", "offline", "starttaskfailed", "unusable")
_COMING_UP = ("creating", "starting", "rebooting", "reimaging")


def create(state: State, room: PoolRoom, *, is_dedicated: bool, place: int) -> Node:
    """Obtain a node for a pool.

    :param place: a number that no other node of the pool has.
    """
    pool = room.pool
    pool.nodes_created += 1
    node_id = make_node_id(
        state.seed, pool.id.lower(), pool.creation_time, pool.nodes_created, is_dedicated=is_dedicated
    )
    node = Node(
        id=node_id,
        pool_id=pool.id,
        number=pool.nodes_created,
        is_dedicated=is_dedicated,
        state="creating",
        state_transition_time=state.now,
        allocation_time=state.now,
        boot_id="",
        boots=0,
        place=place,
    )
    room.nodes.add(node_id, node)
    room.loads[node_id.lower()] = Load()
    state.changed(pool)
    state.story.add(state.now, "node", node, None, "creating", "pool grows")
    boot(state, node, wipe=True)
    return node


def boot(state: State, node: Node, *, wipe: bool) -> None:
    """Have the machine (re)started with the pool's start task and packages of today."""
    pool = state.pool_room(node).pool
    orphans.forget(state, node)
    node.boots += 1
    node.boot_id = f"{node.id}.{node.boots}"
    node.restarting = node.returns_at = node.start_task_info = None
    node.start_task = pool.spec.get("startTask")
    node.errors = []
    usage.machine_came(state, node)
    if wipe:
        node.users = {}
        node.disk_since = state.now
    node.packages = to_rows(pool_packages(state, pool.spec.get("applicationPackageReferences") or []))
    state.changed(node)
    state.emit(boot_effect(state, node, wipe=wipe))


def boot_effect(state: State, node: Node, *, wipe: bool) -> BootNode:
    """What the outside has to do for a node's present boot."""
    pool = state.pool_room(node).pool
    return BootNode(
        pool_id=node.pool_id,
        node_id=node.id,
        boot_id=node.boot_id,
        is_dedicated=node.is_dedicated,
        wipe=wipe,
        packages=of_node(node),
        containers=containers_of(pool),
        mounts=mounts_of(pool.spec.get("mountConfiguration")),
        pool_identities=identities_of(pool),
    )


def _current(state: State, pool_id: str, node_id: str, boot_id: str) -> Node | None:
    node = state.node_of(pool_id, node_id)
    return node if node is not None and node.boot_id == boot_id else None


def on_obtained(state: State, pool_id: str, node_id: str, boot_id: str) -> None:
    """The machine is there, and the pool has its node; its agent is not up yet."""
    node = _current(state, pool_id, node_id, boot_id)
    if node is None or node.leaving or node.state not in _COMING_UP:
        return
    state.move_node(node, "starting", "machine is there")
    state.check_pool(state.pool_room(node).pool)


def on_booted(state: State, pool_id: str, node_id: str, boot_id: str, ip_address: str) -> None:
    """The machine is up. News of an earlier boot, or of a node that leaves, means nothing."""
    node = _current(state, pool_id, node_id, boot_id)
    if node is None or node.leaving or node.state not in _COMING_UP:
        return
    node.ip_address, node.last_boot_time = ip_address, state.now
    state.move_node(node, "starting", "machine is up")
    start_tasks.begin(state, node)
    state.check_pool(state.pool_room(node).pool)
    for room in state.jobs_on(node.pool_id):
        if room.job.state in ("terminating", "deleting"):
            state.check_job(room)


def on_boot_failed(state: State, pool_id: str, node_id: str, boot_id: str, failure: Failure) -> None:
    """The machine is up but unusable. It still counts as a node of the pool."""
    node = _current(state, pool_id, node_id, boot_id)
    if node is None or node.leaving or node.state not in _COMING_UP:
        return
    error = {"code": failure.code, "message": failure.message}
    details = [{"name": name, "value": value} for name, value in failure.details]
    node.errors = [{**error, "errorDetails": details} if details else error]
    node.last_boot_time = state.now
    state.move_node(node, "unusable", failure.code)
    if not failure.code.startswith(NOT_RECOVERED):
        node.returns_at = state.now + RECOVERED_AFTER
        state.timers.set(node.returns_at, "node", key_of(node))
    state.check_pool(state.pool_room(node).pool)
    refresh(state, node)


def on_recovery(state: State, node: Node) -> None:
    """The service tries to make an unusable node usable: it starts it again."""
    if node.state == "unusable" and node.returns_at is not None and node.returns_at <= state.now:
        state.move_node(node, "starting", "the service tries again")
        boot(state, node, wipe=False)


def stop_runs(state: State, node: Node, outcome: str) -> None:
    """End whatever runs on a node.

    :param outcome: of the tasks: ``requeue``, ``terminate`` or ``lost``.
    """
    stop_tasks(state, node, outcome)
    for run in list(state.pool_room(node).load(node.id).runs.values()):
        preparation.kill(state, run, "lost")
    if node.start_task_run_id is not None:
        state.emit(KillRun(node.start_task_run_id))
        start_tasks.forget(state, node)


def stop_tasks(state: State, node: Node, outcome: str) -> None:
    """End the tasks on a node, but neither its start task nor preparation and release tasks."""
    load = state.pool_room(node).load(node.id)
    of_subtasks = [gangs.task_of(state, member) for member in load.subtasks.values()]
    for task in {task.run_id: task for task in (*load.tasks.values(), *of_subtasks)}.values():
        task_runs.kill(state, task, outcome)


def leave(state: State, node: Node, option: str, cause: str) -> None:
    """Take a node out of its pool.

    :param option: ``requeue`` and ``terminate`` end its tasks; the others wait for them.
    """
    if node.leaving is not None and (option in PATIENT or node.leaving not in PATIENT):
        return
    node.leaving, node.restarting = option, None
    if node.state != "leavingpool":
        node.left_from = node.state
        state.move_node(node, "leavingpool", cause)
    state.changed(node)
    if option not in PATIENT:
        stop_runs(state, node, option)
    refresh(state, node)
    state.check_node(node)


def return_to_work(state: State, node: Node) -> None:
    """A node that was waiting to leave stays after all."""
    node.leaving = None
    state.changed(node)
    if node.left_from in _LASTING:
        state.move_node(node, node.left_from, "resize stopped")
        refresh(state, node)
    else:
        # News of how it came up was dropped while it was to leave: it comes up once more.
        stop_runs(state, node, "lost")
        state.move_node(node, "starting", "resize stopped")
        boot(state, node, wipe=False)


def take_down(state: State, node: Node, option: str, kind: str) -> None:
    """Reboot, reimage or deallocate a node, at once or when its tasks are done.

    :param option: ``requeue`` and ``terminate`` end its tasks; the others wait for them.
    :param kind: key of :data:`GOING_DOWN`.
    """
    node.restarting, node.restart_kind = option, kind
    state.changed(node)
    if option not in PATIENT:
        state.move_node(node, GOING_DOWN[kind], f"{kind} requested")
        stop_runs(state, node, option)
    refresh(state, node)
    state.check_node(node)


def check(state: State, node: Node) -> None:
    """See whether a node may go on to what it was asked for."""
    if is_busy(state.pool_room(node).load(node.id), node):
        return
    patient = node.restarting or node.leaving
    if patient == "retaineddata" and holds_data(state, node):
        return
    if node.leaving is not None:
        if not node.release_sent:
            stop_runs(state, node, "lost")
            node.release_sent = True
            state.changed(node)
            state.emit(ReleaseNode(node.pool_id, node.id, node.boot_id))
    elif node.restarting is not None:
        stop_runs(state, node, "lost")
        _go_down(state, node)


def _go_down(state: State, node: Node) -> None:
    """Nothing runs on the node any more: do what was asked of it."""
    kind = node.restart_kind
    state.move_node(node, GOING_DOWN[kind], f"{kind} requested")
    preparation.node_restarted(state, node, wiped=kind != "reboot")
    if kind == "deallocate":
        node.restarting, node.release_sent = None, True
        state.changed(node)
        state.emit(ReleaseNode(node.pool_id, node.id, node.boot_id))
    else:
        boot(state, node, wipe=kind == "reimage")


def power_on(state: State, node: Node) -> None:
    """Give a deallocated node a machine again, with an empty disk."""
    state.move_node(node, "starting", "start requested")
    boot(state, node, wipe=True)


def holds_data(state: State, node: Node) -> bool:
    """Whether files of completed tasks are still to be kept on a node. A disk that is lost holds none."""
    if node.machine_since is None:
        return False
    rooms = state.jobs_on(node.pool_id)
    return any(
        task.node_id == node.id
        and task.state == "completed"
        and not task.files_removed
        and (node.disk_since is None or task.end_time is None or task.end_time >= node.disk_since)
        for room in rooms
        for task in room.tasks.values()
    ) or any(
        member.node_id == node.id and member.retention_until is not None
        for room in rooms
        for gang in room.gangs.values()
        for member in gang.members
    )


def on_released(state: State, pool_id: str, node_id: str, boot_id: str) -> None:
    """The machine is gone, and with it whatever still ran there."""
    node = _current(state, pool_id, node_id, boot_id)
    if node is None or not node.release_sent:
        return
    room = state.pool_room(node)
    orphans.forget(state, node)
    coordination.on_node_lost(state, node)
    for task in list(room.load(node.id).tasks.values()):
        task_runs.end(state, task, Ending(killed=True))
    for run in list(room.load(node.id).runs.values()):
        preparation.end(state, run, Ending(killed=True))
    if node.state == "preempted":
        node.release_sent = False
        state.timers.set(node.returns_at, "node", key_of(node))
        state.changed(node)
    elif node.state == "deallocating":
        node.release_sent = False
        usage.machine_went(state, room.pool, node)
        state.move_node(node, "deallocated", "the machine is given back")
    else:
        remove(state, room, node)


def remove(state: State, room: PoolRoom, node: Node) -> None:
    """The node is no more."""
    usage.machine_went(state, room.pool, node)
    room.slots.set(node.id.lower(), None)
    room.nodes.remove(node.id)
    del room.loads[node.id.lower()]
    state.removed(node)
    state.story.add(state.now, "node", node, node.state, "gone", "released")
    state.check_pool(room.pool)
    for job in state.jobs_on(node.pool_id):
        if job.job.state in ("terminating", "deleting"):
            state.check_job(job)
