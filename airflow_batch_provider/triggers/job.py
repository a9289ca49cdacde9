"""Watching a Batch job in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_triggerer
from airflow_batch_provider.masking import unseal
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended

if TYPE_CHECKING:
    from airflow_batch_provider.client.requests.drive import AsyncDriver


_DELETION_SECONDS = 8.0
"""For what is deleted when the task is killed; see `airflow_batch_provider.hooks.killed`."""


class AzureBatchJobTrigger(BaseTrigger):
    """Fires when there is something to do about a job.

    All of these in one triggerer that watch jobs of one account share one poll. What is serialized is plain
    data without secrets in clear; a triggerer that takes over goes on by it.

    Parameters:
        conn_id: the Airflow connection.
        job_id: the job.
        submission: number of the submission, handed back in the event.
        total: how many tasks were submitted.
        after: tasks whose completion makes further tasks known.
        deadline: seconds since the epoch at which the operator's time is over.
        poll_interval: ceiling of the period in seconds.
        log_tasks: whose output is said: of all tasks, of none, or of those whose id begins so.
        seen: how far output was read before.
        may_skip: whether a task may succeed and yet keep others from running.
        secrets_in: blobs, as ``container/name``, of definitions of a custom activity: their secrets are
            masked in what the tasks write. They are deleted with the job when that is killed.
        sealed: secrets that the tasks were given, as :func:`~airflow_batch_provider.masking.seal` gave them.
        start_by: seconds since the epoch at which the time for the start of a first task is over.
    """

    def __init__(
        self,
        conn_id: str,
        job_id: str,
        submission: int,
        total: int,
        after: Sequence[str] = (),
        deadline: float | None = None,
        poll_interval: float = 15.0,
        log_tasks: bool | Sequence[str] = False,
        seen: Mapping[str, Sequence[int]] | None = None,
        may_skip: bool = False,
        secrets_in: Sequence[str] = (),
        sealed: str | None = "",
        start_by: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.job_id = job_id
        self.submission = submission
        self.total = total
        self.after = list(after)
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.log_tasks = log_tasks if isinstance(log_tasks, bool) else list(log_tasks)
        self.seen = {task_id: list(offsets) for task_id, offsets in (seen or {}).items()}
        self.may_skip = may_skip
        self.secrets_in = list(secrets_in)
        self.sealed = sealed
        self.start_by = start_by

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        return (
            f"{type(self).__module__}.{type(self).__name__}",
            {
                "conn_id": self.conn_id,
                "job_id": self.job_id,
                "submission": self.submission,
                "total": self.total,
                "after": self.after,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "log_tasks": self.log_tasks,
                "seen": self.seen,
                "may_skip": self.may_skip,
                "secrets_in": self.secrets_in,
                "sealed": self.sealed,
                "start_by": self.start_by,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the job until it has ended, can grow, can go no further, or the time is over."""
        from airflow_batch_provider.client.jobs.watching import Watch, watch_job
        from airflow_batch_provider.client.requests.drive import AsyncDriver, log_to
        from airflow_batch_provider.client.watching.idle_watch import IdleWatch
        from airflow_batch_provider.client.watching.poller import shared_poller
        from airflow_batch_provider.client.watching.streams import Follower

        hook = AzureBatchHook(self.conn_id)
        settings = await hook.aget_settings()
        if self.secrets_in and self.log_tasks and not await hook.amask_definitions(self.secrets_in):
            self.log.warning("What the tasks write is not shown here: what is secret in it cannot be known")
            self.log_tasks = False
        if self.log_tasks and not await unseal(self.sealed, self.log):
            self.log_tasks = False
        poller = shared_poller(
            f"{self.conn_id} {settings.endpoint}", hook.async_batch_client, self.poll_interval
        )
        follower = Follower(self.job_id, self.log_tasks, self.seen)
        watch = Watch(self.job_id, self.total, self.after, self.deadline, self.may_skip, self.start_by)
        idle = IdleWatch()
        async with poller.session() as client:
            driver = AsyncDriver(client, log_to(self.log), look=poller.look, glance=poller.glance)
            ending, _ = await asyncio.gather(
                driver.run(watch_job(watch, follower, time.time, poller.rations, idle)),
                asyncio.sleep(seconds_until_worker_ended()),
            )
            if ending in ("timeout", "unstarted"):
                await self._end_at_deadline(driver)
        yield TriggerEvent(
            {
                "ending": ending,
                "job_id": self.job_id,
                "submission": self.submission,
                "deadline": self.deadline,
                "seen": follower.state(),
                "reason": str(idle.reason or ""),
            }
        )

    async def _end_at_deadline(self, driver: AsyncDriver) -> None:
        """End the job at once: a worker that would do it may have to wait for its place."""
        from airflow_batch_provider.client.jobs.late_error import TIMEOUT
        from airflow_batch_provider.client.requests.job_requests import terminate_job
        from airflow_batch_provider.client.requests.steps import Refusal

        try:
            await driver.run(terminate_job(self.job_id, TIMEOUT, tries=1))
        except Refusal as refusal:
            self.log.warning("Batch job %s will be ended by a worker: %s", self.job_id, refusal)

    async def on_kill(self) -> None:
        """End the job, and delete what may hold secrets, when a user has killed the deferred task.

        Airflow 3.3 calls this; not on a restart.
        """
        from airflow_batch_provider.client.requests.job_requests import terminate_job

        script = terminate_job(self.job_id, "AirflowTaskKilled")
        try:
            await end_in_triggerer(self.conn_id, script, f"Batch job {self.job_id}", self.log)
        finally:
            if self.secrets_in:
                hook = AzureBatchHook(self.conn_id)
                await asyncio.wait_for(hook.adelete_definitions(self.secrets_in), _DELETION_SECONDS)
