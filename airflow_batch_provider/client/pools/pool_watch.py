"""Watching a pool: what is asked of the service until a wait for it is over. Scripts, for both drivers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from airflow_batch_provider.client.pools.pool_reading import Observation, Verdict, WaitFor, judge
from airflow_batch_provider.client.pools.pool_refusals import explain_refusal
from airflow_batch_provider.client.pools.pool_views import NODE_PROPERTIES, NodeView, PoolView
from airflow_batch_provider.client.requests.job_requests import GONE, count_tasks
from airflow_batch_provider.client.requests.printed import TAIL_BYTES, last_lines
from airflow_batch_provider.client.requests.records import TaskCounts
from airflow_batch_provider.client.requests.steps import Answer, Call, Pause, Refusal, Say, Script, Send
from airflow_batch_provider.spec.explain import Explanation

_STREAMS = ("stdout.txt", "stderr.txt")
FIRST_PERIOD, LONGEST_PERIOD, PERIOD_GROWTH = 1.0, 30.0, 1.5
_WITH_NODES = frozenset({"nodes", "restarted"})
_LATE: dict[WaitFor, tuple[str, str]] = {
    "nodes": ("ready", "Azure is slow to give nodes of this size, or the start task takes long."),
    "steady": ("ready", "Azure is slow to give nodes of this size."),
    "settled": ("steady", "Azure is slow to give nodes, or nodes that leave wait for their tasks to end."),
    "gone": ("gone", "Azure is slow to release the nodes."),
    "idle": ("idle", "Its tasks take longer than expected, or there is always another one."),
    "restarted": ("back with all nodes", "Their tasks or the start task take long."),
}


@dataclass(frozen=True)
class PoolWait:
    """What is waited for, and until when.

    Parameters:
        pool_id: the pool.
        wait_for: see :func:`~airflow_batch_provider.client.pools.pool_reading.judge`.
        min_nodes: nodes that must take tasks, for ``nodes``.
        deadline: seconds since the epoch at which the wait fails; a time of the clock and not a length, so
            that whoever takes over goes by the same.
        boots: when each node had last started before it was asked to again, for ``restarted``.
        tells_output: whether what a start task that failed has printed is told.
    """

    pool_id: str
    wait_for: WaitFor
    min_nodes: int
    deadline: float
    boots: Mapping[str, str | None] = field(default_factory=dict)
    tells_output: bool = True

    def judge(self, seen: Observation, now: float) -> Verdict:
        """Whether the wait is over, by what was seen or by the clock."""
        verdict = judge(seen, self.wait_for, self.min_nodes, self.boots)
        if verdict.status != "wait" or now < self.deadline:
            return verdict
        state, cause = _LATE[self.wait_for]
        return Verdict(
            "failed",
            Explanation(
                f"Pool {self.pool_id} was not {state} in time: {seen.progress()}.",
                cause,
                "Raise wait_timeout of the operator, or look at the pool in the portal.",
            ),
        )


def periods() -> Iterator[float]:
    """Seconds between looks: short at first, since a pool that is there already needs one look only."""
    period = FIRST_PERIOD
    while True:
        yield period
        period = min(period * PERIOD_GROWTH, LONGEST_PERIOD)


def watch_pool(wait: PoolWait, *, clock: Callable[[], float] = time.time) -> Script[Verdict]:
    """Look at a pool until the wait is over; says whenever something changed."""
    last = ""
    for period in periods():
        verdict, progress = yield from look_at_pool(wait, clock=clock)
        if verdict.status != "wait":
            return verdict
        if progress not in ("", last):
            last = progress
            yield Say(f"Waiting: {last}")
        yield Pause(period)
    raise AssertionError("periods never end")


def look_at_pool(wait: PoolWait, *, clock: Callable[[], float] = time.time) -> Script[tuple[Verdict, str]]:
    """One look, to see whether there is anything to wait for.

    Returns:
        The verdict, and how far the pool is; empty if the service gave no answer.
    """
    try:
        seen = yield from observe(wait.pool_id, wait.wait_for)
    except Refusal as refusal:
        if not refusal.transient or clock() >= wait.deadline:
            explanation, fatal = explain_refusal(refusal, wait.pool_id)
            return Verdict("failed", explanation, fatal=fatal), ""
        yield Say(f"A look at pool {wait.pool_id} failed and is repeated: {refusal}", "warning")
        return Verdict("wait"), ""
    verdict = wait.judge(seen, clock())
    if verdict.status == "failed" and verdict.broken_node and wait.tells_output:
        output = yield from printed_on_node(wait.pool_id, verdict.broken_node)
        verdict = with_output(verdict, output)
    return verdict, seen.progress()


def observe(pool_id: str, wait_for: WaitFor) -> Script[Observation]:
    """Look at a pool, and at its nodes and jobs when they matter.

    Raises:
        Refusal: the service gave no answer, or refused.
    """
    try:
        pool = PoolView.read((yield Call("get_pool", (pool_id,))))
        nodes: tuple[NodeView, ...] = ()
        if wait_for in _WITH_NODES:
            listed = yield Call("list_nodes", (pool_id,), {"select": list(NODE_PROPERTIES)}, answer="pages")
            nodes = tuple(NodeView.read(node) for node in listed)
        work = (yield from work_on(pool_id)) if wait_for == "idle" else ""
        return Observation(pool, nodes, work)
    except Refusal as refusal:
        if refusal.code == "PoolNotFound":
            return Observation(None)
        raise


def work_on(pool_id: str) -> Script[str]:
    """What a pool has to do: tasks on its nodes, or tasks of active jobs that wait for it.

    Returns:
        A line for the log; empty when the pool is idle.
    """
    options = {"select": ["id", "state", "runningTasksCount"]}
    nodes = yield Call("list_nodes", (pool_id,), options, answer="pages")
    # The count leaves out preparation and release tasks, which make a node running all the same.
    busy = [node for node in nodes if node["state"] == "running" or node.get("runningTasksCount")]
    if busy:
        return f"{len(busy)} of its nodes run tasks"
    quoted = pool_id.replace("'", "''")
    where = f"state eq 'active' and executionInfo/poolId eq '{quoted}'"
    jobs = yield Call("list_jobs", (), {"filter": where, "select": ["id"]}, answer="pages")
    for job in jobs:
        try:
            counts: TaskCounts = yield from count_tasks(job["id"])
        except Refusal as refusal:
            if refusal.code in GONE:  # deleted since it was listed
                continue
            raise
        if counts.active or counts.running:
            return f"job {job['id']} has {counts.active + counts.running} task(s) to run on it"
    return ""


def with_output(verdict: Verdict, output: dict[str, str]) -> Verdict:
    """Add what a start task printed to the explanation of its failure."""
    if verdict.explanation is None or not any(output.values()):
        return verdict
    shown = "\n".join(f"--- {name} of the start task (end)\n{text}" for name, text in output.items() if text)
    explanation = replace(verdict.explanation, next_step=f"{verdict.explanation.next_step}\n{shown}")
    return replace(verdict, explanation=explanation)


def printed_on_node(pool_id: str, node_id: str, folder: str = "startup") -> Script[dict[str, str]]:
    """The end of what a node's start task printed, or a task with another folder on the node; without what
    cannot be read any more."""
    output: dict[str, str] = {}
    for name in _STREAMS:
        path = f"/pools/{pool_id}/nodes/{node_id}/files/{folder}/{name}"
        try:
            size = (yield Send("HEAD", path)).length
            if size:
                start = max(0, size - TAIL_BYTES)
                answer: Answer = yield Send("GET", path, headers={"ocp-range": f"bytes={start}-{size - 1}"})
                output[name] = last_lines(answer.body, name, whole=start == 0).strip()
        except Refusal:
            continue
    return output
