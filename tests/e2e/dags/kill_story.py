"""DAGs whose deferred tasks are killed by users, and one whose tasks fail until no try is left.

The run's conf: ``folder``, where Batch tasks note that they have begun, and in which a file lets them end.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG

from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.operators.task import AzureBatchTaskOperator
from airflow_batch_provider.spec import FixedScale, Pool, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

FOLDER = "{{ dag_run.conf['folder'] }}"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
POOL = Pool(id="kills", vm_size="standard_d2s_v3", scale=FixedScale(spot=2), task_slots=4)


def begun(name: str, then: str) -> list[str]:
    return shell(f"echo {name} >> {FOLDER}/begun; {then}")


def held(name: str) -> list[str]:
    return begun(name, f"for look in $(seq 1200); do [ -e {FOLDER}/open ] && exit 0; sleep 0.2; done; exit 9")


def pool() -> AzureBatchPoolOperator:
    return AzureBatchPoolOperator(
        task_id="pool", batch_pool=POOL, retries=2, retry_delay=timedelta(seconds=1)
    )


with DAG("held", schedule=None, start_date=START, default_args={"retries": 0}):
    ready = pool()
    for name in ("killed", "cleared", "left"):
        ready >> AzureBatchTaskOperator(task_id=name, pool_id=POOL.id, command=held(name), poll_interval=1)
    with AzureBatchJobTaskGroup("group", pool_id=POOL.id, poll_interval=1) as job:
        job.task("one", held("one"))
        job.task("two", held("two"))
        job.task("done", begun("done", "true"))
    ready >> job

with DAG("given_up", schedule=None, start_date=START):
    ready = pool()
    for name, deferrable in (("deferred", True), ("waiting", False)):
        ready >> AzureBatchTaskOperator(
            task_id=name,
            pool_id=POOL.id,
            command=begun(name, "exit 7"),
            poll_interval=1,
            deferrable=deferrable,
            retries=1,
            retry_delay=timedelta(0),
        )
