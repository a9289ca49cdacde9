"""What finished Batch work tells Airflow's statistics (StatsD or OpenTelemetry, as Airflow is set up)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_batch_provider.client.jobs.outcome import Outcome

JOB_DURATION = "azure_batch.job_duration"
QUEUE_WAIT = "azure_batch.queue_wait"
TASK_TIME = "azure_batch.task_time"
TASKS = "azure_batch.tasks"
FAILURES = "azure_batch.failures"
REQUEUES = "azure_batch.requeues"

log = logging.getLogger(__name__)


def measure_for(ti: Any, pool: str | None = None, *, part: bool = False) -> Callable[[Outcome], None]:
    """What is to be called with the outcome of a try's Batch work, once, good or bad.

    Parameters:
        ti: the task instance; its map index is no tag, lest there be one series for each.
        pool: what people know the pool by; None: the pool of the job, by its id.
        part: see :func:`emit`.
    """
    tags = {"dag_id": ti.dag_id, "task_id": ti.task_id}
    return partial(emit, tags=tags if pool is None else {**tags, "pool_id": pool}, part=part)


def emit(outcome: Outcome, tags: Mapping[str, str], *, part: bool = False) -> None:
    """Send what became of Batch work to Airflow's statistics; whatever goes wrong, no task fails of it.

    ``job_duration``: from the job's creation to its end; ``queue_wait``: from its creation until its first
    task ran; ``task_time``: how long its tasks ran, all together (of a task that was started again, its last
    start counts); ``tasks``: how many, tagged ``outcome``; ``failures``: tagged with the layer of the first
    cause; ``requeues``: tasks put back with their nodes.

    Parameters:
        outcome: of a job, or of some of its tasks.
        tags: of every measure, such as ``dag_id``; without a ``pool_id`` it is the one of the job.
        part: whether others share the job, so that its times are not those of the outcome: they are left out.
    """
    try:
        pool = (outcome.job and outcome.job.pool_id) or "unknown"
        _emit(outcome, {"pool_id": pool, **tags}, _stats(), part=part)
    except Exception:
        log.warning("Metrics of Batch job %s could not be sent", outcome.job_id, exc_info=True)


def _emit(outcome: Outcome, tags: dict[str, str], stats: Any, *, part: bool) -> None:
    from airflow_batch_provider.client.jobs.report import layer_of
    from airflow_batch_provider.client.requests.spans import between

    job = outcome.job
    if job is not None and not part:
        if (duration := outcome.job_time) is not None:
            stats.timing(JOB_DURATION, duration, tags=tags)
        if (wait := between(job.started, outcome.first_start)) is not None:
            stats.timing(QUEUE_WAIT, wait, tags=tags)
    if outcome.longest is not None:
        stats.timing(TASK_TIME, outcome.task_time, tags=tags)
    counts = {
        "succeeded": outcome.succeeded_tasks,
        "tolerated": len(outcome.tolerated),
        "failed": len(outcome.failed),
        "ended": len(outcome.ended),
        "blocked": len(outcome.blocked),
        "skipped": len(outcome.skipped),
        "unfinished": len(outcome.unfinished),
    }
    for name, count in counts.items():
        if count:
            stats.incr(TASKS, count, tags={**tags, "outcome": name})
    if outcome.requeues:
        stats.incr(REQUEUES, outcome.requeues, tags=tags)
    if not outcome.succeeded:
        stats.incr(FAILURES, tags={**tags, "layer": layer_of(outcome).value})


def _stats() -> Any:
    """Airflow's own: a module from 3.2 on, an object of the same methods before."""
    try:
        from airflow.sdk.observability import stats
    except ImportError:
        from airflow.stats import Stats

        return Stats
    return stats
