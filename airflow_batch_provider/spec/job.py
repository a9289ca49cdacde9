"""What holds for a whole job: priority, limits, environment, and what a failing task means to the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from airflow_batch_provider.spec.checks import check_flags, rendered
from airflow_batch_provider.spec.command import Command, OperatingSystem, check_system
from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.files import Render
from airflow_batch_provider.spec.job_network import JobNetwork
from airflow_batch_provider.spec.limits import DEFAULT_WALL_CLOCK, PRIORITY
from airflow_batch_provider.spec.naming import check_id
from airflow_batch_provider.spec.options import display_name, duration, environment_pairs, whole
from airflow_batch_provider.spec.resources import no_storage
from airflow_batch_provider.spec.special_tasks import (
    JobPreparation,
    JobRelease,
    job_preparation,
    job_release,
)
from airflow_batch_provider.spec.values import environment_wire, iso_duration, metadata_wire

if TYPE_CHECKING:
    from airflow_batch_provider.spec.auto_pool import AutoPool
    from airflow_batch_provider.spec.file_access import JobFileAccess

OnTaskFailure: TypeAlias = Literal["terminate", "continue"]


@dataclass(frozen=True)
class JobOptions:
    """Options of a job.

    Parameters:
        pool_id: the pool it runs on, or ``AutoPool(...)`` for one that the service makes for it.
        priority: -1000 to 1000; higher goes first on a shared pool. (Batch knows no priority of a task.)
        max_wall_clock: after this time the service ends the job.
        on_task_failure: ``terminate`` ends the whole job as soon as a task has failed for good, by the
            service itself, also when Airflow is gone. ``continue`` lets everything run that does not need
            the failed task.
        environment: for every task, and for preparation and release.
        max_parallel_tasks: of this job at one time; -1 without limit.
        metadata: names and values shown with the job.
        preparation: run once on every node before the first task of the job there; a command or a
            :class:`JobPreparation`.
        release: run on those nodes when the job has ended; needs a preparation. A command or a
            :class:`JobRelease`.
        system: operating system of the nodes.
        max_task_retries: tries of each task after its first, -1 without limit, unless the task says
            otherwise.
        allow_task_preemption: whether running tasks of this job may be stopped, and queued again, for those
            of a job with a higher priority.
        display_name: shown beside the id.
        network: a subnet that the nodes join for this job.

    Raises:
        SpecError: a value the service would refuse.
    """

    pool_id: str | AutoPool
    priority: int = 0
    max_wall_clock: timedelta = DEFAULT_WALL_CLOCK
    on_task_failure: OnTaskFailure = "terminate"
    environment: Mapping[str, str] = field(default_factory=dict)
    max_parallel_tasks: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    preparation: JobPreparation | Command | None = None
    release: JobRelease | Command | None = None
    system: OperatingSystem = "linux"
    max_task_retries: int | None = None
    allow_task_preemption: bool = False
    display_name: str | None = None
    network: JobNetwork | None = None

    def __post_init__(self) -> None:
        if self.auto_pool is None:
            check_id(self.pool_id, where="pool_id")
        if duration(self.max_wall_clock, "max_wall_clock", "job") is None:
            raise SpecError("max_wall_clock is None", where="job", right="Give a positive timedelta(...).")
        check_flags("job", allow_task_preemption=self.allow_task_preemption)
        environment_pairs(self.environment, where="job")
        environment_pairs(self.metadata, where="job", name="metadata")
        whole(self.max_task_retries, "max_task_retries", -1, "job")
        self._check_failure()
        check_system(self.system)
        if not isinstance(self.priority, int) or self.priority not in PRIORITY:
            raise SpecError(
                f"priority is {self.priority!r}", where="job", right="It is a whole number, -1000 to 1000."
            )
        limit = self.max_parallel_tasks
        if limit is not None and (not isinstance(limit, int) or (limit < 1 and limit != -1)):
            raise SpecError(
                f"max_parallel_tasks is {limit!r}", where="job", right="It is -1 or a whole number above 0."
            )
        display_name(self.display_name, "job")
        if not isinstance(self.network, (JobNetwork, type(None))):
            raise SpecError(
                f"network is {self.network!r}", where="job", right="It is JobNetwork(subnet_id=...)."
            )
        object.__setattr__(self, "preparation", job_preparation(self.preparation))
        object.__setattr__(self, "release", job_release(self.release))
        if self.release is not None and self.preparation is None:
            raise SpecError(
                "there is a release and no preparation",
                where="job",
                right="The service runs it only where a preparation ran: add one, such as "
                "preparation=shell('exit 0').",
            )

    @property
    def fail_fast(self) -> bool:
        """Whether one failed task ends the job."""
        return self.on_task_failure == "terminate"

    @property
    def auto_pool(self) -> AutoPool | None:
        """The pool that is made for it; None: it runs on one that is there."""
        if isinstance(self.pool_id, str):
            return None
        # A job on a pool that is there does without the declaration of pools, at DAG parse too.
        from airflow_batch_provider.spec.auto_pool import AutoPool

        return self.pool_id if isinstance(self.pool_id, AutoPool) else None

    @property
    def pool_label(self) -> str:
        """What people know the pool by: its id, or what that of an auto pool begins with."""
        return self.pool_id if isinstance(self.pool_id, str) else self.pool_id.label

    def rendered(self, render: Render) -> JobOptions:
        """These options with the Jinja in preparation, release and auto pool rendered.

        All else is among the operator's template fields, and is not rendered a second time: a value that
        came from an XCom may hold braces of its own.

        Raises:
            SpecError: what came out is nothing the service would take.
        """
        return replace(
            self,
            preparation=rendered(self.preparation, render),
            release=rendered(self.release, render),
            pool_id=self.pool_id if self.auto_pool is None else rendered(self.auto_pool, render),
        )

    def wire(
        self, job_id: str, marks: Mapping[str, str], files: JobFileAccess | None = None
    ) -> dict[str, Any]:
        """The wire model BatchJobCreateOptions.

        The job does not end by itself yet: that is set when its last task is in, since a job without tasks
        counts as one whose tasks are all complete (Azure Batch REST reference: *Add job*).

        Parameters:
            job_id: the job's id.
            marks: metadata of the submission, beside the author's.
            files: gives nodes access to blobs; None: there is no storage.

        Raises:
            SpecError: preparation, release or auto pool need a blob, and there is no storage.
        """
        constraints: dict[str, Any] = {"maxWallClockTime": iso_duration(self.max_wall_clock)}
        if self.max_task_retries is not None:
            constraints["maxTaskRetryCount"] = self.max_task_retries
        job: dict[str, Any] = {
            "id": job_id,
            "poolInfo": self._pool_info(files),
            "priority": self.priority,
            "usesTaskDependencies": True,
            "onAllTasksComplete": "noaction",
            "onTaskFailure": "performexitoptionsjobaction" if self.fail_fast else "noaction",
            "constraints": constraints,
            "metadata": metadata_wire({**self.metadata, **marks}),
        }
        preparation, release = job_preparation(self.preparation), job_release(self.release)
        optional = {
            "displayName": self.display_name,
            "maxParallelTasks": self.max_parallel_tasks,
            "allowTaskPreemption": self.allow_task_preemption or None,
            "commonEnvironmentSettings": environment_wire(self.environment.items()),
            "jobPreparationTask": preparation and preparation.to_wire(files, self.system),
            "jobReleaseTask": release and release.to_wire(files, self.system),
            "networkConfiguration": self.network and self.network.to_wire(),
        }
        return {**job, **{name: value for name, value in optional.items() if value}}

    def _pool_info(self, files: JobFileAccess | None) -> dict[str, Any]:
        if (auto := self.auto_pool) is None:
            return {"poolId": self.pool_id}
        if files is None and auto.reads_blobs:
            raise no_storage("its start task reads blobs", auto.where)
        return {"autoPoolSpecification": auto.to_wire(files)}

    def _check_failure(self) -> None:
        if self.on_task_failure not in ("terminate", "continue"):
            hint = nearest(str(self.on_task_failure), ("terminate", "continue"))
            raise SpecError(
                f"on_task_failure is {self.on_task_failure!r}",
                where="job",
                right=hint or "It is 'terminate' or 'continue'.",
            )
