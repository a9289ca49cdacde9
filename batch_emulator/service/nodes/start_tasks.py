"""A node's start task: run at every start of the node, before or beside its first tasks.

Source: *Azure Batch start task*, *BatchStartTask*.
"""

from __future__ import annotations

from batch_emulator.service.effects import StartRun
from batch_emulator.service.endings import Ending
from batch_emulator.service.entities import Json, Node
from batch_emulator.service.packages.packages import of_node
from batch_emulator.service.scheduling.capacity import refresh
from batch_emulator.service.state import State
from batch_emulator.service.tasks.failures import EXIT_CODE, UNKNOWN, to_wire
from batch_emulator.service.tasks.runs import environment_of, run_common
from batch_emulator.service.times import format_time


def begin(state: State, node: Node) -> None:
    """The node is up: run its start task if it has one, else let tasks come."""
    if node.start_task is None:
        state.move_node(node, "idle", "booted, no start task")
    else:
        state.move_node(
            node, "waitingforstarttask" if node.start_task["waitForSuccess"] else "idle", "booted"
        )
        node.start_task_info = {"state": "running", "startTime": format_time(state.now), "retryCount": 0}
        _launch(state, node, 0)
    refresh(state, node)


def _launch(state: State, node: Node, retry: int) -> None:
    node.start_task_run_id = f"{node.boot_id}/start.{retry}"
    state.runs[node.start_task_run_id] = node
    state.changed(node)
    spec = node.start_task or {}
    state.emit(
        StartRun(
            run_id=node.start_task_run_id,
            kind="start",
            task_root="startup",
            spec=spec,
            environment=environment_of(None, spec),
            pool_packages=of_node(node),
            **run_common(state, node),
        )
    )


def forget(state: State, node: Node) -> None:
    """Nobody waits for the present run any more."""
    state.runs.pop(node.start_task_run_id or "", None)
    node.start_task_run_id = None
    state.changed(node)


def end(state: State, node: Node, ending: Ending) -> None:
    """A try of the start task is over."""
    forget(state, node)
    info: Json = dict(node.start_task_info or {})
    node.start_task_info = info
    info["endTime"] = format_time(state.now)
    if not ending.succeeded and not ending.killed and _retries_left(node, ending):
        info["retryCount"] += 1
        info["lastRetryTime"] = format_time(state.now)
        _launch(state, node, info["retryCount"])
        return
    info["state"] = "completed"
    if ending.exit_code is not None:
        info["exitCode"] = ending.exit_code
    if ending.container is not None:
        info["containerInfo"] = ending.container
    info["result"] = "success" if ending.succeeded else "failure"
    if not ending.succeeded:
        failure = ending.failure or (UNKNOWN if ending.exit_code is None else EXIT_CODE)
        info["failureInfo"] = to_wire(failure)
    if node.state == "waitingforstarttask":
        finish = "idle" if ending.succeeded else "starttaskfailed"
        state.move_node(node, finish, "start task completed")
    refresh(state, node)


def _retries_left(node: Node, ending: Ending) -> bool:
    if ending.failure is not None or ending.exit_code is None:
        return False
    allowed = (node.start_task or {})["maxTaskRetryCount"]
    return bool(allowed < 0 or (node.start_task_info or {})["retryCount"] < allowed)
