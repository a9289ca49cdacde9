"""Where the two planes have different words for the same thing in a pool.

Source: the published clients ``azure-mgmt-batch`` 19 and ``azure-batch`` 15.1, compared model by model. Types
are the data plane's, by its contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from batch_emulator.rest.contract import load_contract

# By the data plane's model: its name of a property, and the management plane's.
RENAMED: Mapping[str, Mapping[str, str]] = {
    "AutoScaleRun": {"timestamp": "evaluationTime"},
    "BatchApplicationPackageReference": {"applicationId": "id"},
    "BatchPoolEndpointConfiguration": {"inboundNATPools": "inboundNatPools"},
    "BatchVmImageReference": {"virtualMachineImageId": "id"},
    "CifsMountConfiguration": {"username": "userName"},
    "NetworkConfiguration": {"dynamicVNetAssignmentScope": "dynamicVnetAssignmentScope"},
    "UserIdentity": {"username": "userName"},
    "VirtualMachineConfiguration": {"nodeAgentSKUId": "nodeAgentSkuId"},
}
# The management plane's spelling. The data plane takes any letter case, so the way back needs no table.
SPELLED: Mapping[str, tuple[str, ...]] = {
    "AutoUserScope": ("Task", "Pool"),
    "BatchJobDefaultOrder": ("None", "CreationTime"),
    "BatchNodeFillType": ("Spread", "Pack"),
    "BatchNodePlacementPolicyType": ("Regional", "Zonal"),
    "CachingType": ("None", "ReadOnly", "ReadWrite"),
    "ContainerType": ("DockerCompatible", "CriCompatible"),
    "ContainerWorkingDirectory": ("TaskWorkingDirectory", "ContainerImageDefault"),
    "DiffDiskPlacement": ("CacheDisk",),
    "DiskEncryptionTarget": ("OsDisk", "TemporaryDisk"),
    "ElevationLevel": ("NonAdmin", "Admin"),
    "InboundEndpointProtocol": ("TCP", "UDP"),
    "IpAddressProvisioningType": ("BatchManaged", "UserManaged", "NoPublicIPAddresses"),
    "LoginMode": ("Batch", "Interactive"),
    "NetworkSecurityGroupRuleAccess": ("Allow", "Deny"),
    "SecurityTypes": ("trustedLaunch", "confidentialVM"),
    "StorageAccountType": ("Standard_LRS", "Premium_LRS", "StandardSSD_LRS"),
}


def in_data_plane_words(value: Any, type_name: str) -> Any:
    """What the management plane was given, with the data plane's names. Types are not checked here."""
    return _named(value, type_name, back=True)


def in_management_words(value: Any, type_name: str) -> Any:
    """A value of the data plane, with the management plane's names and spelling of enums."""
    return _named(value, type_name, back=False)


def _named(value: Any, type_name: str, *, back: bool) -> Any:
    if type_name[0] == "[":
        inner = type_name[1:-1]
        return [_named(item, inner, back=back) for item in value] if isinstance(value, list) else value
    models = load_contract().models
    if type_name not in models:
        return value if back else _spelled(value, type_name)
    if not isinstance(value, dict):
        return value
    names, types = _names(type_name, back), models[type_name]
    named: dict[str, Any] = {}
    for key, item in value.items():
        new = names.get(key, key)
        known = types.get(new if back else key)
        named[new] = _named(item, known.type, back=back) if known else item
    return named


@cache
def _names(model: str, back: bool) -> Mapping[str, str]:
    names = RENAMED.get(model, {})
    return {theirs: ours for ours, theirs in names.items()} if back else names


def _spelled(value: Any, enum: str) -> Any:
    for spelling in SPELLED.get(enum, ()):
        if isinstance(value, str) and spelling.lower() == value.lower():
            return spelling
    return value
