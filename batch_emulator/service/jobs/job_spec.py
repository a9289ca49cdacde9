"""What a job may be asked to be, and what the service fills in. Source: *Job - Add* of the REST reference."""

from __future__ import annotations

from batch_emulator.service.assumptions import DEFAULT_RETENTION
from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import (
    TASK_ID_SAME_AS_PREPARATION,
    TASK_ID_SAME_AS_RELEASE,
    invalid,
)
from batch_emulator.service.errors import BatchError
from batch_emulator.service.ids import PREPARATION_ID, RELEASE_ID, check_id
from batch_emulator.service.limits import (
    MAX_PRIORITY,
    MAX_RELEASE_TIME,
    MAX_TASK_SLOTS,
    MIN_PRIORITY,
)
from batch_emulator.service.pools.auto_pool_spec import pool_info
from batch_emulator.service.pools.azure_ids import check_form
from batch_emulator.service.spec_checks import (
    check_command,
    check_display_name,
    check_environment,
    check_metadata,
    check_output_files,
    check_task_packages,
    duration_of,
    required,
    user_identity,
    whole_number,
)
from batch_emulator.service.tasks.constraints import constraints, task_constraints

_PLAIN = ("displayName", "usesTaskDependencies", "commonEnvironmentSettings", "metadata")
CHANGEABLE = (
    "priority",
    "allowTaskPreemption",
    "maxParallelTasks",
    "constraints",
    "onAllTasksComplete",
    "metadata",
    "networkConfiguration",
)


def make_job_spec(body: Json, *, of_schedule: bool = False) -> Json:
    """Check a new job's body and fill in the service's defaults.

    :param of_schedule: it is what the jobs of a schedule are to be.
    :raises BatchError: a value that the service refuses, or what cannot be honoured here.
    """
    check_display_name(body)
    check_environment(body, "commonEnvironmentSettings")
    spec: Json = {
        **{name: body[name] for name in _PLAIN if name in body},
        "poolInfo": pool_info(body, of_schedule=of_schedule),
        **changeable(body),
        "onTaskFailure": body.get("onTaskFailure", "noaction"),
    }
    spec.setdefault("usesTaskDependencies", False)
    if "jobPreparationTask" in body:
        spec["jobPreparationTask"] = preparation_task(body["jobPreparationTask"])
    if "jobReleaseTask" in body:
        if "jobPreparationTask" not in body:
            raise invalid("jobReleaseTask", "", "A job release task needs a job preparation task")
        spec["jobReleaseTask"] = release_task(body["jobReleaseTask"])
    if "jobManagerTask" in body:
        retries = spec["constraints"]["maxTaskRetryCount"]
        spec["jobManagerTask"] = manager_task(body["jobManagerTask"], retries)
        check_special_ids(spec, spec["jobManagerTask"]["id"])
    return spec


def check_special_ids(job_spec: Json, task_id: str) -> None:
    """A task may not have the id of the job's preparation or release task."""
    specials = (
        ("jobPreparationTask", TASK_ID_SAME_AS_PREPARATION),
        ("jobReleaseTask", TASK_ID_SAME_AS_RELEASE),
    )
    for name, kind in specials:
        special = job_spec.get(name)
        if special and special["id"].lower() == task_id.lower():
            raise BatchError(kind)


def network_configuration(body: Json) -> Json:
    """The virtual network that a job's nodes join: a record, as all nodes here are on one machine.

    Source: *BatchJobNetworkConfiguration*. Whether the subnet exists is looked at when the job is made.
    """
    where = "networkConfiguration.subnetId"
    check_form(where, required(body, "subnetId", where), "subnet")
    return {"skipWithdrawFromVNet": False, **body}


def changeable(body: Json) -> Json:
    """The properties that may be changed later, with defaults for those left out."""
    check_metadata(body)
    spec = {
        "priority": whole_number(body, "priority", 0, MIN_PRIORITY, MAX_PRIORITY),
        "allowTaskPreemption": body.get("allowTaskPreemption", False),
        "maxParallelTasks": _parallel(body),
        "constraints": constraints(body.get("constraints") or {}),
        "onAllTasksComplete": body.get("onAllTasksComplete", "noaction"),
    }
    if "metadata" in body:
        spec["metadata"] = body["metadata"]
    if "networkConfiguration" in body:
        spec["networkConfiguration"] = network_configuration(body["networkConfiguration"])
    return spec


def _parallel(body: Json) -> int:
    number = whole_number(body, "maxParallelTasks", -1, -1)
    if number == 0:
        raise invalid("maxParallelTasks", number, "The value must be -1 (no limit) or greater than 0")
    return number


def preparation_task(body: Json) -> Json:
    """A job preparation task with its defaults. Source: *BatchJobPreparationTask*."""
    check_command(body, "jobPreparationTask")
    return {
        **body,
        "id": check_id(body.get("id", PREPARATION_ID), "jobPreparationTask.id"),
        "constraints": task_constraints(body.get("constraints") or {}, 0),
        "userIdentity": user_identity(body),
        "waitForSuccess": body.get("waitForSuccess", True),
        "rerunOnNodeRebootAfterSuccess": body.get("rerunOnNodeRebootAfterSuccess", True),
    }


def release_task(body: Json) -> Json:
    """A job release task with its defaults; it may take 15 minutes. Source: *BatchJobReleaseTask*."""
    check_command(body, "jobReleaseTask")
    return {
        **body,
        "id": check_id(body.get("id", RELEASE_ID), "jobReleaseTask.id"),
        "maxWallClockTime": duration_of(
            body,
            "maxWallClockTime",
            MAX_RELEASE_TIME,
            most=MAX_RELEASE_TIME,
            path="jobReleaseTask.maxWallClockTime",
        ),
        "retentionTime": duration_of(
            body, "retentionTime", DEFAULT_RETENTION, path="jobReleaseTask.retentionTime"
        ),
        "userIdentity": user_identity(body),
    }


def manager_task(body: Json, job_retries: int) -> Json:
    """A job manager task with its defaults. Source: *BatchJobManagerTask*."""
    check_display_name(body)
    check_command(body, "jobManagerTask")
    check_output_files(body)
    check_task_packages(body)
    return {
        **body,
        "id": check_id(body.get("id"), "jobManagerTask.id"),
        "constraints": task_constraints(body.get("constraints") or {}, job_retries),
        "requiredSlots": whole_number(body, "requiredSlots", 1, 1, MAX_TASK_SLOTS),
        "userIdentity": user_identity(body),
        "killJobOnCompletion": body.get("killJobOnCompletion", True),
        "runExclusive": body.get("runExclusive", True),
        "allowLowPriorityNode": body.get("allowLowPriorityNode", True),
    }
