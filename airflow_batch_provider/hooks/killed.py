"""Ending in Batch what a killed Airflow task leaves running there; its end is not waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.hooks.batch import AzureBatchHook

if TYPE_CHECKING:
    from airflow_batch_provider.client.requests.steps import Script

_WORKER_SECONDS = 5.0
"""For each request; the worker is being stopped meanwhile."""

_TRIGGER_SECONDS = 20.0
"""For all requests; Airflow allows 30 by default (``[triggerer] on_kill_timeout``)."""

_ENDED = "%s is being ended with its Airflow task"


def end_in_worker(conn_id: str, script: Script[Any], what: str, log: Any) -> None:
    """Carry out the ``on_kill`` of an operator; a refusal is told and not raised.

    Parameters:
        conn_id: id of the Airflow connection.
        script: ends what is this Airflow task's, and gives whether there was anything to end.
        what: that, for the log.
        log: takes the lines for the task's log.
    """
    from airflow_batch_provider.client.requests.drive import Driver, log_to
    from airflow_batch_provider.client.requests.steps import Refusal

    try:
        client = AzureBatchHook(conn_id).batch_client()
        if Driver(client, log_to(log), seconds=_WORKER_SECONDS).run(script):
            log.info(_ENDED, what)
    except Refusal as refusal:
        log.warning("%s could not be ended: %s", what, refusal)


async def end_in_triggerer(conn_id: str, script: Script[Any], what: str, log: Any) -> None:
    """Carry out the ``on_kill`` of a trigger, which Airflow calls from 3.3 on.

    Parameters:
        conn_id, script, what, log: as for :func:`end_in_worker`.

    Raises:
        Refusal: the service did not take a request; Airflow shows it.
        TimeoutError: the service did not answer in time.
    """
    from airflow_batch_provider.client.requests.drive import AsyncDriver, log_to

    async def end() -> Any:
        async with AzureBatchHook(conn_id).async_batch_client() as client:
            return await AsyncDriver(client, log_to(log)).run(script)

    if await asyncio.wait_for(end(), _TRIGGER_SECONDS):
        log.info(_ENDED, what)
