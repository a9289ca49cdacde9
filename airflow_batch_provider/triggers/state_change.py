"""Waiting in the triggerer until a job or job schedule has changed its state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended


class AzureBatchStateChangeTrigger(BaseTrigger):
    """Fires when a change is complete or its time is over. Jobs are looked at by the account's shared poll.

    Parameters:
        conn_id: the Airflow connection.
        change: name of the change in ``client.jobs.lifecycle.CHANGES``.
        target_id: the job or schedule.
        deadline: seconds since the epoch at which the wait is over.
    """

    def __init__(self, conn_id: str, change: str, target_id: str, deadline: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.change = change
        self.target_id = target_id
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        return (
            f"{type(self).__module__}.{type(self).__name__}",
            {
                "conn_id": self.conn_id,
                "change": self.change,
                "target_id": self.target_id,
                "deadline": self.deadline,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the change is complete or the time is over."""
        from airflow_batch_provider.client.jobs.lifecycle import wait_for_change
        from airflow_batch_provider.client.requests.drive import AsyncDriver, log_to
        from airflow_batch_provider.client.watching.poller import shared_poller

        hook = AzureBatchHook(self.conn_id)
        settings = await hook.aget_settings()
        poller = shared_poller(f"{self.conn_id} {settings.endpoint}", hook.async_batch_client)
        script = wait_for_change(self.change, self.target_id, self.deadline, time.time)
        async with poller.session() as client:
            driver = AsyncDriver(client, log_to(self.log), look=poller.look)
            state, _ = await asyncio.gather(driver.run(script), asyncio.sleep(seconds_until_worker_ended()))
        yield TriggerEvent({"state": state, "target_id": self.target_id})
