"""kill -9 of the emulator: what was acknowledged is there, the work goes on, no process is left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from azure.batch import models

from batch_emulator.nodes.agent.process_tree import processes_with_environment
from tests.batch_emulator.nodes.waiting import pid_in, until, until_dead
from tests.batch_emulator.runtime.served import a_job, a_pool, a_task, eventually, served

pytestmark = pytest.mark.slow


def processes(data_dir: Path) -> set[int]:
    return processes_with_environment("AZ_BATCH_NODE_ROOT_DIR", str(data_dir))


async def test_a_job_ends_after_kill_9_and_restart_and_no_process_is_left(tmp_path: Path) -> None:
    data, notes = tmp_path / "data", tmp_path / "notes"
    notes.mkdir()
    # The first try of each task waits for ever: only a second one, after the crash, can end it.
    script = (
        f"if mkdir {notes}/$AZ_BATCH_TASK_ID; then echo $$ > {notes}/$AZ_BATCH_TASK_ID/pid; sleep 600; fi"
    )
    async with served(data) as emulator, emulator.client() as client:
        await client.create_pool(a_pool("pool", 2, task_slots_per_node=2))
        await client.create_job(a_job("job", "pool", uses_task_dependencies=True))
        tasks = [a_task(f"t{number}", script) for number in range(4)]
        last = a_task(
            "last",
            "echo end",
            depends_on=models.BatchTaskDependencies(task_ids=[task.id for task in tasks]),
        )
        await client.create_tasks("job", [*tasks, last])
        options = models.BatchJobUpdateOptions(all_tasks_complete_mode="terminatejob")
        await client.update_job("job", options)
        pids = [await pid_in(notes / f"t{number}" / "pid") for number in range(4)]
        await emulator.kill()
    await until_dead(*pids)
    async with served(data) as emulator, emulator.client() as client:
        job = await eventually(lambda: client.get_job("job"), lambda job: job.state == "completed")
        assert job.execution_info.termination_reason == "AllTasksComplete"
        ended = {task.id: task async for task in client.list_tasks("job")}
        assert {task.execution_info.exit_code for task in ended.values()} == {0}
        assert sorted(ended) == ["last", "t0", "t1", "t2", "t3"]
    await until(lambda: not processes(data), "the end of all processes")


async def test_what_was_acknowledged_under_load_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    async with served(tmp_path) as emulator, emulator.client() as client:
        await client.create_pool(a_pool("pool", 1))
        await client.create_job(a_job("job", "pool"))

        async def add(lane: int) -> None:
            for number in range(1000):
                await client.create_task("job", a_task(f"{lane}-{number}", "exit 0"), retry_total=0)
                acknowledged.append(f"{lane}-{number}")

        adding = [asyncio.create_task(add(lane)) for lane in range(4)]
        await until(lambda: len(acknowledged) >= 60)
        await emulator.kill()
        await asyncio.gather(*adding, return_exceptions=True)
    async with served(tmp_path) as emulator, emulator.client() as client:
        found = {task.id async for task in client.list_tasks("job")}
        assert set(acknowledged) <= found
        assert len(found) <= len(acknowledged) + 4  # at most the ones under way
        counts = await eventually(
            lambda: client.get_job_task_counts("job"),
            lambda counts: counts.task_counts.completed == len(found),
        )
        assert counts.task_counts.succeeded == len(found)


async def test_what_a_deleted_task_left_is_no_input_of_a_later_task_of_its_id(tmp_path: Path) -> None:
    async with served(tmp_path) as emulator, emulator.client() as client:
        await client.create_pool(a_pool("pool", 1))
        await client.create_job(a_job("job", "pool"))
        await client.create_task("job", a_task("kept", "echo x > file"))
        await eventually(lambda: client.get_task("job", "kept"), lambda task: task.state == "completed")
        await emulator.kill()
    [kept] = (tmp_path / "nodes").glob("*/*/workitems/job/job-1/kept/wd/file")
    # As a kill between the deletion of a task and that of its files leaves them.
    of_a_task = kept.parents[2] / "gone/wd/file"
    of_a_job = kept.parents[4] / "old/job-1/t/wd/file"
    for file in (of_a_task, of_a_job):
        file.parent.mkdir(parents=True)
        file.write_text("stale")
    async with served(tmp_path) as emulator, emulator.client() as client:
        await client.create_task("job", a_task("gone", "test ! -e file"))
        gone = await eventually(
            lambda: client.get_task("job", "gone"), lambda task: task.state == "completed"
        )
    assert gone.execution_info.exit_code == 0
    assert kept.exists()
    assert not of_a_job.parents[3].exists()
