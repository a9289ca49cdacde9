"""How a pool's nodes may be connected. Source: *NetworkConfiguration* of the REST reference.

One machine has one network: what is accepted is kept and shown, and nodes show the addresses and ports that
follow from it, but there are no virtual networks, nothing is forwarded and no rule keeps anybody out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from batch_emulator.service.entities import Json
from batch_emulator.service.error_kinds import invalid, missing
from batch_emulator.service.pools.azure_ids import check_form
from batch_emulator.service.spec_checks import required, whole_number

_ROOT = "networkConfiguration"
_ADDRESSES = f"{_ROOT}.publicIPAddressConfiguration"
_POOLS = f"{_ROOT}.endpointConfiguration.inboundNATPools"
_RULES = f"{_POOLS}.networkSecurityGroupRules"
_MAX_NAT_POOLS, _MAX_RULES, _LEAST_PORTS = 5, 25, 40
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,75}[A-Za-z0-9_])?")
_SERVICE_PORTS = (29_876, 29_877)
_RESERVED = (50_000, 55_000)
_SERVICE_TAG = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


def network_configuration(body: Json) -> Json:
    """A network configuration, checked.

    :raises BatchError: ``InvalidPropertyValue``, ``MissingRequiredProperty``.
    """
    if body.get("subnetId"):
        check_form(f"{_ROOT}.subnetId", body["subnetId"], "subnet")
    addresses = body.get("publicIPAddressConfiguration") or {}
    _check_addresses(body, addresses)
    kept = dict(body)
    if "endpointConfiguration" in body:
        if addresses.get("provision") == "nopublicipaddresses":
            raise invalid(f"{_ROOT}.endpointConfiguration", "", "The nodes have no public IP addresses")
        nat_pools = required(body["endpointConfiguration"], "inboundNATPools", _POOLS)
        _check_nat_pools(nat_pools)
        kept["endpointConfiguration"] = {"inboundNATPools": nat_pools}
    return kept


def _check_addresses(body: Json, addresses: Json) -> None:
    provision = addresses.get("provision", "batchmanaged")
    ids = addresses.get("ipAddressIds") or []
    if provision == "usermanaged" and not ids:
        raise missing(f"{_ADDRESSES}.ipAddressIds")
    if provision != "usermanaged" and ids:
        raise invalid(f"{_ADDRESSES}.ipAddressIds", ids[0], "provision is not usermanaged")
    for resource_id in ids:
        check_form(f"{_ADDRESSES}.ipAddressIds", resource_id, "public IP address")
    if provision == "nopublicipaddresses" and not body.get("subnetId"):
        raise missing(f"{_ROOT}.subnetId")
    families = addresses.get("ipFamilies")
    if families is not None and sorted(families) not in (["IPv4"], ["IPv4", "IPv6"]):
        raise invalid(f"{_ADDRESSES}.ipFamilies", families, "It must be IPv4, or IPv4 and IPv6")
    if addresses.get("ipTags") and provision != "batchmanaged":
        raise invalid(f"{_ADDRESSES}.ipTags", "", "Only addresses that Batch makes can get tags")


def _check_nat_pools(nat_pools: list[Json]) -> None:
    if not 1 <= len(nat_pools) <= _MAX_NAT_POOLS:
        raise invalid(_POOLS, len(nat_pools), f"From 1 to {_MAX_NAT_POOLS} may be given")
    for nat_pool in nat_pools:
        _check_nat_pool(nat_pool)
    _each_once("name", (item["name"].lower() for item in nat_pools))
    _each_once("backendPort", (item["backendPort"] for item in nat_pools))
    ranges = sorted((item["frontendPortRangeStart"], item["frontendPortRangeEnd"]) for item in nat_pools)
    for (_, end), (start, _) in pairwise(ranges):
        if start <= end:
            raise invalid(f"{_POOLS}.frontendPortRangeStart", start, "The ranges must not overlap")
    rules = [rule for item in nat_pools for rule in item.get("networkSecurityGroupRules") or ()]
    if len(rules) > _MAX_RULES:
        raise invalid(_RULES, len(rules), f"A pool may have {_MAX_RULES} in all")


def _each_once(name: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise invalid(f"{_POOLS}.{name}", value, "Each must be given once")
        seen.add(value)


def _check_nat_pool(nat_pool: Json) -> None:
    name = str(required(nat_pool, "name", f"{_POOLS}.name"))
    if not _NAME.fullmatch(name):
        reason = (
            "Names have up to 77 letters, digits, '_', '.' and '-', begin with a letter or digit and end "
            "with a letter, digit or '_'"
        )
        raise invalid(f"{_POOLS}.name", name, reason)
    required(nat_pool, "protocol", f"{_POOLS}.protocol")
    for bound, most in (
        ("backendPort", 65_535),
        ("frontendPortRangeStart", 65_534),
        ("frontendPortRangeEnd", 65_534),
    ):
        required(nat_pool, bound, f"{_POOLS}.{bound}")
        whole_number(nat_pool, bound, 1, 1, most, f"{_POOLS}.{bound}")
    if nat_pool["backendPort"] in _SERVICE_PORTS:
        raise invalid(f"{_POOLS}.backendPort", nat_pool["backendPort"], "The Batch service uses the port")
    start, end = nat_pool["frontendPortRangeStart"], nat_pool["frontendPortRangeEnd"]
    if end - start + 1 < _LEAST_PORTS:
        raise invalid(f"{_POOLS}.frontendPortRangeEnd", end, f"A range has at least {_LEAST_PORTS} ports")
    if start <= _RESERVED[1] and end >= _RESERVED[0]:
        raise invalid(f"{_POOLS}.frontendPortRangeStart", start, "Ports 50000 to 55000 are reserved")
    _check_rules(nat_pool.get("networkSecurityGroupRules") or [])


def _check_rules(rules: list[Json]) -> None:
    priorities: set[int] = set()
    for rule in rules:
        priority = required(rule, "priority", f"{_RULES}.priority")
        whole_number(rule, "priority", 150, 150, 4096, f"{_RULES}.priority")
        if priority in priorities:
            raise invalid(f"{_RULES}.priority", priority, "Each priority must be given once")
        priorities.add(priority)
        required(rule, "access", f"{_RULES}.access")
        prefix = str(required(rule, "sourceAddressPrefix", f"{_RULES}.sourceAddressPrefix"))
        if not _is_source(prefix):
            raise invalid(
                f"{_RULES}.sourceAddressPrefix", prefix, "It must be an address, a subnet, a service tag or *"
            )
        for ports in rule.get("sourcePortRanges") or ():
            if ports != "*" and not _are_ports(ports):
                raise invalid(f"{_RULES}.sourcePortRanges", ports, "It must be a port, a range of ports or *")


def _is_source(prefix: str) -> bool:
    if prefix == "*" or _SERVICE_TAG.fullmatch(prefix):
        return True
    try:
        ipaddress.ip_network(prefix, strict=False)
    except ValueError:
        return False
    return True


def _are_ports(text: str) -> bool:
    match = _PORTS.fullmatch(text)
    if match is None:
        return False
    first, last = int(match[1]), int(match[2] or match[1])
    return first <= last <= 65_535


def nat_pools_of(spec: Json) -> Iterator[Json]:
    """The inbound NAT pools of a pool's specification."""
    network = spec.get("networkConfiguration") or {}
    yield from (network.get("endpointConfiguration") or {}).get("inboundNATPools") or ()


def own_addresses(spec: Json) -> list[str]:
    """The public IP addresses that a pool was given; empty if Batch makes them."""
    return list(_public(spec).get("ipAddressIds") or ())


def has_public_addresses(spec: Json) -> bool:
    """Whether a pool's nodes can be reached from outside."""
    return bool(_public(spec).get("provision") != "nopublicipaddresses")


def is_dual_stack(spec: Json) -> bool:
    """Whether a pool's nodes have IPv6 addresses too."""
    return "IPv6" in (_public(spec).get("ipFamilies") or ())


def _public(spec: Json) -> Json:
    found: Json = (spec.get("networkConfiguration") or {}).get("publicIPAddressConfiguration") or {}
    return found
