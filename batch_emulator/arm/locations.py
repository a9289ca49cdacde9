"""What a subscription is told of a place: quotas, machine sizes, free names.

Source: REST reference, *Location*.
"""

from __future__ import annotations

import re

from batch_emulator.arm.accounts import RESOURCE_TYPE
from batch_emulator.arm.exchange import ArmCall, ArmHandler, ArmReply
from batch_emulator.rest.errors import refusal
from batch_emulator.service.entities import Json
from batch_emulator.service.pools.vm_sizes import vm_size

_NAME = re.compile(r"[a-z0-9]{3,24}", re.ASCII)
# Any size with a proper name is taken; these are told, by the family that Azure counts their cores in.
_CORES = {
    "standardBSFamily": ("standard_b{}s", (1, 2, 4, 8, 16, 20)),
    "standardDv2Family": ("standard_d{}_v2", (1, 2, 3, 4, 5)),
    "standardDSv3Family": ("standard_d{}s_v3", (2, 4, 8, 16, 32, 48, 64)),
    "standardDSv5Family": ("standard_d{}s_v5", (2, 4, 8, 16, 32, 48, 64, 96)),
    "standardESv5Family": ("standard_e{}s_v5", (2, 4, 8, 16, 20, 32, 48, 64, 96)),
    "standardFSv2Family": ("standard_f{}s_v2", (2, 4, 8, 16, 32, 48, 64, 72)),
}
_FAMILY_FILTER = re.compile(r"\s*familyName\s+eq\s+'([^']*)'\s*", re.ASCII)


async def get_quotas(_call: ArmCall) -> ArmReply:
    """There is room for the account that is here."""
    return ArmReply({"accountQuota": 1})


async def list_virtual_machine_skus(call: ArmCall) -> ArmReply:
    family = _family(call.query.get("$filter"))
    names = {
        pattern.format(number): name
        for name, (pattern, numbers) in _CORES.items()
        for number in numbers
        if family in (None, name.lower())
    }
    return ArmReply(call.page(sorted(names), str, lambda size: _sku(size, names[size])))


async def check_name_availability(call: ArmCall) -> ArmReply:
    name, kind = call.body.get("name"), call.body.get("type")
    if not isinstance(name, str) or not isinstance(kind, str):
        raise refusal("MissingRequiredProperty", PropertyName="type" if isinstance(name, str) else "name")
    if kind.lower() != RESOURCE_TYPE.lower():
        raise refusal("InvalidPropertyValue", PropertyName="type", Reason=f"It must be {RESOURCE_TYPE}.")
    if _NAME.fullmatch(name) is None:
        message = "An account name has 3 to 24 lower-case letters and digits."
        return ArmReply({"nameAvailable": False, "reason": "Invalid", "message": message})
    if name == call.backend.account.name:
        message = "An account of this name exists."
        return ArmReply({"nameAvailable": False, "reason": "AlreadyExists", "message": message})
    return ArmReply({"nameAvailable": True})


def _family(text: str | None) -> str | None:
    if text is None:
        return None
    match = _FAMILY_FILTER.fullmatch(text)
    if match is None:
        reason = "It must be of the form familyName eq 'name'."
        raise refusal("InvalidQueryParameterValue", QueryParameterName="$filter", Reason=reason)
    return match[1].lower()


def _sku(name: str, family: str) -> Json:
    size = vm_size(name)
    assert size is not None
    capabilities = {"vCPUs": str(size.cores), "MemoryGB": f"{size.memory_gib:g}"}
    return {
        "name": name,
        "familyName": family,
        "capabilities": [{"name": key, "value": value} for key, value in capabilities.items()],
    }


HANDLERS: dict[str, ArmHandler] = {
    "get_quotas": get_quotas,
    "list_virtual_machine_skus": list_virtual_machine_skus,
    "check_name_availability": check_name_availability,
}
