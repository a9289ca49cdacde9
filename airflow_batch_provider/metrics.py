"""What a finished job tells Airflow's statistics (StatsD or OpenTelemetry, as Airflow is set up)."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_batch_provider.client.outcome import Outcome

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
    from airflow_batch_provider.client.report import layer_of

    job = outcome.job
    if job is not None:
        if (duration := _between(job.started, job.ended_at)) is not None:
            stats.timing(JOB_DURATION, duration, tags=tags)
        if (wait := _between(job.started, outcome.first_start)) is not None:
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


def _between(begin: str | None, end: str | None) -> dt.timedelta | None:
    if begin is None or end is None:
        return None
    return max(dt.timedelta(0), _time(end) - _time(begin))


def _time(text: str) -> dt.datetime:
    # Python 3.10 reads neither the Z nor the service's seven digits of a second.
    whole, _, fraction = text.rstrip("Z").partition(".")
    return dt.datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")


def _stats() -> Any:
    """Airflow's own: a module from 3.2 on, an object of the same methods before."""
    try:
        from airflow.sdk.observability import stats
    except ImportError:
        from airflow.stats import Stats

        return Stats
    return stats
