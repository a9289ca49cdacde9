"""The emulator's own paths, as seen through the official client."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError

from batch_emulator.account_defaults import ACCOUNT_NAME, PRIMARY_KEY
from batch_emulator.faults import parse_faults, to_json
from batch_emulator.rest.operations import OPERATION_NAMES
from batch_emulator.rest.shared_key import SignedParts, sign, strings_to_sign
from batch_emulator.rest.values import format_http_date
from batch_emulator.simulation import parse_behaviour
from tests.batch_emulator.control.serving import Place, serving
from tests.batch_emulator.runtime.served import a_job, a_pool, a_task, eventually
from tests.protocol.builders import a_pool as a_wire_pool

pytestmark = pytest.mark.slow
OTHER_KEY = base64.b64encode(b"another key").decode()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with serving(tmp_path) as found:
        yield found


def striking(fault: str, *operations: str, **more: Any) -> dict[str, Any]:
    return {"requests": [{"fault": fault, "operations": list(operations), **more}]}


async def test_faults_are_put_read_added_and_deleted(place: Place) -> None:
    nothing = to_json(parse_faults({}, OPERATION_NAMES))
    assert await place.ask("GET", "faults") == (200, nothing)
    one = {"seed": 3, "nodes": [{"fault": "slowBoot"}]}
    status, put = await place.ask("PUT", "faults", one)
    assert (status, put) == (200, to_json(parse_faults(one, OPERATION_NAMES)))
    status, both = await place.ask("POST", "faults", striking("latency", "get_*"))
    assert [rule["fault"] for rule in both["requests"] + both["nodes"]] == ["latency", "slowBoot"]
    assert (await place.ask("PUT", "faults", both))[1] == both
    assert await place.ask("DELETE", "faults") == (200, nothing)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PUT", "faults", {"nodes": [{"fault": "fire"}]}, 400, "InvalidPropertyValue"),
        ("PUT", "faults", [], 400, "InvalidPropertyValue"),
        ("PATCH", "faults", {}, 405, "UnsupportedHttpVerb"),
        ("POST", "preemptions", {}, 400, "MissingRequiredProperty"),
        ("POST", "preemptions", [], 400, "InvalidRequestBody"),
        ("POST", "preemptions", {"poolId": 1}, 400, "InvalidPropertyValue"),
        ("POST", "preemptions", {"poolId": "p", "count": 0}, 400, "InvalidPropertyValue"),
        ("POST", "preemptions", {"poolId": "p", "nodeId": "n", "count": 1}, 400, "InvalidPropertyValue"),
        ("POST", "preemptions", {"poolId": "p", "awaySeconds": None}, 400, "InvalidPropertyValue"),
        ("POST", "preemptions", {"poolId": "p", "node": "n"}, 400, "UnsupportedProperty"),
        ("POST", "preemptions", {"poolId": "none"}, 404, "PoolNotFound"),
        ("POST", "nodelosses", {"poolId": "none", "awaySeconds": None}, 404, "PoolNotFound"),
    ],
)
async def test_what_cannot_be_is_refused(
    place: Place, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answered, error = await place.ask(method, path, body)
    assert (answered, error["code"]) == (status, code)


async def test_a_body_that_is_not_declared_as_json_is_refused(place: Place) -> None:
    headers = {"Content-Type": "text/plain"}
    for path in ("faults", "reset", "preemptions"):
        status, error = await place.ask("POST", path, data="{}", headers=headers)
        assert (status, error["code"]) == (400, "InvalidHeaderValue")
    status, error = await place.ask("PUT", "faults", data="{", headers={"Content-Type": "application/json"})
    assert (status, error["code"]) == (400, "InvalidRequestBody")


async def test_who_does_not_name_this_machine_must_sign(place: Place) -> None:
    status, error = await place.ask("GET", "faults", headers={"Host": "batch.example"})
    assert (status, error["code"]) == (401, "InvalidAuthenticationInfo")
    status, error = await place.ask("GET", "faults", headers={"Authorization": "SharedKey a:b"})
    assert (status, error["code"]) == (400, "InvalidAuthenticationInfo")


@pytest.mark.parametrize(("key", "status"), [(PRIMARY_KEY, 200), (OTHER_KEY, 403)])
async def test_who_signs_may_be_anywhere(place: Place, key: str, status: int) -> None:
    headers = {"host": "batch.example", "ocp-date": format_http_date(datetime.now(timezone.utc))}
    text = next(strings_to_sign(SignedParts("GET", headers, "/emulator/faults", ""), ACCOUNT_NAME))
    headers["authorization"] = f"SharedKey {ACCOUNT_NAME}:{sign(key, text)}"
    assert (await place.ask("GET", "faults", headers=headers))[0] == status


async def test_a_throttled_client_waits_and_asks_again(place: Place) -> None:
    await place.ask("PUT", "faults", striking("throttling", "list_pools", times=2, retryAfterSeconds=0))
    async with place.client(retries=5) as client:
        assert [pool.id async for pool in client.list_pools()] == []
    _, counts = await place.ask("GET", "faults/counts")
    assert counts["requests"] == [{"fault": "throttling", "chances": 3, "struck": 2}]


async def test_a_throttled_request_has_the_services_error(place: Place) -> None:
    await place.ask("PUT", "faults", striking("throttling", "*", status=429, retryAfterSeconds=9))
    async with place.client() as client:
        with pytest.raises(HttpResponseError) as caught:
            await client.get_job("j")
    assert caught.value.status_code == 429
    assert caught.value.error.code == "TooManyRequests"
    assert caught.value.response.headers["Retry-After"] == "9"


@pytest.mark.parametrize("fault", ["droppedConnection", "serverError"])
async def test_after_the_commit_a_repeated_request_meets_its_own_work(place: Place, fault: str) -> None:
    await place.ask("PUT", "faults", striking(fault, "create_job", when="afterCommit", times=1))
    async with place.client() as client:
        with pytest.raises(AzureError):
            await client.create_job(a_job("j", "p"))
        with pytest.raises(ResourceExistsError):
            await client.create_job(a_job("j", "p"))


@pytest.mark.parametrize("fault", ["droppedConnection", "serverError"])
async def test_before_the_commit_a_repeated_request_does_the_work(place: Place, fault: str) -> None:
    await place.ask("PUT", "faults", striking(fault, "create_job", times=1))
    async with place.client() as client:
        with pytest.raises(AzureError):
            await client.create_job(a_job("j", "p"))
        await client.create_job(a_job("j", "p"))


async def test_quotas_hold_until_the_faults_are_gone(place: Place) -> None:
    await place.ask("PUT", "faults", {"quotas": {"pools": 0, "dedicatedCores": 2}})
    async with place.client() as client:
        with pytest.raises(HttpResponseError) as caught:
            await client.create_pool(a_pool("p", 0))
        assert caught.value.error.code == "PoolQuotaReached"
        await place.ask("PUT", "faults", {"quotas": {"dedicatedCores": 2}})
        await client.create_pool(a_pool("p", 2))
        pool = await eventually(lambda: client.get_pool("p"), lambda pool: pool.allocation_state == "steady")
        assert [error.code for error in pool.resize_errors] == ["AccountCoreQuotaReached"]
        await place.ask("DELETE", "faults")
        await client.create_pool(a_pool("q", 2))
        pool = await eventually(lambda: client.get_pool("q"), lambda pool: pool.current_dedicated_nodes == 2)


async def test_a_region_out_of_capacity_gives_what_it_has_and_the_rest_when_it_has_more(place: Place) -> None:
    short = {"vmSizes": ["standard_d*"], "dedicatedNodes": 1, "code": "AllocationTimedout"}
    await place.ask("PUT", "faults", {"capacity": [short]})
    async with place.client() as client:
        await client.create_pool(a_pool("p", 2))
        await eventually(lambda: client.get_pool("p"), lambda pool: pool.current_dedicated_nodes == 1)
        await place.ask("POST", "clock", {"advanceSeconds": 16 * 60})
        pool = await client.get_pool("p")
        assert (pool.allocation_state, pool.current_dedicated_nodes) == ("steady", 1)
        assert [error.code for error in pool.resize_errors] == ["AllocationTimedout"]
        await client.create_pool(a_pool("q", 1))
        assert (await client.get_pool("q")).allocation_state == "resizing"
        await place.ask("DELETE", "faults")
        await eventually(lambda: client.get_pool("q"), lambda pool: pool.allocation_state == "steady")
        await place.ask("PUT", "faults", {"capacity": [{**short, "code": "AllocationFailed"}]})
        await client.create_pool(a_pool("r", 1))
        pool = await eventually(lambda: client.get_pool("r"), lambda pool: pool.allocation_state == "steady")
        (error,) = pool.resize_errors
        assert error.code == "AllocationFailed"
        assert "insufficient capacity" in error.error_values[0].value


async def nodes_of(client: Any) -> list[Any]:
    return [node async for node in client.list_nodes("p")]


async def test_a_spot_node_is_taken_away_under_a_task_which_runs_again(place: Place) -> None:
    async with place.client() as client:
        await client.create_pool(a_wire_pool("p", targetLowPriorityNodes=1, targetDedicatedNodes=0))
        await client.create_job(a_job("j", "p"))
        script = "test -e ../../marker && exit 0; touch ../../marker; exec sleep 600"
        await client.create_task("j", a_task("t", script))
        await eventually(lambda: client.get_task("j", "t"), lambda task: task.state == "running")
        (node,) = await nodes_of(client)
        # The marker of the first run goes with the disk, so the second sleeps as well.
        status, answer = await place.ask("POST", "preemptions", {"poolId": "p", "awaySeconds": 3600})
        assert (status, answer) == (200, {"nodes": [node.id]})
        task = await eventually(lambda: client.get_task("j", "t"), lambda task: task.state == "active")
        assert task.execution_info.retry_count == 0
        assert [node.state for node in await nodes_of(client)] == ["preempted"]
        status, error = await place.ask("POST", "preemptions", {"poolId": "p", "nodeId": node.id})
        assert (status, error["code"]) == (409, "NodeStateUnusable")
        assert (await place.ask("POST", "preemptions", {"poolId": "p"}))[1] == {"nodes": []}


async def test_a_dedicated_node_is_not_preempted_but_may_be_lost(place: Place) -> None:
    async with place.client() as client:
        await client.create_pool(a_pool("p", 1))
        (node,) = await eventually(
            lambda: nodes_of(client), lambda nodes: [n.state for n in nodes] == ["idle"]
        )
        status, error = await place.ask("POST", "preemptions", {"poolId": "p", "nodeId": node.id})
        assert (status, error["code"]) == (409, "OperationNotValidOnNode")
        status, answer = await place.ask("POST", "nodelosses", {"poolId": "p", "awaySeconds": 0.01})
        assert (status, answer) == (200, {"nodes": [node.id]})
        await eventually(lambda: nodes_of(client), lambda nodes: [n.state for n in nodes] == ["idle"])
        assert len(await nodes_of(client)) == 1


async def test_a_start_task_fails_as_told_and_says_so(tmp_path: Path) -> None:
    faults = parse_faults({"nodes": [{"fault": "failedStartTask", "exitCode": 9}]}, OPERATION_NAMES)
    async with serving(tmp_path, faults=faults) as place, place.client() as client:
        await client.create_pool(a_pool("p", 1, start_task={"commandLine": "/bin/true"}))
        (node,) = await eventually(
            lambda: nodes_of(client), lambda nodes: [n.state for n in nodes] == ["starttaskfailed"]
        )
        assert node.start_task_info.exit_code == 9
        chunks = await client.download_node_file("p", node.id, "startup/stderr.txt")
        assert b"emulator was told so" in b"".join([chunk async for chunk in chunks])


async def test_a_reset_leaves_an_empty_account_with_the_faults_of_the_start(tmp_path: Path) -> None:
    faults = parse_faults({"nodes": [{"fault": "slowBoot", "seconds": 0.01}]}, OPERATION_NAMES)
    async with serving(tmp_path, faults=faults) as place, place.client() as client:
        await client.create_pool(a_pool("p", 1))
        await client.create_job(a_job("j", "p"))
        await client.create_task("j", a_task("t", "exec sleep 600"))
        await eventually(lambda: client.get_task("j", "t"), lambda task: task.state == "running")
        await place.ask("DELETE", "faults")
        assert await place.ask("POST", "reset", {}) == (200, {})
        assert [pool.id async for pool in client.list_pools()] == []
        assert [job.id async for job in client.list_jobs()] == []
        assert list((tmp_path / "nodes").glob("*/*")) == []
        assert (await place.ask("GET", "faults"))[1] == to_json(faults)
        await client.create_pool(a_pool("p", 1))
        await client.create_job(a_job("j", "p"))
        await client.create_task("j", a_task("t", "exit 0"))
        await eventually(lambda: client.get_task("j", "t"), lambda task: task.state == "completed")
        assert not place.emulator.failed.done()


async def test_the_status_counts_what_there_is(place: Place) -> None:
    async with place.client() as client:
        await client.create_pool(a_pool("p", 1))
        await client.create_job(a_job("j", "p"))
        await client.create_task("j", a_task("t", "exit 3"))
        await eventually(lambda: client.get_task("j", "t"), lambda task: task.state == "completed")
    status, found = await place.ask("GET", "status")
    assert status == 200
    assert found["endpoint"] == place.url
    assert (found["pools"], found["jobs"], found["nodes"]) == (1, {"active": 1}, {"idle": 1})
    assert found["tasks"] == {"active": 0, "running": 0, "succeeded": 0, "failed": 1}


async def test_time_passes_when_it_is_told_to(place: Place) -> None:
    _, before = await place.ask("GET", "clock")
    status, later = await place.ask("POST", "clock", {"advanceSeconds": 86_400})
    assert (status, later["isStopped"]) == (200, False)
    passed = datetime.fromisoformat(later["time"][:19]) - datetime.fromisoformat(before["time"][:19])
    assert timedelta(days=1) <= passed < timedelta(days=1, minutes=1)
    async with place.client() as client:
        await client.create_pool(a_pool("p", 0))
        assert (await client.get_pool("p")).creation_time - datetime.now(timezone.utc) > timedelta(hours=23)
    for wrong in (-1, None, "1", True, 1e9):
        assert (await place.ask("POST", "clock", {"advanceSeconds": wrong}))[0] == 400
    for wrong in (-1, 61, "1"):
        body = {"advanceSeconds": 1, "settleSeconds": wrong}
        assert (await place.ask("POST", "clock", body))[0] == 400
    assert (await place.ask("POST", "clock", {"advanceSeconds": 1, "settleSeconds": 0.5}))[0] == 200


async def test_the_page_tells_of_faults_and_of_a_clock_that_is_ahead(place: Place) -> None:
    short = [{"vmSizes": ["standard_nc*"], "dedicatedNodes": 2}, {"lowPriorityNodes": 0}]
    limits = {"quotas": {"pools": 3}, "capacity": short}
    await place.ask("PUT", "faults", {**striking("latency", "get_*"), **limits})
    await place.ask("POST", "clock", {"advanceSeconds": 7200})
    async with place.session.get(place.url) as response:
        page = await response.text()
    for text in (
        "latency: struck 0 of 0 chances",
        "pools: 3",
        "2 dedicated nodes of standard_nc*",
        "0 low-priority nodes of *",
        "2:00:00 ahead",
    ):
        assert text in page


async def test_with_simulated_nodes_time_passes_until_all_is_done(tmp_path: Path) -> None:
    async with serving(tmp_path, simulation=parse_behaviour({"taskSeconds": 90})) as place:
        async with place.client() as client:
            await client.create_pool(a_pool("p", 1))
            await client.create_job(a_job("j", "p"))
            await client.create_task("j", a_task("t", "exit 0"))
            _, before = await place.ask("GET", "clock")
            assert before["isStopped"] is True
            assert (await place.ask("POST", "clock", {"untilDone": True, "limitSeconds": 60}))[0] == 200
            assert (await client.get_task("j", "t")).state == "running"
            assert (await place.ask("POST", "clock", {"untilDone": True}))[0] == 200
            assert (await client.get_task("j", "t")).state == "completed"
        async with place.session.get(place.url) as response:
            assert "stands still" in await response.text()


async def test_real_nodes_are_not_hurried(place: Place) -> None:
    assert (await place.ask("POST", "clock", {"untilDone": True}))[0] == 409
    for wrong in ({"untilDone": False}, {"untilDone": True, "limitSeconds": -1}, {"untilDone": True, "x": 1}):
        assert (await place.ask("POST", "clock", wrong))[0] == 400
