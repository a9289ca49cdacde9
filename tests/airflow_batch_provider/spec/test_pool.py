"""Declaring pools: the wire form, errors at DAG parse, templates, fingerprints."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_batch_provider.spec import (
    AutoScale,
    FixedScale,
    Image,
    Package,
    Pool,
    SpecError,
    StartTask,
    blob,
    pending_tasks,
    shell,
)

ACCOUNT = SimpleNamespace(account_resource_id="/subscriptions/s/batchAccounts/a")


def a_pool(**fields: Any) -> Pool:
    return Pool(**{"id": "p", "vm_size": "standard_d2s_v3", **fields})


def test_the_smallest_pool() -> None:
    assert a_pool().to_wire(ACCOUNT) == {
        "id": "p",
        "vmSize": "standard_d2s_v3",
        "virtualMachineConfiguration": {
            "imageReference": {
                "publisher": "canonical",
                "offer": "0001-com-ubuntu-server-jammy",
                "sku": "22_04-lts",
                "version": "latest",
            },
            "nodeAgentSKUId": "batch.node.ubuntu 22.04",
        },
        "targetDedicatedNodes": 0,
        "targetLowPriorityNodes": 0,
        "resizeTimeout": "PT15M",
        "taskSlotsPerNode": 1,
        "taskSchedulingPolicy": {"nodeFillType": "spread"},
        "enableInterNodeCommunication": False,
    }


def test_a_pool_with_everything() -> None:
    pool = a_pool(
        image=Image.UBUNTU_24_04,
        scale=AutoScale("$TargetDedicatedNodes = 1;", dt.timedelta(minutes=10)),
        task_slots=4,
        fill="pack",
        start_task=StartTask(
            ["prepare", "with space"],
            inputs={"tool": blob("tools/tool"), "all": blob("tools/sub/"), "web": "https://example.com/x"},
            environment={"A": "1"},
            admin=True,
            retries=2,
        ),
        packages=["ffmpeg==7.1", Package("tools")],
        metadata={"team": "video"},
        display_name="Pool",
        vm_configuration={"osDisk": {"caching": "readonly"}},
        properties={"upgradePolicy": {"mode": "manual"}},
    )
    wire = pool.to_wire(ACCOUNT)
    assert "targetDedicatedNodes" not in wire
    assert (wire["enableAutoScale"], wire["autoScaleEvaluationInterval"]) == (True, "PT10M")
    assert wire["applicationPackageReferences"] == [
        {"applicationId": "/subscriptions/s/batchAccounts/a/applications/ffmpeg", "version": "7.1"},
        {"applicationId": "/subscriptions/s/batchAccounts/a/applications/tools"},
    ]
    start = wire["startTask"]
    assert start["commandLine"] == "prepare 'with space'"
    assert start["userIdentity"]["autoUser"] == {"scope": "pool", "elevationLevel": "admin"}
    assert [sorted(file) for file in start["resourceFiles"]] == [
        ["filePath", "httpUrl"],
        ["blobPrefix", "filePath", "storageContainerUrl"],
        ["filePath", "httpUrl"],
    ]
    assert wire["virtualMachineConfiguration"]["osDisk"] == {"caching": "readonly"}
    assert wire["upgradePolicy"] == {"mode": "manual"}
    assert wire["metadata"] == [{"name": "team", "value": "video"}]


def test_the_wire_form_is_what_the_sdk_understands() -> None:
    from azure.batch.models import BatchPoolCreateOptions

    wire = a_pool(scale=pending_tasks(5), start_task=StartTask(shell("true"))).to_wire(ACCOUNT)
    model = BatchPoolCreateOptions(wire)
    assert model.auto_scale_evaluation_interval == dt.timedelta(minutes=5)
    assert model.start_task is not None
    assert model.start_task.wait_for_success is True


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"id": "a b"}, ["'a b'", "a-b"]),
        ({"id": "x" * 65}, ["65 characters", "64"]),
        ({"vm_size": ""}, ["vm_size", "standard_d4s_v3"]),
        ({"task_slots": 0}, ["task_slots", "1 to 256"]),
        ({"task_slots": 257}, ["256"]),
        ({"task_slots": 2, "inter_node_communication": True}, ["one task slot"]),
        ({"fill": "stack"}, ["Did you mean 'pack'"]),
        ({"scale": 3}, ["FixedScale"]),
        ({"image": "ubuntu"}, ["Image.UBUNTU_22_04"]),
        ({"start_task": "true"}, ["StartTask(...)"]),
        ({"vm_size": "big one"}, ["vm_size is 'big one'", "'standard_d4s_v3'"]),
        ({"packages": "ffmpeg"}, ["['ffmpeg']"]),
        ({"packages": ["a"] * 11}, ["at most 10"]),
        ({"packages": ["name=1"]}, ["other characters"]),
        ({"packages": ["name=="]}, ["name==version"]),
        ({"properties": {"netwrokConfiguration": {}}}, ["Did you mean 'networkConfiguration'"]),
        ({"vm_configuration": {"osdisk": {}}}, ["Did you mean 'osDisk'"]),
        ({"display_name": "x" * 1025}, ["1024"]),
    ],
)
def test_mistakes_are_errors_at_dag_parse(fields: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        a_pool(**fields)
    for word in words:
        assert word in str(caught.value)


def test_a_start_task_cannot_use_what_runs_later() -> None:
    from airflow_batch_provider.spec import TaskOutput

    with pytest.raises(SpecError, match="runs later"):
        StartTask("x", inputs={"a": TaskOutput("t", "a")})


def test_a_prefix_of_another_account_is_refused_when_the_pool_is_made() -> None:
    from airflow_batch_provider.client.connect.storage_settings import StorageSettings
    from airflow_batch_provider.client.files.storage import StorageAccess

    files = StorageAccess(StorageSettings.from_connection_string("UseDevelopmentStorage=true"))
    there = StartTask("x", inputs={"d": blob("https://elsewhere.blob.core.windows.net/data/p/")})
    with pytest.raises(SpecError, match="another storage account"):
        a_pool(start_task=there).to_wire(ACCOUNT, files)
    here = StartTask("x", inputs={"d": blob("http://127.0.0.1:10000/devstoreaccount1/data/p/")})
    (file,) = a_pool(start_task=here).to_wire(ACCOUNT, files)["startTask"]["resourceFiles"]
    assert file["blobPrefix"] == "p/"


@pytest.mark.parametrize(
    "fields",
    [
        {"publisher": "p", "offer": "o", "sku": "s"},
        {"publisher": "p", "node_agent": "n"},
        {"custom_id": "/x", "publisher": "p", "offer": "o", "sku": "s", "node_agent": "n"},
    ],
)
def test_half_an_image_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(SpecError, match="image of a pool"):
        Image(**fields)  # type: ignore[arg-type]


def test_a_custom_image() -> None:
    wire = Image(custom_id="/subscriptions/s/images/i", node_agent="batch.node.ubuntu 22.04").to_wire()
    assert wire["imageReference"] == {"virtualMachineImageId": "/subscriptions/s/images/i"}


def test_templates_are_rendered_everywhere_and_checked_afterwards() -> None:
    values = {"{{ day }}": "2026", "{{ n }}": "3", "{{ size }}": "standard_d2s_v3", "{{ bad }}": "a b"}

    def render(text: str) -> str:
        for template, value in values.items():
            text = text.replace(template, value)
        return text

    pool = a_pool(
        id="p-{{ day }}",
        vm_size="{{ size }}",
        scale=FixedScale(dedicated="{{ n }}"),
        task_slots="{{ n }}",
        start_task=StartTask(["x", "{{ day }}"], inputs={"f": blob("data/{{ day }}")}),
        packages=["ffmpeg=={{ day }}"],
        metadata={"day": "{{ day }}"},
    ).rendered(render)
    wire = pool.to_wire(ACCOUNT)
    assert "{{" not in str(wire)
    assert (wire["id"], wire["targetDedicatedNodes"], wire["taskSlotsPerNode"]) == ("p-2026", 3, 3)
    with pytest.raises(SpecError, match="'a b'"):
        a_pool(id="{{ bad }}").rendered(render)


def test_the_fingerprint_follows_the_declaration_and_nothing_else() -> None:
    first = a_pool(packages=["a==1"], start_task=StartTask("x", inputs={"f": blob("data/f")}))
    same = a_pool(packages=["a==1"], start_task=StartTask("x", inputs={"f": blob("data/f")}))
    assert first.fingerprint == same.fingerprint
    assert first.fingerprint != a_pool(packages=["a==2"], start_task=first.start_task).fingerprint
