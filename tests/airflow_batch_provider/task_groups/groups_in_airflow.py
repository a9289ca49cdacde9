"""DAGs with task groups."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.sdk import DAG

from airflow_batch_provider.spec import shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup


def noted(folder: Path, name: str, then: str = ":") -> list[str]:
    """A command that notes in a folder that it has run, and in which job."""
    return shell(f"echo {name} $AZ_BATCH_JOB_ID >> {folder}/runs; {then}")


def once(folder: Path, name: str) -> str:
    """A command that fails the first time that it runs."""
    return f"if test ! -e {folder}/{name}; then touch {folder}/{name}; echo 'not yet' >&2; exit 3; fi"


def dags(pool: str, folder: Path) -> list[DAG]:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with (
        DAG("trained", schedule=None, start_date=start, default_args={"retries": 0}) as trained,
        AzureBatchJobTaskGroup("train", pool_id=pool, poll_interval=0.5) as job,
    ):
        prep = job.task("prep", noted(folder, "prep", "echo '{{ run_id }}' > x"), outputs=["x"])
        fit = job.task(
            "fit",
            noted(folder, "fit", "cat x && echo '{\"ok\": true}' > r.json"),
            inputs={"x": prep.output("x")},
            outputs=["r.json"],
            result="r.json",
        )
        other = job.task("other", noted(folder, "other"))
        prep >> other
        last = job.task(
            "last",
            noted(folder, "last", once(folder, "once")),
            operator_args={"retries": 1, "retry_delay": timedelta(0)},
        )
        [fit, other] >> last
    with (
        DAG("failing_group", schedule=None, start_date=start, default_args={"retries": 0}) as failing,
        AzureBatchJobTaskGroup("g", pool_id=pool, poll_interval=0.5, deferrable=False) as job,
    ):
        bad = job.task("bad", shell("echo 'disk on fire' >&2; exit 9"))
        free = job.task("free", "/bin/true")
        after = job.task("after", "/bin/true")
        [bad, free] >> after
    return [trained, failing]
