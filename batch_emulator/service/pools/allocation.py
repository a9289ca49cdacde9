"""How many more nodes a pool can obtain, and what it is told if they are fewer than it wants.

Source: *Batch service quotas and limits*, *Azure Batch pool resizing failure* (codes, messages and reasons of
resize errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from batch_emulator.service.entities import Json, Pool
from batch_emulator.service.limits import (
    MAX_COMMUNICATING_NODES,
    MAX_CUSTOM_IMAGE_DEDICATED_NODES,
    MAX_CUSTOM_IMAGE_LOW_PRIORITY_NODES,
    MAX_NODES_PER_ADDRESS,
)
from batch_emulator.service.pools.images import os_type_of
from batch_emulator.service.pools.pool_network import own_addresses
from batch_emulator.service.pools.usage import cores_of
from batch_emulator.service.pools.vm_sizes import vm_series
from batch_emulator.service.region import ALLOCATION_FAILED, ALLOCATION_TIMED_OUT, RegionalCapacity
from batch_emulator.service.rooms import PoolRoom
from batch_emulator.service.state import State

KIND = {True: "dedicated", False: "low-priority"}
_NOT_ALLOCATED = "Desired number of {} nodes could not be allocated"
_NO_CAPACITY = (
    "Deployment allocation failed due to insufficient capacity for the requested VM size in the region."
)


class _Limit(NamedTuple):
    """At most so many more nodes, and why."""

    more: int
    code: str
    message: str
    values: dict[str, str]


def obtainable(state: State, room: PoolRoom, wanted: int, *, is_dedicated: bool) -> tuple[int, Json | None]:
    """How many of ``wanted`` more nodes can be had now.

    :returns: the number, and the entry of ``resizeErrors`` for those that cannot; with the code
        ``AllocationTimedout`` it stands only if they cannot be had until the resize times out either.
    """
    limit = min(_limits(state, room, is_dedicated), key=lambda found: found.more)
    if limit.more >= wanted:
        return wanted, None
    return max(0, limit.more), resize_error(limit.code, limit.message, limit.values)


def resize_error(code: str, message: str, values: dict[str, str] | None = None) -> Json:
    """An entry of ``resizeErrors``."""
    error: Json = {"code": code, "message": message}
    if values:
        error["values"] = [{"name": name, "value": value} for name, value in values.items()]
    return error


def timed_out(kind: str) -> Json:
    """The entry of ``resizeErrors`` for nodes that were not obtained in time.

    :param kind: a value of :data:`KIND`.
    """
    return resize_error(
        ALLOCATION_TIMED_OUT, f"{_NOT_ALLOCATED.format(kind)} as the resize timeout was reached"
    )


def region_has_machine(state: State, room: PoolRoom, *, is_dedicated: bool) -> bool:
    """Whether the region has one more machine for a pool."""
    return all(limit.more > 0 for limit in _of_region(state, room.pool, is_dedicated))


def _limits(state: State, room: PoolRoom, is_dedicated: bool) -> Iterator[_Limit]:
    yield from _core_quotas(state, room.pool, is_dedicated)
    yield from _of_kind(room, is_dedicated, state.account.has_windows_nodes)
    yield from _of_region(state, room.pool, is_dedicated)
    if room.pool.spec.get("enableInterNodeCommunication"):
        yield _Limit(
            MAX_COMMUNICATING_NODES - len(room.nodes),
            "CommunicationEnabledPoolReachedMaxVMCount",
            "The pool has inter-node communication enabled and has reached the maximum number of nodes",
            {"MaximumNodes": str(MAX_COMMUNICATING_NODES)},
        )


def _core_quotas(state: State, pool: Pool, is_dedicated: bool) -> Iterator[_Limit]:
    quotas, cores = state.account.quotas, cores_of(pool)
    if not is_dedicated:
        yield _quota(
            quotas.low_priority_cores, _cores_used(state, is_dedicated), cores, "LowPriority", "low-priority"
        )
        return
    yield _quota(quotas.dedicated_cores, _cores_used(state, is_dedicated), cores, "", "dedicated")
    series = vm_series(pool.spec["vmSize"])
    for name, quota in quotas.dedicated_cores_per_series:
        if name.lower() == series.lower():
            yield _quota(
                quota, _cores_used(state, is_dedicated, series), cores, "VMSeries", f"{series} dedicated"
            )


def _quota(quota: int, used: int, cores: int, code: str, name: str) -> _Limit:
    return _Limit(
        (quota - used) // cores,
        f"Account{code}CoreQuotaReached",
        f"The account has reached its {name} core quota",
        {"Quota": f"{quota} cores", "InUse": f"{used} cores", "CoresPerNode": str(cores)},
    )


def _cores_used(state: State, is_dedicated: bool, series: str | None = None) -> int:
    return sum(
        cores_of(room.pool) * sum(node.is_dedicated == is_dedicated for node in room.nodes.values())
        for room in state.pools.values()
        if series is None or vm_series(room.pool.spec["vmSize"]) == series
    )


def _of_region(state: State, pool: Pool, is_dedicated: bool) -> Iterator[_Limit]:
    message = _NOT_ALLOCATED.format(KIND[is_dedicated])
    for capacity in state.region:
        most = capacity.machines(is_dedicated=is_dedicated)
        over = capacity.until is not None and capacity.until <= state.now
        if most is not None and not over and capacity.speaks_of(pool.spec["vmSize"]):
            used = _machines_used(state, capacity, is_dedicated)
            yield _Limit(most - used, capacity.code, message, {"Reason": _NO_CAPACITY})


def _machines_used(state: State, capacity: RegionalCapacity, is_dedicated: bool) -> int:
    return sum(
        node.is_dedicated == is_dedicated and node.machine_since is not None
        for room in state.pools.values()
        if capacity.speaks_of(room.pool.spec["vmSize"])
        for node in room.nodes.values()
    )


def _of_kind(room: PoolRoom, is_dedicated: bool, has_windows_nodes: bool) -> Iterator[_Limit]:
    """What holds for dedicated and for low-priority nodes by themselves."""
    spec = room.pool.spec
    present = sum(node.is_dedicated == is_dedicated for node in room.nodes.values())
    message = _NOT_ALLOCATED.format(KIND[is_dedicated])
    if os_type_of(spec) == "windows" and not has_windows_nodes:
        reason = (
            "Nodes are processes of this Linux machine: a pool of a Windows image has none, unless the "
            "emulator was started with --windows-images-on-linux"
        )
        yield _Limit(0, ALLOCATION_FAILED, message, {"Reason": reason})
    if spec["virtualMachineConfiguration"]["imageReference"].get("virtualMachineImageId"):
        most = MAX_CUSTOM_IMAGE_DEDICATED_NODES if is_dedicated else MAX_CUSTOM_IMAGE_LOW_PRIORITY_NODES
        reason = f"A pool of a custom image has at most {most} such nodes"
        yield _Limit(most - present, ALLOCATION_FAILED, message, {"Reason": reason})
    addresses = own_addresses(spec)
    if addresses:
        most = MAX_NODES_PER_ADDRESS * len(addresses)
        reason = f"A pool has at most {MAX_NODES_PER_ADDRESS} such nodes for each of its public IP addresses"
        yield _Limit(most - present, ALLOCATION_FAILED, message, {"Reason": reason})
