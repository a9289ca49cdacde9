"""Why no task of a job runs: each reason from what was seen, said once and again when it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_batch_provider.client.pools.pool_reading import Observation
from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView, ServiceFault
from airflow_batch_provider.client.requests.records import JobView, TaskCounts
from airflow_batch_provider.client.requests.steps import Refusal
from airflow_batch_provider.client.watching.idle_reasons import (
    IdleJob,
    PreparationView,
    Reason,
    WaitingTask,
    why_idle,
)
from airflow_batch_provider.client.watching.idle_watch import LASTING, IdleWatch
from tests.airflow_batch_provider.client.scripted import Scripted

JOB = JobView("j", "active", pool_id="p")
POOL = PoolView("p", "active", "steady", 2, 2, auto_scale=False, slots_per_node=2)
EMPTY = replace(POOL, current=0, target=0)
TALKING = replace(POOL, slots_per_node=1, inter_node=True)
GANG = [WaitingTask("mpi", "active", nodes=4), WaitingTask("next", "active", ("mpi",))]


def node(state: str = "idle", number: int = 0, **fields: Any) -> NodeView:
    return NodeView(f"n{number}", state, **fields)


def reason(pool: PoolView | None = POOL, *nodes: NodeView, job: JobView = JOB, **more: Any) -> Reason | None:
    return why_idle(IdleJob(job, Observation(pool, nodes), **more))


def fault(code: str, message: str = "No.") -> ServiceFault:
    return ServiceFault(code, message)


@pytest.mark.parametrize(
    ("found", "said", "level"),
    [
        (reason(job=JobView("j", "disabled", pool_id="p")), "the job is disabled", "warning"),
        (reason(job=JobView("j", "active", None, "PoolGone: x", pool_id="p")), "PoolGone", "warning"),
        (reason(None), "pool p does not exist", "warning"),
        (reason(replace(POOL, state="deleting")), "is being deleted", "warning"),
        (
            reason(replace(EMPTY, target=4, resize_errors=(fault("AccountCoreQuotaReached"),))),
            "quota of dedicated cores is used up",
            "warning",
        ),
        (
            reason(replace(EMPTY, target=4, resize_errors=(fault("AllocationFailed"),))),
            "no capacity for this VM size",
            "warning",
        ),
        (reason(replace(EMPTY, auto_scale_error=fault("FormulaFailed"))), "formula failed", "warning"),
        (reason(replace(EMPTY, target=4, allocation_state="resizing")), "resizing, 0 of 4 nodes", "info"),
        (
            reason(replace(EMPTY, auto_scale=True, interval="PT6H")),
            "formula has wanted none so far, and is evaluated every 360 minutes",
            "info",
        ),
        (reason(EMPTY), "its target is 0", "warning"),
        (reason(POOL, node("starting"), node("waitingforstarttask")), "1 running their start task", "info"),
        (reason(POOL, node("preempted")), "taken back by Azure", "info"),
        (reason(POOL, node("starttaskfailed", start_task_exit_code=3)), "exit code 3", "warning"),
        (reason(POOL, node("unusable", errors=(fault("ContainerError"),))), "ContainerError", "warning"),
        (reason(POOL, node(schedulable=False)), "scheduling disabled", "warning"),
        (reason(POOL, node("running", used_slots=2)), "taken by other jobs", "info"),
        (
            reason(POOL, node(), preparations=[PreparationView("n0", False, True, 7)]),
            "preparation task failed on all 1 node(s), as on n0 (exit code 7)",
            "warning",
        ),
        (
            reason(POOL, node(), preparations=[PreparationView("n0", True, False, None)]),
            "preparation task runs on 1",
            "info",
        ),
        (
            reason(POOL, node(), tasks=[WaitingTask("b", "active", ("a",)), WaitingTask("a", "preparing")]),
            "as b for a",
            "info",
        ),
        (
            reason(POOL, node("running", used_slots=1), tasks=[WaitingTask("a", "active", slots=2)]),
            "needs 2 slots or more on one node, and no node has more than 1 free",
            "info",
        ),
        (
            reason(replace(TALKING, inter_node=False), node(), tasks=GANG),
            "mpi needs 4 idle node(s) at once, and those of pool p may not talk to each other",
            "warning",
        ),
        (
            reason(replace(TALKING, slots_per_node=2), node(), tasks=GANG),
            "mpi needs 4 idle node(s) at once, and those of pool p have 2 task slots",
            "warning",
        ),
        (
            reason(TALKING, node(), node(number=1), tasks=GANG),
            "mpi needs 4 idle node(s) at once, and 2 of the 2 of pool p are; its target is 2",
            "warning",
        ),
        (
            reason(replace(TALKING, auto_scale=True), node(), tasks=GANG),
            "1 of the 2 of pool p are; its autoscale formula wants 2",
            "info",
        ),
        (
            reason(replace(TALKING, target=4, allocation_state="resizing"), node(), tasks=GANG),
            "mpi needs 4 idle node(s) at once, and 1 of the 2 of pool p are",
            "info",
        ),
    ],
)
def test_the_reason_is_told_with_what_to_do_where_it_does_not_pass(
    found: Reason | None, said: str, level: str
) -> None:
    assert found is not None
    assert said in str(found)
    assert found.level == level
    assert ("Next step:" in str(found)) == (level == "warning")
    assert "\n" not in str(found)


def test_tasks_that_are_about_to_be_placed_have_no_reason() -> None:
    assert reason(POOL, node(), tasks=[WaitingTask("a", "active")]) is None
    assert reason(POOL, node(), preparations=[PreparationView("n0", False, False, 0)]) is None
    # It failed on one node only: the other one still takes the job's tasks.
    failed = [PreparationView("n0", False, True, 1)]
    assert reason(POOL, node(), node(number=1), preparations=failed) is None


class Service:
    """Answers what the watch asks; the pool's nodes can be changed."""

    def __init__(self, *nodes: str) -> None:
        self.nodes = nodes
        self.tasks: list[dict[str, Any]] = [{"id": "t", "state": "active"}]
        self.preparing: list[dict[str, Any]] | Refusal = Refusal("JobPreparationTaskNotSpecified", 409)

    def __call__(self, operation: str, arguments: Any, options: Any) -> Any:
        if operation == "get_pool":
            return {"id": "p", "state": "active", "allocationState": "steady", "taskSlotsPerNode": 1}
        if operation == "list_nodes":
            return [{"id": f"n{at}", "state": state} for at, state in enumerate(self.nodes)]
        if operation == "list_tasks":
            return [
                task for task in self.tasks if task["state"] in options["filter"] or "ne" in options["filter"]
            ]
        if isinstance(self.preparing, Refusal):
            raise self.preparing
        return self.preparing


def tell(watch: IdleWatch, scripted: Scripted, times: int = 1, **counts: int) -> list[str]:
    before = len(scripted.said)
    for _ in range(times):
        scripted.run(watch.tell(JOB, TaskCounts(**counts)))
    return scripted.said[before:]


def test_a_reason_is_said_once_and_again_when_it_changes() -> None:
    service = Service("starting")
    watch, scripted = IdleWatch(), Scripted(service)
    assert tell(watch, scripted, active=3) == []
    assert scripted.asked == []
    assert tell(watch, scripted, 5, active=3) == [
        "No task runs yet: no node of pool p takes tasks yet: 1 starting"
    ]
    service.nodes = ("starttaskfailed",)
    (line,) = tell(watch, scripted, 3, active=3)
    assert "start task" in line
    service.nodes = ("starting",)
    assert len(tell(watch, scripted, 3, active=3)) == 1


def test_nothing_is_asked_while_tasks_run() -> None:
    watch, scripted = IdleWatch(), Scripted(Service("running"))
    tell(watch, scripted, 9, running=2, completed=1, active=5)
    assert scripted.asked == []


def test_tasks_on_their_nodes_are_asked_for_until_one_was_seen_to_run() -> None:
    service = Service("idle")
    service.preparing = [{"nodeId": "n0", "jobPreparationTaskExecutionInfo": {"state": "running"}}]
    service.tasks = [{"id": "t", "state": "preparing"}]
    watch, scripted = IdleWatch(), Scripted(service)
    assert tell(watch, scripted, 3, running=1) == [
        "No task runs yet: the job preparation task runs on 1 node(s)"
    ]
    service.tasks = [{"id": "t", "state": "running"}]
    assert tell(watch, scripted, 1, running=1) == []
    asked = len(scripted.asked)
    assert tell(watch, scripted, 9, running=1) == []
    assert len(scripted.asked) == asked


def test_a_preparation_that_failed_on_every_node_is_hopeless_once_it_is_seen_to_stay_so() -> None:
    service = Service("idle", "idle")
    failed = {"state": "completed", "result": "failure", "exitCode": 3}
    service.preparing = [{"nodeId": node, "jobPreparationTaskExecutionInfo": failed} for node in ("n0", "n1")]
    watch, scripted = IdleWatch(), Scripted(service)
    tell(watch, scripted, LASTING, active=1)
    assert watch.reason is not None
    assert not watch.is_hopeless
    service.nodes = ("idle", "idle", "starting")
    tell(watch, scripted, 9, active=1)
    assert not watch.is_hopeless, "a node that comes may do better"
    service.nodes = ("idle", "idle")
    tell(watch, scripted, LASTING, active=1)
    assert watch.is_hopeless
    tell(watch, scripted, 1, active=0, running=1)
    assert not watch.is_hopeless


def test_a_pool_that_cannot_be_asked_disturbs_no_job() -> None:
    def refuse(*asked: Any) -> Any:
        raise Refusal("ServerBusy", 503, transient=True)

    assert tell(IdleWatch(), Scripted(refuse), 5, active=1) == []
