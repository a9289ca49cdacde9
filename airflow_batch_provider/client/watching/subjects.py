"""What sensors look at: each is asked for once a round, however many wait for it.

A subject is a small record that can be compared: those who look at equal ones share the answer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

from airflow_batch_provider.client.blobs.aside import aside
from airflow_batch_provider.client.pools.pool_reading import Observation
from airflow_batch_provider.client.pools.pool_watch import observe
from airflow_batch_provider.client.requests.drive import AsyncDriver, Driver, refusal_of
from airflow_batch_provider.client.requests.job_requests import GONE, count_tasks, get_job, get_task
from airflow_batch_provider.client.requests.records import JobView, TaskCounts, TaskView
from airflow_batch_provider.client.requests.steps import Refusal, Script
from airflow_batch_provider.spec.patterns import matches

_TASK_GONE = GONE | {"TaskNotFound"}


class BatchSubject:
    """A subject that is asked for by a script."""

    def script(self) -> Script[Any]:
        raise NotImplementedError

    def see(self, client: Any) -> Any:
        """Look now."""
        return Driver(client, lambda say: None).run(self.script())

    async def asee(self, client: Any) -> Any:
        """As ``see``, without blocking the event loop."""
        return await AsyncDriver(client, lambda say: None).run(self.script())


@dataclass(frozen=True)
class JobSeen:
    """A job, and once it has ended how its tasks did."""

    job: JobView | None
    counts: TaskCounts | None = None


@dataclass(frozen=True)
class JobSubject(BatchSubject):
    """A job; seen as :class:`JobSeen`."""

    job_id: str

    def script(self) -> Script[JobSeen]:
        """Ask for the job."""
        return (yield from self.read((yield from get_job(self.job_id))))

    def read(self, job: JobView | None) -> Script[JobSeen]:
        """Ask for what is not in a view that is known already."""
        counts = (yield from count_tasks(self.job_id)) if job is not None and job.ended else None
        return JobSeen(job, counts)


@dataclass(frozen=True)
class TaskSubject(BatchSubject):
    """A task of a job; seen as its view, or None when there is none."""

    job_id: str
    task_id: str

    def script(self) -> Script[TaskView | None]:
        """Ask for the task."""
        try:
            return (yield from get_task(self.job_id, self.task_id))
        except Refusal as refusal:
            if refusal.code in _TASK_GONE:
                return None
            raise


@dataclass(frozen=True)
class PoolSubject(BatchSubject):
    """A pool, with its nodes if wanted; seen as an ``Observation``."""

    pool_id: str
    nodes: bool = False

    def script(self) -> Script[Observation]:
        """Ask for the pool and its nodes."""
        return (yield from observe(self.pool_id, "nodes" if self.nodes else "steady"))


@dataclass(frozen=True)
class BlobSeen:
    """A blob as it is listed.

    Parameters:
        name: its name in the container.
        size: bytes.
        modified: when it was last written, by the clock of the storage service.
    """

    name: str
    size: int
    modified: dt.datetime


@dataclass(frozen=True)
class BlobsSeen:
    """Blobs of a container at one moment.

    Parameters:
        blobs: those that match; None when there is no such container.
        moment: the time of the storage service, so that clocks that differ do no harm.
    """

    blobs: tuple[BlobSeen, ...] | None
    moment: dt.datetime


@dataclass(frozen=True)
class BlobSubject:
    """Blobs below a prefix whose further name matches a pattern; seen as :class:`BlobsSeen`.

    Parameters:
        container: the container's name.
        prefix: beginning of the names.
        pattern: of what follows in the names; empty: the prefix is the whole name of one blob.
    """

    container: str
    prefix: str
    pattern: str = "**"

    def see(self, client: Any) -> BlobsSeen:
        """Look now, with a ``BlobServiceClient``."""
        from azure.core.exceptions import AzureError

        clock = _Clock()
        try:
            found = [self._seen(item) for item in self._list(client, clock) if self._matches(item.name)]
        except AzureError as error:
            return self._without(refusal_of(error), clock)
        return BlobsSeen(tuple(found), clock.moment)

    async def asee(self, client: Any) -> BlobsSeen:
        """As ``see``, with an asynchronous client that was opened aside: it reads a page for long."""
        return await aside(self._see_aside(client))

    async def _see_aside(self, client: Any) -> BlobsSeen:
        from azure.core.exceptions import AzureError

        clock = _Clock()
        try:
            found = [self._seen(item) async for item in self._list(client, clock) if self._matches(item.name)]
        except AzureError as error:
            return self._without(refusal_of(error), clock)
        return BlobsSeen(tuple(found), clock.moment)

    def _list(self, client: Any, clock: _Clock) -> Any:
        container = client.get_container_client(self.container)
        return container.list_blobs(name_starts_with=self._beginning() or None, raw_response_hook=clock.read)

    def _beginning(self) -> str:
        # What every match begins with: the fewer names are listed, the better.
        plain = next((at for at, sign in enumerate(self.pattern) if sign in "*?["), len(self.pattern))
        return self.prefix + self.pattern[:plain]

    def _matches(self, name: str) -> bool:
        rest = name.removeprefix(self.prefix)
        return matches(self.pattern, rest) if self.pattern else not rest

    @staticmethod
    def _seen(item: Any) -> BlobSeen:
        return BlobSeen(item.name, int(item.size or 0), item.last_modified)

    @staticmethod
    def _without(refusal: Refusal, clock: _Clock) -> BlobsSeen:
        if refusal.code == "ContainerNotFound":
            return BlobsSeen(None, clock.moment)
        raise refusal


class _Clock:
    """Reads the time of the service from its answers."""

    def __init__(self) -> None:
        self.moment = dt.datetime.now(dt.timezone.utc)

    def read(self, response: Any) -> None:
        date = response.http_response.headers.get("Date")
        if date:
            self.moment = parsedate_to_datetime(date)


AnySubject: TypeAlias = "JobSubject | TaskSubject | PoolSubject | BlobSubject"
