"""Batch accounts and their keys. There is one account: this one. Source: REST reference, *Batch Account*."""

from __future__ import annotations

from batch_emulator.arm.exchange import ArmCall, ArmHandler, ArmReply, properties_of
from batch_emulator.arm.operations import API_VERSIONS
from batch_emulator.rest.errors import refusal
from batch_emulator.service.entities import Json

_AS_STARTED = "The account is what the emulator was started as."
RESOURCE_TYPE = "Microsoft.Batch/batchAccounts"


async def get_account(call: ArmCall) -> ArmReply:
    return ArmReply(_render(call))


async def list_accounts(call: ArmCall) -> ArmReply:
    return ArmReply({"value": [_render(call)]})


async def put_account(call: ArmCall) -> ArmReply:
    """Creates or updates the account. There is one, and it is what the emulator was started as."""
    _check_settings(call)
    return ArmReply(_render(call))


def _check_settings(call: ArmCall) -> None:
    for name, value in call.body.items():
        if name not in ("location", "properties") and value:
            raise refusal("UnsupportedProperty", PropertyName=name, Reason=_AS_STARTED)
    for name in properties_of(call.body, {"autoStorage": dict}):
        assert name == "autoStorage"
        _ = call.storage  # refused when the emulator was started without one


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


async def synchronize_auto_storage_keys(call: ArmCall) -> ArmReply:
    """The keys of the linked storage are those of the connection string; there are no others to fetch."""
    _ = call.storage
    return ArmReply()


async def list_nothing(_call: ArmCall) -> ArmReply:
    """Of what one machine has none: private endpoints, detectors, perimeters, outbound dependencies."""
    return ArmReply({"value": []})


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
        "dedicatedCoreQuotaPerVMFamilyEnforced": bool(quotas.dedicated_cores_per_series),
        "dedicatedCoreQuotaPerVMFamily": [
            {"name": name, "coreQuota": cores} for name, cores in quotas.dedicated_cores_per_series
        ],
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
    "create_account": put_account,
    "update_account": put_account,
    "get_keys": get_keys,
    "regenerate_key": regenerate_key,
    "list_operations": list_operations,
    "synchronize_auto_storage_keys": synchronize_auto_storage_keys,
    "list_outbound_network_dependencies": list_nothing,
    "list_detectors": list_nothing,
    "list_private_endpoint_connections": list_nothing,
    "list_private_link_resources": list_nothing,
    "list_network_security_perimeters": list_nothing,
}
