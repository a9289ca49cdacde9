"""Run as a program in a fresh Airflow home: the DAGs of modules through ``dag.test()``; prints what became of
them.

Arguments: the pool, a folder for what commands note, and the modules, which have ``dags(pool, folder)``.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.sdk import DAG
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session


def run(dag: DAG) -> dict[str, Any]:
    """What became of one run: states, and what the tasks returned and linked to, each by map index."""
    with create_session() as session:
        update_dag_parsing_results_in_db(
            "dags-folder", None, [LazyDeserializedDAG.from_dag(dag)], {}, None, set(), session=session,
            files_parsed=set(),
        )  # fmt: skip
    done = dag.test()
    told: dict[str, Any] = {"state": str(done.state), "run_id": done.run_id}
    states, returned, links = (told.setdefault(name, {}) for name in ("states", "returned", "links"))
    for ti in sorted(done.get_task_instances(), key=lambda ti: ti.map_index):
        found = {"task_ids": ti.task_id, "map_indexes": ti.map_index}
        states[ti.task_id] = str(ti.state)
        returned.setdefault(ti.task_id, []).append(ti.xcom_pull(**found))
        links.setdefault(ti.task_id, []).append(ti.xcom_pull(**found, key="azure_batch_job_link"))
    return told


if __name__ == "__main__":
    initdb()
    # As a worker does for each task.
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
        session.commit()
    pool, folder, *modules = sys.argv[1:]
    made = [dag for name in modules for dag in import_module(name).dags(pool, Path(folder))]
    sys.stdout.write("RESULT " + json.dumps({dag.dag_id: run(dag) for dag in made}, default=str) + "\n")
