"""Points 1 to 10: what requests and answers look like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.batch import BatchClient, models
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceModifiedError,
)

from batch_emulator.testing import LocalBatch
from tests.acceptance.conftest import until
from tests.acceptance.recorded import code_of, raw, recorded, wrong_key
from tests.protocol.builders import a_job, a_pool, a_task


def completed(client: BatchClient, job: str, *tasks: str) -> None:
    """Wait for tasks."""
    for task in tasks:
        until(lambda task=task: client.get_task(job, task).state == "completed")


def test_12_01_shared_key_with_every_verb(account: LocalBatch) -> None:
    with recorded(account) as (client, answers):
        client.create_pool(a_pool("pool", nodes=1))  # POST
        client.create_job(a_job("job", "pool"))
        client.create_task("job", a_task("t", "mkdir -p a && printf 0123456789 > a/f"))
        completed(client, "job", "t")
        assert [job.id for job in client.list_jobs(filter="id eq 'job' and state eq 'active'")] == ["job"]
        assert list(client.list_jobs(filter="id eq 'it''s'")) == []
        name = "wd/a/f"
        assert b"".join(client.download_task_file("job", "t", name, ocp_range="bytes=2-4")) == b"234"
        client.get_task_file_properties("job", "t", name)  # HEAD
        client.update_job("job", {"priority": 1})  # PATCH
        client.replace_job("job", {"poolInfo": {"poolId": "pool"}, "priority": 2})  # PUT
        client.create_task("job", a_task("slow", "sleep 600"))
        client.terminate_task("job", "slow")  # an empty POST
        client.begin_delete_job("job", polling_interval=0.05).result()  # DELETE
    assert {answer.method for answer in answers.answers} >= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    with recorded(account, wrong_key()) as (client, answers):
        with pytest.raises(HttpResponseError) as refused:
            client.get_pool("pool")
        assert code_of(refused.value) == "AuthenticationFailed"
        assert answers.answers[-1].status == 403


def test_12_03_state_is_visible_before_the_202_and_in_lower_case(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("pool", nodes=1))
    client.create_job(a_job("job", "pool"))
    client.create_task("job", a_task("t", "sleep 600"))
    until(lambda: client.get_task("job", "t").state == "running")
    raw(client, "POST", "/jobs/job/disable", json={"disableTasks": "wait"}).raise_for_status()
    assert raw(client, "GET", "/jobs/job").json()["state"] == "disabling"
    raw(client, "POST", "/jobs/job/terminate", json={}).raise_for_status()
    assert raw(client, "GET", "/jobs/job").json()["state"] in ("terminating", "completed")
    response = raw(client, "POST", "/pools/pool/resize", json={"targetDedicatedNodes": 2})
    assert response.status_code == 202
    assert raw(client, "GET", "/pools/pool").json()["allocationState"] in ("resizing", "steady")
    raw(client, "DELETE", "/pools/pool").raise_for_status()
    answer = raw(client, "GET", "/pools/pool")
    assert answer.status_code == 404 or answer.json()["state"] == "deleting"


def test_12_04_lists_page_by_their_own_links(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("pool", nodes=2))
    for name in ("a", "b", "c"):
        client.create_job(a_job(name, "pool"))
        client.create_task("a", a_task(name))
    completed(client, "a", "a", "b", "c")
    assert [job.id for job in client.list_jobs(max_results=1)] == ["a", "b", "c"]
    assert [task.id for task in client.list_tasks("a", max_results=1)] == ["a", "b", "c"]
    assert len(list(client.list_nodes("pool", max_results=1))) == 2
    assert len(list(client.list_pools(max_results=1))) == 1
    assert len(list(client.list_supported_images(max_results=1))) > 1
    files = [file.name for file in client.list_task_files("a", "a", recursive=True, max_results=1)]
    assert {"stdout.txt", "stderr.txt"} <= set(files)
    page = raw(client, "GET", "/jobs?maxresults=2").json()
    assert page["odata.nextLink"].startswith(f"{account.endpoint}/jobs?")
    rest = raw(client, "GET", page["odata.nextLink"]).json()
    assert [job["id"] for job in (*page["value"], *rest["value"])] == ["a", "b", "c"]
    assert [len(list(page)) for page in client.list_jobs(filter="id eq 'none'").by_page()] in ([], [0])


def test_12_05_select_and_filter(account: LocalBatch) -> None:
    client = account.client
    for name in ("one", "two"):
        client.create_job(a_job(name))
    answer = raw(client, "GET", "/jobs?$select=id,state").json()
    assert [set(job) for job in answer["value"]] == [{"id", "state"}] * 2
    assert [job.id for job in client.list_jobs(filter="startswith(id,'o')")] == ["one"]
    for wrong in ("priority eq 1", "state gt 'active'", "id eq", "id eq 1"):
        with pytest.raises(HttpResponseError) as refused:
            list(client.list_jobs(filter=wrong))
        assert refused.value.status_code == 400, wrong
    with pytest.raises(HttpResponseError) as refused:
        list(client.list_jobs(select=["nonsense"]))
    assert refused.value.status_code == 400


def test_12_06_errors_are_unwrapped(account: LocalBatch) -> None:
    body = raw(account.client, "POST", "/jobs", json={"id": "a b", "poolInfo": {"poolId": "p"}}).json()
    assert body["code"] == "InvalidPropertyValue"
    assert body["message"].keys() == {"lang", "value"}
    assert {"key": "PropertyName", "value": "id"} in body["values"]
    with pytest.raises(HttpResponseError) as refused:
        account.client.get_job("none")
    assert code_of(refused.value) == "JobNotFound"


def test_12_07_if_match_with_quoted_and_unquoted_tags(account: LocalBatch) -> None:
    client = account.client
    client.create_job(a_job("job"))
    tag = raw(client, "GET", "/jobs/job").headers["ETag"].strip('"')
    for text in (tag, f'"{tag}"'):
        with pytest.raises(HttpResponseError) as unchanged:
            client.get_job("job", etag=text, match_condition=MatchConditions.IfModified)
        assert unchanged.value.status_code == 304
        client.get_job("job", etag=text, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError) as refused:
        client.update_job("job", {"priority": 1}, etag="0x1", match_condition=MatchConditions.IfNotModified)
    assert refused.value.status_code == 412
    client.update_job("job", {"priority": 1}, etag=f'"{tag}"', match_condition=MatchConditions.IfNotModified)
    assert raw(client, "GET", "/jobs/job", headers={"If-None-Match": "*"}).status_code == 304


def test_12_08_ranged_reads(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("pool", nodes=1))
    client.create_job(a_job("job", "pool"))
    client.create_task("job", a_task("t", "printf 0123456789; mkdir d"))
    completed(client, "job", "t")
    url = "/jobs/job/tasks/t/files/stdout.txt"
    part = raw(client, "GET", url, headers={"ocp-range": "bytes=3-5"})
    assert (part.status_code, part.read()) == (200, b"345")
    assert raw(client, "GET", url, headers={"ocp-range": "bytes=10-"}).status_code == 416
    head = raw(client, "HEAD", url)
    assert head.headers["Content-Length"] == "10"
    assert head.headers["ocp-batch-file-isdirectory"].lower() == "false"
    assert int(head.headers["ocp-batch-file-mode"], 8) & 0o400
    folder = raw(client, "HEAD", "/jobs/job/tasks/t/files/wd%2Fd")
    assert folder.headers["ocp-batch-file-isdirectory"].lower() == "true"


def test_12_09_durations(account: LocalBatch) -> None:
    client = account.client
    for number, (given, shown) in enumerate(
        [("PT15M00S", "PT15M"), ("P1DT06H00M01.5S", "P1DT6H1.5S"), (None, "P10675199DT2H48M5.4775807S")]
    ):
        constraints = {"maxWallClockTime": given} if given else {}
        body = {**a_job(f"j{number}"), "constraints": constraints}
        assert raw(client, "POST", "/jobs", json=body).status_code == 201
        made = raw(client, "GET", f"/jobs/j{number}").json()
        assert made["constraints"]["maxWallClockTime"] == shown


def test_12_10_add_collection(account: LocalBatch) -> None:
    client = account.client
    client.create_job(a_job("job"))

    def add(tasks: list[dict[str, Any]]) -> Any:
        return raw(client, "POST", "/jobs/job/addtaskcollection", json={"value": tasks})

    hundred = [a_task(f"t{number}") for number in range(100)]
    assert {item["status"] for item in add(hundred).json()["value"]} == {"success"}
    too_many = add([a_task(f"u{number}") for number in range(101)])
    assert too_many.status_code == 400
    again = add([a_task("t0"), a_task("new")]).json()["value"]
    assert [item["status"] for item in again] == ["clienterror", "success"]
    assert again[0]["error"]["code"] == "TaskExists"
    large = add([a_task(f"v{number}", "x" * 30_000) for number in range(50)])
    assert (large.status_code, large.json()["code"]) == (413, "RequestBodyTooLarge")
    # The client's own bulk call makes smaller ones of what is too large.
    tasks = [models.BatchTaskCreateOptions(id=f"v{n}", command_line="x" * 30_000) for n in range(50)]
    client.create_tasks("job", tasks)
    assert json.loads(raw(client, "GET", "/jobs/job/taskcounts").text())["taskCounts"]["active"] == 151
