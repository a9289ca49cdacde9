"""Small DAGs for the crash tests: jobs that tell in files of a folder what ran, and wait for files in it.

The folder and the number of tasks come with the run's conf. Every task writes its id to `begun` as the first
thing it does, so the file tells how often each was really started, whatever any record says.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import FixedScale, JobGraph, Pool, shell

_GATE_SECONDS = 240
_PARAMS = {"folder": Param("", type="string"), "count": Param(1, type="integer")}
_KWARGS = {"folder": "{{ params.folder }}", "count": "{{ params.count }}"}

POOL = Pool(id="crash", vm_size="standard_d2s_v3", scale=FixedScale(spot=2), task_slots=3)


def many_tasks(folder: str, count: str) -> JobGraph:
    """So many tasks that they need several requests; one more runs when all of them are done."""
    graph = JobGraph()
    numbers = graph.fan_out("n", range(int(count)), lambda _: {"command": _begun(folder)})
    graph.task("last", _begun(folder), depends_on=numbers)
    return graph


def gated_tasks(folder: str, count: str) -> JobGraph:
    """One task that ends at once, some that wait for a file, and one that needs them all."""
    graph = JobGraph()
    graph.task("quick", _begun(folder))
    held = [
        graph.task(f"{gate}-{number}", _begun(folder, then_wait_for=gate))
        for gate in ("early", "late")
        for number in range(int(count))
    ]
    graph.task("last", _begun(folder), depends_on=held)
    return graph


def _begun(folder: str, *, then_wait_for: str | None = None) -> list[str]:
    script = f'echo "$AZ_BATCH_TASK_ID" >> "{folder}/begun"'
    if then_wait_for is None:
        return shell(script)
    looks = f"for look in $(seq {_GATE_SECONDS * 5})"
    return shell(
        f'{script}; {looks}; do [ -e "{folder}/{then_wait_for}" ] && exit 0; sleep 0.2; done; exit 9'
    )


def pool() -> AzureBatchPoolOperator:
    return AzureBatchPoolOperator(
        task_id="pool", batch_pool=POOL, retries=2, retry_delay=timedelta(seconds=1)
    )


with DAG("submit_many", schedule=None, params=_PARAMS):
    pool() >> AzureBatchJobOperator(
        task_id="job",
        pool_id=POOL.id,
        graph=many_tasks,
        graph_kwargs=_KWARGS,
        poll_interval=2,
        log_tasks=False,
        retries=3,
        retry_delay=timedelta(seconds=1),
    )

# No retries of the job: neither crash may cost the task its try.
with DAG("wait_at_gates", schedule=None, params=_PARAMS):
    pool() >> AzureBatchJobOperator(
        task_id="job",
        pool_id=POOL.id,
        graph=gated_tasks,
        graph_kwargs=_KWARGS,
        poll_interval=2,
        retries=0,
    )
