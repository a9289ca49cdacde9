"""How many nodes a pool can obtain (Azure Batch: *Batch service quotas and limits*)."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.service import Account, Quotas
from batch_emulator.service.pools.vm_sizes import vm_series
from batch_emulator.service.queries import PoolSize
from tests.batch_emulator.service.builders import IMAGE, a_pool
from tests.batch_emulator.service.world import World

SIZE = "STANDARD_D2S_V3"  # two cores
GALLERY_IMAGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/ours/images/tuned"
ADDRESS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/one"


def errors(world: World, pool_id: str = "pool") -> list[str]:
    return [error["code"] for error in world.service.pool(pool_id).resize_errors]


def a_world(**quotas: Any) -> World:
    known = frozenset({GALLERY_IMAGE.lower(), ADDRESS.lower()})
    return World(Account("acct", quotas=Quotas(**quotas), azure_resources=known), checked=False)


def test_the_quota_of_a_series_counts_for_dedicated_nodes_only() -> None:
    world = a_world(dedicated_cores_per_series=(("standardDSv3Family", 4),))
    world.do("create_pool", a_pool(nodes=3, targetLowPriorityNodes=3))
    assert world.service.pool_size("pool") == PoolSize(2, 3)
    assert errors(world) == ["AccountVMSeriesCoreQuotaReached"]
    world.do("create_pool", a_pool("other", nodes=2, vmSize="Standard_D2ds_v5"))
    assert (world.service.pool_size("other"), errors(world, "other")) == (PoolSize(2, 0), [])


def test_the_narrowest_quota_is_told() -> None:
    world = a_world(dedicated_cores=2, dedicated_cores_per_series=(("STANDARDDSV3FAMILY", 4),))
    world.do("create_pool", a_pool(nodes=3))
    assert (world.service.pool_size("pool"), errors(world)) == (PoolSize(1, 0), ["AccountCoreQuotaReached"])


def test_a_pool_whose_nodes_talk_to_one_another_has_a_hundred() -> None:
    world = a_world()
    body = a_pool(nodes=90, targetLowPriorityNodes=20, enableInterNodeCommunication=True)
    world.do("create_pool", body)
    assert world.service.pool_size("pool") == PoolSize(90, 10)
    assert errors(world) == ["CommunicationEnabledPoolReachedMaxVMCount"]


def test_a_public_ip_address_serves_a_hundred_nodes_of_each_kind() -> None:
    world = a_world()
    addresses = {"provision": "usermanaged", "ipAddressIds": [ADDRESS]}
    network = {"networkConfiguration": {"publicIPAddressConfiguration": addresses}}
    world.do("create_pool", a_pool(nodes=101, targetLowPriorityNodes=100, **network))
    assert (world.service.pool_size("pool"), errors(world)) == (PoolSize(100, 100), ["AllocationFailed"])


def test_a_pool_of_a_custom_image_has_a_limit() -> None:
    world = a_world()
    machine = {**IMAGE, "imageReference": {"virtualMachineImageId": GALLERY_IMAGE}}
    world.do("create_pool", a_pool(targetLowPriorityNodes=1001, virtualMachineConfiguration=machine))
    assert (world.service.pool_size("pool").low_priority, errors(world)) == (1000, ["AllocationFailed"])


def test_a_quota_that_was_lowered_below_what_is_used_lets_nothing_grow() -> None:
    world = a_world(dedicated_cores=8)
    world.do("create_pool", a_pool(nodes=3))
    world.service.set_quotas(Quotas(dedicated_cores=2))
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 4})
    assert (world.service.pool_size("pool").dedicated, errors(world)) == (3, ["AccountCoreQuotaReached"])
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 2})
    assert (world.service.pool_size("pool").dedicated, errors(world)) == (2, [])


@pytest.mark.parametrize(
    ("size", "series"),
    [
        (SIZE, "standardDSv3Family"),
        ("Standard_E4ads_v5", "standardEADSv5Family"),
        ("Standard_A1_v2", "standardAv2Family"),
        ("Standard_NC6", "standardNCFamily"),
        ("Standard_E8-2s_v4", "standardESv4Family"),
        ("tiny", ""),
    ],
)
def test_series_of_sizes(size: str, series: str) -> None:
    assert vm_series(size) == series


WINDOWS = {
    "imageReference": {
        "publisher": "MicrosoftWindowsServer",
        "offer": "WindowsServer",
        "sku": "2022-datacenter",
    },
    "nodeAgentSKUId": "batch.node.windows amd64",
}


@pytest.mark.parametrize(("has_windows_nodes", "nodes"), [(False, 0), (True, 1)])
def test_a_pool_of_a_windows_image_has_nodes_if_that_is_wanted(has_windows_nodes: bool, nodes: int) -> None:
    world = World(Account("acct", has_windows_nodes=has_windows_nodes))
    world.do("create_pool", a_pool(nodes=1, virtualMachineConfiguration=WINDOWS))
    assert world.service.pool_size("pool") == PoolSize(nodes, 0)
    assert errors(world) == ([] if has_windows_nodes else ["AllocationFailed"])
