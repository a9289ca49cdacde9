"""Ids of resources of the management plane that a pool may name: their form, and which are there.

Source: *BatchPool* of the REST reference (forms); a pool that names a resource which does not exist is
refused, as the clients' own tests assert for subnets and images.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from batch_emulator.service.account import Account
from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers"
FORMS = {
    "subnet": f"{_GROUP}/Microsoft.Network/virtualNetworks/{{network}}/subnets/{{subnet}}",
    "public IP address": f"{_GROUP}/Microsoft.Network/publicIPAddresses/{{ip}}",
    "disk encryption set": f"{_GROUP}/Microsoft.Compute/diskEncryptionSets/{{set}}",
    "image": f"{_GROUP}/Microsoft.Compute/images/{{image}}",
    "gallery image": f"{_GROUP}/Microsoft.Compute/galleries/{{gallery}}/images/{{image}}",
    "community gallery image": "/CommunityGalleries/{gallery}/images/{image}",
    "shared gallery image": "/sharedGalleries/{gallery}/images/{image}",
    "service artifact": (
        f"{_GROUP}/Microsoft.Compute/galleries/{{gallery}}/serviceArtifacts/{{artifact}}"
        "/vmArtifactsProfiles/{profile}"
    ),
    "access control profile version": (
        f"{_GROUP}/Microsoft.Compute/galleries/{{gallery}}/inVMAccessControlProfiles/{{profile}}"
        "/versions/{version}"
    ),
}
# An image of a gallery may be named with one of its versions.
_WITH_VERSION = {"gallery image", "community gallery image", "shared gallery image"}


CUSTOM_IMAGES = {
    "virtualMachineImageId": ("image", "gallery image"),
    "sharedGalleryImageId": ("shared gallery image",),
    "communityGalleryImageId": ("community gallery image",),
}


def _pattern(kind: str) -> re.Pattern[str]:
    segments = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(FORMS[kind]))
    version = "(?:/versions/[^/]+)?" if kind in _WITH_VERSION else ""
    return re.compile(segments + version, re.IGNORECASE)


_PATTERNS = {kind: _pattern(kind) for kind in FORMS}


def check_form(where: str, resource_id: str, *kinds: str) -> None:
    """Refuse a text that is no id of such a resource.

    :param where: the property, in wire names.
    :param kinds: keys of :data:`FORMS`; one must fit.
    :raises BatchError: ``InvalidPropertyValue``.
    """
    if not any(_PATTERNS[kind].fullmatch(resource_id) for kind in kinds):
        raise invalid(
            where, resource_id, f"It must be of the form {' or '.join(FORMS[kind] for kind in kinds)}"
        )


def check_resources(account: Account, pool_spec: Json) -> None:
    """Refuse a pool that names a subnet, an address or an image which the account's surroundings lack.

    :param pool_spec: a specification or parts of one; its ids have the right form.
    :raises BatchError: ``InvalidPropertyValue``.
    """
    for where, resource_id in _named(pool_spec):
        if resource_id.lower() not in account.azure_resources:
            raise invalid(where, resource_id, "There is no such resource")


def check_job_network(account: Account, job_spec: Json) -> None:
    """Refuse a job that is to join a subnet which the account's surroundings lack.

    :param job_spec: a specification whose ids have the right form.
    :raises BatchError: ``InvalidPropertyValue``.
    """
    subnet = (job_spec.get("networkConfiguration") or {}).get("subnetId")
    if subnet is not None and subnet.lower() not in account.azure_resources:
        raise invalid("networkConfiguration.subnetId", subnet, "There is no such resource")


def _named(spec: Json) -> Iterator[tuple[str, str]]:
    network = spec.get("networkConfiguration") or {}
    if network.get("subnetId"):
        yield "networkConfiguration.subnetId", network["subnetId"]
    for address in (network.get("publicIPAddressConfiguration") or {}).get("ipAddressIds") or ():
        yield "networkConfiguration.publicIPAddressConfiguration.ipAddressIds", address
    image = (spec.get("virtualMachineConfiguration") or {}).get("imageReference") or {}
    for name in CUSTOM_IMAGES:
        if image.get(name):
            yield f"virtualMachineConfiguration.imageReference.{name}", image[name]
