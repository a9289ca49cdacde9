"""Run as a program in a fresh Airflow home: the DAGs of Python files through ``dag.test()``."""

from __future__ import annotations

import json
import runpy
import sys
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session


def run(dag: DAG) -> dict[str, Any]:
    """What became of one run: its state, and what its tasks returned."""
    with create_session() as session:
        update_dag_parsing_results_in_db(
            "dags-folder", None, [LazyDeserializedDAG.from_dag(dag)], {}, None, set(), session=session,
            files_parsed=set(),
        )  # fmt: skip
    done = dag.test()
    instances = done.get_task_instances()
    returned = {ti.task_id: ti.xcom_pull(task_ids=ti.task_id) for ti in instances}
    return {"state": str(done.state), "run_id": done.run_id, "returned": returned}


if __name__ == "__main__":
    initdb()
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
        session.commit()
    found = [
        value for path in sys.argv[1:] for value in runpy.run_path(path).values() if isinstance(value, DAG)
    ]
    sys.stdout.write("RESULT " + json.dumps({dag.dag_id: run(dag) for dag in found}, default=str) + "\n")
