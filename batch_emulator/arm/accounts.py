"""Batch accounts and their keys. There is one account: this one. Source: REST reference, *Batch Account*."""

from __future__ import annotations

from batch_emulator.arm.exchange import ArmCall, ArmHandler, ArmReply
from batch_emulator.arm.operations import API_VERSIONS
from batch_emulator.rest.errors import refusal
from batch_emulator.service.entities import Json

RESOURCE_TYPE = "Microsoft.Batch/batchAccounts"


async def get_account(call: ArmCall) -> ArmReply:
    return ArmReply(_render(call))


async def list_accounts(call: ArmCall) -> ArmReply:
    return ArmReply({"value": [_render(call)]})


async def get_keys(call: ArmCall) -> ArmReply:
    keys = call.credentials
    return ArmReply(
        {"accountName": keys.account, "primary": keys.primary_key, "secondary": keys.secondary_key}
    )


async def regenerate_key(call: ArmCall) -> ArmReply:
    """A new key in place of an old one, which is void at once."""
    name = call.body.get("keyName")
    if name not in ("Primary", "Secondary"):
        reason = "It must be one of: Primary, Secondary."
        raise refusal("InvalidPropertyValue", PropertyName="keyName", Reason=reason)
    call.credentials.regenerate(name)
    return await get_keys(call)


async def list_operations(_call: ArmCall) -> ArmReply:
    display = {"provider": "Microsoft Batch", "resource": "Batch Account"}
    names = {"read": "Gets a Batch account", "listKeys/action": "Lists the keys of a Batch account"}
    operations = [
        {"name": f"{RESOURCE_TYPE}/{name}", "isDataAction": False, "display": {**display, "operation": text}}
        for name, text in names.items()
    ]
    return ArmReply({"value": operations})


def _render(call: ArmCall) -> Json:
    account = call.backend.account
    quotas = account.quotas
    properties: Json = {
        # As in Azure without a scheme: the client of the data plane adds its own.
        "accountEndpoint": call.base_url.partition("://")[2],
        "provisioningState": "Succeeded",
        "poolAllocationMode": "BatchService",
        "publicNetworkAccess": "Enabled",
        "dedicatedCoreQuota": quotas.dedicated_cores,
        "lowPriorityCoreQuota": quotas.low_priority_cores,
        "dedicatedCoreQuotaPerVMFamilyEnforced": False,
        "poolQuota": quotas.pools,
        "activeJobAndJobScheduleQuota": quotas.active_jobs_and_schedules,
        "allowedAuthenticationModes": ["SharedKey", "AAD", "TaskAuthenticationToken"],
        "encryption": {"keySource": "Microsoft.Batch"},
    }
    return {
        "id": account.resource_id,
        "name": account.name,
        "type": RESOURCE_TYPE,
        "location": account.location,
        "properties": properties,
        "identity": {"type": "None"},
        "tags": {"emulator": f"api-version {API_VERSIONS[-1]}"},
    }


HANDLERS: dict[str, ArmHandler] = {
    "get_account": get_account,
    "list_accounts": list_accounts,
    "list_accounts_by_resource_group": list_accounts,
    "get_keys": get_keys,
    "regenerate_key": regenerate_key,
    "list_operations": list_operations,
}
