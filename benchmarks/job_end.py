"""From the end of a job on the service to the end of the Airflow task that waits for it, deferred.

Scheduler, triggerer, workers and API server are real processes. The jobs end one after the other, when all
were submitted long enough ago that looks have become as seldom as they do. The peer is a task of Airflow's
own that waits deferred for a moment: from that moment to its end it needs what any deferred task needs, most
of it for the worker process in which the task is resumed.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from airflow_batch_provider.client.connect.wire_log import quiet_wire_log
from airflow_batch_provider.client.watching.pace import LONGEST
from benchmarks.emulator import make_pool
from benchmarks.table import Row
from demo.stack import LocalStack, StackOptions
from demo.stack.airflow_client import DagRun, TaskInstance

DAG_ID = "job_ends"
DAGS = Path(__file__).parent / "dags"
_PATIENCE_SECONDS = 900.0


def rows() -> list[Row]:
    """Median and 95th percentile, and what part is whose."""
    quiet_wire_log()
    folder = Path(tempfile.mkdtemp(prefix="batch-bench-"))
    try:
        with LocalStack(StackOptions(folder, DAGS, subscriptions=())) as stack:
            return list(_rows(stack))
    finally:
        shutil.rmtree(folder)


def _rows(stack: LocalStack) -> Iterable[Row]:
    airflow = stack.airflow
    with BatchClient(
        stack.batch.endpoint, AzureNamedKeyCredential(stack.batch.name, stack.batch.key)
    ) as client:
        make_pool(client, "ends", 3, 8)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not airflow.has_dag(DAG_ID):
            assert time.monotonic() < deadline, airflow.import_errors()
            time.sleep(0.5)
        run = airflow.wait_for_run(DAG_ID, airflow.trigger(DAG_ID).run_id, _PATIENCE_SECONDS, stack.check)
        assert run.state == "success", run
        noticed, resumed, whole, bare = [], [], [], []
        for task in airflow.task_instances(DAG_ID, run.run_id):
            assert task.end_date is not None
            if task.task_id.startswith("bare"):
                bare.append((task.end_date - _moment(run, task)).total_seconds())
                continue
            made = airflow.xcom(DAG_ID, run.run_id, task.task_id)
            info = client.get_job(made["job_id"]).execution_info
            assert info is not None
            assert info.end_time is not None
            seen = _noticed(stack, run, task)
            noticed.append((seen - info.end_time).total_seconds())
            resumed.append((task.end_date - seen).total_seconds())
            whole.append((task.end_date - info.end_time).total_seconds())
    for name, of in (("median", statistics.median), ("p95", _p95)):
        peer = f"a deferred sensor of Airflow, {name}"
        yield Row(f"job's end to task's end, {name}", of(whole), "s", peer, of(bare))
        yield Row(
            f"  of which until noticed, {name}", of(noticed), "s", "the poll interval", LONGEST, at_most=1.1
        )
        yield Row(f"  of which a worker to resume, {name}", of(resumed), "s", peer, of(bare))


def _moment(run: DagRun, task: TaskInstance) -> datetime:
    from benchmarks.dags.job_ends import FIRST_SECONDS, STEP_SECONDS

    assert run.start_date is not None
    return run.start_date + timedelta(
        seconds=FIRST_SECONDS + STEP_SECONDS * int(task.task_id.removeprefix("bare_"))
    )


def _noticed(stack: LocalStack, run: DagRun, task: TaskInstance) -> datetime:
    """When the trigger said that all tasks of the job are done: what it does when it sees the job's end."""
    path = f"/dags/{DAG_ID}/dagRuns/{run.run_id}/taskInstances/{task.task_id}/logs/{task.try_number}"
    lines: list[Any] = stack.airflow.call("GET", path, params={"full_content": True})["content"]
    said = [line for line in lines if isinstance(line, dict) and "1 of 1 tasks done" in str(line["event"])]
    return datetime.fromisoformat(str(said[-1]["timestamp"]).replace("Z", "+00:00"))


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
