"""Pools with managed identities: the data plane cannot give a pool any, so these are made through ARM.

The shape is translated from the data plane's, so that a pool is declared, compared and patched in one form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_batch_provider.client.connect.settings import BatchSettings
from airflow_batch_provider.client.requests.service_errors import error_code, error_status, explain_access
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.spec.explain import Explanation

if TYPE_CHECKING:
    from azure.mgmt.batch import BatchManagementClient

# What both planes have, under other names (azure-mgmt-batch 19 and azure-batch 15.1, compared by model).
_RENAMED = {
    "nodeAgentSKUId": "nodeAgentSkuId",
    "virtualMachineImageId": "id",
    "applicationId": "id",
    "inboundNATPools": "inboundNatPools",
    "dynamicVNetAssignmentScope": "dynamicVnetAssignmentScope",
}
_USER_NAMED = frozenset({"userIdentity", "cifsMountConfiguration"})
# Words that the management plane spells in its own way, by the property they are the value of.
_SPELLED: dict[str, tuple[str, ...]] = {
    "scope": ("Task", "Pool"),
    "jobDefaultOrder": ("None", "CreationTime"),
    "nodeFillType": ("Spread", "Pack"),
    "policy": ("Regional", "Zonal"),
    "caching": ("None", "ReadOnly", "ReadWrite"),
    "placement": ("CacheDisk",),
    "targets": ("OsDisk", "TemporaryDisk"),
    "elevationLevel": ("NonAdmin", "Admin"),
    "protocol": ("TCP", "UDP"),
    "provision": ("BatchManaged", "UserManaged", "NoPublicIPAddresses"),
    "loginMode": ("Batch", "Interactive"),
    "access": ("Allow", "Deny"),
    "storageAccountType": ("Standard_LRS", "Premium_LRS", "StandardSSD_LRS"),
    "workingDirectory": ("TaskWorkingDirectory", "ContainerImageDefault"),
}
_CONTAINER_KINDS = ("DockerCompatible", "CriCompatible")
_SAME = (
    "displayName",
    "vmSize",
    "taskSlotsPerNode",
    "taskSchedulingPolicy",
    "userAccounts",
    "metadata",
    "startTask",
    "networkConfiguration",
    "mountConfiguration",
    "upgradePolicy",
)
# The names in these are the author's, not the service's.
_OPAQUE = frozenset({"settings", "protectedSettings"})


def arm_pool(wire: Mapping[str, Any], identities: Sequence[str]) -> dict[str, Any]:
    """The management plane's model of a pool.

    Parameters:
        wire: the data plane's model BatchPoolCreateOptions.
        identities: ARM ids of the pool's managed identities.
    """
    properties = {name: _translated(name, wire[name]) for name in _SAME if name in wire}
    machine = _translated("virtualMachineConfiguration", wire["virtualMachineConfiguration"])
    properties["deploymentConfiguration"] = {"virtualMachineConfiguration": machine}
    communication = "Enabled" if wire.get("enableInterNodeCommunication") else "Disabled"
    properties["interNodeCommunication"] = communication
    if packages := wire.get("applicationPackageReferences"):
        properties["applicationPackages"] = _translated("applicationPackages", packages)
    if wire.get("enableAutoScale"):
        scale = {
            "formula": wire["autoScaleFormula"],
            "evaluationInterval": wire["autoScaleEvaluationInterval"],
        }
        properties["scaleSettings"] = {"autoScale": scale}
    else:
        names = ("targetDedicatedNodes", "targetLowPriorityNodes", "resizeTimeout")
        properties["scaleSettings"] = {"fixedScale": {name: wire[name] for name in names if name in wire}}
    assigned: dict[str, Any] = {identity: {} for identity in identities}
    return {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": assigned},
        "properties": properties,
    }


def create_pool(
    client: BatchManagementClient, settings: BatchSettings, pool_id: str, pool: Mapping[str, Any]
) -> None:
    """Create a pool that is not there.

    Parameters:
        client: of the account's subscription.
        settings: name the account and its resource group.
        pool_id: the pool.
        pool: see ``arm_pool``.

    Raises:
        Refusal: code ``PoolExists`` when it is there; else what the service says, with the client's error as
            its cause.
    """
    from azure.core import MatchConditions
    from azure.core.exceptions import AzureError

    from airflow_batch_provider.client.requests.drive import refusal_of

    try:
        client.pool.create(
            str(settings.resource_group),
            settings.account_name,
            pool_id,
            dict(pool),
            match_condition=MatchConditions.IfMissing,
        )
    except AzureError as error:
        refusal = refusal_of(error)
        if refusal.status == 412 or refusal.code == "PoolExists":
            refusal = Refusal("PoolExists", 409, refusal.text)
        raise refusal from error


def explain_arm(refusal: Refusal, settings: BatchSettings, pool_id: str) -> tuple[Explanation, bool]:
    """What a refused creation means.

    Returns:
        The explanation, and whether trying again without a change is pointless.
    """
    error = refusal.__cause__
    happened = f"Pool {pool_id}: {refusal.text} [{refusal.status} {refusal.code}]"
    if error is None or error_status(error) in (400, 409):
        return (
            Explanation(
                happened,
                "A managed identity does not exist, or the declaration holds a value the service refuses.",
                "Correct what the message names; compare identities= with the portal.",
            ),
            error is not None and error_code(error) not in ("PoolBeingDeleted", "PoolBeingResized"),
        )
    explanation = explain_access(
        error, "Azure Resource Manager", settings.arm_endpoint, settings.account_name
    )
    return explanation, not refusal.transient and refusal.status != 0


def _translated(name: str, value: Any) -> Any:
    """A value of the data plane under a property's name, in the management plane's words."""
    if isinstance(value, Mapping):
        if name in _OPAQUE:
            return dict(value)
        return {_renamed(name, key): _item(name, key, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_translated(name, item) for item in value]
    spelled = _SPELLED.get(name, ())
    return next((word for word in spelled if word.lower() == str(value).lower()), value)


def _item(name: str, key: str, item: Any) -> Any:
    if name == "containerConfiguration" and key == "type":
        return next((kind for kind in _CONTAINER_KINDS if kind.lower() == str(item).lower()), item)
    return _translated(key, item)


def _renamed(name: str, key: str) -> str:
    return "userName" if key == "username" and name in _USER_NAMED else _RENAMED.get(key, key)
