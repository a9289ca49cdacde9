"""What a finished job tells Airflow's statistics (StatsD or OpenTelemetry, as Airflow is set up)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_batch_provider.client.jobs.outcome import Outcome

JOB_DURATION = "azure_batch.job_duration"
QUEUE_WAIT = "azure_batch.queue_wait"
TASKS = "azure_batch.tasks"
FAILURES = "azure_batch.failures"
REQUEUES = "azure_batch.requeues"

log = logging.getLogger(__name__)


def emit(outcome: Outcome, tags: Mapping[str, str]) -> None:
    """Send what became of a job to Airflow's statistics; whatever goes wrong, no task fails of it.

    ``job_duration``: from its creation to its end; ``queue_wait``: from its creation until its first task ran
    (of a task that was started again, its last start counts); ``tasks``: how many, tagged ``outcome``;
    ``failures``: tagged with the layer of the first cause; ``requeues``: tasks put back with their nodes.

    Parameters:
        outcome: of the job.
        tags: of every measure, such as ``dag_id``.
    """
    try:
        _emit(outcome, dict(tags), _stats())
    except Exception:
        log.warning("Metrics of Batch job %s could not be sent", outcome.job_id, exc_info=True)


def _emit(outcome: Outcome, tags: dict[str, str], stats: Any) -> None:
    from airflow_batch_provider.client.jobs.report import layer_of
    from airflow_batch_provider.client.jobs.spans import between

    job = outcome.job
    if job is not None:
        if (duration := outcome.job_time) is not None:
            stats.timing(JOB_DURATION, duration, tags=tags)
        if (wait := between(job.started, outcome.first_start)) is not None:
            stats.timing(QUEUE_WAIT, wait, tags=tags)
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
