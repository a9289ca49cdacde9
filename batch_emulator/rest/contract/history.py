"""What each api-version added and removed.

A revision is told from the one before it, so the contract of an older api-version is that of the newest one
with every later revision undone. Only what is on the wire counts; models have the newest client's names.

Source: the published clients ``azure-batch`` 11.0 (2021-06-01.14.0), 12.0 (2022-01-01.15.0), 13.0
(2022-10-01.16.0), 14.0 (2023-05-01.17.0), 14.1 (2023-11-01.18.0), 14.2 (2024-02-01.19.0), 15.0.0b2
(2024-07-01.20.0) and 15.1 (2025-06-01); a test holds the contracts against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Names = tuple[str, ...]
_POOLS = ("BatchPool", "BatchPoolCreateOptions", "BatchPoolSpecification")
_CHANGED_POOLS = ("BatchPoolUpdateOptions", "BatchPoolReplaceOptions")
_JOBS = ("BatchJob", "BatchJobCreateOptions", "BatchJobSpecification", "BatchJobUpdateOptions")


@dataclass(frozen=True)
class Revision:
    """An api-version by its difference from the one before it.

    :param added: names of properties, by model.
    :param removed: type texts of properties, by model and name.
    :param added_values: of enums.
    :param added_operations: by their names.
    :param removed_operations: by their names.
    :param added_query: names of query parameters.
    """

    version: str
    added: Mapping[str, Names] = field(default_factory=dict)
    removed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    added_values: Mapping[str, Names] = field(default_factory=dict)
    added_operations: Names = ()
    removed_operations: Names = ()
    added_query: Names = ()


def _each(models: Names, *names: str) -> dict[str, Names]:
    return dict.fromkeys(models, names)


def _each_typed(models: Names, **types: str) -> dict[str, dict[str, str]]:
    return {model: dict(types) for model in models}


# The newest first.
REVISIONS = (
    Revision(
        "2025-06-01",
        added={
            "BatchNode": ("ipv6Address",),
            "BatchNodeRemoteLoginSettings": ("ipv6RemoteLoginIPAddress", "ipv6RemoteLoginPort"),
            "BatchPublicIpAddressConfiguration": ("ipFamilies", "ipTags"),
            "BatchTaskSchedulingPolicy": ("jobDefaultOrder",),
            "DataDisk": ("managedDisk",),
            "DiskEncryptionConfiguration": ("customerManagedKey",),
            "ManagedDisk": ("diskEncryptionSet",),
            "SecurityProfile": ("proxyAgentSettings",),
        },
        removed={
            **_each_typed(
                _POOLS,
                certificateReferences="[CertificateReference]",
                resourceTags="{string}",
                targetNodeCommunicationMode="NodeCommunicationMode",
            ),
            "BatchPool": {
                "certificateReferences": "[CertificateReference]",
                "resourceTags": "{string}",
                "targetNodeCommunicationMode": "NodeCommunicationMode",
                "currentNodeCommunicationMode": "NodeCommunicationMode~",
            },
            "BatchPoolUpdateOptions": {
                "certificateReferences": "[CertificateReference]",
                "resourceTags": "{string}",
                "targetNodeCommunicationMode": "NodeCommunicationMode",
            },
            "BatchPoolReplaceOptions": {
                "certificateReferences": "[CertificateReference]!",
                "targetNodeCommunicationMode": "NodeCommunicationMode",
            },
            "BatchNode": {"certificateReferences": "[CertificateReference]"},
            "DataDisk": {"storageAccountType": "StorageAccountType"},
            **_each_typed(
                ("BatchTask", "BatchTaskCreateOptions", "BatchJobManagerTask"),
                authenticationTokenSettings="AuthenticationTokenSettings",
            ),
        },
        added_values={"SecurityEncryptionTypes": ("DiskWithVMGuestState",)},
        removed_operations=(
            "create_certificate",
            "list_certificates",
            "get_certificate",
            "delete_certificate",
            "cancel_certificate_deletion",
        ),
    ),
    Revision(
        "2024-07-01.20.0",
        added={
            "BatchJobNetworkConfiguration": ("skipWithdrawFromVNet",),
            "BatchJobUpdateOptions": ("networkConfiguration",),
            "BatchNodeCounts": ("deallocated", "deallocating"),
            "BatchPoolUpdateOptions": (
                "displayName",
                "enableInterNodeCommunication",
                "mountConfiguration",
                "networkConfiguration",
                "resourceTags",
                "taskSchedulingPolicy",
                "taskSlotsPerNode",
                "upgradePolicy",
                "userAccounts",
                "virtualMachineConfiguration",
                "vmSize",
            ),
            "BatchTaskContainerSettings": ("containerHostBatchBindMounts",),
            "BatchVmImageReference": ("communityGalleryImageId", "sharedGalleryImageId"),
            "ManagedDisk": ("securityProfile",),
        },
        removed=_each_typed(
            _POOLS, applicationLicenses="[string]", cloudServiceConfiguration="CloudServiceConfiguration"
        ),
        added_values={
            "BatchNodeState": ("deallocated", "deallocating"),
            "SecurityTypes": ("confidentialvm",),
        },
        added_operations=("start_node", "deallocate_node"),
        removed_operations=("get_remote_desktop",),
        added_query=("force",),
    ),
    Revision(
        "2024-02-01.19.0",
        added={**_each(_POOLS, "upgradePolicy"), "BatchNodeCounts": ("upgradingOS",)},
        added_values={"BatchNodeState": ("upgradingos",)},
    ),
    Revision(
        "2023-11-01.18.0",
        added={
            **_each(_POOLS, "resourceTags"),
            "BatchOsDisk": ("caching", "diskSizeGB", "managedDisk", "writeAcceleratorEnabled"),
            "VirtualMachineConfiguration": ("securityProfile", "serviceArtifactReference"),
            "VirtualMachineInfo": ("scaleSetVmResourceId",),
        },
        added_values={"StorageAccountType": ("standardssd_lrs",)},
    ),
    Revision(
        "2023-05-01.17.0",
        added={
            "NetworkConfiguration": ("enableAcceleratedNetworking",),
            "VMExtension": ("enableAutomaticUpgrade",),
        },
        removed_operations=("get_lifetime_pool_statistics", "get_lifetime_job_statistics"),
    ),
    Revision(
        "2022-10-01.16.0",
        added={
            **_each((*_POOLS, *_CHANGED_POOLS), "targetNodeCommunicationMode"),
            "BatchPool": ("targetNodeCommunicationMode", "currentNodeCommunicationMode"),
        },
    ),
    Revision(
        "2022-01-01.15.0",
        added={
            **_each(_JOBS, "allowTaskPreemption"),
            "OutputFileBlobContainerDestination": ("uploadHeaders",),
        },
    ),
    Revision("2021-06-01.14.0"),
)

# What the newest contract does not know any more.
REMOVED_MODELS: Mapping[str, Mapping[str, str]] = {
    "AuthenticationTokenSettings": {"access": "[AccessScope]"},
    "CertificateReference": {
        "thumbprint": "string!",
        "thumbprintAlgorithm": "string!",
        "storeLocation": "CertificateStoreLocation",
        "storeName": "string",
        "visibility": "[CertificateVisibility]",
    },
    "CertificateCreateOptions": {
        "thumbprint": "string!",
        "thumbprintAlgorithm": "string!",
        "data": "string!",
        "certificateFormat": "CertificateFormat",
        "password": "string",
    },
    "Certificate": {
        "thumbprint": "string",
        "thumbprintAlgorithm": "string",
        "url": "string",
        "state": "CertificateState",
        "stateTransitionTime": "datetime",
        "previousState": "CertificateState",
        "previousStateTransitionTime": "datetime",
        "publicData": "string",
        "deleteCertificateError": "DeleteCertificateError",
    },
    "DeleteCertificateError": {"code": "string", "message": "string", "values": "[NameValuePair]"},
    "CloudServiceConfiguration": {"osFamily": "string!", "osVersion": "string"},
}
REMOVED_ENUMS: Mapping[str, Names] = {
    "AccessScope": ("job",),
    "CertificateFormat": ("cer", "pfx"),
    "CertificateState": ("active", "deletefailed", "deleting"),
    "CertificateStoreLocation": ("currentuser", "localmachine"),
    "CertificateVisibility": ("remoteuser", "starttask", "task"),
    "NodeCommunicationMode": ("classic", "default", "simplified"),
}
