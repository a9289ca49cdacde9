"""A sensor that the triggerer ends, and a task that comes after it."""

from __future__ import annotations

from airflow.sdk import DAG, task

from airflow_batch_provider.sensors.blob import AzureBlobSensor

with DAG("sensed", schedule=None, is_paused_upon_creation=False):
    there = AzureBlobSensor(
        task_id="there", blobs="elsewhere/sensed/", poll_interval=1, timeout=120, end_from_trigger=True
    )

    @task
    def after() -> None:
        """Nothing: that it runs is what counts."""

    there >> after()
