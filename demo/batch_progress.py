"""What the Batch account is doing, asked through the official client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from demo.stack.accounts import BatchAccount
from demo.stages import BatchTaskView

__all__ = ["BatchProgress"]


class BatchProgress:
    """Tasks of all jobs made since a point in time.

    Parameters:
        account: the Batch account.
        since: jobs made earlier are left out; with time zone.
    """

    def __init__(self, account: BatchAccount, since: datetime) -> None:
        from azure.batch import BatchClient
        from azure.core.credentials import AzureNamedKeyCredential

        self._client: Any = BatchClient(
            account.endpoint, AzureNamedKeyCredential(account.name, account.key), retry_total=1
        )
        self._since = since

    def jobs(self) -> list[str]:
        """Ids of the jobs, oldest first."""
        jobs = [(job.creation_time, job.id) for job in self._client.list_jobs()]
        return [name for made, name in sorted(jobs) if made >= self._since]

    def tasks(self) -> list[BatchTaskView]:
        """All tasks of those jobs; empty if the account does not answer at this moment."""
        from azure.core.exceptions import AzureError

        try:
            return [_view(job, task) for job in self.jobs() for task in self._client.list_tasks(job)]
        except AzureError:
            return []  # a progress line is no reason to give up; who runs the account notices its end


def _text(value: Any) -> str:
    return str(getattr(value, "value", value) or "")


def _view(job_id: str, task: Any) -> BatchTaskView:
    info = task.execution_info
    return BatchTaskView(
        job_id=job_id,
        task_id=task.id,
        state=_text(task.state),
        succeeded=_text(getattr(info, "result", None)).lower() != "failure",
        begun=getattr(info, "start_time", None),
        ended=getattr(info, "end_time", None),
    )
