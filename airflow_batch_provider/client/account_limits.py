"""Asking the management plane what an account and a VM size can give.

This is no condition: who may not ask, or gets no answer, is not kept from making pools.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.pool_limits import Machine
from airflow_batch_provider.client.settings import BatchSettings

if TYPE_CHECKING:
    from azure.mgmt.batch import BatchManagementClient

# An unreachable management plane must not keep a task waiting.
_PATIENCE: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 15}


def can_ask(settings: BatchSettings) -> bool:
    """Whether the connection itself names what is asked, and an identity that may ask it."""
    from airflow_batch_provider.client.endpoints import is_local_http

    known = bool(settings.subscription_id and settings.resource_group)
    return known and (settings.identity is not None or is_local_http(settings.arm_endpoint))


def ask(
    client: BatchManagementClient, settings: BatchSettings, vm_size: str
) -> tuple[Mapping[str, Any], Machine] | None:
    """The account's properties and the machine; None when one of them cannot be had.

    Parameters:
        client: of the account's subscription.
        settings: name the account and its resource group.
        vm_size: of the pool.
    """
    from azure.core.exceptions import AzureError

    try:
        account = client.batch_account.get(str(settings.resource_group), settings.account_name, **_PATIENCE)
        skus = client.location.list_supported_virtual_machine_skus(str(account["location"]), **_PATIENCE)
        machine = Machine.find(vm_size, skus)
    except (AzureError, KeyError):
        return None
    return (account["properties"], machine) if machine else None
