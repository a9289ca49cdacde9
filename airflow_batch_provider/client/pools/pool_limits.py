"""What a pool asks for beside what its account and its machines can give. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_batch_provider.client.pools.quotas import Machine, Quota, Quotas
from airflow_batch_provider.spec.explain import Explanation

# Azure Batch: *Run tasks concurrently on Batch nodes*: task slots for each core of a node.
SLOTS_PER_CORE = 4
# An image whose support ends sooner is told of.
NOTICE = dt.timedelta(days=90)
_MORE = "Ask for more quota (portal: Batch account, Quotas)"


@dataclass(frozen=True)
class Shortage:
    """What keeps a pool from its nodes.

    Parameters:
        explanation: what is asked for, what is used, what the limit is, and what to do.
        lasting: whether it stays so whatever other pools do.
        kind: of the nodes: ``dedicated`` or ``Spot``.
        missing: how many of them cannot come.
    """

    explanation: Explanation
    lasting: bool
    kind: str
    missing: int


def find_excess_slots(wire: Mapping[str, Any], name: str, machine: Machine) -> Explanation | None:
    """Why a node cannot have as many task slots as a pool is declared with; None if it can.

    Parameters:
        wire: the wire model BatchPoolCreateOptions, or that of an auto pool.
        name: how the pool is told of.
        machine: the pool's VM size.
    """
    slots, most = int(wire.get("taskSlotsPerNode") or 1), machine.cores * SLOTS_PER_CORE
    if slots <= most:
        return None
    return Explanation(
        f"{name} asks for {slots} task slots on a node, and {wire['vmSize']} has {machine.cores} cores.",
        f"A node has at most {SLOTS_PER_CORE} task slots for each core.",
        f"Set task_slots to {most} or less, or take a larger vm_size.",
    )


def find_shortages(
    wire: Mapping[str, Any], name: str, quotas: Quotas, machine: Machine, there: tuple[int, int] = (0, 0)
) -> Iterator[Shortage]:
    """Why a pool cannot have as many nodes as it asks for; nothing of a formula, which asks for none yet.

    Parameters:
        wire: holds the targets, in the names of the wire model of a pool.
        name: how the pool is told of.
        quotas: of the account.
        machine: the pool's VM size.
        there: dedicated and Spot nodes that it has already.
    """
    dedicated = int(wire.get("targetDedicatedNodes") or 0)
    spot = int(wire.get("targetLowPriorityNodes") or 0)
    family = quotas.families.get(machine.family.lower())
    for kind, target, has, quota in (
        ("Spot", spot, there[1], quotas.spot_cores),
        ("dedicated", dedicated, there[0], quotas.dedicated_cores),
        ("dedicated", dedicated, there[0], family),
    ):
        if quota is not None and target > has:
            shortage = _shortage(name, kind, target, has, quota, machine)
            if shortage is not None:
                yield shortage


def count_missing(shortages: Iterable[Shortage]) -> int:
    """Nodes of all kinds that cannot come; dedicated ones have two quotas, and the narrower one counts."""
    missing: dict[str, int] = {}
    for shortage in shortages:
        missing[shortage.kind] = max(missing.get(shortage.kind, 0), shortage.missing)
    return sum(missing.values())


def _shortage(name: str, kind: str, target: int, has: int, quota: Quota, machine: Machine) -> Shortage | None:
    if quota.limit is None:
        return None
    all_cores = target * machine.cores
    asked = f"{name} asks for {target} {kind} nodes of {machine.cores} cores, {all_cores} in all"
    numbers = f"the account's quota of {quota.name} is {quota.limit}"
    if all_cores > quota.limit:
        used = "" if quota.used is None else f", {quota.used} of them in use"
        return Shortage(
            Explanation(
                f"{asked}, and {numbers}{used}.",
                f"The account may never have so many {quota.name}, whatever else it runs.",
                f"{_MORE}, or take fewer nodes or a smaller vm_size.",
            ),
            lasting=True,
            kind=kind,
            missing=target - max(has, quota.limit // machine.cores),
        )
    free = quota.free
    if free is None or (target - has) * machine.cores <= free:
        return None
    more = free // machine.cores
    return Shortage(
        Explanation(
            f"{asked}, and {numbers}, {quota.used} of them in use: there is room for {more} more.",
            "Other pools use it up.",
            f"Wait until they shrink (retries of the task do that), or shrink them. {_MORE}, or take fewer "
            f"nodes or a smaller vm_size.",
        ),
        lasting=False,
        kind=kind,
        missing=target - has - more,
    )


def find_pool_excess(name: str, quota: Quota) -> Explanation | None:
    """Why there can be no further pool; None if there can.

    Parameters:
        name: how the pool is told of.
        quota: of pools.
    """
    if quota.free != 0:
        return None
    return Explanation(
        f"{name} would be one pool too many: the account's quota of pools is {quota.limit}, {quota.used} of "
        "them in use.",
        "Pools that nobody uses were not deleted; automatic pools of running jobs count too.",
        f"Delete pools that are not used, or let the task have retries. {_MORE}.",
    )


@dataclass(frozen=True)
class ImageEnd:
    """The end of an image's support by Batch.

    Parameters:
        sku: publisher, offer and sku.
        date: from when on the service makes no pool of it.
        past: whether that is so already.
    """

    sku: str
    date: dt.datetime
    past: bool

    @property
    def notice(self) -> str:
        """For the log, while there is time."""
        return (
            f"Batch's support of image {self.sku} ends on {self.date:%Y-%m-%d}: choose a newer one in time."
        )

    def explain(self, name: str) -> Explanation:
        """Why there can be no pool of it.

        Parameters:
            name: how the pool is told of.
        """
        return Explanation(
            f"{name} has image {self.sku}, whose support by Batch ended on {self.date:%Y-%m-%d}.",
            "From that day on the service makes no pools of it.",
            "Choose a newer image, or LatestImage(...) for the newest that fits.",
        )


def image_end(
    wire: Mapping[str, Any], supported: Iterable[Mapping[str, Any]], now: dt.datetime
) -> ImageEnd | None:
    """When Batch's support of a pool's image has ended or soon will; None otherwise.

    Parameters:
        wire: the wire model BatchPoolCreateOptions, or that of an auto pool.
        supported: the wire models BatchSupportedImage.
        now: the time.

    Source: Azure Batch REST reference: *BatchSupportedImage*, batchSupportEndOfLife.
    """
    reference = wire["virtualMachineConfiguration"]["imageReference"]
    names = ("publisher", "offer", "sku")
    for image in supported:
        there, end = image["imageReference"], image.get("batchSupportEndOfLife")
        same = all(str(there.get(name)).lower() == str(reference.get(name)).lower() for name in names)
        if same and end:
            date = dt.datetime.fromisoformat(str(end)[:10]).replace(tzinfo=dt.timezone.utc)
            if date - now < NOTICE:
                return ImageEnd("/".join(str(reference[name]) for name in names), date, date <= now)
    return None
