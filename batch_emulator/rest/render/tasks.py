"""Tasks as the wire shows them. Source: Azure Batch REST reference, *Task - Get*."""

from __future__ import annotations

from batch_emulator.rest.render.parts import (
    failure_info,
    node_url,
    present,
    previous_state,
    root_directory,
    task_url,
    versioned,
    without_secrets,
)
from batch_emulator.service.entities import Json, Subtask, Task


def render_task(task: Task, base_url: str) -> Json:
    """A task of a job."""
    url = task_url(base_url, task.job_id, task.id)
    body: Json = {"id": task.id}
    body |= versioned(task, url) | previous_state(task) | without_secrets(task.spec)
    body["executionInfo"] = execution_info(task)
    if task.node_id and task.node_pool_id:
        body["nodeInfo"] = _node_info(base_url, task.node_pool_id, task.node_id, task.task_root)
    return body


def execution_info(task: Task) -> Json:
    """``executionInfo``: the latest try, and how many there were."""
    return present(
        {
            "startTime": task.start_time,
            "endTime": task.end_time,
            "exitCode": task.exit_code,
            "containerInfo": task.container_info,
            "failureInfo": failure_info(task.failure),
            "retryCount": task.retry_count,
            "lastRetryTime": task.last_retry_time,
            "requeueCount": task.requeue_count,
            "lastRequeueTime": task.last_requeue_time,
            "result": task.result,
        }
    )


def render_subtask(subtask: Subtask, base_url: str) -> Json:
    """An instance of a multi-instance task. Source: *Task - List Subtasks*."""
    body = present(
        {
            "id": subtask.number,
            "startTime": subtask.start_time,
            "endTime": subtask.end_time,
            # Its command may be over long before it is.
            "exitCode": subtask.exit_code if subtask.state == "completed" else None,
            "containerInfo": subtask.container_info,
            "failureInfo": failure_info(subtask.failure),
            "state": subtask.state,
            "stateTransitionTime": subtask.state_transition_time,
            "previousState": subtask.previous_state,
            "previousStateTransitionTime": subtask.previous_state_transition_time,
            "result": subtask.result,
        }
    )
    where = _node_info(base_url, subtask.pool_id, subtask.node_id, subtask.task_root)
    return {**body, "nodeInfo": where}


def subtask_execution_info(task: Task, subtask: Subtask) -> Json:
    """``executionInfo`` of a subtask among the recent tasks of its node."""
    return execution_info(task) | present(
        {
            "startTime": subtask.start_time,
            "endTime": subtask.end_time,
            "exitCode": subtask.exit_code,
            "containerInfo": subtask.container_info,
            "failureInfo": failure_info(subtask.failure),
            "result": subtask.result,
        }
    )


def _node_info(base_url: str, pool_id: str, node_id: str, task_root: str | None) -> Json:
    return {
        "affinityId": f"TVM:{node_id}",
        "nodeUrl": node_url(base_url, pool_id, node_id),
        "poolId": pool_id,
        "nodeId": node_id,
    } | root_directory(base_url, pool_id, node_id, task_root)
