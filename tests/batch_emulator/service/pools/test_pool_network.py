"""Network configuration of pools, and what nodes show of it (Azure Batch: *NetworkConfiguration*)."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.service import Account, BatchError
from batch_emulator.service.pools.endpoints import inbound_endpoints, ipv6_address, remote_login
from tests.batch_emulator.service.builders import a_pool
from tests.batch_emulator.service.world import World

GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network"
SUBNET = f"{GROUP}/virtualNetworks/net/subnets/default"
ADDRESS = f"{GROUP}/publicIPAddresses/one"
RULE = {"priority": 150, "access": "allow", "sourceAddressPrefix": "*"}


def nat_pool(name: str = "web", backend: int = 8080, first: int = 1000, last: int = 1100, **more: Any) -> Any:
    return {
        "name": name,
        "protocol": "tcp",
        "backendPort": backend,
        "frontendPortRangeStart": first,
        "frontendPortRangeEnd": last,
        **more,
    }


def endpoints(*nat_pools: Any) -> dict[str, Any]:
    return {"endpointConfiguration": {"inboundNATPools": list(nat_pools)}}


def rules(*found: Any) -> dict[str, Any]:
    return endpoints(nat_pool(networkSecurityGroupRules=list(found)))


def public(**more: Any) -> dict[str, Any]:
    return {"publicIPAddressConfiguration": more}


def refusal(network: dict[str, Any]) -> str:
    world = World()
    with pytest.raises(BatchError) as caught:
        world.do("create_pool", a_pool(networkConfiguration=network))
    assert caught.value.status == 400
    return caught.value.code


@pytest.mark.parametrize(
    "network",
    [
        {},
        {"dynamicVNetAssignmentScope": "job"},
        {"enableAcceleratedNetworking": True},
        public(provision="batchmanaged", ipTags=[{"ipTagType": "FirstPartyUsage", "tag": "x"}]),
        public(ipFamilies=["IPv6", "IPv4"]),
        endpoints(nat_pool(), nat_pool("other", 3389, 2000, 2039)),
        rules(RULE, {**RULE, "priority": 4096, "sourcePortRanges": ["*", "22", "0-65535"]}),
        *(
            rules({**RULE, "sourceAddressPrefix": prefix})
            for prefix in ("10.1.2.3", "192.168.1.0/24", "Internet")
        ),
    ],
)
def test_a_network_comes_back_as_it_was_sent(network: dict[str, Any]) -> None:
    world = World()
    world.do("create_pool", a_pool(networkConfiguration=network))
    assert world.service.pool("pool").spec["networkConfiguration"] == network


@pytest.mark.parametrize(
    "network",
    [
        {"subnetId": "default"},
        {"subnetId": SUBNET},
        public(provision="usermanaged", ipAddressIds=[ADDRESS]),
        public(ipAddressIds=[ADDRESS]),
        public(ipFamilies=["IPv6"]),
        public(ipFamilies=[]),
        endpoints(),
        endpoints(*(nat_pool(f"n{n}", 8000 + n, 1000 * n, 1000 * n + 99) for n in range(1, 7))),
        endpoints(nat_pool(), nat_pool("WEB", 8081, 2000, 2100)),
        endpoints(nat_pool(), nat_pool("other", 8080, 2000, 2100)),
        endpoints(nat_pool(), nat_pool("other", 8081, 1100, 1200)),
        endpoints(nat_pool(last=1038)),
        endpoints(nat_pool(backend=29876)),
        endpoints(nat_pool(backend=0)),
        endpoints(nat_pool(first=49_990, last=50_040)),
        endpoints(nat_pool(first=54_990, last=55_100)),
        endpoints(nat_pool(first=65_000, last=65_535)),
        endpoints(nat_pool("-web")),
        endpoints(nat_pool("web-")),
        rules({**RULE, "priority": 149}),
        rules(RULE, RULE),
        rules({**RULE, "sourceAddressPrefix": "10.0.0.0/99"}),
        rules({**RULE, "sourcePortRanges": ["9-1"]}),
        rules({**RULE, "sourcePortRanges": ["many"]}),
        rules(*({**RULE, "priority": 200 + n} for n in range(26))),
    ],
)
def test_what_a_network_may_not_be(network: dict[str, Any]) -> None:
    assert refusal(network) == "InvalidPropertyValue"


def test_what_a_network_must_name() -> None:
    assert refusal(public(provision="usermanaged")) == "MissingRequiredProperty"
    assert refusal(public(provision="nopublicipaddresses")) == "MissingRequiredProperty"


def test_resources_that_the_account_knows_may_be_named() -> None:
    world = World(Account("acct", azure_resources=frozenset({SUBNET.lower(), ADDRESS.lower()})))
    network = {"subnetId": SUBNET, **public(provision="usermanaged", ipAddressIds=[ADDRESS])}
    world.do("create_pool", a_pool(networkConfiguration=network))
    world.do(
        "create_pool",
        a_pool(
            "closed",
            nodes=1,
            networkConfiguration={"subnetId": SUBNET, **public(provision="nopublicipaddresses")},
        ),
    )
    pool = world.service.pool("closed")
    (node,) = world.service.nodes("closed")
    assert (inbound_endpoints(pool, node), remote_login(pool, node)) == ([], None)
    closed = {"subnetId": SUBNET, **public(provision="nopublicipaddresses"), **endpoints(nat_pool())}
    with pytest.raises(BatchError):
        world.do("create_pool", a_pool("both", networkConfiguration=closed))


def test_a_pool_may_be_changed_though_its_subnet_is_no_longer_known() -> None:
    world = World(Account("acct", azure_resources=frozenset({SUBNET.lower()})))
    world.do("create_pool", a_pool(networkConfiguration={"subnetId": SUBNET}))
    world.service.state.account = Account("acct")
    world.do("patch_pool", "pool", {"metadata": [{"name": "a", "value": "b"}]})
    with pytest.raises(BatchError):
        world.do("patch_pool", "pool", {"networkConfiguration": {"subnetId": SUBNET}})


def test_each_node_has_ports_of_its_own() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2, networkConfiguration=endpoints(nat_pool())))
    pool = world.service.pool("pool")
    shown = [inbound_endpoints(pool, node) for node in world.service.nodes("pool")]
    names = sorted(item["name"] for endpoint in shown for item in endpoint)
    assert names == ["SSHRule.0", "SSHRule.1", "web.0", "web.1"]
    ports = {item["name"]: (item["frontendPort"], item["backendPort"]) for found in shown for item in found}
    assert ports == {
        "web.0": (1000, 8080),
        "web.1": (1001, 8080),
        "SSHRule.0": (50000, 22),
        "SSHRule.1": (50001, 22),
    }
    assert all(found[-1]["name"].startswith("SSHRule") for found in shown)


def test_the_place_of_a_node_that_is_gone_is_taken_by_the_next() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=3))
    first = next(node for node in world.service.nodes("pool") if node.place == 0)
    world.do("remove_nodes", "pool", {"nodeList": [first.id]})
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 3})
    assert sorted(node.place for node in world.service.nodes("pool")) == [0, 1, 2]


def test_a_dual_stack_node_shows_both_addresses() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1, networkConfiguration=public(ipFamilies=["IPv4", "IPv6"])))
    pool = world.service.pool("pool")
    (node,) = world.service.nodes("pool")
    assert ipv6_address(pool, node) == "fd00::a:0:0:4"
    login = remote_login(pool, node)
    assert login is not None
    assert login.ipv6_address == "::1"
    world.do("create_pool", a_pool("single", nodes=1))
    (node,) = world.service.nodes("single")
    assert ipv6_address(world.service.pool("single"), node) is None
