"""What operators do to a pool that is there: scripts, for both drivers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from airflow_batch_provider.client.pools.overdue import set_anew_if_overdue
from airflow_batch_provider.client.pools.pool_drift import SCALE, find_differences
from airflow_batch_provider.client.pools.pool_requests import (
    MAX_REMOVED,
    delete_pool,
    disable_auto_scale,
    enable_auto_scale,
    get_pool,
    list_nodes,
    remove_nodes,
    resize,
)
from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView
from airflow_batch_provider.client.pools.pool_watch import work_on
from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.steps import Call, Pause, Refusal, Say, Script
from airflow_batch_provider.exceptions import BatchPoolHopelessError
from airflow_batch_provider.spec.explain import Explanation

NODES_NAMED = 10
"""Of a pool, in an error."""

_LEAVING = frozenset({"leavingpool"})


def resize_pool(pool_id: str, wire: Mapping[str, Any]) -> Script[bool]:
    """Ask for another number of nodes, unless the pool has them or is getting them.

    Parameters:
        pool_id: the pool.
        wire: the wire model BatchPoolResizeOptions, with both targets.

    Returns:
        False: another resize is under way.
    """
    pool = yield from patiently(Call("get_pool", (pool_id,)))
    view = PoolView.read(pool)
    targets = {name: wire[name] for name in ("targetDedicatedNodes", "targetLowPriorityNodes")}
    same = not find_differences(targets, pool) and not view.auto_scale
    if same and (view.allocation_state == "resizing" or view.current == view.target):
        yield Say(f"Pool {pool_id} has this size already, or is being brought to it.")
        return True
    return (yield from _unless_resizing(resize(pool_id, wire)))


def set_auto_scale(pool_id: str, wire: Mapping[str, Any]) -> Script[bool]:
    """Let a formula set the pool's size, unless it does so already and is evaluated.

    Parameters:
        pool_id: the pool.
        wire: the formula and its interval, in the names of the wire model of a pool.

    Returns:
        False: a resize is under way.
    """
    pool = yield from patiently(Call("get_pool", (pool_id,)))
    wanted = {name: wire[name] for name in SCALE if name in wire}
    if not find_differences(wanted, pool):
        yield from set_anew_if_overdue(pool)
    elif not (yield from _unless_resizing(enable_auto_scale(pool_id, wire))):
        return False
    run = (yield from patiently(Call("get_pool", (pool_id,)))).get("autoScaleRun") or {}
    if error := run.get("error"):
        text = f"The formula of pool {pool_id} could not be evaluated now: {error.get('code')}: "
        yield Say(f"{text}{error.get('message')}", "warning")
    elif run.get("results"):
        yield Say(f"The formula of pool {pool_id} gives {run['results']}")
    return True


def stop_auto_scale(pool_id: str) -> Script[None]:
    """Let the pool keep the size it has."""
    view: PoolView = yield from get_pool(pool_id)
    if not view.auto_scale:
        yield Say(f"Pool {pool_id} goes by no formula; nothing is changed")
        return
    yield from disable_auto_scale(pool_id)
    yield Say(f"Pool {pool_id} goes by its formula no more")


def choose_nodes(pool_id: str, node_ids: Collection[str], states: Collection[str]) -> Script[list[NodeView]]:
    """The nodes of a pool that are named or are in one of some states, and are not leaving it."""
    nodes: list[NodeView] = yield from list_nodes(pool_id)
    return [
        node for node in nodes if (node.id in node_ids or node.state in states) and node.state not in _LEAVING
    ]


def none_of(pool_id: str, node_ids: Collection[str], nodes: Sequence[NodeView]) -> BatchPoolHopelessError:
    """That none of the nodes which are named is in the pool.

    Parameters:
        pool_id: the pool.
        node_ids: the nodes that are named.
        nodes: those that the pool has.
    """
    there = [f"{node.id} ({node.state})" for node in nodes[:NODES_NAMED]]
    more = len(nodes) - len(there)
    has = ", ".join(there) + (f" and {more} more" if more else "") if there else "no nodes"
    return BatchPoolHopelessError(
        str(
            Explanation(
                f"None of the named nodes ({', '.join(sorted(node_ids)[:NODES_NAMED])}) can be used in pool "
                f"{pool_id}: it has {has}.",
                "The ids are misspelled or of another pool, or the nodes were removed or preempted: a node "
                "that comes in their place has another id.",
                "Name nodes that are there, or choose them by states=[...].",
            )
        )
    )


def remove_some(
    pool_id: str, node_ids: Collection[str], states: Collection[str], deallocation: str, *, again: bool
) -> Script[bool]:
    """Ask for the removal of nodes, as many as the service takes at once.

    Parameters:
        pool_id: the pool.
        node_ids, states: which nodes: named ones, and those in one of these states.
        deallocation: what becomes of their tasks.
        again: whether this was asked before, and the pool has settled since.

    Returns:
        Whether none of them is left; if not, wait until the pool has settled and ask again.

    Raises:
        Refusal: code ``RemoveNodesFailed``, when the service has given up.
    """
    if again:
        view: PoolView = yield from get_pool(pool_id)
        failed = [error for error in view.resize_errors if error.code == "RemoveNodesFailed"]
        if failed:
            raise Refusal("RemoveNodesFailed", 0, failed[0].message, transient=True)
    nodes: list[NodeView] = yield from choose_nodes(pool_id, node_ids, states)
    if not nodes:
        if not again:
            yield Say(f"Pool {pool_id} has none of the nodes that are to be removed")
        return True
    chosen: Sequence[str] = [node.id for node in nodes[:MAX_REMOVED]]
    if (yield from _unless_resizing(remove_nodes(pool_id, chosen, deallocation))):
        yield Say(f"Removing {len(chosen)} node(s) of pool {pool_id}")
    return False


def delete_if(pool_id: str, *, idle: bool) -> Script[bool]:
    """Ask for a pool's deletion.

    Parameters:
        pool_id: the pool.
        idle: only if it has no task to run.

    Returns:
        False: it has.
    """
    if idle:
        try:
            work = yield from work_on(pool_id)
        except Refusal as refusal:
            if refusal.code != "PoolNotFound":
                raise
            work = ""
        if work:
            yield Say(f"Pool {pool_id} is not idle: {work}")
            return False
    there = yield from delete_pool(pool_id)
    yield Say(f"Pool {pool_id} {'is being deleted' if there else 'is gone already, or was being deleted'}")
    return True


def _unless_resizing(request: Script[None]) -> Script[bool]:
    """Whether a request was taken, and not refused because of a resize that is under way."""
    try:
        yield from request
    except Refusal as refusal:
        if refusal.code != "PoolBeingResized":
            raise
        yield Pause(1.0)  # the pool may look steady for a moment though it is not
        return False
    return True
