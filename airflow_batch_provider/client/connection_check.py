"""What the Test button does: one real call to Batch and one to storage."""

from __future__ import annotations

from airflow_batch_provider.client.connect.clients import open_batch_client
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.files.storage import StorageAccess
from airflow_batch_provider.client.requests.service_errors import explain_access

# Someone is waiting before a form: fail fast instead of retrying for minutes. A storage client would pause 15
# seconds before its second try.
_QUICK = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 10}


def check_connection(settings: BatchSettings, storage: StorageAccess | None) -> tuple[bool, str]:
    """Call both services.

    Parameters:
        settings: the Batch account.
        storage: its storage account; None: not part of the check.

    Returns:
        Whether all answered, and what was reached or why not.
    """
    from azure.core.exceptions import AzureError

    try:
        with open_batch_client(settings, **_QUICK) as client:
            next(iter(client.list_pools(max_results=1, select=["id"]).by_page()), None)
    except (AzureError, ValueError) as error:
        return False, str(explain_access(error, "Azure Batch", settings.endpoint, settings.account_name))
    reached = f"Azure Batch account {settings.account_name} at {settings.endpoint} answers"
    ignored = "".join(f" {warning}." for warning in settings.warnings)
    if storage is None:
        return True, f"{reached}. No storage account is named, so none was tried.{ignored}"
    where = storage.storage
    try:
        storage.check(**_QUICK)
    except (AzureError, ValueError) as error:
        explanation = explain_access(error, "Storage", where.account_url, where.account_name)
        return False, f"{reached}, but storage does not. {explanation}{ignored}"
    return True, f"{reached}; storage account {where.account_name} at {where.account_url} answers.{ignored}"
