from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from batch_emulator.arm.pool_shape import from_arm, identity_from_arm, to_arm
from batch_emulator.rest.contract import load_contract
from batch_emulator.rest.validation import validate_body
from batch_emulator.service.entities import Pool
from batch_emulator.service.errors import BatchError
from batch_emulator.service.pools.identities import describe
from batch_emulator.service.queries import PoolSize

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
ACCOUNT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Batch/batchAccounts/a"
IMAGE = {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"}
ARM: dict[str, Any] = {
    "vmSize": "STANDARD_D2S_V3",
    "deploymentConfiguration": {
        "virtualMachineConfiguration": {"imageReference": IMAGE, "nodeAgentSkuId": "batch.node.ubuntu 24.04"}
    },
    "scaleSettings": {"fixedScale": {"targetDedicatedNodes": 2, "resizeTimeout": "PT15M"}},
    "interNodeCommunication": "Enabled",
    "taskSchedulingPolicy": {"nodeFillType": "Pack"},
    "startTask": {
        "commandLine": "true",
        "userIdentity": {"autoUser": {"scope": "Pool", "elevationLevel": "NonAdmin"}},
    },
    "applicationPackages": [{"id": f"{ACCOUNT}/applications/app", "version": "1.0"}],
}


def spec(properties: dict[str, Any]) -> dict[str, Any]:
    return validate_body(from_arm("p", properties), "BatchPoolCreateOptions", load_contract())


def pool(**changes: Any) -> Pool:
    made = Pool("p", spec(ARM), NOW, NOW, "0x1", "active", NOW, target_dedicated=2)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_to_the_data_plane() -> None:
    made = spec(ARM)
    assert made["id"] == "p"
    assert made["virtualMachineConfiguration"]["nodeAgentSKUId"] == "batch.node.ubuntu 24.04"
    assert made["targetDedicatedNodes"] == 2
    assert made["enableInterNodeCommunication"] is True
    assert made["taskSchedulingPolicy"] == {"nodeFillType": "pack"}
    assert made["startTask"]["userIdentity"]["autoUser"] == {"scope": "pool", "elevationLevel": "nonadmin"}
    assert made["applicationPackageReferences"] == [
        {"applicationId": f"{ACCOUNT}/applications/app", "version": "1.0"}
    ]


def test_there_and_back() -> None:
    properties = to_arm(pool(), PoolSize(0, 0), ACCOUNT)["properties"]
    for name in (
        "vmSize",
        "deploymentConfiguration",
        "interNodeCommunication",
        "taskSchedulingPolicy",
        "startTask",
        "applicationPackages",
    ):
        assert properties[name] == ARM[name], name
    assert properties["scaleSettings"]["fixedScale"]["targetDedicatedNodes"] == 2
    assert properties["allocationState"] == "Steady"
    assert properties["provisioningState"] == "Succeeded"


def test_autoscale() -> None:
    scale = {"autoScale": {"formula": "$TargetDedicatedNodes=1", "evaluationInterval": "PT5M"}}
    made = pool(spec=spec({**ARM, "scaleSettings": scale}), state="deleting")
    run = {"timestamp": "2026-01-02T00:00:00Z", "results": "$TargetDedicatedNodes=1"}
    made.auto_scale_run = run
    properties = to_arm(made, PoolSize(0, 0), ACCOUNT)["properties"]
    assert properties["scaleSettings"] == scale
    assert properties["provisioningState"] == "Deleting"
    assert properties["autoScaleRun"]["evaluationTime"] == run["timestamp"]


def test_identities_are_a_map_here_and_a_list_there() -> None:
    given = {"type": "UserAssigned", "userAssignedIdentities": {"/x/id1": {}, "/x/id2": {}}}
    identity = identity_from_arm(given)
    assert identity == {
        "type": "UserAssigned",
        "userAssignedIdentities": [describe("/x/id1"), describe("/x/id2")],
    }
    shown = to_arm(pool(identity=identity), PoolSize(0, 0), ACCOUNT)["identity"]
    assert shown["userAssignedIdentities"].keys() == given["userAssignedIdentities"].keys()
    assert all(
        item.keys() == {"clientId", "principalId"} for item in shown["userAssignedIdentities"].values()
    )
    assert identity_from_arm(None) is None
    assert identity_from_arm({"type": "None"}) is None
    assert to_arm(pool(), PoolSize(0, 0), ACCOUNT)["identity"] == {"type": "None"}


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({**ARM, "certificates": []}, "UnsupportedProperty"),
        ([], "InvalidRequestBody"),
        ({**ARM, "deploymentConfiguration": "vm"}, "InvalidRequestBody"),
        (
            {**ARM, "scaleSettings": {"fixedScale": {"x": 1}, "autoScale": {"formula": ""}}},
            "InvalidPropertyValue",
        ),
    ],
)
def test_refusals(properties: Any, code: str) -> None:
    if properties == []:
        properties = ["vm"]
    with pytest.raises(BatchError) as caught:
        from_arm("p", properties)
    assert caught.value.code == code


@pytest.mark.parametrize("identity", [{"type": "SystemAssigned"}, {"type": "UserAssigned"}])
def test_other_identities_are_refused(identity: dict[str, Any]) -> None:
    with pytest.raises(BatchError, match="InvalidPropertyValue"):
        identity_from_arm(identity)
