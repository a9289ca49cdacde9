"""A function as a Batch task: in which job, under which id, and when that job may end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from airflow_batch_provider.spec.compile import JobStorage, compile_tasks
from airflow_batch_provider.spec.graph import JobGraph
from airflow_batch_provider.spec.ids import JobIdentity
from airflow_batch_provider.spec.job import JobOptions
from airflow_batch_provider.spec.naming import slug
from airflow_batch_provider.spec.official import JOB_MARK, owner_of

_NAME_LENGTH = 24


def shared_identity(identity: JobIdentity) -> JobIdentity:
    """The Airflow task of an instance: what all its mapped instances have in common."""
    return replace(identity, map_index=-1, generation=0, submission=1)


@dataclass(frozen=True)
class FunctionTask:
    """One task in the job that all mapped instances of an Airflow task share.

    Parameters:
        identity: the Airflow task instance.
        options: of the job.
        graph_of: gives the one task, under an id.
        storage_of: gives the storage of a job.
        instances: how many instances the Airflow task has in this run.
    """

    identity: JobIdentity
    options: JobOptions
    graph_of: Callable[[str], JobGraph]
    storage_of: Callable[[str], JobStorage]
    instances: int

    @property
    def owner(self) -> str:
        """Tells this task instance from all others, also from itself before it was cleared."""
        return f"{self.identity.owner}-{self.identity.generation}"

    @property
    def job_id(self) -> str:
        """The job of the first tries."""
        return next(self.job_ids())

    @property
    def task_id(self) -> str:
        """The task of the first try."""
        return next(self.task_ids())

    @property
    def pool_id(self) -> str | None:
        """The pool that runs it; None: one that is made for the job."""
        return self.options.pool_id if isinstance(self.options.pool_id, str) else None

    @property
    def exit_advice(self) -> str:
        """What to do when the process ended and has not told what the function returned or raised."""
        return (
            "If it does not say, the process ended before the function could return or raise, such as by "
            "os._exit() in it or in a library."
        )

    def job_ids(self) -> Iterator[str]:
        """The shared job, then others for tries after that has ended; the same for all instances."""
        shared = shared_identity(self.identity)
        return (replace(shared, submission=number).job_id for number in count(1))

    def task_ids(self) -> Iterator[str]:
        """The task, then others for when that has failed."""
        start = f"{self._start(self.identity.map_index)}{self.identity.generation}"
        return (f"{start}-{number}" for number in count(1))

    def awaited(self, job_id: str) -> Collection[str]:
        """Beginnings of the ids of tasks that must be in the job before it may end by itself.

        Those of all instances in the first job, so that one that comes late finds it alive. A further job is
        for tries after that has ended: nobody knows how many will come, so none is waited for.
        """
        if job_id != self.job_id or self.instances < 2:
            return ()
        return [self._start(index) for index in range(self.instances)]

    def job_wire(self, job_id: str) -> dict[str, Any]:
        """The wire model BatchJobCreateOptions."""
        identity = self.identity
        marks = {
            JOB_MARK: "task.azure_batch",
            "airflow-dag": identity.dag_id,
            "airflow-run": identity.run_id,
            "airflow-task": identity.task_id,
        }
        return self.options.wire(job_id, marks, self.storage_of(job_id).access)

    def task_wire(self, task_id: str, job_id: str) -> dict[str, Any]:
        """The wire model BatchTaskCreateOptions."""
        (wire,) = compile_tasks(self.graph_of(task_id), self.storage_of(job_id), fail_fast=False)
        return wire

    def owns(self, wire: Mapping[str, Any]) -> bool:
        """Whether a task was submitted for this task instance (wire model BatchTask)."""
        return owner_of(wire) == self.owner

    def _start(self, map_index: int) -> str:
        name = slug(self.identity.task_id.rpartition(".")[2], _NAME_LENGTH) or "task"
        return f"{name}-{max(map_index, 0)}-"
