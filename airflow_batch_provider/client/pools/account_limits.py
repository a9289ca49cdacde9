"""Asking what an account may use, on the management plane, and what it uses, on the data plane.

The management plane is no condition: who may not ask it, or gets no answer, is not kept from anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.connect.endpoints import is_local_http
from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.pools.quotas import Limits, Quotas, count_up, read_machines
from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.service_errors import error_code
from airflow_batch_provider.client.requests.steps import Call, Script

if TYPE_CHECKING:
    from azure.mgmt.batch import BatchManagementClient

# An unreachable management plane must not keep a task waiting.
_PATIENCE: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 15}
_SIZES = (
    "id",
    "vmSize",
    "allocationState",
    "currentDedicatedNodes",
    "currentLowPriorityNodes",
    "targetDedicatedNodes",
    "targetLowPriorityNodes",
)
_NOT_KNOWN = "Limits are not known: {}."
_NO_PLACE = "the connection names no subscription_id and resource_group"
_NO_IDENTITY = "the management plane takes no account key, and the connection names no identity (auth_method)"
# REST reference: BatchAccount: with pool allocation mode UserSubscription no quotas of cores are returned.
_OF_SUBSCRIPTION = (
    "Cores are quotas of the subscription, not of the account (portal: Subscription, Usage + quotas)."
)
_NOT_ENDED = "state ne 'completed' and state ne 'deleting'"


def ask_limits(settings: BatchSettings, open_client: Callable[[], BatchManagementClient]) -> Limits:
    """What the management plane tells of the account and of the VM sizes of its region.

    Parameters:
        settings: name the account and its resource group.
        open_client: gives the client of the account's subscription; called when it may be asked.
    """
    from azure.core.exceptions import AzureError

    if not (settings.subscription_id and settings.resource_group):
        return Limits(unknown=_NOT_KNOWN.format(_NO_PLACE))
    if settings.identity is None and not is_local_http(settings.arm_endpoint):
        return Limits(unknown=_NOT_KNOWN.format(_NO_IDENTITY))
    try:
        client = open_client()
        account = client.batch_account.get(settings.resource_group, settings.account_name, **_PATIENCE)
    except AzureError as error:
        return Limits(
            unknown=_NOT_KNOWN.format(f"{_refused(settings, error)}: it needs the role Reader on the account")
        )
    properties = account["properties"]
    # Sizes are the subscription's: a role on the account alone does not show them.
    try:
        skus = client.location.list_supported_virtual_machine_skus(str(account["location"]), **_PATIENCE)
        machines = read_machines(skus)
    except AzureError as error:
        needed = "it needs the role Reader on the subscription"
        return Limits(
            properties, unknown=f"Cores of VM sizes are not known: {_refused(settings, error)}: {needed}."
        )
    return Limits(
        properties, machines, _OF_SUBSCRIPTION if properties.get("dedicatedCoreQuota") is None else ""
    )


def _refused(settings: BatchSettings, error: Exception) -> str:
    reason = error_code(error) or type(error).__name__
    return f"{settings.arm_endpoint} does not tell the connection's identity ({reason})"


def list_sizes() -> Script[list[Any]]:
    """The wire models BatchPool of all pools, with what their nodes use."""
    listed: list[Any] = yield from patiently(Call("list_pools", (), {"select": list(_SIZES)}, answer="pages"))
    return listed


def count_active() -> Script[int]:
    """How many jobs and job schedules have not ended."""
    options = {"select": ["id"], "filter": _NOT_ENDED}
    jobs = yield from patiently(Call("list_jobs", (), options, answer="pages"))
    schedules = yield from patiently(Call("list_job_schedules", (), options, answer="pages"))
    return len(jobs) + len(schedules)


def show_quotas(settings: BatchSettings, open_client: Callable[[], BatchManagementClient]) -> Script[Quotas]:
    """The account's quotas, with what is used of them; limits that cannot be had are None.

    Parameters:
        settings: of the connection.
        open_client: gives the client of the account's subscription.
    """
    limits = ask_limits(settings, open_client)
    pools = yield from list_sizes()
    active = yield from count_active()
    return count_up(settings.account_name, limits, pools, active)
