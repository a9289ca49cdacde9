"""Reading Airflow's connection records into settings; errors name the connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from airflow_batch_provider.airflow_exceptions import AirflowNotFoundException
from airflow_batch_provider.client.connect.settings import NO_OBJECT, BatchSettings, SettingsError
from airflow_batch_provider.client.connect.storage_settings import StorageSettings


def read_connection(connection: Any, extra: dict[str, Any]) -> BatchSettings:
    """The settings that a connection and its extra fields say.

    Raises:
        SettingsError: the connection cannot work as it is.
    """
    try:
        if not extra and not _is_json(connection.extra):  # Airflow logs that, and goes on without it.
            raise SettingsError(NO_OBJECT)
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


def _is_json(text: str | None) -> bool:
    try:
        json.loads(text or "{}")
    except ValueError:
        return False
    return True


@contextmanager
def asked_for(conn_id: str) -> Iterator[None]:
    """Let it be said how a connection is added, if Airflow has no such connection.

    Parameters:
        conn_id: its id.

    Raises:
        AirflowNotFoundException: there is no such connection.
    """
    try:
        yield
    except AirflowNotFoundException:
        raise AirflowNotFoundException(
            f"Airflow has no connection {conn_id!r}.\n"
            "Likely cause: it was not added yet, or conn_id is misspelled.\n"
            "Next step: correct conn_id; or add it in the UI (Admin, Connections, type Azure Batch), by "
            f"airflow connections add {conn_id} --conn-type azurebatch --conn-host "
            "https://<account>.<region>.batch.azure.com --conn-password <key>, or as the variable "
            f"AIRFLOW_CONN_{conn_id.upper()} in the environment of all of Airflow's processes."
        ) from None


@contextmanager
def named_by(conn_id: str, storage_conn_id: str) -> Iterator[None]:
    """Let it be said where the name of a storage connection comes from, if Airflow has no such connection.

    Parameters:
        conn_id: the connection that names it.
        storage_conn_id: the name.

    Raises:
        SettingsError: there is no such connection.
    """
    try:
        yield
    except AirflowNotFoundException:
        raise SettingsError(
            f"Airflow connection {conn_id!r} names {storage_conn_id!r} in its extra field storage_conn_id, "
            "and Airflow has no connection of this name. Correct the field, or make that connection, of type "
            "wasb."
        ) from None


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
