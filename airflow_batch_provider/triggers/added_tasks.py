"""Waiting in the triggerer for tasks that were added to somebody else's job."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_triggerer
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended


class AzureBatchAddedTasksTrigger(BaseTrigger):
    """Fires when tasks of a job have completed or can never run, or their time is over.

    Parameters:
        conn_id: the Airflow connection.
        job_id: the job.
        task_ids: the tasks.
        deadline: seconds since the epoch at which their time is over.
        poll_interval: ceiling of the period in seconds.
    """

    def __init__(
        self, conn_id: str, job_id: str, task_ids: Sequence[str], deadline: float, poll_interval: float
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.job_id = job_id
        self.task_ids = list(task_ids)
        self.deadline = deadline
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        names = ("conn_id", "job_id", "task_ids", "deadline", "poll_interval")
        return f"{type(self).__module__}.{type(self).__name__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the tasks until there is something to do about them."""
        from airflow_batch_provider.client.jobs.added_tasks import AddedWatch, waiting_of_added, watch_added
        from airflow_batch_provider.client.requests.drive import AsyncDriver, log_to
        from airflow_batch_provider.client.watching.poller import shared_poller

        hook = AzureBatchHook(self.conn_id)
        settings = await hook.aget_settings()
        name = f"{self.conn_id} {settings.endpoint}"
        poller = shared_poller(name, hook.async_batch_client, self.poll_interval)
        watch = AddedWatch(self.job_id, self.task_ids, self.deadline)
        waiting = waiting_of_added(self.job_id)
        async with poller.session() as client:
            driver = AsyncDriver(client, log_to(self.log), look=poller.look, glance=poller.glance)
            ending, _ = await asyncio.gather(
                driver.run(watch_added(watch, time.time, poller.rations, waiting)),
                asyncio.sleep(seconds_until_worker_ended()),
            )
        yield TriggerEvent({"ending": ending, "job_id": self.job_id, "reason": str(waiting.reason or "")})

    async def on_kill(self) -> None:
        """End the tasks when a user has killed the deferred Airflow task; their job goes on."""
        from airflow_batch_provider.client.jobs.added_tasks import terminate_added

        script = terminate_added(self.job_id, self.task_ids)
        await end_in_triggerer(self.conn_id, script, f"What was added to Batch job {self.job_id}", self.log)
