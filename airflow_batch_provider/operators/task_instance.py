"""The Airflow task instance that a job is submitted for, as the context tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_batch_provider.exceptions import BatchJobFailedError, BatchJobTimeoutError
    from airflow_batch_provider.spec.ids import JobIdentity

FAILURE_KEY = "failure"
"""Key of the XCom by which a task downstream learns why a job failed."""

_SUBMISSION_KEY = "azure_batch_submission"
_DONE_KEY = "azure_batch_done"


def identity_of(context: Context, namespace: str) -> JobIdentity:
    """Whose job it is, and which submission was the last as far as is known.

    Parameters:
        context: of the task instance.
        namespace: tells deployments apart that share a Batch account.
    """
    from airflow_batch_provider.spec.ids import JobIdentity

    ti = context["ti"]
    generation = int(getattr(ti, "max_tries", 0) or 0)
    map_index = getattr(ti, "map_index", None)
    stored = _stored(context, _SUBMISSION_KEY)
    known = stored.get("submission", 1) if stored.get("generation") == generation else 1
    return JobIdentity(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        map_index=-1 if map_index is None else map_index,
        generation=generation,
        submission=int(known),
        namespace=namespace,
    )


def try_of(context: Context) -> int:
    """Number of this try of the task instance, from 1."""
    return int(getattr(context["ti"], "try_number", 1) or 1)


def remember(context: Context, identity: JobIdentity) -> None:
    """Let a later try know the submission, where Airflow has a task state store (3.3)."""
    if (store := context.get("task_state_store")) is not None:
        store.set(
            _SUBMISSION_KEY,
            {
                "job_id": identity.job_id,
                "generation": identity.generation,
                "submission": identity.submission,
            },
        )


def remember_done(context: Context, identity: JobIdentity, job_id: str, task_id: str) -> None:
    """Let a later try know, where Airflow has a task state store, that the Batch task has done well.

    For whoever deletes the job afterwards: with it goes what else would tell so.
    """
    if (store := context.get("task_state_store")) is not None:
        store.set(_DONE_KEY, {"job_id": job_id, "task_id": task_id, "generation": identity.generation})


def done_before(context: Context, identity: JobIdentity) -> tuple[str, str] | None:
    """Job and task id of the Batch task that did well in an earlier try, if one is known.

    One from before the Airflow task was cleared is none: it is to run again.
    """
    done = _stored(context, _DONE_KEY)
    if done.get("generation") != identity.generation:
        return None
    return str(done["job_id"]), str(done["task_id"])


def tell_failure(context: Context, error: BatchJobFailedError | BatchJobTimeoutError) -> None:
    """Let tasks downstream know why the job failed, by an XCom.

    The text is left out: what tasks wrote is masked in logs, and nothing masks an XCom. Of a job that was out
    of time no codes are told: its tasks are still being ended.
    """
    told = {
        "job_id": error.job_id,
        "layer": error.layer,
        "codes": list(getattr(error, "codes", ())),
        "exit_codes": getattr(error, "exit_codes", {}),
        "work": error.work,
    }
    context["ti"].xcom_push(key=FAILURE_KEY, value=told)


def _stored(context: Context, key: str) -> Mapping[str, Any]:
    store = context.get("task_state_store")
    value = store.get(key) if store is not None else None
    return value if isinstance(value, Mapping) else {}
