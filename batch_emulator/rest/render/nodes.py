"""Compute nodes as the wire shows them. Source: Azure Batch REST reference, *Compute Node - Get*."""

from __future__ import annotations

from collections.abc import Iterable

from batch_emulator.rest.render.parts import node_url, present, task_url, without_secrets
from batch_emulator.rest.render.tasks import execution_info, subtask_execution_info
from batch_emulator.service.entities import Json, Node, Pool, Subtask, Task
from batch_emulator.service.ids import affinity_of
from batch_emulator.service.pools.endpoints import inbound_endpoints, ipv6_address
from batch_emulator.service.queries import NodeLoad
from batch_emulator.service.times import format_time

NODE_AGENT_VERSION = "1.12.2"
_NO_AGENT = frozenset({"creating", "preempted", "deallocated"})


def render_node(
    node: Node, pool: Pool, load: NodeLoad, recent: Iterable[tuple[Task, Subtask | None]], base_url: str
) -> Json:
    """A node.

    :param load: the tasks that run on the node now.
    :param recent: tasks that ran on it lately, newest first, with the subtask if it was but a part of one.
    """
    endpoints = inbound_endpoints(pool, node)
    return present(
        {
            "id": node.id,
            "url": node_url(base_url, node.pool_id, node.id),
            "state": node.state,
            "schedulingState": node.scheduling_state,
            "stateTransitionTime": node.state_transition_time,
            "lastBootTime": node.last_boot_time,
            "allocationTime": node.allocation_time,
            "ipAddress": node.ip_address or None,
            "ipv6Address": ipv6_address(pool, node),
            "affinityId": affinity_of(node.id),
            "vmSize": pool.spec.get("vmSize"),
            "totalTasksRun": node.total_tasks_run,
            "runningTasksCount": load.running_tasks,
            "runningTaskSlotsCount": load.running_slots,
            "totalTasksSucceeded": node.total_tasks_succeeded,
            "recentTasks": [_recent(task, subtask, base_url) for task, subtask in recent] or None,
            "startTask": without_secrets(node.start_task) if node.start_task else None,
            "startTaskInfo": node.start_task_info,
            "errors": node.errors or None,
            "isDedicated": node.is_dedicated,
            "endpointConfiguration": {"inboundEndpoints": endpoints} if endpoints else None,
            "nodeAgentInfo": _agent(node),
            "virtualMachineInfo": _machine(pool),
        }
    )


def _recent(task: Task, subtask: Subtask | None, base_url: str) -> Json:
    if subtask is not None:
        return {
            **_recent(task, None, base_url),
            "subtaskId": subtask.number,
            "taskState": subtask.state,
            "executionInfo": subtask_execution_info(task, subtask),
        }
    return {
        "taskUrl": task_url(base_url, task.job_id, task.id),
        "jobId": task.job_id,
        "taskId": task.id,
        "taskState": task.state,
        "executionInfo": execution_info(task),
    }


def _agent(node: Node) -> Json | None:
    if node.last_boot_time is None or node.state in _NO_AGENT:
        return None
    return {"version": NODE_AGENT_VERSION, "lastUpdateTime": format_time(node.last_boot_time)}


def _machine(pool: Pool) -> Json:
    image = dict(pool.spec.get("virtualMachineConfiguration", {}).get("imageReference", {}))
    if image.get("version"):
        image["exactVersion"] = image["version"]
    return {"imageReference": image}
