"""The Azure Batch data-plane clients of a connection, synchronous and asynchronous."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.connect.credentials import async_batch_credential, batch_credential
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.connect.wire_log import quiet_wire_log

if TYPE_CHECKING:
    from azure.batch import BatchClient
    from azure.batch.aio import BatchClient as AsyncBatchClient


def open_batch_client(settings: BatchSettings, **options: Any) -> BatchClient:
    """The synchronous client; nothing is sent yet.

    Parameters:
        settings: the account.
        options: client options of azure-core, such as ``retry_total``.
    """
    from azure.batch import BatchClient

    quiet_wire_log()
    return BatchClient(settings.endpoint, batch_credential(settings), **options)


@asynccontextmanager
async def open_async_batch_client(settings: BatchSettings, **options: Any) -> AsyncIterator[AsyncBatchClient]:
    """The asynchronous client, open until the block ends; its credential is closed with it.

    Parameters:
        settings: the account.
        options: client options of azure-core, such as ``retry_total``.
    """
    from azure.batch.aio import BatchClient

    quiet_wire_log()
    credential = async_batch_credential(settings)
    try:
        async with BatchClient(settings.endpoint, credential, **options) as client:
            yield client
    finally:
        close = getattr(credential, "close", None)
        if close is not None:
            await close()
