"""Watching one Batch task in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.hooks.killed import end_in_triggerer
from airflow_batch_provider.masking import unseal
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended

if TYPE_CHECKING:
    from airflow_batch_provider.client.tasks.task_watch import TaskWatch

__all__ = ["AzureBatchTaskTrigger"]


class AzureBatchTaskTrigger(BaseTrigger):
    """Fires when a task of a job has ended, does not exist any more, or its time is over.

    All of these in one triggerer that watch tasks of one account share one poll: one request for all jobs,
    and one for each job, however many of its tasks are watched. What is serialized is plain data without
    secrets in clear.

    Parameters:
        conn_id: the Airflow connection.
        job_id, batch_task_id: the task.
        owner: by which it is known as this Airflow task's.
        seconds: how long it may take once it runs.
        deadline: seconds since the epoch by which it must have started.
        poll_interval: ceiling of the period in seconds.
        seen: how far its output was read before.
        latest: seconds since the epoch by which it must have ended in any case; None: as the others say.
        sealed: secrets that it was given, as :func:`~airflow_batch_provider.masking.seal` gave them.
    """

    def __init__(
        self,
        conn_id: str,
        job_id: str,
        batch_task_id: str,
        owner: str,
        seconds: float | None,
        deadline: float | None,
        poll_interval: float = 15.0,
        seen: Mapping[str, Sequence[int]] | None = None,
        latest: float | None = None,
        sealed: str | None = "",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.job_id = job_id
        self.batch_task_id = batch_task_id
        self.owner = owner
        self.seconds = seconds
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.seen = {each: list(offsets) for each, offsets in (seen or {}).items()}
        self.latest = latest
        self.sealed = sealed

    @classmethod
    def of(
        cls, conn_id: str, watch: TaskWatch, owner: str, poll_interval: float, sealed: str | None
    ) -> AzureBatchTaskTrigger:
        """The trigger for what is to be watched for. The other parameters are those of the class."""
        limits = (watch.seconds, watch.deadline, poll_interval)
        return cls(conn_id, watch.job_id, watch.task_id, owner, *limits, latest=watch.latest, sealed=sealed)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        names = (
            "conn_id",
            "job_id",
            "batch_task_id",
            "owner",
            "seconds",
            "deadline",
            "poll_interval",
            "seen",
            "latest",
            "sealed",
        )
        arguments = {name: getattr(self, name) for name in names}
        return f"{type(self).__module__}.{type(self).__name__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the task until there is something to do about it."""
        from airflow_batch_provider.client.requests.drive import AsyncDriver, log_to
        from airflow_batch_provider.client.tasks.task_watch import (
            TaskWatch,
            task_event,
            waiting_of,
            watch_task,
        )
        from airflow_batch_provider.client.watching.poller import shared_poller
        from airflow_batch_provider.client.watching.streams import Follower

        hook = AzureBatchHook(self.conn_id)
        settings = await hook.aget_settings()
        poller = shared_poller(
            f"{self.conn_id} {settings.endpoint}", hook.async_batch_client, self.poll_interval
        )
        follower = Follower(self.job_id, await unseal(self.sealed, self.log), self.seen)
        watch = TaskWatch(self.job_id, self.batch_task_id, self.deadline, self.seconds, self.latest)
        waiting = waiting_of(self.batch_task_id)
        async with poller.session() as client:
            look = partial(poller.look_at_task, task_id=self.batch_task_id)
            driver = AsyncDriver(client, log_to(self.log), look=look)
            ending, _ = await asyncio.gather(
                driver.run(watch_task(watch, follower, time.time, poller.rations, waiting)),
                asyncio.sleep(seconds_until_worker_ended()),
            )
        yield TriggerEvent(task_event(watch, ending, waiting, follower))

    async def on_kill(self) -> None:
        """End the Batch task when a user has killed the deferred Airflow task; its job goes on."""
        from airflow_batch_provider.client.tasks.single_task import terminate_task

        script = terminate_task(self.job_id, self.batch_task_id, self.owner)
        await end_in_triggerer(self.conn_id, script, f"Batch task {self.batch_task_id}", self.log)
