"""Points 15 to 20: what goes by the clock, by several nodes, by quotas, and what tasks find."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.batch import BatchClient
from azure.core.exceptions import HttpResponseError

from batch_emulator.testing import LocalBatch
from tests.acceptance.conftest import until
from tests.acceptance.recorded import code_of, raw, recorded
from tests.acceptance.test_life import ended, running
from tests.acceptance.uploads import a_package, management
from tests.protocol.builders import a_job, a_pool, a_task
from tests.protocol.test_management import GROUP


def refused(call: Any, *args: Any, **kwargs: Any) -> tuple[int | None, str]:
    """Status and code of a refusal."""
    with pytest.raises(HttpResponseError) as error:
        call(*args, **kwargs)
    return error.value.status_code, code_of(error.value)


def _schedule(**plan: Any) -> dict[str, Any]:
    return {"id": "plan", "schedule": plan, "jobSpecification": {"poolInfo": {"poolId": "none"}}}


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _jobs(client: BatchClient) -> list[tuple[str, str]]:
    return [(job.id, str(job.state.value)) for job in client.list_jobs_from_schedule("plan")]


def _finish(client: BatchClient, job: str) -> None:
    client.begin_terminate_job(job, options={"terminateReason": "x"}, polling_interval=0.05).result()


def test_12_15_one_active_job_at_a_time(account: LocalBatch) -> None:
    client = account.client
    client.create_job_schedule(_schedule(recurrenceInterval="PT10M"))
    assert _jobs(client) == [("plan:job-1", "active")]
    account.clock.advance(timedelta(minutes=25))
    assert _jobs(client) == [("plan:job-1", "active")]
    _finish(client, "plan:job-1")
    until(lambda: ("plan:job-2", "active") in _jobs(client))


def test_12_15_an_occurrence_outside_of_the_start_window_is_lost(account: LocalBatch) -> None:
    client = account.client
    client.create_job_schedule(_schedule(recurrenceInterval="PT10M", startWindow="PT1M"))
    account.clock.advance(timedelta(minutes=15))
    _finish(client, "plan:job-1")
    account.clock.advance(timedelta(minutes=2))
    assert _jobs(client) == [("plan:job-1", "completed")]
    account.clock.advance(timedelta(minutes=4))
    until(lambda: ("plan:job-2", "active") in _jobs(client))


def test_12_15_do_not_run_after_and_terminate_reason(account: LocalBatch) -> None:
    client = account.client
    until_then = _iso(account.clock.now() + timedelta(minutes=15))
    client.create_job_schedule(_schedule(recurrenceInterval="PT10M", doNotRunAfter=until_then))
    _finish(client, "plan:job-1")
    account.clock.advance(timedelta(minutes=30))
    for job, state in _jobs(client):
        if state == "active":
            _finish(client, job)
    until(lambda: client.get_job_schedule("plan").state == "completed")
    client.create_job_schedule({**_schedule(recurrenceInterval="PT10M"), "id": "other"})
    client.begin_terminate_job_schedule("other", polling_interval=0.05).result()
    job = next(iter(client.list_jobs_from_schedule("other")))
    assert job.execution_info.termination_reason == "TerminateJobSchedule"


def test_12_16_autoscale(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("pool"))
    until(lambda: client.get_pool("pool").allocation_state == "steady")
    formula = "$TargetDedicatedNodes = 1; $NodeDeallocationOption = taskcompletion; x = 2;"
    for interval in ("PT4M", "P8D"):
        options = {"autoScaleFormula": formula, "autoScaleEvaluationInterval": interval}
        assert refused(client.enable_pool_auto_scale, "pool", options)[0] == 400
    status, code = refused(client.enable_pool_auto_scale, "pool", {"autoScaleFormula": "$Target = ("})
    assert (status, code) == (400, "AutoScalingFormulaSyntaxError")
    client.enable_pool_auto_scale("pool", {"autoScaleFormula": "$TargetDedicatedNodes = 0;"})
    until(lambda: client.get_pool("pool").allocation_state == "steady")
    with recorded(account) as (impatient, _):  # the other obeys Retry-After
        again = refused(impatient.enable_pool_auto_scale, "pool", {"autoScaleFormula": formula})
    assert again == (503, "TooManyEnableAutoScaleRequests")
    account.clock.advance(31)
    client.enable_pool_auto_scale("pool", {"autoScaleFormula": formula})
    run = client.get_pool("pool").auto_scale_run
    results = run.results.split(";")
    assert results[0] == "$TargetDedicatedNodes=1"
    assert "$NodeDeallocationOption=taskcompletion" in results
    assert results[-1] == "x=2"
    until(lambda: client.get_pool("pool").current_dedicated_nodes == 1)
    missing = "$TargetDedicatedNodes = avg($PendingTasks.GetSample(TimeInterval_Hour, 90));"
    answer = raw(client, "POST", "/pools/pool/evaluateautoscale", json={"autoScaleFormula": missing})
    error = answer.json()["error"]
    assert error["code"] == "InsufficientSampleData"
    assert any("Line 1, Col" in item["value"] for item in error["values"])
    account.clock.advance(31)
    client.enable_pool_auto_scale("pool", {"autoScaleFormula": "$TargetDedicatedNodes = 2;"})
    until(lambda: client.get_pool("pool").current_dedicated_nodes == 2)


def test_12_17_multi_instance(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("pool", nodes=2, enableInterNodeCommunication=True))
    client.create_job(a_job("job", "pool"))
    settings = {"numberOfInstances": 2, "coordinationCommandLine": "/bin/sh -c 'env > $AZ_BATCH_TASK_DIR/e'"}
    command = "cat ../e; echo nodes=$AZ_BATCH_NODE_LIST master=$AZ_BATCH_IS_CURRENT_NODE_MASTER"
    client.create_task("job", a_task("t", command, multiInstanceSettings=settings))
    assert ended(client, "t").execution_info.exit_code == 0
    [subtask] = list(client.list_subtasks("job", "t"))
    assert (subtask.id, str(subtask.state.value), subtask.exit_code) == (1, "completed", 0)
    shown = b"".join(client.download_task_file("job", "t", "stdout.txt")).decode()
    nodes = next(line for line in shown.splitlines() if line.startswith("nodes="))
    assert nodes.count(";") == 1
    assert nodes.endswith("master=true")
    assert {line.partition("=")[0] for line in shown.splitlines()} >= {
        "AZ_BATCH_HOST_LIST",
        "AZ_BATCH_MASTER_NODE",
        "AZ_BATCH_NODE_LIST",
        "AZ_BATCH_TASK_SHARED_DIR",
        "CCP_NODES",
    }
    failing = {"numberOfInstances": 2, "coordinationCommandLine": "/bin/sh -c 'exit 7'"}
    client.create_task("job", a_task("bad", multiInstanceSettings=failing))
    assert ended(client, "bad").execution_info.result == "failure"


def test_12_18_quotas(account: LocalBatch) -> None:
    client = account.client
    quotas = {"pools": 1, "activeJobsAndSchedules": 1, "dedicatedCores": 2}
    account.faults.set({"quotas": quotas})
    client.create_pool(a_pool("pool", nodes=2))  # of two cores each
    pool = until(lambda: (found := client.get_pool("pool")).allocation_state == "steady" and found)
    assert [error.code for error in pool.resize_errors] == ["AccountCoreQuotaReached"]
    assert pool.current_dedicated_nodes == 1
    assert refused(client.create_pool, a_pool("more")) == (409, "PoolQuotaReached")
    client.create_job(a_job("job"))
    assert refused(client.create_job, a_job("more")) == (409, "ActiveJobAndScheduleQuotaReached")
    assert refused(client.create_job_schedule, _schedule())[1] == "ActiveJobAndScheduleQuotaReached"


ALL = {
    "AZ_BATCH_ACCOUNT_NAME",
    "AZ_BATCH_ACCOUNT_URL",
    "AZ_BATCH_NODE_ID",
    "AZ_BATCH_NODE_IS_DEDICATED",
    "AZ_BATCH_NODE_MOUNTS_DIR",
    "AZ_BATCH_NODE_ROOT_DIR",
    "AZ_BATCH_NODE_SHARED_DIR",
    "AZ_BATCH_NODE_STARTUP_DIR",
    "AZ_BATCH_POOL_ID",
    "AZ_BATCH_TASK_DIR",
    "AZ_BATCH_TASK_WORKING_DIR",
}
OF_JOBS = {"AZ_BATCH_JOB_ID", "AZ_BATCH_TASK_ID"}
PREPARED = {"AZ_BATCH_JOB_PREP_DIR", "AZ_BATCH_JOB_PREP_WORKING_DIR"}


def test_12_19_environment_directories_and_files(account: LocalBatch) -> None:
    client = account.client
    note = {"commandLine": "/bin/sh -c env"}
    client.create_pool(a_pool("pool", nodes=1, startTask=note))
    client.create_job(
        a_job(
            "job",
            "pool",
            jobPreparationTask=note,
            jobReleaseTask=note,
            jobManagerTask={**note, "id": "m", "killJobOnCompletion": False},
        )
    )
    client.create_task("job", a_task("t", "env"))
    node = ended(client, "t").node_info.node_id
    ended(client, "m")
    _finish(client, "job")
    kinds = {
        "startup": ALL,
        "workitems/job/job-1/jobpreparation": ALL | OF_JOBS,
        "workitems/job/job-1/jobrelease": ALL | OF_JOBS | PREPARED,
        "workitems/job/job-1/m": ALL | OF_JOBS | PREPARED,
        "workitems/job/job-1/t": ALL | OF_JOBS | PREPARED,
    }
    for folder, expected in kinds.items():
        shown = b"".join(client.download_node_file("pool", node, f"{folder}/stdout.txt")).decode()
        names = {line.partition("=")[0] for line in shown.splitlines()}
        assert expected <= names, folder
        assert not (OF_JOBS | PREPARED) - expected & names, folder
        assert f"{folder}/wd" in {file.name for file in client.list_node_files("pool", node, recursive=True)}
    assert {file.name for file in client.list_task_files("job", "t")} >= {"stdout.txt", "stderr.txt", "wd"}


def test_12_20_management_plane(account: LocalBatch) -> None:
    with management(account) as plane:
        names = (GROUP, account.account)
        new = plane.batch_account.regenerate_key(*names, {"keyName": "Secondary"}).secondary
        with recorded(account, new) as (client, _):
            assert list(client.list_pools()) == []
        a_package(account, "hello", "1.0")
        client = account.client
        application = f"{plane.batch_account.get(*names).id}/applications/hello"
        reference = [{"applicationId": application}]
        client.create_pool(a_pool("pool", nodes=1, applicationPackageReferences=reference))
        client.create_job(a_job("job", "pool"))
        client.create_task("job", a_task("t", "$AZ_BATCH_APP_PACKAGE_hello/hello"))
        ended(client, "t")
        assert b"".join(client.download_task_file("job", "t", "stdout.txt")) == b"hello\n"
        assert plane.pool.get(*names, "pool").name == "pool"
        machine = {
            "imageReference": {"publisher": "canonical", "offer": "ubuntu-24_04-lts", "sku": "server"},
            "nodeAgentSkuId": "batch.node.ubuntu 24.04",
        }
        properties = {
            "vmSize": "STANDARD_D2S_V3",
            "deploymentConfiguration": {"virtualMachineConfiguration": machine},
            "scaleSettings": {"fixedScale": {"targetDedicatedNodes": 1}},
        }
        plane.pool.create(*names, "managed", {"properties": properties})
        assert client.get_pool("managed").target_dedicated_nodes == 1
        client.create_job(a_job("there", "managed"))
        client.create_task("there", a_task("t", "sleep 600"))
        running(client, "t", "there")
