"""Reading Airflow's connection records into settings; errors name the connection."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_batch_provider.client.connect.settings import BatchSettings, SettingsError
from airflow_batch_provider.client.connect.storage_settings import StorageSettings


def read_connection(connection: Any, extra: dict[str, Any]) -> BatchSettings:
    """The settings that a connection and its extra fields say.

    Raises:
        SettingsError: the connection cannot work as it is.
    """
    try:
        return BatchSettings.from_connection(
            connection.conn_type,
            connection.host,
            connection.login,
            connection.password,
            extra,
            port=connection.port,
        )
    except SettingsError as error:
        raise SettingsError(f"Airflow connection {connection.conn_id!r}: {error}") from None


def with_storage(settings: BatchSettings, connection: Any, extra: dict[str, Any]) -> BatchSettings:
    """The settings with the storage account that another connection names.

    Raises:
        SettingsError: that connection cannot be used.
    """
    try:
        storage = StorageSettings.from_wasb(connection.host, connection.login, connection.password, extra)
    except ValueError as error:
        raise SettingsError(
            f"Airflow connection {connection.conn_id!r}, named by storage_conn_id, cannot be used: {error}."
        ) from None
    return replace(settings, storage=storage)
