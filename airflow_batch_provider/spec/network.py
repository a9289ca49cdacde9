"""How a pool's nodes are reached, and what they reach: subnet, public addresses, inbound endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_batch_provider.spec.arm_ids import check_subnet
from airflow_batch_provider.spec.checks import (
    Count,
    check_choice,
    check_count,
    check_plain,
    check_records,
    check_texts,
)
from airflow_batch_provider.spec.errors import SpecError
from airflow_batch_provider.spec.values import present

_WHERE = "network of a pool"
_PORTS = (1, 65_535)


@dataclass(frozen=True, kw_only=True)
class NetworkRule:
    """Who may reach an inbound endpoint.

    Parameters:
        priority: 150 to 4096; the lowest number that fits decides.
        source: an address, a range such as ``10.0.0.0/24``, a service tag or ``*``.
        allow: whether it may.
        source_ports: ports or ranges of the caller; none: any.
    """

    priority: Count
    source: str
    allow: bool = True
    source_ports: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_count(self.priority, 150, 4096, where=f"priority of a rule, {_WHERE}")
        check_texts(f"rule, {_WHERE}", source=self.source)

    def to_wire(self) -> dict[str, Any]:
        """The wire model NetworkSecurityGroupRule."""
        access = "allow" if self.allow else "deny"
        wire = {"priority": self.priority, "access": access, "sourceAddressPrefix": self.source}
        return present({**wire, "sourcePortRanges": list(self.source_ports)})


@dataclass(frozen=True, kw_only=True)
class InboundEndpoint:
    """A port of every node that can be reached from outside.

    Parameters:
        name: unique within the pool.
        port: on the node; the service keeps 22 on Linux, 3389 on Windows and 29876, 29877 for itself.
        public_ports: first and last port on the load balancer; at least 40 of them, from 1 to 65534.
        protocol: ``tcp`` or ``udp``.
        rules: who may reach it; none: everybody.
    """

    name: str
    port: Count
    public_ports: tuple[int, int]
    protocol: Literal["tcp", "udp"] = "tcp"
    rules: Sequence[NetworkRule] = ()

    def __post_init__(self) -> None:
        where = f"inbound endpoint {self.name!r}"
        check_texts(where, name=self.name)
        check_count(self.port, *_PORTS, where=f"port of {where}")
        check_choice(self.protocol, ("tcp", "udp"), what="protocol", where=where)
        check_records(self.rules, NetworkRule, what="rules", where=where)
        first, last = (
            check_count(port, *_PORTS, where=f"public_ports of {where}") for port in self.public_ports
        )
        if isinstance(first, int) and isinstance(last, int) and last - first < 39:
            # Azure Batch REST reference: *Add pool*, InboundNATPool: a range holds at least 40 ports.
            raise SpecError(
                f"public_ports is {first} to {last}", where=where, right="The range holds at least 40 ports."
            )

    def to_wire(self) -> dict[str, Any]:
        """The wire model BatchInboundNatPool."""
        first, last = self.public_ports
        wire = {
            "name": self.name,
            "protocol": self.protocol,
            "backendPort": self.port,
            "frontendPortRangeStart": first,
            "frontendPortRangeEnd": last,
            "networkSecurityGroupRules": [rule.to_wire() for rule in self.rules],
        }
        return present(wire)


@dataclass(frozen=True, kw_only=True)
class Network:
    """The network of a pool.

    Parameters:
        subnet_id: ARM id of the subnet that the nodes join; None: one that the service keeps.
        public_addresses: ``managed``: the service makes them; ``none``: the nodes have none, and need a
            subnet with another way out; or the ARM ids of your own, one for every 100 nodes.
        endpoints: ports of the nodes that can be reached from outside.
        job_networks: let jobs bring a subnet of their own.
        accelerated: accelerated networking, for sizes that have it; None: as the service decides.
    """

    subnet_id: str | None = None
    public_addresses: Literal["managed", "none"] | Sequence[str] = "managed"
    endpoints: Sequence[InboundEndpoint] = ()
    job_networks: bool = False
    accelerated: bool | None = None

    def __post_init__(self) -> None:
        if isinstance(self.public_addresses, str):
            check_choice(self.public_addresses, ("managed", "none"), what="public_addresses", where=_WHERE)
        check_plain(self.subnet_id, lambda plain: check_subnet(plain, _WHERE))
        check_records(self.endpoints, InboundEndpoint, what="endpoints", where=_WHERE)
        if self.public_addresses != "managed" and not self.subnet_id:
            raise SpecError(
                "public_addresses is given without a subnet",
                where=_WHERE,
                right="Give subnet_id: the nodes are in your own network then.",
            )
        if self.public_addresses == "none" and self.endpoints:
            raise SpecError(
                "it has endpoints and no public addresses",
                where=_WHERE,
                right="Leave endpoints out: the nodes are reached within the subnet.",
            )

    def to_wire(self) -> dict[str, Any]:
        """The wire model NetworkConfiguration."""
        addresses: dict[str, Any] | None = None
        if self.public_addresses == "none":
            addresses = {"provision": "nopublicipaddresses"}
        elif not isinstance(self.public_addresses, str):
            addresses = {"provision": "usermanaged", "ipAddressIds": list(self.public_addresses)}
        endpoints = [endpoint.to_wire() for endpoint in self.endpoints]
        return present(
            {
                "subnetId": self.subnet_id,
                "publicIPAddressConfiguration": addresses,
                "endpointConfiguration": {"inboundNATPools": endpoints} if endpoints else None,
                "dynamicVNetAssignmentScope": "job" if self.job_networks else None,
                "enableAcceleratedNetworking": self.accelerated,
            }
        )
