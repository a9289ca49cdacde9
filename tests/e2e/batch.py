"""What the Batch account has recorded, read with the official client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from azure.batch import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from demo.stack.accounts import BatchAccount

__all__ = ["Batch", "Job", "Task", "open_batch"]


@dataclass(frozen=True)
class Job:
    """A job. `run_id` and `task_id` are of Airflow, `ends_itself` is whether the last task ends it."""

    id: str
    state: str
    dag_id: str
    run_id: str
    task_id: str
    ends_itself: bool


@dataclass(frozen=True)
class Task:
    """A task and how often the service has run it. `source` is the name of the blob that it reads, if any."""

    id: str
    state: str
    result: str
    exit_code: int | None
    retries: int
    requeues: int
    source: str

    @property
    def is_completed_once(self) -> bool:
        """Completed well, with no retry and no requeue. A start after the loss of a node is not counted.

        Source: Azure Batch REST reference: *Get task*, `requeueCount`.
        """
        return (
            self.state == "completed"
            and self.result == "success"
            and self.exit_code == 0
            and (self.retries, self.requeues) == (0, 0)
        )


class Batch:
    """Reads a Batch account.

    Parameters:
        client: the official client.
    """

    def __init__(self, client: BatchClient) -> None:
        self._client: Any = client

    def jobs(self, *, dag_id: str | None = None, run_id: str | None = None) -> list[Job]:
        """Jobs, by their Airflow marks if these are given."""
        jobs = [_job(item) for item in self._client.list_jobs()]
        return [job for job in jobs if dag_id in (None, job.dag_id) and run_id in (None, job.run_id)]

    def tasks(self, job_id: str) -> list[Task]:
        """All tasks of a job."""
        return [_task(item) for item in self._client.list_tasks(job_id)]

    def has_tasks(self, job_id: str) -> bool:
        """Whether the job has any task: cheaper than to list them."""
        return next(iter(self._client.list_tasks(job_id, max_results=1)), None) is not None


@contextmanager
def open_batch(account: BatchAccount) -> Iterator[Batch]:
    """The account, through a client of its own."""
    credential = AzureNamedKeyCredential(account.name, account.key)
    with BatchClient(account.endpoint, credential) as client:
        yield Batch(client)


def _word(value: Any) -> str:
    return str(getattr(value, "value", value) or "").lower()


def _job(item: Any) -> Job:
    marks = {mark.name: mark.value for mark in item.metadata or ()}
    ends_itself = _word(item.all_tasks_complete_mode) == "terminatejob"
    return Job(
        item.id,
        _word(item.state),
        *(marks[f"airflow-{what}"] for what in ("dag", "run", "task")),
        ends_itself,
    )


def _task(item: Any) -> Task:
    info = item.execution_info
    sources = [file.http_url for file in item.resource_files or () if file.http_url]
    return Task(
        id=item.id,
        state=_word(item.state),
        result=_word(getattr(info, "result", None)),
        exit_code=getattr(info, "exit_code", None),
        retries=getattr(info, "retry_count", None) or 0,
        requeues=getattr(info, "requeue_count", None) or 0,
        source=PurePosixPath(unquote(urlsplit(sources[0]).path)).name if sources else "",
    )
