"""Judging whether a wait for a pool is over. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from airflow_batch_provider.client.pools.pool_causes import explain_nodes, explain_resize
from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView
from airflow_batch_provider.spec.explain import Explanation

WaitFor = Literal["steady", "nodes", "settled", "gone", "idle", "restarted"]
Status = Literal["wait", "ready", "failed"]

# Azure Batch REST reference: *Get node*, state. A preempted node comes back by itself under the same id.
READY = frozenset({"idle", "running"})
COMING = frozenset(
    {
        "creating",
        "starting",
        "waitingforstarttask",
        "rebooting",
        "reimaging",
        "upgradingos",
        "unknown",
        "preempted",
    }
)
BROKEN = frozenset({"starttaskfailed", "unusable"})


@dataclass(frozen=True)
class Observation:
    """A pool and its nodes at one moment.

    Parameters:
        pool: None when there is no such pool.
        nodes: its nodes, where they matter.
        work: what it has to do; empty when it is idle, or where that does not matter.
    """

    pool: PoolView | None
    nodes: tuple[NodeView, ...] = ()
    work: str = ""

    def progress(self) -> str:
        """One line for the log."""
        if self.pool is None:
            return "the pool does not exist"
        counts = Counter(node.state for node in self.nodes)
        states = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        pool = self.pool
        line = f"pool {pool.id} is {pool.allocation_state}, {pool.current} of {pool.target} nodes"
        return f"{line} ({self.work or states})" if self.work or states else line


@dataclass(frozen=True)
class Verdict:
    """Whether a wait is over, and how.

    Parameters:
        status: ``wait`` on, ``ready``, or ``failed``.
        explanation: of a failure.
        fatal: whether trying again without a change is pointless.
        warnings: what is wrong though the wait is over.
        broken_node: a node whose start task output tells more.
        layer: where the cause of a failure lies; see ``client.requests.meaning.Layer``.
    """

    status: Status
    explanation: Explanation | None = None
    fatal: bool = False
    warnings: tuple[str, ...] = ()
    broken_node: str | None = None
    layer: str = ""


_WAIT = Verdict("wait")


def judge(
    seen: Observation,
    wait_for: WaitFor,
    min_nodes: int = 0,
    boots: Mapping[str, str | None] = MappingProxyType({}),
) -> Verdict:
    """Whether a wait for a pool is over. Never waits for all nodes to be idle: tasks start on the first.

    Parameters:
        seen: the pool and its nodes now.
        wait_for: ``steady``: allocation has ended, and not short of nodes; ``settled``: it has ended, however
            that was; ``nodes``: ``min_nodes`` of them take tasks; ``restarted``: the nodes in ``boots`` have
            started again and take tasks; ``idle``: it has no task to run; ``gone``: a deletion has ended.
        min_nodes: how many nodes must be idle or running, for ``nodes``.
        boots: when nodes had started before, for ``restarted``.
    """
    pool = seen.pool
    if wait_for == "gone":
        return Verdict("ready") if pool is None or pool.state != "deleting" else _WAIT
    if wait_for == "idle":
        return _WAIT if seen.work else Verdict("ready")
    if pool is None or pool.state == "deleting":
        return Verdict(
            "failed",
            Explanation(
                "The pool was deleted while it was waited for.",
                "Someone, or another DAG, deleted it.",
                "Run the task again: it makes the pool anew.",
            ),
        )
    if wait_for == "settled":
        return Verdict("ready") if pool.allocation_state == "steady" else _WAIT
    if wait_for == "restarted":
        return _judge_restarted(seen, pool, boots)
    return _judge_steady(seen, pool) if wait_for == "steady" else _judge_nodes(seen, pool, min_nodes)


def _judge_steady(seen: Observation, pool: PoolView) -> Verdict:
    if pool.allocation_state != "steady":
        return _WAIT
    if not pool.resize_errors:
        # A resize that was accepted shows at once; until then the current number lags behind the target.
        return Verdict("ready") if pool.auto_scale or pool.current >= pool.target else _WAIT
    if pool.current < pool.target and not pool.auto_scale:
        return _short(pool)
    return Verdict("ready", warnings=_warnings(seen, pool))


def _judge_nodes(seen: Observation, pool: PoolView, min_nodes: int) -> Verdict:
    ready = sum(node.state in READY for node in seen.nodes)
    coming = sum(node.state in COMING for node in seen.nodes)
    broken = [node for node in seen.nodes if node.state in BROKEN]
    if ready >= min_nodes:
        return Verdict("ready", warnings=_warnings(seen, pool))
    if pool.allocation_state != "steady" or ready + coming >= min_nodes:
        return _WAIT
    if broken:
        return Verdict(
            "failed",
            explain_nodes(pool, broken, ready, min_nodes),
            layer="node_start",
            broken_node=_with_start_task(broken),
        )
    if pool.resize_errors and (not pool.auto_scale or _short(pool).fatal):
        return _short(pool)
    if pool.auto_scale or pool.current < pool.target:
        return _WAIT
    return Verdict(
        "failed",
        Explanation(
            f"Pool {pool.id} has {ready} of the {min_nodes} nodes waited for, and no more will come.",
            f"Its target is {pool.target} nodes.",
            "Raise the pool's scale, or wait for fewer nodes.",
        ),
        fatal=True,
    )


def _judge_restarted(seen: Observation, pool: PoolView, boots: Mapping[str, str | None]) -> Verdict:
    """A node that has left the pool in the meantime is not waited for."""
    asked = [node for node in seen.nodes if node.id in boots]
    again = [node for node in asked if node.boot_time != boots[node.id]]
    ready = sum(node.state in READY for node in again)
    if ready == len(asked):
        return Verdict("ready", warnings=_warnings(seen, pool))
    broken = [node for node in again if node.state in BROKEN]
    if ready + len(broken) < len(asked):
        return _WAIT
    return Verdict(
        "failed",
        explain_nodes(pool, broken, ready, len(asked)),
        layer="node_start",
        broken_node=_with_start_task(broken),
    )


def _short(pool: PoolView) -> Verdict:
    explanation, fatal, layer = explain_resize(pool)
    return Verdict("failed", explanation, fatal=fatal, layer=layer.value)


def _warnings(seen: Observation, pool: PoolView) -> tuple[str, ...]:
    warnings = [f"Pool {pool.id} has a resize error: {error}" for error in pool.resize_errors]
    if pool.auto_scale_error:
        warnings.append(f"The autoscale formula of pool {pool.id} failed: {pool.auto_scale_error}")
    broken = Counter(node.state for node in seen.nodes if node.state in BROKEN)
    warnings += [f"{count} node(s) of pool {pool.id} are {state}" for state, count in sorted(broken.items())]
    return tuple(warnings)


def _with_start_task(broken: Sequence[NodeView]) -> str | None:
    return next((node.id for node in broken if node.state == "starttaskfailed"), None)
