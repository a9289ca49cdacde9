"""The pages of the reference, and what is on which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.docs.api.objects import things

_PROVIDER = "airflow_batch_provider"


@dataclass(frozen=True)
class Page:
    """One page of the reference.

    :param name: of the file.
    :param about: what is on it.
    :param module: from which all of it is imported; None: each from its own.
    :param entries: dotted names, and those methods of each that an author calls.
    """

    name: str
    title: str
    about: str
    entries: Mapping[str, Sequence[str]]
    module: str | None = None


def _operators(*names: str) -> dict[str, Sequence[str]]:
    return {f"{_PROVIDER}.operators.{name}": () for name in names}


def _spec(*names: str, **methods: Sequence[str]) -> dict[str, Sequence[str]]:
    known = {name.rpartition(".")[2]: name for name in things() if name.startswith(f"{_PROVIDER}.spec.")}
    return {known[name]: methods.get(name, ()) for name in names}


PAGES = (
    Page(
        "job-operators",
        "Operators of jobs",
        "Run jobs, single commands and functions' graphs; add to jobs, end and change them; job schedules.",
        _operators(
            "job.AzureBatchJobOperator",
            "task.AzureBatchTaskOperator",
            "job_add_tasks.AzureBatchJobAddTasksOperator",
            "job_reactivate_tasks.AzureBatchJobReactivateTasksOperator",
            "job_terminate.AzureBatchJobTerminateOperator",
            "job_disable.AzureBatchJobDisableOperator",
            "job_enable.AzureBatchJobEnableOperator",
            "job_delete.AzureBatchJobDeleteOperator",
            "job_schedule.AzureBatchJobScheduleOperator",
            "job_schedule_disable.AzureBatchJobScheduleDisableOperator",
            "job_schedule_enable.AzureBatchJobScheduleEnableOperator",
            "job_schedule_terminate.AzureBatchJobScheduleTerminateOperator",
            "job_schedule_delete.AzureBatchJobScheduleDeleteOperator",
            "custom_activity.AzureBatchCustomActivityOperator",
            "azure_batch.AzureBatchOperator",
        ),
    ),
    Page(
        "pool-operators",
        "Operators of pools",
        "Make pools, resize them, wait for them, start nodes again, delete.",
        _operators(
            "pool.AzureBatchPoolOperator",
            "pool_wait.AzureBatchPoolWaitOperator",
            "pool_resize.AzureBatchPoolResizeOperator",
            "pool_autoscale.AzureBatchPoolAutoScaleOperator",
            "pool_autoscale.AzureBatchPoolStopAutoScaleOperator",
            "pool_nodes.AzureBatchPoolRemoveNodesOperator",
            "pool_nodes.AzureBatchPoolRebootNodesOperator",
            "pool_nodes.AzureBatchPoolReimageNodesOperator",
            "pool_delete.AzureBatchPoolDeleteOperator",
        ),
    ),
    Page(
        "blobs-and-packages",
        "Blobs and packages",
        "Start DAGs by blobs, take and list blobs, upload application packages.",
        {
            **_operators(
                "blob_claim.AzureBlobClaimOperator",
                "blob_list.AzureBlobListOperator",
                "package.AzureBatchApplicationPackageOperator",
                "package.BuiltPackage",
            ),
            f"{_PROVIDER}.triggers.blob_events.BlobCreatedTrigger": (),
            f"{_PROVIDER}.triggers.blob_listing.BlobListedTrigger": (),
        },
    ),
    Page(
        "sensors",
        "Sensors",
        "Wait for jobs, tasks, pools, nodes and blobs.",
        {
            f"{_PROVIDER}.sensors.{name}": ()
            for name in (
                "job.AzureBatchJobSensor",
                "task.AzureBatchTaskSensor",
                "pool.AzureBatchPoolSensor",
                "node_count.AzureBatchNodeCountSensor",
                "blob.AzureBlobSensor",
            )
        },
    ),
    Page(
        "functions-and-groups",
        "Functions and task groups",
        "`@task.azure_batch`, and a Batch job as an Airflow task group.",
        {
            f"{_PROVIDER}.decorators.azure_batch.azure_batch_task": (),
            f"{_PROVIDER}.decorators.azure_batch.BatchFunction": (
                "partial", "expand", "expand_kwargs", "override",
            ),
            f"{_PROVIDER}.decorators.results.load_result": (),
            f"{_PROVIDER}.decorators.results.is_reference": (),
            f"{_PROVIDER}.node.AirflowSkipException": (),
            f"{_PROVIDER}.node.AirflowFailException": (),
            f"{_PROVIDER}.task_groups.batch_job.AzureBatchJobTaskGroup": ("task",),
            f"{_PROVIDER}.task_groups.handle.BatchMember": ("output",),
        },
    ),
    Page(
        "graphs",
        "Jobs, tasks and files",
        "What a job is made of.",
        _spec(
            "JobGraph", "Task", "TaskGroup", "TaskOptions", "blob", "BlobRef", "TaskOutput", "TaskOutputs",
            "shell", "cmd", "on_exit", "Container", "MultiInstance", "AutoUser", "JobManager", "JobOptions",
            "JobPreparation", "JobRelease", "JobNetwork", "AutoPool", "JobSchedule", "SpecError",
            JobGraph=("task", "fan_out", "sweep", "merge", "barrier", "expand", "more", "link", "validate"),
            Task=("output", "outputs"),
        ),
        module=f"{_PROVIDER}.spec",
    ),
    Page(
        "pools",
        "Pools and their parts",
        "What a pool is made of.",
        _spec(
            "Pool", "Image", "LatestImage", "FixedScale", "AutoScale", "pending_tasks",
            "spot_with_dedicated_fallback", "working_hours", "zero_when_idle", "StartTask", "Package",
            "Containers", "Registry", "Network", "InboundEndpoint", "NetworkRule", "BlobMount",
            "FileShareMount", "NfsMount", "CifsMount", "OsDisk", "DataDisk", "DiskEncryption", "UserAccount",
            "Extension", "UpgradePolicy",
            Pool=("pool_id", "fingerprint"),
        ),
        module=f"{_PROVIDER}.spec",
    ),
    Page(
        "hook-and-errors",
        "Hook, links, retries and errors",
        "The connection's clients, buttons of the UI, and what failures are told by.",
        {
            f"{_PROVIDER}.hooks.batch.AzureBatchHook": (
                "settings", "batch_client", "management_client", "storage", "quotas", "test_connection",
                "aget_settings", "async_batch_client", "astorage",
            ),
            f"{_PROVIDER}.client.pools.quotas.Quotas": (),
            f"{_PROVIDER}.client.pools.quotas.Quota": ("free",),
            f"{_PROVIDER}.client.files.storage.StorageAccess": (
                "ensure_container", "upload_blob", "read_blob", "container_client", "blob_client",
            ),
            f"{_PROVIDER}.links.job.AzureBatchJobLink": (),
            f"{_PROVIDER}.links.job.AzureBatchOutputLink": (),
            f"{_PROVIDER}.retry_policy.AzureBatchRetryPolicy": (),
            f"{_PROVIDER}.client.requests.meaning.Layer": (),
            **{name: () for name in things() if name.startswith(f"{_PROVIDER}.exceptions.")},
        },
    ),
    Page(
        "testing",
        "The local Azure Batch in tests",
        "Start it from a test suite, and simulate pools on a virtual clock.",
        {
            "batch_emulator.testing.local.LocalBatch": (
                "start", "stop", "reset", "status", "endpoint", "client", "make_client", "make_async_client",
                "faults", "clock",
            ),
            "batch_emulator.testing.local.LocalFaults": (
                "present", "set", "add", "clear", "counts", "preempt", "lose",
            ),
            "batch_emulator.testing.local.LocalClock": ("now", "advance", "run_until_done"),
            "batch_emulator.testing.storage.LocalStorage": ("blobs", "empty"),
            "batch_emulator.testing.storage.Azurite": (),
            "batch_emulator.simulation.simulation.Simulation": (
                "now", "create_pool", "create_job", "add_tasks", "execute", "set_faults", "run_for",
                "run_until_done", "result",
            ),
            "batch_emulator.simulation.result.SimulationResult": (),
            "batch_emulator.simulation.result.Moment": (),
            "batch_emulator.simulation.behaviour.Behaviour": (),
            "batch_emulator.simulation.behaviour.Work": (),
            "batch_emulator.simulation.behaviour.parse_behaviour": (),
            "batch_emulator.simulation.behaviour.BehaviourError": (),
            "batch_emulator.simulation.chance.Span": ("draw",),
            "batch_emulator.simulation.chance.Constant": (),
            "batch_emulator.simulation.chance.Uniform": (),
            "batch_emulator.simulation.chance.Exponential": (),
            "batch_emulator.simulation.chance.LogNormal": (),
        },
    ),
)  # fmt: skip
