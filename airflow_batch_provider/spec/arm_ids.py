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
    right = "Microsoft.Network/virtualNetworks/<network>/subnets/<subnet>"
    _check(value, _SUBNET, "subnet", where, right)


def check_identity(value: object, where: str) -> None:
    """Check the id of a user-assigned managed identity.

    Raises:
        SpecError: no such id.
    """
    right = "Microsoft.ManagedIdentity/userAssignedIdentities/<name>"
    _check(value, _IDENTITY, "managed identity", where, right)


def _check(value: object, shape: re.Pattern[str], what: str, where: str, right: str) -> None:
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise SpecError(
            f"the {what} is {value!r}",
            where=where,
            right=f"Give its ARM id: /subscriptions/.../resourceGroups/.../providers/{right}.",
        )
