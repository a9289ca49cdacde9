"""Watching one Batch task in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_triggerer
from airflow_batch_provider.masking import unseal
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended


class AzureBatchMemberTrigger(BaseTrigger):
    """Fires when one task of a job has ended.

    All of these in one triggerer that watch tasks of one account share one poll: one request for all jobs,
    and one for each job, however many of its tasks are watched. What is serialized is plain data without
    secrets in clear.

    Parameters:
        conn_id: the Airflow connection.
        job_id, task_id: the Batch task.
        deadline: seconds since the epoch by which the task must have ended.
        poll_interval: ceiling of the period in seconds.
        log_output: whether the task's output is said.
        seen: how far output was read before.
        start_by: seconds since the epoch by which the task must have started; None: there is no such limit.
        sealed: secrets that the task was given, as :func:`~airflow_batch_provider.masking.seal` gave them.
    """

    def __init__(
        self,
        conn_id: str,
        job_id: str,
        task_id: str,
        deadline: float | None = None,
        poll_interval: float = 15.0,
        log_output: bool = True,
        seen: Mapping[str, Sequence[int]] | None = None,
        start_by: float | None = None,
        sealed: str | None = "",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.job_id = job_id
        # Not task_id: Airflow's own attribute of triggers is called so.
        self.batch_task_id = task_id
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.log_output = log_output
        self.seen = {name: list(offsets) for name, offsets in (seen or {}).items()}
        self.start_by = start_by
        self.sealed = sealed

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        return (
            f"{type(self).__module__}.{type(self).__name__}",
            {
                "conn_id": self.conn_id,
                "job_id": self.job_id,
                "task_id": self.batch_task_id,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "log_output": self.log_output,
                "seen": self.seen,
                "start_by": self.start_by,
                "sealed": self.sealed,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the task until it or its job has ended, or the time is over."""
        from airflow_batch_provider.client.requests.drive import AsyncDriver, log_to
        from airflow_batch_provider.client.tasks.task_watch import member_watch, waiting_of, watch_task
        from airflow_batch_provider.client.watching.poller import shared_poller
        from airflow_batch_provider.client.watching.streams import Follower

        hook = AzureBatchHook(self.conn_id)
        settings = await hook.aget_settings()
        poller = shared_poller(
            f"{self.conn_id} {settings.endpoint}", hook.async_batch_client, self.poll_interval
        )
        shown = self.log_output and await unseal(self.sealed, self.log)
        follower = Follower(self.job_id, shown, self.seen)
        watch = member_watch(self.job_id, self.batch_task_id, self.deadline, self.start_by)
        waiting = waiting_of(self.batch_task_id)
        async with poller.session() as client:
            look = partial(poller.look_at_task, task_id=self.batch_task_id)
            driver = AsyncDriver(client, log_to(self.log), look=look)
            ending, _ = await asyncio.gather(
                driver.run(watch_task(watch, follower, time.time, poller.rations, waiting)),
                asyncio.sleep(seconds_until_worker_ended()),
            )
        yield TriggerEvent(
            {
                "ending": ending,
                "job_id": self.job_id,
                "task_id": self.batch_task_id,
                "deadline": self.deadline,
                "start_by": self.start_by,
                "seen": follower.state(),
                "reason": str(waiting.reason or ""),
            }
        )

    async def on_kill(self) -> None:
        """End the Batch task when a user has killed the deferred one. Airflow 3.3 calls this."""
        from airflow_batch_provider.client.tasks.group_jobs import terminate_task

        script = terminate_task(self.job_id, self.batch_task_id)
        what = f"Task {self.batch_task_id} of Batch job {self.job_id}"
        await end_in_triggerer(self.conn_id, script, what, self.log)
