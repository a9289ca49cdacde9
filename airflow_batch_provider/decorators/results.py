"""Results of functions that are too large for XCom: their XCom is a reference, and this reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_batch_provider.hooks.batch import AzureBatchHook
from airflow_batch_provider.node.run_function import REFERENCE

__all__ = ["is_reference", "load_result"]


def is_reference(value: object) -> bool:
    """Whether an XCom is a reference to a result instead of the result.

    Parameters:
        value: the XCom.
    """
    return isinstance(value, Mapping) and isinstance(value.get(REFERENCE), str)


def load_result(
    value: Any, conn_id: str = AzureBatchHook.default_conn_name, work_container: str = "batch-work"
) -> Any:
    """What a function of ``@task.azure_batch`` returned, however large, in a task that runs on a worker.

    A function that runs on a node needs no help: of references among its arguments it gets the results.

    Parameters:
        value: the XCom; anything but a reference is given back as it is.
        conn_id: Airflow connection of the storage account.
        work_container: of the function that returned it; nothing is read from elsewhere.

    Returns:
        The value that the function returned.

    Raises:
        SpecError: the reference is to something else than a result in that container.
        BatchFunctionError: it is of a class that is not installed here.
        BatchRequestError: storage refused, or the blob is gone.
    """
    if not is_reference(value):
        return value
    from airflow_batch_provider.client.files.function_files import read_result

    return read_result(AzureBatchHook(conn_id).storage(), work_container, value)
