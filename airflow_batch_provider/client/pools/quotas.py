"""What a Batch account may use, and what it uses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Quota:
    """One quota of a Batch account.

    Parameters:
        name: what is counted, such as ``dedicated cores``.
        limit: how many there may be; None: not known.
        used: how many there are; None: not known.
    """

    name: str
    limit: int | None
    used: int | None

    @property
    def free(self) -> int | None:
        """How many more there may be; None: not known."""
        return None if self.limit is None or self.used is None else max(0, self.limit - self.used)

    def __str__(self) -> str:
        known = ["?" if number is None else str(number) for number in (self.used, self.limit)]
        return f"{known[0]} of {known[1]} {self.name}"


@dataclass(frozen=True)
class Quotas:
    """The quotas of a Batch account, as ``AzureBatchHook.quotas()`` gives them.

    Parameters:
        account: the account's name.
        dedicated_cores: cores of dedicated nodes, all pools together.
        spot_cores: cores of Spot nodes, all pools together.
        pools: pools, automatic ones too.
        active_jobs_and_schedules: jobs and job schedules that have not ended.
        families: by VM family, such as ``standarddsv3family`` (lower case): the cores of its dedicated
            nodes; empty where the account has no such quotas.
        unknown: why limits, or the cores of VM sizes, are not known; empty when they are.

    Source: Azure Batch: *Batch service quotas and limits*; REST reference: *BatchAccount*.
    """

    account: str
    dedicated_cores: Quota
    spot_cores: Quota
    pools: Quota
    active_jobs_and_schedules: Quota
    families: Mapping[str, Quota] = field(default_factory=dict)
    unknown: str = ""

    def __str__(self) -> str:
        quotas = [self.dedicated_cores, *self._used_families(), self.spot_cores, self.pools]
        if self.active_jobs_and_schedules.used is not None:
            quotas.append(self.active_jobs_and_schedules)
        text = f"Quotas of account {self.account}, in use: {', '.join(str(quota) for quota in quotas)}"
        return f"{text}. {self.unknown}" if self.unknown else text

    def _used_families(self) -> Sequence[Quota]:
        """Azure names a hundred families; those without a core in use tell nothing."""
        return [quota for _, quota in sorted(self.families.items()) if quota.used]


@dataclass(frozen=True)
class Machine:
    """A VM size: its cores, and the family that its quota is counted in."""

    cores: int
    family: str


@dataclass(frozen=True)
class Limits:
    """What the management plane tells of an account.

    Parameters:
        properties: the properties of the wire model BatchAccount.
        machines: VM sizes of its region, by name in lower case.
        unknown: why something is not told; empty when all is.
    """

    properties: Mapping[str, Any] = field(default_factory=dict)
    machines: Mapping[str, Machine] = field(default_factory=dict)
    unknown: str = ""


def read_machines(skus: Iterable[Mapping[str, Any]]) -> dict[str, Machine]:
    """Those of the wire models SupportedSku that are listed with their cores."""
    machines = {}
    for sku in skus:
        pairs = {str(item.get("name")): item.get("value") for item in sku.get("capabilities") or ()}
        cores = str(pairs.get("vCPUs") or "")
        if cores.isdigit():
            machines[str(sku.get("name")).lower()] = Machine(int(cores), str(sku.get("familyName")))
    return machines


def count_up(
    account: str,
    limits: Limits,
    pools: Sequence[Mapping[str, Any]],
    active: int | None = None,
) -> Quotas:
    """The quotas of an account, with what is used of them.

    Parameters:
        account: its name.
        limits: what the management plane told; empty if nothing.
        pools: the wire models BatchPool of all its pools.
        active: its jobs and job schedules that have not ended; None: not counted.
    """
    told = limits.properties
    families = {
        str(item.get("name")).lower(): (str(item.get("name")), item.get("coreQuota"))
        for item in told.get("dedicatedCoreQuotaPerVMFamily") or ()
        if told.get("dedicatedCoreQuotaPerVMFamilyEnforced")
    }
    used = [(limits.machines.get(str(pool.get("vmSize")).lower()), nodes_of(pool)) for pool in pools]

    def cores(kind: int, family: str | None = None) -> int | None:
        counted = [(machine, nodes[kind]) for machine, nodes in used if nodes[kind]]
        if any(machine is None for machine, _ in counted):
            return None
        return sum(
            machine.cores * nodes
            for machine, nodes in counted
            if machine is not None and family in (None, machine.family.lower())
        )

    return Quotas(
        account,
        Quota("dedicated cores", told.get("dedicatedCoreQuota"), cores(0)),
        Quota("Spot cores", told.get("lowPriorityCoreQuota"), cores(1)),
        Quota("pools", told.get("poolQuota"), len(pools)),
        Quota("active jobs and job schedules", told.get("activeJobAndJobScheduleQuota"), active),
        {
            key: Quota(f"dedicated cores of {name}", limit, cores(0, key))
            for key, (name, limit) in families.items()
        },
        limits.unknown,
    )


def nodes_of(pool: Mapping[str, Any]) -> tuple[int, int]:
    """Dedicated and Spot nodes that a pool has, or is getting."""
    growing = pool.get("allocationState") == "resizing"

    def count(kind: str) -> int:
        there = int(pool.get(f"current{kind}Nodes") or 0)
        return max(there, int(pool.get(f"target{kind}Nodes") or 0)) if growing else there

    return count("Dedicated"), count("LowPriority")
