"""User-assigned managed identities of pools: how they are named.

Source: *Configure managed identities in Batch pools*. An identity is given by its resource id; its client id
and principal id come from a directory. There is none here, so both are made of the resource id and are the
same wherever and whenever the emulator runs.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from batch_emulator.service.entities import Json

__all__ = ["describe", "find_identity"]


def describe(resource_id: str) -> Json:
    """An identity as pools show it: ``resourceId``, ``clientId``, ``principalId``."""
    name = resource_id.lower()
    return {
        "resourceId": resource_id,
        "clientId": str(uuid5(NAMESPACE_URL, f"client:{name}")),
        "principalId": str(uuid5(NAMESPACE_URL, f"principal:{name}")),
    }


def find_identity(identity: Json | None, selector: str | None, value: str = "") -> Json | None:
    """One of a pool's identities.

    :param identity: of the pool.
    :param selector: ``clientId``, ``principalId`` or ``resourceId``; ``None`` for the only one there is.
    :param value: of the selector, in any letter case.
    :returns: the identity as :func:`describe` has it; ``None`` if there is none, or if nothing selects one
        of several.
    """
    assigned = [describe(item["resourceId"]) for item in (identity or {}).get("userAssignedIdentities") or ()]
    if selector is not None:
        assigned = [item for item in assigned if item[selector].lower() == value.lower()]
    return assigned[0] if len(assigned) == 1 else None
