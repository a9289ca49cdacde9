"""Waiting for a connection that works, which watchers do: Airflow would start one that fails again and again,
every second, with a traceback each time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow.exceptions import AirflowException  # type: ignore[attr-defined]

from airflow_batch_provider.hooks.batch import AzureBatchHook

if TYPE_CHECKING:
    from airflow_batch_provider.client.files.storage import StorageAccess

log = logging.getLogger(__name__)

REOPEN_SECONDS = 15.0
"""Between two looks at a connection that does not work."""


async def connected(
    conn_id: str, what: str, meanwhile: str, check: Callable[[StorageAccess], None] = lambda storage: None
) -> StorageAccess:
    """The storage account of a connection, once the connection can be used; what is wrong is told once.

    :param conn_id: id of the Airflow connection.
    :param what: what is not done until then, for the log: ``Queue 'blob-events' is not read``.
    :param meanwhile: what becomes of blobs that arrive until then.
    :param check: raises when the connection lacks what is needed.
    """
    told = False
    while True:
        try:
            storage = await AzureBatchHook(conn_id).astorage()
            check(storage)
        except Exception as error:  # whatever is wrong with a connection, it may be put right
            if not told:
                told = True
                _tell(conn_id, what, meanwhile, error)
            await asyncio.sleep(REOPEN_SECONDS)
        else:
            return storage


def _tell(conn_id: str, what: str, meanwhile: str, error: Exception) -> None:
    from airflow_batch_provider.client.connect.settings import SettingsError

    # The text of any other error may repeat what is in the connection.
    known = isinstance(error, (AirflowException, SettingsError))
    log.error(
        "%s, because the connection %r cannot be used: %s\n%s "
        "Correct the connection; it is looked at again every %g seconds.",
        what,
        conn_id,
        error if known else type(error).__name__,
        meanwhile,
        REOPEN_SECONDS,
    )
