"""Waiting for a pool in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.masking import unseal
from airflow_batch_provider.triggers.deferral import seconds_until_worker_ended

if TYPE_CHECKING:
    from airflow_batch_provider.client.pools.pool_reading import WaitFor


class AzureBatchPoolTrigger(BaseTrigger):
    """Ends when a pool is as it is waited for, or cannot become so.

    Parameters:
        conn_id: id of the Airflow connection.
        pool_id: the pool.
        wait_for, min_nodes, deadline, boots: see
            :class:`~airflow_batch_provider.client.pools.pool_watch.PoolWait`.
        sealed: secrets in its declaration, as :func:`~airflow_batch_provider.masking.seal` gave them.
    """

    def __init__(
        self,
        conn_id: str,
        pool_id: str,
        wait_for: WaitFor,
        min_nodes: int,
        deadline: float,
        boots: Mapping[str, str | None] | None = None,
        sealed: str | None = "",
    ) -> None:
        from airflow_batch_provider.client.pools.pool_watch import PoolWait

        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.wait = PoolWait(pool_id, wait_for, min_nodes, deadline, dict(boots or {}))
        self.sealed = sealed

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
                "boots": dict(self.wait.boots),
                "sealed": self.sealed,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the pool until the wait is over."""
        from airflow_batch_provider.client.pools.pool_watch import watch_pool
        from airflow_batch_provider.client.requests.drive import AsyncDriver, log_to

        # What is printed goes into the event, which Airflow stores and logs.
        wait = replace(self.wait, tells_output=await unseal(self.sealed, self.log))
        async with AzureBatchHook(self.conn_id).async_batch_client() as client:
            watching = AsyncDriver(client, log_to(self.log)).run(watch_pool(wait))
            verdict, _ = await asyncio.gather(watching, asyncio.sleep(seconds_until_worker_ended()))
        explanation = verdict.explanation
        yield TriggerEvent(
            {
                "status": verdict.status,
                "wait_for": self.wait.wait_for,
                "pool_id": self.wait.pool_id,
                "deadline": self.wait.deadline,
                "message": str(explanation) if explanation else "",
                "fatal": verdict.fatal,
                "layer": verdict.layer,
                "warnings": list(verdict.warnings),
            }
        )
