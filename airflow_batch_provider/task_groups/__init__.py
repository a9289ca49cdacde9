"""A Batch job as an Airflow task group: every Batch task is an Airflow task."""
