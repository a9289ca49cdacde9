"""Points 11 to 14: how tasks and jobs live and end."""

from __future__ import annotations

from typing import Any

import pytest
from azure.batch import BatchClient
from azure.core.exceptions import HttpResponseError

from batch_emulator.testing import LocalBatch
from tests.acceptance.conftest import until
from tests.acceptance.recorded import code_of
from tests.protocol.builders import a_job, a_pool, a_task


def ended(client: BatchClient, task: str, job: str = "job") -> Any:
    """A task, when it has completed."""
    return until(lambda: (found := client.get_task(job, task)).state == "completed" and found)


def running(client: BatchClient, task: str, job: str = "job") -> Any:
    """A task, when it runs."""
    return until(lambda: (found := client.get_task(job, task)).state == "running" and found)


@pytest.fixture
def client(account: LocalBatch) -> BatchClient:
    """A client of an account with a node and a job."""
    account.client.create_pool(a_pool("pool", nodes=1, taskSlotsPerNode=4))
    account.client.create_job(a_job("job", "pool", usesTaskDependencies=True))
    return account.client


def test_12_11_task_life_success_retries_and_errors(client: BatchClient) -> None:
    client.create_task("job", a_task("good"))
    client.create_task("job", a_task("bad", "exit 3", constraints={"maxTaskRetryCount": 2}))
    unreachable = [{"httpUrl": "http://127.0.0.1:1/none", "filePath": "f"}]
    retried = {"maxTaskRetryCount": 2}
    client.create_task("job", a_task("early", resourceFiles=unreachable, constraints=retried))
    upload = {
        "filePattern": "../std*.txt",
        "destination": {"container": {"containerUrl": "http://127.0.0.1:1/devstoreaccount1/none?sig=x"}},
        "uploadOptions": {"uploadCondition": "taskcompletion"},
    }
    client.create_task("job", a_task("late", outputFiles=[upload], constraints=retried))
    good, bad = ended(client, "good").execution_info, ended(client, "bad").execution_info
    assert (good.result, good.exit_code, good.retry_count) == ("success", 0, 0)
    assert (bad.result, bad.exit_code, bad.retry_count) == ("failure", 3, 2)
    assert bad.failure_info.code == "FailureExitCode"
    early, late = ended(client, "early").execution_info, ended(client, "late").execution_info
    assert (early.result, early.exit_code, early.retry_count) == ("failure", None, 0)
    assert (late.result, late.exit_code, late.retry_count) == ("failure", 0, 0)
    assert early.failure_info.code == "ResourceContainerAccessDenied" or early.failure_info.category
    assert late.failure_info.code == "FileUploadMiscError" or late.failure_info.category


def test_12_11_task_life_wall_clock_terminate_and_reactivate(client: BatchClient) -> None:
    client.create_task("job", a_task("slow", "sleep 600", constraints={"maxWallClockTime": "PT1S"}))
    assert ended(client, "slow").execution_info.failure_info.code == "TaskEnded"
    client.create_task("job", a_task("asked", "sleep 600"))
    running(client, "asked")
    client.terminate_task("job", "asked")
    assert ended(client, "asked").execution_info.result == "failure"
    client.create_task("job", a_task("again", "test -e ../../../../../shared/now || exit 1"))
    assert ended(client, "again").execution_info.exit_code == 1
    client.create_task("job", a_task("makes", "touch ../../../../../shared/now"))
    ended(client, "makes")
    client.reactivate_task("job", "again")
    assert ended(client, "again").execution_info.exit_code == 0
    with pytest.raises(HttpResponseError) as refused:
        client.reactivate_task("job", "again")
    assert code_of(refused.value) == "TaskSucceeded"


@pytest.mark.parametrize("by", ["reboot", "reimage", "scheduling", "job", "removal"])
def test_12_11_task_life_requeue(account: LocalBatch, client: BatchClient, by: str) -> None:
    client.create_task("job", a_task("t", "sleep 600"))
    node = running(client, "t").node_info.node_id
    if by == "reboot":
        client.begin_reboot_node("pool", node, {"nodeRebootOption": "requeue"}, polling_interval=0.05)
    elif by == "reimage":
        client.begin_reimage_node("pool", node, {"nodeReimageOption": "requeue"}, polling_interval=0.05)
    elif by == "scheduling":
        client.disable_node_scheduling("pool", node, {"nodeDisableSchedulingOption": "requeue"})
    elif by == "job":
        client.begin_disable_job("job", {"disableTasks": "requeue"}, polling_interval=0.05)
    else:
        options = {"nodeList": [node], "nodeDeallocationOption": "requeue"}
        client.begin_remove_nodes("pool", options, polling_interval=0.05)
    found = until(lambda: (task := client.get_task("job", "t")).execution_info.requeue_count == 1 and task)
    assert found.execution_info.retry_count == 0


def test_12_11_task_life_preemption_touches_neither_count(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("spot", targetLowPriorityNodes=1))
    client.create_job(a_job("job", "spot"))
    client.create_task("job", a_task("t", "sleep 600"))
    running(client, "t")
    account.faults.preempt("spot", away=3600)
    found = until(lambda: (task := client.get_task("job", "t")).state == "active" and task)
    assert (found.execution_info.requeue_count, found.execution_info.retry_count) == (0, 0)


@pytest.mark.parametrize(
    ("code", "conditions", "dependency", "job_state"),
    [
        (0, {}, "satisfy", "active"),
        (1, {}, "block", "completed"),
        (1, {"default": {"dependencyAction": "satisfy", "jobAction": "none"}}, "satisfy", "active"),
        (1, {"default": {"jobAction": "disable"}}, "block", "disabled"),
        (0, {"default": {"dependencyAction": "block", "jobAction": "disable"}}, "satisfy", "active"),
        (2, {"exitCodes": [{"code": 2, "exitOptions": {"jobAction": "none"}}]}, "block", "active"),
        (
            3,
            {"exitCodeRanges": [{"start": 2, "end": 4, "exitOptions": {"dependencyAction": "satisfy"}}]},
            "satisfy",
            "completed",
        ),
        (
            0,
            {"exitCodes": [{"code": 0, "exitOptions": {"dependencyAction": "block"}}]},
            "block",
            "active",
        ),
    ],
)
def test_12_12_exit_conditions(
    account: LocalBatch, code: int, conditions: dict[str, Any], dependency: str, job_state: str
) -> None:
    client = account.client
    client.create_pool(a_pool("pool", nodes=1))
    policy = {"onTaskFailure": "performexitoptionsjobaction"}
    client.create_job(a_job("job", "pool", usesTaskDependencies=True, **policy))
    more = {"exitConditions": conditions} if conditions else {}
    client.create_task("job", a_task("child", dependsOn={"taskIds": ["parent"]}))
    client.create_task("job", a_task("parent", f"exit {code}", **more))
    ended(client, "parent")
    until(lambda: client.get_job("job").state == job_state)
    if dependency == "satisfy" and job_state == "active":
        assert ended(client, "child").execution_info.result == "success"
    elif job_state == "active":
        account.clock.advance(600)
        assert client.get_task("job", "child").state == "active"


def test_12_12_ranges_of_ids(account: LocalBatch, client: BatchClient) -> None:
    depends = {"taskIdRanges": [{"start": 3, "end": 5}]}
    client.create_task("job", a_task("child", dependsOn=depends))
    for name in ("3", "04", "5flamingoes"):
        client.create_task("job", a_task(name))
        ended(client, name)
    account.clock.advance(60)
    assert client.get_task("job", "child").state == "active"  # a hole: there is no 5
    client.create_task("job", a_task("005"))
    assert ended(client, "child").execution_info.result == "success"


def test_12_13_on_all_tasks_complete(account: LocalBatch, client: BatchClient) -> None:
    client.create_job(a_job("empty", "pool", onAllTasksComplete="terminatejob"))
    job = until(lambda: (found := client.get_job("empty")).state == "completed" and found)
    assert job.execution_info.termination_reason == "AllTasksComplete"
    client.create_task("job", a_task("bad", "exit 1"))
    client.create_task("job", a_task("blocked", dependsOn={"taskIds": ["bad"]}))
    ended(client, "bad")
    client.update_job("job", {"onAllTasksComplete": "terminatejob"})
    account.clock.advance(3600)
    assert client.get_job("job").state == "active"
    client.delete_task("job", "blocked")
    until(lambda: client.get_job("job").state == "completed")


def test_12_13_job_manager_and_wall_clock(account: LocalBatch, client: BatchClient) -> None:
    manager = {"id": "manager", "commandLine": "/bin/sh -c 'exit 0'", "killJobOnCompletion": True}
    client.create_job(a_job("managed", "pool", jobManagerTask=manager))
    job = until(lambda: (found := client.get_job("managed")).state == "completed" and found)
    assert job.execution_info.termination_reason == "JMComplete"
    client.create_job(a_job("timed", "pool", constraints={"maxWallClockTime": "PT10M"}))
    client.create_task("timed", a_task("t", "sleep 600"))
    running(client, "t", "timed")
    account.clock.advance(601)
    job = until(lambda: (found := client.get_job("timed")).state == "completed" and found)
    assert job.execution_info.termination_reason == "MaxWallClockTimeExpiry"


def test_12_14_preparation_failure_leaves_the_job_stuck(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("pool", nodes=2))
    failing = {"commandLine": "/bin/sh -c 'exit 1'"}
    client.create_job(a_job("stuck", "pool", jobPreparationTask=failing))
    for number in range(3):
        client.create_task("stuck", a_task(f"t{number}"))
    statuses = "list_job_preparation_and_release_task_status"

    def failed() -> bool:
        found = list(getattr(client, statuses)("stuck"))
        infos = [item.job_preparation_task_execution_info for item in found]
        return len(infos) == 2 and all(info.result == "failure" for info in infos if info)

    until(failed)
    account.clock.advance(3600)
    assert {task.state for task in client.list_tasks("stuck")} == {"active"}
    assert client.get_job("stuck").state == "active"


def test_12_14_release_runs_once_per_node(account: LocalBatch) -> None:
    client = account.client
    client.create_pool(a_pool("pool", nodes=2))
    note = "/bin/sh -c 'echo x >> $AZ_BATCH_NODE_SHARED_DIR/released'"
    special = {"jobPreparationTask": {"commandLine": "true"}, "jobReleaseTask": {"commandLine": note}}
    client.create_job(a_job("job", "pool", **special))
    for number in range(4):
        client.create_task("job", a_task(f"t{number}"))
    for number in range(4):
        ended(client, f"t{number}")
    prepared = list(client.list_job_preparation_and_release_task_status("job"))
    client.begin_terminate_job("job", options={"terminateReason": "x"}, polling_interval=0.05).result()
    for item in prepared:
        content = b"".join(client.download_node_file("pool", item.node_id, "shared/released"))
        assert content == b"x\n"
