"""A job schedule: Batch makes jobs by the clock, also when Airflow is not there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from airflow_batch_provider.spec.compile import JobStorage, compile_job
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.files import BlobRef, Render
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.naming import check_id
from airflow_batch_provider.spec.special_tasks import job_preparation, job_release
from airflow_batch_provider.spec.values import iso_duration

_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True)
class JobSchedule:
    """A job schedule whose jobs each run one task, their job manager.

    There is one job of a schedule at a time: while one runs, the next waits, and is left out when it cannot
    start within ``start_window``. Each job ends when its tasks have, the manager and what that adds.

    Parameters:
        id: id of the schedule; jobs have ids of their own, as ``<id>:job-1``.
        graph: its only task is the job manager (``job_manager=JobManager()``). All jobs run the same task, so
            its outputs need a destination, and its logs stay on the node.
        options: what each job is.
        every: time from one job to the next, a minute at least; None: one job only.
        not_before: no job before this time, with its time zone; None: the first at once.
        not_after: no job after this time; the schedule ends then.
        start_window: how late a job may start, a minute at least; None: any time.

    Raises:
        SpecError: what the service would refuse.

    Source: Azure Batch REST reference: *Add job schedule*.
    """

    id: str
    graph: JobGraph
    options: JobOptions
    every: timedelta | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    start_window: timedelta | None = None

    @property
    def where(self) -> str:
        """How errors name it."""
        return f"job schedule {self.id!r}"

    def __post_init__(self) -> None:
        check_id(self.id, where="job schedule")
        for name in ("every", "start_window"):
            length = getattr(self, name)
            if length is not None and (not isinstance(length, timedelta) or length < _SHORTEST):
                raise SpecError(
                    f"{name} is {length!r}", where=self.where, right="It is a timedelta of a minute or more."
                )
        for name in ("not_before", "not_after"):
            time = getattr(self, name)
            if time is not None and (not isinstance(time, datetime) or time.tzinfo is None):
                raise SpecError(
                    f"{name} is {time!r}", where=self.where, right="It is a datetime with a time zone."
                )
        if self.not_before and self.not_after and self.not_before >= self.not_after:
            raise SpecError("it ends before it begins", where=self.where, right="Let not_after be later.")
        self.graph.validate()
        if len(self.graph) != 1 or self.graph.specs[0].job_manager is None or self.graph.expansions:
            raise SpecError(
                "its graph is not one job manager",
                where=self.where,
                right="Give one task with job_manager=JobManager(); further tasks are that program's to add. "
                "For a graph of tasks by the clock give the DAG a schedule.",
            )
        self._check_files()
        if (auto := self.options.auto_pool) is not None:
            auto.check_fits(self.graph)
            if self.needs_files:
                raise SpecError(
                    "its files are in blobs, and its pool is one that the service makes",
                    where=self.where,
                    right="Such pools have no identity, and a SAS would run out while the schedule lives: "
                    "give the id of a pool that is there.",
                )

    @property
    def needs_files(self) -> bool:
        """Whether nodes must reach the storage account, for as long as the schedule lives."""
        task = self.graph.specs[0]
        sources = [source for _, source in task.inputs]
        for special in (job_preparation(self.options.preparation), job_release(self.options.release)):
            sources += special.inputs.values() if special else ()
        return bool(task.outputs) or any(isinstance(source, BlobRef) for source in sources)

    def rendered(self, render: Render) -> JobSchedule:
        """The schedule with the Jinja in its graph's texts rendered."""
        return replace(self, graph=self.graph.rendered(render), options=self.options.rendered(render))

    def to_wire(self, marks: dict[str, str], storage: JobStorage | None) -> dict[str, Any]:
        """The wire model BatchJobScheduleCreateOptions.

        Parameters:
            marks: metadata of the schedule and its jobs, beside the author's.
            storage: where files are kept; None: nowhere.
        """
        job = compile_job(self.graph, self.options, storage, self.id, marks)
        # The job has its task from the start, so it is not taken for one whose tasks are all complete.
        specification = {**job, "onAllTasksComplete": "terminatejob"}
        del specification["id"]
        times: dict[str, Any] = {
            "doNotRunUntil": self.not_before.isoformat() if self.not_before else None,
            "doNotRunAfter": self.not_after.isoformat() if self.not_after else None,
            "startWindow": iso_duration(self.start_window) if self.start_window else None,
            "recurrenceInterval": iso_duration(self.every) if self.every else None,
        }
        return {
            "id": self.id,
            "schedule": {name: value for name, value in times.items() if value is not None},
            "jobSpecification": specification,
            "metadata": job["metadata"],
        }

    def _check_files(self) -> None:
        spec = self.graph.specs[0]
        for output in spec.outputs:
            if output.destination is None:
                raise SpecError(
                    f"output {output.pattern!r} would be overwritten by the next job",
                    where=f"{self.where}, {spec.where}",
                    right="Give it a destination: outputs={'...': blob('container/...')}.",
                )
        if spec.keep_logs:
            raise SpecError(
                "its logs would be overwritten by the next job",
                where=f"{self.where}, {spec.where}",
                right="Give the task keep_logs=False; they stay on the node.",
            )
