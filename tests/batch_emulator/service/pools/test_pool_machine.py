"""Virtual machine configuration of pools (Azure Batch: *VirtualMachineConfiguration*)."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.service import Account, BatchError
from batch_emulator.service.nodes.node_extensions import extensions_of, find_extension
from batch_emulator.service.pools.images import SUPPORTED_IMAGES, find_image
from batch_emulator.service.queries import PoolSize
from tests.batch_emulator.service.builders import IMAGE, a_pool
from tests.batch_emulator.service.world import World

WINDOWS = {
    "imageReference": {
        "publisher": "microsoftwindowsserver",
        "offer": "windowsserver",
        "sku": "2022-datacenter-g2",
        "version": "latest",
    },
    "nodeAgentSKUId": "batch.node.windows amd64",
}
COMPUTE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute"
ENCRYPTION_SET = {"id": f"{COMPUTE}/diskEncryptionSets/set"}
GALLERY_IMAGE = f"{COMPUTE}/galleries/ours/images/tuned/versions/1.0.0"
ARTIFACT = f"{COMPUTE}/galleries/g/serviceArtifacts/a/vmArtifactsProfiles/p"
CONFIDENTIAL = {
    "securityProfile": {
        "securityType": "confidentialvm",
        "encryptionAtHost": False,
        "proxyAgentSettings": {"enabled": False, "imds": {"mode": "Audit"}},
        "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
    },
    "osDisk": {
        "caching": "readwrite",
        "managedDisk": {
            "securityProfile": {"securityEncryptionType": "VMGuestStateOnly"},
            "diskEncryptionSet": ENCRYPTION_SET,
        },
    },
}
EXTENSION = {"name": "one", "publisher": "Microsoft.Azure.KeyVault", "type": "KeyVaultForLinux"}
KEY = {"keyUrl": "https://v.vault.azure.net/keys/k/1", "identityReference": {"resourceId": "/i"}}


def made(machine: dict[str, Any], **more: Any) -> dict[str, Any]:
    world = World()
    world.do("create_pool", a_pool(virtualMachineConfiguration=machine, **more))
    spec: dict[str, Any] = world.service.pool("pool").spec
    return spec


def refusal(machine: dict[str, Any], **more: Any) -> str:
    with pytest.raises(BatchError) as caught:
        made(machine, **more)
    assert caught.value.status == 400
    return caught.value.code


@pytest.mark.parametrize(
    "machine",
    [
        {**WINDOWS, **CONFIDENTIAL, "windowsConfiguration": {"enableAutomaticUpdates": True}},
        {**WINDOWS, "diskEncryptionConfiguration": {"targets": ["osdisk", "temporarydisk"]}},
        {**WINDOWS, "licenseType": "Windows_Server"},
        {**IMAGE, "licenseType": "SLES_BYOS"},
        {**IMAGE, "diskEncryptionConfiguration": {"customerManagedKey": KEY, "targets": ["temporarydisk"]}},
        {**IMAGE, "osDisk": {"ephemeralOSDiskSettings": {"placement": "cachedisk"}, "diskSizeGB": 64}},
        {
            **IMAGE,
            "osDisk": {
                "writeAcceleratorEnabled": True,
                "managedDisk": {"storageAccountType": "premium_lrs"},
            },
        },
        {**IMAGE, "securityProfile": {"securityType": "trustedLaunch", "encryptionAtHost": True}},
        {**IMAGE, "serviceArtifactReference": {"id": ARTIFACT}},
        {**IMAGE, "nodePlacementConfiguration": {"policy": "zonal"}},
        {**IMAGE, "extensions": [{**EXTENSION, "settings": {"a": "b"}, "typeHandlerVersion": "1.0"}]},
    ],
)
def test_a_machine_comes_back_as_it_was_sent(machine: dict[str, Any]) -> None:
    kept = made(machine)["virtualMachineConfiguration"]
    reference = {**machine["imageReference"], "version": "latest"}
    assert kept == {**machine, "imageReference": reference}


def test_data_disks_get_the_service_s_defaults() -> None:
    disk = {"lun": 0, "diskSizeGB": 50, "managedDisk": {"diskEncryptionSet": ENCRYPTION_SET}}
    assert made({**IMAGE, "dataDisks": [disk]})["virtualMachineConfiguration"]["dataDisks"] == [
        {
            "lun": 0,
            "diskSizeGB": 50,
            "caching": "none",
            "managedDisk": {"diskEncryptionSet": ENCRYPTION_SET, "storageAccountType": "standard_lrs"},
        }
    ]


@pytest.mark.parametrize(
    "machine",
    [
        {**IMAGE, "nodeAgentSKUId": "batch.node.beos"},
        {**WINDOWS, "nodeAgentSKUId": "batch.node.ubuntu 24.04"},
        {**IMAGE, "imageReference": {"virtualMachineImageId": GALLERY_IMAGE}},
        {**IMAGE, "imageReference": {"communityGalleryImageId": "/CommunityGalleries/x/images/y"}},
        {**IMAGE, "imageReference": {"sharedGalleryImageId": "somewhere"}},
        {**IMAGE, "windowsConfiguration": {"enableAutomaticUpdates": True}},
        {**IMAGE, "licenseType": "Windows_Server"},
        {**WINDOWS, "licenseType": "RHEL_BYOS"},
        {**IMAGE, "diskEncryptionConfiguration": {"targets": ["osdisk"]}},
        {**WINDOWS, "diskEncryptionConfiguration": {"targets": ["osdisk"]}},
        {**IMAGE, "dataDisks": [{"lun": 64, "diskSizeGB": 1}]},
        {**IMAGE, "dataDisks": [{"lun": 1, "diskSizeGB": 0}]},
        {**IMAGE, "dataDisks": [{"lun": 1, "diskSizeGB": 1}] * 2},
        {
            **IMAGE,
            "dataDisks": [{"lun": 1, "diskSizeGB": 1, "managedDisk": {"diskEncryptionSet": {"id": "x"}}}],
        },
        {**IMAGE, "osDisk": {"managedDisk": {"diskEncryptionSet": {"id": "x"}}}},
        {**IMAGE, "osDisk": {"diskSizeGB": 0}},
        {**IMAGE, "osDisk": {"writeAcceleratorEnabled": True}},
        {**IMAGE, "osDisk": CONFIDENTIAL["osDisk"]},
        {
            **IMAGE,
            "securityProfile": {"proxyAgentSettings": {"imds": {"inVMAccessControlProfileReferenceId": "x"}}},
        },
        {**IMAGE, "serviceArtifactReference": {"id": "x"}},
        {**IMAGE, "extensions": [EXTENSION, EXTENSION]},
        {**IMAGE, "extensions": [{**EXTENSION, "name": "batchNodeExtension"}]},
        {**IMAGE, "extensions": [{**EXTENSION, "provisionAfterExtensions": ["two"]}]},
        {**IMAGE, "extensions": [{**EXTENSION, "provisionAfterExtensions": ["one"]}]},
    ],
)
def test_what_a_machine_may_not_be(machine: dict[str, Any]) -> None:
    assert refusal(machine) == "InvalidPropertyValue"


@pytest.mark.parametrize(
    "machine",
    [
        {**IMAGE, "dataDisks": [{"diskSizeGB": 1}]},
        {**IMAGE, "dataDisks": [{"lun": 1}]},
        {**IMAGE, "diskEncryptionConfiguration": {"customerManagedKey": {"keyUrl": "https://v"}}},
        {**IMAGE, "securityProfile": CONFIDENTIAL["securityProfile"]},
        {**IMAGE, "securityProfile": {"uefiSettings": {"vTpmEnabled": True}}},
        {**IMAGE, "extensions": [{"name": "x", "publisher": "p"}]},
    ],
)
def test_what_a_machine_must_name(machine: dict[str, Any]) -> None:
    assert refusal(machine) == "MissingRequiredProperty"


def test_a_custom_image_that_the_account_knows() -> None:
    world = World(Account("acct", azure_resources=frozenset({GALLERY_IMAGE.lower()})))
    machine = {**IMAGE, "imageReference": {"virtualMachineImageId": GALLERY_IMAGE}}
    world.do("create_pool", a_pool(nodes=1, virtualMachineConfiguration=machine))
    assert world.node_states() == ["idle"]
    mixed = {**IMAGE, "imageReference": {"virtualMachineImageId": GALLERY_IMAGE, "publisher": "x"}}
    with pytest.raises(BatchError):
        world.do("create_pool", a_pool("mixed", virtualMachineConfiguration=mixed))


def test_a_pool_of_a_windows_image_gets_no_nodes() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2, virtualMachineConfiguration=WINDOWS))
    pool = world.service.pool("pool")
    assert (pool.allocation_state, world.service.pool_size("pool")) == ("steady", PoolSize(0, 0))
    assert [error["code"] for error in pool.resize_errors] == ["AllocationFailed"]


def test_users_have_settings_of_the_pool_s_system_only() -> None:
    windows: list[dict[str, Any]] = [
        {"name": "u", "password": "p", "windowsUserConfiguration": {"loginMode": "batch"}}
    ]
    linux = [{"name": "u", "password": "p", "linuxUserConfiguration": {"uid": 1, "gid": 1}}]
    assert refusal(IMAGE, userAccounts=windows) == "InvalidPropertyValue"
    assert refusal(WINDOWS, userAccounts=linux) == "InvalidPropertyValue"
    windows[0]["windowsUserConfiguration"] = {"loginMode": "interactive"}
    plain = {"name": "v", "password": "p"}
    users = made(WINDOWS, userAccounts=[*windows, plain])["userAccounts"]
    assert [user["windowsUserConfiguration"] for user in users] == [
        {"loginMode": "interactive"},
        {"loginMode": "batch"},
    ]
    assert "windowsUserConfiguration" not in made(IMAGE, userAccounts=[plain])["userAccounts"][0]


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"mode": "rolling", "rollingUpgradePolicy": {"maxBatchInstancePercent": 20}}, None),
        ({"rollingUpgradePolicy": {}}, "MissingRequiredProperty"),
        (
            {"mode": "rolling", "rollingUpgradePolicy": {"maxBatchInstancePercent": 4}},
            "InvalidPropertyValue",
        ),
        (
            {"mode": "rolling", "rollingUpgradePolicy": {"maxUnhealthyInstancePercent": 101}},
            "InvalidPropertyValue",
        ),
        (
            {
                "mode": "rolling",
                "rollingUpgradePolicy": {"maxBatchInstancePercent": 30, "maxUnhealthyInstancePercent": 20},
            },
            "InvalidPropertyValue",
        ),
        (
            {"mode": "rolling", "rollingUpgradePolicy": {"enableCrossZoneUpgrade": True}},
            "InvalidPropertyValue",
        ),
    ],
)
def test_upgrade_policies(policy: dict[str, Any], code: str | None) -> None:
    if code is None:
        assert made(IMAGE, upgradePolicy=policy)["upgradePolicy"] == policy
    else:
        assert refusal(IMAGE, upgradePolicy=policy) == code


def test_batches_over_zones_need_nodes_in_zones() -> None:
    machine = {**IMAGE, "nodePlacementConfiguration": {"policy": "zonal"}}
    policy = {"mode": "rolling", "rollingUpgradePolicy": {"enableCrossZoneUpgrade": True}}
    assert made(machine, upgradePolicy=policy)["upgradePolicy"] == policy


def test_a_node_shows_its_extensions_with_the_service_s_own_as_the_last() -> None:
    world = World()
    world.boots = False
    machine = {**IMAGE, "extensions": [EXTENSION]}
    world.do("create_pool", a_pool(nodes=1, virtualMachineConfiguration=machine))
    pool = world.service.pool("pool")
    (node,) = world.service.nodes("pool")
    assert [item["provisioningState"] for item in extensions_of(pool, node)] == ["Creating"] * 2
    world.answer_pending()
    shown = extensions_of(pool, node)
    assert [item["vmExtension"]["name"] for item in shown] == ["one", "batchNodeExtension"]
    assert shown[0]["vmExtension"] == EXTENSION
    assert shown[0]["provisioningState"] == "Succeeded"
    assert find_extension(pool, node, "one") == shown[0]
    with pytest.raises(BatchError) as caught:
        find_extension(pool, node, "two")
    assert (caught.value.code, caught.value.status) == ("ResourceNotFound", 404)


def test_every_listed_image_can_be_found_in_any_case() -> None:
    for image in SUPPORTED_IMAGES:
        names = (image.publisher, image.offer, image.sku, image.node_agent_sku_id)
        assert find_image(*(name.upper() for name in names)) is image
