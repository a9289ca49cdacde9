"""Airflow connections of tests, as the environment variables ``AIRFLOW_CONN_...`` have them."""

from __future__ import annotations

import json
from typing import Any

from demo.stack.accounts import BatchAccount, StorageAccount

NO_BATCH = BatchAccount("http://127.0.0.1:1", "account", "a2V5LW9mLXRoZS1hY2NvdW50")
"""An account that nobody answers for: for tests that need a storage account only."""


def connection_to(storage: StorageAccount | None, batch: BatchAccount = NO_BATCH, **extra: Any) -> str:
    """One to both accounts.

    :param storage: None: the connection names none, unless ``extra`` does.
    :param extra: further fields of its extra.
    """
    linked = {"storage_connection_string": storage.connection_string} if storage else {}
    fields = {"conn_type": "azurebatch", "host": batch.endpoint, "login": batch.name, "password": batch.key}
    return json.dumps({**fields, "extra": {**linked, **extra}})
