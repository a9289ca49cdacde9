"""What a DAG author writes: pools, jobs, tasks, files. Plain Python; importing it imports nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "AutoPool",
    "AutoScale",
    "AutoUser",
    "BlobMount",
    "BlobRef",
    "CifsMount",
    "Container",
    "Containers",
    "DataDisk",
    "DiskEncryption",
    "Extension",
    "FileShareMount",
    "FixedScale",
    "Image",
    "InboundEndpoint",
    "JobGraph",
    "JobManager",
    "JobNetwork",
    "JobOptions",
    "JobPreparation",
    "JobRelease",
    "JobSchedule",
    "LatestImage",
    "MultiInstance",
    "Network",
    "NetworkRule",
    "NfsMount",
    "OsDisk",
    "Package",
    "Pool",
    "Registry",
    "SpecError",
    "StartTask",
    "Task",
    "TaskGroup",
    "TaskOptions",
    "TaskOutput",
    "TaskOutputs",
    "UpgradePolicy",
    "UserAccount",
    "blob",
    "cmd",
    "on_exit",
    "pending_tasks",
    "shell",
    "spot_with_dedicated_fallback",
    "working_hours",
    "zero_when_idle",
]

# Loaded at first use: a DAG file pays for what it names, not for all there is.
if TYPE_CHECKING:
    from airflow_batch_provider.spec.auto_pool import AutoPool
    from airflow_batch_provider.spec.command import cmd, shell
    from airflow_batch_provider.spec.disks import DataDisk, DiskEncryption, OsDisk
    from airflow_batch_provider.spec.errors import SpecError
    from airflow_batch_provider.spec.exits import on_exit
    from airflow_batch_provider.spec.extensions import Extension
    from airflow_batch_provider.spec.files import BlobRef, TaskOutput, TaskOutputs, blob
    from airflow_batch_provider.spec.graph import JobGraph
    from airflow_batch_provider.spec.handles import Task, TaskGroup
    from airflow_batch_provider.spec.image import Image
    from airflow_batch_provider.spec.job import JobOptions
    from airflow_batch_provider.spec.job_manager import JobManager
    from airflow_batch_provider.spec.job_network import JobNetwork
    from airflow_batch_provider.spec.latest_image import LatestImage
    from airflow_batch_provider.spec.mounts import BlobMount, CifsMount, FileShareMount, NfsMount
    from airflow_batch_provider.spec.multi_instance import MultiInstance
    from airflow_batch_provider.spec.network import InboundEndpoint, Network, NetworkRule
    from airflow_batch_provider.spec.packages import Package
    from airflow_batch_provider.spec.pool import Pool
    from airflow_batch_provider.spec.pool_containers import Containers, Registry
    from airflow_batch_provider.spec.scale import (
        AutoScale,
        FixedScale,
        pending_tasks,
        spot_with_dedicated_fallback,
        working_hours,
        zero_when_idle,
    )
    from airflow_batch_provider.spec.schedule import JobSchedule
    from airflow_batch_provider.spec.special_tasks import JobPreparation, JobRelease
    from airflow_batch_provider.spec.start_task import StartTask
    from airflow_batch_provider.spec.task import TaskOptions
    from airflow_batch_provider.spec.task_container import Container
    from airflow_batch_provider.spec.upgrades import UpgradePolicy
    from airflow_batch_provider.spec.user_accounts import UserAccount
    from airflow_batch_provider.spec.users import AutoUser
else:
    _MODULES = {
        "AutoPool": "auto_pool",
        "AutoScale": "scale",
        "AutoUser": "users",
        "BlobMount": "mounts",
        "BlobRef": "files",
        "CifsMount": "mounts",
        "Container": "task_container",
        "Containers": "pool_containers",
        "DataDisk": "disks",
        "DiskEncryption": "disks",
        "Extension": "extensions",
        "FileShareMount": "mounts",
        "FixedScale": "scale",
        "Image": "image",
        "InboundEndpoint": "network",
        "JobGraph": "graph",
        "JobManager": "job_manager",
        "JobNetwork": "job_network",
        "JobOptions": "job",
        "JobPreparation": "special_tasks",
        "JobRelease": "special_tasks",
        "JobSchedule": "schedule",
        "LatestImage": "latest_image",
        "MultiInstance": "multi_instance",
        "Network": "network",
        "NetworkRule": "network",
        "NfsMount": "mounts",
        "OsDisk": "disks",
        "Package": "packages",
        "Pool": "pool",
        "Registry": "pool_containers",
        "SpecError": "errors",
        "StartTask": "start_task",
        "Task": "handles",
        "TaskGroup": "handles",
        "TaskOptions": "task",
        "TaskOutput": "files",
        "TaskOutputs": "files",
        "UpgradePolicy": "upgrades",
        "UserAccount": "user_accounts",
        "blob": "files",
        "cmd": "command",
        "on_exit": "exits",
        "pending_tasks": "scale",
        "shell": "command",
        "spot_with_dedicated_fallback": "scale",
        "working_hours": "scale",
        "zero_when_idle": "scale",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return globals()[name]
