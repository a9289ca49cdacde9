"""The older official clients, as published, against the emulator; and their contracts against ours."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from batch_emulator.rest.contract import Contract, load_contract
from tests.batch_emulator.runtime.served import Served
from tests.clients.older_python import VERSIONS, OlderPython

pytestmark = pytest.mark.slow

# What the roots of requests and answers are called by the newest client, and by these.
ROOTS = {
    "BatchPoolCreateOptions": "PoolAddParameter",
    "BatchPoolUpdateOptions": "PoolPatchParameter",
    "BatchPoolEnableAutoScaleOptions": "PoolEnableAutoScaleParameter",
    "BatchPoolEvaluateAutoScaleOptions": "PoolEvaluateAutoScaleParameter",
    "BatchPoolResizeOptions": "PoolResizeParameter",
    "BatchPoolReplaceOptions": "PoolUpdatePropertiesParameter",
    "BatchNodeRemoveOptions": "NodeRemoveParameter",
    "BatchPool": "CloudPool",
    "AutoScaleRun": "AutoScaleRun",
    "BatchApplication": "ApplicationSummary",
    "BatchPoolUsageMetrics": "PoolUsageMetrics",
    "BatchSupportedImage": "ImageInformation",
    "BatchPoolNodeCounts": "PoolNodeCounts",
    "BatchNodeUserCreateOptions": "ComputeNodeUser",
    "BatchNodeUserReplaceOptions": "NodeUpdateUserParameter",
    "BatchNode": "ComputeNode",
    "BatchNodeRebootOptions": "NodeRebootParameter",
    "BatchNodeReimageOptions": "NodeReimageParameter",
    "BatchNodeDisableSchedulingOptions": "NodeDisableSchedulingParameter",
    "BatchNodeRemoteLoginSettings": "ComputeNodeGetRemoteLoginSettingsResult",
    "UploadBatchServiceLogsOptions": "UploadBatchServiceLogsConfiguration",
    "UploadBatchServiceLogsResult": "UploadBatchServiceLogsResult",
    "BatchNodeVMExtension": "NodeVMExtension",
    "BatchNodeFile": "NodeFile",
    "BatchJobCreateOptions": "JobAddParameter",
    "BatchJobUpdateOptions": "JobPatchParameter",
    "BatchJobDisableOptions": "JobDisableParameter",
    "BatchJobTerminateOptions": "JobTerminateParameter",
    "BatchJob": "CloudJob",
    "BatchJobPreparationAndReleaseTaskStatus": "JobPreparationAndReleaseTaskExecutionInformation",
    "BatchTaskCountsResult": "TaskCountsResult",
    "BatchJobScheduleCreateOptions": "JobScheduleAddParameter",
    "BatchJobScheduleUpdateOptions": "JobSchedulePatchParameter",
    "BatchJobSchedule": "CloudJobSchedule",
    "BatchTaskCreateOptions": "TaskAddParameter",
    "BatchTaskGroup": "TaskAddCollectionParameter",
    "BatchCreateTaskCollectionResult": "TaskAddCollectionResult",
    "BatchTask": "CloudTask",
    "BatchSubtask": "SubtaskInformation",
    "BatchError": "BatchError",
    "Certificate": "Certificate",
    "CertificateCreateOptions": "CertificateAddParameter",
}
SCALARS = {
    "str": "string", "int": "integer", "long": "int64", "bool": "boolean", "iso-8601": "datetime",
    "duration": "duration", "float": "number", "object": "any",
}  # fmt: skip
# Texts of older clients that the newest knows more of; on the wire they are the same.
LOOSER = {("BatchContainerConfiguration", "type"), ("InstanceViewStatus", "time")}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_contract_is_the_clients(older_python: OlderPython, version: str) -> None:
    theirs = older_python.run(version, "msrest_contract.py")
    assert differences(load_contract(VERSIONS[version][0]), theirs) == []


def differences(ours: Contract, theirs: dict[str, Any]) -> list[object]:
    """Where two contracts disagree, model by model from the roots down."""
    found: list[object] = []
    seen: set[str] = set()
    waiting = list(ROOTS.items())
    while waiting:
        mine, other = waiting.pop()
        if mine in seen:
            continue
        seen.add(mine)
        my_properties, their_properties = ours.models[mine], theirs["models"][other]
        found += [(mine, name) for name in my_properties.keys() ^ their_properties.keys()]
        for name in my_properties.keys() & their_properties.keys():
            my_type = my_properties[name].type.strip("[]{}")
            their_type = their_properties[name].strip("[]{}!~")
            if my_type in ours.models:
                waiting.append((my_type, their_type))
            elif (mine, name) not in LOOSER and not _same(my_type, their_type, ours, theirs):
                found.append((mine, name, my_type, their_type))
    return found


def _same(mine: str, other: str, ours: Contract, theirs: dict[str, Any]) -> bool:
    if mine in ours.enums:
        values = theirs["enums"].get(other, ())
        return {value.lower() for value in ours.enums[mine]} == {value.lower() for value in values}
    return SCALARS.get(other) == mine


@pytest.mark.parametrize("version", ["11.0.0", "13.0.0", "14.2.0"])
async def test_a_day_of_the_client(older_python: OlderPython, emulator: Served, version: str) -> None:
    told = await asyncio.to_thread(
        older_python.run,
        version,
        "msrest_scenario.py",
        emulator.facts["https-endpoint"],
        emulator.facts["account"],
        emulator.facts["key"],
        emulator.facts["ca-certificate"],
        f"day-{version.replace('.', '-')}",
    )
    assert told["exists"] == [True, False]
    _check_pool(told)
    assert told["added"] == ["TaskAddStatus.success"]
    assert told["task"]["execution_info"]["exit_code"] == 0  # the token was there
    assert told["task"]["authentication_token_settings"] == {"access": ["job"]}
    assert told["ids"] == sorted(["one", *(f"more-{number:03}" for number in range(130))])
    assert (told["output"], told["length"]) == ("seen\n", 5)
    assert "stdout.txt" in told["files"]
    assert told["subtasks"] == []
    assert told["node"]["scheduling_state"] == "enabled"
    assert [item["dedicated"]["total"] for item in told["counts"]] == [1]
    assert told["certificates"] == []
    assert told["priority"] == 3
    assert told["evaluated"].startswith("$TargetDedicatedNodes=1;")
    assert told["refused"] == {
        "a missing pool": "PoolNotFound",
        "the same job": "JobExists",
        "a cloud service": "InvalidPropertyValue",
        "a certificate": "CertificateNotFound",
        "a stop of nothing": "ConditionNotMet",
    }


def _check_pool(told: dict[str, Any]) -> None:
    pool = told["pool"]
    assert pool["application_licenses"] == ["maya"]
    (disk,) = pool["virtual_machine_configuration"]["data_disks"]
    assert disk == {"lun": 1, "caching": "none", "disk_size_gb": 50, "storage_account_type": "premium_lrs"}
    assert pool.get("resource_tags") == ({"cost": "none"} if "resource_tags" in told["records"] else None)
    mode = "classic" if "target_node_communication_mode" in told["records"] else None
    assert pool.get("current_node_communication_mode") == mode
