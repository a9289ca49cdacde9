"""A DAG with each kind of operator that runs Batch tasks, well and badly, of which lineage is told."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow.providers.openlineage.utils.selective_enable import enable_lineage
from airflow.sdk import DAG, TriggerRule, task

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.azure_batch import AzureBatchOperator
from airflow_batch_provider.operators.job_add_tasks import AzureBatchJobAddTasksOperator
from airflow_batch_provider.operators.job_terminate import AzureBatchJobTerminateOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.spec import JobGraph, blob, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

FILES: dict[str, Any] = {"inputs": {"two.txt": blob("listed/listed/two.txt")}}
COPY, FAIL = shell("cp two.txt out.txt"), shell("cp two.txt out.txt; exit 9")

OFFICIAL: dict[str, Any] = {
    "batch_pool_vm_size": "standard_d2s_v3",
    "vm_node_agent_sku_id": "batch.node.ubuntu 22.04",
    "vm_publisher": "canonical",
    "vm_offer": "0001-com-ubuntu-server-jammy",
    "vm_sku": "22_04-lts",
    "target_low_priority_nodes": 1,
    "batch_task_id": "crunch",
    "poll_interval": 1,
    "azure_batch_conn_id": "azure_batch_default",
}


def written(name: str) -> dict[str, Any]:
    return {**FILES, "outputs": {"out.txt": blob(f"listed/telling/{name}.txt")}, "upload_when": "completion"}


def one(name: str, command: list[str]) -> JobGraph:
    graph = JobGraph()
    graph.task(name, command, **written(name))
    return graph


def dags(pool: str, folder: Path) -> list[DAG]:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with DAG("telling", schedule=None, start_date=start, default_args={"retries": 0}) as dag:
        AzureBatchTaskOperator(task_id="job", pool_id=pool, command=COPY, poll_interval=0.5, **written("job"))
        AzureBatchTaskOperator(
            task_id="bad_job", pool_id=pool, command=FAIL, poll_interval=0.5, deferrable=False,
            **written("bad_job"),
        )  # fmt: skip
        with AzureBatchJobTaskGroup("g", pool_id=pool, poll_interval=0.5) as group:
            group.task("member", COPY, **written("member"))
            group.task("bad_member", FAIL, **written("bad_member"))

        @task.azure_batch(pool_id=pool, poll_interval=0.5, **FILES)
        def counted(number: int) -> int:
            if number == 0:
                raise ValueError("nothing to count")
            with open("two.txt") as file:
                return len(file.read())

        counted.expand(number=[0, 1, 2])

        @task
        def opened() -> str:
            job: Any = {"id": "of-others", "poolInfo": {"poolId": pool}}
            AzureBatchHook("azure_batch_default").batch_client().create_job(job)
            return "of-others"

        job_id = opened()
        ended = AzureBatchJobTerminateOperator(
            task_id="ended", job_id="of-others", trigger_rule=TriggerRule.ALL_DONE
        )
        for name, command, deferrable in (("add", COPY, True), ("bad_add", FAIL, False)):
            added = AzureBatchJobAddTasksOperator(
                task_id=name, job_id="of-others", graph=one(name, command), poll_interval=0.5,
                deferrable=deferrable,
            )  # fmt: skip
            job_id >> added >> ended

        access = AzureBatchHook("azure_batch_default").storage()
        source = access.resource_file(blob("listed/listed/two.txt"), "two.txt")
        for name, command, deferrable in (("official", COPY, True), ("bad_official", FAIL, False)):
            AzureBatchOperator(
                task_id=name,
                batch_pool_id=pool,
                batch_job_id=name,
                batch_task_command_line=f"/bin/sh -c '{command[-1]}'",
                batch_task_resource_files=[source],
                deferrable=deferrable,
                **OFFICIAL,
            )
    enable_lineage(dag)
    return [dag]
