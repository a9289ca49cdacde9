from __future__ import annotations

from datetime import timedelta

import pytest
from azure.batch import models

from tests.protocol.builders import a_job, a_pool, a_task, task_models
from tests.protocol.driver import Driver

pytestmark = pytest.mark.slow


async def test_what_was_given_comes_back(batch: Driver, name: str) -> None:
    conditions = {
        "exitCodes": [{"code": 1, "exitOptions": {"jobAction": "Terminate"}}],
        "exitCodeRanges": [{"start": 2, "end": 4, "exitOptions": {"jobAction": "disable"}}],
        "default": {"jobAction": "none"},
    }
    output = {
        "filePattern": "../std*.txt",
        "destination": {"container": {"containerUrl": "http://127.0.0.1:1/c?sig=s"}},
        "uploadOptions": {"uploadCondition": "TaskCompletion"},
    }
    await batch.call("create_job", a_job(name, onTaskFailure="performexitoptionsjobaction"))
    body = a_task("t", exitConditions=conditions, outputFiles=[output], displayName="T")
    await batch.call("create_task", name, body)
    assert batch.last.status == 201
    assert batch.last.headers["location"].endswith(f"/jobs/{name}/tasks/t")
    task = await batch.call("get_task", name, "t")
    assert batch.last.headers["dataserviceid"].endswith(f"/jobs/{name}/tasks/t")
    assert task.exit_conditions.exit_codes[0].exit_options.job_action == "terminate"
    assert task.exit_conditions.exit_code_ranges[0].end == 4
    assert task.output_files[0].upload_options.upload_condition == "taskcompletion"
    assert (task.state, task.required_slots, task.display_name) == ("active", 1, "T")
    assert (task.execution_info.retry_count, task.execution_info.requeue_count) == (0, 0)
    assert task.user_identity.auto_user.scope == "pool"
    assert task.node_info is None


async def test_a_task_runs_and_tells_where(batch: Driver, name: str) -> None:
    await batch.call("create_pool", a_pool(name, nodes=1))
    await batch.call("create_job", a_job(name, name))
    await batch.call("create_task", name, a_task("good"))
    await batch.call("create_task", name, a_task("bad", "exit 7"))
    good = await batch.until(lambda task: task.state == "completed", "get_task", name, "good")
    bad = await batch.until(lambda task: task.state == "completed", "get_task", name, "bad")
    assert (good.execution_info.result, good.execution_info.exit_code) == ("success", 0)
    assert good.previous_state == "running"
    assert good.node_info.task_root_directory == f"workitems/{name}/job-1/good"
    assert good.node_info.affinity_id == f"TVM:{good.node_info.node_id}"
    failure = bad.execution_info.failure_info
    assert (bad.execution_info.result, bad.execution_info.exit_code) == ("failure", 7)
    assert (failure.category, failure.code) == ("usererror", "FailureExitCode")
    await batch.run("begin_delete_pool", name)


async def test_replace_terminate_reactivate_delete(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    await batch.call("create_task", name, a_task("t"))
    task = await batch.call("get_task", name, "t")
    task.constraints = models.BatchTaskConstraints(
        max_task_retry_count=2, max_wall_clock_time=timedelta(hours=1)
    )
    await batch.call("replace_task", name, "t", task)
    assert (await batch.call("get_task", name, "t")).constraints.max_task_retry_count == 2
    await batch.call("terminate_task", name, "t")
    assert batch.last.status == 204
    task = await batch.call("get_task", name, "t")
    assert (task.state, task.execution_info.failure_info.code) == ("completed", "TaskEnded")
    await batch.call("reactivate_task", name, "t")
    assert batch.last.status == 204
    assert (await batch.call("get_task", name, "t")).state == "active"
    await batch.call("delete_task", name, "t")
    assert batch.last.status == 200
    assert await batch.list("list_tasks", name) == []


async def test_subtasks_of_an_ordinary_task(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    await batch.call("create_task", name, a_task("t"))
    assert await batch.list("list_subtasks", name, "t") == []


async def test_collection_with_results_for_each(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    await batch.call("create_task", name, a_task("old"))
    group = {"value": [a_task("old"), a_task("new"), a_task("bad", requiredSlots=0)]}
    result = await batch.call("create_task_collection", name, group)
    by_id = {item.task_id: item for item in result.result_values}
    assert {task_id: item.status for task_id, item in by_id.items()} == {
        "old": "clienterror",
        "new": "success",
        "bad": "clienterror",
    }
    assert by_id["old"].error.code == "TaskExists"
    assert by_id["bad"].error.code == "InvalidPropertyValue"
    assert by_id["new"].location.endswith(f"/jobs/{name}/tasks/new")
    assert by_id["new"].etag == (await batch.call("get_task", name, "new")).etag


async def test_the_bulk_helper_adds_many(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    result = await batch.call("create_tasks", name, task_models(250), max_concurrency=2)
    assert {item.status for item in result.result_values} == {"success"}
    assert len(await batch.list("list_tasks", name)) == 250
    # What is there already counts as added.
    await batch.call("create_tasks", name, task_models(3))


async def test_the_bulk_helper_halves_what_is_too_large(batch: Driver, name: str) -> None:
    await batch.call("create_job", a_job(name))
    files = [
        models.ResourceFile(http_url=f"https://example.com/{'x' * 150}/{place}", file_path=f"f{place}")
        for place in range(100)
    ]
    tasks = task_models(120)
    for task in tasks:
        task.resource_files = files
    await batch.call("create_tasks", name, tasks)
    assert 413 in {answer.status for answer in batch.recorder.answers}
    assert (await batch.call("get_job_task_counts", name)).task_counts.active == 120
