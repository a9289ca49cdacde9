"""Why no task of a job runs though tasks wait: what was seen goes in, one line comes out. Pure.

Sources: Azure Batch: *Check for pool and node errors*, *Job preparation and job release tasks*.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_batch_provider.client.pools.pool_causes import explain_nodes, explain_resize
from airflow_batch_provider.client.pools.pool_drift import seconds_of
from airflow_batch_provider.client.pools.pool_reading import BROKEN, READY, Observation
from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView
from airflow_batch_provider.client.requests.records import JobView
from airflow_batch_provider.spec.explain import Explanation

_UNSEEN = Observation(None)


@dataclass(frozen=True)
class PreparationView:
    """The job preparation task on one node.

    Parameters:
        node_id: the node.
        running: whether it runs now.
        failed: whether it ended badly; the node then takes no tasks of the job.
        exit_code: of its command, if that has ended.
    """

    node_id: str
    running: bool
    failed: bool
    exit_code: int | None

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> PreparationView:
        """From the wire model BatchJobPreparationAndReleaseTaskStatus."""
        info = wire.get("jobPreparationTaskExecutionInfo") or {}
        state, failed = info.get("state"), info.get("result") == "failure" or bool(info.get("failureInfo"))
        ended = state == "completed"
        return cls(str(wire.get("nodeId")), state == "running", ended and failed, info.get("exitCode"))


@dataclass(frozen=True)
class WaitingTask:
    """A task that has not completed.

    Parameters:
        id, state: as the service has them.
        after: tasks that it depends on.
        slots: that it needs on one node.
        nodes: that it needs at once; 0: it is no multi-instance task.
    """

    id: str
    state: str
    after: tuple[str, ...] = ()
    slots: int = 1
    nodes: int = 0

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> WaitingTask:
        """From the wire model BatchTask."""
        after = (wire.get("dependsOn") or {}).get("taskIds") or ()
        slots = int(wire.get("requiredSlots") or 1)
        several = wire.get("multiInstanceSettings")
        nodes = int(several.get("numberOfInstances") or 1) if several else 0
        return cls(str(wire["id"]).lower(), str(wire["state"]), tuple(map(str.lower, after)), slots, nodes)


TASK_PROPERTIES = ("id", "state", "dependsOn", "requiredSlots", "multiInstanceSettings")
"""Those that WaitingTask reads."""


@dataclass(frozen=True)
class IdleJob:
    """A job none of whose tasks runs, and what was seen of its surroundings.

    Parameters:
        job: the job.
        seen: its pool and the pool's nodes.
        preparations: its preparation task on the nodes, where that was asked.
        tasks: those of its tasks that have not completed, where that was asked.
        placed: whether tasks are on their nodes already, so that pool and nodes need no look.
    """

    job: JobView
    seen: Observation = _UNSEEN
    preparations: Sequence[PreparationView] = ()
    tasks: Sequence[WaitingTask] = ()
    placed: bool = False

    @property
    def ready(self) -> list[NodeView]:
        """Nodes that take tasks."""
        return [node for node in self.seen.nodes if node.state in READY and node.schedulable]

    @property
    def free_slots(self) -> list[int]:
        """Slots that are free on each of them."""
        per_node = self.seen.pool.slots_per_node if self.seen.pool else 1
        return [max(0, per_node - node.used_slots) for node in self.ready]


@dataclass(frozen=True)
class Reason:
    """Why nothing runs.

    Parameters:
        text: the fact.
        next_step: what to do; empty when waiting is all.
        lasting: whether no node that is there, or is coming, will ever run a task of this job.
    """

    text: str
    next_step: str = ""
    lasting: bool = False

    @property
    def level(self) -> Literal["info", "warning"]:
        """A warning when someone has to act, since it does not pass by itself."""
        return "warning" if self.next_step else "info"

    def __str__(self) -> str:
        return f"{self.text}. Next step: {self.next_step}" if self.next_step else self.text


def why_idle(idle: IdleJob) -> Reason | None:
    """The first reason that holds, from the job down to its tasks; None when tasks are just being placed."""
    rules = (_preparation,) if idle.placed else _RULES
    return next(filter(None, (rule(idle) for rule in rules)), None)


def pool_lets_tasks_run(idle: IdleJob) -> bool:
    """Whether job, pool and nodes are fine, so that the reason lies in the job's tasks."""
    return all(rule(idle) is None for rule in _SURROUNDINGS)


def _job(idle: IdleJob) -> Reason | None:
    job = idle.job
    if job.state in ("disabled", "disabling"):
        return Reason(f"the job is {job.state}", "enable it, in the portal or by the enable operator.")
    if job.scheduling_error:
        return Reason(
            f"the job could not be scheduled: {job.scheduling_error}",
            "end it, correct its pool and submit anew.",
        )
    return None


def _pool(idle: IdleJob) -> Reason | None:
    pool = idle.seen.pool
    if pool is None:
        return Reason(
            f"pool {idle.job.pool_id} does not exist", "make the pool; the job starts by itself then."
        )
    if pool.state == "deleting":
        return Reason(f"pool {pool.id} is being deleted", "make it anew; the job starts by itself then.")
    return None


def _no_nodes(idle: IdleJob) -> Reason | None:
    pool = idle.seen.pool
    if pool is None or idle.seen.nodes:
        return None
    if pool.resize_errors and pool.allocation_state == "steady":
        explained, _, _ = explain_resize(pool)
        return Reason(_one_line(explained), explained.next_step)
    if pool.auto_scale_error:
        return Reason(
            f"pool {pool.id} has no nodes, and its autoscale formula failed: {pool.auto_scale_error}",
            "correct the formula.",
        )
    if pool.allocation_state != "steady" or pool.current < pool.target:
        return Reason(f"pool {pool.id} is {pool.allocation_state}, {pool.current} of {pool.target} nodes")
    return _target_zero(pool)


def _target_zero(pool: PoolView) -> Reason:
    if pool.auto_scale:
        minutes = (seconds_of(pool.interval) or 0.0) / 60
        return Reason(
            f"pool {pool.id} has no nodes: its autoscale formula has wanted none so far, and is evaluated "
            f"every {minutes:g} minutes"
        )
    return Reason(f"pool {pool.id} has no nodes, and its target is 0", "resize the pool.")


def _no_ready_node(idle: IdleJob) -> Reason | None:
    pool, nodes = idle.seen.pool, idle.seen.nodes
    if pool is None or not nodes or idle.ready:
        return None
    broken = [node for node in nodes if node.state in BROKEN]
    if len(broken) == len(nodes):
        explained = explain_nodes(pool, broken, 0, len(nodes))
        return Reason(_one_line(explained), explained.next_step)
    closed = sum(not node.schedulable for node in nodes)
    if closed == len(nodes):
        return Reason(
            f"all {closed} node(s) of pool {pool.id} have scheduling disabled", "enable scheduling on them."
        )
    return Reason(f"no node of pool {pool.id} takes tasks yet: {_states(nodes)}")


def _states(nodes: Sequence[NodeView]) -> str:
    counts = Counter(_STATES.get(node.state, node.state) for node in nodes)
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))


_STATES = {
    "waitingforstarttask": "running their start task",
    "starttaskfailed": "whose start task failed",
    "preempted": "taken back by Azure (Spot), coming again by themselves",
    "leavingpool": "leaving the pool",
}


def _no_free_slot(idle: IdleJob) -> Reason | None:
    if not idle.ready or any(idle.free_slots):
        return None
    count = len(idle.ready)
    return Reason(f"all slots of the {count} node(s) of pool {idle.job.pool_id} are taken by other jobs")


def _preparation(idle: IdleJob) -> Reason | None:
    failed = {each.node_id: each for each in idle.preparations if each.failed}
    running = [each for each in idle.preparations if each.running]
    if failed and idle.ready and all(node.id in failed for node in idle.ready):
        first = next(iter(failed.values()))
        code = f"exit code {first.exit_code}" if first.exit_code is not None else "no exit code"
        return Reason(
            f"the job preparation task failed on all {len(failed)} node(s), as on {first.node_id} ({code}), "
            "and these take no tasks of this job any more; the job would wait for ever",
            "read jobpreparation/stderr.txt on the node, correct preparation, end the job and submit anew.",
            lasting=_is_settled(idle) and all(node.id in failed for node in idle.seen.nodes),
        )
    if running:
        return Reason(f"the job preparation task runs on {len(running)} node(s)")
    return None


def _is_settled(idle: IdleJob) -> bool:
    pool = idle.seen.pool
    return pool is not None and pool.allocation_state == "steady" and pool.current >= pool.target


def _dependencies(idle: IdleJob) -> Reason | None:
    active = [task for task in idle.tasks if task.state == "active"]
    unfinished = {task.id for task in idle.tasks}
    if active and all(unfinished.intersection(task.after) for task in active):
        first = active[0]
        waits_for = next(name for name in first.after if name in unfinished)
        return Reason(
            f"all {len(active)} tasks that are left wait for other tasks, as {first.id} for {waits_for}"
        )
    return None


def _multi_instance(idle: IdleJob) -> Reason | None:
    pool, unfinished = idle.seen.pool, {task.id for task in idle.tasks}
    due = [task for task in idle.tasks if task.state == "active" and unfinished.isdisjoint(task.after)]
    if pool is None or not due or not all(task.nodes for task in due):
        return None
    least = min(due, key=lambda task: task.nodes)
    told = f"multi-instance task {least.id} needs {least.nodes} idle node(s) at once"
    for wrong, has, step in (
        (not pool.inter_node, "may not talk to each other", "inter_node_communication=True"),
        (pool.slots_per_node > 1, f"have {pool.slots_per_node} task slots", "task_slots=1"),
    ):
        if wrong:
            return Reason(
                f"{told}, and those of pool {pool.id} {has}: it would wait for ever",
                f"end the job and submit anew, on a pool with {step}.",
            )
    idle_nodes = sum(not node.used_slots for node in idle.ready)
    told += f", and {idle_nodes} of the {pool.current} of pool {pool.id} are"
    if max(pool.target, pool.current) >= least.nodes:
        return Reason(told) if idle_nodes < least.nodes else None
    if pool.auto_scale:
        return Reason(f"{told}; its autoscale formula wants {pool.target}")
    return Reason(f"{told}; its target is {pool.target}", f"resize the pool to {least.nodes} or more.")


def _slots(idle: IdleJob) -> Reason | None:
    free = max(idle.free_slots, default=0)
    active = [task for task in idle.tasks if task.state == "active"]
    least = min((task.slots for task in active), default=0)
    if free and least > free:
        return Reason(
            f"each task needs {least} slots or more on one node, and no node has more than {free} free"
        )
    return None


def _one_line(explained: Explanation) -> str:
    return f"{explained.happened.rstrip('.')}: {explained.cause.rstrip('.')}".replace("\n", " ")


_Rule = Callable[[IdleJob], "Reason | None"]
_SURROUNDINGS: tuple[_Rule, ...] = (_job, _pool, _no_nodes, _no_ready_node, _no_free_slot)
_RULES: tuple[_Rule, ...] = (*_SURROUNDINGS, _preparation, _dependencies, _multi_instance, _slots)
