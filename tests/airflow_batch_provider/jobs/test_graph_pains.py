"""Dependencies and graphs: what users of Batch services complained of, on a real emulator by the real SDK.

The number in a test's name is the line of the list of complaints.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.batch import BatchClient

from airflow_batch_provider.client.jobs.claim import Claim
from airflow_batch_provider.exceptions import BatchJobFailedError
from airflow_batch_provider.spec import JobGraph, SpecError, on_exit, shell
from tests.airflow_batch_provider.jobs.conftest import Jobs
from tests.airflow_batch_provider.jobs.running import to_the_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FAILS = shell("echo broken >&2; exit 5")


def submitted(jobs: Jobs, graph: JobGraph, pool_id: str, **options: Any) -> Claim:
    """A job as it is submitted; the pool has no nodes."""
    run = jobs.run(graph, pool_id, **options)
    claim = run.claim()
    run.fill(claim)
    run.terminate(claim.job_id, "test")
    return claim


def ended(batch: BatchClient, job_id: str) -> bool:
    return batch.get_job(job_id).state in ("terminating", "completed")


def test_pain_133_a_child_of_a_failed_parent_does_not_stay_active_for_ever(
    jobs: Jobs, pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("parent", FAILS) >> graph.task("child", shell("true"))
    run = jobs.run(graph, pool, on_task_failure="continue")
    with pytest.raises(BatchJobFailedError, match="1 failed, 1 never ran because a task they wait"):
        to_the_end(run)
    assert ended(batch, run.plan.identity.job_id)


def test_pain_134_all_that_wait_by_way_of_others_are_found_without_a_recursion_of_the_author(
    jobs: Jobs, pool: str
) -> None:
    graph = JobGraph()
    last = graph.task("t0", FAILS)
    for number in range(1, 30):
        last = last >> graph.task(f"t{number}", shell("true"))
    with pytest.raises(BatchJobFailedError, match="29 never ran because a task they wait for failed"):
        to_the_end(jobs.run(graph, pool, on_task_failure="continue"))


def test_pain_135_by_default_the_service_itself_ends_the_job_of_a_failed_parent(
    jobs: Jobs, pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("parent", FAILS) >> graph.task("child", shell("true"))
    run = jobs.run(graph, pool)
    with pytest.raises(BatchJobFailedError, match=r"(?s)ended with TaskFailed.*broken"):
        to_the_end(run)
    assert ended(batch, run.plan.identity.job_id)


def test_pain_136_not_run_is_another_outcome_than_failed(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    graph.task("parent", FAILS) >> graph.task("child", shell("true"))
    with pytest.raises(BatchJobFailedError) as failed:
        to_the_end(jobs.run(graph, pool, on_task_failure="continue"))
    assert "Never ran, since a task they wait for failed: child" in str(failed.value)
    assert failed.value.codes == ("FailureExitCode",)


def test_pain_137_tasks_depend_on_others(jobs: Jobs, pool: str) -> None:
    graph = JobGraph()
    first = graph.task("first", shell("echo 3 > n.json"), outputs=["n.json"])
    parts = graph.fan_out("part", range(3), lambda n: {"command": shell(f"echo {n} > n"), "outputs": ["n"]})
    total = shell("cat first part-*/n | awk '{s += $1} END {print s}' > s.json")
    last = graph.merge("last", total, of=parts, collect="n", inputs={"first": first.output("n.json")},
                       outputs=["s.json"], result="s.json")  # fmt: skip
    first >> parts
    assert set(graph.upstream(last.id)) == {"first", "part-0000", "part-0001", "part-0002"}
    assert to_the_end(jobs.run(graph, pool))[1]["results"] == {"last": 6}


@pytest.mark.parametrize("on_task_failure", ["terminate", "continue"])
def test_pain_138_one_flag_lets_a_child_run_after_a_failure(
    jobs: Jobs, pool: str, batch: BatchClient, on_task_failure: Any
) -> None:
    graph = JobGraph()
    work = graph.task("work", FAILS, exit_conditions=[on_exit("default", dependency="satisfy")])
    work >> graph.task("clean-up", shell("true"))
    run = jobs.run(graph, pool, on_task_failure=on_task_failure)
    with pytest.raises(BatchJobFailedError, match="1 failed, 1 succeeded"):
        to_the_end(run)
    child = batch.get_task(run.plan.identity.job_id, "clean-up")
    assert child.execution_info.result == "success"


def test_pain_139_exit_conditions_come_back_as_they_were_written(
    jobs: Jobs, empty_pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    rules = [
        on_exit(1, dependency="satisfy"),
        on_exit(range(2, 5), job="disable", dependency="block"),
        on_exit("default", job="terminate"),
        on_exit("pre_processing_error", job="none"),
    ]
    graph.task("one", "x", exit_conditions=rules)
    claim = submitted(jobs, graph, empty_pool)
    assert batch.get_task(claim.job_id, "one").exit_conditions.as_dict() == {
        "exitCodes": [{"code": 1, "exitOptions": {"dependencyAction": "satisfy", "jobAction": "none"}}],
        "exitCodeRanges": [
            {"start": 2, "end": 4, "exitOptions": {"dependencyAction": "block", "jobAction": "disable"}}
        ],
        "default": {"jobAction": "terminate"},
        "preProcessingError": {"jobAction": "none"},
    }


def only_after_failure(exit_code: int) -> JobGraph:
    graph = JobGraph()
    rules = [on_exit(0, dependency="block"), on_exit(5, dependency="satisfy")]
    a = graph.task("a", shell(f"exit {exit_code}"), exit_conditions=rules)
    a >> graph.task("c", shell("true")) >> graph.task("d", shell("true"))
    return graph


def test_pain_140_c_runs_only_if_a_failed(jobs: Jobs, pool: str, batch: BatchClient) -> None:
    claim, summary = to_the_end(jobs.run(only_after_failure(5), pool))
    assert summary["tasks"] == {"total": 3, "succeeded": 2, "failed": 1}
    # The service has no such state: c waits for ever there, and the job is ended for it.
    claim, summary = to_the_end(jobs.run(only_after_failure(0), pool))
    assert summary["tasks"] == {"total": 3, "succeeded": 1, "failed": 0}
    assert batch.get_task(claim.job_id, "c").state == "active"
    assert ended(batch, claim.job_id)
    again = jobs.run(only_after_failure(0), pool, run_id=claim.identity.run_id)
    assert to_the_end(again)[0].identity == claim.identity


def test_pain_141_an_id_is_never_used_for_a_second_task(
    jobs: Jobs, empty_pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    graph.task("parent", "x") >> graph.task("child", "x")
    with pytest.raises(SpecError, match="the id 'Parent' is taken by 'parent'"):
        graph.task("Parent", "x")
    run_id = uuid.uuid4().hex
    first = submitted(jobs, graph, empty_pool, run_id=run_id)
    batch.delete_task(first.job_id, "parent")
    # The next submission is another job: no child of it can take an old parent for its own.
    second = submitted(jobs, graph, empty_pool, run_id=run_id)
    assert second.job_id != first.job_id
    assert {task.id for task in batch.list_tasks(second.job_id)} == {"parent", "child"}


def test_pain_143_every_job_is_made_for_dependencies(jobs: Jobs, empty_pool: str, batch: BatchClient) -> None:
    graph = JobGraph()
    graph.task("parent", "x") >> graph.task("child", "x")
    claim = submitted(jobs, graph, empty_pool)
    assert batch.get_job(claim.job_id).uses_task_dependencies is True
    assert batch.get_task(claim.job_id, "child").depends_on.task_ids == ["parent"]


def test_pain_144_children_start_when_all_they_wait_for_is_done(
    jobs: Jobs, pool: str, batch: BatchClient
) -> None:
    graph = JobGraph()
    parents = graph.fan_out("parent", range(6), lambda n: {"command": shell("true")})
    parents >> graph.task("child", shell("true"))
    claim, _ = to_the_end(jobs.run(graph, pool))
    ran = {task.id: task.execution_info for task in batch.list_tasks(claim.job_id)}
    child = ran.pop("child")
    assert all(info.end_time <= child.start_time for info in ran.values())


def test_pain_145_the_order_is_that_of_the_graph(jobs: Jobs, pool: str, batch: BatchClient) -> None:
    graph = JobGraph()
    third = graph.task("a", shell("true"))
    second = graph.task("b", shell("true"))
    graph.task("c", shell("true")) >> second >> third
    claim, _ = to_the_end(jobs.run(graph, pool))
    started = {task.id: task.execution_info.start_time for task in batch.list_tasks(claim.job_id)}
    assert sorted(started, key=lambda task_id: started[task_id]) == ["c", "b", "a"]


def test_pain_146_a_job_has_a_priority_on_its_pool(jobs: Jobs, empty_pool: str, batch: BatchClient) -> None:
    graph = JobGraph()
    graph.task("one", "x")
    claim = submitted(jobs, graph, empty_pool, priority=700)
    assert batch.get_job(claim.job_id).priority == 700
    with pytest.raises(SpecError, match="-1000 to 1000"):
        jobs.run(graph, empty_pool, priority=1001)
