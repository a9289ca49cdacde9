"""Parts that many entities share on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from batch_emulator.service import secret_names
from batch_emulator.service.entities import Json, Versioned
from batch_emulator.service.errors import Failure
from batch_emulator.service.tasks.failures import to_wire
from batch_emulator.service.times import format_time


def present(values: Mapping[str, Any]) -> Json:
    """The properties that are there, times as text: on the wire, absent means left out and never null."""
    return {
        name: format_time(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def without_secrets(spec: Json) -> Json:
    """A specification without keys and passwords, however deep they lie."""
    visible: Json = secret_names.without_secrets(spec)
    return visible


def versioned(entity: Versioned, url: str) -> Json:
    """What every top-level resource carries."""
    return present(
        {
            "url": url,
            "eTag": entity.etag,
            "lastModified": entity.last_modified,
            "creationTime": entity.creation_time,
            "state": entity.state,
            "stateTransitionTime": entity.state_transition_time,
        }
    )


def previous_state(entity: Versioned) -> Json:
    """Where a job or task came from; pools do not tell."""
    return present(
        {
            "previousState": entity.previous_state,
            "previousStateTransitionTime": entity.previous_state_transition_time,
        }
    )


def failure_info(failure: Failure | None) -> Json | None:
    """``failureInfo`` of a task, if it failed."""
    return None if failure is None else to_wire(failure)


def pool_url(base_url: str, pool_id: str) -> str:
    return f"{base_url}/pools/{quote(pool_id, safe='')}"


def node_url(base_url: str, pool_id: str, node_id: str) -> str:
    return f"{pool_url(base_url, pool_id)}/nodes/{quote(node_id, safe='')}"


def job_url(base_url: str, job_id: str) -> str:
    return f"{base_url}/jobs/{quote(job_id, safe='')}"


def job_schedule_url(base_url: str, schedule_id: str) -> str:
    return f"{base_url}/jobschedules/{quote(schedule_id, safe='')}"


def task_url(base_url: str, job_id: str, task_id: str) -> str:
    return f"{job_url(base_url, job_id)}/tasks/{quote(task_id, safe='')}"


def root_directory(base_url: str, pool_id: str, node_id: str, task_root: str | None) -> Json:
    """``taskRootDirectory`` and its URL: relative to the node's root."""
    if task_root is None:
        return {}
    return {
        "taskRootDirectory": task_root,
        "taskRootDirectoryUrl": f"{node_url(base_url, pool_id, node_id)}/files/{quote(task_root)}",
    }
