"""The single requests about pools and nodes that scripts are made of.

Past the client's ``begin_*`` methods: those start a poller that nobody here waits for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from airflow_batch_provider.client.pools.pool_views import NODE_PROPERTIES, NodeView, PoolView
from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.steps import Call, Refusal, Script, Send, Together

NodeAction = Literal["reboot", "reimage"]
# Azure Batch REST reference: *Remove nodes*: ids in one request.
MAX_REMOVED = 100
_OPTION_NAMES: dict[NodeAction, str] = {"reboot": "nodeRebootOption", "reimage": "nodeReimageOption"}
_STARTING_AGAIN = frozenset({"NodeBeingRebooted", "NodeBeingReimaged", "NodeBeingStarted"})


def get_pool(pool_id: str) -> Script[PoolView]:
    """A pool.

    Raises:
        Refusal: ``PoolNotFound``, or what else the service says.
    """
    return PoolView.read((yield from patiently(Call("get_pool", (pool_id,)))))


def pool_exists(pool_id: str) -> Script[bool]:
    """Whether there is such a pool."""
    try:
        yield from get_pool(pool_id)
    except Refusal as refusal:
        if refusal.code != "PoolNotFound":
            raise
        return False
    return True


def delete_pool(pool_id: str) -> Script[bool]:
    """Ask for a pool's deletion; its end is not waited for.

    Returns:
        Whether it was still there to be deleted.
    """
    try:
        yield from patiently(Send("DELETE", f"/pools/{pool_id}"))
    except Refusal as refusal:
        if refusal.code in ("PoolNotFound", "PoolBeingDeleted"):
            return False
        raise
    return True


def resize(pool_id: str, targets: Mapping[str, Any]) -> Script[None]:
    """Ask for a fixed number of nodes.

    Parameters:
        pool_id: the pool.
        targets: holds the wire model BatchPoolResizeOptions, and may hold more.
    """
    names = ("targetDedicatedNodes", "targetLowPriorityNodes", "resizeTimeout", "nodeDeallocationOption")
    options = {name: targets[name] for name in names if name in targets}
    yield from patiently(Send("POST", f"/pools/{pool_id}/resize", options))


def enable_auto_scale(pool_id: str, scale: Mapping[str, Any]) -> Script[None]:
    """Let a formula set the pool's size, or another one than before.

    Parameters:
        pool_id: the pool.
        scale: holds the wire model BatchPoolEnableAutoScaleOptions, and may hold more.
    """
    names = ("autoScaleFormula", "autoScaleEvaluationInterval")
    options = {name: scale[name] for name in names if name in scale}
    yield from patiently(Call("enable_pool_auto_scale", (pool_id, options)))


def disable_auto_scale(pool_id: str) -> Script[None]:
    """Let the pool keep the size that a formula gave it."""
    yield from patiently(Call("disable_pool_auto_scale", (pool_id,)))


def list_nodes(pool_id: str) -> Script[list[NodeView]]:
    """All nodes of a pool."""
    options = {"select": list(NODE_PROPERTIES)}
    listed = yield from patiently(Call("list_nodes", (pool_id,), options, answer="pages"))
    return [NodeView.read(node) for node in listed]


def remove_nodes(pool_id: str, node_ids: Sequence[str], deallocation: str) -> Script[None]:
    """Ask for the removal of nodes, at most 100."""
    body = {"nodeList": list(node_ids), "nodeDeallocationOption": deallocation}
    yield from patiently(Send("POST", f"/pools/{pool_id}/removenodes", body))


def start_again(
    pool_id: str, nodes: Sequence[NodeView], action: NodeAction, option: str
) -> Script[dict[str, str | None]]:
    """Reboot or reimage nodes; those that are starting again already are left alone.

    Parameters:
        pool_id: the pool.
        nodes: the nodes, as they are now.
        action: what to do with them.
        option: what becomes of their tasks: ``requeue``, ``terminate``, ``taskcompletion``.

    Returns:
        When each node had started before: it is through once that is another time.

    Raises:
        Refusal: the first one, after all nodes were asked.
    """
    body = {_OPTION_NAMES[action]: option}
    asked = [Send("POST", f"/pools/{pool_id}/nodes/{node.id}/{action}", body) for node in nodes]
    answers = yield Together(asked)
    refusals = [answer for answer in answers if isinstance(answer, Refusal)]
    for refusal in refusals:
        if refusal.code not in _STARTING_AGAIN:
            raise refusal
    return {node.id: node.boot_time for node in nodes}
