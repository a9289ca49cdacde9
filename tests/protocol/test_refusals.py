"""Every refusal with its status and code. One row a situation; codes are what clients branch on."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.protocol.builders import MACHINE, a_job, a_pool, a_task
from tests.protocol.raw import VERSION, refusal_of, send
from tests.protocol.server import Server
from tests.protocol.world import World

pytestmark = pytest.mark.slow

Row = tuple[str, str, Any, int, str]
SCALE = {"enableAutoScale": True, "autoScaleFormula": "$TargetDedicatedNodes=0"}
NODE = "/pools/fixed/nodes/{node}"
LOGS = {"containerUrl": "https://a.blob.core.windows.net/c", "startTime": "2026-01-01"}
FORMULA = {"autoScaleFormula": "$TargetDedicatedNodes=0"}


def pool(**properties: Any) -> dict[str, Any]:
    return a_pool("new", **properties)


def job(**properties: Any) -> dict[str, Any]:
    return a_job("new", "fixed", **properties)


def auto_pool(**properties: Any) -> dict[str, Any]:
    body = {name: value for name, value in a_pool("x").items() if name != "id"}
    return {"poolInfo": {"autoPoolSpecification": {"poolLifetimeOption": "job", "pool": body, **properties}}}


def image(**reference: str) -> dict[str, Any]:
    return {"virtualMachineConfiguration": {**MACHINE, "imageReference": reference}}


PROTOCOL: list[Row] = [
    ("GET", "/jobs?api-version=", None, 400, "MissingRequiredQueryParameter"),
    ("GET", "/jobs?timeOut=30", None, 400, "MissingRequiredQueryParameter"),
    ("GET", "/jobs?api-version=2010-02-01", None, 400, "UnsupportedRequestVersion"),
    ("GET", f"/jobs?{VERSION}&color=red", None, 400, "UnsupportedQueryParameter"),
    ("GET", f"/jobs?{VERSION}&maxresults=0", None, 400, "OutOfRangeQueryParameterValue"),
    ("GET", f"/jobs?{VERSION}&maxresults=1001", None, 400, "OutOfRangeQueryParameterValue"),
    ("GET", f"/jobs?{VERSION}&maxresults=x", None, 400, "InvalidQueryParameterValue"),
    ("GET", f"/jobs?{VERSION}&$filter=state%20eq", None, 400, "InvalidQueryParameterValue"),
    ("GET", f"/jobs?{VERSION}&$filter=color%20eq%20'red'", None, 400, "InvalidQueryParameterValue"),
    ("GET", f"/nodecounts?{VERSION}&$filter=poolId%20ne%20'a'", None, 400, "InvalidQueryParameterValue"),
    ("GET", f"/jobs?{VERSION}&$select=id,color", None, 400, "InvalidQueryParameterValue"),
    ("GET", f"/jobs?{VERSION}&$expand=tasks", None, 400, "InvalidQueryParameterValue"),
    ("GET", f"/jobs?{VERSION}&$skiptoken=%25", None, 400, "InvalidQueryParameterValue"),
    ("DELETE", f"/jobs/open?{VERSION}&force=maybe", None, 400, "InvalidQueryParameterValue"),
    ("GET", "/certificates", None, 400, "InvalidUri"),
    ("PUT", "/jobs", {}, 405, "UnsupportedHttpVerb"),
    ("POST", "/jobs", b"{", 400, "InvalidRequestBody"),
    ("POST", "/jobs", [], 400, "InvalidRequestBody"),
    ("POST", "/jobs", None, 400, "InvalidRequestBody"),
    ("POST", "/jobs/open/enable", {"x": 1}, 400, "InvalidRequestBody"),
    ("POST", "/jobs", {"id": "new"}, 400, "MissingRequiredProperty"),
    ("POST", "/jobs", job(color="red"), 400, "UnsupportedProperty"),
    ("POST", "/jobs", job(priority="high"), 400, "InvalidPropertyValue"),
    ("POST", "/jobs", b" " * 1_100_000, 413, "RequestBodyTooLarge"),
]

POOLS: list[Row] = [
    ("GET", "/pools/none", None, 404, "PoolNotFound"),
    ("HEAD", "/pools/none", None, 404, ""),
    ("DELETE", "/pools/none", None, 404, "PoolNotFound"),
    ("POST", "/pools", a_pool("FIXED"), 409, "PoolExists"),
    ("POST", "/pools", a_pool("a.b"), 400, "InvalidPropertyValue"),
    ("POST", "/pools", a_pool("x" * 65), 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(nodes=-1), 400, "InvalidPropertyValue"),
    ("POST", "/pools", {**pool(), **SCALE}, 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(resizeTimeout="PT4M"), 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(taskSlotsPerNode=500), 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(vmSize="standard_imaginary"), 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(**image(publisher="a", offer="b", sku="c")), 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(**image(virtualMachineImageId="/x")), 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(networkConfiguration={"subnetId": "/x"}), 400, "InvalidPropertyValue"),
    ("POST", "/pools", pool(metadata=[{"name": "", "value": "x"}]), 400, "EmptyMetadataKey"),
    ("POST", "/pools", pool(certificateReferences=[]), 400, "UnsupportedProperty"),
    ("POST", "/pools", pool(**{**SCALE, "autoScaleFormula": "$x=("}), 400, "AutoScalingFormulaSyntaxError"),
    (
        "POST",
        "/pools",
        pool(applicationPackageReferences=[{"applicationId": "nothing"}]),
        409,
        "InvalidApplicationPackageReferences",
    ),
    ("PATCH", "/pools/fixed", {"vmSize": "standard_d2s_v3"}, 409, "OperationInvalidForCurrentState"),
    ("POST", "/pools/busy/resize", {"targetDedicatedNodes": 2}, 409, "PoolBeingResized"),
    ("POST", "/pools/busy/removenodes", {"nodeList": ["x"]}, 409, "PoolBeingResized"),
    ("POST", "/pools/busy/enableautoscale", FORMULA, 409, "PoolBeingResized"),
    ("POST", "/pools/auto/resize", {"targetDedicatedNodes": 1}, 409, "OperationNotValidOnPool"),
    ("POST", "/pools/fixed/resize", {}, 400, "InvalidPropertyValue"),
    ("POST", "/pools/fixed/stopresize", None, 409, "OperationInvalidForCurrentState"),
    ("POST", "/pools/fixed/evaluateautoscale", FORMULA, 409, "OperationNotValidOnPool"),
    ("POST", "/pools/auto/evaluateautoscale", {}, 400, "MissingRequiredProperty"),
    ("POST", "/pools/fixed/enableautoscale", {}, 400, "MissingRequiredProperty"),
    ("POST", "/pools/fixed/removenodes", {"nodeList": []}, 400, "InvalidPropertyValue"),
    ("POST", "/pools/fixed/updateproperties", {}, 400, "MissingRequiredProperty"),
]

NODES: list[Row] = [
    ("GET", "/pools/none/nodes", None, 404, "PoolNotFound"),
    ("GET", "/pools/fixed/nodes/none", None, 404, "NodeNotFound"),
    ("GET", "/pools/fixed/nodes/none/files", None, 404, "NodeNotFound"),
    ("POST", f"{NODE}/enablescheduling", None, 409, "NodeAlreadyInTargetSchedulingState"),
    ("POST", f"{NODE}/reboot", {"nodeRebootOption": "hard"}, 400, "InvalidPropertyValue"),
    ("POST", f"{NODE}/reimage", {"nodeReimageOption": "hard"}, 400, "InvalidPropertyValue"),
    ("POST", f"{NODE}/deallocate", {"nodeDeallocateOption": "hard"}, 400, "InvalidPropertyValue"),
    ("POST", "/pools/fixed/nodes/none/deallocate", {}, 404, "NodeNotFound"),
    ("POST", "/pools/fixed/nodes/none/reimage", {}, 404, "NodeNotFound"),
    ("POST", f"{NODE}/start", None, 409, "OperationInvalidForCurrentState"),
    ("POST", f"{NODE}/users", {}, 400, "MissingRequiredProperty"),
    ("POST", f"{NODE}/users", {"name": "x" * 21}, 400, "InvalidPropertyValue"),
    ("PUT", f"{NODE}/users/nobody", {}, 404, "NodeUserNotFound"),
    ("DELETE", f"{NODE}/users/nobody", None, 404, "NodeUserNotFound"),
    ("POST", f"{NODE}/uploadbatchservicelogs", {}, 400, "MissingRequiredProperty"),
    ("POST", f"{NODE}/uploadbatchservicelogs", {**LOGS, "containerUrl": "x"}, 400, "InvalidPropertyValue"),
    (
        "POST",
        f"{NODE}/uploadbatchservicelogs",
        {**LOGS, "endTime": "2025-01-01"},
        400,
        "InvalidPropertyValue",
    ),
    ("POST", "/pools/fixed/nodes/none/uploadbatchservicelogs", LOGS, 404, "NodeNotFound"),
    ("GET", f"{NODE}/extensions/none", None, 404, "ResourceNotFound"),
    ("GET", "/pools/fixed/nodes/none/extensions", None, 404, "NodeNotFound"),
    ("GET", "/pools/fixed/nodes/none/remoteloginsettings", None, 404, "NodeNotFound"),
    (
        "POST",
        f"{NODE}/disablescheduling",
        {"nodeDisableSchedulingOption": {"nodeDisableSchedulingOption": "requeue"}},
        400,
        "InvalidPropertyValue",
    ),
    ("GET", f"{NODE}/files/none.txt", None, 404, "FileNotFound"),
    ("HEAD", f"{NODE}/files/none.txt", None, 404, ""),
    ("DELETE", f"{NODE}/files/none.txt", None, 404, "FileNotFound"),
    ("GET", f"{NODE}/files/workitems", None, 404, "FileNotFound"),
    ("DELETE", f"{NODE}/files/workitems", None, 409, "OperationInvalidForCurrentState"),
]

JOBS: list[Row] = [
    ("GET", "/jobs/none", None, 404, "JobNotFound"),
    ("GET", "/jobs/none/tasks", None, 404, "JobNotFound"),
    ("GET", "/jobs/none/taskcounts", None, 404, "JobNotFound"),
    ("POST", "/jobs", a_job("OPEN"), 409, "JobExists"),
    ("POST", "/jobs", a_job("a:b"), 400, "InvalidPropertyValue"),
    ("POST", "/jobs", {"id": "new", "poolInfo": {}}, 400, "MissingRequiredProperty"),
    ("POST", "/jobs", job(priority=1001), 400, "InvalidPropertyValue"),
    ("POST", "/jobs", job(jobReleaseTask={"commandLine": "x"}), 400, "InvalidPropertyValue"),
    ("POST", "/jobs", job(jobManagerTask={"id": "m"}), 400, "MissingRequiredProperty"),
    ("POST", "/jobs", job(jobManagerTask={"id": "a:b", "commandLine": "x"}), 400, "InvalidPropertyValue"),
    (
        "POST",
        "/jobs",
        {"id": "new", **auto_pool(poolLifetimeOption="jobschedule")},
        400,
        "InvalidPropertyValue",
    ),
    ("POST", "/jobs", {"id": "new", **auto_pool(autoPoolIdPrefix="x" * 21)}, 400, "InvalidPropertyValue"),
    ("POST", "/jobs", {"id": "new", **auto_pool(pool=None)}, 400, "MissingRequiredProperty"),
    ("POST", "/jobs", {"id": "new", **auto_pool(keepAlive="often")}, 400, "InvalidPropertyValue"),
    ("POST", "/jobs", job(networkConfiguration={"subnetId": "/x"}), 400, "InvalidPropertyValue"),
    ("PATCH", "/jobs/off", auto_pool(), 400, "InvalidPropertyValue"),
    ("PATCH", "/jobs/open", {"poolInfo": {"poolId": "fixed"}}, 409, "OperationInvalidForCurrentState"),
    ("PUT", "/jobs/open", {}, 400, "MissingRequiredProperty"),
    ("PUT", "/jobs/open", {"poolInfo": {"poolId": "fixed"}, "id": "open"}, 400, "UnsupportedProperty"),
    ("PATCH", "/jobs/open", {"poolInfo": {"poolId": "p"}}, 409, "OperationInvalidForCurrentState"),
    ("PATCH", "/jobs/over", {"priority": 1}, 409, "JobCompleted"),
    ("POST", "/jobs/open/disable", {"disableTasks": "x"}, 400, "InvalidPropertyValue"),
    ("POST", "/jobs/over/disable", {"disableTasks": "wait"}, 409, "JobCompleted"),
    ("POST", "/jobs/open/enable", None, 409, "OperationInvalidForCurrentState"),
    ("POST", "/jobs/over/terminate", None, 409, "JobCompleted"),
    ("GET", "/jobs/open/jobpreparationandreleasetaskstatus", None, 409, "JobPreparationTaskNotSpecified"),
]

PLAN = {"recurrenceInterval": "P1D"}


def schedule(identity: str = "new", plan: Any = None, **properties: Any) -> dict[str, Any]:
    specification = {"poolInfo": {"poolId": "fixed"}}
    body = {"id": identity, "schedule": plan or PLAN, "jobSpecification": specification}
    return {**body, **properties}


SCHEDULES: list[Row] = [
    ("GET", "/jobschedules/none", None, 404, "JobScheduleNotFound"),
    ("HEAD", "/jobschedules/none", None, 404, ""),
    ("GET", "/jobschedules/none/jobs", None, 404, "JobScheduleNotFound"),
    ("DELETE", "/jobschedules/none", None, 404, "JobScheduleNotFound"),
    ("PATCH", "/jobschedules/none", {}, 404, "JobScheduleNotFound"),
    ("POST", "/jobschedules/none/disable", None, 404, "JobScheduleNotFound"),
    ("POST", "/jobschedules", schedule("PLAN"), 409, "JobScheduleExists"),
    ("POST", "/jobschedules", schedule("OPEN"), 409, "JobWithSameIdExists"),
    ("POST", "/jobs", a_job("Plan"), 409, "JobScheduleWithSameIdExists"),
    ("POST", "/jobschedules", schedule("a:b"), 400, "InvalidPropertyValue"),
    ("POST", "/jobschedules", schedule(plan={"recurrenceInterval": "PT59S"}), 400, "InvalidPropertyValue"),
    ("POST", "/jobschedules", schedule(plan={"startWindow": "PT59S"}), 400, "InvalidPropertyValue"),
    ("POST", "/jobschedules", schedule(plan={"doNotRunUntil": "tomorrow"}), 400, "InvalidPropertyValue"),
    ("POST", "/jobschedules", schedule(plan={"every": "P1D"}), 400, "UnsupportedProperty"),
    ("POST", "/jobschedules", schedule(jobSpecification={"id": "x"}), 400, "UnsupportedProperty"),
    ("POST", "/jobschedules", schedule(jobSpecification={}), 400, "MissingRequiredProperty"),
    ("POST", "/jobschedules", schedule(schedule=None), 400, "MissingRequiredProperty"),
    ("PUT", "/jobschedules/plan", {}, 400, "MissingRequiredProperty"),
    ("PUT", "/jobschedules/plan", schedule(), 400, "UnsupportedProperty"),
    ("PATCH", "/jobschedules/plan", {"displayName": "x"}, 400, "UnsupportedProperty"),
    ("POST", "/jobschedules/plan/enable", None, 409, "OperationInvalidForCurrentState"),
    ("POST", "/jobschedules/paused/disable", None, 409, "JobScheduleDisabled"),
    ("PATCH", "/jobschedules/past", {"metadata": []}, 409, "JobScheduleCompleted"),
    ("POST", "/jobschedules/past/enable", None, 409, "JobScheduleCompleted"),
    ("POST", "/jobschedules/past/disable", None, 409, "JobScheduleCompleted"),
    ("POST", "/jobschedules/past/terminate", None, 409, "JobScheduleCompleted"),
    (
        "GET",
        f"/jobschedules/plan/jobs?{VERSION}&$filter=id%20eq%20'a'",
        None,
        400,
        "InvalidQueryParameterValue",
    ),
    ("GET", f"/jobschedules?{VERSION}&$filter=priority%20eq%201", None, 400, "InvalidQueryParameterValue"),
    ("DELETE", f"/jobschedules/plan?{VERSION}&force=maybe", None, 400, "InvalidQueryParameterValue"),
]

TASKS: list[Row] = [
    ("GET", "/jobs/open/tasks/none", None, 404, "TaskNotFound"),
    ("DELETE", "/jobs/open/tasks/none", None, 404, "TaskNotFound"),
    ("GET", "/jobs/open/tasks/none/subtasksinfo", None, 404, "TaskNotFound"),
    ("POST", "/jobs/open/tasks", a_task("GOOD"), 409, "TaskExists"),
    ("POST", "/jobs/over/tasks", a_task("t"), 409, "JobCompleted"),
    ("POST", "/jobs/none/tasks", a_task("t"), 404, "JobNotFound"),
    ("POST", "/jobs/open/tasks", {"id": "t"}, 400, "MissingRequiredProperty"),
    (
        "POST",
        "/jobs/open/tasks",
        a_task("t", multiInstanceSettings=None, color=1),
        400,
        "UnsupportedProperty",
    ),
    (
        "POST",
        "/jobs/open/tasks",
        a_task("t", multiInstanceSettings={"coordinationCommandLine": "x", "numberOfInstances": 0}),
        400,
        "InvalidPropertyValue",
    ),
    (
        "POST",
        "/jobs/open/tasks",
        a_task("t", multiInstanceSettings={"coordinationCommandLine": " "}),
        400,
        "InvalidPropertyValue",
    ),
    (
        "POST",
        "/jobs/open/tasks",
        a_task("t", multiInstanceSettings={"numberOfInstances": 2}),
        400,
        "MissingRequiredProperty",
    ),
    (
        "POST",
        "/jobs/open/tasks",
        a_task("t", multiInstanceSettings={"coordinationCommandLine": "x"}, requiredSlots=2),
        400,
        "InvalidPropertyValue",
    ),
    (
        "POST",
        "/jobs/off/tasks",
        a_task("t", dependsOn={"taskIds": ["a"]}),
        400,
        "TaskDependenciesNotSpecifiedOnJob",
    ),
    (
        "POST",
        "/jobs/open/tasks",
        a_task("t", exitConditions={"default": {"jobAction": "terminate"}}),
        400,
        "InvalidPropertyValue",
    ),
    ("POST", "/jobs/none/addtaskcollection", {"value": [a_task("t")]}, 404, "JobNotFound"),
    ("POST", "/jobs/over/addtaskcollection", {"value": [a_task("t")]}, 409, "JobCompleted"),
    ("POST", "/jobs/open/addtaskcollection", {"value": []}, 400, "OutOfRangeInput"),
    (
        "POST",
        "/jobs/open/addtaskcollection",
        {"value": [a_task(f"t{place}") for place in range(101)]},
        400,
        "OutOfRangeInput",
    ),
    (
        "POST",
        "/jobs/open/addtaskcollection",
        {"value": [a_task("t", "x" * 1_100_000)]},
        413,
        "RequestBodyTooLarge",
    ),
    ("PUT", "/jobs/open/tasks/waiting", {"commandLine": "x"}, 400, "UnsupportedProperty"),
    ("PUT", "/jobs/open/tasks/good", {}, 409, "TaskCompleted"),
    ("POST", "/jobs/open/tasks/good/terminate", None, 409, "TaskCompleted"),
    ("POST", "/jobs/open/tasks/good/reactivate", None, 409, "TaskSucceeded"),
    ("POST", "/jobs/open/tasks/waiting/reactivate", None, 409, "TaskNotCompleted"),
    ("POST", "/jobs/over/tasks/left/reactivate", None, 409, "JobCompleted"),
    ("GET", "/jobs/open/tasks/waiting/files", None, 409, "TaskFilesUnavailable"),
    ("GET", "/jobs/open/tasks/waiting/files/stdout.txt", None, 409, "TaskFilesUnavailable"),
    ("GET", "/jobs/open/tasks/good/files/none.txt", None, 404, "FileNotFound"),
    ("GET", "/jobs/open/tasks/good/files/..%2F..%2Fx", None, 404, "FileNotFound"),
    ("DELETE", f"/jobs/open/tasks/good/files/.%2F?{VERSION}&recursive=true", None, 404, "FileNotFound"),
]

OTHERS: list[Row] = [("GET", "/applications/none", None, 404, "ApplicationNotFound")]

ROWS = PROTOCOL + POOLS + NODES + JOBS + SCHEDULES + TASKS + OTHERS


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{row[0]} {row[1][:60]} {row[4]} {n}" for n, row in enumerate(ROWS)]
)
def test_refusals(own_server: Server, world: World, row: Row) -> None:
    method, path, body, status, code = row
    refusal = refusal_of(send(own_server, method, path.replace("{node}", world.node), body))
    assert (refusal.status, refusal.code) == (status, code), refusal.values


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/jobs/open", {"If-None-Match": "*"}, 304, ""),
        ("GET", "/jobs/open", {"If-Match": '"0x0"'}, 304, ""),
        ("DELETE", "/jobs/open", {"If-Match": "0x0"}, 412, "ConditionNotMet"),
        ("DELETE", "/pools/fixed", {"If-None-Match": "*"}, 412, "ConditionNotMet"),
        (
            "POST",
            "/jobs/open/terminate",
            {"If-Unmodified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
            412,
            "ConditionNotMet",
        ),
        (
            "GET",
            "/jobs/open",
            {"If-Match": "*", "If-None-Match": "*"},
            400,
            "MultipleConditionHeadersNotSupported",
        ),
        ("GET", "/jobs/open", {"If-Modified-Since": "today"}, 400, "InvalidHeaderValue"),
        ("GET", "/jobs/open/tasks/good/files/stdout.txt", {"ocp-range": "bytes=99-"}, 416, "InvalidRange"),
        ("GET", "/jobs/open/tasks/good/files/stdout.txt", {"ocp-range": "all"}, 400, "InvalidHeaderValue"),
    ],
)
def test_refusals_by_headers(
    own_server: Server, world: World, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    refusal = refusal_of(send(own_server, method, path, headers=headers))
    assert (refusal.status, refusal.code) == (status, code)


@pytest.mark.parametrize(
    ("key", "headers", "status", "code"),
    [
        ("d3Jvbmcga2V5", {}, 403, "AuthenticationFailed"),
        (None, {"ocp-date": "Mon, 01 Jan 2024 00:00:00 GMT"}, 403, "AuthenticationFailed"),
        (None, {"ocp-date": "today"}, 400, "InvalidHeaderValue"),
    ],
)
def test_who_may_not(
    own_server: Server, key: str | None, headers: dict[str, str], status: int, code: str
) -> None:
    response = send(own_server, "GET", "/jobs", headers=headers, key=key)
    refusal = refusal_of(response)
    assert (refusal.status, refusal.code) == (status, code)
    assert own_server.key not in response.text


def test_no_key_at_all(own_server: Server) -> None:

    response = requests.get(f"{own_server.endpoint}/jobs?{VERSION}", timeout=60)
    assert refusal_of(response).status == 401
    assert "WWW-Authenticate" in response.headers
    response = requests.get(
        f"{own_server.endpoint}/jobs?{VERSION}", headers={"Authorization": "Bearer x"}, timeout=60
    )
    assert (refusal_of(response).status, refusal_of(response).code) == (401, "InvalidAuthenticationInfo")
