"""Making sure that a pool is there and as declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_batch_provider.client.pool_drift import PATCHABLE, SCALE, Difference, find_drift
from airflow_batch_provider.client.pool_views import PoolView
from airflow_batch_provider.client.service_errors import (
    error_code,
    error_details,
    error_status,
    error_text,
    explain_access,
    is_transient,
)
from airflow_batch_provider.spec.explain import Explanation

if TYPE_CHECKING:
    from azure.batch import BatchClient

OnDrift = Literal["fail", "ignore", "patch", "recreate"]
EnsureStatus = Literal["created", "exists", "patched", "deleting"]

# The SDK's pollers run in a thread of their own that nobody here waits for; this keeps them quiet.
_IDLE_POLLER_SECONDS = 60


class PoolError(Exception):
    """A pool that cannot be had.

    Parameters:
        explanation: what happened, likely cause, next step.
        fatal: whether trying again without a change is pointless.
    """

    def __init__(self, explanation: Explanation, *, fatal: bool) -> None:
        super().__init__(str(explanation))
        self.explanation = explanation
        self.fatal = fatal


@dataclass(frozen=True)
class Ensured:
    """What ``ensure_pool`` found and did; ``deleting``: wait until the pool is gone, then ensure it again."""

    status: EnsureStatus
    drift: tuple[Difference, ...] = ()


def ensure_pool(client: BatchClient, wire: dict[str, Any], on_drift: OnDrift) -> Ensured:
    """Create a pool, or attach to the one of that id.

    A pool that is there and fell short in its last resize is asked for the missing nodes again, so that a
    retry of the task is a retry of the allocation.

    Parameters:
        client: of the account.
        wire: the wire model BatchPoolCreateOptions.
        on_drift: when the pool is not as declared: ``fail``; ``ignore`` it; ``patch`` what can be changed on
            a pool with nodes and fail for the rest; or ``recreate`` it, which interrupts its tasks.

    Raises:
        PoolError: the service refuses the pool, or it is not as declared.
    """
    from azure.core.exceptions import AzureError

    try:
        return _create_or_attach(client, wire, on_drift)
    except AzureError as error:
        code = error_code(error)
        if code in ("PoolBeingDeleted", "PoolNotFound"):
            return Ensured("deleting")
        raise _refused(error, wire["id"], client) from error


def _create_or_attach(client: BatchClient, wire: dict[str, Any], on_drift: OnDrift) -> Ensured:
    from azure.core.exceptions import HttpResponseError

    try:
        client.create_pool(wire)  # type: ignore[arg-type]  # a wire dictionary is sent as it is
    except HttpResponseError as error:
        if error_code(error) != "PoolExists":
            raise
    else:
        return Ensured("created")
    actual = client.get_pool(wire["id"]).as_dict()
    if actual.get("state") == "deleting":
        return Ensured("deleting")
    drift = find_drift(wire, actual)
    if not drift or on_drift == "ignore":
        _renew(client, wire, actual, drift)
        return Ensured("exists", tuple(drift))
    if on_drift == "recreate":
        client.begin_delete_pool(wire["id"], polling_interval=_IDLE_POLLER_SECONDS)
        return Ensured("deleting", tuple(drift))
    fixed = [difference for difference in drift if difference.top not in PATCHABLE | SCALE]
    if on_drift == "fail" or fixed:
        raise PoolError(
            _explain_drift(wire["id"], drift if on_drift == "fail" else fixed, on_drift), fatal=True
        )
    _patch(client, wire, actual, drift)
    return Ensured("patched", tuple(drift))


def _renew(
    client: BatchClient, wire: dict[str, Any], actual: dict[str, Any], drift: list[Difference]
) -> None:
    """Ask again for nodes that could not be had, and renew what expires in a pool that is as declared."""
    view = PoolView.read(actual)
    if view.is_short and not view.auto_scale and "targetDedicatedNodes" in wire:
        _resize(client, wire)
    # Nodes that join later download the start task's files by the SAS in it; only this keeps it valid.
    files = (wire.get("startTask") or {}).get("resourceFiles", [])
    signed = any("sig=" in str(value) for file in files for value in file.values())
    if signed and not any(difference.top == "startTask" for difference in drift):
        client.update_pool(wire["id"], {"startTask": wire["startTask"]})  # type: ignore[arg-type]


def _patch(
    client: BatchClient, wire: dict[str, Any], actual: dict[str, Any], drift: list[Difference]
) -> None:
    changed = {difference.top for difference in drift}
    # Patch pool: omitted is unchanged, an empty list clears; a start task can be taken away only by a
    # replacement of all three properties.
    if "startTask" in changed and "startTask" not in wire:
        client.replace_pool_properties(
            wire["id"],
            {  # type: ignore[arg-type]
                "applicationPackageReferences": wire.get("applicationPackageReferences", []),
                "metadata": wire.get("metadata", []),
            },
        )
    elif changed & PATCHABLE:
        client.update_pool(wire["id"], {name: wire.get(name, []) for name in changed & PATCHABLE})  # type: ignore[arg-type]
    if changed & SCALE:
        _rescale(client, wire, was_auto=bool(actual.get("enableAutoScale")))


def _rescale(client: BatchClient, wire: dict[str, Any], *, was_auto: bool) -> None:
    if wire.get("enableAutoScale"):
        options = {
            name: wire[name] for name in ("autoScaleFormula", "autoScaleEvaluationInterval") if name in wire
        }
        client.enable_pool_auto_scale(wire["id"], options)  # type: ignore[arg-type]
        return
    if was_auto:
        client.disable_pool_auto_scale(wire["id"])
    _resize(client, wire)


def _resize(client: BatchClient, wire: dict[str, Any]) -> None:
    names = ("targetDedicatedNodes", "targetLowPriorityNodes", "resizeTimeout")
    options = {name: wire[name] for name in names if name in wire}
    client.begin_resize_pool(wire["id"], options, polling_interval=_IDLE_POLLER_SECONDS)  # type: ignore[arg-type]


def _explain_drift(pool_id: str, drift: list[Difference], on_drift: OnDrift) -> Explanation:
    listed = "\n".join(f"  {difference}" for difference in drift)
    unchangeable = " in what cannot be changed while it has nodes" if on_drift == "patch" else ""
    return Explanation(
        f"Pool {pool_id} is there, but not as declared{unchangeable}:\n{listed}",
        "The declaration was changed after the pool was made, or someone changed the pool, or another DAG "
        "uses the same pool id.",
        "Give the pool another id, set on_drift='recreate' (interrupts its tasks), 'patch' (start task, "
        "packages, metadata, size) or 'ignore', or bring the declaration back to the pool.",
    )


_REFUSALS: dict[str, tuple[str, str]] = {
    "PoolQuotaReached": (
        "The Batch account has as many pools as its quota allows.",
        "Delete pools that are not used, or ask for more quota (portal: Batch account, Quotas).",
    ),
    "InvalidApplicationPackageReferences": (
        "An application package does not exist, is not active, or has no default version.",
        "Let an AzureBatchApplicationPackageOperator run before this task, and compare name and version.",
    ),
    "AutoScalingFormulaSyntaxError": (
        "The autoscale formula is wrong.",
        "Correct it at the place the message names.",
    ),
    "InvalidAutoScalingSettings": (
        "The autoscale formula or its interval is wrong.",
        "Correct what the message names.",
    ),
    "PoolBeingResized": (
        "The pool is still being resized, and its size can be changed only afterwards.",
        "Run the task again when the pool is steady; retries do that.",
    ),
    "TooManyEnableAutoScaleRequests": (
        "The autoscale settings of a pool can be changed once in 30 seconds.",
        "Run the task again; retries do that.",
    ),
}
_PASSING = frozenset({"PoolBeingResized", "TooManyEnableAutoScaleRequests", "PoolBeingCreated"})


def _refused(error: BaseException, pool_id: str, client: BatchClient) -> PoolError:
    code, status = error_code(error), error_status(error)
    endpoint = str(getattr(getattr(client, "_config", None), "endpoint", "the account"))
    happened = f"Pool {pool_id}: {error_text(error)} [{status} {code}] {error_details(error)}".rstrip()
    if code in _REFUSALS:
        return PoolError(Explanation(happened, *_REFUSALS[code]), fatal=code not in _PASSING)
    if status == 400:
        step = "Correct what the message names in the pool's declaration."
        return PoolError(
            Explanation(happened, "The declaration holds a value the service refuses.", step), fatal=True
        )
    explanation = explain_access(error, "Azure Batch", endpoint, "of the connection")
    return PoolError(explanation, fatal=not is_transient(error) and status not in (0, 409))
