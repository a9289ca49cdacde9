"""What counts as a difference between a declared pool and the one that is there."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_drift import find_drift
from airflow_batch_provider.spec import NfsMount, Pool

DECLARED: dict[str, Any] = {
    "id": "p",
    "vmSize": "standard_d2s_v3",
    "virtualMachineConfiguration": {
        "imageReference": {"publisher": "canonical", "offer": "o", "sku": "s", "version": "latest"},
        "nodeAgentSKUId": "batch.node.ubuntu 22.04",
    },
    "targetDedicatedNodes": 2,
    "targetLowPriorityNodes": 0,
    "resizeTimeout": "PT15M",
    "taskSlotsPerNode": 1,
    "taskSchedulingPolicy": {"nodeFillType": "pack"},
    "enableInterNodeCommunication": False,
    "startTask": {
        "commandLine": "x",
        "resourceFiles": [{"httpUrl": "https://s/c/b?sig=1", "filePath": "b"}],
    },
    "metadata": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}],
}


def actual(**changes: Any) -> dict[str, Any]:
    """The pool as the service would give it back, with defaults filled in."""
    return {
        **DECLARED,
        "vmSize": "STANDARD_D2S_V3",
        "state": "active",
        "allocationState": "steady",
        "resizeTimeout": "PT5M",
        "enableAutoScale": False,
        "taskSchedulingPolicy": {"nodeFillType": "Pack"},
        "startTask": {
            "commandLine": "x",
            "resourceFiles": [{"httpUrl": "https://s/c/b?sig=2", "filePath": "b", "fileMode": "0770"}],
            "waitForSuccess": True,
        },
        "metadata": [{"name": "b", "value": "2"}, {"name": "a", "value": "1"}],
        "currentDedicatedNodes": 1,
        **changes,
    }


def test_spelling_order_defaults_and_signatures_are_no_differences() -> None:
    assert find_drift(DECLARED, actual()) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"vmSize": "standard_d4s_v3"}, "vmSize"),
        ({"targetDedicatedNodes": 3}, "targetDedicatedNodes"),
        ({"taskSchedulingPolicy": {"nodeFillType": "Spread"}}, "taskSchedulingPolicy.nodeFillType"),
        ({"enableAutoScale": True}, "enableAutoScale"),
        ({"enableInterNodeCommunication": True}, "enableInterNodeCommunication"),
        ({"metadata": [{"name": "a", "value": "1"}]}, "metadata"),
        ({"metadata": [{"name": "a", "value": "1"}, {"name": "b", "value": "3"}]}, "metadata[1].value"),
        ({"startTask": None}, "startTask"),
        (
            {"startTask": {**DECLARED["startTask"], "commandLine": "X"}},
            "startTask.commandLine",
        ),
        (
            {"applicationPackageReferences": [{"applicationId": "/x"}]},
            "applicationPackageReferences",
        ),
    ],
)
def test_each_difference_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    assert [difference.path for difference in find_drift(DECLARED, actual(**changes))] == [path]


def test_a_start_task_that_is_no_longer_declared_is_a_difference() -> None:
    declared = {name: value for name, value in DECLARED.items() if name != "startTask"}
    assert [difference.top for difference in find_drift(declared, actual())] == ["startTask"]


def test_durations_and_formulas_are_compared_by_meaning() -> None:
    declared = {
        "enableAutoScale": True,
        "autoScaleFormula": "$a = 1;\n$b = 2;\n",
        "autoScaleEvaluationInterval": "PT90M",
    }
    there = {
        "enableAutoScale": True,
        "autoScaleFormula": "$a = 1;\r\n$b = 2;",
        "autoScaleEvaluationInterval": "PT1H30M",
    }
    assert find_drift(declared, there) == []
    there["autoScaleEvaluationInterval"] = "PT1H"
    (difference,) = find_drift(declared, there)
    assert str(difference) == "autoScaleEvaluationInterval: declared PT90M, is PT1H"


def test_secrets_that_the_service_never_returns_are_not_compared_and_urls_show_no_sas() -> None:
    declared = {"userAccounts": [{"name": "u", "password": "hush"}]}
    assert find_drift(declared, {"userAccounts": [{"name": "u", "elevationLevel": "nonadmin"}]}) == []
    (difference,) = find_drift({"x": "https://s/c?sig=secret"}, {})
    assert "secret" not in str(difference)


def test_pain_025_a_changed_mount_is_told() -> None:
    def wire(source: str) -> dict[str, Any]:
        pool = Pool(id="p", vm_size="standard_d2s_v5", mounts=[NfsMount(source=source, path="data")])
        return pool.to_wire(_Account())

    (difference,) = find_drift(wire("server:/new"), wire("server:/old"))
    assert "declared server:/new, is server:/old" in str(difference)
    assert difference.top == "mountConfiguration"


class _Account:
    account_resource_id = ""
