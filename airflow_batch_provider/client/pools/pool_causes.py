"""Why a pool has no nodes: resize errors and broken nodes, explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_batch_provider.client.pools.pool_views import NodeView, PoolView
from airflow_batch_provider.client.requests.meaning import Layer
from airflow_batch_provider.spec.explain import Explanation


@dataclass(frozen=True)
class _Cause:
    text: str
    next_step: str
    fatal: bool
    layer: Layer = Layer.CAPACITY


_QUOTA_STEP = (
    "Ask for more quota (portal: Batch account, Quotas), free cores by shrinking other pools, or take a "
    "smaller vm_size or fewer nodes."
)
_CAPACITY_STEP = (
    "Try again later, or choose another vm_size, region or kind of node (dedicated instead of Spot); let the "
    "task have retries: each one asks for the missing nodes again."
)

# Azure Batch: *Check for pool and node errors*, 'Resize timeouts and failures'. Fatal: it stays so until
# someone changes a quota or the pool.
RESIZE_CAUSES: dict[str, _Cause] = {
    "AccountCoreQuotaReached": _Cause(
        "The Batch account's quota of dedicated cores is used up.", _QUOTA_STEP, True, Layer.QUOTA
    ),
    "AccountLowPriorityCoreQuotaReached": _Cause(
        "The Batch account's quota of Spot/low-priority cores is used up.", _QUOTA_STEP, True, Layer.QUOTA
    ),
    "AccountSpotCoreQuotaReached": _Cause(
        "The Batch account's quota of Spot cores is used up.", _QUOTA_STEP, True, Layer.QUOTA
    ),
    "AccountVMSeriesCoreQuotaReached": _Cause(
        "The Batch account's quota for this VM family is used up.", _QUOTA_STEP, True, Layer.QUOTA
    ),
    "AllocationFailed": _Cause(
        "Azure could not allocate the nodes: most often no capacity for this VM size in the region.",
        _CAPACITY_STEP,
        False,
    ),
    "AllocationTimedout": _Cause(
        "Azure did not allocate the nodes within the pool's resize_timeout.", _CAPACITY_STEP, False
    ),
    "CommunicationEnabledPoolReachedMaxVMCount": _Cause(
        "Pools with inter-node communication have a limit of nodes of their own.",
        "Ask for fewer nodes, or leave inter_node_communication out.",
        True,
        Layer.QUOTA,
    ),
    "ResizeStopped": _Cause(
        "Someone stopped the resize.", "Run the task again: it asks for the missing nodes again.", False
    ),
    "RemoveNodesFailed": _Cause(
        "Nodes could not be removed.", "Try again; see the pool in the portal if it stays.", False
    ),
}
_UNKNOWN = _Cause(
    "The service names no cause that is known here.",
    "Read the service's message above; the pool's page in the portal shows more.",
    False,
)


def explain_resize(pool: PoolView) -> tuple[Explanation, bool, Layer]:
    """Why the last resize of a pool fell short.

    Returns:
        The explanation, whether trying again without a change is pointless, and where the cause lies.
    """
    causes = [RESIZE_CAUSES.get(error.code, _UNKNOWN) for error in pool.resize_errors]
    # One lasting cause is enough to make a retry pointless, and is what the reader has to act on.
    cause = next((found for found in causes if found.fatal), causes[0])
    errors = "; ".join(str(error) for error in pool.resize_errors)
    happened = (
        f"Pool {pool.id} could not be allocated: it has {pool.current} of {pool.target} nodes. {errors}"
    )
    return Explanation(happened, cause.text, cause.next_step), cause.fatal, cause.layer


def explain_nodes(pool: PoolView, broken: Sequence[NodeView], ready: int, wanted: int) -> Explanation:
    """Why nodes that were allocated take no tasks.

    Parameters:
        pool: the pool.
        broken: its nodes whose start task failed or that are unusable; at least one.
        ready, wanted: nodes that take tasks, and how many were waited for.
    """
    node = next((node for node in broken if node.state == "starttaskfailed"), broken[0])
    happened = f"Pool {pool.id} has {ready} of {wanted} nodes that take tasks, and {len(broken)} broken ones."
    if node.state == "starttaskfailed":
        code = node.start_task_exit_code
        ended = f"ended with exit code {code}" if code is not None else "could not be run"
        failure = f" ({node.start_task_failure})" if node.start_task_failure else ""
        return Explanation(
            f"{happened} On node {node.id} the start task {ended}{failure}.",
            "The pool's start task fails on every node the same way: a command, download or permission in it "
            "is wrong.",
            "Read its output below, correct the start task, and let the pool be made anew "
            "(on_drift='recreate', or on_drift='patch' and a reboot of the nodes).",
        )
    errors = "; ".join(str(error) for error in node.errors) or "the service gives no reason"
    return Explanation(
        f"{happened} Node {node.id} is unusable: {errors}.",
        "An application package, a container image or a mount could not be set up, or the network keeps the "
        "node from the Batch service.",
        "Correct what the error names; if it names nothing, check the subnet and firewall, then reboot "
        "or remove the node.",
    )
