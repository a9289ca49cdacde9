"""DAGs whose tasks take single entries of what operators have returned."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from airflow_batch_provider.operators.job_delete import AzureBatchJobDeleteOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.sensors.job import AzureBatchJobSensor
from airflow_batch_provider.spec import shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup


@task
def taken(entries: dict[str, Any]) -> dict[str, Any]:
    """What arrived; of mapped tasks the entries of all."""
    return {name: value if isinstance(value, (str, dict)) else list(value) for name, value in entries.items()}


def dags(pool: str, folder: Path) -> list[DAG]:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with DAG("deleted_if_good", schedule=None, start_date=start) as good:
        ran = AzureBatchTaskOperator(
            task_id="job",
            pool_id=pool,
            command=shell("echo 7 > n.json"),
            outputs=["n.json"],
            result="n.json",
            poll_interval=0.5,
        )
        ended = AzureBatchJobSensor(task_id="ended", job_id=ran.output["job_id"])
        told = taken(
            {"pool": ran.output["pool_id"], "results": ran.output["results"], "tasks": ended.output["tasks"]}
        )
        told >> AzureBatchJobDeleteOperator(task_id="delete", job_id=ran.output["job_id"])
    with DAG("kept_if_bad", schedule=None, start_date=start) as bad:
        failing = AzureBatchTaskOperator(
            task_id="job", pool_id=pool, command=shell("exit 3"), poll_interval=0.5
        )
        AzureBatchJobDeleteOperator(task_id="delete", job_id=failing.output["job_id"])
    with DAG("entries", schedule=None, start_date=start) as entries:
        each = AzureBatchTaskOperator.partial(
            task_id="job", pool_id=pool, outputs=["n.json"], result="n.json", poll_interval=0.5
        ).expand(command=[shell(f"echo {number} > n.json") for number in (3, 5)])
        with AzureBatchJobTaskGroup("group", pool_id=pool, poll_interval=0.5) as group:
            member = group.task("member", shell("true"))
        taken(
            {
                "mapped": each.output["job_id"],
                "results": each.output["results"],
                "submitted": group.launcher.output["job_id"],
                "member": member.operator.output["job_id"],
            }
        )
    return [good, bad, entries]
