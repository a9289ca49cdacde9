"""Running operators on pools to their end, with their deferrals in real triggers."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.operators.pool import AzureBatchPoolOperator
from airflow_batch_provider.operators.pool_base import PoolActionOperator
from airflow_batch_provider.spec import FixedScale, Pool
from tests.airflow_batch_provider.airflow_versions import TaskDeferred


def a_pool(name: str, **fields: Any) -> Pool:
    return Pool(**{"id": f"op-{name}", "vm_size": "standard_d2s_v3", "scale": FixedScale(spot=1), **fields})


def ensure(conn_id: str, pool: Pool, **fields: Any) -> str:
    """Run the operator that makes sure of a pool."""
    return run_to_end(AzureBatchPoolOperator(task_id="t", batch_pool=pool, conn_id=conn_id, **fields))


def run_to_end(operator: PoolActionOperator) -> str:
    """Run an operator; each deferral in a trigger that is made again from what it stores."""
    context: Any = {}
    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        waiting: TaskDeferred = deferred
    for _ in range(5):
        event = asyncio.run(first_event(waiting.trigger))
        try:
            result: str = getattr(operator, waiting.method_name)(context, event)
            return result
        except TaskDeferred as deferred:
            waiting = deferred
    raise AssertionError("deferred again and again")


async def first_event(trigger: Any) -> dict[str, Any]:
    """The event of a trigger."""
    path, arguments = trigger.serialize()
    again = type(trigger)(**arguments)
    assert path.endswith(type(trigger).__name__)
    async for event in again.run():
        payload: dict[str, Any] = event.payload
        return payload
    raise AssertionError("the trigger ended without an event")


def pool_of(conn_id: str, pool_id: str) -> dict[str, Any]:
    """A pool as the service tells of it."""
    wire: dict[str, Any] = AzureBatchHook(conn_id).batch_client().get_pool(pool_id).as_dict()
    return wire
