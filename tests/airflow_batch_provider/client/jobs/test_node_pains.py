"""Nodes that never take a task: users waited without a word; now the log of a waiting job has the reason."""

from __future__ import annotations

from typing import Any

from airflow_batch_provider.client.jobs.outcome import judge
from airflow_batch_provider.client.pools.pool_reading import Observation
from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView
from airflow_batch_provider.client.requests.records import JobView, task_view
from airflow_batch_provider.client.watching.conditions import NodeCountCondition
from airflow_batch_provider.client.watching.idle_reasons import IdleJob, why_idle
from airflow_batch_provider.spec import JobGraph

JOB = JobView("j", "active", pool_id="p")


def pool(nodes: int, **wire: Any) -> PoolView:
    counts = {"currentDedicatedNodes": nodes, "targetDedicatedNodes": nodes}
    return PoolView.read({"id": "p", "state": "active", "allocationState": "steady", **counts, **wire})


def node(state: str, **wire: Any) -> NodeView:
    return NodeView.read({"id": f"tvm-{state}", "state": state, **wire})


def told(*nodes: NodeView, **wire: Any) -> str:
    return str(why_idle(IdleJob(JOB, Observation(pool(len(nodes), **wire), nodes))))


START_TASK_FAILED = node("starttaskfailed", startTaskInfo={"exitCode": 9, "result": "failure"})


def unusable(code: str, message: str = "") -> NodeView:
    return node("unusable", errors=[{"code": code, "message": message}])


def test_pain_050_many_start_task_failures_come_with_what_to_do() -> None:
    text = told(START_TASK_FAILED, START_TASK_FAILED)
    assert "2 broken ones" in text
    assert "correct the start task" in text
    assert "reboot" in text


def test_pain_053_start_task_failures_are_told_before_tasks_suffer() -> None:
    assert "the start task ended with exit code 9" in told(START_TASK_FAILED)


def test_pain_055_nodes_of_a_broken_recipe_are_not_waited_for() -> None:
    seen = Observation(pool(1), (START_TASK_FAILED,))
    assert NodeCountCondition("p", 1).judge(seen).status == "failed"


def test_a_start_task_that_could_not_be_run_is_told_with_the_reason() -> None:
    failure = {"category": "usererror", "code": "CommandLaunchFailed", "message": "no such driver"}
    broken = node("starttaskfailed", startTaskInfo={"result": "failure", "failureInfo": failure})
    assert "no such driver" in told(broken)


def test_pain_058_an_unusable_node_beside_good_ones_stops_nothing() -> None:
    good = node("idle")
    assert why_idle(IdleJob(JOB, Observation(pool(2), (good, unusable("NodeError"))))) is None
    assert (
        NodeCountCondition("p", 1).judge(Observation(pool(2), (good, unusable("NodeError")))).status == "met"
    )


def test_pain_059_nodes_that_azure_took_back_come_again_and_are_told_apart_from_broken_ones() -> None:
    text = told(node("preempted"), node("preempted"))
    assert "2 taken back by Azure (Spot), coming again by themselves" in text
    assert "Next step" not in text


def test_pain_061_unusable_nodes_leave_no_job_stuck_without_a_word() -> None:
    text = told(unusable("AgentUnreachable", "The node agent cannot be reached."))
    assert "AgentUnreachable: The node agent cannot be reached" in text
    assert "Next step:" in text


def test_pain_065_a_container_node_that_is_unusable_says_why() -> None:
    assert "ContainerImagePullFailed" in told(unusable("ContainerImagePullFailed", "toomanyrequests"))


def test_tries_and_requeues_are_counted_apart() -> None:
    graph = JobGraph()
    graph.task("t", "/bin/true")
    info = {"result": "success", "exitCode": 0, "retryCount": 1, "requeueCount": 3}
    view = task_view({"id": "t", "state": "completed", "executionInfo": info})
    outcome = judge(JobView("j", "completed", "AllTasksComplete"), graph, [view])
    assert (view.tries, outcome.requeues) == (2, 3)
