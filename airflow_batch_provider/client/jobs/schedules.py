"""Having a job schedule: made, brought to what the DAG says now, or left as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from airflow_batch_provider.client.jobs.claim import FINGERPRINT_MARK, OWNER_MARK
from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.steps import Call, Refusal, Script
from airflow_batch_provider.exceptions import BatchJobConflictError

Ensured: TypeAlias = Literal["created", "unchanged", "changed"]


def ensure_schedule(
    schedule_id: str, owner: str, make: Callable[[dict[str, str]], dict[str, Any]]
) -> Script[Ensured]:
    """Make a job schedule, or let jobs that it makes from now on be as declared.

    Parameters:
        schedule_id: its id.
        owner: tells the Airflow task from others.
        make: gives the wire model BatchJobScheduleCreateOptions with the marks it is given.

    Raises:
        BatchJobConflictError: the id is taken by a schedule of somebody else, or one that makes no more jobs.
        Refusal: the service refused it.
    """
    marks = {OWNER_MARK: owner, FINGERPRINT_MARK: _hash(make({}))}
    wire = make(marks)
    try:
        yield from patiently(Call("create_job_schedule", (wire,)))
    except Refusal as refusal:
        if refusal.code != "JobScheduleExists":
            raise
    else:
        return "created"
    there = yield from patiently(Call("get_job_schedule", (schedule_id,)))
    found = {item["name"]: item["value"] for item in there.get("metadata") or ()}
    _check(schedule_id, str(there["state"]), found.get(OWNER_MARK) == owner)
    if found.get(FINGERPRINT_MARK) == marks[FINGERPRINT_MARK]:
        return "unchanged"
    changed = {name: wire[name] for name in ("schedule", "jobSpecification", "metadata")}
    yield from patiently(Call("update_job_schedule", (schedule_id, changed)))
    return "changed"


def _check(schedule_id: str, state: str, own: bool) -> None:
    if not own:
        raise BatchJobConflictError(
            f"The id {schedule_id} is taken by a job schedule that this Airflow task did not make.\n"
            "Likely cause: another DAG or program made it, or the task or DAG was renamed.\n"
            "Next step: choose another id, or delete that schedule."
        )
    if state not in ("active", "disabled"):
        raise BatchJobConflictError(
            f"Job schedule {schedule_id} is {state} and makes no more jobs.\n"
            "Likely cause: it was ended, or its last time has passed.\n"
            "Next step: delete it by AzureBatchJobScheduleDeleteOperator, which deletes its jobs too, or "
            "choose another id."
        )


def _hash(wire: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(wire, sort_keys=True).encode()).hexdigest()[:16]
