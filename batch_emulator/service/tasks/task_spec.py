"""What a task may be asked to be, and what the service fills in.

Source: *Task - Add* of the REST reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from batch_emulator.service.entities import Job, Json
from batch_emulator.service.error_kinds import (
    TASK_DEPENDENCIES_NOT_SPECIFIED_ON_JOB,
    TASK_DEPENDENCY_LIST_TOO_LONG,
    invalid,
    missing,
)
from batch_emulator.service.errors import BatchError, ErrorKind
from batch_emulator.service.ids import check_id
from batch_emulator.service.jobs.job_spec import check_special_ids
from batch_emulator.service.limits import (
    INT32_MAX,
    INT32_MIN,
    MAX_DEPENDENCY_CHARACTERS,
    MAX_DEPENDENCY_RANGES,
    MAX_TASK_SLOTS,
)
from batch_emulator.service.spec_checks import (
    check_command,
    check_display_name,
    check_output_files,
    check_task_packages,
    user_identity,
    whole_number,
)
from batch_emulator.service.tasks.constraints import task_constraints
from batch_emulator.service.tasks.multi_instance.settings import make_settings

TASK_DEPENDENCY_RANGES_TOO_LONG = ErrorKind(
    "TaskDependencyRangesTooLong", 400, "The list of task id ranges that the task depends on is too long."
)
_PLAIN_CONSTRAINTS: dict[int, Json] = {}


def make_task_spec(job: Job, body: Json) -> Json:
    """Check a new task's body and fill in the service's defaults.

    :param body: of the request, without nulls. It is kept, so it must be the caller's to give.
    :raises BatchError: a value that the service refuses, or what cannot be honoured here.
    """
    check_id(body.get("id"))
    check_special_ids(job.spec, body["id"])
    check_display_name(body)
    check_command(body)
    check_output_files(body)
    _check_dependencies(job, body)
    _check_exit_conditions(job, body.get("exitConditions") or {})
    check_task_packages(body)
    spec = {name: value for name, value in body.items() if name != "id"}
    settings = make_settings(body)
    if settings is not None:
        spec["multiInstanceSettings"] = settings
    spec["requiredSlots"] = whole_number(body, "requiredSlots", 1, 1, MAX_TASK_SLOTS)
    spec["userIdentity"] = user_identity(body)
    spec["constraints"] = make_constraints(job, body.get("constraints"))
    return spec


def make_constraints(job: Job, body: Json | None) -> Json:
    """Limits of a task. Those of the many tasks that ask for nothing are one and the same object."""
    retries = job.spec["constraints"]["maxTaskRetryCount"]
    if body:
        return task_constraints(body, retries)
    plain = _PLAIN_CONSTRAINTS.get(retries)
    if plain is None:
        plain = _PLAIN_CONSTRAINTS[retries] = task_constraints({}, retries)
    return plain


def _check_dependencies(job: Job, body: Json) -> None:
    depends_on = body.get("dependsOn")
    if not depends_on:
        return
    if not job.spec["usesTaskDependencies"]:
        raise BatchError(TASK_DEPENDENCIES_NOT_SPECIFIED_ON_JOB)
    ids = depends_on.get("taskIds") or ()
    if sum(map(len, ids)) > MAX_DEPENDENCY_CHARACTERS:
        raise BatchError(
            TASK_DEPENDENCY_LIST_TOO_LONG,
            {"Reason": f"The ids have more than {MAX_DEPENDENCY_CHARACTERS} characters; use taskIdRanges"},
        )
    for task_id in ids:
        check_id(task_id, "dependsOn.taskIds")
    ranges = depends_on.get("taskIdRanges") or ()
    if len(ranges) > MAX_DEPENDENCY_RANGES:
        raise BatchError(TASK_DEPENDENCY_RANGES_TOO_LONG)
    for span in ranges:
        _check_range(span, "dependsOn.taskIdRanges")


def _check_range(span: Json, path: str) -> None:
    for end in ("start", "end"):
        if span.get(end) is None:
            raise missing(f"{path}.{end}")
        whole_number(span, end, 0, INT32_MIN, INT32_MAX, f"{path}.{end}")
    if span["start"] > span["end"]:
        raise invalid(path, f"{span['start']}-{span['end']}", "The start of a range may not be after its end")


def _check_exit_conditions(job: Job, conditions: Json) -> None:
    if not conditions:
        return
    taken: list[tuple[int, int]] = []
    for code in conditions.get("exitCodes") or ():
        if code.get("code") is None:
            raise missing("exitConditions.exitCodes.code")
        taken.append((code["code"], code["code"]))
    for span in conditions.get("exitCodeRanges") or ():
        _check_range(span, "exitConditions.exitCodeRanges")
        taken.append((span["start"], span["end"]))
    taken.sort()
    for (_, end), (start, _) in pairwise(taken):
        if start <= end:
            raise invalid("exitConditions", start, "An exit code may be listed once only")
    if job.spec["onTaskFailure"] == "noaction" and any(
        "jobAction" in options for options in _options(conditions)
    ):
        raise invalid(
            "exitConditions.jobAction",
            "",
            "The job must have onTaskFailure set to performexitoptionsjobaction",
        )


def _options(conditions: Json) -> Iterator[Json]:
    for name in ("exitCodes", "exitCodeRanges"):
        for mapping in conditions.get(name) or ():
            yield mapping.get("exitOptions") or {}
    for name in ("preProcessingError", "fileUploadError", "default"):
        yield conditions.get(name) or {}
