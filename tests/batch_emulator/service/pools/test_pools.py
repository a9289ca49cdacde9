"""What pools may be, and how they change (Azure Batch: *Nodes and pools in Azure Batch*)."""

from __future__ import annotations

from typing import Any

import pytest

from batch_emulator.service import Account, BatchError, Quotas
from tests.batch_emulator.service.builders import IMAGE, a_job, a_pool, a_task
from tests.batch_emulator.service.refusals import refusal
from tests.batch_emulator.service.world import World


@pytest.fixture
def world() -> World:
    return World()


def image(**more: Any) -> dict[str, Any]:
    return {"virtualMachineConfiguration": {**IMAGE, **more}}


def test_defaults_are_filled_in(world: World) -> None:
    world.do("create_pool", a_pool())
    pool = world.service.pool("POOL")
    assert pool.spec == {
        "vmSize": "STANDARD_D2S_V3",
        "virtualMachineConfiguration": {
            "imageReference": {
                "publisher": "canonical",
                "offer": "ubuntu-24_04-lts",
                "sku": "server",
                "version": "latest",
            },
            "nodeAgentSKUId": "batch.node.ubuntu 24.04",
        },
        "resizeTimeout": "PT15M",
        "enableAutoScale": False,
        "enableInterNodeCommunication": False,
        "taskSlotsPerNode": 1,
        "taskSchedulingPolicy": {"nodeFillType": "Spread"},
    }
    assert (pool.state, pool.allocation_state) == ("active", "steady")
    assert pool.etag.startswith("0x8D")
    assert world.service.pool_size("pool") == (0, 0)
    (counts,) = world.service.node_counts()
    assert (counts.dedicated["total"], counts.low_priority["leavingPool"]) == (0, 0)


def test_a_start_task_gets_its_defaults(world: World) -> None:
    world.do("create_pool", a_pool(startTask={"commandLine": "hostname"}))
    assert world.service.pool("pool").spec["startTask"] == {
        "commandLine": "hostname",
        "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}},
        "maxTaskRetryCount": 0,
        "waitForSuccess": True,
    }


def test_secrets_are_kept_nowhere(world: World) -> None:
    linux = {"uid": 1, "gid": 2, "sshPrivateKey": "k3y"}
    accounts = [{"name": "u", "password": "pa55", "linuxUserConfiguration": linux}]
    world.do("create_pool", a_pool(userAccounts=accounts))
    assert world.service.pool("pool").spec["userAccounts"] == [
        {"name": "u", "elevationLevel": "nonadmin", "linuxUserConfiguration": {"uid": 1, "gid": 2}}
    ]
    assert not any("pa55" in text or "k3y" in text for text in world.journal.values())


def test_records_that_one_machine_cannot_show_come_back_as_sent(world: World) -> None:
    machine = image(
        dataDisks=[{"lun": 1, "diskSizeGB": 50}],
        osDisk={"caching": "readonly"},
        diskEncryptionConfiguration={"targets": ["temporarydisk"]},
        securityProfile={"securityType": "trustedLaunch"},
        nodePlacementConfiguration={"policy": "zonal"},
        licenseType="RHEL_BYOS",
    )
    network = {"enableAcceleratedNetworking": True}
    world.do("create_pool", a_pool(**machine, networkConfiguration=network, upgradePolicy={"mode": "manual"}))
    spec = world.service.pool("pool").spec
    assert spec["virtualMachineConfiguration"]["dataDisks"] == [
        {"caching": "none", "lun": 1, "diskSizeGB": 50, "managedDisk": {"storageAccountType": "standard_lrs"}}
    ]
    assert spec["virtualMachineConfiguration"]["diskEncryptionConfiguration"] == {
        "targets": ["temporarydisk"]
    }
    assert spec["networkConfiguration"] == network
    assert spec["upgradePolicy"] == {"mode": "manual"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"vmSize": "HUGE"}, "InvalidPropertyValue"),
        ({"targetDedicatedNodes": -1}, "InvalidPropertyValue"),
        ({"resizeTimeout": "PT4M"}, "InvalidPropertyValue"),
        ({"taskSlotsPerNode": 9}, "InvalidPropertyValue"),
        ({"taskSlotsPerNode": 0}, "InvalidPropertyValue"),
        ({"autoScaleFormula": "$TargetDedicatedNodes=1;"}, "InvalidPropertyValue"),
        ({"enableAutoScale": True}, "MissingRequiredProperty"),
        (
            {
                "enableAutoScale": True,
                "autoScaleFormula": "$TargetDedicatedNodes=1;",
                "targetDedicatedNodes": 1,
            },
            "InvalidPropertyValue",
        ),
        (
            {"enableAutoScale": True, "autoScaleFormula": "$TargetDedicatedNodes="},
            "AutoScalingFormulaSyntaxError",
        ),
        ({"enableAutoScale": True, "autoScaleFormula": "x" * 8193}, "AutoScaleFormulaTooLong"),
        (
            {
                "enableAutoScale": True,
                "autoScaleFormula": "$TargetDedicatedNodes=1;",
                "autoScaleEvaluationInterval": "PT4M",
            },
            "InvalidPropertyValue",
        ),
        ({"networkConfiguration": {"subnetId": "/subscriptions/x"}}, "InvalidPropertyValue"),
        (
            {"networkConfiguration": {"publicIPAddressConfiguration": {"ipAddressIds": ["x"]}}},
            "InvalidPropertyValue",
        ),
        (
            {"networkConfiguration": {"endpointConfiguration": {"inboundNATPools": []}}},
            "InvalidPropertyValue",
        ),
        (
            {"mountConfiguration": [{"nfsMountConfiguration": {"source": "s", "relativeMountPath": "x"}}]},
            "UnsupportedProperty",
        ),
        (image(containerConfiguration={"containerImageNames": [""]}), "InvalidPropertyValue"),
        (image(extensions=[{"name": "x"}]), "MissingRequiredProperty"),
        (image(windowsConfiguration={}), "InvalidPropertyValue"),
        (image(nodeAgentSKUId="batch.node.ubuntu 22.04"), "InvalidPropertyValue"),
        (image(imageReference={"publisher": "a", "offer": "b", "sku": "c"}), "InvalidPropertyValue"),
        (image(imageReference={"virtualMachineImageId": "/subscriptions/x"}), "InvalidPropertyValue"),
        (image(dataDisks=[{"lun": 64, "diskSizeGB": 1}]), "InvalidPropertyValue"),
        (
            {"startTask": {"commandLine": "x", "containerSettings": {"imageName": ""}}},
            "MissingRequiredProperty",
        ),
        ({"startTask": {"commandLine": "x" * 32769}}, "InvalidPropertyValue"),
        ({"userAccounts": [{"name": "u"}]}, "MissingRequiredProperty"),
        ({"metadata": [{"name": "", "value": ""}]}, "EmptyMetadataKey"),
        ({"applicationPackageReferences": [{"applicationId": "app"}]}, "InvalidApplicationPackageReferences"),
    ],
)
def test_what_is_refused_on_a_new_pool(world: World, more: dict[str, Any], code: str) -> None:
    assert refusal(world, "create_pool", a_pool(**more))[0] == code
    assert list(world.service.pools()) == []


def test_a_refusal_names_the_property_and_the_reason(world: World) -> None:
    nfs = {"nfsMountConfiguration": {"source": "s", "relativeMountPath": "x"}}
    with pytest.raises(BatchError) as caught:
        world.do("create_pool", a_pool(mountConfiguration=[nfs]))
    assert caught.value.values == {
        "PropertyName": "mountConfiguration.nfsMountConfiguration",
        "Reason": "NFS file systems are not mounted here, only containers of blobs",
    }


def test_ids_and_the_pool_quota() -> None:
    world = World(Account("acct", quotas=Quotas(pools=1)))
    world.do("create_pool", a_pool("Pool"))
    assert refusal(world, "create_pool", a_pool("pOOL")) == ("PoolExists", 409)
    assert refusal(world, "create_pool", a_pool("other")) == ("PoolQuotaReached", 409)


def test_replace_properties_removes_a_start_task_that_is_left_out(world: World) -> None:
    world.do(
        "create_pool", a_pool(startTask={"commandLine": "x"}, metadata=[{"name": "foo", "value": "bar"}])
    )
    metadata = [{"name": "foo2", "value": "bar2"}]
    world.do("replace_pool_properties", "pool", {"applicationPackageReferences": [], "metadata": metadata})
    spec = world.service.pool("pool").spec
    assert "startTask" not in spec
    assert spec["metadata"] == metadata


def test_patch_leaves_what_it_does_not_name_and_clears_by_an_empty_list(world: World) -> None:
    world.do(
        "create_pool", a_pool(startTask={"commandLine": "x"}, metadata=[{"name": "foo", "value": "bar"}])
    )
    world.do("patch_pool", "pool", {"metadata": []})
    spec = world.service.pool("pool").spec
    assert spec["startTask"]["commandLine"] == "x"
    assert "metadata" not in spec
    world.do("patch_pool", "pool", {"vmSize": "STANDARD_D4S_V3", "taskSlotsPerNode": 16})
    assert world.service.pool("pool").spec["taskSlotsPerNode"] == 16


def test_most_properties_change_only_while_the_pool_is_empty(world: World) -> None:
    world.do("create_pool", a_pool(nodes=1))
    body = {"taskSlotsPerNode": 2}
    assert refusal(world, "patch_pool", "pool", body) == ("OperationInvalidForCurrentState", 409)
    world.do("patch_pool", "pool", {"metadata": [{"name": "a", "value": "b"}]})


def test_patching_slots_checks_them_against_the_size(world: World) -> None:
    world.do("create_pool", a_pool())
    assert refusal(world, "patch_pool", "pool", {"taskSlotsPerNode": 9}) == ("InvalidPropertyValue", 400)


def test_delete_takes_the_nodes_and_lets_the_job_wait(world: World) -> None:
    world.releases = False
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("create_task", "job", a_task())
    world.do("delete_pool", "pool")
    assert world.service.pool("pool").state == "deleting"
    assert refusal(world, "delete_pool", "pool") == ("PoolBeingDeleted", 409)
    assert refusal(world, "patch_pool", "pool", {}) == ("PoolBeingDeleted", 409)
    assert refusal(world, "resize_pool", "pool", {"targetDedicatedNodes": 1}) == ("PoolBeingDeleted", 409)
    assert refusal(world, "create_pool", a_pool()) == ("PoolBeingDeleted", 409)
    world.answer_pending()
    assert refusal(world, "delete_pool", "pool") == ("PoolNotFound", 404)
    assert (world.task().state, world.task().requeue_count) == ("active", 1)
    world.do("create_pool", a_pool(nodes=1))
    assert world.running_tasks() == ["task"]


def test_an_empty_pool_is_gone_at_once_when_deleted(world: World) -> None:
    world.do("create_pool", a_pool())
    world.do("delete_pool", "pool")
    assert list(world.service.pools()) == []
    assert not world.left()


def test_pools_are_listed_in_order_of_their_ids(world: World) -> None:
    for name in ("b", "a", "C"):
        world.do("create_pool", a_pool(name))
    assert [pool.id for pool in world.service.pools()] == ["C", "a", "b"]
    assert [pool.id for pool in world.service.pools("C")] == ["a", "b"]
