"""DAGs with operators of jobs."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from airflow_batch_provider.operators.blob_list import AzureBlobListOperator
from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.operators.pool_delete import AzureBatchPoolDeleteOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.spec import AutoPool, FixedScale, JobGraph, Pool, blob, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup


def counting(n: int) -> JobGraph:
    graph = JobGraph()
    told = graph.task("told", shell(f"echo {n} > n.json"), outputs=["n.json"], result="n.json")

    def build(number: int) -> JobGraph:
        more = graph.more()
        parts = more.fan_out("part", range(number), lambda i: dict(command=shell(f"echo part {i}")))
        told >> parts
        return more

    graph.expand(after=told, build=build)
    return graph


def plain() -> JobGraph:
    graph = JobGraph()
    graph.task(
        "hello",
        shell('echo \'{"run": "{{ run_id }}"}\' > out.json'),
        outputs=["out.json"],
        result="out.json",
        environment={"JSON": '{"a": 1}'},
    )
    return graph


def counted(files: list[dict[str, Any]]) -> JobGraph:
    """One task for each blob; whatever its name holds, it is a name."""
    graph = JobGraph()
    count = lambda file: dict(  # noqa: E731
        command=shell("wc -w < text > words"), inputs={"text": blob(file["url"])}, outputs=["words"]
    )
    each = graph.fan_out("count", files, count)
    total = shell("cat */words | awk '{n += $1} END {print n}' > total.json")
    graph.merge("total", total, of=each, collect="words", outputs=["total.json"], result="total.json")
    return graph


def dags(pool: str, folder: Path) -> list[DAG]:
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with DAG("static", schedule=None, start_date=start, render_template_as_native_obj=True) as static:
        digits = {"DIGITS": "7"}  # which Airflow makes a number of
        AzureBatchJobOperator(
            task_id="job", pool_id=pool, graph=plain(), environment=digits, poll_interval=0.5
        )
    with DAG("mapped", schedule=None, start_date=start) as mapped:

        @task
        def numbers() -> list[dict[str, int]]:
            return [{"n": 1}, {"n": 2}]

        AzureBatchJobOperator.partial(
            task_id="job", pool_id=pool, graph=counting, poll_interval=0.5, retries=1
        ).expand(graph_kwargs=numbers())
    with DAG("failing", schedule=None, start_date=start) as failing:
        bad = JobGraph()
        bad.task("bad", shell("echo 'disk on fire' >&2; exit 9"))
        AzureBatchJobOperator(task_id="job", pool_id=pool, graph=bad, poll_interval=0.5)
    with DAG("torn_down", schedule=None, start_date=start) as torn_down:
        lent = Pool(id="torn-down", vm_size="standard_d2s_v3", scale=FixedScale(spot=1))
        made = AzureBatchPoolOperator(task_id="pool", batch_pool=lent)
        job = AzureBatchJobOperator(task_id="job", pool_id=lent.id, graph=bad, poll_interval=0.5)
        delete = AzureBatchPoolDeleteOperator(task_id="delete", pool_id=lent.id, when="idle")
        made >> job >> delete.as_teardown(setups=made)
    with DAG("listed", schedule=None, start_date=start, render_template_as_native_obj=True) as listed:
        files = AzureBlobListOperator(task_id="files", blobs="listed/{{ dag.dag_id }}/", pattern="*.txt")
        AzureBatchJobOperator(
            task_id="job",
            pool_id=pool,
            graph=counted,
            graph_kwargs={"files": files.output},
            poll_interval=0.5,
        )
    with DAG("commands", schedule=None, start_date=start, render_template_as_native_obj=True) as commands:

        @task
        def scripts() -> list[list[str]]:
            return [
                shell(f"echo '{word}' > said.txt; wc -c < said.txt > n.json") for word in ("a", "{{ 7 }}")
            ]

        AzureBatchTaskOperator.partial(
            task_id="job", pool_id=pool, outputs=["n.json"], result="n.json", poll_interval=0.5
        ).expand(command=scripts())
    with DAG("command", schedule=None, start_date=start, render_template_as_native_obj=True) as command:
        AzureBatchTaskOperator(
            task_id="job",
            pool_id=pool,
            command=shell("cp in.txt said.json"),
            inputs={"in.txt": blob("listed/{{ 'listed' }}/two.txt")},
            outputs={"said.json": blob("listed/{{ dag.dag_id }}/said.txt")},
            result="said.json",
            environment={"JSON": '{"a": 1}'},
            poll_interval=0.5,
        )
    with DAG("own_pool", schedule=None, start_date=start) as own_pool:
        of_one_job = AutoPool(
            Pool(id="own-{{ dag.dag_id }}", vm_size="standard_d2s_v3", scale=FixedScale(spot=1))
        )
        AzureBatchJobOperator(task_id="job", pool_id=of_one_job, graph=plain(), poll_interval=0.5)
        with AzureBatchJobTaskGroup("group", pool_id=of_one_job, poll_interval=0.5) as group:
            group.task("member", shell("true"))
    with DAG("by_need", schedule=None, start_date=start) as by_need:
        wide = Pool(id="by-need", vm_size="standard_d4s_v3", scale=FixedScale(spot=1), task_slots=4)
        for_wide = AzureBatchPoolOperator(task_id="wide", batch_pool=wide)

        @task
        def needs(wide_pool: str) -> list[dict[str, Any]]:
            told = shell(r'echo "\"$AZ_BATCH_POOL_ID\"" > where.json')
            return [{"pool_id": each, "command": told} for each in (pool, wide_pool)]

        AzureBatchTaskOperator.partial(
            task_id="job", outputs=["where.json"], result="where.json", poll_interval=0.5
        ).expand_kwargs(needs(for_wide.output))
    return [static, mapped, failing, torn_down, listed, commands, command, own_pool, by_need]
