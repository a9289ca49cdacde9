"""Jobs that end one after the other, and as many tasks that wait for a moment by what Airflow itself has."""

from __future__ import annotations

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import DAG

from airflow_batch_provider.operators.job import AzureBatchJobOperator
from airflow_batch_provider.spec import JobGraph

COUNT = 20
FIRST_SECONDS = 90
"""By then the last was submitted a while ago, and looks are as seldom as they become."""
STEP_SECONDS = 4


def sleeping(seconds: int) -> JobGraph:
    graph = JobGraph()
    graph.task("sleep", ["/bin/sleep", str(seconds)])
    return graph


with DAG("job_ends", schedule=None, default_args={"retries": 0}, max_active_tasks=2 * COUNT):
    for number in range(COUNT):
        seconds = FIRST_SECONDS + STEP_SECONDS * number
        AzureBatchJobOperator(task_id=f"job_{number:02}", pool_id="ends", graph=sleeping(seconds))
        DateTimeSensorAsync(
            task_id=f"bare_{number:02}",
            target_time=f"{{{{ (dag_run.start_date + macros.timedelta(seconds={seconds})).isoformat() }}}}",
        )
