"""What a pool asks for beside what its account and its machines can ever give. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.spec.explain import Explanation

# Azure Batch: *Run tasks concurrently on Batch nodes*: task slots for each core of a node.
SLOTS_PER_CORE = 4
# An image whose support ends sooner is told of.
NOTICE = dt.timedelta(days=90)
_QUOTA_STEP = (
    "Ask for more quota (portal: Batch account, Quotas), or take fewer nodes or a smaller vm_size. "
    "check_limits=False of the operator asks the service all the same."
)


@dataclass(frozen=True)
class Machine:
    """A VM size: its cores, and the family that its quota is counted in."""

    cores: int
    family: str

    @classmethod
    def find(cls, vm_size: str, skus: Iterable[Mapping[str, Any]]) -> Machine | None:
        """A size among the wire models SupportedSku; None when it is not listed with its cores."""
        for sku in skus:
            if str(sku.get("name")).lower() == vm_size.lower():
                pairs = {str(item.get("name")): item.get("value") for item in sku.get("capabilities") or ()}
                cores = str(pairs.get("vCPUs") or "")
                return cls(int(cores), str(sku.get("familyName"))) if cores.isdigit() else None
        return None


def find_excess(wire: Mapping[str, Any], account: Mapping[str, Any], machine: Machine) -> Explanation | None:
    """Why a pool can never come up as declared, whatever else runs in the account; None if it can.

    Parameters:
        wire: the wire model BatchPoolCreateOptions.
        account: the properties of the wire model BatchAccount.
        machine: the pool's VM size.
    """
    pool, size = f"Pool {wire['id']}", wire["vmSize"]
    slots = int(wire.get("taskSlotsPerNode") or 1)
    if slots > machine.cores * SLOTS_PER_CORE:
        return Explanation(
            f"{pool} asks for {slots} task slots on a node, and {size} has {machine.cores} cores.",
            f"A node has at most {SLOTS_PER_CORE} task slots for each core.",
            f"Set task_slots to {machine.cores * SLOTS_PER_CORE} or less, or take a larger vm_size.",
        )
    for kind, target, quota in _quotas(wire, account, machine):
        cores = target * machine.cores
        if quota is not None and cores > quota:
            return Explanation(
                f"{pool} asks for {target} {kind} nodes of {machine.cores} cores, {cores} in all, and the "
                f"account's quota is {quota}.",
                f"The account may never have so many {kind} cores of {size}, used or not.",
                _QUOTA_STEP,
            )
    return None


def _quotas(
    wire: Mapping[str, Any], account: Mapping[str, Any], machine: Machine
) -> Iterable[tuple[str, int, int | None]]:
    """Kind of nodes, how many of them are asked for, and the quota of cores they count in."""
    families = {
        str(item.get("name")).lower(): item.get("coreQuota")
        for item in account.get("dedicatedCoreQuotaPerVMFamily") or ()
    }
    enforced = bool(account.get("dedicatedCoreQuotaPerVMFamilyEnforced"))
    dedicated = int(wire.get("targetDedicatedNodes") or 0)
    yield "Spot", int(wire.get("targetLowPriorityNodes") or 0), account.get("lowPriorityCoreQuota")
    yield "dedicated", dedicated, account.get("dedicatedCoreQuota")
    yield "dedicated", dedicated, families.get(machine.family.lower()) if enforced else None


def image_ending(
    wire: Mapping[str, Any], supported: Iterable[Mapping[str, Any]], now: dt.datetime
) -> str | None:
    """A line about an image whose support by Batch has ended or soon will; None otherwise.

    Parameters:
        wire: the wire model BatchPoolCreateOptions.
        supported: the wire models BatchSupportedImage.
        now: the time.
    """
    reference = wire["virtualMachineConfiguration"]["imageReference"]
    names = ("publisher", "offer", "sku")
    for image in supported:
        there, end = image["imageReference"], image.get("batchSupportEndOfLife")
        same = all(str(there.get(name)).lower() == str(reference.get(name)).lower() for name in names)
        if same and end:
            date = dt.datetime.fromisoformat(str(end)[:10]).replace(tzinfo=dt.timezone.utc)
            if date - now < NOTICE:
                words = "ended on" if date <= now else "ends on"
                sku = "/".join(str(reference[name]) for name in names)
                return f"Batch's support of image {sku} {words} {date:%Y-%m-%d}: choose a newer one in time."
    return None
