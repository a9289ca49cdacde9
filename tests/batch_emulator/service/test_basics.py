"""The way of a job: pool, nodes, tasks, dependencies, completion."""

from __future__ import annotations

from tests.batch_emulator.service.builders import a_job, a_pool, a_task, after
from tests.batch_emulator.service.world import World


def test_a_job_runs_its_graph_and_completes_by_itself() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=2))
    world.do("create_job", a_job(usesTaskDependencies=True))
    world.do("add_tasks", "job", [a_task("1"), a_task("2"), a_task("join", dependsOn=after("1", "2"))])
    world.do("patch_job", "job", {"onAllTasksComplete": "terminatejob"})
    assert world.running_tasks() == ["1", "2"]
    world.finish("1")
    assert world.states() == {"1": "completed", "2": "running", "join": "active"}
    world.finish("2")
    assert world.running_tasks() == ["join"]
    world.finish("join")
    job = world.service.job("job")
    assert (job.state, job.previous_state, job.terminate_reason) == (
        "completed",
        "terminating",
        "AllTasksComplete",
    )
    assert world.node_states() == ["idle", "idle"]


def test_a_killed_service_leads_the_job_to_its_end() -> None:
    world = World()
    world.do("create_pool", a_pool(nodes=1))
    world.do("create_job", a_job())
    world.do("add_tasks", "job", [a_task("a"), a_task("b")])
    first = world.run_of("a").run_id
    world.die()
    assert world.run_of("a").run_id != first
    assert (world.task("a").retry_count, world.task("a").requeue_count) == (0, 0)
    assert world.finish_all() == 2
    assert world.states() == {"a": "completed", "b": "completed"}
