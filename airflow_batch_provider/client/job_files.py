"""What a job keeps in storage: its tasks' results and the copies of their output streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.expansion import parse_result
from airflow_batch_provider.client.job_access import JobAccess
from airflow_batch_provider.client.streams import last_lines
from airflow_batch_provider.spec.compile import JobStorage, WorkArea, result_location
from airflow_batch_provider.spec.graph import JobGraph

if TYPE_CHECKING:
    from airflow_batch_provider.client.storage import StorageAccess

RESULT_BYTES = 1_000_000
"""Of one task's result: it goes through Airflow's database."""

_LOG_BLOB_BYTES = 10_000_000


class JobFiles:
    """The files of jobs in one work container of the storage account of the Airflow connection.

    Parameters:
        storage: the account.
        work_container: where tasks keep what they leave.
    """

    def __init__(self, storage: StorageAccess, work_container: str) -> None:
        self._storage = storage
        self.work_container = work_container

    def prepare(self) -> None:
        """Create the work container if it is not there."""
        with self._storage.explained():
            self._storage.ensure_container(self.work_container)

    def of(self, job_id: str) -> JobStorage:
        """What the tasks of a job are compiled with."""
        return JobStorage(self._area(job_id), JobAccess(self._storage, self.work_container))

    def place(self, job_id: str) -> str:
        """``container/prefix`` of all that the job's tasks left."""
        return str(self._area(job_id))

    def result(self, graph: JobGraph, job_id: str, task_id: str) -> Any:
        """The parsed result of a task.

        Raises:
            SpecError: it is too large or no JSON.
        """
        ref = result_location(graph, task_id, self._area(job_id))
        with self._storage.explained():
            data = self._storage.read_blob(ref.container, ref.name, RESULT_BYTES + 1)
        return parse_result(data, task_id, RESULT_BYTES)

    def last_lines(self, job_id: str, task_id: str, stream: str) -> str | None:
        """The end of a stream's copy; None when there is none."""
        from azure.core.exceptions import AzureError

        ref = self._area(job_id).of(task_id) / stream
        try:
            return last_lines(self._storage.read_blob(ref.container, ref.name, _LOG_BLOB_BYTES))
        except AzureError:
            return None

    def _area(self, job_id: str) -> WorkArea:
        return WorkArea(self.work_container, job_id)
