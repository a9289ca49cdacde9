"""Preparation and release tasks (Azure Batch: *Job preparation and release tasks on Batch compute nodes*)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from batch_emulator.service import BatchError
from batch_emulator.service.durations import UNLIMITED
from tests.batch_emulator.service.builders import a_job, a_pool, a_task
from tests.batch_emulator.service.world import World


def a_world(nodes: int = 1, *, release: bool = False, slots: int = 1, **preparation: Any) -> World:
    world = World()
    world.do("create_pool", a_pool(nodes=nodes, taskSlotsPerNode=slots))
    special: dict[str, Any] = {"jobPreparationTask": {"commandLine": "prep", **preparation}}
    if release:
        special["jobReleaseTask"] = {"commandLine": "release"}
    world.do("create_job", a_job(**special))
    return world


def prepare(world: World, exit_code: int = 0) -> None:
    world.finish("jobpreparation", exit_code, "preparation")


def test_defaults_are_filled_in() -> None:
    world = a_world(release=True)
    spec = world.service.job("job").spec
    user = {"autoUser": {"scope": "pool", "elevationLevel": "nonadmin"}}
    assert spec["jobPreparationTask"] == {
        "commandLine": "prep",
        "id": "jobpreparation",
        "constraints": {"maxWallClockTime": UNLIMITED, "retentionTime": "P7D", "maxTaskRetryCount": 0},
        "userIdentity": user,
        "waitForSuccess": True,
        "rerunOnNodeRebootAfterSuccess": True,
    }
    assert spec["jobReleaseTask"] == {
        "commandLine": "release",
        "id": "jobrelease",
        "maxWallClockTime": "PT15M",
        "retentionTime": "P7D",
        "userIdentity": user,
    }


def test_it_runs_once_on_a_node_before_the_first_task_there() -> None:
    world = a_world(slots=2)
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    assert world.states() == {"a": "preparing", "b": "preparing"}
    assert world.node_states() == ["running"]
    run = world.run_of("jobpreparation", "preparation")
    assert (run.task_root, run.preparation_root) == ("workitems/job/job-1/jobpreparation", None)
    prepare(world)
    assert world.running_tasks() == ["a", "b"]
    assert world.run_of("a").preparation_root == "workitems/job/job-1/jobpreparation"
    world.finish("a")
    world.do("create_task", "job", a_task("c"))
    assert world.running_tasks() == ["b", "c"]


def test_idle_nodes_are_not_prepared() -> None:
    world = a_world(nodes=3)
    assert not world.running
    world.do("create_task", "job", a_task())
    assert len(world.running) == 1


def test_a_failed_preparation_bars_the_node_and_the_job_hangs_when_all_fail() -> None:
    world = a_world(nodes=2, constraints={"maxTaskRetryCount": 1})
    world.do("create_task", "job", a_task())
    for _ in range(2):
        prepare(world, 1)
        assert world.states() == {"task": "preparing"}
        prepare(world, 1)
    assert world.states() == {"task": "active"}
    assert not world.running
    assert [reason.code for reason in world.service.why_not_running("job", "task")] == ["PreparationFailed"]
    statuses = world.service.job_node_runs("job")
    assert [s.preparation.result for s in statuses if s.preparation] == ["failure", "failure"]
    assert [s.preparation.retry_count for s in statuses if s.preparation] == [1, 1]
    world.do("create_job", a_job("other"))
    world.do("create_task", "other", a_task())
    assert world.running_tasks() == ["task"]


def test_tasks_need_not_wait_for_it() -> None:
    world = a_world(waitForSuccess=False)
    world.do("create_task", "job", a_task())
    assert world.running_tasks() == ["task"]
    prepare(world, 1)
    world.finish("task")
    world.do("create_task", "job", a_task("next"))
    assert world.running_tasks() == ["next"]


@pytest.mark.parametrize(("rerun", "expected"), [(True, "preparing"), (False, "running")])
def test_it_runs_again_after_a_reboot_unless_told_otherwise(rerun: bool, expected: str) -> None:
    world = a_world(rerunOnNodeRebootAfterSuccess=rerun)
    world.do("create_task", "job", a_task("a"))
    prepare(world)
    world.finish("a")
    world.do("reboot_node", "pool", world.node_ids()[0])
    world.do("create_task", "job", a_task("b"))
    assert world.states()["b"] == expected


def test_a_reboot_forgives_a_failed_preparation() -> None:
    world = a_world()
    world.do("create_task", "job", a_task())
    prepare(world, 1)
    world.do("reboot_node", "pool", world.node_ids()[0])
    prepare(world)
    assert world.running_tasks() == ["task"]


def test_it_has_a_time_limit() -> None:
    world = a_world(constraints={"maxWallClockTime": "PT5M", "maxTaskRetryCount": 3})
    world.do("create_task", "job", a_task())
    world.advance(timedelta(minutes=6))
    (status,) = world.service.job_node_runs("job")
    assert status.preparation is not None
    assert status.preparation.failure is not None
    assert (status.preparation.result, status.preparation.failure.code) == ("failure", "TaskEnded")
    assert world.states() == {"task": "active"}


def test_release_runs_where_preparation_ran_before_the_job_is_completed() -> None:
    world = a_world(nodes=2, release=True)
    world.do("create_task", "job", a_task())
    prepare(world)
    world.finish("task")
    world.do("terminate_job", "job")
    assert world.job_state() == "terminating"
    run = world.run_of("jobrelease", "release")
    assert run.preparation_root == "workitems/job/job-1/jobpreparation"
    world.finish("jobrelease", 1, "release")
    assert world.job_state() == "completed"
    (status,) = world.service.job_node_runs("job")
    assert status.release is not None
    assert status.release.result == "failure"
    world.do("delete_job", "job")
    assert not world.running
    assert not [key for key in world.journal if key[0] == "job_node_run"]


def test_release_has_a_quarter_of_an_hour() -> None:
    world = a_world(release=True)
    world.do("create_task", "job", a_task())
    prepare(world)
    world.finish("task")
    world.do("terminate_job", "job")
    world.advance(timedelta(minutes=16))
    assert world.job_state() == "completed"


def test_a_running_preparation_is_ended_with_the_job() -> None:
    world = a_world(release=True)
    world.do("create_task", "job", a_task())
    world.do("terminate_job", "job")
    assert world.task().result == "failure"
    world.finish("jobrelease", 0, "release")
    assert world.job_state() == "completed"


def test_no_release_on_nodes_that_left() -> None:
    world = a_world(release=True)
    world.do("create_task", "job", a_task())
    prepare(world)
    world.finish("task")
    world.do("resize_pool", "pool", {"targetDedicatedNodes": 0})
    world.do("terminate_job", "job")
    assert world.job_state() == "completed"
    assert len(world.service.job_node_runs("job")) == 1


def test_release_waits_for_a_node_that_reboots() -> None:
    world = a_world(release=True)
    world.do("create_task", "job", a_task())
    prepare(world)
    world.finish("task")
    world.boots = False
    world.do("reboot_node", "pool", world.node_ids()[0])
    world.do("terminate_job", "job")
    assert world.job_state() == "terminating"
    world.boots = True
    world.answer_pending()
    world.finish("jobrelease", 0, "release")
    assert world.job_state() == "completed"


def test_its_ids_are_not_for_tasks() -> None:
    world = a_world(release=True)
    for name, code in (
        ("JobPreparation", "TaskIdSameAsJobPreparationTask"),
        ("jobrelease", "TaskIdSameAsJobReleaseTask"),
    ):
        with pytest.raises(BatchError) as caught:
            world.do("create_task", "job", a_task(name))
        assert (caught.value.code, caught.value.status) == (code, 409)


def test_status_needs_a_preparation_task() -> None:
    world = a_world()
    assert world.service.job_node_runs("job") == []
    world.do("create_job", a_job("plain"))
    with pytest.raises(BatchError) as caught:
        world.service.job_node_runs("plain")
    assert caught.value.code == "JobPreparationTaskNotSpecified"
