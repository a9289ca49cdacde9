"""Ids of Azure resources, by which a pool or a job names what is not Azure Batch's."""

from __future__ import annotations

import re

from airflow_batch_provider.spec.errors import SpecError

_GROUP = "/subscriptions/[^/]+/resourceGroups/[^/]+/providers/"
_SUBNET = re.compile(_GROUP + "[^/]+/virtualNetworks/[^/]+/subnets/[^/]+", re.IGNORECASE)
_IDENTITY = re.compile(_GROUP + r"Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+", re.IGNORECASE)


def check_subnet(value: object, where: str) -> None:
    """Check the id of a subnet.

    Raises:
        SpecError: no such id.
    """
    if not isinstance(value, str) or not _SUBNET.fullmatch(value):
        raise SpecError(
            f"the subnet is {value!r}",
            where=where,
            right="Give its ARM id: /subscriptions/.../resourceGroups/.../providers/Microsoft.Network"
            "/virtualNetworks/<network>/subnets/<subnet>.",
        )


def check_identity(value: object, where: str) -> None:
    """Check the id of a user-assigned managed identity.

    Raises:
        SpecError: no such id.
    """
    if not isinstance(value, str) or not _IDENTITY.fullmatch(value):
        raise SpecError(
            f"the managed identity is {value!r}",
            where=where,
            right="Give its ARM id: /subscriptions/.../resourceGroups/.../providers/Microsoft.ManagedIdentity"
            "/userAssignedIdentities/<name>.",
        )
