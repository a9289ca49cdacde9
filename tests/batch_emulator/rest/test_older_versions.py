"""Older api-versions, each in its own shape, over one account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from batch_emulator.rest.contract import API_VERSIONS, CURRENT_VERSION
from batch_emulator.rest.shapes import SAID_OTHERWISE, fit_of_model
from tests.batch_emulator.rest.in_process import Client, in_process
from tests.protocol.builders import MACHINE, a_job, a_pool, a_task

OLDER = API_VERSIONS[1:]
OLDEST = API_VERSIONS[-1]
DISK = {"lun": 1, "diskSizeGB": 50}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with in_process() as made:
        yield made


async def send(client: Client, version: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    mark = "&" if "?" in path else "?"
    response = await client.send(method, f"{path}{mark}api-version={version}", body)
    text = await response.text()
    return response.status, await response.json() if text else None


async def get(client: Client, version: str, path: str) -> Any:
    status, body = await send(client, version, "GET", path)
    assert status == 200, body
    return body


async def refused(client: Client, version: str, method: str, path: str, body: Any = None) -> tuple[str, str]:
    """The code of a refusal and the property or parameter it names."""
    status, answer = await send(client, version, method, path, body)
    assert status >= 400
    values = {item["key"]: item["value"] for item in answer.get("values", ())}
    return answer["code"], values.get("PropertyName", values.get("QueryParameterName", ""))


async def test_an_unknown_api_version_is_refused_and_the_known_ones_are_named(client: Client) -> None:
    status, body = await send(client, "2016-02-01.3.0", "GET", "/pools")
    assert (status, body["code"]) == (400, "UnsupportedRequestVersion")
    assert all(version in str(body["values"]) for version in API_VERSIONS)


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_a_pool_has_the_properties_of_the_asking_version(client: Client, version: str) -> None:
    machine = {**MACHINE, "dataDisks": [DISK]}
    made = a_pool(
        "pool",
        virtualMachineConfiguration=machine,
        taskSchedulingPolicy={"nodeFillType": "pack", "jobDefaultOrder": "none"},
    )
    assert (await send(client, CURRENT_VERSION, "POST", "/pools", made))[0] == 201
    pool = await get(client, version, "/pools/pool")
    (listed,) = (await get(client, version, "/pools"))["value"]
    assert listed.items() <= pool.items()
    (disk,) = pool["virtualMachineConfiguration"]["dataDisks"]
    is_newest = version == CURRENT_VERSION
    kind = {"storageAccountType": "standard_lrs"}
    assert disk == {**DISK, "caching": "none", **({"managedDisk": kind} if is_newest else kind)}
    assert ("jobDefaultOrder" in pool["taskSchedulingPolicy"]) == is_newest
    had_mode = OLDER[: OLDER.index("2022-10-01.16.0") + 1]
    modes = (pool.get("targetNodeCommunicationMode"), pool.get("currentNodeCommunicationMode"))
    assert modes == (("default", "simplified") if version in had_mode else (None, None))


async def test_what_only_older_versions_know_comes_back_to_those_alone(client: Client) -> None:
    version = "2024-02-01.19.0"
    records = {
        "resourceTags": {"cost": "none"},
        "targetNodeCommunicationMode": "Classic",
        "applicationLicenses": ["maya"],
    }
    body = a_pool("pool", **records, certificateReferences=[])
    body["virtualMachineConfiguration"] = {
        **MACHINE,
        "dataDisks": [{**DISK, "storageAccountType": "Premium_LRS"}],
    }
    assert (await send(client, version, "POST", "/pools", body))[0] == 201
    pool = await get(client, version, "/pools/pool")
    assert {**records, "targetNodeCommunicationMode": "classic"}.items() <= pool.items()
    assert pool["currentNodeCommunicationMode"] == "classic"
    assert pool["virtualMachineConfiguration"]["dataDisks"][0]["storageAccountType"] == "premium_lrs"
    newest = await get(client, CURRENT_VERSION, "/pools/pool")
    assert newest.keys().isdisjoint({*records, "currentNodeCommunicationMode", "certificateReferences"})
    disk = newest["virtualMachineConfiguration"]["dataDisks"][0]
    assert disk["managedDisk"] == {"storageAccountType": "premium_lrs"}
    oldest = await get(client, OLDEST, "/pools/pool")
    assert oldest["applicationLicenses"] == ["maya"]
    assert oldest.keys().isdisjoint({"resourceTags", "targetNodeCommunicationMode", "upgradePolicy"})


async def test_an_older_client_can_select_what_only_it_knows(client: Client) -> None:
    await send(client, CURRENT_VERSION, "POST", "/pools", a_pool("pool"))
    path = "/pools/pool?$select=id,currentNodeCommunicationMode"
    chosen = await get(client, "2023-05-01.17.0", path)
    assert {"id": "pool", "currentNodeCommunicationMode": "simplified"}.items() <= chosen.items()
    assert "targetNodeCommunicationMode" not in chosen
    only_id = await get(client, "2023-05-01.17.0", "/pools?$select=id")
    assert only_id["value"] == [{"id": "pool"}]
    assert await refused(client, OLDEST, "GET", path) == ("InvalidQueryParameterValue", "$select")


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        (
            {"certificateReferences": [{"thumbprint": "a", "thumbprintAlgorithm": "sha1"}]},
            "certificateReferences",
        ),
        ({"cloudServiceConfiguration": {"osFamily": "6"}}, "cloudServiceConfiguration"),
    ],
)
async def test_retired_features_are_refused(client: Client, properties: Any, named: str) -> None:
    body = a_pool("pool", **properties)
    assert await refused(client, OLDEST, "POST", "/pools", body) == ("InvalidPropertyValue", named)
    assert await refused(client, CURRENT_VERSION, "POST", "/pools", body) == ("UnsupportedProperty", named)
    assert (await send(client, OLDEST, "GET", "/pools/pool"))[0] == 404


@pytest.mark.parametrize(
    ("first", "properties"),
    [
        ("2025-06-01", {"taskSchedulingPolicy": {"nodeFillType": "pack", "jobDefaultOrder": "none"}}),
        ("2024-02-01.19.0", {"upgradePolicy": {"mode": "manual"}}),
        ("2023-11-01.18.0", {"resourceTags": {"a": "b"}}),
        ("2023-05-01.17.0", {"networkConfiguration": {"enableAcceleratedNetworking": False}}),
        ("2022-10-01.16.0", {"targetNodeCommunicationMode": "simplified"}),
    ],
)
async def test_a_property_is_unknown_before_its_version(client: Client, first: str, properties: Any) -> None:
    before = API_VERSIONS[API_VERSIONS.index(first) + 1]
    code, named = await refused(client, before, "POST", "/pools", a_pool("pool", **properties))
    assert code == "UnsupportedProperty"
    assert named.partition(".")[0] in properties
    assert (await send(client, first, "POST", "/pools", a_pool("pool", **properties)))[0] == 201


async def test_pool_properties_are_replaced_in_older_words(client: Client) -> None:
    version = "2024-02-01.19.0"
    await send(client, version, "POST", "/pools", a_pool("pool", targetNodeCommunicationMode="classic"))
    body = {"certificateReferences": [], "applicationPackageReferences": [], "metadata": []}
    path = "/pools/pool/updateproperties"
    assert (await send(client, version, "POST", path, body))[0] == 204
    assert (await get(client, version, "/pools/pool"))["targetNodeCommunicationMode"] == "default"
    body["targetNodeCommunicationMode"] = "simplified"  # type: ignore[assignment]
    assert (await send(client, version, "POST", path, body))[0] == 204
    assert (await get(client, version, "/pools/pool"))["targetNodeCommunicationMode"] == "simplified"
    del body["certificateReferences"]
    assert await refused(client, version, "POST", path, body) == (
        "MissingRequiredProperty",
        "certificateReferences",
    )


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_the_token_setting_of_a_task_comes_back_to_older_clients(client: Client, version: str) -> None:
    setting = {"authenticationTokenSettings": {"access": ["job"]}}
    await send(client, OLDEST, "POST", "/jobs", a_job("job"))
    assert (await send(client, OLDEST, "POST", "/jobs/job/tasks", {**a_task("task"), **setting}))[0] == 201
    task = await get(client, version, "/jobs/job/tasks/task")
    assert (setting.items() <= task.items()) == (version != CURRENT_VERSION)
    await send(client, OLDEST, "POST", "/jobs/job/addtaskcollection", {"value": [a_task("b") | setting]})
    listed = await get(client, version, "/jobs/job/tasks")
    assert [("authenticationTokenSettings" in item) for item in listed["value"]] == [
        version != CURRENT_VERSION
    ] * 2


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_operations_are_those_of_the_version(client: Client, version: str) -> None:
    index = API_VERSIONS.index(version)
    status, body = await send(client, version, "GET", "/certificates")
    if version == CURRENT_VERSION:
        assert (status, body["code"]) == (400, "InvalidUri")
    else:
        assert (status, body["value"]) == (200, [])
        path = "/certificates(thumbprintAlgorithm=sha1,thumbprint=0a0b)"
        assert (await refused(client, version, "GET", path))[0] == "CertificateNotFound"
        assert (await refused(client, version, "POST", f"{path}/canceldelete"))[0] == "CertificateNotFound"
        assert (await refused(client, version, "GET", "/certificates(thumbprint=0a)"))[0] == "InvalidUri"
    stats = await refused(client, version, "GET", "/lifetimepoolstats")
    assert stats[0] == ("InvalidUri" if index <= API_VERSIONS.index("2023-05-01.17.0") else "NotImplemented")
    start = await refused(client, version, "POST", "/pools/p/nodes/n/start")
    assert (start[0] == "InvalidUri") == (index > API_VERSIONS.index("2024-07-01.20.0"))


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_force_is_a_word_of_newer_versions(client: Client, version: str) -> None:
    await send(client, CURRENT_VERSION, "POST", "/jobs", a_job("job"))
    status, body = await send(client, version, "DELETE", "/jobs/job?force=true")
    if API_VERSIONS.index(version) <= API_VERSIONS.index("2024-07-01.20.0"):
        assert status == 202
    else:
        assert (status, body["code"]) == (400, "UnsupportedQueryParameter")


@pytest.mark.parametrize("version", OLDER)
async def test_links_stay_in_the_version_that_was_asked_in(client: Client, version: str) -> None:
    for number in range(2):
        await send(client, CURRENT_VERSION, "POST", "/jobs", a_job(f"job-{number}"))
    page = await get(client, version, "/jobs?maxresults=1")
    assert f"api-version={version}" in page["odata.nextLink"]


def test_states_that_a_client_does_not_know_are_said_otherwise() -> None:
    node = {"id": "n", "state": "deallocated", "ipv6Address": "::1", "recentTasks": []}
    in_2024 = fit_of_model("BatchNode", "2024-02-01.19.0")
    assert in_2024 is not None
    assert in_2024(node) == {"id": "n", "state": "unknown", "recentTasks": []}
    assert in_2024({"state": "idle"}) == {"state": "idle"}
    in_2024_07 = fit_of_model("BatchNode", "2024-07-01.20.0")
    assert in_2024_07 is not None
    assert in_2024_07(node)["state"] == "deallocated"
    assert SAID_OTHERWISE


def test_a_model_that_all_versions_share_costs_nothing() -> None:
    assert [fit_of_model("BatchNodeFile", version) for version in API_VERSIONS] == [None] * len(API_VERSIONS)
