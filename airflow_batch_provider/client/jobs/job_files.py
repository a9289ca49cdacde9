"""What a job keeps in storage: its tasks' results and the copies of their output streams."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.files.job_access import JobAccess
from airflow_batch_provider.client.files.task_results import no_result, parse_result
from airflow_batch_provider.client.jobs.absent_outputs import expected, is_among
from airflow_batch_provider.client.requests.printed import TAIL_BYTES, last_lines
from airflow_batch_provider.client.watching.streams import CHUNK_BYTES, LAST_CHUNKS
from airflow_batch_provider.spec.compile import JobStorage, WorkArea, needed, result_location
from airflow_batch_provider.spec.files import BlobRef, Output
from airflow_batch_provider.spec.graph import JobGraph

if TYPE_CHECKING:
    from airflow_batch_provider.client.files.storage import StorageAccess

RESULT_BYTES = 1_000_000
"""Of one task's result: it goes through Airflow's database."""

COPY_BYTES = LAST_CHUNKS * CHUNK_BYTES
"""Of a stream's copy: as much as is read of it on a node that is there."""

HANDED_OVER = 500
"""Files below one prefix of an earlier job: each is named to the task that reads them, and a request of the
service takes 1 MB."""


class JobFiles:
    """The files of jobs in one work container of the storage account of the Airflow connection.

    Parameters:
        storage: the account.
        work_container: where tasks keep what they leave.
    """

    def __init__(self, storage: StorageAccess, work_container: str) -> None:
        self._storage = storage
        self.work_container = work_container
        self._listed = lru_cache(self._list)

    @property
    def node_identity(self) -> str | None:
        """ARM id of the identity by which nodes reach the files; None: by SAS."""
        return self._storage.node_identity

    def shortfall(self) -> str | None:
        """Why nodes may lose their way to the files before the job's time is over; None: they will not."""
        return self._storage.shortfall()

    def prepare(self) -> None:
        """Create the work container if it is not there."""
        with self._storage.explained():
            self._storage.ensure_container(self.work_container)

    def of(self, job_id: str, homes: Mapping[str, str] | None = None) -> JobStorage:
        """What the tasks of a job are compiled with.

        Parameters:
            job_id: the job.
            homes: ids of earlier jobs that hold what is done already, by task id in lower case.
        """
        access = JobAccess(self._storage, self.work_container)
        return JobStorage(self._area(job_id, homes), access, self._below)

    def lost(self, graph: JobGraph, job_id: str, homes: Mapping[str, str]) -> str | None:
        """Why a graph cannot be taken up with what earlier jobs hold of it; None: it can.

        Parameters:
            graph: the graph, with all tasks that are known.
            job_id: the job that is to run the rest.
            homes: ids of the earlier jobs, by task id in lower case.
        """
        with self._storage.explained():
            for ref in dict.fromkeys(needed(graph, self._area(job_id, homes))):
                if ref.is_prefix:
                    files = len(self._below(ref))
                    if files > HANDED_OVER:
                        return f"{ref} holds {files:,} files; at most {HANDED_OVER} can be handed over"
                elif not self._is_there(ref):
                    return f"{ref} is not there any more"
        return None

    def place(self, job_id: str) -> str:
        """``container/prefix`` of all that the job's tasks left."""
        return str(self._area(job_id))

    def result(
        self, graph: JobGraph, job_id: str, task_id: str, homes: Mapping[str, str] | None = None
    ) -> Any:
        """The parsed result of a task, of this job or of an earlier one that holds it.

        Raises:
            BatchResultError: it is not there, too large or no JSON.
        """
        from azure.core.exceptions import ResourceNotFoundError

        ref = result_location(graph, task_id, self._area(job_id, homes))
        name = str(graph.spec(task_id).result)
        with self._storage.explained():
            try:
                data = self._storage.read_blob(ref.container, ref.name, RESULT_BYTES + 1)
            except ResourceNotFoundError:
                raise no_result(name, task_id, str(ref)) from None
        return parse_result(data, name, task_id, RESULT_BYTES)

    def absent(self, graph: JobGraph, job_id: str, without: Collection[str]) -> list[tuple[str, str]]:
        """Outputs of which nothing is in storage, as far as it can be asked: it is a hint only.

        Parameters:
            graph: the graph of a job that has succeeded.
            job_id: the job.
            without: ids of tasks that are not looked at, in any case of letters.

        Returns:
            Ids of tasks, and patterns of their outputs. A part of them is looked for.
        """
        from azure.core.exceptions import AzureError

        area = self._area(job_id)
        skipped = {task_id.lower() for task_id in without}
        specs = (spec for spec in graph.specs if spec.id.lower() not in skipped)
        found: list[tuple[str, str]] = []
        try:
            for spec, output in expected(specs):
                if not self._is_left(output, area.of(spec.id)):
                    found.append((spec.id, output.pattern))
        except AzureError:  # no answer: the next would not come either
            pass
        return found

    def last_lines(self, job_id: str, task_id: str, stream: str) -> str | None:
        """The end of a stream's copy; None when there is none."""
        from azure.core.exceptions import AzureError

        ref = self._area(job_id).of(task_id) / stream
        try:
            end, whole = self._storage.read_end(ref.container, ref.name, TAIL_BYTES)
        except AzureError:
            return None
        return last_lines(end, stream, whole=whole)

    def copy_of(self, job_id: str, task_id: str, stream: str, start: int) -> bytes | None:
        """A stream's copy from a byte on, half a megabyte of it at most; None when there is none."""
        from azure.core.exceptions import AzureError

        ref = self._area(job_id).of(task_id) / stream
        try:
            return self._storage.read_blob(ref.container, ref.name, COPY_BYTES, start)
        except AzureError:
            return None

    def _area(self, job_id: str, homes: Mapping[str, str] | None = None) -> WorkArea:
        return WorkArea(self.work_container, job_id, homes or {})

    def _is_there(self, ref: BlobRef) -> bool:
        if not self._storage.holds(ref):
            return True  # in another account: the node will see
        if ref.container == self.work_container and ref.name.count("/") > 1:
            return ref.name in self._names(ref)
        return bool(self._storage.container_client(ref.container).get_blob_client(ref.name).exists())

    def _is_left(self, output: Output, work: BlobRef) -> bool:
        """Whether something of an output is in storage, or may be: who may not look does not know."""
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        try:
            return is_among(output, work, self._left(output.target(work)))
        except ResourceNotFoundError:
            return False  # not even its container is there
        except HttpResponseError:
            return True

    def _left(self, ref: BlobRef) -> Iterator[str]:
        """Names of a blob, or of those below a prefix. What is in another account counts as there."""
        if not self._storage.holds(ref):
            return iter((ref.name,))
        client = self._storage.container_client(ref.container)
        return iter(client.list_blob_names(name_starts_with=ref.name))

    def _below(self, prefix: BlobRef) -> list[BlobRef]:
        names = sorted(self._names(prefix))
        return [BlobRef(self.work_container, name) for name in names if name.startswith(prefix.name)]

    def _names(self, ref: BlobRef) -> set[str]:
        """Names of all that the task has left which holds a blob."""
        job_id, task_id, _ = ref.name.split("/", 2)
        return self._listed(job_id).get(task_id, set())

    def _list(self, job_id: str) -> dict[str, set[str]]:
        """What an earlier job's tasks have left: that job has ended, so one listing serves for all."""
        client = self._storage.container_client(self.work_container)
        names: dict[str, set[str]] = {}
        for name in client.list_blob_names(name_starts_with=f"{job_id}/"):
            names.setdefault(name.split("/", 2)[1], set()).add(name)
        return names
