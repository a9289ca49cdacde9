"""What a pool's machines may be asked to be. Source: *VirtualMachineConfiguration* of the REST reference.

Disks, security and licences are records: they are checked, kept and shown, and one machine cannot have them.
"""

from __future__ import annotations

from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid, missing
from batch_emulator.service.nodes.node_extensions import check_extensions
from batch_emulator.service.pools.azure_ids import CUSTOM_IMAGES, check_form
from batch_emulator.service.pools.container_spec import check_configuration
from batch_emulator.service.pools.images import find_image, is_node_agent, os_type_of_agent
from batch_emulator.service.spec_checks import required, whole_number

_ROOT = "virtualMachineConfiguration"
_MAX_LUN = 63
_WINDOWS_LICENSES = ("Windows_Server", "Windows_Client")
_LICENSES = {"windows": _WINDOWS_LICENSES, "linux": ("RHEL_BYOS", "SLES_BYOS")}


def machine_configuration(body: Json) -> Json:
    """A virtual machine configuration, checked and with the service's defaults.

    :raises BatchError: ``InvalidPropertyValue``, ``MissingRequiredProperty``, ``UnsupportedProperty``.
    """
    agent = str(required(body, "nodeAgentSKUId", f"{_ROOT}.nodeAgentSKUId"))
    reference = required(body, "imageReference", f"{_ROOT}.imageReference")
    machine = {**body, "imageReference": _image_reference(reference, agent)}
    os_type = os_type_of_agent(agent)
    if "windowsConfiguration" in body and os_type != "windows":
        raise invalid(f"{_ROOT}.windowsConfiguration", "", "The image is a Linux image")
    if "licenseType" in body and body["licenseType"] not in _LICENSES[os_type]:
        reason = f"For {os_type} images it may be {' or '.join(_LICENSES[os_type])}"
        raise invalid(f"{_ROOT}.licenseType", body["licenseType"], reason)
    if "containerConfiguration" in body:
        machine["containerConfiguration"] = check_configuration(body["containerConfiguration"])
    if "dataDisks" in body:
        machine["dataDisks"] = _data_disks(body["dataDisks"])
    if "extensions" in body:
        machine["extensions"] = check_extensions(body["extensions"])
    _check_encryption(body.get("diskEncryptionConfiguration") or {}, os_type)
    _check_security(body.get("securityProfile") or {}, body.get("osDisk") or {})
    _check_os_disk(body.get("osDisk") or {})
    artifact = body.get("serviceArtifactReference")
    if artifact is not None:
        where = f"{_ROOT}.serviceArtifactReference.id"
        check_form(where, str(required(artifact, "id", where)), "service artifact")
    return machine


def _image_reference(reference: Json, agent: str) -> Json:
    where = f"{_ROOT}.imageReference"
    if not is_node_agent(agent):
        raise invalid(
            f"{_ROOT}.nodeAgentSKUId", agent, "There is no such node agent: see GET /supportedimages"
        )
    custom = [name for name in CUSTOM_IMAGES if reference.get(name)]
    if custom:
        _check_custom_image(where, reference, custom)
        return dict(reference)
    names = [str(reference.get(name, "")) for name in ("publisher", "offer", "sku")]
    if find_image(names[0], names[1], names[2], agent) is None:
        raise invalid(
            where,
            ":".join(names),
            f"Image and node agent '{agent}' are no supported pair: see GET /supportedimages",
        )
    kept = {name: value for name, value in reference.items() if name != "exactVersion"}
    kept.setdefault("version", "latest")
    return kept


def _check_custom_image(where: str, reference: Json, custom: list[str]) -> None:
    given = [name for name, value in reference.items() if value and name != "exactVersion"]
    if len(given) > 1:
        raise invalid(where, ", ".join(given), f"{custom[0]} cannot be combined with others")
    check_form(f"{where}.{custom[0]}", str(reference[custom[0]]), *CUSTOM_IMAGES[custom[0]])


def _data_disks(disks: list[Json]) -> list[Json]:
    where = f"{_ROOT}.dataDisks"
    numbers = [disk.get("lun") for disk in disks]
    for disk in disks:
        required(disk, "lun", f"{where}.lun")
        required(disk, "diskSizeGB", f"{where}.diskSizeGB")
        whole_number(disk, "lun", 0, 0, _MAX_LUN, f"{where}.lun")
        whole_number(disk, "diskSizeGB", 1, 1, path=f"{where}.diskSizeGB")
        _check_disk_encryption_set(where, disk)
    if len(set(numbers)) != len(numbers):
        raise invalid(f"{where}.lun", numbers, "Each data disk has a number of its own")
    return [
        {
            "caching": "none",
            **disk,
            "managedDisk": {"storageAccountType": "standard_lrs", **(disk.get("managedDisk") or {})},
        }
        for disk in disks
    ]


def _check_disk_encryption_set(where: str, disk: Json) -> None:
    encryption_set = (disk.get("managedDisk") or {}).get("diskEncryptionSet") or {}
    if encryption_set.get("id"):
        check_form(f"{where}.managedDisk.diskEncryptionSet.id", encryption_set["id"], "disk encryption set")


def _check_encryption(encryption: Json, os_type: str) -> None:
    """Source: *DiskEncryptionConfiguration*: which disks can be encrypted depends on the system."""
    where = f"{_ROOT}.diskEncryptionConfiguration"
    targets = set(encryption.get("targets") or ())
    if os_type == "linux" and targets - {"temporarydisk"}:
        raise invalid(f"{where}.targets", "osdisk", "On Linux only the temporary disk can be encrypted")
    if os_type == "windows" and targets and targets != {"osdisk", "temporarydisk"}:
        raise invalid(
            f"{where}.targets",
            ", ".join(targets),
            "On Windows OS disk and temporary disk must be given together",
        )
    key = encryption.get("customerManagedKey")
    if key is not None:
        for name in ("keyUrl", "identityReference"):
            if not key.get(name):
                raise missing(f"{where}.customerManagedKey.{name}")


def _check_security(profile: Json, os_disk: Json) -> None:
    """Source: *SecurityProfile*, *BatchVmDiskSecurityProfile*: what confidential machines need."""
    where = f"{_ROOT}.osDisk.managedDisk.securityProfile"
    disk_profile = (os_disk.get("managedDisk") or {}).get("securityProfile") or {}
    is_confidential = profile.get("securityType") == "confidentialvm"
    if is_confidential and not disk_profile.get("securityEncryptionType"):
        raise missing(f"{where}.securityEncryptionType")
    if disk_profile and not is_confidential:
        raise invalid(where, "", "Only confidential virtual machines have a disk security profile")
    if profile.get("uefiSettings") and not profile.get("securityType"):
        raise missing(f"{_ROOT}.securityProfile.securityType")
    _check_proxy_agent(profile.get("proxyAgentSettings") or {})


def _check_proxy_agent(settings: Json) -> None:
    for name in ("imds", "wireServer"):
        reference = (settings.get(name) or {}).get("inVMAccessControlProfileReferenceId")
        if reference:
            where = f"{_ROOT}.securityProfile.proxyAgentSettings.{name}.inVMAccessControlProfileReferenceId"
            check_form(where, reference, "access control profile version")


def _check_os_disk(disk: Json) -> None:
    where = f"{_ROOT}.osDisk"
    whole_number(disk, "diskSizeGB", 1, 1, path=f"{where}.diskSizeGB")
    _check_disk_encryption_set(where, disk)
    account_type = (disk.get("managedDisk") or {}).get("storageAccountType")
    if disk.get("writeAcceleratorEnabled") and account_type != "premium_lrs":
        raise invalid(f"{where}.writeAcceleratorEnabled", True, "It needs a disk of type premium_lrs")
