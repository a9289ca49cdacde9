"""Waiting in the triggerer for what a sensor waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended

if TYPE_CHECKING:
    from airflow_batch_provider.client.watching.conditions import Condition, Reading
    from airflow_batch_provider.client.watching.poller import JobPoller


class AzureBatchConditionTrigger(BaseTrigger):
    """Fires when a condition is met, cannot be met any more, or the time is over.

    All of these in one triggerer share the poll of their account, with job triggers too; those that look at
    the same thing share one request.

    Parameters:
        conn_id: id of the Airflow connection.
        condition: plain data, as ``client.watching.conditions.to_plain`` gives it.
        deadline: seconds since the epoch at which the sensor's time is over.
        poll_interval: ceiling of the time between two looks, in seconds.
        end_from_trigger: end the task here when the condition is met, instead of resuming it in a worker.
    """

    def __init__(
        self,
        conn_id: str,
        condition: Mapping[str, Any],
        deadline: float,
        poll_interval: float,
        end_from_trigger: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.condition = dict(condition)
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        return (
            f"{type(self).__module__}.{type(self).__name__}",
            {
                "conn_id": self.conn_id,
                "condition": self.condition,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the wait is over."""
        from airflow_batch_provider.client.watching.conditions import from_plain

        condition = from_plain(self.condition)
        poller = await self._poller(condition)
        async with poller.session():
            event, _ = await asyncio.gather(
                self._watch(poller, condition), asyncio.sleep(seconds_until_worker_ended())
            )
        if self.end_from_trigger and event["status"] == "met":
            self.log.info("Done; the task ends here")
            yield TaskSuccessEvent()
        else:
            yield TriggerEvent(event)

    async def _watch(self, poller: JobPoller, condition: Condition) -> dict[str, Any]:
        from airflow_batch_provider.client.requests.steps import Refusal
        from airflow_batch_provider.client.watching.conditions import explain_refusal

        said = "nothing yet, since this wait began in the triggerer just before its end"
        while time.time() < self.deadline:
            try:
                seen = await asyncio.wait_for(poller.see(condition.subject), self.deadline - time.time())
                reading = condition.judge(seen)
            except asyncio.TimeoutError:
                break
            except Refusal as refusal:
                if not refusal.transient:
                    return {"status": "failed", "value": None, "message": explain_refusal(refusal, condition)}
                line = f"a look failed and is repeated: {refusal}"
            else:
                if reading.status != "wait":
                    return _event(reading)
                line = reading.line
            if line != said:
                said = line
                self.log.info("Waiting: %s", line)
        return {"status": "timeout", "value": None, "message": said}

    async def _poller(self, condition: Condition) -> JobPoller:
        from airflow_batch_provider.client.blobs.aside import held_aside
        from airflow_batch_provider.client.watching.poller import shared_poller

        hook = AzureBatchHook(self.conn_id)
        if condition.kind != "blob":
            settings = await hook.aget_settings()
            name = f"{self.conn_id} {settings.endpoint}"
            return shared_poller(name, hook.async_batch_client, self.poll_interval)
        storage = await hook.astorage()
        name = f"{self.conn_id} {storage.storage.account_url}"
        return shared_poller(name, lambda: held_aside(storage.async_blob_client()), self.poll_interval)


def _event(reading: Reading) -> dict[str, Any]:
    message = str(reading.explanation) if reading.explanation else ""
    return {"status": reading.status, "value": reading.value, "message": message}
