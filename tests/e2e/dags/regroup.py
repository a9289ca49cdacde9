"""A group of Batch tasks, one of which fails until a file is there; each notes that it ran, and in which job.

The run's conf: ``folder``, where the notes and that file are.
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG

from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.spec import FixedScale, Pool, shell
from airflow_batch_provider.task_groups.batch_job import AzureBatchJobTaskGroup

FOLDER = "{{ dag_run.conf['folder'] }}"


def noted(name: str, then: str = ":") -> list[str]:
    return shell(f"echo {name} $AZ_BATCH_JOB_ID >> {FOLDER}/runs; {then}")


with DAG("regroup", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)):
    nodes = Pool(id="regroup", vm_size="standard_d2s_v5", scale=FixedScale(spot=2), task_slots=4)
    pool = AzureBatchPoolOperator(task_id="pool", batch_pool=nodes)
    with AzureBatchJobTaskGroup("train", pool_id=pool.output, poll_interval=1) as job:
        prep = job.task("prep", noted("prep", "echo data > x"), outputs=["x"])
        side = job.task("side", noted("side"))
        prep >> side
        missing = f"test -e {FOLDER}/fixed || {{ echo 'the cable is loose' >&2; exit 4; }}"
        fit = job.task(
            "fit",
            noted("fit", f"{missing}; cat x > y"),
            inputs={"x": prep.output("x")},
            outputs=["y"],
        )
        report = job.task(
            "report", noted("report", "cat x y"), inputs={"x": prep.output("x"), "y": fit.output("y")}
        )
        side >> report
