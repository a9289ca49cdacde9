"""Making sure that a pool is there and as declared: scripts, for both drivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_batch_provider.client.pools.overdue import set_anew_if_overdue
from airflow_batch_provider.client.pools.pool_drift import (
    PATCHABLE,
    SCALE,
    Difference,
    find_drift,
    find_missing_identities,
)
from airflow_batch_provider.client.pools.pool_refusals import explain_refusal
from airflow_batch_provider.client.pools.pool_requests import (
    delete_pool,
    disable_auto_scale,
    enable_auto_scale,
    resize,
)
from airflow_batch_provider.client.pools.pool_views import PoolView
from airflow_batch_provider.client.requests.job_requests import patiently
from airflow_batch_provider.client.requests.steps import Call, Refusal, Script
from airflow_batch_provider.spec.explain import Explanation

OnDrift = Literal["fail", "ignore", "patch", "recreate"]
EnsureStatus = Literal["created", "exists", "patched", "deleting", "missing"]


class PoolError(Exception):
    """A pool that cannot be had.

    Parameters:
        explanation: what happened, likely cause, next step.
        fatal: whether trying again without a change is pointless.
        layer: where the cause lies.
    """

    def __init__(self, explanation: Explanation, *, fatal: bool, layer: str = "") -> None:
        super().__init__(str(explanation))
        self.explanation = explanation
        self.fatal = fatal
        self.layer = layer


@dataclass(frozen=True)
class Ensured:
    """What ``ensure_pool`` found and did.

    ``deleting``: wait until the pool is gone, then ensure it again. ``missing``: it has to be made through
    the management plane.
    """

    status: EnsureStatus
    drift: tuple[Difference, ...] = ()


def ensure_pool(
    wire: Mapping[str, Any], on_drift: OnDrift, identities: Sequence[str] = ()
) -> Script[Ensured]:
    """Create a pool, or attach to the one of that id.

    A pool that is there and fell short in its last resize is asked for the missing nodes again, so that a
    retry of the task is a retry of the allocation.

    Parameters:
        wire: the wire model BatchPoolCreateOptions.
        on_drift: when the pool is not as declared: ``fail``; ``ignore`` it; ``patch`` what can be changed on
            a pool with nodes and fail for the rest; or ``recreate`` it, which interrupts its tasks.
        identities: ARM ids of its managed identities; such a pool is not created here, as the data plane
            cannot give it any.

    Raises:
        PoolError: the service refuses the pool, or it is not as declared.
    """
    try:
        there = None
        if identities or not (yield from _create(wire)):
            there = yield from patiently(Call("get_pool", (wire["id"],)))
        return (yield from _attach(wire, there, on_drift, identities)) if there else Ensured("created")
    except Refusal as refusal:
        if refusal.code == "PoolNotFound" and identities:
            return Ensured("missing")
        if refusal.code in ("PoolBeingDeleted", "PoolNotFound"):
            return Ensured("deleting")
        explanation, fatal = explain_refusal(refusal, wire["id"])
        raise PoolError(explanation, fatal=fatal) from refusal


def _create(wire: Mapping[str, Any]) -> Script[bool]:
    """Create a pool; False: there is one of that id."""
    try:
        yield from patiently(Call("create_pool", (wire,)))
    except Refusal as refusal:
        if refusal.code != "PoolExists":
            raise
        return False
    return True


def _attach(
    wire: Mapping[str, Any], actual: Mapping[str, Any], on_drift: OnDrift, identities: Sequence[str]
) -> Script[Ensured]:
    if actual.get("state") == "deleting":
        return Ensured("deleting")
    drift = [*find_drift(wire, actual), *find_missing_identities(identities, actual)]
    if not drift or on_drift == "ignore":
        yield from _renew(wire, actual, drift)
        return Ensured("exists", tuple(drift))
    if on_drift == "recreate":
        yield from delete_pool(wire["id"])
        return Ensured("deleting", tuple(drift))
    fixed = [difference for difference in drift if difference.top not in PATCHABLE | SCALE]
    if on_drift == "fail" or fixed:
        raise PoolError(
            _explain_drift(wire["id"], drift if on_drift == "fail" else fixed, on_drift), fatal=True
        )
    yield from _patch(wire, actual, drift)
    return Ensured("patched", tuple(drift))


def _renew(wire: Mapping[str, Any], actual: Mapping[str, Any], drift: list[Difference]) -> Script[None]:
    """Ask again for nodes that could not be had, and renew what expires or stands still in a pool that is as
    declared."""
    view = PoolView.read(actual)
    if view.is_short and not view.auto_scale and "targetDedicatedNodes" in wire:
        yield from resize(wire["id"], wire)
    yield from set_anew_if_overdue(actual)
    # Nodes that join later download the start task's files by the SAS in it; only this keeps it valid.
    files = (wire.get("startTask") or {}).get("resourceFiles", [])
    signed = any("sig=" in str(value) for file in files for value in file.values())
    if signed and not any(difference.top == "startTask" for difference in drift):
        yield from patiently(Call("update_pool", (wire["id"], {"startTask": wire["startTask"]})))


def _patch(wire: Mapping[str, Any], actual: Mapping[str, Any], drift: list[Difference]) -> Script[None]:
    pool_id, changed = wire["id"], {difference.top for difference in drift}
    # Patch pool: omitted is unchanged, an empty list clears; a start task can be taken away only by a
    # replacement of all three properties.
    if "startTask" in changed and "startTask" not in wire:
        kept = {name: wire.get(name, []) for name in ("applicationPackageReferences", "metadata")}
        yield from patiently(Call("replace_pool_properties", (pool_id, kept)))
    elif changed & PATCHABLE:
        patch = {name: wire.get(name, []) for name in changed & PATCHABLE}
        yield from patiently(Call("update_pool", (pool_id, patch)))
    if changed & SCALE:
        yield from _rescale(wire, was_auto=bool(actual.get("enableAutoScale")))


def _rescale(wire: Mapping[str, Any], *, was_auto: bool) -> Script[None]:
    if wire.get("enableAutoScale"):
        yield from enable_auto_scale(wire["id"], wire)
        return
    if was_auto:
        yield from disable_auto_scale(wire["id"])
    yield from resize(wire["id"], wire)


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
