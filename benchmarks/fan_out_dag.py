"""The flights' fan-out on one node of two cores, whole, and with parts of its tasks left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow.sdk import DAG, Param
from flights.graph import flights_graph
from flights.package import APPLICATION_ID, build_package
from flights.pipeline import place, plan, tables_to_join

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.package import AzureBatchApplicationPackageOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import FixedScale, Image, JobGraph, Pool, shell

_POOL = Pool(
    id="fan-out",
    vm_size="standard_d2s_v5",
    image=Image.UBUNTU_22_04,
    scale=FixedScale(dedicated=1),
    task_slots=2,
)
_TRANSFORM = "cat raw.csv > good.parquet; : > quarantine.parquet; : > counts.json"
_MERGE = "cat */good.parquet > flights.parquet; : > quarantine.parquet; : > report.json"
_START = f'"$AZ_BATCH_APP_PACKAGE_{APPLICATION_ID}/duckdb" -c "select 1"; '


def fan_out(files: list[dict[str, Any]], place: str, version: str, way: str) -> JobGraph:
    """The flights' job, with as much of its tasks as is asked for."""
    graph = flights_graph(files, place, version)
    if way == "whole":
        return graph
    reduced = []
    for spec in graph.specs:
        if way == "nothing":
            reduced.append(replace(spec, command=("/bin/true",), inputs=(), outputs=(), packages=()))
            continue
        copying = _MERGE if spec.id.startswith("day-") else _TRANSFORM
        if way == "files":
            reduced.append(replace(spec, command=tuple(shell(copying)), packages=()))
        else:
            package = ((APPLICATION_ID, None),)
            reduced.append(replace(spec, command=tuple(shell(_START + copying)), packages=package))
    return graph.only(reduced)


with DAG(
    "fan_out",
    schedule=None,
    params={
        "days": Param([], type="array"),
        "way": Param("whole", enum=["nothing", "files", "start", "whole"]),
    },
    render_template_as_native_obj=True,
):
    files: Any = plan("{{ params.days }}")
    package = AzureBatchApplicationPackageOperator(
        task_id="package", application_id=APPLICATION_ID, build=build_package
    )
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=_POOL)
    [package, pool, place(files, tables_to_join(files))] >> AzureBatchJobOperator(
        task_id="spread",
        pool_id=_POOL.id,
        graph=fan_out,
        graph_kwargs={
            "files": files,
            "place": "{{ ti.xcom_pull(task_ids='place') }}",
            "version": "{{ ti.xcom_pull(task_ids='package')['version'] }}",
            "way": "{{ params.way }}",
        },
    )
