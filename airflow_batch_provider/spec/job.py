"""What holds for a whole job: priority, limits, environment, and what a failing task means to the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from airflow_batch_provider.spec.command import Command, OperatingSystem, command_line
from airflow_batch_provider.spec.errors import SpecError, nearest
from airflow_batch_provider.spec.limits import DEFAULT_WALL_CLOCK, PRIORITY
from airflow_batch_provider.spec.naming import check_id
from airflow_batch_provider.spec.task import duration, environment_pairs
from airflow_batch_provider.spec.values import environment_wire, iso_duration, metadata_wire

OnTaskFailure: TypeAlias = Literal["terminate", "continue"]


@dataclass(frozen=True)
class JobOptions:
    """Options of a job.

    Parameters:
        pool_id: the pool it runs on.
        priority: -1000 to 1000; higher goes first on a shared pool.
        max_wall_clock: after this time the service ends the job.
        on_task_failure: ``terminate`` ends the whole job as soon as a task has failed for good, by the
            service itself, also when Airflow is gone. ``continue`` lets everything run that does not need
            the failed task.
        environment: for every task.
        max_parallel_tasks: of this job at one time; -1 without limit.
        metadata: names and values shown with the job.
        preparation_command: run once on every node before the first task of the job there.
        release_command: run on those nodes when the job has ended; needs a preparation command.
        system: operating system of the nodes.

    Raises:
        SpecError: a value the service would refuse.
    """

    pool_id: str
    priority: int = 0
    max_wall_clock: timedelta = DEFAULT_WALL_CLOCK
    on_task_failure: OnTaskFailure = "terminate"
    environment: Mapping[str, str] = field(default_factory=dict)
    max_parallel_tasks: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    preparation_command: Command | None = None
    release_command: Command | None = None
    system: OperatingSystem = "linux"

    def __post_init__(self) -> None:
        check_id(self.pool_id, where="pool_id")
        duration(self.max_wall_clock, "max_wall_clock", "job")
        environment_pairs(self.environment, where="job")
        environment_pairs(self.metadata, where="job metadata")
        if self.on_task_failure not in ("terminate", "continue"):
            hint = nearest(str(self.on_task_failure), ("terminate", "continue"))
            raise SpecError(
                f"on_task_failure is {self.on_task_failure!r}",
                where="job",
                right=hint or "It is 'terminate' or 'continue'.",
            )
        if not isinstance(self.priority, int) or self.priority not in PRIORITY:
            raise SpecError(
                f"priority is {self.priority!r}", where="job", right="It is a whole number, -1000 to 1000."
            )
        limit = self.max_parallel_tasks
        if limit is not None and (not isinstance(limit, int) or (limit < 1 and limit != -1)):
            raise SpecError(
                f"max_parallel_tasks is {limit!r}", where="job", right="It is -1 or a whole number above 0."
            )
        if self.release_command is not None and self.preparation_command is None:
            raise SpecError(
                "there is a release_command and no preparation_command",
                where="job",
                right="The service runs it only where a preparation command ran: add one, such as "
                "preparation_command=shell('exit 0').",
            )

    @property
    def fail_fast(self) -> bool:
        """Whether one failed task ends the job."""
        return self.on_task_failure == "terminate"

    def wire(self, job_id: str, marks: Mapping[str, str]) -> dict[str, Any]:
        """The wire model BatchJobCreateOptions.

        The job does not end by itself yet: that is set when its last task is in, since a job without tasks
        counts as one whose tasks are all complete (Azure Batch REST reference: *Add job*).

        Parameters:
            job_id: the job's id.
            marks: metadata of the submission, beside the author's.
        """
        job: dict[str, Any] = {
            "id": job_id,
            "poolInfo": {"poolId": self.pool_id},
            "priority": self.priority,
            "usesTaskDependencies": True,
            "onAllTasksComplete": "noaction",
            "onTaskFailure": "performexitoptionsjobaction" if self.fail_fast else "noaction",
            "constraints": {"maxWallClockTime": iso_duration(self.max_wall_clock)},
            "metadata": metadata_wire({**self.metadata, **marks}),
        }
        if self.max_parallel_tasks is not None:
            job["maxParallelTasks"] = self.max_parallel_tasks
        if self.environment:
            job["commonEnvironmentSettings"] = environment_wire(self.environment.items())
        for name, command in (
            ("jobPreparationTask", self.preparation_command),
            ("jobReleaseTask", self.release_command),
        ):
            if command is not None:
                job[name] = {"commandLine": command_line(command, where=name, system=self.system)}
        return job
