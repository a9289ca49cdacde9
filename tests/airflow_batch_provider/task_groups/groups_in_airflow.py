"""Run as a program in a fresh Airflow home: groups through ``dag.test()``; prints what became of them."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session

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
        DAG("failing", schedule=None, start_date=start, default_args={"retries": 0}) as failing,
        AzureBatchJobTaskGroup("g", pool_id=pool, poll_interval=0.5, deferrable=False) as job,
    ):
        bad = job.task("bad", shell("echo 'disk on fire' >&2; exit 9"))
        free = job.task("free", "/bin/true")
        after = job.task("after", "/bin/true")
        [bad, free] >> after
    return [trained, failing]


def run(dag: DAG) -> dict[str, Any]:
    with create_session() as session:
        update_dag_parsing_results_in_db(
            "dags-folder", None, [LazyDeserializedDAG.from_dag(dag)], {}, None, set(), session=session,
            files_parsed=set(),
        )  # fmt: skip
    done = dag.test()
    instances = done.get_task_instances()
    return {
        "state": str(done.state),
        "run_id": done.run_id,
        "states": {ti.task_id: str(ti.state) for ti in instances},
        "returned": {ti.task_id: ti.xcom_pull(task_ids=ti.task_id) for ti in instances},
    }


if __name__ == "__main__":
    initdb()
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
        session.commit()
    made = dags(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.write("RESULT " + json.dumps({dag.dag_id: run(dag) for dag in made}, default=str) + "\n")
