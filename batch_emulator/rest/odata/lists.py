"""What each list can be filtered by.

Source: Azure Batch REST reference, *OData filters in Batch*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from batch_emulator.rest.odata.filters import (
    EQUAL,
    EQUALITY,
    ORDER,
    PREFIX,
    PREFIX_AND_ORDER,
    FilterProperty,
)
from batch_emulator.rest.values import parse_time
from batch_emulator.service.entities import Job, JobSchedule, Json, Node, Pool, Task
from batch_emulator.service.pools.images import Image
from batch_emulator.service.pools.usage import PoolUsage

T = TypeVar("T")


def _text(operators: frozenset[str], read: Callable[[T], str | None]) -> FilterProperty[T]:
    return FilterProperty(str, operators, read)


def _time(read: Callable[[T], datetime | None]) -> FilterProperty[T]:
    return FilterProperty(datetime, ORDER, read)


def _exit_code(read: Callable[[T], int | None]) -> FilterProperty[T]:
    return FilterProperty(int, ORDER, read)


def _info_time(info: Mapping[str, Any] | None, name: str) -> datetime | None:
    text = (info or {}).get(name)
    return parse_time(text) if text else None


POOLS: Mapping[str, FilterProperty[Pool]] = {
    "id": _text(PREFIX_AND_ORDER, lambda pool: pool.id),
    "state": _text(EQUALITY, lambda pool: pool.state),
    "allocationState": _text(EQUALITY, lambda pool: pool.allocation_state),
    "stateTransitionTime": _time(lambda pool: pool.state_transition_time),
    "allocationStateTransitionTime": _time(lambda pool: pool.allocation_state_transition_time),
    "creationTime": _time(lambda pool: pool.creation_time),
    "lastModified": _time(lambda pool: pool.last_modified),
    "vmSize": _text(EQUALITY, lambda pool: pool.spec.get("vmSize")),
    "enableAutoScale": FilterProperty(bool, EQUALITY, lambda pool: pool.spec.get("enableAutoScale", False)),
    "enableInterNodeCommunication": FilterProperty(
        bool, EQUALITY, lambda pool: pool.spec.get("enableInterNodeCommunication", False)
    ),
}

NODES: Mapping[str, FilterProperty[Node]] = {
    "state": _text(EQUALITY, lambda node: node.state),
    "stateTransitionTime": _time(lambda node: node.state_transition_time),
    "lastBootTime": _time(lambda node: node.last_boot_time),
    "allocationTime": _time(lambda node: node.allocation_time),
    "startTaskInfo/startTime": _time(lambda node: _info_time(node.start_task_info, "startTime")),
    "startTaskInfo/endTime": _time(lambda node: _info_time(node.start_task_info, "endTime")),
    "startTaskInfo/state": _text(EQUAL, lambda node: (node.start_task_info or {}).get("state")),
    "startTaskInfo/result": _text(EQUALITY, lambda node: (node.start_task_info or {}).get("result")),
    "startTaskInfo/exitCode": _exit_code(lambda node: (node.start_task_info or {}).get("exitCode")),
}

JOBS: Mapping[str, FilterProperty[Job]] = {
    "id": _text(PREFIX_AND_ORDER, lambda job: job.id),
    "state": _text(EQUALITY, lambda job: job.state),
    "stateTransitionTime": _time(lambda job: job.state_transition_time),
    "creationTime": _time(lambda job: job.creation_time),
    "lastModified": _time(lambda job: job.last_modified),
    "executionInfo/startTime": _time(lambda job: job.start_time),
    "executionInfo/endTime": _time(lambda job: job.end_time),
    "executionInfo/poolId": _text(PREFIX_AND_ORDER, lambda job: job.pool_id or None),
}

JOBS_OF_SCHEDULE: Mapping[str, FilterProperty[Job]] = {
    name: item for name, item in JOBS.items() if name != "id"
}

JOB_SCHEDULES: Mapping[str, FilterProperty[JobSchedule]] = {
    "id": _text(PREFIX_AND_ORDER, lambda schedule: schedule.id),
    "state": _text(EQUALITY, lambda schedule: schedule.state),
    "stateTransitionTime": _time(lambda schedule: schedule.state_transition_time),
    "creationTime": _time(lambda schedule: schedule.creation_time),
    "lastModified": _time(lambda schedule: schedule.last_modified),
    "executionInfo/endTime": _time(lambda schedule: schedule.end_time),
    "schedule/doNotRunUntil": _time(lambda schedule: _info_time(schedule.spec["schedule"], "doNotRunUntil")),
    "schedule/doNotRunAfter": _time(lambda schedule: _info_time(schedule.spec["schedule"], "doNotRunAfter")),
}

TASKS: Mapping[str, FilterProperty[Task]] = {
    "id": _text(PREFIX_AND_ORDER, lambda task: task.id),
    "state": _text(EQUALITY, lambda task: task.state),
    "stateTransitionTime": _time(lambda task: task.state_transition_time),
    "creationTime": _time(lambda task: task.creation_time),
    "lastModified": _time(lambda task: task.last_modified),
    # The published table has this name, though the property has the other.
    "lastModifiedTime": _time(lambda task: task.last_modified),
    "executionInfo/startTime": _time(lambda task: task.start_time),
    "executionInfo/endTime": _time(lambda task: task.end_time),
    "executionInfo/exitCode": _exit_code(lambda task: task.exit_code),
    "executionInfo/result": _text(EQUALITY, lambda task: task.result),
}


def _status(name: str) -> dict[str, FilterProperty[Json]]:
    def info(item: Json) -> Json:
        found: Json = item.get(name, {})
        return found

    return {
        f"{name}/state": _text(EQUAL, lambda item: info(item).get("state")),
        f"{name}/startTime": _time(lambda item: _info_time(info(item), "startTime")),
        f"{name}/endTime": _time(lambda item: _info_time(info(item), "endTime")),
        f"{name}/exitCode": _exit_code(lambda item: info(item).get("exitCode")),
        f"{name}/result": _text(EQUALITY, lambda item: info(item).get("result")),
    }


# Of what is rendered, as one item stands for the runs of two kinds.
NODE_STATUSES: Mapping[str, FilterProperty[Json]] = {
    "poolId": _text(EQUALITY, lambda item: item["poolId"]),
    "nodeId": _text(EQUALITY, lambda item: item["nodeId"]),
    **_status("jobPreparationTaskExecutionInfo"),
    **_status("jobReleaseTaskExecutionInfo"),
}

NODE_COUNTS: Mapping[str, FilterProperty[Json]] = {"poolId": _text(EQUAL, lambda item: item["poolId"])}

USAGE: Mapping[str, FilterProperty[PoolUsage]] = {
    "poolId": _text(PREFIX_AND_ORDER - {"ne"}, lambda usage: usage.pool_id)
}

FILES: Mapping[str, FilterProperty[Json]] = {"name": _text(PREFIX, lambda item: item["name"])}

IMAGES: Mapping[str, FilterProperty[Image]] = {
    "osType": _text(EQUALITY, lambda image: image.os_type),
    "verificationType": _text(EQUALITY, lambda image: "verified" if image.verified else "unverified"),
    "nodeAgentSKUId": _text(EQUALITY, lambda image: image.node_agent_sku_id),
}
