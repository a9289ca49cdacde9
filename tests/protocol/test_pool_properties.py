"""Pools with everything that the client's own tests ask for, and the nodes that they get."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from azure.batch import models
from azure.core.exceptions import HttpResponseError

from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow

DISK_ENCRYPTION_SET = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/group/providers"
    "/Microsoft.Compute/diskEncryptionSets/set"
)
UBUNTU = models.BatchVmImageReference(
    publisher="Canonical", offer="0001-com-ubuntu-server-jammy", sku="22_04-lts"
)


def linux(**more: object) -> models.VirtualMachineConfiguration:
    return models.VirtualMachineConfiguration(
        image_reference=UBUNTU, node_agent_sku_id="batch.node.ubuntu 22.04", **more
    )


def nat_pool(protocol: str, backend: int, first: int, last: int) -> models.BatchInboundNatPool:
    rule = models.NetworkSecurityGroupRule(priority=150, access="allow", source_address_prefix="*")
    return models.BatchInboundNatPool(
        name="TestEndpointConfig",
        protocol=protocol,
        backend_port=backend,
        frontend_port_range_start=first,
        frontend_port_range_end=last,
        network_security_group_rules=[rule],
    )


async def test_a_confidential_windows_pool_keeps_what_it_was_given(batch: Driver, name: str) -> None:
    disk = models.ManagedDisk(
        security_profile=models.BatchVmDiskSecurityProfile(security_encryption_type="VMGuestStateOnly"),
        disk_encryption_set=models.DiskEncryptionSetParameters(id=DISK_ENCRYPTION_SET),
    )
    machine = models.VirtualMachineConfiguration(
        image_reference=models.BatchVmImageReference(
            publisher="microsoftwindowsserver",
            offer="windowsserver",
            sku="2022-datacenter-g2",
            version="latest",
        ),
        node_agent_sku_id="batch.node.windows amd64",
        windows_configuration=models.WindowsConfiguration(enable_automatic_updates=True),
        security_profile=models.SecurityProfile(
            security_type=models.SecurityTypes.CONFIDENTIAL_VM,
            encryption_at_host=False,
            proxy_agent_settings=models.ProxyAgentSettings(
                enabled=False, imds=models.HostEndpointSettings(mode="Audit")
            ),
            uefi_settings=models.BatchUefiSettings(secure_boot_enabled=True, vtpm_enabled=True),
        ),
        os_disk=models.BatchOsDisk(caching="readwrite", managed_disk=disk),
        data_disks=[
            models.DataDisk(
                logical_unit_number=0,
                disk_size_gb=50,
                managed_disk=models.ManagedDisk(
                    disk_encryption_set=models.DiskEncryptionSetParameters(id=DISK_ENCRYPTION_SET),
                    storage_account_type="standard_lrs",
                ),
            )
        ],
    )
    await batch.call(
        "create_pool",
        models.BatchPoolCreateOptions(
            id=name, vm_size="standard_d2s_v3", virtual_machine_configuration=machine
        ),
    )
    kept = (await batch.call("get_pool", name)).virtual_machine_configuration
    assert kept.security_profile.security_type is models.SecurityTypes.CONFIDENTIAL_VM
    assert kept.security_profile.proxy_agent_settings.enabled is False
    assert kept.security_profile.proxy_agent_settings.imds.mode is models.HostEndpointSettingsModeTypes.AUDIT
    assert kept.os_disk.managed_disk.disk_encryption_set.id == DISK_ENCRYPTION_SET
    assert kept.os_disk.managed_disk.security_profile.security_encryption_type == "VMGuestStateOnly"
    assert kept.data_disks[0].managed_disk.disk_encryption_set.id == DISK_ENCRYPTION_SET
    await batch.run("begin_delete_pool", name)


async def test_endpoints_of_a_dual_stack_node(batch: Driver, name: str) -> None:
    network = models.NetworkConfiguration(
        endpoint_configuration=models.BatchPoolEndpointConfiguration(
            inbound_nat_pools=[nat_pool("tcp", 3389, 15000, 15100)]
        ),
        public_ip_address_configuration=models.BatchPublicIpAddressConfiguration(
            ip_families=[models.IPFamily.IPV4, models.IPFamily.IPV6]
        ),
    )
    pool = models.BatchPoolCreateOptions(
        id=name,
        vm_size="standard_d2s_v3",
        target_dedicated_nodes=1,
        virtual_machine_configuration=linux(),
        network_configuration=network,
    )
    await batch.call("create_pool", pool)
    await batch.until(lambda pool: pool.allocation_state == "steady", "get_pool", name)
    [node] = await batch.list("list_nodes", name)
    first, second = node.endpoint_configuration.inbound_endpoints
    assert (first.name, first.protocol, first.frontend_port) == ("TestEndpointConfig.0", "tcp", 15000)
    assert (second.name, second.backend_port) == ("SSHRule.0", 22)
    assert node.ipv6_address
    login = await batch.call("get_node_remote_login_settings", name, node.id)
    assert login.ipv6_remote_login_ip_address is not None
    assert login.ipv6_remote_login_port == login.remote_login_port
    await batch.run("begin_delete_pool", name)


async def test_extensions_of_a_node(batch: Driver, name: str) -> None:
    extension = models.VMExtension(
        name="secretext",
        type="KeyVaultForLinux",
        publisher="Microsoft.Azure.KeyVault",
        type_handler_version="1.0",
        auto_upgrade_minor_version=True,
        protected_settings={"key": "hidden"},
    )
    pool = models.BatchPoolCreateOptions(
        id=name,
        vm_size="standard_d2s_v3",
        target_dedicated_nodes=1,
        virtual_machine_configuration=linux(extensions=[extension]),
    )
    await batch.call("create_pool", pool)
    await batch.until(lambda pool: pool.allocation_state == "steady", "get_pool", name)
    [node] = await batch.list("list_nodes", name)
    first, last = await batch.list("list_node_extensions", name, node.id, max_results=1)
    assert first.vm_extension.protected_settings is None
    found = await batch.call("get_node_extension", name, node.id, last.vm_extension.name)
    assert found.vm_extension.name == "batchNodeExtension"
    assert found.vm_extension.publisher == "Microsoft.Azure.Extensions"
    assert found.vm_extension.type == "CustomScript"
    assert (found.provisioning_state, found.instance_view.statuses[0].level) == ("Succeeded", "Info")
    await batch.run("begin_delete_pool", name)


async def test_usage_metrics(batch: Driver) -> None:
    assert await batch.list("list_pool_usage_metrics", filter="poolId eq 'none'") == []
    now = datetime.now(timezone.utc)
    start, end = now - timedelta(days=1), now - timedelta(hours=3)
    found = await batch.list("list_pool_usage_metrics", start_time=start, end_time=end, max_results=1)
    assert found == []  # nothing was there as long ago as that
    with pytest.raises(HttpResponseError) as caught:
        await batch.list("list_pool_usage_metrics", start_time=now)
    assert caught.value.error.code == "OutOfRangeQueryParameterValue"  # type: ignore[union-attr]


async def test_pool_statistics(batch: Driver, name: str) -> None:
    machine = linux()
    pool = models.BatchPoolCreateOptions(
        id=name, vm_size="standard_d2s_v3", virtual_machine_configuration=machine
    )
    await batch.call("create_pool", pool)
    assert (await batch.call("get_pool", name)).pool_statistics is None
    found = await batch.call("get_pool", name, expand=["stats"])
    assert found.pool_statistics.usage_statistics.dedicated_core_time == timedelta(0)
    [listed] = await batch.list("list_pools", filter=f"id eq '{name}'", select=["id", "stats"])
    assert listed.pool_statistics.last_update_time >= found.pool_statistics.last_update_time
    await batch.run("begin_delete_pool", name)


async def test_supported_images(batch: Driver) -> None:
    images = await batch.list("list_supported_images", max_results=7)
    windows = await batch.list("list_supported_images", filter="osType eq 'windows'")
    assert {image.node_agent_sku_id for image in windows} == {"batch.node.windows amd64"}
    unverified = await batch.list("list_supported_images", filter="verificationType ne 'verified'")
    assert {image.image_reference.publisher for image in unverified} == {"debian"}
    jammy = await batch.list("list_supported_images", filter="nodeAgentSKUId eq 'batch.node.ubuntu 22.04'")
    assert {image.image_reference.offer for image in jammy} == {"0001-com-ubuntu-server-jammy", "ubuntu-hpc"}
    assert len(images) > len(windows) + len(unverified) + len(jammy)
    [container] = [image for image in images if image.image_reference.offer == "ubuntu-server-container"]
    assert container.batch_support_end_of_life
    assert {"DockerCompatible", "NvidiaTeslaDriverInstalled"} <= {*container.capabilities}
