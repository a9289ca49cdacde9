"""Waiting for a pool in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended

if TYPE_CHECKING:
    from azure.batch.aio import BatchClient

    from airflow_batch_provider.client.pool_reading import Verdict, WaitFor


class AzureBatchPoolTrigger(BaseTrigger):
    """Ends when a pool is steady, has nodes that take tasks, is gone, or cannot become any of these.

    Parameters:
        conn_id: id of the Airflow connection.
        pool_id: the pool.
        wait_for: ``steady``, ``nodes`` or ``gone``.
        min_nodes: nodes that must be idle or running, for ``nodes``.
        deadline: seconds since the epoch at which the wait fails; a time of the clock and not a length, so
            that a triggerer that takes over goes by the same.
    """

    def __init__(
        self, conn_id: str, pool_id: str, wait_for: WaitFor, min_nodes: int, deadline: float
    ) -> None:
        from airflow_batch_provider.client.pool_watch import PoolWait

        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.wait = PoolWait(pool_id, wait_for, min_nodes, deadline)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, for the triggerer."""
        return (
            f"{type(self).__module__}.{type(self).__name__}",
            {
                "conn_id": self.conn_id,
                "pool_id": self.wait.pool_id,
                "wait_for": self.wait.wait_for,
                "min_nodes": self.wait.min_nodes,
                "deadline": self.wait.deadline,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the pool until the wait is over."""
        hook = AzureBatchHook(self.conn_id)
        # The watch repeats failed looks itself; the client only follows one Retry-After.
        async with hook.async_batch_client(retry_total=1) as client:
            verdict, _ = await asyncio.gather(
                self._watch(client), asyncio.sleep(seconds_until_worker_ended())
            )
        explanation = verdict.explanation
        yield TriggerEvent(
            {
                "status": verdict.status,
                "wait_for": self.wait.wait_for,
                "pool_id": self.wait.pool_id,
                "message": str(explanation) if explanation else "",
                "fatal": verdict.fatal,
                "warnings": list(verdict.warnings),
            }
        )

    async def _watch(self, client: BatchClient) -> Verdict:
        from azure.core.exceptions import AzureError

        from airflow_batch_provider.client.pool_watch import (
            aobserve,
            astart_task_output,
            lost,
            periods,
            with_output,
        )
        from airflow_batch_provider.client.service_errors import error_text, is_transient

        last = ""
        for period in periods():
            try:
                seen = await aobserve(client, self.wait.pool_id, self.wait.wait_for)
            except AzureError as error:
                if not is_transient(error) or time.time() >= self.wait.deadline:
                    return lost(error)
                self.log.warning(
                    "A look at pool %s failed and is repeated: %s", self.wait.pool_id, error_text(error)
                )
            else:
                verdict = self.wait.judge(seen, time.time())
                if verdict.status != "wait":
                    node = verdict.broken_node
                    output = await astart_task_output(client, self.wait.pool_id, node) if node else {}
                    return with_output(verdict, output)
                if seen.progress() != last:
                    last = seen.progress()
                    self.log.info("Waiting: %s", last)
            await asyncio.sleep(period)
        raise AssertionError("periods never end")
