from __future__ import annotations

import shlex
import sys
from datetime import timedelta

import pytest
from azure.batch import models

from tests.protocol.builders import a_job, a_pool, a_task
from tests.protocol.driver import Driver
from tests.protocol.raw import send
from tests.protocol.server import Server

pytestmark = pytest.mark.slow


async def test_a_new_job_has_the_services_defaults(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    assert batch.last.status == 201
    # Recorded: the service names this URL whatever the job's id.
    assert batch.last.headers["location"].endswith("/jobs/job-1")
    job = await batch.call("get_job", name)
    assert (job.state, job.priority, job.max_parallel_tasks) == ("active", 0, -1)
    assert (job.all_tasks_complete_mode, job.task_failure_mode) == ("noaction", "noaction")
    assert job.constraints.max_task_retry_count == 0
    assert job.execution_info.pool_id == "no-such-pool"
    assert job.execution_info.start_time == job.creation_time
    assert batch.last.body["constraints"]["maxWallClockTime"] == "P10675199DT2H48M5.4775807S"


async def test_replace_and_patch(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name, metadata=[{"name": "a", "value": "b"}]))
    job = await batch.call("get_job", name)
    job.priority = 500
    job.constraints = models.BatchJobConstraints(max_task_retry_count=3)
    await batch.call("replace_job", name, job)
    await batch.call("update_job", name, models.BatchJobUpdateOptions(priority=900))
    job = await batch.call("get_job", name)
    assert (job.priority, job.constraints.max_task_retry_count) == (900, 3)
    assert job.metadata[0].value == "b"
    constraints = models.BatchJobConstraints(max_wall_clock_time=timedelta(hours=1))
    await batch.call("update_job", name, models.BatchJobUpdateOptions(constraints=constraints))
    job = await batch.call("get_job", name)
    assert (job.constraints.max_task_retry_count, job.metadata[0].value) == (0, "b")
    await batch.call("replace_job", name, {"poolInfo": {"poolId": "no-such-pool"}})
    job = await batch.call("get_job", name)
    assert (job.priority, job.metadata) == (0, None)


async def test_disable_enable_terminate_delete(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    options = models.BatchJobDisableOptions(disable_tasks="requeue")
    assert (await batch.run("begin_disable_job", name, options)).status == 202
    assert (await batch.call("get_job", name)).state == "disabled"
    assert (await batch.run("begin_enable_job", name)).status == 202
    assert (await batch.call("get_job", name)).state == "active"
    answer = await batch.run("begin_terminate_job", name, options={"terminateReason": "Enough"}, force=True)
    assert answer.status == 202
    job = await batch.call("get_job", name)
    assert (job.state, job.execution_info.termination_reason) == ("completed", "Enough")
    assert (await batch.run("begin_delete_job", name, force=True)).status == 202
    assert batch.last.status == 404


async def test_task_counts_weigh_slots(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    await batch.call("create_task", name, a_task("t", requiredSlots=3))
    counts = await batch.call("get_job_task_counts", name)
    assert (counts.task_counts.active, counts.task_slot_counts.active) == (1, 3)
    assert counts.task_counts.completed == counts.task_counts.succeeded == 0


async def test_preparation_and_release(batch: Driver, name: str) -> None:
    special = {"jobPreparationTask": {"commandLine": "true"}, "jobReleaseTask": {"commandLine": "true"}}
    await batch.call("create_pool", a_pool(name, nodes=1))
    await batch.call("create_job", a_job(name, name, **special))
    assert await batch.list("list_job_preparation_and_release_task_status", name) == []
    job = await batch.call("get_job", name)
    assert (job.job_preparation_task.id, job.job_release_task.id) == ("jobpreparation", "jobrelease")
    await batch.call("create_task", name, a_task("t"))
    await batch.until(lambda task: task.state == "completed", "get_task", name, "t")
    [status] = await batch.list("list_job_preparation_and_release_task_status", name)
    assert (status.pool_id, status.job_preparation_task_execution_info.result) == (name, "success")
    await batch.run("begin_terminate_job", name, options={"terminateReason": "x"})
    done = (
        "jobReleaseTaskExecutionInfo/state eq 'completed' and jobPreparationTaskExecutionInfo/exitCode eq 0"
    )
    [status] = await batch.list("list_job_preparation_and_release_task_status", name, filter=done)
    assert status.job_release_task_execution_info.exit_code == 0
    await batch.run("begin_delete_pool", name)


async def test_a_job_manager_ends_its_job(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=1))
    manager = {"id": "boss", "commandLine": "/bin/sh -c 'echo $AZ_BATCH_TASK_ID'", "displayName": "Boss"}
    await batch.call("create_job", a_job(name, name, jobManagerTask=manager))
    job = await batch.until(lambda job: job.state == "completed", "get_job", name)
    assert job.execution_info.termination_reason == "JMComplete"
    settings = job.job_manager_task
    assert (settings.kill_job_on_completion, settings.run_exclusive, settings.required_slots) == (
        True,
        True,
        1,
    )
    [task] = await batch.list("list_tasks", name)
    assert (task.id, task.display_name, task.execution_info.result) == ("boss", "Boss", "success")
    assert await batch.read("download_task_file", name, "boss", "stdout.txt") == b"boss\n"
    await batch.run("begin_delete_pool", name)


async def test_a_task_makes_room_for_a_job_of_higher_priority(aio_batch: Driver, name: str) -> None:
    await aio_batch.call("create_pool", a_pool(name, nodes=1))
    await aio_batch.call("create_job", a_job(f"{name}-low", name))
    await aio_batch.call("create_task", f"{name}-low", a_task("long", "sleep 600"))
    await aio_batch.until(lambda task: task.state == "running", "get_task", f"{name}-low", "long")
    await aio_batch.call("create_job", a_job(f"{name}-high", name, priority=10))
    await aio_batch.call("create_task", f"{name}-high", a_task("short"))
    await aio_batch.call(
        "update_job", f"{name}-low", models.BatchJobUpdateOptions(allow_task_preemption=True)
    )
    await aio_batch.until(lambda task: task.state == "completed", "get_task", f"{name}-high", "short")
    task = await aio_batch.until(lambda task: task.state == "running", "get_task", f"{name}-low", "long")
    assert (task.execution_info.requeue_count, task.execution_info.retry_count) == (0, 0)
    await aio_batch.run("begin_delete_job", f"{name}-low")
    await aio_batch.run("begin_delete_pool", name)


TOKEN_USER = """
import os, urllib.error, urllib.request
def status(path):
    headers = {"Authorization": "Bearer " + os.environ["AZ_BATCH_AUTHENTICATION_TOKEN"]}
    url = os.environ["AZ_BATCH_ACCOUNT_URL"] + path + "?api-version=2024-02-01.19.0"
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status
    except urllib.error.HTTPError as error:
        return error.code
job = "/jobs/" + os.environ["AZ_BATCH_JOB_ID"]
print(status(job), status(job + "/tasks"), status("/jobs"), status("/jobs/other"), status("/pools"))
"""


async def test_a_manager_uses_its_job_with_the_token_of_an_older_version(
    aio_batch: Driver, server: Server, name: str
) -> None:
    await aio_batch.call("create_pool", a_pool(name, nodes=1))
    manager = {
        "id": "boss",
        "commandLine": f"{sys.executable} -c {shlex.quote(TOKEN_USER)}",
        "authenticationTokenSettings": {"access": ["job"]},
        "killJobOnCompletion": False,
    }
    path = "/jobs?api-version=2024-02-01.19.0"
    assert send(server, "POST", path, a_job(name, name, jobManagerTask=manager)).status_code == 201
    await aio_batch.until(lambda task: task.state == "completed", "get_task", name, "boss")
    assert await aio_batch.read("download_task_file", name, "boss", "stderr.txt") == b""
    answers = await aio_batch.read("download_task_file", name, "boss", "stdout.txt")
    assert answers == b"200 200 403 403 403\n"
    await aio_batch.run("begin_delete_pool", name)


async def test_an_auto_pool_lives_as_long_as_its_job(batch: Driver, name: str) -> None:
    body = {key: value for key, value in a_pool("x", nodes=1).items() if key != "id"}
    auto = {"poolLifetimeOption": "job", "autoPoolIdPrefix": "auto", "pool": body}
    special = {"jobPreparationTask": {"commandLine": "true"}, "jobReleaseTask": {"commandLine": "true"}}
    job = {"id": name, "poolInfo": {"autoPoolSpecification": auto}, **special}
    await batch.call("create_job", job)
    job = await batch.call("get_job", name)
    specification = job.pool_info.auto_pool_specification
    assert (specification.keep_alive, specification.pool.task_slots_per_node) == (False, 1)
    pool_id = job.execution_info.pool_id
    assert pool_id.startswith("auto_")
    assert (await batch.call("get_pool", pool_id)).state == "active"
    await batch.call("create_task", name, a_task("t"))
    await batch.until(lambda task: task.state == "completed", "get_task", name, "t")
    # Replaced with what was answered, as clients do.
    job.priority = 7
    await batch.call("replace_job", name, job)
    await batch.run("begin_terminate_job", name, options={"terminateReason": "x"})
    pools = await batch.list("list_pools", filter=f"id eq '{pool_id}'")
    assert [pool.state for pool in pools] in ([], ["deleting"])


async def test_a_job_whose_auto_pool_cannot_be_made_tells_why(aio_batch: Driver, name: str) -> None:
    body = {key: value for key, value in a_pool("x").items() if key not in ("id", "targetDedicatedNodes")}
    auto = {
        "poolLifetimeOption": "job",
        "pool": {**body, "enableAutoScale": True, "autoScaleFormula": "$x=("},
    }
    await aio_batch.call("create_job", {"id": name, "poolInfo": {"autoPoolSpecification": auto}})
    job = await aio_batch.until(lambda job: job.state == "completed", "get_job", name)
    assert job.execution_info.scheduling_error.code == "InvalidAutoScaleFormulaInAutoPool"
    assert job.execution_info.scheduling_error.category == "usererror"
    assert job.execution_info.pool_id is None


async def test_statistics(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=1))
    specification = {"poolInfo": {"poolId": name}}
    plan = {"id": name, "schedule": {"recurrenceInterval": "P1D"}, "jobSpecification": specification}
    await batch.call("create_job_schedule", plan)
    job = f"{name}:job-1"
    spin = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    for task, command in (("good", spin), ("bad", "exit 1")):
        await batch.call("create_task", job, a_task(task, command))
        await batch.until(lambda found: found.state == "completed", "get_task", job, task)
    assert (await batch.call("get_task", job, "good")).task_statistics is None
    of_task = (await batch.call("get_task", job, "good", expand=["stats"])).task_statistics
    assert of_task.user_cpu_time > timedelta(0)
    assert of_task.wall_clock_time >= of_task.user_cpu_time
    [listed] = await batch.list("list_tasks", job, filter="id eq 'good'", select=["stats"])
    assert listed.task_statistics.wall_clock_time == of_task.wall_clock_time
    of_job = (await batch.call("get_job", job, expand=["stats"])).job_statistics
    assert (of_job.succeeded_tasks_count, of_job.failed_tasks_count, of_job.task_retries_count) == (1, 1, 0)
    assert of_job.wall_clock_time >= of_task.wall_clock_time
    [listed] = await batch.list("list_jobs_from_schedule", name, expand=["stats"])
    assert listed.job_statistics.user_cpu_time == of_job.user_cpu_time
    of_schedule = (await batch.call("get_job_schedule", name, expand=["stats"])).job_schedule_statistics
    assert of_schedule.user_cpu_time == of_job.user_cpu_time
    text = f"id eq '{name}'"
    [listed] = await batch.list("list_job_schedules", filter=text, select=["id", "stats"])
    assert listed.job_schedule_statistics.failed_tasks_count == 1
    await batch.run("begin_delete_job_schedule", name)
    await batch.run("begin_delete_pool", name)
