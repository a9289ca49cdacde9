"""What a DAG author writes: pools, jobs, tasks, files. Plain Python; importing it imports nothing else."""

from __future__ import annotations

from airflow_batch_provider.spec.command import cmd, shell
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.exits import on_exit
from airflow_batch_provider.spec.files import BlobRef, TaskOutput, TaskOutputs, blob
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.handles import Task, TaskGroup
from airflow_batch_provider.spec.image import Image
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.packages import Package
from airflow_batch_provider.spec.pool import Pool
from airflow_batch_provider.spec.scale import (
    AutoScale,
    FixedScale,
    pending_tasks,
    spot_with_dedicated_fallback,
    working_hours,
)
from airflow_batch_provider.spec.start_task import StartTask
from airflow_batch_provider.spec.task import AutoUser, TaskOptions

__all__ = [
    "AutoScale",
    "AutoUser",
    "BlobRef",
    "FixedScale",
    "Image",
    "JobGraph",
    "JobOptions",
    "Package",
    "Pool",
    "SpecError",
    "StartTask",
    "Task",
    "TaskGroup",
    "TaskOptions",
    "TaskOutput",
    "TaskOutputs",
    "blob",
    "cmd",
    "on_exit",
    "pending_tasks",
    "shell",
    "spot_with_dedicated_fallback",
    "working_hours",
]
